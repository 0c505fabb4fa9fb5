"""The heads of HTTP/1.1: what may stand in one, and what it says about the body and the connection.

In: the bytes of one whole head, or the pairs of a request that is to be sent. Out: plain values, or an error that names
the rule. The grammar is that of RFC 9112 and nothing more: no folding, no bare CR or LF, no space before a colon.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from .._errors import LocalProtocolError, RemoteProtocolError

Pairs = list[tuple[bytes, bytes]]

NO_BODY = 0
"""A length: the message ends with its head."""

CHUNKED = -1
"""A length: the body is in chunks."""

UNTIL_CLOSE = -2
"""A length: the body lasts until the peer closes."""

NO_TRAILERS: Pairs = []
"""What most messages have after their body."""

EMPTY_LINE = b"\r\n\r\n"

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*+))?")
_USUAL_STATUS_LINE = b"HTTP/1.1 200 OK"
_START_OF_STATUS_LINE = b"HTTP/1."

# RFC 9110, 5.1 and 5.5; obs-text is let pass, as everywhere.
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++").fullmatch
_FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]++):[ \t]*+([\t\x20-\x7e\x80-\xff]*+)").fullmatch

MAX_KNOWN_LINES = 1024
"""Lines that are remembered, of each kind."""

MAX_KNOWN_LINE = 128
"""Bytes in a line that is remembered: longer ones are rarely the same twice."""

MAX_LENGTH_DIGITS = 19
"""Digits in a Content-Length: more would not fit into 64 bits."""

_NOT_IN_TRAILERS = frozenset(
    {b"content-length", b"transfer-encoding", b"host", b"trailer", b"te", b"content-encoding", b"content-type"}
    | {b"authorization", b"cookie", b"connection", b"expect", b"content-range", b"set-cookie", b"proxy-authorization"}
)

# What a field is to the framing of a message.
_CONTENT_LENGTH = 1
_TRANSFER_ENCODING = 2
_CONNECTION = 3
# Nothing, but a client acts upon it.
_ACTED_UPON = 4

# What a Connection field asks for.
_CLOSE = 1
_KEEP_ALIVE = 2

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
KNOWN_METHODS = {
    method: method.encode("ascii") + b" "
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY")
}
"""Methods that need no check, and how they begin a request line."""

KNOWN_TARGETS: dict[bytes, bytes] = {}
"""Targets that were checked, and how they end a request line."""

_VISIBLE = bytes(range(0x21, 0x7F))

# What was found sound, and what it means: shared by all connections, since threads see a dictionary before or after a
# change, and what is missing from it is only looked at once more.
_known_lines: dict[bytes, tuple[bytes, bytes]] = {}
_known_framing: dict[bytes, tuple[tuple[bytes, bytes], int, int]] = {}
_NOTHING_KNOWN: dict[bytes, tuple[bytes, bytes]] = {}


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
    """Hold the head of a response as received, where the names keep their case, and what is read from it on the way.

    `length` is that of the body, `keeps` whether the connection persists, `is_plain` whether it has neither of
    `Set-Cookie` and `Content-Encoding`, which the client would act upon.
    """

    __slots__ = ("http_version", "is_plain", "keeps", "length", "pairs", "reason", "status")

    def __init__(
        self, status: int, reason: bytes, http_version: bytes, pairs: Pairs, length: int, keeps: bool, is_plain: bool
    ) -> None:
        self.status = status
        self.reason = reason
        self.http_version = http_version
        self.pairs = pairs
        self.length = length
        self.keeps = keeps
        self.is_plain = is_plain

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


class HeadParser:
    """Parse the heads of one connection, one whole head at a time.

    Most lines of a server's heads are the same from one response to the next. A line that was found sound is remembered
    with what it means, and costs one look-up from then on; any other is held against the grammar.
    """

    __slots__ = ("_framing", "_known", "_limits")

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        self._known = _known_lines
        self._framing = _known_framing

    def parse(self, block: bytes) -> ResponseHead:  # hot path: what a line means is looked up and done in one place
        """Parse a head, given from its first byte to the end of its empty line. Raises RemoteProtocolError."""
        lines = block[:-4].split(b"\r\n")
        if lines[0] == _USUAL_STATUS_LINE:
            status, reason, version = 200, b"OK", b"HTTP/1.1"
        else:
            status, reason, version = self._parse_status_line(lines[0])
        if len(lines) > self._limits.count + 1:
            raise RemoteProtocolError(f"The response has more than {self._limits.count} header fields.")

        del lines[0]
        # A "keep-alive" is news from HTTP/1.0 only, whose lines are all looked at.
        known = self._known if version == b"HTTP/1.1" else _NOTHING_KNOWN
        pairs: list[Any] = list(map(known.get, lines))
        length, options, is_plain = UNTIL_CLOSE, 0, True
        while None in pairs:
            index = pairs.index(None)
            line = lines[index]
            pairs[index], kind, number = self._framing.get(line) or self._learn(line)
            if kind == _CONNECTION:
                options |= number
            elif kind == _ACTED_UPON:
                is_plain = False
            elif kind:
                if length != UNTIL_CLOSE or number == CHUNKED:
                    _check_framing(version, length)
                length = number

        # RFC 9112, 9.3, in its order.
        keeps = not options & _CLOSE and (version == b"HTTP/1.1" or bool(options & _KEEP_ALIVE))
        return ResponseHead(status, reason, version, pairs, length, keeps, is_plain)

    def _learn(self, line: bytes) -> tuple[tuple[bytes, bytes], int, int]:
        """Hold a line against the grammar; return the field and its part in the framing. Raises RemoteProtocolError."""
        match = _FIELD_LINE(line)
        if match is None:
            raise RemoteProtocolError(f"Malformed response head: {_what_is_wrong(line)}.")

        # RFC 9112, 5.1: white space around a value is no part of it.
        name, value = match[1], match[2].rstrip(b" \t")
        pair = (name, value)
        kind, number = _part_in_framing(name.lower(), value)
        if len(line) <= MAX_KNOWN_LINE:
            if kind:
                _remember(self._framing, line, (pair, kind, number))
            if not kind or (kind == _CONNECTION and not number & _CLOSE):
                _remember(self._known, line, pair)
        return pair, kind, number

    def _parse_status_line(self, line: bytes) -> tuple[int, bytes, bytes]:
        if len(line) > self._limits.status_line:
            raise RemoteProtocolError(_status_line_too_long(self._limits.status_line))

        # RFC 9112, 4. The space before an empty reason is missing in the wild; nothing else is let pass.
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise RemoteProtocolError(_not_http1(line))
        return int(match[2]), match[3] or b"", b"HTTP/1." + match[1]


_Known = TypeVar("_Known")


def _remember(lines: dict[bytes, _Known], line: bytes, meaning: _Known) -> None:
    # Dates and identifiers come and go: when they have filled the memory, it starts anew.
    if len(lines) >= MAX_KNOWN_LINES:
        lines.clear()
    lines[line] = meaning


def _what_is_wrong(line: bytes) -> str:
    """Say why a line is no field, showing no value: it may be a secret."""
    name, colon, _ = line.partition(b":")
    if line[:1] in (b" ", b"\t"):
        return "a field is folded over several lines (RFC 9112, 5.2)"
    if not colon:
        return f"the line {line[:32]!r} has no colon (RFC 9112, 5)"
    if not _NAME(name):
        return f"{name[:32]!r} is not a field name (RFC 9112, 5.1)"
    return f"the value of {name[:32]!r} has a character that is not allowed (RFC 9110, 5.5)"


def _part_in_framing(name: bytes, value: bytes) -> tuple[int, int]:
    """Return what a field is to the framing, if anything, and its value in that. Raises RemoteProtocolError."""
    if name == b"content-length":
        # RFC 9112, 6.3, case 5: digits and nothing else, no sign and no list. isdigit() knows ASCII digits only.
        if not value.isdigit() or len(value) > MAX_LENGTH_DIGITS:
            raise RemoteProtocolError(f"Malformed response head: Content-Length {value[:64]!r} is not a length.")
        return _CONTENT_LENGTH, int(value)

    if name == b"transfer-encoding":
        # RFC 9112, 6.3, case 4. We send no TE field: one "chunked" is all that a server may apply (RFC 9110, 10.1.4).
        if value.lower() != b"chunked":
            raise RemoteProtocolError(f"Transfer-Encoding {value[:64]!r}: only 'chunked', once, is understood.")
        return _TRANSFER_ENCODING, CHUNKED

    if name == b"connection":
        return _CONNECTION, _connection_options(value)

    return (_ACTED_UPON if name in (b"set-cookie", b"content-encoding") else 0), 0


def _connection_options(value: bytes) -> int:
    options = [option.strip() for option in value.lower().split(b",")]
    return _CLOSE * (b"close" in options) | _KEEP_ALIVE * (b"keep-alive" in options)


def _check_framing(version: bytes, length: int) -> None:
    """Raise RemoteProtocolError where two readers could find two lengths (RFC 9112, 6.3); `length` is one found before.

    RFC 9112, 6.1: Transfer-Encoding came with HTTP/1.1, and in a message of 1.0 the framing is faulty.
    """
    if length != UNTIL_CLOSE:
        raise RemoteProtocolError("The response has more than one Content-Length or Transfer-Encoding.")
    if version != b"HTTP/1.1":
        raise RemoteProtocolError("Transfer-Encoding in a response of HTTP/1.0.")


def parse_trailers(section: bytes, limits: HeadLimits) -> Pairs:
    """Parse a trailer section (RFC 9112, 7.1.2), given with its empty line. Raises RemoteProtocolError."""
    return HeadParser(limits).parse(b"HTTP/1.1 204 No Content\r\n" + section).pairs


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
        self.keeps = not _connection_options(b",".join(named[b"connection"])) & _CLOSE
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


def encode_method(method: str) -> bytes:
    """Return the beginning of a request line. Raises LocalProtocolError for what is not a method (RFC 9110, 9.1)."""
    if not _METHOD.fullmatch(method):
        raise LocalProtocolError(f"Invalid method {method[:64]!r}: letters, digits and !#$%&'*+-.^_`|~ make one.")
    return method.encode("ascii") + b" "


def encode_target(target: bytes) -> bytes:
    """Return the rest of a request line. Raises LocalProtocolError for what is not a target (RFC 9112, 3.2)."""
    # No white space; what is not ASCII is to be percent-encoded.
    if not target or target.translate(None, _VISIBLE):
        raise LocalProtocolError(f"Invalid request target {target[:64]!r}: visible ASCII characters make one.")
    line = target + b" HTTP/1.1\r\n"
    if len(target) <= MAX_KNOWN_LINE:
        _remember(KNOWN_TARGETS, target, line)
    return line


def encode_trailers(pairs: Pairs) -> bytes:
    """Return a trailer section with its empty line. Raises LocalProtocolError for what may not stand there."""
    lines = b""
    for name, value in pairs:
        line = b"%b: %b" % (name, value)
        if _FIELD_LINE(line) is None or not _NAME(name):
            raise LocalProtocolError(f"Invalid trailer {name[:64]!r}: {_what_is_wrong(line)}.")
        # RFC 9110, 6.5.1: nothing in trailers frames, routes or authenticates a message.
        if name.lower() in _NOT_IN_TRAILERS:
            raise LocalProtocolError(f"The field {name[:64]!r} may not stand in trailers (RFC 9110, 6.5.1).")
        lines += line + b"\r\n"
    return lines + b"\r\n"
