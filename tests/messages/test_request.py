"""Requests: their headers, their bodies, and what may be done with them."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from borzoi._errors import RequestNotRead, StreamClosed, StreamConsumed
from borzoi._messages.request import Request
from borzoi._messages.streams import AsyncByteStream, SyncByteStream
from borzoi._values.headers import Headers
from borzoi._values.url import URL


def generator() -> Iterator[bytes]:
    yield b"bor"
    yield b"zoi"


async def async_generator() -> AsyncIterator[bytes]:
    yield b"bor"
    yield b"zoi"


class Blocking(SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        return generator()


class Looping(AsyncByteStream):
    def __aiter__(self) -> AsyncIterator[bytes]:
        return async_generator()


class Sub(Request):
    """A request of a program's own kind."""


def raw(**arguments: Any) -> list[tuple[bytes, bytes]]:
    return Request(**({"method": "GET", "url": "https://example.org:8443/a"} | arguments)).headers.raw


def test_a_plain_request() -> None:
    """Method, URL, Host and nothing else."""
    request = Request("get", "https://example.org/a?b=c")

    assert request.method == "GET"
    assert request.url == URL("https://example.org/a?b=c")
    assert request.headers.raw == [(b"Host", b"example.org")]
    assert request.content == request.read() == b""
    assert asyncio.run(request.aread()) == b""
    assert request.extensions == {}
    assert request.is_replayable
    assert repr(request) == "<Request('GET', 'https://example.org/a?b=c')>"


def test_the_url_may_be_given_as_one_and_with_params() -> None:
    """A URL is taken as it is, params replace its query, and what is neither URL nor text is named."""
    url = URL("https://example.org/?a=b")

    assert Request("GET", url).url is url
    assert str(Request("GET", url, params={"c": "d"}).url) == "https://example.org/?c=d"
    assert str(Request("GET", "https://example.org/?a=b", params={"c": "d"}).url) == "https://example.org/?c=d"
    with pytest.raises(TypeError, match="url"):
        Request("GET", 5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({}, [(b"Host", b"example.org:8443")]),
        ({"headers": {"X": "y"}}, [(b"Host", b"example.org:8443"), (b"X", b"y")]),
        ({"headers": {"host": "other"}}, [(b"host", b"other")]),
        ({"method": "POST"}, [(b"Host", b"example.org:8443"), (b"Content-Length", b"0")]),
        (
            {"method": "PUT", "headers": {"X": "y"}},
            [(b"Host", b"example.org:8443"), (b"Content-Length", b"0"), (b"X", b"y")],
        ),
        (
            {"method": "PATCH", "headers": {"content-length": "0"}},
            [(b"Host", b"example.org:8443"), (b"content-length", b"0")],
        ),
        (
            {"method": "POST", "headers": {"Transfer-Encoding": "chunked"}},
            [(b"Host", b"example.org:8443"), (b"Transfer-Encoding", b"chunked")],
        ),
        (
            {"content": b"x", "headers": {"X": "y"}},
            [(b"Host", b"example.org:8443"), (b"X", b"y"), (b"Content-Length", b"1")],
        ),
        (
            {"json": 1},
            [(b"Host", b"example.org:8443"), (b"Content-Length", b"1"), (b"Content-Type", b"application/json")],
        ),
        (
            {"json": 1, "headers": {"content-type": "x/y"}},
            [(b"Host", b"example.org:8443"), (b"content-type", b"x/y"), (b"Content-Length", b"1")],
        ),
        ({"content": [b"x"]}, [(b"Host", b"example.org:8443"), (b"Transfer-Encoding", b"chunked")]),
        (
            {"content": [b"x"], "headers": {"Content-Length": "1"}},
            [(b"Host", b"example.org:8443"), (b"Content-Length", b"1")],
        ),
        ({"cookies": {"a": "b"}}, [(b"Host", b"example.org:8443"), (b"Cookie", b"a=b")]),
    ],
)
def test_headers_are_completed(arguments: dict[str, Any], headers: list[tuple[bytes, bytes]]) -> None:
    """Host comes first, then what was given, then what describes the body and was not given."""
    assert raw(**arguments) == headers


