"""Check every page: its links lead somewhere, the paths and commands it names exist, its Python examples compile.

    python scripts/check_docs.py [ROOT]

Reads the pages at the top, in docs/ and in changes/. Links to the web are not followed. Prints one line per defect, and
exits with 1 if there is any.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+|~~~+)(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)(?: \"[^\"]*\")?\)")
CODE = re.compile(r"`(?P<text>[^`\n]+)`")
HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *#*$", re.MULTILINE)
COMMAND = re.compile(r"^make (?P<target>[a-z-]+)")
TARGET = re.compile(r"^(?P<target>[a-z-]+):", re.MULTILINE)

FOLDERS = ("src", "tests", "scripts", "docs", "benchmarks", "changes", ".ci")
"""What starts with one of these, in code type, is the path of something in the project."""


def pages(root: Path) -> list[Path]:
    """List the pages of a project."""
    return sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("changes/**/*.md")])


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers make them."""
    names: set[str] = set()
    for heading in HEADING.finditer(FENCE.sub("", text)):
        kept = re.sub(r"[^\w\- ]", "", heading["text"].lower())
        names.add(kept.replace(" ", "-"))
    return names


def broken_links(page: Path, prose: str) -> Iterator[str]:
    """Yield the links of a page that lead to no file, or to no heading."""
    for link in LINK.finditer(prose):
        target, _, anchor = link["target"].partition("#")
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue

        file = page.parent / target if target else page
        if not file.exists():
            yield f"link to {link['target']}: no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield f"link to {link['target']}: no such heading"


def missing_paths(root: Path, prose: str) -> Iterator[str]:
    """Yield the paths of the project that a page names and that are not there."""
    for code in CODE.finditer(prose):
        path = code["text"].rstrip("/")
        if not path.startswith(tuple(f"{folder}/" for folder in FOLDERS)) or re.search(r"[\s<>{}…]|\.\.\.", path):
            continue
        if not (list(root.glob(path)) if "*" in path else (root / path.partition("::")[0]).exists()):
            yield f"`{code['text']}`: no such path"


def missing_targets(root: Path, text: str) -> Iterator[str]:
    """Yield the `make` commands of a page that the Makefile does not know."""
    makefile = root / "Makefile"
    known = set(TARGET.findall(makefile.read_text(encoding="utf-8"))) if makefile.exists() else set[str]()
    lines = [code["text"] for code in CODE.finditer(text)]
    lines += [line.strip().removeprefix("$ ") for fence in FENCE.finditer(text) for line in fence["text"].splitlines()]
    for line in lines:
        if (command := COMMAND.match(line)) and command["target"] not in known:
            yield f"`{command[0]}`: no such target"


def broken_examples(text: str) -> Iterator[str]:
    """Yield the Python examples of a page that do not compile. A top-level `await` or `async with` is fine."""
    for fence in FENCE.finditer(text):
        if fence["language"] not in ("python", "py"):
            continue
        try:
            compile(
                f"async def example():\n{textwrap.indent(textwrap.dedent(fence['text']), '    ')}\n    pass\n",
                "",
                "exec",
            )
        except SyntaxError as error:
            yield f"example {fence['text'].strip().splitlines()[0]!r}: {error.msg}"


def defects(root: Path, page: Path) -> Iterator[str]:
    """Yield all that is wrong with a page."""
    text = page.read_text(encoding="utf-8")
    prose = FENCE.sub("", text)
    if not text.strip():
        yield "the page is empty"
    yield from broken_links(page, prose)
    yield from missing_paths(root, prose)
    yield from missing_targets(root, text)
    yield from broken_examples(text)


def main(root: Path = ROOT) -> int:
    """Check the pages below a root, print what is wrong, and return the exit status."""
    found = [f"{page.relative_to(root)}: {defect}" for page in pages(root) for defect in defects(root, page)]
    for line in found:
        print(line)
    print(f"{len(pages(root))} pages, {len(found)} defects")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
