"""Noticing that somebody has patched a method of a class that all requests are supposed to go through.

Our own requests do not: they take the pool's short way. When a watched method is replaced on its class, what is
registered here is told, and leads them through it until the method is put back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_watched: list[tuple[type, str, object]] = []
_listeners: list[Callable[[], None]] = []


class Watched(type):
    """The type of classes whose methods are patched."""

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        _tell()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        _tell()


def watch(cls: type, *names: str) -> None:
    """Watch methods of a class, which are its own or inherited ones."""
    _watched.extend((cls, name, getattr(cls, name)) for name in names)


def is_patched(*classes: type) -> bool:
    """Say whether a watched method of one of the classes, or of any class where none is named, was replaced."""
    return any(getattr(cls, name) is not original for cls, name, original in _watched if not classes or cls in classes)


def when_patched(listener: Callable[[], None]) -> None:
    """Have a function called after each change to a watched class."""
    _listeners.append(listener)


def _tell() -> None:
    for listener in _listeners:
        listener()
