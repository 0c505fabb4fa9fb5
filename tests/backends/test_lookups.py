"""Lookups on threads, and the forms that addresses are given in."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from borzoi._backends.lookups import MAX_THREADS, ResolverThreads, interleave_families, literal_address, look_up


def _v4(host: str) -> Any:
    return socket.AF_INET, (host, 80)


def _v6(host: str) -> Any:
    return socket.AF_INET6, (host, 80, 0, 0)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", (socket.AF_INET, ("127.0.0.1", 80))),
        ("::1", (socket.AF_INET6, ("::1", 80, 0, 0))),
        ("::ffff:1.2.3.4", (socket.AF_INET6, ("::ffff:1.2.3.4", 80, 0, 0))),
        ("fe80::1%lo", None),
        ("1.2.3", None),
        ("127.0.0.1.test", None),
        ("host1", None),
        ("12::zz", None),
        ("", None),
    ],
)
def test_literals(host: str, address: object) -> None:
    """IPv4 and IPv6 literals are addresses; names, half addresses and zones are for the system."""
    assert literal_address(host, 80) == address


@pytest.mark.parametrize(
    ("given", "mixed"),
    [
        ([], []),
        ([_v4("a"), _v4("b")], [_v4("a"), _v4("b")]),
        ([_v6("a"), _v6("b"), _v4("c"), _v6("d")], [_v6("a"), _v4("c"), _v6("b"), _v6("d")]),
        ([_v4("a"), _v6("b"), _v6("c"), _v6("d")], [_v4("a"), _v6("b"), _v6("c"), _v6("d")]),
    ],
)
def test_families_take_turns(given: list[Any], mixed: list[Any]) -> None:
    """Families alternate, beginning with the first address's, and keep their order (RFC 8305, section 4)."""
    assert interleave_families(given) == mixed


def test_what_a_resolver_names_takes_turns_too() -> None:
    """Families alternate in what a program's function returns, each address once, as the system's do."""
    named = ["192.0.2.1", "192.0.2.2", ("192.0.2.1", 80), "2001:db8::1"]
    assert look_up("name.test", 80, lambda host, port: named) == [
        (socket.AF_INET, ("192.0.2.1", 80)),
        (socket.AF_INET6, ("2001:db8::1", 80, 0, 0)),
        (socket.AF_INET, ("192.0.2.2", 80)),
    ]


class Lookup:
    """Ask the system for a name."""

    def __init__(self, host: str, port: int, done: Callable[[object], None]) -> None:
        self.host = host
        self.port = port
        self.done = done

    def answer(self) -> None:
        """Tell what was found."""
        self.done(look_up(self.host, self.port))


class Answers:
    """Collects what lookups find."""

    def __init__(self) -> None:
        self.outcomes: list[object] = []
        self.came = threading.Semaphore(0)

    def done(self, outcome: object) -> None:
        """Note an outcome."""
        self.outcomes.append(outcome)
        self.came.release()

    def wait(self, count: int) -> None:
        """Wait for so many."""
        for _ in range(count):
            assert self.came.acquire(timeout=10)


def _resolver_threads() -> int:
    return sum(thread.name == "borzoi-resolver" for thread in threading.enumerate())


def test_threads_are_started_as_they_are_needed_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lookups one after another share a thread; hanging ones get more, up to the limit; those behind wait, none is lost."""
    release = threading.Event()
    entered = threading.Semaphore(0)

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        if host == "hangs":
            entered.release()
            assert release.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    before = _resolver_threads()
    resolver, answers = ResolverThreads(), Answers()

    for _ in range(5):
        resolver.submit(Lookup("quick", 80, answers.done))
        answers.wait(1)
    # A thread answers before it counts itself idle, so a second one may have been started.
    assert 1 <= _resolver_threads() - before <= 5

    try:
        for _ in range(MAX_THREADS + 4):
            resolver.submit(Lookup("hangs", 80, answers.done))
        for _ in range(MAX_THREADS):
            assert entered.acquire(timeout=10)
        assert _resolver_threads() - before == MAX_THREADS
        resolver.submit(Lookup("last", 80, answers.done))
    finally:
        release.set()
    answers.wait(MAX_THREADS + 5)
    assert _resolver_threads() - before == MAX_THREADS
    assert [_v4("last")] in answers.outcomes


def test_without_threads_a_lookup_is_an_oserror(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no thread to give, asking is an OSError; once there is one, it serves all."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver, answers = ResolverThreads(), Answers()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="no thread to look up the name on: can't start new thread"):
            resolver.submit(Lookup("localhost", 80, answers.done))

    resolver.submit(Lookup("localhost", 80, answers.done))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        resolver.submit(Lookup("localhost", 80, answers.done))
    answers.wait(2)
    assert all(isinstance(outcome, list) for outcome in answers.outcomes)


@pytest.mark.parametrize(
    ("answer", "addresses"),
    [
        (["127.0.0.1"], [("127.0.0.1", 80)]),
        (("::1", "127.0.0.1", "::1"), [("::1", 80, 0, 0), ("127.0.0.1", 80)]),
        ([ipaddress.ip_address("10.0.0.1")], [("10.0.0.1", 80)]),
        ([("10.0.0.1", 8080)], [("10.0.0.1", 8080)]),
        (iter(["127.0.0.1"]), [("127.0.0.1", 80)]),
        ([], []),
    ],
)
def test_forms_of_addresses(answer: Any, addresses: list[Any]) -> None:
    """A program's resolver names addresses as text, as objects, or with a port; they come in the order to try them."""
    assert [address for _, address in cast("list[Any]", look_up("host", 80, lambda host, port: answer))] == addresses


@pytest.mark.parametrize("answer", ["127.0.0.1", b"127.0.0.1", 7])
def test_what_is_no_list_of_addresses(answer: Any) -> None:
    """One address without a list around it, or anything else, is told as the program's mistake."""
    outcome = look_up("host", 80, lambda host, port: answer)

    assert isinstance(outcome, TypeError)
    assert str(outcome) == f"the resolver returned {type(answer).__name__}, and not a list of addresses"


def test_a_coroutine_is_no_list_of_addresses() -> None:
    """A coroutine where addresses belong is closed, and told as the program's mistake."""

    async def answer() -> None: ...

    outcome = look_up("host", 80, lambda host, port: answer())
    assert str(outcome) == "the resolver returned coroutine, and not a list of addresses"


def test_a_name_is_no_address() -> None:
    """A program's resolver gives addresses: a name among them is not looked up."""
    assert isinstance(look_up("host", 80, lambda host, port: ["localhost"]), socket.gaierror)
