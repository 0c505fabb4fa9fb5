"""The client's side of one HTTP/1.1 connection (RFC 9112), exchange after exchange, without I/O.

In: what the program wants to send, and the bytes that arrived. Out: bytes to send, and attributes: `head`, `chunks`,
`complete`, `reusable`. There are no events: a response that arrives whole is there when `receive()` returns. A fault of
the peer is a RemoteProtocolError, and the engine stays failed; a fault of the program is a LocalProtocolError.

    encode_head() -> encode_data(), ... -> encode_end()
                  -> receive(), ... until `complete`, or receive_eof()       -> if `reusable`, encode_head()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import LocalProtocolError, RemoteProtocolError
from .http1_chunked import ChunkedDecoder
from .http1_head import (
    CHUNKED,
    DEFAULT_HEAD_LIMITS,
    EMPTY_LINE,
    KNOWN_METHODS,
    KNOWN_TARGETS,
    NO_BODY,
    NO_TRAILERS,
    UNTIL_CLOSE,
    HeadLimits,
    HeadParser,
    Pairs,
    RequestFraming,
    ResponseHead,
    SectionBuffer,
    encode_method,
    encode_target,
    encode_trailers,
)

if TYPE_CHECKING:
    from .._values.headers import HeaderBlock

# What the next bytes are part of. Plain integers: enum members cost three times as much to compare.
_NOTHING = 0
_HEAD = 1
_SIZED_BODY = 2
_CHUNKED_BODY = 3
_OPEN_BODY = 4
_OTHER_PROTOCOL = 5

# Bound here: Python takes a name that was imported for a module, and makes a method of it at each call.
_known_method = KNOWN_METHODS.get
_known_target = KNOWN_TARGETS.get

_PECULIAR = frozenset({"HEAD", "CONNECT"})
"""Methods whose answers do not end where their heads say."""


class Http1:
    """Speak HTTP/1.1 on one connection."""

    __slots__ = (
        "_chunked",
        "_error",
        "_expected",
        "_framing",
        "_head_left",
        "_is_plain",
        "_keeps",
        "_left",
        "_limits",
        "_method",
        "_parse",
        "_section",
        "_sent_block",
        "_waits_for",
        "chunks",
        "complete",
        "head",
        "informational",
        "leftover",
        "reusable",
        "to_send",
        "trailers",
        "upgraded",
    )

    head: ResponseHead | None
    """The final head, once it is whole."""

    informational: list[ResponseHead]
    """The interim heads (1xx) before it."""

    chunks: list[bytes]
    """What was received of the body and not taken. To take it: `chunks, engine.chunks = engine.chunks, []`."""

    to_send: int
    """How many bytes of the request's body are still to be sent: 0 once it is sent whole, negative while unknown."""

    complete: bool
    """Whether the response is whole."""

    reusable: bool
    """Whether another exchange may follow: both messages are whole, nothing came after, and neither side closes."""

    trailers: Pairs
    """The fields after a chunked body, once `complete`."""

    upgraded: bool
    """Whether the connection has gone over to another protocol: after 101, and after 2xx to CONNECT."""

    leftover: bytes
    """What arrived of that other protocol."""

    def __init__(self, limits: HeadLimits = DEFAULT_HEAD_LIMITS) -> None:
        self._limits = limits
        self._parse = HeadParser(limits).parse
        self._section: SectionBuffer | None = None
        self._chunked: ChunkedDecoder | None = None
        self._sent_block: HeaderBlock | None = None
        self._framing: RequestFraming | None = None
        self._error: str | None = None
        self._method = ""
        self._is_plain = True
        self._waits_for = _NOTHING
        self._keeps = True
        self._head_left = limits.size
        self._expected = self._left = 0
        self.to_send = 0
        self.head = None
        self.informational = []
        self.chunks = []
        self.complete = True
        self.reusable = True
        self.trailers = []
        self.upgraded = False
        self.leftover = b""

    def _settle(self) -> None:
        """See whether another exchange may follow now."""
        self.reusable = self.complete and self._keeps and self.to_send == 0 and self._error is None

    @property
    def answered(self) -> bool:
        """Whether a byte of the response has arrived."""
        return self.head is not None or self._section is not None or bool(self.informational)

    @property
    def body_left(self) -> int | None:
        """How many bytes of the body are missing; None where its length is not known (yet)."""
        if self.complete:
            return 0
        return self._left if self._waits_for == _SIZED_BODY else None

    # --- sending

    def encode_head(self, method: str, target: bytes, block: HeaderBlock) -> bytes:
        """Begin an exchange: return the head of its request.

        Raises LocalProtocolError for a head that is malformed or ambiguous, and unless the engine is new or `reusable`.
        """
        if not self.reusable:
            raise LocalProtocolError("This connection cannot be used for another request.")

        # Requests of one client to one origin share their block: a connection reads it once.
        framing = self._framing
        if framing is None or block is not self._sent_block:
            framing = self._read_framing(block)
        # RFC 9110, 9.3.6 and 9.3.8: CONNECT and TRACE have no content.
        if framing.length and method in ("CONNECT", "TRACE"):
            raise LocalProtocolError(f"A {method} request has no body, and these headers announce one.")

        line = _known_method(method) or encode_method(method)
        head = line + (_known_target(target) or encode_target(target)) + (block._encoded or block.encoded())
        self._method = method
        self._is_plain = method not in _PECULIAR
        self._waits_for = _HEAD
        self._keeps = framing.keeps
        self.to_send = framing.length
        self.head = None
        self.complete = False
        self.reusable = False
        if self.chunks:
            self.chunks = []
        if self.informational:
            self.informational = []
            self._head_left = self._limits.size
        if self.trailers:
            self.trailers = []
        return head

    def _read_framing(self, block: HeaderBlock) -> RequestFraming:
        framing = self._framing = RequestFraming(block.pairs)
        self._sent_block = block
        return framing

    @property
    def expects_continue(self) -> bool:
        """Whether the request, its head being sent, asks for 100 (Continue) before its body (RFC 9110, 10.1.1)."""
        return self._framing is not None and self._framing.expects_continue

    def encode_data(self, chunk: bytes) -> bytes:
        """Return a piece of the request's body as it goes on the wire. Raises LocalProtocolError past its length."""
        to_send = self.to_send
        # An empty chunk would be the last one.
        if not chunk:
            return b""

        if to_send == CHUNKED:
            return b"%x\r\n%b\r\n" % (len(chunk), chunk)

        if len(chunk) > to_send:
            raise LocalProtocolError("Too much data for declared Content-Length")

        self.to_send = to_send - len(chunk)
        if self.complete:
            self._settle()
        return chunk

    def encode_end(self, trailers: Pairs = NO_TRAILERS) -> bytes:
        """Return what ends the request, with the trailers of a chunked one (RFC 9112, 7.1.2).

        Raises LocalProtocolError where its body is shorter than declared, and for trailers that are malformed, that
        may not stand there, or where the body is not chunked.
        """
        if trailers and self.to_send != CHUNKED:
            raise LocalProtocolError("Trailers follow a body in chunks, and the length of this one is declared.")

        if self.to_send == 0:
            return b""

        if self.to_send != CHUNKED:
            raise LocalProtocolError("Too little data for declared Content-Length")

        self.to_send = 0
        if self.complete:
            self._settle()
        return b"0\r\n" + encode_trailers(trailers) if trailers else b"0\r\n\r\n"

    def leave_unsent(self) -> None:
        """Send no more of the body, of which not all went out: no other request can follow."""
        self._keeps = self.reusable = False

    # --- receiving

    def receive(self, data: bytes) -> None:  # hot path: the usual head is taken in without a call of ours but one
        """Take in what arrived. Raises RemoteProtocolError, now and from now on, for what is not a sound response."""
        if self._error is not None:
            raise RemoteProtocolError(self._error)

        try:
            while data and self._waits_for == _HEAD:
                end = data.find(EMPTY_LINE) + 4
                if 4 <= end <= self._head_left and self._section is None:
                    section = data[:end]
                else:
                    section, end = self._collect_head(data)
                    if not section:
                        return

                head = self._parse(section)
                data = data[end:]
                if not head.keeps:
                    self._keeps = False
                # The usual response, which arrives whole. What follows would do the same with six more calls.
                if head.length == len(data) and data and head.status == 200 and self._is_plain:
                    self.head = head
                    self.chunks.append(data)
                    self.complete = True
                    self.reusable = self._keeps and self.to_send == 0
                    self._waits_for = _NOTHING
                    return
                self._take_head(head, head.length, len(section))
            if data:
                self._receive_body(data)
            self._settle()
        except RemoteProtocolError as error:
            self._error = str(error)
            self.reusable = False
            raise

    def receive_eof(self) -> None:
        """Take in that the peer closed: some bodies end so, and for any other response it is a RemoteProtocolError."""
        if self._error is None:
            self._keeps = self.reusable = False
            if self._waits_for in (_NOTHING, _OTHER_PROTOCOL):
                return
            if self._waits_for == _OPEN_BODY:
                self._finish()
                return
            self._error = self._what_is_missing()

        raise RemoteProtocolError(self._error)

    def _what_is_missing(self) -> str:
        if self._waits_for == _HEAD:
            if self.answered:
                return "Server disconnected without sending a complete response head."
            return "Server disconnected without sending a response."

        cut = "peer closed connection without sending complete message body"
        if self._waits_for == _CHUNKED_BODY:
            return f"{cut} (incomplete chunked read)"
        return f"{cut} (received {self._expected - self._left} bytes, expected {self._expected})"

    def _take_head(self, head: ResponseHead, length: int, size: int) -> None:
        if head.status < 200:
            self._take_interim(head, size)
        elif head.status < 300 and self._method == "CONNECT":
            self._take_tunnel(head, length)
        else:
            self._take_final(head, length)

    def _collect_head(self, data: bytes) -> tuple[bytes, int]:
        section = self._section
        if section is None:
            section = self._section = SectionBuffer()

        end = section.find_end(data, self._head_left)
        if end < 0:
            section.check_beginning(self._limits.status_line)
            return b"", end

        self._section = None
        return section.take(data, end), end

    def _take_interim(self, head: ResponseHead, size: int) -> None:
        # RFC 9110, 15.2.2: 101 is the final answer to an Upgrade field, and answers nothing else.
        if head.status == 101:
            if self._framing is None or not self._framing.upgrades:
                raise RemoteProtocolError("The server switched protocols (101), and the request did not ask for it.")
            self._go_over(head)
            return

        # RFC 9110, 15.2: any number may come, which is why we draw a line.
        limit = self._limits.informational
        if len(self.informational) == limit:
            raise RemoteProtocolError(f"The server sent more than {limit} interim responses (1xx).")
        self.informational.append(head)
        self._head_left -= size

    def _take_tunnel(self, head: ResponseHead, length: int) -> None:
        # RFC 9110, 9.3.6: a 2xx to CONNECT has neither Content-Length nor Transfer-Encoding. Many proxies send
        # "Content-Length: 0" all the same, which misleads nobody about where the tunnel begins.
        if length not in (NO_BODY, UNTIL_CLOSE):
            raise RemoteProtocolError("The proxy accepted a CONNECT request, and announced a body with that.")
        self._go_over(head)

    def _go_over(self, head: ResponseHead) -> None:
        self.head = head
        self.upgraded = True
        self.complete = True
        self._keeps = False
        self._waits_for = _OTHER_PROTOCOL

    def _take_final(self, head: ResponseHead, length: int) -> None:
        self.head = head
        status = head.status

        # RFC 9112, 6.3, case 1: these end with their head, whatever it announces.
        if status == 204 or status == 304 or self._method == "HEAD":
            self._finish()
        elif length > 0:
            self._expected = self._left = length
            self._waits_for = _SIZED_BODY
        elif length == NO_BODY:
            self._finish()
        elif length == CHUNKED:
            self._chunked = ChunkedDecoder(self._limits)
            self._waits_for = _CHUNKED_BODY
        else:
            self._waits_for = _OPEN_BODY

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
            # Bytes after the end of a response, or before a request, belong to nobody.
            self._keeps = False

    def _receive_sized(self, data: bytes) -> None:
        left = self._left - len(data)
        if left < 0:
            data = data[: self._left]
            left = 0
            self._keeps = False

        self.chunks.append(data)
        self._left = left
        if not left:
            self._finish()

    def _receive_chunked(self, data: bytes) -> None:
        decoder = self._chunked
        assert decoder is not None  # It is there in this state.

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
