"""HPACK: the examples of RFC 7541, the tables of both sides, secrets, faults and bounds."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import hpack
import pytest
from hpack.table import HeaderTable
from hypothesis import given
from hypothesis import strategies as st

from borzoi._wire.hpack import (
    Decoder,
    Encoder,
    HeaderListTooLarge,
    HpackError,
    Pairs,
    decode_integer,
    encode_integer,
    encode_outside_tables,
)
from borzoi._wire.hpack_tables import STATIC_TABLE

REQUEST = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"www.example.com")]

names = st.sampled_from(
    [b":path", b":status", b"accept", b"cookie", b"etag", b"x-a", b"x-b", b"authorization", b"x-api-key"]
)
values = st.one_of(st.sampled_from([b"", b"/", b"200", b"a" * 30, b"b" * 900, b"c" * 3000]), st.binary(max_size=40))
lists = st.lists(st.tuples(names, values), max_size=8)


def read_by_hpack(oracle: Any, block: bytes) -> Pairs:
    return [(bytes(name), bytes(value)) for name, value in oracle.decode(block, raw=True)]


def literal(name: bytes, value: bytes, pattern: int = 0) -> bytes:
    """Return a literal with a new name, without Huffman coding."""
    return bytes([pattern]) + encode_integer(len(name), 0x7F, 0) + name + encode_integer(len(value), 0x7F, 0) + value


# --- the tables


def test_the_static_table() -> None:
    """The static table is that of RFC 7541, appendix A."""
    assert [(bytes(name), bytes(value)) for name, value in HeaderTable.STATIC_TABLE] == STATIC_TABLE


@pytest.mark.parametrize(
    ("blocks", "last"),
    [
        (  # RFC 7541, C.3
            ["828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865"],
            [*REQUEST, (b"cache-control", b"no-cache")],
        ),
        (  # RFC 7541, C.4
            ["828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf"],
            [*REQUEST, (b"cache-control", b"no-cache")],
        ),
        (["400a637573746f6d2d6b65790d637573746f6d2d686561646572"], [(b"custom-key", b"custom-header")]),  # C.2.1
        (["040c2f73616d706c652f70617468"], [(b":path", b"/sample/path")]),  # C.2.2
        (["100870617373776f726406736563726574"], [(b"password", b"secret")]),  # C.2.3
        (["82"], [(b":method", b"GET")]),  # C.2.4
    ],
)
def test_the_examples_of_the_rfc(blocks: list[str], last: Pairs) -> None:
    """The examples of RFC 7541, appendix C, are read as it says."""
    decoder = Decoder()

    assert [decoder.decode(bytes.fromhex(block)) for block in blocks][-1] == last


@pytest.mark.parametrize("blocks", [
    (  # RFC 7541, C.5
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
    ),
    (  # RFC 7541, C.6
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ),
])  # fmt: skip
def test_the_examples_with_eviction(blocks: tuple[str, ...]) -> None:
    """The responses of RFC 7541, C.5 and C.6, are read through a table of 256 bytes, from which entries leave."""
    decoder = Decoder(max_table=256)

    lists = [decoder.decode(bytes.fromhex(block)) for block in blocks]

    assert lists[1][0] == (b":status", b"307")
    assert lists[2] == [
        (b":status", b"200"),
        (b"cache-control", b"private"),
        (b"date", b"Mon, 21 Oct 2013 20:13:22 GMT"),
        (b"location", b"https://www.example.com"),
        (b"content-encoding", b"gzip"),
        (b"set-cookie", b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
    ]


@given(st.lists(lists, max_size=12), st.lists(st.sampled_from([0, 64, 200, 4096, 10_000]), max_size=12))
def test_what_is_encoded_is_decoded(stories: list[Pairs], sizes: list[int]) -> None:
    """Whatever headers are sent, and however the table is resized between them, both decoders read what was sent."""
    encoder, decoder, oracle = Encoder(), Decoder(), hpack.Decoder()
    oracle.max_allowed_table_size = 10_000

    for index, pairs in enumerate(stories):
        for size in sizes[index : index + 2]:
            encoder.resize(size)
        block = encoder.updates() + encoder.encode(pairs)
        assert decoder.decode(block) == pairs
        assert read_by_hpack(oracle, block) == pairs


@given(st.lists(lists, max_size=12), st.lists(st.sampled_from([0, 64, 200, 4096]), max_size=12))
def test_what_the_oracle_encodes_is_decoded(stories: list[Pairs], sizes: list[int]) -> None:
    """What `hpack` encodes, through tables of any size, is read."""
    oracle, decoder = hpack.Encoder(), Decoder()

    for index, pairs in enumerate(stories):
        if index < len(sizes):
            oracle.header_table_size = sizes[index]
        assert decoder.decode(oracle.encode(pairs)) == pairs


@given(st.lists(st.binary(max_size=24), max_size=6))
def test_whatever_comes_is_read_as_by_the_oracle(blocks: list[bytes]) -> None:
    """Any blocks are read as `hpack` reads them, or refused where it refuses them."""
    decoder, oracle = Decoder(), hpack.Decoder()

    for block in blocks:
        try:
            expected = read_by_hpack(oracle, block)
        except hpack.HPACKError:
            with pytest.raises(HpackError):
                decoder.decode(block)
            return
        assert decoder.decode(block) == expected


# --- the encoder


def test_steady_fields_enter_the_table_at_once() -> None:
    """What is the same in every request is one byte from the second time on."""
    encoder = Encoder()
    pairs = [(b":authority", b"example.org"), (b"user-agent", b"borzoi"), (b"accept", b"*/*")]

    assert len(encoder.encode(pairs)) > 20
    assert encoder.encode(pairs) == b"\xc0\xbf\xbe"


def test_other_fields_enter_the_table_when_they_repeat() -> None:
    """A value that is sent once changes no table; one that is sent again does, and is one byte the third time."""
    encoder = Encoder()
    for number in range(300):
        encoder.encode([(b"x-request-id", b"%d" % number)])
    assert encoder.generation == 0

    first, second, third = (encoder.encode([(b"x-tenant", b"borzoi")]) for _ in range(3))

    assert (first[0], second[0], third) == (0x00, 0x40, b"\xbe")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"authorization", b"Bearer " + b"x" * 100),
        (b"proxy-authorization", b"Basic abc"),
        (b"cookie", b"short=1"),
        (b"x-api-key", b"0123"),
        (b"x-auth-token", b"0123"),
        (b"client-secret", b"0123"),
        (b"x-password", b"0123"),
    ],
)
def test_secrets_are_never_indexed(name: bytes, value: bytes) -> None:
    """A secret enters no table, and tells whoever passes it on to keep it out of theirs (RFC 7541, 7.1.3)."""
    encoder, oracle = Encoder(), hpack.Decoder()

    for _ in range(3):
        block = encoder.encode([(name, value)])
        assert block[0] & 0xF0 == 0x10
        assert isinstance(oracle.decode(block, raw=True)[0], hpack.NeverIndexedHeaderTuple)
    assert encoder.generation == 0


def test_a_long_cookie_is_no_secret_of_few_guesses() -> None:
    """A cookie of twenty bytes or more may enter the table."""
    encoder = Encoder()
    cookie = [(b"cookie", b"session=0123456789abcdef")]

    assert [len(encoder.encode(cookie)) for _ in range(3)][-1] == 1


def test_what_fills_half_the_table_stays_outside() -> None:
    """A field that would drive out most others is sent as a literal each time."""
    encoder = Encoder()
    large = [(b"x-large", b"\x00" * 2048)]

    assert len({encoder.encode(large) for _ in range(3)}) == 1
    assert encoder.generation == 0


def test_a_smaller_table_is_announced() -> None:
    """The peer's limit is obeyed and announced once, the smallest of several changes with the last (RFC 7541, 4.2)."""
    encoder, decoder = Encoder(), Decoder()
    agent = [(b"user-agent", b"borzoi")]
    decoder.decode(encoder.encode(agent))

    encoder.resize(0)
    encoder.resize(100)
    updates = encoder.updates()

    assert updates == b"\x20" + encode_integer(100, 0x1F, 0x20)
    assert encoder.updates() == b""
    assert decoder.decode(updates + encoder.encode(agent)) == agent


