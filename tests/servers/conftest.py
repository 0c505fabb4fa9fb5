"""The worlds, the servers that are there, and certificates for them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.servers.origins import Origin, nginx
from tests.servers.processes import available
from tests.worlds.world import WORLDS, World

Directories: TypeAlias = Callable[[str], Path]

NEEDS = {"test_origins.py": {"nginx", "hypercorn", "uvicorn", "granian"}, "test_proxies.py": {"nginx"}}
"""Without any of these servers a module has nothing to test. The ordinary run has none: see scripts/servers.py."""

collect_ignore = [module for module, needed in NEEDS.items() if not needed & available().keys()]


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def world(request: pytest.FixtureRequest) -> World:
    """Each world in turn."""
    return WORLDS[request.param]


@pytest.fixture(scope="session")
def directories() -> Iterator[Directories]:
    """Give each server a directory of its own, one that it can use when it has given up root's rights."""
    with tempfile.TemporaryDirectory(prefix="borzoi-servers-") as root:
        os.chmod(root, 0o755)

        def directory(name: str) -> Path:
            path = Path(root, name)
            path.mkdir()
            path.chmod(0o777)
            return path

        yield directory


@pytest.fixture(scope="session")
def origin(directories: Directories) -> Iterator[Origin]:
    """nginx, with and without TLS."""
    with nginx(directories("origin")) as running:
        yield running
