"""The query of a URL as a multi-dict of names and values (`application/x-www-form-urlencoded`)."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Any, TypeAlias

from .percent import percent_decode, percent_encode
from .redaction import query_in_repr

# As text: evaluating them would be a good part of what importing this module costs.
PrimitiveData: TypeAlias = "str | int | float | bool | None"
_Pairs: TypeAlias = "Sequence[tuple[str, PrimitiveData]]"
_Names: TypeAlias = "Mapping[str, PrimitiveData | Sequence[PrimitiveData]]"
QueryParamTypes: TypeAlias = "QueryParams | _Names | _Pairs | str | bytes"

_SAFE = "A-Za-z0-9_.~-"


class QueryParams(Mapping[str, str]):
    """Hold the names and values of a query, in order; a name may have several values. Never changes.

    Values that are not text become it: True "true", False "false", None "", and the rest str().

        QueryParams("a=1&a=2").get_list("a")            # ["1", "2"]
        QueryParams({"q": "red fox"}).add("page", 2)    # QueryParams('q=red+fox&page=2')
    """

    __slots__ = ("__weakref__", "_dict")

    _dict: dict[str, list[str]]

    def __init__(self, *args: QueryParamTypes | None, **kwargs: Any) -> None:
        if len(args) > 1:
            raise TypeError("Too many arguments.")
        if args and kwargs:
            raise TypeError("Cannot mix named and unnamed arguments.")

        value: Any = args[0] if args else kwargs
        if isinstance(value, bytes):
            value = value.decode("ascii")

        if value is None:
            self._dict = {}
        elif isinstance(value, str):
            self._dict = _parse(value)
        elif isinstance(value, QueryParams):
            self._dict = {name: list(values) for name, values in value._dict.items()}
        elif hasattr(value, "items"):
            self._dict = _collect_mapping(value)
        else:
            self._dict = _collect_pairs(value)

    def keys(self) -> KeysView[str]:
        """Return the names, each once."""
        return self._dict.keys()

    def values(self) -> ValuesView[str]:
        """Return the first value of each name."""
        return self._first_values().values()

    def items(self) -> ItemsView[str, str]:
        """Return each name with its first value."""
        return self._first_values().items()

    def multi_items(self) -> list[tuple[str, str]]:
        """Return all pairs; a name comes as often as it has values."""
        return [(name, value) for name, values in self._dict.items() for value in values]

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the first value of a name."""
        values = self._dict.get(key)
        return values[0] if values else default

    def get_list(self, key: str) -> list[str]:
        """Return all values of a name."""
        return list(self._dict.get(str(key), ()))

    def set(self, key: str, value: Any = None) -> QueryParams:
        """Return a copy in which the name has this value only."""
        return self._copy_with(str(key), [_to_text(value)])

    def add(self, key: str, value: Any = None) -> QueryParams:
        """Return a copy in which the name has this value, too."""
        return self._copy_with(str(key), [*self.get_list(key), _to_text(value)])

    def remove(self, key: str) -> QueryParams:
        """Return a copy without the name."""
        copy = QueryParams()
        copy._dict = {name: values for name, values in self._dict.items() if name != str(key)}
        return copy

    def merge(self, params: QueryParamTypes | None = None) -> QueryParams:
        """Return a copy in which the names of `params` have the values given there."""
        copy = QueryParams(params)
        copy._dict = {**self._dict, **copy._dict}
        return copy

    def update(self, params: QueryParamTypes | None = None) -> None:
        """Refuse: a QueryParams never changes. Raises RuntimeError."""
        raise RuntimeError("QueryParams are immutable since 0.18.0. Use `q = q.merge(...)` to create an updated copy.")

    def __setitem__(self, key: str, value: str) -> None:
        raise RuntimeError(
            "QueryParams are immutable since 0.18.0. Use `q = q.set(key, value)` to create an updated copy."
        )

    def __getitem__(self, key: Any) -> str:
        values = self._dict[key]
        if not values:
            raise KeyError(key)
        return values[0]

    def __contains__(self, key: Any) -> bool:
        return key in self._dict

    def __iter__(self) -> Iterator[Any]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __bool__(self) -> bool:
        return bool(self._dict)

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, self.__class__):
            return False
        return sorted(self.multi_items()) == sorted(other.multi_items())

    def __str__(self) -> str:
        return "&".join([f"{_encode(name)}={_encode(value)}" for name, value in self.multi_items()])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({query_in_repr(str(self))!r})"

    def _copy_with(self, name: str, values: list[str]) -> QueryParams:
        copy = QueryParams()
        copy._dict = {**self._dict, name: values}
        return copy

    def _first_values(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._dict.items() if values}


def _parse(text: str) -> dict[str, list[str]]:
    collected: dict[str, list[str]] = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.replace("+", " ").partition("=")
            collected.setdefault(percent_decode(name), []).append(percent_decode(value))
    return collected


def _collect_pairs(pairs: Sequence[tuple[Any, Any]]) -> dict[str, list[str]]:
    collected: dict[str, list[str]] = {}
    try:
        for pair in pairs:
            collected.setdefault(str(pair[0]), []).append(_to_text(pair[1]))
    except (TypeError, IndexError):
        rule = "Give str, a mapping, or pairs of name and value."
        raise TypeError(f"Invalid query parameters: {pairs!r}. {rule}") from None
    return collected


def _collect_mapping(mapping: Mapping[Any, Any]) -> dict[str, list[str]]:
    return {
        str(name): [_to_text(item) for item in value] if isinstance(value, (list, tuple)) else [_to_text(value)]
        for name, value in mapping.items()
    }


def _to_text(value: Any) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    return "" if value is None else str(value)


def _encode(text: str) -> str:
    return percent_encode(text, _SAFE).replace("%20", "+")
