"""Give a test the servers of its suite when they listen, for httpx-ws.

Its `server_factory` hands out a server as soon as its application has started, which is before the socket is bound. A
client of httpx takes longer to be made than that takes; ours does not.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

import pytest

PATIENCE = 20.0
"""Seconds that a server may take."""

Factory = Callable[..., AbstractContextManager[str]]


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any) -> Generator[None, Any, Any]:
    """Have the factory wait until its server listens."""
    made = yield
    if fixturedef.argname != "server_factory":
        return made
    waiting = _waiting(made)
    fixturedef.cached_result = (waiting, *fixturedef.cached_result[1:])
    return waiting


def _waiting(factory: Factory) -> Factory:
    @contextlib.contextmanager
    def server(*args: Any, **kwargs: Any) -> Generator[str]:
        with factory(*args, **kwargs) as path:
            until = time.monotonic() + PATIENCE
            while not _listens(path) and time.monotonic() < until:
                time.sleep(0.005)
            yield path

    return server


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0
