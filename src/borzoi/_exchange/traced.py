"""An exchange over HTTP/1.1 that tells the program of each of its steps, for `extensions={"trace": function}`.

It also takes their times (`"timings"`), and shows the heads as they went over the wire (`"raw_head"`).

The events are those of httpcore: `http11.send_request_headers`, `http11.send_request_body`,
`http11.receive_response_headers`, `http11.receive_response_body` and `http11.response_closed`. Requests without the
extension do not come here. A response that is closed before its end is closed at once, and tells nothing of it:
closing waits for nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .single import Exchange
from .trace import Step, Trace, trace_of

if TYPE_CHECKING:
    from .._messages.request import Request
    from .._messages.response import Response
    from .connection import Connection, Upgraded
    from .pool import ConnectionLane, Pool
    from .raw import RawHeads
    from .timing import TimingTrace


class TracedExchange(Exchange):
    """Send one request and be the body of its response, telling of it."""

    is_traced = True

    _body_step: Step | None = None
    """The step of receiving the body, once it has begun."""

    _is_over = False
    """Whether the end was told."""

    def __init__(self, pool: Pool, request: Request) -> None:
        super().__init__(pool, request)
        self._trace: Trace | None = trace_of(request.extensions, blocking=pool.blocking)
        self._timing: TimingTrace | None = None
        self._raw: RawHeads | None = None
        if request.extensions.get("timings"):
            from .timing import TimingTrace

            self._trace = self._timing = TimingTrace(self._trace, pool.now, blocking=pool.blocking)
        asked = request.extensions.get("raw_head")
        if asked:
            self._raw = _raw_heads(asked)
            # A head of the program's own is for this request: what it leads to, at another URL say, has its own.
            request.extensions = {**request.extensions, "raw_head": True}

    async def run(self, lane: ConnectionLane, *, again: bool = False) -> Response:
        """Lease a connection, send the request and return the response, whose body this is. Raises as `Exchange`."""
        response = await super().run(lane, again=again)
        if self._timing is not None:
            response.extensions["timings"] = self._timing.timings
        if self._raw is not None and self._raw.received:
            response.extensions["raw_request_head"] = self._raw.sent
            response.extensions["raw_head"] = self._raw.received
        return response

    def anew(self) -> Exchange:
        """Return an exchange that sends the same request once more, and is told of with this one."""
        exchange = super().anew()
        assert isinstance(exchange, TracedExchange)
        exchange._trace, exchange._timing, exchange._raw = self._trace, self._timing, self._raw
        return exchange

    def join(self, trace: Trace | None, timing: TimingTrace | None) -> None:
        """Go on telling, and taking times, where another exchange has begun."""
        self._trace, self._timing = trace, timing

    def trace(self) -> Trace | None:
        """Return what is told of the steps of opening a connection."""
        return self._trace

    def _opening(self, connection: Connection) -> tuple[bytes, bool]:
        opening, streamed = super()._opening(connection)
        return (opening if self._raw is None else self._raw.begin(connection.engine, opening)), streamed

    async def _receive_rest_of_head(self, connection: Connection) -> None:
        if self._timing is not None:
            self._timing.take_first("first_byte")
        await super()._receive_rest_of_head(connection)

    def _finish(self, connection: Connection) -> Upgraded:
        if self._timing is not None:
            self._timing.take("done")
        if self._raw is not None:
            self._raw.end(connection.engine)
        return super()._finish(connection)

    def _step(self, name: str) -> Step:
        return Step(self._trace, f"http11.{name}", {"request": self.request})

    async def _ask(self, connection: Connection) -> None:
        try:
            await self._ask_in_steps(connection)
        except Exception:
            await self._tell_end()
            raise

    async def _ask_in_steps(self, connection: Connection) -> None:
        engine = connection.engine
        async with self._step("send_request_headers"):
            opening, streamed = self._opening(connection)
            if not streamed:
                await connection.stream.write(opening, self.patience("write"))
        async with self._step("send_request_body"):
            if streamed:
                await self._send_body(connection, opening)
        async with self._step("receive_response_headers") as told:
            if engine.head is None:
                await self._receive_head(connection)
            head = engine.head
            assert head is not None
            told.return_value = (head.http_version, head.status, head.reason, head.pairs)

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes of the body, None at the end."""
        connection = self.connection
        if self._is_over or (connection is not None and connection.engine.upgraded):
            return await super().next_chunk()

        step = self._body_step
        if step is None:
            step = self._body_step = self._step("receive_response_body")
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

    async def _tell_end(self) -> None:
        self._is_over = True
        async with Step(self._trace, "http11.response_closed", {}):
            pass

    def take_whole(self) -> bytes | None:
        """Return None: what is told of the body is told while it is read."""
        return None


def _raw_heads(asked: object) -> RawHeads:
    from .raw import RawHeads

    return RawHeads(asked)
