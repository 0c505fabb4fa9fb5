"""R1, I1, M1, D1, D5 and V1 over HTTP/2, V1 and R5 for sessions and uploads: what the other modules ask of plain requests."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi import DigestAuth
from borzoi._wire.http2_state import GoAway
from tests.exchange.http2_scripts import answering, http2_client
from tests.faults.codings import CODINGS
from tests.wire.http2_scripting import frame, settings
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS

from .test_d import MIB, SIZE, all_text, peak
from .test_i import EVERY, REFUSALS
from .test_r1 import GIVEN, SECRET
from .test_v import BAD, Listener, bundle, context_of  # noqa: F401 -- a fixture

NAMES = ["blocking", "asyncio", "trio"]


class TestR1:
    """Redirects."""

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("given", ["headers", "auth"])
    def test_secrets_stay_with_their_origin(self, given: str, name: str) -> None:
        """The second origin and the way back have no secret in any field, whatever it was given as."""
        seen: list[Request] = []

        def answer(peer: Http2Peer, request: Request) -> None:
            seen.append(request)
            there = (f"{second.url}/second", f"{first.url}/third")
            if len(seen) > 2:
                return peer.respond(request.stream)
            return peer.respond(request.stream, status=302, headers=[(b"location", there[len(seen) - 1].encode())])

        async def body() -> None:
            settings = {"follow_redirects": True, "cookies": {"a": SECRET}}
            async with http2_client(WORLDS[name], client=settings) as client:
                response = await client.get(f"{first.url}/first", **GIVEN[given])
                assert (response.status_code, response.http_version) == (200, "HTTP/2")

        with http2_server(answering(answer), tls=True) as first, http2_server(answering(answer), tls=True) as second:
            WORLDS[name].run(body)
        told = [repr(request.headers) for request in seen]
        assert len(told) == 3
        assert SECRET in told[0]
        for text in told[1:]:
            assert SECRET not in text
            assert not {name for name in ("authorization", "cookie") if name in text}


INPUTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "header name": lambda s: {"headers": {f"X{s}A": "b"}},
    "header value": lambda s: {"headers": {"X-A": f"b{s}c"}},
    "host": lambda s: {"headers": {"Host": f"b{s}c"}},
    "cookie": lambda s: {"headers": {"Cookie": f"a=b{s}c"}},
    "target": lambda s: {"extensions": {"target": f"/a{s}b".encode("utf-8", "surrogatepass")}},
    "method": lambda s: {"method": f"GE{s}T"},
    "basic": lambda s: {"auth": (f"us{s}er", f"pa{s}ss")},
    "params": lambda s: {"params": {f"a{s}b": f"c{s}d"}},
}


class TestI1:
    """Strings of others."""

    @pytest.mark.parametrize("name", INPUTS)
    def test_nothing_breaks_out(self, name: str) -> None:
        """What a server is told has no field that was not meant, and none with a line break or NUL in it."""
        seen: list[Request] = []

        def answer(peer: Http2Peer, request: Request) -> None:
            seen.append(request)
            peer.respond(request.stream)

        async def body() -> None:
            async with http2_client(WORLDS["blocking"]) as client:
                for letter in ["x", *EVERY]:
                    arguments = {"method": "GET", **INPUTS[name](letter)}
                    with contextlib.suppress(*REFUSALS):
                        await client.request(arguments.pop("method"), server.url, **arguments)

        with http2_server(answering(answer), tls=True) as server:
            WORLDS["blocking"].run(body)
        assert len(seen) > 50
        for request in seen:
            assert len(request.headers) == len(seen[0].headers)
            for field, value in request.headers:
                assert not {0, 10, 13} & {*field, *value}, request.headers


def _break_a_rule_and_reset(sock: socket.socket) -> None:
    """Push a response, and leave no time to be told that nobody wanted it."""
    sock.recv(65536)
    sock.sendall(settings() + frame(5, 4, 1, bytes(4) + b"\x82"))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class TestM1:
    """Rules."""

    @pytest.mark.parametrize("name", NAMES)
    def test_who_breaks_one_is_not_excused_by_leaving(self, name: str) -> None:
        """That our farewell meets no one is not what is told: it is the rule, or the reset where nothing else has come."""

        async def body() -> None:
            for _ in range(5):
                async with http2_client(WORLDS[name], http1=False) as client:
                    with pytest.raises(borzoi.TransportError) as caught:
                        await client.post(server.url)
                told = str(caught.value)
                assert "closed here" not in told
                assert "PUSH_PROMISE" in told or "reset" in told.lower() or "Broken pipe" in told

        with RawServer(_break_a_rule_and_reset) as server:
            WORLDS[name].run(body)


class TestD1:
    """Bombs."""

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("coding", ["gzip", "br"])
    def test_memory_is_bounded(self, coding: str, name: str) -> None:
        """24 MiB out of some KiB take less than 12 MiB over HTTP/2, too, in every world, and a bound is kept."""
        body = CODINGS[coding](bytes(SIZE))

        def answer(peer: Http2Peer, request: Request) -> None:
            peer.respond(request.stream, headers=[(b"content-encoding", coding.encode())], body=body)

        async def read() -> None:
            async with http2_client(WORLDS[name]) as client:
                async with client.stream("GET", server.url) as response:
                    assert sum([len(piece) async for piece in response.aiter_bytes()]) == SIZE
                with pytest.raises(borzoi.DecodingError, match="more than the 1048576 bytes"):
                    await client.get(server.url, extensions={"max_decoded_size": MIB})

        with http2_server(answering(answer), tls=True) as server:
            assert peak(lambda: WORLDS[name].run(read)) < 12 * MIB


CANARY = "c4n4ry-hunter2"
BASIC = "YzRuNHJ5LWh1bnRlcjI"  # its beginning in base64, alone


def _bad_field(peer: Http2Peer, request: Request) -> None:
    # :status 200 by its index, and then a literal field whose name has a capital: malformed (RFC 9113, 8.2.1).
    block = b"\x88\x00\x01A" + bytes([len(CANARY)]) + CANARY.encode()
    peer.send_raw(len(block).to_bytes(3, "big") + b"\x01\x05" + request.stream.to_bytes(4, "big") + block)


def _leave(peer: Http2Peer, request: Request) -> None:
    # Not below the stream: such a request would be sent again.
    peer.go_away(request.stream, 11, b"calm\r\nERROR down\x1b[31m")
    raise EOFError


ANSWERS: dict[str, Callable[[Http2Peer, Request], object]] = {
    "a response": lambda peer, request: peer.respond(request.stream, headers=[(b"set-cookie", CANARY.encode())]),
    "a reset": lambda peer, request: peer.reset(request.stream, 2),
    "a farewell": lambda peer, request: _leave(peer, request),
    "no length": lambda peer, request: peer.respond(
        request.stream, headers=[(b"set-cookie", CANARY.encode()), (b"content-length", b"x")]
    ),
    "a field that is none": _bad_field,
    "an error status": lambda peer, request: peer.respond(request.stream, status=403),
}


class TestD5:
    """Secrets."""

    @pytest.mark.parametrize("outcome", ANSWERS)
    def test_no_canary_is_seen(self, outcome: str, caplog: pytest.LogCaptureFixture) -> None:
        """However a stream ends: no secret of the request is in what can be shown, nor of the response's fields."""
        caplog.set_level(logging.DEBUG, logger="borzoi")
        shown: list[str] = []

        async def body(sending: dict[str, Any]) -> None:
            async with http2_client(WORLDS["blocking"]) as client:
                try:
                    response = await client.get(f"{server.url}/?access_token={CANARY}", **sending)
                    shown.extend((repr(response), repr(response.request), repr(response.headers)))
                    response.raise_for_status()
                except borzoi.HTTPError as error:
                    shown.extend(all_text(error))

        for sending in (
            {"headers": {"Authorization": f"Bearer {CANARY}", "Cookie": f"s={CANARY}"}},
            {"auth": ("user", CANARY)},
            {"auth": DigestAuth("user", CANARY)},
        ):
            with http2_server(answering(ANSWERS[outcome]), tls=True) as server:
                WORLDS["blocking"].run(body, sending)
        logged = [record.getMessage() for record in caplog.records if record.name.startswith("borzoi")]
        text = "\n".join((*shown, *logged))
        assert shown
        assert CANARY not in text
        assert BASIC not in text

    def test_no_line_is_the_servers(self) -> None:
        """What a server says in farewell is shown in one line, without what a terminal would act upon."""
        for byte in range(256):
            text = str(GoAway(1, 11, b"calm" + bytes([byte]) + b"down"))
            assert text.startswith("GOAWAY, ENHANCE_YOUR_CALM: calm")
            assert text.isprintable()


