"""Operations: parameters, bodies, replies, errors and credentials of each method of each path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import structs

from ..document import Node
from . import names
from .events import events_of, payloads
from .media import STREAMS, bare, kind_of_media, preferred
from .schemas import REQUEST, UNDECLARED, Schemas, is_binary
from .servers import own_server
from .values import (
    ANY,
    BYTES,
    FILE,
    NULL,
    STR,
    Body,
    Header,
    ListOf,
    OneOf,
    Operation,
    Parameter,
    Part,
    Plain,
    Reply,
    Type,
)

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_RESERVED = frozenset({"client", "body", "media_type", "self"})
_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form", "querystring": "form"}
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
"""OpenAPI 3.1.1, Parameter Object: header parameters of these names are ignored."""


HEADER_NAMES = frozenset({
    "copy", "encoding", "get", "get_list", "items", "keys", "multi_items", "pop", "popitem", "raw", "setdefault",
    "update", "values", "clear",
})  # fmt: skip
"""What Headers have themselves."""


class Operations:
    """Plan operations one by one."""

    def __init__(self, schemas: Schemas, security: tuple[tuple[str, ...], ...]) -> None:
        self._schemas = schemas
        self._security = security

    def plan(self, path: str, item: Node, method: str, node: Node) -> Operation:
        """Return what one method of one path becomes."""
        if not isinstance(node.value, dict):
            raise node.wrong("An operation must be an object.")
        _check_shapes(node)
        given = node.text("operationId")
        title = given or f"{method}_{_words_of(path)}"
        tag = next((each.value for each in node.child("tags").elements() if isinstance(each.value, str)), "")
        resource = names.snake(tag or _first_segment(path), prefix="resource")
        body = node["requestBody"]
        is_own = body.pointer.startswith(node.pointer)
        bodies, required = self._bodies(body, names.pascal(title if is_own else body.name), node)
        replies, errors, stream = self._replies(node, names.pascal(title))
        taken = _RESERVED | ({"accept"} if any(each.others for each in replies) else set())
        return Operation(
            id=given or f"{method.upper()} {path}",
            method=method.upper(),
            path=path,
            resource=resource,
            tag=names.module(tag) if tag else "default",
            name=names.snake(title, prefix="operation"),
            short=names.short_name(names.snake(title, prefix="operation"), resource),
            doc=node.text("summary") or node.text("description"),
            parameters=self._parameters(path, item, node, taken),
            bodies=bodies,
            body_required=required,
            replies=replies,
            errors=errors,
            security=self._required(node),
            server=own_server(node, item),
            deprecated=node.flag("deprecated"),
            pointer=node.pointer,
            stream=stream,
        )

    def _required(self, node: Node) -> tuple[tuple[str, ...], ...]:
        return requirements(node.child("security")) if "security" in node.value else self._security

    # Parameters.

    def _parameters(self, path: str, item: Node, node: Node, reserved: frozenset[str]) -> tuple[Parameter, ...]:
        found: dict[tuple[str, str], Node] = {}
        for owner in (item, node):
            for each in owner.child("parameters").elements():
                parameter = each.resolved()
                found[parameter.text("name"), parameter.text("in")] = parameter
        in_path = re.findall(r"\{([^{}]+)\}", path)
        for wire in in_path:
            if (wire, "path") not in found:
                node.note(f"The path has {{{wire}}}, and no parameter of that name: it is taken as a string.")
                found[wire, "path"] = Node(node.document, node.uri, node.pointer, {"name": wire, "in": "path"})
        return self._planned(found, in_path, set(reserved))

    def _planned(
        self, found: dict[tuple[str, str], Node], in_path: list[str], taken: set[str]
    ) -> tuple[Parameter, ...]:
        planned: list[Parameter] = []
        places = {name: index for index, name in enumerate(in_path)}
        for (wire, location), node in sorted(
            found.items(), key=lambda pair: (pair[0][1] != "path", places.get(pair[0][0], 99))
        ):
            if location not in _STYLES or (location == "header" and wire.lower() in _IGNORED_HEADERS):
                node.note(f"A parameter {wire!r} in {location!r} is not sent.")
                continue
            if location == "path" and wire not in places:
                node.note(f"The path has no {{{wire}}}: the parameter is not sent.")
                continue
            name = names.snake(wire, prefix="parameter")
            name = f"{name}_{location}" if name in taken else name
            while name in taken:
                name += "_"
            taken.add(name)
            planned.append(self._parameter(node, wire, location, name))
        return tuple(planned)

    def _parameter(self, node: Node, wire: str, location: str, name: str) -> Parameter:
        schema = node.child("schema")
        media_type, content = next(node.child("content").items(), ("", None))
        if content is not None:
            schema = content.resolved().child("schema")
        style = node.text("style", _STYLES[location])
        explode = node.value.get("explode", style in ("form", "cookie"))
        return Parameter(
            wire=wire,
            name=name,
            location=location,
            type=self._inline(schema, names.pascal(wire) + "Parameter"),
            required=location == "path" or node.flag("required"),
            style=style,
            explode=explode is True,
            allow_reserved=node.flag("allowReserved"),
            media_type=media_type,
            doc=node.text("description"),
            first=_first_number(schema),
        )

    def _inline(self, schema: Node, name: str, side: str = REQUEST) -> Type:
        self._schemas.inline_literals = True
        try:
            return self._schemas.type_of(schema, self._schemas.place(schema.key, name), side) if schema else STR
        finally:
            self._schemas.inline_literals = False

    # Bodies.

    def _bodies(self, node: Node, name: str, operation: Node) -> tuple[tuple[Body, ...], bool]:
        planned: list[Body] = []
        for media_type, content in node.child("content").items():
            media = content.resolved()
            planned.append(Body(media_type, self._body_type(media_type, media, name), _encoding(media)))
        planned.sort(key=lambda body: kind_of_media(body.media_type) != "json")
        return tuple(planned), node.flag("required")

    def _body_type(self, media_type: str, media: Node, name: str) -> Type:
        kind = kind_of_media(media_type)
        if kind == "bytes":
            return FILE
        if kind == "text":
            return STR
        schema = media.child("schema") or media.child("itemSchema")
        if not schema:
            return ANY
        if "*" in media_type and is_binary(schema.resolved().value):
            return FILE
        return self._schemas.type_of(schema, self._schemas.place(schema.key, _ending(name, "Body")), REQUEST)

    # Replies.

    def _replies(self, node: Node, name: str) -> tuple[tuple[Reply, ...], tuple[Reply, ...], Reply | None]:
        replies: list[Reply] = []
        errors: list[Reply] = []
        stream: Reply | None = None
        statuses = [status for status, _ in node.child("responses").items()]
        succeeds = any(status[:1] in "123" for status in statuses)
        for status, child in node.child("responses").items():
            if not re.fullmatch(r"default|[1-5](?:\d\d|XX|xx)", status):
                continue
            response = child.resolved()
            is_reply = status[0] in "123" or (status == "default" and not succeeds)
            title = name + ("Response" if is_reply else "Error") + ("" if status in ("200", "201") else status.title())
            if response is not child:
                # Several operations may share it.
                title = _ending(names.pascal(response.name), "Response")
            reply, streamed = self._reply(status.upper() if status != "default" else status, response, title)
            if is_reply:
                reply = structs.replace(reply, headers=self._headers(response))
            (replies if is_reply else errors).append(reply)
            if is_reply and streamed is not None:
                stream = streamed
        return tuple(replies), tuple(errors), stream

    def _headers(self, response: Node) -> tuple[Header, ...]:
        planned: list[Header] = []
        for wire, child in response.child("headers").items():
            header = child.resolved()
            # OpenAPI 3.1.1, Response Object: a header of this name is ignored.
            if wire.lower() != "content-type" and isinstance(header.value, dict):
                schema = header.child("schema")
                planned.append(
                    Header(
                        wire,
                        names.snake(wire),
                        self._inline(schema, names.pascal(wire) + "Header", ""),
                        header.text("description"),
                    )
                )
        chosen = names.distinct([(each.name, each.wire) for each in planned], HEADER_NAMES)
        return tuple(structs.replace(each, name=name) for each, name in zip(planned, chosen, strict=True))

    def _reply(self, status: str, response: Node, name: str) -> tuple[Reply, Reply | None]:
        contents = dict(response.child("content").items())
        if not contents:
            return Reply(status, "", NULL, "none"), None
        chosen = preferred(list(contents))
        streams = [each for each in contents if kind_of_media(each) in STREAMS.values()]
        stream = self._read(status, streams[0], contents[streams[0]], name) if streams else None
        reply = self._read(status, chosen, contents[chosen], name)
        others = tuple(self._others(reply, contents, name)) if len(contents) > 1 else ()
        return structs.replace(reply, others=others), stream

    def _others(self, reply: Reply, contents: dict[str, Node], name: str) -> Iterator[Reply]:
        """Yield what a body may be in other media types, streams apart.

        What has the schema of the JSON says the same in another notation: it is not asked for, and nothing new.
        """
        if reply.kind in STREAMS.values() or reply.kind == "events":
            return
        same = _schema_of(contents[reply.media_type]) if reply.kind == "json" else None
        for media_type, content in contents.items():
            kind, schema = kind_of_media(media_type), _schema_of(content)
            is_known = schema is not None if kind == "json" else kind not in STREAMS.values()
            if media_type == reply.media_type or not is_known or (schema is not None and schema == same):
                continue
            subtype = names.pascal(bare(media_type).partition("/")[2])
            other = self._read(reply.status, media_type, content, f"{name}{subtype}")
            if other.type != ANY:
                yield other

    def _read(self, status: str, media_type: str, content: Node, name: str) -> Reply:
        kind = kind_of_media(media_type)
        media = content.resolved()
        is_stream = kind in STREAMS.values()
        schema = (media.child("itemSchema") if is_stream else None) or media.child("schema")
        if kind == "multipart" and status[0] in "123":
            return Reply(status, media_type, ListOf(Plain("runtime.ReceivedPart")), "parts")
        if kind in ("form", "multipart") or ("*" in media_type and schema and is_binary(schema.resolved().value)):
            kind = "bytes"
        if kind in ("text", "bytes"):
            return Reply(status, media_type, STR if kind == "text" else BYTES, kind)
        if not schema:
            self._schemas.loose[media.key] = UNDECLARED
            return Reply(status, media_type, ANY, kind)
        place = self._schemas.place(schema.key, name)
        if kind == "sse" and media.child("itemSchema") and (events := events_of(schema, self._schemas, place)):
            return Reply(status, media_type, OneOf(payloads(events)), "events", events=events)
        planned = self._schemas.type_of(schema, place)
        if kind == "json" and "*" in media_type and planned == BYTES:
            kind = "bytes"
        return Reply(status, media_type, planned, kind)


def requirements(node: Node) -> tuple[tuple[str, ...], ...]:
    """Return the alternatives of a `security`: each names the schemes that it needs together."""
    return tuple(tuple(name for name, _ in each.items()) for each in node.elements())


def _check_shapes(operation: Node) -> None:
    """Note what says nothing because it is no object, or no array, where there must be one."""
    for key, kind in (("parameters", list), ("responses", dict), ("requestBody", dict), ("callbacks", dict)):
        if not isinstance(operation.value.get(key, kind()), kind):
            expected = "an object" if kind is dict else "an array"
            operation.child(key).note(f"{key!r} must be {expected}: this says nothing.")


def _ending(name: str, ending: str) -> str:
    """Return a name that ends so, once."""
    return name if name.endswith(ending) else name + ending


def _first_number(schema: Node) -> int | None:
    """Return what a number is where none is given: its default, or 0 where that is the least that it may be."""
    value = schema.resolved().value
    value = value if isinstance(value, dict) else {}
    default = value.get("default", 0 if value.get("minimum") == 0 else None)
    return default if isinstance(default, int) and not isinstance(default, bool) else None


def _schema_of(content: Node) -> Any:
    return content.resolved().child("schema").value


def _encoding(media: Node) -> tuple[Part, ...]:
    found = [(wire, child.resolved()) for wire, child in media.child("encoding").items()]
    # OpenAPI 3.2, "Encoding By Position".
    found += [(str(index), each.resolved()) for index, each in enumerate(media.child("prefixEncoding").elements())]
    found += [("*", media["itemEncoding"])] if media.child("itemEncoding") else []
    parts: list[Part] = []
    for wire, each in found:
        explode: Any = each.value.get("explode") if isinstance(each.value, dict) else None
        chosen = explode if isinstance(explode, bool) else None
        parts.append(Part(wire, each.text("contentType"), each.text("style"), chosen, each.flag("allowReserved")))
        if any(name.lower() != "content-type" for name, _ in each.child("headers").items()):
            each.child("headers").note("The headers of a part are not sent.")
    return tuple(parts)


def _words_of(path: str) -> str:
    return re.sub(r"\{([^{}]*)\}", r"by_\1", path).strip("/").replace("/", "_") or "root"


def _first_segment(path: str) -> str:
    static = [each for each in path.split("/") if each and "{" not in each and not re.fullmatch(r"v\d+|api", each)]
    return static[0] if static else "default"
