"""What a request has to be to fit a route: its method, its URL, and all else that a program names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from . import matching
from .matching import Expression, Matcher, Pattern

if TYPE_CHECKING:
    from .received import Received


class Given(TypedDict, total=False):
    """The conditions that a program may name, beside method and URL."""

    params: Any
    headers: Mapping[str, Any] | None
    cookies: Mapping[str, Any] | None
    json: Any
    form: Any
    files: Mapping[str, Any] | None
    content: bytes | str | None
    where: Callable[[Received], object] | None
    exact: bool


class Conditions:
    """What a request has to be to fit a route."""

    def __init__(
        self,
        method: str | None,
        pattern: Pattern | Expression,
        *,
        params: Any = None,
        headers: Mapping[str, Any] | None = None,
        cookies: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Any = None,
        files: Mapping[str, Any] | None = None,
        content: bytes | str | None = None,
        where: Callable[[Received], object] | None = None,
        exact: bool = False,
    ) -> None:
        bodies = {"json": json, "form": form, "content": content}
        given = [name for name, body in bodies.items() if body is not None]
        if len(given) > 1:
            raise TypeError(f"A request has one body, and {' and '.join(given)} were given.")
        self.method = None if method is None else method.upper()
        self.pattern = pattern
        self.matchers: list[Matcher] = []
        if pattern.query:
            self.matchers.append(_params_matcher(_query_pairs(pattern.query), exact=exact))
        if params is not None:
            self.matchers.append(_params_matcher(params, exact=exact))
        if headers is not None:
            self.matchers.append(matching.headers_matcher(headers))
        if cookies is not None:
            self.matchers.append(matching.cookies_matcher(cookies))
        if json is not None:
            self.matchers.append(matching.json_matcher(json, exact=exact))
        if form is not None:
            self.matchers.append(matching.pairs_matcher(form, lambda received: received.form, exact=exact, at="form"))
        if files is not None:
            self.matchers.append(matching.files_matcher(files))
        if content is not None:
            self.matchers.append(matching.content_matcher(content))
        if where is not None:
            self.matchers.append(matching.predicate_matcher(where))

    def match(self, received: Received) -> dict[str, Any] | None:
        """Return the parameters of the path, None where the request does not fit."""
        if self.method is not None and received.method != self.method:
            return None
        found = self.pattern.match(received)
        if found is None:
            return None
        for matcher in self.matchers:
            if matcher(received):
                return None
        return found

    def differences(self, received: Received) -> list[str]:
        """Return everything that does not fit."""
        found: list[str] = []
        if self.method is not None and received.method != self.method:
            found.append(f"method: expected {self.method}, got {received.method}")
        if self.pattern.match(received) is None:
            parts = " and ".join(self.pattern.misfits(received))
            found.append(
                f"url: expected {self.pattern.text}, got {received.url}" + (f" (another {parts})" if parts else "")
            )
        return found + [text for matcher in self.matchers for text in matcher(received)]

    def __str__(self) -> str:
        return f"{self.method or 'any method'} {self.pattern.text}"


CONDITIONS = tuple(Given.__annotations__)
"""The names of what a request has to be, but for method and URL."""


def _query_pairs(query: str) -> list[tuple[str, str]]:
    from .._values.query import QueryParams

    return QueryParams(query).multi_items()


def _params_matcher(params: Any, *, exact: bool) -> Matcher:
    from .._values.query import QueryParams

    if isinstance(params, (str, QueryParams)):
        params = QueryParams(params).multi_items()
    return matching.pairs_matcher(params, lambda received: received.params, exact=exact, at="params")
