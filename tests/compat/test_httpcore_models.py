"""The values of httpcore's stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from borzoi._messages.streams import ByteStream
from borzoi.compat import httpcore_models
from borzoi.compat.httpcore_models import URL, Origin, Proxy, Request, Response, include_request_headers


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (b"https://host.example:8443/a/b?c=d", (b"https", b"host.example", 8443, b"/a/b?c=d")),
        ("http://host.example", (b"http", b"host.example", None, b"/")),
        ("http://[::1]:80/%7E", (b"http", b"::1", 80, b"/%7E")),
    ],
)
def test_a_url_is_cut_into_parts(url: str | bytes, parts: tuple[Any, ...]) -> None:
    """Text becomes four parts, which are not normalised."""
    cut = URL(url)
    assert (cut.scheme, cut.host, cut.port, cut.target) == parts
    assert cut == URL(scheme=parts[0], host=parts[1], port=parts[2], target=parts[3])
    assert hash(cut) == hash(URL(url))
    assert cut != str(url)


def test_a_url_is_written() -> None:
    """As bytes and for people, with a port only where it has one."""
    assert bytes(URL("http://host.example/x")) == b"http://host.example/x"
    assert bytes(URL("http://host.example:81/x")) == b"http://host.example:81/x"
    assert repr(URL("http://h/")) == "URL(scheme=b'http', host=b'h', port=None, target=b'/')"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://h/", "https://h:443"),
        ("ws://h/", "ws://h:80"),
        ("socks5://h/", "socks5://h:1080"),
        ("http://h:8/", "http://h:8"),
    ],
)
def test_an_origin_has_a_port(url: str, origin: str) -> None:
    """It is the port of the scheme where none is given."""
    assert str(URL(url).origin) == origin
    assert URL(url).origin == Origin(URL(url).scheme, b"h", int(origin.rpartition(":")[2]))
    assert len({URL(url).origin, URL(url).origin}) == 1
    assert URL(url).origin != origin


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Request(1, "http://h/"), "method must be bytes or str, but got int"),
        (lambda: Request("GÉT", "http://h/"), "method strings may not include unicode characters"),
        (lambda: Request("GET", 1), "url must be a URL, bytes, or str, but got int"),
        (lambda: Request("GET", "http://h/", headers=1), "headers must be a mapping or sequence of two-tuples"),
        (lambda: Request("GET", "http://h/", headers={"a": 1}), "header value must be bytes or str"),
        (lambda: Proxy("http://h/", auth=(1, "b")), "auth must be bytes or str"),
    ],
)
def test_what_is_no_text_is_refused(make: Any, message: str) -> None:
    """A TypeError names the argument."""
    with pytest.raises(TypeError, match=message):
        make()


def test_a_request_is_taken_as_it_is() -> None:
    """Its parts become bytes; the extension `target` replaces that of the URL."""
    request = Request("post", "http://h/a", headers={"A": b"b"}, content=b"c", extensions={"target": b"*"})
    assert (request.method, request.url.target, request.headers) == (b"post", b"*", [(b"A", b"b")])
    assert isinstance(request.stream, ByteStream)
    assert repr(request) == "<Request [b'post']>"
    assert Request("GET", URL("http://h/"), headers=[("a", "b")]).extensions == {}


@pytest.mark.parametrize(
    ("headers", "content", "complete"),
    [
        ([], None, [(b"Host", b"h:81")]),
        ([(b"host", b"x")], None, [(b"host", b"x")]),
        ([], b"abc", [(b"Host", b"h:81"), (b"Content-Length", b"3")]),
        ([], iter([b"abc"]), [(b"Host", b"h:81"), (b"Transfer-Encoding", b"chunked")]),
        ([(b"Content-length", b"1")], b"abc", [(b"Host", b"h:81"), (b"Content-length", b"1")]),
    ],
)
def test_headers_are_completed(headers: Any, content: Any, complete: Any) -> None:
    """Host, and the length of the content, unless they are there."""
    assert include_request_headers(headers, url=URL("http://h:81/"), content=content) == complete
    assert include_request_headers([], url=URL("http://h:80/"), content=None) == [(b"Host", b"h")]


class Chunks:
    """A body for both worlds, that knows whether it was closed."""

    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"a", b"b")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class AsyncOnly:
    """A body for event loops."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"x"


def test_a_response_is_read_once() -> None:
    """It is read as a whole or iterated over; reading again gives the same, iterating again an error."""
    stream = Chunks()
    response = Response(200, headers=[("a", "b")], content=stream)
    with pytest.raises(RuntimeError, match=r"Call 'response\.read\(\)' first"):
        _ = response.content
    assert (response.read(), response.read(), response.content) == (b"ab", b"ab", b"ab")
    with pytest.raises(RuntimeError, match="more than once"):
        next(response.iter_stream())
    response.close()
    assert stream.closed == 1
    assert repr(response) == "<Response [200]>"
    assert Response(204).read() == b""
    Response(204).close()


def test_a_response_is_awaited_once() -> None:
    """The same in an event loop."""

    async def body() -> None:
        stream = Chunks()
        response = Response(200, content=stream)
        assert (await response.aread(), await response.aread()) == (b"ab", b"ab")
        with pytest.raises(RuntimeError, match="more than once"):
            await anext(response.aiter_stream())
        await response.aclose()
        await Response(204).aclose()
        assert stream.closed == 1

        blocking = Response(200, content=iter([b"x"]))
        for call in (blocking.aread, blocking.aclose):
            with pytest.raises(RuntimeError, match="on a synchronous response"):
                await call()

    asyncio.run(body())


def test_a_response_of_the_other_world_is_refused() -> None:
    """A body that only an event loop can read is an error in blocking code."""
    response = Response(200, content=AsyncOnly())
    with pytest.raises(RuntimeError, match=r"await response\.aread\(\)"):
        _ = response.content
    for call in (response.read, response.close):
        with pytest.raises(RuntimeError, match="on an asynchronous response"):
            call()


def test_a_proxy_has_its_credentials_in_its_headers() -> None:
    """As Basic, before the others."""
    proxy = Proxy("http://p:3128/", auth=("user", b"secret"), headers={"X": "y"})
    assert proxy.auth == (b"user", b"secret")
    assert proxy.headers == [(b"Proxy-Authorization", b"Basic dXNlcjpzZWNyZXQ="), (b"X", b"y")]
    assert Proxy("http://p/").auth is None
    assert httpcore_models.DEFAULT_PORTS[b"wss"] == 443
