"""A program's `NetworkBackend` in the place of ours, its streams kept to the contract of `_backends.base`.

The clock, the queues and the locks stay those of the world; a program's back end supplies connections, and no more.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any

from .._backends.base import READ_SIZE, Asking
from .._errors import ConnectError
from .httpcore_streams import AutoBackend, SyncBackend, native

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from .._backends.base import Address, Backend, ConnectOptions, Stream, TLSOptions, Turn


class Network:
    """What a program has put in the place of our network, for one transport."""

    def __init__(self, backend: Any, *, blocking: bool) -> None:
        self.backend = backend
        self.blocking = blocking
        self._closing: deque[Any] = deque()
        self._tasks: set[Any] = set()

    def over(self, world: Backend) -> Backend:
        """Return a back end of one world that connects the program's way."""
        if type(self.backend) in (SyncBackend, AutoBackend):
            return self.backend._world or world
        return ProgramBackend(world, self)

    def close(self, stream: Any) -> None:
        """Close a stream of the program, which may wait for that; nobody here does."""
        if self.blocking:
            stream.close()
            return
        self._closing.append(stream)
        self._spawn()

    async def aclose(self) -> None:
        """Wait until the streams that were closed are."""
        while self._closing:
            stream = self._closing.popleft()
            try:
                await stream.aclose()
            except Exception:  # noqa: BLE001, S110 - whoever closed it has gone on
                pass

    def _spawn(self) -> None:
        import sniffio

        try:
            if sniffio.thread_local.name == "trio":
                import trio

                trio.lowlevel.spawn_system_task(self.aclose)
                return

            import asyncio

            task = asyncio.get_running_loop().create_task(self.aclose())
        except RuntimeError:
            # A finaliser, outside of any loop, or one that has all but ended: the next request closes it.
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class ProgramBackend:
    """Connect the way a program does. Satisfies `Backend`."""

    def __init__(self, world: Backend, network: Network) -> None:
        self._network = network
        self._world = world

    async def _call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        if self._network.blocking:
            return method(**arguments)
        await self._network.aclose()
        return await method(**arguments)

    async def sleep(self, seconds: float) -> None:
        """Wait, the way the program does."""
        await self._call(self._network.backend.sleep, seconds=seconds)

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Have the program connect to a host. Raises what it raises."""
        names: Any = getattr(options, "names", None)
        if getattr(names, "guard", None) is not None:
            # The guard has to see the address that is connected to, so it is looked up here.
            addresses = await self._world.resolve(host, port, timeout, names)
            if not addresses:
                raise ConnectError(f"Could not connect to {host}:{port}: it has no address")
            host = addresses[0][1][0]

        stream = await self._call(
            self._network.backend.connect_tcp,
            host=host,
            port=port,
            local_address=options.local_address,
            timeout=timeout,
            socket_options=options.socket_options or None,
        )
        return self._adapted(stream, f"{host}:{port}")

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Have the program connect to a Unix socket. Raises what it raises."""
        socket_options = options.socket_options or None
        connect = self._network.backend.connect_unix_socket
        return self._adapted(await self._call(connect, path=path, timeout=timeout, socket_options=socket_options), path)

    def _adapted(self, stream: Any, peer: str) -> Stream:
        return native(stream) or ProgramStream(stream, peer, self._network)

    # The rest is the world's.

    def now(self) -> float:
        """Return the time of the world."""
        return self._world.now()

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock of the world."""
        return self._world.guard()

    def turn(self) -> Turn:
        """Return a place in a queue of the world."""
        return self._world.turn()

    async def resolve(self, host: str, port: int, timeout: float | None, names: Any = None) -> list[Address]:
        """Return the addresses that the world finds."""
        return await self._world.resolve(host, port, timeout, names)

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the world's loop."""
        self._world.call_from_thread(callback)

    def has_ended(self) -> bool:
        """Return whether the world's loop is over."""
        return self._world.has_ended()

    def abandon(self) -> None:
        """Do nothing: what there is belongs to the world, or to the program."""

    def adopt(self, stream: Stream) -> bool:
        """Refuse: nobody knows whether a stream of the program can change its loop."""
        return False


class ProgramStream(Asking):
    """A stream of the program's. Satisfies `Stream`."""

    __slots__ = ("_closed", "_network", "_stream", "on_event", "peer")

    def __init__(self, stream: Any, peer: str, network: Network) -> None:
        self._closed = False
        self._network = network
        self._stream = stream
        self.on_event: Callable[[], None] | None = None
        self.peer = peer

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes. Raises what the program raises."""
        outcome = self._stream.read(READ_SIZE, timeout=timeout)
        data: bytes = outcome if self._network.blocking else await outcome
        return data

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises what the program raises."""
        outcome = self._stream.write(data, timeout=timeout)
        if not self._network.blocking:
            await outcome

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Have the program secure the stream."""
        outcome = self._stream.start_tls(ssl_context=tls.context, server_hostname=tls.server_hostname, timeout=timeout)
        secured = outcome if self._network.blocking else await outcome
        return native(secured) or ProgramStream(secured, self.peer, self._network)

    def is_idle(self) -> bool:
        """Return whether the program knows of nothing to read."""
        return not self._closed and not self._stream.get_extra_info("is_readable")

    def close(self) -> None:
        """Have the program close it, without waiting for that in an event loop."""
        if not self._closed:
            self._closed = True
            self._network.close(self._stream)

    def abandon(self) -> None:
        """Close this process's descriptor, where there is one."""
        import socket

        self._closed = True
        sock = self._stream.get_extra_info("socket")
        if isinstance(sock, socket.socket):
            descriptor = sock.detach()
            if descriptor != -1:
                os.close(descriptor)

    def get_extra_info(self, info: str) -> Any:
        """Return what the program tells."""
        return self._stream.get_extra_info(info)
