"""The answers of routes over one HTTP/2 connection: from whole requests to events of their streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._backends.memory import Wait
from .._wire.http2_frames import INTERNAL_ERROR
from .http2_events import ResetStream, reply_events
from .http2_side import Asked, Http2Side
from .received import Received
from .router import found_reply
from .script import Reply

if TYPE_CHECKING:
    from .wire import ServerSide


class Http2Answers:
    """Ask the routes for each request. What is wrong with the test resets the stream, and is kept for who asked."""

    def __init__(self, side: ServerSide) -> None:
        self._side = side
        self.engine = Http2Side(self._answer, widens=side.fault is None or side.fault.widens)
        self.requests: dict[int, Received] = {}
        """The requests by the numbers of their streams."""
        self.errors: dict[int, Exception] = {}
        """What is wrong with the test, where it was not told yet."""
        self.found: dict[int, Callable[[], Any]] = {}
        """Functions that have not been asked yet."""

    def _answer(self, asked: Asked) -> None:
        number = asked.number
        received = self.requests[number] = self._received(asked)
        try:
            found = self._side.router.dispatch(received)
            if isinstance(found, Reply):
                self.say(number, found)
            else:
                self.found[number] = found
        except Exception as error:  # noqa: BLE001 - what is wrong with the test is told to who reads the answer
            self.refuse(number, error)

    def _received(self, asked: Asked) -> Received:
        pseudo, side = asked.pseudo, self._side
        host = pseudo.get(":authority") or side.authority
        # Routes and tests look for a host where HTTP/1.1 has it.
        pairs = [(b"Host", host.encode("latin-1")), *asked.pairs]
        received = Received(asked.method, side.scheme, host, pseudo.get(":path", ""), pairs, asked.content)
        received.http_version = "HTTP/2"
        received.trailers = asked.trailers
        return received

    def say(self, number: int, reply: Reply, now: float | None = None) -> None:
        """Answer with a reply. Raises TypeError for a fault that HTTP/2 does not know."""
        events = reply_events(reply, self.requests[number].method)
        self.engine.reply(number, [Wait(self._side.delay), *events] if self._side.delay else events, now)

    def refuse(self, number: int, error: Exception) -> None:
        """Answer that there is no answer."""
        self.errors[number] = error
        self.engine.reply(number, [ResetStream(INTERNAL_ERROR)])

    async def ask(self, number: int, now: Callable[[], float]) -> None:
        """Ask the function that answers a request, if there is one, and answer with what it returns."""
        find = self.found.pop(number, None)
        if find is None:
            return
        try:
            self.say(number, await found_reply(find), now())
        except Exception as error:  # noqa: BLE001 - the same
            self.refuse(number, error)
