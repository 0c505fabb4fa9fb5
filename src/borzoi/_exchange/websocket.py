"""A WebSocket in use: who reads, who writes, what waits to be received, pings, and the end.

There is no task and no thread behind it. Whoever waits for something and finds that nobody reads becomes the reader,
and hands to the others what it finds; so one task may receive while others send. While the program is in one of the
methods, pings of the server are answered, and our own are sent when they are due. Nothing is read ahead of a full
queue.

A cancelled `receive()` loses no message. A `send()` that is cancelled half-way leaves a frame cut in two, after which
nothing more can be sent.
"""

from __future__ import annotations

import math
import os
from collections import deque
from typing import TYPE_CHECKING

from .._backends.base import READ_SIZE, TimedOut
from .._errors import (
    HTTPXWSException,
    LocalProtocolError,
    ReadTimeout,
    TransportError,
    WebSocketDisconnect,
    WebSocketNetworkError,
)
from .._wire.websocket_frames import INTERNAL_ERROR, NORMAL, POLICY_VIOLATION, CloseConnection, Ping, Pong, Violation
from .lock import Lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._backends.base import Turn
    from .._messages.request import Request
    from .._wire.websocket import Received, WebSocket
    from .websocket_wires import Wire

CLOSE_PATIENCE = 2.0
"""Seconds that a server has to answer a close frame."""

LOOKS = 16
"""How often who sends reads what has come, where nobody receives: or a server that waits for that would never go on."""

GLANCE = 0.01
"""Seconds in which is received what has arrived."""

FLOOD = 10_000
"""Pings and pongs within `FLOOD_SECONDS` at which a server is taken for hostile."""

FLOOD_SECONDS = 60.0


class PingSent:
    """A ping on its way. `is_answered` once its pong, or that of a later one, has come."""

    __slots__ = ("is_answered",)

    def __init__(self) -> None:
        self.is_answered = False


class KeepAlive:
    """Say when to send a ping, and when the server has been silent for too long."""

    __slots__ = ("_interval", "_patience", "overdue_from", "ping_from")

    def __init__(self, interval: float | None, patience: float | None, now: float) -> None:
        self._interval = math.inf if interval is None else interval
        self._patience = math.inf if patience is None else patience
        self.ping_from = now + self._interval
        self.overdue_from = math.inf

    @property
    def look_from(self) -> float:
        """When there is something to do."""
        return self.ping_from if self.overdue_from == math.inf else self.overdue_from

    def is_due(self, now: float) -> bool:
        """Return whether to send a ping, and count it as sent."""
        if now < self.ping_from or self.overdue_from < math.inf:
            return False
        self.ping_from = now + self._interval
        self.overdue_from = now + self._patience
        return True

    def hear(self) -> None:
        """Something came: the server is there."""
        self.overdue_from = math.inf


