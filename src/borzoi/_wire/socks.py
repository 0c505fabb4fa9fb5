"""The client's side of SOCKS 4, 4a and 5 (RFC 1928, RFC 1929), without I/O.

In: where the proxy is to connect to, and the bytes that arrive from it. Out: bytes to send. When `complete`, the proxy
has connected, and `leftover` is what it sent after its last reply. A refusal is a ProxyError in the words of the reply;
what is no reply is a RemoteProtocolError. No reply has more than 262 bytes.

    begin() -> receive(), ... until `complete`
"""

from __future__ import annotations

from collections.abc import Callable

from .._errors import ProxyError, RemoteProtocolError

NO_AUTHENTICATION = 0
USERNAME_PASSWORD = 2

METHODS = {0: "NO AUTHENTICATION REQUIRED", 1: "GSSAPI", 2: "USERNAME/PASSWORD", 255: "NO ACCEPTABLE METHODS"}
"""RFC 1928, section 3."""

REPLIES = {
    1: "General SOCKS server failure",
    2: "Connection not allowed by ruleset",
    3: "Network unreachable",
    4: "Host unreachable",
    5: "Connection refused",
    6: "TTL expired",
    7: "Command not supported",
    8: "Address type not supported",
}
"""RFC 1928, section 6."""

REPLIES_OF_4 = {
    91: "Request rejected or failed",
    92: "The client's identd cannot be reached",
    93: "The client's identd names another user",
}
"""The SOCKS 4 protocol, CONNECT."""

MAX_FIELD = 255
"""Octets in a name, user name or password: their length is one octet."""


def packed(host: str) -> bytes | None:
    """Return an IP address as 4 or 16 octets, None for a name."""
    if ":" not in host and not host[-1:].isdigit():
        return None

    from ipaddress import ip_address

    try:
        # RFC 4007, section 11.2: a zone means something to this machine only.
        return ip_address(host.partition("%")[0]).packed
    except ValueError:
        return None


class Replies:
    """Collect what arrives, and give it out in replies."""

    def __init__(self) -> None:
        self.complete = False
        """Whether the proxy has connected."""
        self.leftover = b""
        """What arrived after the last reply."""

    def receive(self, data: bytes) -> bytes:
        """Take in what arrived, b"" for the end, and return what to answer. Raises ProxyError, RemoteProtocolError."""
        if not data:
            raise RemoteProtocolError("The connection was closed in the middle of the SOCKS handshake")
        self.leftover += data
        return self._answer()

    def _answer(self) -> bytes:
        raise NotImplementedError

    def _take(self, size: int) -> bytes:
        """Return so many octets, or b"" where they have not come yet."""
        if len(self.leftover) < size:
            return b""
        reply, self.leftover = self.leftover[:size], self.leftover[size:]
        return reply

    def _check_version(self, version: int) -> None:
        if self.leftover[0] != version:
            raise RemoteProtocolError(f"It does not speak SOCKS: its reply begins with {self.leftover[:1]!r}")


class Socks4(Replies):
    """Ask a SOCKS 4 proxy for a connection to an IPv4 address, or a SOCKS 4a proxy for one to a name."""

    def __init__(self, host: str, port: int, user: bytes = b"") -> None:
        super().__init__()
        self._host = host
        self._port = port
        self._user = user

    def begin(self) -> bytes:
        """Return what to send first. Raises ProxyError for an IPv6 address."""
        address = packed(self._host)
        if address is not None and len(address) != 4:
            raise ProxyError(f"SOCKS 4 reaches no IPv6 addresses, and {self._host} is one")
        # SOCKS 4A: an address 0.0.0.x that is none says that a name follows.
        name = b"" if address is not None else self._host.encode("ascii") + b"\0"
        return b"\x04\x01%b%b%b\0%b" % (self._port.to_bytes(2, "big"), address or b"\0\0\0\x01", self._user, name)

    def _answer(self) -> bytes:
        # "VN is the version of the reply code and should be 0."
        self._check_version(0)
        reply = self._take(8)
        if reply and reply[1] != 90:
            raise _refused(reply[1], REPLIES_OF_4)
        self.complete = bool(reply)
        return b""


class Socks5(Replies):
    """Ask a SOCKS 5 proxy for a connection to an address or a name."""

    def __init__(self, host: str, port: int, auth: tuple[bytes, bytes] | None = None) -> None:
        super().__init__()
        self._auth = auth
        self._method = NO_AUTHENTICATION if auth is None else USERNAME_PASSWORD
        self._host = host
        self._port = port
        self._request = b""
        # What the next reply is about.
        self._read: Callable[[], bytes] = self._read_method

    def begin(self) -> bytes:
        """Return what to send first. Who has credentials means to use them: no other method is offered.

        Raises ProxyError for a name that does not fit.
        """
        self._request = b"\x05\x01\0%b%b" % (_address(self._host), self._port.to_bytes(2, "big"))
        return bytes((5, 1, self._method))

    def _answer(self) -> bytes:
        answer = self._read()
        if answer and self.leftover:
            raise RemoteProtocolError("It replied to a SOCKS request that it did not have yet")
        return answer

    def _read_method(self) -> bytes:
        self._check_version(5)
        reply = self._take(2)
        if not reply:
            return b""
        if reply[1] != self._method:
            chosen = METHODS.get(reply[1], f"UNKNOWN ({reply[1]})")
            raise ProxyError(f"Requested {METHODS[self._method]} from proxy server, but got {chosen}.")

        if self._auth is None:
            self._read = self._read_reply
            return self._request
        # RFC 1929, section 2.
        self._read = self._read_status
        user, password = self._auth
        return b"\x01%c%b%c%b" % (len(user), user, len(password), password)

    def _read_status(self) -> bytes:
        # RFC 1929 has its own version, 1. Some servers answer with that of SOCKS: what counts is the status.
        reply = self._take(2)
        if not reply:
            return b""
        if reply[1] != 0:
            raise ProxyError("Invalid username/password")
        self._read = self._read_reply
        return self._request

    def _read_reply(self) -> bytes:
        self._check_version(5)
        # A refusal says enough with its second octet, and some servers send no more of it.
        if self.leftover[1:2] not in (b"", b"\0"):
            raise _refused(self.leftover[1], REPLIES)
        # VER REP RSV ATYP BND.ADDR BND.PORT: the fifth octet may be the length of a name.
        if len(self.leftover) >= 5:
            size = {1: 4, 3: 1 + self.leftover[4], 4: 16}.get(self.leftover[3])
            if size is None:
                raise RemoteProtocolError(f"Its SOCKS reply has an address of the unknown type {self.leftover[3]}")
            self.complete = bool(self._take(4 + size + 2))
        return b""


def _address(host: str) -> bytes:
    """Return a host as RFC 1928, section 5, writes it: its type, then its octets."""
    address = packed(host)
    if address is not None:
        return (b"\x01" if len(address) == 4 else b"\x04") + address
    name = host.encode("ascii")
    if len(name) > MAX_FIELD:
        raise ProxyError(f"SOCKS 5 carries names of at most {MAX_FIELD} octets, and {host[:40]}... is longer")
    return b"\x03%c%b" % (len(name), name)


def _refused(code: int, meanings: dict[int, str]) -> ProxyError:
    return ProxyError(f"Proxy Server could not connect: {meanings.get(code, 'Unknown reply')}. SOCKS reply {code}")
