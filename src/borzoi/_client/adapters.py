"""What programs write, adapted to the one pipeline: hooks, authentication flows, transports, bodies.

The pipeline is `async def`, written once. Here is all that differs between its two faces: `BLOCKING` calls what is
written for blocking code and never waits; `ASYNCHRONOUS` awaits what is written for an event loop. Each refuses what is
meant for the other.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from .._messages.response import Response
from .._messages.streams import AsyncByteStream, SyncByteStream

if TYPE_CHECKING:
    from .._messages.progress import Progress
    from .._messages.request import Request
    from .._policy.auth import Auth


# The methods as they are written here, to see when a program has replaced them.
_READ = Response.read
_AREAD = Response.aread


class Flow(Protocol):
    """An authentication flow that has been started."""

    async def first(self) -> Request:
        """Return the first request to send."""
        ...

    async def following(self, response: Response) -> Request | None:
        """Return the request that follows the response, or None where the response is the answer."""
        ...

    async def close(self) -> None:
        """End the flow, wherever it stands."""


class Face(Protocol):
    """One way of calling what programs write."""

    blocking: bool
    """Whether it is the face of blocking code."""

    handler: str
    """The method of a transport that sends a request."""

    stream_type: type[SyncByteStream | AsyncByteStream]
    """What bodies have to be."""

    def refuse_to_send(self, transport: Any, request: Request) -> NoReturn:
        """Raise the error for a request, or a transport, of the other world."""
        ...

    def refuse(self, transport: Any, answer: Any) -> NoReturn:
        """Raise the error for an answer that is no response, or one of the other world."""
        ...

    async def call_hook(self, hook: Callable[..., Any], message: Any) -> None:
        """Call an event hook with a request or response."""

    async def report(self, callback: Callable[..., Any], progress: Progress) -> None:
        """Call what was given as `on_download` or `on_upload`."""

    def read(self, response: Response) -> Coroutine[Any, Any, object]:
        """Read the body of a response."""
        ...

    async def abandon(self, response: Response) -> None:
        """Close a response after an error, even while its task is being cancelled."""

    def start_flow(self, auth: Auth, request: Request) -> Flow:
        """Start an authentication flow."""
        ...


class _Blocking:
    """Call what is written for blocking code. None of these waits for an event loop."""

    blocking = True
    handler = "handle_request"
    stream_type: type[SyncByteStream | AsyncByteStream] = SyncByteStream

    def refuse_to_send(self, transport: Any, request: Request) -> NoReturn:
        if not isinstance(request.stream, SyncByteStream):
            raise RuntimeError("Attempted to send an async request with a sync Client instance.")
        raise wrong_transport(transport, self.handler, "Client")

    def refuse(self, transport: Any, answer: Any) -> NoReturn:
        raise _wrong_answer(transport, answer, "Client")

    async def call_hook(self, hook: Callable[..., Any], message: Any) -> None:
        outcome = hook(message)
        if outcome is not None and hasattr(outcome, "__await__"):
            _discard(outcome)
            raise TypeError(f"Invalid event hook {hook!r}: Client needs a plain function, this one is async.")

    async def report(self, callback: Callable[..., Any], progress: Progress) -> None:
        outcome = callback(progress)
        if outcome is not None and hasattr(outcome, "__await__"):
            _discard(outcome)
            raise TypeError(f"Invalid callback {callback!r}: Client needs a plain function, this one is async.")

    def read(self, response: Response) -> Coroutine[Any, Any, object]:
        # `read()` would start a runner of its own.
        is_plain = type(response) is Response and Response.read is _READ
        return response._load(blocking=True) if is_plain else _call(response.read)

    async def abandon(self, response: Response) -> None:
        response.close()

    def start_flow(self, auth: Auth, request: Request) -> Flow:
        return _BlockingFlow(auth, auth.sync_auth_flow(request))


class _BlockingFlow:
    __slots__ = ("_auth", "_generator")

    def __init__(self, auth: Auth, generator: Generator[Request, Response, None]) -> None:
        if not hasattr(generator, "__next__"):
            _discard(generator)
            raise TypeError(f"Invalid auth {auth!r}: its sync_auth_flow() is not a generator.")
        self._auth = auth
        self._generator = generator

    async def first(self) -> Request:
        request = next(self._generator, None)
        return _empty_flow(self._auth) if request is None else request

    async def following(self, response: Response) -> Request | None:
        try:
            return self._generator.send(response)
        except StopIteration:
            return None

    async def close(self) -> None:
        self._generator.close()


class _Asynchronous:
    """Await what is written for an event loop."""

    blocking = False
    handler = "handle_async_request"
    stream_type: type[SyncByteStream | AsyncByteStream] = AsyncByteStream

    def refuse_to_send(self, transport: Any, request: Request) -> NoReturn:
        if not isinstance(request.stream, AsyncByteStream):
            raise RuntimeError("Attempted to send an sync request with an AsyncClient instance.")
        raise wrong_transport(transport, self.handler, "AsyncClient")

    def refuse(self, transport: Any, answer: Any) -> NoReturn:
        raise _wrong_answer(transport, answer, "AsyncClient")

    async def call_hook(self, hook: Callable[..., Any], message: Any) -> None:
        outcome = hook(message)
        if not hasattr(outcome, "__await__"):
            raise TypeError(f"Invalid event hook {hook!r}: AsyncClient needs an async function.")
        await outcome

    async def report(self, callback: Callable[..., Any], progress: Progress) -> None:
        outcome = callback(progress)
        if hasattr(outcome, "__await__"):
            await outcome

    def read(self, response: Response) -> Coroutine[Any, Any, object]:
        is_plain = type(response) is Response and Response.aread is _AREAD
        return response._load(blocking=False) if is_plain else response.aread()

    async def abandon(self, response: Response) -> None:
        await undisturbed(response.aclose())

    def start_flow(self, auth: Auth, request: Request) -> Flow:
        return _AsyncFlow(auth, auth.async_auth_flow(request))


class _AsyncFlow:
    __slots__ = ("_auth", "_ended", "_generator")

    def __init__(self, auth: Auth, generator: AsyncGenerator[Request, Response]) -> None:
        if not hasattr(generator, "__anext__"):
            _discard(generator)
            raise TypeError(f"Invalid auth {auth!r}: its async_auth_flow() is not an async generator.")
        self._auth = auth
        self._ended = False
        self._generator = generator

    async def first(self) -> Request:
        try:
            return await self._generator.__anext__()
        except StopAsyncIteration:
            return _empty_flow(self._auth)

    async def following(self, response: Response) -> Request | None:
        try:
            return await self._generator.asend(response)
        except StopAsyncIteration:
            self._ended = True
            return None

    async def close(self) -> None:
        if not self._ended:
            await undisturbed(self._generator.aclose())


async def _call(function: Callable[[], object]) -> None:
    function()


BLOCKING: Face = _Blocking()
"""How `Client` calls what programs write."""

ASYNCHRONOUS: Face = _Asynchronous()
"""How `AsyncClient` calls what programs write."""


async def undisturbed(closing: Awaitable[None]) -> None:
    """Await what a program wrote for closing, to its end.

    The task may be in the middle of being cancelled. Plain asyncio delivers that once; trio and anyio deliver it at
    each await until the scope is left, so there the closing gets a scope of its own.
    """
    scope = _shield()
    if scope is None:
        await closing
        return
    with scope:
        await closing


def _shield() -> Any:
    # Only a program that uses one of them can be cancelled in their way, and then it has imported it.
    for name in ("anyio", "trio"):
        library = sys.modules.get(name)
        if library is not None and (name == "anyio" or _is_running("trio")):
            return library.CancelScope(shield=True)
    return None


def _is_running(name: str) -> bool:
    import sniffio

    try:
        return sniffio.current_async_library() == name
    except sniffio.AsyncLibraryNotFoundError:
        return False


def wrong_transport(transport: Any, method: str, client: str) -> TypeError:
    """Return the error for a transport of the other kind of client."""
    return TypeError(f"Invalid transport {transport!r}: {client} needs one with {method}(), as its base class has.")


def _wrong_answer(transport: Any, answer: Any, client: str) -> Exception:
    if not isinstance(answer, Response):
        _discard(answer)
        return TypeError(f"The transport {transport!r} returned {answer!r}, which is no borzoi.Response.")
    kind = "an async" if client == "Client" else "a sync"
    return RuntimeError(
        f"The transport {transport!r} returned a response with {kind} stream, which {client} cannot read."
    )


def _empty_flow(auth: Auth) -> NoReturn:
    raise RuntimeError(f"Invalid auth {auth!r}: its flow ended before it yielded a request.")


def _discard(outcome: Any) -> None:
    # A coroutine that nobody awaits warns when it is collected: the error that follows says it better.
    if hasattr(outcome, "cr_frame"):
        outcome.close()
