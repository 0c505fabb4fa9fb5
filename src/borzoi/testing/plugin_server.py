"""The fixture `http_server`, and its marker: a scripted server on loopback."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from .plugin_markers import marker_of, refuse

if TYPE_CHECKING:
    from .server import Server


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers",
        'http_server(tls=False, http2=True): settings of the fixture; tls=True, or "expired", "wrong_host", ...',
    )


@pytest.fixture
def http_server(request: pytest.FixtureRequest) -> Generator[Server]:
    """A real server on loopback with the routes of the test. The network guard lets it through."""
    from .plugin_guard import let_through
    from .server import Server

    marker = marker_of(request.node, "http_server", ("tls", "http2"))
    try:
        server = Server(request.node.nodeid, **({} if marker is None else marker.kwargs)).start()
    except ValueError as error:
        refuse("http_server", error)
    let_through(request.node, f"{server.host}:{server.port}")
    yield server
    text = server.finish()
    if text is not None:
        pytest.fail(text, pytrace=False)
