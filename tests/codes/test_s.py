"""S1 and S2: what the project depends on, and how it makes files."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.structure.source import PACKAGE, ROOT, modules

FLOORS = {"idna": (3, 15), "brotli": (1, 2), "h2": (4, 4), "certifi": (2024, 7)}


def requirements() -> list[str]:
    """Return all that the project asks for, in its extras and groups, too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [entry for group in project["dependency-groups"].values() for entry in group if isinstance(entry, str)]
    extras = [entry for extra in project["project"]["optional-dependencies"].values() for entry in extra]
    return [*project["project"]["dependencies"], *extras, *groups]


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
