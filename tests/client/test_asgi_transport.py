"""ASGITransport: an ASGI app beside its caller, streaming both ways, on asyncio and trio; no task is ever left."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import sniffio
import trio
import trio.testing

from borzoi import ASGITransport, AsyncByteStream, AsyncClient, Request, SyncByteStream
from borzoi._client.app_task import AppTask
from borzoi._client.asgi_transport import HIGH_WATER
from borzoi._errors import RemoteProtocolError

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Main = Callable[[], Awaitable[None]]
Run = Callable[[Main], None]


def apps_running() -> int:
    """Count the tasks beside this one that run an app."""
    if sniffio.current_async_library() == "asyncio":
        return len(asyncio.all_tasks()) - 1
    root = trio.lowlevel.current_root_task()
    assert root is not None
    tasks = [task for nursery in root.child_nurseries for task in nursery.child_tasks]
    return sum(task.name == "borzoi.ASGITransport" for task in tasks)


def event() -> Any:
    return asyncio.Event() if sniffio.current_async_library() == "asyncio" else trio.Event()


async def turns(count: int = 10) -> None:
    """Let the other tasks run."""
    for _ in range(count):
        if sniffio.current_async_library() == "asyncio":
            await asyncio.sleep(0)
        else:
            await trio.lowlevel.checkpoint()


async def _and_leave_nothing(main: Main) -> None:
    await main()
    gc.collect()
    await turns()
    assert apps_running() == 0


def _run_asyncio(main: Main) -> None:
    asyncio.run(_and_leave_nothing(main))  # type: ignore[arg-type]


def _run_trio(main: Main) -> None:
    trio.run(_and_leave_nothing, main)


@pytest.fixture(params=[_run_asyncio, _run_trio], ids=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    yield request.param
    gc.collect()


START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"yes")]}


def body(data: bytes = b"", more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def client_of(app: Any, **options: Any) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app, **options), base_url="http://app.example")


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    await send(body(b"Hello, "[: 7 * (scope["type"] == "http")], more=True))
    await send({"type": "http.response.body", "body": b"world"})


def test_an_app_answers(run: Run) -> None:
    """Status, headers and body of the app are those of the response."""

    async def main() -> None:
        async with client_of(hello) as client:
            response = await client.get("/")
        assert (response.status_code, response.text) == (200, "Hello, world")
        assert response.headers.raw == [(b"x-app", b"yes")]

    run(main)


def test_headers_of_an_app_may_be_text(run: Run) -> None:
    """An app that sends its headers as text, which ASGI does not allow and httpx takes, is understood."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [("x-name", b"bytes"), (b"x-value", "text")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(body())

    async def main() -> None:
        async with client_of(app) as client:
            response = await client.get("/")
        assert response.headers.raw == [(b"x-name", b"bytes"), (b"x-value", b"text")]

    run(main)


