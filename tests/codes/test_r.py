"""R2 to R9: redirects, credentials of files and of the environment, and what one request leaves to the next."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi import (
    BasicAuth,
    DigestAuth,
    NetRCAuth,
    ProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    TooManyRedirects,
)
from borzoi.guards import public_only
from tests.client.conftest import World


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


class TestR5:
    """Addresses of the inside."""

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "0.0.0.0"]
    )
    def test_they_are_out_of_reach(self, host: str) -> None:
        """With the guard no connection is made, directly and by a redirect."""
        resolver = borzoi.guards.PublicOnly(resolver=lambda name, port: ["127.0.0.1"] if name == "localhost" else None)
        with borzoi.Client(resolver=resolver, trust_env=False) as client, pytest.raises(borzoi.BlockedAddress):
            client.get(f"http://{host}:9/")
        assert public_only is not None

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
    {"json": {"a": 1}},
    {"content": b"body", "headers": {"Content-Type": "x/y"}},
    {"params": {"a": "b"}},
    {"timeout": 1},
    {"follow_redirects": True},
]


def image(requests: list[Request]) -> list[Any]:
    """Return what requests are on the wire."""
    return [(r.method, str(r.url), r.headers.raw, r.read(), sorted(map(str, r.extensions))) for r in requests]


class TestR9:
    """What one request leaves to the next."""

    def test_nothing(self) -> None:
        """After any sequence of requests the next one is what a fresh client would send."""

        def send(sequence: tuple[int, ...]) -> list[Any]:
            seen: list[Request] = []
            transport = borzoi.MockTransport(lambda request: seen.append(request) or Response(200))
            with borzoi.Client(transport=transport) as client:
                for number in sequence:
                    client.request("POST", "https://one.example/p", **OPTIONS[number])
            return image(seen)

        alone = [send((number,))[0] for number in range(len(OPTIONS))]
        chance = random.Random(9)
        sequences = list(itertools.permutations(range(len(OPTIONS)), 2))
        sequences += [tuple(chance.choices(range(len(OPTIONS)), k=chance.randint(3, 5))) for _ in range(100)]
        for sequence in sequences:
            assert send(sequence) == [alone[number] for number in sequence]
