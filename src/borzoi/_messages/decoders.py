"""Content codings undone (RFC 9110 8.4), one bounded piece at a time.

A decoder is fed what arrived and then drained: `feed(data)`, `next(limit)` until it says None, and `finish()` at the
end of the body. A piece is about `limit` bytes however much the input stands for: a bomb costs time, but no memory.

DecodingError is raised for data that is corrupt, cut short, or followed by something that the coding does not allow.
The libraries for br and zstd are looked for on first use; without one, the coding is neither offered nor decoded.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

from .._errors import DecodingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PIECE = 64 * 1024
"""Bytes of decoded content handed out at a time."""

MAX_CODINGS = 5
"""Codings that one response may name. Each multiplies what a bomb expands to."""

MAX_EMPTY_MEMBERS = 1_000
"""Members of gzip, or frames of zstd, that may decode to nothing: a body of those is nothing but work."""

ZSTD_WINDOW_LOG = 23
"""RFC 9659 3: a window of more than 8 MiB may not be asked of a decoder."""


class Decoder:
    """Undo one content coding."""

    coding = ""
    """The coding's name, for error messages."""

    slice_size = 16 * 1024
    """Bytes that the library is given at a time: it may copy on each call what it did not consume."""

    library_error: type[Exception]
    """What the library raises for data that it does not understand."""

    def __init__(self) -> None:
        self._input = b""
        self._at = 0
        self._fed = False

    def feed(self, data: bytes) -> None:
        """Take in what arrived."""
        if data:
            self._input = self._input[self._at :] + data
            self._at = 0
            self._fed = True

    def next(self, limit: int = PIECE) -> bytes | None:
        """Return the next piece, of about `limit` bytes at most, or None when only more input can help."""
        while True:
            start = self._at
            data = b""
            if self._wants_input():
                data = self._input[start : start + self.slice_size]
                if not data:
                    return None

            self._at = start + len(data)
            try:
                piece = self._step(data, limit)
            except self.library_error as error:
                raise self._failure(str(error)) from error

            if piece:
                return piece
            if self._at == start and (data or not self._wants_input()):
                raise self._failure("the data leads nowhere")

    def finish(self) -> None:
        """Check that the data was complete, once `next()` gave None after the last bytes."""
        if self._fed and not self._is_complete():
            raise self._failure("the data ends too early")

    def _give_back(self, data: bytes) -> None:
        self._at -= len(data)

    def _failure(self, reason: str) -> DecodingError:
        return DecodingError(f"The body does not decode as {self.coding}: {reason}.")

    def _wants_input(self) -> bool:
        """Tell whether the library has handed out all that it has."""
        raise NotImplementedError

    def _step(self, data: bytes, limit: int) -> bytes:
        """Run the library over `data`, and give back what it did not consume."""
        raise NotImplementedError

    def _is_complete(self) -> bool:
        """Tell whether the data may end here."""
        raise NotImplementedError


class _MemberDecoder(Decoder):
    """Undo a coding whose data is a row of members, each complete in itself."""

    def __init__(self) -> None:
        super().__init__()
        self._member: Any = None
        self._is_empty = True
        self._empty_members = 0

    def _open(self) -> Any:
        raise NotImplementedError

    def _read(self, data: bytes, limit: int) -> bytes:
        raise NotImplementedError

    def _step(self, data: bytes, limit: int) -> bytes:
        if self._member is None:
            self._member = self._open()
            self._is_empty = True

        piece = self._read(data, limit)
        if piece:
            self._is_empty = False

        if self._member.eof:
            self._give_back(self._member.unused_data)
            self._member = None
            self._count_empty()
        return piece

    def _count_empty(self) -> None:
        self._empty_members += self._is_empty
        if self._empty_members > MAX_EMPTY_MEMBERS:
            raise self._failure(f"it has more than {MAX_EMPTY_MEMBERS} empty members")

    def _is_complete(self) -> bool:
        return self._member is None


