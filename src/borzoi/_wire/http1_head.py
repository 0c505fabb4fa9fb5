"""The heads of HTTP/1.1: what may stand in one, and what it says about the body and the connection.

In: the bytes of one whole head, or the pairs of a request that is to be sent. Out: plain values, or an error that names
the rule. llhttp (through httptools) checks the grammar of received fields; what it lets pass and RFC 9112 forbids is
checked here. The parser sees one head at a time and never decides where a message ends.
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
"""A length: the message ends with its head."""

CHUNKED = -1
"""A length: the body is in chunks."""

UNTIL_CLOSE = -2
"""A length: the body lasts until the peer closes."""

EMPTY_LINE = b"\r\n\r\n"

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*+))?+")
_USUAL_STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
_START_OF_STATUS_LINE = b"HTTP/1."

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_VISIBLE = bytes(range(0x21, 0x7F))


class HeadLimits:
    """Hold how much a peer may send around its bodies; sizes in bytes.

    `size` bounds all heads of one response together, interim responses included, and the trailers; `count` bounds the
    fields of each; `chunk_line` a chunk-size line with its extensions.
    """

    __slots__ = ("chunk_line", "count", "informational", "size", "status_line")

    def __init__(
        self,
        *,
        size: int = 128 * 1024,
        count: int = 512,
        status_line: int = 8 * 1024,
        informational: int = 16,
        chunk_line: int = 1024,
    ) -> None:
        self.size = size
        self.count = count
        self.status_line = status_line
        self.informational = informational
        self.chunk_line = chunk_line


DEFAULT_HEAD_LIMITS = HeadLimits()
"""128 KiB, 512 fields, a status line of 8 KiB, 16 interim responses, a chunk-size line of 1 KiB."""


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

    `before` is what was received already and counts as its beginning.
    """

    __slots__ = ("_begins_well", "_held")

    def __init__(self, before: bytes = b"") -> None:
        self._held = bytearray(before)
        self._begins_well = False

    def find_end(self, data: bytes, limit: int) -> int:
        """Return where in `data` the section ends; -1 while it does not, and then `data` is held.

        Raises RemoteProtocolError for a section of more than `limit` bytes.
        """
        end = self._find_end_at_seam(data)
        if end < 0:
            found = data.find(EMPTY_LINE)
            end = found if found < 0 else found + 4

        if len(self._held) + (len(data) if end < 0 else end) > limit:
            raise RemoteProtocolError("The response has too many bytes of header fields.")

        if end < 0:
            self._refuse_bare_lf(data)
            self._held += data
        return end

    def take(self, data: bytes, end: int) -> bytes:
        """Return the whole section, which ends at `end` in `data`, and forget it."""
        self._held += data[:end]
        section = bytes(self._held)
        self._held.clear()
        return section

    def check_beginning(self, status_line_limit: int) -> None:
        """Refuse what is held if it cannot become the head of a response, without waiting for the rest.

        So a banner of another protocol, HTTP/0.9, HTTP/2 or an empty line is told at its first bytes.
        """
        if self._begins_well:
            return

        beginning = bytes(self._held[: status_line_limit + 2])
        if not (beginning.startswith(_START_OF_STATUS_LINE) or _START_OF_STATUS_LINE.startswith(beginning)):
            raise RemoteProtocolError(_not_http1(beginning))

        self._begins_well = b"\r\n" in beginning
        if len(beginning) == status_line_limit + 2 and not self._begins_well:
            raise RemoteProtocolError(_status_line_too_long(status_line_limit))

    def _find_end_at_seam(self, data: bytes) -> int:
        # Three bytes of each side, and the pattern has four: what is found here lies across the seam.
        before = bytes(self._held[-3:])
        found = (before + data[:3]).find(EMPTY_LINE)
        return found if found < 0 else found + 4 - len(before)

    def _refuse_bare_lf(self, data: bytes) -> None:
        # A block with bare LF (RFC 9112, 2.2) may never show the empty line: say so now, and not when time is up.
        if self._held.endswith(b"\r"):
            data = b"\r" + data
        if data.count(b"\n") != data.count(b"\r\n"):
            raise RemoteProtocolError("Malformed response head: a line ends with LF alone.")


