"""`make openapi-corpus`: what becomes of each document of a folder, beside openapi-python-client in the same run.

    python -m scripts.openapi_corpus [FOLDER] [--types] [--only TEXT] [--record]

A row has the operations that were generated and those of the document, the models, the lines, the lines of an operation
in the layer of calls, CPU seconds and peak memory of the command, the CPU time of an import, the share of types that
are Any, how many types were declared and are Any all the same, the share of bodies that are bytes or text though
another type is declared, how many examples decode, of all, and whether every module imports and every decoder builds.
openapi-python-client is looked for in `.cache/openapi-python-client`, where `make openapi-corpus` installs it. What
does not depend on the machine is compared with `docs/openapi-corpus.md`, and the examples that do not decode with
`docs/openapi-examples.md`; `--record` writes both.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from scripts import openapi_types
from scripts.openapi_documents import PAGE, ROOT, documents, label, read, written
from scripts.openapi_refused import PAGE as EXAMPLES
from scripts.openapi_refused import Refused, failures, is_outdated
from scripts.openapi_refused import record as record_refused

PEER = ROOT / ".cache" / "openapi-python-client" / "bin" / "openapi-python-client"
PEER_LIMIT = 300
"""CPU seconds that the other generator has for a document."""

HEAD = (
    "document", "operations", "models", "files", "lines", "lines/op", "CPU s", "MB", "import ms", "Any", "lost", "raw",
    "examples", "sound", "peer CPU s", "peer MB", "peer ops", "what the peer says",
)  # fmt: skip
RECORDED = ("document", "operations", "models", "lines/op", "Any", "lost", "raw", "examples", "sound", "peer ops")
"""What is the same on every machine."""

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


class Result(NamedTuple):
    """Say what became of a document."""

    row: list[str]
    exceptions: dict[str, list[str]]
    """What is Any or raw though a type is declared: by the reason the places."""

    refused: list[Refused]
    """The examples that do not decode."""


def result_of(document: Path, folder: Path, root: Path) -> Result:
    """Generate the client of a document and look at it from all sides."""
    name = label(document, root)
    place = [str(document), str(root)]
    options = ["openapi", "generate", place[0], "-o", "generated", "--root", place[1]]
    cpu, memory, said, status = measured([sys.executable, "-m", "borzoi", *options], folder)
    if status:
        return Result([name, said.strip().splitlines()[-1][:100]], {}, [])
    declared, types, untyped, bodies, raw_bodies, lost, raw = told("scripts.openapi_counts", *place, folder=folder)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "generated"], cwd=folder, check=False)
    checked = subprocess.run([sys.executable, "-c", CHECK], cwd=folder, capture_output=True, text=True, check=True)
    milliseconds, operations, wrong = json.loads(checked.stdout)
    examples, undecoded = told("scripts.openapi_examples", *place, folder=folder)
    counts = {path: path.read_text(encoding="utf-8").count("\n") for path in (folder / "generated").rglob("*.py")}
    calls = sum(count for path, count in counts.items() if path.parent.name in ("_operations", "resources", "api"))
    models = (folder / "generated/models/__init__.py").read_text(encoding="utf-8").count(" as ")
    per_operation = f"{calls / operations:.1f}" if operations else "-"
    sound = "yes" if not wrong else f"{len(wrong)} wrong: {wrong[0][:80]}"
    row = [
        name, f"{operations}/{declared}", str(models), str(len(counts)), str(sum(counts.values())),
        per_operation, f"{cpu:.2f}", f"{memory:.0f}", f"{milliseconds:.0f}",
        share(untyped, types), str(len(lost)), share(raw_bodies, bodies),
        f"{examples - len(undecoded)}/{examples}", sound, *peer(document, folder),
    ]  # fmt: skip
    return Result(row, by_reason({**lost, **raw}), [Refused(*each) for each in undecoded])


def share(count: int, total: int) -> str:
    """Return a share of all in percent, to one digit."""
    return f"{100 * count / total:.1f} %" if total else "-"


def by_reason(found: dict[str, str]) -> dict[str, list[str]]:
    """Return places by the reasons that they have."""
    reasons = sorted(set(found.values()))
    return {reason: sorted(place for place, each in found.items() if each == reason) for reason in reasons}


def told(module: str, *arguments: str, folder: Path) -> Any:
    """Run a module where a package was generated, and return what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


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


