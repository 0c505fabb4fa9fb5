"""Responses: what was answered, and the body once it was read."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from borzoi._errors import DecodingError, HTTPStatusError, ResponseNotRead, StreamClosed
from borzoi._messages.request import Request
from borzoi._messages.response import Response, received
from borzoi._values.headers import Headers
from tests.messages.test_streams import Chunked

REQUEST = Request("GET", "https://user:hunter2@example.org/dogs?a=b")


class Sub(Response):
    """A response of a program's own kind."""


def generator() -> Iterator[bytes]:
    yield b"bor"
    yield b"zoi"


def test_a_plain_response() -> None:
    """A response without a body has been read, and knows nothing of a request."""
    response = Response(200)

    assert (response.status_code, response.reason_phrase, response.http_version) == (200, "OK", "HTTP/1.1")
    assert response.headers.raw == []
    assert response.content == response.read() == b""
    assert response.text == ""
    assert (response.is_closed, response.is_stream_consumed) == (True, True)
    assert (response.history, response.extensions, response.links) == ([], {}, {})
    assert (response.next_request, response.num_bytes_downloaded) == (None, 0)
    assert repr(response) == "<Response [200 OK]>"
    for attribute in ("request", "url", "elapsed"):
        with pytest.raises(RuntimeError):
            getattr(response, attribute)


@pytest.mark.parametrize(
    ("arguments", "headers", "text"),
    [
        ({"content": b"borzoi"}, [(b"Content-Length", b"6")], "borzoi"),
        ({"text": "é"}, [(b"Content-Length", b"2"), (b"Content-Type", b"text/plain; charset=utf-8")], "é"),
        ({"html": "<p>"}, [(b"Content-Length", b"3"), (b"Content-Type", b"text/html; charset=utf-8")], "<p>"),
        ({"json": 1}, [(b"Content-Length", b"1"), (b"Content-Type", b"application/json")], "1"),
        ({"content": [b"a"]}, [(b"Transfer-Encoding", b"chunked")], "a"),
        ({"content": [b"a"], "headers": {"content-length": "1"}}, [(b"content-length", b"1")], "a"),
    ],
)
def test_bodies(arguments: dict[str, Any], headers: list[tuple[bytes, bytes]], text: str) -> None:
    """A body brings the headers that describe it, unless they were given."""
    response = Response(200, **arguments)
    response.read()

    assert response.headers.raw == headers
    assert response.text == text


def test_what_was_passed_is_copied() -> None:
    """Headers, extensions and history of the program do not change with the response."""
    headers, extensions, history = Headers({"a": "b"}), {"c": 1}, [Response(302)]
    response = Response(200, headers=headers, extensions=extensions, history=history, stream=iter_stream())
    response.headers["x"] = "y"
    response.extensions["x"] = 1
    response.history.clear()

    assert (headers.raw, extensions, len(history)) == ([(b"a", b"b")], {"c": 1}, 1)


def iter_stream() -> Any:
    return Response(200, content=generator()).stream


def test_what_a_transport_hands_over_is_not_copied() -> None:
    """The headers that come with a body of ours are nobody else's, and cost no copy."""
    pairs, extensions = [(b"A", b"b")], {"http_version": b"HTTP/2"}
    body = Chunked()
    response = received(200, pairs, True, extensions, body)

    assert response.status_code == 200
    assert response.headers.block.pairs is pairs
    assert response.extensions is extensions
    assert response.stream is body
    assert response.history == []


@pytest.mark.parametrize(
    ("extensions", "version", "reason"),
    [
        (None, "HTTP/1.1", "Not Found"),
        ({"http_version": b"HTTP/2", "reason_phrase": b"Gone fishing"}, "HTTP/2", "Gone fishing"),
        ({"reason_phrase": b"\xffno"}, "HTTP/1.1", "no"),
        ({"reason_phrase": b""}, "HTTP/1.1", ""),
    ],
)
def test_version_and_reason(extensions: dict[str, Any] | None, version: str, reason: str) -> None:
    """Version and reason come from the extensions, as far as they are ASCII."""
    response = Response(404, extensions=extensions)

    assert (response.http_version, response.reason_phrase) == (version, reason)


def test_a_status_without_a_name() -> None:
    """A status that no document names has no reason."""
    assert repr(Response(799)) == "<Response [799 ]>"


