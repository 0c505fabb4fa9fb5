"""Schemas to types and models. A schema is planned once for each side: replies, and requests where they differ.

Objects are registered when they are met and their members planned later, from a queue, so that documents may refer in
circles and as deep as they like.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from ..document import Node
from ..document.pointers import unescape
from . import names
from .families import Families, wire_of
from .others import beside_names, of_map
from .shapes import Parts, doc_of, is_own, is_shaped, parts_of
from .unions import discriminated, is_native, simplified
from .values import (
    ANY,
    BOOL,
    BYTES,
    EMAIL,
    FILE,
    FLOAT,
    INT,
    NULL,
    STR,
    URI,
    Field,
    ListOf,
    LiteralOf,
    MapOf,
    Model,
    OneOf,
    Plain,
    Reference,
    Type,
)

SHORT_LITERAL = 60
"""How long the values of an enumeration may be that stands in a signature."""

REPLY = ""
REQUEST = "request"

_FORMATS = {
    "uuid": Plain("UUID"),
    "date-time": Plain("dt.datetime"),
    "date": Plain("dt.date"),
    "decimal": Plain("Decimal"),
    "byte": BYTES,
    "base64": BYTES,
    "binary": BYTES,
    "email": EMAIL,
    "uri": URI,
}
_SIMPLE = {"string": STR, "integer": INT, "number": FLOAT, "boolean": BOOL, "null": NULL}

_COMPOSING = frozenset({"$ref", "allOf", "oneOf", "anyOf", "enum", "const"})
"""Keywords that make a schema more than its type."""

_UNSENDABLE = re.compile(r'["\\\x00-\x1f]')
"""What msgspec takes in no name of a member."""

_SCHEMAS = "/components/schemas/"

_PARTS = {"items": "Item", "additionalProperties": "Value", "unevaluatedProperties": "Value"}
"""What is added to the name of a schema for one that is the value of a keyword of it."""

UNDECLARED = "no type is declared"
"""Why most types say nothing."""


def _part_name(keyword: str, step: str, node: Node) -> str:
    """Return what is added to the name of a schema for one that stands below a keyword of it."""
    if keyword in ("oneOf", "anyOf"):
        return node.text("title") or str(int(step) + 1)
    if keyword == "prefixItems":
        return f"Item{int(step) + 1}"
    return {"properties": step, "patternProperties": "Value"}.get(keyword, "")


class Place:
    """Say what a schema would be called, and whose module it is in."""

    __slots__ = ("name", "root")

    def __init__(self, root: str, name: str) -> None:
        self.root = root
        self.name = name

    def inner(self, part: str) -> Place:
        """Return the place of what is declared inside."""
        return Place(self.root, names.composed(self.name + names.pascal(part)))


class Schemas:
    """Plan types, and collect the models that they need."""

    def __init__(
        self, components: Node, *, lenient_formats: bool = False, reserved: frozenset[str] = frozenset()
    ) -> None:
        self.models: dict[str, Model] = {}
        self._done: dict[str, Type] = {}
        self._active: set[str] = set()
        self._recursive: set[str] = set()
        self._sided: dict[str, bool] = {}
        self._families = Families(components)
        self.roots: dict[str, str] = {}
        """What each root is called."""

        self.inline_literals = False
        """Whether enumerations that have no name are written out where they are used, as in signatures."""

        self._queue: deque[tuple[Model, Parts, Place, str]] = deque()
        self.loose: dict[str, str] = {}
        """Where a type says nothing, by its place: why."""

        self._reserved = reserved
        """Names that no field may have."""

        self._formats = {**_FORMATS, "email": STR, "uri": STR} if lenient_formats else _FORMATS

    def finish(self) -> None:
        """Plan the members of all objects that were met."""
        while self._queue:
            model, parts, place, side = self._queue.popleft()
            model.fields = self._fields(parts, place, side, model.extra is not None)
            if model.extra is not None:
                model.extra = beside_names(self, parts, place, side)

    def place(self, root: str, name: str) -> Place:
        """Return the place of something that has a name of its own."""
        return Place(root, self.roots.setdefault(root, names.pascal(name)))

    # A type.

    def type_of(self, node: Node, place: Place, side: str = REPLY) -> Type:
        """Return the type of a schema."""
        return self._without_name(node, side) or self._memoised(node, place, side)

    def _without_name(self, node: Node, side: str) -> Type | None:
        """Return the type of a schema that needs no name here: it is plain, or it has one elsewhere."""
        value = node.value
        if not isinstance(value, dict):
            if not isinstance(value, bool):
                node.note("A schema must be an object, or true or false: this one says nothing.")
            return self.untyped(node, UNDECLARED)
        if "$ref" not in value:
            return self._scalar(value, side)
        if len(value) > 1 and any(is_shaped(part) for part in _beside(node)):
            return None
        return self.named(node.resolved(), side)

    def named(self, node: Node, side: str = REPLY, name: str = "") -> Type:
        """Return the type of a schema that has a name of its own."""
        place = self.place(node.key, name or node.name)
        result = self._memoised(node, place, side)
        key = self._key(node, side)
        if key not in self.models:
            self.models[key] = Model(key, "alias", place.name, place.root, doc_of(node), type=result)
        return result

    def _key(self, node: Node, side: str) -> str:
        return f"{node.key}@{side}" if side and self.differs(node) else node.key

    def _memoised(self, node: Node, place: Place, side: str) -> Type:
        key = self._key(node, side)
        if key in self._done:
            return self._done[key]
        if key in self._active:
            self._recursive.add(key)
            return Reference(key)
        place = self._home(node, place)
        self._active.add(key)
        parts = parts_of(node)
        if self._families.children(node):
            result = self._family(node, parts, key, place, side)
        else:
            # What is true, false, or no schema at all says nothing.
            result = self._build(parts, key, place, side) if parts.nodes else self.untyped(node, UNDECLARED)
        self._active.discard(key)
        if key in self._recursive and result != Reference(key):
            # A list of itself, say: only a class of its own can be named while it is being made.
            self.models[key] = Model(
                key, "union", self._name(key, place), place.root, doc_of(node), members=_members(result)
            )
            result = Reference(key)
        self._done[key] = result
        return result

    def _home(self, node: Node, place: Place) -> Place:
        """Return the place of what another schema declares and this one takes over: there, whoever is planned first."""
        pointer = node.pointer
        if not pointer.startswith(_SCHEMAS):
            return place
        name, _, inside = pointer[len(_SCHEMAS) :].partition("/")
        root = f"{node.uri}#{_SCHEMAS}{name}"
        if root == place.root or not inside:
            return place
        found = self.place(root, unescape(name))
        here = Node(node.document, node.uri, _SCHEMAS + name, node.document.value_at(node.uri))
        for part in ("components", "schemas", unescape(name)):
            here.value = here.value[part]
        keyword = ""
        for step in map(unescape, inside.split("/")):
            here = here.child(int(step) if isinstance(here.value, list) else step)
            if keyword:
                part = _part_name(keyword, step, here)
                keyword = ""
            else:
                part = _PARTS.get(step, "")
                keyword = "" if part else step
            found = found.inner(part) if part else found
        return found

    def _name(self, key: str, place: Place) -> str:
        return f"{place.name}Input" if key.endswith(f"@{REQUEST}") else place.name

    def _build(self, parts: Parts, key: str, place: Place, side: str) -> Type:
        if (single := self._single_reference(parts)) is not None:
            return self.named(single, side)
        if (known := self._enumeration(parts, key, place)) is not None:
            return known
        for keyword in ("oneOf", "anyOf"):
            if (choice := self._choice(parts, keyword, key, place, side)) is not None:
                return choice
        kinds = parts.types() or _implied(parts)
        if not kinds:
            declared = [key for key in ("enum", "const", "not", "if") if parts.find(key) is not None]
            return self.untyped(parts.nodes[0], f"{declared[0]!r} is no type" if declared else UNDECLARED)
        members = [self._of_kind(kind, parts, key, place, side) for kind in kinds]
        return self.union(members, f"{key}|types", place.name, place.root)

    def _family(self, node: Node, parts: Parts, key: str, place: Place, side: str) -> Type:
        """Return the union of what extends a schema, and of that schema itself, whose own name ends with Base."""
        model = Model(key, "union", self._name(key, place), place.root, doc_of(node), discriminator=wire_of(node))
        self.models[key] = model
        types = [self.named(child, side) for child in self._families.children(node)]
        inner = f"{node.key}|base{key.removeprefix(node.key)}"
        own = self._build(parts, inner, place, side)
        if inner in self.models:
            self.models[inner].base_name = self._name(inner, Place(place.root, names.composed(f"{place.name}Base")))
        model.members = tuple(dict.fromkeys([*types, own]))
        model.mapping = self._families.mapping(node, own, types)
        model.other = self._families.other(node, own, types) or own
        return Reference(key)

    def _single_reference(self, parts: Parts) -> Node | None:
        """Return what an allOf of one reference, with remarks beside it, refers to."""
        if len(parts.nodes) == 1 or parts.nodes[0].key in self._families.members:
            return None
        first, *rest = [node for node in parts.nodes if is_shaped(node) or node is parts.nodes[0]]
        others = [
            node for node in rest if not node.pointer.startswith(first.pointer + "/allOf") or node.uri != first.uri
        ]
        if is_own(first) or len(rest) != 1 or len(others) != 1 or "required" in first.value or "null" in parts.types():
            return None
        return others[0]

    def _enumeration(self, parts: Parts, key: str, place: Place) -> Type | None:
        const = parts.find("const")
        value = parts.get("enum") if const is None else [const.value]
        if not isinstance(value, list) or not value:
            return None
        known = tuple(dict.fromkeys(each for each in value if isinstance(each, (str, int)) and each is not None))
        rest = [each for each in value if not isinstance(each, (str, int))]
        if (
            not known
            or {type(each) for each in known} not in ({str}, {int})
            or [each for each in rest if each is not None]
        ):
            return NULL if not known and rest == [None] else None
        literal = LiteralOf(known, is_open=const is None)
        if literal.is_open and self.inline_literals and sum(len(str(each)) + 4 for each in known) < SHORT_LITERAL:
            return OneOf((literal, NULL)) if None in rest else literal
        if literal.is_open:
            self.models[key] = Model(
                key, "enum", self._name(key, place), place.root, doc_of(parts.nodes[0]), type=literal
            )
        named: Type = Reference(key) if literal.is_open else literal
        return OneOf((named, NULL)) if None in rest else named

    def _choice(self, parts: Parts, keyword: str, key: str, place: Place, side: str) -> Type | None:
        found = parts.find(keyword)
        if found is None:
            return None
        members = list(found.elements())
        shaped = [member for member in members if is_shaped(member)]
        if not shaped or (len(shaped) < len(members) and parts.find("properties")):
            return None
        owner = next(node for node in parts.nodes if keyword in node.value)
        beside = Parts(parts.without(owner, ("oneOf", "anyOf", "discriminator", "description", "title")))
        base = [node for node in beside.nodes if any(k in node.value for k in ("properties", "additionalProperties"))]
        types: list[Type] = []
        for index, member in enumerate(members):
            inner = place.inner(member.text("title") or str(index + 1))
            types.append(self._member(member, base, f"{key}/{keyword}/{index}", inner, side))
        wire, mapping, other = discriminated(parts, members, types)
        if "null" in parts.types() and NULL not in types and len(types) != 1:
            types.append(NULL)
        return self.union(types, key, self._name(key, place), place.root, wire, mapping, doc_of(owner), other)

    def _member(self, member: Node, base: list[Node], key: str, place: Place, side: str) -> Type:
        if not base or member.value == {"type": "null"}:
            return self.type_of(member, place, side)
        merged = Parts([*parts_of(member).nodes, *base])
        return self._build(merged, f"{key}@{side}" if side else key, place, side)

    def union(
        self,
        members: list[Type],
        key: str,
        name: str,
        root: str,
        wire: str = "",
        mapping: tuple[tuple[str, Type], ...] = (),
        doc: str = "",
        other: Type | None = None,
    ) -> Type:
        """Return one type for several: a union that msgspec knows, or a model that a hook resolves."""
        flat = simplified(members, self.models)
        if len(flat) == 1:
            return flat[0]
        if is_native(flat, self.models):
            return OneOf(tuple(flat))
        rest = tuple(member for member in flat if member != NULL)
        made = Model(key, "union", name, root, doc, members=rest, discriminator=wire, mapping=mapping, other=other)
        self.models[key] = made
        return OneOf((Reference(key), NULL)) if NULL in flat else Reference(key)

    def _of_kind(self, kind: str, parts: Parts, key: str, place: Place, side: str) -> Type:
        if kind == "object":
            return self._object(parts, key, place, side)
        if kind == "array":
            return self._array(parts, place, side)
        if kind == "string":
            if side == REQUEST and any(is_binary(node.value) for node in parts.nodes):
                return FILE
            return self._format_of(parts)
        return _SIMPLE.get(kind, ANY)

    def untyped(self, node: Node, reason: str) -> Type:
        """Return the type that says nothing, and remember why."""
        self.loose.setdefault(node.key, reason)
        return ANY

    def _scalar(self, value: Any, side: str) -> Type | None:
        """Return the type of a schema that is no more than one plain type: most of them are."""
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in _SIMPLE or not _COMPOSING.isdisjoint(value):
            return None
        if kind != "string":
            return _SIMPLE[kind]
        return FILE if side == REQUEST and is_binary(value) else self._format_of(value)

    def _format_of(self, value: Any) -> Type:
        return self._formats.get(str(value.get("format") or value.get("contentEncoding") or ""), STR)

    def _array(self, parts: Parts, place: Place, side: str) -> Type:
        items = parts.find("items")
        if items is not None and isinstance(items.value, dict):
            return ListOf(self.type_of(items, place.inner("Item"), side))
        prefix = parts.find("prefixItems")
        if prefix is None:
            return ListOf(self.untyped(parts.nodes[0], "an array of which no items are declared"))
        members = [self.type_of(each, place.inner(f"Item{n}"), side) for n, each in enumerate(prefix.elements(), 1)]
        return ListOf(self.union(members, f"{prefix.key}|items", f"{place.name}Item", place.root) if members else ANY)

    def _object(self, parts: Parts, key: str, place: Place, side: str) -> Type:
        members = parts.properties()
        if _UNSENDABLE.search("".join(members)):
            parts.nodes[0].note(
                "A member has a quote, a backslash or a control character in its name: the object is a dict."
            )
            return MapOf(self.untyped(parts.nodes[0], "a name of a member that msgspec does not take"))
        if not members:
            return MapOf(of_map(self, parts, place, side))
        if key not in self.models:
            doc = doc_of(parts.nodes[0])
            model = self.models[key] = Model(key, "struct", self._name(key, place), place.root, doc)
            model.extra = ANY if parts.is_open() else None
            self._queue.append((model, parts, place, side))
        return Reference(key)

    def _fields(self, parts: Parts, place: Place, side: str, is_open: bool) -> tuple[Field, ...]:
        required = parts.required()
        members, said = parts.properties(), parts.members()
        reserved = self._reserved | {names.EXTRA} if is_open else self._reserved
        chosen = names.distinct([(names.field_name(wire), wire) for wire in members], reserved)
        first: list[Field] = []
        others: list[Field] = []
        for (wire, node), name in zip(members.items(), chosen, strict=True):
            several = said[wire]
            nodes = [*several, *[target for each in several if (target := each.resolved()) is not each]]
            if side == REPLY and True in [each.flag("writeOnly") for each in nodes]:
                continue
            is_hidden = side == REQUEST and True in [each.flag("readOnly") for each in nodes]
            is_required = wire in required and not is_hidden
            planned = self._put_together(parts, wire, place.inner(wire), side) if len(several) > 1 else None
            planned = planned or self._without_name(node, side) or self._memoised(node, place.inner(wire), side)
            doc = doc_of(*several) or doc_of(*nodes[len(several) :])
            (first if is_required else others).append(Field(wire, name, planned, is_required, doc))
        return (*first, *others)

    def _put_together(self, parts: Parts, wire: str, place: Place, side: str) -> Type | None:
        """Return the type of a member that is an object of which several parts say something."""
        objects = parts.together(wire)
        if not objects:
            return None
        key = "&".join(self._key(each, side) for each in objects)
        whole = parts.of(objects)
        planned = self._object(whole, key, place, side)
        if key in self.models:
            self.models[key].doc = doc_of(*objects)
        return OneOf((planned, NULL)) if "null" in whole.types() else planned

    # Requests that differ from replies.

    def differs(self, node: Node) -> bool:
        """Tell whether a schema has members that only one side may see, however deep."""
        if node.key not in self._sided:
            self._sided[node.key] = self._search(node)
        return self._sided[node.key]

    def _search(self, start: Node) -> bool:
        seen = {start.key}
        stack = [start]
        while stack:
            node = stack.pop()
            if node.key in self._sided and node is not start:
                if self._sided[node.key]:
                    return True
                continue
            if node.flag("readOnly") or node.flag("writeOnly") or is_binary(node.value):
                return True
            for child in (*_subschemas(node), *self._families.children(node)):
                if child.key not in seen:
                    seen.add(child.key)
                    stack.append(child)
        # What is reached from a schema without such members has none either.
        self._sided.update(dict.fromkeys(seen, False))
        return False


def is_binary(schema: Any) -> bool:
    """Tell whether a string is a file: OpenAPI 3.0 has a format for it, 3.1 a media type without an encoding."""
    if not isinstance(schema, dict):
        return False
    return schema.get("format") == "binary" or ("contentMediaType" in schema and "contentEncoding" not in schema)


def _subschemas(node: Node) -> list[Node]:
    if not isinstance(node.value, dict):
        return []
    found = [node[key] for key in (*_PARTS, "not") if isinstance(node.value.get(key), dict)]
    for key in ("allOf", "oneOf", "anyOf", "prefixItems"):
        found += [each.resolved() for each in node.child(key).elements()]
    for key in ("properties", "patternProperties"):
        found += [each.resolved() for _, each in node.child(key).items()]
    return [node.resolved()] if "$ref" in node.value and not found else found


def _beside(node: Node) -> list[Node]:
    value = {key: child for key, child in node.value.items() if key != "$ref"}
    return [Node(node.document, node.uri, node.pointer, value)]


def _implied(parts: Parts) -> list[str]:
    for kind, keywords in (
        ("object", ("properties", "additionalProperties", "patternProperties")),
        ("array", ("items", "prefixItems")),
        ("string", ("format", "pattern", "minLength", "maxLength")),
    ):
        if any(parts.find(keyword) is not None for keyword in keywords):
            if kind == "string" and parts.get("format") in ("int32", "int64", "float", "double"):
                return ["integer"] if str(parts.get("format")).startswith("int") else ["number"]
            return [kind]
    values = parts.get("enum") if parts.find("const") is None else [parts.get("const")]
    found = [_KINDS.get(type(value), "null") for value in values] if isinstance(values, list) else []
    return list(dict.fromkeys(found))


_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
"""What values are in JSON; None is null."""


def _members(type: Type) -> tuple[Type, ...]:
    return type.members if isinstance(type, OneOf) else (type,)
