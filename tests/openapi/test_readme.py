"""README.md of a package: what it shows works as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import borzoi

REPLY = {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array", "items": {"type": "string"}}}}}}  # fmt: skip
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
BODY = {"required": True, "content": {"application/json": {"schema": {"type": "string"}}}}
PATHS = {
    "/users/{id}": {"get": {"operationId": "get_user", "parameters": [ID], "responses": REPLY}},
    "/users": {
        "post": {"operationId": "create_user", "tags": ["admin"], "requestBody": BODY, "responses": REPLY},
        "get": {"operationId": "list_users", "responses": REPLY},
    },
}
SCHEMES = {
    "k": {"type": "apiKey", "in": "header", "name": "X-Key", "description": "Ask `us`.\n<!-- borzoi: keep -->"},
    "b": {"type": "http", "scheme": "basic"},
    "o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {}}}},
    "m": {"type": "mutualTLS"},
}


def readme_of(client_of: Callable[..., Any], style: str, **more: Any) -> str:
    """Return the README.md of a document."""
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": PATHS, **more}
    return (Path(client_of(document, style=style).__file__).parent / "README.md").read_text()


@pytest.mark.parametrize("style", ["both", "resources", "functions"])
@pytest.mark.parametrize("servers", [{}, {"servers": [{"url": "https://h"}]}])
def test_the_first_lines_work(
    client_of: Callable[..., Any], capsys: pytest.CaptureFixture[str], style: str, servers: dict[str, Any]
) -> None:
    """What one reads first calls the operation that needs least, with the credentials that it asks for, and shows its error."""
    asked: list[borzoi.Request] = []

    def answer(request: borzoi.Request) -> borzoi.Response:
        asked.append(request)
        return borzoi.Response(200, json=["ada"]) if len(asked) == 1 else borzoi.Response(404, text="gone")

    security = {"components": {"securitySchemes": SCHEMES}, "security": [{}, {"b": [], "k": []}]}
    text = readme_of(client_of, style, **servers, **security)
    code = text.partition("```python\n")[2].partition("```")[0]
    called = re.sub(r"with Client\((.*)\) as", r"with Client(\1, transport=transport) as", code)
    for _ in range(2):
        exec(compile(called, "README.md", "exec"), {"transport": borzoi.MockTransport(answer)})
    assert capsys.readouterr().out == "['ada']\n404 gone\n"
    assert str(asked[0].url) == ("https://h/users" if servers else "https://api.example.com/users")
    assert asked[0].headers["X-Key"] == "..."
    assert asked[0].headers["Authorization"].startswith("Basic ")


def test_credentials_and_operations_are_listed(client_of: Callable[..., Any]) -> None:
    """Each credential has its arguments and its kind, each operation its call; what the document says of them is text."""
    text = readme_of(client_of, "both", components={"securitySchemes": SCHEMES}, security=[{"o": []}])
    assert 'with Client("https://api.example.com", token="...") as client:' in text
    for line in (
        "- `api_key`: the header `X-Key`. Ask 'us'. < !-- borzoi: keep -->",
        "- `username`, `password`: basic",
        "- `token`, `client_id`, `client_secret`: OAuth 2.0",
        "- `client.users.get(id)`: GET /users/{id}",
        "- `client.admin.create_user(body=...)`: POST /users",
    ):
        assert f"\n{line}\n" in text
    assert "Ask `us`" not in text


def test_functions_are_listed_by_their_modules(client_of: Callable[..., Any]) -> None:
    """In the functions style the headings are the modules to import from, and the calls name the client."""
    text = readme_of(client_of, "functions")
    assert re.findall("^## (.*)$", text, re.MULTILINE)[1].endswith(".api.admin")
    assert "- `create_user.sync(body=..., client=client)`: POST /users" in text


def test_nothing_to_call(client_of: Callable[..., Any]) -> None:
    """A document without operations has a client all the same."""
    text = readme_of(client_of, "both", paths={})
    assert re.search(r"```python\nfrom \w+ import Client\n```", text)
