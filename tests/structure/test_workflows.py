"""The workflows of GitHub: they run what is pinned, may do little, and keep no secrets."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.structure.source import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NAMES = [path.name for path in WORKFLOWS]

MAY_WRITE = {
    ("release.yml", "attest"): {"id-token", "attestations"},
    ("release.yml", "publish"): {"id-token"},
}
"""What jobs may do besides reading, and no other."""


def load(name: str) -> dict[Any, Any]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text("utf-8"))
    assert isinstance(workflow, dict)
    return workflow


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [(name, job, body) for name in NAMES for job, body in load(name)["jobs"].items()]


def steps() -> list[tuple[str, str, dict[str, Any]]]:
    return [(name, job, step) for name, job, body in jobs() for step in body["steps"]]


def test_there_are_workflows() -> None:
    """A change is tried, and a release is made, by files that are there."""
    assert NAMES == ["ci.yml", "release.yml"]


def test_each_action_is_pinned() -> None:
    """An action is named by a whole commit, which nobody can move, with its version beside it."""
    used = 0
    for path in WORKFLOWS:
        for line in path.read_text("utf-8").splitlines():
            if re.match(r"\s*(- )?uses:", line):
                assert re.fullmatch(r"\s*(- )?uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
                used += 1
    assert used == sum("uses" in step for _, _, step in steps())


def test_an_action_has_one_version() -> None:
    """Wherever an action is used, it is the same commit."""
    found: dict[str, set[str]] = {}
    for _, _, step in steps():
        if "uses" in step:
            action, _, commit = step["uses"].partition("@")
            found.setdefault(action, set()).add(commit)
    assert all(len(commits) == 1 for commits in found.values()), found


@pytest.mark.parametrize("name", NAMES)
def test_permissions_are_few(name: str) -> None:
    """A workflow may read at most, and a job may write only what is listed here."""
    workflow = load(name)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for job, body in workflow["jobs"].items():
        granted = body.get("permissions", {})
        assert isinstance(granted, dict), job
        writing = {permission for permission, access in granted.items() if access != "read"}
        assert writing == MAY_WRITE.get((name, job), set()), job


@pytest.mark.parametrize("name", NAMES)
def test_a_pull_request_gets_nothing(name: str) -> None:
    """No workflow runs a fork's code with the rights of the repository, has secrets, or builds commands of others' texts."""
    triggers = load(name)[True]  # YAML 1.1 reads `on` so.
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(triggers)
    assert "secrets." not in (ROOT / ".github" / "workflows" / name).read_text("utf-8")
    assert not [step for _, _, step in steps() if "${{" in step.get("run", "")]


def test_checkouts_leave_no_credentials() -> None:
    """A checkout does not leave its token for the steps behind it, and each job ends."""
    for _, job, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, job
    assert all(0 < body["timeout-minutes"] <= 60 for _, _, body in jobs())


def test_who_may_publish_runs_nothing_of_ours() -> None:
    """Jobs that may write only handle the files that another has built; publishing asks for approval, and attests."""
    for name, job in MAY_WRITE:
        body = load(name)["jobs"][job]
        assert "build" in body["needs"]
        assert all("run" not in step and not step["uses"].startswith("actions/checkout@") for step in body["steps"])

    publish = load("release.yml")["jobs"]["publish"]
    assert publish["environment"]["name"] == "pypi"
    assert publish["steps"][-1]["with"] == {"attestations": True}


def test_what_they_call_is_there() -> None:
    """Each target of make and each script that a step runs is in the checkout."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    called = [line.split() for _, _, step in steps() for line in step.get("run", "").splitlines()]
    assert {words[1] for words in called if words[0] == "make"} == {"audit", "sbom"} <= targets
    assert [".ci/run"] in called
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100
