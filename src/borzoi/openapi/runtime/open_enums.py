"""Enumerations as classes that take other values, too: a document names those that its API has today."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class OpenStrEnum(StrEnum):
    """An enumeration of strings; a value that it does not name is a member without a name in the class."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        # It is made anew each time: what servers send must not fill the class.
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member
