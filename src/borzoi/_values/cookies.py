"""Cookies as programs see them: a mapping of names to values, over a store that keeps to RFC 6265bis.

The store is our own until the program asks for `.jar`; from then on a `http.cookiejar.CookieJar` holds the cookies.
Where there are no cookies, a request and a response cost one look each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from .._errors import CookieConflict
from .cookie_store import AnyCookie, CookieStore, CookieURL, StoredCookie

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

    from .headers import Headers

CookieTypes: TypeAlias = "Cookies | CookieJar | Mapping[str, str] | Iterable[tuple[str, str]]"
"""What is accepted wherever cookies are given."""

_illegal = re.compile(r"[\x00-\x1f\x7f;]").search


class CookieRequest(Protocol):
    """What is needed of a request."""

    @property
    def url(self) -> CookieURL:
        """Where it goes."""
        ...

    @property
    def headers(self) -> Headers:
        """What it carries."""
        ...


class CookieResponse(Protocol):
    """What is needed of a response."""

    @property
    def request(self) -> CookieRequest:
        """The request that it answers."""
        ...

    @property
    def headers(self) -> Headers:
        """What it carries."""
        ...


def _wall_clock() -> float:
    import datetime as dt

    return dt.datetime.now(dt.UTC).timestamp()


class Cookies(MutableMapping[str, str]):
    """Map cookie names to values.

    A cookie without a domain is sent to every host. `clock` returns the time in seconds since 1970.

        cookies = Cookies({"session": "1"})
        cookies.set("theme", "dark", domain="example.org", path="/settings")
    """

    def __init__(self, cookies: CookieTypes | None = None, *, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or _wall_clock
        self._store = CookieStore()
        if cookies is None:
            return

        if isinstance(cookies, Cookies):
            self._clock = clock or cookies._clock
            self._put_all(cookies._store.records())
        elif hasattr(cookies, "set_cookie"):
            self.jar = cast("CookieJar", cookies)
        else:
            if isinstance(cookies, (str, bytes)):
                raise TypeError(
                    f"Cookies are a mapping, or pairs of name and value, and no {type(cookies).__name__}. "
                    "What is a Cookie header already goes into headers=."
                )
            pairs = cookies.items() if isinstance(cookies, Mapping) else cookies
            for name, value in cast("Iterable[tuple[str, str]]", pairs):
                self.set(name, value)

    def _put_all(self, cookies: Iterable[AnyCookie]) -> None:
        for cookie in cookies:
            self._store.put(cookie)

    @property
    def jar(self) -> CookieJar:
        """A `http.cookiejar.CookieJar` of these cookies: what changes in one changes in the other."""
        from http.cookiejar import CookieJar

        from .cookie_jar import JarStore

        if not isinstance(self._store, JarStore):
            held = self._store.records()
            self._store = JarStore(CookieJar())
            self._put_all(held)
        return self._store.jar

    @jar.setter
    def jar(self, jar: CookieJar) -> None:
        from .cookie_jar import JarStore

        self._store = JarStore(jar)

    def extract_cookies(self, response: CookieResponse) -> None:
        """Store the cookies that a response sets."""
        headers = response.headers
        if headers._find(b"set-cookie") is not None:
            self._store.receive(headers.block.find_all(b"set-cookie"), response.request.url, self._clock())

    def set_cookie_header(self, request: CookieRequest) -> None:
        """Add a Cookie field to a request, unless it has one or there is no cookie for it."""
        if self._store.is_empty() or request.headers._find(b"cookie") is not None:
            return
        header = self._store.header(request.url, self._clock())
        if header is not None:
            request.headers._append(b"Cookie", header)

    def set(self, name: str, value: str, domain: str = "", path: str = "/") -> None:
        """Set a cookie. A domain includes its subdomains; without one the cookie is for every host.

        A number becomes its text. Raises ValueError for a name or value with `;` or a control character (RFC 6265
        section 4.1.1).
        """
        _check("name", name)
        if isinstance(value, (int, float)):
            value = str(value)
        # As in httpx, None is a cookie that is sent as its name alone.
        if cast("str | None", value) is not None:
            _check("value", value)
        self._store.put(StoredCookie(name, value, domain, path))

    def _matching(self, name: str, domain: str | None, path: str | None) -> list[AnyCookie]:
        return [
            cookie
            for cookie in self._store.records()
            if cookie.name == name
            and (domain is None or cookie.domain == domain)
            and (path is None or cookie.path == path)
        ]

    def get(  # type: ignore[override]
        self, name: str, default: str | None = None, domain: str | None = None, path: str | None = None
    ) -> str | None:
        """Return the value of a cookie. Raises CookieConflict where several have the name, domain and path given."""
        values = [cookie.value for cookie in self._matching(name, domain, path) if cookie.value is not None]
        if len(values) > 1:
            raise CookieConflict(f"Multiple cookies exist with name={name}")
        return values[0] if values else default

    def delete(self, name: str, domain: str | None = None, path: str | None = None) -> None:
        """Delete the cookies of a name. Raises KeyError where both domain and path are given and there is none."""
        if domain is not None and path is not None:
            self._store.remove(domain, path, name)
            return
        for cookie in self._matching(name, domain, path):
            self._store.remove(cookie.domain, cookie.path, cookie.name)

    def clear(self, domain: str | None = None, path: str | None = None) -> None:
        """Delete all cookies, or those of a domain, or those of a path of it. Raises KeyError where there are none."""
        if path is not None and domain is None:
            raise ValueError("A path alone does not say which cookies to clear: give its domain too.")
        self._store.clear(domain, path)

    def update(self, cookies: CookieTypes | None = None) -> None:  # type: ignore[override]
        """Add cookies, in place of those of the same domain, path and name."""
        self._put_all(Cookies(cookies)._store.records())

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __delitem__(self, name: str) -> None:
        self.delete(name)

    def __len__(self) -> int:
        return len(self._store.records())

    def __iter__(self) -> Iterator[str]:
        return iter([cookie.name for cookie in self._store.records()])

    def __bool__(self) -> bool:
        return bool(self._store.records())

    def __repr__(self) -> str:
        shown = (f"<Cookie {cookie.name}={cookie.value} for {cookie.domain} />" for cookie in self._store.records())
        return f"<Cookies[{', '.join(shown)}]>"

    def __getstate__(self) -> dict[str, Any]:
        # A clock is of its process. The cookies go without the jar that holds them, which has a lock, unless it is more
        # than a place: then a copy shares it, and it must be able to pickle itself.
        state = {name: value for name, value in vars(self).items() if name not in ("_clock", "_store")}
        jar = self._store.jar_with_rules()
        return state | ({"_held": self._store.records()} if jar is None else {"jar": jar})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._clock = _wall_clock
        self._store = CookieStore()
        self._put_all(state.pop("_held", ()))
        for name, value in state.items():
            setattr(self, name, value)


def _check(part: str, text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"Cookie {part} must be str, not {type(text)}")
    found = _illegal(text)
    if found:
        raise ValueError(
            f"Invalid cookie {part}: {found[0]!r} at position {found.start()}. A cookie has no semicolon and no "
            "control character (RFC 6265 section 4.1.1)."
        )
