"""fetch for Python: one HTTP client for threads, asyncio and trio.

    import borzoi

    response = borzoi.get("https://example.org")

The names are httpx's; what is added to them has defaults that keep httpx's behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._api import delete, get, head, options, patch, post, put, query, request, stream
from ._client.async_client import AsyncClient
from ._client.sync_client import Client
from ._client.tls import create_ssl_context
from ._client.transport_base import AsyncBaseTransport, BaseTransport, MockTransport
from ._client.transports import AsyncHTTPTransport, HTTPTransport
from ._config import UNSET as USE_CLIENT_DEFAULT
from ._config import Limits, Timeout
from ._errors import (
    CloseError,
    ConnectError,
    ConnectTimeout,
    CookieConflict,
    DecodingError,
    HTTPError,
    HTTPStatusError,
    InvalidURL,
    LocalProtocolError,
    NetworkError,
    PoolTimeout,
    ProtocolError,
    ProxyError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    RequestError,
    RequestNotRead,
    ResponseNotRead,
    StreamClosed,
    StreamConsumed,
    StreamError,
    TimeoutException,
    TooManyRedirects,
    TransportError,
    UnsupportedProtocol,
    WriteError,
    WriteTimeout,
)
from ._messages.request import Request
from ._messages.response import Response
from ._messages.streams import AsyncByteStream, ByteStream, SyncByteStream
from ._policy.auth import Auth, BasicAuth, FunctionAuth, NetRCAuth
from ._policy.proxy import Proxy
from ._values.cookies import Cookies
from ._values.headers import Headers
from ._values.query import QueryParams
from ._values.url import URL, Origin
from ._version import __version__

if TYPE_CHECKING:
    from ._client.asgi_transport import ASGITransport
    from ._client.wsgi_transport import WSGITransport
    from ._messages.progress import Progress
    from ._policy.digest import DigestAuth
    from ._values.status import codes
    from .cli.main import main

__title__ = "borzoi"
__description__ = "fetch for Python: one HTTP client for threads, asyncio and trio."

__all__ = [
    "__description__",
    "__title__",
    "__version__",
    "ASGITransport",
    "AsyncBaseTransport",
    "AsyncByteStream",
    "AsyncClient",
    "AsyncHTTPTransport",
    "Auth",
    "BaseTransport",
    "BasicAuth",
    "ByteStream",
    "Client",
    "CloseError",
    "codes",
    "ConnectError",
    "ConnectTimeout",
    "CookieConflict",
    "Cookies",
    "create_ssl_context",
    "DecodingError",
    "delete",
    "DigestAuth",
    "FunctionAuth",
    "get",
    "head",
    "Headers",
    "HTTPError",
    "HTTPStatusError",
    "HTTPTransport",
    "InvalidURL",
    "Limits",
    "LocalProtocolError",
    "main",
    "MockTransport",
    "NetRCAuth",
    "NetworkError",
    "options",
    "Origin",
    "patch",
    "PoolTimeout",
    "post",
    "Progress",
    "ProtocolError",
    "Proxy",
    "ProxyError",
    "put",
    "query",
    "QueryParams",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "Request",
    "request",
    "RequestError",
    "RequestNotRead",
    "Response",
    "ResponseNotRead",
    "stream",
    "StreamClosed",
    "StreamConsumed",
    "StreamError",
    "SyncByteStream",
    "Timeout",
    "TimeoutException",
    "TooManyRedirects",
    "TransportError",
    "UnsupportedProtocol",
    "URL",
    "USE_CLIENT_DEFAULT",
    "WriteError",
    "WriteTimeout",
    "WSGITransport",
]

_ON_USE = {
    "ASGITransport": "_client.asgi_transport",
    "codes": "_values.status",
    "DigestAuth": "_policy.digest",
    "main": "cli.main",
    "Progress": "_messages.progress",
    "WSGITransport": "_client.wsgi_transport",
}
"""Names that few programs use, and the modules that are imported when one does."""


def __getattr__(name: str) -> Any:
    if name not in _ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    import importlib

    value = getattr(importlib.import_module(f".{_ON_USE[name]}", __name__), name)
    _show_public_path(value)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _show_public_path(value: Any) -> None:
    """Have a traceback, a repr and a pickle say `borzoi.Client`, and not where it is written."""
    if getattr(value, "__module__", "").startswith(f"{__name__}."):
        value.__module__ = __name__


def _show_public_paths() -> None:
    for name in __all__:
        if name in globals() and name != "USE_CLIENT_DEFAULT":
            _show_public_path(globals()[name])


_show_public_paths()