def test_a_request_never_has_two_framings() -> None:
    """RFC 9112 6.2: a Transfer-Encoding that the program set keeps Content-Length away."""
    assert raw(content=b"x", headers={"Transfer-Encoding": "chunked"}) == [
        (b"Host", b"example.org:8443"),
        (b"Transfer-Encoding", b"chunked"),
    ]


def test_an_empty_form_has_one_length() -> None:
    """A form without a value is a body of no bytes, and says so once."""
    request = Request("POST", "https://example.org", data={"a": []})

    assert request.headers.get_list("content-length") == ["0"]


def test_a_url_without_a_host_gives_no_host() -> None:
    """A relative URL names no host, so none is sent."""
    assert Request("GET", "/a").headers.raw == []


def test_the_headers_of_the_program_are_left_alone() -> None:
    """Headers that were given do not change with the request, nor the request with them."""
    headers = Headers({"X": "y"})
    request = Request("POST", "https://example.org", headers=headers, json=1)
    headers["X"] = "z"
    request.headers["A"] = "b"

    assert headers.raw == [(b"X", b"z")]
    assert request.headers["X"] == "y"


def test_headers_can_be_assigned() -> None:
    """Any form of headers can be assigned."""
    request = Request("GET", "https://example.org")
    headers = Headers({"X": "y"})

    request.headers = headers
    assert request.headers is headers
    request.headers = {"A": "b"}  # type: ignore[assignment]
    assert request.headers.raw == [(b"A", b"b")]


def test_extensions_are_copied() -> None:
    """The mapping that the program passed is not written to."""
    extensions = {"timeout": 1}
    request = Request("GET", "https://example.org", extensions=extensions)
    request.extensions["x"] = 1

    assert extensions == {"timeout": 1}


def test_a_form_takes_the_boundary_of_the_content_type() -> None:
    """A boundary that the program chose in the header is the one in the body."""
    content_type = "multipart/form-data; boundary=dog"
    request = Request("POST", "https://example.org", files={"f": b"x"}, headers={"Content-Type": content_type})

    assert request.headers["Content-Type"] == content_type
    assert request.read().startswith(b"--dog\r\n")


def test_a_stream_comes_with_complete_headers() -> None:
    """With stream= nothing is added, not even Host."""
    stream = Blocking()
    request = Request("POST", "https://example.org", stream=stream)

    assert request.headers.raw == []
    assert request.stream is stream
    assert not request.is_replayable


def test_reading_a_stream_makes_it_replayable() -> None:
    """Once read, a generator can be sent any number of times."""
    request = Request("POST", "https://example.org", content=generator())

    with pytest.raises(RequestNotRead):
        request.content  # noqa: B018
    assert not request.is_replayable
    assert request.read() == request.content == b"borzoi"
    assert request.is_replayable
    assert list(request.stream) == [b"borzoi"]  # type: ignore[arg-type]


def test_reading_in_a_loop() -> None:
    """aread() reads async content, and keeps it."""
    request = Request("POST", "https://example.org", content=async_generator())

    assert asyncio.run(request.aread()) == request.content == b"borzoi"
    assert asyncio.run(request.aread()) == b"borzoi"


def test_reading_in_the_wrong_world() -> None:
    """An async body cannot be read without a loop, nor a blocking one in it."""
    with pytest.raises(RuntimeError, match="a sync iterator on an async stream"):
        Request("POST", "https://example.org", stream=Looping()).read()
    with pytest.raises(RuntimeError, match="an async iterator on an sync stream"):
        asyncio.run(Request("POST", "https://example.org", stream=Blocking()).aread())


def test_the_repr_hides_passwords() -> None:
    """A request may be logged: neither its password nor its body shows."""
    request = Request("POST", "https://user:hunter2@example.org/", content=b"secret")

    assert repr(request) == "<Request('POST', 'https://user:[secure]@example.org/')>"
    assert repr(Sub("GET", "https://example.org")).startswith("<Sub(")


