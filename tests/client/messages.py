"""Bodies and transports of the tests: they count how often they are closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, cast

from borzoi._client.transport_base import AsyncBaseTransport, BaseTransport
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._messages.streams import AsyncByteStream, SyncByteStream


class Chunks(SyncByteStream, AsyncByteStream):
    """A body for all worlds, as a program might write it."""

    def __init__(self, *chunks: bytes, error: BaseException | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.error is not None:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Answering(BaseTransport, AsyncBaseTransport):
    """A transport that answers with what it was given, and keeps the requests. It does not read their bodies."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.events: list[str] = []

    def handle_request(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else Response(200)
        if isinstance(answer, BaseException):
            raise answer
        return cast("Response", answer)

    async def handle_async_request(self, request: Request) -> Response:
        return self.handle_request(request)

    def __enter__(self) -> Self:
        self.events.append("enter")
        return self

    def __exit__(self, *error: object) -> None:
        self.events.append("exit")

    async def __aenter__(self) -> Self:
        self.events.append("enter")
        return self

    async def __aexit__(self, *error: object) -> None:
        self.events.append("exit")

    def close(self) -> None:
        self.events.append("close")

    async def aclose(self) -> None:
        self.events.append("close")
