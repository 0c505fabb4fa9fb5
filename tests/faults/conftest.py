"""Have the asserts of the modules beside the test tell what they compared."""

import pytest

pytest.register_assert_rewrite(*(f"tests.faults.{name}" for name in (
    "place", "framing", "connections", "codings", "messages", "multiplexed", "secured", "names", "living", "streams"
)))  # fmt: skip
