"""An ASGI application for the servers. It imports nothing of ours: the servers run in environments of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

FILES = Path(os.environ.get("FILES", "."))


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the file of that name, `/echo` with the body, `/empty` with 204; `/trailers` has some, where it can."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return

    body = await _body(receive)
    path = scope["path"]
    status = 204 if path == "/empty" else 200
    content = body if path in ("/echo", "/trailers") else b"" if path == "/empty" else (FILES / path[1:]).read_bytes()
    has_trailers = path == "/trailers" and "http.response.trailers" in scope.get("extensions", {})
    headers = [] if status == 204 or has_trailers else [(b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": has_trailers})
    for start in range(0, 0 if scope["method"] == "HEAD" else len(content), 65536):
        await send({"type": "http.response.body", "body": content[start : start + 65536], "more_body": True})
    await send({"type": "http.response.body", "body": b""})
    if has_trailers:
        await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"abc")]})


async def _body(receive: Any) -> bytes:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)
