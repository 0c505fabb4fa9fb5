"""The modules of httpx 0.28.1 and of httpx2, as a table: which of our names stands for which of theirs.

Nothing is done here. A private name of theirs that packages use is one word of the table: its name, or `theirs=ours`
where it is called otherwise, in the row of the module that it is written in here. Each module has the names of all,
since theirs import most of them from each other, and packages take them from wherever they saw them.
"""

from __future__ import annotations

from importlib import import_module

import borzoi

from .._client.transports import AsyncHTTPTransport, HTTPTransport
from .._values.headers import Headers
from .._values.url import URL
from . import httpcore_seam, httpx_parts, httpx_types, identity

PRIVATE_NAMES: dict[str, dict[str, str]] = {
    "_api": {},
    "_auth": {"_policy.auth": "FunctionAuth"},
    "_client": {
        "_client.client_base": "BaseClient ClientState",
        "_client.settings": "EventHook",
        "_config": "UseClientDefault=Unset",
        "_policy.redirects": "_is_https_redirect=_is_upgrade _same_origin=_is_same_origin",
        "compat.httpx_parts": "ACCEPT_ENCODING USER_AGENT",
    },
    "_config": {
        "_config": "DEFAULT_LIMITS DEFAULT_MAX_REDIRECTS DEFAULT_TIMEOUT_CONFIG=DEFAULT_TIMEOUT UNSET UnsetType=Unset",
    },
    "_content": {
        "_messages.content": (
            "AsyncIteratorByteStream=AsyncIterableStream IteratorByteStream=IterableStream encode_content encode_html "
            "encode_json encode_multipart_data encode_request encode_response encode_text encode_urlencoded_data"
        ),
        "_messages.streams": "UnattachedStream",
    },
    "_decoders": {
        "_messages.chunking": "ByteChunker TextChunker",
        "compat.httpx_parts": (
            "BrotliDecoder ContentDecoder DeflateDecoder GZipDecoder IdentityDecoder LineDecoder=ListLineDecoder "
            "SUPPORTED_DECODERS TextDecoder=WholeTextDecoder ZStandardDecoder"
        ),
    },
    "_exceptions": {"_errors": "request_context"},
    "_main": {},
    "_models": {
        "_messages.charset": "_is_known_encoding=is_charset _parse_content_type_charset=charset_of",
        "_messages.links": "_parse_header_links=parse_links",
    },
    "_multipart": {
        "_messages.multipart": (
            "DataField FileField MultipartStream get_multipart_boundary_from_content_type=boundary_of"
        ),
    },
    "_status_codes": {},
    "_transports": {},
    "_transports.asgi": {},
    "_transports.base": {},
    "_transports.default": {
        "compat.httpx_parts": "AsyncResponseStream ResponseStream SOCKET_OPTION map_httpcore_exceptions"
    },
    "_transports.mock": {},
    "_transports.wsgi": {},
    "_types": {},
    "_urlparse": {
        "_values.url_parser": "MAX_URL_LENGTH",
        "compat.httpx_parts": "ParseResult urlparse",
    },
    "_urls": {},
    "_utils": {
        "_policy.routing": "URLPattern get_environment_proxies",
        "compat.httpx_parts": (
            "is_ipv4_hostname is_ipv6_hostname peek_filelike_length primitive_value_to_str to_bytes to_bytes_or_str "
            "to_str unquote"
        ),
    },
}
"""What packages import from the private modules of httpx: module -> where it is written here -> names."""

NAMES_OF_HTTPX2: dict[str, dict[str, str]] = {
    "_cookies": {},
    "_sse": {},
    "websockets": {
        "websockets": (
            "ASGIWebSocketTransport AsyncWebSocketClient AsyncWebSocketSession HTTPXWSException JSONMode "
            "WebSocketClient WebSocketDisconnect WebSocketInvalidTypeReceived WebSocketNetworkError "
            "WebSocketSession WebSocketUpgradeError"
        )
    },
    "websockets._api": {},
    "websockets._exceptions": {},
    "websockets._transport": {},
}
"""Modules that httpx2 has besides those."""

PRIVATE_ATTRIBUTES: dict[type, dict[str, object]] = {
    Headers: {"_list": httpx_parts.HEADER_LIST},
    URL: {"_uri_reference": httpx_parts.URI_REFERENCE},
    HTTPTransport: {"_pool": httpcore_seam.POOL},
    AsyncHTTPTransport: {"_pool": httpcore_seam.ASYNC_POOL},
}
"""What packages ask of objects, where ours has another name for it. It is there while the alias is installed."""


def modules() -> dict[str, dict[str, object]]:
    """Return the namespace of each module of httpx."""
    return _family("httpx", identity.VERSION, PRIVATE_NAMES)


def modules_of_httpx2() -> dict[str, dict[str, object]]:
    """Return the namespace of each module of httpx2."""
    return _family("httpx2", identity.VERSION_OF_HTTPX2, {**PRIVATE_NAMES, **NAMES_OF_HTTPX2})


def _family(root: str, version: str, private: dict[str, dict[str, str]]) -> dict[str, dict[str, object]]:
    about: dict[str, object] = {"__title__": root, "__version__": version, "__description__": borzoi.__description__}
    public: dict[str, object] = {name: getattr(borzoi, name) for name in borzoi.__all__} | about
    public["main"] = httpx_parts.MAIN
    private_names = [_resolve(homes) for homes in private.values()]
    shared: dict[str, object] = {name: value for name, value in vars(httpx_types).items() if not name.startswith("_")}
    for names in (public, *private_names):
        shared |= names
    return {
        root: {**public, "__all__": list(borzoi.__all__)},
        f"{root}.__version__": about,
        **{f"{root}.{module}": dict(shared) for module in private},
    }


def _resolve(homes: dict[str, str]) -> dict[str, object]:
    resolved: dict[str, object] = {}
    for home, names in homes.items():
        written = import_module(f"borzoi.{home}")
        for name in names.split():
            theirs, _, ours = name.partition("=")
            resolved[theirs] = getattr(written, ours or theirs)
    return resolved
