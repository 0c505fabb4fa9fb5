"""Tests of code that speaks HTTP: routes under the real client, faults, and a clock that nobody waits for.

    def test_signup(http_mock):
        http_mock.host("https://api.test").post("/users", json={"email": ANY}).reply(201, json={"id": 7})

Each name is loaded at its first use: the pytest plugin imports this package in every run of pytest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import faults as fault
    from .cassette import Cassette, CassetteTransport
    from .cassette_file import CassetteError
    from .cassette_secrets import LeakError
    from .clock import Clock
    from .contract import Contract
    from .errors import ContractViolation, LateRequest, MockOver, UndecidedMock, UnmatchedRequest, UnmetExpectations
    from .guard import Guard, NetworkBlocked
    from .matching import ANY
    from .mocking import Mock, mock
    from .received import Received
    from .router import Route, Routes
    from .script import Reply as reply  # noqa: N813 - in the place of a reply it reads as a verb
    from .script import close, event, wait
    from .server import Server

__all__ = [
    "ANY",
    "Cassette",
    "CassetteError",
    "CassetteTransport",
    "Clock",
    "close",
    "Contract",
    "ContractViolation",
    "event",
    "fault",
    "Guard",
    "LateRequest",
    "LeakError",
    "Mock",
    "mock",
    "MockOver",
    "NetworkBlocked",
    "Received",
    "reply",
    "Route",
    "Routes",
    "Server",
    "UndecidedMock",
    "UnmatchedRequest",
    "UnmetExpectations",
    "wait",
]

_HOMES = {
    "cassette": ("Cassette", "CassetteTransport"),
    "cassette_file": ("CassetteError",),
    "cassette_secrets": ("LeakError",),
    "clock": ("Clock",),
    "contract": ("Contract",),
    "errors": (
        "ContractViolation",
        "LateRequest",
        "MockOver",
        "UndecidedMock",
        "UnmatchedRequest",
        "UnmetExpectations",
    ),
    "guard": ("Guard", "NetworkBlocked"),
    "matching": ("ANY",),
    "mocking": ("Mock", "mock"),
    "received": ("Received",),
    "router": ("Route", "Routes"),
    "script": ("close", "event", "wait"),
    "server": ("Server",),
}


def __getattr__(name: str) -> Any:
    if name == "fault":
        value: Any = importlib.import_module(".faults", __name__)
    elif name == "reply":
        value = importlib.import_module(".script", __name__).Reply
    else:
        home = next((home for home, names in _HOMES.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
