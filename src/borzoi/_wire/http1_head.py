"""The heads of HTTP/1.1: what may stand in one, and what it says about the body and the connection.

In: the bytes of one whole head, and the pairs of a request that is to be sent. Out: plain values, or an error that names the
rule. llhttp (through httptools) checks the grammar of received fields; what it lets pass and RFC 9112 forbids is checked here.
Nothing here keeps state between heads: every head meets a parser of its own, which never sees a byte of a body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httptools

from .._errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

Pairs = list[tuple[bytes, bytes]]

NO_BODY = 0
"""`body_length`: the message ends with its head."""

CHUNKED = -1
"""`body_length`: the body is in chunks."""

UNTIL_CLOSE = -2
"""`body_length`: the body lasts until the peer closes."""

EMPTY_LINE = b"\r\n\r\n"

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_VISIBLE = bytes(range(0x21, 0x7F))
_UNFIT_FOR_REASON = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")


class HeadLimits:
    """Hold what a peer may send in heads and trailers; sizes in bytes.

    `size` bounds all heads of one response together, interim responses included, and the trailers.
    """

    __slots__ = ("chunk_line", "count", "informational", "size", "status_line")

    def __init__(
        self,
        *,
        size: int = 128 * 1024,
        count: int = 512,
        status_line: int = 8 * 1024,
        informational: int = 16,
        chunk_line: int = 4 * 1024,
    ) -> None:
        self.size = size
        self.count = count
        self.status_line = status_line
        self.informational = informational
        self.chunk_line = chunk_line


DEFAULT_HEAD_LIMITS = HeadLimits()
"""128 KiB, 512 fields, 8 KiB of status line, 16 interim responses, 4 KiB of chunk-size line."""


class ResponseHead:
    """Hold the head of a response as received; the names keep their case."""

    __slots__ = ("http_version", "pairs", "reason", "status")

    def __init__(self, status: int, reason: bytes, http_version: bytes, pairs: Pairs) -> None:
        self.status = status
        self.reason = reason
        self.http_version = http_version
        self.pairs = pairs

    def __repr__(self) -> str:
        return f"<ResponseHead [{self.status} {self.reason.decode('latin-1')}]>"


# --- receiving


class SectionBuffer:
    """Collect what arrives up to an empty line, over any number of reads, in linear time.

    `before` stands for bytes that were received already and count as its beginning.
    """

    __slots__ = ("_held",)

    def __init__(self, before: bytes = b"") -> None:
        self._held = bytearray(before)

    def __len__(self) -> int:
        return len(self._held)

    def find_end(self, data: bytes, limit: int) -> int:
        """Return where in `data` the section ends; -1 while it does not, and then `data` is held.

        Raises RemoteProtocolError for a section of more than `limit` bytes.
        """
        end = self._find_end_at_seam(data)
        if end < 0:
            end = data.find(EMPTY_LINE) + 4
            if end < 4:
                end = -1

        if len(self._held) + (len(data) if end < 0 else end) > limit:
            raise RemoteProtocolError(f"The response has more than {limit} bytes of header fields.")

        if end < 0:
            self._refuse_bare_lf(data)
            self._held += data
        return end

    def take(self, data: bytes, end: int) -> bytes:
        """Return the whole section, which ends at `end` in `data`, and forget it."""
        section = bytes(self._held) + data[:end]
        self._held.clear()
        return section

    def peek(self, size: int) -> bytes:
        """Return the first bytes held."""
        return bytes(self._held[:size])

    def _find_end_at_seam(self, data: bytes) -> int:
        # Three bytes of each side: whatever is found here lies across the border.
        before = bytes(self._held[-3:])
        found = (before + data[:3]).find(EMPTY_LINE)
        return found if found < 0 else found + 4 - len(before)

    def _refuse_bare_lf(self, data: bytes) -> None:
        # A block with bare LF has no empty line that we accept: say so now, and not when time is up.
        if self._held.endswith(b"\r"):
            data = b"\r" + data
        if data.count(b"\n") != data.count(b"\r\n"):
            raise RemoteProtocolError("Malformed response head: a line ends with LF alone.")


class FieldCollector:
    """Be the callbacks of a parser. Those that are None cost nothing: `on_header` alone is called."""

    __slots__ = ("on_header", "pairs")

    on_message_begin = on_status = on_headers_complete = on_body = None
    on_message_complete = on_chunk_header = on_chunk_complete = None

    on_header: Callable[[bytes, bytes], None]

    def __init__(self) -> None:
        self.pairs: Pairs = []
        append = self.pairs.append

        # RFC 9112, 5.1: white space around a value is not part of it. llhttp leaves that at the end.
        def on_header(name: bytes, value: bytes) -> None:
            append((name, value.rstrip()))

        self.on_header = on_header


def parse_head(block: bytes, max_count: int) -> ResponseHead:
    """Parse one head, given from its first byte to the end of its empty line. Raises RemoteProtocolError."""
    # A field takes four bytes at least, so a short block cannot hold too many of them.
    if len(block) > 4 * max_count and block.count(b"\n") > max_count + 2:
        raise RemoteProtocolError(f"The response has more than {max_count} header fields.")

    collector = FieldCollector()
    parser = httptools.HttpResponseParser(collector)
    try:
        parser.feed_data(block)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise RemoteProtocolError(f"Malformed response head: {error}.") from error

    # RFC 9112, 2.3: a minor version that we do not know would be 1.1 to us; a server of HTTP/1 sends one of these two.
    if block.startswith(b"HTTP/1.1 "):
        http_version = b"HTTP/1.1"
    elif block.startswith(b"HTTP/1.0 "):
        http_version = b"HTTP/1.0"
    else:
        raise RemoteProtocolError(f"The response is not one of HTTP/1.1 or HTTP/1.0: {block[:16]!r}.")

    status = parser.get_status_code()
    if status < 100:
        raise RemoteProtocolError(f"The status code {block[9:12]!r} is below 100.")

    reason = block[13 : block.index(b"\r", 12)]
    if reason != b"OK" and _UNFIT_FOR_REASON.search(reason):
        raise RemoteProtocolError(f"The reason phrase {reason[:64]!r} has a character that is not allowed.")

    return ResponseHead(status, reason, http_version, collector.pairs)


def parse_trailers(block: bytes, max_count: int) -> Pairs:
    """Parse the trailer section, from its first byte to the end of its empty line. Raises RemoteProtocolError."""
    if block == b"\r\n":
        return []

    return parse_head(b"HTTP/1.1 204 No Content\r\n" + block, max_count).pairs


def read_framing(head: ResponseHead) -> tuple[int, bool]:
    """Read a head's fields for the length of the body, as RFC 9112, 6.3 orders, and whether the peer keeps the connection.

    A length, `CHUNKED` or `UNTIL_CLOSE`. Raises RemoteProtocolError for a framing that two readers could understand in two ways.
    """
    length = UNTIL_CLOSE
    connection = b""

    for name, value in head.pairs:
        size = len(name)
        if size == 14:
            # llhttp has refused a second one, one beside Transfer-Encoding, and all but digits (RFC 9112, 6.3, cases 3 and 5).
            if name.lower() == b"content-length":
                length = int(value)
        elif size == 17:
            if name.lower() == b"transfer-encoding":
                length = _read_transfer_encoding(value, length, head)
        elif size == 10 and name.lower() == b"connection":
            connection = connection + b"," + value if connection else value

    if length == UNTIL_CLOSE:
        return length, False

    return length, keeps_connection(connection, head.http_version)


def _read_transfer_encoding(value: bytes, length: int, head: ResponseHead) -> int:
    # RFC 9112, 6.1: Transfer-Encoding came with 1.1; in a message of 1.0 its framing is faulty.
    if head.http_version != b"HTTP/1.1":
        raise RemoteProtocolError("Transfer-Encoding in a response of HTTP/1.0.")

    # We send no TE field, so "chunked", once, is all that a server may apply (RFC 9110, 10.1.4).
    if value.lower() != b"chunked" or length == CHUNKED:
        raise RemoteProtocolError(f"Transfer-Encoding: {value[:64]!r}: only a single 'chunked' is understood.")

    return CHUNKED


def keeps_connection(connection: bytes, http_version: bytes) -> bool:
    """Read the Connection field, several of them joined by commas, as RFC 9112, 9.3 orders."""
    if not connection:
        return http_version == b"HTTP/1.1"

    options = [option.strip() for option in connection.lower().split(b",")]
    if b"close" in options:
        return False

    return http_version == b"HTTP/1.1" or b"keep-alive" in options


# --- sending


class RequestFraming:
    """Hold what the fields of a request say about its own body and about the connection."""

    __slots__ = ("expects_continue", "keeps", "length", "upgrades")

    def __init__(self, pairs: Pairs) -> None:
        self.length = NO_BODY
        self.keeps = True
        self.upgrades = False
        self.expects_continue = False
        hosts = lengths = codings = 0

        for name, value in pairs:
            size = len(name)
            if size not in _SIZES_THAT_MATTER:
                continue
            lower = name.lower()
            if lower == b"host":
                hosts += 1
            elif lower == b"content-length":
                lengths += 1
                self.length = _check_content_length(value)
            elif lower == b"transfer-encoding":
                codings += 1
                self.length = _check_transfer_encoding(value)
            elif lower == b"connection":
                self.keeps = self.keeps and keeps_connection(value, b"HTTP/1.1")
            elif lower == b"upgrade":
                self.upgrades = True
            elif lower == b"expect":
                self.expects_continue = value.strip().lower() == b"100-continue"

        _check_counts(hosts, lengths, codings)


_SIZES_THAT_MATTER = frozenset(
    map(len, ("host", "expect", "upgrade", "connection", "content-length", "transfer-encoding"))
)


def _check_counts(hosts: int, lengths: int, codings: int) -> None:
    # RFC 9112, 3.2: exactly one Host in every request.
    if hosts != 1:
        raise LocalProtocolError(f"A request has exactly one Host header, and this one has {hosts}.")

    # RFC 9112, 6.2: no Content-Length beside Transfer-Encoding.
    if lengths and codings:
        raise LocalProtocolError("A request has either Content-Length or Transfer-Encoding, and this one has both.")

    if lengths > 1 or codings > 1:
        name = "Content-Length" if lengths > 1 else "Transfer-Encoding"
        raise LocalProtocolError(f"A request has one {name} header at most, and this one has {max(lengths, codings)}.")


def _check_content_length(value: bytes) -> int:
    # bytes.isdigit() knows ASCII digits only.
    if not value.isdigit() or len(value) > 19:
        raise LocalProtocolError(f"Invalid Content-Length {value[:64]!r}: it is made of the digits 0 to 9.")

    return int(value)


def _check_transfer_encoding(value: bytes) -> int:
    if value.lower() != b"chunked":
        raise LocalProtocolError(f"Invalid Transfer-Encoding {value[:64]!r}: only 'chunked' can be sent.")

    return CHUNKED


def encode_request_line(method: str, target: bytes) -> bytes:
    """Return the first line of a request. Raises LocalProtocolError for what is no method or no target."""
    if method not in _KNOWN_METHODS and not _TOKEN.fullmatch(method):
        raise LocalProtocolError(f"Invalid method {method!r}: it is a token (RFC 9110, 5.6.2).")

    # RFC 9112, 3.2: no white space in the target; bytes past ASCII are to be percent-encoded.
    if not target or target.translate(None, _VISIBLE):
        raise LocalProtocolError(f"Invalid request target {target[:64]!r}: it is made of visible ASCII characters.")

    return b"%b %b HTTP/1.1\r\n" % (method.encode("ascii"), target)
