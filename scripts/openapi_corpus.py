"""`make openapi-corpus`: what becomes of each document of a folder, beside openapi-python-client in the same run.

    python -m scripts.openapi_corpus [FOLDER] [--types] [--only TEXT] [--record]

A row has the operations that were generated and those of the document, the models, the lines, the lines of an operation
in the layer of calls, CPU seconds and peak memory of the command, the CPU time of an import, the share of types that
are Any, how many types were declared and are Any all the same (each is printed by its pointer, with the reason), how
many examples decode, of all (those that do not are printed, too), and whether every module imports and every decoder
builds. openapi-python-client is looked for in `.cache/openapi-python-client`, where `make openapi-corpus` installs it.
What does not depend on the machine is compared with `docs/openapi-corpus.md`, which `--record` writes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / ".cache" / "openapi-python-client" / "bin" / "openapi-python-client"
PAGE = ROOT / "docs" / "openapi-corpus.md"
PEER_LIMIT = 300
"""CPU seconds that the other generator has for a document."""

HEAD = (
    "document",
    "operations",
    "models",
    "files",
    "lines",
    "lines/op",
    "CPU s",
    "MB",
    "import ms",
    "Any",
    "lost",
    "examples",
    "sound",
    "peer CPU s",
    "peer MB",
    "peer ops",
    "what the peer says",
)
RECORDED = ("document", "operations", "models", "lines/op", "Any", "lost", "examples", "sound", "peer ops")
"""What is the same on every machine."""

COUNT = """
import json, sys
from borzoi.openapi.document import open_document
from borzoi.openapi.plan import build_plan
from borzoi.openapi.plan.operations import METHODS
from borzoi.openapi.plan.schemas import UNDECLARED
from borzoi.openapi.plan.values import ANY, ListOf, MapOf, OneOf, walk
document = open_document(sys.argv[1], root=sys.argv[2])
items = [child.resolved().value for _, child in document.root.child("paths").items()]
items = [item for item in items if isinstance(item, dict)]
declared = sum(len(set(METHODS) & set(item)) + len(item.get("additionalOperations", {})) for item in items)
package = build_plan(document)
types = [field.type for model in package.models.values() for field in model.fields]
types += [each for model in package.models.values() for each in model.members]
types += [model.type for model in package.models.values() if model.kind == "alias"]
for each in package.operations:
    types += [found.type for found in (*each.parameters, *each.bodies, *each.replies, *each.errors)]
leaves = [leaf for each in types for leaf in walk(each) if not isinstance(leaf, (ListOf, MapOf, OneOf))]
print(json.dumps([declared, len(leaves), leaves.count(ANY), package.loose, UNDECLARED]))
"""

CHECK = """
import importlib, json, pkgutil, sys, time
began = time.process_time()
package = importlib.import_module("generated")
elapsed = time.process_time() - began
from borzoi.openapi.runtime import Operation
from borzoi.openapi.runtime.libraries import decoder
operations, wrong = 0, []
for each in pkgutil.walk_packages(package.__path__, "generated."):
    try:
        module = importlib.import_module(each.name)
        values = list(vars(module).values()) if "._operations." in each.name else []
        found = [value for value in values if isinstance(value, Operation)]
        operations += len(found)
        for reply in [reply for value in found for reply in (*value.replies.values(), *value.errors.values())]:
            if callable(reply):
                decoder(reply())
    except Exception as error:
        wrong.append(f"{each.name}: {type(error).__name__}: {error}")
models = importlib.import_module("generated.models")
for name in dir(models) if hasattr(models, "_HOMES") else ():
    try:
        decoder(getattr(models, name))
    except Exception as error:
        wrong.append(f"{name}: {type(error).__name__}: {error}")
print(json.dumps([elapsed * 1000, operations, wrong]))
"""


def measured(command: list[str], folder: Path) -> tuple[float, float, str, int]:
    """Run a command; return its CPU seconds, its peak memory in MB, what it printed, and its status."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said, process.returncode


