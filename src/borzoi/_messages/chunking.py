"""Chunks cut anew: to a size, to text, to lines.

Each is a step of one shape: `feed(chunk)` returns what is complete by then, `flush()` what is left at the end. The work
is linear in the input, also for one line or one chunk that never seems to end.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, AnyStr, Generic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# What str.splitlines() splits at; "\r\n" counts as one.
_LINE_ENDS = frozenset("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")

_NEEDS_BYTE_ORDER = frozenset({"utf-16", "utf-32"})


class _Chunker(Generic[AnyStr]):
    def __init__(self, join: Callable[[Iterable[AnyStr]], AnyStr], chunk_size: int | None) -> None:
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"Invalid chunk_size={chunk_size!r}. Give a size of at least 1, or None.")
        self._join: Callable[[Iterable[AnyStr]], AnyStr] = join
        self._chunk_size = chunk_size
        self._held: list[AnyStr] = []
        self._held_size = 0

    def feed(self, chunk: AnyStr) -> list[AnyStr]:
        """Return the chunks that are full now."""
        if not chunk:
            return []
        if self._chunk_size is None:
            return [chunk]

        self._held.append(chunk)
        self._held_size += len(chunk)
        if self._held_size < self._chunk_size:
            return []

        whole = self._join(self._held)
        end = self._held_size - self._held_size % self._chunk_size
        self._held = [whole[end:]]
        self._held_size -= end
        return [whole[at : at + self._chunk_size] for at in range(0, end, self._chunk_size)]

    def flush(self) -> list[AnyStr]:
        """Return the last chunk, which may be shorter."""
        rest = self._join(self._held)
        self._held = []
        self._held_size = 0
        return [rest] if rest else []


class ByteChunker(_Chunker[bytes]):
    """Cut bytes into chunks of one size."""

    def __init__(self, chunk_size: int | None = None) -> None:
        super().__init__(b"".join, chunk_size)


class TextChunker(_Chunker[str]):
    """Cut text into chunks of one size, in characters."""

    def __init__(self, chunk_size: int | None = None) -> None:
        super().__init__("".join, chunk_size)


class TextDecoder:
    """Turn bytes into text; what does not decode becomes U+FFFD."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding = codecs.lookup(encoding).name
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")

    def feed(self, chunk: bytes) -> list[str]:
        """Return the text that is complete now."""
        text = self._decode(chunk, final=False)
        return [text] if text else []

    def flush(self) -> list[str]:
        """Return what stands for a character that was cut short."""
        text = self._decode(b"", final=True)
        return [text] if text else []

    def _decode(self, chunk: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(chunk, final)
        except UnicodeError:
            held = self._decoder.getstate()[0]

        if self._encoding in _NEEDS_BYTE_ORDER:
            # Python wants a byte order mark in streams. WHATWG Encoding 4.2: without one, it is little endian.
            self._encoding += "-le"
            self._decoder = codecs.getincrementaldecoder(self._encoding)(errors="replace")
            return self._decoder.decode(held + chunk, final)

        # The decoders of ISO 2022 give up on an escape sequence that does not end.
        self._decoder.reset()
        return (held + chunk).decode(self._encoding, "replace")


class LineDecoder:
    """Cut text into lines where str.splitlines() does, without their ends."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._ends_in_cr = False

    def feed(self, text: str) -> list[str]:
        """Return the lines that are complete now."""
        if self._ends_in_cr:
            text = "\r" + text
        # A CR at the end may be the first half of a CR LF.
        self._ends_in_cr = text.endswith("\r")
        if self._ends_in_cr:
            text = text[:-1]
        if not text:
            return []

        lines = text.splitlines()
        tail = [] if text[-1] in _LINE_ENDS else [lines.pop()]

        if lines:
            lines[0] = "".join([*self._parts, lines[0]])
            self._parts = tail
        else:
            self._parts += tail
        return lines

    def flush(self) -> list[str]:
        """Return the last line, when the text does not end with a line end."""
        lines = ["".join(self._parts)] if self._parts or self._ends_in_cr else []
        self._parts = []
        self._ends_in_cr = False
        return lines
