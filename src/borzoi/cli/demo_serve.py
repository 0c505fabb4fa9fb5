"""`borzoi demo --serve`: the local API in the foreground, with its routes shown, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

from .demo_routes import _ROUTES
from .demo_server import Demo, listen
from .demo_table import Paper


def serve(port: int) -> int:
    """Listen until Ctrl-C, and return the exit status."""
    try:
        asyncio.run(_serve(port))
    except KeyboardInterrupt:
        return 0
    except (OSError, OverflowError) as error:
        print(f"Cannot listen on port {port}: {error}. Choose another with --port.", file=sys.stderr)
        return 1
    return 0


async def _serve(port: int) -> None:
    demo = Demo()
    server = await listen(demo, port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows raises KeyboardInterrupt instead
                loop.add_signal_handler(number, stop.set)
        show(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await stop.wait()
    finally:
        server.close()
        demo.abort()


def show(url: str) -> None:
    """Print where the API is, and what it has."""
    paper = Paper()
    paper.line(url)
    paper.table(("method", "path", "what it does"), routes(), words=3)
    paper.line("Ctrl-C ends it.")


def routes() -> list[tuple[str, str, str]]:
    """List what the API answers: method, path, and the sentence that says what comes."""
    return [
        (method, f"/{'/'.join(segments)}", (function.__doc__ or "").partition(".")[0])
        for found in _ROUTES.values()
        for method, segments, function in found
    ]