def test_the_scope_is_complete(run: Run) -> None:
    """The scope names the request as the ASGI specification asks."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    async def main() -> None:
        transport = ASGITransport(app, root_path="/mount", client=("10.0.0.1", 9))
        request = Request("PUT", "http://app.example:81/a%20b?x=%20y", headers={"X-A": "1"})
        response = await transport.handle_async_request(request)
        assert (response.status_code, response.headers.raw, await response.aread()) == (204, [], b"")

    run(main)
    headers = scopes[0].pop("headers")
    assert (b"x-a", b"1") in headers
    assert (b"host", b"app.example:81") in headers
    assert scopes == [
        {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "PUT",
            "scheme": "http",
            "path": "/a b",
            "raw_path": b"/a%20b",
            "query_string": b"x=%20y",
            "server": ("app.example", 81),
            "client": ("10.0.0.1", 9),
            "root_path": "/mount",
        }
    ]


def test_the_head_is_there_before_the_body_is_made(run: Run) -> None:
    """The response is returned with the first piece, each piece can be read when it is sent, and boundaries are kept."""

    async def main() -> None:
        go = [event() for _ in range(2)]

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send(START)
            for number, gate in enumerate(go):
                await send(body(b"piece %d" % number, more=True))
                await gate.wait()
            await send(body(b"last"))

        async with client_of(app) as client, client.stream("GET", "/") as response:
            pieces = response.aiter_raw()
            assert await anext(pieces) == b"piece 0"
            go[0].set()
            assert await anext(pieces) == b"piece 1"
            go[1].set()
            assert [piece async for piece in pieces] == [b"last"]

    run(main)


def test_the_app_waits_for_its_reader(run: Run) -> None:
    """An app that is HIGH_WATER bytes ahead waits in send() until they are read."""
    piece, pieces = b"a" * (HIGH_WATER // 4), 20

    async def main() -> None:
        sent = 0

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal sent
            await send(START)
            for _ in range(pieces):
                await send(body(piece, more=True))
                sent += 1
            await send(body())

        async with client_of(app) as client, client.stream("GET", "/") as response:
            await turns()
            assert sent == 3
            received = response.aiter_raw()
            await anext(received)
            await turns()
            assert sent == 4
            assert sum([len(chunk) async for chunk in received]) == (pieces - 1) * len(piece)

    run(main)


def test_head_has_no_body(run: Run) -> None:
    """What an app sends to HEAD is left out, however much it is."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        for _ in range(5):
            await send(body(b"a" * HIGH_WATER, more=True))
        await send(body(b"end"))

    async def main() -> None:
        async with client_of(app) as client:
            response = await client.head("/")
        assert (response.status_code, response.content) == (200, b"")

    run(main)


async def received(receive: Receive) -> list[tuple[bytes, bool]]:
    messages = []
    while True:
        message = await receive()
        messages.append((message["body"], message["more_body"]))
        if not message["more_body"]:
            return messages


def test_a_request_body_in_memory_is_one_message(run: Run) -> None:
    """A body that is whole, or empty, comes in one message that says it is the last."""
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await received(receive))
        seen.append(await receive()) if scope["path"] == "/never" else None
        await hello(scope, receive, send)

    async def main() -> None:
        async with client_of(app) as client:
            await client.post("/", content=b"body")
            await client.get("/")

    run(main)
    assert seen == [[(b"body", False)], [(b"", False)]]


def test_a_request_body_is_streamed_in(run: Run) -> None:
    """The pieces of an upload are asked for when the app receives them."""

    async def main() -> None:
        made = 0
        seen: list[Any] = []

        async def upload() -> AsyncIterator[bytes]:
            nonlocal made
            for piece in (b"one", b"two"):
                made += 1
                yield piece

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append((made, (await receive())["body"], made))
            seen.append(await received(receive))
            await hello(scope, receive, send)

        async with client_of(app) as client:
            await client.post("/", content=upload())
        assert seen == [(0, b"one", 1), [(b"two", True), (b"", False)]]

    run(main)


def test_an_app_may_answer_while_the_request_is_sent(run: Run) -> None:
    """Both bodies flow at once: an echo is read while its upload goes on."""

    async def main() -> None:
        gate = event()

        async def upload() -> AsyncIterator[bytes]:
            yield b"first"
            await gate.wait()
            yield b"second"

        async def echo(scope: Scope, receive: Receive, send: Send) -> None:
            await send(START)
            while (message := await receive())["more_body"]:
                await send(body(message["body"], more=True))
            await send(body())

        async with client_of(echo) as client, client.stream("POST", "/", content=upload()) as response:
            pieces = response.aiter_raw()
            assert await anext(pieces) == b"first"
            gate.set()
            assert await anext(pieces) == b"second"

    run(main)


def test_a_body_for_blocking_code_is_refused(run: Run) -> None:
    """A request whose body only blocking code can read raises RuntimeError."""

    class Blocking(SyncByteStream):
        pass

    async def main() -> None:
        request = Request("POST", "http://app.example/", stream=Blocking())
        with pytest.raises(RuntimeError, match="sync request with an AsyncClient"):
            await ASGITransport(hello).handle_async_request(request)

    run(main)


