"""A proxy as a value: where it is, and what it is told. The transport does the talking.

`ProxyDigest` decides what a proxy that asks for Digest authentication is told; it sends nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from .._errors import InvalidURL, ProtocolError, ProxyError
from .._values.headers import Headers
from .._values.redaction import SECURE, field_in_repr, in_message, in_repr
from .._values.url import URL
from .auth import Auth

if TYPE_CHECKING:
    import ssl

    from .._values.headers import HeaderTypes, Pairs
    from .digest import Challenge, DigestAuth

ProxyTypes: TypeAlias = "URL | str | Proxy"
"""What `proxy=` takes."""

PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
"""The kinds of proxies."""


class Proxy:
    """Hold the address of a proxy, its credentials, and the headers and TLS settings that are for it alone.

    `auth` is a user name and a password, or a `DigestAuth` for an HTTP proxy that asks for it. Credentials in the URL
    are taken out of it, and win over a pair. Raises ValueError for a scheme that is no proxy's, InvalidURL.
    """

    def __init__(
        self,
        url: URL | str,
        *,
        ssl_context: ssl.SSLContext | None = None,
        auth: tuple[str, str] | DigestAuth | None = None,
        headers: HeaderTypes | None = None,
    ) -> None:
        url = _parsed(url)
        username, password = url.username, url.password

        if username or password:
            if isinstance(auth, Auth):
                # The program does not want its password to travel, and Basic would send it.
                raise ValueError("The proxy URL has credentials, and auth= is for Digest: give the one or the other.")
            auth = (username, password)
            url = url.copy_with(username=None, password=None)
        if ssl_context is not None and url.scheme != "https":
            raise ValueError(f"The ssl_context of a proxy is for one with an https:// URL, and {str(url)!r} is none.")
        _check_credentials(url.scheme, auth)

        self.url = url
        self.auth = auth
        self.headers = Headers(headers)
        self.ssl_context = ssl_context

    @property
    def raw_auth(self) -> tuple[bytes, bytes] | None:
        """The user name and password as bytes in UTF-8; None where there are none, or they are for Digest."""
        if self.auth is None or isinstance(self.auth, Auth):
            return None
        return self.auth[0].encode("utf-8"), self.auth[1].encode("utf-8")

    @property
    def digest_auth(self) -> DigestAuth | None:
        """The credentials that are for Digest, if they are."""
        return self.auth if isinstance(self.auth, Auth) else None

    def __repr__(self) -> str:
        auth = f", auth={self._shown_auth()}" if self.auth else ""
        headers = f", headers={self._shown_headers()!r}" if self.headers else ""
        return f"Proxy({in_repr(self.url._parts).unsplit()!r}{auth}{headers})"

    def _shown_auth(self) -> str:
        if self.auth is None or isinstance(self.auth, Auth):
            return f"{type(self.auth).__name__}(...)"
        # A name without a password is often a token.
        return repr((self.auth[0] if self.auth[1] else "********", "********"))

    def _shown_headers(self) -> dict[str, str]:
        return {name: field_in_repr(name, value) for name, value in self.headers.items()}


def _parsed(text: URL | str) -> URL:
    """Return the URL of a proxy. Raises ValueError, InvalidURL, whose texts have nothing of what may be a secret."""
    written = str(text)
    before, at, host = written.rpartition("@")
    # RFC 3986, 3.2: what begins with one of these is no more part of the authority.
    if at and re.search("[/?#]", before.partition("//")[2]):
        raise InvalidURL(
            f"Invalid proxy URL, of which this is the end: {host!r}. "
            "In a user name or a password, characters such as '/', '?', '#' and '%' are percent-encoded."
        )
    url = URL(text)
    if url.scheme not in PROXY_SCHEMES:
        shown = in_message(written) if "//" in written or not at else f"{SECURE}@{host}"
        schemes = ", ".join(f"{scheme}://" for scheme in PROXY_SCHEMES)
        raise ValueError(f"Unknown scheme for proxy URL URL({shown!r}): it begins with one of {schemes}.")
    if not url.host:
        raise ValueError(f"A proxy URL has a host after '{url.scheme}://', and this one has none.")
    return url


# The value stays out of the message: it may be a password.
_AUTH_RULE = "auth= of a proxy is (username, password) or a DigestAuth"


def _check_credentials(scheme: str, auth: tuple[str, str] | DigestAuth | None) -> None:
    """Raise ValueError for credentials that a proxy cannot be told, TypeError for what are none."""
    if isinstance(auth, Auth):
        _check_digest(scheme, auth)
        return
    if auth is not None and (isinstance(auth, (str, bytes)) or len(auth) != 2):
        raise TypeError(f"{_AUTH_RULE}, and this is {type(auth).__name__}.")
    if auth is not None and scheme.startswith("socks"):
        _check_pair(scheme, auth)


def _check_digest(scheme: str, auth: Auth) -> None:
    from .digest import DigestAuth

    if not isinstance(auth, DigestAuth):
        raise TypeError(f"{_AUTH_RULE}, and this is {type(auth).__name__}.")
    if scheme.startswith("socks"):
        raise ValueError("SOCKS proxies do not know Digest authentication.")


def _check_pair(scheme: str, auth: tuple[str, str]) -> None:
    if scheme.startswith("socks4"):
        if auth[1]:
            raise ValueError("SOCKS 4 knows user names, and no passwords.")
        if "\0" in auth[0]:
            raise ValueError("A user name for SOCKS 4 cannot have NUL in it.")
    elif max(len(part.encode("utf-8")) for part in auth) > 255:
        raise ValueError("A user name or password for SOCKS 5 has at most 255 bytes.")


class ProxyDigest:
    """Answer the Digest challenges of one proxy (RFC 7616, 3.8), and remember the latest for what follows."""

    __slots__ = ("_auth", "_known")

    def __init__(self, auth: DigestAuth) -> None:
        self._auth = auth
        self._known: Challenge | None = None

    def credentials(self, method: str, target: bytes) -> Pairs:
        """Return the field for one request: none where the proxy has not asked for it yet."""
        known = self._known
        # Who writes the head of what is forwarded does not know the body, which "auth-int" covers.
        if known is None or (known.qop == "auth-int" and method != "CONNECT"):
            return []
        answer = self._auth.answer(known, method, target, bytes)
        # RFC 7616, 3.3: a realm may have any characters, and they are in UTF-8.
        return [(b"Proxy-Authorization", answer.encode())]

    def is_answerable(self, fields: Pairs) -> bool:
        """Take in the fields of a 407, and return whether they ask for what can be answered. Raises ProxyError."""
        from .digest import pick_challenge

        asked = Headers.from_raw(fields).get_list("proxy-authenticate")
        try:
            known = pick_challenge(asked)
        except ProtocolError as error:
            # What reads the challenges of servers names their field.
            text = str(error).replace("WWW-Authenticate", "Proxy-Authenticate")
            raise ProxyError(f"407 Proxy Authentication Required: {text}") from None
        if known is not None:
            self._known = known
        return known is not None

    def renew(self, fields: Pairs) -> None:
        """Take in the nonce for the next request, where the proxy has named one (RFC 7616, 3.5 and 3.8)."""
        if self._known is not None:
            for info in Headers.from_raw(fields).get_list("proxy-authentication-info"):
                self._known = self._known.renewed(info)
