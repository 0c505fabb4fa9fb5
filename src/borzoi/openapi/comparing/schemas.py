"""Schemas compared, each on the side that it is on: what is sent may be allowed more, what is received less."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..document import Node
from ..plan.shapes import Parts, parts_of
from .findings import Findings

TYPED_FORMATS = frozenset({"uuid", "date-time", "date", "decimal", "byte", "base64", "binary", "email", "uri"})
"""Formats that decide about the type of a value in generated code."""

_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_EVERYTHING = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})


class Schemas:
    """Compare schemas; each pair of places once on each side."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._seen: set[tuple[str, str, bool]] = set()

    def compare(self, old: Node, new: Node, *, sent: bool) -> None:
        """Compare two schemas of what is `sent` by callers, or received."""
        old, new = old.resolved(), new.resolved()
        key = (old.key, new.key, sent)
        if key in self._seen:
            return
        self._seen.add(key)
        before, after = parts_of(old), parts_of(new)
        if not self._types(before, after, new, sent):
            return
        self._formats(before, after, new)
        self._values(before, after, new, sent)
        self._defaults(before, after, new, sent)
        if sent:
            self._limits(before, after, new)
        self._members(before, after, old, new, sent)
        self._extra(before, after, new, sent)
        self._items(before, after, new, sent)
        for keyword in ("oneOf", "anyOf"):
            self._choices(before, after, keyword, new, sent)

    # What a value is.

    def _types(self, before: Parts, after: Parts, new: Node, sent: bool) -> bool:
        """Compare types; False where they have nothing in common, and nothing else is worth saying."""
        was, now = _types(before), _types(after)
        lost, gained = _covered(was, now), _covered(now, was)
        if lost or gained:
            reason = f"the type was {_listed(was)} and is {_listed(now)}"
            self._findings.add(new, reason, breaks=bool(lost if sent else gained))
        return bool((was & now) - {"null"}) or was == now

    def _formats(self, before: Parts, after: Parts, new: Node) -> None:
        was, now = _text(before, "format"), _text(after, "format")
        if was != now:
            breaks = not TYPED_FORMATS.isdisjoint((was, now))
            self._findings.add(new, f"the format was {was or 'none'} and is {now or 'none'}", breaks=breaks)

    def _values(self, before: Parts, after: Parts, new: Node, sent: bool) -> None:
        was, now = _known(before), _known(after)
        if was is None and now is None:
            return
        if was is None or now is None:
            if now is not None:
                reason = f"only {_listed(now)} is allowed now"
                # What is received with known values is still of its type.
                self._findings.add(new, reason, breaks=sent or after.find("const") is not None)
            else:
                self._findings.harmless(new, "any value is allowed now")
            return
        lost, gained = [each for each in was if each not in now], [each for each in now if each not in was]
        if lost:
            self._findings.add(new, f"the values {_listed(lost)} are gone", breaks=sent)
        if gained:
            # Enumerations are open in generated code; a constant is not.
            closed = before.find("const") is not None
            self._findings.add(new, f"the values {_listed(gained)} are new", breaks=closed and not sent)

    def _defaults(self, before: Parts, after: Parts, new: Node, sent: bool) -> None:
        was, now = before.get("default"), after.get("default")
        if was != now and sent:
            self._findings.add(new, f"the default was {was!r} and is {now!r}", breaks=was is not None)

    def _limits(self, before: Parts, after: Parts, new: Node) -> None:
        for keywords, is_upper in ((_UPPER, True), (_LOWER, False)):
            for keyword in keywords:
                was, now = _number(before, keyword), _number(after, keyword)
                if was == now:
                    continue
                tighter = now is not None and (was is None or (now < was if is_upper else now > was))
                self._findings.add(new, f"{keyword} was {_shown(was)} and is {_shown(now)}", breaks=tighter)
        for keyword in ("pattern", "multipleOf", "uniqueItems"):
            was, now = before.get(keyword) or None, after.get(keyword) or None
            if was != now:
                reason = f"{keyword} was {_shown(was)} and is {_shown(now)}"
                self._findings.add(new, reason, breaks=now is not None)

    # What an object has.

    def _members(self, before: Parts, after: Parts, old: Node, new: Node, sent: bool) -> None:
        hidden = "readOnly" if sent else "writeOnly"
        was = {name: node for name, node in before.properties().items() if not node.resolved().flag(hidden)}
        now = {name: node for name, node in after.properties().items() if not node.resolved().flag(hidden)}
        needed_before, needed = before.required(), after.required()
        for name, node in was.items():
            if name not in now:
                self._findings.breaking(node, f"the member {name!r} is gone")
                continue
            self._requirement(name, name in needed_before, name in needed, now[name], sent)
            self.compare(node, now[name], sent=sent)
        for name, node in now.items():
            if name not in was:
                word = "a required" if name in needed else "an optional"
                self._findings.add(node, f"{word} member {name!r} is new", breaks=sent and name in needed)

    def _requirement(self, name: str, was: bool, now: bool, node: Node, sent: bool) -> None:
        if was == now:
            return
        if now:
            self._findings.add(node, f"the member {name!r} is required now", breaks=sent)
        else:
            self._findings.add(node, f"the member {name!r} is no longer required", breaks=not sent)

    def _extra(self, before: Parts, after: Parts, new: Node, sent: bool) -> None:
        was, now = before.find("additionalProperties"), after.find("additionalProperties")
        is_open, is_open_now = _allows(was), _allows(now)
        if is_open and not is_open_now:
            self._findings.add(new, "other members are not allowed any more", breaks=sent)
        elif is_open_now and not is_open:
            self._findings.harmless(new, "other members are allowed now")
        elif was is not None and now is not None and isinstance(was.value, dict) and isinstance(now.value, dict):
            self.compare(was, now, sent=sent)
        if before.is_open() and not after.is_open() and after.properties():
            # A model has a place for them where they are declared, and nowhere else.
            self._findings.breaking(new, "other members are not declared any more")
        patterns, there = dict(_children(before, "patternProperties")), dict(_children(after, "patternProperties"))
        for pattern in patterns.keys() & there.keys():
            self.compare(patterns[pattern], there[pattern], sent=sent)

    def _items(self, before: Parts, after: Parts, new: Node, sent: bool) -> None:
        was, now = before.find("items"), after.find("items")
        if was is not None and now is not None:
            self.compare(was, now, sent=sent)
        elif now is not None and now.value:
            self._findings.add(new, "the items have a schema now", breaks=sent)
        elif was is not None and was.value:
            self._findings.add(new, "the items have no schema any more", breaks=not sent)
        first, first_now = before.find("prefixItems"), after.find("prefixItems")
        if first is not None and first_now is not None:
            for one, other in zip(first.elements(), first_now.elements(), strict=False):
                self.compare(one, other, sent=sent)

    # What is one of several.

    def _choices(self, before: Parts, after: Parts, keyword: str, new: Node, sent: bool) -> None:
        found, there = before.find(keyword), after.find(keyword)
        if found is None and there is None:
            return
        was = _alternatives(found)
        now = _alternatives(there)
        for name in was.keys() & now.keys():
            self.compare(was[name], now[name], sent=sent)
        for name in sorted(was.keys() - now.keys()):
            self._findings.add(new, f"the alternative {name} of {keyword} is gone", breaks=sent)
        for name in sorted(now.keys() - was.keys()):
            # A union where there was none is another type for who receives it; so is one with more members.
            self._findings.add(now[name], f"the alternative {name} of {keyword} is new", breaks=not sent)
        wire, wire_now = _discriminator(before), _discriminator(after)
        if wire and wire_now != wire:
            self._findings.breaking(new, f"the discriminator was {wire!r} and is {wire_now or 'none'!r}")
        meant, meant_now = _mapping(before), _mapping(after)
        for value, target in meant.items():
            if meant_now.get(value) != target:
                reason = f"the discriminator {value!r} meant {target} and means {meant_now.get(value, 'nothing')}"
                self._findings.breaking(new, reason)


