"""D1, D3, D5 and D7: bounded memory, bounded stores, and logs without secrets."""

from __future__ import annotations

import contextlib
import copy
import logging
import pickle
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi import HTTPTransport, Proxy
from borzoi._backends.memory import END, MemoryBackend
from borzoi._messages.chunking import LineDecoder
from borzoi._messages.filename import filename_of
from borzoi._messages.json_lines import LineSplitter
from borzoi._messages.sse import EventParser
from borzoi._policy.digest import pick_challenge
from borzoi._policy.routing import URLPattern
from borzoi._values.headers import HeaderBlock
from borzoi._values.redaction import in_message
from borzoi._wire import http1_head, http2_state
from borzoi._wire.http1 import Http1
from borzoi._wire.permessage_deflate import parse_extensions
from borzoi._wire.websocket import WebSocket
from tests.faults.codings import CODINGS
from tests.growth import is_linear
from tests.wire.http2_scripting import ask, connect

MIB = 1024 * 1024
SIZE = 24 * MIB


def peak(act: Callable[[], object]) -> int:
    """Return how much more memory the process has while something runs than before."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    act()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def client_of(*events: Any, **settings: Any) -> borzoi.Client:
    """Return a client whose every peer answers with these events."""
    backend = MemoryBackend(lambda host, port: lambda data: list(events) if data else [])
    return borzoi.Client(transport=HTTPTransport(backend=backend), trust_env=False, **settings)


PATHS: dict[str, Callable[[borzoi.Response, Path], object]] = {
    "iter_bytes": lambda response, path: sum(len(piece) for piece in response.iter_bytes()),
    "iter_bytes of a size": lambda response, path: sum(len(piece) for piece in response.iter_bytes(100_000)),
    "iter_text": lambda response, path: sum(len(piece) for piece in response.iter_text()),
    "half, then closed": lambda response, path: next(iter(response.iter_bytes())),
    "save": lambda response, path: response.save(path / "saved"),
    "with a bound": lambda response, path: _bounded(response),
}


def _bounded(response: borzoi.Response) -> None:
    response.request.extensions = {**response.request.extensions, "max_decoded_size": MIB}
    with pytest.raises(borzoi.DecodingError, match="more than the 1048576 bytes"):
        response.read()


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """A small body for each coding, that decodes to 24 MiB."""
    return {coding: encode(bytes(SIZE)) for coding, encode in CODINGS.items()}


class TestD1:
    """Bombs."""

    @pytest.mark.parametrize("how", PATHS)
    @pytest.mark.parametrize("coding", CODINGS)
    def test_memory_is_bounded(self, coding: str, how: str, bombs: dict[str, bytes], tmp_path: Path) -> None:
        """24 MiB out of some KiB take less than 12 MiB, whichever way they are read."""
        body = bombs[coding]
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with client_of(head + body) as client, client.stream("GET", "http://one.example/") as response:
            assert peak(lambda: PATHS[how](response, tmp_path)) < 12 * MIB

    def test_a_redirect_is_drained_within_bounds(self, bombs: dict[str, bytes]) -> None:
        """The body of a redirect that is followed does not expand without bound where there is one."""
        body = bombs["gzip"]
        head = f"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        with client_of(head.encode() + body, follow_redirects=True, max_redirects=2) as client:
            with pytest.raises(borzoi.DecodingError, match="more than the"):
                client.get("http://one.example/", extensions={"max_decoded_size": MIB})


def _dribble(feed: Callable[[Any], object], data: Any) -> object:
    """Feed what is given piece by piece."""
    for piece in data:
        feed(piece)
    return data


def _http1(beginning: bytes) -> Callable[[bytes], object]:
    """Return what takes in the bytes of a response after its beginning, one at a time."""

    def read(data: bytes) -> object:
        engine = Http1(http1_head.HeadLimits(size=1 << 30, count=1 << 30, chunk_line=1 << 30))
        engine.encode_head("GET", b"/", HeaderBlock([(b"Host", b"one.example")]))
        engine.receive(beginning)
        return _dribble(engine.receive, (data[place : place + 1] for place in range(len(data))))

    return read


def _session(head: Callable[[int], bytes], payload: bytes) -> Callable[[bytes], object]:
    """Return what takes in one frame of a session, a byte at a time."""

    def read(data: bytes) -> object:
        engine = WebSocket(1 << 30)
        engine.receive(head(len(data)))
        for _ in data:
            engine.receive(payload)
            engine.next_event()
        return engine

    return read


def _events(text: str) -> object:
    """Read events from text that comes a character at a time."""
    parser = EventParser(max_event_size=None)

    def feed(letter: str) -> None:
        parser.feed(letter)
        while parser.next_event() is not None:
            pass

    return _dribble(feed, text)


def _lines(text: str) -> object:
    """Cut text into lines, and bytes into lines of JSON."""
    _dribble(LineSplitter(None).feed, (letter.encode() for letter in text))
    return _dribble(LineDecoder().feed, text)


def _of_header(name: str, look: Callable[[borzoi.Response], object]) -> Callable[[str], object]:
    """Return what looks at a field of a response."""
    return lambda value: look(borzoi.Response(200, headers={name: value}, request=borzoi.Request("GET", "https://h/")))


def _tolerant(read: Callable[[str], object]) -> Callable[[str], object]:
    """Return what reads text, and takes an error for an answer."""

    def act(text: str) -> object:
        with contextlib.suppress(borzoi.HTTPError, borzoi.InvalidURL, ValueError):
            return read(text)
        return None

    return act


FED: dict[str, Callable[[str], object]] = {
    "event stream": _events,
    "lines": _lines,
    "head": lambda text: _http1(b"HTTP/1.1 200 OK\r\nX: ")(text.encode()),
    "trailers": lambda text: _http1(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ")(text.encode()),
    "text in a frame": lambda text: _session(lambda size: b"\x81\x7f" + size.to_bytes(8, "big"), b"x")(text.encode()),
    "text in many frames": lambda text: _session(lambda size: b"\x01\0", b"\0\1x")(text[: len(text) // 8].encode()),
}
"""What comes byte by byte. (Lines of chunks are held against their grammar each time, and have at most 1 KiB.)"""

TEXTS: dict[str, Callable[[str], object]] = {
    "URL": borzoi.URL,
    "host": lambda text: borzoi.URL(f"http://{text}/"),
    "userinfo": lambda text: borzoi.URL(f"http://{text}@h/"),
    "path": lambda text: borzoi.URL(f"http://h/{text}"),
    "reference": lambda text: borzoi.URL("http://h/" + "a/" * len(text)).join(text),
    "query": lambda text: [
        borzoi.QueryParams(text),
        borzoi.URL(f"http://h/?{text}").params,
        repr(borzoi.QueryParams(text)),
    ],
    "URL in a message": in_message,
    "challenge": lambda text: pick_challenge([f"Digest {text}"]),
    "charset": _of_header("Content-Type", lambda response: response.charset_encoding),
    "links": _of_header("Link", lambda response: response.links),
    "filename": _of_header("Content-Disposition", filename_of),
    "extensions": parse_extensions,
    "NO_PROXY": lambda text: [URLPattern("all://*" + entry) for entry in text.replace(",", " ").split()[:1]],
}
UNITS = [
    "a",
    ";",
    ",",
    '"',
    "\\",
    "=",
    " ",
    "\t",
    "%",
    ".",
    "/",
    "../",
    ":",
    "@",
    "a=b;",
    'a="b",',
    "<a>;",
    '\\"',
    "%41",
    "&=",
    "a ",
]


class TestD2:
    """Time."""

    @pytest.mark.parametrize("name", [*FED, *TEXTS])
    def test_four_times_as_much_takes_four_times_as_long(self, name: str) -> None:
        """Whatever a peer repeats, in one piece or byte by byte, costs as much the last time as the first."""
        read = _tolerant(FED.get(name) or TEXTS[name])
        for unit in UNITS[:3] if name in FED else UNITS:
            assert is_linear(lambda size, unit=unit: lambda text=(unit * size)[:size]: read(text), 1500), unit


class TestD3:
    """What a client remembers."""

    def test_headers_of_cookies(self) -> None:
        """However many cookies a host has, the field they are sent in is bounded."""
        jar = borzoi.Cookies()
        for number in range(200):
            fields = [(b"Set-Cookie", f"c{number}={'v' * 4000}".encode())]
            jar.extract_cookies(
                borzoi.Response(200, headers=fields, request=borzoi.Request("GET", "https://one.example/"))
            )
        request = borzoi.Request("GET", "https://one.example/")
        jar.set_cookie_header(request)
        assert len(jar) <= 180
        assert len(request.headers.get("cookie", "")) <= 64 * 1024

    def test_lines_of_heads(self) -> None:
        """Lines that are never the same twice are not remembered for ever."""
        engine = Http1()
        asking = HeaderBlock([(b"Host", b"one.example")])
        for number in range(3 * http1_head.MAX_KNOWN_LINES):
            engine.encode_head("GET", b"/%d" % number, asking)
            engine.receive(b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n" % (number, number))
            engine.receive(b"x" * number)
        for known in (http1_head._known_lines, http1_head._known_framing, http1_head.KNOWN_TARGETS):
            assert 0 < len(known) <= http1_head.MAX_KNOWN_LINES

    def test_streams_that_were_given_up(self) -> None:
        """However many streams of a connection were reset, as many are remembered as may still be heard of."""
        engine = connect()
        for _ in range(3 * http2_state.MAX_GIVEN_UP):
            engine.reset(ask(engine))
            engine.data_to_send()
        assert engine.error is None
        assert len(engine._given_up) == http2_state.MAX_GIVEN_UP
        assert not engine.streams


CANARY = "c4n4ry-hunter2"
BASIC = "YzRuNHJ5LWh1bnRlcjI"  # its beginning in base64, alone

OUTCOMES: dict[str, list[Any]] = {
    "a response": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: s=" + CANARY.encode() + b"\r\n\r\nok"],
    "a redirect": [
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https://u:"
        + CANARY.encode()
        + b"@two.example/?token="
        + CANARY.encode()
        + b"\r\n\r\n"
    ],
    "an error status": [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"],
    "an end": [END],
    "a reset": [ConnectionResetError(104, "Connection reset by peer")],
    "garbage": [b"garbage " + CANARY.encode() + b"\r\n\r\n"],
    "a bad field": [b"HTTP/1.1 200 OK\r\nSet-Cookie : " + CANARY.encode() + b"\r\n\r\n"],
    "a bad length": [b"HTTP/1.1 200 OK\r\nContent-Length: x\r\nSet-Cookie: " + CANARY.encode() + b"\r\n\r\n"],
    "a challenge": [b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest nonce\r\nContent-Length: 0\r\n\r\n"],
    "content that is broken": [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"],
}

SENDING: dict[str, dict[str, Any]] = {
    "bearer": {"headers": {"Authorization": f"Bearer {CANARY}", "X-Api-Key": CANARY}},
    "basic": {"auth": ("user", CANARY)},
    "digest": {"auth": borzoi.DigestAuth("user", CANARY)},
    "cookie": {"headers": {"Cookie": f"session={CANARY}"}},
    "url": {"url": f"http://user:{CANARY}@one.example/?access_token={CANARY}#access_token={CANARY}"},
    "params": {"params": {"api_key": CANARY}},
}


def all_text(error: BaseException) -> Iterator[str]:
    """Yield all that a program may show of an error, but local variables. (The repr of a jar is its cookies, as httpx's.)"""
    shown: BaseException | None = error
    while shown is not None:
        yield from (str(shown), repr(shown))
        for argument in shown.args:
            yield repr(argument)
        shown = shown.__cause__ or shown.__context__
    yield "".join(traceback.format_exception(error))
    if isinstance(error, borzoi.HTTPError):
        yield repr(error.request)
        yield repr(getattr(error, "response", None))


class TestD5:
    """Logs, reprs, exceptions and pickles."""

    @pytest.mark.parametrize("sending", SENDING)
    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_no_canary_is_seen(self, outcome: str, sending: str, caplog: pytest.LogCaptureFixture) -> None:
        """Whatever is sent and whatever comes of it: no secret is in what can be shown, and few warnings are."""
        caplog.set_level(logging.DEBUG)
        arguments: dict[str, Any] = {"url": "http://one.example/", **SENDING[sending]}
        shown: list[str] = []
        with client_of(*OUTCOMES[outcome], follow_redirects=True, max_redirects=1) as client:
            shown.append(repr(client))
            try:
                response = client.get(**arguments)
                shown += [repr(response), repr(response.request), repr(response.headers), repr(response.history)]
                with contextlib.suppress(borzoi.HTTPStatusError):
                    response.raise_for_status()
            except borzoi.HTTPError as error:
                shown += all_text(error)
                copied = pickle.loads(pickle.dumps(error))
                shown += [str(copied), repr(copied)]
            shown.append(repr(client))
        text = "\n".join((*shown, caplog.text))
        text = text.replace(f"garbage {CANARY}", "")
        assert CANARY not in text
        assert BASIC not in text
        assert sum(record.levelno >= logging.WARNING for record in caplog.records) <= 1

    @pytest.mark.parametrize("pickling", [pickle.dumps, lambda error: pickle.dumps([error, error])], ids=["one", "two"])
    def test_pickles_of_errors(self, pickling: Callable[[Any], bytes]) -> None:
        """What a pickle carries off is the error, its URL, status and body, and no credentials: of redirects on the way neither."""
        secret: dict[str, Any] = {"Authorization": CANARY, "Cookie": f"a={CANARY}", "X-Api-Key": CANARY}
        url = f"https://u:{CANARY}@one.example/?q=1&token={CANARY}"

        def handler(request: borzoi.Request) -> borzoi.Response:
            location = [("Location", f"/there?token={CANARY}&q=2")] if request.url.path == "/" else []
            set_cookie = ("Set-Cookie", f"s={CANARY}")
            return borzoi.Response(302 if location else 404, headers=[set_cookie, *location], text="body")

        with borzoi.Client(transport=borzoi.MockTransport(handler), follow_redirects=True) as client:
            response = client.post(url, headers=secret, content=b"sent")
        with pytest.raises(borzoi.HTTPStatusError) as caught:
            response.raise_for_status()
        pickled = pickling(caught.value)
        assert CANARY.encode() not in pickled
        assert BASIC.encode() not in pickled
        copied = pickle.loads(pickled)
        for error in copied if isinstance(copied, list) else [copied]:
            assert (error.response.status_code, error.response.text) == (404, "body")
            assert error.response.history[0].request.content == b"sent"
            assert error.request is error.response.request
            assert str(error.request.url) == "https://one.example/there?token=[secure]&q=2"
            assert error.request.headers["host"] == "one.example"
            assert error.request.headers["x-api-key"] == "[secure]"
        # The error itself, and a copy of it in the same program, have what they had.
        for error in (caught.value, copy.copy(caught.value)):
            assert error.request is response.request
            assert error.request.headers["x-api-key"] == CANARY
            assert CANARY in str(error.request.url)

    def test_pickles_of_other_errors(self) -> None:
        """Errors without a response, or without a request, carry no credentials either."""
        for outcome in (END, b"garbage\r\n\r\n", ConnectionResetError(104, "reset")):
            with client_of(outcome) as client, pytest.raises(borzoi.RequestError) as caught:
                client.get(f"http://one.example/?sig={CANARY}", headers={"Authorization": CANARY}, auth=("u", CANARY))
            pickled = pickle.dumps(caught.value)
            assert CANARY.encode() not in pickled
            assert str(pickle.loads(pickled).request.url) == "http://one.example/?sig=[secure]"
        assert pickle.loads(pickle.dumps(borzoi.ReadError("x")))._request is None

    def test_pickles_of_errors_of_tokens(self) -> None:
        """The request for a token has a secret in its body, which no pickle has."""
        auth = borzoi.OAuth2ClientCredentials("https://id.example/token", "client", CANARY, client_auth="post")
        transport = borzoi.MockTransport(lambda request: borzoi.Response(400, json={"error": "invalid_client"}))
        with borzoi.Client(transport=transport, auth=auth) as client, pytest.raises(borzoi.TokenError) as caught:
            client.get("https://one.example/")
        assert CANARY.encode() in caught.value.request.content
        pickled = pickle.dumps(caught.value)
        assert CANARY.encode() not in pickled
        assert pickle.loads(pickled).error == "invalid_client"

    def test_parameters(self) -> None:
        """The repr of parameters is as that of a URL."""
        shown = repr(borzoi.QueryParams({"api_key": CANARY, "q": "a b"}))
        assert shown == "QueryParams('api_key=[secure]&q=a+b')"

    @pytest.mark.parametrize(
        "name",
        [
            "Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "Set-Cookie", "Set-Cookie2", "X-Api-Key", "ApiKey", "X-Auth",
            "X-Password", "X_Session_Id", "X-Vault-Token", "X-Amz-Security-Token", "Ocp-Apim-Subscription-Key", "X-Jwt-Assertion",
            "X-Amz-Signature", "X-Credential", "X-Client-Secret", "PRIVATE-TOKEN",
        ],
    )  # fmt: skip
    def test_fields_with_telling_names(self, name: str) -> None:
        """Neither a repr nor the error for a value that cannot be sent shows them: a secret from a file ends with a line break."""
        request = borzoi.Request("GET", "http://one.example/", headers={name: f"{CANARY}\n"})
        shown = [repr(request.headers), repr(Proxy("http://proxy.example", headers={name: CANARY}))]
        with client_of(b"HTTP/1.1 200 OK\r\n\r\n", END) as client, pytest.raises(borzoi.LocalProtocolError) as caught:
            client.send(request)
        shown += all_text(caught.value)
        assert CANARY not in "".join(shown)

    def test_other_fields_are_shown(self) -> None:
        """What is no secret stays: errors are found by it."""
        shown = {
            "X-Error-Code": "1",
            "Access-Control-Allow-Credentials": "true",
            "Keep-Alive": "timeout=5",
            "X-Author": "a",
        }
        assert repr(borzoi.Headers(shown)) == f"Headers({ ({name.lower(): value for name, value in shown.items()})!r})"

    @pytest.mark.parametrize("name", ["Location", "Content-Location", "Referer"])
    def test_urls_in_fields(self, name: str) -> None:
        """A URL in a field is shown as one in a message is."""
        for url in (
            f"https://u:{CANARY}@h/?a=b",
            f"https://h/?token={CANARY}&a=b",
            f"/cb#access_token={CANARY}",
            f"//u:{CANARY}@[",
        ):
            assert CANARY not in repr(borzoi.Headers({name: url}))
        assert "https://h/?a=b" in repr(borzoi.Headers({name: f"https://u:{CANARY}@h/?a=b"}))

    def test_proxies_and_settings(self) -> None:
        """Nor in what holds credentials: proxies, clients, authentication."""
        proxy = Proxy(f"http://user:{CANARY}@proxy.example", headers={"Proxy-Authorization": CANARY})
        with borzoi.Client(proxy=proxy, auth=("user", CANARY), headers={"Authorization": CANARY}) as client:
            for held in (proxy, client, client.headers, client._mounts, client._auth, client._transport):
                assert CANARY not in repr(held)


class TestD7:
    """Lengths that nobody believes."""

    @pytest.mark.parametrize("length", [10**15, 10**18])
    def test_only_what_comes_takes_memory(self, length: int) -> None:
        """A petabyte that was announced takes what came of it."""
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
        with client_of(head, b"x" * 1000, END) as client:

            def read() -> None:
                with pytest.raises(borzoi.RemoteProtocolError, match=f"expected {length}"):
                    client.get("http://one.example/")

            assert peak(read) < 4 * MIB
