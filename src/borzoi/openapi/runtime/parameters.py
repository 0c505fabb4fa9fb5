"""Parameters as they go over the wire: every style of OpenAPI 3.2, section "Style Values", on RFC 6570.

Nothing here knows a request: a function takes a value and returns text. A parameter that is an empty list or an empty
object is left out, as RFC 6570 section 2.3 has it of what is undefined.
"""

from __future__ import annotations

from typing import Any

from .encoding import escaped, plain, text

_DELIMITERS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
"""OpenAPI 3.1.1, Style Examples: the delimiters of a URL are percent-encoded, but for the comma."""


class Parameter:
    """Say how one parameter is written."""

    __slots__ = ("explode", "location", "media_type", "name", "reserved", "style", "wire")

    def __init__(
        self,
        location: str,
        wire: str,
        name: str = "",
        *,
        style: str = "",
        explode: bool | None = None,
        reserved: bool = False,
        media_type: str = "",
    ) -> None:
        self.location = location
        self.wire = wire
        self.name = name or wire
        self.style = style or ("form" if location in ("query", "cookie") else "simple")
        self.explode = self.style in ("form", "cookie") if explode is None else explode
        self.reserved = reserved
        self.media_type = media_type


def path(wire: str, name: str = "", **how: Any) -> Parameter:
    """Describe a parameter in the path."""
    return Parameter("path", wire, name, **how)


def query(wire: str, name: str = "", **how: Any) -> Parameter:
    """Describe a parameter in the query."""
    return Parameter("query", wire, name, **how)


def header(wire: str, name: str = "", **how: Any) -> Parameter:
    """Describe a parameter in the headers."""
    return Parameter("header", wire, name, **how)


def cookie(wire: str, name: str = "", **how: Any) -> Parameter:
    """Describe a parameter in the cookies."""
    return Parameter("cookie", wire, name, **how)


def query_string(wire: str, name: str = "", **how: Any) -> Parameter:
    """Describe a parameter that is the whole query (OpenAPI 3.2)."""
    return Parameter("querystring", wire, name, **how)


def _is_form(media_type: str) -> bool:
    return media_type.startswith("application/x-www-form-urlencoded")


def in_path(parameter: Parameter, value: Any) -> str:
    """Return what stands in the path in place of `{name}`."""
    value = _content(parameter, value)
    if parameter.style == "matrix":
        return _matrix(parameter, value)
    prefix = "." if parameter.style == "label" else ""
    if not isinstance(value, (list, dict)):
        return prefix + _segment(parameter, value)
    parts = _flat(value, "=" if parameter.explode else ",", lambda each: escaped(each, parameter.reserved))
    return prefix + (prefix if prefix and parameter.explode else ",").join(parts)


def _segment(parameter: Parameter, value: Any) -> str:
    result = escaped(value, parameter.reserved)
    # RFC 3986, section 5.2.4: a segment of dots would be taken out of the path, and another resource be meant.
    return result.replace(".", "%2E") if result in (".", "..") and parameter.style == "simple" else result


def _matrix(parameter: Parameter, value: Any) -> str:
    name = escaped(parameter.wire)
    if isinstance(value, dict) and parameter.explode:
        return "".join([_matrix_pair(escaped(key), escaped(each)) for key, each in value.items()])
    if isinstance(value, list) and parameter.explode:
        return "".join([_matrix_pair(name, escaped(each)) for each in value])
    if isinstance(value, (list, dict)):
        return _matrix_pair(name, ",".join(_flat(value, ",", escaped)))
    return _matrix_pair(name, escaped(value, parameter.reserved))


def _matrix_pair(name: str, value: str) -> str:
    # RFC 6570, section 3.2.7: a name without a value has no "=".
    return f";{name}={value}" if value else f";{name}"


def in_query(parameter: Parameter, value: Any) -> list[str]:
    """Return the pieces of the query, which go between ampersands."""
    name = escaped(parameter.wire)
    if parameter.media_type:
        return [f"{name}={escaped(_content(parameter, value), parameter.reserved)}"]
    value = plain(value)
    if isinstance(value, dict) and parameter.style == "deepObject":
        return _deep(parameter.wire, value, parameter.reserved)
    if isinstance(value, list):
        return _array(parameter, name, value)
    if isinstance(value, dict):
        return _object(parameter, name, value)
    return [f"{name}={escaped(value, parameter.reserved)}"]


def _array(parameter: Parameter, name: str, value: list[Any]) -> list[str]:
    items = [escaped(each, parameter.reserved) for each in value]
    if parameter.explode or not items:
        return [f"{name}={each}" for each in items]
    return [f"{name}={_DELIMITERS.get(parameter.style, ',').join(items)}"]


def _object(parameter: Parameter, name: str, value: dict[str, Any]) -> list[str]:
    if parameter.explode:
        return [
            f"{escaped(key)}={escaped(each, parameter.reserved)}"
            for key, child in value.items()
            for each in (child if isinstance(child, list) else [child])
        ]
    parts = _flat(value, ",", lambda each: escaped(each, parameter.reserved))
    delimiter = _DELIMITERS.get(parameter.style, ",")
    return [f"{name}={delimiter.join(parts).replace(',', delimiter)}"] if parts else []


def _deep(name: str, value: Any, reserved: bool) -> list[str]:
    if isinstance(value, dict):
        return [piece for key, child in value.items() for piece in _deep(f"{name}[{key}]", child, reserved)]
    if isinstance(value, list):
        return [piece for child in value for piece in _deep(name, child, reserved)]
    return [f"{escaped(name)}={escaped(value, reserved)}"]


def whole_query(parameter: Parameter, value: Any) -> list[str]:
    """Return the query that one parameter is."""
    if not _is_form(parameter.media_type):
        return [escaped(_content(parameter, value))]
    value = plain(value)
    return [
        form_pair(key, each) for key, child in value.items() for each in (child if isinstance(child, list) else [child])
    ]


def form_pair(name: str, value: Any) -> str:
    """Return one field of a form, where a space is "+" (WHATWG URL, application/x-www-form-urlencoded)."""
    return f"{escaped(name)}={escaped(value)}".replace("%20", "+")


def in_header(parameter: Parameter, value: Any) -> str:
    """Return the value of a header: the simple style, which encodes nothing there (OpenAPI 3.2, Header Object)."""
    value = _content(parameter, value)
    if not isinstance(value, (list, dict)):
        return text(value)
    return ",".join(_flat(value, "=" if parameter.explode else ",", text))


def in_cookie(parameter: Parameter, value: Any) -> list[str]:
    """Return the pairs of the Cookie header, which go between "; "."""
    value = _content(parameter, value)
    write = text if parameter.style == "cookie" or parameter.media_type else escaped
    name = parameter.wire
    if isinstance(value, (list, dict)) and not parameter.explode:
        return [f"{name}={','.join(_flat(value, ',', write))}"] if value else []
    if isinstance(value, dict):
        return [f"{key}={write(each)}" for key, each in value.items()]
    return [f"{name}={write(each)}" for each in (value if isinstance(value, list) else [value])]


def _content(parameter: Parameter, value: Any) -> Any:
    """Return a value as its media type has it, where `content` stands in place of a style."""
    value = plain(value)
    if not parameter.media_type:
        return value
    import msgspec

    is_text = isinstance(value, str) and "json" not in parameter.media_type
    return value if is_text else msgspec.json.encode(value).decode()


def _flat(value: Any, between: str, write: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{write(key)}{between}{write(each)}" for key, each in value.items()]
    return [write(each) for each in value]
