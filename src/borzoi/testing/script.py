"""What a server does in answer to a request: a reply, and the script of timed events that it becomes.

A script is a list of events: bytes, `wait(seconds)`, an OSError that breaks the connection, and `END`. It means the
same behind every seam: the memory back end plays it in the clock's time, a real server over its socket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from .._backends.memory import END, End, Event, Wait
from .._values.headers import Headers

if TYPE_CHECKING:
    from .._values.headers import HeaderTypes, Pairs
    from .faults import Fault

Piece: TypeAlias = "bytes | str | Wait | Close"
"""A part of a streamed body: bytes, text, a pause, or the end."""

Interim: TypeAlias = "int | tuple[int, HeaderTypes] | Wait"
"""An interim response (1xx): a status, or a status and header fields; or a pause."""


class Close:
    """The end of a body, and of its connection."""

    __slots__ = ()


class RaggedEnd(End):
    """The end of a connection without TLS's close_notify."""

    __slots__ = ()


RAGGED_END = RaggedEnd()
"""The end of a connection without TLS's close_notify."""


def wait(seconds: float) -> Wait:
    """Let `seconds` pass on the clock before what follows in a stream."""
    if seconds < 0:
        raise ValueError(f"A wait cannot be negative: wait({seconds!r}).")
    return Wait(seconds)


def close() -> Close:
    """End a stream of events, and the connection with it. Without it the stream stays open, as servers leave it."""
    return Close()


