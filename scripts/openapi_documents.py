"""The documents of a folder, and the page that says what becomes of them: what the `openapi-*` commands share."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "openapi-corpus.md"


def documents(folder: Path) -> list[Path]:
    """Return the documents of a folder: its files, and what the folders in it have that looks like an entry."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in (".json", ".yaml", ".yml") and path.is_file()]
    return [path for path in found if _is_entry(path)]


def _is_entry(path: Path) -> bool:
    # The keys of an object may be in any order, so the version is looked for everywhere.
    return (
        re.search(rb'^openapi:|^swagger:|"(?:openapi|swagger)"\s*:\s*"[23]\.', path.read_bytes(), re.MULTILINE)
        is not None
    )


def label(document: Path, root: Path) -> str:
    """Return what a document is called in tables: its file, with the folder where a tree of folders has many."""
    place = document.relative_to(root)
    return place.name if len(place.parts) < 4 else "/".join(place.parts[-2:])


def block(name: str) -> re.Pattern[str]:
    """Return what finds a part of the page that is written by a command, between two remarks."""
    return re.compile(rf"(?s)(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)")


def read(name: str) -> list[str]:
    """Return the lines of a part of the page."""
    found = block(name).search(PAGE.read_text(encoding="utf-8"))
    return found[0].splitlines() if found else []


def written(name: str, lines: list[str]) -> None:
    """Put lines into the page, in the place of those of one part."""
    text = "\n".join([*lines, ""])
    PAGE.write_text(block(name).sub(lambda _: text, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
