"""How the time of a piece of work grows with its size, told on a machine that others use at the same time."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

ROUNDS = 15


def is_linear(work: Callable[[int], Callable[[], object]], size: int) -> bool:
    """Return whether four times `size` takes about four times as long: what is quadratic takes sixteen times.

    `work(size)` prepares, and what it returns is timed. Noise only ever adds, so the best of each size counts, and both
    take turns until they show it or the rounds are used up.
    """
    short, long = work(size), work(4 * size)
    least = most = float("inf")
    for _ in range(ROUNDS):
        least, most = min(least, processor_time(short)), min(most, processor_time(long))
        if most < 8 * least + 0.002:
            return True
    return False


def allowed(seconds: float) -> float:
    """Return how long what takes `seconds` may take here: what watches each line (coverage) makes it several times slower."""
    return seconds if sys.gettrace() is None else 4 * seconds


def processor_time(work: Callable[[], object]) -> float:
    """Return the seconds of processor time that `work` takes, without passes of the garbage collector."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        if was_enabled:
            gc.enable()
