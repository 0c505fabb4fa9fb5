"""What an API sends of itself, webhooks and callbacks, and where its replies lead, links."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import hmac
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi.openapi import generate, runtime
from borzoi.openapi.runtime import SignatureError, Webhook, WebhookError, verify, verify_hmac
from tests.openapi.serving import API, Asked, Reply
from tests.structure.source import ROOT

PET = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "integer"}, "born": {"type": "string", "format": "date"}},
}


def sends(schema: Any, media_type: str = "application/json") -> dict[str, Any]:
    """Return an operation that has a body."""
    return {
        "post": {"summary": "It comes.", "requestBody": {"content": {media_type: {"schema": schema}}}, "responses": {}}
    }


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "1"},
    "servers": [{"url": "https://h"}],
    "paths": {
        "/pets": {
            "post": {
                "operationId": "addPet",
                "tags": ["pets"],
                "callbacks": {"Done": {"{$request.body#/url}": sends({"type": "array", "items": {"type": "string", "format": "date-time"}})}},
                "responses": {
                    "201": {
                        "description": "",
                        "links": {
                            "It": {"operationId": "getPet", "parameters": {"path.id": "$response.body#/id"}, "description": "The `pet`."},
                            "Again": {"operationRef": "#/paths/~1pets/post"},
                            "Away": {"operationRef": "https://other.test/x"},
                            "Odd": 1,
                        },
                    }
                },
            }
        },
        "/pets/{id}": {"get": {"operationId": "getPet", "tags": ["pets"], "responses": {"204": {"description": ""}}}},
    },
    "webhooks": {
        "newPet": sends({"$ref": "#/components/schemas/Pet"}),
        "new-pet": sends({"oneOf": [{"type": "integer"}, {"$ref": "#/components/schemas/Pet"}]}),
        "models": sends({}, "text/plain"),
        "odd": 1,
    },
    "components": {"schemas": {"Pet": PET}},
}  # fmt: skip


def test_webhooks_and_callbacks_are_parsed(client_of: Any) -> None:
    """Each webhook and callback is a parser of its type; names that collide get digits."""
    package = client_of(DOCUMENT)
    webhooks = importlib.import_module(f"{package.__name__}.webhooks")
    models = importlib.import_module(f"{package.__name__}.models")
    names = sorted(name for name, value in vars(webhooks).items() if isinstance(value, Webhook))

    assert names[0] == "add_pet_done"
    assert [re.sub(r"_[0-9a-f]{4}$", "", name) for name in names] == ["add_pet_done", "models_", "new_pet", "new_pet"]
    done = webhooks.add_pet_done.parse('["2026-01-02T03:04:05Z"]')
    assert done == [dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)]
    first = next(getattr(webhooks, name) for name in names if getattr(webhooks, name).name == "newPet")
    assert first.parse(b'{"id": 7, "born": "2026-01-02"}') == models.Pet(id=7, born=dt.date(2026, 1, 2))
    assert repr(first) == "<Webhook 'newPet'>"
    with pytest.raises(WebhookError, match=r"'newPet' is not what the document declares: .*\$\.id"):
        first.parse('{"id": "x"}')


def test_a_package_without_webhooks_has_no_module(client_of: Any) -> None:
    """Where the API sends nothing, there is nothing to read it with."""
    package = client_of({**DOCUMENT, "paths": {}, "webhooks": {}})

    assert not (Path(package.__file__).parent / "webhooks.py").exists()


@pytest.mark.parametrize("style", ["both", "functions"])
def test_links_are_told(importing: Path, client_of: Any, style: str) -> None:
    """README.md says which operation a reply leads to, and what its arguments are."""
    package = client_of(DOCUMENT, style=style)
    lines = (Path(package.__file__).parent / "README.md").read_text().splitlines()
    called = ("get_pet.sync", "add_pet.sync") if style == "functions" else ("client.pets.get", "client.pets.add")

    assert (
        f"  - leads to `{called[0]}(id=$response.body#/id)`, which `links.it()` of the response calls: The pet."
    ) in lines
    assert f"  - leads to `{called[1]}()`, which `links.again()` of the response calls" in lines
    assert sum("leads to" in line for line in lines) == 2


LINKED: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Repos", "version": "1"},
    "paths": {
        "/users/{name}": {
            "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
            "put": {
                "operationId": "putUser",
                "tags": ["users"],
                "parameters": [{"name": "per-page", "in": "query", "schema": {"type": "integer"}}],
                "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"org": {"type": "string"}}}}}},
                "responses": {
                    "200": {
                        "description": "",
                        "headers": {"X-Next": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"type": "object", "properties": {"repos": {"type": "array", "items": {"type": "string"}}}}}},
                        "links": {
                            "firstRepo": {"operationId": "getRepo", "parameters": {"owner": "$request.path.name", "slug": "$response.body#/repos/0", "page": "$request.query.per-page"}},
                            "class": {"operationId": "getRepo", "parameters": {"owner": "$request.body#/org", "slug": "{$method}-{$statusCode}", "page": "$response.header.X-Next"}},
                            "Broken": {"operationId": "getRepo", "parameters": {"owner": "$response.body#/repos/9", "slug": "$request.what", "page": "7"}},
                            "Away": {"operationRef": "https://other.test/x"},
                        },
                    }
                },
            },
        },
        "/repos/{owner}/{slug}": {
            "get": {
                "operationId": "getRepo",
                "tags": ["repos"],
                "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "string"}}}}},
            }
        },
    },
}  # fmt: skip


def answers(asked: Asked) -> Reply:
    """Answer with a user, or with the target that was asked for."""
    body = {"repos": ["a b", "c"]} if asked.target.startswith("/users") else asked.target
    return 200, {"Content-Type": "application/json", "X-Next": "3"}, json.dumps(body).encode()


LEADS: list[tuple[str, dict[str, Any], str]] = [
    ("first_repo", {}, "/repos/ada%2F1/a%20b?page=5"),
    ("first_repo", {"page": 9, "slug": "mine"}, "/repos/ada%2F1/mine?page=9"),
    ("class_", {}, "/repos/acme/PUT-200?page=3"),
    ("broken", {"owner": "o", "slug": "s"}, "/repos/o/s?page=7"),
]


@pytest.mark.parametrize("style", ["both", "functions"])
def test_links_are_methods(client_of: Any, style: str) -> None:
    """A response calls the operations that it leads to, with what was sent and received, or with what is given."""
    package = client_of(LINKED, style=style)
    functions = importlib.import_module(f"{package.__name__}.api.users")
    with API(answers) as api, package.Client(api.url) as client:
        response = functions.put_user.sync_detailed("ada/1", client=client, per_page=5, body={"org": "acme"})
        assert dir(response.links) == ["broken", "class_", "first_repo"]
        for name, given, target in LEADS:
            assert getattr(response.links, name)(**given) == target
        with pytest.raises(LookupError, match=r"needs \$response.body#/repos/9, and there is no such thing"):
            response.links.broken(slug="s")
        with pytest.raises(LookupError, match=r"needs \$request.what"):
            response.links.broken(owner="o")
        with pytest.raises(AttributeError, match="has no link 'away': there is broken, class_, first_repo"):
            response.links.away()
        with pytest.raises(TypeError, match="takes no argument 'pgae': there is owner, page, slug"):
            response.links.first_repo(pgae=1)


def test_links_are_awaited(client_of: Any) -> None:
    """With an AsyncClient what a link gives is awaited."""
    package = client_of(LINKED)

    async def followed(url: str) -> Any:
        async with package.AsyncClient(url) as client:
            response = await client.users.with_response.put("ada", per_page=1, body={"org": "acme"})
            return await response.links.first_repo()

    with API(answers) as api:
        assert asyncio.run(followed(api.url)) == "/repos/ada/a%20b?page=1"


ITEM: dict[str, Any] = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
LEADING: dict[str, Any] = {
    "openapi": "3.2.0",
    "info": {"title": "Leads", "version": "1"},
    "paths": {
        "/items": {
            "get": {
                "operationId": "list_items",
                "tags": ["items"],
                "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}},
                               {"name": "of", "in": "query", "required": True, "schema": {"type": "string"}},
                               {"name": "near", "in": "query", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}},
                                      "links": {"list": {"operationId": "list_items", "parameters": {"of": "$request.query.of"}}, "run": {"operationId": "watch_items"}}}},
            },
            "post": {
                "operationId": "create_item",
                "tags": ["items"],
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}},
                "responses": {"200": {"description": "", "headers": {"X-Left": {"schema": {"type": "integer"}}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}},
                                      "links": {"all": {"operationId": "list_items", "parameters": {"of": "$method", "near": "$request.body#/id"}},
                                                "again": {"operationId": "create_item"}, "watch": {"operationId": "watch_items"}}}},
            },
        },
        "/events": {"get": {"operationId": "watch_items", "tags": ["events"], "responses": {"200": {"description": "", "content": {"text/event-stream": {"itemSchema": {"$ref": "#/components/schemas/Item"}}}}}}},
    },
    "components": {"schemas": {"Item": ITEM}},
}  # fmt: skip


def items(asked: Asked) -> Reply:
    """Answer with an item, with a page of items, or with an event for each of two."""
    if asked.target == "/events":
        return 200, {"Content-Type": "text/event-stream"}, b'data: {"id": 1}\n\ndata: {"id": 2}\n\n'
    body = {"id": 7} if asked.method == "POST" else [] if "page=" in asked.target else [{"id": 1}]
    return 200, {"Content-Type": "application/json", "X-Left": "3"}, json.dumps(body).encode()


def test_links_give_what_the_operation_gives(client_of: Any) -> None:
    """A link to a list in pages gives its items, one to a stream gives its events; in async code they are awaited."""
    package = client_of(LEADING)
    functions = importlib.import_module(f"{package.__name__}.api.items")
    models = importlib.import_module(f"{package.__name__}.models")
    item = models.Item(id=7)

    async def followed(url: str) -> Any:
        # Functions are awaited with a Client, too.
        async with package.Client(url) as client:
            response = await functions.create_item.asyncio_detailed(client=client, body=item)
            again = await response.links.again(body=item)
            return [
                again,
                *[each async for each in response.links.all()],
                *[each async for each in response.links.watch()],
            ]

    # For type checkers, but it can be imported.
    assert importlib.import_module(f"{package.__name__}.links").ItemsCreateItemLinks.__doc__
    with API(items) as api:
        assert asyncio.run(followed(api.url)) == [models.Item(id=each) for each in (7, 1, 1, 2)]
        with package.Client(api.url) as client:
            response = client.items.with_response.create(id=7)
            assert response.headers.x_left == 3
            assert [each.id for each in response.links.all()] == [1]
            assert [each.id for each in response.links.watch()] == [1, 2]
            assert dir(client.items.with_response.list(of="a", near="b").links) == ["list", "run_"]
    assert "/items?page=2&of=POST&near=7" in [asked.target for asked in api.asked]


def test_the_text_of_links_is_laid_out(tmp_path: Path) -> None:
    """Modules of links, and of functions that belong to several resources, are as ruff lays out and sorts them."""
    untagged = json.loads(json.dumps(LEADING).replace('"tags": ["items"], ', "").replace('"tags": ["events"], ', ""))
    for number, spec in enumerate((LEADING, LINKED, untagged)):
        (tmp_path / "api.json").write_text(json.dumps(spec))
        generate(tmp_path / "api.json", output=tmp_path / f"leads{number}")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_a_response_without_a_client_has_no_links() -> None:
    """A response that a program makes itself says why its links lead nowhere."""
    with pytest.raises(RuntimeError, match="no client is known"):
        runtime.Response(None, borzoi.Response(200)).links.x()


SECRET = b"a key of some length"
TEXT = "whsec_" + base64.b64encode(SECRET).decode()
BODY = b'{"id": 7}'
NOW = 1_700_000_000.0


def signed(key: bytes = SECRET, body: bytes = BODY, at: str = "1700000000") -> dict[str, str]:
    """Return the headers of a webhook as https://www.standardwebhooks.com has them."""
    digest = hmac.new(key, f"msg_1.{at}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1a,x v1,{base64.b64encode(digest).decode()}"
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": at, "Webhook-Signature": signature}


@pytest.mark.parametrize("secret", [SECRET, TEXT])
def test_signatures(secret: str | bytes) -> None:
    """A body that is signed with the secret is unwrapped."""
    webhook: Webhook[dict[str, int]] = Webhook("x", lambda: dict[str, int])

    assert webhook.unwrap(BODY, signed(), secret, now=NOW + 200) == {"id": 7}
    verify(BODY.decode(), signed(), secret, now=NOW)


@pytest.mark.parametrize(
    ("headers", "now", "said"),
    [
        (signed(b"another"), NOW, "not that of the body"),
        (signed(body=b"{}"), NOW, "not that of the body"),
        ({**signed(), "Webhook-Id": "msg_2"}, NOW, "not that of the body"),
        ({**signed(), "Webhook-Signature": "v1,\u00e9"}, NOW, "not that of the body"),
        (signed(), NOW + 301, "too old"),
        (signed(), NOW - 301, "from the future"),
        (signed(at="nan"), NOW, "too old"),
        (signed(at="x"), NOW, "no number"),
        (signed(), None, "too old"),
        ({}, NOW, "no signature"),
    ],
)
def test_wrong_signatures(headers: dict[str, str], now: float | None, said: str) -> None:
    """A webhook that somebody else has sent, or sends again later, is refused."""
    with pytest.raises(SignatureError, match=said):
        Webhook("x", lambda: dict).unwrap(BODY, headers, TEXT, now=now)


def test_other_signatures() -> None:
    """The HMAC of the body alone, in hex or base64, as many services send it."""
    digest = hmac.new(b"s", BODY, hashlib.sha256)
    verify_hmac(BODY, f"sha256={digest.hexdigest()}", "s")
    verify_hmac(BODY.decode(), base64.b64encode(digest.digest()).decode(), b"s", encoding="base64")
    with pytest.raises(SignatureError):
        verify_hmac(BODY, digest.hexdigest(), "t")
    with pytest.raises(ValueError, match="text in base64, or bytes"):
        verify(BODY, signed(), "no base64!", now=NOW)


@pytest.mark.parametrize(
    ("place", "expected"),
    [("oai-webhook31.json", "new_pet: Webhook[models.Pet]"), ("oai-callback.yaml", "Webhook["), ("oai-tictactoe31.yaml", "Webhook[")],
)  # fmt: skip
def test_published_documents(importing: Path, place: str, expected: str) -> None:
    """The published examples of webhooks and callbacks have their parsers."""
    made = generate(ROOT / "tests" / "data" / "openapi" / place, output=importing / "webhook_client")

    assert expected in made.files["webhooks.py"]
    module = importlib.import_module("webhook_client.webhooks")
    assert [value for value in vars(module).values() if isinstance(value, Webhook)]
