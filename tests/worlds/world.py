"""A world: how one `async def` test body runs in threads, in an event loop, or in trio.

A body is written once, against `world` alone: it opens streams through `world.backend()` or requests through `world.client()`,
runs things at once with `world.gather()` or `world.tasks()`, and hears from the threads of a peer through `world.wait_for()`.
Each `world.run()` is bounded in time, and fails if the event loop was told of an error that nobody handled.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio

from borzoi._backends import asyncio as asyncio_backend
from borzoi._backends import trio as trio_backend
from borzoi._backends.blocking import BlockingBackend
from borzoi._backends.portable_trio import PortableTrio
from borzoi._run_blocking import run_blocking

from .facade import BlockingClient
from .running import AsyncioTasks, Tasks, ThreadTasks, TrioTasks

LIMIT = 25.0
"""Seconds after which a run has failed."""

Body = Callable[..., Awaitable[Any]]


class Hung(AssertionError):
    """A body did not end in time."""


class Scope:
    """What became of a block that had limited time."""

    cancelled_caught = False


class World:
    """One of the worlds. What is here holds for all of them; the rest is in the subclasses."""

    name: str
    is_async = True
    """Whether tasks share one thread; if not, nothing can be cancelled."""

    def run(self, body: Body, *args: Any) -> Any:
        """Run `body(*args)` from outside of the world, and return what it returns."""
        raise NotImplementedError

    def backend(self) -> Any:
        """Return the back end that a client would use, from inside of a run."""
        raise NotImplementedError

    def client(self, **settings: Any) -> Any:
        """Return a client in the shape of AsyncClient."""
        from borzoi import AsyncClient

        return AsyncClient(**settings)

    def tasks(self) -> Tasks:
        """Return `async with` over tasks: `start(body, *args)` gives a handle with `cancel()` and `await outcome()`."""
        raise NotImplementedError

    async def gather(self, *bodies: Body) -> list[Any]:
        """Run all bodies at once and return their results in order; the first error ends the others and is raised."""
        async with self.tasks() as tasks:
            handles = [tasks.start(body) for body in bodies]
        return [handle.result for handle in handles]

    async def sleep0(self) -> None:
        """Give the others one turn."""
        raise NotImplementedError

    async def wait_for(self, event: threading.Event) -> None:
        """Wait until a thread has set the event."""
        raise NotImplementedError

    def move_on_after(self, seconds: float) -> Any:
        """Return `async with ... as scope` over a block that is cancelled in time: then `scope.cancelled_caught`."""
        raise NotImplementedError

    @asynccontextmanager
    async def fail_after(self, seconds: float) -> AsyncIterator[Scope]:
        """Raise TimeoutError unless the block ends in time."""
        async with self.move_on_after(seconds) as scope:
            yield scope
        if scope.cancelled_caught:
            raise TimeoutError(f"The block took longer than {seconds} s")


class BlockingWorld(World):
    """Threads: no event loop, nothing to cancel."""

    name = "blocking"
    is_async = False

    def run(self, body: Body, *args: Any) -> Any:
        """Run on a thread of its own, so that a body that hangs can be left behind."""
        outcome: list[Any] = []
        context = contextvars.copy_context()

        def work() -> None:
            try:
                outcome.append((context.run(run_blocking, body(*args)), None))  # type: ignore[arg-type]
            except BaseException as error:  # noqa: BLE001 - it is raised where the test waits
                outcome.append((None, error))

        thread = threading.Thread(target=work, name="blocking-world", daemon=True)
        thread.start()
        thread.join(LIMIT)
        if not outcome:
            raise Hung("".join(traceback.format_stack(sys._current_frames()[thread.ident or 0])))
        result, error = outcome.pop()
        if error is not None:
            raise error
        return result

    def backend(self) -> Any:
        """Return the one that needs no loop."""
        return BlockingBackend()

    def client(self, **settings: Any) -> Any:
        """Return a Client in the shape of AsyncClient."""
        from borzoi import Client

        return BlockingClient(Client(**settings))

    def tasks(self) -> Tasks:
        """Return threads."""
        return ThreadTasks(LIMIT)

    async def sleep0(self) -> None:
        """Do nothing: threads take their turns themselves."""

    async def wait_for(self, event: threading.Event) -> None:
        """Block until the event is set."""
        assert event.wait(LIMIT), "the event did not come"

    def move_on_after(self, seconds: float) -> Any:
        """Refuse: a thread cannot be cancelled."""
        raise NotImplementedError("A thread cannot be cancelled.")


class AsyncioWorld(World):
    """asyncio on its own event loop."""

    name = "asyncio"

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Return a fresh event loop."""
        return asyncio.SelectorEventLoop()

    def run(self, body: Body, *args: Any) -> Any:
        """Run in a fresh loop, and fail for errors that only the loop heard of."""
        unhandled: list[dict[str, Any]] = []

        async def bounded() -> Any:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
            try:
                async with asyncio.timeout(LIMIT) as limit:
                    return await body(*args)
            except TimeoutError:
                if limit.expired():
                    raise Hung(f"The body did not end within {LIMIT} s") from None
                raise

        with asyncio.Runner(loop_factory=self.new_loop) as runner:
            result = runner.run(bounded())
        assert unhandled == []
        return result

    def backend(self) -> Any:
        """Return the one of the running loop."""
        return asyncio_backend.backend_for(asyncio.get_running_loop())

    def tasks(self) -> Tasks:
        """Return tasks of the loop."""
        return AsyncioTasks()

    async def sleep0(self) -> None:
        """Give the others one turn."""
        await asyncio.sleep(0)

    async def wait_for(self, event: threading.Event) -> None:
        """Wait on a thread of the loop's."""
        come = await asyncio.get_running_loop().run_in_executor(None, event.wait, LIMIT)
        assert come, "the event did not come"

    @asynccontextmanager
    async def move_on_after(self, seconds: float) -> AsyncIterator[Scope]:
        """Limit the block by asyncio's own time-out."""
        scope = Scope()
        try:
            async with asyncio.timeout(seconds) as limit:
                yield scope
        except TimeoutError:
            if not limit.expired():
                raise
            scope.cancelled_caught = True