def _not_http1(beginning: bytes) -> str:
    return f"The response does not begin with a status line of HTTP/1.1 or HTTP/1.0: {beginning[:32]!r}."


def _status_line_too_long(limit: int) -> str:
    return f"The status line is longer than {limit} bytes."


class FieldCollector:
    """Be the callbacks of a parser. Those that are None cost nothing, and only `on_header` is not."""

    __slots__ = ("on_header", "pairs")

    on_message_begin = on_status = on_headers_complete = on_body = None
    on_message_complete = on_chunk_header = on_chunk_complete = None

    on_header: Callable[[bytes, bytes], None]

    def __init__(self) -> None:
        self.pairs: Pairs = []
        append = self.pairs.append

        # A closure over `append` costs less than a method. RFC 9112, 5.1: white space around a value is no part of it,
        # and llhttp leaves it at the end; of what rstrip() strips, llhttp lets only space and tab pass.
        def on_header(name: bytes, value: bytes) -> None:
            append((name, value.rstrip()))

        self.on_header = on_header


class HeadParser:
    """Parse the heads of one connection, one whole head at a time."""

    __slots__ = ("_collector", "_feed", "_limits", "_ready")

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        self._collector = FieldCollector()
        self._feed = httptools.HttpResponseParser(self._collector).feed_data
        self._ready = True

    def parse(self, block: bytes) -> ResponseHead:
        """Parse a head, given from its first byte to the end of its empty line. Raises RemoteProtocolError."""
        if block.startswith(_USUAL_STATUS_LINE):
            status, reason, http_version = 200, b"OK", b"HTTP/1.1"
        else:
            status, reason, http_version = self._parse_status_line(block)

        # A field takes four bytes at least: a short block cannot hold too many of them.
        max_count = self._limits.count
        if len(block) > 4 * max_count and block.count(b"\n") > max_count + 2:
            raise RemoteProtocolError(f"The response has more than {max_count} header fields.")

        if not self._ready:
            self._feed = httptools.HttpResponseParser(self._collector).feed_data
        self._ready = False

        collected = self._collector.pairs
        try:
            self._feed(block)
        except httptools.HttpParserUpgrade:
            pass  # A head with 101 and Upgrade, as whole as any other.
        except httptools.HttpParserError as error:
            raise RemoteProtocolError(f"Malformed response head: {error}.") from error

        pairs = collected[:]
        collected.clear()
        return ResponseHead(status, reason, http_version, pairs)

    def pass_over(self, body: bytes) -> None:
        """Show the parser a whole body, such as the latest head announced: it can then parse the next head.

        Without this the next head gets a new parser, which costs more than this does: no callback listens to bodies.
        """
        self._feed(body)
        self._ready = True

    def _parse_status_line(self, block: bytes) -> tuple[int, bytes, bytes]:
        limit = self._limits.status_line
        end = block.find(b"\r\n", 0, limit + 2)
        if end < 0:
            raise RemoteProtocolError(_status_line_too_long(limit))

        # RFC 9112, 4. The space before an empty reason is missing in the wild; nothing else is let pass.
        match = _STATUS_LINE.fullmatch(block, 0, end)
        if match is None:
            raise RemoteProtocolError(_not_http1(block))

        return int(match[2]), match[3] or b"", b"HTTP/1." + match[1]


def parse_trailers(section: bytes, limits: HeadLimits) -> Pairs:
    """Parse a trailer section (RFC 9112, 7.1.2), given with its empty line. Raises RemoteProtocolError."""
    return HeadParser(limits).parse(b"HTTP/1.1 204 No Content\r\n" + section).pairs


def read_framing(head: ResponseHead) -> tuple[int, bool]:
    """Read from a head the length of the body, and whether the peer keeps the connection open.

    The length may be `CHUNKED` or `UNTIL_CLOSE`. Raises RemoteProtocolError where two readers could find two lengths.
    """
    length = UNTIL_CLOSE
    connection = b""

    # The size of a name is the cheapest thing to ask of it.
    for name, value in head.pairs:
        size = len(name)
        if size == 14:
            # RFC 9112, 6.3, case 5. llhttp has refused a second one, anything but digits, and 65 bits.
            if name == b"Content-Length" or name.lower() == b"content-length":
                length = int(value)
        elif size == 17:
            if name.lower() == b"transfer-encoding":
                length = _read_transfer_encoding(value, length, head.http_version)
        elif size == 10 and name.lower() == b"connection":
            connection = connection + b"," + value if connection else value

    if connection == b"keep-alive":
        return length, True

    return length, keeps_connection(connection, head.http_version)


