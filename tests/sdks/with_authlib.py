"""authlib: its OAuth 2.0 clients, which are subclasses of those of httpx2."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client

from tests.sdks.calls import LIMIT, Calls, raised
from tests.sdks.comparison import assert_same
from tests.sdks.server import BROKEN, STALLED, Answer, Server, answer_json, answer_lines, answer_text

calls = Calls("authlib")

TOKEN = {"access_token": "at", "token_type": "Bearer", "refresh_token": "rt", "scope": "all"}

EXPIRED = {**TOKEN, "expires_at": 1}

CLIENT = {"client_id": "id", "client_secret": "secret"}


@calls
def constructs(server: Server) -> Any:
    with OAuth2Client(**CLIENT, scope="all", timeout=3, headers={"X-Mine": "1"}) as client:
        made = [client.timeout, client.headers, isinstance(client, httpx2.Client)]
        return [*made, client.create_authorization_url("https://as.example/auth", state="s", code_verifier="v" * 43)]


@calls
def fetches_a_token(server: Server) -> Any:
    server.answer(answer_json(TOKEN), answer_json({"me": 1}))
    with OAuth2Client(**CLIENT, redirect_uri="https://app.example/back") as client:
        token = client.fetch_token(f"{server.url}/token", code="code", code_verifier="v" * 43)
        return [token, client.get(f"{server.url}/me?x=1"), client.token]


@calls
def each_way_to_authenticate(server: Server) -> Any:
    """The client says who it is in a field, in the body, in the query, or not at all."""
    answers = []
    for method in ("client_secret_basic", "client_secret_post", "none"):
        server.answer(answer_json(TOKEN))
        with OAuth2Client(**CLIENT, token_endpoint_auth_method=method) as client:
            answers.append(client.fetch_token(f"{server.url}/token", grant_type="client_credentials"))
    return answers


@calls
def fetches_a_token_by_get(server: Server) -> Any:
    server.answer(answer_json(TOKEN))
    with OAuth2Client(**CLIENT) as client:
        return client.fetch_token(f"{server.url}/token", method="GET", username="ann", password="p w")


@calls
async def fetches_a_token_in_a_loop(server: Server) -> Any:
    server.answer(answer_json(TOKEN), answer_json({"me": 1}))
    async with AsyncOAuth2Client(**CLIENT) as client:
        token = await client.fetch_token(f"{server.url}/token", authorization_response="https://app.example/?code=c")
        return [token, await client.post(f"{server.url}/me", json={"a": 1})]


@calls
def refreshes(server: Server) -> Any:
    """A token that has expired is renewed before the request."""
    updates: list[Any] = []
    server.answer(answer_json({**TOKEN, "access_token": "new"}), answer_json({"me": 1}))

    def update(token: Any, **options: Any) -> None:
        updates.append([token, options])

    settings = {"token_endpoint": f"{server.url}/token", "update_token": update}
    with OAuth2Client(**CLIENT, **settings, token=EXPIRED) as client:
        return [client.get(f"{server.url}/me"), updates]


@calls
async def refreshes_in_a_loop(server: Server) -> Any:
    updates: list[Any] = []
    server.answer(answer_json({**TOKEN, "access_token": "new"}), answer_json({"me": 1}))

    async def update(token: Any, **options: Any) -> None:
        updates.append([token, options])

    settings = {"token_endpoint": f"{server.url}/token", "update_token": update}
    async with AsyncOAuth2Client(**CLIENT, **settings, token=EXPIRED) as client:
        return [await client.get(f"{server.url}/me"), updates]


@calls
def streams(server: Server) -> Any:
    server.answer(answer_lines({"n": 1}, {"n": 2}))
    with OAuth2Client(**CLIENT, token=TOKEN) as client, client.stream("GET", f"{server.url}/lines") as response:
        return [response.status_code, list(response.iter_lines())]


@calls
async def streams_in_a_loop(server: Server) -> Any:
    server.answer(answer_lines({"n": 1}, {"n": 2}))
    async with AsyncOAuth2Client(**CLIENT, token=TOKEN) as client, client.stream("GET", f"{server.url}/l") as response:
        return [response.status_code, [line async for line in response.aiter_lines()]]


@calls
def sends_bodies(server: Server) -> Any:
    """The token goes with bodies of every kind."""
    server.answer(*[answer_json({})] * 4)
    with OAuth2Client(**CLIENT, token=TOKEN) as client:
        ways: list[dict[str, Any]] = [
            {"json": {"é": 1}},
            {"data": {"a": "b c"}},
            {"content": b"\0"},
            {"files": {"f": ("n.txt", b"abc")}},
        ]
        return [client.put(f"{server.url}/x", **way).status_code for way in ways]


@calls
def is_refused(server: Server) -> Any:
    error = {"error": "invalid_grant", "error_description": "The code is old."}
    server.answer(answer_json(error, 400), answer_text("down", 503), answer_json({"nothing": 1}))
    with OAuth2Client(**CLIENT) as client:
        return [raised(client.fetch_token, f"{server.url}/token", code="c") for _ in range(3)]


@calls
def has_no_token(server: Server) -> Any:
    with OAuth2Client(**CLIENT) as client:
        return [raised(client.get, server.url), raised(client.request, "GET", server.url, withhold_token=True)]


@calls
def has_an_old_token(server: Server) -> Any:
    with OAuth2Client(**CLIENT, token={"access_token": "at", "token_type": "Bearer", "expires_at": 1}) as client:
        return client.get(server.url)


@calls
def puts_the_token_elsewhere(server: Server) -> Any:
    """The token goes in the URL or in the body."""
    server.answer(answer_json({}), answer_json({}))
    with OAuth2Client(**CLIENT, token=TOKEN, token_placement="uri") as client:
        first = client.get(f"{server.url}/x?y=1")
    with OAuth2Client(**CLIENT, token=TOKEN, token_placement="body") as client:
        return [first, client.post(f"{server.url}/x", data={"y": "1"})]


@calls
def revokes_and_introspects(server: Server) -> Any:
    server.answer(Answer(200), answer_json({"active": True}))
    with OAuth2Client(**CLIENT, token=TOKEN) as client:
        revoked = client.revoke_token(f"{server.url}/revoke", token="at")
        return [revoked, client.introspect_token(f"{server.url}/introspect", token="at")]


@calls
def times_out(server: Server) -> Any:
    server.answer(STALLED)
    with OAuth2Client(**CLIENT, timeout=LIMIT) as client:
        return client.fetch_token(f"{server.url}/token", code="c")


@calls
async def times_out_in_a_loop(server: Server) -> Any:
    server.answer(STALLED)
    async with AsyncOAuth2Client(**CLIENT, token=TOKEN) as client:
        return await client.get(f"{server.url}/me", timeout=LIMIT)


@calls
def is_cut_off(server: Server) -> Any:
    server.answer(BROKEN)
    with OAuth2Client(**CLIENT, token=TOKEN) as client:
        return client.get(f"{server.url}/me")


@calls
def keeps_the_token_on_redirects(server: Server) -> Any:
    server.answer(Answer(302, (("Location", "/there"),)), answer_json({}))
    with OAuth2Client(**CLIENT, token=TOKEN) as client:
        return client.get(f"{server.url}/here", follow_redirects=True)


@calls
def custom_transport(server: Server) -> Any:
    """What httpx's client takes goes to it."""
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json=TOKEN))
    with OAuth2Client(**CLIENT, transport=transport, base_url="https://as.example") as client:
        return client.fetch_token("/token", code="c")


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_authlib", name)
