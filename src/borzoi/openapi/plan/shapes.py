"""What a schema is made of: `allOf` flattened into parts, keywords looked up over all of them.

allOf is merged, not inherited from. The schema's own keywords come first, so that they win, then what stands in its
allOf, then what that refers to, the last first: what extends a base says more than that does. `$ref` with
keywords beside it is an allOf of both (JSON Schema 2020-12, 8.2.3.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..document import Node

SHAPING = frozenset({
    "type", "properties", "additionalProperties", "items", "prefixItems", "enum", "const", "oneOf", "anyOf", "format",
    "patternProperties",
})  # fmt: skip
"""Keywords that say which values there are. `required` alone only narrows what others say."""

MAX_DEPTH = 5
"""How deep members of members are put together: schemas may refer to each other in circles."""

_BESIDE_REFERENCE = SHAPING | {"allOf", "required"}


def is_shaped(node: Node) -> bool:
    """Tell whether a schema says anything that a type can hold."""
    value = node.value
    if not isinstance(value, dict):
        return False
    if "$ref" in value:
        return True
    return not SHAPING.isdisjoint(value) or (
        "allOf" in value and any(is_shaped(child) for child in node.child("allOf").elements())
    )


class Parts:
    """See the parts of a schema as one."""

    def __init__(self, nodes: list[Node], depth: int = 0) -> None:
        self.nodes = nodes
        self._members: dict[str, list[Node]] | None = None
        self._depth = depth

    def find(self, key: str) -> Node | None:
        """Return the first value that a part has for a keyword."""
        for node in self.nodes:
            if isinstance(node.value, dict) and key in node.value:
                return node.child(key)
        return None

    def get(self, key: str) -> Any:
        """Return the plain value of a keyword."""
        found = self.find(key)
        return None if found is None else found.value

    def types(self) -> list[str]:
        """Return the types that every part which names some allows."""
        allowed: list[str] | None = None
        for node in self.nodes:
            named = node.value.get("type") if isinstance(node.value, dict) else None
            mine = [named] if isinstance(named, str) else [each for each in named or () if isinstance(each, str)]
            if mine:
                common = mine if allowed is None else [each for each in allowed if each in mine]
                allowed = common or allowed
        return allowed or []

    def members(self) -> dict[str, list[Node]]:
        """Return what the parts say of each member of an object, the part that wins first."""
        if self._members is None:
            self._members = {}
            if len(self.nodes) == 1:
                self._members = {name: [child] for name, child in self.nodes[0].child("properties").items()}
                return self._members
            # The members keep the order in which the last parts, the bases, name them.
            for node in reversed(self.nodes):
                for name, child in node.child("properties").items():
                    self._members[name] = [child, *self._members.get(name, ())]
        return self._members

    def properties(self) -> dict[str, Node]:
        """Return the members of an object, each as the first part has it that says which values it has."""
        return {
            name: said[0] if len(said) == 1 else next(filter(is_shaped, sorted(said, key=_is_bare)), said[0])
            for name, said in self.members().items()
        }

    def together(self, name: str) -> list[Node]:
        """Return the objects, more than one, that are only together what a member is; else nothing.

        A reference that wins stands for itself: it names what the member is here.
        """
        said = [each for each in self.members()[name] if is_shaped(each) and not _is_bare(each)]
        if len(said) < 2 or "$ref" in said[0].value or self._depth == MAX_DEPTH:
            return []
        parts = [parts_of(each) for each in said]
        if not parts[0].members() or any(each.find("oneOf") or each.find("anyOf") for each in parts):
            return []
        objects = [each for each, of in zip(said, parts, strict=True) if of.members()]
        return objects if len(objects) > 1 else []

    def of(self, objects: list[Node]) -> Parts:
        """Return the parts of such objects as one."""
        flat = {part.key: part for each in objects for part in parts_of(each).nodes}
        return Parts(list(flat.values()), self._depth + 1)

    def required(self) -> set[str]:
        """Return the names of the members that must be there."""
        return (
            {
                name
                for node in self.nodes
                for name in (node.value.get("required") if isinstance(node.value, dict) else None) or ()
                if isinstance(name, str)
            }
            if all(
                isinstance(node.value, dict) and isinstance(node.value.get("required", []), list) for node in self.nodes
            )
            else set()
        )

    def extra(self) -> Node | None:
        """Return what the members are that are not named, where that is declared: a schema, or true."""
        for node in self.nodes:
            for key in ("additionalProperties", "unevaluatedProperties"):
                if isinstance(node.value, dict) and key in node.value:
                    found = node.child(key)
                    is_never = found.value == {"not": {}}
                    return found if found.value is True or (isinstance(found.value, dict) and not is_never) else None
        return None

    def is_open(self) -> bool:
        """Tell whether members are declared that have no name."""
        return self.extra() is not None or bool(self.patterns())

    def is_closed(self) -> bool:
        """Tell whether members are refused that nothing describes."""
        return any(
            isinstance(node.value, dict) and node.value.get(key, True) in (False, {"not": {}})
            for node in self.nodes
            for key in ("additionalProperties", "unevaluatedProperties")
        )

    def patterns(self) -> list[Node]:
        """Return what the members are whose names match a pattern, where there may be such."""
        owners = [node for node in self.nodes if isinstance(node.value, dict) and "patternProperties" in node.value]
        found = [pattern for node in owners for _, pattern in node.child("patternProperties").items()]
        return [each for each in found if each.value not in (False, {"not": {}})]

    def without(self, node: Node, keys: tuple[str, ...]) -> list[Node]:
        """Return the parts, with keywords taken out of one of them."""
        return [
            Node(each.document, each.uri, each.pointer, {k: v for k, v in each.value.items() if k not in keys})
            if each is node
            else each
            for each in self.nodes
        ]


def _is_bare(node: Node) -> bool:
    """Tell whether a schema names its type, and nothing else: it repeats what another part says."""
    return isinstance(node.value, dict) and (SHAPING | {"allOf", "$ref"}).intersection(node.value) == {"type"}


def is_own(node: Node) -> bool:
    """Tell whether a schema says something itself, apart from its allOf."""
    value = {key: child for key, child in node.value.items() if key not in ("allOf", "$ref")}
    return is_shaped(Node(node.document, node.uri, node.pointer, value)) or Parts([node]).is_open()


def parts_of(node: Node) -> Parts:
    """Return a schema and all that its allOf and the reference beside its keywords add."""
    if isinstance(node.value, dict) and "$ref" not in node.value and "allOf" not in node.value:
        return Parts([node])
    return Parts(list(_flatten(node, set())))


def _flatten(node: Node, seen: set[str]) -> Iterator[Node]:
    if node.key in seen or not isinstance(node.value, dict):
        return
    seen.add(node.key)
    if "$ref" in node.value:
        if not _BESIDE_REFERENCE.isdisjoint(node.value):
            yield node
        yield from _flatten(node.resolved(), seen)
    else:
        yield node
    added = [*node.child("allOf").elements()]
    referring = [each for each in added if isinstance(each.value, dict) and "$ref" in each.value]
    added = [*[each for each in added if each not in referring], *reversed(referring)] if referring else added
    for child in added:
        yield from _flatten(child, seen)


def doc_of(*nodes: Node) -> str:
    """Return the first description that schemas have, or else the first title."""
    for key in ("description", "title"):
        for node in nodes:
            if text := node.text(key):
                return text
    return ""