WAYS: dict[str, Callable[[Any, str], Any]] = {
    "HTTP/2": lambda client, url: client.get(url, headers={"Authorization": "s3cret"}),
    "an upload": lambda client, url: client.post(url, content=iter([b"s3cret"]), headers={"Expect": "100-continue"}),
    "a session": lambda client, url: client.websocket(url.replace("http", "ws", 1), auth=("a", "s3cret")).__enter__(),
    "events": lambda client, url: client.sse(url, headers={"Authorization": "s3cret"}).__enter__(),
    "a stream": lambda client, url: client.stream("GET", url, headers={"Authorization": "s3cret"}).__enter__(),
}


class TestV1:
    """Who is refused."""

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("case", ["expired", "an unknown root", "another host", "a common name alone"])
    def test_before_a_byte_is_sent(self, case: str, way: str, bundle: str) -> None:  # noqa: F811
        """By whichever way a connection is wanted, it is refused as it is for a plain request."""
        host, make = BAD[case]
        heard = Listener()
        with RawServer(heard, tls=context_of(*make())) as server:
            settings: dict[str, Any] = {"verify": bundle, "trust_env": False, "http2": way == "HTTP/2", "timeout": 20}
            with borzoi.Client(resolver=lambda name, port: [("127.0.0.1", server.port)], **settings) as client:
                with pytest.raises(borzoi.ConnectError):
                    WAYS[way](client, f"https://{host}:{server.port}/")
            server.errors[:] = [error for error in server.errors if not isinstance(error, OSError)]
        assert heard.received == b""


INSIDE = [
    "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0.0.0.0", "[::]", "169.254.169.254",
    "100.64.0.1", "[fe80::1%25lo]", "[fd00::1]", "224.0.0.1", "240.0.0.1",
]  # fmt: skip


class TestR5:
    """Addresses of the inside."""

    @pytest.mark.parametrize("way", WAYS)
    def test_they_are_out_of_reach(self, way: str) -> None:
        """By whichever way a connection is wanted, the guard is asked, and nothing is connected to."""
        settings: dict[str, Any] = {"trust_env": False, "http2": way == "HTTP/2"}
        with borzoi.Client(resolver=borzoi.guards.public_only, **settings) as client:
            for host in INSIDE:
                for scheme in ("http", "https"):
                    with pytest.raises(borzoi.BlockedAddress):
                        WAYS[way](client, f"{scheme}://{host}:9/")
