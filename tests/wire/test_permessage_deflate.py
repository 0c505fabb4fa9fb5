"""permessage-deflate: what is agreed upon, and what is inflated how far."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi import RemoteProtocolError
from borzoi._wire.permessage_deflate import Deflate, Terms, agree, parse_extensions
from borzoi._wire.websocket_frames import Violation

ROOM = 1 << 20


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", []),
        ("permessage-deflate", [("permessage-deflate", {})]),
        (
            'PerMessage-Deflate ; Server_Max_Window_Bits = "10" ;client_max_window_bits,x-y;a=b ',
            [
                ("permessage-deflate", {"server_max_window_bits": "10", "client_max_window_bits": None}),
                ("x-y", {"a": "b"}),
            ],
        ),
        ('x; a=1; b="2" ; c', [("x", {"a": "1", "b": "2", "c": None})]),
    ],
)
def test_a_list_of_extensions_is_read(value: str, found: list[object]) -> None:
    """Extensions are read with their parameters, quoted or not, names in small letters."""
    assert parse_extensions(value) == found


@pytest.mark.parametrize(
    "value", [";", "a;", "a;b=", "a b", 'a;b="', 'a;b="c d"', "a;b;b", "a=b", ",,", "ä", "a;b = ,"]
)
def test_a_malformed_list_of_extensions_is_refused(value: str) -> None:
    """Extensions that are written wrongly, or have a parameter twice, are refused."""
    with pytest.raises(RemoteProtocolError, match=r"malformed|twice"):
        parse_extensions(value)


def test_reading_extensions_takes_linear_time() -> None:
    """A field made to be slow is read or refused at once."""
    for value in ("a;" * 40000, "a" + ";b=" * 30000, "a" + " " * 60000 + "b", "a" + ";b \t" * 20000 + "="):
        with pytest.raises(RemoteProtocolError):
            parse_extensions(value)


D = "permessage-deflate"


@pytest.mark.parametrize(
    ("offered", "answered", "terms"),
    [
        (D, D, Terms()),
        (D, "", None),
        (D, f"{D}; server_no_context_takeover", Terms(server_no_context_takeover=True)),
        (D, f"{D}; client_no_context_takeover", Terms(client_no_context_takeover=True)),
        (f"{D}; client_no_context_takeover", D, Terms(client_no_context_takeover=True)),
        (
            f"{D}; server_no_context_takeover",
            f"{D}; server_no_context_takeover",
            Terms(server_no_context_takeover=True),
        ),
        (D, f"{D}; server_max_window_bits=9", Terms(server_max_window_bits=9)),
        (f"{D}; server_max_window_bits=12", f"{D}; server_max_window_bits=8", Terms(server_max_window_bits=8)),
        (f"{D}; client_max_window_bits", f"{D}; client_max_window_bits=10", Terms(client_max_window_bits=10)),
        (f"{D}; client_max_window_bits=11", D, Terms(client_max_window_bits=11)),
        (f"x, {D}; server_max_window_bits=9, {D}", D, Terms()),
    ],
)
def test_what_is_agreed_upon(offered: str, answered: str, terms: Terms | None) -> None:
    """The terms follow from the offer that the answer fits."""
    assert agree(offered, answered) == terms


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ("", D),
        (D, "x-webkit-deflate-frame"),
        (D, f"{D}, {D}"),
        (D, f"{D}; unknown"),
        (D, f"{D}; client_max_window_bits=10"),
        (D, f"{D}; server_no_context_takeover=1"),
        (D, f"{D}; client_no_context_takeover=1"),
        (f"{D}; server_no_context_takeover", D),
        (f"{D}; server_max_window_bits=10", D),
        (f"{D}; server_max_window_bits=10", f"{D}; server_max_window_bits=11"),
        (D, f"{D}; server_max_window_bits"),
        (D, f"{D}; server_max_window_bits=7"),
        (D, f"{D}; server_max_window_bits=16"),
        (D, f"{D}; server_max_window_bits=015"),
        (f"{D}; client_max_window_bits", f"{D}; client_max_window_bits"),
        (f"{D}; client_max_window_bits", f"{D}; client_max_window_bits=99999999999"),
        ("x-mine", "x-mine"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(offered: str, answered: str) -> None:
    """An answer that no offer allows fails the handshake."""
    with pytest.raises(RemoteProtocolError, match=r"not offered|does not fit"):
        agree(offered, answered)


BOTH = st.tuples(st.booleans(), st.booleans(), st.integers(8, 15), st.integers(8, 15)).map(
    lambda values: Terms(*values)
)


@given(terms=BOTH, messages=st.lists(st.binary(min_size=32, max_size=3000), max_size=6))
def test_messages_come_through_under_any_terms(terms: Terms, messages: list[bytes]) -> None:
    """Whatever was agreed upon, each side inflates what the other compresses, message after message."""
    client, server = Deflate(terms), Deflate(terms, server=True)
    for sender, receiver in ((client, server), (server, client)):
        for message in messages:
            for repeated in (message, message):
                data = sender.compress(repeated)
                if data is not None:
                    assert receiver.inflate(data, ROOM) + receiver.finish(ROOM) == repeated


def test_a_window_of_8_bits_is_not_compressed_for() -> None:
    """A window that zlib cannot keep that small is obeyed by not compressing."""
    assert Deflate(Terms(client_max_window_bits=8)).compress(b"x" * 100) is None
    assert Deflate(Terms(client_max_window_bits=9)).compress(b"x" * 100) is not None


def test_a_window_is_kept() -> None:
    """What was sent further back than the window reaches is not referred to."""
    noise = bytes(zlib.crc32(number.to_bytes(4, "big")) & 0xFF for number in range(2000))
    small, large = Deflate(Terms(client_max_window_bits=9)), Deflate(Terms())
    sizes = [len(deflate.compress(noise + noise) or b"") for deflate in (small, large)]

    assert sizes[0] > 3000
    assert sizes[1] < 2000


def test_context_is_kept_or_not() -> None:
    """Without context takeover a repeated message is as long as the first."""
    text = b"a message that is repeated word for word, as chatty programs do"
    for terms, is_shorter in ((Terms(), True), (Terms(client_no_context_takeover=True), False)):
        deflate = Deflate(terms)
        first, second = deflate.compress(text), deflate.compress(text)
        assert first is not None
        assert second is not None
        assert (len(second) < len(first)) is is_shorter


def test_a_final_block() -> None:
    """RFC 7692, 7.2.3.4: a message may end with a final block, and the next message begins anew."""
    deflate = Deflate(Terms())
    for data in ("f348cdc9c9070000", "f348cdc9c90700", "f248cdc9c90700"):
        assert deflate.inflate(bytes.fromhex(data), ROOM) + deflate.finish(ROOM) == b"Hello"

    with pytest.raises(Violation, match="after its final block"):
        deflate.inflate(bytes.fromhex("f348cdc9c907000000"), ROOM)


@given(data=st.binary(max_size=400), room=st.integers(0, 500))
def test_anything_inflates_within_its_room(data: bytes, room: int) -> None:
    """Arbitrary bytes inflate to at most the room there is, or are a violation."""
    deflate = Deflate(Terms())
    try:
        inflated = deflate.inflate(data, room)
        inflated += deflate.finish(room - len(inflated))
    except Violation as violation:
        code, inflated = violation.code, b""
    else:
        code = 1000

    assert code in (1000, 1007, 1009)
    assert len(inflated) <= room
