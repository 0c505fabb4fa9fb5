"""WSGITransport: a WSGI app in this process, called as PEP 3333 says and read as it makes its body."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

import pytest

from borzoi import Client, Request, WSGITransport
from borzoi._errors import RemoteProtocolError

StartResponse = Callable[..., Callable[[bytes], object]]
OK = ("200 OK", [("Content-Type", "text/plain")])


class Closing:
    """An iterable that counts how often it was closed, and how far it was read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = iter(pieces)
        self.given = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.given += 1
        return next(self.pieces)

    def close(self) -> None:
        self.closed += 1


def client_of(app: Any, **options: Any) -> Client:
    return Client(transport=WSGITransport(app, **options), base_url="http://app.example")


def environ_of(request: Request, **options: Any) -> dict[str, Any]:
    """Send a request and return what the app was told."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        seen.update(environ)
        start_response(*OK)
        return []

    WSGITransport(app, **options).handle_request(request).close()
    return seen


def failing(at: int = 0) -> Iterator[bytes]:
    for _ in range(at):
        yield b"piece"
    raise LookupError("lost")


def test_an_app_answers() -> None:
    """Status, headers and body of the app are those of the response."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("418 I'm a Teapot", [("X-A", "1"), ("X-A", "2\xe9")])
        return [b"short", b" and stout"]

    with client_of(app) as client:
        response = client.get("/")

    assert (response.status_code, response.content) == (418, b"short and stout")
    assert response.headers.raw == [(b"X-A", b"1"), (b"X-A", b"2\xe9")]


def test_the_app_is_called_as_the_validator_of_the_standard_library_demands() -> None:
    """wsgiref's validator finds nothing wrong with how the app is called, read and closed."""

    @validator
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read(5)]

    with client_of(app) as client:
        assert client.post("/%20?a=b", content=b"hello").content == b"hello"


def test_the_environment_is_complete() -> None:
    """The environment names the request, its headers, the server and the client."""
    request = Request(
        "POST",
        "https://app.example/a%20b/caf%C3%A9?x=%20y",
        headers=[("X-Many", "1"), ("X-Many", "2"), ("Cookie", "a=b"), ("Cookie", "c=d"), ("Content-Type", "text/x")],
        content=b"body",
    )
    errors = io.StringIO()

    environ = environ_of(request, script_name="/mount", remote_addr="10.0.0.1", wsgi_errors=errors)

    assert environ.pop("wsgi.input").read() == b"body"
    assert environ.pop("wsgi.errors") is errors
    assert {name: environ[name] for name in environ if name not in ("HTTP_ACCEPT", "HTTP_USER_AGENT")} == {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "/mount",
        "PATH_INFO": "/a b/caf\xc3\xa9",
        "QUERY_STRING": "x=%20y",
        "SERVER_NAME": "app.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_HOST": "app.example",
        "HTTP_X_MANY": "1, 2",
        "HTTP_COOKIE": "a=b; c=d",
        "CONTENT_TYPE": "text/x",
        "CONTENT_LENGTH": "4",
    }


def test_defaults_of_the_environment() -> None:
    """Errors go to standard error, and the port is that of the URL."""
    environ = environ_of(Request("GET", "http://app.example:8080/"))

    assert environ["wsgi.errors"] is sys.stderr
    assert (environ["SERVER_PORT"], environ["REMOTE_ADDR"], environ["SCRIPT_NAME"]) == ("8080", "127.0.0.1", "")
    assert "CONTENT_LENGTH" not in environ


def test_a_body_sent_in_chunks_has_a_length() -> None:
    """An upload without a length is read as a whole, and its length told, since most apps read no more than that."""
    environ = environ_of(Request("POST", "http://app.example/", content=iter([b"one", b"two"])))

    assert environ["CONTENT_LENGTH"] == "6"
    assert environ["wsgi.input"].read() == b"onetwo"


def test_the_body_is_made_while_it_is_read() -> None:
    """The app is asked for its next piece when the one before has been read, and empty pieces are passed over."""
    body = Closing([b"", b"one", b"", b"two", b"three"])

    def app(environ: dict[str, Any], start_response: StartResponse) -> Closing:
        start_response(*OK)
        return body

    with client_of(app) as client, client.stream("GET", "/") as response:
        assert body.given == 2
        pieces = response.iter_raw()
        assert (next(pieces), body.given) == (b"one", 2)
        assert (next(pieces), body.given) == (b"two", 4)
        assert body.closed == 0
    assert (body.given, body.closed) == (4, 1)


