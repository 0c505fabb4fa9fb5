"""Server-sent events: the text of an event stream cut into events, by the WHATWG's HTML standard, section 9.2.

    text, in pieces -> EventParser.feed() -> EventParser.next_event(), None when more text is needed

How the pieces are cut makes no difference. An event that the end of the stream cuts short is not given (9.2.6). The
size of one event is bounded: more is an `SSEError`, and the stream is over. Nothing here reads, waits or reconnects.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from .._config import DEFAULT_MAX_EVENT_SIZE
from .._errors import SSEError

T = TypeVar("T")

_BYTE_ORDER_MARK = "\ufeff"

_MOST_DIGITS = 15
"""Digits of a reconnection time: more are no time, and Python refuses to count thousands of them."""


@dataclass(frozen=True)
class ServerSentEvent:
    """One event: its type, its data, the last id that the stream named, and the reconnection time in milliseconds.

    `id` is that of the latest event that had one; `retry` is None where the event does not set it.
    """

    event: str = "message"
    data: str = ""
    id: str = ""
    retry: int | None = None

    @overload
    def json(self, *, type: type[T]) -> T: ...

    @overload
    def json(self) -> Any: ...

    def json(self, *, type: Any = None) -> Any:
        """Return the data decoded from JSON, with `type` made and checked as of that type.

        Raises ValueError for what is not JSON, and with `type` DecodingError for what is not of it.
        """
        if type is not None:
            from .typed import decode_json

            return decode_json(self.data.encode(), type)

        from json import loads

        return loads(self.data)


class EventParser:
    """Turn the text of a stream into events.

    With `dataless` an event that has fields, but no data, is given too, as by httpx2; browsers keep it to themselves.
    `last_event_id` is that of an earlier stream, which this one continues.
    """

    def __init__(
        self,
        *,
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        dataless: bool = False,
        last_event_id: str = "",
    ) -> None:
        self.last_event_id = last_event_id
        """The id to continue from: that of the last event that was complete."""

        self.reconnection_time: int | None = None
        """The milliseconds to wait before reconnecting, where the stream names any."""

        self._max_event_size = max_event_size
        self._dataless = dataless

        self._is_begun = False
        self._ends_in_cr = False
        self._lines: deque[str] = deque()
        self._held: list[str] = []
        self._held_size = 0

        self._size = 0
        self._is_pending = False
        self._type = ""
        self._data: list[str] = []
        self._id = last_event_id
        self._retry: int | None = None

    def feed(self, text: str) -> None:
        """Take in the next piece of text."""
        if not self._is_begun and text:
            # 9.2.6: "one leading U+FEFF BYTE ORDER MARK character must be ignored if any are present".
            self._is_begun = True
            text = text.removeprefix(_BYTE_ORDER_MARK)
        if self._ends_in_cr and text:
            # That CR has ended its line already; the LF that belongs to it may come late.
            self._ends_in_cr = False
            text = text.removeprefix("\n")
        if "\r" in text:
            self._ends_in_cr = text.endswith("\r")
            text = text.replace("\r\n", "\n").replace("\r", "\n")

        first, *rest = text.split("\n")
        self._hold(first)
        if rest:
            self._lines.append("".join(self._held))
            self._lines.extend(rest[:-1])
            self._held.clear()
            self._held_size = 0
            self._hold(rest[-1])

    def _hold(self, text: str) -> None:
        if text:
            self._held.append(text)
            self._held_size += _size(text)

    def next_event(self) -> ServerSentEvent | None:
        """Return the next event, or None when more text is needed. Raises SSEError for one that is too large."""
        lines = self._lines
        while lines:
            line = lines.popleft()
            if line:
                self._read(line)
            elif (event := self._dispatch()) is not None:
                return event

        self._require_room(self._held_size)
        return None

    def _require_room(self, size: int) -> None:
        limit = self._max_event_size
        if limit is not None and self._size + size > limit:
            raise SSEError(f"Server-sent event exceeded the {limit} byte limit.")

    def _read(self, line: str) -> None:
        """Process one line that is not empty: 9.2.6, from "If the line starts with a U+003A COLON character"."""
        size = _size(line)
        self._require_room(size)
        if line[0] == ":":
            return

        self._size += size
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS:
            self._retry = self.reconnection_time = int(value)
        else:
            return
        self._is_pending = True

    def _dispatch(self) -> ServerSentEvent | None:
        """End an event at an empty line: 9.2.6, "dispatch the event"."""
        self._size = 0
        self.last_event_id = self._id
        if not self._is_pending:
            return None

        data, kind, retry = self._data, self._type, self._retry
        self._is_pending = False
        self._data, self._type, self._retry = [], "", None
        if not data and not self._dataless:
            return None
        return ServerSentEvent(kind or "message", "\n".join(data), self._id, retry)


def _size(text: str) -> int:
    # Some codecs let a lone surrogate through, which UTF-8 has no bytes for.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
