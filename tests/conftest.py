"""What holds for every test: no test leaves this machine, and property tests draw the same examples each time.

Warnings are errors (pyproject.toml). A test that asks for the fixture `nothing_leaks` ends with the descriptors and the
threads that it began with.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# The asserts of the modules beside the tests tell what they compared, too.
pytest.register_assert_rewrite("tests.faults")

hypothesis.settings.register_profile("default", deadline=None, derandomize=True)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=10_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


LONG = (
    "codes/",
    "compat/test_main.py",
    "compat/test_runner.py",
    "exchange/test_cancellation.py",
    "exchange/test_interrupts.py",
    "exchange/test_multiplexed_cancellation.py",
    "exchange/test_multiplexed_hostile.py",
    "exchange/test_proxy_kinds.py",
    "exchange/test_proxy_matrix.py",
    "faults/",
    "openapi/test_corpus.py",
    "openapi/test_examples.py",
    "openapi/test_typing.py",
    "testing/test_plugin.py",
    "testing/test_plugin_guard.py",
    "testing/test_specification.py",
    "wire/test_hpack.py",
    "wire/test_hpack_corpus.py",
    "wire/test_http1_fuzz.py",
    "wire/test_http2_differential.py",
    "wire/test_http2_fuzz.py",
    "worlds/test_loops.py",
)
"""What takes longest of the suite: `make test` leaves it to `make coverage`, which runs all."""


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers", "long: left out by `make test`, where the suite is to take less than five minutes"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes longest."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).as_posix().startswith(LONG):
            item.add_marker(pytest.mark.long)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep what is here before the first test out of every search for garbage: each would walk through all of it."""
    gc.collect()
    gc.freeze()


class OutsideNetwork(AssertionError):
    """A test was about to leave this machine."""


_attempts: list[str] = []
"""What was refused since the last test ended. Code under test may swallow the error, or raise it on another thread."""

_HOST_IS_FIRST = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_ADDRESS_IS_FIRST = {"socket.getnameinfo"}
_ADDRESS_IS_SECOND = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def _host_of(event: str, arguments: tuple[Any, ...]) -> Any:
    if event in _HOST_IS_FIRST:
        return arguments[0]
    if event in _ADDRESS_IS_FIRST:
        return arguments[0][0]
    if event in _ADDRESS_IS_SECOND and isinstance(arguments[1], tuple):
        return arguments[1][0]
    return None  # another event, or the path of a Unix socket


def _stays_here(host: Any) -> bool:
    if host is None:
        return True

    name = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
    if name in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_the_outside(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return

    host = _host_of(event, arguments)
    # A literal address asks no name server: `getaddrinfo` may read it, and `connect` is still refused.
    if _stays_here(host) or (event == "socket.getaddrinfo" and _is_literal(host)):
        return

    attempt = f"{event}({host!r})"
    _attempts.append(attempt)
    raise OutsideNetwork(f"{attempt}: tests stay on loopback.")


def _is_literal(host: Any) -> bool:
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return True


sys.addaudithook(_refuse_the_outside)


@pytest.fixture(autouse=True)
def _no_outside_network() -> Iterator[None]:
    """Fail the test that tried to leave this machine, even if the code under test swallowed the refusal."""
    _attempts.clear()
    yield
    attempts = list(_attempts)
    _attempts.clear()
    if attempts:
        pytest.fail(f"The test tried to leave this machine: {', '.join(attempts)}", pytrace=False)


@pytest.fixture
def refused_attempts() -> list[str]:
    """The attempts of this test to leave the machine. Who expects them clears the list."""
    return _attempts


def _open_descriptors() -> set[str]:
    found: set[str] = set()
    for number in os.listdir("/dev/fd"):
        try:
            target = os.readlink(f"/dev/fd/{number}")
        except OSError:  # the descriptor that listed the directory, or a system without links there
            continue
        found.add(f"{number} -> {target}")
    return found


@pytest.fixture
def nothing_leaks() -> Iterator[None]:
    """Fail the test that leaves a descriptor or a thread behind."""
    gc.collect()
    descriptors, threads = _open_descriptors(), set(threading.enumerate())
    yield
    gc.collect()
    left = sorted(_open_descriptors() - descriptors)
    left += sorted(thread.name for thread in set(threading.enumerate()) - threads)
    assert not left, f"left behind: {left}"