def test_the_app_sees_the_context_of_its_caller(run: Run) -> None:
    """Context variables of the caller are set in the app, and those that the app sets stay with it."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(variable.get())
        variable.set("app")
        await hello(scope, receive, send)

    async def main() -> None:
        variable.set("caller")
        async with client_of(app) as client:
            await client.get("/")
        assert (seen, variable.get()) == (["caller"], "caller")

    run(main)


# The end of the app.


def test_what_the_app_does_after_its_answer_is_done_when_the_body_is_read(run: Run) -> None:
    """The end of the body comes when the app has returned; meanwhile receive() says that the exchange is over."""
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await received(receive)
        await hello(scope, receive, send)
        done.append((await receive())["type"])
        await turns()
        done.append("background work")

    async def main() -> None:
        async with client_of(app) as client:
            await client.get("/")
            assert done == ["http.disconnect", "background work"]

    run(main)


def test_an_app_that_waits_is_told_when_its_response_is_closed(run: Run) -> None:
    """A response closed early gives http.disconnect to receive(), and the app is done when the closing is."""
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await received(receive)
        await send(START)
        await send(body(b"first", more=True))
        done.append((await receive())["type"])
        await turns()
        done.append("cleaned up")
        raise LookupError("nobody hears this")

    async def main() -> None:
        async with client_of(app) as client:
            async with client.stream("GET", "/") as response:
                assert await anext(response.aiter_raw()) == b"first"
            assert done == ["http.disconnect", "cleaned up"]
            assert apps_running() == 0

    run(main)


def test_a_request_that_is_not_wholly_received_ends_with_the_response(run: Run) -> None:
    """After the response is closed, receive() says so even where some of the request was never received."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        with contextlib.suppress(OSError):
            await send(body(b"a" * HIGH_WATER, more=True))
        seen.append((await receive())["type"])

    async def main() -> None:
        async with client_of(app) as client, client.stream("POST", "/", content=b"unread"):
            pass

    run(main)
    assert seen == ["http.disconnect"]


