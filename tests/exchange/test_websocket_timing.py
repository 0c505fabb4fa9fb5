"""What of a WebSocket depends on the time, over a scripted peer and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import borzoi
from borzoi._backends.memory import END, MemoryBackend, Wait
from borzoi._exchange.websocket import CLOSE_PATIENCE, KeepAlive
from borzoi._run_blocking import run_blocking
from borzoi._wire.websocket_frames import CloseConnection, Ping, Pong
from borzoi.websockets import WebSocketDisconnect, WebSocketNetworkError, WebSocketSession
from tests.wire.websocket_frames import close, frame, unmasked
from tests.worlds.websocket_peers import scripted


@contextmanager
def session(backend: MemoryBackend, **settings: Any) -> Iterator[WebSocketSession]:
    """Open a session over a scripted peer."""
    with borzoi.Client(transport=borzoi.HTTPTransport(backend=backend)) as client:
        with client.websocket("ws://host/", **settings) as opened:
            yield opened


def frames_to(backend: MemoryBackend) -> list[tuple[int, bytes]]:
    """Return the frames that the client has sent."""
    return unmasked(bytes(backend.streams[0].sent).partition(b"\r\n\r\n")[2])


def obliging(data: bytes) -> list[Any]:
    """Answer pings and closes."""
    answers: list[Any] = []
    for first, payload in unmasked(data):
        if first == 0x89:
            answers.append(frame(0x8A, payload))
        elif first == 0x88:
            answers += [frame(0x88, payload), END]
    return answers


def ignoring(*numbers: int) -> Callable[[bytes], list[Any]]:
    """Answer closes, and say nothing to pings."""

    def answer(data: bytes) -> list[Any]:
        return [] if data[0] == 0x89 else obliging(data)

    return answer


def test_pings_are_sent_while_the_program_waits() -> None:
    """A ping goes out every 20 seconds of waiting; answered, they end nothing."""
    backend = scripted(obliging)
    with session(backend) as opened:
        with pytest.raises(TimeoutError):
            opened.receive(timeout=65.0)
        assert backend.now() == pytest.approx(65.0)
        assert [first for first, _ in frames_to(backend)] == [0x89] * 3
        payloads = {payload for _, payload in frames_to(backend)}
        assert len(payloads) == 3


def test_a_ping_without_an_answer_ends_the_session() -> None:
    """A server that answers no ping within its time is gone: a network error, and 1011 is what it is told."""
    backend = scripted(ignoring())
    with session(backend, keepalive_ping_interval_seconds=5.0, keepalive_ping_timeout_seconds=2.0) as opened:
        for _ in range(2):
            with pytest.raises(WebSocketNetworkError, match="Keepalive ping timeout"):
                opened.receive()
        assert backend.now() == pytest.approx(7.0)
    assert [first for first, _ in frames_to(backend)] == [0x89, 0x88]
    assert frames_to(backend)[1][1][:2] == (1011).to_bytes(2, "big")


def test_anything_that_comes_is_a_sign_of_life() -> None:
    """A message that comes instead of the pong keeps the session."""
    backend = scripted(lambda data: [Wait(1.0), frame(0x81, b"busy")] if data[0] == 0x89 else obliging(data))
    with session(backend, keepalive_ping_interval_seconds=5.0, keepalive_ping_timeout_seconds=2.0) as opened:
        assert [opened.receive_text() for _ in range(3)] == ["busy"] * 3
        assert backend.now() == pytest.approx(16.0)


def test_no_pings() -> None:
    """With no interval there are no pings; with no time-out of theirs, no answer is needed."""
    for settings, pings in (
        ({"keepalive_ping_interval_seconds": None}, 0),
        ({"keepalive_ping_interval_seconds": 10.0, "keepalive_ping_timeout_seconds": None}, 9),
    ):
        backend = scripted(ignoring())
        with session(backend, **settings) as opened:
            with pytest.raises(TimeoutError):
                opened.receive(timeout=95.0)
            assert len(frames_to(backend)) == pings


def test_a_program_that_only_sends_pings_too() -> None:
    """A ping that is due goes out with what the program sends, and its answer is read then."""
    backend = scripted(obliging)
    with session(backend) as opened:
        for _ in range(4):
            opened.send_text("tick")
            run_blocking(backend.sleep(15.0))
        assert [first for first, _ in frames_to(backend)] == [0x81, 0x81, 0x89, 0x81, 0x81]
        run_blocking(backend.sleep(100.0))
        opened.send_text("still there")


def test_time_away_is_not_held_against_the_server() -> None:
    """A program that was elsewhere reads what came meanwhile before it judges."""
    backend = scripted(obliging)
    with session(backend, keepalive_ping_interval_seconds=5.0, keepalive_ping_timeout_seconds=2.0) as opened:
        with pytest.raises(TimeoutError):
            opened.receive(timeout=5.0)
        opened.ping()
        run_blocking(backend.sleep(1000.0))
        with pytest.raises(TimeoutError):
            opened.receive(timeout=1.0)


def test_a_server_that_does_not_answer_the_close() -> None:
    """Closing waits a moment for the server's answer, and no longer."""
    backend = scripted(lambda data: [])
    with session(backend) as opened:
        opened.close()
        assert backend.now() == pytest.approx(CLOSE_PATIENCE)
        assert backend.streams[0].closed


def test_a_server_that_talks_on_after_the_close() -> None:
    """What a server sends instead of answering the close does not hold the program up for longer."""
    backend = scripted(lambda data: [part for _ in range(100) for part in (frame(0x81, b"bla"), Wait(0.1))])
    with session(backend) as opened:
        opened.close()
    assert backend.now() == pytest.approx(CLOSE_PATIENCE, abs=0.2)


