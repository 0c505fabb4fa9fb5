"""Credentials and cookies of clients, and statuses that are errors whatever the document calls them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi.openapi import runtime
from borzoi.openapi.runtime.errors import NotFound

USER = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}


def document(schemes: dict[str, Any], responses: dict[str, Any] | None = None, **operation: Any) -> dict[str, Any]:
    """Return a document with one operation, which asks for all of the schemes."""
    done = responses or {"204": {"description": ""}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://h"}],
        "components": {"securitySchemes": schemes},
        "security": [{key: [] for key in schemes}],
        "paths": {"/users": {"get": {"operationId": "list_users", "responses": done, **operation}}},
    }


def recording(asked: list[borzoi.Request], response: borzoi.Response | None = None) -> borzoi.MockTransport:
    """Return a transport that keeps what it is asked."""

    def answer(request: borzoi.Request) -> borzoi.Response:
        asked.append(request)
        return response or borzoi.Response(204, headers={"Set-Cookie": "seen=1"})

    return borzoi.MockTransport(answer)


def test_digest(client_of: Callable[..., Any]) -> None:
    """Digest has a name and a password as basic has, and answers the challenge (RFC 7616), once for all requests."""
    asked: list[borzoi.Request] = []

    def answer(request: borzoi.Request) -> borzoi.Response:
        asked.append(request)
        challenge = {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'}
        return borzoi.Response(204) if "Authorization" in request.headers else borzoi.Response(401, headers=challenge)

    package = client_of(document({"d": {"type": "http", "scheme": "Digest"}}))
    with package.Client(username="u", password="p", transport=borzoi.MockTransport(answer)) as client:
        client.users.list()
        client.users.list()
    given = [each.headers.get("Authorization", "") for each in asked]
    assert len(given) == 3
    assert given[1].startswith('Digest username="u", realm="r"')
    assert "nc=00000002" in given[2]


@pytest.mark.parametrize(
    ("schemes", "expected"),
    [
        ({"o": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://a", "scopes": {}}}}}, ["token"]),
        ({"o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {}}}}}, ["token", "client_id", "client_secret"]),
        ({"o": {"type": "openIdConnect", "openIdConnectUrl": "https://o"}}, ["token", "client_id", "client_secret"]),
        ({"b": {"type": "http", "scheme": "basic"}, "d": {"type": "http", "scheme": "digest"}}, ["b_username", "b_password", "d_username", "d_password"]),
        ({"t": {"type": "http", "scheme": "Token"}, "m": {"type": "mutualTLS"}}, ["token"]),
    ],
)  # fmt: skip
def test_arguments_of_schemes(client_of: Callable[..., Any], schemes: dict[str, Any], expected: list[str]) -> None:
    """A client has the arguments that a scheme can use, and no others."""
    package = client_of(document(schemes))
    assert list(inspect.signature(package.Client).parameters)[1:-1] == expected


COOKIES: dict[str, Any] = {"parameters": [{"name": "theme", "in": "cookie", "schema": {"type": "string"}}]}


def test_cookies_of_the_client_are_sent_beside_others(client_of: Callable[..., Any]) -> None:
    """A cookie that is a parameter, or a credential, goes with those that the client was given, or has received."""
    asked: list[borzoi.Request] = []
    package = client_of(document({"s": {"type": "apiKey", "in": "cookie", "name": "sid"}}, **COOKIES))
    with package.Client(api_key="k", cookies={"a": "1", "theme": "old"}, transport=recording(asked)) as client:
        client.users.list(theme="new")
        client.users.list()
    assert asked[0].headers["Cookie"] == "a=1; theme=new; sid=k"
    assert asked[1].headers["Cookie"] == "a=1; theme=old; seen=1; sid=k"


def test_cookies_of_an_async_client(client_of: Callable[..., Any]) -> None:
    """In async code, too."""
    asked: list[borzoi.Request] = []
    package = client_of(document({}, **COOKIES))

    async def run() -> None:
        async with package.AsyncClient(cookies={"a": "1"}, transport=recording(asked)) as client:
            await client.users.list(theme="new")

    asyncio.run(run())
    assert asked[0].headers["Cookie"] == "a=1; theme=new"


@pytest.mark.parametrize("status", [200, 404])
def test_default_alone(client_of: Callable[..., Any], status: int) -> None:
    """Where `default` is all that is declared, a success is its body, and an error is raised with that."""
    content = {"application/json": {"schema": USER}}
    package = client_of(document({}, {"default": {"description": "", "content": content}}))
    transport = recording([], borzoi.Response(status, json={"id": 7}))
    with package.Client(transport=transport) as client:
        if status == 200:
            assert client.users.list().id == 7
            return
        with pytest.raises(NotFound) as caught:
            client.users.list()
    assert caught.value.data.id == 7


def test_a_stream_that_is_declared_by_default(client_of: Callable[..., Any]) -> None:
    """So is a stream: what is sent with an error is none of its items."""
    content = {"application/jsonl": {"itemSchema": USER}}
    package = client_of(document({}, {"default": {"description": "", "content": content}}))
    transport = recording([], borzoi.Response(404, content=b'{"id": 7}\n'))
    with package.Client(transport=transport) as client, pytest.raises(runtime.errors.NotFound), client.users.list():
        pass


def test_keys_stay_where_they_are_meant_to_go(client_of: Callable[..., Any]) -> None:
    """A redirect to another origin does not take along a key in a header or a cookie; one to the same origin does."""
    asked: list[borzoi.Request] = []

    def answer(request: borzoi.Request) -> borzoi.Response:
        asked.append(request)
        after = {"/users": "https://h/here", "/here": "https://elsewhere/there"}.get(request.url.path)
        return borzoi.Response(302, headers={"Location": after}) if after else borzoi.Response(204)

    keys = {
        "a": {"type": "apiKey", "in": "header", "name": "X-Own"},
        "b": {"type": "apiKey", "in": "cookie", "name": "sid"},
    }
    package = client_of(document(keys))
    transport = borzoi.MockTransport(answer)
    with package.Client(a="secret", b="secret", transport=transport, follow_redirects=True) as client:
        client.users.list()

    assert [each.url.host for each in asked] == ["h", "h", "elsewhere"]
    assert [each.headers.get("X-Own") for each in asked] == ["secret", "secret", None]
    assert "secret" in asked[0].headers["Cookie"]
    assert "secret" not in str(asked[2].headers.raw)


QUERY_KEY = {"q": {"type": "apiKey", "in": "query", "name": "api_key"}}


def test_keys_in_urls_are_in_no_text_of_an_error(client_of: Callable[..., Any]) -> None:
    """What is raised for an error's status, and for a body that does not fit, names the URL without the key in it."""
    ok = {"200": {"description": "", "content": {"application/json": {"schema": USER}}}}
    package = client_of(document(QUERY_KEY, ok))
    told: list[str] = []
    for response in (borzoi.Response(404), borzoi.Response(200, json={"id": "x"})):
        asked: list[borzoi.Request] = []
        with package.Client(api_key="hidden", transport=recording(asked, response)) as client:
            with pytest.raises(borzoi.HTTPError) as caught:
                client.users.list()
        assert asked[0].url.params["api_key"] == "hidden"
        told.append(str(caught.value))

    assert "https://h/users?api_key=" in told[0]
    assert "404" in told[0]
    assert "is not what the document declares" in told[1]
    assert "hidden" not in " ".join(told)
