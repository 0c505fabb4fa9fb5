"""WebSockets in every world: against servers that others have written, against hostile ones, and cancelled."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import pytest

import borzoi
from borzoi import Limits, Timeout
from borzoi._wire.permessage_deflate import Deflate, Terms
from borzoi._wire.websocket_frames import CloseConnection, Ping, Pong
from borzoi.websockets import (
    BytesMessage,
    TextMessage,
    WebSocketDisconnect,
    WebSocketInvalidTypeReceived,
    WebSocketNetworkError,
)
from tests.exchange.http_peers import assert_whole
from tests.wire.websocket_frames import close, frame
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, reset
from tests.worlds.websocket_peers import SERVERS, Peer, accepting, websocket, websockets_server
from tests.worlds.world import WORLDS, World

LARGE = 24 << 20
"""Bytes that no buffers between two ends hold: those of a loopback connection grow to some megabytes."""

DEFLATE = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}


def ws(server: RawServer) -> str:
    """Return the address of a server as the URL of a WebSocket."""
    return server.url.replace("http", "ws", 1)


# Against servers that others have written.


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("headers", [{}, DEFLATE], ids=["plain", "deflate"])
def test_against_other_servers(world: World, name: str, headers: dict[str, str]) -> None:
    """Messages of all kinds and sizes come back, compressed or not; pings are answered; closing is orderly both ways."""

    async def body(port: int) -> None:
        url = f"ws://127.0.0.1:{port}/"
        big = "borzoi " * 40_000
        async with world.client(timeout=20) as client:
            async with websocket(
                world, client, url, headers=headers, subprotocols=["other", "chat"], max_message_size_bytes=1 << 20
            ) as session:
                assert session.subprotocol == "chat"
                assert session.response.status_code == 101
                for text in ("hello", "", "ß\U0001f43a" * 100, big):
                    await session.send_text(text)
                    assert await session.receive_text(timeout=20) == text
                for data in (b"\x00\xff", b"", bytes(70_000)):
                    await session.send_bytes(data)
                    assert await session.receive_bytes(20) == data
                await session.send_json({"a": [1, None]})
                assert await session.receive_json(20) == {"a": [1, None]}
                await session.send_json([2], mode="binary")
                assert await session.receive_json(20, mode="binary") == [2]
                assert await (await session.ping()).wait(20)
                assert await (await session.ping(b"payload")).wait(20)
            with pytest.raises(WebSocketDisconnect) as caught:
                await session.receive_text()
            assert caught.value.code == 1000

            async with websocket(world, client, url, headers=headers) as session:
                for text in ("a", "b", "close"):
                    await session.send_text(text)
                assert await session.receive() == TextMessage("a")
                assert await session.receive_text() == "b"
                with pytest.raises(WebSocketDisconnect, match="4001: as you wish") as caught:
                    await session.receive(timeout=20)
                assert (caught.value.code, caught.value.reason) == (4001, "as you wish")
                assert caught.value.request.url == url
            assert_whole(client, idle=0)

    with SERVERS[name]() as port:
        world.run(body, port)


def test_over_tls(world: World) -> None:
    """wss:// goes over TLS, and one task or thread receives while another sends."""

    async def body(port: int) -> None:
        async with world.client(timeout=20, verify=client_context()) as client:
            async with websocket(world, client, f"wss://localhost:{port}/", max_message_size_bytes=1 << 20) as session:
                sizes = [1, 20_000, 300_000, 5] * 5

                async def send() -> None:
                    for size in sizes:
                        await session.send_bytes(bytes(size))

                async def receive() -> list[int]:
                    return [len(await session.receive_bytes(20)) for _ in sizes]

                assert await world.gather(send, receive) == [None, sizes]
            assert_whole(client, idle=0)

    with websockets_server(server_context()) as port:
        world.run(body, port)


