"""R2 to R9: redirects, credentials of files and of the environment, and what one request leaves to the next."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi import (
    BasicAuth,
    DigestAuth,
    HTTPTransport,
    NetRCAuth,
    ProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    TooManyRedirects,
)
from borzoi._backends.memory import MemoryBackend
from tests.client.conftest import World
from tests.exchange.http_peers import Asked, answer, http
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS


class TestR2:
    """From https to http."""

    def test_credentials_do_not_go_to_http(self, world: World) -> None:
        """Not even to the same host, however they were given."""
        for given in ({"headers": {"Authorization": "s3cret"}}, {"auth": ("user", "s3cret")}, {"cookies": None}):
            seen: list[Request] = []

            def handler(request: Request, seen: list[Request] = seen) -> Response:
                seen.append(request)
                location = {"Location": "http://one.example/"}
                return Response(302, headers=location) if request.url.scheme == "https" else Response(200)

            client = world.client(handler, follow_redirects=True, cookies={"a": "s3cret"})
            world.run(client.get, "https://one.example/", **{k: v for k, v in given.items() if v is not None})
            assert not {"authorization", "cookie"} & {*seen[1].headers}

    def test_a_program_may_refuse_it(self, world: World) -> None:
        """With `refuse_downgrade` it is an error, before anything is sent there."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            return Response(302, headers={"Location": "http://one.example/"})

        client = world.client(handler, follow_redirects=True)
        with pytest.raises(RemoteProtocolError, match="from https to http") as caught:
            world.run(client.get, "https://one.example/", extensions={"refuse_downgrade": True})
        assert caught.value.request is seen[0]
        assert len(seen) == 1


DESCRIBES = ("Content-Length", "Content-Type", "Content-Encoding", "Content-Language", "Transfer-Encoding", "Trailer")


