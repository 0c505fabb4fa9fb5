"""The worlds, and the alias for tests that need `httpcore` or `transport._pool`."""

from __future__ import annotations

from tests.compat.conftest import alias  # noqa: F401 - a fixture
from tests.worlds.fixture import *  # noqa: F403
