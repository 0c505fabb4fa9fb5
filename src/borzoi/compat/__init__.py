"""Let programs that import httpx, httpx2, httpcore or httpcore2 run on Borzoi, unchanged.

    import borzoi.compat

    borzoi.compat.install()

Or, from outside: `python -m borzoi.compat script.py`, and for tests `pytest -p borzoi.compat.pytest_plugin`. It is not
undone in part: once installed, Borzoi calls itself httpx in logs, in `User-Agent` and in the names of its classes.
"""

from __future__ import annotations

from .alias import install, uninstall

__all__ = ["install", "uninstall"]
