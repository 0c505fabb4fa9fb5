"""Values that a schema describes: the simplest of them, or one that somebody chooses.

What is chosen goes through one function, `choose(count)`: it returns the number of an alternative, 0 for the simplest.
So the same code makes the value of a reply that nobody wrote, and, with Hypothesis choosing, those of a fuzzed one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..openapi.plan.shapes import Parts, parts_of

if TYPE_CHECKING:
    from ..openapi.document import Node

Choose: TypeAlias = Callable[[int], int]
Fits: TypeAlias = "Callable[[Node, Any], bool]"
"""What tells whether a value is one of a schema: with it, alternatives of which one alone may fit are kept apart."""

DEEPEST = 3
"""Levels below which optional members are left out, and lists are empty."""

_FORMATS = {
    "date-time": ("2026-01-02T03:04:05Z", "1970-01-01T00:00:00.000001+14:00"),
    "date": ("2026-01-02", "0001-01-01"),
    "time": ("03:04:05Z", "23:59:59.999Z"),
    "duration": ("PT1M", "P1Y2M3DT4H5M6S"),
    "email": ("user@example.com", "a.b+c@sub.example.org"),
    "hostname": ("example.com", "xn--bcher-kva.example"),
    "ipv4": ("192.0.2.1", "0.0.0.0"),  # noqa: S104 -- a value, and no address that anything listens on
    "ipv6": ("2001:db8::1", "::"),
    "uri": ("https://example.com/", "urn:a:b"),
    "url": ("https://example.com/", "http://[2001:db8::1]/?a#b"),
    "uri-reference": ("/a", ""),
    "uuid": ("00000000-0000-4000-8000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff"),
    "byte": ("YQ==", ""),
    "json-pointer": ("/a", ""),
    "regex": ("a", "[a-z]+"),
}
_KINDS: tuple[Any, ...] = ("text", 1, True, [], {})
_TEXTS = ("text", "", "\u00e9\u4e2d\U0001f600", " ", "null", "a" * 300)


def simplest(count: int) -> int:
    """Choose the first of some alternatives."""
    return min(0, count)


class Maker:
    """Make values for one side: what only the other has is left out."""

    def __init__(self, choose: Choose = simplest, *, hidden: str = "writeOnly", fits: Fits | None = None) -> None:
        self._choose = choose
        self._hidden = hidden
        self._fits = fits
        self._is_plain = choose is simplest

    def value(self, node: Node, depth: int = 0) -> Any:
        """Return a value of a schema."""
        node = node.resolved()
        if not isinstance(node.value, dict):
            return {} if depth == 0 else None
        return self._of(parts_of(node), depth)

    def _of(self, parts: Parts, depth: int) -> Any:
        for keyword in ("const", "example", "default"):
            found = parts.find(keyword)
            if found is not None and (keyword == "const" or self._is_plain):
                return found.value
        examples = parts.get("examples")
        if isinstance(examples, list) and examples and self._is_plain:
            return examples[0]
        values = parts.get("enum")
        if isinstance(values, list) and values:
            return values[self._choose(len(values))]
        for keyword in ("oneOf", "anyOf"):
            if (choice := parts.find(keyword)) is not None and choice.value:
                return self._choice(parts, choice, depth)
        kinds = parts.types() or self._implied(parts)
        kind = kinds[self._choose(len(kinds))] if depth < DEEPEST or "null" not in kinds else "null"
        return getattr(self, f"_{kind}", self._nothing)(parts, depth)

    def _implied(self, parts: Parts) -> list[str]:
        for keyword, kind in (
            ("properties", "object"),
            ("required", "object"),
            ("items", "array"),
            ("format", "string"),
        ):
            if parts.find(keyword) is not None:
                return [kind]
        if parts.find("additionalProperties") is not None:
            return ["object"]
        return ["string"] if parts.find("pattern") is not None or parts.find("minLength") is not None else ["object"]

    def _choice(self, parts: Parts, choice: Node, depth: int) -> Any:
        members = list(choice.elements())
        member = members[self._choose(len(members)) if depth < DEEPEST else 0]
        value = self._alternative(parts, choice, member, depth)
        return value if self._fits is None or choice.name != "oneOf" else self._fitting_one(value, member, members)

    def _alternative(self, parts: Parts, choice: Node, member: Node, depth: int) -> Any:
        owner = next(node for node in parts.nodes if choice.name in node.value)
        merged = Parts([*parts.without(owner, ("oneOf", "anyOf")), *parts_of(member).nodes])
        if not isinstance(member.value, dict) or set(member.value) == {"type"}:
            return self._of(parts_of(member), depth)
        value = self._of(merged, depth + 1)
        wire = parts.find("discriminator")
        if wire is not None and isinstance(value, dict) and wire.text("propertyName"):
            value.setdefault(wire.text("propertyName"), _tag(wire, member))
            if value[wire.text("propertyName")] in _TEXTS:
                value[wire.text("propertyName")] = _tag(wire, member)
        return value

    def _fitting_one(self, value: Any, member: Node, members: list[Node]) -> Any:
        """Return a value that one alternative fits: another one, where several fit this."""
        fits = self._fits
        assert fits is not None
        if isinstance(value, dict):
            for other in [each for each in members if each is not member and fits(each, value)]:
                self._keep_from(value, member, other)
        if sum(fits(each, value) for each in members) > 1:
            return next((kind for kind in _KINDS if sum(fits(each, kind) for each in members) == 1), value)
        return value

    def _keep_from(self, value: dict[str, Any], member: Node, other: Node) -> None:
        """Give an object a member that another alternative has otherwise, and its own not at all."""
        assert self._fits is not None
        own = parts_of(member).properties()
        names = [*parts_of(other).properties(), "other"]
        for name, kind in [(name, kind) for name in names if name not in own for kind in _KINDS]:
            changed = {**value, name: kind}
            if not self._fits(other, changed) and self._fits(member, changed):
                value[name] = kind
                return

    # Kinds.

    def _object(self, parts: Parts, depth: int) -> dict[str, Any]:
        required = parts.required()
        extra = parts.find("additionalProperties")
        value: dict[str, Any] = {}
        for name in parts.properties():
            nodes = [node.child("properties").child(name) for node in parts.nodes if _has_member(node, name)]
            if any(node.flag(self._hidden) or node.resolved().flag(self._hidden) for node in nodes):
                continue
            if all(isinstance(node.value, str) for node in nodes):
                continue
            if name in required or (depth < DEEPEST and self._choose(2) == self._is_optional_there()):
                value[name] = self._of(Parts([part for node in nodes for part in parts_of(node).nodes]), depth + 1)
        for name in sorted(required - set(parts.properties())):
            value[name] = self._extra(extra, depth)
        for number in range(len(value), _integer(parts, "minProperties") or 0):
            value[f"key{number}"] = self._extra(extra, depth)
        return value

    def _extra(self, schema: Node | None, depth: int) -> Any:
        return self.value(schema, depth + 1) if schema is not None and schema.value else "text"

    def _is_optional_there(self) -> int:
        # The simplest reply has all members but for the deepest; a fuzzed one that shrinks loses them.
        return 0 if self._is_plain else 1

    def _array(self, parts: Parts, depth: int) -> list[Any]:
        least = _integer(parts, "minItems") or 0
        most = _integer(parts, "maxItems")
        count = max(least, (1 if self._is_plain else self._choose(4)) if depth < DEEPEST else 0)
        count = count if most is None else min(count, most)
        items = parts.find("items")
        prefix = parts.find("prefixItems")
        first = [self.value(each, depth + 1) for each in prefix.elements()] if prefix is not None else []
        rest = [self._item(items, depth, n) for n in range(len(first), max(count, len(first)))] if items else []
        if parts.get("uniqueItems") is True:
            rest = _distinct(rest)
        return [*first, *rest]

    def _item(self, items: Node, depth: int, number: int) -> Any:
        value = self.value(items, depth + 1)
        return f"{value}{number}" if isinstance(value, str) and number and value in _TEXTS else value

    def _string(self, parts: Parts, depth: int) -> str:
        least, most = _integer(parts, "minLength") or 0, _integer(parts, "maxLength")
        form, pattern = parts.get("format"), parts.get("pattern")
        if isinstance(pattern, str):
            from .contract_patterns import matching

            return matching(pattern, least, most)
        if isinstance(form, str) and form in _FORMATS:
            return _FORMATS[form][self._choose(len(_FORMATS[form]))]
        text = _TEXTS[self._choose(len(_TEXTS))]
        text = text + "a" * (least - len(text))
        return text if most is None else text[:most]

    def _integer(self, parts: Parts, depth: int) -> int:
        number = self._number(parts, depth)
        step = parts.get("multipleOf")
        return int(number) if isinstance(step, int) or number == int(number) else int(number) + 1

    def _number(self, parts: Parts, depth: int) -> float:
        low, high = _bound(parts, "minimum", "exclusiveMinimum", 1), _bound(parts, "maximum", "exclusiveMaximum", -1)
        choices = [low if low is not None else min(1, high) if high is not None else 1]
        choices += [high] if high is not None else [choices[0] + 2**31] if low is not None else [0, -1, 2**40]
        number = choices[self._choose(len(choices))]
        step = parts.get("multipleOf")
        if isinstance(step, (int, float)) and step > 0:
            number = -(-number // step) * step
        return number

    def _boolean(self, parts: Parts, depth: int) -> bool:
        return self._choose(2) == 0

    def _null(self, parts: Parts, depth: int) -> None:
        return None

    def _nothing(self, parts: Parts, depth: int) -> None:
        return None


def _has_member(node: Node, name: str) -> bool:
    members = node.value.get("properties") if isinstance(node.value, dict) else None
    return isinstance(members, dict) and name in members


def _tag(discriminator: Node, member: Node) -> str:
    """Return the value that names a member of a union."""
    reference = member.text("$ref")
    for value, target in discriminator.child("mapping").items():
        if target.value == reference or str(target.value) == reference.rpartition("/")[2]:
            return value
    return reference.rpartition("/")[2] or member.resolved().name


def _integer(parts: Parts, key: str) -> int | None:
    value = parts.get(key)
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _bound(parts: Parts, inclusive: str, exclusive: str, step: int) -> float | None:
    bound, limit = parts.get(inclusive), parts.get(exclusive)
    if isinstance(limit, bool):
        limit, bound = (bound, None) if limit else (None, bound)
    if isinstance(limit, (int, float)):
        is_whole = "integer" in parts.types()
        return limit + step if is_whole else limit + step / 2
    return bound if isinstance(bound, (int, float)) else None


def _distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
