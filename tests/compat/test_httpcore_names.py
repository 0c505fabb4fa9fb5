"""The modules of httpcore: every public name, and the private ones that packages import or patch."""

from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

import borzoi
from borzoi.compat.distributions import VERSIONS, find_distributions

_PUBLIC = """
request stream Origin URL Request Response Proxy AsyncHTTPConnection AsyncConnectionPool AsyncHTTPProxy
AsyncHTTP11Connection AsyncHTTP2Connection AsyncConnectionInterface AsyncSOCKSProxy HTTPConnection ConnectionPool
HTTPProxy HTTP11Connection HTTP2Connection ConnectionInterface SOCKSProxy SyncBackend AnyIOBackend TrioBackend
AsyncMockBackend AsyncMockStream MockBackend MockStream AsyncNetworkStream AsyncNetworkBackend NetworkStream
NetworkBackend default_ssl_context SOCKET_OPTION ConnectionNotAvailable ProxyError ProtocolError LocalProtocolError
RemoteProtocolError UnsupportedProtocol TimeoutException PoolTimeout ConnectTimeout ReadTimeout WriteTimeout
NetworkError ConnectError ReadError WriteError
"""
PUBLIC = _PUBLIC.split()
"""`httpcore.__all__` of 1.0.9."""

_PATCHED = """
httpcore._sync.connection.HTTPConnection httpcore._sync.connection_pool.ConnectionPool
httpcore._sync.http_proxy.HTTPProxy httpcore._async.connection.AsyncHTTPConnection
httpcore._async.connection_pool.AsyncConnectionPool httpcore._async.http_proxy.AsyncHTTPProxy
httpcore._sync.http11.HTTP11Connection httpcore._async.http11.AsyncHTTP11Connection
httpcore._sync.interfaces.RequestInterface httpcore._async.interfaces.AsyncRequestInterface
httpcore._sync.socks_proxy.SOCKSProxy httpcore._async.http_proxy.AsyncTunnelHTTPConnection
httpcore._backends.sync.SyncBackend httpcore._backends.auto.AutoBackend httpcore._backends.anyio.AnyIOBackend
httpcore._backends.base.AsyncNetworkBackend httpcore._backends.mock.MockSSLObject httpcore._models.ByteStream
httpcore._models.enforce_bytes httpcore._exceptions.map_exceptions httpcore._exceptions.ConnectionNotAvailable
"""
PATCHED = _PATCHED.split()

pytestmark = pytest.mark.usefixtures("alias")


@pytest.fixture
def library() -> ModuleType:
    """The stand-in."""
    return importlib.import_module("httpcore")


def test_every_public_name_is_there(library: ModuleType) -> None:
    """Those of httpcore and no others are listed; httpcore2 has the same."""
    assert sorted(library.__all__) == sorted(PUBLIC)
    other = importlib.import_module("httpcore2")
    assert all(getattr(other, name) is getattr(library, name) for name in PUBLIC)
    assert library.__version__ == "1.0.9"


@pytest.mark.parametrize("path", PATCHED)
def test_private_names_are_found(path: str) -> None:
    """They are in the module that httpcore has them in, for both import names."""
    module, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert found is getattr(importlib.import_module(module.replace("httpcore", "httpcore2", 1)), name)


def test_errors_are_ours(library: ModuleType) -> None:
    """One class answers to both libraries, and can be raised without a word, as httpcore's can."""
    for name in PUBLIC:
        value = getattr(library, name)
        if isinstance(value, type) and issubclass(value, Exception) and name != "ConnectionNotAvailable":
            assert value is getattr(borzoi, name)
            assert str(value()) == ""
    assert not issubclass(library.ConnectionNotAvailable, borzoi.HTTPError)


def test_classes_show_as_those_of_httpcore(library: ModuleType) -> None:
    """What is written for the stand-in says `httpcore` in tracebacks and reprs."""
    assert library.ConnectionPool.__module__ == library.Request.__module__ == library.request.__module__ == "httpcore"


def test_errors_are_mapped() -> None:
    """`map_exceptions` raises what its mapping says, and lets others pass."""
    mapping = {OSError: borzoi.ConnectError}
    map_exceptions: Any = importlib.import_module("httpcore._exceptions").map_exceptions
    with pytest.raises(borzoi.ConnectError, match="broken") as caught, map_exceptions(mapping):
        raise OSError("broken")
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(ValueError, match="other"), map_exceptions(mapping):
        raise ValueError("other")


def test_it_is_loaded_when_it_is_imported() -> None:
    """To install the alias and to send with httpx loads nothing of the stand-in but what shows `transport._pool`."""
    program = """
import sys, borzoi.compat
borzoi.compat.install()
import httpx
httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200))).get("http://host.example/")
print(*sorted(name for name in sys.modules if "httpcore" in name))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["borzoi.compat.httpcore_seam"]


@pytest.mark.parametrize("name", sorted(VERSIONS))
def test_the_release_is_known(name: str) -> None:
    """`importlib.metadata` tells the release that an import of the name gives, and finds no files."""
    assert importlib.metadata.version(name) == VERSIONS[name]
    found = importlib.metadata.distribution(name)
    assert found.metadata["Name"] == name
    assert found.read_text("RECORD") is None
    assert not found.locate_file("any").exists()
    assert importlib.import_module(name.replace("core", "x").replace("xx", "x")).__name__ in ("httpx", "httpx2")


def test_other_releases_are_untouched() -> None:
    """Other distributions, and listings of all, are as they were."""
    assert importlib.metadata.version("pytest") == pytest.__version__
    assert list(find_distributions(importlib.metadata.DistributionFinder.Context())) == []
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("no-such-distribution")
