"""`make fuzz-guided ARGS="--runs 10000 --target url"`: the targets of tests/fuzz under atheris, in one table.

Each target gets a process, with limits of time and memory for one input; two run at once. The corpora that grow are in
`.cache/fuzz-corpus`, what breaks a target is in `.cache/fuzz-findings`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .record import ROOT, record

SHARES = {
    "url": 12, "http1": 12, "http2": 5, "hpack": 12, "sse": 13, "websocket": 13, "cookies": 8, "digest": 10,
    "decoders": 12, "multipart": 3, "openapi": 1, "client": 2,
}  # fmt: skip
"""The targets, and how many inputs in a hundred each is given: those that take longest get the fewest."""
TOTAL = 10_000_000
"""What the scoreboard asks for: `--total` without a number."""
SECONDS_PER_INPUT = 20
"""A hang: on a busy machine the slowest input takes half a second."""
MEMORY = 1024
"""MiB that a process may have."""
LONGEST = 4096
MEASURE = "fuzzed input"
_writing = threading.Lock()


class Run(NamedTuple):
    """What came of a target."""

    target: str
    inputs: int
    findings: int
    seconds: float
    problem: str = ""

    @property
    def row(self) -> str:
        """The line of the table."""
        rate = self.inputs / self.seconds if self.seconds else 0
        return f"{self.target:<12}{self.inputs:>12,}{self.findings:>10}{rate:>12,.0f}  {self.problem}".rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the targets. Returns 1 where anything was found."""
    parser = argparse.ArgumentParser(prog="make fuzz-guided", description="Fuzz by coverage.")
    parser.add_argument("--runs", type=int, default=10_000, help="inputs for each target")
    parser.add_argument("--total", type=int, nargs="?", const=TOTAL, help="inputs in all, in their shares")
    parser.add_argument("--seconds", type=int, default=0, help="seconds for each target at most; 0: no bound")
    parser.add_argument("--target", action="append", choices=SHARES, help="a target; all of them by default")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS", "2")), help="how many at once")
    options = parser.parse_args(arguments)

    def one(target: str) -> Run:
        runs = options.runs if options.total is None else options.total * SHARES[target] // sum(SHARES.values())
        return run(target, runs, options.seconds)

    with ThreadPoolExecutor(options.jobs) as workers:
        runs = list(workers.map(one, options.target or SHARES))
    print(f"{'target':<12}{'inputs':>12}{'findings':>10}{'inputs/s':>12}")
    for found in runs:
        print(found.row)
    print(f"{'all':<12}{sum(found.inputs for found in runs):>12,}{sum(found.findings for found in runs):>10}")
    return 1 if any(found.findings for found in runs) else 0


def run(target: str, runs: int, seconds: int) -> Run:
    """Run one target."""
    corpus, seeds, findings = (folder(kind, target) for kind in ("fuzz-corpus", "fuzz-seeds", "fuzz-findings"))
    before = kept(findings)
    limits = [f"-runs={runs}", f"-max_total_time={seconds}", f"-timeout={SECONDS_PER_INPUT}", f"-rss_limit_mb={MEMORY}"]
    command = [
        sys.executable,
        "-m",
        "scripts.endurance.guided",
        target,
        str(findings),
        str(seeds),
        str(corpus),
        str(seeds),
    ]
    command += [*limits, f"-max_len={LONGEST}", f"-artifact_prefix={findings}/", "-print_final_stats=0", "-verbosity=1"]
    log = ROOT / ".cache" / f"fuzz-{target}.log"
    with log.open("wb") as output:
        done = subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
    new = dict(kept(findings).items() - before.items())
    told = log.read_text(encoding="utf-8", errors="replace")
    inputs, took = counted(told)
    problem = "" if done.returncode == 0 else f"ended with {done.returncode}: see {log.relative_to(ROOT)}"
    found = Run(target, inputs, len(new) or int(bool(problem)), took, problem)
    with _writing:
        record(MEASURE, target, found.inputs, found.findings)
    return found


def folder(kind: str, target: str) -> Path:
    """Return a folder of a target below .cache."""
    place = ROOT / ".cache" / kind / target
    place.mkdir(parents=True, exist_ok=True)
    return place


def kept(findings: Path) -> dict[Path, int]:
    """Return what was found, with when it was found last: what is found again counts as what is found first."""
    return {path: path.stat().st_mtime_ns for path in findings.iterdir() if path.suffix != ".txt"}


def counted(log: str) -> tuple[int, float]:
    """Return how many inputs there were, and the seconds they took, as libFuzzer's last words or its last line say."""
    done = re.search(r"Done (\d+) runs in (\d+) second", log)
    if done:
        return int(done[1]), float(max(1, int(done[2])))
    lines = re.findall(r"^#(\d+)\s.*?exec/s: (\d+)", log, re.MULTILINE)
    if not lines:
        return 0, 0.0
    inputs, rate = (int(digits) for digits in lines[-1])
    return inputs, inputs / rate if rate else 0.0


if __name__ == "__main__":
    raise SystemExit(main())
