"""Examples that do not decode, each with what in its own schema refuses it, as `docs/openapi-examples.md` lists them.

A validator must find what the decoder finds, in the same place of the example. Where it does not, the example is a
failure of ours, or there is an excuse for it in `docs/openapi-excuses.json`, by its pointer and with the reason.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from borzoi.openapi.document import Node
from borzoi.openapi.document.pointers import escape
from scripts.openapi_documents import ROOT
from scripts.openapi_oracle import Misfit, Oracle

PAGE = ROOT / "docs" / "openapi-examples.md"
EXCUSES = ROOT / "docs" / "openapi-excuses.json"

WORDS = {
    "required": "A member is not there that the schema requires",
    "type": "It is of another type than the schema names",
    "enum": "It is none of the values of the schema",
    "const": "It is not the value of the schema",
    "format": "It is not in the format that the schema names",
    "pattern": "It does not have the pattern of the schema",
}
"""What keywords that refuse an example mean."""


class Refused(NamedTuple):
    """Say of an example that does not decode why, and why its own schema does not take it either."""

    example: str
    """Where it stands."""

    reason: str
    """What the decoder says."""

    keyword: str
    """What in the schema refuses it; nothing where a validator takes the example, or refuses other parts of it."""

    place: str
    """Where that stands; the schema where there is no keyword."""

    path: str
    """Where in the example."""


def refused(example: Node, value: Any, schema: Node, error: str, oracle: Oracle) -> Refused:
    """Ask a validator about an example that does not decode."""
    found = [each for each in oracle.misfits(schema, value) if agrees(error, each)]
    root = schema.document.root.uri
    if not found:
        return Refused(shown(example.key, root), error, "", shown(schema.key, root), "")
    path = "".join(f"/{escape(str(each))}" for each in found[-1].path)
    return Refused(shown(example.key, root), error, found[-1].keyword, shown(found[-1].place, root), path)


def shown(key: str, root: str) -> str:
    """Return a place as people read it: the pointer, with the file in front where it is not the first."""
    uri, _, pointer = key.partition("#")
    return f"#{pointer}" if uri == root else f"{os.path.relpath(uri, os.path.dirname(root))}#{pointer}"


def agrees(error: str, misfit: Misfit) -> bool:
    """Tell whether a validator finds what the decoder finds, in the same place of a value."""
    reason, _, where = error.partition(" - at `")
    # Of a member of a union the place within it is said first.
    reason, inner = re.fullmatch(r"(?s)(.*?)(?: in `([.\[].*)`)?", reason).groups(default="")  # type: ignore[union-attr]
    if not re.fullmatch(_path_of((where.rstrip("`") or "$") + inner), _written(misfit.path)):
        return False
    if (missing := re.match(r"Object missing required field `(.*)`", reason)) is not None:
        return misfit.keyword == "required" and misfit.message.startswith(json.dumps(missing[1]))
    if reason.startswith("Expected") and "matching regex" not in reason:
        return misfit.keyword in ("type", "enum", "const")
    return misfit.keyword in ("format", "pattern")


def _path_of(where: str) -> str:
    # The decoder does not say which member of a dict it is in.
    return re.escape(where).replace(r"\[\.\.\.\]", r"(?:\[\d+\]|\..+?)")


def _written(path: tuple[str | int, ...]) -> str:
    return "$" + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)


# Excuses.


def failures(name: str, found: list[Refused]) -> Iterator[str]:
    """Yield the examples of a document that are refused without a reason, and the excuses that none needs."""
    excuses = excuses_of(name)
    unexplained = {each.example: each for each in found if not each.keyword}
    for place, each in unexplained.items():
        if place not in excuses:
            yield f"FAILURE: {place} does not decode, and its schema {each.place} takes it: {each.reason}"
    for place in excuses:
        if place not in unexplained:
            yield f"FAILURE: {place} needs no excuse in {EXCUSES.name} any more"


def excuses_of(name: str) -> dict[str, str]:
    """Return the reasons why examples of a document do not decode that its schemas take."""
    known: dict[str, dict[str, str]] = json.loads(EXCUSES.read_text(encoding="utf-8"))
    return known.get(name, {})


# The page.

_HEAD = "## "


def section(name: str, found: list[Refused]) -> list[str]:
    """Return what the page has of a document: its examples that do not decode, those of one reason together."""
    groups: dict[tuple[str, str], list[Refused]] = {}
    for each in sorted(found):
        groups.setdefault((each.keyword, each.place), []).append(each)
    lines = ["```text"]
    for keyword in sorted({keyword for keyword, _ in groups}):
        lines.append(WORDS.get(keyword, keyword) if keyword else "The schema takes it; it is excused")
        for (_, place), examples in sorted(group for group in groups.items() if group[0][0] == keyword):
            lines.append(f"  {place}")
            lines += [f"      {_line(name, each)}" for each in examples]
    return [f"{_HEAD}{name}: {len(found)}", "", *lines, "```", ""]


def _line(name: str, each: Refused) -> str:
    if each.keyword:
        return f"{each.example}  at {each.path or '/'}"
    return f"{each.example}  {excuses_of(name).get(each.example, 'not excused')}"


def sections() -> dict[str, list[str]]:
    """Return the sections of the page by their documents; what stands before them has no name."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith(_HEAD):
            name = line[len(_HEAD) :].rpartition(":")[0]
        found.setdefault(name, []).append(line)
    return {name: [*lines, *([] if lines[-1] == "" else [""])] for name, lines in found.items()}


def is_outdated(name: str, found: list[Refused]) -> bool:
    """Tell whether the page says otherwise of a document."""
    return sections().get(name, []) != (section(name, found) if found else [])


def record(found: dict[str, list[Refused]]) -> None:
    """Write what was found into the page, beside what it has of other documents."""
    known = sections()
    head = known.pop("")
    made = {**known, **{name: section(name, each) for name, each in found.items()}}
    kept = [made[name] for name in sorted(made) if found.get(name) or name not in found]
    PAGE.write_text("\n".join([line for part in (head, *kept) for line in part]), encoding="utf-8")
