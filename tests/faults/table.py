"""The table of faults, filled by the modules beside this one: a number, what happens, and the body that runs it.

    @fault(28, "a loop of redirects", over=BOTH)
    async def _(place: Place) -> None: ...

A body runs in each of the three worlds over each protocol that it names, and after it nothing may be left: no descriptor,
no task, no thread. A row without a body says why in `WAITING`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from .place import HTTP1, HTTP2, Place, Speech

WAITING = {50: "0 checks: there is no HTTP/3, none was tried; QUIC, QPACK and the fall-back to HTTP/2 are needed"}
"""Rows that cannot be run, and why."""

WORLDS = ("blocking", "asyncio", "trio")

ONE: tuple[Speech, ...] = (HTTP1,)
TWO: tuple[Speech, ...] = (HTTP2,)
BOTH: tuple[Speech, ...] = (HTTP1, HTTP2)

Body = Callable[[Place], Awaitable[None]]


class Case(NamedTuple):
    """One row, or one of its cases."""

    row: int
    what: str
    speech: Speech
    world: str
    body: Body

    def __repr__(self) -> str:
        return f"{self.row}: {self.what} [{self.speech.name}, {self.world}]"


CASES: list[Case] = []


def fault(
    row: int, what: str, *, over: tuple[Speech, ...] = ONE, worlds: tuple[str, ...] = WORLDS
) -> Callable[[Body], Body]:
    """Enter a body in the table."""

    def enter(body: Body) -> Body:
        CASES.extend(Case(row, what, speech, world, body) for speech in over for world in worlds)
        return body

    return enter
