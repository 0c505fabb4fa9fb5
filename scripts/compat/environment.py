"""What a suite runs in: its source distribution and a virtual environment of its own, below `.cache/compat/`.

Both are made once, and again when what they are made of changes. Borzoi is installed from the checkout, editable.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from scripts.compat.suites import Suite

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "compat"

OURS = ("--editable", f"{ROOT}[brotli,cli,zstd]", "pytest-timeout")
"""What every environment has besides what its suite asks for."""


def folder(suite: Suite) -> Path:
    """Return where all that belongs to a suite is."""
    return CACHE / suite.name


def python(suite: Suite) -> Path:
    """Return the interpreter of a suite's environment."""
    return folder(suite) / "venv" / "bin" / "python"


def prepare(suite: Suite) -> Path:
    """Make what is missing of a suite's source and environment, and return the folder of the source."""
    folder(suite).mkdir(parents=True, exist_ok=True)
    _install(suite)
    return _fetch(suite)


def _install(suite: Suite) -> None:
    without = [f"without {name}" for name in suite.without]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = "\n".join((sys.version, *OURS, *suite.requirements, *without, project))
    marker = folder(suite) / "venv" / "requirements.txt"
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return
    run([sys.executable, "-m", "venv", "--clear", str(folder(suite) / "venv")])
    run([str(python(suite)), "-m", "pip", "install", "--quiet", *OURS, *suite.requirements])
    if suite.without:
        run([str(python(suite)), "-m", "pip", "uninstall", "--quiet", "--yes", *suite.without])
    marker.write_text(wanted, encoding="utf-8")


def _fetch(suite: Suite) -> Path:
    source = folder(suite) / f"{suite.name.replace('-', '_')}-{suite.version}"
    if source.is_dir():
        return source

    downloads = folder(suite) / "downloads"
    shutil.rmtree(downloads, ignore_errors=True)
    wanted = f"{suite.name}=={suite.version}"
    only_source = ["--no-deps", "--no-binary", suite.name]
    run([str(python(suite)), "-m", "pip", "download", "--quiet", *only_source, "--dest", str(downloads), wanted])
    (archive,) = downloads.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder(suite), filter="data")
    return source


def run(command: Sequence[str]) -> None:
    """Run a command that has to succeed. What it says is shown only if it does not."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
