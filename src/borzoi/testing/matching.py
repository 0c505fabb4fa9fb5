"""Does a request fit a route, and if not, where exactly does it not?

A `Matcher` returns the differences as text, none where all fits: the same code decides and explains. Only the URL has a
quick way of its own, as most routes fail there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .received import Received

Matcher: TypeAlias = "Callable[[Received], list[str]]"

_MISSING = object()


class _Any:
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "ANY"


ANY: Any = _Any()
"""Equal to everything: a value that has to be there, whatever it is."""


def _uuid(text: str) -> Any:
    import uuid

    return uuid.UUID(text)


_KINDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "str": (r"[^/]+", str),
    "int": (r"-?[0-9]+", int),
    "float": (r"-?[0-9]+(?:\.[0-9]+)?", float),
    "uuid": (r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", _uuid),
    "path": (r".+", str),
}

_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_URL = re.compile(r"(?:(?P<scheme>https?|\*)://(?P<host>[^/?]*))?(?P<path>/[^?]*)?(?:\?(?P<query>.*))?", re.DOTALL)


class Pattern:
    """A pattern of URLs: scheme and host, which may be left out or hold `*`, and a path with typed parameters."""

    def __init__(self, text: str) -> None:
        found = _URL.fullmatch(text)
        if found is None:
            raise ValueError(f'{text!r} is no pattern of URLs: "https://host/path", "/path" or a compiled regex is.')
        self.text = text
        self.query = found["query"] or ""
        self._scheme = None if found["scheme"] in (None, "*") else found["scheme"]
        self._host = _host_pattern(self._scheme, found["host"])
        path = found["path"]
        self._path = path if path is not None or found["host"] is None else "/"
        self._kinds: dict[str, Callable[[str], Any]] = {}
        self._regex = re.compile(self._compiled(self._path)) if self._path and "{" in self._path else None

    def _compiled(self, path: str) -> str:
        parts, end = [], 0
        for found in _PARAMETER.finditer(path):
            kind = found[2] or "str"
            if kind not in _KINDS:
                raise ValueError(f"{self.text!r}: a parameter of a path is {', '.join(_KINDS)}, and not {kind!r}.")
            parts += [re.escape(path[end : found.start()]), f"(?P<{found[1]}>{_KINDS[kind][0]})"]
            self._kinds[found[1]] = _KINDS[kind][1]
            end = found.end()
        return "".join((*parts, re.escape(path[end:])))

    def match(self, received: Received) -> dict[str, Any] | None:
        """Return the parameters of the path, None where the URL does not fit."""
        # hot path: the first comparison that fails is mostly that of the path.
        if self._regex is None:
            if self._path is not None and received.path != self._path:
                return None
            return {} if self._fits_origin(received) else None
        found = self._regex.fullmatch(received.path)
        if found is None or not self._fits_origin(received):
            return None
        return {name: self._kinds[name](text) for name, text in found.groupdict().items()}

    def _fits_origin(self, received: Received) -> bool:
        if self._scheme is not None and received.scheme != self._scheme:
            return False
        host = self._host
        return host is None or (received.host == host if isinstance(host, str) else bool(host.fullmatch(received.host)))

    def misfits(self, received: Received) -> list[str]:
        """Return which parts of the URL do not fit."""
        found = [] if self._scheme in (None, received.scheme) else ["scheme"]
        if not _fits(self._host, received.host):
            found.append("host")
        if not _fits(self._regex or self._path, received.path):
            alike = self._path is not None and received.path.rstrip("/") == self._path.rstrip("/")
            found.append("slash at the end" if alike else "path")
        return found


def _fits(expected: str | re.Pattern[str] | None, text: str) -> bool:
    return expected is None or bool(text == expected if isinstance(expected, str) else expected.fullmatch(text))


def _host_pattern(scheme: str | None, host: str | None) -> str | re.Pattern[str] | None:
    if host is None or host == "*":
        return None
    host = host.lower()
    if scheme is not None:
        host = host.removesuffix(":443" if scheme == "https" else ":80")
    return re.compile(re.escape(host).replace(r"\*", "[^/]*")) if "*" in host else host


class Expression:
    """A regular expression for whole URLs. Its named groups are the parameters."""

    query = ""

    def __init__(self, regex: re.Pattern[str]) -> None:
        self._regex = regex
        self.text = regex.pattern

    def match(self, received: Received) -> dict[str, Any] | None:
        """Return the named groups, None where the URL does not fit."""
        found = self._regex.match(str(received.url))
        return None if found is None else found.groupdict()

    def misfits(self, received: Received) -> list[str]:
        """Return nothing: which part of an expression does not fit is not known."""
        return []


# What a value differs in, by path.


def differences(expected: Any, actual: Any, *, exact: bool, at: str) -> Iterator[str]:
    """Yield where JSON differs from what is expected: a subset of its objects, or with `exact` all of it."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, value in expected.items():
            if key not in actual:
                yield f"{at}.{key}: {_missing(value)}"
            else:
                yield from differences(value, actual[key], exact=exact, at=f"{at}.{key}")
        for key in actual if exact else ():
            if key not in expected:
                yield f"{at}.{key}: {_surplus(actual[key])}"
    elif isinstance(expected, (list, tuple)) and isinstance(actual, list):
        if len(expected) != len(actual):
            items = "1 item" if len(expected) == 1 else f"{len(expected)} items"
            yield f"{at}: expected {items}, got {len(actual)}"
        for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
            yield from differences(one, other, exact=exact, at=f"{at}[{index}]")
        both = min(len(expected), len(actual))
        yield from (f"{at}[{both + index}]: {_missing(one)}" for index, one in enumerate(expected[both:]))
        yield from (f"{at}[{both + index}]: {_surplus(one)}" for index, one in enumerate(actual[both:]))
    elif not _equal(expected, actual):
        yield f"{at}: expected {_short(expected)}, got {_short(actual)}"


