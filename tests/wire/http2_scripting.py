"""A server's frames, written by hand, and all that an exchange can see of what an engine made of them.

Header blocks are literals that enter no table, written without our encoder: so that nothing is proved with itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from borzoi._values.headers import HeaderBlock
from borzoi._wire.http2 import Http2
from borzoi._wire.http2_settings import DEFAULT_LIMITS, Http2Limits
from borzoi._wire.http2_stream import Stream
from tests.wire.feeding import cuts

HOST = (b"Host", b"example.org")

Field = tuple[bytes, bytes]


# --- frames


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Return any frame, sound or not."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def number(value: int, size: int = 4) -> bytes:
    """Return an integer in network order."""
    return value.to_bytes(size, "big")


def fields(*pairs: Field) -> bytes:
    """Return a header block."""
    return b"".join(b"\x00" + _string(name) + _string(value) for name, value in pairs)


def _string(data: bytes) -> bytes:
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest = len(data) - 127
    return b"\x7f" + bytes([rest & 127 | 128, rest >> 7 & 127 | 128, rest >> 14]) + data


def headers(stream: int, *pairs: Field, status: bytes = b"200", end: bool = False) -> bytes:
    """Return the head of a response."""
    return frame(1, 4 | end, stream, fields((b":status", status), *pairs))


def trailers(stream: int, *pairs: Field) -> bytes:
    """Return a trailer section."""
    return frame(1, 5, stream, fields(*pairs))


def data(stream: int, content: bytes = b"", *, end: bool = False) -> bytes:
    """Return a piece of a body."""
    return frame(0, int(end), stream, content)


def settings(*pairs: tuple[int, int], ack: bool = False) -> bytes:
    """Return SETTINGS."""
    return frame(4, int(ack), 0, b"".join(number(name, 2) + number(value) for name, value in pairs))


def reset(stream: int, code: int) -> bytes:
    """Return RST_STREAM."""
    return frame(3, 0, stream, number(code))


def window(stream: int, increment: int) -> bytes:
    """Return WINDOW_UPDATE."""
    return frame(8, 0, stream, number(increment))


def ping(content: bytes = b"12345678", *, ack: bool = False) -> bytes:
    """Return PING."""
    return frame(6, int(ack), 0, content)


def goaway(last: int, code: int = 0, debug: bytes = b"") -> bytes:
    """Return GOAWAY."""
    return frame(7, 0, 0, number(last) + number(code) + debug)


SETTLED = settings() + settings(ack=True)


def frames(sent: bytes) -> list[tuple[int, int, int, bytes]]:
    """Return what an engine sent, as (kind, flags, stream, payload)."""
    found = []
    while sent:
        length = int.from_bytes(sent[:3], "big")
        found.append((sent[3], sent[4], int.from_bytes(sent[5:9], "big"), sent[9 : 9 + length]))
        sent = sent[9 + length :]
    return found


def sent_by(engine: Http2, kind: int) -> list[tuple[int, int, bytes]]:
    """Return the frames of one kind that the engine wants to send, as (flags, stream, payload)."""
    return [
        (flags, stream, payload) for found, flags, stream, payload in frames(engine.data_to_send()) if found == kind
    ]


# --- engines


def connect(limits: Http2Limits = DEFAULT_LIMITS, *pairs: tuple[int, int], first_stream: int = 1) -> Http2:
    """Return an engine that has had the server's SETTINGS, and whose own are sent."""
    engine = Http2(limits, first_stream)
    assert engine.receive(settings(*pairs) + settings(ack=True)) == []
    engine.data_to_send()
    return engine


def block(*pairs: Field) -> HeaderBlock:
    """Return the headers of a request, a Host in front."""
    return HeaderBlock([HOST, *pairs])


def ask(engine: Http2, *pairs: Field, method: str = "GET", target: bytes = b"/") -> Stream:
    """Open a stream and drop what is sent for it."""
    stream = engine.open(method, target, block(*pairs))
    engine.data_to_send()
    return stream


CHUNKED = (b"Transfer-Encoding", b"chunked")


def upload(engine: Http2) -> Stream:
    """Open a stream whose request has a body of unknown length."""
    return ask(engine, CHUNKED, method="POST")


# --- outcomes


def seen(stream: Stream) -> dict[str, Any]:
    """Return all that an exchange can see of a response."""
    head = stream.head
    return {
        "head": head and (head.status, head.pairs, head.http_version, head.is_plain),
        "informational": [(interim.status, interim.pairs) for interim in stream.informational],
        "body": b"".join(stream.chunks),
        "trailers": stream.trailers,
        "complete": stream.complete,
        "error": stream.error,
        "unprocessed": stream.unprocessed,
        "reset_code": stream.reset_code,
        "answered": stream.answered,
        "left": stream.body_left,
    }


def outcome(
    pieces: Iterable[bytes], methods: Iterable[str] = ("GET", "GET"), limits: Http2Limits = DEFAULT_LIMITS
) -> dict[str, Any]:
    """Feed pieces to an engine with a stream for each method; return all that can be seen of it."""
    engine = Http2(limits)
    streams = [engine.open(method, b"/", block()) for method in methods]
    engine.data_to_send()
    named: set[int] = set()
    sent = b""
    for piece in pieces:
        named.update(stream.id for stream in engine.receive(piece))
        sent += engine.data_to_send()
    return {
        "streams": [seen(stream) for stream in streams],
        "named": named,
        "open": sorted(engine.streams),
        "error": engine.error,
        "goaway": engine.goaway and (engine.goaway.last_stream, engine.goaway.code, engine.goaway.debug),
        "settled": engine.settled,
        "sent": sent,
    }


def same_however_cut(
    data: bytes, methods: Iterable[str] = ("GET", "GET"), limits: Http2Limits = DEFAULT_LIMITS
) -> dict[str, Any]:
    """Return the outcome of the whole, having checked that every cut has the same."""
    methods = list(methods)
    whole = outcome([data], methods, limits)
    for pieces in cuts(data):
        cut = outcome(pieces, methods, limits)
        assert cut == whole, f"cut as {pieces[:2]}"
    return whole


def error_of(response: bytes, method: str = "GET") -> str:
    """Return the error of the only stream, or of the connection, in every cut; empty where there is none."""
    found = same_however_cut(SETTLED + response, [method])
    stream = found["streams"][0]
    assert found["error"] is None or found["error"] == stream["error"]
    assert stream["error"] is None or not stream["complete"]
    return stream["error"] or ""
