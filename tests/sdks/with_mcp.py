"""mcp: the client of the Model Context Protocol, over streamable HTTP and over events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import mcp
import pytest
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.sdks.calls import LIMIT, Calls
from tests.sdks.comparison import assert_same
from tests.sdks.server import BROKEN, STALLED, Answer, Server, answer_events, answer_json, answer_text

# The client posts, and listens for events at the same time.
calls = Calls("mcp", in_any_order=True)


def result(number: int, **fields: Any) -> dict[str, Any]:
    """Return a message with a result."""
    return {"jsonrpc": "2.0", "id": number, "result": fields}


GREETING: dict[str, Any] = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "server", "version": "1"},
}

TOOLS = [{"name": "add", "description": "Adds.", "inputSchema": {"type": "object"}}]

SUM = {"content": [{"type": "text", "text": "drei"}], "isError": False}

ACCEPTED = Answer(202)


def prepare(server: Server, *answers: Answer, listening: Answer = Answer(405)) -> str:  # noqa: B008 - a named tuple
    """Have the server greet, then give the answers; return where it is."""
    greeting = answer_json(result(1, **GREETING), Mcp_Session_Id="session-1")
    server.route("POST", "/mcp", greeting, ACCEPTED, *answers)
    server.route("GET", "/mcp", listening)
    server.route("DELETE", "/mcp", Answer(200))
    return f"{server.url}/mcp"


@asynccontextmanager
async def connected(
    server: Server, url: str, came: int = 3, *, ends: bool = True, client: Any = None, **options: Any
) -> AsyncIterator[mcp.Client]:
    """A client that has greeted the server and listens to it: so many requests have come.

    A call that fails leaves without ending its session (`ends=False`): the SDK does that while it is being cancelled, and
    how far such a request goes is a matter of chance.
    """
    transport = streamable_http_client(url, http_client=client, terminate_on_close=ends)
    async with mcp.Client(transport, **{"mode": "legacy", **options}) as made:
        await asyncio.to_thread(server.wait_for_requests, came)
        yield made


@calls
async def constructs(server: Server) -> Any:
    async with connected(server, prepare(server)) as client:
        return [client.protocol_version, client.server_info, client.server_capabilities]


@calls
async def lists_tools(server: Server) -> Any:
    async with connected(server, prepare(server, answer_json(result(2, tools=TOOLS)))) as client:
        return await client.list_tools()


@calls
async def calls_a_tool(server: Server) -> Any:
    """The answer to a call comes as events, with a notification before it."""
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "working"}}
    answer = answer_events(("message", note), ("message", result(2, **SUM)))
    url = prepare(server, answer, answer_json(result(3, tools=TOOLS)))
    heard: list[Any] = []

    async def hear(message: Any) -> None:
        heard.append(message)

    async with connected(server, url, logging_callback=hear) as client:
        return [await client.call_tool("add", {"a": 1, "b": 2}), heard]


@calls
async def listens(server: Server) -> Any:
    """Events of the server arrive at the side, on a stream that stays open."""
    note = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    listening = answer_events(("message", note), stalls=True)
    heard: list[Any] = []

    async def hear(message: Any) -> None:
        heard.append(message)

    url = prepare(server, answer_json(result(2, tools=TOOLS)), listening=listening)
    async with connected(server, url, message_handler=hear) as client:
        await client.list_tools()
    return len(server.requests)


@calls
async def probes(server: Server) -> Any:
    """A server that does not know the newer handshake is greeted in the older way."""
    unknown = answer_json({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}})
    server.route("POST", "/mcp", unknown, answer_json(result(2, **GREETING)), ACCEPTED)
    server.route("GET", "/mcp", Answer(405))
    async with connected(server, f"{server.url}/mcp", came=3, mode="auto") as client:
        return client.protocol_version


@calls
async def a_tool_fails(server: Server) -> Any:
    error = {"jsonrpc": "2.0", "id": 2, "error": {"code": -32602, "message": "No such tool", "data": {"a": 1}}}
    async with connected(server, prepare(server, answer_json(error)), ends=False) as client:
        return await client.list_tools()


@calls
async def refused(server: Server) -> Any:
    async with connected(server, prepare(server, answer_text("no", 403)), ends=False) as client:
        return await client.list_tools()


@calls
async def refused_at_once(server: Server) -> Any:
    server.route("POST", "/mcp", answer_json({"error": "no"}, 401))
    async with mcp.Client(f"{server.url}/mcp", mode="legacy") as client:
        return await client.list_tools()


@calls
async def is_cut_off(server: Server) -> Any:
    url = prepare(server, BROKEN)
    async with connected(server, url, ends=False, read_timeout_seconds=LIMIT) as client:
        return await client.list_tools()


@calls
async def times_out(server: Server) -> Any:
    """The time-out is that of the protocol, and the server is told that nobody waits any more."""
    async with connected(server, prepare(server, STALLED), ends=False, read_timeout_seconds=LIMIT) as client:
        try:
            return await client.list_tools()
        except mcp.MCPError as error:
            await asyncio.to_thread(server.wait_for_requests, 5)
            return error


@calls
async def the_client_times_out(server: Server) -> Any:
    """The time-out is that of the HTTP client."""
    url = prepare(server, STALLED)
    async with httpx2.AsyncClient(timeout=LIMIT) as mine:
        async with connected(server, url, ends=False, client=mine, read_timeout_seconds=5) as client:
            return await client.list_tools()


@calls
async def cannot_connect(server: Server) -> Any:
    async with mcp.Client("http://127.0.0.1:1/mcp", mode="legacy", read_timeout_seconds=LIMIT) as client:
        return await client.list_tools()


@calls
async def custom_client(server: Server) -> Any:
    """A client of the caller is used, with its headers and its authentication, and is left open."""
    url = prepare(server, answer_json(result(2, tools=TOOLS)))
    async with httpx2.AsyncClient(headers={"X-Mine": "1"}, auth=("ann", "secret")) as mine:
        async with connected(server, url, client=mine) as client:
            tools = await client.list_tools()
        return [tools, mine.is_closed]


@calls
async def is_redirected(server: Server) -> Any:
    """A redirect within the origin is followed by the protocol's own rules."""
    prepare(server, answer_json(result(2, tools=TOOLS)))
    server.route("POST", "/old", Answer(307, (("Location", "/mcp"),)))
    server.route("GET", "/old", Answer(405))
    server.route("DELETE", "/old", Answer(200))
    async with connected(server, f"{server.url}/old", came=5) as client:
        return await client.list_tools()


