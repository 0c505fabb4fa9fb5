"""Run the calls of a module both ways, and say what differs: `assert_same(calls, name)`.

What may differ is in `differences.py`, with a sentence each. A call may differ in no other place, and what is listed has
to differ in one call at least.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tests.sdks.calls import Calls
from tests.sdks.differences import DIFFERENCES, Difference
from tests.sdks.seen import Data

ROOT = Path(__file__).resolve().parents[2]

LONGEST = 100
"""Seconds that all calls of a module may take."""

QUIET = {
    "ANTHROPIC_LOG": "",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "NO_COLOR": "1",
    "PYTHONHASHSEED": "0",
}
"""What keeps SDKs from asking others, and from drawing."""

MISSING = "nothing"
"""What stands for what only one of the two has."""


def assert_same(calls: Calls, module: str, name: str) -> None:
    """Raise AssertionError if a call differs in anything that is not listed."""
    own, ours = outcomes(module)
    sdk = module.removeprefix("with_")
    found = list(differing(own[name], ours[name]))
    found = [each for each in found if not any(entry.covers(sdk, name, each) for entry in DIFFERENCES)]
    assert not found, "\n".join(f"{path}\n    own: {theirs}\n    ours: {mine}" for path, theirs, mine in found)


Found = tuple[str, str, str]
"""The path to a value, what it is on the SDK's own library, and what on Borzoi."""


def differing(own: Data, ours: Data, path: str = "") -> Iterator[Found]:
    """Yield the places in which two outcomes differ."""
    if isinstance(own, dict) and isinstance(ours, dict):
        for key in [*own, *(key for key in ours if key not in own)]:
            yield from differing(own.get(key, MISSING), ours.get(key, MISSING), f"{path}/{key}")
    elif isinstance(own, list) and isinstance(ours, list) and len(own) == len(ours):
        for place, (theirs, mine) in enumerate(zip(own, ours, strict=True)):
            yield from differing(theirs, mine, f"{path}/{place}")
    elif type(own) is not type(ours) or own != ours:
        yield path, json.dumps(own), json.dumps(ours)


@cache
def outcomes(module: str) -> tuple[dict[str, Data], dict[str, Data]]:
    """Return what came of the calls of a module, on the SDK's own library and on Borzoi."""
    with tempfile.TemporaryDirectory(prefix="borzoi-sdks-") as scratch:
        running = [_start(module, library, Path(scratch, library)) for library in ("own", "alias")]
        own, ours = (_finished(each) for each in running)
    assert set(own["libraries"].values()) == {"own"}, own["libraries"]
    assert set(ours["libraries"].values()) == {"alias"}, ours["libraries"]
    return own["outcomes"], ours["outcomes"]


def _start(module: str, library: str, home: Path) -> subprocess.Popen[str]:
    home.mkdir()
    environment = {"PATH": os.defpath, "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sdks.child", module, library],
        cwd=home,
        env=environment | QUIET,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finished(process: subprocess.Popen[str]) -> Data:
    try:
        said, complained = process.communicate(timeout=LONGEST)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, complained
    return json.loads(said.splitlines()[-1])


def row(calls: Calls, module: str) -> tuple[str, ...]:
    """Return what there is to say of an SDK: its release, how many calls were compared, how many were equal."""
    found = all_differing(module)
    sdk = module.removeprefix("with_")
    used = [entry.name for entry in DIFFERENCES if _is_used(entry, sdk, found)]
    equal = sum(not each for each in found.values())
    releases = ", ".join(f"{name} {version(name)}" for name in calls.distributions)
    return releases, str(len(found)), str(equal), "; ".join(dict.fromkeys(used))


def unused(modules: Sequence[str]) -> list[Difference]:
    """Return what is listed and differs in no call of these modules."""
    found = {module.removeprefix("with_"): all_differing(module) for module in modules}
    return [entry for entry in DIFFERENCES if not any(_is_used(entry, sdk, found[sdk]) for sdk in found)]


def all_differing(module: str) -> dict[str, list[Found]]:
    """Return the places in which each call of a module differs, those that are listed too."""
    own, ours = outcomes(module)
    return {name: list(differing(own[name], ours[name])) for name in own}


def _is_used(entry: Difference, sdk: str, found: dict[str, list[Found]]) -> bool:
    return any(entry.covers(sdk, name, each) for name, places in found.items() for each in places)
