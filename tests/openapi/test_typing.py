"""What type checkers see of generated packages: mypy --strict and pyright strict, for the models of every library.

`make openapi-corpus ARGS=--types` runs both over the packages of all documents.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from borzoi.openapi import generate
from borzoi.openapi.plan import Selection
from tests.openapi.test_events import STREAM, document
from tests.openapi.test_example import CACHE
from tests.openapi.test_models import LIBRARIES
from tests.openapi.test_pages import CASES, CREATE
from tests.openapi.test_webhooks import LEADING

USE = """
from typing import assert_type

from borzoi.openapi.runtime import AsyncPages, Event, Events, Page, Response, TypedResponse
from LIBRARY_create import AsyncClient as AsyncUsers
from LIBRARY_create import Client as Users
from LIBRARY_create.api.users import create_user
from LIBRARY_create.headers import KeysXLeftXTagsHeaders as Headers
from LIBRARY_create.models import User
from LIBRARY_events import Client as Teas
from LIBRARY_events.models import Brewed, Poured
from LIBRARY_links import AsyncClient as AsyncItems
from LIBRARY_links import Client as Items
from LIBRARY_links.api.items import create_item
from LIBRARY_links.models import Item
from LIBRARY_open import Client as Things
from LIBRARY_open.models import Fish, FishBase, Shark, Thing
from LIBRARY_pages import AsyncClient, Client, models
from LIBRARY_pages.api.default import list_things


def blocking(users: Users, client: Client) -> None:
    assert_type(users.users.create("o", display_name="A", age=3), str)
    assert_type(users.users.create("o", body=User(display_name="A"), dry=True), str)
    assert_type(users.users.with_response.create("o", display_name="A"), TypedResponse[str, Headers])
    assert_type(create_user.sync_detailed("o", client=users, body=User(display_name="A")).headers.x_left, int | None)
    page = client.things.list(cursor="x")
    assert_type(page, Page[models.ListThingsResponseThingsItem, models.ListThingsResponse])
    assert_type([item.id for item in page], list[int])
    assert_type(client.things.with_response.list(), Response[models.ListThingsResponse])
    assert_type(list_things.sync(client=client), models.ListThingsResponse)
    assert_type([item.id for item in list_things.sync_pages(client=client)], list[int])


async def asynchronous(users: AsyncUsers, client: AsyncClient) -> None:
    assert_type(await users.users.create("o", display_name="A"), str)
    assert_type(client.things.list(), AsyncPages[models.ListThingsResponseThingsItem, models.ListThingsResponse])
    assert_type([item.id async for item in client.things.list()], list[int])
    assert_type((await client.things.list()).items, list[models.ListThingsResponseThingsItem])


def wrong(users: Users, client: Client) -> None:
    users.users.create("o")  # type: ignore
    users.users.create("o", display_name=3)  # type: ignore
    users.users.create("o", name="A")  # type: ignore
    client.things.list(cursor=3)  # type: ignore
    create_user.sync("o", body=User(display_name="A"))  # type: ignore


def with_other_members(things: Things) -> None:
    thing = things.things.create(size=1, additional_properties={"a": Thing(size=1)})
    assert_type(thing, Thing)
    assert_type(Thing(size=1, additional_properties={"a": thing}).additional_properties, dict[str, Thing])
    Thing(size=1, additional_properties={"a": 1})  # type: ignore
    Thing(size=1, a=thing)  # type: ignore
    Thing()  # type: ignore


def linked(items: Items) -> None:
    response = items.items.with_response.create(id=7)
    assert_type(response.data, Item)
    assert_type(response.headers.x_left, int | None)
    assert_type(response.links.all(), Page[Item, list[Item]])
    assert_type(response.links.again(body=response.data), Item)
    assert_type([event.id for event in response.links.watch()], list[int])
    assert_type(items.items.with_response.list(of="a", near="b").links.list(near="c"), Page[Item, list[Item]])
    assert_type(create_item.sync_detailed(client=items, body=response.data).links.again(body=response.data), Item)
    response.links.nothing()  # type: ignore
    response.links.all(of=1)  # type: ignore
    items.items.with_response.list(of="a", near="b").links.list()  # type: ignore


def heard(teas: Teas) -> None:
    assert_type(teas.teas.watch(), Events[Event[Brewed | Poured | str]])
    assert_type([event.id for event in teas.teas.watch()], list[str])


async def linked_asynchronously(items: AsyncItems) -> None:
    response = await items.items.with_response.create(id=7)
    assert_type(response.links.all(), AsyncPages[Item, list[Item]])
    assert_type(await response.links.again(body=response.data), Item)
    assert_type([event.id async for event in response.links.watch()], list[int])


def of_a_family(fish: Fish, shark: Shark) -> Fish:
    assert_type(fish, Shark | FishBase)
    return shark
"""

THING = {
    "type": "object",
    "required": ["size"],
    "properties": {"size": {"type": "integer"}, "kindOf": {"type": "string"}},
    "additionalProperties": {"$ref": "#/components/schemas/Thing"},
}
FISH = {
    "type": "object",
    "properties": {
        "kind": {"type": "string"},
        "friends": {"type": "array", "items": {"$ref": "#/components/schemas/Fish"}},
    },
    "discriminator": {"propertyName": "kind"},
}
SHARK = {"allOf": [{"$ref": "#/components/schemas/Fish"}], "properties": {"teeth": {"type": "integer"}}}
CONTENT = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
OPEN = {
    "openapi": "3.1.0",
    "info": {"title": "T", "version": "1"},
    "paths": {
        "/things": {
            "post": {
                "operationId": "create_thing",
                "tags": ["things"],
                "requestBody": {"required": True, **CONTENT},
                "responses": {"200": {"description": "", **CONTENT}},
            }
        }
    },
    "components": {"schemas": {"Thing": THING, "Fish": FISH, "Shark": SHARK}},
}


def test_types_are_precise(tmp_path: Path) -> None:
    """Both styles, pages, bodies by their members, headers and links have the types that are declared, and nothing else."""
    for library in LIBRARIES:
        for name, spec in (
            ("create", CREATE),
            ("pages", CASES[0][0]),
            ("open", OPEN),
            ("links", LEADING),
            ("events", document(STREAM)),
        ):
            (tmp_path / "api.json").write_text(json.dumps(spec))
            output = tmp_path / f"{library}_{name}"
            generate(tmp_path / "api.json", output=output, selection=Selection(models=library))
        (tmp_path / f"use_{library}.py").write_text(USE.replace("LIBRARY", library))
    settings = {"typeCheckingMode": "strict", "reportMissingModuleSource": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    commands = [
        ["mypy", "--strict", "--python-version", "3.11", "--cache-dir", str(CACHE), "."],
        ["pyright", "--pythonpath", sys.executable],
    ]
    for tool, *arguments in commands:
        done = subprocess.run(
            [sys.executable, "-m", tool, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr
