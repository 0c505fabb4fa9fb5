"""The Huffman code of HPACK, against that of `hpack`."""

from __future__ import annotations

import tracemalloc

import pytest
from hpack.exceptions import HPACKDecodingError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman
from hypothesis import given
from hypothesis import strategies as st

from borzoi._wire.hpack_huffman import HuffmanError, huffman_decode, huffman_encode

ORACLE = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


@given(st.binary(max_size=64))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    """Any bytes come back as they were, and their code is the oracle's."""
    coded = huffman_encode(data)

    assert coded == ORACLE.encode(data)
    assert huffman_decode(coded) == data


@pytest.mark.parametrize("byte", range(256))
def test_every_symbol_has_its_code(byte: int) -> None:
    """Each byte has the code of RFC 7541, appendix B."""
    assert huffman_encode(bytes([byte]) * 8) == ORACLE.encode(bytes([byte]) * 8)


@given(st.binary(max_size=12))
def test_what_the_oracle_refuses_is_refused(data: bytes) -> None:
    """Any bytes are decoded as by the oracle, or refused as by it."""
    try:
        expected = bytes(decode_huffman(data))
    except HPACKDecodingError:
        with pytest.raises(HuffmanError):
            huffman_decode(data)
    else:
        assert huffman_decode(data) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xff\xff\xff", "the symbol that ends strings"),
        (b"\xff\xff\xff\xfc", "the symbol that ends strings"),
        (b"\xff", "padded wrongly"),
        (b"\x1f\xff", "padded wrongly"),
        (b"\x18", "padded wrongly"),
        (b"\x00\x00", "padded wrongly"),
    ],
)
def test_faults_are_named(data: bytes, message: str) -> None:
    """EOS in a string, eight bits of padding or more, and padding that is not all ones are refused (RFC 7541, 5.2)."""
    with pytest.raises(HuffmanError, match=message):
        huffman_decode(data)


def test_the_automaton_is_bounded() -> None:
    """However many strings come, the steps that are remembered stay within 4 MiB."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for first in range(256):
            for second in range(256):
                try:
                    huffman_decode(bytes([first, second, first ^ second, second]))
                except HuffmanError:
                    continue
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after - before < 4 * 1024 * 1024
    assert huffman_decode(huffman_encode(b"as before")) == b"as before"
