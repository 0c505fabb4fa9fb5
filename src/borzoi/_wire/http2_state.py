"""What both directions of an HTTP/2 connection share: its streams, windows and budget, and how it comes to an end.

Nothing here reads or makes requests and responses; `http2_receive` and `http2` do, on top of this.
"""

from __future__ import annotations

from .http2_frames import (
    DATA,
    DEFAULT_WINDOW,
    ENHANCE_YOUR_CALM,
    HEADERS,
    MAX_STREAM,
    PREFACE,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    Fault,
    encode_goaway,
    encode_reset,
    encode_window_update,
    name_of_code,
    name_of_kind,
)
from .http2_head import HeadReader, RequestWriter
from .http2_settings import ASSUMED_STREAMS, DEFAULT_LIMITS, UNLIMITED_STREAMS, Http2Limits, PeerSettings
from .http2_stream import AWAITS_NOTHING, Stream

MAX_GIVEN_UP = 1000
"""Streams of which it is remembered that we reset them, and that frames of theirs may still be under way."""

# What useless frames cost of the budget (shifts are for their bytes), and what use earns. A request pays for a hundred.
FRAME_COST = 10
EMPTY_DATA_COST = 100
SETTINGS_COST = 500
IGNORED_SHIFT = 4
LATE_DATA_SHIFT = 10
LATE_PIECE = 1024
LATE_HEADERS_SHIFT = 2
TINY_DATA_COST = 1
TINY_DATA = 8
REQUEST_EARNS = 1000
SENDING_EARNS = 40
TAKING_EARNS = 20


class GoAway:
    """Hold what the server said when it announced the end of the connection (RFC 9113, 6.8)."""

    __slots__ = ("code", "debug", "last_stream")

    def __init__(self, last_stream: int, code: int, debug: bytes) -> None:
        self.last_stream = last_stream
        """The last stream that it acted upon, or may act upon."""
        self.code = code
        self.debug = debug

    def __str__(self) -> str:
        text = f"GOAWAY, {name_of_code(self.code)}"
        # As repr() shows it, without its quotes: a line break of the server's would begin a line of the program's log.
        return f"{text}: {repr(self.debug[:200])[2:-1]}" if self.debug else text


