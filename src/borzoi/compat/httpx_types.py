"""The types of arguments, as `httpx._types` has them: objects at run time, since models of programs refer to them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import IO, Any

from .._config import Timeout
from .._messages.request import Request
from .._policy.auth import Auth
from .._policy.proxy import Proxy
from .._values.cookies import Cookies
from .._values.headers import Headers
from .._values.query import QueryParams
from .._values.url import URL

PrimitiveData = str | int | float | bool | None

URLTypes = URL | str
QueryParamTypes = (
    QueryParams
    | Mapping[str, PrimitiveData | Sequence[PrimitiveData]]
    | list[tuple[str, PrimitiveData]]
    | tuple[tuple[str, PrimitiveData], ...]
    | str
    | bytes
)
HeaderTypes = (
    Headers | Mapping[str, str] | Mapping[bytes, bytes] | Sequence[tuple[str, str]] | Sequence[tuple[bytes, bytes]]
)
CookieTypes = Cookies | CookieJar | dict[str, str] | list[tuple[str, str]]

TimeoutTypes = float | None | tuple[float | None, float | None, float | None, float | None] | Timeout
ProxyTypes = URL | str | Proxy
CertTypes = str | tuple[str, str] | tuple[str, str, str]
AuthTypes = tuple[str | bytes, str | bytes] | Callable[[Request], Request] | Auth

RequestContent = str | bytes | Iterable[bytes] | AsyncIterable[bytes]
RequestData = Mapping[str, Any]
RequestExtensions = Mapping[str, Any]
ResponseContent = str | bytes | Iterable[bytes] | AsyncIterable[bytes]
ResponseExtensions = Mapping[str, Any]

FileContent = IO[bytes] | bytes | str
FileTypes = (
    FileContent
    | tuple[str | None, FileContent]
    | tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = Mapping[str, FileTypes] | Sequence[tuple[str, FileTypes]]
