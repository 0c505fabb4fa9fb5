"""Our codec against wsproto and websockets: each understands the other, cut anywhere, and they agree on what is wrong."""

from __future__ import annotations

from typing import Any

import wsproto
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State
from websockets.uri import parse_uri
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate

from borzoi._wire.permessage_deflate import Deflate, Terms
from borzoi._wire.websocket import WebSocket
from borzoi._wire.websocket_frames import BINARY, TEXT, CloseConnection, Ping, Pong
from tests.wire.websocket_frames import MAX_SIZE, client, close, events, frame

MESSAGES = st.lists(st.one_of(st.text(max_size=300), st.binary(max_size=300), st.just("z" * 400)), max_size=5)
PLACES = st.lists(st.integers(0, 1 << 17), max_size=8)
TERMS = st.tuples(st.booleans(), st.booleans(), st.integers(9, 15), st.integers(9, 15)).map(
    lambda values: Terms(*values)
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut a stream of bytes at these places, or where it is whole below all of them, not at all."""
    marks = sorted({place % len(data) for place in places} - {0}) if data else []
    return [data[start:end] for start, end in zip([0, *marks], [*marks, len(data)], strict=True)]


# wsproto.


def wsproto_server(terms: Terms | None) -> Connection:
    """Return wsproto's server."""
    if terms is None:
        return Connection(ConnectionType.SERVER)
    extension = WsprotoDeflate(
        client_no_context_takeover=terms.client_no_context_takeover,
        client_max_window_bits=terms.client_max_window_bits,
        server_no_context_takeover=terms.server_no_context_takeover,
        server_max_window_bits=terms.server_max_window_bits,
    )
    extension._enabled = True
    return Connection(ConnectionType.SERVER, extensions=[extension])


def heard_by_wsproto(connection: Connection, pieces: list[bytes]) -> list[Any]:
    """Return what wsproto makes of bytes, parts of a message joined."""
    found: list[Any] = []
    part: Any = None
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            if isinstance(event, wsproto.events.Message):
                part = event.data if part is None else part + event.data
                if event.message_finished:
                    found.append(bytes(part) if isinstance(part, bytearray) else part)
                    part = None
            elif isinstance(event, wsproto.events.CloseConnection):
                found.append(CloseConnection(int(event.code), event.reason or ""))
            elif isinstance(event, wsproto.events.Ping):
                found.append(Ping(bytes(event.payload)))
            else:
                assert isinstance(event, wsproto.events.Pong)
                found.append(Pong(bytes(event.payload)))
    return found


def sent(engine: WebSocket, messages: list[str | bytes], *, pings: bool = True) -> bytes:
    """Return messages as an engine sends them: each other one in two parts, with a ping between them."""
    data = b""
    for number, message in enumerate(messages):
        opcode, payload = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
        if number % 2:
            half = len(payload) // 2
            data += engine.send_message(opcode, payload[:half], final=False)
            data += engine.send_ping(b"?") if pings else b""
            data += engine.send_message(opcode, payload[half:])
        else:
            data += engine.send_text(message) if isinstance(message, str) else engine.send_bytes(message)
    return data


def without_pings(found: list[Any]) -> list[Any]:
    """Leave out the pings that `sent()` puts between parts."""
    return [event for event in found if event != Ping(b"?")]


@given(messages=MESSAGES, places=PLACES, terms=st.none() | TERMS)
def test_wsproto_hears_what_we_send(messages: list[str | bytes], places: list[int], terms: Terms | None) -> None:
    """wsproto's server understands our client, whatever was agreed upon."""
    ours = client(1 << 17, None if terms is None else Deflate(terms))
    # wsproto forgets that a message is compressed when a ping comes between its fragments.
    data = sent(ours, messages, pings=terms is None) + ours.close(1000, "bye")

    assert without_pings(heard_by_wsproto(wsproto_server(terms), cut(data, places))) == [
        *messages,
        CloseConnection(1000, "bye"),
    ]


@given(messages=MESSAGES, places=PLACES, terms=st.none() | TERMS)
def test_we_hear_what_wsproto_sends(messages: list[str | bytes], places: list[int], terms: Terms | None) -> None:
    """Our client understands wsproto's server, whatever was agreed upon."""
    server = wsproto_server(terms)
    data = b""
    for message in messages:
        kind = wsproto.events.TextMessage if isinstance(message, str) else wsproto.events.BytesMessage
        half = len(message) // 2
        data += server.send(kind(message[:half], message_finished=False)) + server.send(wsproto.events.Ping(b"?"))
        data += server.send(kind(message[half:])) + server.send(kind(message))
    data += server.send(wsproto.events.CloseConnection(1001, "bye"))
    found = events(client(1 << 18, None if terms is None else Deflate(terms)), *cut(data, places))

    assert without_pings(found) == [*(message for message in messages for _ in range(2)), CloseConnection(1001, "bye")]


# websockets.


def websockets_side(side: Side, terms: Terms | None) -> Protocol:
    """Return the protocol of websockets for one side, past its handshake."""
    protocol = Protocol(side, state=State.OPEN, max_size=MAX_SIZE * 4)
    if terms is not None:
        local = (terms.server_no_context_takeover, terms.server_max_window_bits)
        remote = (terms.client_no_context_takeover, terms.client_max_window_bits)
        if side is Side.CLIENT:
            local, remote = remote, local
        protocol.extensions = [PerMessageDeflate(remote[0], local[0], remote[1], local[1])]
    return protocol


def heard_by_websockets(protocol: Protocol, pieces: list[bytes]) -> list[Any]:
    """Return what websockets makes of bytes, fragments joined."""
    found: list[Any] = []
    opcode, parts = Opcode.TEXT, b""
    for piece in pieces:
        protocol.receive_data(piece)
        for received in protocol.events_received():
            if received.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                if received.opcode is not Opcode.CONT:
                    opcode, parts = received.opcode, b""
                parts += bytes(received.data)
                if received.fin:
                    found.append(parts.decode() if opcode is Opcode.TEXT else parts)
            elif received.opcode is Opcode.PING:
                found.append(Ping(bytes(received.data)))
            elif received.opcode is Opcode.CLOSE:
                assert protocol.close_rcvd is not None
                found.append(CloseConnection(protocol.close_rcvd.code, protocol.close_rcvd.reason))
    return found


@given(messages=MESSAGES, places=PLACES, terms=st.none() | TERMS)
def test_websockets_hears_what_we_send(messages: list[str | bytes], places: list[int], terms: Terms | None) -> None:
    """The server of websockets understands our client, whatever was agreed upon."""
    ours = client(1 << 17, None if terms is None else Deflate(terms))
    data = sent(ours, messages) + ours.close(4000, "bye")
    found = heard_by_websockets(websockets_side(Side.SERVER, terms), cut(data, places))

    assert without_pings(found) == [*messages, CloseConnection(4000, "bye")]


@given(messages=MESSAGES, places=PLACES, terms=st.none() | TERMS)
def test_we_hear_what_websockets_sends(messages: list[str | bytes], places: list[int], terms: Terms | None) -> None:
    """Our client understands the server of websockets, whatever was agreed upon."""
    server = websockets_side(Side.SERVER, terms)
    for message in messages:
        data = message.encode() if isinstance(message, str) else message
        send = server.send_text if isinstance(message, str) else server.send_binary
        half = len(data) // 2
        send(data[:half], fin=False)
        server.send_ping(b"?")
        server.send_continuation(data[half:], fin=True)
        send(data)
    server.send_close(1012, "bye")
    found = events(
        client(1 << 18, None if terms is None else Deflate(terms)), *cut(b"".join(server.data_to_send()), places)
    )

    assert without_pings(found) == [*(message for message in messages for _ in range(2)), CloseConnection(1012, "bye")]


# What is wrong.

PAYLOADS = st.one_of(
    st.binary(max_size=6), st.sampled_from([b"", b"\xff", b"\xc3", b"\xa9", b"\x03\xe8", b"text", bytes(126)])
)
FRAMES = st.builds(
    frame,
    st.one_of(st.sampled_from([0x01, 0x02, 0x00, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A]), st.integers(0, 255)),
    PAYLOADS,
    mask=st.sampled_from([b"", b"", b"", b"mask"]),
)


def our_verdict(data: bytes, places: list[int]) -> list[Any]:
    """Return what we make of bytes: a violation as its code alone."""
    found = events(client(), *cut(data, places))
    return [event[0] if isinstance(event, tuple) else event for event in found]


def their_verdict(data: bytes) -> list[Any]:
    """Return what the client of websockets makes of the same bytes."""
    protocol = websockets_side(Side.CLIENT, None)
    found: list[Any] = []
    opcode, parts = Opcode.TEXT, b""
    protocol.receive_data(data)
    for received in protocol.events_received():
        if received.opcode is Opcode.CLOSE:
            assert protocol.close_rcvd is not None
            found.append(CloseConnection(protocol.close_rcvd.code, protocol.close_rcvd.reason))
        elif received.opcode in (Opcode.PING, Opcode.PONG):
            kind = Ping if received.opcode is Opcode.PING else Pong
            found.append(kind(bytes(received.data)))
        else:
            if received.opcode is not Opcode.CONT:
                opcode, parts = received.opcode, b""
            parts += bytes(received.data)
            if received.fin:
                found.append(parts if opcode is Opcode.BINARY else decoded(parts))
    if protocol.parser_exc is not None and protocol.close_sent is not None:
        found.append(protocol.close_sent.code)
    return found


def decoded(data: bytes) -> str | int:
    """Decode text as the connections of websockets do, which is not done in its protocol."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return 1007


@given(frames=st.lists(FRAMES, max_size=6), places=PLACES)
@example(frames=[close(1000, b"\xff")], places=[])
@example(frames=[frame(0x01, b"a"), frame(0x81, b"b")], places=[1])
def test_we_agree_with_websockets_on_any_frames(frames: list[bytes], places: list[int]) -> None:
    """Whatever frames come, cut anywhere, we see what websockets sees, up to where text is found to be none."""
    data = b"".join(frames)
    ours, theirs = our_verdict(data, places), their_verdict(data)
    if 1007 in ours:
        # We look at text as it comes, websockets once a message is whole.
        place = ours.index(1007)
        assert ours[:place] == theirs[:place]
    else:
        assert ours == theirs


@given(data=st.binary(max_size=200), places=PLACES)
def test_anything_may_come(data: bytes, places: list[int]) -> None:
    """Arbitrary bytes give events or one violation, the same however they are cut, with its close frame to send."""
    engine = client(1000, Deflate(Terms()))
    found = events(engine, *cut(data, places))

    assert found == events(client(1000, Deflate(Terms())), data)
    if found and isinstance(found[-1], tuple):
        assert found[-1][0] in (1002, 1007, 1009)
        assert len(engine.replies) == 1


def test_the_client_of_websockets_talks_to_our_server() -> None:
    """Our server's side, which apps are called through, understands the client of websockets."""
    theirs = ClientProtocol(parse_uri("ws://localhost/"))
    theirs.state = State.OPEN
    theirs.send_text("über".encode())
    theirs.send_ping(b"?")
    theirs.send_close(1000, "bye")
    server = WebSocket(MAX_SIZE, server=True)

    assert events(server, b"".join(theirs.data_to_send())) == ["über", Ping(b"?"), CloseConnection(1000, "bye")]
