"""Servers: the URLs of documents with their variables filled in, for the whole API or for one operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urljoin


class Server(NamedTuple):
    """Say where an operation is that is elsewhere than the rest of its API."""

    url: str
    variables: Mapping[str, str] = {}
    """The defaults of the variables in the URL."""


def filled(url: str, variables: Mapping[str, str]) -> str:
    """Return a URL with its variables. Raises ValueError for a value that would lead to another host."""
    authority = re.match(r"[^/?#]*//[^/?#]*", url)
    end = authority.end() if authority else 0

    def value_of(match: re.Match[str]) -> str:
        value = variables.get(match[1])
        if value is None:
            return match[0]
        if match.start() < end and re.search(r"[/?#@\\\s]", value):
            raise ValueError(f"The server variable {match[1]!r} cannot be {value!r}: it would name another host.")
        return value

    return re.sub(r"\{([^{}]*)\}", value_of, url)


def base_of(server: Server, base_url: str, variables: Mapping[str, str]) -> str:
    """Return the base URL of an operation with a server of its own; a relative one is resolved against the API's."""
    return urljoin(f"{base_url}/", filled(server.url, {**server.variables, **variables})).rstrip("/")