def _read_transfer_encoding(value: bytes, length: int, http_version: bytes) -> int:
    # RFC 9112, 6.1: Transfer-Encoding came with 1.1, and in a message of 1.0 the framing is faulty.
    if http_version != b"HTTP/1.1":
        raise RemoteProtocolError("Transfer-Encoding in a response of HTTP/1.0.")

    # RFC 9112, 6.3, case 4. We send no TE field, so one "chunked" is all that a server may apply (RFC 9110, 10.1.4).
    # Content-Length beside it (case 3) was refused by llhttp.
    if value.lower() != b"chunked" or length == CHUNKED:
        raise RemoteProtocolError(f"Transfer-Encoding {value[:64]!r}: only 'chunked', once, is understood.")

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
    """Hold what the fields of a request say about its body and about the connection.

    Raises LocalProtocolError for fields that frame the request in no way, or in more than one.
    """

    __slots__ = ("expects_continue", "keeps", "length", "upgrades")

    def __init__(self, pairs: Pairs) -> None:
        named = _pick(pairs)
        hosts, lengths, codings = named[b"host"], named[b"content-length"], named[b"transfer-encoding"]

        # RFC 9112, 3.2: exactly one Host in every request.
        if len(hosts) != 1:
            raise LocalProtocolError(f"A request has exactly one Host header, and this one has {len(hosts)}.")

        # RFC 9112, 6.2: no Content-Length beside Transfer-Encoding.
        if lengths and codings:
            raise LocalProtocolError("A request has Content-Length or Transfer-Encoding, and this one has both.")

        self.length = _read_length(lengths) if lengths else _read_coding(codings) if codings else NO_BODY
        self.keeps = keeps_connection(b",".join(named[b"connection"]), b"HTTP/1.1")
        self.upgrades = bool(named[b"upgrade"])
        self.expects_continue = b"100-continue" in (value.lower() for value in named[b"expect"])


_NAMES = (b"host", b"expect", b"upgrade", b"connection", b"content-length", b"transfer-encoding")
_SIZES = frozenset(map(len, _NAMES))


def _pick(pairs: Pairs) -> dict[bytes, list[bytes]]:
    named: dict[bytes, list[bytes]] = {name: [] for name in _NAMES}
    for name, value in pairs:
        if len(name) in _SIZES and (values := named.get(name.lower())) is not None:
            values.append(value.strip(b" \t"))
    return named


def _read_length(values: list[bytes]) -> int:
    if len(values) > 1:
        raise LocalProtocolError(f"A request has one Content-Length header at most, and this one has {len(values)}.")

    # RFC 9110, 8.6. bytes.isdigit() knows ASCII digits only; 18 of them stay within 63 bits.
    value = values[0]
    if not value.isdigit() or len(value) > 18:
        raise LocalProtocolError(f"Invalid Content-Length {value[:64]!r}: up to 18 digits from 0 to 9 are one.")

    return int(value)


def _read_coding(values: list[bytes]) -> int:
    if len(values) > 1 or values[0].lower() != b"chunked":
        raise LocalProtocolError(f"Invalid Transfer-Encoding {b', '.join(values)[:64]!r}: only 'chunked' can be sent.")

    return CHUNKED


def encode_request_line(method: str, target: bytes) -> bytes:
    """Return the first line of a request. Raises LocalProtocolError for what is not a method or not a target."""
    # RFC 9110, 9.1.
    if method not in _KNOWN_METHODS and not _METHOD.fullmatch(method):
        raise LocalProtocolError(f"Invalid method {method[:64]!r}: letters, digits and !#$%&'*+-.^_`|~ make one.")

    # RFC 9112, 3.2: no white space in the target; what is not ASCII is to be percent-encoded.
    if not target or target.translate(None, _VISIBLE):
        raise LocalProtocolError(f"Invalid request target {target[:64]!r}: visible ASCII characters make one.")

    return b"%b %b HTTP/1.1\r\n" % (method.encode("ascii"), target)
