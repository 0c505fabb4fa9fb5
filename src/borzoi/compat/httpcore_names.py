"""The modules of httpcore 1.0 and httpcore2, as a table: where each of their names is written here.

Errors are our own: what Borzoi raises is caught by `except httpcore.ReadError`, and what a program's network raises in
that name is a `borzoi.ReadError` to the client.
"""

from __future__ import annotations

from importlib import import_module

from .._version import __version__ as ours
from .httpcore_seam import heed_patches
from .httpcore_watch import when_patched

VERSION = "1.0.9"
"""The release of httpcore whose surface this is."""

ERRORS = (
    "ConnectError ConnectTimeout LocalProtocolError NetworkError PoolTimeout ProtocolError ProxyError ReadError "
    "ReadTimeout RemoteProtocolError TimeoutException UnsupportedProtocol WriteError WriteTimeout"
)
MODELS = "Origin Proxy Request Response URL"
POOLS = "ConnectionPool HTTPProxy SOCKSProxy"
CONNECTIONS = "HTTP11Connection HTTP2Connection HTTPConnection"
NETWORK = "NetworkBackend NetworkStream"
ENFORCING = "enforce_bytes enforce_headers enforce_stream enforce_url include_request_headers"
TYPES = "ByteOrStr Extensions HeaderTypes HeadersAsMapping HeadersAsSequence"


def _both(names: str) -> str:
    return f"{names} {_async(names)}"


def _async(names: str) -> str:
    return " ".join(f"Async{name}" for name in names.split())


PUBLIC: dict[str, str] = {
    "_errors": ERRORS,
    "compat.httpcore_api": "default_ssl_context request stream",
    "compat.httpcore_connections": f"ConnectionNotAvailable {_both(CONNECTIONS)}",
    "compat.httpcore_mock": "AsyncMockBackend AsyncMockStream MockBackend MockStream",
    "compat.httpcore_models": MODELS,
    "compat.httpcore_pools": _both(POOLS),
    "compat.httpcore_requests": "AsyncConnectionInterface ConnectionInterface",
    "compat.httpcore_streams": f"AnyIOBackend SOCKET_OPTION SyncBackend TrioBackend {_both(NETWORK)}",
}
"""The public names: where they are written -> which."""

_BACKENDS_BASE = {"compat.httpcore_streams": f"SOCKET_OPTION {_both(NETWORK)}"}
_MODELS = {"compat.httpcore_models": f"{MODELS} {ENFORCING} {TYPES} DEFAULT_PORTS", "_messages.streams": "ByteStream"}
_HTTP_PROXY = "ForwardHTTPConnection TunnelHTTPConnection"

PRIVATE: dict[str, dict[str, str]] = {
    "_api": {"compat.httpcore_api": "request stream"},
    "_async": {"compat.httpcore_connections": _async(CONNECTIONS), "compat.httpcore_pools": _async(POOLS)}
    | {"compat.httpcore_requests": "AsyncConnectionInterface"},
    "_async.connection": {"compat.httpcore_connections": "AsyncHTTPConnection"},
    "_async.connection_pool": {"compat.httpcore_pools": "AsyncConnectionPool"},
    "_async.http11": {"compat.httpcore_connections": "AsyncHTTP11Connection"},
    "_async.http2": {"compat.httpcore_connections": "AsyncHTTP2Connection"},
    "_async.http_proxy": {
        "compat.httpcore_connections": _async(_HTTP_PROXY),
        "compat.httpcore_pools": "AsyncHTTPProxy",
    },
    "_async.interfaces": {"compat.httpcore_requests": "AsyncConnectionInterface AsyncRequestInterface"},
    "_async.socks_proxy": {
        "compat.httpcore_connections": "AsyncSocks5Connection",
        "compat.httpcore_pools": "AsyncSOCKSProxy",
    },
    "_backends": {},
    "_backends.anyio": {"compat.httpcore_streams": "AnyIOBackend AnyIOStream=AsyncStream"},
    "_backends.auto": {"compat.httpcore_streams": "AutoBackend"},
    "_backends.base": _BACKENDS_BASE,
    "_backends.mock": {"compat.httpcore_mock": "AsyncMockBackend AsyncMockStream MockBackend MockSSLObject MockStream"},
    "_backends.sync": {"compat.httpcore_streams": "SyncBackend SyncStream"},
    "_backends.trio": {"compat.httpcore_streams": "TrioBackend TrioStream=AsyncStream"},
    "_exceptions": {
        "_errors": ERRORS,
        "compat.httpcore_api": "map_exceptions",
        "compat.httpcore_connections": "ConnectionNotAvailable",
    },
    "_models": _MODELS,
    "_ssl": {"compat.httpcore_api": "default_ssl_context"},
    "_sync": {"compat.httpcore_connections": CONNECTIONS, "compat.httpcore_pools": POOLS}
    | {"compat.httpcore_requests": "ConnectionInterface"},
    "_sync.connection": {"compat.httpcore_connections": "HTTPConnection"},
    "_sync.connection_pool": {"compat.httpcore_pools": "ConnectionPool"},
    "_sync.http11": {"compat.httpcore_connections": "HTTP11Connection"},
    "_sync.http2": {"compat.httpcore_connections": "HTTP2Connection"},
    "_sync.http_proxy": {"compat.httpcore_connections": _HTTP_PROXY, "compat.httpcore_pools": "HTTPProxy"},
    "_sync.interfaces": {"compat.httpcore_requests": "ConnectionInterface RequestInterface"},
    "_sync.socks_proxy": {
        "compat.httpcore_connections": "Socks5Connection",
        "compat.httpcore_pools": "SOCKSProxy",
    },
    "_types": {"compat.httpcore_models": TYPES, "compat.httpcore_streams": "SOCKET_OPTION"},
}
"""The private modules that packages import from: module -> where its names are written -> which, `theirs=ours`."""


def modules() -> dict[str, dict[str, object]]:
    """Return the namespace of each module of httpcore."""
    when_patched(heed_patches)
    public = _resolved(PUBLIC)
    for value in public.values():
        # Errors are httpx's, and keep that name; what is written here shows as httpcore's.
        if getattr(value, "__module__", "").startswith("borzoi.compat."):
            value.__module__ = "httpcore"

    family: dict[str, dict[str, object]] = {
        "httpcore": {"__version__": VERSION, "__all__": [*public], "__description__": f"borzoi {ours}", **public}
    }
    for module, homes in PRIVATE.items():
        family[f"httpcore.{module}"] = _resolved(homes)
    return family


def _resolved(homes: dict[str, str]) -> dict[str, object]:
    resolved: dict[str, object] = {}
    for home, names in homes.items():
        written = import_module(f"borzoi.{home}")
        for name in names.split():
            theirs, _, here = name.partition("=")
            resolved[theirs] = getattr(written, here or theirs)
    return resolved
