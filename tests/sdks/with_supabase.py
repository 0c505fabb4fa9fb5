"""supabase, and postgrest, which it asks for tables."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from postgrest import APIError, AsyncPostgrestClient, SyncPostgrestClient
from supabase import AsyncClientOptions, Client, ClientOptions, acreate_client, create_client

from tests.sdks.calls import LIMIT, Calls, raised
from tests.sdks.comparison import assert_same
from tests.sdks.server import BROKEN, STALLED, Answer, Server, answer_json, answer_text

calls = Calls("postgrest", "supabase")

ROWS = [{"id": 1, "name": "Öl"}, {"id": 2, "name": "b"}]

ERROR = {"code": "42P01", "message": "relation does not exist", "details": None, "hint": "Look again."}

USER = {
    "id": "11111111-1111-1111-1111-111111111111",
    "aud": "authenticated",
    "email": "a@b.example",
    "app_metadata": {},
    "user_metadata": {},
    "created_at": "2026-01-01T00:00:00Z",
}

SESSION = {"access_token": "at", "refresh_token": "rt", "token_type": "bearer", "expires_in": 3600, "user": USER}


@contextmanager
def rest(server: Server, **options: Any) -> Iterator[SyncPostgrestClient]:
    """A client for tables."""
    with SyncPostgrestClient(server.url, headers={"apikey": "k"}, retry_enabled=False, **options) as client:
        yield client


def supabase(server: Server, **options: Any) -> Client:
    """A client for all."""
    return create_client(server.url, "a.b.c", ClientOptions(auto_refresh_token=False, **options))


def opened(**options: Any) -> httpx.Client:
    """A client of the caller, with its own settings."""
    return httpx.Client(headers={"X-Mine": "1"}, **options)


@calls
def constructs(server: Server) -> Any:
    with rest(server) as client:
        session = client.session
        return [session.headers, session.base_url, session.timeout, session.follow_redirects]


@calls
def selects(server: Server) -> Any:
    server.answer(answer_json(ROWS, 206, Content_Range="0-1/9"))
    with rest(server) as client:
        query = client.from_("t").select("id", "name", count="exact").eq("name", "Öl, x").in_("id", [1, 2])
        return query.or_("a.gt.1,b.is.null").order("id", desc=True).range(0, 1).execute()


@calls
async def selects_in_a_loop(server: Server) -> Any:
    server.answer(answer_json(ROWS))
    async with AsyncPostgrestClient(server.url, schema="other") as client:
        return await client.from_("t").select("*").ilike("name", "%x%").limit(3).execute()


@calls
def selects_one(server: Server) -> Any:
    none = {"code": "PGRST116", "message": "none", "details": "The result contains 0 rows", "hint": None}
    server.answer(answer_json(ROWS[0]), answer_json(none, 406), Answer(200, (("Content-Type", "text/csv"),), b"id\n1"))
    with rest(server) as client:
        one = client.from_("t").select("*")
        return [one.single().execute(), raised(one.maybe_single().execute), one.csv().execute()]


@calls
def writes(server: Server) -> Any:
    server.answer(answer_json(ROWS, 201), answer_json(ROWS), answer_json(ROWS), Answer(204))
    with rest(server) as client:
        table = client.from_("t")
        return [
            table.insert(ROWS).execute(),
            table.upsert({"id": 1}, on_conflict="id").execute(),
            table.update({"name": "ü"}).eq("id", 1).execute(),
            table.delete(returning="minimal").eq("id", 1).execute(),
        ]


@calls
def calls_a_function(server: Server) -> Any:
    server.answer(answer_json(3), answer_json(3), Answer(200, (("Content-Range", "0-1/2"),)))
    with rest(server) as client:
        first = client.rpc("add", {"a": 1}).execute()
        return [first, client.rpc("add", {"a": 1}, get=True).execute(), client.rpc("add", {}, head=True).execute()]


@calls
def is_refused(server: Server) -> Any:
    server.answer(answer_json(ERROR, 404), answer_text("<html>", 502))
    with rest(server) as client:
        query = client.from_("t").select("*")
        return [raised(query.execute), raised(query.execute), issubclass(APIError, Exception)]


@calls
async def is_refused_in_a_loop(server: Server) -> Any:
    server.answer(answer_json(ERROR, 400))
    async with AsyncPostgrestClient(server.url) as client:
        return await client.from_("t").insert({"a": 1}).execute()


@calls
def times_out(server: Server) -> Any:
    server.answer(STALLED)
    with rest(server, http_client=opened(base_url=server.url, timeout=LIMIT)) as client:
        return client.from_("t").select("*").execute()


@calls
async def times_out_in_a_loop(server: Server) -> Any:
    server.answer(STALLED)
    mine = httpx.AsyncClient(base_url=server.url, timeout=LIMIT)
    async with AsyncPostgrestClient(server.url, http_client=mine, retry_enabled=False) as client:
        return await client.from_("t").select("*").execute()


@calls
def a_time_out_that_is_deprecated(server: Server) -> Any:
    """postgrest warns of the settings that belong to the client."""
    with rest(server, timeout=4, verify=True) as client:
        return [client.session.timeout, client.timeout]


@calls
def is_cut_off(server: Server) -> Any:
    server.answer(BROKEN)
    with rest(server) as client:
        return client.from_("t").select("*").execute()


@calls
def cannot_connect(server: Server) -> Any:
    with SyncPostgrestClient("http://127.0.0.1:1", retry_enabled=False) as client:
        return client.from_("t").select("*").execute()


@calls
def custom_client(server: Server) -> Any:
    server.answer(answer_json(ROWS), answer_json(ROWS))
    heard: list[Any] = []
    with opened(base_url=server.url, event_hooks={"response": [heard.append]}, http2=True) as mine:
        with SyncPostgrestClient(server.url, http_client=mine) as client:
            rows = client.from_("t").select("*").execute()
            other = client.schema("other").from_("t").select("*").execute()
        return [rows, other, mine.is_closed, [response.url for response in heard]]


@calls
def authenticates(server: Server) -> Any:
    server.answer(answer_json(ROWS), answer_json(ROWS))
    with rest(server) as client:
        first = client.auth("token").from_("t").select("*").execute()
        return [first, client.auth(None, username="ann", password="pä").from_("t").select("*").execute()]


@calls
def asks_for_a_table(server: Server) -> Any:
    server.answer(answer_json(ROWS))
    return supabase(server).table("t").select("*").execute()


@calls
def signs_in(server: Server) -> Any:
    """The token of the session goes with what is asked for afterwards."""
    server.answer(answer_json(SESSION), answer_json(ROWS), answer_json(USER), Answer(204))
    client = supabase(server)
    answer = client.auth.sign_in_with_password({"email": "a@b.example", "password": "secret"})
    rows = client.table("t").select("*").execute()
    return [answer.user, rows, client.auth.get_user().user, client.auth.sign_out()]


@calls
def cannot_sign_in(server: Server) -> Any:
    refusal = {"error_code": "invalid_credentials", "msg": "Invalid login credentials"}
    server.answer(answer_json(refusal, 400, X_Supabase_Api_Version="2024-01-01"), STALLED)
    with opened(timeout=LIMIT) as mine:
        client = supabase(server, httpx_client=mine)
        credentials = {"email": "a@b.example", "password": "secret"}
        return [raised(client.auth.sign_in_with_password, credentials) for _ in range(2)]


@calls
def stores(server: Server) -> Any:
    """Files go up as forms and come down as bytes."""
    server.answer(
        answer_json({"Key": "b/ü.txt", "Id": "1"}),
        Answer(200, (("Content-Type", "text/plain"),), b"\0content"),
        answer_json([{"name": "a.txt", "id": "1", "metadata": None}]),
        answer_json([{"name": "a.txt"}]),
        answer_json({"statusCode": "404", "error": "not_found", "message": "Object not found"}, 400),
    )
    bucket = supabase(server).storage.from_("b")
    return [
        bucket.upload("d/ü.txt", b"content", {"content-type": "text/plain", "upsert": "true"}),
        bucket.download("d/ü.txt", {"transform": {"width": 3}}),
        bucket.list("d", {"limit": 2}),
        bucket.remove(["a.txt"]),
        raised(bucket.download, "none"),
        bucket.get_public_url("d/ü.txt"),
    ]


@calls
def invokes(server: Server) -> Any:
    server.answer(answer_json({"ok": 1}), answer_text("wrong", 500), answer_text("", 500, X_Relay_Header="true"))
    functions = supabase(server).functions
    body = {"body": {"a": 1}, "responseType": "json", "headers": {"X-Mine": "1"}}
    return [functions.invoke("f", body), raised(functions.invoke, "f"), raised(functions.invoke, "f", {"body": "x"})]


@calls
async def all_in_a_loop(server: Server) -> Any:
    """The client for event loops, with one client of the caller for all its parts."""
    server.answer(answer_json(ROWS), answer_json({"ok": 1}), Answer(200, (), b"content"))
    async with httpx.AsyncClient(headers={"X-Mine": "1"}) as mine:
        options = AsyncClientOptions(auto_refresh_token=False, httpx_client=mine)
        client = await acreate_client(server.url, "a.b.c", options)
        rows = await client.table("t").select("*").execute()
        answer = await client.functions.invoke("f", {"body": {"a": 1}})
        return [rows, answer, await client.storage.from_("b").download("x"), mine.is_closed]


@calls
async def many_at_once(server: Server) -> Any:
    """Queries that go at the same time each get their own answer."""
    for number in range(9):
        server.route("GET", f"/t{number}", answer_json([{"id": number}]))
    async with AsyncPostgrestClient(server.url) as client:
        queries = [client.from_(f"t{number}").select("*").execute() for number in range(9)]
        answers = await asyncio.gather(*queries)
    server.requests.sort(key=lambda request: request.target)
    return answers


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_supabase", name)