def test_many_send_while_one_receives(world: World) -> None:
    """Messages of several senders arrive whole, none is lost, and each is received once by one of several receivers."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server), max_message_size_bytes=1 << 20) as session:

                async def send(start: int) -> None:
                    for number in range(start, start + 50):
                        await session.send_text(f"{number} " + "x" * (number * 100))

                async def receive() -> list[str]:
                    return [(await session.receive_text(20)).split()[0] for _ in range(50)]

                results = await world.gather(
                    *[lambda start=start: send(start) for start in (0, 50, 100)], receive, receive, receive
                )
                assert sorted(int(number) for found in results[3:] for number in found) == list(range(150))

    with RawServer(accepting(Peer.echo)) as server:
        world.run(body)


def test_sending_much_before_receiving_any(world: World) -> None:
    """Who sends reads as well: a server that sends back what it gets does not come to a halt."""

    async def body() -> None:
        async with world.client(timeout=10) as client:
            async with websocket(world, client, ws(server), queue_size=10_000) as session:
                for number in range(400):
                    await session.send_bytes(bytes([number % 256]) * 60_000)
                for number in range(400):
                    assert (await session.receive_bytes(20))[:1] == bytes([number % 256])

    with RawServer(accepting(Peer.echo), receive_buffer=8192) as server:
        world.run(body)


def test_iteration_ends_with_the_session(world: World) -> None:
    """A loop over a session gives its messages, ends when the server closes in order, and raises when it does not."""

    def handler(peer: Peer) -> None:
        code = codes.pop(0)
        messages = frame(0x81, b"a") + frame(0x02, b"b") + frame(0x80, b"c")
        peer.raw(close(code) if code == 1011 else messages + close(code))
        assert isinstance(peer.next(), CloseConnection)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            for _ in range(3):
                async with websocket(world, client, ws(server)) as session:
                    assert [message async for message in session] == ["a", b"bc"]
            async with websocket(world, client, ws(server)) as session:
                with pytest.raises(WebSocketDisconnect, match="1011"):
                    assert [message async for message in session] == []

    codes = [1000, 1001, 1000, 1011]
    with RawServer(accepting(handler)) as server:
        world.run(body)


def test_the_type_that_was_asked_for(world: World) -> None:
    """Bytes where text is asked for, and the reverse, raise an error that has the message."""

    def handler(peer: Peer) -> None:
        peer.send(b"bytes")
        peer.send("text")
        peer.next()
        peer.goodbye()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                with pytest.raises(WebSocketInvalidTypeReceived) as caught:
                    await session.receive_text()
                assert caught.value.event == BytesMessage(b"bytes")
                with pytest.raises(WebSocketInvalidTypeReceived) as caught:
                    await session.receive_bytes()
                assert caught.value.event == TextMessage("text")
                assert isinstance(caught.value, borzoi.HTTPError)
                with pytest.raises(ValueError, match="'text' or 'binary'"):
                    await session.receive_json(mode="other")

    with RawServer(accepting(handler)) as server:
        world.run(body)


# Against hostile servers.

BOMB = Deflate(Terms(), server=True).compress(bytes(1 << 24)) or b""

HOSTILE: dict[str, tuple[bytes, int]] = {
    "64-bit length": (b"\x82\x7f" + b"\xff" * 8, 1002),
    "huge declared frame": (b"\x82\x7f" + (1 << 40).to_bytes(8, "big") + bytes(1000), 1009),
    "fragment flood": (frame(0x01) + frame(0x00) * 100_000, 1009),
    "endless message": (frame(0x02, bytes(60_000)) + frame(0x00, bytes(60_000)), 1009),
    "reserved bits": (frame(0xC1, b"a"), 1002),
    "masked": (frame(0x81, b"a", mask=b"mask"), 1002),
    "bad UTF-8": (frame(0x81, b"\xff"), 1007),
    "interleaved": (frame(0x01, b"a") + frame(0x82, b"b"), 1002),
    "bad close": (close(1005), 1002),
    "ping flood": (frame(0x89, b"?") * 20_000, 1008),
    "pong flood": (frame(0x8A) * 20_000, 1008),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_servers(world: World, name: str) -> None:
    """What breaks the protocol ends the session with the right code, which the server is told, and frees the connection."""
    data, code = HOSTILE[name]
    told: list[Any] = []

    def handler(peer: Peer) -> None:
        peer.raw(frame(0x81, b"first") + data)
        while (event := peer.next()) is not None:
            told.append(event)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                assert await session.receive_text(20) == "first"
                for _ in range(2):
                    with pytest.raises(WebSocketDisconnect) as caught:
                        await session.receive(timeout=20)
                    assert caught.value.code == code
                with pytest.raises(WebSocketDisconnect):
                    await session.send_text("more")
            assert_whole(client, idle=0)

    with RawServer(accepting(handler)) as server:
        world.run(body)
    [farewell] = [event for event in told if isinstance(event, CloseConnection)]
    assert farewell.code == code
    assert len(told) < 1000


def test_a_bomb(world: World) -> None:
    """A compressed message that is larger than allowed ends the session with 1009."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server), headers=DEFLATE) as session:
                with pytest.raises(WebSocketDisconnect, match="Message too big") as caught:
                    await session.receive()
                assert caught.value.code == 1009

    with RawServer(accepting(lambda peer: (peer.raw(frame(0xC2, BOMB)), peer.next()), deflate=True)) as server:
        world.run(body)


