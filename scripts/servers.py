"""Run tests/servers/ against real servers and proxies, installing those that are missing.

    python -m scripts.servers [--short] [arguments for pytest]

From Debian, where apt-get is there and may be used: nginx, tinyproxy, squid, Dante, microsocks. From PyPI, into
environments below `.cache/`: hypercorn, uvicorn and granian, and (not with `--short`) mitmproxy. What cannot be had is
left out, and named. The servers listen on loopback and end with the tests; none of them is started as a service.
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

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "servers"

DEBIAN = {
    "nginx": "nginx-light",
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

PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
"""Where the commands are: those of servers may be out of reach of users other than root."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""What packages ask before they start a service."""


def main(arguments: Sequence[str]) -> int:
    """Install what is missing, run the tests, and return their exit status."""
    short = "--short" in arguments
    environments = [name for name in PYPI if not short or name != "mitmproxy"]
    problems: list[str] = []
    threads = [threading.Thread(target=_collect, args=(problems, name)) for name in environments]
    for thread in threads:
        thread.start()
    problems += install_packages()
    for thread in threads:
        thread.join()

    found = commands(environments)
    print(f"servers: {', '.join(found) or 'none'}")
    for problem in problems:
        print(problem)
    if not found:
        return 0

    tests = [sys.executable, "-m", "pytest", "-n0", "tests/servers", *(word for word in arguments if word != "--short")]
    servers = ":".join(f"{name}={path}" for name, path in found.items())
    return subprocess.run(tests, cwd=ROOT, env={**os.environ, "BORZOI_SERVERS": servers}, check=False).returncode


def _collect(problems: list[str], environment: str) -> None:
    problems += make_environment(environment)


def commands(environments: Sequence[str]) -> dict[str, str]:
    """Return where the commands are that can be run."""
    found = {name: shutil.which(name, path=PATH) for name in DEBIAN}
    for environment in environments:
        folder = CACHE / environment / "bin"
        found |= {name: shutil.which(name, path=str(folder)) for name in COMMANDS[environment]}
    return {name: path for name, path in found.items() if path is not None}


def install_packages() -> list[str]:
    """Install what is missing of Debian's packages; return what went wrong, in sentences."""
    missing = [name for name in DEBIAN if shutil.which(name, path=PATH) is None]
    if not missing:
        return []
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return [f"left out, as apt-get is not to be used here: {', '.join(missing)}"]

    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    packages = [DEBIAN[name] for name in missing]
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    with no_services():
        for command in (["apt-get", "update", "-qq"], install):
            problem = run(command, environment)
            if problem:
                return [f"left out: {', '.join(missing)}", problem]
    return []


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


def make_environment(name: str) -> list[str]:
    """Make an environment with servers from PyPI, once; return what went wrong, in sentences."""
    folder = CACHE / name
    wanted = "\n".join((sys.version, *PYPI[name]))
    marker = folder / "made-of.txt"
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return []
    shutil.rmtree(folder, ignore_errors=True)
    python = str(folder / "bin" / "python")
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", *PYPI[name]],
    ):
        problem = run(command, dict(os.environ))
        if problem:
            return [f"left out: {', '.join(PYPI[name])}", problem]
    marker.write_text(wanted, encoding="utf-8")
    return []


def run(command: Sequence[str], environment: dict[str, str]) -> str:
    """Run a command; return what it said if it failed, else nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(command)}: {error}"
    return f"{' '.join(command)}\n{done.stdout}{done.stderr}".rstrip() if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
