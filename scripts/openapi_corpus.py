"""`make openapi-corpus`: what becomes of each document of a folder, beside openapi-python-client where it is installed.

    python -m scripts.openapi_corpus [FOLDER] [--types]

A row has the operations that were generated and those of the document, the models, the lines, the lines of an operation
in the layer of calls, CPU seconds and peak memory of the command, the time of an import, how many replies in JSON have
Any somewhere, how many types were declared and are Any all the same (each is printed by its pointer, with the reason),
and whether every module imports and every decoder builds. openapi-python-client is looked for in
`.cache/openapi-python-client`.
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
    "Any/replies",
    "lost",
    "sound",
    "peer CPU s",
    "peer ops",
)

COUNT = """
import json, sys
from borzoi.openapi.document import open_document
from borzoi.openapi.plan import build_plan
from borzoi.openapi.plan.operations import METHODS
from borzoi.openapi.plan.schemas import UNDECLARED
from borzoi.openapi.plan.values import ANY, walk
document = open_document(sys.argv[1], root=sys.argv[2])
items = [child.resolved().value for _, child in document.root.child("paths").items()]
items = [item for item in items if isinstance(item, dict)]
declared = sum(len(set(METHODS) & set(item)) + len(item.get("additionalOperations", {})) for item in items)
package = build_plan(document)
replies = [reply.type for each in package.operations for reply in each.replies if reply.kind == "json"]
untyped = sum(ANY in walk(each) for each in replies)
print(json.dumps([declared, len(replies), untyped, package.loose, UNDECLARED]))
"""

CHECK = """
import importlib, json, pkgutil, sys, time
began = time.perf_counter()
package = importlib.import_module("generated")
elapsed = time.perf_counter() - began
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
    declared, replies, untyped, loose, undeclared = json.loads(counted.stdout)
    # Where the document itself leaves open what there is, nothing is lost.
    lost = {place: reason for place, reason in loose.items() if reason != undeclared and " are declared" not in reason}
    for place, reason in lost.items():
        print(f"{name}: Any at #{place.partition('#')[2]}: {reason}")
    subprocess.run([sys.executable, "-m", "compileall", "-q", "generated"], cwd=folder, check=False)
    checked = subprocess.run([sys.executable, "-c", CHECK], cwd=folder, capture_output=True, text=True, check=True)
    milliseconds, operations, wrong = json.loads(checked.stdout)
    files = list((folder / "generated").rglob("*.py"))
    counts = {path: path.read_text(encoding="utf-8").count("\n") for path in files}
    calls = sum(count for path, count in counts.items() if path.parent.name in ("_operations", "resources", "api"))
    models = (folder / "generated/models/__init__.py").read_text(encoding="utf-8").count(" as ")
    per_operation = f"{calls / operations:.1f}" if operations else "-"
    sound = "yes" if not wrong else f"{len(wrong)} wrong: {wrong[0][:80]}"
    return [
        name, f"{operations}/{declared}", str(models), str(len(files)), str(sum(counts.values())),
        per_operation, f"{cpu:.2f}", f"{memory:.0f}", f"{milliseconds:.0f}",
        f"{untyped}/{replies}", str(len(lost)), sound, *peer(document, folder),
    ]  # fmt: skip


def peer(document: Path, folder: Path) -> list[str]:
    """Return what openapi-python-client needs for a document, and how many of its operations it generates."""
    if not PEER.exists():
        return ["not installed", ""]
    command = [str(PEER), "generate", "--path", str(document), "--meta", "none", "--output-path", "peer"]
    settings = folder / "peer.json"
    settings.write_text(json.dumps({"post_hooks": []}))
    cpu, _, _, status = measured([*command, "--config", str(settings)], folder)
    made = [path for path in (folder / "peer").rglob("api/*/*.py") if path.name != "__init__.py"]
    return [f"{cpu:.2f}", str(len(made)) if status == 0 or made else "failed"]


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
    options = parser.parse_args(arguments)
    folder: Path = options.folder
    if options.types:
        return checked(documents(folder.resolve()), folder.resolve())
    rows: list[list[str]] = []
    began = time.monotonic()
    for document in documents(folder.resolve()):
        with tempfile.TemporaryDirectory() as place:
            rows.append(row_of(document, Path(place), folder.resolve()))
        print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    print_table(rows)
    print(f"{len(rows)} documents in {time.monotonic() - began:.0f} s")
    return 0 if all(is_whole(row) for row in rows) else 1


def is_whole(row: list[Any]) -> bool:
    """Tell whether a document was generated without loss."""
    return len(row) == len(HEAD) and len(set(row[1].split("/"))) == 1 and row[HEAD.index("sound")] == "yes"


def print_table(rows: list[list[str]]) -> None:
    """Print rows in columns."""
    full = [list(HEAD), *[row + [""] * (len(HEAD) - len(row)) for row in rows]]
    widths = [max(len(row[index]) for row in full if row[2]) for index in range(len(HEAD))]
    for row in full:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
