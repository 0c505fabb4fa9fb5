"""Deciding what is generated: names, types, operations, credentials. No text is made here, and nothing is read."""

from __future__ import annotations

from .building import Selection, build_plan
from .values import Model, Operation, Package

__all__ = ["Model", "Operation", "Package", "Selection", "build_plan"]
