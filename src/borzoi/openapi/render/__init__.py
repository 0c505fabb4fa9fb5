"""The plan as text: what is decided is written down, laid out as `ruff format` lays it out, the same bytes in every
run.
"""

from __future__ import annotations

from .package import render

__all__ = ["render"]
