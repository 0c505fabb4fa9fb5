"""What Borzoi calls itself: httpx while the alias is installed, so that nothing that reads a name has to know better.

That is the logger, the `User-Agent`, and the module that public classes and functions show. They show `httpx2` from the
first import of that name on: a library that was written for it may refuse what calls itself httpx, as anthropic does.
"""

from __future__ import annotations

import borzoi

from .._client import settings

VERSION = "0.28.1"
"""The release of httpx whose surface this is."""

VERSION_OF_HTTPX2 = "2.16.0"
"""The release of httpx2 whose additions it has."""

_NAMES = {"LOGGER_NAME": "httpx", "PRODUCT": f"python-httpx/{VERSION}"}
"""The names in `_client/settings.py`, and what they are in the meantime."""

_before: dict[str, str] = {}


def assume() -> None:
    """Call everything httpx's."""
    for name, value in _NAMES.items():
        _before[name] = getattr(settings, name)
        setattr(settings, name, value)
    show("httpx")
    for cls, attributes in _private_attributes().items():
        for name, attribute in attributes.items():
            setattr(cls, name, attribute)


def resume() -> None:
    """Call everything by its own name again."""
    for name, value in _before.items():
        setattr(settings, name, value)
    show("borzoi")
    for cls, attributes in _private_attributes().items():
        for name in attributes:
            delattr(cls, name)


def _private_attributes() -> dict[type, dict[str, object]]:
    from .httpx_names import PRIVATE_ATTRIBUTES

    return PRIVATE_ATTRIBUTES


def show(root: str) -> None:
    """Have public classes and functions say that they are of this module."""
    for name in borzoi.__all__:
        value = getattr(borzoi, name)
        if getattr(value, "__module__", None) in ("borzoi", "httpx", "httpx2"):
            value.__module__ = root
