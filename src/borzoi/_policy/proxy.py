"""A proxy as a value: where it is, and what it is told. The transport does the talking."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .._values.headers import SECURE_IN_REPR, Headers
from .._values.redaction import in_repr
from .._values.url import URL

if TYPE_CHECKING:
    import ssl

    from .._values.headers import HeaderTypes

ProxyTypes: TypeAlias = "URL | str | Proxy"
"""What `proxy=` takes."""

PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
"""The kinds of proxies."""


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
        if ssl_context is not None and url.scheme != "https":
            raise ValueError(f"The ssl_context of a proxy is for one with an https:// URL, and {str(url)!r} is none.")
        _check_credentials(url.scheme, auth)

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
        # A name without a password is often a token.
        auth = f", auth={(self.auth[0] if self.auth[1] else '********', '********')!r}" if self.auth else ""
        headers = f", headers={self._shown_headers()!r}" if self.headers else ""
        return f"Proxy({in_repr(self.url._parts).unsplit()!r}{auth}{headers})"

    def _shown_headers(self) -> dict[str, str]:
        return {name: "[secure]" if name in SECURE_IN_REPR else value for name, value in self.headers.items()}


def _check_credentials(scheme: str, auth: tuple[str, str] | None) -> None:
    """Raise ValueError for credentials that a SOCKS proxy cannot be told."""
    if auth is None or not scheme.startswith("socks"):
        return
    if scheme.startswith("socks4"):
        if auth[1]:
            raise ValueError("SOCKS 4 knows user names, and no passwords.")
        if "\0" in auth[0]:
            raise ValueError("A user name for SOCKS 4 cannot have NUL in it.")
    elif max(len(part.encode("utf-8")) for part in auth) > 255:
        raise ValueError("A user name or password for SOCKS 5 has at most 255 bytes.")