def event(data: Any = None, *, event: str | None = None, id: str | None = None, retry: int | None = None) -> bytes:
    """Return a server-sent event. `data` is text, or what is written as JSON; `retry` is in milliseconds."""
    fields: list[tuple[str, Any]] = [("event", event), ("id", id), ("retry", retry)]
    lines = [f"{name}: {value}" for name, value in fields if value is not None]
    if data is not None:
        text = data if isinstance(data, str) else _json_text(data)
        lines += [f"data: {line}" for line in text.split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


def _json_text(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Reply:
    """Hold what a server answers: status, header fields, a body of one piece or of several, and what goes wrong.

    `interim` are the responses before it (1xx), `trailers` the fields after the body.
    """

    __slots__ = ("_script", "fault", "fields", "interim", "is_open", "pieces", "reason", "status", "trailers")

    def __init__(
        self,
        status: int = 200,
        *,
        headers: HeaderTypes | None = None,
        json: Any = None,
        text: str | None = None,
        html: str | None = None,
        content: bytes | str | None = None,
        form: Mapping[str, Any] | None = None,
        stream: Iterable[Piece] | None = None,
        reason: str | None = None,
        fault: Fault | None = None,
        interim: Iterable[Interim] = (),
        trailers: HeaderTypes | None = None,
    ) -> None:
        given = {"json": json, "text": text, "html": html, "content": content, "form": form, "stream": stream}
        bodies = [name for name, body in given.items() if body is not None]
        if len(bodies) > 1:
            raise TypeError(f"A reply has one body, and {' and '.join(bodies)} were given.")
        if not isinstance(status, int) or not 200 <= status <= 999:
            raise ValueError(f"A reply has a final status from 200 to 999, not {status!r}.")
        self.status = int(status)
        self.reason = _phrase(self.status) if reason is None else reason
        self.fields: Pairs = [] if headers is None else list(Headers(headers).raw)
        self.is_open = False
        self.pieces: list[bytes | Wait | Close] = []
        self.fault = fault
        self.interim = [_interim(one) for one in interim]
        self.trailers: Pairs = [] if trailers is None else list(Headers(trailers).raw)
        self._script: tuple[bytes, list[Event]] | None = None
        if bodies:
            _WRITERS[bodies[0]](self, given[bodies[0]])

    def describe(self, content_type: bytes) -> None:
        """Name the type of the body, unless the headers do."""
        if not self._has(b"content-type"):
            self.fields.append((b"Content-Type", content_type))

    def _has(self, name: bytes) -> bool:
        return any(field.lower() == name for field, _ in self.fields)

    def script(self, method: str) -> list[Event]:
        """Return the events of the answer to a request with a method."""
        if self._script is None:
            self._script = self._write()
        head, body = self._script
        if method == "HEAD" or self.status in (204, 304):
            body = []
        if self.fault is None and not self.interim:
            if len(body) == 1 and isinstance(body[0], bytes):
                return [head + body[0]]
            return [head, *body]
        before = [event if isinstance(event, Wait) else _head(*event) for event in self.interim]
        if self.fault is None:
            return [*before, head, *body]
        if self.fault.spoil is None:
            raise TypeError(f"{self.fault!r} is a fault of HTTP/2, and the request came over HTTP/1.1")
        return before + self.fault.spoil(head, list(body))

    def size(self) -> int | None:
        """Return the bytes of the body; None where it comes in pieces, and only its end shows how many they are."""
        if self.is_open or self.trailers or len(self.pieces) > 1:
            return None
        sizes = [len(piece) if isinstance(piece, bytes) else None for piece in self.pieces]
        return sizes[0] if sizes else 0

    def _write(self) -> tuple[bytes, list[Event]]:
        fields = list(self.fields)
        size = self.size()
        is_framed = self._has(b"content-length") or self._has(b"transfer-encoding")
        is_chunked = not is_framed and size is None
        if not is_framed and self.status not in (204, 304):
            framing = (b"Transfer-Encoding", b"chunked") if size is None else (b"Content-Length", b"%d" % size)
            fields.insert(0, framing)
        return _head(self.status, fields, self.reason), list(self._body(is_chunked=is_chunked))

    def _body(self, *, is_chunked: bool) -> Iterable[Event]:
        for piece in self.pieces:
            if isinstance(piece, Close):
                yield from ([self._last_chunk()] if is_chunked else [])
                yield END
                return
            if not is_chunked or isinstance(piece, Wait):
                yield piece
            elif piece:
                yield b"%x\r\n%b\r\n" % (len(piece), piece)
        if is_chunked and not self.is_open:
            yield self._last_chunk()

    def _last_chunk(self) -> bytes:
        return b"0\r\n" + _lines(self.trailers) + b"\r\n"


def _head(status: int, fields: Pairs, reason: str | None = None) -> bytes:
    reason = _phrase(status) if reason is None else reason
    return f"HTTP/1.1 {status} {reason}\r\n".encode("latin-1") + _lines(fields) + b"\r\n"


def _lines(fields: Pairs) -> bytes:
    return b"".join(name + b": " + value + b"\r\n" for name, value in fields)


def _interim(given: Interim) -> tuple[int, Pairs] | Wait:
    if isinstance(given, Wait):
        return given
    status, headers = given if isinstance(given, tuple) else (given, None)
    if not 100 <= status <= 199 or status == 101:
        raise ValueError(f"An interim response has a status from 100 to 199, and not 101, which ends it: {status!r}.")
    return status, [] if headers is None else list(Headers(headers).raw)


def _write_json(reply: Reply, value: Any) -> None:
    reply.describe(b"application/json")
    reply.pieces = [_json_text(value).encode()]


def _write_text(reply: Reply, text: str, content_type: bytes = b"text/plain; charset=utf-8") -> None:
    reply.describe(content_type)
    reply.pieces = [text.encode()]


def _write_form(reply: Reply, fields: Mapping[str, Any]) -> None:
    from .._values.query import QueryParams

    _write_text(reply, str(QueryParams(dict(fields))), b"application/x-www-form-urlencoded")


def _write_stream(reply: Reply, pieces: Iterable[Piece]) -> None:
    reply.pieces = [piece.encode() if isinstance(piece, str) else _checked(piece) for piece in pieces]
    # A stream of one piece is streamed, too.
    reply.pieces.append(b"")


def _checked(piece: bytes | Wait | Close) -> bytes | Wait | Close:
    if not isinstance(piece, (bytes, Wait, Close)):
        raise TypeError(f"A stream is made of bytes, str, wait() and close(), and not of {type(piece).__name__}.")
    return piece


_WRITERS: dict[str, Callable[[Reply, Any], None]] = {
    "json": _write_json,
    "text": _write_text,
    "html": lambda reply, text: _write_text(reply, text, b"text/html; charset=utf-8"),
    "content": lambda reply, content: setattr(
        reply, "pieces", [content.encode() if isinstance(content, str) else bytes(content)]
    ),
    "form": _write_form,
    "stream": _write_stream,
}


def events_reply(pieces: Iterable[Piece], headers: HeaderTypes | None = None) -> Reply:
    """Return the reply that sends server-sent events, and stays open unless they end with `close()`."""
    reply = Reply(200, headers=headers, stream=pieces)
    reply.describe(b"text/event-stream")
    reply.is_open = True
    return reply


def reply_of(answer: Any) -> Reply:
    """Return the reply that a program means: a status, a body, both, a fault, or a reply as it is."""
    from .faults import Fault

    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, Fault):
        return answer.reply()
    if isinstance(answer, bool) or answer is None:
        return Reply() if answer is None else Reply(json=answer)
    if isinstance(answer, int):
        return Reply(answer)
    if isinstance(answer, (bytes, str)):
        return Reply(content=answer) if isinstance(answer, bytes) else Reply(text=answer)
    if isinstance(answer, (dict, list)):
        return Reply(json=answer)
    if isinstance(answer, tuple) and len(answer) == 2:
        status, body = answer
        whole = reply_of(body)
        return Reply(status, headers=Headers.from_raw(whole.fields), content=b"".join(_whole_bytes(whole)))
    return _converted(answer)


def _whole_bytes(reply: Reply) -> list[bytes]:
    return [piece for piece in reply.pieces if isinstance(piece, bytes)]


def _converted(answer: Any) -> Reply:
    """Return the reply that says what a `Response` says."""
    from .._messages.response import Response

    if not isinstance(answer, Response):
        raise TypeError(
            f"Nobody can reply with {type(answer).__name__}: give a status, JSON, text, bytes, (status, body), "
            "a fault, reply(...) or a Response."
        )
    fields = [pair for pair in answer.headers.raw if pair[0].lower() not in _FRAMING]
    return Reply(
        answer.status_code, headers=Headers.from_raw(fields), content=answer.read(), reason=answer.reason_phrase
    )


_FRAMING = (b"content-length", b"transfer-encoding", b"content-encoding")


def _phrase(status: int) -> str:
    from .._values.status import codes

    return codes.get_reason_phrase(status)
