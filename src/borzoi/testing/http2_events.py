"""What a scripted server says over HTTP/2: the parts of a reply, before they are frames.

In: a reply, and the method of its request. Out: its events. Bytes are the body's, as DATA; `Wait`, END and an OSError
are what they are over HTTP/1.1. The frames are made when their time has come, since what a header block means depends
on those before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .._backends.memory import End, Wait
from .script import Close

if TYPE_CHECKING:
    from .._values.headers import Pairs
    from .script import Reply


class Head:
    """A header block: the final head, or an interim one (1xx)."""

    __slots__ = ("is_interim", "pairs")

    def __init__(self, pairs: Pairs, *, is_interim: bool = False) -> None:
        self.pairs = pairs
        self.is_interim = is_interim


class HalfHead:
    """The first half of the frame of a header block."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


class EndlessHead:
    """A header block that goes on and on (CONTINUATION)."""

    __slots__ = ()


class Finish:
    """The end of the stream, with trailers or without."""

    __slots__ = ("trailers",)

    def __init__(self, trailers: Pairs = []) -> None:  # noqa: B006 - nobody changes it
        self.trailers = trailers


class ResetStream:
    """RST_STREAM."""

    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code


class GoAway:
    """GOAWAY. Unless it is `processed`, the request is beyond the last one that the server acts upon."""

    __slots__ = ("code", "processed")

    def __init__(self, code: int, *, processed: bool) -> None:
        self.code = code
        self.processed = processed


class Raw:
    """Bytes that are no frame."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


Said: TypeAlias = "bytes | Wait | End | OSError | Head | HalfHead | EndlessHead | Finish | ResetStream | GoAway | Raw"
"""An event of a stream."""

FINISH = Finish()
"""The end of a stream without trailers."""


def code_of(name: str) -> int:
    """Return the number of an error code by its name. Raises ValueError."""
    from .._wire import http2_frames

    codes = [http2_frames.name_of_code(number) for number in range(http2_frames.HTTP_1_1_REQUIRED + 1)]
    if name not in codes:
        raise ValueError(f"HTTP/2 knows the error codes {', '.join(codes)}, and not {name!r}.")
    return codes.index(name)


def reply_events(reply: Reply, method: str) -> list[Said]:
    """Return the events of the answer to a request with a method. Raises TypeError for a fault of HTTP/1.1 alone."""
    head = Head([(b":status", b"%d" % reply.status), *_fields(reply)])
    body: list[Said] = [FINISH] if method == "HEAD" or reply.status in (204, 304) else _body(reply)
    events: list[Said] = [
        event if isinstance(event, Wait) else Head([(b":status", b"%d" % event[0]), *_lower(event[1])], is_interim=True)
        for event in reply.interim
    ]
    if reply.fault is None:
        return [*events, head, *body]
    if reply.fault.spoil_http2 is None:
        raise TypeError(f"{reply.fault!r} is a fault of HTTP/1.1, and the request came over HTTP/2")
    return events + reply.fault.spoil_http2(head, body)


def _fields(reply: Reply) -> Pairs:
    fields = _lower(reply.fields)
    size = reply.size()
    if size is not None and reply.status not in (204, 304) and not any(name == b"content-length" for name, _ in fields):
        fields.append((b"content-length", b"%d" % size))
    return fields


def _lower(pairs: Pairs) -> Pairs:
    from .._wire.http2_head import _OF_CONNECTIONS

    # RFC 9113, 8.2.1 and 8.2.2.
    lower = [(name.lower(), value) for name, value in pairs]
    return [pair for pair in lower if pair[0] not in _OF_CONNECTIONS]


def _body(reply: Reply) -> list[Said]:
    end = Finish(_lower(reply.trailers)) if reply.trailers else FINISH
    body: list[Said] = []
    for piece in reply.pieces:
        if isinstance(piece, Close):
            return [*body, end]
        if piece:
            body.append(piece)
    return body if reply.is_open else [*body, end]