@pytest.mark.parametrize("how", ["end", "reset", "cut"])
def test_an_end_without_a_close(world: World, how: str) -> None:
    """A connection that ends without a close frame is a network error, after all that had come before it."""

    def handler(peer: Peer) -> None:
        peer.send("before")
        peer.next()
        if how == "cut":
            peer.raw(b"\x81\x05he")
        elif how == "reset":
            reset(peer.sock)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                assert await session.receive_text(20) == "before"
                await session.send_text("go")
                for _ in range(2):
                    with pytest.raises(WebSocketNetworkError) as caught:
                        await session.receive_text(20)
                assert caught.value.request.url == ws(server)
                with pytest.raises(WebSocketNetworkError):
                    await session.send_text("more")
            assert_whole(client, idle=0)

    with RawServer(accepting(handler)) as server:
        world.run(body)


def test_a_dribble(world: World) -> None:
    """A message that comes byte by byte arrives whole; a time-out of receiving it holds for the whole of it."""

    def handler(peer: Peer) -> None:
        for byte in frame(0x81, b"slowly") + frame(0x01, b"never")[:-1]:
            peer.raw(bytes([byte]))
        while not isinstance(peer.next(), CloseConnection):
            pass
        peer.goodbye()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                assert await session.receive_text(20) == "slowly"
                with pytest.raises(TimeoutError):
                    await session.receive_text(timeout=0.05)
                with pytest.raises(TimeoutError):
                    await session.receive_text(timeout=0)

    with RawServer(accepting(handler)) as server:
        world.run(body)


def test_endless_pings_do_not_stretch_a_time_out(world: World) -> None:
    """Pings that never stop do not keep `receive(timeout=...)` from ending in time."""
    stopped = threading.Event()

    def handler(peer: Peer) -> None:
        # Fewer than a flood, and no pause between them for a read to time out in.
        while not stopped.is_set():
            peer.raw(frame(0x89, b"?"))
            while isinstance(event := peer.next(), Pong):
                break
            if event is None or isinstance(event, CloseConnection):
                return

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                with pytest.raises((TimeoutError, WebSocketDisconnect)):
                    await session.receive_text(timeout=0.1)

    with RawServer(accepting(handler)) as server:
        world.run(body)
        stopped.set()


def test_a_server_that_does_not_read(world: World) -> None:
    """A message that the server does not take is a network error in the time-out of writing, and nothing follows it."""
    done = threading.Event()

    async def body() -> None:
        async with world.client(timeout=Timeout(20, write=0.2)) as client:
            async with websocket(world, client, ws(server)) as session:
                with pytest.raises(WebSocketNetworkError, match=r"took no bytes within 0\.2 s"):
                    await session.send_bytes(bytes(LARGE))
                with pytest.raises(WebSocketNetworkError, match="broken off"):
                    await session.send_text("more")
            assert_whole(client, idle=0)
            done.set()

    with RawServer(accepting(lambda _: server.until(done)), receive_buffer=8192) as server:
        world.run(body)


