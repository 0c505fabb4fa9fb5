"""fetch for Python: one HTTP client for threads, asyncio and trio.

    import borzoi

    response = borzoi.get("https://example.org")

The names are httpx's; what is added to them has defaults that keep httpx's behaviour.
"""

from __future__ import annotations

import importlib
import sys

from ._version import __version__

# Type checkers know this name; to import it from `typing` would cost more than all the rest of this module.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._api import delete, get, head, options, patch, post, put, query, request, stream, websocket
    from ._client.asgi_transport import ASGITransport
    from ._client.async_client import AsyncClient
    from ._client.oauth2 import OAuth2ClientCredentials, OAuth2RefreshToken
    from ._client.sync_client import Client
    from ._client.tls import create_ssl_context
    from ._client.transport_base import AsyncBaseTransport, BaseTransport, MockTransport
    from ._client.transports import AsyncHTTPTransport, HTTPTransport
    from ._client.wsgi_transport import WSGITransport
    from ._config import UNSET as USE_CLIENT_DEFAULT
    from ._config import Limits, Timeout
    from ._errors import (
        BlockedAddress,
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
        SSEError,
        StreamClosed,
        StreamConsumed,
        StreamError,
        TimeoutException,
        TokenError,
        TooManyRedirects,
        TransportError,
        UnsupportedProtocol,
        WriteError,
        WriteTimeout,
    )
    from ._messages.event_source import EventSource
    from ._messages.progress import Progress
    from ._messages.request import Request
    from ._messages.response import Response
    from ._messages.sse import ServerSentEvent
    from ._messages.streams import AsyncByteStream, ByteStream, SyncByteStream
    from ._messages.timings import Timings
    from ._policy.auth import Auth, BasicAuth, FunctionAuth, NetRCAuth
    from ._policy.digest import DigestAuth
    from ._policy.pool_stats import OriginStats, PoolStats
    from ._policy.proxy import Proxy
    from ._policy.tls import TLS
    from ._values.cookies import Cookies
    from ._values.headers import Headers
    from ._values.query import QueryParams
    from ._values.status import codes
    from ._values.url import URL, Origin
    from .cli.main import main
    from .compat.migration import alias_httpx

__title__ = "borzoi"
__description__ = "fetch for Python: one HTTP client for threads, asyncio and trio."

__all__ = [
    "__description__",
    "__title__",
    "__version__",
    "alias_httpx",
    "ASGITransport",
    "AsyncBaseTransport",
    "AsyncByteStream",
    "AsyncClient",
    "AsyncHTTPTransport",
    "Auth",
    "BaseTransport",
    "BasicAuth",
    "BlockedAddress",
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
    "EventSource",
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
    "OAuth2ClientCredentials",
    "OAuth2RefreshToken",
    "options",
    "Origin",
    "OriginStats",
    "patch",
    "PoolStats",
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
    "ServerSentEvent",
    "SSEError",
    "stream",
    "StreamClosed",
    "StreamConsumed",
    "StreamError",
    "SyncByteStream",
    "Timeout",
    "TimeoutException",
    "Timings",
    "TLS",
    "TokenError",
    "TooManyRedirects",
    "TransportError",
    "UnsupportedProtocol",
    "URL",
    "USE_CLIENT_DEFAULT",
    "websocket",
    "WriteError",
    "WriteTimeout",
    "WSGITransport",
]

_HOMES: dict[str, tuple[str, ...]] = {
    "_api": ("delete", "get", "head", "options", "patch", "post", "put", "query", "request", "stream", "websocket"),
    "_client.asgi_transport": ("ASGITransport",),
    "_client.async_client": ("AsyncClient",),
    "_client.oauth2": ("OAuth2ClientCredentials", "OAuth2RefreshToken"),
    "_client.sync_client": ("Client",),
    "_client.tls": ("create_ssl_context",),
    "_client.transport_base": ("AsyncBaseTransport", "BaseTransport", "MockTransport"),
    "_client.transports": ("AsyncHTTPTransport", "HTTPTransport"),
    "_client.wsgi_transport": ("WSGITransport",),
    "_config": ("Limits", "Timeout", "USE_CLIENT_DEFAULT"),
    "_errors": (
        "BlockedAddress",
        "CloseError",
        "ConnectError",
        "ConnectTimeout",
        "CookieConflict",
        "DecodingError",
        "HTTPError",
        "HTTPStatusError",
        "InvalidURL",
        "LocalProtocolError",
        "NetworkError",
        "PoolTimeout",
        "ProtocolError",
        "ProxyError",
        "ReadError",
        "ReadTimeout",
        "RemoteProtocolError",
        "RequestError",
        "RequestNotRead",
        "ResponseNotRead",
        "SSEError",
        "StreamClosed",
        "StreamConsumed",
        "StreamError",
        "TimeoutException",
        "TokenError",
        "TooManyRedirects",
        "TransportError",
        "UnsupportedProtocol",
        "WriteError",
        "WriteTimeout",
    ),
    "_messages.event_source": ("EventSource",),
    "_messages.progress": ("Progress",),
    "_messages.request": ("Request",),
    "_messages.response": ("Response",),
    "_messages.sse": ("ServerSentEvent",),
    "_messages.streams": ("AsyncByteStream", "ByteStream", "SyncByteStream"),
    "_messages.timings": ("Timings",),
    "_policy.auth": ("Auth", "BasicAuth", "FunctionAuth", "NetRCAuth"),
    "_policy.digest": ("DigestAuth",),
    "_policy.pool_stats": ("OriginStats", "PoolStats"),
    "_policy.proxy": ("Proxy",),
    "_policy.tls": ("TLS",),
    "_values.cookies": ("Cookies",),
    "_values.headers": ("Headers",),
    "_values.query": ("QueryParams",),
    "_values.status": ("codes",),
    "_values.url": ("Origin", "URL"),
    "cli.main": ("main",),
    "compat.migration": ("alias_httpx",),
}
"""Where each public name is written. A module is imported when the first of its names is asked for."""

_WRITTEN_AS = {"USE_CLIENT_DEFAULT": "UNSET"}
"""Names that are called otherwise where they are written."""

_MODULES = frozenset({"guards", "websockets"})
"""Public modules that are there without an import of their own."""


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            importlib.import_module(f".{home}", __name__)
            _publish()
            return globals()[name]
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _publish() -> None:
    """Have every public name that is imported by now, say, by a client that raises it, show its public path.

    A traceback, a repr and a pickle say `borzoi.ReadTimeout`, and not where it is written.
    """
    for home, names in _HOMES.items():
        module = sys.modules.get(f"{__name__}.{home}")
        if module is None or names[0] in globals():
            continue
        for name in names:
            # Another thread may be in the middle of importing the module.
            value = getattr(module, _WRITTEN_AS.get(name, name), None)
            if value is not None:
                globals()[name] = value
            if name not in _WRITTEN_AS and getattr(value, "__module__", "").startswith(f"{__name__}."):
                value.__module__ = __name__
