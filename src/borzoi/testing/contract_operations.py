"""The operations of a document: which of them a request is for, and what the document says of its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from ..openapi.plan.operations import METHODS
from .contract_parameters import Layout

if TYPE_CHECKING:
    from ..openapi.document import Node

Securities = list[dict[str, "Node"]]
"""The alternatives of credentials: each names the schemes that it needs together."""


class Operation:
    """One method of one path."""

    def __init__(self, root: Node, path: str, item: Node, method: str, node: Node) -> None:
        self._root = root
        self._item = item
        self.path = path
        self.method = method.upper()
        self.node = node
        self.id = node.text("operationId") or f"{self.method} {path}"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @cached_property
    def parameters(self) -> list[Layout]:
        """The parameters; those of the operation win over those of its path."""
        found: dict[tuple[str, str], Node] = {}
        for owner in (self._item, self.node):
            for each in owner.child("parameters").elements():
                parameter = each.resolved()
                if isinstance(parameter.value, dict):
                    found[parameter.text("name"), parameter.text("in")] = parameter
        return [Layout(node) for node in found.values()]

    def parameter_node(self, layout: Layout) -> Node:
        """Return where a parameter is declared."""
        for owner in (self.node, self._item):
            for each in owner.child("parameters").elements():
                parameter = each.resolved()
                if (parameter.text("name"), parameter.text("in")) == (layout.name, layout.location):
                    return parameter
        return self.node

    @cached_property
    def security(self) -> Securities:
        """The credentials that it asks for; none where it may be called without."""
        own = self.node if "security" in self.node.value else self._root
        schemes = self._root.child("components").child("securitySchemes")
        found = [{name: schemes[name] for name, _ in each.items()} for each in own.child("security").elements()]
        return [] if {} in found else found

    def response(self, status: int) -> Node | None:
        """Return what is declared for a status: by itself, by its range, by default."""
        responses = self.node.child("responses")
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            found = responses[key]
            if found:
                return found
        return None

    def statuses(self) -> list[str]:
        """Return the statuses that are declared."""
        return [status for status, _ in self.node.child("responses").items() if not status.startswith("x-")]

    def success(self) -> int:
        """Return the status that a good answer has."""
        for status in sorted(self.statuses()):
            if re.fullmatch(r"2\d\d", status):
                return int(status)
        known = [int(status) for status in self.statuses() if re.fullmatch(r"[1-5]\d\d", status)]
        return 200 if not known or "2XX" in [each.upper() for each in self.statuses()] else known[0]


class Operations:
    """All operations of a document, and the way to them."""

    def __init__(self, root: Node) -> None:
        self.all = list(_declared(root))
        self.by_id = {each.id: each for each in self.all}
        # A path without parameters is meant where it fits (OpenAPI 3.1.1, "Path Templating Matching").
        ordered = sorted(self.all, key=lambda each: each.path.count("{"))
        self._patterns = [(_pattern(each.path), each) for each in ordered]

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation of a path, as it came, and the raw texts of the parameters in it."""
        for pattern, operation in self._patterns:
            if operation.method == method and (match := pattern.fullmatch(path)):
                return operation, dict(zip(_names(operation.path), match.groups(), strict=True))
        return None

    def methods_of(self, path: str) -> list[str]:
        """Return the methods that a path has."""
        return sorted({each.method for pattern, each in self._patterns if pattern.fullmatch(path)})


def _names(path: str) -> list[str]:
    return re.findall(r"\{([^{}]*)\}", path)


def _pattern(path: str) -> re.Pattern[str]:
    pieces = re.split(r"\{[^{}]*\}", path)
    return re.compile("([^/?#]*)".join(re.escape(piece) for piece in pieces))


def _declared(root: Node) -> Iterator[Operation]:
    for path, child in root.child("paths").items():
        item = child.resolved()
        if not path.startswith("/") or not isinstance(item.value, dict):
            continue
        found = {method: item[method] for method in METHODS if method in item.value}
        found |= {method: node.resolved() for method, node in item.child("additionalOperations").items()}
        for method, node in found.items():
            if isinstance(node.value, dict):
                yield Operation(root, path, item, method, node)
