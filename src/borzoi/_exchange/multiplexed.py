"""One exchange over HTTP/2, a stream among others on a connection: send a request, receive the response.

A `MultiplexedExchange` is its place on the connection and the body of its response. It gives the place back the moment
the response is whole; after an error, a cancellation, or a body that was closed before its end it resets its stream,
and harms no other. What the server has not acted upon is sent again, whatever its method (RFC 9113, 8.7), and what it
may have, once, if the method allows it. Where the server speaks HTTP/1.1, `single` does the rest.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from .._backends.base import TimedOut
from .._errors import ReadTimeout, TimeoutException, WriteTimeout
from .._messages.content import NO_BODY
from .._messages.response import Response, received
from .._messages.streams import ByteStream, source_of
from .continuing import PATIENCE
from .single import IDEMPOTENT, SMALL_BODY, Exchange, trailers_of

if TYPE_CHECKING:
    from .._wire.http2 import Http2
    from .._wire.http2_stream import Stream
    from .connection import Connection
    from .multiplexed_connection import MultiplexedConnection
    from .multiplexed_pool import SharingPool
    from .pool import ConnectionLane

MOST_TRIES = 20
"""How often a request is sent at most that the server says it has not acted upon.

So often only where each of its connections has served others: one that ends its connections after a few requests (RFC
9113, 6.8) gets the rest again and again, and all of them in the end.
"""

ANYWHERE = (KeyboardInterrupt, MemoryError)
"""What may come between any two steps. A connection in doubt is closed, at the cost of the others on it."""

MOST_FRUITLESS = 5
"""How often in a row it is sent to a server that acts upon nothing.

