"""What the alias stands for, as `importlib.metadata` is asked: `version("httpx")` before anything is instrumented."""

from __future__ import annotations

from importlib.metadata import Distribution, DistributionFinder
from typing import TYPE_CHECKING, Any

from . import httpcore_names, identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

VERSIONS = {
    "httpx": identity.VERSION,
    "httpx2": identity.VERSION_OF_HTTPX2,
    "httpcore": httpcore_names.VERSION,
    "httpcore2": identity.VERSION_OF_HTTPX2,
}
"""The release that each import name answers to."""


class AliasDistribution(Distribution):
    """Say name and version of a distribution that is not installed, or not in use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read_text(self, filename: str) -> str | None:
        """Return the metadata, and no other file."""
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: {self._name}\nVersion: {VERSIONS[self._name]}\n"

    def locate_file(self, path: str | PathLike[str]) -> Any:
        """Return where a file would be, if there were any."""
        from pathlib import Path

        return Path(__file__).parent / path


def find_distributions(context: DistributionFinder.Context) -> Iterator[Distribution]:
    """Return the distribution that is asked for by name. A listing of all does not have it."""
    if context.name in VERSIONS:
        yield AliasDistribution(context.name)
