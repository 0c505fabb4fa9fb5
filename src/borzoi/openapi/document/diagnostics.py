"""What is said about a document: what ends the work, and what was done where it goes on."""

from __future__ import annotations

from dataclasses import dataclass


class DocumentError(Exception):
    """A document cannot be used. The message is one sentence, after the file, the line and the pointer."""

    def __init__(
        self,
        reason: str,
        *,
        file: str = "",
        line: int | None = None,
        pointer: str | None = None,
        referrer: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.file = file
        self.line = line
        self.pointer = pointer
        self.referrer = referrer
        """Where the `$ref` is in another file that led to this one, as FILE#POINTER."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        if self.pointer is not None:
            place += f" #{printable(self.pointer)}"
        place += _led_by(self.referrer)
        return f"{place}: {self.reason}" if place else self.reason


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Say what was done with a part of a document that cannot be expressed in full."""

    file: str
    pointer: str
    reason: str
    referrer: str = ""
    """Where the `$ref` is in another file that led to this one, as FILE#POINTER."""

    def __str__(self) -> str:
        return f"{self.file} #{printable(self.pointer)}{_led_by(self.referrer)}: {self.reason}"


def _led_by(referrer: str) -> str:
    return f", referred to by {printable(referrer)}" if referrer else ""


def printable(text: str) -> str:
    """Return a text of a document on one line of a terminal, without what would move its cursor."""
    return "".join([char if char.isprintable() else f"\\x{ord(char):02x}" for char in text[:300]])
