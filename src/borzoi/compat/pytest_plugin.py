"""`pytest -p borzoi.compat.pytest_plugin`: run a suite with the alias installed.

An option `-p` is read before installed plugins and before any conftest, which may import httpx.
"""

from __future__ import annotations

from .alias import install

install()
