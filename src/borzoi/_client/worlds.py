"""Which world is this? The one place that knows all back ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._backends.base import Backend


class Worlds:
    """Find the event loop that runs the current task, and its back end."""

    __slots__ = ("_asyncio_loop", "_here")

    def __init__(self) -> None:
        # Imported by whoever is about to send something in an event loop, not by `import borzoi`.
        import asyncio

        import sniffio

        self._asyncio_loop = asyncio.get_running_loop
        self._here = sniffio.thread_local

    def current_loop(self) -> Any:
        """Return the running loop of asyncio, or the token of trio's run. Raises RuntimeError outside of both."""
        # trio names itself while it runs a task; asyncio does not. In trio's guest mode both run, and trio is nearer.
        if self._here.name == "trio":
            import trio

            return trio.lowlevel.current_trio_token()
        return self._asyncio_loop()

    def backend_of(self, loop: Any) -> Backend:
        """Return the back end of the current loop."""
        if self._here.name == "trio":
            from .._backends import trio as trio_world

            return trio_world.backend_for(loop)

        from .._backends import asyncio as asyncio_world

        return asyncio_world.backend_for(loop)


def blocking_backend() -> Backend:
    """Return a back end of the blocking world."""
    from .._backends.blocking import BlockingBackend

    return BlockingBackend()