def test_an_app_that_sends_is_told_when_its_response_is_closed(run: Run) -> None:
    """A response closed early makes send() raise OSError, that which waits and each later one."""
    raised: list[type[BaseException]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        for _ in range(3):
            try:
                await send(body(b"a" * HIGH_WATER, more=True))
            except OSError as error:
                raised.append(type(error))

    async def main() -> None:
        async with client_of(app) as client:
            async with client.stream("GET", "/"):
                pass

    run(main)
    assert raised == [BrokenPipeError, BrokenPipeError]


async def cancellable(scope: Scope, receive: Receive, send: Send) -> None:
    """Wait for what never comes, and note how that ends."""
    if scope["path"] != "/before-the-head":
        await send(START)
        await send(body(b"first", more=True))
    try:
        await event().wait()
    finally:
        scope["path"] = "cancelled"
        ENDS.append("cancelled")


ENDS: list[str] = []


def test_an_app_that_does_something_else_is_cancelled(run: Run) -> None:
    """A response closed early cancels an app that neither receives nor sends, and waits until it is gone."""
    ENDS.clear()

    async def main() -> None:
        async with client_of(cancellable) as client:
            async with client.stream("GET", "/"):
                pass
            assert (ENDS, apps_running()) == (["cancelled"], 0)

    run(main)


def test_an_app_that_does_not_end_is_cancelled() -> None:
    """An app that was told of the disconnect and does not end within its grace is cancelled."""
    ended: list[float] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await received(receive)
        await send(START)
        await send(body(b"first", more=True))
        await receive()
        try:
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())

    async def main() -> None:
        async with client_of(app) as client:
            async with client.stream("GET", "/"):
                await turns()
                start = trio.current_time()
            assert ended == [pytest.approx(start + ASGITransport.grace)]

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_an_app_that_does_not_end_is_cancelled_on_asyncio() -> None:
    """On asyncio, too, the grace of an app that was told of the disconnect ends."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await received(receive)
        await send(START)
        await send(body(b"first", more=True))
        await receive()
        await asyncio.Event().wait()

    async def main() -> None:
        transport = ASGITransport(app)
        transport.grace = 0.001
        async with AsyncClient(transport=transport) as client, client.stream("GET", "http://app.example/"):
            await turns()

    _run_asyncio(main)


@pytest.mark.parametrize("path", ["/before-the-head", "/in-the-body"])
def test_a_cancelled_caller_takes_the_app_with_it(run: Run, path: str) -> None:
    """When the caller is cancelled, before the head or while it reads, the app is cancelled."""
    ENDS.clear()

    async def call() -> None:
        async with client_of(cancellable) as client:
            await client.get(path)

    async def main() -> None:
        if sniffio.current_async_library() == "trio":
            async with trio.open_nursery() as nursery:
                nursery.start_soon(call)
                await turns()
                nursery.cancel_scope.cancel()
        else:
            task = asyncio.create_task(call())
            await turns()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await turns()
        assert ENDS == ["cancelled"]

    run(main)


def test_a_cancelled_caller_does_not_disturb_the_app_twice(run: Run) -> None:
    """An app that cleans up after its caller was cancelled is not cancelled again when the response is closed."""
    ended: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(body(b"first", more=True))
        try:
            await event().wait()
        finally:
            with (
                trio.CancelScope(shield=True) if sniffio.current_async_library() == "trio" else contextlib.nullcontext()
            ):
                await turns()
            ended.append("cleaned up")

    async def main() -> None:
        transport = ASGITransport(app)
        response = await transport.handle_async_request(Request("GET", "http://app.example/"))
        pieces = response.aiter_raw()
        await anext(pieces)
        if sniffio.current_async_library() == "trio":
            with trio.CancelScope() as scope:
                scope.cancel()
                await anext(pieces)
        else:
            task = asyncio.ensure_future(anext(pieces))
            await turns(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await response.aclose()
        assert ended == ["cleaned up"]

    run(main)


def test_an_app_cancelled_before_it_began_leaves_nothing() -> None:
    """A caller that is cancelled in the turn in which it started the app is not left waiting for it."""

    async def main() -> None:
        request = Request("GET", "http://app.example/")
        task = asyncio.create_task(ASGITransport(hello).handle_async_request(request))
        asyncio.get_running_loop().call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    _run_asyncio(main)


def test_a_forgotten_response_ends_its_app(run: Run) -> None:
    """A response that is dropped without being closed is warned of, and its app is cancelled."""
    ENDS.clear()

    async def main() -> None:
        forgotten = [await ASGITransport(cancellable).handle_async_request(Request("GET", "http://app.example/"))]
        with pytest.warns(ResourceWarning, match="was not closed"):
            forgotten.clear()
        await turns()
        assert ENDS == ["cancelled"]

    run(main)


def test_a_response_forgotten_beyond_its_event_loop_is_harmless(run: Run) -> None:
    """A response that outlives its event loop has an app no more, and can be dropped."""
    kept: list[Any] = []
    ENDS.clear()

    async def leave_open() -> None:
        kept.append(await ASGITransport(cancellable).handle_async_request(Request("GET", "http://app.example/")))

    if run is _run_asyncio:
        asyncio.run(leave_open())
    else:
        trio.run(leave_open)
    kept.clear()
    gc.collect()

    assert ENDS == ["cancelled"]


def test_a_task_is_cancelled_from_a_finaliser_after_its_loop_is_gone() -> None:
    """Cancelling from anywhere does nothing once the loop has closed, in both worlds."""
    kept: list[AppTask] = []

    async def start() -> None:
        from borzoi._client.app_task import new_app_task

        task = new_app_task()
        task.start(turns)
        await task.until(lambda: task.ended)
        kept.append(task)

    asyncio.run(start())
    trio.run(start)
    for task in kept:
        task.cancel_from_anywhere()

    assert [task.ended for task in kept] == [True, True]


# Errors of the app.


@pytest.mark.parametrize("error", [LookupError("lost"), SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("sent", [0, 1, 2])
def test_an_error_before_the_first_piece_is_raised_with_the_request(run: Run, error: BaseException, sent: int) -> None:
    """What the app raises, before its head or after it, is raised where the request was made."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in [START, body(b"all")][:sent]:
            await send(message)
        raise error

    async def main() -> None:
        async with client_of(app) as client:
            with pytest.raises(type(error)) as caught:
                await client.get("/")
            assert caught.value is error

    run(main)


