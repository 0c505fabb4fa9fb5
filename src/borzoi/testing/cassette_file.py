"""The file of a cassette: YAML that is read with pleasure and differs in few lines from one recording to the next.

    borzoi: 1
    recorded: "2026-01-31T12:00:00Z"
    exchanges: [{request: ..., response: ...}, ...]

Files of vcrpy and HAR files are read, too. Needs PyYAML: `pip install 'borzoi[testing]'`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .cassette_import import from_har, from_vcr
from .cassette_secrets import LeakError, Redactor

VERSION = 1


class CassetteError(AssertionError):
    """A cassette is missing, outdated, broken, or has not what is asked of it."""


def load(path: Path, redactor: Redactor) -> dict[str, Any]:
    """Return what is on a cassette, in our own form. Raises CassetteError."""
    yaml = _yaml()
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CassetteError(f"{path} cannot be read: {error}") from None
    if isinstance(data, dict) and "interactions" in data:
        return {"recorded": None, "exchanges": from_vcr(data, redactor)}
    if isinstance(data, dict) and isinstance(data.get("log"), dict):
        return {"recorded": None, "exchanges": from_har(data, redactor)}
    if not isinstance(data, dict) or data.get("borzoi") != VERSION or not isinstance(data.get("exchanges"), list):
        raise CassetteError(f"{path} is no cassette of Borzoi, no cassette of vcrpy, and no HAR file.")
    return data


def save(path: Path, recorded: str, exchanges: list[dict[str, Any]], redactor: Redactor) -> None:
    """Write a cassette, whole or not at all. Raises LeakError, and writes nothing, where a secret would be in it."""
    written = redactor.again(exchanges)
    leaks = redactor.leaks(written)
    if leaks:
        raise LeakError(f"{path} was not written: it would have secrets in it, at {', '.join(leaks)}.")
    text = _dump({"borzoi": VERSION, "recorded": recorded, "exchanges": written})
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.part")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _dump(data: dict[str, Any]) -> str:
    yaml: Any = _yaml()

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        """Write texts of several lines as blocks, and the same thing twice rather than by reference."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return str(yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000))


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise ImportError("Cassettes need PyYAML: pip install 'borzoi[testing]'") from None
    return yaml
