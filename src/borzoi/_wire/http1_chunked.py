"""The chunked transfer coding (RFC 9112, 7.1), as received.

In: the bytes that follow a head, however they are cut. Out: the pieces of the body, then the trailers, then the bytes
that come after them. It is strict (no bare LF, no sign, no "0x", no space), bounded in each line and in the trailers,
and knows to the byte where the message ends.
"""

from __future__ import annotations

import re

from .._errors import RemoteProtocolError
from .http1_head import HeadLimits, Pairs, SectionBuffer, parse_trailers

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_QUOTED = rb"\"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*\""
_EXTENSION = rb";" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?"

# To the decoder the line of a chunk begins with the CRLF that ends the chunk before it:
#
#     [CRLF] 5 CRLF hello   CRLF 1;a=b CRLF !   CRLF 0 CRLF   trailers CRLF
#     \____line___/ data   \_____line_____/ d  \___line___/  \__section___/
_LINE = re.compile(rb"\r\n([0-9A-Fa-f]{1,16})(?:" + _EXTENSION + rb")*\r\n")
_START_OF_LINE = re.compile(rb"\r?|\r\n(?:[0-9A-Fa-f]{1,16}(?:;[\t \x21-\x7e\x80-\xff]*+)?\r?)?")


class ChunkedDecoder:
    """Decode one body."""

    __slots__ = ("_held", "_left", "_limits", "_section", "trailers")

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        # No chunk comes before the first line: this is the CRLF that it begins with.
        self._held = b"\r\n"
        self._left = 0
        self._section: SectionBuffer | None = None
        self.trailers: Pairs = []

    def receive(self, data: bytes, chunks: list[bytes]) -> bytes | None:
        """Append to `chunks` what is found of the body.

        None means that more is to come; bytes, of which there may be none, are those after the end.
        """
        if self._section is not None:
            return self._receive_trailers(self._section, data)

        if self._held:
            data = self._held + data
            self._held = b""

        position = 0
        while True:
            if left := self._left:
                piece = data[position : position + left]
                if piece:
                    chunks.append(piece)
                self._left = left = left - len(piece)
                if left:
                    return None
                position += len(piece)

            line = _LINE.match(data, position)
            if line is None:
                self._hold(data[position:])
                return None

            start, position = line.span()
            if position - start > self._limits.chunk_line:
                raise RemoteProtocolError(self._too_long())
            self._left = int(line[1], 16)
            if not self._left:
                return self._begin_trailers(data[position:])

    def _hold(self, rest: bytes) -> None:
        if len(rest) > self._limits.chunk_line:
            raise RemoteProtocolError(self._too_long())
        if not _START_OF_LINE.fullmatch(rest):
            raise RemoteProtocolError(f"Malformed chunk: {rest[:32]!r} is not CRLF, a size in hexadecimal, and CRLF.")

        self._held = rest

    def _too_long(self) -> str:
        return f"A chunk-size line is longer than {self._limits.chunk_line} bytes."

    def _begin_trailers(self, data: bytes) -> bytes | None:
        if data.startswith(b"\r\n"):
            return data[2:]

        # The CRLF of the last line counts in, so that a section without a field ends with an empty line like any other.
        self._section = SectionBuffer(b"\r\n")
        return self._receive_trailers(self._section, data)

    def _receive_trailers(self, section: SectionBuffer, data: bytes) -> bytes | None:
        end = section.find_end(data, self._limits.size)
        if end < 0:
            return None

        self.trailers = parse_trailers(section.take(data, end)[2:], self._limits)
        return data[end:]
