"""The alias from outside: `python -m borzoi.compat`, and the plugin for pytest."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import borzoi.compat
from borzoi.compat.__main__ import main

SCRIPT = """
import sys
import beside
import httpx
print(__name__, httpx.Client.__init__.__module__, sys.argv, beside.__name__)
"""


@pytest.fixture
def uninstalled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away what the test installs, and restore the path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    borzoi.compat.uninstall()
    sys.modules.pop("beside", None)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that imports httpx, and a module that is beside it."""
    (tmp_path / "beside.py").touch()
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def test_a_script_runs_with_the_alias(
    script: Path, uninstalled: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script runs as `python script.py` would: its name, its arguments, the folder that it imports from."""
    monkeypatch.setattr(sys, "argv", ["-m", str(script), "--option", "value"])
    main()

    arguments = [str(script), "--option", "value"]
    assert capsys.readouterr().out == f"__main__ borzoi._client.client_base {arguments} beside\n"


def test_a_module_runs_with_the_alias(
    script: Path, uninstalled: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A module runs as `python -m module` would."""
    monkeypatch.syspath_prepend(script.parent)
    monkeypatch.setattr(sys, "argv", ["-m", "-m", "script", "value"])
    main()

    assert "__main__ borzoi._client.client_base" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["-m"]])
def test_without_a_script_it_says_what_it_needs(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a script or a module, the usage is all that happens."""
    monkeypatch.setattr(sys, "argv", ["-m", *arguments])
    with pytest.raises(SystemExit, match=r"usage: python -m borzoi\.compat"):
        main()


def test_the_module_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m borzoi.compat` without arguments ends with the usage, and has installed nothing."""
    monkeypatch.setattr(sys, "argv", ["-m"])
    before = list(sys.meta_path)
    path = Path(borzoi.compat.__file__).with_name("__main__.py")
    with pytest.raises(SystemExit, match=r"usage: python -m borzoi\.compat"):
        exec(compile(path.read_text(), path, "exec"), {"__name__": "__main__", "__package__": "borzoi.compat"})

    assert sys.meta_path == before


def test_the_plugin_installs_the_alias(uninstalled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """To import the plugin is to install the alias."""
    monkeypatch.delitem(sys.modules, "borzoi.compat.pytest_plugin", raising=False)
    importlib.import_module("borzoi.compat.pytest_plugin")

    import httpx  # type: ignore[import-not-found, unused-ignore]

    assert httpx.Client is borzoi.Client


def test_a_suite_runs_with_the_plugin(tmp_path: Path) -> None:
    """With `-p borzoi.compat.pytest_plugin`, test modules and conftests that import httpx get Borzoi."""
    (tmp_path / "conftest.py").write_text("import httpx\n")
    (tmp_path / "test_it.py").write_text(
        "import borzoi, httpx, httpx2\n\ndef test_it():\n    assert httpx.Client is httpx2.Client is borzoi.Client\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "borzoi.compat.pytest_plugin", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path, check=False)

    assert "1 passed" in done.stdout, done.stdout + done.stderr
