"""A proxy as a value: where it is, and what it is told. The transport does the talking."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .._values.headers import Headers
from .._values.url import URL

if TYPE_CHECKING:
    import ssl

    from .._values.headers import HeaderTypes

ProxyTypes: TypeAlias = "URL | str | Proxy"
"""What `proxy=` takes."""

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


class Proxy:
    """Hold the address of a proxy, its credentials, and the headers and TLS settings that are for it alone.

    Credentials in the URL are taken out of it, and win over `auth`. Raises ValueError for a scheme that is no proxy's.
    """

    def __init__(
        self,
        url: URL | str,
        *,
        ssl_context: ssl.SSLContext | None = None,
        auth: tuple[str, str] | None = None,
        headers: HeaderTypes | None = None,
    ) -> None:
        url = URL(url)
        username, password = url.username, url.password

        if username or password:
            auth = (username, password)
            url = url.copy_with(username=None, password=None)
        if url.scheme not in PROXY_SCHEMES:
            raise ValueError(f"Unknown scheme for proxy URL {url!r}")

        self.url = url
        self.auth = auth
        self.headers = Headers(headers)
        self.ssl_context = ssl_context

    @property
    def raw_auth(self) -> tuple[bytes, bytes] | None:
        """The credentials as bytes in UTF-8."""
        if self.auth is None:
            return None
        return self.auth[0].encode("utf-8"), self.auth[1].encode("utf-8")

    def __repr__(self) -> str:
        auth = f", auth={(self.auth[0], '********')!r}" if self.auth else ""
        headers = f", headers={self._shown_headers()!r}" if self.headers else ""
        return f"Proxy({str(self.url)!r}{auth}{headers})"

    def _shown_headers(self) -> dict[str, str]:
        shown = dict(self.headers)
        for name in ("authorization", "proxy-authorization"):
            if name in shown:
                shown[name] = "[secure]"
        return shown
