"""Cookies as RFC 6265bis keeps them: what a Set-Cookie line may store, and which cookies a request carries.

In: Set-Cookie lines as bytes, the URL that they came from, the time in seconds since 1970. Out: the value of a Cookie
field. It does no I/O, reads no clock, and is bounded: a server can fill its own shelf, but not the memory.

Cookies stand in `{domain: {path: {name: cookie}}}`, the shape of `http.cookiejar`, so that a `CookieJar` can be laid
over the same dictionaries. A domain with a dot in front includes its subdomains, one without is a host only, and the
empty one is every host: such cookies come from the program alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .cookie_dates import parse_cookie_date
from .public_suffix import canonical_domain, is_ip_literal, is_public_suffix

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

MAX_COOKIE = 4096
"""Bytes of a name and its value; a bigger cookie is not stored (RFC 6265bis section 5.7)."""

MAX_ATTRIBUTE = 1024
"""Bytes of an attribute's value; a bigger one is ignored (RFC 6265bis section 5.6)."""

MAX_PER_DOMAIN = 180
"""Cookies that one domain may store."""

MAX_TOTAL = 3000
"""Cookies that servers may store in all."""

MAX_KNOWN = 64
"""Cookie fields kept for the next request to the same path."""

MAX_HEADER = 16_384
"""Bytes of a Cookie field. Servers refuse bigger ones, so the cookies that would come last stay out."""

_MAX_AGE = 10**10
_PREFIXES = (
    # RFC 6265bis section 5.7: prefix, then what it demands. The longer one of two comes first.
    (b"__host-http-", True, True, True),
    (b"__host-", True, False, True),
    (b"__http-", True, True, False),
    (b"__secure-", True, False, False),
)

_line_end = re.compile(rb"[\x00\r\n]").search
_control = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]").search
_seconds = re.compile(rb"-?[0-9]+").fullmatch
_unreserved = re.compile(r"%(2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")

SetCookie: TypeAlias = tuple[bytes, bytes, dict[bytes, bytes]]
"""Name, value, and the attributes that count, by their names in lower case."""


class CookieURL(Protocol):
    """What is needed of a URL."""

    @property
    def scheme(self) -> str:
        """Scheme in lower case."""
        ...

    @property
    def raw_host(self) -> bytes:
        """Host as ASCII, in lower case, IPv6 without brackets."""
        ...

    @property
    def raw_path(self) -> bytes:
        """Path and query, percent-encoded."""
        ...


class AnyCookie(Protocol):
    """What a stored cookie has: one of ours, or one of `http.cookiejar`."""

    name: str
    value: str | None
    domain: str
    path: str
    secure: bool
    expires: Any
    domain_specified: bool


Domains: TypeAlias = "dict[str, dict[str, dict[str, AnyCookie]]]"


class StoredCookie:
    """Hold a cookie. `expires` is in seconds since 1970, None for a cookie of the session."""

    __slots__ = (
        "created",
        "domain",
        "domain_specified",
        "expires",
        "http_only",
        "name",
        "path",
        "raw",
        "same_site",
        "secure",
        "value",
    )

    def __init__(self, name: str, value: str | None, domain: str, path: str) -> None:
        self.name = name
        self.value = value
        self.domain = domain
        self.path = path
        self.domain_specified = bool(domain)
        self.expires: float | None = None
        self.secure = False
        self.http_only = True
        self.same_site: str | None = None
        self.created = 0.0
        self.raw = name_and_value(name, value)


class Target:
    """Hold of a URL what cookies are compared with."""

    __slots__ = ("host", "path", "secure")

    def __init__(self, url: CookieURL) -> None:
        self.secure = url.scheme in ("https", "wss")
        self.host = url.raw_host.decode("ascii").lower()
        self.path = _request_path(url.raw_path)


def name_and_value(name: str, value: str | None) -> bytes:
    """Return a cookie as a Cookie field has it."""
    return (name if value is None else f"{name}={value}").encode()


def _request_path(raw_path: bytes) -> str:
    path = raw_path.partition(b"?")[0].decode("ascii", "replace")
    if "%" in path:
        # RFC 3986 section 6.2.2.2: %6F and o are the same. What else is encoded compares as it is written.
        path = _unreserved.sub(lambda match: chr(int(match[1], 16)), path)
    return path if path.startswith("/") else "/"


