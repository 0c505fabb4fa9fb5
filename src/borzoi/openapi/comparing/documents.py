"""Documents compared: operations, servers, credentials, webhooks, and the names of what is shared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from ..document import Document, Node
from ..plan.media import kind_of_media
from ..plan.operations import METHODS, requirements
from .findings import Change, Findings
from .schemas import Schemas

_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form", "querystring": "form"}


def compare(old: Document, new: Document) -> list[Change]:
    """Return what is different in the new document, what breaks callers first. Raises DocumentError."""
    return _Comparison().run(old.root, new.root)


class _Comparison:
    def __init__(self) -> None:
        self._findings = Findings()
        self._schemas = Schemas(self._findings)

    def run(self, old: Node, new: Node) -> list[Change]:
        was, now = dict(_operations(old, "paths")), dict(_operations(new, "paths"))
        for key, operation in was.items():
            self._findings.place = operation.title
            if key in now:
                self._operation(operation, now[key])
            else:
                self._findings.breaking(operation.node, "the operation is gone")
        for key, operation in now.items():
            if key not in was:
                self._findings.place = operation.title
                self._findings.harmless(operation.node, "the operation is new")
        self._webhooks(old, new)
        self._servers(old, new)
        self._names(old, new)
        return self._findings.ordered()

    # An operation.

    def _operation(self, old: _Operation, new: _Operation) -> None:
        if (was := old.node.text("operationId")) != (now := new.node.text("operationId")):
            self._findings.breaking(new.node, f"the operationId was {was or 'none'} and is {now or 'none'}")
        if _tag(old.node) != _tag(new.node):
            self._findings.breaking(
                new.node, f"the first tag was {_tag(old.node) or 'none'} and is {_tag(new.node) or 'none'}"
            )
        if new.node.flag("deprecated") and not old.node.flag("deprecated"):
            self._findings.harmless(new.node, "the operation is deprecated now")
        self._parameters(old, new)
        self._body(old.node["requestBody"], new.node["requestBody"], new.node)
        self._responses(old.node, new.node)
        self._security(old, new)
        self._own_servers(old, new)
        self._sent(_callbacks(old), _callbacks(new), "callback")

    def _parameters(self, old: _Operation, new: _Operation) -> None:
        was, now = old.parameters(), new.parameters()
        for (name, location), node in was.items():
            if (name, location) not in now:
                self._findings.breaking(node, f"the parameter {name!r} in {location} is gone")
                continue
            other = now[name, location]
            needed, needed_now = (each.flag("required") or location == "path" for each in (node, other))
            if needed != needed_now:
                word = "required now" if needed_now else "no longer required"
                self._findings.add(other, f"the parameter {name!r} is {word}", breaks=needed_now)
            if _layout(node) != _layout(other):
                self._findings.breaking(other, f"the parameter {name!r} is written in another style")
            self._schemas.compare(_schema(node), _schema(other), sent=True)
        for (name, location), node in now.items():
            if (name, location) not in was:
                needed = node.flag("required") or location == "path"
                word = "a required" if needed else "an optional"
                self._findings.add(node, f"{word} parameter {name!r} in {location} is new", breaks=needed)

    def _body(self, old: Node, new: Node, operation: Node) -> None:
        if not old and not new:
            return
        if not old:
            needed = new.flag("required")
            word = "a required" if needed else "an optional"
            self._findings.add(new, f"{word} request body is new", breaks=needed)
            return
        if not new:
            self._findings.breaking(operation, "the request body is gone")
            return
        if old.flag("required") != new.flag("required"):
            word = "required now" if new.flag("required") else "no longer required"
            self._findings.add(new, f"the request body is {word}", breaks=new.flag("required"))
        self._contents(old, new, "of the request", sent=True)

    def _contents(self, old: Node, new: Node, whose: str, *, sent: bool) -> None:
        was, now = dict(old.child("content").items()), dict(new.child("content").items())
        for media_type, media in was.items():
            if media_type not in now:
                self._findings.breaking(new, f"the media type {media_type} {whose} is gone")
                continue
            before, after = media.resolved(), now[media_type].resolved()
            if kind_of_media(media_type) not in ("text", "bytes"):
                self._content(before, after, sent=sent)
            if sent and _parts(before) != _parts(after):
                self._findings.breaking(after, f"a part of {media_type} is written in another way")
        for media_type in now:
            if media_type not in was:
                self._findings.harmless(new, f"the media type {media_type} {whose} is new")

    def _content(self, old: Node, new: Node, *, sent: bool) -> None:
        for key in ("schema", "itemSchema"):
            was, now = old.child(key), new.child(key)
            if was or now:
                self._schemas.compare(was, now, sent=sent)

    # Responses.

    def _responses(self, old: Node, new: Node) -> None:
        was = {status.upper(): node.resolved() for status, node in old.child("responses").items()}
        now = {status.upper(): node.resolved() for status, node in new.child("responses").items()}
        for status, node in was.items():
            if status not in now:
                self._findings.breaking(node, f"the response {status} is gone")
                continue
            self._contents(node, now[status], f"of the response {status}", sent=False)
            if now[status].child("content") and not node.child("content"):
                self._findings.harmless(now[status], f"the response {status} has a body now")
            self._headers(node, now[status], status)
            self._links(node, now[status])
        for status, node in now.items():
            if status not in was:
                # An error has its class by its status, declared or not. A success that is not declared is an error.
                is_covered = status[0] not in "23" or f"{status[0]}XX" in was or "DEFAULT" in was
                self._findings.add(node, f"the response {status} is new", breaks=not is_covered)

    def _headers(self, old: Node, new: Node, status: str) -> None:
        was = {name.lower(): node for name, node in old.child("headers").items()}
        now = {name.lower(): node for name, node in new.child("headers").items()}
        for name, node in was.items():
            if name not in now:
                self._findings.breaking(node, f"the header {name!r} of the response {status} is gone")
                continue
            before, after = node.resolved(), now[name].resolved()
            if before.flag("required") and not after.flag("required"):
                self._findings.breaking(after, f"the header {name!r} of the response {status} is no longer required")
            self._schemas.compare(_schema(before), _schema(after), sent=False)
        for name, node in now.items():
            if name not in was:
                self._findings.harmless(node, f"the header {name!r} of the response {status} is new")

    def _links(self, old: Node, new: Node) -> None:
        was = {name: node.resolved() for name, node in old.child("links").items()}
        now = {name: node.resolved() for name, node in new.child("links").items()}
        for name, node in was.items():
            if name not in now:
                self._findings.breaking(node, f"the link {name!r} is gone")
                continue
            if _led_to(node) != _led_to(now[name]):
                reason = f"the link {name!r} led to {_led_to(node)} and leads to {_led_to(now[name])}"
                self._findings.breaking(now[name], reason)
            given = dict(now[name].child("parameters").items())
            for argument, how in node.child("parameters").items():
                if argument not in given:
                    self._findings.breaking(how, f"the link {name!r} does not say any more what {argument!r} is")
        for name, node in now.items():
            if name not in was:
                self._findings.harmless(node, f"the link {name!r} is new")

    # Credentials and servers.

    def _security(self, old: _Operation, new: _Operation) -> None:
        was, now = old.security(), new.security()
        if not was and not now:
            return
        for each in was or [{}]:
            # What was enough is enough while some alternative asks for no more.
            if any(_is_enough(each, other) for other in now) or not now:
                continue
            self._findings.breaking(new.node, f"the credentials {_named(each)} are not enough any more")
        for other in now:
            if was and other not in was and not any(_is_enough(each, other) for each in was):
                self._findings.harmless(new.node, f"the credentials {_named(other)} are accepted now")
        if was and not now:
            self._findings.harmless(new.node, "no credentials are asked for any more")

    def _own_servers(self, old: _Operation, new: _Operation) -> None:
        was, now = old.servers(), new.servers()
        if was and was[0] not in now:
            self._findings.breaking(new.node, f"the server {was[0]} of the operation is gone")
        elif now and not was:
            self._findings.breaking(new.node, f"the operation has a server of its own now, {now[0]}")

    def _servers(self, old: Node, new: Node) -> None:
        self._findings.place = "the document"
        was = [each.text("url", "/") for each in old.child("servers").elements()]
        now = [each.text("url", "/") for each in new.child("servers").elements()]
        for url in was:
            if url not in now:
                self._findings.breaking(new.child("servers"), f"the server {url} is gone")
        for url in now:
            if url not in was:
                self._findings.add(new.child("servers"), f"the server {url} is new", breaks=False)
        if was and now and was[0] != now[0] and was[0] in now:
            self._findings.breaking(new.child("servers"), f"the first server was {was[0]} and is {now[0]}")
        for before, after in _pairs_by_url(old, new):
            self._variables(before, after)

    def _variables(self, old: Node, new: Node) -> None:
        was, now = dict(old.child("variables").items()), dict(new.child("variables").items())
        for name, node in was.items():
            after = now.get(name)
            if after is None:
                self._findings.breaking(node, f"the server variable {name!r} is gone")
                continue
            if node.text("default") != after.text("default"):
                self._findings.breaking(
                    after, f"the server variable {name!r} was {node.text('default')!r} and is {after.text('default')!r}"
                )
            known = _texts(after.child("enum"))
            lost = [each for each in _texts(node.child("enum")) if known and each not in known]
            if lost:
                self._findings.breaking(after, f"the server variable {name!r} cannot be {', '.join(lost)}")

    # The rest.

    def _webhooks(self, old: Node, new: Node) -> None:
        self._sent(_operations(old, "webhooks"), _operations(new, "webhooks"), "webhook")

    def _sent(self, old: Iterable[tuple[_Key, _Operation]], new: Iterable[tuple[_Key, _Operation]], word: str) -> None:
        """Compare what the API sends of itself: it is what its users receive."""
        was, now = dict(old), dict(new)
        for key, operation in was.items():
            self._findings.place = f"{word} {operation.title}"
            if key in now:
                self._contents(
                    operation.node["requestBody"], now[key].node["requestBody"], f"of the {word}", sent=False
                )
            else:
                self._findings.breaking(operation.node, f"the {word} is gone")
        for key, operation in now.items():
            if key not in was:
                self._findings.place = f"{word} {operation.title}"
                self._findings.harmless(operation.node, f"the {word} is new")

    def _names(self, old: Node, new: Node) -> None:
        self._findings.place = "the document"
        for section, word in (("schemas", "schema"), ("securitySchemes", "security scheme")):
            was = dict(old.child("components").child(section).items())
            now = dict(new.child("components").child(section).items())
            for name, node in was.items():
                if name not in now:
                    self._findings.breaking(node, f"the {word} {name!r} is gone")
                elif section == "securitySchemes" and _scheme(node) != _scheme(now[name]):
                    self._findings.breaking(now[name], f"the {word} {name!r} is of another kind")
            for name, node in now.items():
                if name not in was:
                    self._findings.harmless(node, f"the {word} {name!r} is new")


class _Operation:
    """One method of one path, or of one webhook."""

    def __init__(self, root: Node, item: Node, node: Node, title: str) -> None:
        self._root = root
        self._item = item
        self.node = node
        self.title = title

    def parameters(self) -> dict[tuple[str, str], Node]:
        found: dict[tuple[str, str], Node] = {}
        for owner in (self._item, self.node):
            for each in owner.child("parameters").elements():
                parameter = each.resolved()
                if isinstance(parameter.value, dict):
                    found[parameter.text("name"), parameter.text("in")] = parameter
        return found

    def security(self) -> list[dict[str, list[str]]]:
        node = self.node.child("security") if "security" in self.node.value else self._root.child("security")
        found = [{name: _texts(scopes) for name, scopes in each.items()} for each in node.elements()]
        return found if any(requirements(node)) else []

    def servers(self) -> list[str]:
        for owner in (self.node, self._item):
            if found := [each.text("url") for each in owner.child("servers").elements()]:
                return found
        return []


_Key: TypeAlias = tuple[str, str]


def _callbacks(operation: _Operation) -> Iterator[tuple[_Key, _Operation]]:
    """Yield what an operation has called back, by the name of the callback and its URL."""
    for name, callback in operation.node.child("callbacks").items():
        for (method, _), found in _listed(callback.resolved(), operation.node):
            yield (method, name), found


def _operations(root: Node, section: str) -> Iterator[tuple[_Key, _Operation]]:
    return _listed(root.child(section), root)


def _listed(items: Node, root: Node) -> Iterator[tuple[_Key, _Operation]]:
    for path, child in items.items():
        item = child.resolved()
        if not isinstance(item.value, dict) or path.startswith("x-"):
            continue
        found = {method: item[method] for method in METHODS if method in item.value}
        found |= {name: node.resolved() for name, node in item.child("additionalOperations").items()}
        for method, node in found.items():
            if isinstance(node.value, dict):
                # Names of parameters are compared as parameters; a path is the same whatever they are.
                key = method.upper(), re.sub(r"\{[^{}]*\}", "{}", path)
                yield key, _Operation(root, item, node, f"{method.upper()} {path}")


def _led_to(link: Node) -> str:
    """Return the operation that a link names."""
    return link.text("operationId") or link.text("operationRef")


def _parts(media: Node) -> dict[str, tuple[str, str, bool | None]]:
    """Return how the members of a form are written where that is said."""
    return {
        name: (each.text("contentType"), each.text("style"), each.value.get("explode"))
        for name, each in media.child("encoding").items()
    }


def _schema(parameter: Node) -> Node:
    described = next(parameter.child("content").items(), None)
    return parameter.child("schema") if described is None else described[1].resolved().child("schema")


def _layout(parameter: Node) -> tuple[str, bool, bool, list[str]]:
    style = parameter.text("style", _STYLES.get(parameter.text("in"), ""))
    explode = parameter.value.get("explode", style in ("form", "cookie"))
    return (
        style,
        explode is True,
        parameter.flag("allowReserved"),
        [key for key, _ in parameter.child("content").items()],
    )


def _tag(node: Node) -> str:
    return next((each.value for each in node.child("tags").elements() if isinstance(each.value, str)), "")


def _is_enough(given: dict[str, list[str]], asked: dict[str, list[str]]) -> bool:
    """Tell whether credentials, with their scopes, satisfy a requirement."""
    return all(name in given and set(scopes) <= set(given[name]) for name, scopes in asked.items())


def _named(requirement: dict[str, list[str]]) -> str:
    parts = [f"{name} ({', '.join(scopes)})" if scopes else name for name, scopes in requirement.items()]
    return " with ".join(parts) or "of nobody"


def _pairs_by_url(old: Node, new: Node) -> Iterator[tuple[Node, Node]]:
    now = {each.text("url"): each for each in new.child("servers").elements()}
    for each in old.child("servers").elements():
        if each.text("url") in now:
            yield each, now[each.text("url")]


def _texts(node: Node) -> list[str]:
    return [str(each.value) for each in node.elements()]


def _scheme(node: Node) -> tuple[str, ...]:
    scheme = node.resolved()
    return tuple(scheme.text(key).lower() for key in ("type", "scheme", "in", "name"))
