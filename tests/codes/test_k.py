"""K6: whose the cookies of a request are."""

from __future__ import annotations

import pytest

import borzoi
from borzoi import Request, Response
from tests.client.conftest import World


class TestK6:
    """Whose cookies."""

    def test_those_of_a_request_are_for_its_origin(self, world: World) -> None:
        """They follow no redirect to another origin, nor one that comes back."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            locations = ["https://two.example/", "https://one.example/", None]
            location = locations[len(seen) - 1]
            return Response(200) if location is None else Response(302, headers={"Location": location})

        client = world.client(handler, follow_redirects=True)
        with pytest.warns(DeprecationWarning, match="per-request cookies"):
            world.run(client.get, "https://one.example/", cookies={"a": "s3cret"})
        assert ["cookie" in request.headers for request in seen] == [True, False, False]

    def test_a_host_header_selects_none(self, world: World) -> None:
        """Cookies go by the URL, and what a response sets is for its host, whatever Host said."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            return Response(200, headers={"Set-Cookie": "set=1"})

        client = world.client(handler)
        client.cookies.set("a", "of two", domain="two.example")
        world.run(client.get, "https://one.example/", headers={"Host": "two.example"})
        assert "cookie" not in seen[0].headers
        world.run(client.get, "https://two.example/")
        assert seen[1].headers["cookie"] == "a=of two" or "set" not in seen[1].headers["cookie"]
        assert isinstance(client.cookies, borzoi.Cookies)
