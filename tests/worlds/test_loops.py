"""The life of the worlds themselves: loops that end, forks, contexts, many descriptors, none left behind."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import resource
import signal
import socket
import threading
from typing import Any

import pytest
import trio

from borzoi._backends import asyncio as asyncio_backend
from borzoi._backends import trio as trio_backend
from borzoi._errors import ConnectError, ConnectTimeout, ReadError

from .certificates import server_context
from .dialing import PLAIN, connect, connected, read_exactly, secure, settle
from .peers import RawServer, black_hole, echo, receive_exactly, refusing_port, saying, silent
from .world import WORLDS, World


def _descriptors() -> set[str]:
    return {f"{number} {_target(number)}" for number in os.listdir("/proc/self/fd")}


def _target(number: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return "gone"


def _epolls() -> int:
    return sum("eventpoll" in target for target in _descriptors())


@pytest.mark.parametrize("tls", [False, True])
def test_no_descriptor_is_left(world: World, tls: bool) -> None:
    """After connections that were used, refused, timed out and closed, a run leaves no descriptor behind."""

    async def body(server: RawServer, refusing: int, silent_port: int) -> None:
        for _ in range(3):
            async with connected(world, server, tls=tls) as stream:
                await stream.write(b"!", 5)
                await stream.read(5)
            with pytest.raises(ConnectError):
                await world.backend().connect_tcp("127.0.0.1", refusing, 5, PLAIN)
            with pytest.raises(ConnectTimeout):
                await world.backend().connect_tcp("127.0.0.1", silent_port, 0.01, PLAIN)
        await settle(world)

    def once() -> None:
        with RawServer(echo, tls=server_context() if tls else None) as server:
            with refusing_port() as refusing, black_hole() as silent_port:
                world.run(body, server, refusing, silent_port)

    # The first time may load what stays open for good.
    once()
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    once()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_poller_goes_with_the_last_stream(reactor_world: World) -> None:
    """The reactor's descriptor is opened for the first stream and closed with the last, again and again."""
    with RawServer(echo) as server:

        async def body() -> list[int]:
            counts = []
            for _ in range(3):
                first = await connect(reactor_world, server)
                second = await connect(reactor_world, server)
                counts.append(_epolls())
                first.close()
                counts.append(_epolls())
                second.close()
                counts.append(_epolls())
                await settle(reactor_world)
            return counts

        counts = reactor_world.run(body)
        least = counts[2]
        assert counts == [least + 1, least + 1, least] * 3


def test_a_loop_has_one_back_end(reactor_world: World) -> None:
    """The same loop gives the same back end, another loop another."""
    seen: list[Any] = []

    async def body() -> None:
        seen.append(reactor_world.backend())
        assert reactor_world.backend() is seen[-1]
        assert not seen[-1].has_ended()

    reactor_world.run(body)
    reactor_world.run(body)
    assert seen[0] is not seen[1]
    assert seen[0].has_ended()
    # A call from a thread that comes too late is dropped.
    seen[0].call_from_thread(lambda: seen.append("late"))
    assert len(seen) == 2


def test_calls_from_threads(world: World) -> None:
    """A callback handed over by another thread runs in the world's own."""

    async def body() -> None:
        backend = world.backend()
        called = threading.Event()
        thread = threading.Thread(target=backend.call_from_thread, args=(called.set,))
        thread.start()
        await world.wait_for(called)
        thread.join()
        assert not backend.has_ended()

    world.run(body)


@pytest.mark.parametrize("tls", [False, True])
def test_an_idle_stream_outlives_its_loop(reactor_world: World, tls: bool) -> None:
    """A stream of a loop that has ended is adopted by the next loop, and works there; its old poller is closed."""
    with RawServer(echo, tls=server_context() if tls else None) as server:
        left: list[Any] = []

        async def first() -> None:
            stream = await connect(reactor_world, server, tls=tls)
            await stream.write(b"one", 5)
            assert await read_exactly(stream, 3) == b"one"
            left.append(stream)

        async def second() -> None:
            (stream,) = left
            count = _epolls()
            assert reactor_world.backend().adopt(stream)
            assert _epolls() == count
            assert stream.is_idle()
            await stream.write(b"two", 5)
            assert await read_exactly(stream, 3) == b"two"
            stream.close()
            await settle(reactor_world)

        reactor_world.run(first)
        reactor_world.run(second)


