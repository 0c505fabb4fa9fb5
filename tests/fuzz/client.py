"""Target: the whole client against a scripted peer, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from borzoi import Client, CookieConflict, DigestAuth, HTTPError, HTTPTransport, InvalidURL, UnsupportedProtocol
from borzoi._backends.memory import END, Event, MemoryBackend, Wait
from borzoi._policy.tls import TLS
from tests.exchange.http_peers import assert_whole
from tests.wire.http2_scripting import SETTLED

URL = "http://example.org/a"
PIECES = 64
"""Things that a peer says at most."""


def client(data: bytes) -> None:
    """Whatever peers say, the program has a response or an error of the library, and the pool is whole."""
    choice, kind = (*data[:2], 0, 0)[:2]
    said = list(pieces(data[2:]))
    backend = MemoryBackend(lambda host, port: peer(said, http2=bool(choice & 1)))
    transport = HTTPTransport(backend=backend, http1=not choice & 1, http2=bool(choice & 1), verify=_trusting())
    settings: dict[str, Any] = {"follow_redirects": bool(choice & 2), "trust_env": False, "max_redirects": 3}
    if choice & 4:
        settings["auth"] = DigestAuth("Mufasa", "Circle of Life")
    with Client(transport=transport, **settings) as borzoi:
        for _ in range(choice >> 6 or 1):
            attempt(borzoi, WAYS[kind % len(WAYS)])
        assert_whole(borzoi)


def attempt(borzoi: Client, way: Callable[[Client], object]) -> None:
    """Send a request in one way, and let it fail as it may."""
    try:
        way(borzoi)
    except (HTTPError, InvalidURL, CookieConflict) as error:
        _check(error)
    except (json.JSONDecodeError, UnicodeDecodeError):
        # What is no JSON, as `json()` says of it in every client.
        return


def _check(error: Exception) -> None:
    assert str(error)
    if isinstance(error, UnsupportedProtocol):
        # What is redirected to need have no host where its scheme is none of ours: "mailto:", "eng:th 1".
        assert error.request.url.scheme not in ("http", "https", "ws", "wss")
    elif isinstance(error, HTTPError):
        assert error.request.url.host


_contexts: list[Any] = []


def _trusting() -> Any:
    if not _contexts:
        _contexts.append(TLS(verify=False))
    return _contexts[0]


def pieces(data: bytes) -> Iterator[Event]:
    """Yield what a peer says: 0xFE begins something else than bytes, and 0xFF a new piece."""
    for part in data.split(b"\xff", PIECES):
        said, *others = part.split(b"\xfe")
        if said:
            yield said
        for other in others:
            yield (
                END if other[:1] < b"\x40" else Wait(other[0] / 100) if other[:1] < b"\xc0" else ConnectionResetError()
            )
            if other[1:]:
                yield other[1:]


def peer(said: list[Event], *, http2: bool) -> Callable[[bytes], list[Event]]:
    """Return a connection that says one thing more with each write, the rest of them at once at the end."""
    left = list(said)

    def answer(sent: bytes) -> list[Event]:
        if not sent:
            return [SETTLED] if http2 and len(said) % 2 else []
        count = 1 if len(left) > 8 else max(1, len(left) // 2)
        now, left[:count] = left[:count], []
        return now or [END]

    return answer


def _get(borzoi: Client) -> None:
    response = borzoi.get(URL)
    assert response.text is not None
    assert repr(response)
    assert response.links is not None


def _post(borzoi: Client) -> None:
    borzoi.post(URL, content=[b"one", b"two"])


def _stream(borzoi: Client) -> None:
    with borzoi.stream("GET", URL) as response:
        for _ in response.iter_bytes(100):
            pass


def _lines(borzoi: Client) -> None:
    with borzoi.stream("PUT", URL, json={"a": 1}) as response:
        for line in response.iter_lines():
            assert isinstance(line, str)


def _left(borzoi: Client) -> None:
    with borzoi.stream("GET", URL) as response:
        next(response.iter_raw(), None)


def _json(borzoi: Client) -> None:
    borzoi.get(URL).json()


def _head(borzoi: Client) -> None:
    borzoi.head(URL).raise_for_status()


def _events(borzoi: Client) -> None:
    with borzoi.sse(URL) as events:
        for event in events:
            assert isinstance(event.data, str)


def _websocket(borzoi: Client) -> None:
    with borzoi.websocket(URL, keepalive_ping_interval_seconds=None) as session:
        for _ in range(4):
            session.receive(timeout=1)


WAYS = (_get, _post, _stream, _lines, _left, _json, _head, _events, _get, _websocket)
