"""Regions that users wrote into a generated package: they survive, in their place, or nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from borzoi.openapi import DocumentError, generate
from borzoi.openapi.regions import with_regions

OLD = """import a


class A:
    x = 1
    y = 2


class B:
    x = 1

    def f(self):
        return 0
"""
METHOD = "    # borzoi: keep\n    def mine(self):\n        return 1\n    # borzoi: end\n"
BLOCK = "# borzoi: keep\nimport mine\n# borzoi: end\n"


def merged(folder: Path, old: str, new: str, name: str = "a.py") -> str:
    """Return a file as it is generated over another."""
    (folder / name).write_text(old)
    return with_regions(folder, {name: new})[name]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # Nothing else changed.
        (OLD.replace("    y = 2\n", "    y = 2\n" + METHOD), OLD, OLD.replace("    y = 2\n", "    y = 2\n" + METHOD)),
        # At the top, at the end, and twice at one place.
        (BLOCK + OLD, OLD, BLOCK + OLD),
        (OLD + BLOCK, OLD, OLD + BLOCK),
        (OLD + BLOCK + BLOCK, OLD, OLD + BLOCK + BLOCK),
        # The line before it is gone, and the line after it is there; the other way round.
        (
            OLD.replace("    y = 2\n", METHOD + "    y = 2\n"),
            OLD.replace("    x = 1\n    y", "    y"),
            OLD.replace("    x = 1\n    y = 2\n", METHOD + "    y = 2\n"),
        ),
        (
            OLD.replace("    x = 1\n    y", "    x = 1\n" + METHOD + "    y"),
            OLD.replace("    y = 2\n", "    z = 3\n"),
            OLD.replace("    y = 2\n", METHOD + "    z = 3\n"),
        ),
        # Other classes came before, and the bases of its own are others.
        (
            OLD.replace("return 0\n", "return 0\n\n" + METHOD),
            "class C:\n    x = 1\n\n\n" + OLD.replace("class B:", "class B(C):"),
            "class C:\n    x = 1\n\n\n" + OLD.replace("class B:", "class B(C):").replace("return 0\n", "return 0\n\n" + METHOD),
        ),
        # The blank lines around it stay, and what comes behind it now has its own.
        (
            OLD.replace("    y = 2\n", "    y = 2\n\n" + METHOD + "\n" + METHOD), OLD,
            OLD.replace("    y = 2\n", "    y = 2\n\n" + METHOD + "\n" + METHOD),
        ),
        (OLD.partition("\n\n\nclass B")[0] + "\n\n" + METHOD, OLD, OLD.replace("    y = 2\n", "    y = 2\n\n" + METHOD)),
    ],
)  # fmt: skip
def test_a_region_goes_with_its_neighbours(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """A region stands behind the line that it stood behind, or before its next one, in its own class."""
    assert merged(tmp_path, old, new) == expected


def test_in_other_files(tmp_path: Path) -> None:
    """A region in Markdown has its markers in comments of Markdown."""
    region = "<!-- borzoi: keep -->\nMine.\n<!-- borzoi: end -->\n"

    assert merged(tmp_path, f"# A\n{region}\n## B\n", "# A\n\n## C\n\n## B\n", "README.md").startswith(f"# A\n{region}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (OLD.replace("    y = 2\n", "    y = 2\n" + METHOD), OLD.partition("class A")[0], "is gone"),
        (OLD.replace("    y = 2\n", "    y = 2\n" + METHOD), OLD.replace("class A", "class Z"), "is gone"),
        (OLD + "# borzoi: keep\n", OLD, "has no end"),
        (OLD + "x = '''\n# borzoi: keep\n", OLD, "no valid Python"),
    ],
)
def test_a_region_is_never_lost(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A region that has no place any more, or no end, is an error with file and line."""
    with pytest.raises(DocumentError, match=said) as caught:
        merged(tmp_path, old, new)

    assert caught.value.file == str(tmp_path / "a.py")


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """A region in a file that is no longer generated is an error."""
    (tmp_path / "b.py").write_text(BLOCK)

    with pytest.raises(DocumentError, match="no longer generated"):
        with_regions(tmp_path, {"a.py": OLD})


def test_long_files(tmp_path: Path) -> None:
    """In a very long file a region follows a line that is there once."""
    lines = [f"value_{number} = {number}" for number in range(6000)]
    old = "\n".join([*lines[:4000], BLOCK.rstrip(), *lines[4000:]]) + "\n"
    new = "\n".join([*lines[:10], *lines[3000:]])

    assert f"value_3999 = 3999\n{BLOCK}value_4000" in merged(tmp_path, old, new)


def test_a_string_is_no_region(tmp_path: Path) -> None:
    """What looks like markers in a docstring of the package is text of a document, and is not kept."""
    old = 'def f():\n    """A\n    # borzoi: keep\n    import os\n    # borzoi: end\n    """\n'

    assert merged(tmp_path, old, OLD) == OLD


def test_what_is_generated_has_no_markers(tmp_path: Path) -> None:
    """A document cannot write markers into the package: they would be kept when its next version comes."""
    text = '"""A\n# borzoi: keep\nimport os\n  # borzoi: end\n"""\n'

    assert "borzoi: " not in with_regions(tmp_path, {"a.py": text})["a.py"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """What lies behind a symbolic link is no part of the package, and what cannot be read has no regions."""
    folder, other = tmp_path / "package", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "a.py").write_text(BLOCK)
    (folder / "models").symlink_to(other)
    (folder / "a.py").symlink_to(other / "a.py")
    (folder / "b.py").write_bytes(b"\xff borzoi: keep")

    assert with_regions(folder, {"c.py": OLD}) == {"c.py": OLD}
    assert with_regions(tmp_path / "nowhere", {"c.py": OLD}) == {"c.py": OLD}


def test_generating_again(importing: Path, client_of: Any) -> None:
    """A method that a user added to the client is there when the document has more operations, and can be called."""
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://h"}],
        "paths": {"/cups": {"get": {"tags": ["cups"], "responses": {"204": {"description": ""}}}}},
    }
    place = importing / "kept.json"
    place.write_text(json.dumps(document))
    made = generate(place, output=importing / "kept_client")
    client = made.folder / "client.py"
    lines = client.read_text().splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("class Client("))
    end = next(index for index, line in enumerate(lines[start:], start) if "super().__init__" in line)
    lines[end + 1 : end + 1] = ["", *METHOD.rstrip().splitlines()]
    client.write_text("\n".join(lines) + "\n")

    assert generate(place, output=made.folder, check=True).changed == []
    document["paths"]["/pots"] = {"get": {"tags": ["pots"], "responses": {"204": {"description": ""}}}}
    place.write_text(json.dumps(document))
    generate(place, output=made.folder)
    from kept_client import Client  # type: ignore[import-not-found]

    assert Client().mine() == 1
    assert Client().pots is not None
    assert generate(place, output=made.folder, check=True).changed == []