def test_a_stream_that_ended_between_two_loops_is_not_idle(reactor_world: World) -> None:
    """A stream whose peer closed while no loop ran is adopted, and found to be of no use."""
    go, done = threading.Event(), threading.Event()

    def handler(sock: socket.socket) -> None:
        server.until(go)
        sock.close()
        done.set()

    with RawServer(handler) as server:
        left: list[Any] = []

        async def first() -> None:
            left.append(await connect(reactor_world, server))
            await settle(reactor_world)

        async def second() -> None:
            assert reactor_world.backend().adopt(left[0])
            assert not left[0].is_idle()
            left[0].close()

        reactor_world.run(first)
        go.set()
        assert done.wait(10)
        reactor_world.run(second)


def test_what_cannot_be_adopted(world: World) -> None:
    """A back end refuses what is not a stream of its kind."""

    async def body() -> bool:
        return bool(world.backend().adopt(object()))

    assert world.run(body) is False


def test_a_stream_may_be_closed_after_its_loop(reactor_world: World) -> None:
    """Closing a stream after its loop has ended, with or without a forgotten reader, does no harm."""
    with RawServer(silent) as server:
        left: list[Any] = []

        async def body() -> None:
            left.append(await connect(reactor_world, server))
            await settle(reactor_world)

        reactor_world.run(body)
        left[0].close()
        assert left[0].get_extra_info("server_addr") is None


def test_a_forgotten_reader_of_a_closed_loop() -> None:
    """A task that still waits as its loop is closed does not keep its stream from being closed."""
    with RawServer(silent) as server:
        loop = asyncio.new_event_loop()
        backend = asyncio_backend.backend_for(loop)
        stream: Any = loop.run_until_complete(backend.connect_tcp(server.host, server.port, 5, PLAIN))
        reader = loop.create_task(stream.read(None))
        loop.run_until_complete(asyncio.sleep(0))
        loop.set_exception_handler(lambda *_: None)
        loop.close()
        stream.close()
        assert not reader.done()
        with pytest.raises(ReadError):
            reader.get_coro().throw(ReadError("enough"))  # type: ignore[union-attr]
        del reader
        gc.collect()


def test_trio_ends_with_a_reader_of_its_own() -> None:
    """A system task that still reads as the run ends is told so, with an error of its own."""
    errors: list[BaseException] = []

    async def read(stream: Any) -> None:
        try:
            with trio.CancelScope(shield=True):
                await stream.read(None)
        except ReadError as error:
            errors.append(error)

    async def body() -> None:
        backend = trio_backend.backend_for(trio.lowlevel.current_trio_token())
        for _ in range(2):
            stream = await backend.connect_tcp(server.host, server.port, 5, PLAIN)
            trio.lowlevel.spawn_system_task(read, stream)
            streams.append(stream)
        await trio.lowlevel.checkpoint()

    streams: list[Any] = []
    with RawServer(silent) as server:
        trio.run(body)
        for stream in streams:
            stream.close()

    assert [str(error) for error in errors] == ["The trio run that this connection belongs to has ended"] * 2
    assert errors[0] is not errors[1]


def test_the_pump_of_trio_lives_only_while_there_is_work() -> None:
    """The system task ends with the last stream and the last deadline, and starts again with the next."""
    with RawServer(echo) as server:

        async def pumps() -> int:
            root = trio.lowlevel.current_root_task()
            assert root is not None
            names = [task.name for nursery in root.child_nurseries for task in nursery.child_tasks]
            return sum("TrioReactor._pump" in name for name in names)

        async def body() -> list[int]:
            backend = trio_backend.backend_for(trio.lowlevel.current_trio_token())
            counts = [await pumps()]
            for _ in range(2):
                stream = await backend.connect_tcp(server.host, server.port, None, PLAIN)
                await stream.write(b"!", None)
                await stream.read(None)
                counts.append(await pumps())
                stream.close()
                for _ in range(4):
                    await trio.lowlevel.checkpoint()
                counts.append(await pumps())
            await backend.sleep(0.01)
            for _ in range(4):
                await trio.lowlevel.checkpoint()
            counts.append(await pumps())
            return counts

        assert trio.run(body) == [0, 1, 0, 1, 0, 0]


_variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nothing")


def test_the_reactor_runs_in_an_empty_context(reactor_world: World) -> None:
    """Neither the reader nor the timer keeps the context variables of the task that happened to come first."""
    sent = threading.Event()

    def handler(sock: socket.socket) -> None:
        receive_exactly(sock, 1)
        sock.sendall(b"!")
        sent.set()
        silent(sock)

    with RawServer(handler) as server:

        async def body() -> list[str]:
            seen: list[str] = []
            _variable.set("a secret")
            async with connected(reactor_world, server) as stream:
                stream.on_event = lambda: seen.append(_variable.get())
                await stream.write(b"!", 5)
                await reactor_world.wait_for(sent)
                await settle(reactor_world)
                stream.on_event = None
                assert _variable.get() == "a secret"
            return seen

        seen = reactor_world.run(body)
        assert seen
        assert set(seen) == {"nothing"}


def test_2000_descriptors(world: World) -> None:
    """Streams whose descriptor numbers are beyond 1024 connect, rest and carry bytes like any other."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= 4096
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    spare = [os.dup(0) for _ in range(2000)]
    try:
        with RawServer(echo) as server, RawServer(echo, tls=server_context()) as secured:

            async def body() -> None:
                async with connected(world, server) as plain, connected(world, secured, tls=True) as tls:
                    for stream in (plain, tls):
                        assert stream.get_extra_info("socket").fileno() > 1024
                        await stream.write(b"hello", 5)
                        assert await read_exactly(stream, 5) == b"hello"
                        await settle(world)
                        assert stream.is_idle()

            world.run(body)
    finally:
        for descriptor in spare:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_streams_at_once(async_world: World) -> None:
    """300 streams, each with a task of its own, all get their answers."""
    with RawServer(echo) as server:

        async def one() -> None:
            async with connected(async_world, server) as stream:
                for word in (b"one", b"two"):
                    await stream.write(word, 10)
                    assert await read_exactly(stream, 3) == word

        async def body() -> None:
            await async_world.gather(*[one] * 300)

        async_world.run(body)


def _child_does(abandon: Any) -> None:
    """Fork, have the child do something, and wait until it has ended well."""
    child = os.fork()
    if child == 0:
        try:
            abandon()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever it is, it must not reach the parent's test runner
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("name", [name for name in WORLDS if name != "portable-asyncio"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_disturbs_nobody(name: str, tls: bool) -> None:
    """A child that abandons its copies sends the peer nothing, and the parent's streams go on."""
    world = WORLDS[name]
    with RawServer(echo, tls=server_context() if tls else None) as server:

        async def body() -> None:
            async with connected(world, server, tls=tls) as stream, connected(world, server) as other:
                await stream.write(b"before", 5)
                assert await read_exactly(stream, 6) == b"before"

                backend = world.backend()

                def abandon() -> None:
                    signal.alarm(10)
                    for each in (stream, other):
                        each.abandon()
                        each.close()
                        assert not each.is_idle()
                    backend.abandon()

                _child_does(abandon)
                await settle(world)
                assert stream.is_idle()
                for _ in range(3):
                    await stream.write(b"after", 5)
                    assert await read_exactly(stream, 5) == b"after"

        world.run(body)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forks_child_starts_anew(reactor_world: World) -> None:
    """A child of a program that used a loop before can run one of its own and connect in it."""
    with RawServer(saying(b"hello")) as server:
        left: list[Any] = []

        async def parent() -> None:
            left.append(await connect(reactor_world, server))

        async def child() -> None:
            async with connected(reactor_world, server) as stream:
                assert await read_exactly(stream, 5) == b"hello"

        reactor_world.run(parent)

        def work() -> None:
            signal.alarm(15)
            left[0].abandon()
            reactor_world.run(child)

        _child_does(work)
        left[0].close()


def test_secured_streams_are_their_own(reactor_world: World) -> None:
    """Once a stream is secured, closing the plain object does nothing to the secured one."""
    with RawServer(echo, tls=server_context()) as server:

        async def body() -> None:
            plain = await connect(reactor_world, server)
            stream = await secure(plain)
            plain.close()
            await stream.write(b"hello", 5)
            assert await read_exactly(stream, 5) == b"hello"
            stream.close()
            await settle(reactor_world)

        reactor_world.run(body)
