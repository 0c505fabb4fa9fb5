"""Calls without a client, against a server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from borzoi import _api


class Handler(BaseHTTPRequestHandler):
    """Answer with the method, the cookies and the body that came; redirect from /go."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        shown = f"{self.command} {self.path} {self.headers.get('Cookie', '')} ".encode() + body
        self.send_response(302 if self.path == "/go" else 200)
        self.send_header("Location", "/there")
        self.send_header("Content-Length", str(len(shown)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(shown)

    do_OPTIONS = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_QUERY = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that runs while these tests do."""
    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.mark.parametrize("verb", ["get", "options", "delete", "post", "put", "patch", "query"])
def test_verbs(server: str, verb: str) -> None:
    """Each function sends its method, with params and cookies."""
    response = getattr(_api, verb)(f"{server}/", params={"a": "1"}, cookies={"b": "2"}, trust_env=False)

    assert response.text == f"{verb.upper()} /?a=1 b=2 "


def test_head(server: str) -> None:
    """HEAD has headers and no body."""
    response = _api.head(f"{server}/", trust_env=False)

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("verb", ["post", "put", "patch", "query"])
def test_bodies(server: str, verb: str) -> None:
    """The functions for methods with a body send it."""
    assert getattr(_api, verb)(f"{server}/", content=b"body", trust_env=False).text.endswith("body")


def test_request_follows_redirects_on_demand(server: str) -> None:
    """Redirects are followed when that is asked for."""
    assert _api.request("GET", f"{server}/go", trust_env=False).status_code == 302
    assert _api.request("GET", f"{server}/go", follow_redirects=True, trust_env=False).url == f"{server}/there"


def test_stream(server: str) -> None:
    """The body is read inside the block, and the client closed after it."""
    with _api.stream("POST", f"{server}/", content=b"body", trust_env=False) as response:
        assert response.read().endswith(b"body")
    assert response.is_closed
