"""A client's side of one HTTP/1.1 connection (RFC 9112), exchange after exchange, without I/O.

In: what the program wants to send, and the bytes that arrived. Out: bytes to send, and attributes: `head`, `chunks`, `complete`,
`reusable`. There are no events: a response that arrives whole is there when `receive()` returns. Every fault of the peer is a
RemoteProtocolError, every fault of the program a LocalProtocolError; after a fault of the peer the engine stays failed.

    start(method) -> encode_head() -> encode_data()* -> encode_end()
                     receive()* until `complete`, or receive_eof()           -> start() again, if `reusable`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import LocalProtocolError, RemoteProtocolError
from .http1_chunked import ChunkedDecoder
from .http1_head import (
    CHUNKED,
    DEFAULT_HEAD_LIMITS,
    EMPTY_LINE,
    NO_BODY,
    UNTIL_CLOSE,
    HeadLimits,
    Pairs,
    RequestFraming,
    ResponseHead,
    SectionBuffer,
    encode_request_line,
    parse_head,
    read_framing,
)

if TYPE_CHECKING:
    from .._values.headers import HeaderBlock

# What the bytes that arrive next are part of.
_NOTHING = 0
_HEAD = 1
_SIZED_BODY = 2
_CHUNKED_BODY = 3
_OPEN_BODY = 4
_OTHER_PROTOCOL = 5

_PREFIX = b"HTTP/1."


class Http1:
    """Speak HTTP/1.1 over one connection."""

    __slots__ = (
        "_chunked",
        "_error",
        "_expected",
        "_framing",
        "_head_left",
        "_keeps",
        "_left",
        "_limits",
        "_method",
        "_section",
        "_sent_block",
        "_sent_head",
        "_sent_whole",
        "_to_send",
        "_waits_for",
        "answered",
        "chunks",
        "complete",
        "head",
        "informational",
        "leftover",
        "trailers",
        "upgraded",
    )

    answered: bool
    """Whether a byte of this response has arrived."""

    head: ResponseHead | None
    """The final head, once it is whole."""

    informational: list[ResponseHead]
    """The interim heads (1xx) that came before it."""

    chunks: list[bytes]
    """What was received of the body and not taken. To take it: `chunks, engine.chunks = engine.chunks, []`."""

    complete: bool
    """Whether the response is whole."""

    trailers: Pairs
    """The fields after a chunked body, once `complete`."""

    upgraded: bool
    """Whether the connection speaks another protocol from here on: after 101, and after 2xx to CONNECT."""

    leftover: bytes
    """What arrived of that other protocol."""

    def __init__(self, limits: HeadLimits = DEFAULT_HEAD_LIMITS) -> None:
        self._limits = limits
        self._waits_for = _NOTHING
        self._error: str | None = None
        self._section = SectionBuffer()
        self._chunked: ChunkedDecoder | None = None
        self._sent_block: HeaderBlock | None = None
        self._framing: RequestFraming | None = None
        self._method = ""
        self._keeps = True
        self._expected = 0
        self._begin()
        self._sent_head = self._sent_whole = self.complete = True

    def _begin(self) -> None:
        self._head_left = self._limits.size
        self._left = 0
        self._to_send = 0
        self._sent_head = False
        self._sent_whole = False
        self.answered = False
        self.head = None
        self.informational = []
        self.chunks = []
        self.complete = False
        self.trailers = []
        self.upgraded = False
        self.leftover = b""

    # --- sending

    def start(self, method: str) -> None:
        """Begin an exchange. Raises LocalProtocolError unless the engine is new, or the last exchange left it `reusable`."""
        if not self.reusable:
            raise LocalProtocolError("This connection cannot be used for another request.")

        self._begin()
        self._method = method
        self._waits_for = _HEAD

    def encode_head(self, method: str, target: bytes, block: HeaderBlock) -> bytes:
        """Return the head of the request. Raises LocalProtocolError for what would be malformed or ambiguous."""
        if self._sent_head:
            raise LocalProtocolError("The head of this request was sent already.")

        line = encode_request_line(method, target)

        # Requests of one client to one origin share their block: what it says is read once per connection.
        if block is not self._sent_block or self._framing is None:
            self._framing = RequestFraming(block.pairs)
            self._sent_block = block
        framing = self._framing
        fields = block.encoded()

        length = framing.length
        # RFC 9110, 9.3.6 and 9.3.8: no content in CONNECT and TRACE.
        if length and method in ("CONNECT", "TRACE"):
            raise LocalProtocolError(f"A {method} request has no body.")

        self._method = method
        self._to_send = length
        self._keeps = framing.keeps
        self._sent_head = True
        self._sent_whole = length == NO_BODY
        return line + fields + b"\r\n"

    @property
    def expects_continue(self) -> bool:
        """Whether the request asks for 100 (Continue) before its body."""
        return self._framing is not None and self._framing.expects_continue

    def encode_data(self, chunk: bytes) -> bytes:
        """Return a piece of the request's body as it goes on the wire. Raises LocalProtocolError past the declared length."""
        if not chunk:
            return b""

        if not self._sent_head:
            raise LocalProtocolError("The body of a request follows its head.")

        if self._to_send == CHUNKED:
            return b"%x\r\n%b\r\n" % (len(chunk), chunk)

        if len(chunk) > self._to_send:
            raise LocalProtocolError("Too much data for declared Content-Length")

        self._to_send -= len(chunk)
        self._sent_whole = not self._to_send
        return chunk

    def encode_end(self) -> bytes:
        """Return what ends the request's body. Raises LocalProtocolError short of the declared length."""
        if self._sent_whole:
            return b""

        if self._to_send != CHUNKED or not self._sent_head:
            raise LocalProtocolError("Too little data for declared Content-Length")

        self._to_send = 0
        self._sent_whole = True
        return b"0\r\n\r\n"

    # --- the state of the connection

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow on this connection: both messages are whole and neither side wants to close."""
        return self.complete and self._sent_whole and self._keeps and self._error is None

    @property
    def body_left(self) -> int | None:
        """How many bytes of the body are missing, where its length is known and the head is here."""
        if self.complete:
            return 0
        return self._left if self._waits_for == _SIZED_BODY else None

    # --- receiving

    def receive(self, data: bytes) -> None:
        """Take in what arrived. Raises RemoteProtocolError, then and from then on, when it is not a well-formed response."""
        if self._error is not None:
            raise RemoteProtocolError(self._error)

        try:
            while data and self._waits_for == _HEAD:
                data = self._receive_head(data)
            if data:
                self._receive_body(data)
        except RemoteProtocolError as error:
            self._error = str(error)
            raise

    def receive_eof(self) -> None:
        """Take in that the peer closed: the end of a body that lasts until then, and else a RemoteProtocolError."""
        if self._error is not None:
            raise RemoteProtocolError(self._error)

        self._keeps = False
        if self._waits_for == _OPEN_BODY:
            self._finish()
        elif self._waits_for not in (_NOTHING, _OTHER_PROTOCOL):
            self._error = self._what_is_missing()
            raise RemoteProtocolError(self._error)

    def _what_is_missing(self) -> str:
        if self._waits_for == _HEAD:
            if not self.answered:
                return "Server disconnected without sending a response."
            return "Server disconnected without sending a complete response head."

        cut = "peer closed connection without sending complete message body"
        if self._waits_for == _CHUNKED_BODY:
            return f"{cut} (incomplete chunked read)"
        return f"{cut} (received {self._expected - self._left} bytes, expected {self._expected})"

    def _receive_head(self, data: bytes) -> bytes:
        self.answered = True
        section = self._section

        if not section and (end := data.find(EMPTY_LINE) + 4) >= 4 and end <= self._head_left:
            block = data[:end]
        else:
            end = section.find_end(data, self._head_left)
            if end < 0:
                self._check_beginning(section.peek(self._limits.status_line + 1))
                return b""
            block = section.take(data, end)

        self._head_left -= len(block)
        self._check_beginning(block)
        head = parse_head(block, self._limits.count)

        if head.status < 200:
            self._take_interim(head)
        else:
            self._take_final(head)
        return data[end:]

    def _check_beginning(self, block: bytes) -> None:
        # Whatever else a server says first (a banner, HTTP/0.9, HTTP/2, an empty line) is refused at its first bytes.
        if not block.startswith(_PREFIX) and not _PREFIX.startswith(block):
            raise RemoteProtocolError(f"The response does not begin as one of HTTP/1: {block[:16]!r}.")

        limit = self._limits.status_line
        if len(block) > limit and block.find(b"\r\n", 0, limit) < 0:
            raise RemoteProtocolError(f"The status line is longer than {limit} bytes.")

    def _take_interim(self, head: ResponseHead) -> None:
        read_framing(head)
        if head.status == 101:
            self._switch_protocols(head)
            return

        if len(self.informational) == self._limits.informational:
            raise RemoteProtocolError(
                f"The server sent more than {self._limits.informational} interim responses (1xx)."
            )
        self.informational.append(head)

    def _switch_protocols(self, head: ResponseHead) -> None:
        # RFC 9110, 15.2.2: 101 answers an Upgrade field, and nothing else.
        if self._framing is None or not self._framing.upgrades:
            raise RemoteProtocolError("The server switched protocols (101), and the request did not ask for it.")
        self._upgrade(head)

    def _upgrade(self, head: ResponseHead) -> None:
        self.head = head
        self.upgraded = True
        self._keeps = False
        self.complete = True
        self._waits_for = _OTHER_PROTOCOL

    def _take_final(self, head: ResponseHead) -> None:
        length, keeps = read_framing(head)
        status = head.status

        if self._method == "CONNECT" and status < 300:
            self._take_tunnel(head, length)
            return

        self.head = head
        # RFC 9112, 6.3, case 1: these end with their head, whatever it says.
        if self._method == "HEAD" or status == 204 or status == 304:
            self._keeps = self._keeps and keeps
            self._finish()
            return

        self._keeps = self._keeps and keeps
        if length > 0:
            self._expected = self._left = length
            self._waits_for = _SIZED_BODY
        elif length == NO_BODY:
            self._finish()
        elif length == CHUNKED:
            self._chunked = ChunkedDecoder(self._limits)
            self._waits_for = _CHUNKED_BODY
        else:
            self._waits_for = _OPEN_BODY

    def _take_tunnel(self, head: ResponseHead, length: int) -> None:
        # RFC 9110, 9.3.6: a 2xx to CONNECT has neither field. Many proxies say "Content-Length: 0", which misleads nobody.
        if length not in (NO_BODY, UNTIL_CLOSE):
            raise RemoteProtocolError("A successful answer to CONNECT has no body, and this one announces one.")
        self._upgrade(head)

    def _receive_body(self, data: bytes) -> None:
        waits_for = self._waits_for
        if waits_for == _SIZED_BODY:
            self._receive_sized(data)
        elif waits_for == _CHUNKED_BODY:
            self._receive_chunked(data)
        elif waits_for == _OPEN_BODY:
            self.chunks.append(data)
        elif waits_for == _OTHER_PROTOCOL:
            self.leftover += data
        else:
            # After the end of a response nothing may come before the next request: these bytes belong to nobody.
            self._keeps = False

    def _receive_sized(self, data: bytes) -> None:
        left = self._left - len(data)
        if left < 0:
            data = data[: self._left]
            self._keeps = False
            left = 0

        self._left = left
        self.chunks.append(data)
        if not left:
            self._finish()

    def _receive_chunked(self, data: bytes) -> None:
        decoder = self._chunked
        assert decoder is not None
        rest = decoder.receive(data, self.chunks)
        if rest is None:
            return

        self.trailers = decoder.trailers
        self._chunked = None
        if rest:
            self._keeps = False
        self._finish()

    def _finish(self) -> None:
        self.complete = True
        self._waits_for = _NOTHING
