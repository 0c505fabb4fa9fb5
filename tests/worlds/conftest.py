"""The fixtures of the worlds, for the suites here."""

from tests.worlds.fixture import *  # noqa: F403