# Pings, queues, closing.


def test_the_server_s_pings_are_answered(world: World) -> None:
    """A ping is answered while the program receives, and while it only sends; of several the latest is enough."""
    seen: list[Any] = []

    def handler(peer: Peer) -> None:
        peer.raw(frame(0x89, b"1") + frame(0x89, b"2"))
        seen.append(peer.next())
        peer.send("received")
        while peer.next() != "now":
            pass
        peer.raw(frame(0x89, b"3"))
        answered.set()
        while (event := peer.next()) != Pong(b"3"):
            assert event is not None
        seen.append(event)
        peer.send("done")
        while not isinstance(peer.next(), CloseConnection):
            pass
        peer.goodbye()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                assert await session.receive_text(20) == "received"
                await session.send_text("now")
                await world.wait_for(answered)
                # The ping may be on its way still.
                for _ in range(50):
                    await session.send_text("more")
                    await world.sleep0()
                assert await session.receive_text(20) == "done"

    answered = threading.Event()
    with RawServer(accepting(handler)) as server:
        world.run(body)
    assert seen == [Pong(b"2"), Pong(b"3")]


def test_pings_of_the_program(world: World) -> None:
    """A pong answers its ping and those before it; one for no ping is ignored; waiting for one ends in time."""

    def handler(peer: Peer) -> None:
        first, second, third = (peer.next() for _ in range(3))
        peer.raw(frame(0x8A, b"unasked") + frame(0x8A, second.payload) + frame(0x81, b"text"))
        peer.next()
        peer.raw(frame(0x8A, third.payload))
        assert first.payload == b"first"
        peer.next()
        peer.goodbye()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                first = await session.ping(b"first")
                second = await session.ping()
                third = await session.ping()
                assert not first.is_set()
                assert await second.wait(20)
                assert first.is_set()
                assert not await third.wait(0.05)
                await session.send_text("go on")
                assert await third.wait()
                assert await session.receive_text() == "text"
            with pytest.raises(WebSocketDisconnect):
                await session.ping()

    with RawServer(accepting(handler)) as server:
        world.run(body)


def test_a_pong_behind_a_full_queue(world: World) -> None:
    """Nothing is read ahead of a full queue: a pong behind it is seen once there is room."""

    def handler(peer: Peer) -> None:
        ping = peer.next()
        peer.raw(b"".join(frame(0x81, b"%d" % number) for number in range(5)) + frame(0x8A, ping.payload))
        peer.next()
        peer.goodbye()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server), queue_size=2) as session:
                ping = await session.ping()
                assert not await ping.wait(0.1)

                async def receive() -> list[str]:
                    return [await session.receive_text(20) for _ in range(5)]

                async def wait() -> bool:
                    return bool(await ping.wait(20))

                assert await world.gather(wait, receive) == [True, list("01234")]

    with RawServer(accepting(handler)) as server:
        world.run(body)


def test_closing(world: World) -> None:
    """The server is told the code and the reason; what it still sends is dropped; closing again does nothing."""
    told: list[Any] = []

    def handler(peer: Peer) -> None:
        told.append(peer.next())
        peer.raw(frame(0x81, b"too late"))
        peer.goodbye()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                await session.close(4000, "enough")
                await session.close(1001)
                for call in (session.receive, lambda: session.send_text("x"), session.receive_json):
                    with pytest.raises(WebSocketDisconnect) as caught:
                        await call()
                assert caught.value.code == 4000
                assert_whole(client, idle=0)

    with RawServer(accepting(handler)) as server:
        world.run(body)
    assert told == [CloseConnection(4000, "enough")]


def test_closing_while_another_receives(world: World) -> None:
    """Who waits for a message when the session is closed elsewhere is told so."""

    def handler(peer: Peer) -> None:
        peer.next()
        peer.goodbye()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:

                async def receive() -> int:
                    with pytest.raises(WebSocketDisconnect) as caught:
                        await session.receive_text()
                    return caught.value.code

                async def end() -> None:
                    await world.sleep0()
                    await session.close(1001)

                assert await world.gather(receive, receive, end) == [1001, 1001, None]

    with RawServer(accepting(handler)) as server:
        world.run(body)