def test_an_error_in_the_middle_of_the_body_is_raised_where_it_is_read(run: Run) -> None:
    """What was sent before the app failed can be read, and then its error is raised."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(body(b"first", more=True))
        await turns()
        raise LookupError("lost")

    async def main() -> None:
        async with client_of(app) as client:
            async with client.stream("GET", "/") as response:
                pieces = response.aiter_raw()
                assert await anext(pieces) == b"first"
                with pytest.raises(LookupError, match="lost"):
                    await anext(pieces)

    run(main)


def test_an_error_is_a_500_when_not_raised(run: Run) -> None:
    """With raise_app_exceptions=False an app that fails before its head is an empty 500."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("lost")

    async def main() -> None:
        async with client_of(app, raise_app_exceptions=False) as client:
            response = await client.get("/")
        assert (response.status_code, response.content, len(response.headers)) == (500, b"", 0)

    run(main)


def test_an_error_after_the_answer_is_dropped_when_not_raised(run: Run) -> None:
    """With raise_app_exceptions=False the answer of an app that fails afterwards is whole."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "status": 500})
        await send(body(b"an error page"))
        raise LookupError("lost")

    async def main() -> None:
        async with client_of(app, raise_app_exceptions=False) as client:
            response = await client.get("/")
        assert (response.status_code, response.content) == (500, b"an error page")

    run(main)


@pytest.mark.parametrize("failing", [True, False])
@pytest.mark.parametrize("pieces", [0, 1])
def test_a_response_that_is_cut_short_is_no_whole_response(run: Run, failing: bool, pieces: int) -> None:
    """An app that ends in the middle of its body is a RemoteProtocolError, as the server that it stands for would be."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        for _ in range(pieces):
            await send(body(b"first", more=True))
        if failing:
            raise LookupError("lost")

    async def main() -> None:
        async with client_of(app, raise_app_exceptions=False) as client:
            with pytest.raises(RemoteProtocolError, match="ended before its response was complete") as caught:
                await client.get("/")
            assert isinstance(caught.value.__cause__, LookupError) is failing
            assert caught.value.request.url.path == "/"

    run(main)


def test_an_app_that_says_nothing_is_an_error(run: Run) -> None:
    """An app that returns without a response is a RemoteProtocolError that says so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    async def main() -> None:
        async with client_of(app) as client:
            with pytest.raises(RemoteProtocolError, match="returned without sending a response"):
                await client.get("/")

    run(main)


@pytest.mark.parametrize(
    ("messages", "rule"),
    [
        ([body(b"a")], "http.response.body before http.response.start"),
        ([START, START], "http.response.start twice"),
        ([START, body(), body()], "http.response.body after its last one"),
    ],
)
def test_messages_out_of_order_are_refused(run: Run, messages: list[Any], rule: str) -> None:
    """An app that breaks the order of messages is told which rule."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    async def main() -> None:
        async with client_of(app) as client:
            with pytest.raises(RuntimeError, match=rule):
                await client.get("/")

    run(main)


