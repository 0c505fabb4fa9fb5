"""The three worlds of the clients."""

from tests.client.conftest import *  # noqa: F403