def _default_path(path: str) -> str:
    # RFC 6265bis section 5.1.4.
    return path[: path.rfind("/")] or "/"


def _path_matches(path: str, cookie_path: str) -> bool:
    # RFC 6265bis section 5.1.4: /a is for /a, /a/ and /a/b, not for /ab.
    return path.startswith(cookie_path) and (
        len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"
    )


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")


def parse_set_cookie(line: bytes) -> SetCookie | None:
    """Return the parts of a Set-Cookie line (RFC 6265bis section 5.6), or None where it holds no cookie."""
    end = _line_end(line)
    if end:
        line = line[: end.start()]
    if _control(line):
        return None

    pair, *attributes = line.split(b";")
    name, equals, value = pair.partition(b"=")
    name, value = name.strip(b" \t"), value.strip(b" \t")
    # Cookies without a name pass in browsers, where they can pretend to be another one. Nothing else needs them.
    if not equals or not name or len(name) + len(value) > MAX_COOKIE:
        return None
    return name, value, _attributes(attributes)


def _attributes(parts: list[bytes]) -> dict[bytes, bytes]:
    # The last one of a name that is usable counts.
    found: dict[bytes, bytes] = {}
    for part in parts:
        name, _, value = part.partition(b"=")
        name, value = name.strip(b" \t").lower(), value.strip(b" \t")
        if len(value) <= MAX_ATTRIBUTE and _is_usable(name, value):
            found[name] = value
    return found


def _is_usable(name: bytes, value: bytes) -> bool:
    if name == b"domain":
        return bool(value)
    if name == b"max-age":
        return _seconds(value) is not None
    if name == b"expires":
        return parse_cookie_date(_text(value)) is not None
    return name in (b"path", b"secure", b"httponly", b"samesite")


def _expiry(attributes: dict[bytes, bytes], now: float) -> float | None:
    # RFC 6265bis section 5.7: Max-Age counts before Expires.
    max_age = attributes.get(b"max-age")
    if max_age is not None:
        return now + max(-_MAX_AGE, min(int(max_age), _MAX_AGE))

    expires = attributes.get(b"expires")
    return None if expires is None else parse_cookie_date(_text(expires))


def _domain(attributes: dict[bytes, bytes], host: str) -> str | None:
    # The domain to store, with a dot in front where subdomains are included; None where the host may not set it.
    given = attributes.get(b"domain")
    if given is None:
        return host
    domain = canonical_domain(_text(given).removeprefix("."))
    if domain == "":
        return host
    if domain is None or not (host == domain or host.endswith(f".{domain}")):
        return None

    # RFC 6265bis section 5.1.3: an address matches itself alone.
    if is_ip_literal(host):
        return host if host == domain else None
    # Section 5.7: a public suffix may set cookies for itself, but for nobody below.
    if is_public_suffix(domain):
        return host if host == domain else None
    return f".{domain}"


def _prefix_holds(name: bytes, attributes: dict[bytes, bytes]) -> bool:
    lower = name.lower()
    for prefix, secure, http_only, host_only in _PREFIXES:
        if lower.startswith(prefix):
            return (
                (not secure or b"secure" in attributes)
                and (not http_only or b"httponly" in attributes)
                and (not host_only or (b"domain" not in attributes and attributes.get(b"path") == b"/"))
            )
    return True


