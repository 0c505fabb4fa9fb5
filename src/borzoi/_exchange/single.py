"""One exchange over a connection that carries one at a time: send a request, receive the response.

An `Exchange` is the lease of its connection and the body of its response. It gives the connection back the moment the
response is whole, and discards it after an error, a cancellation, or a body that was closed before its end. It never
leaves a connection in doubt: whatever raises in here has discarded it first.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import (
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    RequestError,
    TimeoutException,
    TransportError,
    UnsupportedProtocol,
    WriteError,
    WriteTimeout,
)
from .._messages.content import NO_BODY
from .._messages.response import Response, received
from .._messages.streams import Body, ByteStream, source_of
from .._values.headers import Headers, HeaderTypes
from .continuing import is_wanted
from .trace import Trace, call, trace_of

if TYPE_CHECKING:
    from .._config import Deadline
    from .._messages.request import Request
    from .._wire.http1 import Http1
    from .._wire.http2_stream import Stream as Http2Stream
    from .connection import Connection, Upgraded
    from .pool import ConnectionLane, Pool

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "QUERY"})
"""Methods that may be sent again when nothing is known of their outcome (RFC 9110, 9.2.2; RFC 9205 for QUERY)."""

SMALL_BODY = 65536
"""A body of at most this many bytes goes out together with its head."""

GLANCE = 0.01
"""Seconds in which an answer is received that has arrived."""

CLOSE = 0.002
"""Seconds before the deadline at which a time-out counts as the deadline's: timers are not exact."""

_DIED = (ReadError, WriteError, RemoteProtocolError)
"""What a connection looks like that the server closed while we sent a request over it."""

_NO_TIMEOUTS: dict[str, float | None] = {}


