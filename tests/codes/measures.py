"""The measures of the scoreboard that are more than a row or a code: their targets, and what shows them, or why they are open."""

from __future__ import annotations

import json
from pathlib import Path

from .index import Code

RECORD = Path(__file__).parents[1] / "data" / "endurance.json"
"""What long runs have counted: `scripts/endurance` writes it."""

NO_FINDING = "endurance/test_commands.py::test_no_finding_is_recorded"

WANTED = {
    "flakes": "hours of a quiet machine (`make flakes`) are"
    # A repeat is the whole suite: about five minutes on two cores that do nothing else.
}
"""What measures that wait need."""


def long_run(measure: str, target: int, of_what: str, holds: str, *tests: str) -> Code:
    """Return a measure of which a part is in the suite, and which waits until as much was run as its target."""
    parts = json.loads(RECORD.read_text("utf-8")).get(measure, {}).values()
    count = sum(part["count"] for part in parts)
    asks = f"{holds}: {count:,} of {target:,} {of_what}"
    waits = (
        "" if count >= target else f"{count:,} of {target:,} were run; {WANTED.get(measure, 'more runs are')} wanted"
    )
    return Code(asks, (*tests, NO_FINDING), waits)


MEASURES: dict[str, Code] = {
    "redirects and secrets": Code("2,640 cells, 0 leaks", ("codes/test_r1.py",)),
    "bombs": Code("4 codings by 6 ways of reading, less than 12 MiB of memory", ("codes/test_d.py::TestD1",)),
    "floods": Code("less than 8 MiB, less than 1 s", ("wire/test_http2_floods.py", 46, 47, 48)),
    "linear time": Code("t(4n)/t(n) of parsers", ("wire/test_http1_fuzz.py::test_time_is_linear", "values/test_url_parser.py")),
    "cancellation": Code("at every await: 0 leaks, and the pool serves on", ("exchange/test_cancellation.py", 57)),
    "torture": Code("the n-th call of the system fails, for every n: 0 leaks", ("faults/test_torture.py",)),
    "interrupts": Code("at the n-th call of any function, for every n", ("exchange/test_interrupts.py", 63)),
    "forks, loops, threads": Code("all", ("exchange/test_fork.py", "exchange/test_loops.py", 60, 61, 62)),
    "TLS refused": Code("the whole matrix, 0 bytes of the request sent", ("codes/test_v.py::TestV1",)),
    "canaries": Code("0 in logs, reprs, exceptions and pickles", ("codes/test_d.py::TestD5", "client/test_secrets.py")),
    "fuzzed input": long_run(
        "fuzzed input", 10_000_000, "inputs, by atheris", "no other exception, no hang", "fuzz/test_targets.py",
        "wire/test_http1_fuzz.py", "wire/test_http2_fuzz.py",
    ),
    "mix-up": long_run(
        "mix-up", 1_000_000, "hostile sequences", "no response to another request", "endurance/test_mixing.py",
        "exchange/test_retry.py::test_responses_are_never_mixed_up",
    ),
    "restarts": long_run(
        "restarts", 100_000, "idempotent requests", "99.99 % succeed, no POST twice", "endurance/test_restarting.py",
        "exchange/test_retry.py",
    ),
    "soak": long_run(
        "soak", 20, "minutes", "memory, descriptors and threads level off, no task is left", "endurance/test_soaking.py",
        "exchange/test_multiplexed_soak.py",
    ),
    "flakes": long_run("flakes", 100, "repeats of the suite", "none fails", "endurance/test_commands.py"),
}  # fmt: skip
