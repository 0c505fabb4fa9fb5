"""What `import borzoi` costs: nothing is loaded before it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys

HEAVY = {
    "asyncio", "brotli", "certifi", "click", "concurrent.futures", "dataclasses", "datetime", "email", "gzip", "h2", "http.client",
    "http.cookiejar", "idna", "inspect", "json", "logging", "multiprocessing", "rich", "sniffio", "ssl", "subprocess", "tempfile",
    "trio", "truststore", "urllib.request", "uvloop",
}  # fmt: skip
"""Each is imported at its first use, or never."""

LIMIT_MS = 30

SCRIPT = """
import json, sys, time
before = set(sys.modules)
began = time.process_time()
import borzoi
elapsed = time.process_time() - began
print(json.dumps([elapsed * 1000, sorted(set(sys.modules) - before)]))
"""


def _import_anew() -> tuple[float, set[str]]:
    # With compiled modules, as after an installation: what is measured is importing, not compiling.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    elapsed, loaded = json.loads(done.stdout)
    return elapsed, set(loaded)


def test_import_loads_nothing_heavy() -> None:
    """`import borzoi` loads no TLS, no event loop, no terminal library, and none of the slow parts of the standard library."""
    _, loaded = _import_anew()

    assert "borzoi" in loaded
    assert loaded & HEAVY == set()


def test_import_is_fast() -> None:
    """`import borzoi` takes less than 30 ms of the processor: the least of ten, as a busy machine only ever adds."""
    assert min(_import_anew()[0] for _ in range(10)) < LIMIT_MS
