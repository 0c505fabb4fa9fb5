"""Links: from a response to the operations that the document says follow it (OpenAPI 3.1.1, section 4.8.20).

    repositories = client.users.with_response.get("ada").links.repositories(limit=5)

The arguments are found by the link's runtime expressions; those that are given win. What is returned is what the
method of the resource returns, pages and streams among it; in async code it is to be awaited as that is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from ... import Response as HTTPResponse
from .encoding import plain, text
from .operation import Call

_EMBEDDED = re.compile(r"\{(\$[^{}]*)\}")


class Link(NamedTuple):
    """Say where a reply leads: the resource and the name of an operation, and expressions for its arguments."""

    resource: str
    name: str
    arguments: Mapping[str, str]


class Links:
    """Call the operations that a reply leads to, each by the name of its link."""

    def __init__(self, resource: Any, call: Call[Any], http: HTTPResponse) -> None:
        self._resource = resource
        self._call = call
        self._http = http

    def __dir__(self) -> list[str]:
        return sorted(self._call.operation.links)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        link = self._call.operation.links.get(name)
        if link is None:
            known = ", ".join(dir(self)) or "none"
            raise AttributeError(f"{self._call.operation.path} has no link {name!r}: there is {known}.")
        found: Link = link
        return lambda **arguments: self._follow(found, arguments)

    def _follow(self, link: Link, given: dict[str, Any]) -> Any:
        """Call an operation. Raises TypeError for an argument that it has not, LookupError for one without a value."""
        package = self._resource._client.package
        operation = getattr(import_module(f"{package}._operations.{link.resource}"), link.name)
        known = {each.name for each in operation.parameters} | ({"body"} if operation.body is not None else set())
        if unknown := sorted(given.keys() - known):
            there = ", ".join(sorted(known)) or "none"
            raise TypeError(f"{operation.path} takes no argument {unknown[0]!r}: there is {there}.")
        missing = {name: how for name, how in link.arguments.items() if name not in given}
        arguments = {name: evaluated(how, self._call, self._http) for name, how in missing.items()} | given
        return getattr(self._resource, operation.way)(Call(operation, arguments))


def evaluated(expression: str, call: Call[Any], http: HTTPResponse) -> Any:
    """Return the value of a runtime expression, or of a text that has some in braces. Raises LookupError."""
    if expression.startswith("$"):
        return _value(expression, call, http)
    return _EMBEDDED.sub(lambda found: text(_value(found[1], call, http)), expression)


def _value(expression: str, call: Call[Any], http: HTTPResponse) -> Any:
    simple = {"$url": str(http.request.url), "$method": http.request.method, "$statusCode": http.status_code}
    if expression in simple:
        return simple[expression]
    whose, _, source = expression.removeprefix("$").partition(".")
    kind, _, name = source.partition("." if not source.startswith("body") else "#")
    message = http.request if whose == "request" else http
    try:
        if kind == "body":
            return _at(name, plain(call.arguments["body"]) if whose == "request" else json.loads(http.content))
        if kind == "header":
            return message.headers[name]
        if kind == "query" and whose == "request":
            return http.request.url.params[name]
        if kind == "path" and whose == "request":
            wires = {each.wire: each.name for each in call.operation.parameters if each.location == "path"}
            return call.arguments[wires[name]]
    except (LookupError, ValueError):
        pass
    raise LookupError(f"The link needs {expression}, and there is no such thing in what was sent and received.")


def _at(pointer: str, value: Any) -> Any:
    """Return what a JSON pointer leads to (RFC 6901, section 4)."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        value = value[int(key) if isinstance(value, list) else key]
    return value
