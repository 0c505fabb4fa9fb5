"""What goes wrong, as a server, a network and a name server do it.

A `Fault` spoils a reply: it is given the head and the events of the body, and returns the events that take their place.
Counts are bytes of the body as they are sent; without a count the fault comes before the head. Over HTTP/2 the head is
a `Head` and not bytes; a fault of one version alone says so where it meets the other.
A `NetworkFault` keeps a connection from coming about. What the client makes of either is what it makes of a real one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from .._backends.lookups import literal_address
from .._backends.memory import END, FOR_EVER, Event, Hang, Wait
from .._backends.sockets import connect_failed, tls_failed
from .http2_events import FINISH, EndlessHead, GoAway, HalfHead, Head, Raw, ResetStream, code_of
from .script import RAGGED_END, Reply

if TYPE_CHECKING:
    from .._backends.base import TLSOptions
    from .http2_events import Said

Spoil: TypeAlias = Callable[[bytes, "list[Event]"], "list[Event]"]
SpoilHttp2: TypeAlias = "Callable[[Head, list[Said]], list[Said]]"

FILLER = 4096
"""Bytes of the body of a reply that is there only to go wrong, beyond those that the fault lets through."""


class Fault:
    """What goes wrong with a reply. Its `repr` is the call that makes it."""

    __slots__ = ("_size", "spoil", "spoil_http2", "text")

    def __init__(self, text: str, spoil: Spoil | None, size: int = 0, *, spoil_http2: SpoilHttp2 | None = None) -> None:
        self.text = text
        self.spoil = spoil
        """Takes the head and the events of the body; returns the events in their place. None: not over HTTP/1.1."""
        self.spoil_http2 = spoil_http2
        """The same over HTTP/2."""
        self._size = size

    def reply(self) -> Reply:
        """Return a reply that is there only to go wrong."""
        return Reply(content=b"x" * (self._size + FILLER), fault=self)

    def __repr__(self) -> str:
        return self.text


def _of_both(text: str, spoil: Callable[[Any, list[Any]], list[Any]], size: int = 0) -> Fault:
    """Return a fault that is the same in both versions: it cuts bytes of the body, and takes the head as it is."""
    return Fault(text, spoil, size, spoil_http2=spoil)


def reset(after_bytes: int | None = None) -> Fault:
    """Break the connection (RST): before the head, or after so many bytes of the body."""

    def spoil(head: Any, body: list[Any]) -> list[Any]:
        return [*_begun(head, body, after_bytes), ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))]

    return _of_both(_call("reset", after_bytes=after_bytes), spoil, after_bytes or 0)


def truncate(n: int | None = None) -> Fault:
    """Close the connection: before the head, or after `n` bytes of the body."""

    def spoil(head: Any, body: list[Any]) -> list[Any]:
        return [*_begun(head, body, n), END]

    return _of_both(_call("truncate", n=n), spoil, n or 0)


def truncate_head() -> Fault:
    """Close the connection in the middle of the head."""
    return Fault(
        "truncate_head()",
        lambda head, _body: [head[: len(head) // 2], END],
        spoil_http2=lambda head, _body: [HalfHead(head.pairs), END],
    )


def ragged_close(n: int | None = None) -> Fault:
    """Close the connection without TLS's close_notify: before the head, or after `n` bytes of the body.

    Without TLS it is the same as `truncate()`.
    """

    def spoil(head: Any, body: list[Any]) -> list[Any]:
        return [*_begun(head, body, n), RAGGED_END]

    return _of_both(_call("ragged_close", n=n), spoil, n or 0)


def stall(seconds: float = FOR_EVER, at: str = "head") -> Fault:
    """Say nothing for some seconds: before the "head", or after the first byte of the "body"."""
    if at not in ("head", "body"):
        raise ValueError(f'A stall is at="head" or at="body", not at={at!r}.')

    def spoil(head: Any, body: list[Any]) -> list[Any]:
        if at == "head":
            return [Wait(seconds), head, *body]
        return [head, *first_bytes(body, 1), Wait(seconds), *without_bytes(body, 1)]

    return _of_both(f"stall({seconds:g}, at={at!r})", spoil)


def drip(n: int, every: float) -> Fault:
    """Send `n` bytes at a time, and let `every` seconds pass after each. Over HTTP/2 the head comes whole."""
    if n < 1:
        raise ValueError(f"Nothing drips {n!r} bytes at a time.")

    def spoil(head: Any, body: list[Any]) -> list[Any]:
        return list(_drops([head, *body], n, every))

    return _of_both(f"drip({n}, every={every:g})", spoil)


def garbage() -> Fault:
    """Send what is no HTTP, and close."""
    noise = b"\x16\x03\x01\x00\xff not HTTP\r\n\r\n"
    return Fault("garbage()", lambda _head, _body: [noise, END], spoil_http2=lambda _head, _body: [Raw(noise), END])


def bad_chunk() -> Fault:
    """Send a chunk whose size is no number. HTTP/1.1 only."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Fault("bad_chunk()", lambda _head, _body: [chunked, b"5\r\nhello\r\n", b"xyz\r\nworld\r\n"])


