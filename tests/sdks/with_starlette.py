"""starlette's TestClient, and FastAPI's. There is no server: what an application recorded is part of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Form, HTTPException, UploadFile, WebSocket, WebSocketDisconnect
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from fastapi.testclient import TestClient as FastApiTestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket as StarletteWebSocket

from tests.sdks.calls import Calls, raised
from tests.sdks.comparison import assert_same
from tests.sdks.server import Server

calls = Calls("starlette", "fastapi")


async def echo(request: Request) -> Response:
    """Tell all that came."""
    scope = {
        name: str(request.scope[name]) for name in ("method", "path", "raw_path", "query_string", "client", "server")
    }
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
    body = await request.body()
    told = {**scope, "http_version": request.scope["http_version"], "headers": headers, "body": body.decode("latin-1")}
    return JSONResponse(told, headers={"X-Told": "1"})


async def fails(request: Request) -> Response:
    """Raise what no handler catches."""
    raise ValueError("not caught")


async def pieces(request: Request) -> Response:
    """Send a body in three pieces."""

    async def body() -> AsyncIterator[bytes]:
        for piece in (b"one\n", b"two\n", b"three"):
            yield piece

    return StreamingResponse(body(), media_type="text/plain", status_code=206)


async def sets_cookies(request: Request) -> Response:
    """Set a cookie, and tell those that came."""
    response = JSONResponse(request.cookies)
    response.set_cookie("session", "abc def", path="/")
    response.set_cookie("other", "1")
    return response


async def talks(websocket: StarletteWebSocket) -> None:
    """Answer one text and one JSON text, then close."""
    await websocket.accept(subprotocol="chat", headers=[(b"x-mine", b"1")])
    await websocket.send_text(f"heard {await websocket.receive_text()}")
    await websocket.send_json({"path": websocket.url.path, "agent": websocket.headers["user-agent"]})
    await websocket.send_bytes(b"\0\1")
    await websocket.close(4001, "enough")


async def denies(websocket: StarletteWebSocket) -> None:
    """Refuse a WebSocket."""
    await websocket.send_denial_response(PlainTextResponse("no", status_code=403))


started: list[str] = []


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """Tell of the beginning and of the end."""
    started.append("started")
    yield {"state": 1}
    started.append("stopped")


application = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/echo", echo, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]),
        Route("/fails", fails),
        Route("/pieces", pieces),
        Route("/cookies", sets_cookies),
        Route("/moved", lambda request: RedirectResponse("/echo?from=moved")),
        Route("/gone", lambda request: PlainTextResponse("gone", status_code=410)),
        Mount("/below", routes=[Route("/{name:path}", echo)]),
        WebSocketRoute("/talks", talks),
        WebSocketRoute("/denies", denies),
    ],
)

api = FastAPI()


@api.get("/items/{number}")
def item(number: int, q: str | None = None) -> dict[str, Any]:
    """Give an item."""
    if number == 404:
        raise HTTPException(404, "no such item", {"X-Why": "none"})
    return {"number": number, "q": q}


@api.post("/form")
def form(name: Annotated[str, Form()], upload: UploadFile) -> dict[str, Any]:
    """Read a form with a file."""
    return {"name": name, "filename": upload.filename, "type": upload.content_type, "size": upload.size}


@api.get("/me")
def me(credentials: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> dict[str, str]:
    """Tell who asks."""
    return {"user": credentials.username}


@api.websocket("/ws")
async def rooms(websocket: WebSocket) -> None:
    """Echo until the other side leaves."""
    await websocket.accept()
    try:
        while True:
            await websocket.send_json({"got": await websocket.receive_json()})
    except WebSocketDisconnect:
        started.append("left")


def each_verb(client: TestClient) -> list[Any]:
    """Use every verb once."""
    verbs = (client.get, client.head, client.options, client.delete)
    return [*(verb("/echo") for verb in verbs), *(verb("/echo", json={"a": 1}) for verb in (client.post, client.put))]


@calls
def constructs(server: Server) -> Any:
    client = TestClient(application, headers={"X-All": "1"}, cookies={"a": "b"}, base_url="http://base.example/root")
    return [client.headers, client.base_url, client.timeout, client.follow_redirects, dict(client.cookies)]


@calls
def verbs(server: Server) -> Any:
    return each_verb(TestClient(application))


@calls
def sends_bodies(server: Server) -> Any:
    """Each way to give a body."""
    client = TestClient(application)
    ways: list[dict[str, Any]] = [
        {"json": {"é": [1, None]}},
        {"data": {"a": ["1", "2"], "b": "ü"}},
        {"content": b"\0\xff"},
        {"content": iter([b"one", b"two"])},
        {"files": {"f": ("n.txt", b"abc", "text/plain")}, "data": {"x": "y"}},
        {"params": {"q": "a b", "r": ["1", "2"]}},
    ]
    return [client.post("/echo", **way) for way in ways]


@calls
def urls(server: Server) -> Any:
    client = TestClient(application, base_url="https://base.example:8443")
    targets = ["/below/a%2Fb%20c/é?x=%20y", "below/x", "http://other.example/echo", "https://[::1]:99/echo"]
    return [client.get(target) for target in targets]


@calls
def authenticates(server: Server) -> Any:
    client = TestClient(application)
    return client.get("/echo", auth=("user", "päss"), headers={"X-Many": "a, b"})


@calls
def raises_what_the_application_raises(server: Server) -> Any:
    return raised(TestClient(application).get, "/fails")


@calls
def answers_500(server: Server) -> Any:
    return TestClient(application, raise_server_exceptions=False).get("/fails")


@calls
def raises_for_status(server: Server) -> Any:
    return raised(TestClient(application).get("/gone").raise_for_status)


@calls
def follows(server: Server) -> Any:
    client = TestClient(application)
    return [client.get("/moved"), client.get("/moved", follow_redirects=False)]


@calls
def keeps_cookies(server: Server) -> Any:
    client = TestClient(application)
    client.cookies.set("mine", "x")
    return [client.get("/cookies"), client.get("/cookies"), dict(client.cookies)]


@calls
def streams(server: Server) -> Any:
    with TestClient(application).stream("GET", "/pieces") as response:
        return [response.status_code, list(response.iter_lines()), response.num_bytes_downloaded]


@calls
def runs_the_lifespan(server: Server) -> Any:
    started.clear()
    with TestClient(application) as client:
        response = client.get("/echo")
        return [response, client.app_state, list(started)]


@calls
def ends_the_lifespan(server: Server) -> Any:
    return list(started)


@calls
def websocket(server: Server) -> Any:
    with TestClient(application).websocket_connect("/talks?x=1", subprotocols=["chat"]) as session:
        session.send_text("hello")
        heard = [session.receive_text(), session.receive_json(), session.receive_bytes(), raised(session.receive)]
        return [session.accepted_subprotocol, session.extra_headers, heard]


@calls
def websocket_denied(server: Server) -> Any:
    with TestClient(application).websocket_connect("/denies") as session:
        return session.receive_text()


@calls
def warns_of_a_timeout(server: Server) -> Any:
    return TestClient(application).get("/echo", timeout=3)


@calls
def fastapi_items(server: Server) -> Any:
    with FastApiTestClient(api) as client:
        return [client.get(f"/items/{number}", params={"q": "é"}) for number in ("1", "404", "x")]


@calls
def fastapi_form(server: Server) -> Any:
    client = FastApiTestClient(api)
    upload = {"upload": ("naïve.png", b"\x89PNG", "image/png")}
    return [client.post("/form", data={"name": "n"}, files=upload), client.post("/form", data={"name": "n"})]


@calls
def fastapi_auth(server: Server) -> Any:
    client = FastApiTestClient(api)
    return [client.get("/me"), client.get("/me", auth=("ann", "secret"))]


@calls
def fastapi_websocket(server: Server) -> Any:
    with FastApiTestClient(api).websocket_connect("/ws") as session:
        session.send_json({"a": 1})
        return session.receive_json()


@calls
def fastapi_schema(server: Server) -> Any:
    return FastApiTestClient(api).get("/openapi.json").json()["paths"]


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_starlette", name)
