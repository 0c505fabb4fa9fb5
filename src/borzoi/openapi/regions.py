"""What users wrote into a generated package, kept when it is generated again.

    class Client(runtime.Client):
        ...
        # borzoi: keep
        def whoami(self) -> User: ...
        # borzoi: end

A region goes to where its neighbours went: behind the line that it stood behind, or before the one that it stood
before, in the class or function that it stood in. Where those are gone, it is an error, and nothing is written.

Markers are comments. A document cannot write them: its texts are strings, and those that look like one are changed.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise, takewhile
from pathlib import Path

from .document import DocumentError

_BEGIN = re.compile(r"\s*(?:#|<!--)\s*borzoi: keep\b.*")
_END = re.compile(r"\s*(?:#|<!--)\s*borzoi: end\b.*")
_MARKER = re.compile(r"(?m)^(\s*(?:#|<!--)\s*borzoi): (keep|end)\b")

_DEFINITION = re.compile(r"\s*(?:class|def|async def) \w+")

WIDEST = 5000
"""Lines of a file whose order is compared as a whole; of a longer one, the neighbours alone are looked for."""


@dataclass(slots=True)
class Region:
    """Hold the lines of a region, its markers included, and how many generated lines stand before it."""

    lines: list[str]
    after: int
    number: int
    """The line of its first marker."""

    above: int = 0
    below: int = 0
    """Blank lines around it."""


def with_regions(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """Return the files with what users wrote into those that are in a folder. Raises DocumentError."""
    result = {
        name: _MARKER.sub(r"\1 \2", content) if "borzoi: " in content else content for name, content in files.items()
    }
    for name, old in _written(folder):
        generated, regions = _split(f"{folder / name}", old)
        if not regions:
            continue
        if name not in result:
            raise _homeless(f"{folder / name}", regions[0], "the file is no longer generated")
        result[name] = _merged(f"{folder / name}", generated, regions, result[name].splitlines())
    return result


def _written(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the files of a package that may have regions."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() and not folder.is_symlink() else ():
        # What lies behind a link is not part of the package.
        inside = [path, *path.parents][: len(path.relative_to(folder).parts)]
        if path.suffix not in (".py", ".md", ".toml") or any(each.is_symlink() for each in inside):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            continue
        if "borzoi: keep" in text:
            yield path.relative_to(folder).as_posix(), text


def _split(name: str, text: str) -> tuple[list[str], list[Region]]:
    """Return the lines that were generated, and the regions between them."""
    comments = _comments(name, text) if name.endswith(".py") else None
    generated: list[str] = []
    regions: list[Region] = []
    is_open = False
    for number, line in enumerate(text.splitlines(), 1):
        is_marker = comments is None or number in comments
        if is_open:
            regions[-1].lines.append(line)
            is_open = not (is_marker and _END.fullmatch(line))
        elif is_marker and _BEGIN.fullmatch(line):
            is_open = True
            above = _blanks(reversed(generated))
            del generated[len(generated) - above :]
            regions.append(Region([line], len(generated), number, above))
        elif regions and not line and len(generated) == regions[-1].after:
            regions[-1].below += 1
        else:
            generated.append(line)
    if is_open:
        raise DocumentError('The region has no end: a line "# borzoi: end".', file=name, line=regions[-1].number)
    for first, second in pairwise(regions):
        if first.after == second.after:
            first.below, second.above = 0, first.below
    return generated, regions


def _blanks(lines: Iterable[str]) -> int:
    """Return how many blank lines come first."""
    return sum(1 for _ in takewhile(lambda line: not line, lines))


def _comments(name: str, text: str) -> set[int]:
    """Return the lines that are comments: what looks like one inside of a string is none."""
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    except (tokenize.TokenError, SyntaxError):
        raise DocumentError("The file has regions to keep, and is no valid Python.", file=name) from None


def _merged(name: str, old: list[str], regions: list[Region], new: list[str]) -> str:
    places = _places(old, new)
    inserted: dict[int, list[Region]] = {}
    for region in regions:
        place = _place(region, old, new, places)
        if place is None:
            raise _homeless(name, region, "what stood around it is gone")
        # All regions between two lines that are not blank have one place.
        inserted.setdefault(place - _blanks(reversed(new[:place])), []).append(region)
    result: list[str] = []
    done = 0
    for place in sorted(inserted):
        gap = _blanks(new[place:])
        result += new[done:place]
        done = place + gap
        first, last = inserted[place][0].after, inserted[place][-1].after
        same_above = _at(old, first - 1) == _at(new, place - 1)
        result += _laid_out(inserted[place], gap, same_above, _at(old, last) == _at(new, done))
    return "\n".join([*result, *new[done:], ""])


def _at(lines: list[str], index: int) -> str | None:
    return lines[index] if 0 <= index < len(lines) else None


def _laid_out(regions: list[Region], gap: int, same_above: bool, same_below: bool) -> list[str]:
    """Return regions with the blank lines that they had, or that the line above or below them needs."""
    lines: list[str] = []
    for region in regions:
        is_first, is_last = region is regions[0], region is regions[-1]
        above = region.above if same_above or not is_first else max(region.above, gap)
        below = region.below if same_below or not is_last else max(region.below, gap)
        lines += [*[""] * above, *region.lines, *[""] * below]
    return lines


def _places(old: list[str], new: list[str]) -> dict[int, int]:
    """Return where the old lines are in the new file."""
    if max(len(old), len(new)) > WIDEST:
        where = {line: index for index, line in enumerate(new)}
        counts = Counter(old)
        return {i: where[line] for i, line in enumerate(old) if line in where and counts[line] == 1}
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {a + offset: b + offset for a, b, size in blocks for offset in range(size)}


def _place(region: Region, old: list[str], new: list[str], places: dict[int, int]) -> int | None:
    """Return before which new line a region goes."""
    depth = _indent(region.lines[0])
    owner = _owner(old, region.after, depth)
    candidates = [places[region.after - 1] + 1] if region.after - 1 in places else []
    candidates += [places[region.after]] if region.after in places else []
    # Neither neighbour is left: the nearest line above that is.
    above = next((places[i] + 1 for i in range(region.after - 1, -1, -1) if i in places), None)
    candidates += [] if above is None else [above]
    if owner is None and region.after >= len(old):
        candidates.append(len(new))
    return next((each for each in candidates if _owner(new, each, depth) == owner), None)


def _owner(lines: list[str], place: int, depth: int) -> str | None:
    """Return the first line of the class or function that a place of some depth is in."""
    for line in reversed(lines[:place]):
        if _indent(line) < depth and (found := _DEFINITION.match(line)):
            return found[0].strip()
        if line.strip() and _indent(line) == 0 and not line.startswith((")", "]", "}")):
            return None
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _homeless(name: str, region: Region, why: str) -> DocumentError:
    return DocumentError(
        f"The region has no place in what is generated now: {why}. Move it, or delete it.",
        file=name,
        line=region.number,
    )