class Channel:
    """Send and receive over a WebSocket."""

    def __init__(
        self,
        engine: WebSocket,
        wire: Wire,
        *,
        queue_size: int,
        ping_interval: float | None,
        ping_timeout: float | None,
        write_timeout: float | None = None,
        request: Request | None = None,
    ) -> None:
        backend = wire.backend
        self._engine = engine
        self._wire = wire
        self._backend = backend
        self._now = backend.now
        self._guard = backend.guard()
        self._writing = Lock(backend)
        self._write_timeout = write_timeout
        self._request = request
        # Messages that were read and not taken. Who waits for what somebody else reads, and whether somebody does.
        self._queue: deque[str | bytes] = deque()
        self._queue_size = max(1, queue_size)
        self._reading = False
        self._waiting: list[Turn] = []
        # Pings that were not answered yet, oldest first; the ping of the server's to be answered, if there is one.
        self._pings: dict[bytes, PingSent] = {}
        self._ping_received: bytes | None = None
        self._controls = 0
        self._controls_since = -math.inf
        self.keep_alive = KeepAlive(ping_interval, ping_timeout, self._now())
        # Bytes that were sent since others had their turn.
        self._sent = 0
        # Why nothing more comes, and why nothing more can be sent.
        self._end: Callable[[], HTTPXWSException] | None = None
        self._cut: BaseException | None = None
        self.is_closed = False

    # --- receiving

    async def receive(self, timeout: float | None = None) -> str | bytes:
        """Return the next message. Raises TimeoutError, WebSocketDisconnect, WebSocketNetworkError."""
        until = math.inf if timeout is None else self._now() + timeout
        queue, engine = self._queue, self._engine
        while True:
            if not queue and not engine.is_idle:
                with self._guard:
                    self._digest()
            if engine.replies or self._ping_received is not None:
                await self._reply()
            try:
                message = queue.popleft()
            except IndexError:
                if self._end is not None:
                    raise self._explained(self._end()) from None
            else:
                if self._waiting and not self._reading:
                    self._wake_all()
                return message
            await self._progress(until, lambda: bool(queue))
            if until != math.inf and not queue and self._end is None and self._now() >= until:
                # Something came, and was no message.
                raise TimeoutError("No message came in time.")

    async def _progress(self, until: float, ready: Callable[[], bool]) -> None:
        """Read once, or wait for who reads. Returns at once where `ready()`. Raises TimeoutError."""
        turn: Turn | None = None
        with self._guard:
            if ready() or self._end is not None:
                return
            if self._reading or self._is_full():
                turn = self._backend.turn()
                self._waiting.append(turn)
            else:
                self._reading = True

        if turn is not None:
            await self._wait_for_news(turn, until)
            return
        try:
            await self._read(until)
        finally:
            self._stop_reading()

    def _stop_reading(self) -> None:
        self._reading = False
        if self._waiting:
            self._wake_all()

    def _wake_all(self) -> None:
        with self._guard:
            waiting, self._waiting = self._waiting, []
        for turn in waiting:
            turn.give(self)

    async def _wait_for_news(self, turn: Turn, until: float) -> None:
        try:
            await turn.wait(None if until == math.inf else max(0.0, until - self._now()))
        except TimedOut:
            raise TimeoutError("No message came in time.") from None
        finally:
            with self._guard:
                if turn in self._waiting:
                    self._waiting.remove(turn)

    async def _read(self, until: float) -> None:
        """Read what comes next, for as long as there is nothing else to do. Raises TimeoutError."""
        await self._send_due_ping()
        # Nothing follows a close frame, no ping either.
        limit = until if self._engine.closing else min(until, self.keep_alive.look_from)
        try:
            data = await self._wire.read(None if limit == math.inf else max(0.0, limit - self._now()))
        except ReadTimeout:
            self._on_silence(until)
            return
        except (TransportError, OSError) as error:
            self._break(f"The connection broke: {error}", error)
            return
        self._take_in(data)
        if self._engine.replies or self._ping_received is not None:
            await self._reply()

    def _on_silence(self, until: float) -> None:
        now = self._now()
        if now >= self.keep_alive.overdue_from and not self._engine.closing:
            with self._guard:
                self._close_engine(INTERNAL_ERROR, "Keepalive ping timeout")
            self._break("Keepalive ping timeout: the server did not answer a ping in time.")
        elif now >= until:
            raise TimeoutError("No message came in time.")

    def _take_in(self, data: bytes) -> None:
        self.keep_alive.hear()
        if not data:
            # RFC 6455, 7.1.5: without a close frame, this is no orderly end.
            self._break("The server closed the connection without closing the WebSocket.")
            return
        with self._guard:
            self._engine.receive(data)
            self._digest()

    def _digest(self) -> None:
        """Look at what was received, as far as there is room in the queue. Called with the guard held."""
        try:
            while not self._is_full() and (event := self._engine.next_event()) is not None:
                self._take_event(event)
        except Violation as violation:
            self._disconnect(violation.code, str(violation), violation)

    def _take_event(self, event: Received) -> None:
        if isinstance(event, CloseConnection):
            self._disconnect(event.code, event.reason)
        elif isinstance(event, (Ping, Pong)):
            self._take_control(event)
        elif not self.is_closed:
            self._queue.append(event)

    def _take_control(self, event: Ping | Pong) -> None:
        now = self._now()
        if now - self._controls_since > FLOOD_SECONDS:
            self._controls, self._controls_since = 0, now
        self._controls += 1
        if self._controls > FLOOD:
            self._close_engine(POLICY_VIOLATION, "Too many pings")
            self._disconnect(POLICY_VIOLATION, "Too many pings")
        elif isinstance(event, Ping):
            # RFC 6455, 5.5.3: of several pings, the latest may be answered alone. So a flood of them makes no flood.
            self._ping_received = event.payload
        elif event.payload in self._pings:
            for payload in list(self._pings):
                self._pings.pop(payload).is_answered = True
                if payload == event.payload:
                    break

    # --- sending

    async def send(self, encode: Callable[..., bytes], *arguments: object, final: bool = True) -> None:
        """Send what `encode(*arguments)` of the engine returns. Raises as `receive()` does, and LocalProtocolError."""
        if not self._reading:
            await self._look_around()
        await self._writing.acquire()
        try:
            if self._end is not None:
                raise self._explained(self._end())
            self._require_whole()
            data = encode(*arguments) if final else encode(*arguments, final=False)
            await self._write(self._take_replies() + data)
        finally:
            self._writing.release()

    def _require_whole(self) -> None:
        if self._cut is not None:
            why = str(self._cut) or type(self._cut).__name__
            raise self._explained(WebSocketNetworkError(f"Nothing more can be sent, a frame was broken off: {why}"))

    async def _write(self, data: bytes) -> None:
        """Write, with the lock held. Raises WebSocketNetworkError."""
        self._sent += len(data)
        try:
            await self._wire.write(data, self._write_timeout)
        except (TransportError, OSError) as error:
            self._cut = error
            raise self._explained(WebSocketNetworkError(f"The connection broke: {error}")) from error
        except BaseException as error:
            # Part of a frame may be out, and nothing can follow it.
            self._cut = error
            raise

    def _take_replies(self) -> bytes:
        """Return the frames that the protocol demands."""
        engine = self._engine
        with self._guard:
            payload, self._ping_received = self._ping_received, None
            if payload is not None and not engine.closing:
                engine.replies.insert(0, engine.send_pong(payload))
            replies, engine.replies = engine.replies, []
        return b"".join(replies)

    async def _reply(self) -> None:
        """Send what the protocol demands, if it can be sent. If not, reading will tell why."""
        await self._writing.acquire()
        try:
            data = self._take_replies()
            if data and self._cut is None:
                await self._write(data)
        except WebSocketNetworkError:
            return
        finally:
            self._writing.release()

    async def _look_around(self) -> None:
        """See what came, where nobody receives: the server may have pinged, or closed, or wait for us to read."""
        await self._send_due_ping()
        if self._sent >= READ_SIZE:
            # A program that only sends gives the event loop its turn here, without which nothing is known to have come.
            self._sent = 0
            await self._backend.sleep(0)
        for _ in range(LOOKS):
            with self._guard:
                if self._reading or self._end is not None or self._is_full():
                    return
                self._reading = True
            try:
                if not self._wire.is_readable():
                    return
                await self._read(self._now() + GLANCE)
            except TimeoutError:
                return
            finally:
                self._stop_reading()

    def _is_full(self) -> bool:
        return len(self._queue) >= self._queue_size

    async def _send_due_ping(self) -> None:
        if not self._engine.closing and self.keep_alive.is_due(self._now()):
            try:
                await self.ping(b"")
            except (HTTPXWSException, LocalProtocolError):
                return  # reading tells why

    # --- pings

    async def ping(self, payload: bytes) -> PingSent:
        """Send a ping; an empty payload is replaced by a random one. Raises as `send()` does."""
        payload = payload or os.urandom(8)
        ping = self._pings[payload] = PingSent()
        try:
            await self.send(self._engine.send_ping, payload)
        except BaseException:
            self._pings.pop(payload, None)
            raise
        return ping

    async def wait_for(self, ping: PingSent, timeout: float | None) -> bool:
        """Return whether a ping is answered in time. Raises as `receive()` does."""
        until = math.inf if timeout is None else self._now() + timeout
        while not ping.is_answered:
            if self._end is not None:
                raise self._explained(self._end())
            try:
                await self._progress(until, lambda: ping.is_answered)
            except TimeoutError:
                break
            if self._now() >= until:
                break
        return ping.is_answered

    # --- the end

    def _disconnect(self, code: int, reason: str | None, cause: BaseException | None = None) -> None:
        def error() -> WebSocketDisconnect:
            disconnect = WebSocketDisconnect(code, reason)
            disconnect.__cause__ = cause
            return disconnect

        self._end = self._end or error

    def _break(self, text: str, cause: BaseException | None = None) -> None:
        def error() -> WebSocketNetworkError:
            broken = WebSocketNetworkError(text)
            broken.__cause__ = cause
            return broken

        self._end = self._end or error

    def _explained(self, error: HTTPXWSException) -> HTTPXWSException:
        error._request = self._request
        return error

    def _close_engine(self, code: int, reason: str | None) -> None:
        if not self._engine.closing:
            self._engine.replies.append(self._engine.close(code, reason))

    async def close(self, code: int = NORMAL, reason: str | None = None) -> None:
        """Close: say so, wait a moment for the server's answer, and close the connection, whatever happens."""
        if self.is_closed:
            return
        self.is_closed = True
        try:
            await self._say_goodbye(code, reason)
        finally:
            await self._hang_up(code, reason)

    async def _say_goodbye(self, code: int, reason: str | None) -> None:
        until = self._now() + CLOSE_PATIENCE
        if self._cut is not None:
            return
        try:
            await self._writing.acquire(CLOSE_PATIENCE)
        except TimedOut:
            return  # somebody is stuck in the middle of a frame
        try:
            if self._cut is not None:
                return
            self._queue.clear()
            with self._guard:
                self._close_engine(code, reason)
            data = self._take_replies()
            if data:
                await self._wire.write(data, CLOSE_PATIENCE)
        except (TransportError, OSError):
            return
        finally:
            self._writing.release()

        try:
            # RFC 6455, 7.1.1: the server is the one to close the connection. What it still says is not for anybody.
            while self._end is None and self._now() < until:
                await self._progress(until, lambda: False)
        except TimeoutError:
            return

    async def _hang_up(self, code: int, reason: str | None) -> None:
        self._disconnect(code, reason)
        self._queue.clear()
        try:
            await self._wire.close()
        finally:
            self._wake_all()

    def close_at_once(self) -> None:
        """Say goodbye if that takes no waiting: the program was cancelled or interrupted. `close()` comes after."""
        if not self.is_closed and self._cut is None and self._writing.acquire_now():
            try:
                with self._guard:
                    self._close_engine(NORMAL, None)
                self._wire.attempt(self._take_replies())
            finally:
                self._writing.release()
        self._cut = self._cut or InterruptedError("the program was interrupted")
        self._disconnect(NORMAL, None)