def _pieces(world: World) -> Any:
    """Return a body of which nobody knows the length."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"body"

    return pieces() if world.is_async else iter([b"body"])


class TestR3:
    """Bodies and redirects."""

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_a_get_has_no_body_and_nothing_that_describes_one(self, world: World, method: str) -> None:
        """301, 302 and 303 that become GET drop the body, and every field that describes it."""
        for status in (301, 302, 303):
            seen: list[Request] = []

            def handler(request: Request, seen: list[Request] = seen, status: int = status) -> Response:
                seen.append(request)
                return Response(status, headers={"Location": "/there"}) if len(seen) == 1 else Response(200)

            headers = {"Content-Encoding": "gzip", "Content-Language": "en", "Content-Type": "a/b"}
            client = world.client(handler, follow_redirects=True)
            world.run(client.request, method, "https://one.example/", content=b"body", headers=headers)
            follows = "GET" if status != 301 or method == "POST" else method
            assert seen[1].method == follows
            if follows == "GET":
                assert seen[1].read() == b"" if not world.is_async else seen[1].stream is not None
                assert not {name.lower() for name in DESCRIBES} & {*seen[1].headers}

    def test_nor_what_describes_one_whose_length_was_not_known(self, world: World) -> None:
        """The fields of a body in chunks go with it: its coding, its trailers, and that the server is asked before it."""
        for status in (301, 302, 303):
            seen: list[Request] = []

            def handler(request: Request, seen: list[Request] = seen, status: int = status) -> Response:
                seen.append(request)
                return Response(status, headers={"Location": "/there"}) if len(seen) == 1 else Response(200)

            client = world.client(handler, follow_redirects=True)
            fields = {"Trailer": "X-Sum", "Expect": "100-continue"}
            world.run(client.post, "https://one.example/", content=_pieces(world), headers=fields)
            gone = {"transfer-encoding", "trailer", "expect"}
            assert [gone & {*request.headers} for request in seen] == [gone, set()]

    @pytest.mark.parametrize("status", [307, 308])
    def test_a_body_is_sent_again_from_its_start(self, status: int, tmp_path: Path) -> None:
        """Bytes and files are sent again whole; what cannot be is held in tests/client/test_redirects.py."""
        seen: list[bytes] = []

        def handler(request: Request) -> Response:
            seen.append(request.read())
            return Response(status, headers={"Location": "/there"}) if len(seen) % 2 else Response(200)

        path = tmp_path / "file"
        path.write_bytes(b"of a file")
        with (
            borzoi.Client(transport=borzoi.MockTransport(handler), follow_redirects=True) as client,
            path.open("rb") as f,
        ):
            client.post("https://one.example/", content=b"bytes")
            client.post("https://one.example/", content=f)
            assert seen == [b"bytes", b"bytes", b"of a file", b"of a file"]


class TestR4:
    """How far redirects lead."""

    @pytest.mark.parametrize("most", [0, 1, 3])
    def test_their_number_is_bounded(self, world: World, most: int) -> None:
        """By `max_redirects`, also where it is 0, and where authentication sends requests in between."""
        for auth in (None, DigestAuth("user", "s3cret")):
            seen: list[Request] = []

            def handler(request: Request, seen: list[Request] = seen) -> Response:
                seen.append(request)
                return Response(302, headers={"Location": f"/{len(seen)}"})

            client = world.client(handler, follow_redirects=True, max_redirects=most, auth=auth)
            with pytest.raises(TooManyRedirects):
                world.run(client.get, "https://one.example/")
            assert len(seen) == most + 1

    @pytest.mark.parametrize("path", ["/there", "?there", "#there", ":444/there", ""])
    @pytest.mark.parametrize("host", ["one.example", "1and1.example", "127.0.0.1", "10.0.0.1", "192.168.0.1", "[::1]"])
    def test_a_location_without_a_host(self, host: str, path: str) -> None:
        """It is that of the request, whatever digits it begins with: no other host, path or exception comes of it."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            return Response(302, headers={"Location": f"https://{path}"}) if len(seen) == 1 else Response(200)

        with borzoi.Client(transport=borzoi.MockTransport(handler), follow_redirects=True) as client:
            client.get(f"https://{host}/here")
        assert seen[1].url == f"https://{host}{path}"

    @pytest.mark.parametrize("location", ["https://user:s3cret@two.example/", "//user:s3cret@two.example/"])
    def test_a_server_gives_no_credentials(self, world: World, location: str) -> None:
        """Userinfo in a Location becomes no Authorization, and is in no URL."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            return Response(302, headers={"Location": location}) if len(seen) == 1 else Response(200)

        response = world.run(world.client(handler, follow_redirects=True).get, "https://one.example/")
        assert "authorization" not in seen[1].headers
        assert "s3cret" not in str(response.url) + repr(seen[1].headers)


class Rebinding:
    """A name server that names another address the second time, and lets nobody remember the first."""

    ttl = 0

    def __init__(self) -> None:
        self._addresses = iter(["127.0.0.1", "10.0.0.1"])

    def resolve(self, host: str, port: int) -> list[str] | None:
        """Find the address of the one name that it knows."""
        return [next(self._addresses)] if host == "moved.test" else None


class TestR5:
    """Addresses of the inside."""

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "0.0.0.0"]
    )
    @pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
    def test_they_are_out_of_reach(self, name: str, host: str) -> None:
        """With the guard no connection is made: directly, ahead of requests, through proxies, by a redirect."""
        inside = {"localhost": ["127.0.0.1"], "both.test": ["192.0.32.7", "127.0.0.1"]}
        resolver = borzoi.guards.PublicOnly(resolver=lambda name, port: inside.get(name))

        async def body() -> None:
            for proxy in (None, "http://127.0.0.1:9", "socks5h://127.0.0.1:9", "socks4://127.0.0.1:9"):
                async with WORLDS[name].client(resolver=resolver, trust_env=False, proxy=proxy, timeout=20) as client:
                    for asked in (host, "both.test"):
                        for act in (client.get, client.preconnect):
                            with pytest.raises(borzoi.BlockedAddress):
                                await act(f"http://{asked}:9/")

        WORLDS[name].run(body)

    @pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
    def test_nor_are_they_by_a_redirect(self, name: str) -> None:
        """The guard is asked again on the second hop, and for the same name when it has another address by then."""
        for target in ("http://169.254.169.254/", "http://[::ffff:10.0.0.1]/", "http://moved.test:{port}/"):
            guard = borzoi.guards.PublicOnly(allow=["127.0.0.1"], resolver=Rebinding())

            def respond(asked: Asked, target: str = target) -> bytes:
                location = f"Location: {target.format(port=server.port)}".encode()
                return answer(b"", location, b"Connection: close", status=b"302 Found")

            async def body(guard: Any = guard) -> None:
                settings: dict[str, Any] = {"trust_env": False, "follow_redirects": True, "timeout": 20}
                async with WORLDS[name].client(resolver=guard, **settings) as client:
                    with pytest.raises(borzoi.BlockedAddress):
                        await client.get(f"http://moved.test:{server.port}/")

            with RawServer(http(respond)) as server:
                WORLDS[name].run(body)
            assert len(server.connections) == 1

    @pytest.mark.parametrize(
        "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.1", "0x7f.1", "１２７.0.0.1"]
    )
    def test_no_other_writing_of_an_address(self, host: str) -> None:
        """Numeric forms are refused, or read as what they are, before a guard is asked."""
        try:
            url = borzoi.URL(f"http://{host}/")
        except borzoi.InvalidURL:
            return
        assert url.host == "127.0.0.1"


NETRC = """
machine one.example login user password s3cret
machine two.example login other password 0ther
machine empty.example login nobody
machine after.example login user
default login d password default
"""


class TestR6:
    """netrc."""

    @pytest.mark.parametrize(
        ("url", "user"),
        [
            ("https://one.example/", "user"),
            ("https://ONE.example/", "user"),
            ("https://one.example:8443/", "user"),
            ("https://user@one.example/", "user"),
            ("https://another@one.example/", None),
            ("https://one.example:x@two.example/", None),
            ("https://empty.example/", None),
            ("https://after.example/", None),
        ],
    )
    def test_a_password_is_for_its_host_and_user(self, tmp_path: Path, url: str, user: str | None) -> None:
        """The host is that of the connection, and a user whom the URL names gets no other's password."""
        path = tmp_path / "netrc"
        path.write_text(NETRC.replace("default login d password default\n", ""))
        request = Request("GET", url)
        sent = next(NetRCAuth(str(path)).auth_flow(request)).headers.get("authorization")
        own = (
            None
            if user is None
            else next(BasicAuth(user, "s3cret").auth_flow(Request("GET", url))).headers["authorization"]
        )
        assert sent == own

    def test_the_default_is_not_for_where_a_redirect_leads(self, tmp_path: Path) -> None:
        """The entry is looked up for the URL that the program asked for, and nothing is sent on."""
        path = tmp_path / "netrc"
        path.write_text(NETRC)
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            return (
                Response(302, headers={"Location": "https://elsewhere.example/"}) if len(seen) == 1 else Response(200)
            )

        transport = borzoi.MockTransport(handler)
        with borzoi.Client(transport=transport, auth=NetRCAuth(str(path)), follow_redirects=True) as client:
            client.get("https://one.example/")
        assert ["authorization" in request.headers for request in seen] == [True, False]