def main(arguments: list[str] | None = None) -> int:
    """Print the table; the status is 1 if a document was refused, an operation lost, or a page says otherwise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "tests/data/openapi")
    parser.add_argument("--types", action="store_true", help="Run mypy --strict and pyright strict on all packages.")
    parser.add_argument("--only", default="", metavar="TEXT", help="Only the documents that have this in their paths.")
    parser.add_argument("--record", action="store_true", help="Write what depends on no machine to the pages.")
    options = parser.parse_args(arguments)
    root: Path = options.folder.resolve()
    if options.types:
        return openapi_types.main([str(root), "--only", options.only, *(["--record"] if options.record else [])])
    results: list[Result] = []
    began = time.monotonic()
    for document in [each for each in documents(root) if options.only in str(each.relative_to(root))]:
        with tempfile.TemporaryDirectory() as place:
            results.append(result_of(document, Path(place), root))
        print("  ".join(results[-1].row), file=sys.stderr, flush=True)
    print_table([each.row for each in results])
    print(f"{len(results)} documents in {time.monotonic() - began:.0f} s")
    if options.record:
        record(results)
    wrong = [*faults(results), *differences(results)]
    print("".join(f"{each}\n" for each in wrong), end="")
    return 0 if all(is_whole(each.row) for each in results) and not wrong else 1


def is_whole(row: list[str]) -> bool:
    """Tell whether a document was generated without loss."""
    return len(row) == len(HEAD) and len(set(row[1].split("/"))) == 1 and row[HEAD.index("sound")] == "yes"


def faults(results: list[Result]) -> Iterator[str]:
    """Yield what is wrong with the examples of documents: those that are refused without a reason."""
    for each in results:
        yield from (f"{each.row[0]}: {fault}" for fault in failures(each.row[0], each.refused))


# The pages.


def page_row(row: list[str]) -> str:
    """Return a row of the table in Markdown; a document that was refused has its reason."""
    cells = [row[HEAD.index(name)] for name in RECORDED] if len(row) == len(HEAD) else row
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def name_of(row: str) -> str:
    """Return the document of a row in Markdown."""
    return row.partition(" | ")[0].removeprefix("| ")


def table_of(name: str) -> str:
    """Return which table a document is in: those of a tree of folders have one of their own."""
    return "tree" if "/" in name else "rows"


def exceptions_of(result: Result) -> list[str]:
    """Return what the page has of the exceptions of a document."""
    lines = [result.row[0]] if result.exceptions else []
    for reason, places in result.exceptions.items():
        lines += [f"  {reason}", *(f"      {place}" for place in places)]
    return lines


def recorded_exceptions() -> dict[str, list[str]]:
    """Return the exceptions on the page by their documents."""
    found: dict[str, list[str]] = {}
    for line in [each for each in read("exceptions") if not each.startswith("```")]:
        name = next(reversed(found)) if line.startswith(" ") else line
        found.setdefault(name, []).append(line)
    return found


def differences(results: list[Result]) -> Iterator[str]:
    """Yield the documents of which the pages say otherwise; the peer is compared where it is installed."""
    known = {name_of(row): row for part in ("rows", "tree") for row in read(part)[2:]}
    kept = len(RECORDED) if PEER.exists() else len(RECORDED) - 1
    exceptions = recorded_exceptions()
    # The page has the documents of one folder: another may have more.
    for each in [each for each in results if each.row[0] in known]:
        name = each.row[0]
        if page_row(each.row).split(" | ")[:kept] != known[name].split(" | ")[:kept]:
            yield f"{PAGE.name} says otherwise of {name}; --record writes it"
        if exceptions.get(name, []) != exceptions_of(each):
            yield f"{PAGE.name} says otherwise of the exceptions of {name}; --record writes them"
        if is_outdated(name, each.refused):
            yield f"{EXAMPLES.name} says otherwise of {name}; --record writes it"


def record(results: list[Result]) -> None:
    """Put results into the pages, beside those of documents that were not looked at."""
    for part in ("rows", "tree"):
        mine = {each.row[0]: page_row(each.row) for each in results if table_of(each.row[0]) == part}
        merged = {**{name_of(row): row for row in read(part)[2:]}, **mine}
        head = [f"| {' | '.join(RECORDED)} |", f"|{'---|' * len(RECORDED)}"]
        written(part, [*head, *[merged[name] for name in sorted(merged)]])
    exceptions = {**recorded_exceptions(), **{each.row[0]: exceptions_of(each) for each in results}}
    written("exceptions", ["```text", *[line for name in sorted(exceptions) for line in exceptions[name]], "```"])
    record_refused({each.row[0]: each.refused for each in results})


def print_table(rows: list[list[str]]) -> None:
    """Print rows in columns."""
    full = [list(HEAD), *[row + [""] * (len(HEAD) - len(row)) for row in rows]]
    widths = [max(len(row[index]) for row in full if row[2]) for index in range(len(HEAD))]
    for row in full:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
