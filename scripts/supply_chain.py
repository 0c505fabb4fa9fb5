"""`make audit` and `make sbom`: what installing Borzoi brings with it, and what is known about that.

    python -m scripts.supply_chain audit
    python -m scripts.supply_chain sbom [--output dist/borzoi.cdx.json]

The checkout is installed into environments under .cache/supply-chain/, plain and with all extras, that hold nothing
else. The tools are those of the interpreter that runs this: `make` gives them one of their own.

`audit` asks the advisory service of PyPI. It ends with 0 where nothing is known, 1 where something is, and 2 where a
package could not be asked about: no answer is no good news.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "supply-chain"
INSTALLATIONS = {"plain": ".", "all extras": ".[all]"}
"""What is audited, and what pip is asked to install for it. The first is what the SBOM is of."""

OURS = "borzoi"


class Finding(NamedTuple):
    """What came of asking about the packages of an installation."""

    asked: list[str]
    known: list[str]
    """Lines, one for each vulnerability."""
    unanswered: list[str]
    """Lines, one for each package that nothing could be learned about."""

    @property
    def status(self) -> int:
        """The status of the process."""
        if self.known:
            return 1
        return 2 if self.unanswered or not self.asked else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked for. Returns the status of the process."""
    parser = argparse.ArgumentParser(prog="python -m scripts.supply_chain", description="What an installation brings.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("audit", help="ask which versions are known to be vulnerable")
    sbom = commands.add_parser("sbom", help="write what an installation brings, as CycloneDX")
    sbom.add_argument("--output", type=Path, default=ROOT / "dist" / "borzoi.cdx.json")
    options = parser.parse_args(arguments)
    return audit() if options.command == "audit" else write_sbom(options.output)


def audit() -> int:
    """Ask about each installation, and say what came of it. Returns the status of the process."""
    worst = 0
    for name in INSTALLATIONS:
        command = [sys.executable, "-m", "pip_audit", "--path", str(packages_of(installed(name)))]
        done = _run([*command, "--format", "json", "--progress-spinner", "off"])
        finding = read_audit(done.stdout, done.stderr)
        print("\n".join(told(name, finding)))
        worst = max(worst, finding.status, key=(0, 2, 1).index)
    return worst


def read_audit(output: str, errors: str) -> Finding:
    """Read what pip-audit wrote. It ends well where it could ask nobody, too: what it says of each package counts."""
    try:
        entries: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except ValueError:
        last = (errors.strip().splitlines() or ["it said nothing"])[-1]
        return Finding([], [], [f"the advisory service: {last}"])

    finding = Finding([], [], [])
    for entry in entries:
        if entry["name"] == OURS:
            continue
        if "skip_reason" in entry:
            finding.unanswered.append(f"{entry['name']}: {entry['skip_reason']}")
            continue
        version = f"{entry['name']} {entry['version']}"
        finding.asked.append(version)
        for found in entry["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version"
            finding.known.append(f"{version}: {found['id']}, fixed in {fixed}")
    return finding


def told(name: str, finding: Finding) -> Iterable[str]:
    """Yield what is said of an installation."""
    yield f"{name}: {len(finding.asked)} packages asked about, {len(finding.known)} vulnerabilities known"
    yield from (f"  VULNERABLE {line}" for line in finding.known)
    if finding.unanswered:
        yield "  The advisory service could not be reached, or did not answer. Nothing is known about:"
        yield from (f"    {line}" for line in finding.unanswered)


def write_sbom(output: Path) -> int:
    """Write the SBOM of a plain installation. Returns the status of the process."""
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "environment", str(python_of(installed("plain")))]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "library", "--output-reproducible"]
    done = _run([*command, "--output-format", "JSON", "--output-file", str(output)])
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return done.returncode
    print("\n".join(contents(json.loads(output.read_text(encoding="utf-8")))))
    print(f"written to {output}")
    return 0


def contents(sbom: dict[str, Any]) -> Iterable[str]:
    """Yield a line for the project, and for each package that it brings."""
    main_component = sbom["metadata"]["component"]
    yield f"CycloneDX {sbom['specVersion']} of {main_component['name']}:"
    for component in sorted(sbom.get("components", []), key=lambda component: str(component["name"])):
        yield f"  {component['name']} {component.get('version', '')}"


# The environments.


def installed(name: str) -> Path:
    """Return an environment that holds an installation and nothing else, made anew."""
    folder = CACHE / name.replace(" ", "-")
    _must([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)])
    pip = [sys.executable, "-m", "pip", "--python", str(python_of(folder)), "--disable-pip-version-check"]
    _must([*pip, "install", "--quiet", INSTALLATIONS[name]])
    return folder


def python_of(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def packages_of(folder: Path) -> Path:
    """Return where an environment has its packages."""
    if sys.platform == "win32":
        return folder / "Lib" / "site-packages"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return folder / "lib" / version / "site-packages"


def _must(command: list[str]) -> None:
    done = _run(command)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    raise SystemExit(main())
