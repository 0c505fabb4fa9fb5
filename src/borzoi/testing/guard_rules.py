"""What the network guard lets pass: hosts, addresses and networks, with a port or without.

A name that is allowed is looked up, once more than the program does, since the program connects to an address that no
longer tells its name.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
Resolve: TypeAlias = Callable[[str, None], Iterable[Any]]

_LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def text_of(host: Any) -> str:
    """Return a host as text, without the zone of an IPv6 address, in lower case."""
    text = bytes(host).decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
    return text.partition("%")[0].rstrip(".").lower()


def is_literal(host: str) -> bool:
    """Return whether a host is an address, so that no name server is asked."""
    return _address(host) is not None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Rule:
    """One thing that is allowed."""

    __slots__ = ("_resolve", "name", "networks", "port")

    def __init__(self, target: str, resolve: Resolve) -> None:
        self._resolve = resolve
        host, self.port = _split(target)
        self.name = "" if "/" in host or is_literal(host) else host
        self.networks: tuple[Network, ...] = ()
        if not self.name:
            self.networks = (_network(host, target),)
        elif self.name == "localhost":
            self.networks = _LOOPBACK

    def is_name(self, name: str) -> bool:
        """Return whether a name is meant."""
        return bool(self.name) and fnmatch.fnmatchcase(name, self.name)

    def reaches(self, host: str, port: Any) -> bool:
        """Return whether an address, or a name, and a port are meant."""
        if self.port is not None and port is not None and str(port) != str(self.port):
            return False
        address = _address(host)
        if address is None:
            return self.is_name(host)
        return any(address in network for network in self.networks)

    def learn(self) -> None:
        """Find the addresses of the name, as they are now, beside those of before."""
        if self.name and "*" not in self.name and self.name != "localhost":
            self.learn_from(self.name)

    def learn_from(self, name: str) -> None:
        """Add the addresses of one name."""
        try:
            found = self._resolve(name, None)
        except OSError:
            return
        self.networks += tuple(ipaddress.ip_network(text_of(info[4][0])) for info in found)


class Allowed:
    """All that one guard allows."""

    def __init__(self, targets: Iterable[str] = (), resolve: Resolve = socket.getaddrinfo) -> None:
        self._resolve = resolve
        self._rules: list[Rule] = []
        self.add(*targets)

    def add(self, *targets: str) -> None:
        """Allow more. Raises ValueError for what is no host, address or network."""
        self._rules += [Rule(target, self._resolve) for target in targets]

    def reaches(self, host: str, port: Any) -> bool:
        """Return whether a connection to a host and a port may be made."""
        if any(rule.reaches(host, port) for rule in self._rules):
            return True
        # The program may remember a name from before the guard, or have got other addresses for it.
        for rule in self._rules:
            rule.learn()
        return any(rule.reaches(host, port) for rule in self._rules)

    def may_look_up(self, name: str) -> bool:
        """Return whether a name may be looked up; its addresses may then be reached."""
        rules = [rule for rule in self._rules if rule.is_name(name)]
        for rule in rules:
            rule.learn_from(name)
        return bool(rules)


def _split(target: str) -> tuple[str, int | None]:
    """Return the host and the port of `host`, `host:port`, `[v6]:port` or a bare IPv6 address."""
    text = target.strip().lower()
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text, ""
    host = host.strip("[]").rstrip(".")
    if not host or (port and not port.isdigit()) or set(host) & set(" @?#") or "//" in host:
        raise ValueError(f"The network guard can allow a host, an address or a network, not {target!r}.")
    return host, int(port) if port else None


def _network(host: str, target: str) -> Network:
    try:
        return ipaddress.ip_network(_address(host) or host, strict=False)
    except ValueError as error:
        raise ValueError(f"The network guard cannot allow {target!r}: {error}.") from None