@calls
async def a_stream_breaks(server: Server) -> Any:
    """A stream that ends before the answer is asked for again, from its last event on."""
    begun = "id: e1\nretry: 1\ndata: \n\n"
    rest = answer_events(f"id: e2\nevent: message\ndata: {result_text(2)}\n\n")
    url = prepare(server, answer_events(begun))
    server.route("GET", "/mcp", Answer(405), rest)
    async with connected(server, url, read_timeout_seconds=5) as client:
        return await client.list_tools()


def result_text(number: int) -> str:
    """Return the answer to a listing, as text."""
    return f'{{"jsonrpc": "2.0", "id": {number}, "result": {{"tools": []}}}}'


async def by_events(server: Server, **options: Any) -> Any:
    """List tools in the older way: posts to one place, events from another."""
    async with sse_client(f"{server.url}/sse", **options) as (reading, writing):
        async with mcp.ClientSession(reading, writing) as session:
            return [await session.initialize(), await session.list_tools()]


@calls
async def events(server: Server) -> Any:
    # Each answer waits for its question: the greeting is the second request, the listing the fourth.
    messages = (2, ("message", result(1, **GREETING)), 4, ("message", result(2, tools=TOOLS)))
    answer = answer_events("event: endpoint\ndata: /messages?session_id=s1\n\n", *messages, stalls=True)
    server.route("GET", "/sse", answer)
    server.route("POST", "/messages", ACCEPTED)
    return await by_events(server, headers={"X-Mine": "1"})


@calls
async def events_are_refused(server: Server) -> Any:
    server.route("GET", "/sse", answer_text("no", 404))
    return await by_events(server)


@calls
async def events_are_no_events(server: Server) -> Any:
    server.route("GET", "/sse", answer_text("no"))
    return await by_events(server)


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_mcp", name)
