"""The bytes below a WebSocket where they are no connection of ours: a stream that a program or an app supplies.

It has the methods of `response.extensions["network_stream"]`, plain or `async`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._backends.base import READ_SIZE
from .._exchange.connection import Upgraded
from .._exchange.websocket_wires import LoopWire, ThreadWire, Wire
from .adapters import undisturbed

if TYPE_CHECKING:
    from .._backends.base import Backend


def wire_over(stream: Any, *, blocking: bool, write_timeout: float | None) -> Wire:
    """Return the wire for a network stream."""
    if not isinstance(stream, Upgraded):
        return GivenWire(stream) if blocking else GivenAsyncWire(stream)
    if blocking and stream.get_extra_info("socket") is not None:
        return ThreadWire(stream, write_timeout)
    return LoopWire(stream)


class GivenWire:
    """A stream with plain methods."""

    def __init__(self, stream: Any) -> None:
        from .._backends.blocking import BlockingBackend

        self._stream = stream
        self.backend: Backend = BlockingBackend()

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes."""
        data: bytes = self._stream.read(READ_SIZE, timeout)
        return data

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`."""
        self._stream.write(data, timeout)

    def is_readable(self) -> bool:
        """Return False: nothing tells, and to read might wait."""
        return False

    def attempt(self, data: bytes) -> None:
        """Do nothing: a given stream may wait for as long as it likes."""

    async def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class GivenAsyncWire(GivenWire):
    """A stream with `async` methods."""

    def __init__(self, stream: Any) -> None:
        from .worlds import Worlds

        self._stream = stream
        worlds = Worlds()
        self.backend = worlds.backend_of(worlds.current_loop())

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes."""
        data: bytes = await self._stream.read(READ_SIZE, timeout)
        return data

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`."""
        await self._stream.write(data, timeout)

    async def close(self) -> None:
        """Close the stream, to the end of it."""
        await undisturbed(self._stream.aclose())
