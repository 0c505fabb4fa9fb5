"""The Link header (RFC 8288), read as leniently as it is written."""

from __future__ import annotations

import re

_SURROUNDINGS = " '\""


def parse_links(value: str) -> list[dict[str, str]]:
    """Return the links of a Link header: each with its target as "url", and its parameters."""
    value = value.strip(_SURROUNDINGS)
    return [_link(text) for text in re.split(", *<", value)] if value else []


def _link(text: str) -> dict[str, str]:
    target, _, parameters = text.partition(";")
    link = {"url": target.strip("<> '\"")}
    for parameter in parameters.split(";"):
        # A parameter that is not one name and one value ends what can be understood.
        if parameter.count("=") != 1:
            break
        name, _, value = parameter.partition("=")
        link[name.strip(_SURROUNDINGS)] = value.strip(_SURROUNDINGS)
    return link
