"""The import alias: what `import httpx` and its like give, before, while and after it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import sys
from types import ModuleType

import pytest

import borzoi
import borzoi.compat
from borzoi.compat.alias import FAMILIES


@pytest.mark.parametrize("root", ["httpx", "httpx2"])
def test_an_import_gives_our_classes(root: str, alias: None) -> None:
    """The modules have our public names, and one class answers to both."""
    library = importlib.import_module(root)

    assert library.__name__ == root
    names = [name for name in borzoi.__all__ if not name.startswith("__") and name != "main"]
    assert {name: getattr(library, name) for name in names} == {name: getattr(borzoi, name) for name in names}


def test_the_names_are_listed_as_httpx_does(alias: None) -> None:
    """`__all__` has every public name that the module has, in one alphabet."""
    library = importlib.import_module("httpx")
    public = [name for name in vars(library) if not name.startswith("_")]

    assert [name for name in library.__all__ if not name.startswith("__")] == sorted(public, key=str.casefold)


@pytest.mark.parametrize(("root", "version"), [("httpx", "0.28.1"), ("httpx2", "2.16.0")])
def test_submodules_are_found_by_import_and_by_attribute(root: str, version: str, alias: None) -> None:
    """A submodule is the same from `import`, from its parent and from `sys.modules`; `__version__` of the root is text."""
    library = importlib.import_module(root)
    default = importlib.import_module(f"{root}._transports.default")

    assert library._transports.default is default is sys.modules[f"{root}._transports.default"]
    assert default.HTTPTransport is borzoi.HTTPTransport
    assert library.__version__ == version
    assert importlib.import_module(f"{root}.__version__").__version__ == version


def test_what_is_not_there_is_not_found(alias: None) -> None:
    """A submodule that httpx does not have is a ModuleNotFoundError, and a name that a module lacks an ImportError."""
    with pytest.raises(ModuleNotFoundError, match=r"httpx\._nothing"):
        importlib.import_module("httpx._nothing")
    with pytest.raises(ImportError, match="nothing"):
        exec("from httpx._client import nothing")


def test_a_module_says_where_it_comes_from(alias: None) -> None:
    """The specification of a module names its origin, for whoever looks before importing."""
    for root in FAMILIES:
        spec = importlib.util.find_spec(root)
        assert spec is not None
        assert spec.origin == "borzoi.compat"
    assert importlib.util.find_spec("httpx_something_else") is None


def test_the_identity_is_that_of_httpx(alias: None) -> None:
    """Classes, functions, headers and pickles say httpx while the alias is installed, and borzoi afterwards."""
    library = importlib.import_module("httpx")

    assert library.Client.__module__ == library.get.__module__ == "httpx"
    assert library.Client().headers["User-Agent"] == "python-httpx/0.28.1"
    assert pickle.loads(pickle.dumps(library.Request("GET", "http://host.example/"))).url == "http://host.example/"
    assert b"httpx" in pickle.dumps(library.ReadTimeout)

    borzoi.compat.uninstall()
    assert library.Client.__module__ == library.get.__module__ == "borzoi"
    assert library.Client().headers["User-Agent"] == f"python-borzoi/{borzoi.__version__}"


def test_classes_are_of_httpx2_once_that_is_imported(alias: None) -> None:
    """What was written for httpx2 may refuse classes that say they are of httpx; afterwards they are borzoi's again."""
    library = importlib.import_module("httpx")
    importlib.import_module("httpx2")

    assert library.Client.__module__ == library.get.__module__ == "httpx2"
    assert {base.__module__.partition(".")[0] for base in library.Timeout.__mro__} == {"httpx2", "builtins"}
    assert pickle.loads(pickle.dumps(library.URL("http://host.example/"))) == "http://host.example/"

    borzoi.compat.uninstall()
    assert library.Client.__module__ == library.get.__module__ == "borzoi"


def test_requests_are_logged_as_httpx_does(alias: None, caplog: pytest.LogCaptureFixture) -> None:
    """The logger is httpx's."""
    transport = borzoi.MockTransport(lambda request: borzoi.Response(200))
    with caplog.at_level("INFO"), borzoi.Client(transport=transport) as client:
        client.get("http://host.example/")

    assert [(record.name, record.message) for record in caplog.records] == [
        ("httpx", 'HTTP Request: GET http://host.example/ "HTTP/1.1 200 OK"')
    ]


def test_it_is_installed_once() -> None:
    """To install it again changes nothing, and one `uninstall()` takes it away; another does nothing."""
    before = list(sys.meta_path)
    borzoi.compat.install()
    borzoi.compat.install()
    assert len(sys.meta_path) == len(before) + 1

    library = importlib.import_module("httpx")
    borzoi.compat.uninstall()
    borzoi.compat.uninstall()
    assert sys.meta_path == before
    assert [name for name in sys.modules if name.partition(".")[0] in FAMILIES] == []
    assert library.Client is borzoi.Client


@pytest.mark.parametrize("root", sorted(FAMILIES))
def test_it_comes_too_late_after_an_import(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses to be installed beside another library of one of the names, and says which, and what to do."""
    other = ModuleType(root)
    other.__file__ = f"site-packages/{root}/__init__.py"
    monkeypatch.setitem(sys.modules, root, other)
    before = list(sys.meta_path)

    with pytest.raises(RuntimeError, match=rf"too late: {root} was imported already, from site-packages/{root}/.*-m"):
        borzoi.compat.install()
    assert sys.meta_path == before
    assert borzoi.Client.__module__ == "borzoi"
