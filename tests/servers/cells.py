"""Where a test stands in the table of `scripts/servers`: one of its parameters is a `Cell`."""

from __future__ import annotations

from typing import Any

import pytest

PROTOCOLS: dict[str, dict[str, Any]] = {
    "http 1.1": {},
    "http 2": {"http1": False, "http2": True},
    "https 1.1": {},
    "https 2": {"http2": True},
}
"""How a client is made for each scheme and version: without TLS it has to know that HTTP/2 is spoken (RFC 9113, 3.3)."""


class Cell:
    """A row and a column of the table."""

    def __init__(self, row: str, column: str) -> None:
        self.row = row
        self.column = column

    @property
    def program(self) -> str:
        """The server that the row is about."""
        return self.row.split(maxsplit=1)[0]


class Spoken(Cell):
    """A server, and a protocol that it speaks."""

    def __init__(self, server: str, protocol: str, *, column: str = "") -> None:
        super().__init__(server, column or protocol)
        self.protocol = protocol

    def __repr__(self) -> str:
        return f"{self.program}-{self.protocol}"


class Way(Cell):
    """A way through a proxy: its name, the kind of proxy that it is, how it is authenticated to, and what is asked for."""

    def __init__(self, proxy: str, kind: str, access: str, protocol: str = "", *, column: str = "") -> None:
        what = {"password": "password", "open": "open", "digest": "Digest"}[access]
        super().__init__(f"{proxy} {kind}, {what}", column or protocol)
        self.kind = kind
        self.access = access
        self.protocol = protocol

    def __repr__(self) -> str:
        return "-".join(filter(None, (self.program, self.kind, self.access, self.protocol)))


def parameters_of(item: pytest.Item) -> dict[str, Any]:
    """Return what a test is called with."""
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params


def cells_of(item: pytest.Item) -> list[Cell]:
    """Return the cell of a test, if it has one."""
    return [value for value in parameters_of(item).values() if isinstance(value, Cell)]
