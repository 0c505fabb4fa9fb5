"""Where operations are, and what fetches their tokens: servers of their own, variables, OAuth 2.0, OpenID Connect."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
import trio

import borzoi
from borzoi.openapi import generate
from borzoi.openapi.runtime import Server
from borzoi.openapi.runtime.servers import base_of, filled
from borzoi.testing import mock
from tests.openapi.serving import API

DONE = {"responses": {"204": {"description": ""}}}
REGION = {"region": {"default": "eu", "enum": ["eu", "us"]}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "T", "version": "1"},
    "servers": [{"url": "https://{region}.api.test/v1", "variables": REGION}],
    "paths": {
        "/a": {"get": {**DONE, "operationId": "get_a", "tags": ["a"]}},
        "/b": {
            "servers": [{"url": "https://{region}.up.test/{base}", "variables": {**REGION, "base": {"default": "x/y"}}}],
            "get": {**DONE, "operationId": "get_b", "tags": ["a"]},
            "put": {**DONE, "operationId": "put_b", "tags": ["a"], "servers": [{"url": "/other"}]},
            "post": {**DONE, "operationId": "add_b", "tags": ["a"], "servers": [{"url": "https://{region}.api.test/v1", "variables": REGION}]},
        },
    },
}  # fmt: skip


def secured(kind: dict[str, Any]) -> dict[str, Any]:
    """Return a document whose operations ask for a token, but for one."""
    paths = {
        "/a": {"get": {**DONE, "operationId": "get_a", "tags": ["a"]}},
        "/open": {"get": {**DONE, "operationId": "open", "tags": ["a"], "security": []}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://api.test"}],
        "security": [{"login": []}],
        "paths": paths,
        "components": {"securitySchemes": {"login": kind}},
    }


def flow(url: str) -> dict[str, Any]:
    """Return a security scheme of OAuth 2.0."""
    return {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": url, "scopes": {}}}}


def test_operations_elsewhere(client_of: Any) -> None:
    """An operation goes to its own server, or that of its path; one that names the API's server goes where the API is."""
    package = client_of(DOCUMENT)
    with mock() as m:
        m.route(None, re.compile("https://.*")).reply(204)
        with package.Client(region="us", trust_env=False) as client:
            client.a.get()
            client.a.get_b()
            client.a.put_b()
            client.a.add_b()
        assert [str(call.url) for call in m.calls] == [
            "https://us.api.test/v1/a",
            "https://us.up.test/x/y/b",
            "https://us.api.test/other/b",
            "https://us.api.test/v1/b",
        ]


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ({}, "/"),
        ({"servers": []}, "/"),
        ({"servers": [{"url": "/v1"}]}, "/v1"),
        ({"servers": [{"url": "../{base}/x", "variables": {"base": {"default": "v2"}}}]}, "/{base}/x"),
        ({"servers": [{"url": "https://{region}.api.test/v1", "variables": REGION}]}, ""),
    ],
)
def test_servers_beside_the_document(tmp_path: Path, servers: dict[str, Any], expected: str) -> None:
    """A relative server is on that which the document came from (OpenAPI 3.1.1, Server Object); in a file it says nothing."""
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, **servers}
    content = json.dumps(document).encode()
    (tmp_path / "api.json").write_bytes(content)
    with API(lambda _: (200, {}, content)) as api:
        made = generate(f"{api.url}/docs/api.json", output=tmp_path / "remote")
    local = generate(tmp_path / "api.json", output=tmp_path / "local")
    url = f"{api.url}{expected}" if expected else "https://{region}.api.test/v1"
    assert f'base_url: str = "{url}"' in made.files["client.py"]
    assert ("base_url: str = " in local.files["client.py"]) is (not expected)


def test_servers_are_where_the_program_says(client_of: Any) -> None:
    """`base_url` moves the API, and `servers` the servers of single operations."""
    package = client_of(DOCUMENT)
    with mock() as m:
        m.route(None, re.compile("http://.*")).reply(204)
        elsewhere = {"https://{region}.up.test/{base}": "http://localhost:9/up/"}
        with package.Client("http://localhost:8/", servers=elsewhere, trust_env=False) as client:
            client.a.get()
            client.a.with_response.get_b()
        assert [str(call.url) for call in m.calls] == ["http://localhost:8/a", "http://localhost:9/up/b"]


