"""A `http.cookiejar.CookieJar` as the place where cookies are kept. Imported on use: `http.cookiejar` imports ssl.

The cookies stand in the jar's own dictionaries, so that what the program does to the jar and what responses do to it
are seen on both sides. Our rules decide. A jar with rules of its own (a subclass that overrides what stores or sends, a
policy that was configured) is asked too: it receives the lines that our rules let pass, and says what is sent.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any, cast

from .cookie_store import AnyCookie, CookieStore, CookieURL, Domains, StoredCookie, Target, created

_RULES = ("set_cookie", "set_cookie_if_ok", "extract_cookies", "make_cookies", "add_cookie_header", "clear")


class JarStore(CookieStore):
    """Keep cookies in a `CookieJar`."""

    __slots__ = ("jar",)

    def __init__(self, jar: CookieJar) -> None:
        super().__init__()
        self.jar = jar
        self._latest = max((created(cookie) for cookie in self.records()), default=0.0)

    @property
    def domains(self) -> Domains:
        """The dictionaries of the jar, which `CookieJar.clear()` may have replaced."""
        return cast("Domains", vars(self.jar).get("_cookies", {}))

    def is_empty(self) -> bool:
        """Tell whether there is certainly nothing to send."""
        return self._is_plain() and not self.domains

    def jar_with_rules(self) -> CookieJar | None:
        """Return the jar, unless it is a plain one."""
        return None if self._is_plain() and type(self.jar) is CookieJar else self.jar

    def records(self) -> list[AnyCookie]:
        """Return all cookies of the jar."""
        return list(self.jar)

    def put(self, cookie: AnyCookie) -> None:
        """Store a cookie, in place of the one of its domain, path and name."""
        self._latest = max(self._latest, created(cookie))
        self.jar.set_cookie(as_jar_cookie(cookie))

    def remove(self, domain: str, path: str, name: str) -> None:
        """Remove a cookie. Raises KeyError where there is none."""
        self.jar.clear(domain, path, name)

    def clear(self, domain: str | None = None, path: str | None = None) -> None:
        """Remove all cookies, or those of a domain, or of a path of it. Raises KeyError where there is no such."""
        self.jar.clear(*(part for part in (domain, path) if part is not None))

    def receive(self, lines: Iterable[bytes], url: CookieURL, now: float) -> None:
        """Store what the Set-Cookie lines of a response ask for, as far as its URL and the jar may."""
        if self._is_plain():
            super().receive(lines, url, now)
            return

        target = Target(url)
        passed = [line.decode("iso-8859-1") for line in lines if self.accept(line, target, now)]
        self.jar.extract_cookies(cast("Any", _Response(passed)), _request(target))

    def header(self, url: CookieURL, now: float) -> bytes | None:
        """Return the value of the Cookie field for a request, or None without cookies."""
        if self._is_plain():
            # Not kept for the next request: the program may change the jar at any moment.
            return self.compose(Target(url), now)[0]

        request = _request(Target(url))
        self.jar.add_cookie_header(request)
        header = request.unredirected_hdrs.get("Cookie")
        return None if header is None else header.encode()

    def _is_plain(self) -> bool:
        kind, policy = type(self.jar), vars(self.jar).get("_policy")
        if type(policy) is not DefaultCookiePolicy or "_cookies" not in vars(self.jar):
            return False
        if kind is not CookieJar and any(getattr(kind, rule) is not getattr(CookieJar, rule) for rule in _RULES):
            return False
        # The policy also keeps the time of its last decision.
        return vars(policy) | {"_now": None} == vars(DefaultCookiePolicy()) | {"_now": None}


class _Response:
    # What `CookieJar.extract_cookies` needs of a response, and of its headers.

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def info(self) -> _Response:
        return self

    def get_all(self, name: str, default: list[str]) -> list[str]:
        return self.lines if name == "Set-Cookie" else default


def _request(target: Target) -> urllib.request.Request:
    # The user and password of the URL stay out: `http.cookiejar` takes them for a part of the host.
    scheme = "https" if target.secure else "http"
    host = f"[{target.host}]" if ":" in target.host else target.host
    return urllib.request.Request(f"{scheme}://{host}{target.path}")  # noqa: S310 - it is never opened


def as_jar_cookie(cookie: AnyCookie) -> Cookie:
    """Return a cookie as one of `http.cookiejar`."""
    if isinstance(cookie, Cookie):
        return cookie

    stored = cast("StoredCookie", cookie)
    rest: dict[str, str | None] = {}
    if stored.http_only:
        rest["HttpOnly"] = None
    if stored.same_site is not None:
        rest["SameSite"] = stored.same_site
    result = Cookie(
        version=0,
        name=stored.name,
        value=stored.value,
        port=None,
        port_specified=False,
        domain=stored.domain,
        domain_specified=stored.domain_specified,
        domain_initial_dot=stored.domain.startswith("."),
        path=stored.path,
        path_specified=bool(stored.path),
        secure=stored.secure,
        expires=None if stored.expires is None else int(stored.expires),
        discard=stored.expires is None,
        comment=None,
        comment_url=None,
        rest=cast("dict[str, str]", rest),
        rfc2109=False,
    )
    # The order of creation decides the order of sending.
    vars(result)["created"] = stored.created
    return result
