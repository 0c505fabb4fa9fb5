"""The settings of a stand-in pool: attributes that programs read and assign, over a dialer and pools of ours.

What is assigned holds from then on. What concerns dialing changes the dialer; limits and the network need new pools,
and the old ones close their connections as they become idle.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .._config import Limits
from .._exchange.dial import Dialer
from .._policy.proxy import Proxy as OurProxy
from .._values import url as urls
from .._values.headers import Headers
from .httpcore_models import URL, Proxy

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from .._exchange.pool import Pool


def proxy_to_ours(url: URL, headers: list[tuple[bytes, bytes]], auth: Any, context: Any) -> OurProxy:
    """Return a proxy of ours. Where it is an HTTP proxy, its credentials are among its headers."""
    ours = urls.URL(scheme=url.scheme.decode("ascii"), host=url.host.decode("ascii"), port=url.port, path="/")
    credentials = None if auth is None else (auth[0].decode("utf-8"), auth[1].decode("utf-8"))
    is_socks = url.scheme.startswith(b"socks")
    return OurProxy(ours, auth=credentials if is_socks else None, headers=Headers(headers), ssl_context=context)


def proxy_from_ours(proxy: OurProxy) -> Proxy:
    """Return httpcore's form of a proxy of ours."""
    url = proxy.url
    where = URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    return Proxy(where, proxy.raw_auth, proxy.headers.raw, proxy.ssl_context)


class PoolSettings:
    """Hold the settings, and see to it that those that are assigned later take effect."""

    _dialer: Dialer
    _is_ready = False

    _max_connections: int
    _max_keepalive_connections: int
    _keepalive_expiry: float | None
    _retries: int
    _local_address: str | None
    _uds: str | None
    _socket_options: Any
    _network_backend: Any
    _proxy: Proxy | None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if self._is_ready and name in _CHANGES:
            _CHANGES[name](self)

    @property
    def _ssl_context(self) -> ssl.SSLContext:
        # Made when it is asked for: loading the authorities takes longer than a request.
        return self._dialer._context()

    @_ssl_context.setter
    def _ssl_context(self, context: ssl.SSLContext) -> None:
        self._dialer._context = lambda: context

    def _read_settings(self, dialer: Dialer, limits: Limits, backend: Any) -> None:
        """Show the settings of a transport of ours."""
        options = dialer._options
        self._dialer = dialer
        self._max_connections = sys.maxsize if limits.max_connections is None else limits.max_connections
        kept = limits.max_keepalive_connections
        self._max_keepalive_connections = min(self._max_connections, sys.maxsize if kept is None else kept)
        self._keepalive_expiry = limits.keepalive_expiry
        self._http1 = True
        self._http2 = bool(getattr(dialer, "http2", False))
        self._retries = dialer._retries
        self._local_address = options.local_address
        self._uds = dialer._unix_path
        self._socket_options = list(options.socket_options) or None
        self._network_backend = backend
        self._proxy = None if dialer.proxy is None else proxy_from_ours(dialer.proxy)
        self._show_proxy()
        self._is_ready = True

    def _show_proxy(self) -> None:
        """Set what shows the proxy besides `_proxy`."""

    def _limits(self) -> Limits:
        return Limits(
            max_connections=self._max_connections,
            max_keepalive_connections=self._max_keepalive_connections,
            keepalive_expiry=self._keepalive_expiry,
        )

    def _renew(self) -> None:
        """Have new pools made, with the limits and the network as they are now."""
        raise NotImplementedError


def retire(pool: Pool) -> None:
    """Close idle connections now, and the others when they become idle."""
    pool._shelf._max_idle = 0
    for connection in pool._shelf.idle():
        pool.drop_idle(connection)


def _change_dialing(pool: PoolSettings) -> None:
    pool._dialer._retries = pool._retries
    pool._dialer._unix_path = pool._uds
    for options in (pool._dialer._options, getattr(pool._dialer, "_options_of_proxy", pool._dialer._options)):
        options.local_address = pool._local_address
        options.socket_options = tuple(pool._socket_options or ())


def _change_network(pool: PoolSettings) -> None:
    pool._renew()


def _change_proxy(pool: PoolSettings) -> None:
    proxy = pool._proxy
    ours = None if proxy is None else proxy_to_ours(proxy.url, proxy.headers, proxy.auth, proxy.ssl_context)
    pool._dialer.proxy = ours
    pool._dialer._via = Dialer(context=pool._dialer._context, proxy=ours)._via
    pool._renew()


def _change_shown_proxy(pool: Any) -> None:
    if pool._proxy is None:
        return
    shown = pool._proxy
    shown.url = pool._proxy_url
    shown.headers = getattr(pool, "_proxy_headers", shown.headers)
    shown.auth = getattr(pool, "_proxy_auth", shown.auth)
    _change_proxy(pool)


_CHANGES: dict[str, Callable[[Any], None]] = {
    **dict.fromkeys(("_retries", "_uds", "_local_address", "_socket_options"), _change_dialing),
    **dict.fromkeys(
        ("_max_connections", "_max_keepalive_connections", "_keepalive_expiry", "_network_backend"), _change_network
    ),
    "_proxy": _change_proxy,
    **dict.fromkeys(("_proxy_url", "_proxy_headers", "_proxy_auth"), _change_shown_proxy),
}
"""What each setting concerns."""
