"""What `Client` and `AsyncClient` share: their settings, the state they are in, and how they build requests.

A client sends nothing itself. The pipeline sends its requests over the transport that `_transport_for_url()` names; the
two faces add the methods that programs call.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from .._config import DEFAULT_LIMITS, DEFAULT_MAX_REDIRECTS, DEFAULT_TIMEOUT, UNSET, Timeout
from .._messages.request import Request, request_without_body
from .._policy import redirects
from .._policy.auth import build_auth
from .._policy.routing import mount_table, proxy_map
from .._values.cookies import Cookies
from .._values.query import QueryParams
from .._values.url import URL, parse_url
from . import settings

if TYPE_CHECKING:
    from .._config import Limits, TimeoutTypes, Unset
    from .._messages.content import RequestContent, RequestData
    from .._messages.multipart import RequestFiles
    from .._messages.response import Response
    from .._policy.auth import Auth, AuthTypes
    from .._policy.proxy import Proxy, ProxyTypes
    from .._policy.routing import URLPattern
    from .._values.cookies import CookieTypes
    from .._values.headers import Headers, HeaderTypes
    from .._values.query import QueryParamTypes
    from .adapters import Face
    from .resolving import ResolverTypes
    from .settings import Clock, DefaultEncoding, EventHook, EventHooks
    from .tls import CertTypes, VerifyTypes

TransportT = TypeVar("TransportT")


class ClientState(enum.Enum):
    """The state of a client: it goes down this list only."""

    UNOPENED = 1
    """It has sent nothing, and was not entered."""
    OPENED = 2
    """It has sent something, or is inside a `with` block."""
    CLOSED = 3
    """It was closed, or its `with` block was left."""


class BaseClient(Generic[TransportT]):
    """Hold the settings of a client, and build requests with them."""

    _kind: ClassVar[Face]
    """The face of the class. What an instance has of its own is found faster."""

    def __init__(
        self,
        *,
        auth: AuthTypes | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        verify: VerifyTypes = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        proxy: ProxyTypes | None = None,
        mounts: Mapping[str, TransportT | None] | None = None,
        timeout: TimeoutTypes = DEFAULT_TIMEOUT,
        follow_redirects: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        max_redirects: int = DEFAULT_MAX_REDIRECTS,
        event_hooks: Mapping[str, list[EventHook]] | None = None,
        base_url: URL | str = "",
        transport: TransportT | None = None,
        default_encoding: DefaultEncoding = "utf-8",
        resolver: ResolverTypes | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._state = ClientState.UNOPENED
        self._face = self._kind
        self._auth = build_auth(auth)
        self._headers = settings.client_headers(headers)
        self._params = QueryParams(params)
        self._cookies = Cookies(cookies)
        self._timeout = Timeout(timeout)
        self._base_url = settings.with_trailing_slash(URL(base_url))
        self._event_hooks = settings.checked_hooks(event_hooks)
        self._default_encoding = settings.checked_encoding(default_encoding)
        self._trust_env = trust_env
        self._clock = clock
        self._resolver = settings.checked_resolver(resolver, transport)
        self._now = time.perf_counter if clock is None else clock.now
        self.follow_redirects = follow_redirects
        self.max_redirects = settings.checked_max_redirects(max_redirects)

        network: dict[str, Any] = {
            "verify": verify,
            "cert": cert,
            "trust_env": trust_env,
            "http1": http1,
            "http2": http2,
            "limits": limits,
        }
        proxies = proxy_map(proxy, use_environment=trust_env and transport is None)
        self._transport: TransportT = self._init_transport(transport=transport, **network)
        routes: dict[str, TransportT | None] = {
            key: None if via is None else self._init_proxy_transport(via, **network) for key, via in proxies.items()
        }
        self._mounts: dict[URLPattern, TransportT | None] = mount_table({**routes, **(mounts or {})})

    def _init_transport(
        self,
        verify: VerifyTypes = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        transport: TransportT | None = None,
    ) -> TransportT:
        if transport is not None:
            return transport
        return self._network_transport(
            verify=verify, cert=cert, trust_env=trust_env, http1=http1, http2=http2, limits=limits
        )

    def _init_proxy_transport(
        self,
        proxy: Proxy,
        verify: VerifyTypes = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> TransportT:
        return self._network_transport(
            verify=verify, cert=cert, trust_env=trust_env, http1=http1, http2=http2, limits=limits, proxy=proxy
        )

    def _network_transport(self, **arguments: Any) -> TransportT:
        # Not among the arguments of the two methods above, which subclasses override with the signature of httpx.
        if self._clock is not None:
            arguments["clock"] = self._clock
        if self._resolver is not None:
            arguments["resolver"] = self._resolver
        return self._transport_type()(**arguments)

    def _transport_type(self) -> Callable[..., TransportT]:
        """Return what makes transports that go over the network."""
        raise NotImplementedError(f"{type(self).__name__} must implement _transport_type().")

    def _transport_for_url(self, url: URL) -> TransportT:
        """Return the transport for a URL: that of the most specific pattern, or else the client's own."""
        if self._mounts:
            for pattern, transport in self._mounts.items():
                if pattern.matches(url):
                    return self._transport if transport is None else transport
        return self._transport

    def _transports(self) -> list[TransportT]:
        return [self._transport, *(transport for transport in self._mounts.values() if transport is not None)]

    def _open(self) -> None:
        if self._state is ClientState.CLOSED:
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        self._state = ClientState.OPENED

    def _enter(self) -> None:
        if self._state is ClientState.OPENED:
            raise RuntimeError("Cannot open a client instance more than once.")
        if self._state is ClientState.CLOSED:
            raise RuntimeError("Cannot reopen a client instance, once it has been closed.")
        self._state = ClientState.OPENED

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed."""
        return self._state is ClientState.CLOSED

    @property
    def trust_env(self) -> bool:
        """Whether the environment may name proxies and certificates."""
        return self._trust_env

    @property
    def timeout(self) -> Timeout:
        """The time-outs of requests that have none of their own."""
        return self._timeout

    @timeout.setter
    def timeout(self, timeout: TimeoutTypes) -> None:
        self._timeout = Timeout(timeout)

    @property
    def event_hooks(self) -> EventHooks:
        """The functions called with each "request" before it is sent, and each "response" before its body is read."""
        return self._event_hooks

    @event_hooks.setter
    def event_hooks(self, event_hooks: Mapping[str, list[EventHook]]) -> None:
        self._event_hooks = settings.checked_hooks(event_hooks)

    @property
    def auth(self) -> Auth | None:
        """What authenticates requests that have no `auth=` of their own."""
        return self._auth

    @auth.setter
    def auth(self, auth: AuthTypes | None) -> None:
        self._auth = build_auth(auth)

    @property
    def base_url(self) -> URL:
        """The URL that relative ones are appended to; it ends with a slash."""
        return self._base_url

    @base_url.setter
    def base_url(self, url: URL | str) -> None:
        self._base_url = settings.with_trailing_slash(URL(url))

    @property
    def headers(self) -> Headers:
        """The headers of each request. Those assigned go on top of the defaults."""
        return self._headers

    @headers.setter
    def headers(self, headers: HeaderTypes | None) -> None:
        self._headers = settings.client_headers(headers)

    @property
    def cookies(self) -> Cookies:
        """The cookies that requests carry, and that responses set."""
        return self._cookies

    @cookies.setter
    def cookies(self, cookies: CookieTypes | None) -> None:
        self._cookies = Cookies(cookies)

    @property
    def params(self) -> QueryParams:
        """The query parameters of each request."""
        return self._params

    @params.setter
    def params(self, params: QueryParamTypes | None) -> None:
        self._params = QueryParams(params)

    def build_request(
        self,
        method: str,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> Request:
        """Build a request from these arguments and the client's settings, and do not send it.

        A relative URL is appended to `base_url`; params, headers and cookies are merged with the client's.
        """
        # hot path: what was not given is not merged.
        if params is not None or self._params._dict:
            params = settings.merged_params(self._params, params)
        if extensions is None and timeout is UNSET:
            extensions = {"timeout": self._timeout.as_dict()}
        else:
            extensions = settings.merged_extensions(timeout, self._timeout, extensions)
        merged = self._headers if headers is None else settings.merged_headers(self._headers, headers)
        url = self._merge_url(url)

        if params is None and content is None and data is None and files is None and json is None:
            request = request_without_body(method, url, merged, extensions)
        else:
            request = Request(
                method,
                url,
                params=params,
                headers=merged,
                content=content,
                data=data,
                files=files,
                json=json,
                extensions=extensions,
            )
        if cookies:
            settings.merged_cookies(self._cookies, cookies).set_cookie_header(request)
        elif not self._cookies._store.is_empty():
            self._cookies.set_cookie_header(request)
        return request

    def _merge_url(self, url: URL | str) -> URL:
        """Return the URL of a request: the one given, or, where it is relative, one below `base_url`."""
        merged = parse_url(url) if isinstance(url, str) else URL(url)
        if merged._parts.scheme and merged._parts.host:
            return merged
        return settings.append_to_base(self._base_url, merged)

    def _build_redirect_request(self, request: Request, response: Response) -> Request:
        """Return the request that follows a redirect."""
        method = redirects.redirect_method(request, response)
        url = redirects.redirect_url(request, response)
        return redirects.redirect_request(
            request, method, url, headers=self._redirect_headers(request, url, method), cookies=self._cookies
        )

    def _redirect_headers(self, request: Request, url: URL, method: str) -> Headers:
        """Return the headers of the request that follows a redirect. Subclasses may keep or drop others."""
        return redirects.redirect_headers(request, url, method)