CHALLENGE = 'Digest realm="r", nonce="{}", qop="auth"'
MALFORMED = ["Digest", "Digest realm", 'Digest realm="a', "Digest nonce=", 'Digest realm="r", nonce="n", algorithm="x"']


class TestR7:
    """What authentication remembers."""

    def test_by_origin(self, world: World) -> None:
        """An answer to one origin's challenge is sent to no other."""
        auth = DigestAuth("user", "s3cret")
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            if "authorization" in request.headers:
                return Response(200)
            return Response(401, headers={"WWW-Authenticate": CHALLENGE.format(request.url.host)})

        client = world.client(handler, auth=auth)
        for _ in range(2):
            for host in ("one.example", "two.example", "one.example:8443"):
                world.run(client.get, f"https://{host}/")
        for request in seen:
            sent = request.headers.get("authorization", "")
            assert not sent or f'nonce="{request.url.host}"' in sent

    def test_a_challenge_from_elsewhere_is_not_answered(self, world: World) -> None:
        """A redirect to another origin that asks for credentials gets none."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            if request.url.host == "one.example":
                return Response(302, headers={"Location": "https://evil.example/"})
            return Response(401, headers={"WWW-Authenticate": CHALLENGE.format("n")})

        client = world.client(handler, auth=DigestAuth("user", "s3cret"), follow_redirects=True)
        assert world.run(client.get, "https://one.example/").status_code == 401
        assert all("authorization" not in request.headers for request in seen)

    def test_a_nonce_from_elsewhere_is_not_taken(self, world: World) -> None:
        """Where a redirect leads, a server names no nonce for the origin that it came from."""
        sent: list[str] = []

        def handler(request: Request) -> Response:
            if request.url.host == "evil.example":
                return Response(200, headers={"Authentication-Info": 'nextnonce="chosen"'})
            if "authorization" not in request.headers:
                return Response(401, headers={"WWW-Authenticate": CHALLENGE.format("n")})
            sent.append(request.headers["authorization"])
            return Response(302, headers={"Location": "https://evil.example/"})

        client = world.client(handler, auth=DigestAuth("user", "s3cret"), follow_redirects=True)
        for _ in range(2):
            world.run(client.get, "https://one.example/")
        assert len(sent) == 2
        assert all('nonce="n"' in field for field in sent)

    @pytest.mark.parametrize("challenge", MALFORMED)
    def test_a_malformed_one_is_no_other_exception(self, world: World, challenge: str) -> None:
        """It is a ProtocolError with its request, or the 401 is the answer; among other schemes, too."""
        for field in (challenge, f"Negotiate, {challenge}", f'Basic realm="a, b", {challenge}'):
            handler = lambda request, field=field: Response(401, headers={"WWW-Authenticate": field})  # noqa: E731
            client = world.client(handler, auth=DigestAuth("user", "s3cret"))
            try:
                assert world.run(client.get, "https://one.example/").status_code == 401
            except ProtocolError as error:
                message = f"{error} {error.request.url}"
                assert "s3cret" not in message


class TestR8:
    """Referer."""

    def test_none_is_made_up(self, world: World) -> None:
        """No Referer is sent unless the program gives one, after redirects neither."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            return Response(302, headers={"Location": "https://two.example/"}) if len(seen) == 1 else Response(200)

        world.run(world.client(handler, follow_redirects=True).get, "https://user:s3cret@one.example/?a=b#c")
        assert all("referer" not in request.headers for request in seen)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"headers": {"Host": "other.example"}},
    {"headers": {"Authorization": "s3cret"}},
    {"headers": {"Connection": "close", "Expect": "100-continue"}},
    {"auth": ("user", "s3cret")},
    {"extensions": {"sni_hostname": "other.example", "target": b"/other"}},
    {"cookies": {"a": "s3cret"}},
    {"json": {"a": 1}},
    {"content": b"body", "headers": {"Content-Type": "x/y"}},
    {"params": {"a": "b"}},
    {"timeout": 1},
    {"follow_redirects": True},
]


