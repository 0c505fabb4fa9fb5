"""A mock held to an OpenAPI document: requests and replies are checked, and what nobody wrote is answered from it.

    with borzoi.testing.mock() as m:
        contract = borzoi.testing.Contract("openapi.yaml", base="https://api.test").attach(m)
        contract["getUser"].example("admin")

A request for an operation that no route answers gets a reply made from its example, else from its schema. Whatever does
not fit is a `Violation`: it says who is wrong, the code that sent it, the mock, or the document. It needs the extra
`contract`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .contract_checking import CODE, DOCUMENT, MOCK, Checker, Violation
from .contract_operations import Operation, Operations
from .contract_schemas import Schemas
from .contract_values import Maker
from .errors import ContractViolation
from .router import found_reply
from .script import Reply

if TYPE_CHECKING:
    from ..openapi.document import Document, Node
    from .received import Received
    from .router import Routes


class Subject:
    """One operation: what it is answered with where no route does."""

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self._contract = contract
        self.operation = operation
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._body: Any = _UNSAID
        self._example: str | None = None
        self.choose: Callable[[int], int] | None = None
        """What chooses among values, where replies are fuzzed."""

    def status(self, status: int, *, json: Any = ..., headers: dict[str, str] | None = None) -> Self:
        """Answer with a status, with a body as the document has it, or with the one that is given."""
        self._status = status
        self._headers = dict(headers or {})
        self._body = _UNSAID if json is ... else json
        self._example = None
        return self

    def example(self, name: str, *, status: int | None = None) -> Self:
        """Answer with an example that the document has under a name. Raises KeyError where there is none."""
        self._status = status
        self._example = name
        self._reply()
        return self

    def reply(self) -> tuple[Reply, str]:
        """Return the reply, and who is wrong where it does not fit."""
        made, is_from_document = self._reply()
        return made, DOCUMENT if is_from_document else MOCK

    def _reply(self) -> tuple[Reply, bool]:
        status = self.operation.success() if self._status is None else self._status
        response = self.operation.response(status)
        if response is None:
            return _reply(status, self._headers, self._body), False
        headers = {**self._declared_headers(response), **self._headers}
        if self._body is not _UNSAID:
            return _reply(status, headers, self._body), False
        media_type, media = _preferred(response)
        if media is None:
            return Reply(status, headers=headers), True
        headers = {"Content-Type": media_type, **headers}
        return Reply(status, headers=headers, **self._content(media_type, media)), True

    def _content(self, media_type: str, media: Node) -> dict[str, Any]:
        from ..openapi.plan.media import kind_of_media

        value = self._value(media)
        if kind_of_media(media_type) == "json":
            return {"json": value} if value is not None else {"content": b"null"}
        if isinstance(value, (str, bytes)):
            return {"content": value}
        return {"content": _text(value)}

    def _value(self, media: Node) -> Any:
        if self._example is not None:
            return self._named_example(media)
        schema = media.child("schema")
        if self.choose is None:
            # Published documents have examples that do not fit: nobody who uses the operation is to blame for them.
            for found in _examples(media):
                if not schema or self._contract.fits(schema, found):
                    return found
        if not schema:
            return {}
        if self.choose is not None:
            return Maker(self.choose, fits=self._contract.fits).value(schema)
        return self._contract.made(schema)

    def _named_example(self, media: Node) -> Any:
        found = dict(media.child("examples").items()).get(str(self._example))
        if found is None:
            known = ", ".join(name for name, _ in media.child("examples").items()) or "none"
            raise KeyError(f"{self.operation} has no example {self._example!r}: there is {known}.")
        return found.resolved().child("value").value

    def _declared_headers(self, response: Node) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, child in response.child("headers").items():
            node = child.resolved()
            if node.flag("required") and name.lower() != "content-type":
                found[name] = _text(Maker().value(node.child("schema")))
        return found


_UNSAID: Any = object()


class Contract:
    """Hold the requests of a mock, and its replies, to an OpenAPI document.

    `base` is where the API is, https://api.test, say: by default where the document says, at its first server. Requests
    to other places are none of its business.
    """

    def __init__(self, document: str | Path | Document, *, base: str | None = None) -> None:
        from ..openapi.document import Document, open_document

        self.document = document if isinstance(document, Document) else open_document(document)
        root = self.document.root
        self.base = (_server(root) if base is None else base).rstrip("/")
        self.operations = Operations(root)
        self.violations: list[Violation] = []
        self.title = root["info"].text("title") or self.document.sources.name(root.uri)
        self._checker = Checker(Schemas(self.document))
        self._subjects: dict[str, Subject] = {}
        self.answered: Counter[tuple[str, str]] = Counter()
        """How often each operation was answered with each status."""

    def __getitem__(self, operation: str) -> Subject:
        """Return an operation by its operationId, or by its method and path. Raises KeyError."""
        if operation not in self._subjects:
            by_name = {str(each): each for each in self.operations.all}
            found = self.operations.by_id.get(operation) or by_name.get(operation)
            if found is None:
                raise KeyError(f"The document has no operation {operation!r}.")
            self._subjects[operation] = self._subjects.setdefault(str(found), Subject(self, found))
        return self._subjects[operation]

    def attach(self, mock: Routes) -> Self:
        """Check what a mock, or a server, receives and answers, and answer what none of its routes does."""
        mock.router.contracts.append(self)
        return self

    # What passes.

    def operation_of(self, received: Received) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation that a request is for, None where the document has none."""
        path = self.path_of(received)
        return None if path is None else self.operations.find(received.method, path)

    def path_of(self, received: Received) -> str | None:
        """Return the path below the base, as it came; None for a request to another place."""
        url = f"{received.scheme}://{received.host}{received.target.partition('?')[0]}"
        return url[len(self.base) :] if url.startswith(f"{self.base}/") else None

    def check_request(self, received: Received) -> None:
        """Note what is wrong with a request."""
        path = self.path_of(received)
        if path is None:
            return
        found = self.operations.find(received.method, path)
        if found is not None:
            self.violations += self._checker.request(found[0], received, found[1])
            return
        methods = ", ".join(self.operations.methods_of(path))
        reason = f"the document has only {methods} for this path" if methods else "the document has no such path"
        self.violations.append(Violation(CODE, str(received), reason, "/paths"))

    def check_reply(self, received: Received, reply: Reply, who: str = MOCK) -> Reply:
        """Note what is wrong with a reply, and return it."""
        found = self.operation_of(received)
        if found is not None:
            operation = found[0]
            self.violations += self._checker.reply(operation, reply, str(received), who)
            self.answered[str(operation), str(reply.status)] += 1
        return reply

    def answer(self, received: Received) -> Reply | None:
        """Return a reply that is made from the document; None where it does not have the operation."""
        found = self.operation_of(received)
        if found is None:
            return None
        reply, who = self[str(found[0])].reply()
        return self.check_reply(received, reply, who)

    def held(self, received: Received, answer: Reply | Callable[[], Any]) -> Reply | Callable[[], Any]:
        """Note what is wrong with a route's answer, and return it: a reply, or a function that finds one."""
        if isinstance(answer, Reply):
            return self.check_reply(received, answer)

        async def find() -> Reply:
            return self.check_reply(received, await found_reply(answer))

        return find

    def fuzz(self, operation: str, choose: Callable[[int], int]) -> Subject:
        """Answer an operation with unusual replies that fit the document.

        `choose(n)` returns a number below n: with Hypothesis, `lambda n: data.draw(st.integers(0, n - 1))`. Whatever
        it finds shrinks to the simplest reply.
        """
        subject = self[operation]
        subject.choose = choose
        return subject

    def made(self, schema: Node) -> Any:
        """Return the simplest value of a schema that fits it."""
        makers = [Maker(), Maker(fits=self.fits), *[Maker(_always(number), fits=self.fits) for number in range(6)]]
        values = (maker.value(schema) for maker in makers)
        first = next(values)
        for value in (first, *values):
            if self.fits(schema, value):
                return value
        return first

    def fits(self, schema: Node, value: Any) -> bool:
        """Tell whether a reply may have a value."""
        return not self._checker.differences(schema, value)

    # The end.

    def report(self) -> str | None:
        """Return what did not fit, by who is wrong; None where all did."""
        lines: list[str] = []
        for who in (CODE, MOCK, DOCUMENT):
            found = dict.fromkeys(str(each) for each in self.violations if each.who == who)
            if found:
                lines += [f"  {who} is wrong:", *[f"    {text}" for text in found]]
        return "\n".join([f"The contract {self.title!r} is broken:", *lines]) if lines else None

    def coverage(self) -> list[tuple[str, str, int]]:
        """Return each operation with each of its statuses, and how often it was answered so."""
        rows: list[tuple[str, str, int]] = []
        for operation in self.operations.all:
            declared = operation.statuses()
            for status in declared:
                fitting = [
                    count
                    for (each, answered), count in self.answered.items()
                    if each == str(operation) and _stands_for(status, answered, declared)
                ]
                rows.append((str(operation), status, sum(fitting)))
        return rows

    def verify(self) -> None:
        """Raise ContractViolation for what did not fit."""
        __tracebackhide__ = True
        text = self.report()
        if text is not None:
            raise ContractViolation(text)


