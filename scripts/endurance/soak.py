"""`make soak ARGS="--minutes 10"`: a mixed load over all worlds, and whether anything grows.

Something grows where the median of the last quarter of the samples is above that of the second quarter by more than the
second quarter varies: for memory by 1 MiB and one in a hundred at least. The first quarter warms up.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import multiprocessing
import statistics
import time
from collections.abc import Generator, Sequence
from typing import Any

from .record import record

MEASURE, PART = "soak", "minutes"
TARGET = 20
"""Minutes in all."""
FEWEST = 16
"""Rounds, of which a quarter is enough to have a median."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it. Returns 1 where anything grows, or is left behind."""
    parser = argparse.ArgumentParser(prog="make soak", description="Run a mixed load, and see what grows.")
    parser.add_argument("--minutes", type=float, default=float(TARGET), help="how long")
    parser.add_argument("--things", type=int, default=150, help="what each world does in a round")
    parser.add_argument("--seed", type=int, default=0, help="what chance begins with")
    options = parser.parse_args(arguments)

    with servers() as places:
        load: Any = importlib.import_module("tests.endurance.soaking").Soak(places, options.seed)
        samples = rounds(load, options.minutes * 60, options.things)
        left = max(each.left_tasks for each in load.loads)
        done = load.close()
    found = growth(samples) | ({"tasks": f"{left} left"} if left else {})
    print(f"{len(samples)} rounds, {sum(done.values()):,} things done: {dict(sorted(done.items()))}")
    for place in (0, len(samples) // 4, len(samples) // 2, -1):
        print(samples[place])
    for name, text in found.items():
        print(f"{name} grows: {text}")
    record(MEASURE, PART, int(options.minutes), len(found))
    return 1 if found else 0


def rounds(load: Any, seconds: float, things: int) -> list[Any]:
    """Run rounds for so long, and return what there was after each."""
    until = time.monotonic() + seconds
    samples: list[Any] = []
    while time.monotonic() < until or len(samples) < FEWEST:
        samples.append(load.round(things))
    return samples


def growth(samples: Sequence[Any]) -> dict[str, str]:
    """Return what grows, by name, and by how much."""
    quarter = len(samples) // 4
    found: dict[str, str] = {}
    for name in samples[0]._fields:
        second = [getattr(sample, name) for sample in samples[quarter : 2 * quarter]]
        before, after = statistics.median(second), statistics.median(getattr(each, name) for each in samples[-quarter:])
        noise = max(second) - min(second)
        if name == "kib":
            noise = max(noise, 1024, before / 100)
        if after - before > noise:
            found[name] = f"from {before:g} to {after:g}, and {noise:g} is noise"
    return found


@contextlib.contextmanager
def servers() -> Generator[Any, None, None]:
    """Serve in another process, so that what servers keep is not counted; give the places."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(20)
        process.kill()


def serve(pipe: Any) -> None:
    """Serve until the other end of the pipe is closed."""
    soaking: Any = importlib.import_module("tests.endurance.soaking")
    with soaking.serving() as (places, forget), contextlib.suppress(EOFError):
        pipe.send(places)
        while True:
            if pipe.poll(1.0):
                pipe.recv()
            forget()


if __name__ == "__main__":
    raise SystemExit(main())
