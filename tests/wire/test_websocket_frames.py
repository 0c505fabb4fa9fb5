"""Events as programs see them, masks, and close codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import borzoi.websockets
from borzoi import LocalProtocolError
from borzoi._wire.websocket_frames import (
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Pong,
    TextMessage,
    Violation,
    apply_mask,
    decode_close,
    encode_close,
    is_close_code,
)


@given(data=st.binary(max_size=9000), mask=st.binary(min_size=4, max_size=4))
def test_a_mask_is_applied_byte_by_byte(data: bytes, mask: bytes) -> None:
    """Masking takes each byte with the mask's byte at its place, and masking twice gives the data back."""
    masked = apply_mask(data, mask)

    assert masked == bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
    assert apply_mask(masked, mask) == data


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (TextMessage("hi"), "TextMessage(data='hi', frame_finished=True, message_finished=True)"),
        (
            BytesMessage(b"", message_finished=False),
            "BytesMessage(data=b'', frame_finished=True, message_finished=False)",
        ),
        (Ping(b"p"), "Ping(payload=b'p')"),
        (Pong(), "Pong(payload=b'')"),
        (CloseConnection(1000), "CloseConnection(code=1000, reason=None)"),
    ],
)
def test_events_show_what_they_hold(event: object, text: str) -> None:
    """An event shows its type and its values."""
    assert repr(event) == text


def test_events_are_equal_by_value() -> None:
    """Events of one type with the same values are equal; they do not hash, being mutable."""
    assert TextMessage("a") == TextMessage("a") != TextMessage("b")
    assert TextMessage("a") != Message("a")
    assert Ping(b"a") != Pong(b"a")
    assert Ping(b"a").response() == Pong(b"a")
    assert CloseConnection(1000, "x").response() == CloseConnection(1000, "x")
    with pytest.raises(TypeError):
        hash(Ping())


def test_events_are_public() -> None:
    """Every event is a name of `borzoi.websockets`, and shows that."""
    for kind in (Message, TextMessage, BytesMessage, Ping, Pong, CloseConnection):
        assert getattr(borzoi.websockets, kind.__name__) is kind
        assert kind.__module__ == "borzoi.websockets"


@pytest.mark.parametrize(
    ("code", "reason", "payload"),
    [
        (1000, None, b"\x03\xe8"),
        (1000, "bye", b"\x03\xe8bye"),
        (1005, "unsaid", b""),
        (1006, None, b"\x03\xe8"),
        (1015, None, b"\x03\xe8"),
        (4999, "", b"\x13\x87"),
        (1000, "r" * 200, b"\x03\xe8" + b"r" * 123),
        (1000, "ß" * 62, b"\x03\xe8" + "ß".encode() * 61),
    ],
)
def test_a_close_is_written(code: int, reason: str | None, payload: bytes) -> None:
    """A close frame holds the code, and as much of the reason as fits in whole characters; local codes stay local."""
    assert encode_close(code, reason) == payload


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1016, 2999, 5000, 70000])
def test_a_code_that_is_none_is_refused(code: int) -> None:
    """A code that no close frame may have is the program's error."""
    with pytest.raises(LocalProtocolError, match=str(code)):
        encode_close(code, None)


@given(payload=st.binary(max_size=125))
def test_a_close_is_read_or_refused(payload: bytes) -> None:
    """Any payload of a close frame either says what it says, and is written the same, or is a violation."""
    try:
        event = decode_close(payload)
    except Violation as violation:
        event, code = None, violation.code
    else:
        code = event.code

    assert code in (1002, 1007) if event is None else code == 1005 or is_close_code(code)
    if event is not None:
        assert encode_close(event.code, event.reason) == payload