def test_a_larger_table_is_not_used() -> None:
    """A peer that would keep more than 4,096 bytes is not asked to."""
    encoder = Encoder()
    encoder.resize(65536)

    assert encoder.updates() == b""


def test_fields_outside_tables_are_the_same_in_every_block() -> None:
    """Method, scheme and path are static indices, or literals that enter no table."""
    decoder = Decoder()
    fields = [
        (b":method", b"GET"),
        (b":method", b"PATCH"),
        (b":scheme", b"https"),
        (b":path", b"/"),
        (b":path", b"/a?b=c"),
    ]
    block = b"".join(encode_outside_tables(*field) for field in fields)

    assert decoder.decode(block) == fields
    assert decoder.generation == 0


# --- the decoder


def test_a_literal_that_comes_again_is_remembered() -> None:
    """A literal that was read is the same objects the next time; there is a limit to how many are kept."""
    decoder = Decoder()
    block = literal(b"server", b"borzoi")
    first = decoder.decode(block)[0]
    assert decoder.decode(block)[0] is first

    for number in range(200):
        decoder.decode(literal(b"x", b"%d" % number))

    assert decoder.decode(block)[0] is not first


def test_a_name_of_the_dynamic_table_is_read_anew() -> None:
    """The same bytes mean another name once the table has changed."""
    decoder = Decoder()
    by_index = bytes([0x0F, 62 - 15]) + b"\x01v"
    decoder.decode(literal(b"first", b"", 0x40))
    assert decoder.decode(by_index) == [(b"first", b"v")]

    decoder.decode(literal(b"second", b"", 0x40))

    assert decoder.decode(by_index) == [(b"second", b"v")]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b"\x80", "refers to index 0"),
        (b"\xbe", "refers to what is not there"),
        (b"\xff\x80\x01", "refers to what is not there"),
        (b"\x7f\x00", "refers to what is not there"),
        (b"\x40", "ends in the middle"),
        (b"\x40\x01a", "ends in the middle"),
        (b"\x40\x01a\x05b", "ends in the middle"),
        (b"\x00\x7f", "ends in the middle"),
        (b"\xff", "ends in the middle"),
        (b"\xff\xff\xff\xff\xff\x0f", "an integer in a header block is too large"),
        (b"\x00\x7f\x80\x80\x80\x80\x80\x80\x00", "an integer in a header block is too large"),
        (b"\x3f\xe2\x1f", "resized to 4097 bytes, beyond the 4096 allowed"),
        (b"\x82\x20", "resized in the middle of a header block"),
        (b"\x00\x01a\x81\xff", "padded wrongly"),
        (b"\x00\x84\xff\xff\xff\xff\x00", "the symbol that ends strings"),
    ],
)
def test_faults_are_named(block: bytes, message: str) -> None:
    """A malformed block raises HpackError, which says what is wrong with it."""
    with pytest.raises(HpackError, match=message):
        Decoder().decode(block)