def _equal(expected: Any, actual: Any) -> bool:
    # To Python 1 is True; to JSON it is not.
    return bool(expected == actual) and (expected is ANY or isinstance(expected, bool) == isinstance(actual, bool))


def _missing(value: Any) -> str:
    return f"expected {_short(value)}, and there is none"


def _surplus(value: Any) -> str:
    return f"{_short(value)} was not expected"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


# The matchers.


def json_matcher(expected: Any, *, exact: bool) -> Matcher:
    """Match the body as JSON."""

    def match(received: Received) -> list[str]:
        try:
            actual = received.json
        except ValueError:
            return [f"json: expected {_short(expected)}, and the body is no JSON: {_short(received.content)}"]
        return list(differences(expected, actual, exact=exact, at="json"))

    return match


def _values(value: Any) -> list[Any]:
    return [_word(item) for item in value] if isinstance(value, (list, tuple)) else [_word(value)]


def _word(value: Any) -> Any:
    if value is not None and not isinstance(value, (bool, int, float)):
        return value

    from .._values.query import QueryParams

    return QueryParams([("word", value)])["word"]


def pairs_matcher(
    expected: Any,
    read: Callable[[Received], Any],
    *,
    exact: bool,
    at: str,
) -> Matcher:
    """Match a multi-dict, which `expected` is a mapping or pairs of: every value of each name that is expected."""
    wanted: dict[str, list[Any]] = {}
    pairs: Iterable[tuple[str, Any]] = expected.items() if isinstance(expected, Mapping) else expected
    for name, value in pairs:
        wanted.setdefault(name, []).extend(_values(value))

    def match(received: Received) -> list[str]:
        actual = read(received)
        found = [
            f"{at}.{name}: expected {_one(values)}, {_got(actual.get_list(name))}"
            for name, values in wanted.items()
            if values != actual.get_list(name)
        ]
        unexpected = [name for name in actual if name not in wanted] if exact else []
        return found + [f"{at}.{name}: {_one(actual.get_list(name))} was not expected" for name in unexpected]

    return match


def _one(values: list[Any]) -> str:
    return _short(values[0] if len(values) == 1 else values)


def _got(values: list[Any]) -> str:
    return f"got {_one(values)}" if values else "and there is none"


def headers_matcher(expected: Mapping[str, Any]) -> Matcher:
    """Match header fields; names are case-insensitive."""

    def match(received: Received) -> list[str]:
        headers = received.headers
        return [
            f"headers.{name}: expected {value!r}, {_got(headers.get_list(name))}"
            for name, value in expected.items()
            if name not in headers or headers[name] != value
        ]

    return match


def cookies_matcher(expected: Mapping[str, Any]) -> Matcher:
    """Match cookies by name."""

    def match(received: Received) -> list[str]:
        cookies = received.cookies
        return [
            f"cookies.{name}: expected {value!r}, {_got([cookies[name]] if name in cookies else [])}"
            for name, value in expected.items()
            if name not in cookies or cookies[name] != value
        ]

    return match


def content_matcher(expected: bytes | str) -> Matcher:
    """Match the body as it is."""
    wanted = expected.encode() if isinstance(expected, str) else expected

    def match(received: Received) -> list[str]:
        if received.content == wanted:
            return []
        return [f"content: expected {_short(wanted)}, got {_short(received.content)}"]

    return match


def files_matcher(expected: Mapping[str, Any]) -> Matcher:
    """Match the files of a multipart form: a content, or (file name, content[, content type])."""

    def match(received: Received) -> list[str]:
        return [text for name, file in expected.items() for text in _file_differences(name, file, received)]

    return match


def _file_differences(name: str, expected: Any, received: Received) -> Iterator[str]:
    part = received.files.get(name)
    if part is None:
        yield f"files.{name}: expected {_short(expected)}, and there is none"
        return
    wanted = expected if isinstance(expected, tuple) else (ANY, expected)
    actual = (part.filename, part.content, part.content_type)
    for what, one, other in zip(("name", "content", "type"), wanted, actual, strict=False):
        value = one.encode() if what == "content" and isinstance(one, str) else one
        if not _equal(value, other):
            yield f"files.{name} ({what}): expected {_short(value)}, got {_short(other)}"


def predicate_matcher(predicate: Callable[[Received], object]) -> Matcher:
    """Match what a function says yes to."""
    name = getattr(predicate, "__name__", repr(predicate))

    def match(received: Received) -> list[str]:
        return [] if predicate(received) else [f"where: {name}() says no"]

    return match