def row_of(document: Path, folder: Path, root: Path) -> list[str]:
    """Return the figures of one document."""
    name = document.name[:28]
    command = [
        sys.executable,
        "-m",
        "borzoi",
        "openapi",
        "generate",
        str(document),
        "-o",
        "generated",
        "--root",
        str(root),
    ]
    cpu, memory, said, status = measured(command, folder)
    if status:
        return [name, said.strip().splitlines()[-1][:100]]
    counted = subprocess.run(
        [sys.executable, "-c", COUNT, str(document), str(root)], capture_output=True, text=True, check=True
    )
    declared, types, untyped, loose, undeclared = json.loads(counted.stdout)
    # Where the document itself leaves open what there is, nothing is lost.
    lost = {place: reason for place, reason in loose.items() if reason != undeclared and " are declared" not in reason}
    for place, reason in lost.items():
        print(f"{name}: Any at #{place.partition('#')[2]}: {reason}")
    subprocess.run([sys.executable, "-m", "compileall", "-q", "generated"], cwd=folder, check=False)
    checked = subprocess.run([sys.executable, "-c", CHECK], cwd=folder, capture_output=True, text=True, check=True)
    milliseconds, operations, wrong = json.loads(checked.stdout)
    decoded, undecoded = examples_of(document, folder, root)
    for place, reason in undecoded.items():
        print(f"{name}: no example at #{place}: {reason}")
    files = list((folder / "generated").rglob("*.py"))
    counts = {path: path.read_text(encoding="utf-8").count("\n") for path in files}
    calls = sum(count for path, count in counts.items() if path.parent.name in ("_operations", "resources", "api"))
    models = (folder / "generated/models/__init__.py").read_text(encoding="utf-8").count(" as ")
    per_operation = f"{calls / operations:.1f}" if operations else "-"
    sound = "yes" if not wrong else f"{len(wrong)} wrong: {wrong[0][:80]}"
    return [
        name, f"{operations}/{declared}", str(models), str(len(files)), str(sum(counts.values())),
        per_operation, f"{cpu:.2f}", f"{memory:.0f}", f"{milliseconds:.0f}",
        f"{100 * untyped / types:.1f} %" if types else "-", str(len(lost)),
        f"{decoded}/{decoded + len(undecoded)}", sound, *peer(document, folder),
    ]  # fmt: skip