def test_an_error_of_the_program_closes(world: World) -> None:
    """An error inside of the block comes out as it is, and the server sees an orderly close."""
    told: list[Any] = []

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises(ZeroDivisionError):
                async with websocket(world, client, ws(server)):
                    raise ZeroDivisionError
            assert_whole(client, idle=0)

    with RawServer(accepting(lambda peer: (told.append(peer.next()), peer.goodbye()))) as server:
        world.run(body)
    assert told == [CloseConnection(1000, "")]


def test_closing_the_client(world: World) -> None:
    """A client that is closed breaks its sessions off."""

    async def body() -> None:
        client = world.client(timeout=20)
        async with websocket(world, client, ws(server)) as session:
            await session.send_text("hello")
            assert await session.receive_text(20) == "hello"
            await client.aclose()
            with pytest.raises(WebSocketNetworkError):
                await session.receive_text(20)
            with pytest.raises(WebSocketNetworkError):
                await session.send_text("more")

    with RawServer(accepting(Peer.echo)) as server:
        world.run(body)


def test_a_session_occupies_a_connection(world: World) -> None:
    """A session counts among the connections of the pool until it is closed."""

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=Timeout(20, pool=0.1)) as client:
            async with websocket(world, client, ws(server)):
                with pytest.raises(borzoi.PoolTimeout):
                    await client.get(server.url)
            async with websocket(world, client, ws(server)) as session:
                await session.send_text("again")
                assert await session.receive_text(20) == "again"

    with RawServer(accepting(Peer.echo)) as server:
        world.run(body)


# Cancelled.


def test_a_cancelled_receive_loses_nothing(async_world: World) -> None:
    """A message that comes after a cancelled `receive()` is received by the next."""
    world = async_world
    cancelled = threading.Event()

    def handler(peer: Peer) -> None:
        server.until(cancelled)
        for number in range(3):
            peer.send(f"message {number}")
        peer.next()
        peer.goodbye()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                async with world.tasks() as tasks:
                    waiting = [tasks.start(session.receive_text) for _ in range(3)]
                    for _ in range(3):
                        await world.sleep0()
                    # The first of them reads, the second waits for it.
                    waiting[0].cancel()
                    waiting[1].cancel()
                    cancelled.set()
                received = [waiting[2].result] + [await session.receive_text(20) for _ in range(2)]
                assert received == ["message 0", "message 1", "message 2"]
                assert waiting[0].cancelled
                assert waiting[1].cancelled

    with RawServer(accepting(handler)) as server:
        world.run(body)


def test_a_cancelled_send_ends_the_sending(async_world: World) -> None:
    """A message that is cancelled half-way is not followed by another, and who waited to send is told so."""
    world = async_world
    done = threading.Event()

    async def body() -> None:
        async with world.client(timeout=None) as client:
            async with websocket(world, client, ws(server)) as session:
                async with world.tasks() as tasks:
                    stuck = tasks.start(session.send_bytes, bytes(LARGE))
                    await world.sleep0()
                    patient = tasks.start(session.send_text, "cancelled before its turn")
                    await world.sleep0()
                    patient.cancel()
                    await world.sleep0()

                    async def last() -> None:
                        with pytest.raises(WebSocketNetworkError, match="broken off"):
                            await session.send_text("more")

                    told = tasks.start(last)
                    await world.sleep0()
                    stuck.cancel()
                assert stuck.cancelled
                assert patient.cancelled
                assert told.ended
            assert_whole(client, idle=0)
            done.set()

    with RawServer(accepting(lambda _: server.until(done)), receive_buffer=8192) as server:
        world.run(body)


