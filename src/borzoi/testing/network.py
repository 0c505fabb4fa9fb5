"""The network in front of the scripted servers: which hosts can be reached, how fast, and with which certificate."""

from __future__ import annotations

import re
from typing import Self

from . import faults
from .faults import NetworkFault
from .matching import _host_pattern


class Host:
    """Say what becomes of connections to a host. Each method returns the host itself."""

    def __init__(self, pattern: str) -> None:
        host = _host_pattern(None, pattern)
        self._pattern = re.compile(".*") if host is None else host if isinstance(host, re.Pattern) else _with_port(host)
        self._faults: list[list[NetworkFault | int]] = []
        self.delay = 0.0
        """Seconds until a connection is there, and until each reply begins."""
        self.speaks_http2 = True
        """Whether it agrees to HTTP/2 where a client offers it."""

    def covers(self, host: str, port: int) -> bool:
        """Return whether a host and port are meant."""
        return bool(self._pattern.fullmatch(host.lower()) or self._pattern.fullmatch(f"{host.lower()}:{port}"))

    def fail(self, fault: NetworkFault, times: int | None = None) -> Self:
        """Have every connection fail, or the next `times` of them."""
        self._faults.append([fault, -1 if times is None else times])
        return self

    def next_fault(self) -> NetworkFault | None:
        """Return what the next connection meets, and count it."""
        for entry in self._faults:
            fault, left = entry
            assert isinstance(fault, NetworkFault)
            assert isinstance(left, int)
            if left:
                entry[1] = left - 1 if left > 0 else left
                return fault
        return None

    def refuse(self, times: int | None = None) -> Self:
        """Have nobody listen."""
        return self.fail(faults.refuse(), times)

    def dns_fail(self, times: int | None = None) -> Self:
        """Have no name server know the name."""
        return self.fail(faults.dns_fail(), times)

    def dns_hang(self, times: int | None = None) -> Self:
        """Have no name server answer."""
        return self.fail(faults.dns_hang(), times)

    def connect_hang(self, times: int | None = None) -> Self:
        """Have the packets of connections vanish."""
        return self.fail(faults.connect_hang(), times)

    def refuse_tunnel(self, status: int = 407, times: int | None = None) -> Self:
        """Have a proxy answer CONNECT with a status: 407 for credentials that are missing or wrong."""
        return self.fail(faults.refuse_tunnel(status), times)

    def tls(self, kind: str, times: int | None = None) -> Self:
        """Show a certificate that is "expired", "self_signed", "untrusted", or for the "wrong_host"."""
        return self.fail(faults.tls(kind), times)

    def tls_hang(self, times: int | None = None) -> Self:
        """Have the server say nothing in TLS handshakes."""
        return self.fail(faults.tls_hang(), times)

    def tls_alert(self, times: int | None = None) -> Self:
        """Have the server end TLS handshakes with an alert."""
        return self.fail(faults.tls_alert(), times)

    def tls_close(self, times: int | None = None) -> Self:
        """Have the server close the connection in TLS handshakes."""
        return self.fail(faults.tls_close(), times)

    def write_stall(self, after_bytes: int = 0, times: int | None = None) -> Self:
        """Have the server take in so many bytes of a connection, and no more."""
        return self.fail(faults.write_stall(after_bytes), times)

    def window_stall(self, times: int | None = None) -> Self:
        """Have the server of HTTP/2 take in 65,535 bytes of uploads, and open its windows no more."""
        return self.fail(faults.window_stall(), times)

    def http1_only(self) -> Self:
        """Have the server know HTTP/1.1 only, whatever the client offers."""
        self.speaks_http2 = False
        return self

    def latency(self, seconds: float) -> Self:
        """Have connections, and each reply, come so much later."""
        if seconds < 0:
            raise ValueError(f"A latency cannot be negative: latency({seconds!r}).")
        self.delay = seconds
        return self


def _with_port(host: str) -> re.Pattern[str]:
    return re.compile(re.escape(host))


class Network:
    """Hold the hosts that were named; all others can be reached at once."""

    def __init__(self) -> None:
        self._hosts: dict[str, Host] = {}

    def host(self, pattern: str) -> Host:
        """Return the host, or the hosts, of a pattern: a name, a name and a port, with `*` for any part."""
        known = self._hosts.get(pattern)
        if known is None:
            known = self._hosts[pattern] = Host(pattern)
        return known

    def add(self, host: Host) -> None:
        """Add a host that was made elsewhere."""
        self._hosts["*"] = host

    def find(self, host: str, port: int) -> Host | None:
        """Return the host that was named last of those that cover a host and port."""
        for known in reversed(self._hosts.values()):
            if known.covers(host, port):
                return known
        return None
