"""Targets: the engines of HTTP/1.1, HTTP/2 and WebSockets, and HPACK."""

from __future__ import annotations

from typing import Any

from borzoi import RemoteProtocolError
from borzoi._wire.hpack import Decoder, Encoder, HeaderListTooLarge, HpackError
from borzoi._wire.permessage_deflate import Deflate, Terms
from borzoi._wire.websocket import WebSocket
from tests.wire import feeding, http2_scripting
from tests.wire.websocket_frames import client, events

METHODS = ("GET", "HEAD", "CONNECT", "POST")


def in_two_ways(data: bytes) -> tuple[int, list[bytes], list[bytes]]:
    """Return what the first byte chooses, and the rest whole and cut as the second byte says."""
    choice, cut = (*data[:2], 0, 0)[:2]
    rest = data[2:]
    step = cut % 32 + 1
    return choice, [rest], [rest[place : place + step] for place in range(0, len(rest), step)]


def http1(data: bytes) -> None:
    """A response is read the same however it is cut, or is a RemoteProtocolError."""
    choice, whole, cut = in_two_ways(data)
    upgrade = [(b"Upgrade", b"x")] if choice & 4 else []
    found, again = (
        feeding.outcome(feeding.ask(METHODS[choice & 3], *upgrade), pieces, eof=bool(choice & 8))
        for pieces in (whole, cut)
    )
    assert found == again
    assert found["error"] in (None, RemoteProtocolError)


def http2(data: bytes) -> None:
    """Frames are read the same however they are cut, nothing is raised, and each stream is in one state."""
    choice, whole, cut = in_two_ways(data)
    settled = http2_scripting.SETTLED if choice & 4 else b""
    methods = [METHODS[choice & 3], "GET", "POST"]
    found, again = (http2_scripting.outcome([settled, *pieces], methods) for pieces in (whole, cut))
    assert found == again
    assert found["error"] is None or not found["open"]
    for stream in found["streams"]:
        assert not (stream["complete"] and stream["error"] is not None)
        assert not stream["unprocessed"] or (stream["error"] is not None and not stream["answered"])


def hpack(data: bytes) -> None:
    """Blocks are read or refused, and what was read is read again from what we write of it."""
    decoder, encoder, reader = Decoder(), Encoder(), Decoder()
    parts = data[1:].split(data[:1]) if data[:1] > b"\xf0" else [data[1:]]
    for block in parts:
        try:
            pairs = decoder.decode(block)
        except (HpackError, HeaderListTooLarge):
            return
        assert len(pairs) <= 512
        assert reader.decode(encoder.encode(pairs)) == pairs


def websocket(data: bytes) -> None:
    """Frames mean the same however they are cut; what breaks the protocol is a Violation with a code."""
    choice, whole, cut = in_two_ways(data)

    def deflate() -> Deflate | None:
        terms = Terms(bool(choice & 2), bool(choice & 4), 9 + choice % 7, 15)
        return Deflate(terms) if choice & 1 else None

    found, again = (_heard(client(4096, deflate()), pieces) for pieces in (whole, cut))
    # Of two things that are wrong with a message, which is noticed first depends on the cut.
    assert found == again or {found[-1], again[-1]} <= {1007, 1009}
    assert [event for event in found if not isinstance(event, int)] == [
        event for event in again if not isinstance(event, int)
    ]


def _heard(engine: WebSocket, pieces: list[bytes]) -> list[Any]:
    """Return what was received; a violation as its code."""
    found: list[Any] = []
    for event in events(engine, *pieces):
        if isinstance(event, tuple):
            assert event[0] in (1002, 1007, 1009), event
            event = event[0]
        assert not isinstance(event, (str, bytes)) or len(event) <= 4096
        found.append(event)
    return found
