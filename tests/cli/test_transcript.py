"""What is shown of the wire: each step under its name in httpcore, and what no step told of."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

import borzoi
from borzoi.cli.transcript import Transcript

CERTIFICATE = {
    "subject": ((("countryName", "FR"), ("organizationName", "Dogs [red]")), (("commonName", "example.org"),)),
    "version": 3,
    "subjectAltName": (("DNS", "example.org"), ("DNS", "dogs.example")),
    "OCSP": ("http://ocsp.example",),
}


class TLS:
    """What a connection tells of its encryption."""

    def __init__(self, certificate: dict[str, Any]) -> None:
        self._certificate = certificate

    def version(self) -> str:
        return "TLSv1.3"

    def cipher(self) -> tuple[str, str, int]:
        return "TLS_AES_256_GCM_SHA384", "TLSv1.3", 256

    def selected_alpn_protocol(self) -> str | None:
        return "h2"

    def getpeercert(self) -> dict[str, Any]:
        return self._certificate


class Stream:
    """A connection, as trace events give it."""

    def __init__(self, **known: Any) -> None:
        self._known = known

    def get_extra_info(self, name: str) -> Any:
        return self._known[name]


def transcript(*, verbose: bool) -> tuple[Transcript, io.StringIO]:
    paper = io.StringIO()
    return Transcript(Console(file=paper, width=80), verbose=verbose), paper


def lines(paper: io.StringIO) -> list[str]:
    return [line.rstrip() for line in paper.getvalue().splitlines()]


def answer(**more: Any) -> borzoi.Response:
    request = borzoi.Request("GET", "http://example.org/a?b", headers={"X-Dog": "Laika"})
    return borzoi.Response(200, headers={"Server": "scripted"}, request=request, **more)


OURS = borzoi.Request("GET", "http://example.org/a?b", headers={"X-Dog": "Laika"})
HTTPCORES = SimpleNamespace(
    method=b"GET", url=SimpleNamespace(target=b"/a?b"), headers=[(b"Host", b"example.org"), (b"X-Dog", b"Laika")]
)


def test_connecting_is_shown() -> None:
    """A connection is shown as it is tried and as it is made."""
    told, paper = transcript(verbose=True)
    told.trace("connection.connect_tcp.started", {"host": "example.org", "port": 443})
    told.trace("connection.connect_tcp.complete", {"return_value": Stream(server_addr=("::1", 443, 0, 0))})

    assert lines(paper) == ["* Connecting to 'example.org'", "* Connected to '::1' on port 443"]


@pytest.mark.parametrize("name", ["connection", "proxy", "socks"])
def test_encryption_is_shown(name: str) -> None:
    """The version, the cipher, the protocol and the certificate are shown, whoever asked for the encryption."""
    told, paper = transcript(verbose=True)
    told.trace(f"{name}.start_tls.complete", {"return_value": Stream(ssl_object=TLS(CERTIFICATE))})

    assert lines(paper) == [
        "* SSL established using 'TLSv1.3' / 'TLS_AES_256_GCM_SHA384'",
        "* Selected ALPN protocol: 'h2'",
        "* Server certificate:",
        "*   subject:",
        "*     countryName: 'FR'",
        "*     organizationName: 'Dogs [red]'",
        "*     commonName: 'example.org'",
        "*   version: 3",
        "*   subjectAltName:",
        "*     DNS: 'example.org'",
        "*     DNS: 'dogs.example'",
        "*   OCSP:",
        "*     'http://ocsp.example'",
    ]


def test_a_certificate_that_was_not_looked_at_is_not_shown() -> None:
    """Without verification there is no certificate to show."""
    told, paper = transcript(verbose=True)
    told.trace("connection.start_tls.complete", {"return_value": Stream(ssl_object=TLS({}))})

    assert lines(paper)[1:] == ["* Selected ALPN protocol: 'h2'"]


@pytest.mark.parametrize("request_", [OURS, HTTPCORES], ids=["ours", "httpcore's"])
def test_a_request_is_shown(request_: Any) -> None:
    """The head of a request is shown when it is about to be sent, in lower case over HTTP/2."""
    told, paper = transcript(verbose=True)
    told.trace("http11.send_request_headers.started", {"request": request_})
    told.trace("http2.send_request_headers.started", {"request": request_})

    assert lines(paper) == [
        *("GET /a?b HTTP/1.1", "Host: example.org", "X-Dog: Laika", ""),
        *("GET /a?b HTTP/2", "host: example.org", "x-dog: Laika", ""),
    ]


def test_responses_are_shown() -> None:
    """The head of a response is shown when it has come, with the words for its status where none can come."""
    told, paper = transcript(verbose=False)
    headers = [(b"Server", b"scripted"), (b"X-Dog", "Łajka".encode())]
    told.trace("http11.receive_response_headers.complete", {"return_value": (b"HTTP/1.0", 404, b"Nope", headers)})
    told.trace("http2.receive_response_headers.complete", {"return_value": (404, headers)})

    assert lines(paper) == [
        *("HTTP/1.0 404 Nope", "Server: scripted", "X-Dog: Łajka", ""),
        *("HTTP/2 404 Not Found", "Server: scripted", "X-Dog: Łajka", ""),
    ]


def test_what_is_not_asked_for_is_not_shown() -> None:
    """Without --verbose, neither connections nor requests are shown; other steps never are."""
    told, paper = transcript(verbose=False)
    told.trace("connection.connect_tcp.started", {"host": "example.org", "port": 443})
    told.trace("http11.send_request_headers.started", {"request": OURS})
    told.trace("http11.response_closed.complete", {"return_value": None})

    assert lines(paper) == []


def test_what_a_step_told_of_is_not_shown_again() -> None:
    """The hook shows the heads of which no step has told, for each exchange anew."""
    told, paper = transcript(verbose=True)
    head = ["GET /a?b HTTP/1.1", "Host: example.org", "X-Dog: Laika", "", "HTTP/1.1 200 OK", "Server: scripted", ""]

    told.trace("http11.send_request_headers.started", {"request": OURS})
    told.trace(
        "http11.receive_response_headers.complete",
        {"return_value": (b"HTTP/1.1", 200, b"OK", [(b"Server", b"scripted")])},
    )
    told.answered(answer())
    assert lines(paper) == head

    told.answered(answer())
    assert lines(paper) == head * 2


def test_the_request_is_not_shown_without_verbose() -> None:
    """The hook shows the response alone, unless more is asked for."""
    told, paper = transcript(verbose=False)
    told.answered(answer())

    assert lines(paper) == ["HTTP/1.1 200 OK", "Server: scripted", ""]
