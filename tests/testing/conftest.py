"""The worlds, and a pytest to run tests in."""

from tests.worlds.fixture import *  # noqa: F403

pytest_plugins = ["pytester"]