@pytest.mark.parametrize(("value", "mask"), [(0, 0x7F), (10, 0x1F), (31, 0x1F), (1337, 0x1F), (127, 0x7F), (255, 0x7F), (2**28, 0x0F)])  # fmt: skip
def test_integers(value: int, mask: int) -> None:
    """An integer is read as it was written, with any prefix (RFC 7541, 5.1)."""
    encoded = encode_integer(value, mask, 0)

    assert decode_integer(b"\xff" + encoded, 1, mask) == (value, len(encoded) + 1)
    assert encode_integer(1337, 0x1F, 0) == b"\x1f\x9a\x0a"


def test_a_list_over_the_limit_is_read_and_refused() -> None:
    """A header list over its limits costs its message alone: the table is as it should be for the next block."""
    decoder = Decoder(max_list=200, max_count=3)

    with pytest.raises(HeaderListTooLarge, match="more than 200 bytes"):
        decoder.decode(literal(b"a", b"b" * 200, 0x40))
    with pytest.raises(HeaderListTooLarge, match="more than 3 header fields"):
        decoder.decode(b"\x82" * 4)

    with pytest.raises(HeaderListTooLarge):
        decoder.decode(b"\xbe")
    assert decoder.decode(b"\x82") == [(b":method", b"GET")]


def test_old_entries_leave() -> None:
    """What does not fit into the table any more cannot be referred to (RFC 7541, 4.4)."""
    decoder = Decoder(max_table=100)
    decoder.decode(literal(b"first", b"x", 0x40) + literal(b"second", b"x", 0x40))
    assert decoder.decode(b"\xbf") == [(b"first", b"x")]

    decoder.decode(literal(b"third", b"x", 0x40))

    assert decoder.decode(b"\xbf") == [(b"second", b"x")]
    with pytest.raises(HpackError, match="refers to what is not there"):
        decoder.decode(b"\xc0")


def test_an_entry_larger_than_the_table_empties_it() -> None:
    """It is no fault, and leaves nothing behind (RFC 7541, 4.4)."""
    decoder = Decoder(max_table=100)

    assert decoder.decode(literal(b"a", b"b", 0x40) + literal(b"c", b"d" * 100, 0x40))[1] == (b"c", b"d" * 100)

    with pytest.raises(HpackError, match="refers to what is not there"):
        decoder.decode(b"\xbe")


def test_a_bomb_is_refused_in_bounded_time_and_memory() -> None:
    """128 KiB that stand for 500 MiB are refused within a second, holding less than 4 MiB."""
    decoder = Decoder()
    decoder.decode(literal(b"a", b"b" * 4000, 0x40)[:1] + literal(b"a", b"b" * 4000)[1:])
    bomb = b"\xbe" * (128 * 1024)
    began = time.process_time()
    with pytest.raises(HeaderListTooLarge):
        decoder.decode(bomb)
    elapsed = time.process_time() - began

    tracemalloc.start()
    try:
        with pytest.raises(HeaderListTooLarge):
            decoder.decode(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * 1024 * 1024
    assert elapsed < 1


@pytest.mark.parametrize("size", [10, 300, 1500, 5000])
@pytest.mark.parametrize("count", [1, 40, 400])
def test_what_is_added_is_there_when_it_is_looked_at(count: int, size: int) -> None:
    """However much was added before anybody refers to the dynamic table, it holds what it would have held (RFC 7541, 4.4)."""
    ours, oracle = Decoder(max_list=10**6), hpack.Decoder(max_header_list_size=10**6)
    for number in range(count):
        value = b"%d" % number + b"v" * (size if number % 7 == 3 else 20)
        length = encode_integer(len(value), 0x7F, 0)
        block = b"\x40\x03x-a" + length + value + b"\x5f" + length + value
        assert ours.decode(block) == [(b"x-a", value), (b"content-type", value)]
        oracle.decode(block)

    held = list(oracle.header_table.dynamic_entries)
    for place, entry in enumerate(held):
        assert ours.decode(encode_integer(62 + place, 0x7F, 0x80)) == [entry]
    with pytest.raises(HpackError, match="refers to what is not there"):
        ours.decode(encode_integer(62 + len(held), 0x7F, 0x80))
