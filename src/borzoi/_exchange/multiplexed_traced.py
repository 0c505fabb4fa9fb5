"""An exchange over HTTP/2 that tells the program of each of its steps, for `extensions={"trace": function}`.

It also takes their times (`"timings"`). There are no heads as bytes to show (`"raw_head"`).

The events are those of httpcore: `http2.send_connection_init` (for the first request of a connection),
`http2.send_request_headers`, `http2.send_request_body`, `http2.receive_response_headers` (the server's SETTINGS are
`http2.receive_remote_settings`, once a connection), `http2.receive_response_body` and `http2.response_closed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .multiplexed import MultiplexedExchange, SingleExchange
from .trace import Step, Trace, trace_of
from .traced import TracedExchange

if TYPE_CHECKING:
    from .._messages.request import Request
    from .._messages.response import Response
    from .._wire.http2_stream import Stream
    from .connection import Connection
    from .multiplexed_connection import MultiplexedConnection
    from .multiplexed_pool import SharingPool
    from .pool import ConnectionLane
    from .single import Exchange
    from .timing import TimingTrace


class TracedMultiplexedExchange(MultiplexedExchange):
    """Send one request over a shared connection and be the body of its response, telling of it."""

    is_traced = True

    _body_step: Step | None = None
    """The step of receiving the body, once it has begun."""

    _is_over = False
    """Whether the end was told."""

    def __init__(self, pool: SharingPool, request: Request) -> None:
        super().__init__(pool, request)
        self._trace: Trace | None = trace_of(request.extensions, blocking=pool.blocking)
        self._timing: TimingTrace | None = None
        if request.extensions.get("timings"):
            from .timing import TimingTrace

            self._trace = self._timing = TimingTrace(self._trace, pool.now, blocking=pool.blocking)

    async def run(self, lane: ConnectionLane, *, again: bool = False) -> Response:
        """Send the request and return the response, whose body this is. Raises as `MultiplexedExchange`."""
        response = await super().run(lane, again=again)
        if self._timing is not None:
            response.extensions["timings"] = self._timing.timings
        return response

    def trace(self) -> Trace | None:
        """Return what is told of the steps of opening a connection."""
        return self._trace

    def _alone(self, connection: Connection) -> Exchange:
        alone = TracedSingleExchange(self._pool, self.request)
        alone.connection = connection
        alone.join(self._trace, self._timing)
        return alone

    def _step(self, name: str, **more: Any) -> Step:
        return Step(self._trace, f"http2.{name}", {"request": self.request, **more})

    async def _ask(self, connection: MultiplexedConnection) -> bool:  # type: ignore[override]
        try:
            return await self._ask_in_steps(connection)
        except Exception:
            await self._tell_end()
            raise

    async def _ask_in_steps(self, connection: MultiplexedConnection) -> bool:
        is_new = not connection.requests
        if is_new:
            async with self._step("send_connection_init"):
                with connection.guard:
                    connection.push()

        # The stream has its number when its head is sent, so this is told before what it tells of.
        stream = self._begin(connection)
        if stream is None:
            self._give_back(connection)
            return False
        number = stream.id
        async with self._step("send_request_headers", stream_id=number):
            pass
        async with self._step("send_request_body", stream_id=number):
            await self._send_rest(connection, stream)
        async with self._step("receive_response_headers", stream_id=number) as told:
            if is_new:
                async with Step(self._trace, "http2.receive_remote_settings", {}):
                    await self._wait(connection, stream, lambda: connection.http2.settled)
            await self._receive_response_head(connection, stream)
            assert stream.head is not None
            told.return_value = (stream.head.status, stream.head.pairs)
        return True

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes of the body, None at the end."""
        if self._is_over or self.stream is None:
            return await super().next_chunk()

        step = self._body_step
        if step is None:
            step = self._body_step = self._step("receive_response_body", stream_id=self.stream.id)
            await step.__aenter__()
        try:
            chunk = await super().next_chunk()
        except BaseException as error:
            await step.__aexit__(type(error), error, error.__traceback__)
            if isinstance(error, Exception):
                await self._tell_end()
            raise
        if chunk is None:
            await step.__aexit__(None, None, None)
            await self._tell_end()
        return chunk

    def _finish_stream(self, connection: MultiplexedConnection, stream: Stream) -> None:
        if self._timing is not None:
            self._timing.take("done")
        super()._finish_stream(connection, stream)

    async def _tell_end(self) -> None:
        self._is_over = True
        number = 0 if self.stream is None else self.stream.id
        async with Step(self._trace, "http2.response_closed", {"stream_id": number}):
            pass

    def take_whole(self) -> bytes | None:
        """Return None: what is told of the body is told while it is read."""
        return None


class TracedSingleExchange(SingleExchange, TracedExchange):
    """A traced exchange over HTTP/1.1 in a pool that offers HTTP/2."""