def test_variables_name_no_other_host(client_of: Any) -> None:
    """A variable in the name of the host cannot end it: the credentials would go elsewhere. A path may have slashes."""
    with pytest.raises(ValueError, match=r"'region' cannot be 'evil\.test/'"):
        client_of(DOCUMENT).Client(region="evil.test/")
    assert filled("https://h/{a}/{b}", {"a": "x/y"}) == "https://h/x/y/{b}"
    assert base_of(Server("up/"), "https://h/v1", {}) == "https://h/v1/up"


RUNS = {
    "asyncio": asyncio.run,
    "trio": lambda coroutine: trio.run(lambda: coroutine),
}


@pytest.mark.parametrize("world", ["blocking", "asyncio", "trio"])
@pytest.mark.parametrize("url", ["https://id.test/token", "/token"])
def test_client_credentials(client_of: Any, world: str, url: str) -> None:
    """A token is fetched with the credentials at the first operation that asks for it, and replaced after a 401."""
    package = client_of(secured(flow(url)))
    place = url if "://" in url else f"https://api.test{url}"

    async def calls() -> None:
        async with package.AsyncClient(client_id="me", client_secret="s3cret", trust_env=False) as client:
            await client.a.open()
            await client.a.get()
            await client.with_options(timeout=3).a.get()

    with mock() as m:
        tokens = m.post(place).replies({"access_token": "t1"}, {"access_token": "t2"})
        opened = m.get("https://api.test/open").reply(204)
        api = m.get("https://api.test/a").replies(204, 401, 204)
        if world == "blocking":
            with package.Client(client_id="me", client_secret="s3cret", trust_env=False) as client:
                assert "s3cret" not in repr(client)
                client.a.open()
                client.a.get()
                client.with_options(timeout=3).a.get()
        else:
            RUNS[world](calls())
        assert tokens.call_count == 2
        assert "Authorization" not in opened.calls[0].headers
        assert [call.headers["Authorization"] for call in api.calls] == ["Bearer t1", "Bearer t1", "Bearer t2"]


def test_openid_connect(client_of: Any) -> None:
    """The address for tokens is found at the provider of OpenID Connect; a refusal is a TokenError."""
    where = "https://id.test/.well-known/openid-configuration"
    package = client_of(secured({"type": "openIdConnect", "openIdConnectUrl": where}))
    with mock() as m:
        m.get(where).reply(json={"issuer": "https://id.test", "token_endpoint": "https://id.test/t"})
        m.post("https://id.test/t").replies({"access_token": "t1"}, (400, {"error": "invalid_client"}))
        api = m.get("https://api.test/a").replies(204, 401)
        with package.Client(client_id="me", client_secret="s3cret", trust_env=False) as client:
            client.a.get()
            with pytest.raises(borzoi.TokenError, match="invalid_client"):
                client.a.get()
        assert api.calls[0].headers["Authorization"] == "Bearer t1"


def test_an_auth_as_token(client_of: Any) -> None:
    """Where a token goes, whatever authenticates goes as well: a refresh token, say. It is asked nowhere else."""
    package = client_of(secured(flow("https://id.test/token")))
    with mock() as m:
        m.post("https://id.test/other").reply(json={"access_token": "t1"})
        m.get("https://api.test/{path}").reply(204)
        auth = borzoi.OAuth2RefreshToken("https://id.test/other", "r", "me")
        with package.Client(token=auth, trust_env=False) as client:
            client.a.get()
            client.a.open()
        with package.Client(token=lambda: "made", trust_env=False) as client:
            client.a.get()
        assert [call.headers.get("Authorization") for call in m.calls if call.method == "GET"] == [
            "Bearer t1",
            None,
            "Bearer made",
        ]
