"""The scripts that check the pages and the names of httpx."""

from __future__ import annotations

from pathlib import Path

import pytest

import borzoi
from scripts import check_docs, compat_surface, surface_table

PAGE = """# A page

See [the other](OTHER.md#a-heading), `src/there.py`, `make test`.

```python
async with client:
    await client.get(url)
```
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with a sound page."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "there.py").touch()
    (tmp_path / "Makefile").write_text("test: setup\n")
    (tmp_path / "OTHER.md").write_text("# A heading\n")
    (tmp_path / "PAGE.md").write_text(PAGE)
    return tmp_path


def test_a_sound_page_passes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page whose links, paths, commands and examples are right has no defect."""
    assert check_docs.main(project) == 0
    assert capsys.readouterr().out == "2 pages, 0 defects\n"


@pytest.mark.parametrize(
    ("right", "wrong", "defect"),
    [
        ("OTHER.md#a-heading", "ELSE.md", "link to ELSE.md: no such file"),
        ("#a-heading", "#no-heading", "link to OTHER.md#no-heading: no such heading"),
        ("src/there.py", "src/gone.py", "`src/gone.py`: no such path"),
        ("make test", "make tea", "`make tea`: no such target"),
        ("await client.get(url)", "await client.get(", "example 'async with client:'"),
        (PAGE, "", "the page is empty"),
    ],
)
def test_a_defect_is_named(
    project: Path, capsys: pytest.CaptureFixture[str], right: str, wrong: str, defect: str
) -> None:
    """A dead link, path or command and a broken example each fail the check, which says where."""
    (project / "PAGE.md").write_text(PAGE.replace(right, wrong))

    assert check_docs.main(project) == 1
    assert f"PAGE.md: {defect}" in capsys.readouterr().out


def _get(url: str, *, timeout: float = 5.0) -> None: ...
def _get_with_more(url: str, *, timeout: float = 5.0, total: float | None = None) -> None: ...
def _get_with_other_default(url: str, *, timeout: float = 6.0) -> None: ...
def _get_without(url: str) -> None: ...
def _get_that_requires(url: str, *, timeout: float = 5.0, retries: int) -> None: ...
def _get_in_other_order(total: str = "", url: str = "", *, timeout: float = 5.0) -> None: ...


@pytest.mark.parametrize(
    ("ours", "state", "why"),
    [
        (_get, "same", ""),
        (_get_with_more, "additive", ""),
        (_get_with_other_default, "different", "the default of timeout is 6.0, not 5.0"),
        (_get_without, "different", "no parameter timeout"),
        (_get_that_requires, "different", "requires retries"),
        (_get_in_other_order, "different", "positions are total, url"),
    ],
)
def test_signatures_are_compared(ours: object, state: str, why: str) -> None:
    """A signature is the same, additive, or different in a way that is named."""
    compared = compat_surface.compare_parameters(compat_surface.signature(_get), compat_surface.signature(ours))

    assert compared == (state, why)


def test_a_surface_is_compared_name_by_name() -> None:
    """A class is different when a member is missing, an exception when it lost a base; more members are additive."""
    theirs = {
        "Client": {"signature": [], "bases": [], "members": {"get": None, "put": None}},
        "Error": {"signature": [], "bases": ["Error", "Exception"], "members": {}},
        "URL": {"signature": [], "bases": [], "members": {"host": None}},
        "get": {"signature": []},
    }
    ours = {
        "Client": {"signature": [], "bases": [], "members": {"get": None}},
        "Error": {"signature": [], "bases": ["Error"], "members": {}},
        "URL": {"signature": [], "bases": [], "members": {"host": None, "origin": None}},
    }

    assert compat_surface.compare(theirs, ours) == {
        "Client": ("different", "1 of its members, below"),
        "Client.put": ("missing", ""),
        "Error": ("different", "is no Exception"),
        "URL": ("additive", ""),
        "get": ("missing", ""),
    }


def test_only_what_got_worse_fails() -> None:
    """A name that was recorded as missing may be different now; the reverse, and any new shortfall, is worse."""
    before = {"get": "missing", "put": "different", "Client": "missing"}
    now = {"get": "different", "put": "missing", "post": "missing", "Client.send": "missing"}

    assert compat_surface.worse(now, before) == ["post", "put"]


def test_what_falls_short_is_recorded() -> None:
    """The record names only what is missing or different, with that state."""
    record = compat_surface.recorded()

    assert set(record.values()) <= {"missing", "different"}


def test_of_two_libraries_the_worse_counts() -> None:
    """A name that is well with one library and not with the other is not well."""
    table = {"get": ("same", ""), "put": ("missing", ""), "post": ("same", "")}
    compat_surface.merge(table, {"get": ("different", "x"), "put": ("same", ""), "query": ("additive", "")})

    assert table == {
        "get": ("different", "x"),
        "put": ("missing", ""),
        "post": ("same", ""),
        "query": ("additive", ""),
    }


def test_page_of_names() -> None:
    """The page has each name and member of both libraries, as it is called, with its state and what is added."""
    url = [["url", "POSITIONAL_OR_KEYWORD", ""]]
    method = [["self", "POSITIONAL_OR_KEYWORD", ""], *url]
    httpx = {
        "Client": {"signature": [], "bases": [], "members": {"get": method}},
        "get": {"signature": [*url, ["timeout", "KEYWORD_ONLY", "5.0"]]},
        "put": {"signature": url},
    }
    httpx2 = {
        "Client": {"signature": [], "bases": [], "members": {"sse": url}},
        "Error": {"signature": [], "bases": ["Base"], "members": {}},
        "query": {"signature": [["urls", "VAR_POSITIONAL", ""]]},
    }
    ours = {
        "Client": {"signature": [], "bases": [], "members": {"get": method}},
        "Error": {"signature": [], "bases": [], "members": {}},
        "get": {"signature": [*url, ["timeout", "KEYWORD_ONLY", "5.0"], ["total", "KEYWORD_ONLY", "None"]]},
        "put": {"signature": []},
    }
    lines = surface_table.page({"httpx": httpx, "httpx2": httpx2}, ours).splitlines()

    assert [line for line in lines if line.startswith("| `")] == [
        f"| `Client()` | safer | {surface_table.SAFER['Client']} |",
        "| `Client.get(url)` | same | |",
        "| `Client.sse(url)` | missing | |",
        "| `Error()` | different | is no Base |",
        "| `get(url, *, timeout=5.0)` | same | more: `total` |",
        "| `put(url)` | different | no parameter url |",
        "| `query(*urls)` | missing | |",
    ]
    assert [line for line in lines if line.startswith("#")][1:] == [
        "## Client",
        "## Error (httpx2 only)",
        "## get (httpx only)",
        "## put (httpx only)",
        "## query (httpx2 only)",
    ]
    assert "| different | there, but a call written for theirs may fail | 2 | 0 |" in lines


def test_safer_names_are_names() -> None:
    """What is called safer is a public name."""
    assert set(surface_table.SAFER) <= set(borzoi.__all__)


def test_every_name_of_the_page_is_there() -> None:
    """The page that is checked in calls no name there that is not."""
    text = surface_table.PAGE.read_text(encoding="utf-8")
    names = {line.split()[1] for line in text.splitlines() if line.startswith("## ")}
    missing = {name for name, state in compat_surface.recorded().items() if state == "missing"}

    assert len(names) > 70
    assert names - missing <= set(borzoi.__all__)
