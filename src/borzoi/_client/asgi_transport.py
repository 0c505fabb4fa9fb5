"""Answer requests from an ASGI app in this process, streaming both ways as a server would.

The app runs in a task beside its caller. The response is returned once the app has sent its head and the first piece
of its body; the rest is read while the app makes it, which waits when it is `HIGH_WATER` bytes ahead. The end of the
body comes when the app has returned: what it does after its answer is done by then, and what it raises there is raised.

A response that is closed early disconnects the app: `receive()` gives `http.disconnect`, `send()` raises OSError. An
app that was waiting in one of them has `ASGITransport.grace` seconds to end; any other is cancelled at once.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from .._errors import RemoteProtocolError
from .._messages.response import Response
from .._messages.streams import AsyncByteStream, ByteStream
from .._values.headers import Headers
from .app_task import AppTask, new_app_task
from .transport_base import AsyncBaseTransport

if TYPE_CHECKING:
    from .._messages.request import Request

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

HIGH_WATER = 64 * 1024
"""Bytes of a body that an app may be ahead of its reader."""

_ASGI = {"version": "3.0", "spec_version": "2.4"}


class ASGITransport(AsyncBaseTransport):
    """Send requests to an ASGI app, on asyncio or trio.

    With `raise_app_exceptions=False` an app that fails before its response is a 500. With `lifespan=True` entering the
    client starts the app up, and closing it shuts the app down; RuntimeError, or what the app raised, where that fails.

        async with AsyncClient(transport=ASGITransport(app), base_url="http://app") as client: ...
    """

    grace: float = 1.0
    """Seconds that an app has to end once it was told that the response is closed."""

    def __init__(
        self,
        app: ASGIApp,
        raise_app_exceptions: bool = True,
        root_path: str = "",
        client: tuple[str, int] = ("127.0.0.1", 123),
        *,
        lifespan: bool = False,
    ) -> None:
        self.app = app
        self.raise_app_exceptions = raise_app_exceptions
        self.root_path = root_path
        self.client = client
        self.lifespan = lifespan
        self._running: _Lifespan | None = None

    async def handle_async_request(self, request: Request) -> Response:
        """Return the app's response as soon as its head and the first piece of its body are there."""
        if not isinstance(request.stream, AsyncByteStream):
            raise RuntimeError("Attempted to send an sync request with an AsyncClient instance.")

        exchange = _Exchange(self, request, self._scope(request))
        await exchange.begin()
        headers = Headers.from_raw(exchange.headers)
        return Response(exchange.status, headers=headers, stream=_ResponseStream(exchange))

    def _scope(self, request: Request) -> dict[str, Any]:
        url = request.url
        scope = {
            "type": "http",
            "asgi": dict(_ASGI),
            "http_version": "1.1",
            "method": request.method,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port),
            "client": self.client,
            "root_path": self.root_path,
        }
        if self.lifespan:
            if self._running is None:
                raise RuntimeError("ASGITransport(lifespan=True) needs `async with`: the app was not started.")
            scope["state"] = dict(self._running.state)
        return scope

    async def __aenter__(self) -> Self:
        if self.lifespan and self._running is None:
            running = _Lifespan(self.app, self.grace)
            await running.start()
            self._running = running
        return self

    async def aclose(self) -> None:
        """Shut the app down, where its lifespan is run."""
        running, self._running = self._running, None
        if running is not None:
            await running.stop()