class GzipDecoder(_MemberDecoder):
    """Undo gzip (RFC 1952); 2.2 there: a file may have several members."""

    coding = "gzip"

    def __init__(self) -> None:
        import zlib

        super().__init__()
        self.library_error = zlib.error
        self._zlib = zlib
        self._has_more = False

    def _open(self) -> Any:
        return self._zlib.decompressobj(self._zlib.MAX_WBITS | 16)

    def _wants_input(self) -> bool:
        return not self._has_more

    def _read(self, data: bytes, limit: int) -> bytes:
        piece: bytes = self._member.decompress(data, limit)
        self._give_back(self._member.unconsumed_tail)
        # A piece that fills the limit may have been stopped by it.
        self._has_more = len(piece) == limit and not self._member.eof
        return piece


class DeflateDecoder(GzipDecoder):
    """Undo deflate: zlib data (RFC 1950), or the bare RFC 1951 data that some servers mean by it."""

    coding = "deflate"

    def __init__(self) -> None:
        super().__init__()
        self._head = b""
        self._is_over = False

    def _step(self, data: bytes, limit: int) -> bytes:
        if self._is_over:
            raise self._failure("there is something after its end")

        if self._member is None:
            # RFC 1950 2.2: the first two bytes tell zlib data by their check.
            self._head += data
            if len(self._head) < 2:
                return b""
            data, self._head = self._head, b""
            has_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0
            self._member = self._zlib.decompressobj(self._zlib.MAX_WBITS if has_header else -self._zlib.MAX_WBITS)

        piece = super()._step(data, limit)
        self._is_over = self._member is None
        return piece

    def _is_complete(self) -> bool:
        return self._is_over


class ZstdDecoder(_MemberDecoder):
    """Undo zstd (RFC 8878) with the standard library's module or its backport."""

    coding = "zstd"

    def __init__(self, library: Any) -> None:
        super().__init__()
        self.library_error = library.ZstdError
        self._library = library

    def _open(self) -> Any:
        window = self._library.DecompressionParameter.window_log_max
        return self._library.ZstdDecompressor(options={window: ZSTD_WINDOW_LOG})

    def _wants_input(self) -> bool:
        return self._member is None or self._member.needs_input

    def _read(self, data: bytes, limit: int) -> bytes:
        piece: bytes = self._member.decompress(data, limit)
        return piece


class ZstandardDecoder(_MemberDecoder):
    """Undo zstd with the `zstandard` package, which cannot be told to stop at a limit.

    RFC 8878 3.1.1.2: four bytes are the least that a block takes, and 128 KiB the most that it gives. So does the size
    of what goes in bound what comes out.
    """

    coding = "zstd"
    slice_size = 128

    def __init__(self, library: Any) -> None:
        super().__init__()
        self.library_error = library.ZstdError
        self._library = library

    def _open(self) -> Any:
        return self._library.ZstdDecompressor(max_window_size=1 << ZSTD_WINDOW_LOG).decompressobj()

    def _wants_input(self) -> bool:
        return True

    def _read(self, data: bytes, limit: int) -> bytes:
        piece: bytes = self._member.decompress(data)
        return piece


class BrotliDecoder(Decoder):
    """Undo br (RFC 7932). A library older than 1.2 knows no limit: there, small slices have to do."""

    coding = "br"

    def __init__(self, library: Any) -> None:
        super().__init__()
        self.library_error = library.error
        self._decompressor = library.Decompressor()
        self._has_more = False
        self._has_limit = hasattr(self._decompressor, "can_accept_more_data")
        if not self._has_limit:
            self.slice_size = 256

    def _wants_input(self) -> bool:
        # It says that it can accept more data also while it holds back output.
        return not self._has_more and (
            not self._has_limit or self._decompressor.is_finished() or self._decompressor.can_accept_more_data()
        )

    def _step(self, data: bytes, limit: int) -> bytes:
        if self._decompressor.is_finished():
            raise self._failure("there is something after its end")
        arguments = {"output_buffer_limit": limit} if self._has_limit else {}
        piece: bytes = self._decompressor.process(data, **arguments)
        self._has_more = self._has_limit and len(piece) >= limit and not self._decompressor.is_finished()
        return piece

    def _is_complete(self) -> bool:
        is_finished: bool = self._decompressor.is_finished()
        return is_finished


class IdentityDecoder:
    """Hand on what has no coding, or one that is not known here."""

    def __init__(self) -> None:
        self._data: bytes | None = None

    def feed(self, data: bytes) -> None:
        """Take in what arrived."""
        self._data = data

    def next(self, limit: int = PIECE) -> bytes | None:
        """Return what was fed, once."""
        data, self._data = self._data, None
        return data

    def finish(self) -> None:
        """Find nothing wrong."""


class ChainedDecoder:
    """Undo several codings, the last one applied first. Each stage holds one piece at a time."""

    def __init__(self, stages: list[Decoder]) -> None:
        self._stages = stages

    def feed(self, data: bytes) -> None:
        """Take in what arrived."""
        self._stages[0].feed(data)

    def next(self, limit: int = PIECE) -> bytes | None:
        """Return the next piece, of about `limit` bytes at most, or None when only more input can help."""
        return self._pull(len(self._stages) - 1, limit)

    def finish(self) -> None:
        """Check that the data of every coding was complete."""
        for stage in self._stages:
            stage.finish()

    def _pull(self, index: int, limit: int) -> bytes | None:
        stage = self._stages[index]
        while (piece := stage.next(limit)) is None and index > 0:
            earlier = self._pull(index - 1, limit)
            if earlier is None:
                return None
            stage.feed(earlier)
        return piece


def _find(*names: str) -> str | None:
    """Return the first module of `names` that is installed, without importing it."""
    import importlib.util

    for name in names:
        try:
            if importlib.util.find_spec(name) is not None:
                return name
        except (ImportError, ValueError):
            # The package around it is missing, or somebody put a stand-in for it into sys.modules.
            continue
    return None


@functools.cache
def _brotli_module() -> str | None:
    return _find("brotli", "brotlicffi")


@functools.cache
def _zstd_module() -> str | None:
    return _find("compression.zstd", "backports.zstd", "zstandard")


@functools.cache
def accept_encoding() -> str:
    """Return the value of Accept-Encoding: the codings that can be undone here."""
    optional = ", br" * (_brotli_module() is not None) + ", zstd" * (_zstd_module() is not None)
    return f"gzip, deflate{optional}"


def _brotli() -> Decoder | None:
    import importlib

    name = _brotli_module()
    return None if name is None else BrotliDecoder(importlib.import_module(name))


def _zstd() -> Decoder | None:
    import importlib

    name = _zstd_module()
    if name is None:
        return None
    library = importlib.import_module(name)
    return ZstandardDecoder(library) if name == "zstandard" else ZstdDecoder(library)


_DECODERS: dict[str, Callable[[], Decoder | None]] = {
    "gzip": GzipDecoder,
    # RFC 9110 8.4.1.3: "x-gzip" is the same as "gzip".
    "x-gzip": GzipDecoder,
    "deflate": DeflateDecoder,
    "br": _brotli,
    "zstd": _zstd,
}


AnyDecoder: TypeAlias = Decoder | IdentityDecoder | ChainedDecoder


def decoder_for(codings: Iterable[str]) -> AnyDecoder:
    """Return what undoes `codings`, listed in the order in which they were applied.

    A coding that is not known here stays, and so do those beneath it. Raises DecodingError for more than five.
    """
    names = [name for name in (coding.strip().lower() for coding in codings) if name and name != "identity"]
    if len(names) > MAX_CODINGS:
        raise DecodingError(f"The body has {len(names)} content codings, more than the {MAX_CODINGS} allowed.")

    stages: list[Decoder] = []
    for name in reversed(names):
        stage = _DECODERS.get(name, lambda: None)()
        if stage is None:
            break
        stages.append(stage)

    if len(stages) > 1:
        return ChainedDecoder(stages)
    return stages[0] if stages else IdentityDecoder()
