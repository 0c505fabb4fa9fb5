"""Feed one response to an engine in every way that a network may cut it, and compare what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from borzoi._errors import RemoteProtocolError
from borzoi._values.headers import HeaderBlock
from borzoi._wire.http1 import Http1
from borzoi._wire.http1_head import DEFAULT_HEAD_LIMITS, HeadLimits

Outcome = dict[str, object]

HOST = (b"Host", b"example.org")


def ask(
    method: str = "GET", *fields: tuple[bytes, bytes], limits: HeadLimits = DEFAULT_HEAD_LIMITS, target: bytes = b"/"
) -> Http1:
    """Return an engine that has sent the head of a request."""
    return ask_again(Http1(limits), method, *fields, target=target)


def ask_again(engine: Http1, method: str = "GET", *fields: tuple[bytes, bytes], target: bytes = b"/") -> Http1:
    """Send the head of one more request."""
    engine.encode_head(method, target, HeaderBlock([HOST, *fields]))
    return engine


def outcome(engine: Http1, pieces: Iterable[bytes], *, eof: bool = False) -> Outcome:
    """Feed the pieces and tell all that an exchange can see of the response."""
    body = b""
    error = None
    try:
        for piece in pieces:
            engine.receive(piece)
            taken, engine.chunks = engine.chunks, []
            body += b"".join(taken)
        if eof:
            engine.receive_eof()
    except RemoteProtocolError as caught:
        error = type(caught)

    head = engine.head
    return {
        "head": head and (head.status, head.reason, head.http_version, head.pairs),
        "informational": [(interim.status, interim.pairs) for interim in engine.informational],
        "body": body + b"".join(engine.chunks),
        "trailers": engine.trailers,
        "complete": engine.complete,
        "reusable": engine.reusable,
        "upgraded": engine.upgraded,
        "leftover": engine.leftover,
        "error": error,
    }


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """Yield the data byte by byte, and in two pieces cut at every place."""
    yield [data[index : index + 1] for index in range(len(data))]
    for index in range(1, len(data)):
        yield [data[:index], data[index:]]


def same_however_cut(
    data: bytes,
    method: str = "GET",
    *fields: tuple[bytes, bytes],
    eof: bool = False,
    limits: HeadLimits = DEFAULT_HEAD_LIMITS,
) -> Outcome:
    """Return the outcome of the whole, having checked that every cut has the same."""
    whole = outcome(ask(method, *fields, limits=limits), [data], eof=eof)
    for pieces in cuts(data):
        cut = outcome(ask(method, *fields, limits=limits), pieces, eof=eof)
        assert cut == whole, f"cut as {pieces[:2]}"
    return whole