class _Exchange:
    """Pass messages between the app, in its task, and whoever reads the response."""

    def __init__(self, transport: ASGITransport, request: Request, scope: dict[str, Any]) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._app = transport.app
        self._scope = scope
        self._raises = transport.raise_app_exceptions
        self._grace = transport.grace
        self._is_head = request.method == "HEAD"
        self._upload: _Upload | None = _Upload(request)
        self._chunks: deque[bytes] = deque()
        self._ahead = 0
        self._has_body = False
        self._complete = False
        self._disconnected = False
        self._listening = 0
        self._task = new_app_task()

    # What the app sees.

    async def _run(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    async def _receive(self) -> Message:
        upload = self._upload
        if upload is not None and not self._disconnected:
            message = await upload.next_message()
            if not message["more_body"]:
                self._upload = None
            return message

        await self._listen(lambda: self._disconnected or self._complete)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._disconnected:
            # ASGI 2.4, "Disconnected client": send() raises a subclass of OSError.
            raise BrokenPipeError("The response has been closed by the client.")

        if message["type"] == "http.response.start":
            if self.status:
                raise RuntimeError("The app sent http.response.start twice.")
            self.status = message["status"]
            self.headers = [(_octets(name), _octets(value)) for name, value in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            await self._send_body(message.get("body", b""), message.get("more_body", False))

    async def _send_body(self, body: bytes, more_body: bool) -> None:
        if not self.status or self._complete:
            when = "after its last one" if self._complete else "before http.response.start"
            raise RuntimeError(f"The app sent http.response.body {when}.")

        if body and not self._is_head:
            self._chunks.append(bytes(body))
        self._ahead += len(body)
        self._has_body = True
        self._complete = not more_body
        self._task.changed()
        if more_body:
            await self._listen(lambda: self._ahead < HIGH_WATER or self._disconnected)

    async def _listen(self, ready: Callable[[], object]) -> None:
        self._listening += 1
        try:
            await self._task.until(ready)
        finally:
            self._listening -= 1

    # What the caller sees.

    async def begin(self) -> None:
        """Start the app, and wait until it has said enough for a response to be made."""
        task = self._task
        task.start(self._run)
        await self._wait(lambda: self._has_body or task.ended)

        if task.error is not None and self._raises:
            raise _taken(task)
        if task.ended and not self.status:
            error = task.take_error()
            if error is None:
                raise RemoteProtocolError("The app returned without sending a response.")
            self.status = 500
            self._complete = True

    async def next_chunk(self) -> bytes | None:
        """Return the next piece of the body as the app sent it; None once the last one is read and the app returned."""
        task = self._task
        while not self._chunks:
            if self._complete or task.ended:
                await self._finish()
                return None
            self._ahead = 0  # what HEAD leaves out counts as read
            task.changed()
            await self._wait(lambda: self._ahead or self._complete or task.ended)

        chunk = self._chunks.popleft()
        self._ahead -= len(chunk)
        task.changed()
        return chunk

    async def _finish(self) -> None:
        task = self._task
        await self._wait(lambda: task.ended)

        if task.error is not None and self._raises:
            raise _taken(task)
        if not self._complete:
            raise RemoteProtocolError("The app ended before its response was complete.") from task.take_error()

    async def _wait(self, ready: Callable[[], object]) -> None:
        """Wait for the app. A caller that is cancelled takes the app with it."""
        try:
            await self._task.until(ready)
        except BaseException:
            self._disconnected = True
            self._task.cancel()
            raise

    async def leave(self) -> None:
        """Disconnect the app, and wait until it has ended. What it raises then has nobody to hear it."""
        task = self._task
        if task.ended:
            return
        if not self._disconnected:
            self._disconnected = True
            task.cancel(self._grace if self._listening or self._complete else 0.0)
            task.changed()
        await self._wait(lambda: task.ended)
        task.take_error()

    def abandon(self) -> None:
        """Cancel the app because its response was forgotten."""
        if not self._task.ended and not self._disconnected:
            self._disconnected = True
            self._task.cancel_from_anywhere()
            warnings.warn("A response of ASGITransport was not closed.", ResourceWarning, stacklevel=2, source=self)


def _octets(part: Any) -> bytes:
    # ASGI has bytes here. There are apps that send text, and programs that test them with httpx, which takes it.
    return part.encode() if isinstance(part, str) else bytes(part)


def _taken(task: AppTask) -> BaseException:
    error = task.take_error()
    assert error is not None
    return error


class _Upload:
    """Turn the body of a request into messages."""

    def __init__(self, request: Request) -> None:
        stream = request.stream
        self._whole = stream._data if type(stream) is ByteStream else None
        self._stream = stream
        self._chunks: AsyncIterator[bytes] | None = None

    async def next_message(self) -> Message:
        if self._whole is not None:
            return {"type": "http.request", "body": self._whole, "more_body": False}

        if self._chunks is None:
            assert isinstance(self._stream, AsyncByteStream)
            self._chunks = aiter(self._stream)
        try:
            body = await anext(self._chunks)
        except StopAsyncIteration:
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": body, "more_body": True}


class _ResponseStream(AsyncByteStream):
    """Hand out the body. It is no `Body`: closing it waits for the app to end."""

    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._exchange.next_chunk()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        await self._exchange.leave()

    def __del__(self) -> None:
        self._exchange.abandon()


class _Lifespan:
    """Run the lifespan of an app: one task from start-up to shutdown."""

    def __init__(self, app: ASGIApp, grace: float) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._grace = grace
        self._asked: deque[str] = deque(("lifespan.startup",))
        self._answers: dict[str, str] = {}
        self._task = new_app_task()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await self._task.until(lambda: self._asked)
        return {"type": self._asked.popleft()}

    async def _send(self, message: Message) -> None:
        self._answers[message["type"]] = message.get("message", "")
        self._task.changed()

    async def start(self) -> None:
        """Start the app up. Raises what the app raised, or RuntimeError with what it said."""
        self._task.start(self._run)
        await self._answer("lifespan.startup")
        if self._task.ended or "lifespan.startup.complete" not in self._answers:
            await self._end("lifespan.startup", "start")

    async def stop(self) -> None:
        """Shut the app down and wait until it has ended. Raises as `start()` does."""
        self._asked.append("lifespan.shutdown")
        self._task.changed()
        await self._answer("lifespan.shutdown")
        await self._end("lifespan.shutdown", "shut down")

    async def _answer(self, question: str) -> None:
        await self._wait(lambda: self._task.ended or self._answers.keys() & _both(question))

    async def _end(self, question: str, verb: str) -> None:
        if not self._task.ended:
            self._task.cancel(self._grace)
            await self._wait(lambda: self._task.ended)

        error = self._task.take_error()
        if error is not None:
            raise error
        if f"{question}.complete" not in self._answers:
            said = self._answers.get(f"{question}.failed") or f"it did not answer {question}"
            raise RuntimeError(f"The app did not {verb}: {said}")

    async def _wait(self, ready: Callable[[], object]) -> None:
        try:
            await self._task.until(ready)
        except BaseException:
            self._task.cancel()
            raise


def _both(question: str) -> Iterable[str]:
    return {f"{question}.complete", f"{question}.failed"}