def test_pickling() -> None:
    """A pickled request keeps everything but extensions, and its body in memory can be sent."""
    request = Request("POST", "https://example.org", json={"a": 1}, extensions={"x": 1})
    request.note = "mine"  # type: ignore[attr-defined]
    loaded = pickle.loads(pickle.dumps(request))

    assert (loaded.method, loaded.url, loaded.headers) == (request.method, request.url, request.headers)
    assert loaded.content == b'{"a":1}'
    assert list(loaded.stream) == [b'{"a":1}']
    assert loaded.extensions == {}
    assert loaded.note == "mine"


def test_pickling_a_stream() -> None:
    """A body that was not read does not travel."""
    loaded = pickle.loads(pickle.dumps(Request("POST", "https://example.org", content=generator())))

    with pytest.raises(RequestNotRead):
        loaded.content  # noqa: B018
    with pytest.raises(StreamClosed):
        loaded.read()


def test_copying() -> None:
    """copy.copy() gives a request of the same kind."""
    request = Sub("POST", "https://example.org", content=b"x")

    assert type(copy.copy(request)) is Sub
    assert copy.copy(request).content == b"x"


def test_replacing_nothing() -> None:
    """A replaced request is another one that is the same."""
    request = Sub("POST", "https://example.org", json=1, headers={"X": "y"}, extensions={"a": 1})
    request.note = "mine"  # type: ignore[attr-defined]
    new = request.replace()

    assert type(new) is Sub
    assert new is not request
    assert new.headers is not request.headers
    assert (new.method, new.url, new.headers, new.content) == ("POST", request.url, request.headers, b"1")
    assert new.extensions == {"a": 1}
    assert new.note == "mine"  # type: ignore[attr-defined]
    assert new.stream is request.stream


def test_replacing_the_url() -> None:
    """Host follows the URL, unless it was the program's own."""
    request = Request("GET", "https://example.org/a")

    assert request.replace(url="http://other/").headers.raw == [(b"Host", b"other")]
    request.headers["Host"] = "mine"
    assert request.replace(url="http://other/").headers.raw == [(b"Host", b"mine")]


def test_replacing_the_body() -> None:
    """The headers of the old body go with it."""
    request = Request("POST", "https://example.org", json={"a": 1}, headers={"X": "y"})
    new = request.replace(content=b"dog")

    assert new.content == b"dog"
    assert new.headers.raw == [(b"Host", b"example.org"), (b"X", b"y"), (b"Content-Length", b"3")]
    assert request.replace(method="GET", content=b"").headers.raw == [(b"Host", b"example.org"), (b"X", b"y")]
    assert request.content == b'{"a":1}'


def test_replacing_the_headers() -> None:
    """What describes the body stays with the body."""
    request = Request("POST", "https://example.org", json=1, headers={"X": "y"})
    new = request.replace(headers={"A": "b"})

    assert new.headers.raw == [
        (b"Host", b"example.org"),
        (b"A", b"b"),
        (b"Content-Length", b"1"),
        (b"Content-Type", b"application/json"),
    ]


def test_replacing_keeps_a_stream_that_can_be_sent_once() -> None:
    """A generator moves to the new request, and is still sent only once."""
    request = Request("POST", "https://example.org", content=generator())
    new = request.replace(method="PUT")

    assert new.read() == b"borzoi"
    with pytest.raises(StreamConsumed):
        request.read()


def test_replacing_does_not_empty_a_stream() -> None:
    """A stream that came with its own headers is not said to be empty."""
    request = Request("GET", "https://example.org", stream=Blocking())
    new = request.replace(method="POST", headers={"X": "y"})

    assert new.headers.raw == [(b"Host", b"example.org"), (b"X", b"y")]
    assert new.stream is request.stream


def test_replacing_what_does_not_exist() -> None:
    """Only the arguments of Request can be replaced."""
    with pytest.raises(TypeError, match="verb"):
        Request("GET", "https://example.org").replace(verb="PUT")  # type: ignore[call-arg]
