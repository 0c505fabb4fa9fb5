"""Measure Borzoi and its peers, and print ratios.

    python -m benchmarks [--targets | --short] [--rounds N] [--only WORDS] [--before CHECKOUT]

Every row is a kind of work. The clients take turns, round after round, each in a process of its own pinned to one core,
the server pinned to another. A figure is the median, over the rounds, of our CPU time for each request divided by the
peer's in the same round: below 1 we use less. A whole run writes benchmarks/RESULTS.md, results.json and plots/.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .bounds import concerned
from .measuring import Bench, machine, versions
from .report import document
from .rows import SHORT, Row, all_rows
from .server import Server
from .targets import all_targets

HERE = Path(__file__).parent


def parse() -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Borzoi and its peers.")
    parser.add_argument("--short", action="store_true", help="two rows, three rounds, nothing written")
    parser.add_argument("--targets", action="store_true", help="the rows of the table of targets only, nothing written")
    parser.add_argument("--rounds", type=int, help="how often each client has its turn (7; of the targets alone 5)")
    parser.add_argument("--only", default="", help="only the rows whose title contains this, nothing written")
    parser.add_argument("--before", metavar="CHECKOUT", help="measure another checkout of Borzoi, too")
    parser.add_argument("--granian", action="store_true", help="against granian, as where there is no nginx")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (3 if arguments.short else 5 if arguments.targets else 7)
    return arguments


def chosen(arguments: argparse.Namespace) -> list[Row]:
    """Return the rows that the arguments ask for."""
    rows = [row for row in all_rows() if arguments.only in row.title]
    if arguments.short:
        rows = [row for row in rows if row.title in SHORT]
    if arguments.targets or arguments.short:
        rows = [row for row in rows if concerned(row.title)]
        for row in rows:
            row.clients = tuple([client for client in row.clients if client in concerned(row.title)])
    return rows


def write(rows: Sequence[Row], notes: list[str]) -> None:
    """Write the tables, the figures and the pictures."""
    from .plots import draw

    text = document(rows, notes, draw(rows, HERE / "plots"))
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    figures = {
        "notes": notes,
        "targets": [{**asdict(target), "verdict": target.verdict.strip("*")} for target in all_targets(rows)],
        "rows": [asdict(row) for row in rows],
    }
    (HERE / "results.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run what the arguments ask for."""
    arguments = parse()
    rows = chosen(arguments)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    server_core, client_core = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    began = time.monotonic()
    # What was started ends with this process, however that ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with Server(server_core, granian=arguments.granian) as server:
        bench = Bench(server, client_core, arguments.before)
        for row in rows:
            print(f"  {row.title} ...", file=sys.stderr, flush=True)
            bench.measure(row, arguments.rounds)

    minutes = (time.monotonic() - began) / 60
    notes = [
        f"{machine()}.",
        f"{server.name} on loopback; server and clients on a core each.",
        f"{arguments.rounds} rounds for what has a target, up to 3 for the rest; {minutes:.1f} minutes in all.",
        "Below 1 we use less CPU time than the other; a figure is the median of the quotients of all rounds.",
        ", ".join(f"{name} {version}" for name, version in versions().items()) + ".",
    ]
    print(document(rows, notes, []))
    if any("borzoi" in row.failed for row in rows):
        raise SystemExit("Borzoi itself failed.")
    if not (arguments.short or arguments.only or arguments.targets):
        write(rows, notes)


if __name__ == "__main__":
    main()
