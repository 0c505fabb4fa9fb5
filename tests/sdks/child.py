"""`python -m tests.sdks.child MODULE (own | alias)`: make the calls of a module, and write what came of them as JSON.

With `own` the SDK has the library that it was written for, with `alias` it has Borzoi. Either is checked. Nothing may
leave this machine.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

HOSTS = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", b"localhost", b"127.0.0.1", b"::1"}
"""What may be looked up and connected to."""


def stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what would leave this machine."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in HOSTS:
        raise OSError(f"{event}: {host!r} is not on this machine")


def main(module: str, library: str) -> None:
    """Make the calls, and write what came of them."""
    sys.addaudithook(stay_here)
    if library == "alias":
        import borzoi.compat

        borzoi.compat.install()
    calls = importlib.import_module(f"tests.sdks.{module}").calls
    outcomes = calls.outcomes()
    json.dump({"libraries": libraries(), "outcomes": outcomes}, sys.__stdout__)


def libraries() -> dict[str, str]:
    """Return which of the import names were used, and who made their clients."""
    used = {name: sys.modules.get(name) for name in ("httpx", "httpx2")}
    return {name: _maker(module) for name, module in used.items() if module is not None}


def _maker(module: Any) -> str:
    return "alias" if module.__spec__.origin == "borzoi.compat" else "own"


if __name__ == "__main__":
    main(*sys.argv[1:])
