"""Servers of documents, of paths and of operations, with their variables."""

from __future__ import annotations

from urllib.parse import urljoin

from msgspec import structs

from ..document import Node
from . import names
from .values import Server


def servers_of(node: Node) -> list[Server]:
    """Return the servers that a part of the document names."""
    return [Server(each.text("url", "/"), _variables(each)) for each in node.child("servers").elements()]


def servers_of_api(root: Node) -> list[Server]:
    """Return the servers of an API; those that are relative are so to the server that the document came from."""
    found = servers_of(root)
    if not root.document.sources.is_remote:
        return found
    # OpenAPI 3.1.1, OpenAPI Object: without servers there is one with the URL "/".
    return [
        each if "://" in each.url else structs.replace(each, url=urljoin(root.uri, each.url))
        for each in found or [Server("/")]
    ]


def _variables(server: Node) -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    found: list[tuple[str, str, str, tuple[str, ...]]] = []
    for wire, child in server.child("variables").items():
        values = tuple(str(value.value) for value in child.child("enum").elements())
        default = child.value.get("default", "") if isinstance(child.value, dict) else ""
        if f"{{{wire}}}" in server.text("url"):
            found.append((wire, names.snake(wire), str(default), values))
    return tuple(found)


def own_server(operation: Node, item: Node) -> Server | None:
    """Return the server of an operation, or of its path, that is none of the whole API's first."""
    for owner in (operation, item):
        if found := servers_of(owner):
            usual = servers_of(operation.document.root)
            return None if usual and found[0] == usual[0] else found[0]
    return None