def ask(client: borzoi.Client, options: dict[str, Any], url: str = "https://one.example/p") -> None:
    """Send a request with some options."""
    for_sending = {name: options[name] for name in ("auth", "follow_redirects") if name in options}
    building = {name: value for name, value in options.items() if name not in for_sending}
    client.send(client.build_request("POST", url, **building), **for_sending)


def image(requests: list[Request]) -> list[Any]:
    """Return what requests are on the wire."""
    return [(r.method, str(r.url), r.headers.raw, r.read(), sorted(map(str, r.extensions))) for r in requests]


class Remembering:
    """Peers that remember the requests, and not what is said to a proxy before them."""

    def __init__(self, *, is_socks: bool) -> None:
        self._replies = [b"\x05\0", b"\x05\0\0\x01" + bytes(6)] if is_socks else []
        self.sent = b""

    def connection(self) -> Callable[[bytes], list[bytes]]:
        """Return one more peer."""
        replies = iter(self._replies)

        def receive(data: bytes) -> list[bytes]:
            if not data:
                return []
            reply = next(replies, None)
            if reply is not None:
                return [reply]
            self.sent += data
            is_asking = b"100-continue" in self.sent
            return [b"HTTP/1.1 100 Continue\r\n\r\n"] * is_asking + [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]

        return receive


class TestR9:
    """What one request leaves to the next."""

    def test_nothing(self) -> None:
        """After any sequence of requests the next one is what a fresh client would send."""

        def send(sequence: tuple[int, ...]) -> list[Any]:
            seen: list[Request] = []
            transport = borzoi.MockTransport(lambda request: seen.append(request) or Response(200))
            with borzoi.Client(transport=transport) as client:
                for number in sequence:
                    ask(client, OPTIONS[number])
            return image(seen)

        self._compare(send)

    @pytest.mark.parametrize("proxy", [None, "http://user:s3cret@proxy.example", "socks5://proxy.example"])
    def test_nothing_on_the_wire(self, proxy: str | None) -> None:
        """Nor do connections that are used again, or what is remembered of heads, change a byte of the next request."""
        options = [{**option, "extensions": {}} if "extensions" in option else option for option in OPTIONS]

        def send(sequence: tuple[int, ...]) -> list[Any]:
            wire = Remembering(is_socks=proxy is not None and proxy.startswith("socks"))
            transport = HTTPTransport(backend=MemoryBackend(lambda host, port: wire.connection()), proxy=proxy)
            requests: list[bytes] = []
            with borzoi.Client(transport=transport) as client:
                for number in sequence:
                    wire.sent = b""
                    ask(client, options[number], "http://one.example/p")
                    requests.append(wire.sent)
            return requests

        self._compare(send, 40)

    @staticmethod
    def _compare(send: Callable[[tuple[int, ...]], list[Any]], longer: int = 100) -> None:
        alone = [send((number,))[0] for number in range(len(OPTIONS))]
        assert all(alone)
        chance = random.Random(9)
        sequences = list(itertools.permutations(range(len(OPTIONS)), 2))
        sequences += [tuple(chance.choices(range(len(OPTIONS)), k=chance.randint(3, 5))) for _ in range(longer)]
        for sequence in sequences:
            assert send(sequence) == [alone[number] for number in sequence], sequence