def conflicting_lengths() -> Fault:
    """Send two lengths that differ."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
    fields = [(b":status", b"200"), (b"content-length", b"5"), (b"content-length", b"6")]
    return Fault(
        "conflicting_lengths()",
        lambda _head, _body: [head, b"hello!"],
        spoil_http2=lambda _head, _body: [Head(fields), b"hello!", FINISH],
    )


def endless_headers() -> Fault:
    """Send header fields without an end."""
    fields = b"X-Filler: and another one of so many that nobody reads them\r\n" * 250
    return Fault(
        "endless_headers()",
        lambda _head, _body: [b"HTTP/1.1 200 OK\r\n", *[fields] * 256],
        spoil_http2=lambda _head, _body: [EndlessHead()],
    )


def reset_stream(code: str = "INTERNAL_ERROR", *, after_bytes: int | None = None) -> Fault:
    """Reset the stream (RST_STREAM): before the head, or after so many bytes of the body. HTTP/2 only."""
    number = code_of(code)

    def spoil(head: Head, body: list[Said]) -> list[Said]:
        return [*_begun(head, body, after_bytes), ResetStream(number)]

    arguments = ", ".join([repr(code), *([] if after_bytes is None else [f"after_bytes={after_bytes}"])])
    return Fault(f"reset_stream({arguments})", None, after_bytes or 0, spoil_http2=spoil)


def refuse_stream() -> Fault:
    """Refuse the stream unprocessed (RST_STREAM, REFUSED_STREAM): the client may send it again. HTTP/2 only."""
    fault = reset_stream("REFUSED_STREAM")
    fault.text = "refuse_stream()"
    return fault


def goaway(code: str = "NO_ERROR", *, processed: bool = False) -> Fault:
    """Announce the end of the connection (GOAWAY). HTTP/2 only.

    A request that is not `processed` is beyond the last one that the server acts upon, and may be sent again; to one
    that is, the reply follows.
    """
    number = code_of(code)

    def spoil(head: Head, body: list[Said]) -> list[Said]:
        announced = GoAway(number, processed=processed)
        return [announced, head, *body] if processed else [announced]

    return Fault(f"goaway({code!r}, processed={processed})", None, spoil_http2=spoil)


def _call(name: str, **arguments: int | None) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items() if value is not None)})"


def _begun(head: Any, body: list[Any], size: int | None) -> list[Any]:
    """Return the events up to so many bytes of the body, none at all where there is no number."""
    return [] if size is None else [head, *first_bytes(body, size)]


def first_bytes(body: list[Any], size: int) -> Iterator[Any]:
    """Return the events up to so many bytes of the body."""
    for event in body:
        if size <= 0:
            return
        if isinstance(event, bytes):
            yield event[:size]
            size -= len(event)
        else:
            yield event


def without_bytes(body: list[Any], size: int) -> Iterator[Any]:
    """Return the events after so many bytes of the body."""
    for event in body:
        if size <= 0:
            yield event
        elif isinstance(event, bytes):
            if event[size:]:
                yield event[size:]
            size -= len(event)


def _drops(events: list[Any], n: int, every: float) -> Iterator[Any]:
    for event in events:
        if not isinstance(event, bytes):
            yield event
            continue
        for start in range(0, len(event), n):
            yield event[start : start + n]
            yield Wait(every)


class NetworkFault:
    """What keeps a connection from coming about, or from being of use. Its `repr` is the call that makes it."""

    __slots__ = ("on_connect", "on_handshake", "takes", "text", "tunnel", "widens")

    def __init__(
        self,
        text: str,
        on_connect: Callable[[str], Exception | Hang] | None = None,
        on_handshake: Callable[[str, TLSOptions], Exception | Hang | None] | None = None,
        *,
        takes: int | None = None,
        widens: bool = True,
        tunnel: int = 200,
    ) -> None:
        self.tunnel = tunnel
        """What a proxy says to CONNECT."""
        self.takes = takes
        """How many bytes of the client's the server takes in; None for all."""
        self.widens = widens
        """Whether the server opens the windows of HTTP/2 again for what it has received."""
        self.text = text
        self.on_connect = on_connect
        """Takes the peer as text; returns why there is no connection."""
        self.on_handshake = on_handshake
        """Takes the peer and the options of the client; returns why it refuses, None where it does not."""

    @property
    def kind(self) -> str:
        """The name of the function that makes it."""
        return self.text.partition("(")[0]

    def __repr__(self) -> str:
        return self.text


