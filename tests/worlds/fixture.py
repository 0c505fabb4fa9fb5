"""The fixtures of the worlds. A conftest.py offers them with `from tests.worlds.fixture import *  # noqa: F403`."""

from __future__ import annotations

import pytest

from .world import ASYNC, REACTORS, WORLDS, World

__all__ = ["async_world", "reactor_world", "world"]


@pytest.fixture(params=list(WORLDS))
def world(request: pytest.FixtureRequest) -> World:
    """Each world in turn."""
    return WORLDS[request.param]


@pytest.fixture(params=ASYNC)
def async_world(request: pytest.FixtureRequest) -> World:
    """Each world in which something can be cancelled."""
    return WORLDS[request.param]


@pytest.fixture(params=REACTORS)
def reactor_world(request: pytest.FixtureRequest) -> World:
    """Each world of the reactor."""
    return WORLDS[request.param]
