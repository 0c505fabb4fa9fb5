"""The worlds, and the alias for tests that need `httpcore` or `transport._pool`."""

from __future__ import annotations

from tests.compat.conftest import alias as alias
from tests.worlds.fixture import *  # noqa: F403
