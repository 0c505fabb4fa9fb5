"""Chunks cut to a size, to text, to lines."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi._messages.chunking import ByteChunker, LineDecoder, TextChunker, TextDecoder


def run(step: Any, chunks: list[Any]) -> list[Any]:
    return [out for chunk in chunks for out in step.feed(chunk)] + step.flush()


@given(st.lists(st.binary(max_size=9)), st.integers(1, 7))
def test_chunks_have_the_size_asked_for(chunks: list[bytes], size: int) -> None:
    """All chunks but the last have the size, and together they are what was fed."""
    made = run(ByteChunker(size), chunks)

    assert b"".join(made) == b"".join(chunks)
    assert all(len(chunk) == size for chunk in made[:-1])
    assert all(1 <= len(chunk) <= size for chunk in made)


def test_without_a_size_chunks_stay_as_they_are() -> None:
    """Chunks pass as they came, empty ones left out."""
    assert run(ByteChunker(), [b"ab", b"", b"c"]) == [b"ab", b"c"]
    assert run(TextChunker(None), ["ab", "", "c"]) == ["ab", "c"]


def test_text_is_cut_in_characters() -> None:
    """A chunk of text has so many characters, whatever their bytes."""
    assert run(TextChunker(2), ["é", "éé", "\U0001f600é"]) == ["éé", "é\U0001f600", "é"]


@pytest.mark.parametrize("size", [0, -1])
@pytest.mark.parametrize("chunker", [ByteChunker, TextChunker])
def test_a_size_below_one_is_refused(chunker: Callable[[int], Any], size: int) -> None:
    """A chunk of no size would never come to an end."""
    with pytest.raises(ValueError, match=f"chunk_size={size}"):
        chunker(size)


@given(st.text(), st.integers(1, 5), st.sampled_from(["utf-8", "utf-16", "utf-16-be", "utf-32", "shift_jis", "utf-7"]))
def test_text_is_decoded_across_chunks(text: str, size: int, encoding: str) -> None:
    """Where chunks end makes no difference to the text."""
    data = text.encode(encoding, "replace")
    chunks = [data[at : at + size] for at in range(0, len(data), size)]

    assert "".join(run(TextDecoder(encoding), chunks)) == data.decode(encoding, "replace")


def test_what_does_not_decode_is_replaced() -> None:
    """Bytes that are no text become U+FFFD, at the end too."""
    assert run(TextDecoder("utf-8"), [b"a\xff", b"b\xc3"]) == ["a\ufffd", "b", "\ufffd"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_stream_without_byte_order_mark_is_little_endian(encoding: str) -> None:
    """UTF-16 and UTF-32 without a mark are read as little endian, whatever the chunks."""
    data = "dog é".encode(f"{encoding}-le")

    assert "".join(run(TextDecoder(encoding), [data[:1], data[1:7], data[7:]])) == "dog é"


def test_an_endless_escape_sequence_is_replaced() -> None:
    """A codec that gives up on its input does not fail the stream."""
    made = run(TextDecoder("iso2022_jp"), [b"&\x1b&&$&&\x1b\x1b$", b"ok"])

    assert "".join(made).endswith("ok")


def test_an_unknown_encoding_of_the_program_is_an_error() -> None:
    """An encoding that the program chose is not second-guessed."""
    with pytest.raises(LookupError):
        TextDecoder("nonsense")


@given(st.text("ab\r\n\x0b\x85\u2028"), st.lists(st.integers(0, 20), max_size=5))
def test_lines_are_those_of_splitlines(text: str, cuts: list[int]) -> None:
    """Where chunks end makes no difference to the lines, not even between CR and LF."""
    places = [0, *sorted(cuts), len(text)]
    chunks = [text[start:end] for start, end in itertools.pairwise(places)]

    assert run(LineDecoder(), chunks) == text.splitlines()


def test_one_huge_line_takes_linear_time() -> None:
    """A line that does not end costs the same for each chunk."""
    started = time.process_time()
    lines = run(LineDecoder(), ["x" * 1000] * 20_000)

    assert [len(line) for line in lines] == [20_000_000]
    assert time.process_time() - started < 5
