"""Run SDKs that are built on httpx or httpx2 against Borzoi: `python -m scripts.compat --only sdks`.

Each has a module in `tests/sdks/`, which the ordinary suite does not collect. They share an environment of their own,
`.cache/compat/sdks/venv/`, where they are installed beside the libraries that they were written for.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Sequence

from scripts.compat.environment import CACHE, OURS, ROOT, run
from scripts.compat.runner import LONGEST_TEST

HOME = CACHE / "sdks" / "venv"
TESTS = ROOT / "tests" / "sdks"

LONGEST_RUN = 600
"""Seconds that all of them may take."""

SDKS = (
    "anthropic==2.12.0",
    "authlib==1.9.9",
    "fastapi==0.165.0",
    "groq==1.7.0",
    "huggingface_hub==1.33.0",
    "litellm==1.106.2",
    "mcp==2.3.0",
    "ollama==0.6.3",
    "openai==2.54.0",
    "postgrest==2.34.1",
    "starlette==1.10.0",
    "supabase==2.34.1",
)
"""The newest releases of them all, whose pins agree."""

LIBRARIES = ("httpx[brotli,http2,zstd]==0.28.1", "httpx2[brotli,http2,zstd]==2.16.2")
"""What the SDKs were written for, with the same content codings as Borzoi."""


def main(pytest: Sequence[str] = ()) -> int:
    """Run all of them, and return 1 if anything failed. Arguments go to pytest."""
    python = str(HOME / "bin" / "python")
    _install(python)
    print(f"sdks: {' '.join(SDKS)}", flush=True)
    # Without the settings and fixtures of our own suite, which need its tools.
    command = [python, "-m", "pytest", "-q", "-c", str(TESTS / "pytest.ini"), "--rootdir", str(TESTS)]
    command += ["--noconftest", "-p", "no:cacheprovider", "-p", "tests.sdks.table"]
    command += ["--timeout", str(2 * LONGEST_TEST), *(pytest or [str(TESTS)])]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, timeout=LONGEST_RUN, check=False
    )
    return 1 if done.returncode else 0


def _install(python: str) -> None:
    wanted = (*OURS, "pytest", "trio", *LIBRARIES, *SDKS)
    marker = HOME / "requirements.txt"
    # Installing takes minutes, so that it is done anew only where what is installed may differ.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = "\n".join((sys.version, *wanted, repr(project)))
    if marker.exists() and marker.read_text(encoding="utf-8") == text:
        return
    run([sys.executable, "-m", "venv", "--clear", str(HOME)])
    run([python, "-m", "pip", "install", "--quiet", *wanted])
    marker.write_text(text, encoding="utf-8")
