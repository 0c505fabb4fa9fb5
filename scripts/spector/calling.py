"""Call the operations of a generated client with what a scenario expects on the wire.

What a scenario expects is read as the types of the generated client, and given to its methods. Whether the client
writes that again is for the mock server to say; whether it reads the reply is seen here.
"""

from __future__ import annotations

import base64
import datetime as dt
import importlib
import json
import re
from collections.abc import Iterator
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from borzoi.openapi import generate, runtime
from borzoi.openapi.document import Document, Node, open_document
from borzoi.openapi.plan import Selection
from borzoi.openapi.plan.media import kind_of_media
from borzoi.openapi.plan.values import FILE, Body, Operation, Type
from borzoi.openapi.render.types import Types
from borzoi.openapi.runtime.encoding import encode_hook
from borzoi.openapi.runtime.libraries import decoder
from borzoi.openapi.runtime.unions import decode_hook
from borzoi.testing.contract_parameters import MISSING, Layout

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.0+)?Z")


class Undeclared(Exception):
    """The document has no such operation."""


class Found(NamedTuple):
    """Say which operation a request is for, and how its path was read."""

    operation: Operation
    node: Node
    base: str
    """What stands before the path."""
    in_path: dict[str, str]


class Service:
    """The generated client of one document."""

    def __init__(self, document: Path, output: Path) -> None:
        self._document: Document = open_document(document)
        self._version = document.stem.removeprefix("openapi").removeprefix(".")
        made = generate(self._document, output=output, selection=Selection(pagination=_PAGES))
        self._plan = made.package
        self._package = importlib.import_module(output.name)
        names = {name: getattr(importlib.import_module(each), name) for each, name in _NAMES}
        self._names = {
            **vars(runtime),
            **names,
            "dt": dt,
            "models": importlib.import_module(f"{output.name}.models"),
        }
        self._types = Types(self._plan.models)

    def find(self, method: str, uri: str) -> Found | None:
        """Return the operation of a request."""
        # Express has a backslash before a colon that begins no parameter.
        uri = uri.replace("\\", "")
        if "/api-version:" in uri and f"/api-version:{self._version}/" not in uri:
            return None
        found: list[Found] = []
        for operation in self._plan.operations:
            pattern = re.sub(r"\\\{([^{}]*)\\\}", r"([^/?]*)", re.escape(operation.path))
            match = re.search(f"{pattern}$", uri)
            if match is not None and operation.method == method.upper():
                node = self._document.root.child("paths").child(operation.path)[method.lower()]
                names = re.findall(r"\{([^{}]*)\}", operation.path)
                in_path = dict(zip(names, match.groups(), strict=True))
                found.append(Found(operation, node, uri[: match.start()], in_path))
        return min(found, key=lambda one: (one.base, len(one.in_path)), default=None)

    def call(self, found: Found, request: dict[str, Any], base_url: str) -> Any:
        """Call an operation with what is expected, and return its result."""
        headers = {name.lower(): _text(value) for name, value in request.get("headers", {}).items()}
        arguments = dict(self._parameters(found, request, headers))
        body = request.get("body")
        if body is not None and found.operation.bodies:
            planned = _body_for(found.operation, headers.get("content-type") or str(body.get("contentType", "")))
            arguments["body"] = self._body(planned, found.node, body)
            if len(found.operation.bodies) > 1:
                arguments["media_type"] = planned.media_type
        elif body is None and found.operation.body_required:
            # Where nothing is sent is nothing to be sent: some documents ask for an object without members.
            arguments["body"] = decoder(self._type(found.operation.bodies[0].type))(b"{}")
        accept = {"Accept": headers["accept"]} if "accept" in headers else {}
        if accept.get("Accept") in found.operation.choices:
            arguments["accept"] = accept.pop("Accept")
        count = _EVENTS.get(found.operation.id)
        with self._package.Client(base_url + found.base, **self._credentials(headers)) as client:
            asking = client.with_options(headers=accept, reconnect=count)
            resource: Any = reduce(getattr, found.operation.resource.split("."), asking)
            result = getattr(resource, found.operation.short)(**arguments)
            return list(islice(result, count)) if isinstance(result, runtime.Events | runtime.Page) else result

    def _parameters(self, found: Found, request: dict[str, Any], headers: dict[str, str]) -> Iterator[tuple[str, Any]]:
        planned = {(each.wire, each.location): each for each in found.operation.parameters}
        pairs = [
            (name, _text(each))
            for name, value in request.get("query", {}).items()
            for each in (value if isinstance(value, list) else [value])
        ]
        owners = [found.node, self._document.root.child("paths").child(found.operation.path)]
        for node in [each.resolved() for owner in owners for each in owner.child("parameters").elements()]:
            layout = Layout(node)
            raw = {"path": found.in_path, "header": headers}.get(layout.location, {})
            name = layout.name.lower() if layout.location == "header" else layout.name
            value, _ = layout.read(raw.get(name), pairs)
            parameter = planned.get((layout.name, layout.location))
            if value is not MISSING and parameter is not None:
                yield parameter.name, self._typed(value, parameter.type)

    def _body(self, planned: Body, node: Node, body: dict[str, Any]) -> Any:
        kind = kind_of_media(planned.media_type)
        if kind == "multipart":
            return self._form(node, body)
        content = _content(body)
        if planned.media_type == "application/merge-patch+json":
            # RFC 7396: null deletes a member, whatever its type is.
            return json.loads(content)
        if planned.type == FILE:
            return runtime.Upload(content, None, body["contentType"])
        if kind == "json":
            return decoder(self._type(planned.type))(content)
        if "jsonl" in planned.media_type:
            return [json.loads(line) for line in content.splitlines() if line.strip()]
        if self._types.at_run_time(planned.type) == "str":
            # Some texts of the scenarios stand in JSON, whatever their media type is.
            return json.loads(content) if body["contentType"] == "application/json" else content.decode()
        return content

    def _form(self, node: Node, body: dict[str, Any]) -> dict[str, Any]:
        media = next(iter(dict(node["requestBody"].child("content").items()).values())).resolved()
        members = dict(media["schema"].child("properties").items())
        value: dict[str, Any] = dict(body.get("parts") or {})
        for file in body.get("files") or []:
            upload = runtime.Upload(_bytes(file["buffer"]), file["originalname"], file.get("mimetype"))
            name = file["fieldname"]
            if members[name].resolved().text("type") == "array":
                value.setdefault(name, []).append(upload)
            else:
                value[name] = upload
        return value

    def _typed(self, value: Any, type: Type) -> Any:
        return msgspec.convert(value, self._type(type), strict=False, dec_hook=decode_hook)

    def _type(self, type: Type) -> Any:
        return eval(self._types.at_run_time(type), self._names)  # noqa: S307 - it is what was generated

    def _credentials(self, headers: dict[str, str]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for scheme in self._plan.security:
            if scheme.kind == "header" and scheme.wire.lower() in headers:
                given[scheme.arguments[0]] = headers[scheme.wire.lower()]
            elif scheme.kind in ("bearer", "oauth2", "openid") and "authorization" in headers:
                given[scheme.arguments[0]] = headers["authorization"].partition(" ")[2]
        return given


_PAGES = {
    "ServerDrivenPagination_linkString": {"kind": "url", "items": "pets", "next": "next"},
    "ServerDrivenPagination_nestedLink": {"kind": "url", "items": "nestedItems.pets", "next": "nestedNext.next"},
    "AlternateInitialVerb_post": {"kind": "url", "items": "pets", "next": "next"},
}
"""What TypeSpec says of pages, and its documents have no way to say."""

_EVENTS = {"Protocol_reconnect": 2}
"""How many events there are on several connections, where the scenario is about those."""

_NAMES = (
    ("builtins", "str"),
    ("uuid", "UUID"),
    ("decimal", "Decimal"),
    ("typing", "Any"),
    ("typing", "Literal"),
)


def differs(result: Any, response: dict[str, Any]) -> str:
    """Return how what a client has read differs from what the scenario answers, "" where it does not."""
    body = response.get("body")
    if body is None or isinstance(result, (list, runtime.Page)):
        return ""
    if kind_of_media(body["contentType"]) != "json":
        is_same = not isinstance(result, bytes) or result == _content(body)
        return "" if is_same else f"{_content(body)!r} was read as {result!r}"[:300]
    expected = _canonical(json.loads(_content(body)))
    read = _canonical(json.loads(msgspec.json.encode(result, enc_hook=encode_hook)))
    return "" if read == expected else f"{expected} was read as {read}"[:300]


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _canonical(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_canonical(child) for child in value]
    return _TIME.sub(r"\1Z", value) if isinstance(value, str) else value


def _body_for(operation: Operation, content_type: str) -> Body:
    exact = [each for each in operation.bodies if each.media_type == content_type.partition(";")[0]]
    return (exact or [*operation.bodies])[0]


def _content(body: dict[str, Any]) -> bytes:
    return _bytes(body.get("raw", ""))


def _bytes(value: Any) -> bytes:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return _text(value.get("raw", ""))
    return value if isinstance(value, str) else json.dumps(value)
