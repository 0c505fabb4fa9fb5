"""Content codings: undone in bounded pieces, and refused when they are broken."""

from __future__ import annotations

import gzip
import importlib.machinery
import random
import sys
import tracemalloc
import types
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli
import pytest
from backports import zstd

from borzoi._errors import DecodingError
from borzoi._messages import decoders
from borzoi._messages.decoders import AnyDecoder, decoder_for


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
ENCODERS = [*CODINGS.items(), ("deflate", raw_deflate)]

TEXT = b"".join(random.Random(7).randbytes(3) + b"borzoi" * 20 for _ in range(2_000))


def drain(decoder: AnyDecoder, limit: int = decoders.PIECE) -> Iterator[bytes]:
    while (piece := decoder.next(limit)) is not None:
        yield piece


def decode(codings: str, data: bytes, size: int = 65_536, limit: int = decoders.PIECE) -> bytes:
    decoder = decoder_for(codings.split(","))
    pieces: list[bytes] = []
    for at in range(0, len(data), size):
        decoder.feed(data[at : at + size])
        pieces += drain(decoder, limit)
    decoder.finish()
    return b"".join(pieces)


@pytest.fixture
def fresh_look(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Look again for the libraries of br and zstd, now and after the test."""

    def forget() -> None:
        for look in (decoders._brotli_module, decoders._zstd_module, decoders.accept_encoding):
            look.cache_clear()

    forget()
    yield monkeypatch
    monkeypatch.undo()
    forget()


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
@pytest.mark.parametrize(("size", "limit"), [(1 << 20, 65_536), (1, 65_536), (7, 10), (100_000, 1000)])
def test_what_was_encoded_is_decoded(coding: str, encode: Callable[[bytes], bytes], size: int, limit: int) -> None:
    """However the data is cut, and however small the pieces asked for, the content comes out."""
    data = TEXT if size > 1 else TEXT[:5_000]

    assert decode(coding, encode(data), size, limit) == data


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
def test_content_that_is_empty(coding: str, encode: Callable[[bytes], bytes]) -> None:
    """Empty content decodes to nothing; so does no data at all, as in an answer to HEAD."""
    decoder = decoder_for([coding])
    decoder.feed(b"")

    assert decode(coding, encode(b"")) == b""
    assert decode(coding, b"") == b""
    assert decoder.next() is None


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
def test_data_that_ends_too_early(coding: str, encode: Callable[[bytes], bytes]) -> None:
    """Data that was cut short is an error, wherever it was cut."""
    data = encode(b"borzoi" * 100)

    for end in range(1, len(data)):
        with pytest.raises(DecodingError, match="the data ends too early"):
            decode(coding, data[:end])


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
@pytest.mark.parametrize("size", [1, 65_536])
def test_data_with_something_after_its_end(coding: str, encode: Callable[[bytes], bytes], size: int) -> None:
    """What follows the data must be data of the same coding."""
    with pytest.raises(DecodingError, match=f"does not decode as {coding.removeprefix('x-')}"):
        decode(coding, encode(b"borzoi" * 100) + b"garbage", size)


@pytest.mark.parametrize("coding", CODINGS)
def test_data_that_is_something_else(coding: str) -> None:
    """Data that is not of the coding is an error that names the coding and carries the library's as its cause."""
    with pytest.raises(DecodingError, match="does not decode") as caught:
        decode(coding, b"\xffThis is plain text." * 10)

    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
def test_damaged_data_is_an_error_or_other_content(coding: str, encode: Callable[[bytes], bytes]) -> None:
    """Whatever happened to the data, nothing but DecodingError comes of it."""
    chance = random.Random(3)
    good = encode(TEXT[:3_000])
    outcomes: set[str] = set()
    for _ in range(300):
        data = bytearray(good)
        data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            outcomes.add("content" if decode(coding, bytes(data), 100) else "nothing")
        except DecodingError:
            outcomes.add("error")

    assert "error" in outcomes


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
@pytest.mark.parametrize("size", [1, 65_536])
def test_members_follow_one_another(coding: str, encode: Callable[[bytes], bytes], size: int) -> None:
    """Several members are one content: RFC 1952 2.2, RFC 8878 3.1."""
    assert decode(coding, encode(b"bor") + encode(b"") + encode(b"zoi"), size) == b"borzoi"


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_empty_members_are_counted(coding: str, encode: Callable[[bytes], bytes]) -> None:
    """A body of empty members is refused; as many members with content are not."""
    too_many = decoders.MAX_EMPTY_MEMBERS + 1

    with pytest.raises(DecodingError, match="more than 1000 empty members"):
        decode(coding, encode(b"") * too_many)
    assert decode(coding, encode(b"x") * too_many) == b"x" * too_many


def test_deflate_means_zlib_data_or_bare_data() -> None:
    """Both readings of deflate are told apart by the first two bytes, also when they come one by one."""
    assert decode("deflate", zlib.compress(TEXT, 1), 1) == TEXT
    assert decode("deflate", raw_deflate(TEXT), 1) == TEXT
    with pytest.raises(DecodingError, match="something after its end"):
        decode("deflate", zlib.compress(b"x") + b"y")


def test_zstd_windows_are_bounded() -> None:
    """RFC 9659 3: a frame that asks for a window above 8 MiB is refused."""
    parameters = {zstd.CompressionParameter.window_log: 24}
    compressor = zstd.ZstdCompressor(options=parameters)
    data = compressor.compress(b"x" * 100) + compressor.flush()

    with pytest.raises(DecodingError, match="zstd"):
        decode("zstd", data)


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
def test_a_bomb_takes_no_memory(coding: str, encode: Callable[[bytes], bytes]) -> None:
    """64 MiB of zeros come out in bounded pieces, without ever being there as a whole."""
    bomb = encode(bytes(64 << 20))
    size = 0
    tracemalloc.start()
    try:
        decoder = decoder_for([coding])
        decoder.feed(bomb)
        for piece in drain(decoder):
            assert len(piece) <= 256 * 1024
            size += len(piece)
        decoder.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size == 64 << 20
    assert peak < 2 << 20


def test_a_chained_bomb_takes_no_memory() -> None:
    """A bomb within a bomb is as bounded as one."""
    bomb = gzip.compress(gzip.compress(bytes(256 << 20), 9), 9)
    decoder = decoder_for(["gzip", "gzip"])
    tracemalloc.start()
    try:
        decoder.feed(bomb)
        size = sum(map(len, drain(decoder)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(bomb) < 4_000
    assert size == 256 << 20
    assert peak < 1 << 20


def test_chained_codings_are_undone_from_the_last() -> None:
    """Codings are listed in the order in which they were applied."""
    data = TEXT
    for coding in ("gzip", "deflate", "br", "zstd", "gzip"):
        data = CODINGS[coding](data)

    assert decode("gzip, Deflate ,br,zstd, identity,gzip", data) == TEXT
    assert decode("gzip,deflate,br,zstd,gzip", data, 1) == TEXT


def test_an_inner_coding_that_ends_too_early() -> None:
    """Each coding of a chain has to be complete."""
    with pytest.raises(DecodingError, match="gzip: the data ends too early"):
        decode("gzip,br", brotli.compress(gzip.compress(b"x" * 100)[:-1]))


def test_too_many_codings() -> None:
    """More than five codings are refused before anything is decoded."""
    with pytest.raises(DecodingError, match="6 content codings, more than the 5 allowed"):
        decoder_for(["gzip"] * 6)


@pytest.mark.parametrize(
    ("codings", "data"),
    [("", b"x"), ("identity", b"x"), ("compress", b"x"), ("gzip,compress", gzip.compress(b"x", mtime=0))],
)
def test_unknown_codings_stay(codings: str, data: bytes) -> None:
    """What is under an unknown coding cannot be reached, so the body is left as it is."""
    assert decode(codings, data) == data


def test_what_is_above_an_unknown_coding_is_undone() -> None:
    """A known coding around an unknown one is undone."""
    assert decode("compress,gzip", gzip.compress(b"x")) == b"x"


def test_what_is_offered() -> None:
    """Accept-Encoding lists all codings whose libraries are there."""
    assert decoders.accept_encoding() == "gzip, deflate, br, zstd"


def test_without_libraries_less_is_offered(fresh_look: pytest.MonkeyPatch) -> None:
    """Without their libraries, br and zstd are neither offered nor decoded."""
    for name in ("brotli", "brotlicffi", "compression.zstd", "backports.zstd", "zstandard"):
        fresh_look.setitem(sys.modules, name, None)
    fresh_look.setattr(sys, "path", [])
    fresh_look.setattr(sys, "path_importer_cache", {})

    assert decoders.accept_encoding() == "gzip, deflate"
    assert decode("br", b"as it is") == b"as it is"
    assert decode("zstd", b"as it is") == b"as it is"


def install(monkeypatch: pytest.MonkeyPatch, name: str, **attributes: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def test_the_zstandard_package_is_fed_in_small_slices(fresh_look: pytest.MonkeyPatch) -> None:
    """Where only `zstandard` is installed, what goes in is kept small, since what comes out has no limit."""
    largest = 0

    class Frame:
        def __init__(self) -> None:
            self._frame = zstd.ZstdDecompressor()

        def decompress(self, data: bytes) -> bytes:
            nonlocal largest
            largest = max(largest, len(data))
            return self._frame.decompress(data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._frame, name)

    class Decompressor:
        def __init__(self, max_window_size: int) -> None:
            assert max_window_size == 8 << 20

        def decompressobj(self) -> Frame:
            return Frame()

    install(fresh_look, "zstandard", ZstdError=zstd.ZstdError, ZstdDecompressor=Decompressor)
    for name in ("compression.zstd", "backports.zstd"):
        fresh_look.setitem(sys.modules, name, None)

    noise = random.Random(1).randbytes(5_000)

    assert decode("zstd", zstd.compress(noise)) == noise
    assert decode("zstd", zstd.compress(b"a") + zstd.compress(b"b")) == b"ab"
    assert largest == 128


def test_an_old_brotli_is_fed_in_small_slices(fresh_look: pytest.MonkeyPatch) -> None:
    """A brotli without output_buffer_limit is still of use."""

    class Old:
        def __init__(self) -> None:
            self._decompressor = brotli.Decompressor()
            self.process = lambda data: self._decompressor.process(data)
            self.is_finished = self._decompressor.is_finished

    install(fresh_look, "brotli", error=brotli.error, Decompressor=Old)

    assert decode("br", brotli.compress(TEXT)) == TEXT
    with pytest.raises(DecodingError, match="ends too early"):
        decode("br", brotli.compress(TEXT)[:-1])


def test_a_library_that_makes_no_progress_is_stopped(fresh_look: pytest.MonkeyPatch) -> None:
    """A decoder that neither takes data nor gives any ends in an error, not in a loop."""

    class Stuck:
        def can_accept_more_data(self) -> bool:
            return False

        def is_finished(self) -> bool:
            return False

        def process(self, data: bytes, output_buffer_limit: int) -> bytes:
            return b""

    install(fresh_look, "brotli", error=brotli.error, Decompressor=Stuck)

    with pytest.raises(DecodingError, match="the data leads nowhere"):
        decode("br", b"data")
