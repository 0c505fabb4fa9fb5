"""A local API: a function from requests to replies behind a listener on loopback, which remembers what it was asked."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Self

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Asked:
    """Hold one request as it came."""

    method: str
    target: str
    headers: Message
    body: bytes


@dataclass
class API:
    """Answer requests with a function, and keep them."""

    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                request = Asked(self.command, self.path, self.headers, self.rfile.read(length))
                api.asked.append(request)
                status, headers, body = api.answer(request)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_QUERY = handle_one

            def log_message(self, *arguments: Any) -> None:
                """Print nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self._server.server_port}"


def as_json(value: Any, status: int = 200) -> Reply:
    """Return a reply in JSON."""
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()