class Exchange(Body):
    """Send one request, and be the body of its response."""

    _heard = False
    """Whether a byte of the response had come when sending the body failed."""

    connection: Connection | None
    """The leased connection; None before it is there and after it went back."""

    _until: float | None = None
    """When all must be over."""

    _guardian: Guardian | None = None

    _informed = 0
    """How many interim responses the program was told of."""

    is_traced = False
    """Whether the program is told of each step."""

    def __init__(self, pool: Pool, request: Request) -> None:
        extensions = request.extensions
        self._pool = pool
        self.connection = None
        self.is_whole = False
        self._chunks: list[bytes] = []
        self._timeouts: dict[str, float | None] = extensions.get("timeout", _NO_TIMEOUTS)
        self.blocking = pool.blocking
        self.request = request
        if "borzoi.deadline" in extensions:
            deadline: Deadline = extensions["borzoi.deadline"]
            self._until = deadline.at(pool.now())

    def patience(self, operation: str) -> float | None:
        """Return the seconds that one operation may take: its own time-out, or what is left of the whole."""
        seconds = self._timeouts.get(operation)
        if self._until is None:
            return seconds
        left = self._until - self._pool.now()
        if left <= 0 and operation == "read":
            raise ReadTimeout("The response did not come in time")
        return max(0.0, left) if seconds is None else max(0.0, min(seconds, left))

    def explain(self, error: BaseException) -> None:
        """Tell an error of the tree whose request failed and where, and which time-out it was if it was the total."""
        if not isinstance(error, RequestError) or error._request is not None:
            return
        error.request = self.request
        if not isinstance(error, TransportError) or isinstance(error, (LocalProtocolError, UnsupportedProtocol)):
            return

        text = str(error)
        _, host, port = self.request.url._origin
        peer = f"{host.decode('ascii').strip('[]')}:{port}"
        if peer not in text:
            text = f"{text} ({peer})"
        if isinstance(error, TimeoutException) and self._until is not None and self._until - self._pool.now() < CLOSE:
            total = self.request.extensions["borzoi.deadline"].total
            text = f"{text}: the total time-out of {total:g} s is over"
        error.args = (text,)

    # Sending the request and receiving the head.

    async def run(self, lane: ConnectionLane, *, again: bool = False) -> Response:
        """Lease a connection, send the request and return the response, whose body this is.

        Raises errors of the tree, `.request` set. `again` asks for a connection that has not served before.
        """
        # hot path: the one coroutine of a request between its transport and its stream.
        pool = self._pool
        data = b""
        try:
            if again or not pool.lease_idle(self, lane):
                await pool.lease_new(self, lane, used=not again)
            connection = self.connection
            assert connection is not None
            engine = connection.engine
            connection.requests += 1

            opening, streamed = (b"", True) if self.is_traced else self._opening(connection)
            if streamed:
                data = await self._send_in_pieces(connection, opening)
            else:
                if self._until is None:
                    # As patience(), which only looks its operation up then.
                    timeouts = self._timeouts
                    write, read = timeouts.get("write"), timeouts.get("read")
                else:
                    write, read = self.patience("write"), self.patience("read")
                data = await connection.stream.ask(opening, write, read)

            # There already where the server has answered before it had the whole body.
            if engine.head is None:
                if data:
                    engine.receive(data)
                else:
                    engine.receive_eof()
                if engine.head is None:
                    await self._receive_rest_of_head(connection)

            head = engine.head
            assert head is not None
            if engine.informational:
                await self._tell_informational(engine)
            if connection.requests == 1:
                pool.know(connection)
            if engine.complete:
                network_stream = self._finish(connection)
            else:
                self._guardian = Guardian(pool, connection)
                network_stream = connection.network_stream
            extensions = {
                "http_version": head.http_version,
                "reason_phrase": head.reason,
                "network_stream": network_stream,
            }
            return received(head.status, head.pairs, head.is_plain, extensions, self)
        except BaseException as error:
            if not self._failed(error, bool(data)):
                raise

        # RFC 9112, 9.3.1: a server may close an idle connection at any time, so also with a request under way. A
        # new one cannot have been closed for its age.
        return await self.anew().run(lane, again=True)

    def anew(self) -> Exchange:
        """Return an exchange that sends the same request once more."""
        return type(self)(self._pool, self.request)

    def trace(self) -> Trace | None:
        """Return what is told of the steps of opening a connection."""
        return trace_of(self.request.extensions, blocking=self._pool.blocking)

    def _failed(self, error: BaseException, heard: bool) -> bool:
        """Discard the connection, explain the error, and return whether the request may be sent again.

        It may where a connection that had served before died under it, without a byte of response.
        """
        connection = self.connection
        reused = connection is not None and (connection.requests > 1 or connection.is_ahead)
        heard = heard or self._heard or (connection is not None and connection.engine.answered)
        self.close_now()
        self.explain(error)
        request = self.request
        return (
            isinstance(error, _DIED) and reused and not heard and request.method in IDEMPOTENT and request.is_replayable
        )

    async def _receive_head(self, connection: Connection) -> None:
        data = await connection.stream.read(self.patience("read"))
        if data:
            self._heard = True
            connection.engine.receive(data)
        else:
            connection.engine.receive_eof()
        if connection.engine.head is None:
            await self._receive_rest_of_head(connection)

    async def _receive_rest_of_head(self, connection: Connection) -> None:
        """Receive a head that comes in pieces. It may take as long as one read: dribbling must not hold us."""
        engine = connection.engine
        interim, until, allowed = -1, 0.0, self.patience("read")
        while engine.head is None:
            left = self.patience("read")
            if left is not None:
                now = self._pool.now()
                if len(engine.informational) != interim:
                    interim, until, allowed = len(engine.informational), now + left, left
                left = max(0.0, min(left, until - now))
            if engine.informational:
                await self._tell_informational(engine)
            try:
                data = await connection.stream.read(left)
            except ReadTimeout as error:
                text = f"The head of the response did not come whole within {allowed or 0.0:g} s"
                raise ReadTimeout(text) from error
            if data:
                engine.receive(data)
            else:
                engine.receive_eof()

    async def _tell_informational(self, engine: Http1 | Http2Stream) -> None:
        """Call the program's `on_informational` with each interim response (1xx) that it has not seen."""
        callback = self.request.extensions.get("on_informational")
        if callback is None:
            return
        while self._informed < len(engine.informational):
            head = engine.informational[self._informed]
            self._informed += 1
            interim = Response(head.status, headers=head.pairs, request=self.request)
            await call(callback, interim, blocking=self._pool.blocking)

    async def _ask(self, connection: Connection) -> None:
        """Send the request and receive the head, telling of it: for the exchanges that do."""
        raise NotImplementedError

    def _opening(self, connection: Connection) -> tuple[bytes, bool]:
        """Return the bytes to begin with, a small body included, and whether a body is still to be streamed."""
        request = self.request
        engine = connection.engine
        target = request.extensions.get("target") or request.url._target
        block = request._headers._block
        if isinstance(block, list):
            block = request._headers.block
        if connection.forwarding is not None:
            target, block = connection.forwarding.translate(request.url, target, block)
        head = engine.encode_head(request.method, target, block)

        stream = request.stream
        if stream is NO_BODY and engine.to_send == 0:
            return head, False
        if type(stream) is not ByteStream or len(stream._data) > SMALL_BODY or engine.expects_continue:
            return head, True
        if "trailers" in request.extensions:
            return head, True
        if stream._data:
            head += engine.encode_data(stream._data)
        return head if engine.to_send == 0 else head + engine.encode_end(), False

    async def _send_in_pieces(self, connection: Connection, head: bytes) -> bytes:
        """Send a request whose body is streamed, or that is told of; return the first bytes of the answer.

        None are returned where they are in the engine already.
        """
        if self.is_traced:
            await self._ask(connection)
        else:
            await self._send_body(connection, head)
        return b"" if connection.engine.head is not None else await connection.stream.read(self.patience("read"))

    async def _send_body(self, connection: Connection, head: bytes) -> None:
        """Send a body piece by piece; stop where the server answers before it has all of it."""
        engine = connection.engine
        source = source_of(self.request.stream, blocking=self._pool.blocking)
        piece = head
        try:
            if engine.expects_continue and engine.to_send:
                await connection.stream.write(head, self.patience("write"))
                piece = b""
                if not await is_wanted(connection.stream, engine, self.patience("read"), self._pool.now):
                    return
                await self._tell_informational(engine)
            while (chunk := await source.next_chunk()) is not None:
                piece += engine.encode_data(chunk)
                await connection.stream.write(piece, self.patience("write"))
                piece = b""
            piece += engine.encode_end(trailers_of(self.request))
            if piece:
                await connection.stream.write(piece, self.patience("write"))
        except (WriteError, WriteTimeout) as error:
            # RFC 9112, 9.5: a server may answer, say 413, and close or stop reading. Its answer is worth more than our
            # error, which is raised only if there is none.
            if not await self._is_answered(connection, broken=isinstance(error, WriteError)):
                raise
            # Whatever followed would be read as the rest of this body.
            engine.leave_unsent()

    async def _is_answered(self, connection: Connection, *, broken: bool) -> bool:
        """Receive what was said before the connection broke, or has been said by now."""
        engine = connection.engine
        try:
            while engine.head is None:
                data = await connection.stream.read(self.patience("read") if broken else GLANCE)
                if not data:
                    return False
                self._heard = True
                engine.receive(data)
        except RequestError:
            return False
        return True

    # The body of the response.

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes of the body, None at the end."""
        while not self._chunks:
            connection = self.connection
            if connection is None or connection.engine.upgraded:
                return None
            await self._receive(connection)

        chunks, self._chunks = self._chunks, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _receive(self, connection: Connection) -> None:
        engine = connection.engine
        try:
            if not engine.chunks:
                data = await connection.stream.read(self.patience("read"))
                if data:
                    engine.receive(data)
                else:
                    engine.receive_eof()
            self._chunks, engine.chunks = engine.chunks, []
            if engine.complete:
                self._finish(connection)
        except BaseException as error:
            self.close_now()
            self.explain(error)
            raise

    def take_whole(self) -> bytes | None:
        """Return the whole body if it is here already."""
        if self.connection is not None:
            return None
        chunks, self._chunks = self._chunks, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _finish(self, connection: Connection) -> Upgraded:
        """Give the connection back: the response is whole. Return what the program is shown of it."""
        engine = connection.engine
        if engine.chunks:
            self._chunks += engine.chunks
            engine.chunks = []
        if engine.trailers:
            self.trailers = engine.trailers
        if engine.upgraded:
            self._guardian = Guardian(self._pool, connection)
            return connection.upgraded(self._guardian)
        # Ours until it is back: whatever interrupts this finds it, and closes it.
        if engine.reusable:
            pool = self._pool
            with pool.guard:
                pool.take_back(connection)
        else:
            self._pool.discard(connection)
        self.connection = None
        self.is_whole = True
        if self._guardian is not None:
            self._guardian.dismiss()
        return connection.network_stream

    def close_now(self) -> None:
        """Discard the connection, unless the response is whole and it went back already."""
        connection = self.connection
        if connection is not None:
            self._pool.discard(connection)
            self.connection = None
            if self._guardian is not None:
                self._guardian.dismiss()


def trailers_of(request: Request) -> list[tuple[bytes, bytes]]:
    """Return the fields to send after a chunked body: `extensions["trailers"]`, or what that function returns then."""
    trailers: HeaderTypes | Callable[[], HeaderTypes] | None = request.extensions.get("trailers")
    if trailers is None:
        return []
    return Headers(trailers if isinstance(trailers, (Headers, Mapping, Sequence)) else trailers()).raw


class Guardian:
    """Give back the connection of a response that the program forgot: it lives as long as the body does."""

    # Found by the finaliser of one whose making was interrupted, too.
    _connection: Connection | None = None

    def __init__(self, pool: Pool, connection: Connection) -> None:
        self._pool = pool
        self._connection = connection

    def dismiss(self) -> None:
        """The connection is taken care of."""
        self._connection = None

    def __del__(self, _warn: Any = warnings.warn) -> None:
        connection = self._connection
        if connection is not None:
            # A finaliser may run anywhere, inside the pool's own guard, too: it only leaves a note.
            self._pool.orphans.append(connection)
            peer = f"{connection.route.host.decode('ascii')}:{connection.route.port}"
            text = f"A streamed response from {peer} was neither read to its end nor closed"
            _warn(text, ResourceWarning, stacklevel=2)