@pytest.mark.parametrize("freed", [True, False])
def test_closing_while_another_is_stuck_in_a_frame(freed: bool) -> None:
    """Closing waits a moment for who is in the middle of sending, and then closes all the same."""
    world = WORLDS["asyncio"]
    done = threading.Event()

    async def body() -> None:
        async with world.client(timeout=None) as client:
            async with websocket(world, client, ws(server)) as session:
                async with world.tasks() as tasks:
                    stuck = tasks.start(stuck_in, session)
                    await world.sleep0()
                    closing = tasks.start(session.close)
                    await world.sleep0()
                    if freed:
                        stuck.cancel()
                assert closing.ended
                assert stuck.ended
            assert_whole(client, idle=0)
            done.set()

    async def stuck_in(session: Any) -> None:
        with contextlib.suppress(WebSocketNetworkError):
            await session.send_bytes(bytes(LARGE))

    with RawServer(accepting(lambda _: server.until(done)), receive_buffer=8192) as server:
        world.run(body)


def test_a_cancelled_session_says_goodbye(reactor_world: World) -> None:
    """A task that is cancelled inside of the block tells the server, waits for nothing, and leaves nothing open."""
    world = reactor_world
    told: list[Any] = []

    def handler(peer: Peer) -> None:
        peer.send("hello")
        told.append(peer.next())
        told.append(peer.next())

    async def body() -> None:
        async with world.client(timeout=20) as client:
            received: list[str] = []

            async def talk() -> None:
                async with websocket(world, client, ws(server)) as session:
                    received.append(await session.receive_text(20))
                    await session.receive_text()

            async with world.tasks() as tasks:
                task = tasks.start(talk)
                while not received:
                    await world.backend().sleep(0.001)
                task.cancel()
            assert task.cancelled
            assert_whole(client, idle=0)

    with RawServer(accepting(handler)) as server:
        world.run(body)
    assert told == [CloseConnection(1000, ""), None]


def test_a_forgotten_session_gives_its_room_back(world: World) -> None:
    """A session that was opened by hand and never closed warns, and the pool recovers its connection."""
    import gc

    async def forget(client: Any) -> None:
        opening = (client if world.is_async else client.wrapped).websocket(ws(server))
        session = await opening.__aenter__() if world.is_async else opening.__enter__()
        del session, opening
        gc.collect()

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=Timeout(20, pool=5)) as client:
            with pytest.warns(ResourceWarning, match="nor closed"):
                await forget(client)
            async with websocket(world, client, ws(server)) as session:
                await session.send_text("again")
                assert await session.receive_text(20) == "again"

    with RawServer(accepting(Peer.echo)) as server:
        world.run(body)


def test_pings_between_messages(world: World) -> None:
    """Events are sent as they are: parts of a message, pings and pongs, and a close."""
    seen: list[Any] = []

    def handler(peer: Peer) -> None:
        while (event := peer.next()) is not None:
            seen.append(event)
            if isinstance(event, CloseConnection):
                peer.goodbye()
                return

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with websocket(world, client, ws(server)) as session:
                await session.send(TextMessage("a", message_finished=False))
                await session.send(Ping(b"ping"))
                await session.send(Pong(b"pong"))
                with pytest.raises(borzoi.LocalProtocolError, match="under way"):
                    await session.send_bytes(b"x")
                await session.send(TextMessage("b"))
                await session.send(BytesMessage(bytearray(b"c")))  # type: ignore[arg-type]
                await session.send(CloseConnection(1001, "over"))

    with RawServer(accepting(handler)) as server:
        world.run(body)
    assert seen == [Ping(b"ping"), Pong(b"pong"), "ab", b"c", CloseConnection(1001, "over")]


def test_unix_sockets_and_bytes_behind_the_head() -> None:
    """What comes together with the head of the handshake is the beginning of the session."""

    def handler(sock: socket.socket) -> None:
        from tests.worlds.websocket_peers import head_of, switching

        head, _ = head_of(sock)
        sock.sendall(switching(head) + frame(0x81, b"at once") + frame(0x89, b"?"))
        assert Peer(sock, head).next() == Pong(b"?")

    with RawServer(handler) as server, borzoi.Client(timeout=20) as client:
        with client.websocket(ws(server)) as session:
            assert session.receive_text(20) == "at once"