def _types(parts: Parts) -> frozenset[str]:
    named = frozenset(parts.types())
    if named:
        return named
    if parts.find("properties") is not None:
        return frozenset({"object"})
    return frozenset({"array"}) if parts.find("items") is not None else _EVERYTHING


def _covered(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """Return the types that are not among the others; an integer is a number, too."""
    missing = some - others
    return missing - {"integer"} if "number" in others else missing


def _text(parts: Parts, key: str) -> str:
    value = parts.get(key)
    return value if isinstance(value, str) else ""


def _known(parts: Parts) -> list[Any] | None:
    if parts.find("const") is not None:
        return [parts.get("const")]
    value = parts.get("enum")
    return value if isinstance(value, list) else None


def _number(parts: Parts, key: str) -> float | None:
    value = parts.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _allows(node: Node | None) -> bool:
    return node is None or node.value is not False


def _alternatives(node: Node | None) -> dict[str, Node]:
    """Return the members of a union by what tells them apart: their names, or else what they are."""
    if node is None:
        return {}
    return {_title(each): each for each in node.elements()}


def _title(node: Node) -> str:
    if isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
        return str(node.value["$ref"].rpartition("/")[2])
    if node.text("title"):
        return node.text("title")
    types = parts_of(node).types()
    return "|".join(types) + (f" {node.text('format')}" if node.text("format") else "") if types else node.name


def _discriminator(parts: Parts) -> str:
    found = parts.find("discriminator")
    return "" if found is None else found.text("propertyName")


def _mapping(parts: Parts) -> dict[str, str]:
    """Return which schemas the values of a discriminator mean, by their names."""
    found = parts.find("discriminator")
    pairs = [] if found is None else found.child("mapping").items()
    return {value: str(target.value).rpartition("/")[2] for value, target in pairs}


def _children(parts: Parts, key: str) -> Iterator[tuple[str, Node]]:
    found = parts.find(key)
    return iter(()) if found is None else found.items()


def _listed(values: Any) -> str:
    shown = sorted(values) if isinstance(values, frozenset) else [str(each) for each in values]
    return ", ".join(shown[:5]) + (" ..." if len(shown) > 5 else "") if set(shown) != _EVERYTHING else "anything"


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
