"""The worlds, and a watch over descriptors: no test of the exchange leaves one behind."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from tests.worlds.fixture import *  # noqa: F403


def descriptors() -> set[str]:
    """Return the open sockets and polls of this process. uvloop keeps a pipe of its own for ever."""
    found: set[str] = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} -> {os.readlink(f'/proc/self/fd/{number}')}")
        except OSError:
            continue
    return {entry for entry in found if "socket:" in entry or "eventpoll" in entry}


@pytest.fixture(autouse=True)
def _no_descriptor_is_lost() -> Iterator[None]:
    """Fail the test that ends with a descriptor that it did not begin with."""
    before = descriptors()
    yield
    if descriptors() - before:
        gc.collect()
    left = sorted(descriptors() - before)
    assert not left, f"left behind: {left}"