class ConnectionState:
    """Keep the books of one connection."""

    streams: dict[int, Stream]
    """The open streams: those whose response is not whole, or whose request is not sent whole."""

    error: str | None
    """Why the connection is of no use any more; None while it is."""

    goaway: GoAway | None
    """What the server said at last about ending the connection."""

    settled: bool
    """Whether the server's SETTINGS have arrived, and with them how many streams it takes."""

    most_streams: int
    """How many streams may be open at once: 0 where no more may be opened at all."""

    window: int
    """How many bytes the server takes on all streams together at present; less than nothing is possible."""

    def __init__(self, limits: Http2Limits = DEFAULT_LIMITS, first_stream: int = 1) -> None:
        self.streams = {}
        self.error = None
        self.goaway = None
        self.settled = False
        self._limits = limits
        self._settings = PeerSettings()
        self._reader = HeadReader(limits.heads)
        self._writer = RequestWriter()
        # The number of the next stream, and of the first whose head was not sent yet.
        self._next = self._unsent = first_stream
        self.most_streams = ASSUMED_STREAMS
        self._news: dict[int, Stream] = {}
        self._given_up: dict[int, None] = {}
        self._forgotten = 0
        self._spent = 0
        self._late = 0

        # What we may send, what the server may send, and what of that has arrived and waits to be taken.
        self.window = DEFAULT_WINDOW
        self._blocked: dict[int, Stream] = {}
        self._credit = limits.connection_window
        self._low_credit = limits.connection_window // 2
        self._untaken = 0

        self._out: list[bytes | memoryview] = [PREFACE, limits.encode()]
        if limits.connection_window > DEFAULT_WINDOW:
            self._out.append(encode_window_update(0, limits.connection_window - DEFAULT_WINDOW))

    @property
    def room(self) -> int:
        """How many more streams may be opened now."""
        return max(0, self.most_streams - len(self.streams))

    @property
    def has_to_send(self) -> bool:
        """Whether there is something to be sent."""
        return bool(self._out)

    def _set_most(self) -> None:
        # RFC 9113, 5.1.1: numbers are not used again; 6.8: nothing is begun after GOAWAY.
        if self.error is not None or self.goaway is not None or self._next > MAX_STREAM:
            self.most_streams = 0
        else:
            limit = self._settings.max_streams
            self.most_streams = UNLIMITED_STREAMS if limit is None else limit

    # --- the budget

    def _spend(self, cost: int) -> None:
        self._spent += cost
        if self._spent > self._limits.calm:
            raise Fault(ENHANCE_YOUR_CALM, "too many frames that bring nothing")

    def _earn(self, amount: int) -> None:
        self._spent = max(0, self._spent - amount)

    # --- windows

    def _credit_connection(self) -> None:
        """Let the server send more, unless too much waits to be taken."""
        if self._untaken <= self._limits.untaken:
            increment = self._limits.connection_window - self._credit
            self._credit += increment
            self._out.append(encode_window_update(0, increment))

    def _unblock(self) -> None:
        """Tell the streams that waited for the connection's window that it is open."""
        for stream in [stream for stream in self._blocked.values() if stream.window > 0]:
            del self._blocked[stream.id]
            self._news[stream.id] = stream

    # --- the end of a stream

    def _close_stream(self, stream: Stream) -> None:
        self.streams.pop(stream.id, None)
        self._blocked.pop(stream.id, None)
        stream.awaits = AWAITS_NOTHING

    def _end_stream(self, stream: Stream, error: str) -> None:
        """Close a stream; unless it is whole, its response has failed."""
        self._close_stream(stream)
        if not stream.complete:
            stream.error = error
        self._news[stream.id] = stream

    def _discard_chunks(self, stream: Stream) -> None:
        self._untaken -= sum(map(len, stream.chunks))
        stream.chunks = []
        if self._credit < self._low_credit:
            self._credit_connection()

    def _give_up(self, stream: Stream, code: int) -> None:
        """Reset a stream, and remember that what is under way for it will still arrive."""
        self._close_stream(stream)
        self._out.append(encode_reset(stream.id, code))
        self._given_up[stream.id] = None
        if len(self._given_up) > MAX_GIVEN_UP:
            oldest = next(iter(self._given_up))
            del self._given_up[oldest]
            self._forgotten = max(self._forgotten, oldest)
        self._late += stream.credit

    def _fail_stream(self, fault: Fault) -> None:
        stream = self.streams[fault.stream]
        self._give_up(stream, fault.code)
        self._end_stream(stream, f"The server broke a rule of HTTP/2: {fault.text}.")

    def _check_late(self, kind: int, number: int) -> None:
        """Raise Fault where a frame on a stream that is not open must not come."""
        # RFC 9113, 5.1.1: ours are odd, and the server has none.
        if number >= self._next or not number & 1:
            raise Fault(PROTOCOL_ERROR, f"{name_of_kind(kind)} came on stream {number}, which was never opened")
        # 5.1: after its end a stream has no more DATA and HEADERS, unless it ended with our RST_STREAM.
        if kind in (DATA, HEADERS) and number not in self._given_up and number > self._forgotten:
            raise Fault(STREAM_CLOSED, f"{name_of_kind(kind)} came on stream {number} after its end")

    # --- the end of the connection

    def _fail(self, fault: Fault) -> None:
        """End everything: the connection is beyond repair (RFC 9113, 5.4.1)."""
        name = name_of_code(fault.code)
        self.error = f"The server broke a rule of HTTP/2: {fault.text} ({name})."
        self._out.append(encode_goaway(0, fault.code, fault.text.encode("ascii", "replace")))
        self._end_all(self.error)

    def _end_all(self, error: str) -> None:
        self._set_most()
        for stream in list(self.streams.values()):
            self._end_stream(stream, error)
