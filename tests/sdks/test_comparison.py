"""The comparison itself, without any SDK: what differs is found, what is listed is let through, nothing else is."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.sdks.calls import Calls, raised
from tests.sdks.comparison import differing
from tests.sdks.differences import DIFFERENCES, Difference
from tests.sdks.seen import seen
from tests.sdks.server import BROKEN, STALLED, Server, answer_events, answer_json, serving

GET = b"GET /a?b=%20c&b= HTTP/1.1\r\nHost: h\r\nX-One: 1\r\n\r\n"


def exchange(server: Server, request: bytes, size: int = 65536) -> bytes:
    """Send bytes, and return what comes until the end, or so much of it."""
    with socket.create_connection(server.server_address[:2], timeout=5) as connection:
        connection.sendall(request)
        received = b""
        while len(received) < size and (chunk := connection.recv(65536)):
            received += chunk
        return received


def same(call: Any) -> tuple[Any, Any]:
    """Make a call twice, and return what came of it."""
    calls = Calls()
    calls(call)
    return calls.outcomes()[call.__name__], calls.outcomes()[call.__name__]


@pytest.mark.parametrize(
    ("own", "ours", "paths"),
    [
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "x"}]}, []),
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}, ["/a/1/b"]),
        ({"a": 1}, {"b": 1}, ["/a", "/b"]),
        ([1, 2], [1], [""]),
        (1, True, [""]),
        (1, 1.0, [""]),
        (None, {}, [""]),
    ],
)
def test_what_differs_is_found(own: Any, ours: Any, paths: list[str]) -> None:
    """Each place in which two outcomes differ is named, by type as well as by value."""
    assert [path for path, _, _ in differing(own, ours)] == paths


def test_only_what_is_listed_is_let_through() -> None:
    """A listed difference covers the place, the texts, the SDK and the call that it names, and no others."""
    entry = Difference("name", "why", path="/seen/*", own='"a*"', ours='"b"', sdk="one", call="first")

    assert entry.covers("one", "first", ("/seen/text", '"a1"', '"b"'))
    assert not entry.covers("two", "first", ("/seen/text", '"a1"', '"b"'))
    assert not entry.covers("one", "second", ("/seen/text", '"a1"', '"b"'))
    assert not entry.covers("one", "first", ("/recorded/text", '"a1"', '"b"'))
    assert not entry.covers("one", "first", ("/seen/text", '"a1"', '"c"'))


def test_each_listed_difference_says_why() -> None:
    """A sentence goes with every difference."""
    assert [entry.name for entry in DIFFERENCES if not entry.why.endswith(".")] == []


def test_two_runs_are_equal() -> None:
    """What varies between any two runs is taken away: ports, addresses, UUIDs, boundaries."""

    def call(server: Server) -> Any:
        server.answer(answer_json({"a": 1}))
        exchange(server, GET.replace(b"X-One: 1", f"X-One: {server.host}\r\nConnection: close".encode()))
        return [server.url, object(), f"{id(server):032x}", ("one", b"two"), raised(int, "x")]

    first, second = same(call)
    assert list(differing(first, second)) == []
    assert first["recorded"][0]["query"] == [["b", " c"], ["b", ""]]
    assert ["X-One", "server.invalid"] in first["recorded"][0]["headers"]


def test_exceptions_are_told_apart() -> None:
    """The class of an exception, its text, what it holds and what it came from all count."""
    error = ValueError("one")
    error.__cause__ = KeyError("two")
    told = seen(error)

    assert (told["raised"], told["text"], told["from"]["raised"]) == ("builtins.ValueError", "one", "builtins.KeyError")
    assert list(differing(told, seen(ValueError("one")))) != []
    assert list(differing(seen(TypeError("one")), seen(ValueError("one")))) != []


def test_the_server_answers_in_turn() -> None:
    """Each request gets the next answer, and one that finds none left is told so."""
    with serving() as server:
        server.answer(answer_json({"n": 1}), answer_events({"n": 2}))
        ask = GET.replace(b"X-One: 1", b"Connection: close")
        answers = [exchange(server, ask) for _ in range(3)]

    assert answers[0].endswith(b'{"n": 1}')
    assert answers[1].endswith(b'\r\ndata: {"n": 2}\n\n\r\n0\r\n\r\n')
    assert answers[2].startswith(b"HTTP/1.1 418 ")
    assert [request.target for request in server.requests] == ["/a?b=%20c&b="] * 3


def test_the_server_fails_as_it_is_told() -> None:
    """A broken answer ends the connection; a stalled one says nothing until the server is closed."""
    with serving() as server:
        server.answer(BROKEN, answer_json([1])._replace(breaks=True), STALLED)
        assert exchange(server, GET) == b""
        assert b"Content-Length: 4" in exchange(server, GET)
        with socket.create_connection(server.server_address[:2], timeout=5) as connection:
            connection.sendall(GET)
            server.wait_for_requests(3)
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.recv(1)


def test_a_chunk_can_wait_for_a_request() -> None:
    """A number between chunks holds back what follows until so many requests have come."""
    with serving() as server:
        server.answer(answer_events("data: 1\n\n", 2, "data: 2\n\n"), answer_json({}))
        with socket.create_connection(server.server_address[:2], timeout=5) as connection:
            connection.sendall(GET.replace(b"X-One: 1", b"Connection: close"))
            received = b""
            while b"data: 1" not in received:
                received += connection.recv(65536)
            assert b"data: 2" not in received
            exchange(server, GET.replace(b"X-One: 1", b"Connection: close"))
            while chunk := connection.recv(65536):
                received += chunk

    assert received.endswith(b"data: 2\n\n\r\n0\r\n\r\n")
