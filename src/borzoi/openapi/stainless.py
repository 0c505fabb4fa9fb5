"""Names of methods from a `stainless.yml`: its resources say what each endpoint is called.

resources:
  users:
    methods: {all: get /users, find: {endpoint: get /users/{id}}}
    subresources: {keys: {methods: {all: get /users/{id}/keys}}}
"""

from __future__ import annotations

from typing import Any

DEEPEST = 20


def is_stainless(settings: dict[str, Any]) -> bool:
    """Tell whether settings are those of Stainless."""
    return isinstance(settings.get("resources"), dict)


def method_names(settings: dict[str, Any]) -> dict[str, str]:
    """Return what endpoints are called, by method and path: `GET /users`."""
    found: dict[str, str] = {}
    _collect({"subresources": settings["resources"]}, found, 0)
    return found


def _collect(resource: dict[str, Any], found: dict[str, str], depth: int) -> None:
    for name, method in _members(resource, "methods"):
        endpoint = method.get("endpoint") if isinstance(method, dict) else method
        verb, _, path = str(endpoint).strip().partition(" ")
        if path:
            found[f"{verb.upper()} {path.strip()}"] = name
    for _, inner in _members(resource, "subresources") if depth < DEEPEST else ():
        if isinstance(inner, dict):
            _collect(inner, found, depth + 1)


def _members(owner: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    value = owner.get(key)
    return list(value.items()) if isinstance(value, dict) else []
