"""What processes of pytest-xdist tell the process that reports. Each does so once, at the end of its session."""

from __future__ import annotations

from typing import Any

import pytest


def tell_reporter(config: pytest.Config, what: str, texts: list[str]) -> None:
    """Send texts to the process that reports, if this is another."""
    output: Any = getattr(config, "workeroutput", None)
    if output is not None:
        output[what] = list(texts)


def told_by_worker(node: Any, what: str) -> list[str]:
    """Return what a process has told; one that crashed has told nothing."""
    output: dict[str, list[str]] = getattr(node, "workeroutput", {})
    return output.get(what, [])