class UvloopWorld(AsyncioWorld):
    """asyncio on uvloop."""

    name = "uvloop"

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Return a fresh uvloop."""
        import uvloop

        return uvloop.new_event_loop()


class _LoopWithoutReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch a descriptor for others, as Windows' proactor."""

    add_reader = asyncio.AbstractEventLoop.add_reader
    remove_reader = asyncio.AbstractEventLoop.remove_reader


class PortableAsyncioWorld(AsyncioWorld):
    """asyncio on a loop that cannot watch a descriptor."""

    name = "portable-asyncio"

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Return a fresh loop."""
        return _LoopWithoutReaders()


class TrioWorld(World):
    """trio."""

    name = "trio"

    def run(self, body: Body, *args: Any) -> Any:
        """Run in a fresh run of trio."""

        async def bounded() -> Any:
            with trio.move_on_after(LIMIT):
                return await body(*args)
            raise Hung(f"The body did not end within {LIMIT} s")

        return trio.run(bounded)

    def backend(self) -> Any:
        """Return the one of the current run."""
        return trio_backend.backend_for(trio.lowlevel.current_trio_token())

    def tasks(self) -> Tasks:
        """Return tasks of a nursery."""
        return TrioTasks()

    async def sleep0(self) -> None:
        """Give the others one turn."""
        await trio.lowlevel.checkpoint()

    async def wait_for(self, event: threading.Event) -> None:
        """Wait on a thread of trio's."""
        assert await trio.to_thread.run_sync(event.wait, LIMIT, abandon_on_cancel=True), "the event did not come"

    @asynccontextmanager
    async def move_on_after(self, seconds: float) -> AsyncIterator[Any]:
        """Limit the block by trio's own time-out."""
        with trio.move_on_after(seconds) as scope:
            yield scope


class PortableTrioWorld(TrioWorld):
    """trio where no descriptor tells of many sockets."""

    name = "portable-trio"

    def backend(self) -> Any:
        """Return the portable one."""
        return PortableTrio()

    def client(self, **settings: Any) -> Any:
        """Return a client whose transport was told which back end to use."""
        from borzoi import AsyncClient, AsyncHTTPTransport

        of_transport = {"verify", "cert", "http1", "http2", "limits", "proxy", "clock"} & settings.keys()
        transport = {name: settings.pop(name) for name in of_transport}
        settings.setdefault("transport", AsyncHTTPTransport(backend=self.backend(), **transport))
        return AsyncClient(**settings)


WORLDS: dict[str, World] = {
    world.name: world
    for world in (
        BlockingWorld(),
        AsyncioWorld(),
        UvloopWorld(),
        TrioWorld(),
        PortableAsyncioWorld(),
        PortableTrioWorld(),
    )
}
"""Every world by its name."""

ASYNC = [name for name, world in WORLDS.items() if world.is_async]
"""Those in which something can be cancelled."""

REACTORS = ["asyncio", "uvloop", "trio"]
"""Those of the reactor."""