def refuse() -> NetworkFault:
    """Have nobody listen."""
    reason = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    return NetworkFault("refuse()", lambda peer: connect_failed(peer, [f"{reason} ({_address_of(peer)})"]))


def _address_of(peer: str) -> str:
    """Return the address that a peer has: its host, or one that documentation uses (RFC 5737)."""
    host, _, port = peer.rpartition(":")
    known = literal_address(host, int(port))
    return "192.0.2.1" if known is None else str(known[1][0])


def dns_fail() -> NetworkFault:
    """Have no name server know the name."""
    import socket

    reason = str(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    return NetworkFault("dns_fail()", lambda peer: connect_failed(peer, [reason]))


def dns_hang(seconds: float = FOR_EVER) -> NetworkFault:
    """Have no name server answer."""
    return NetworkFault(_timed("dns_hang", seconds), lambda _peer: Hang(seconds, "resolve the name to connect"))


def _timed(name: str, seconds: float) -> str:
    return f"{name}()" if seconds == FOR_EVER else f"{name}({seconds:g})"


def connect_hang(seconds: float = FOR_EVER) -> NetworkFault:
    """Have the packets of the connection vanish."""
    return NetworkFault(_timed("connect_hang", seconds), lambda _peer: Hang(seconds))


def refuse_tunnel(status: int = 407) -> NetworkFault:
    """Have a proxy answer CONNECT with a status, 407 for credentials that are missing or wrong."""
    if not 300 <= status <= 599:
        raise ValueError(f"A proxy refuses a tunnel with a status from 300 to 599, not {status!r}.")
    return NetworkFault(f"refuse_tunnel({status})", tunnel=status)


def tls_hang(seconds: float = FOR_EVER) -> NetworkFault:
    """Have the server say nothing in the TLS handshake."""
    return NetworkFault(
        _timed("tls_hang", seconds), None, lambda _peer, _tls: Hang(seconds, "finish the TLS handshake")
    )


def tls_alert() -> NetworkFault:
    """Have the server end the TLS handshake with an alert."""
    from .certificates import alert_error

    return NetworkFault("tls_alert()", None, lambda peer, _tls: tls_failed(peer, alert_error()))


def tls_close() -> NetworkFault:
    """Have the server close the connection in the TLS handshake."""
    from .certificates import close_error

    return NetworkFault("tls_close()", None, lambda peer, _tls: tls_failed(peer, close_error()))


def tls(kind: str) -> NetworkFault:
    """Show a certificate that is "expired", "self_signed", "untrusted", or for the "wrong_host".

    A client that does not check certificates accepts it.
    """
    from .certificates import KINDS, refusal

    if kind not in KINDS:
        raise ValueError(f"A certificate may be {', '.join(map(repr, KINDS))}, and not {kind!r}.")

    def on_handshake(peer: str, options: TLSOptions) -> Exception | None:
        error = refusal(kind, options)
        return None if error is None else tls_failed(peer, error)

    return NetworkFault(f"tls({kind!r})", None, on_handshake)


def write_stall(after_bytes: int = 0) -> NetworkFault:
    """Have the server take in so many bytes of a connection, and no more."""
    return NetworkFault(f"write_stall({after_bytes})", takes=after_bytes)


def window_stall() -> NetworkFault:
    """Have the server keep its windows shut: of each upload it takes 65,535 bytes (RFC 9113, 6.9.2). HTTP/2 only."""
    return NetworkFault("window_stall()", widens=False)