def test_messages_of_extensions_are_passed_over(run: Run) -> None:
    """A message of another type is no error."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.debug", "info": {}})
        await hello(scope, receive, send)

    async def main() -> None:
        async with client_of(app) as client:
            assert (await client.get("/")).text == "Hello, world"

    run(main)


def test_an_error_of_the_upload_reaches_the_app_and_the_caller(run: Run) -> None:
    """What the request's own stream raises passes through the app to the caller."""

    class Broken(AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            raise LookupError("upload")
            yield b""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def main() -> None:
        request = Request("POST", "http://app.example/", stream=Broken())
        with pytest.raises(LookupError, match="upload"):
            await ASGITransport(app).handle_async_request(request)

    run(main)


# Lifespan.


def lifespan_app(log: list[Any], **answers: Any) -> Any:
    """Return an app that logs its lifespan, and answers each message as told: a string fails, an exception is raised."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        log.append(scope["type"])
        if scope["type"] == "http":
            log.append(scope["state"])
            scope["state"]["mine"] = "of this request"
            await hello(scope, receive, send)
            return

        for phase in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{phase}"
            log.append(phase)
            scope["state"]["shared"] = "resource"
            answer = answers.get(phase, "complete")
            if isinstance(answer, Exception):
                raise answer
            if answer is None:
                return
            failed = answer != "complete"
            await send({"type": f"lifespan.{phase}.{'failed' if failed else 'complete'}", "message": answer})
            if failed:
                await receive()

    return app


def test_the_lifespan_of_the_app_is_that_of_the_client(run: Run) -> None:
    """Entering the client starts the app up, requests get a copy of its state, closing shuts it down."""
    log: list[Any] = []

    async def main() -> None:
        transport = ASGITransport(lifespan_app(log), lifespan=True)
        async with AsyncClient(transport=transport, base_url="http://app.example") as client:
            assert log == ["lifespan", "startup"]
            async with transport:
                await client.get("/")
                await client.get("/")
        assert log[2:] == ["http", {"shared": "resource", "mine": "of this request"}] * 2 + ["shutdown"]
        await transport.aclose()

    run(main)


def test_the_lifespan_runs_again(run: Run) -> None:
    """A transport that was closed can be entered again."""
    log: list[Any] = []

    async def main() -> None:
        transport = ASGITransport(lifespan_app(log), lifespan=True)
        for _ in range(2):
            async with transport:
                pass

    run(main)
    assert log == ["lifespan", "startup", "shutdown"] * 2


def test_without_lifespan_the_app_hears_of_requests_only(run: Run) -> None:
    """Unless asked for, no lifespan is run, as in httpx."""
    types: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        types.append(scope["type"])
        await hello(scope, receive, send)

    async def main() -> None:
        async with client_of(app) as client:
            await client.get("/")

    run(main)
    assert types == ["http"]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ("no database", RuntimeError, "did not start: no database"),
        ("", RuntimeError, "did not start: it did not answer lifespan.startup"),
        (LookupError("lost"), LookupError, "lost"),
        (None, RuntimeError, "did not start: it did not answer lifespan.startup"),
    ],
)
def test_a_start_that_fails_is_raised(run: Run, answer: Any, error: type[Exception], words: str) -> None:
    """An app that fails to start, raises or says nothing is an error when the client is entered, and leaves no task."""

    async def main() -> None:
        transport = ASGITransport(lifespan_app([], startup=answer), lifespan=True)
        transport.grace = 0.001
        with pytest.raises(error, match=words):
            await transport.__aenter__()
        with pytest.raises(RuntimeError, match="needs `async with`"):
            await transport.handle_async_request(Request("GET", "http://app.example/"))

    run(main)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ("still busy", RuntimeError, "did not shut down: still busy"),
        (LookupError("lost"), LookupError, "lost"),
        (None, RuntimeError, "did not shut down: it did not answer lifespan.shutdown"),
    ],
)
def test_a_shutdown_that_fails_is_raised(run: Run, answer: Any, error: type[Exception], words: str) -> None:
    """An app that fails to shut down is an error when the client is closed, and leaves no task."""

    async def main() -> None:
        transport = ASGITransport(lifespan_app([], shutdown=answer), lifespan=True)
        transport.grace = 0.001
        await transport.__aenter__()
        with pytest.raises(error, match=words):
            await transport.aclose()

    run(main)


def test_a_start_that_is_cancelled_takes_the_app_with_it(run: Run) -> None:
    """When entering the client is cancelled, the app that was starting is."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await event().wait()

    async def enter() -> None:
        async with ASGITransport(app, lifespan=True):
            pass

    async def main() -> None:
        if sniffio.current_async_library() == "trio":
            async with trio.open_nursery() as nursery:
                nursery.start_soon(enter)
                await turns()
                nursery.cancel_scope.cancel()
        else:
            task = asyncio.create_task(enter())
            await turns()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main)