@pytest.mark.parametrize("status", [0, 99, 100, 199, 200, 299, 300, 399, 400, 499, 500, 599, 600])
def test_classes_of_status(status: int) -> None:
    """Each property is about one class; is_error is about two."""
    response = Response(status)
    found = {
        1: response.is_informational,
        2: response.is_success,
        3: response.is_redirect,
        4: response.is_client_error,
        5: response.is_server_error,
    }

    assert [number for number, is_it in found.items() if is_it] == ([status // 100] if 100 <= status < 600 else [])
    assert response.is_error is (status // 100 in (4, 5))


@pytest.mark.parametrize("status", [200, 300, 301, 302, 303, 304, 305, 307, 308])
def test_redirects_say_where(status: int) -> None:
    """Only five statuses redirect, and only with a Location."""
    assert Response(status, headers={"location": "/"}).has_redirect_location is (status in (301, 302, 303, 307, 308))
    assert not Response(status).has_redirect_location


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (100, {}, "Informational response '100 Continue' for url '{url}'\n{more}100"),
        (302, {"location": "/x"}, "Redirect response '302 Found' for url '{url}'\nRedirect location: '/x'\n{more}302"),
        (304, {}, "Redirect response '304 Not Modified' for url '{url}'\n{more}304"),
        (404, {}, "Client error '404 Not Found' for url '{url}'\n{more}404"),
        (500, {}, "Server error '500 Internal Server Error' for url '{url}'\n{more}500"),
        (600, {}, "Invalid status code '600 ' for url '{url}'\n{more}600"),
    ],
)
def test_raise_for_status(status: int, headers: dict[str, str], message: str) -> None:
    """The message tells status, URL without password, and where to read more; the error carries both messages."""
    response = Response(status, headers=headers, request=REQUEST)
    with pytest.raises(HTTPStatusError) as caught:
        response.raise_for_status()

    assert caught.value.request is REQUEST
    assert caught.value.response is response
    assert str(caught.value) == message.format(
        url="https://example.org/dogs?a=b",
        more="For more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/",
    )


def test_raise_for_status_of_success() -> None:
    """A success returns itself, and what belongs to no request cannot be judged."""
    response = Response(204, request=REQUEST)

    assert response.raise_for_status() is response
    with pytest.raises(RuntimeError, match="Cannot call `raise_for_status`"):
        Response(204).raise_for_status()


def test_the_request() -> None:
    """The request can be set, and gives the URL."""
    response = Response(200)
    response.request = REQUEST

    assert response.request is REQUEST
    assert response.url is REQUEST.url


def test_cookies() -> None:
    """Cookies are those that the response sets, collected once."""
    response = Response(200, headers=[("set-cookie", "a=b"), ("Set-Cookie", "c=d; Path=/")], request=REQUEST)

    assert dict(response.cookies) == {"a": "b", "c": "d"}
    assert response.cookies is response.cookies


def test_links() -> None:
    """Links are found by relation, or else by URL."""
    response = Response(200, headers={"link": "<a>; rel=next, <b>"})

    assert response.links == {"next": {"url": "a", "rel": "next"}, "b": {"url": "b"}}


@pytest.mark.parametrize(
    ("content_type", "default", "encoding"),
    [
        (None, "utf-8", "utf-8"),
        (None, "latin-1", "latin-1"),
        ("text/plain; charset=ISO-8859-1", "utf-8", "iso-8859-1"),
        ("text/plain; charset=nonsense", "utf-8", "utf-8"),
        ("text/plain; charset=rot13", "latin-1", "latin-1"),
        ("text/plain; charset=", "utf-8", "utf-8"),
        (None, lambda content: "utf-16", "utf-16"),
        (None, lambda content: None, "utf-8"),
        (None, lambda content: "rot13", "utf-8"),
        (None, lambda content: "nonsense", "utf-8"),
        ("text/plain; charset=ascii", lambda content: "utf-16", "ascii"),
    ],
)
def test_encodings(content_type: str | None, default: Any, encoding: str) -> None:
    """The charset counts if it can decode text, then the default, then UTF-8."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = Response(200, headers=headers, content=b"ab", default_encoding=default)

    assert response.encoding == response.encoding == encoding
    assert response.text == b"ab".decode(encoding)


def test_the_encoding_of_what_is_not_here_yet() -> None:
    """Before the content is here a guess cannot be made, and UTF-8 is not kept for one."""
    response = Response(200, content=generator(), default_encoding=lambda content: "latin-1")

    assert response.encoding == "utf-8"
    response.read()
    assert response.encoding == "latin-1"


def test_setting_the_encoding() -> None:
    """An encoding may be set until the text was made."""
    response = Response(200, content=b"\xe9")
    response.encoding = "latin-1"

    assert response.text == "é"
    with pytest.raises(ValueError, match="after `text` has been accessed"):
        response.encoding = "utf-8"


def test_an_unknown_encoding_of_the_program_is_an_error() -> None:
    """An encoding that the program set is not second-guessed."""
    response = Response(200, content=b"x")
    response.encoding = "nonsense"

    with pytest.raises(LookupError):
        response.text  # noqa: B018


def test_text_that_does_not_decode() -> None:
    """What does not decode is replaced."""
    assert Response(200, content=b"a\xff").text == "a\ufffd"
    assert Response(200, headers={"content-type": "x; charset=utf-16"}, content=b"\xd8").text == "\ufffd"


def test_json() -> None:
    """JSON is decoded as json.loads() does, arguments included, and may be of a type."""
    response = Response(200, content=b'{"a": 1.5}')

    assert response.json() == {"a": 1.5}
    assert response.json(parse_float=str) == {"a": "1.5"}
    assert response.json(type=dict[str, float]) == {"a": 1.5}
    assert Response(200, content="[1]".encode("utf-16")).json() == [1]


def test_json_that_is_none() -> None:
    """Without a type, what is not JSON raises what json raises."""
    with pytest.raises(json.JSONDecodeError):
        Response(200, content=b"<p>").json()
    with pytest.raises(UnicodeDecodeError):
        Response(200, content=b"\xff").json()


def test_json_errors_carry_the_request() -> None:
    """Errors of the tree know their request, and show no content."""
    deep = Response(200, content=b"[" * 200_000, request=REQUEST)
    with pytest.raises(DecodingError, match="nests too deeply") as caught:
        deep.json()
    assert caught.value.request is REQUEST

    wrong = Response(200, content=b'"hunter2"', request=REQUEST)
    with pytest.raises(DecodingError, match="expected int, got str") as caught:
        wrong.json(type=int)
    assert caught.value.request is REQUEST


def test_content_that_is_not_read() -> None:
    """Content, text and JSON of a stream that was not read are errors."""
    response = Response(200, content=generator())

    for get in (lambda: response.content, lambda: response.text, response.json):
        with pytest.raises(ResponseNotRead):
            get()


def test_elapsed_is_told_once_closed() -> None:
    """The time is fixed when the response is closed, and not known before."""
    times = iter([1.5, 9.0])
    response = Response(200, content=generator())
    response._elapsed_seconds = lambda: next(times)

    with pytest.raises(RuntimeError, match="after the response has been read or closed"):
        response.elapsed  # noqa: B018
    response.read()
    response.close()
    assert response.elapsed == response.elapsed == dt.timedelta(seconds=1.5)


def test_elapsed_of_what_was_closed_before() -> None:
    """Seconds, or a clock, that come after the end count as well; and any time can be set."""
    response = Response(200)
    response._elapsed_seconds = 2
    assert response.elapsed == dt.timedelta(seconds=2)

    response = Response(200)
    response._elapsed_seconds = lambda: 3.0
    assert response.elapsed == dt.timedelta(seconds=3)

    response.elapsed = dt.timedelta(days=1)
    assert response.elapsed == dt.timedelta(days=1)


def test_pickling_what_was_read() -> None:
    """A response that was read keeps what was said, except for extensions."""
    response = Response(404, json={"a": 1}, request=REQUEST, extensions={"x": 1}, history=[Response(302)])
    response._elapsed_seconds = 1.0
    loaded = pickle.loads(pickle.dumps(response))

    assert (loaded.status_code, loaded.headers, loaded.json()) == (404, response.headers, {"a": 1})
    assert loaded.request.url == REQUEST.url
    assert (loaded.is_closed, loaded.is_stream_consumed, loaded.extensions) == (True, True, {})
    assert [old.status_code for old in loaded.history] == [302]
    assert loaded.elapsed == dt.timedelta(seconds=1)
    assert loaded.read() == b'{"a":1}'
    assert list(loaded.iter_bytes()) == [b'{"a":1}']


def test_pickling_what_was_not_read() -> None:
    """A response that was not read comes back closed; what only works here stays here."""
    response = Response(200, content=generator())
    response._elapsed_seconds = lambda: 1.0
    loaded = pickle.loads(pickle.dumps(response))

    assert loaded.is_closed
    with pytest.raises(ResponseNotRead):
        loaded.content  # noqa: B018
    with pytest.raises(StreamClosed):
        loaded.read()
    with pytest.raises(RuntimeError):
        loaded.elapsed  # noqa: B018


def test_copying_and_changing_class() -> None:
    """Copies work, and a response may be made one of the program's own kind."""
    response = Response(200, content=b"x", request=REQUEST)
    copied = copy.copy(response)
    response.__class__ = Sub

    assert copied.content == b"x"
    assert copied.request is REQUEST
    assert isinstance(response, Sub)
    assert response.raise_for_status().text == "x"
