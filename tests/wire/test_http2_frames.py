"""The layout of frames, and all of http2-frame-test-case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from borzoi._wire.http2_frames import (
    MAX_FRAME,
    Fault,
    check_layout,
    decode_code,
    decode_content,
    decode_goaway,
    decode_number,
    decode_settings,
    encode_frame,
    encode_goaway,
    encode_headers,
    encode_reset,
    encode_settings,
    encode_window_update,
    name_of_code,
    name_of_kind,
)
from tests.wire.http2_scripting import ask, connect, frames

CORPUS = Path(__file__).parents[1] / "data" / "http2-frame-test-case"

CASES = {str(path.relative_to(CORPUS)): json.loads(path.read_text("utf-8")) for path in sorted(CORPUS.rglob("*.json"))}
NORMAL = [name for name, case in CASES.items() if case["frame"]]
FAULTY = [name for name, case in CASES.items() if case["error"]]


def decoded(kind: int, flags: int, payload: bytes) -> dict[str, Any]:
    """Return the payload as the corpus writes it, read by our functions."""
    if kind in (0, 1, 5):
        return content_of(kind, flags, payload)
    if kind == 3:
        return {"error_code": decode_code(payload)}
    if kind == 4:
        return {"settings": [list(setting) for setting in decode_settings(payload)]}
    if kind == 6:
        return {"opaque_data": payload.decode()}
    if kind == 7:
        last, code, debug = decode_goaway(payload)
        return {"last_stream_id": last, "error_code": code, "additional_debug_data": debug.decode()}
    if kind == 8:
        return {"window_size_increment": decode_number(payload)}
    return {"header_block_fragment": payload.decode()}


def content_of(kind: int, flags: int, payload: bytes) -> dict[str, Any]:
    content = decode_content(kind, flags, payload).decode("latin-1")
    if kind == 0:
        return {"data": content}
    if kind == 5:
        return {"promised_stream_id": decode_number(payload[1:]), "header_block_fragment": content[4:]}
    return {"header_block_fragment": content}


def encoded(kind: int, flags: int, stream: int, payload: dict[str, Any], wire: bytes) -> bytes:
    """Return the frame as our functions write it; what a client never sends, from the payload."""
    if kind == 1 and not flags & 0x28:
        return encode_headers(stream, payload["header_block_fragment"].encode(), end_stream=bool(flags & 1))
    if kind == 3:
        return encode_reset(stream, payload["error_code"])
    if kind == 4:
        return encode_settings([(name, value) for name, value in payload["settings"]])
    if kind == 7:
        return encode_goaway(
            payload["last_stream_id"], payload["error_code"], payload["additional_debug_data"].encode()
        )
    if kind == 8:
        return encode_window_update(stream, payload["window_size_increment"])
    return encode_frame(kind, flags, stream, wire[9:])


def test_the_corpus_is_read_whole() -> None:
    """Every file of the corpus is a case, either with a frame or with an error."""
    assert (len(NORMAL), len(FAULTY), len(CASES)) == (12, 22, 34)


@pytest.mark.parametrize("name", NORMAL)
def test_a_sound_frame_of_the_corpus(name: str) -> None:
    """Header and payload are read as the case tells them, and written as they were."""
    case = CASES[name]
    expected = case["frame"]
    wire = bytes.fromhex(case["wire"])
    (kind, flags, stream, payload), = frames(wire)  # fmt: skip

    check_layout(kind, flags, stream, len(payload))

    assert (kind, flags, stream, len(payload)) == (
        expected["type"],
        expected["flags"],
        expected["stream_identifier"],
        expected["length"],
    )
    if kind != 2:  # PRIORITY is deprecated and ignored (RFC 9113, 5.3.2)
        found = decoded(kind, flags, payload)
        assert found == {name: value for name, value in expected["frame_payload"].items() if name in found}
    assert encoded(kind, flags, stream, expected["frame_payload"], wire) == wire


@pytest.mark.parametrize("name", FAULTY)
@pytest.mark.parametrize("streams", [0, 1, 3])
def test_a_faulty_frame_of_the_corpus(name: str, streams: int) -> None:
    """The connection, or the frame's stream if it is open, ends with one of the error codes that the case names."""
    case = CASES[name]
    engine = connect()
    opened = [ask(engine) for _ in range(streams)]

    named = engine.receive(bytes.fromhex(case["wire"]))

    ((kind, _, stream, payload),) = frames(engine.data_to_send())
    assert decode_code(payload if kind == 3 else payload[4:]) in case["error"]
    harmed = opened if kind == 7 else [each for each in opened if each.id == stream]
    assert named == harmed == [each for each in opened if each.error is not None]
    assert all((each.error or "").startswith("The server broke a rule of HTTP/2: ") for each in harmed)
    assert (engine.error is not None) == (kind == 7)


@pytest.mark.parametrize(
    ("kind", "flags", "payload", "message"),
    [
        (0, 8, b"", "padded with more"),
        (0, 8, b"\x01", "padded with more"),
        (1, 8, b"\x04abc", "padded with more"),
        (1, 0x20, b"1234", "has no room for its fields"),
        (1, 0x28, b"\x0012345"[:-1], "padded with more"),
    ],
)
def test_padding_is_within_its_frame(kind: int, flags: int, payload: bytes, message: str) -> None:
    """Padding and priority that do not fit into their frame are a fault of the connection."""
    with pytest.raises(Fault, match=message) as caught:
        decode_content(kind, flags, payload)

    assert caught.value.stream == 0


@pytest.mark.parametrize(
    ("kind", "flags", "payload", "content"),
    [
        (0, 0, b"abc", b"abc"),
        (0, 8, b"\x00abc", b"abc"),
        (0, 8, b"\x03abc", b""),
        (1, 0x20, b"12345", b""),
        (1, 0x28, b"\x0212345abcd", b"ab"),
    ],
)
def test_padding_and_priority_are_taken_off(kind: int, flags: int, payload: bytes, content: bytes) -> None:
    """What is left of a payload is its content."""
    assert decode_content(kind, flags, payload) == content


def test_a_long_block_is_continued() -> None:
    """A block that does not fit into one frame goes on in CONTINUATION frames, END_STREAM on the first of them."""
    long = b"x" * (2 * MAX_FRAME + 1)

    parts = frames(encode_headers(5, long, end_stream=True))

    assert [(kind, flags, stream, len(payload)) for kind, flags, stream, payload in parts] == [
        (1, 1, 5, MAX_FRAME),
        (9, 0, 5, MAX_FRAME),
        (9, 4, 5, 1),
    ]


def test_codes_and_kinds_have_names() -> None:
    """Error codes and frames are told by their names, unknown ones by their numbers."""
    assert [name_of_code(code) for code in (0, 0xD, 0xE)] == ["NO_ERROR", "HTTP_1_1_REQUIRED", "0xe"]
    assert [name_of_kind(kind) for kind in (0, 9, 10)] == ["DATA", "CONTINUATION", "a frame of the unknown kind 10"]