def _stands_for(status: str, answered: str, declared: list[str]) -> bool:
    """Tell whether an answer is counted for a declared status: that itself, its range, or the default."""
    if answered in declared:
        return status == answered
    of_range = [each for each in declared if each.upper() == f"{answered[0]}XX"]
    return status in of_range or (status == "default" and not of_range)


def _always(number: int) -> Callable[[int], int]:
    return lambda count: min(number, count - 1)


def _server(root: Node) -> str:
    for server in root.child("servers").elements():
        url = server.text("url")
        for name, variable in server.child("variables").items():
            url = url.replace(f"{{{name}}}", variable.text("default"))
        if "://" in url:
            return url
    raise ValueError("The document names no server: give base=.")


def _preferred(response: Node) -> tuple[str, Node | None]:
    from ..openapi.plan.media import preferred

    contents = dict(response.child("content").items())
    if not contents:
        return "", None
    chosen = preferred(list(contents))
    return re.sub(r"\*/\*|application/\*", "application/json", chosen), contents[chosen].resolved()


def _examples(media: Node) -> list[Any]:
    if media.value is not None and "example" in media.value:
        return [media.child("example").value]
    named = [child.resolved() for _, child in media.child("examples").items()]
    return [each.child("value").value for each in named if isinstance(each.value, dict) and "value" in each.value]


def _reply(status: int, headers: dict[str, str], body: Any) -> Reply:
    if body is _UNSAID:
        return Reply(status, headers=headers)
    if body is None:
        return Reply(status, headers={"Content-Type": "application/json", **headers}, content=b"null")
    return Reply(status, headers=headers, json=body)


def _text(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value)