def examples_of(document: Path, folder: Path, root: Path) -> tuple[int, dict[str, str]]:
    """Return how many examples are values of the types that were generated for them, and why the others are not."""
    found = subprocess.run(
        [sys.executable, "-m", "scripts.openapi_examples", str(document), str(root)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    decoded, undecoded = json.loads(found.stdout)
    return decoded, undecoded


def peer(document: Path, folder: Path) -> list[str]:
    """Return what openapi-python-client needs for a document, how many of its operations it makes, and what it says."""
    if not PEER.exists():
        return ["not installed", "", "", ""]
    settings = folder / "peer.json"
    settings.write_text(json.dumps({"post_hooks": []}))
    command = [
        "prlimit", f"--cpu={PEER_LIMIT}", str(PEER), "generate", "--path", str(document), "--meta", "none",
        "--output-path", "peer", "--config", str(settings),
    ]  # fmt: skip
    cpu, memory, said, status = measured(command, folder)
    made = [path for path in (folder / "peer").rglob("api/*/*.py") if path.name != "__init__.py"]
    figures = [f"{cpu:.2f}", f"{memory:.0f}"]
    if status and not made:
        return [*figures, "failed", reason_of(said) or f"status {status}"]
    return [*figures, str(len(made)), reason_of(said)]


def reason_of(said: str) -> str:
    """Return what a generator says of a document that it cannot take whole: the first of its reasons."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    warnings = [index for index, line in enumerate(lines) if line.startswith("WARNING")]
    if warnings:
        reason = lines[warnings[0] + 1] if warnings[0] + 1 < len(lines) else lines[warnings[0]]
        return f"{len(warnings)} warnings: {reason[:70]}"
    for index, line in enumerate(lines):
        if re.match(r"\d+ validation errors?", line):
            return " ".join(lines[index + 1 : index + 3])[:90]
        if line.startswith(("Failed", "Unable", "Circular")):
            following = lines[index + 1] if index + 1 < len(lines) else ""
            if not re.match(r"\d+ validation errors?", following):
                return f"{line} {following}"[:90].strip()
    return lines[-1][:90] if lines and lines[0] != "Generating peer" else ""


def checked(found: list[Path], root: Path) -> int:
    """Run type checkers on the packages of all documents, in all libraries of models, and return the worst status."""
    worst = 0
    with tempfile.TemporaryDirectory() as place:
        for document in found:
            for library in ("msgspec", "pydantic", "dataclass"):
                name = re.sub(r"\W", "_", f"{document.stem}_{library}")
                command = [sys.executable, "-m", "borzoi", "openapi", "generate", str(document), "-q", "-o", name]
                subprocess.run([*command, "--models", library, "--root", str(root)], cwd=place, check=True)
        settings = {"typeCheckingMode": "strict", "reportMissingModuleSource": False}
        (Path(place) / "pyrightconfig.json").write_text(json.dumps(settings))
        for tool in (["mypy", "--strict", "."], ["pyright", "--pythonpath", sys.executable]):
            worst = max(worst, subprocess.run([sys.executable, "-m", *tool], cwd=place, check=False).returncode)
    return worst


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


def main(arguments: list[str] | None = None) -> int:
    """Print the table; the status is 1 if a document was refused or an operation lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "tests/data/openapi")
    parser.add_argument("--types", action="store_true", help="Run mypy --strict and pyright strict on all packages.")
    parser.add_argument("--only", default="", metavar="TEXT", help="Only the documents that have this in their names.")
    parser.add_argument("--record", action="store_true", help="Write what depends on no machine to the page.")
    options = parser.parse_args(arguments)
    folder: Path = options.folder
    found = [each for each in documents(folder.resolve()) if options.only in each.name]
    if options.types:
        return checked(found, folder.resolve())
    rows: list[list[str]] = []
    began = time.monotonic()
    for document in found:
        with tempfile.TemporaryDirectory() as place:
            rows.append(row_of(document, Path(place), folder.resolve()))
        print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    print_table(rows)
    print(f"{len(rows)} documents in {time.monotonic() - began:.0f} s")
    if options.record:
        record(rows)
    changed = differences(rows)
    for each in changed:
        print(f"{PAGE.name} says otherwise of {each}; --record writes it")
    return 0 if all(is_whole(row) for row in rows) and not changed else 1


def is_whole(row: list[Any]) -> bool:
    """Tell whether a document was generated without loss."""
    return len(row) == len(HEAD) and len(set(row[1].split("/"))) == 1 and row[HEAD.index("sound")] == "yes"


# The page.

_ROWS = re.compile(r"(?s)(?<=<!-- rows -->\n).*?(?=<!-- end of rows -->)")


def page_row(row: list[str]) -> str:
    """Return a row of the table in Markdown; a document that was refused has its reason."""
    cells = [row[HEAD.index(name)] for name in RECORDED] if len(row) == len(HEAD) else row
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def recorded() -> dict[str, str]:
    """Return the rows of the page by their documents."""
    found = _ROWS.search(PAGE.read_text(encoding="utf-8"))
    rows = found[0].splitlines()[2:] if found else []
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


def differences(rows: list[list[str]]) -> list[str]:
    """Return the documents of which the page says otherwise; what the peer does is compared where it is installed."""
    known = recorded()
    kept = len(RECORDED) if PEER.exists() else len(RECORDED) - 1
    # The page has the documents of one folder: another may have more.
    pairs = [(row[0], page_row(row), known[row[0]]) for row in rows if row[0] in known]
    return [name for name, mine, there in pairs if mine.split(" | ")[:kept] != there.split(" | ")[:kept]]


def record(rows: list[list[str]]) -> None:
    """Put rows into the page, beside those of documents that were not looked at."""
    merged = {**recorded(), **{row[0]: page_row(row) for row in rows}}
    head = [f"| {' | '.join(RECORDED)} |", f"|{'---|' * len(RECORDED)}"]
    text = "\n".join([*head, *[merged[name] for name in sorted(merged)], ""])
    PAGE.write_text(_ROWS.sub(lambda _: text, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def print_table(rows: list[list[str]]) -> None:
    """Print rows in columns."""
    full = [list(HEAD), *[row + [""] * (len(HEAD) - len(row)) for row in rows]]
    widths = [max(len(row[index]) for row in full if row[2]) for index in range(len(HEAD))]
    for row in full:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
