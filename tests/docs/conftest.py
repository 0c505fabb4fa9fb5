"""The worlds, for the examples that run in all of them."""

from tests.worlds.fixture import *  # noqa: F403
