"""An ASGI application for the servers: it tells what it was asked, and sends what is asked for. It imports nothing."""

from __future__ import annotations

from typing import Any

MEGABYTES = 4


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer `/big` with some MiB in pieces, `/empty` with 204, and all else with method, path, and length of the body."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return

    size = 0
    more = True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)

    empty = scope["path"] == "/empty"
    await send(
        {
            "type": "http.response.start",
            "status": 204 if empty else 200,
            "headers": [(b"x-method", scope["method"].encode())],
        }
    )
    if scope["path"] == "/big":
        for _ in range(MEGABYTES * 16):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        text = f"{scope['method']} {scope['path']} {size}".encode()
        await send({"type": "http.response.body", "body": b"" if empty or scope["method"] == "HEAD" else text})
