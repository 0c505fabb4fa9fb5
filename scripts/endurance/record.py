"""What long runs have counted: `tests/data/endurance.json`, which the scoreboard reads.

Clean runs of one version add up. A run that finds something sets the count back to nothing.
"""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from borzoi import __version__

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "tests" / "data" / "endurance.json"


def recorded(path: Path = RECORD) -> dict[str, Any]:
    """Return all that is recorded, by measure and part."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def record(measure: str, part: str, count: int, findings: int, path: Path = RECORD, **more: object) -> dict[str, Any]:
    """Add a run to a part of a measure, and return what stands there now."""
    everything = recorded(path)
    parts = everything.setdefault(measure, {})
    before: dict[str, Any] = parts.get(part, {})
    continues = before.get("version") == __version__ and not before.get("findings") and not findings
    parts[part] = {
        "count": count + before["count"] if continues else count,
        "findings": findings,
        "version": __version__,
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
        **more,
    }
    ordered = {name: dict(sorted(everything[name].items())) for name in sorted(everything)}
    path.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    entry: dict[str, Any] = parts[part]
    return entry


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