def test_closing_does_not_ping() -> None:
    """A ping that is due while the close is under way is not sent: nothing follows a close frame."""
    backend = scripted(lambda data: [])
    with session(backend, keepalive_ping_interval_seconds=0.5) as opened:
        opened.close()
    assert [first for first, _ in frames_to(backend)] == [0x88]


def test_a_connection_that_breaks_while_closing() -> None:
    """An error on the way out is nobody's concern any more."""
    for events in ([borzoi.ReadError("broken")], [END], [frame(0x83)]):
        backend = scripted(lambda data, events=events: events)  # type: ignore[misc]
        with session(backend):
            pass
        assert backend.streams[0].closed


def test_a_close_that_waits_in_the_buffer() -> None:
    """A close that came before anybody looked is found by who sends next."""
    backend = scripted(obliging, opening=frame(0x81, b"hi") + close(1001, b"bye"))
    with session(backend) as opened:
        with pytest.raises(WebSocketDisconnect, match="1001: bye"):
            opened.send_text("anybody there?")
        assert opened.receive_text() == "hi"
        with pytest.raises(WebSocketDisconnect):
            opened.receive()
    assert frames_to(backend) == [(0x88, b"\x03\xe9")]


def test_pings_are_counted_by_the_minute() -> None:
    """Many pings over a long time are no flood."""
    pings = frame(0x89, b"?") * 6000
    backend = scripted(lambda data: [Wait(61.0), pings] if data[0] == 0x8A else obliging(data), opening=pings)
    with session(backend, keepalive_ping_interval_seconds=None) as opened:
        with pytest.raises(TimeoutError):
            opened.receive(timeout=200.0)
        assert {first for first, _ in frames_to(backend)} == {0x8A}


def test_a_keyboard_interrupt_says_goodbye() -> None:
    """A program that is interrupted inside of the block tells the server, and does not wait for its answer."""
    backend = scripted(lambda data: [])
    with pytest.raises(KeyboardInterrupt), session(backend):
        raise KeyboardInterrupt
    assert frames_to(backend) == [(0x88, b"\x03\xe8")]
    assert backend.now() == 0.0
    assert backend.streams[0].closed


def test_an_interrupt_that_cannot_say_goodbye() -> None:
    """A connection that fails at the last word is closed all the same."""

    def broken(data: bytes) -> list[Any]:
        raise borzoi.WriteError("broken")

    backend = scripted(broken)
    with pytest.raises(KeyboardInterrupt), session(backend):
        raise KeyboardInterrupt
    assert backend.streams[0].closed


def test_keep_alive_by_itself() -> None:
    """A ping is due once the interval is over, none while one is unanswered, and the next an interval later."""
    keep = KeepAlive(10.0, 3.0, 0.0)
    assert not keep.is_due(9.9)
    assert keep.is_due(10.0)
    assert keep.look_from == 13.0
    assert not keep.is_due(25.0)
    keep.hear()
    assert keep.look_from == 20.0
    assert keep.is_due(25.0)


@pytest.mark.parametrize("event", [Ping(b"1"), Pong(b"2"), CloseConnection(1000)])
def test_control_events_can_be_sent(event: Any) -> None:
    """Events of wsproto's shape go out by what they have, whoever wrote them."""
    backend = scripted(obliging)
    with session(backend) as opened:
        opened.send(event)
    assert frames_to(backend)[0][0] == {Ping: 0x89, Pong: 0x8A, CloseConnection: 0x88}[type(event)]


def test_what_comes_at_the_last_moment_and_is_no_message() -> None:
    """A ping that comes as the time of receiving ends is answered, and the time-out raised."""
    backend = scripted(
        lambda data: [Wait(1.0), frame(0x89, b"?")] if data[0] == 0x81 else obliging(data),
    )
    with session(backend) as opened:
        opened.send_text("go")
        with pytest.raises(TimeoutError):
            opened.receive(timeout=1.0)
        ping = opened.ping()
        assert ping.wait(0)
        assert [first for first, _ in frames_to(backend)] == [0x81, 0x8A, 0x89]


def test_waiting_for_a_pong_ends_with_the_time_and_with_the_session() -> None:
    """A pong that does not come in time is False, one that never can is an error."""
    backend = scripted(
        lambda data: {0x89: [Wait(1.0), frame(0x8A, b"other")], 0x81: [close(1001), END]}.get(data[0], [])
    )
    with session(backend, keepalive_ping_interval_seconds=None) as opened:
        ping = opened.ping()
        assert not ping.wait(1.0)
        assert not ping.is_set()
        opened.send_text("bye")
        for _ in range(2):
            with pytest.raises(WebSocketDisconnect):
                ping.wait()


def test_a_ping_that_cannot_be_sent() -> None:
    """A ping of keep-alive that fails is found out by reading; one of the program's raises."""

    def answer(data: bytes) -> list[Any]:
        raise borzoi.WriteError("broken")

    backend = scripted(answer)
    with session(backend, keepalive_ping_interval_seconds=5.0, keepalive_ping_timeout_seconds=1.0) as opened:
        with pytest.raises(WebSocketNetworkError, match="Keepalive"):
            opened.receive()
        assert backend.now() == pytest.approx(6.0)

    backend = scripted(answer)
    with session(backend) as opened:
        for _ in range(2):
            with pytest.raises(WebSocketNetworkError, match="broken"):
                opened.ping()
