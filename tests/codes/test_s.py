"""S1 and S2: what the project depends on, and how it makes files."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi._messages.saving import Draft
from scripts.supply_chain import Finding, read_audit, told
from tests.structure.source import PACKAGE, ROOT, modules

FLOORS = {"idna": (3, 15), "brotli": (1, 2), "h2": (4, 4), "certifi": (2024, 7)}


def requirements() -> list[str]:
    """Return all that the project asks for, in its extras and groups, too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [entry for group in project["dependency-groups"].values() for entry in group if isinstance(entry, str)]
    extras = [entry for extra in project["project"]["optional-dependencies"].values() for entry in extra]
    return [*project["project"]["dependencies"], *extras, *groups]


def audit(*entries: dict[str, Any]) -> Finding:
    """Read what pip-audit says of these packages, and of ours, which it does not find."""
    ours = {"name": "borzoi", "skip_reason": "Dependency not found on PyPI"}
    return read_audit(json.dumps({"dependencies": [ours, *entries], "fixes": []}), "")


class TestS1:
    """Dependencies."""

    @pytest.mark.parametrize("name", FLOORS)
    def test_versions_that_are_known_to_be_vulnerable_are_left_out(self, name: str) -> None:
        """Each mention of a package has a lower bound that leaves them out."""
        bounds = [entry for entry in requirements() if re.match(rf"{name}\b(?!-)", entry)]
        assert bounds
        for entry in bounds:
            found = re.search(r">=([\d.]+)", entry)
            assert found is not None, entry
            version = tuple(int(part) for part in found[1].split("."))
            assert version >= FLOORS[name], entry

    def test_they_are_few(self) -> None:
        """A plain installation has four."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        assert len(project["project"]["dependencies"]) <= 4

    def test_an_audit_that_finds_nothing_ends_well(self) -> None:
        """Where each package was asked about and nothing is known, the status is 0."""
        finding = audit({"name": "idna", "version": "3.20", "vulns": []})
        assert (finding.status, finding.asked, finding.known, finding.unanswered) == (0, ["idna 3.20"], [], [])
        assert list(told("plain", finding)) == ["plain: 1 packages asked about, 0 vulnerabilities known"]

    @pytest.mark.parametrize(("fixed", "said"), [(["3.7", "4.0"], "3.7, 4.0"), ([], "no version")])
    def test_an_audit_names_what_is_known(self, fixed: list[str], said: str) -> None:
        """A vulnerability is told with the version that is free of it, and the status is 1, whatever else there was."""
        entry = {"name": "idna", "version": "3.6", "vulns": [{"id": "PYSEC-2024-60", "fix_versions": fixed}]}
        finding = audit(entry, {"name": "certifi", "skip_reason": "timed out"})
        assert finding.status == 1
        assert f"  VULNERABLE idna 3.6: PYSEC-2024-60, fixed in {said}" in told("plain", finding)

    @pytest.mark.parametrize(
        "finding",
        [
            audit(
                {"name": "idna", "skip_reason": "Dependency not found on PyPI and could not be audited: idna (3.20)"}
            ),
            read_audit("", "Traceback\nConnectionError: no route to pypi.org"),
            read_audit("no json", ""),
        ],
    )
    def test_an_audit_without_answers_says_so(self, finding: Finding) -> None:
        """A service that cannot be reached is no good news: the status is 2, and the words are clear."""
        assert finding.status == 2
        assert "The advisory service could not be reached" in "".join(told("plain", finding))
        assert finding.unanswered[0] in "".join(told("plain", finding))

    def test_an_audit_of_nothing_is_none(self) -> None:
        """An installation without packages was not looked at."""
        assert audit().status == 2


class TestS2:
    """Files."""

    def test_names_cannot_be_guessed_and_new_files_are_new(self) -> None:
        """No temporary file has a predictable name, and whoever creates a file by flags asks for one that was not there."""
        creating = 0
        for path in modules(PACKAGE):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                assert not re.search(r"\b(mktemp|tempnam|tmpnam)\(", line), f"{path}:{number}"
                assert "O_CREAT" not in line or "O_EXCL" in line, f"{path}:{number}"
                creating += "O_CREAT" in line
        assert creating

    def test_drafts_are_drawn_by_lot(self, tmp_path: Path) -> None:
        """The file that a body is saved to meanwhile has a name of 96 bits that nobody foresees, and is for its owner alone."""
        names: set[str] = set()
        for _ in range(200):
            with Draft(tmp_path, None):
                [draft] = tmp_path.iterdir()
                names.add(draft.name)
                assert draft.stat().st_mode & 0o077 == 0
        assert len(names) == 200
        drawn = [int(re.sub(r"\.borzoi-([0-9a-f]{24})\.part", r"\1", name), 16) for name in names]
        for bit in range(96):
            assert 60 < sum(number >> bit & 1 for number in drawn) < 140, bit

    def test_what_is_planted_is_not_followed(self, tmp_path: Path) -> None:
        """A link in the place of the destination is replaced, and not what it leads to."""
        secret = tmp_path / "secret"
        secret.write_text("untouched")
        (tmp_path / "there").symlink_to(secret)
        borzoi.Response(200, content=b"body").save(tmp_path / "there")
        assert secret.read_text() == "untouched"
        assert not (tmp_path / "there").is_symlink()
        assert (tmp_path / "there").read_bytes() == b"body"
