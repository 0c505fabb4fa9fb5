"""The blocking client under gevent's monkey patching: greenlets take their turns wherever it waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("patched", ["before", "after"])
def test_a_thousand_requests_in_a_hundred_greenlets(patched: str) -> None:
    """All are answered, over as many connections as there may be, whether gevent patches before or after the import."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.backends.gevent_program", patched],
        capture_output=True,
        text=True,
        timeout=50,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "answered": 1000,
        "opened": 20,
        "lookups": 1,
        "busy": 0,
        "tls_answered": 36,
        "tls_opened": 4,
        "failed": ["PoolTimeout", "ReadTimeout"],
        "limited": "over",
        "left": 0,
        "answered_after": "/answered",
    }