def test_the_body_is_closed_once_it_is_read() -> None:
    """A body that was read to its end is closed, once."""
    body = Closing([b"all"])

    def app(environ: dict[str, Any], start_response: StartResponse) -> Closing:
        start_response(*OK)
        return body

    with client_of(app) as client:
        response = client.get("/")
    response.close()

    assert (response.content, body.closed) == (b"all", 1)


def test_an_app_may_be_a_generator() -> None:
    """An app that calls start_response() when it is first asked for bytes, or for the end, is understood."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response("201 Created", [("X-Late", "yes")])
        if environ["PATH_INFO"] == "/full":
            yield b"body"

    with client_of(app) as client:
        assert client.get("/full").content == b"body"
        assert (client.get("/empty").content, client.get("/empty").status_code) == (b"", 201)


def test_write_comes_before_what_is_returned() -> None:
    """Bytes given to write() come in their order with those of the iterable, also from within it."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        write = start_response(*OK)
        write(b"1")
        write(b"")

        def pieces() -> Iterator[bytes]:
            yield b"2"
            write(b"3")
            yield b"4"
            write(b"5")

        return pieces()

    with client_of(app) as client:
        assert client.get("/").content == b"12345"


def test_head_has_no_body() -> None:
    """What an app gives to HEAD is made, and left out."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response(*OK)
        return [b"left", b"out"]

    with client_of(app) as client:
        assert client.head("/").content == b""


def test_an_error_of_the_app_is_raised() -> None:
    """What the app raises before its first bytes is raised, and its iterable is closed."""
    body = Closing(failing())

    def early(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        raise LookupError("lost")

    def late(environ: dict[str, Any], start_response: StartResponse) -> Closing:
        start_response(*OK)
        return body

    for app in (early, late):
        with client_of(app) as client, pytest.raises(LookupError, match="lost"):
            client.get("/")
    assert body.closed == 1


def test_an_error_of_the_app_is_a_500_when_not_raised() -> None:
    """With raise_app_exceptions=False an app that fails before its first bytes is an empty 500."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response(*OK)(b"dropped")
        raise LookupError("lost")

    with client_of(app, raise_app_exceptions=False) as client:
        response = client.get("/")

    assert (response.status_code, response.content, len(response.headers)) == (500, b"", 0)


def reporting(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    start_response(*OK)
    try:
        raise LookupError("reported")
    except LookupError:
        start_response("500 Oops", [("X-Error", "page")], sys.exc_info())
    return [b"an error page"]


def test_an_error_that_the_app_reports_is_raised() -> None:
    """An error given to start_response() as exc_info is raised, or with raise_app_exceptions=False its page is shown."""
    with client_of(reporting) as client, pytest.raises(LookupError, match="reported"):
        client.get("/")

    with client_of(reporting, raise_app_exceptions=False) as client:
        response = client.get("/")
    assert (response.status_code, response.text, response.headers["x-error"]) == (500, "an error page", "page")


def test_an_error_in_the_middle_of_the_body() -> None:
    """An app that fails after its first bytes raises where it is read; not raised, it is a response that was cut."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response(*OK)
        return failing(at=2)

    with client_of(app) as client, pytest.raises(LookupError, match="lost"):
        client.get("/")

    with client_of(app, raise_app_exceptions=False) as client:
        with client.stream("GET", "/") as response:
            pieces = response.iter_raw()
            assert (next(pieces), next(pieces)) == (b"piece", b"piece")
            with pytest.raises(RemoteProtocolError, match="failed before its response was complete") as caught:
                next(pieces)
    assert isinstance(caught.value.__cause__, LookupError)
    assert caught.value.request.url.path == "/"


def test_an_error_reported_after_the_head_is_raised_in_the_app() -> None:
    """start_response() with exc_info raises that error once the head is out, as PEP 3333 demands."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response(*OK)
        yield b"first"
        try:
            raise LookupError("late")
        except LookupError:
            start_response("500 Oops", [], sys.exc_info())

    with client_of(app) as client, pytest.raises(LookupError, match="late"):
        client.get("/")


def test_start_response_is_called_once() -> None:
    """A second call without exc_info is an error of the app."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response(*OK)
        start_response(*OK)
        return []

    with client_of(app) as client, pytest.raises(RuntimeError, match="twice without exc_info"):
        client.get("/")


def test_start_response_is_called_at_all() -> None:
    """An app that gives a body and no head breaks the protocol, and is closed."""
    body = Closing([b"headless"])

    with client_of(lambda environ, start_response: body) as client:
        with pytest.raises(RemoteProtocolError, match="without calling start_response"):
            client.get("/")
    assert body.closed == 1
