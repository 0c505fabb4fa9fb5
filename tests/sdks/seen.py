"""What a caller saw and what a server recorded, as data that two processes can compare: `seen()` and `recorded()`.

Of each value its class counts, by the name that a user would write, and what it holds. `httpx2` is called `httpx`, as the
one stands for the other here. What differs between any two runs is taken away: ports, boundaries, addresses in memory,
UUIDs, dates.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.sdks.server import Request

Data = Any
"""What JSON can hold."""

SERVER = "server.invalid"
"""What stands for the host and port of the server."""

DEEPEST = 8
"""How far values are followed: they may hold each other."""

VARYING = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "HEX"),
    (re.compile(r" at 0x[0-9a-f]+"), " at ADDRESS"),
    (re.compile(r"\bhttp(x|core)2\b"), r"http\1"),
    (re.compile(r"\bpython-httpx/[\w.]+"), "python-httpx/VERSION"),
)
"""What is another text in each run, or in each of the two libraries."""


def settled(text: str) -> str:
    """Return a text without what varies."""
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    return text


def class_name(cls: type) -> str:
    """Return the name of a class as it is imported, those of httpx without their private modules."""
    root = cls.__module__.partition(".")[0]
    module = root if root in ("httpx", "httpx2", "httpcore", "httpcore2") else cls.__module__
    return settled(f"{module}.{cls.__qualname__}")


def seen(value: object, depth: int = 0) -> Data:
    """Return what a caller sees of a value."""
    if value is None or (isinstance(value, bool | int | float) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return settled(str(value))
    if isinstance(value, bytes | bytearray):
        return {"bytes": settled(bytes(value).decode("latin-1"))}
    if depth > DEEPEST:
        return class_name(type(value))
    if isinstance(value, list | tuple | set | frozenset):
        items = [seen(item, depth + 1) for item in (sorted(value, key=repr) if isinstance(value, set) else value)]
        return items if isinstance(value, list) else {class_name(type(value)): items}
    if isinstance(value, BaseException):
        return _of_error(value, depth)
    return _of_object(value, depth)


def _of_error(error: BaseException, depth: int) -> Data:
    bases = [class_name(base) for base in type(error).__mro__]
    found: dict[str, Data] = {"raised": bases[0], "text": settled(str(error))}
    found["bases"] = [base for base in bases if not base.startswith("borzoi._")]
    reader = _reader(error)
    found["holds"] = _attributes(vars(error), depth) if reader is None else reader(error, depth + 1)
    if isinstance(error, BaseExceptionGroup):
        found["of"] = [_of_error(each, depth + 1) for each in error.exceptions]
    # What is below an exception of httpx is a matter of its own connections.
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and not class_name(type(error)).startswith("httpx."):
        found["from"] = _of_error(cause, depth + 1)
    return found


def _of_object(value: object, depth: int) -> Data:
    name = class_name(type(value))
    reader = _reader(value)
    if reader is not None:
        return {name: reader(value, depth + 1)}
    if isinstance(value, Mapping):
        held = {settled(str(key)): seen(item, depth + 1) for key, item in value.items()}
        return held if type(value) is dict else {name: held}
    if hasattr(value, "model_dump"):
        return {name: seen(value.model_dump(mode="json", warnings=False), depth + 1)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
        return {name: _attributes(fields, depth)}
    if isinstance(value, type):
        return {"class": class_name(value)}
    if isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        return {"function": value.__qualname__}
    return {name: settled(str(value))}


def _attributes(attributes: Mapping[str, object], depth: int) -> Data:
    return {name: seen(value, depth + 1) for name, value in attributes.items() if not name.startswith("_")}


def _of_response(response: Any, depth: int) -> Data:
    found = {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "version": response.http_version,
        "headers": seen(response.headers, depth),
        "url": settled(str(response.url)) if hasattr(response, "_request") and response._request else None,
        "is_closed": response.is_closed,
        "is_stream_consumed": response.is_stream_consumed,
        "encoding": response.encoding,
        "cookies": dict(response.cookies),
        "history": [seen(each, depth) for each in response.history],
        "request": seen(getattr(response, "_request", None), depth),
    }
    if hasattr(response, "_content"):
        found["content"] = seen(response.content, depth)
    return found


def _of_request(request: Any, depth: int) -> Data:
    return {"method": request.method, "url": settled(str(request.url)), "headers": seen(request.headers, depth)}


def _of_headers(headers: Any, depth: int) -> Data:
    return [[settled(name), settled(value)] for name, value in headers.multi_items() if name != "date"]


def _of_timeout(timeout: Any, depth: int) -> Data:
    return [timeout.connect, timeout.read, timeout.write, timeout.pool]


READERS = {"Response": _of_response, "Request": _of_request, "Headers": _of_headers, "Timeout": _of_timeout}
"""How values of httpx are read. SDKs give some of its classes names of their own."""


def _reader(value: object) -> Callable[[Any, int], Data] | None:
    for library in (sys.modules.get("httpx"), sys.modules.get("httpx2")):
        for name, reader in READERS.items():
            if isinstance(value, getattr(library, name, ())):
                return reader
    return None


def recorded(requests: Iterable[Request]) -> Data:
    """Return what a server saw of requests."""
    return [_of_recorded(request) for request in requests]


def _of_recorded(request: Request) -> Data:
    parts = urlsplit(request.target)
    headers = [[name, settled(value)] for name, value in request.headers]
    return {
        "method": request.method,
        "path": parts.path,
        "query": [list(pair) for pair in parse_qsl(parts.query, keep_blank_values=True)],
        "headers": sorted(headers, key=lambda field: field[0].lower()),
        "order": " ".join(name for name, _ in headers),
        "body": _of_body(settled(request.body.decode("latin-1"))),
    }


def _of_body(body: str) -> Data:
    try:
        return json.loads(body)
    except ValueError:
        return body


def without_address(data: Data, host: str) -> Data:
    """Return data in which nothing tells where the server was."""
    port = host.partition(":")[2]
    text = json.dumps(data).replace(host, SERVER).replace(f"127.0.0.1', {port}", SERVER).replace(f"port={port}", SERVER)
    return json.loads(text)
