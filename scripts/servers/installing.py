"""Getting the servers and proxies: from Debian, where apt-get may be used, from PyPI into environments below `.cache/`.

None of them is started as a service. What cannot be had is named, with the reason.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "servers"

DEBIAN = {
    "nginx": "nginx-light",
    "nghttpd": "nghttp2-server",
    "h2o": "h2o",
    "caddy": "caddy",
    "tinyproxy": "tinyproxy-bin",
    "squid": "squid",
    "danted": "dante-server",
    "microsocks": "microsocks",
}
"""Commands, and the packages that have them."""

PYPI = {"origins": ("hypercorn", "uvicorn", "granian"), "mitmproxy": ("mitmproxy",)}
"""Environments, as mitmproxy does not go with the others' newer libraries."""

COMMANDS = {"origins": ("hypercorn", "uvicorn", "granian"), "mitmproxy": ("mitmdump",)}
"""What is run of them."""

NAMES = (*DEBIAN, *(name for names in COMMANDS.values() for name in names))
"""All of them."""

PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
"""Where the commands are: those of servers may be out of reach of users other than root."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""What packages ask before they start a service."""


def install(*, short: bool) -> dict[str, str]:
    """Install what is missing, and return what could not be had, each with the reason in one line.

    In short nothing of mitmproxy is downloaded, which is the one that takes minutes.
    """
    environments = [name for name in PYPI if not short or name != "mitmproxy"]
    problems: dict[str, str] = {}
    threads = [threading.Thread(target=_collect, args=(problems, name)) for name in environments]
    for thread in threads:
        thread.start()
    problems |= install_packages()
    for thread in threads:
        thread.join()
    found = commands()
    if short:
        problems.setdefault("mitmdump", "--short does not install mitmproxy")
    return {name: problems.get(name, "it was installed, and is not to be found") for name in NAMES if name not in found}


def _collect(problems: dict[str, str], environment: str) -> None:
    problems |= make_environment(environment)


def commands() -> dict[str, str]:
    """Return where the commands are that can be run."""
    found = {name: shutil.which(name, path=PATH) for name in DEBIAN}
    for environment, names in COMMANDS.items():
        folder = CACHE / environment / "bin"
        found |= {name: shutil.which(name, path=str(folder)) for name in names}
    return {name: path for name, path in found.items() if path is not None}


def install_packages() -> dict[str, str]:
    """Install what is missing of Debian's packages; return what could not be had, and why."""
    missing = [name for name in DEBIAN if shutil.which(name, path=PATH) is None]
    if not missing:
        return {}
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return dict.fromkeys(missing, "apt-get is not to be used here")

    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    problems: dict[str, str] = {}
    with no_services():
        problem = run(["apt-get", "update", "-qq"], environment)
        if problem:
            return dict.fromkeys(missing, problem)
        # One by one: a package that this release does not have keeps no other away.
        for name in missing:
            problem = run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", DEBIAN[name]], environment)
            if problem:
                problems[name] = problem
    return problems


@contextlib.contextmanager
def no_services(policy: Path = POLICY) -> Generator[None]:
    """Keep packages from starting services, where nothing else decides about that."""
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def make_environment(name: str) -> dict[str, str]:
    """Make an environment with servers from PyPI, once; return what could not be had, and why."""
    folder = CACHE / name
    wanted = "\n".join((sys.version, *PYPI[name]))
    marker = folder / "made-of.txt"
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return {}
    shutil.rmtree(folder, ignore_errors=True)
    python = str(folder / "bin" / "python")
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", *PYPI[name]],
    ):
        problem = run(command, dict(os.environ))
        if problem:
            return dict.fromkeys(COMMANDS[name], problem)
    marker.write_text(wanted, encoding="utf-8")
    return {}


def run(command: Sequence[str], environment: dict[str, str]) -> str:
    """Run a command; return the command and the last it said if it failed, else nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(command)}: {error}"
    if not done.returncode:
        return ""
    said = f"{done.stdout}{done.stderr}".split("\n")
    return f"{' '.join(command)}: {next(filter(None, reversed(said)), 'no word')}"