The RFC names no bound. Go gives up after 6 retries, ever further apart; curl after 5, and reqwest after 2.
"""


class MultiplexedExchange(Exchange):
    """Send one request over a shared connection, and be the body of its response."""

    _pool: SharingPool

    shared: MultiplexedConnection | None = None
    """The connection on which it has a place; None before and after."""

    stream: Stream | None = None
    """Its stream, from the sending of the head on."""

    _keeper: StreamKeeper | None = None

    _heard_before = 0
    """How often something had come over the connection when the request was sent."""

    _sent_before = 0
    """How many bytes were sent over the connection, or were to be, before the first of the request."""

    _is_untouched = False
    """Whether the server has certainly not acted upon the request when it failed."""

    _seen = 0
    """How many interim responses have come of which nothing is to be said any more."""

    _sent = 0
    """How many bytes of a body that is in memory went out with the head."""

    async def run(self, lane: ConnectionLane, *, again: bool = False) -> Response:
        """Send the request and return the response, whose body this is. Raises errors of the tree, `.request` set."""
        tries = fruitless = 0
        died = False
        while True:
            tries += 1
            try:
                if not self._pool.take_place(self, lane):
                    await self._pool.lease(self, lane, used=not again)
                connection = self.shared
                if connection is None:
                    break
                if await self._ask(connection):
                    return self._response(connection)
            except BaseException as error:
                refuser = self.shared
                if not self._may_send_again(error, died=died):
                    raise
                fruitless = 0 if refuser is not None and refuser.serves else fruitless + 1
                if tries == MOST_TRIES or fruitless == MOST_FRUITLESS:
                    raise
                died = not self._is_untouched
                self.stream = None
                self._seen = 0

        assert self.connection is not None
        alone, self.connection = self._alone(self.connection), None
        return await alone.run(lane)

    def _alone(self, connection: Connection) -> Exchange:
        """Return the exchange over a connection that turned out to be one of HTTP/1.1."""
        alone = SingleExchange(self._pool, self.request)
        alone.connection = connection
        return alone

    # Sending.

    async def _ask(self, connection: MultiplexedConnection) -> bool:  # type: ignore[override]
        """Send the request and receive the head; False where the connection has no room any more."""
        stream = self._begin(connection)
        if stream is None:
            self._give_back(connection)
            return False
        if stream.to_send or connection.is_blocked:
            await self._send_rest(connection, stream)
        # hot path: as `_receive_response_head()`, without its coroutine and that of the wait.
        if stream.head is None:
            patience = self._timeouts.get("read") if self._until is None else self.patience("read")
            try:
                await connection.wait(stream, self._has_head, patience)
            except TimedOut:
                raise self._read_timed_out(connection, patience) from None
        if stream.head is None or stream.informational:
            await self._receive_response_head(connection, stream)
        return True

    def _begin(self, connection: MultiplexedConnection) -> Stream | None:
        """Send the head, and a small body with it. Raises LocalProtocolError."""
        if not self._pool.blocking:
            return self._begin_now(connection)
        with connection.guard:
            return self._begin_now(connection)

    def _begin_now(self, connection: MultiplexedConnection) -> Stream | None:
        request = self.request
        engine = connection.http2
        if engine.most_streams <= len(engine.streams):
            return None
        target = request.extensions.get("target") or request.url._target
        block = request._headers._block
        if isinstance(block, list):
            block = request._headers.block
        self._heard_before = connection.heard
        self._sent_before = connection.sent + len(connection.unsent)
        stream = self.stream = engine.open(request.method, target, block, connection.route.scheme)
        connection.requests += 1
        self._sent = self._send_small(engine, stream) if stream.to_send else 0
        connection.push_soon()
        return stream

    def _send_small(self, engine: Http2, stream: Stream) -> int:
        """Send a small body together with the head; return how many bytes that is."""
        body = self.request.stream
        if (
            type(body) is ByteStream
            and 0 < len(body._data) <= SMALL_BODY
            and len(body._data) == stream.to_send <= stream.window
            and not stream.expects_continue
        ):
            return engine.send(stream, body._data)
        return 0

    async def _send_rest(self, connection: MultiplexedConnection, stream: Stream) -> None:
        """Send what did not go out with the head."""
        if stream.to_send:
            await self._send_stream(connection, stream)
        elif connection.is_blocked:
            await self._flush(connection, stream, lambda: True)

    async def _send_stream(self, connection: MultiplexedConnection, stream: Stream) -> None:
        """Send a body piece by piece; stop where the server answers before it has all of it."""
        if stream.expects_continue and not await self._is_body_wanted(connection, stream):
            return
        body = self.request.stream
        if body is NO_BODY and stream.to_send < 0:
            self._end_request(connection, stream)
            return
        source = source_of(body, blocking=self._pool.blocking)
        skipped, self._sent = self._sent, 0
        while (chunk := await source.next_chunk()) is not None:
            if not await self._send_piece(connection, stream, memoryview(chunk)[skipped:]):
                return
            skipped = 0
        self._end_request(connection, stream)

    async def _send_piece(self, connection: MultiplexedConnection, stream: Stream, data: memoryview) -> bool:
        """Send a piece at the server's pace; return False once nothing more of the request is wanted."""
        while data:
            with connection.guard:
                if stream.complete or stream.error is not None:
                    return False
                data = data[connection.http2.send(stream, cast("bytes", data)) :]
                connection.push()
            if not await self._flush(connection, stream, lambda: self._is_admitted(connection, stream)):
                return False
        return True

    def _is_admitted(self, connection: MultiplexedConnection, stream: Stream) -> bool:
        return stream.complete or stream.to_send == 0 or min(stream.window, connection.http2.window) > 0

    async def _flush(self, connection: MultiplexedConnection, stream: Stream, is_admitted: Callable[[], bool]) -> bool:
        """Wait until what is queued was sent, and more may be. Raises WriteTimeout, unless the answer is here."""
        while True:
            patience = self.patience("write")
            before = connection.sent
            try:
                await connection.flush(stream, patience, is_admitted=is_admitted)
            except TimedOut:
                if stream.head is not None:
                    return False
                # The time-out is for the next bytes to be taken.
                if connection.sent == before or is_admitted() is False:
                    peer = connection.stream.peer
                    raise WriteTimeout(f"{peer} took no bytes within {patience or 0.0:.3g} s") from None
            else:
                return stream.error is None

    def _end_request(self, connection: MultiplexedConnection, stream: Stream) -> None:
        trailers = trailers_of(self.request) if stream.to_send else []
        with connection.guard:
            if stream.error is None and not stream.complete:
                connection.http2.end(stream, trailers)
                connection.push()

    async def _is_body_wanted(self, connection: MultiplexedConnection, stream: Stream) -> bool:
        """Wait for 100 (Continue), a final answer, or for as long as it is worth (RFC 9110, 10.1.1)."""
        patience = self.patience("read")
        try:
            await connection.wait(
                stream,
                lambda: stream.head is not None or any(head.status == 100 for head in stream.informational),
                PATIENCE if patience is None else min(PATIENCE, patience),
            )
        except TimedOut:
            return True
        return stream.head is None and stream.error is None

    # Receiving.

    def _has_head(self) -> bool:
        stream = self.stream
        assert stream is not None
        return stream.head is not None or len(stream.informational) > self._seen

    async def _receive_response_head(self, connection: MultiplexedConnection, stream: Stream) -> None:
        """Wait for the head, telling of the interim responses before it."""
        while True:
            if stream.informational:
                # Each is a sign of life.
                self._seen = len(stream.informational)
                await self._tell_informational(stream)
            if stream.head is not None:
                return
            if stream.error is not None:
                raise connection.failure(stream)
            await self._wait(connection, stream, self._has_head)

    async def _wait(self, connection: MultiplexedConnection, stream: Stream, is_over: Callable[[], bool]) -> None:
        """Wait for news of the stream. Raises ReadTimeout."""
        patience = self.patience("read")
        try:
            await connection.wait(stream, is_over, patience)
        except TimedOut:
            raise self._read_timed_out(connection, patience) from None

    def _read_timed_out(self, connection: MultiplexedConnection, patience: float | None) -> ReadTimeout:
        return ReadTimeout(f"No bytes from {connection.stream.peer} within {patience or 0.0:.3g} s")

    def _response(self, connection: MultiplexedConnection) -> Response:
        stream = self.stream
        assert stream is not None
        head = stream.head
        assert head is not None
        if not connection.has_answered:
            connection.has_answered = True
            with connection.guard:
                self._pool.know(connection)
        if stream.complete:
            self._finish_stream(connection, stream)
        else:
            self._keeper = StreamKeeper(self._pool, connection, stream)
        extensions = {
            "http_version": head.http_version,
            "network_stream": connection.network_stream,
            "stream_id": stream.id,
        }
        return received(head.status, head.pairs, head.is_plain, extensions, self)

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes of the body, None at the end."""
        while not self._chunks:
            connection, stream = self.shared, self.stream
            if connection is None or stream is None:
                return None
            try:
                await self._receive_chunks(connection, stream)
            except BaseException as error:
                self._discard_stream(error)
                raise

        chunks, self._chunks = self._chunks, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _receive_chunks(self, connection: MultiplexedConnection, stream: Stream) -> None:
        if not stream.chunks and not stream.complete and stream.error is None:
            await self._wait(connection, stream, lambda: bool(stream.chunks) or stream.complete)
        if stream.complete:
            self._finish_stream(connection, stream)
            return
        with connection.guard:
            self._chunks = connection.http2.take(stream)
            connection.push()
        if not self._chunks and stream.error is not None:
            raise connection.failure(stream)

    def take_whole(self) -> bytes | None:
        """Return the whole body if it is here already."""
        if self.shared is not None:
            return None
        chunks, self._chunks = self._chunks, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    # The end.

    def _finish_stream(self, connection: MultiplexedConnection, stream: Stream) -> None:
        """Give the place back: the response is whole."""
        if self._pool.blocking:
            with connection.guard:
                self._take_rest(connection, stream)
        else:
            self._take_rest(connection, stream)
        if stream.trailers:
            self.trailers = stream.trailers
        self.is_whole = True
        self._give_back(connection)

    def _take_rest(self, connection: MultiplexedConnection, stream: Stream) -> None:
        engine = connection.http2
        if stream.chunks:
            self._chunks += engine.take(stream)
        if stream.to_send:
            # RFC 9113, 8.1: what is left of the request is of no use to anybody.
            engine.reset(stream)
        if engine.has_to_send:
            connection.push_soon()

    def _give_back(self, connection: MultiplexedConnection) -> None:
        if self._keeper is not None:
            self._keeper.dismiss()
        self._pool.give_back(connection)
        # Not before: what interrupts this finds it.
        self.shared = None

    def close_now(self) -> None:
        """Reset the stream, unless the response is whole, and give the place back."""
        super().close_now()
        connection = self.shared
        if connection is not None:
            try:
                if self.stream is not None:
                    connection.reset(self.stream)
                self._give_back(connection)
            except ANYWHERE:
                self._pool.condemn(connection)
                raise

    def _discard_stream(self, error: BaseException) -> None:
        connection = self.shared
        if (
            connection is not None
            and isinstance(error, (ReadTimeout, WriteTimeout))
            and connection.heard == self._heard_before
        ):
            # It may be dead without anybody having said so: what comes next goes elsewhere.
            connection.retire()
        if connection is not None and isinstance(error, ANYWHERE):
            self._pool.condemn(connection)
        self.close_now()
        self.explain(error)

    def _may_send_again(self, error: BaseException, *, died: bool) -> bool:
        """Discard the stream, explain the error, and return whether the request may be sent again."""
        connection, stream = self.shared, self.stream
        self._discard_stream(error)
        if connection is None or stream is None or stream.error is None or not self.request.is_replayable:
            return False
        if not isinstance(error, Exception) or isinstance(error, TimeoutException):
            return False
        # RFC 9113, 8.7: what the server has refused, or never got a byte of, it has not acted upon.
        self._is_untouched = stream.unprocessed or (connection.has_died and connection.sent <= self._sent_before)
        if self._is_untouched:
            if stream.reset_code is not None and connection.places() > 0:
                # Refused, and not for want of room: another connection may do better.
                connection.retire()
            return True
        return (
            not died
            and connection.has_died
            and stream.reset_code is None
            and not stream.answered
            and self.request.method in IDEMPOTENT
        )


class SingleExchange(Exchange):
    """An exchange over HTTP/1.1 in a pool that offers HTTP/2: sent again, it may find the other."""

    _pool: SharingPool

    async def run(self, lane: ConnectionLane, *, again: bool = False) -> Response:
        """Send the request over the connection that it came with, or over whatever is found."""
        if self.connection is None:
            return await MultiplexedExchange(self._pool, self.request).run(lane, again=again)
        return await super().run(lane)


class StreamKeeper:
    """Give up the stream of a response that the program forgot: it lives as long as the body does."""

    _connection: MultiplexedConnection | None = None

    def __init__(self, pool: SharingPool, connection: MultiplexedConnection, stream: Stream) -> None:
        self._pool = pool
        self._stream = stream
        self._connection = connection

    def dismiss(self) -> None:
        """The stream is taken care of."""
        self._connection = None

    def __del__(self, _warn: Any = warnings.warn) -> None:
        connection = self._connection
        if connection is not None:
            # A finaliser may run anywhere, inside a guard, too: it only leaves a note.
            self._pool.forgotten.append((connection, self._stream))
            text = f"A streamed response from {connection.stream.peer} was neither read to its end nor closed"
            _warn(text, ResourceWarning, stacklevel=2)