class CookieStore:
    """Keep cookies, and choose those of a request."""

    __slots__ = ("_domains", "_known", "_latest", "_until_count")

    def __init__(self) -> None:
        self._domains: Domains = {}
        self._latest = 0.0
        self._until_count = MAX_TOTAL

        # The Cookie field for a scheme, host and path, and the moment at which its first cookie expires. Each change
        # takes a new dictionary, so that a field that a thread composed meanwhile goes into one that nobody reads.
        self._known: dict[tuple[str, bytes, bytes], tuple[bytes | None, float]] = {}

    @property
    def domains(self) -> Domains:
        """The cookies by domain, path and name."""
        return self._domains

    def is_empty(self) -> bool:
        """Tell whether there is certainly nothing to send."""
        return not self._domains

    def jar_with_rules(self) -> CookieJar | None:
        """Return the `CookieJar` that keeps the cookies and says which, where there is one."""
        return None

    def records(self) -> list[AnyCookie]:
        """Return all cookies, as they stand at this moment."""
        return [cookie for paths in list(self.domains.values()) for cookie in _cookies_in(paths)]

    def put(self, cookie: AnyCookie) -> None:
        """Store a cookie, in place of the one of its domain, path and name."""
        self.domains.setdefault(cookie.domain, {}).setdefault(cookie.path, {})[cookie.name] = cookie
        self._latest = max(self._latest, created(cookie))
        self._known = {}

    def remove(self, domain: str, path: str, name: str) -> None:
        """Remove a cookie. Raises KeyError where there is none."""
        paths = self.domains[domain]
        del paths[path][name]
        if not paths[path]:
            del paths[path]
        if not paths:
            del self.domains[domain]
        self._known = {}

    def clear(self, domain: str | None = None, path: str | None = None) -> None:
        """Remove all cookies, or those of a domain, or of a path of it. Raises KeyError where there is no such."""
        if domain is None:
            self.domains.clear()
        elif path is None:
            del self.domains[domain]
        else:
            del self.domains[domain][path]
        self._known = {}

    def receive(self, lines: Iterable[bytes], url: CookieURL, now: float) -> None:
        """Store what the Set-Cookie lines of a response ask for, as far as its URL may."""
        target = Target(url)
        for line in lines:
            cookie = self.accept(line, target, now)
            if cookie is not None:
                self._store(cookie, now)

    def accept(self, line: bytes, target: Target, now: float) -> StoredCookie | None:
        """Return the cookie of a Set-Cookie line, or None where it is malformed or not allowed (section 5.7)."""
        parsed = parse_set_cookie(line)
        if parsed is None:
            return None
        name, value, attributes = parsed
        domain = _domain(attributes, target.host)
        if domain is None or not _prefix_holds(name, attributes):
            return None
        if b"secure" in attributes and not target.secure:
            return None

        path = _text(attributes.get(b"path", b""))
        cookie = StoredCookie(
            _text(name), _text(value), domain, path if path.startswith("/") else _default_path(target.path)
        )
        cookie.raw = b"%b=%b" % (name, value)
        cookie.domain_specified = domain.startswith(".")
        cookie.expires = _expiry(attributes, now)
        cookie.secure = b"secure" in attributes
        cookie.http_only = b"httponly" in attributes
        cookie.same_site = _text(attributes[b"samesite"]) if b"samesite" in attributes else None
        return None if not target.secure and self._hides_secure(cookie) else cookie

    def _hides_secure(self, cookie: StoredCookie) -> bool:
        # RFC 6265bis section 5.7: what comes without TLS must not replace or shadow what is for TLS alone.
        return any(
            (old := names.get(cookie.name)) is not None and old.secure and _path_matches(cookie.path, old.path)
            for domain in self._related(cookie.domain.removeprefix("."))
            for names in list(self.domains.get(domain, {}).values())
        )

    def _related(self, domain: str) -> list[str]:
        # The domains above and below, and itself.
        return [*_domains_of(domain), *(below for below in list(self.domains) if below.endswith(f".{domain}"))]

    def _store(self, cookie: StoredCookie, now: float) -> None:
        old = self.domains.get(cookie.domain, {}).get(cookie.path, {}).get(cookie.name)
        if cookie.expires is not None and cookie.expires <= now:
            if old is not None:
                self._discard(old)
            return

        if old is None:
            self._make_room(cookie.domain, now)
            # Two cookies of one moment are sent in the order in which they came.
            cookie.created = max(now, self._latest + 1e-6)
        else:
            # Section 5.7: a cookie that is set anew keeps its place.
            cookie.created = created(old)
        self.put(cookie)

    def _make_room(self, domain: str, now: float) -> None:
        paths = self.domains.get(domain, {})
        if _count(paths) >= MAX_PER_DOMAIN:
            self._evict(_cookies_in(paths), MAX_PER_DOMAIN - 1, now)

        # Counting looks at the whole store, so it waits until as many cookies came as there was room for.
        self._until_count -= 1
        if self._until_count <= 0:
            # Those for every host are the program's own.
            cookies = [cookie for cookie in self.records() if cookie.domain]
            if len(cookies) >= MAX_TOTAL:
                cookies = self._evict(cookies, MAX_TOTAL - MAX_TOTAL // 10, now)
            self._until_count = MAX_TOTAL - len(cookies)

    def _evict(self, cookies: list[AnyCookie], keep: int, now: float) -> list[AnyCookie]:
        # Section 5.7: those that have expired go first, then the oldest.
        expired = [cookie for cookie in cookies if _has_expired(cookie, now)]
        live = [cookie for cookie in cookies if not _has_expired(cookie, now)] if expired else list(cookies)
        live.sort(key=created)
        excess = max(0, len(live) - keep)
        for cookie in [*expired, *live[:excess]]:
            self._discard(cookie)
        return live[excess:]

    def _discard(self, cookie: AnyCookie) -> None:
        try:
            self.remove(cookie.domain, cookie.path, cookie.name)
        except KeyError:
            # Another thread was faster.
            return

    def header(self, url: CookieURL, now: float) -> bytes | None:
        """Return the value of the Cookie field for a request, or None without cookies."""
        all_known = self._known
        key = url.scheme, url.raw_host, url.raw_path.partition(b"?")[0]
        known = all_known.get(key)
        if known is None or known[1] <= now:
            if len(all_known) >= MAX_KNOWN:
                all_known.clear()
            known = all_known[key] = self.compose(Target(url), now)
        return known[0]

    def compose(self, target: Target, now: float) -> tuple[bytes | None, float]:
        """Return the value of the Cookie field (RFC 6265bis section 5.8.3), and the moment until which it is right."""
        parts: list[bytes] = []
        room = MAX_HEADER
        until = float("inf")
        for cookie in self.select(target, now):
            until = min(until, float("inf") if cookie.expires is None else cookie.expires)
            raw = cookie.raw if isinstance(cookie, StoredCookie) else name_and_value(cookie.name, cookie.value)
            room -= len(raw) + 2
            # What the program gives for every host is its own business.
            if room >= 0 or not cookie.domain:
                parts.append(raw)
        return b"; ".join(parts) or None, until

    def select(self, target: Target, now: float) -> list[AnyCookie]:
        """Return the cookies of a request: longer paths first, then in the order of creation. Drops expired ones."""
        chosen: list[AnyCookie] = []
        for domain in _domains_of(target.host):
            for cookie in _cookies_in(self.domains.get(domain, {})):
                if _has_expired(cookie, now):
                    self._discard(cookie)
                elif _applies(cookie, target):
                    chosen.append(cookie)
        chosen.sort(key=_order)
        return chosen


def _cookies_in(paths: dict[str, dict[str, AnyCookie]]) -> list[AnyCookie]:
    # Lists are taken at once: another thread may add cookies meanwhile.
    return [cookie for names in list(paths.values()) for cookie in list(names.values())]


def _count(paths: dict[str, dict[str, AnyCookie]]) -> int:
    return sum(len(names) for names in list(paths.values()))


def _domains_of(host: str) -> Iterator[str]:
    # Every key under which cookies for a host can stand, so that the cost does not grow with the store.
    yield ""
    yield host
    yield f".{host}"
    if is_ip_literal(host):
        return

    _, _, parent = host.partition(".")
    while parent:
        yield parent
        yield f".{parent}"
        _, _, parent = parent.partition(".")


def _applies(cookie: AnyCookie, target: Target) -> bool:
    if cookie.secure and not target.secure:
        return False
    # Section 5.8.3: a host-only cookie is for its host alone.
    if not cookie.domain_specified and cookie.domain not in ("", target.host, f".{target.host}"):
        return False
    return _path_matches(target.path, cookie.path)


def _has_expired(cookie: AnyCookie, now: float) -> bool:
    return cookie.expires is not None and cookie.expires <= now


def created(cookie: AnyCookie) -> float:
    """Return when a cookie was created; those of the program come before all others."""
    moment: float = getattr(cookie, "created", 0.0)
    return moment


def _order(cookie: AnyCookie) -> tuple[int, float]:
    return -len(cookie.path), created(cookie)
