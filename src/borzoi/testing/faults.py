"""What goes wrong, as a server, a network and a name server do it.

A `Fault` spoils a reply: it is given the bytes of the head and the events of the body, and returns the events that take
their place. Counts are bytes of the body as they are sent; without a count the fault comes before the head.
A `NetworkFault` keeps a connection from coming about. What the client makes of either is what it makes of a real one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from .._backends.lookups import literal_address
from .._backends.memory import END, FOR_EVER, Event, Hang, Wait
from .._backends.sockets import connect_failed, tls_failed
from .script import Reply

if TYPE_CHECKING:
    from .._backends.base import TLSOptions

Spoil: TypeAlias = Callable[[bytes, "list[Event]"], "list[Event]"]

FILLER = 4096
"""Bytes of the body of a reply that is there only to go wrong, beyond those that the fault lets through."""


class Fault:
    """What goes wrong with a reply. Its `repr` is the call that makes it."""

    __slots__ = ("_size", "spoil", "text")

    def __init__(self, text: str, spoil: Spoil, size: int = 0) -> None:
        self.text = text
        self.spoil = spoil
        """Takes the head and the events of the body; returns the events in their place."""
        self._size = size

    def reply(self) -> Reply:
        """Return a reply that is there only to go wrong."""
        return Reply(content=b"x" * (self._size + FILLER), fault=self)

    def __repr__(self) -> str:
        return self.text


def reset(after_bytes: int | None = None) -> Fault:
    """Break the connection (RST): before the head, or after so many bytes of the body."""

    def spoil(head: bytes, body: list[Event]) -> list[Event]:
        return [*_begun(head, body, after_bytes), ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))]

    return Fault(_call("reset", after_bytes=after_bytes), spoil, after_bytes or 0)


def truncate(n: int | None = None) -> Fault:
    """Close the connection: before the head, or after `n` bytes of the body."""

    def spoil(head: bytes, body: list[Event]) -> list[Event]:
        return [*_begun(head, body, n), END]

    return Fault(_call("truncate", n=n), spoil, n or 0)


def truncate_head() -> Fault:
    """Close the connection in the middle of the head."""
    return Fault("truncate_head()", lambda head, _body: [head[: len(head) // 2], END])


def stall(seconds: float = FOR_EVER, at: str = "head") -> Fault:
    """Say nothing for some seconds: before the "head", or after the first byte of the "body"."""
    if at not in ("head", "body"):
        raise ValueError(f'A stall is at="head" or at="body", not at={at!r}.')

    def spoil(head: bytes, body: list[Event]) -> list[Event]:
        if at == "head":
            return [Wait(seconds), head, *body]
        return [head, *_first_bytes(body, 1), Wait(seconds), *_without_bytes(body, 1)]

    return Fault(f"stall({seconds:g}, at={at!r})", spoil)


def drip(n: int, every: float) -> Fault:
    """Send `n` bytes at a time, and let `every` seconds pass after each."""
    if n < 1:
        raise ValueError(f"Nothing drips {n!r} bytes at a time.")

    def spoil(head: bytes, body: list[Event]) -> list[Event]:
        return list(_drops([head, *body], n, every))

    return Fault(f"drip({n}, every={every:g})", spoil)


def garbage() -> Fault:
    """Send what is no HTTP, and close."""
    return Fault("garbage()", lambda _head, _body: [b"\x16\x03\x01\x00\xff not HTTP\r\n\r\n", END])


def bad_chunk() -> Fault:
    """Send a chunk whose size is no number."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Fault("bad_chunk()", lambda _head, _body: [chunked, b"5\r\nhello\r\n", b"xyz\r\nworld\r\n"])


def conflicting_lengths() -> Fault:
    """Send two lengths that differ."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
    return Fault("conflicting_lengths()", lambda _head, _body: [head, b"hello!"])


def endless_headers() -> Fault:
    """Send header fields without an end."""
    fields = b"X-Filler: and another one of so many that nobody reads them\r\n" * 250
    return Fault("endless_headers()", lambda _head, _body: [b"HTTP/1.1 200 OK\r\n", *[fields] * 256])


def _call(name: str, **arguments: int | None) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items() if value is not None)})"


def _begun(head: bytes, body: list[Event], size: int | None) -> list[Event]:
    """Return the events up to so many bytes of the body, none at all where there is no number."""
    return [] if size is None else [head, *_first_bytes(body, size)]


def _first_bytes(body: list[Event], size: int) -> Iterator[Event]:
    for event in body:
        if size <= 0:
            return
        if isinstance(event, bytes):
            yield event[:size]
            size -= len(event)
        else:
            yield event


def _without_bytes(body: list[Event], size: int) -> Iterator[Event]:
    for event in body:
        if size <= 0:
            yield event
        elif isinstance(event, bytes):
            if event[size:]:
                yield event[size:]
            size -= len(event)


def _drops(events: list[Event], n: int, every: float) -> Iterator[Event]:
    for event in events:
        if not isinstance(event, bytes):
            yield event
            continue
        for start in range(0, len(event), n):
            yield event[start : start + n]
            yield Wait(every)


class NetworkFault:
    """What keeps a connection from coming about. Its `repr` is the call that makes it."""

    __slots__ = ("on_connect", "on_handshake", "text")

    def __init__(
        self,
        text: str,
        on_connect: Callable[[str], Exception | Hang] | None = None,
        on_handshake: Callable[[str, TLSOptions], Exception | Hang | None] | None = None,
    ) -> None:
        self.text = text
        self.on_connect = on_connect
        """Takes the peer as text; returns why there is no connection."""
        self.on_handshake = on_handshake
        """Takes the peer and the options of the client; returns why it refuses, None where it does not."""

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
    return NetworkFault("dns_hang()", lambda _peer: Hang(seconds, "resolve the name to connect"))


def connect_hang(seconds: float = FOR_EVER) -> NetworkFault:
    """Have the packets of the connection vanish."""
    return NetworkFault("connect_hang()", lambda _peer: Hang(seconds))


def tls_hang(seconds: float = FOR_EVER) -> NetworkFault:
    """Have the server say nothing in the TLS handshake."""
    return NetworkFault("tls_hang()", None, lambda _peer, _tls: Hang(seconds, "finish the TLS handshake"))


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
