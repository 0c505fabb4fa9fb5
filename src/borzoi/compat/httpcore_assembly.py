"""A pool of connections that a program makes: what sends where `create_connection()` is the program's own.

httpcore asks its connections whether they are idle, available, expired or closed, and so does this. How many there may
be is the pool's setting; who finds no room waits, and looks again whenever a response is over.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .._backends.base import TimedOut
from .._errors import PoolTimeout
from .httpcore_connections import ConnectionNotAvailable
from .httpcore_models import Origin, Request, Response

if TYPE_CHECKING:
    from .._backends.base import Backend, Turn


class Assembly:
    """Keep the connections of one pool."""

    def __init__(self, pool: Any, world: Backend, *, blocking: bool) -> None:
        self._blocking = blocking
        self._guard = world.guard()
        self._pool = pool
        self._waiters: list[Turn] = []
        self._world = world
        self.connections: list[Any] = []

    async def handle(self, request: Request) -> Response:
        """Send a request over a connection that is available, or a new one. Raises PoolTimeout."""
        timeout = (request.extensions.get("timeout") or {}).get("pool")
        try:
            while True:
                connection = await self._acquire(request.url.origin, timeout)
                try:
                    response = await self._ask(connection, request)
                    break
                except ConnectionNotAvailable:
                    # Somebody was faster.
                    continue
        except BaseException:
            self.stir()
            raise
        body: Any = AssembledBody if self._blocking else AsyncAssembledBody
        return Response(
            response.status,
            headers=response.headers,
            content=body(response.stream, self),
            extensions=response.extensions,
        )

    async def _ask(self, connection: Any, request: Request) -> Response:
        answer = connection.handle_request(request) if self._blocking else connection.handle_async_request(request)
        response: Response = answer if self._blocking else await answer
        return response

    async def _acquire(self, origin: Origin, timeout: float | None) -> Any:
        until = None if timeout is None else self._world.now() + timeout
        while True:
            turn = self._world.turn()
            with self._guard:
                connection, closing = self._choose(origin)
                if connection is None:
                    self._waiters.append(turn)
            await self._close(closing)
            if connection is not None:
                return connection
            try:
                await turn.wait(None if until is None else max(0.0, until - self._world.now()))
            except TimedOut:
                raise PoolTimeout(f"No connection became free within {timeout:g} s") from None
            finally:
                with self._guard:
                    self._waiters = [other for other in self._waiters if other is not turn]

    def _choose(self, origin: Origin) -> tuple[Any, list[Any]]:
        """Return the connection to use, if there is one, and those to close."""
        self.connections = [one for one in self.connections if not one.is_closed()]
        closing = [one for one in self.connections if one.has_expired()]
        self.connections = [one for one in self.connections if one not in closing]

        available = (one for one in self.connections if one.can_handle_request(origin) and one.is_available())
        chosen = next(available, None)
        if chosen is None:
            chosen = self._made(origin, closing)

        idle = [one for one in self.connections if one is not chosen and one.is_idle()]
        surplus = idle[: max(0, len(idle) - self._pool._max_keepalive_connections)]
        self.connections = [one for one in self.connections if one not in surplus]
        return chosen, closing + surplus

    def _made(self, origin: Origin, closing: list[Any]) -> Any:
        if len(self.connections) >= self._pool._max_connections:
            oldest = next((one for one in self.connections if one.is_idle()), None)
            if oldest is None:
                return None
            self.connections.remove(oldest)
            closing.append(oldest)
        made = self._pool.create_connection(origin)
        self.connections.append(made)
        return made

    async def _close(self, closing: list[Any]) -> None:
        for connection in closing:
            if self._blocking:
                connection.close()
            else:
                await connection.aclose()

    def stir(self) -> None:
        """Have all who wait look again."""
        with self._guard:
            waiters, self._waiters = self._waiters, []
        for turn in waiters:
            turn.give(True)

    async def aclose(self) -> None:
        """Close all connections."""
        closing, self.connections = self.connections, []
        await self._close(closing)


class AssembledBody:
    """Give the body of a response, and tell the pool when it is over."""

    def __init__(self, stream: Iterable[bytes], assembly: Assembly) -> None:
        self._assembly = assembly
        self._stream: Any = stream

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close what the program's connection gave."""
        try:
            if hasattr(self._stream, "close"):
                self._stream.close()
        finally:
            self._assembly.stir()


class AsyncAssembledBody:
    """Give the body of a response, and tell the pool when it is over."""

    def __init__(self, stream: AsyncIterable[bytes], assembly: Assembly) -> None:
        self._assembly = assembly
        self._stream: Any = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Close what the program's connection gave."""
        try:
            if hasattr(self._stream, "aclose"):
                await self._stream.aclose()
        finally:
            self._assembly.stir()
