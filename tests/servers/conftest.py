"""The worlds, the servers that are there, and certificates for them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias, TypeVar

import pytest

from tests.servers.cells import cells_of, parameters_of
from tests.servers.files import write_files
from tests.servers.origins import ORIGINS, Origin, nginx
from tests.servers.processes import available
from tests.worlds.certificates import authority
from tests.worlds.world import WORLDS, World

Directories: TypeAlias = Callable[[str], Path]

Running = TypeVar("Running")

NEEDS = {"test_origins.py": ORIGINS.keys(), "test_proxies.py": {"nginx"}}
"""Without any of these servers a module has nothing to test. The ordinary run has none: see scripts/servers/."""

collect_ignore = [module for module, needed in NEEDS.items() if not needed & available().keys()]


KINDS_OF_WORLDS = ["blocking", "asyncio", "trio"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In short, run each test of a cell in one world only, by turns: each row of the table still sees all of them."""
    if not os.environ.get("BORZOI_SERVERS_SHORT"):
        return
    turns: dict[tuple[str, str], int] = {}
    left_out = []
    for item in items:
        cell, world = _place(item)
        if not cell:
            continue
        function = item.nodeid.partition("[")[0]
        turn = turns.setdefault((function, cell), len(turns))
        if world != KINDS_OF_WORLDS[turn % len(KINDS_OF_WORLDS)]:
            left_out.append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def _place(item: pytest.Item) -> tuple[str, str]:
    """Return what a test is about besides its world, and the world; nothing for a test that has no cell."""
    return "".join(map(repr, cells_of(item))), str(parameters_of(item).get("world", ""))


@contextlib.contextmanager
def started(
    request: pytest.FixtureRequest, starts: Mapping[str, Callable[[], AbstractContextManager[Running]]]
) -> Generator[Callable[[str], Running]]:
    """Start all that the tests of this run need of `starts`, at once, give what waits for one of them, and end them."""
    # Made here: each of several threads that ask for it at the same time would make one of its own.
    authority()
    needed = {cell.program: None for item in request.session.items for cell in cells_of(item) if cell.program in starts}
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as threads:
        starting = {name: threads.submit(stack.enter_context, starts[name]()) for name in needed}
        yield lambda name: starting[name].result()


@pytest.fixture(params=KINDS_OF_WORLDS)
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
def files(directories: Directories) -> Path:
    """The files that the servers have."""
    directory = directories("files")
    write_files(directory)
    return directory


@pytest.fixture(scope="session")
def origin(directories: Directories, files: Path) -> Iterator[Origin]:
    """nginx, in each of its protocols."""
    with nginx(directories("origin"), files) as running:
        yield running
