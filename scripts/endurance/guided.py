"""One target under atheris, in a process of its own.

    python -m scripts.endurance.guided TARGET FINDINGS SEEDS [options of libFuzzer]

What raises is written to FINDINGS, once for each place that it was raised at, and the run goes on. SEEDS is a folder
that the seeds are written to.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

INSTRUMENTED = ["borzoi", "tests.fuzz"]
"""What coverage is counted in: of a writer, which has few ways of its own, in what an input is made a form by, too."""


def main() -> None:
    """Run a target until libFuzzer has had enough, which ends the process."""
    atheris: Any = importlib.import_module("atheris")
    name, folder, seeded, *options = sys.argv[1:]
    with atheris.instrument_imports(include=INSTRUMENTED):
        targets: Any = importlib.import_module("tests.fuzz.targets")
        seeds: list[bytes] = targets.begun_with(name)
        run: Any = targets.TARGETS[name].run
        # What is imported at its first use is then imported here.
        for seed in seeds:
            watched(run, seed, Path(folder))
            Path(seeded, hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    atheris.Setup([sys.argv[0], *options], lambda data: watched(run, data, Path(folder)))
    atheris.Fuzz()


def watched(run: Any, data: bytes, folder: Path) -> None:
    """Run a target, and keep what breaks it."""
    try:
        run(data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        keep(error, data, folder)


def keep(error: Exception, data: bytes, folder: Path) -> None:
    """Write down the first or shortest input that led somewhere, and of each other that this was found again."""
    text = "".join(traceback.format_exception(error))
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__}-{Path(last.filename).stem}-{last.lineno}"
    file = folder / f"{place}-{hashlib.sha256(place.encode()).hexdigest()[:6]}.bin"
    if not file.exists() or file.stat().st_size > len(data):
        file.write_bytes(data)
        file.with_suffix(".txt").write_text(text, encoding="utf-8", errors="backslashreplace")
    else:
        file.touch()


if __name__ == "__main__":
    main()
