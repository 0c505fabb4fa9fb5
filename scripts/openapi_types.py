"""`make openapi-corpus ARGS=--types`: what type checkers find in the packages of all documents of a folder.

    python -m scripts.openapi_types [FOLDER] [--only TEXT] [--library NAME]... [--record]

mypy --strict and pyright strict look at the package of every document with the models of every library. Large packages
are looked at alone, small ones together. Each finding is printed with the document and the library; `--record` writes
for how many of them each checker had none into `docs/openapi-corpus.md`, and for which it had.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from scripts.openapi_documents import ROOT, documents, label, written

LIBRARIES = ("msgspec", "pydantic", "dataclass")
CHECKERS = ("mypy", "pyright")
LARGE = 200_000
"""Bytes of modules from which on a package is looked at alone."""

SETTINGS = {"typeCheckingMode": "strict", "reportMissingModuleSource": False}


class Finding(NamedTuple):
    """Say what a checker said of one place of a package."""

    package: str
    text: str


def generated(document: Path, root: Path, library: str, folder: Path) -> Path:
    """Generate the package of a document, in a process of its own, and return its folder."""
    package = folder / re.sub(r"\W", "_", str(document.relative_to(root)))
    command = [sys.executable, "-m", "borzoi", "openapi", "generate", str(document), "-q", "-o", package.name]
    subprocess.run([*command, "--models", library, "--root", str(root)], cwd=folder, check=True)
    return package


def batches(packages: Iterable[Path]) -> Iterator[list[Path]]:
    """Yield what is looked at together: all small packages first, then each large one."""
    found = {package: sum(each.stat().st_size for each in package.rglob("*.py")) for package in packages}
    small = [package for package, size in found.items() if size < LARGE]
    if small:
        yield small
    yield from ([package] for package in sorted(found, key=lambda each: found[each]) if package not in small)


def looked_at(checker: str, packages: list[Path], folder: Path) -> list[Finding]:
    """Return what a checker finds in packages."""
    names = [package.name for package in packages]
    if checker == "mypy":
        command = ["mypy", "--strict", "--no-error-summary", "--cache-dir", str(folder / ".mypy"), *names]
    else:
        (folder / "pyrightconfig.json").write_text(json.dumps({**SETTINGS, "include": names}))
        command = ["pyright", "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )  # fmt: skip
    found = list(of_mypy(done.stdout) if checker == "mypy" else of_pyright(done.stdout, folder))
    if done.returncode and not found:
        # It broke off: nothing is known of any of them.
        said = (done.stdout + done.stderr).strip().splitlines()
        return [Finding(name, f"{checker} ends with {done.returncode}: {' '.join(said[-1:])[:200]}") for name in names]
    return found


def of_mypy(said: str) -> Iterator[Finding]:
    """Yield the errors that mypy printed."""
    for line in said.splitlines():
        if ": error: " in line:
            yield Finding(line.split("/")[0], line)


def of_pyright(said: str, folder: Path) -> Iterator[Finding]:
    """Yield the errors and warnings of a report of pyright's."""
    report = json.loads(said) if said.lstrip().startswith("{") else {}
    for each in report.get("generalDiagnostics", ()):
        if each["severity"] in ("error", "warning"):
            place = Path(each["file"]).relative_to(folder)
            line = each["range"]["start"]["line"] + 1
            yield Finding(place.parts[0], f"{place}:{line}: {each['message']} ({each.get('rule', 'no rule')})")


class Counts:
    """Keep for how many documents each checker found nothing, by library, and what it found in the others."""

    def __init__(self, libraries: Iterable[str]) -> None:
        self.clean = {(library, checker): 0 for library in libraries for checker in CHECKERS}
        self.seen = dict(self.clean)
        self.unclean: list[str] = []

    def add(self, library: str, checker: str, name: str, findings: list[Finding]) -> None:
        """Count what was found in one package."""
        self.seen[library, checker] += 1
        self.clean[library, checker] += not findings
        if findings:
            self.unclean.append(f"{name}, {library}, {checker}: {len(findings)}")

    def lines(self) -> list[str]:
        """Return the table in Markdown."""
        versions = {checker: importlib.metadata.version(checker) for checker in CHECKERS}
        rows = ["| models | " + " | ".join(f"{name} {version}" for name, version in versions.items()) + " |"]
        rows.append("|---|---|---|")
        for library in dict.fromkeys(library for library, _ in self.seen):
            cells = [f"{self.clean[library, each]}/{self.seen[library, each]}" for each in CHECKERS]
            rows.append(f"| {library} | {' | '.join(cells)} |")
        return [*rows, *([""] if self.unclean else []), *(f"- {each}" for each in self.unclean)]


def check_all(found: list[Path], root: Path, libraries: Iterable[str], folder: Path) -> Counts:
    """Look at the packages of documents, library by library."""
    counts = Counts(libraries)
    for library in dict.fromkeys(library for library, _ in counts.seen):
        place = folder / library
        place.mkdir()
        packages = {generated(each, root, library, place): label(each, root) for each in found}
        for batch in batches(packages):
            for checker in CHECKERS:
                began = time.monotonic()
                findings = looked_at(checker, batch, place)
                for package in batch:
                    own = [each for each in findings if each.package == package.name]
                    counts.add(library, checker, packages[package], own)
                    print("".join(f"{packages[package]} ({library}): {each.text}\n" for each in own), end="")
                what = packages[batch[0]] if len(batch) == 1 else f"{len(batch)} documents"
                elapsed = f"{time.monotonic() - began:.0f} s"
                print(f"{library} {checker} {what}: {len(findings)} in {elapsed}", file=sys.stderr, flush=True)
    return counts


def main(arguments: list[str] | None = None) -> int:
    """Look at all packages; the status is 1 where anything was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "tests/data/openapi")
    parser.add_argument("--only", default="", metavar="TEXT", help="Only the documents that have this in their paths.")
    parser.add_argument("--library", action="append", choices=LIBRARIES, help="Only these models.")
    parser.add_argument("--record", action="store_true", help="Write the table of what is clean to the page.")
    options = parser.parse_args(arguments)
    root: Path = options.folder.resolve()
    found = [each for each in documents(root) if options.only in str(each.relative_to(root))]
    with tempfile.TemporaryDirectory() as place:
        counts = check_all(found, root, options.library or LIBRARIES, Path(place).resolve())
    print("\n".join(counts.lines()))
    if options.record:
        written("types", counts.lines())
    return 1 if counts.unclean else 0


if __name__ == "__main__":
    sys.exit(main())
