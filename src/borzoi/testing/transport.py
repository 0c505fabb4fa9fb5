"""The transport seam: the same routes behind a transport of httpx's kind, above pool, parser and time-outs.

For clients that take a transport and nothing else. A reply is a `Response` at once; a pause lets the clock move.
Time-outs are not kept here, and faults have no place here: the wire seam has both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from .._backends.memory import Wait
from .._client.transport_base import AsyncBaseTransport, BaseTransport
from .._messages.response import Response
from .._messages.streams import AsyncByteStream, SyncByteStream
from .._run_blocking import run_blocking
from .._values.headers import Headers
from .received import Received
from .router import found_reply
from .script import Close, Reply

if TYPE_CHECKING:
    from .._messages.request import Request
    from .clock import Clock
    from .router import Router


class RouterTransport(AsyncBaseTransport, BaseTransport):
    """Answer requests from the routes of a mock."""

    def __init__(self, router: Router, clock: Clock) -> None:
        self._router = router
        self._clock = clock

    def handle_request(self, request: Request) -> Response:
        """Return what the routes answer."""
        request.read()
        return run_blocking(self._answer(request))

    async def handle_async_request(self, request: Request) -> Response:
        """Return what the routes answer, waiting for functions that are `async`."""
        await request.aread()
        return await self._answer(request)

    async def _answer(self, request: Request) -> Response:
        if self._router.is_over:
            from .mocking import refuse

            refuse(request, self._router.name)
        found = self._router.dispatch(received_of(request))
        reply = found if isinstance(found, Reply) else await found_reply(found)
        if reply.fault is not None:
            raise TypeError(
                f"{reply.fault!r} is a fault of the wire, and a transport has none: bind() the client instead"
            )
        headers = Headers.from_raw(reply.fields)
        pieces = [] if request.method == "HEAD" else reply.pieces
        if all(isinstance(piece, bytes) for piece in pieces):
            return Response(reply.status, headers=headers, content=b"".join(p for p in pieces if isinstance(p, bytes)))
        return Response(reply.status, headers=headers, stream=_Pieces(pieces, self._clock))


def received_of(request: Request) -> Received:
    """Return a request, whose body was read, as a server has it."""
    url = request.url
    target = url.raw_path.decode("ascii")
    return Received(
        request.method, url.scheme, url.netloc.decode("ascii"), target, list(request.headers.raw), request.content
    )


class _Pieces(SyncByteStream, AsyncByteStream):
    """A body in pieces, with pauses."""

    def __init__(self, pieces: list[Any], clock: Clock) -> None:
        self._pieces = pieces
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Wait):
                self._clock.sleep(piece.seconds)
            elif isinstance(piece, Close):
                return
            else:
                yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Wait):
                await self._clock.sleep(piece.seconds)
            elif isinstance(piece, Close):
                return
            else:
                yield piece
