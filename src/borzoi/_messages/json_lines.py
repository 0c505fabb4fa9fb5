"""JSON, one value on each line: https://jsonlines.org, also called NDJSON.

Lines end with LF alone, as JSON may hold the other characters at which Python would cut. Empty ones are passed over.
How the body is cut into chunks makes no difference: the values before one that is wrong are given first.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .._errors import DecodingError, request_context
from .iteration import AsyncChunks, Chunks

if TYPE_CHECKING:
    from .request import Request
    from .response import Response


class LineSplitter:
    """Cut bytes into lines, and pass over the empty ones."""

    def __init__(self, max_line_size: int | None, request: Request | None = None) -> None:
        self._max_line_size = max_line_size
        self._request = request
        self._held: list[bytes] = []
        self._held_size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are complete now. Raises DecodingError for one that does not end in time."""
        require_room(self._held_size, self._max_line_size, self._request)
        first, *rest = chunk.split(b"\n")
        self._hold(first)
        if not rest:
            return []

        lines = [b"".join(self._held), *rest[:-1]]
        self._held.clear()
        self._held_size = 0
        self._hold(rest[-1])
        return [line for line in lines if line and not line.isspace()]

    def flush(self) -> list[bytes]:
        """Return the last line, where no LF ends it."""
        return self.feed(b"\n")

    def _hold(self, piece: bytes) -> None:
        self._held.append(piece)
        self._held_size += len(piece)


def require_room(size: int, max_line_size: int | None, request: Request | None) -> None:
    """Raise DecodingError where a line is longer than it may be."""
    if max_line_size is not None and size > max_line_size:
        raise DecodingError(f"A line of JSON is longer than {max_line_size} bytes.", request=request)


class JSONLines(Chunks[Any]):
    """Walk the values of a response in blocking code."""

    __slots__ = ("_decode",)

    def __init__(self, response: Response, type: Any, max_line_size: int | None) -> None:
        super().__init__(partial(_open, response, max_line_size, blocking=True))
        self._decode = partial(_decode, response, type, max_line_size)

    def __next__(self) -> Any:
        return self._decode(super().__next__())


class AsyncJSONLines(AsyncChunks[Any]):
    """Walk the values of a response in an event loop."""

    __slots__ = ("_decode",)

    def __init__(self, response: Response, type: Any, max_line_size: int | None) -> None:
        super().__init__(partial(_open, response, max_line_size, blocking=False))
        self._decode = partial(_decode, response, type, max_line_size)

    async def __anext__(self) -> Any:
        return self._decode(await super().__anext__())


def _open(response: Response, max_line_size: int | None, *, blocking: bool) -> Any:
    return response._open_or_replay(blocking=blocking), [LineSplitter(max_line_size, response._request)]


def _decode(response: Response, type: Any, max_line_size: int | None, line: bytes) -> Any:
    require_room(len(line), max_line_size, response._request)
    with request_context(response._request):
        if type is not None:
            from .typed import decode_json

            return decode_json(line, type)

        from json import loads

        try:
            return loads(line)
        except RecursionError as error:
            raise DecodingError("A line is JSON that nests too deeply.") from error
