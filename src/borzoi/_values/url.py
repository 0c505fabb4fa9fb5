"""URL: an immutable URL whose parts are normalised once, when it is made.

Everything that a request needs of it on the wire (`_origin`, `_host_header`, `_target`) is ready then; everything that
only people ask for (`host`, `path`, `params`) is decoded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import InvalidURL
from . import redaction
from .host import canonical_host, decode_host
from .percent import percent_decode
from .query import QueryParams, QueryParamTypes
from .url_parser import DEFAULT_PORTS, Parts, encode_userinfo, parse, parse_normal, replace, resolve, split_netloc

if TYPE_CHECKING:
    from typing import NoReturn, TypeAlias

    URLTypes: TypeAlias = "URL | str"

_KNOWN_LIMIT = 1024
_KNOWN_LENGTH = 2048
"""How many URLs `parse_url` remembers, and how long a text: two megabytes at most, and not sixty-four."""

_ARGUMENTS: dict[str, type] = {
    "scheme": str,
    "username": str,
    "password": str,
    "userinfo": bytes,
    "host": str,
    "port": int,
    "netloc": bytes,
    "path": str,
    "query": bytes,
    "raw_path": bytes,
    "fragment": str,
    "params": object,
}


class URL:
    """Hold a URL, absolute or relative, in its normal form (RFC 3986 section 6.2.2).

    Keyword arguments replace parts: scheme, username, password, userinfo, host, port, netloc, path, query, raw_path,
    fragment, params. Raises InvalidURL for what is no URL, and for what programs could take for different hosts.

        URL("HTTPS://jo%40example.com@münchen.example:443/a b?q=1#top")
        URL("https://example.com/").copy_with(path="/search", params={"q": "red fox"})

        https://jo%40email.com:a%20secret@xn--mnchen-3ya.example:1234/pa%20th?search=ab#top
        scheme  username       password   host (raw_host)      port path    query     fragment
                ------- userinfo -------  ---------- netloc ------- ---- raw_path ----
    """

    __slots__ = ("__weakref__", "_host_header", "_origin", "_parts", "_target", "_text")

    _parts: Parts
    _text: str | None

    _origin: tuple[bytes, bytes, int]
    """Scheme, host and port to connect to. Port 0 stands for a scheme without a default port."""

    _host_header: bytes
    """Value of the Host field: host and port as in `netloc`, without the zone of an IPv6 address."""

    _target: bytes
    """Path and query, as in the request line."""

    def __init__(self, url: URL | str = "", **kwargs: Any) -> None:
        if not kwargs and type(url) is str:
            parts = parse_normal(url)
            self._text = None if parts is None else url
            self._settle(parts or parse(url))
            return

        self._text = None
        given = _read_arguments(kwargs)
        if isinstance(url, str):
            self._settle(parse(url, given))
        elif isinstance(url, URL):
            self._settle(replace(url._parts, given) if given else url._parts)
        else:
            raise TypeError(f"Invalid type for url.  Expected str or URL, got {type(url)}: {url!r}")

    def _settle(self, parts: Parts) -> None:
        # Every miss of `parse_url` comes through here: no formatting and no look-up that a plain URL can do without.
        self._parts = parts
        scheme, _, host, port, path, query, _ = parts

        self._target = (path or "/").encode() if query is None else f"{path or '/'}?{query}".encode()
        raw_host = host.encode()
        if port is None:
            self._host_header = raw_host
            port = DEFAULT_PORTS.get(scheme, 0)
        else:
            self._host_header = f"{host}:{port}".encode()
        if ":" in host:
            raw_host = canonical_host(host).encode()
            # RFC 6874 section 4: the zone of an address means nothing to the peer.
            self._host_header = parts._replace(host=host.partition("%")[0]).netloc.encode()
        self._origin = (scheme.encode(), raw_host, port)

    @property
    def scheme(self) -> str:
        """The scheme, in lower case; "" if there is none."""
        return self._parts.scheme

    @property
    def raw_scheme(self) -> bytes:
        """The scheme as bytes."""
        return self._origin[0]

    @property
    def userinfo(self) -> bytes:
        """User name and password, still percent-encoded."""
        return self._parts.userinfo.encode("ascii")

    @property
    def username(self) -> str:
        """The user name, decoded."""
        return percent_decode(self._parts.userinfo.partition(":")[0])

    @property
    def password(self) -> str:
        """The password, decoded."""
        return percent_decode(self._parts.userinfo.partition(":")[2])

    @property
    def host(self) -> str:
        """The host, in lower case, as people read it: "münchen.example", "::1"."""
        return decode_host(self._parts.host)

    @property
    def raw_host(self) -> bytes:
        """The host as it goes over the wire: b"xn--mnchen-3ya.example", b"::1"."""
        return self._parts.host.encode("ascii")

    @property
    def port(self) -> int | None:
        """The port; None if it is absent or the default of the scheme."""
        return self._parts.port

    @property
    def netloc(self) -> bytes:
        """Host and port, an IPv6 address in brackets."""
        return self._parts.netloc.encode("ascii")

    @property
    def path(self) -> str:
        """The path, decoded; "/" if it is empty."""
        return percent_decode(self._parts.path or "/")

    @property
    def query(self) -> bytes:
        """The query without its "?", still percent-encoded."""
        return (self._parts.query or "").encode("ascii")

    @property
    def params(self) -> QueryParams:
        """The query as names and values."""
        return QueryParams(self._parts.query)

    @property
    def raw_path(self) -> bytes:
        """Path and query as they go over the wire."""
        return self._target

    @property
    def fragment(self) -> str:
        """The fragment without its "#", decoded."""
        return percent_decode(self._parts.fragment or "")

    @property
    def origin(self) -> Origin:
        """Scheme, host and effective port (RFC 9110 section 4.3.1). Raises ValueError for a relative URL."""
        return Origin(self)

    @property
    def is_absolute_url(self) -> bool:
        """Whether it names a scheme and a host, so that a request can be sent to it."""
        return bool(self._parts.scheme and self._parts.host)

    @property
    def is_relative_url(self) -> bool:
        """Whether it lacks a scheme or a host."""
        return not self.is_absolute_url

    @property
    def raw(self) -> tuple[bytes, bytes, int | None, bytes]:
        """Scheme, host, port and target as bytes. Deprecated: ask for each of them."""
        import warnings

        class RawURL(NamedTuple):
            raw_scheme: bytes
            raw_host: bytes
            port: int | None
            raw_path: bytes

        warnings.warn("URL.raw is deprecated.", stacklevel=2)
        return RawURL(self.raw_scheme, self.raw_host, self.port, self.raw_path)

    def copy_with(self, **kwargs: Any) -> URL:
        """Return a copy with some parts replaced; None takes a part away."""
        return URL(self, **kwargs)

    def copy_set_param(self, key: str, value: Any = None) -> URL:
        """Return a copy whose query has this value for the name, and no other."""
        return self.copy_with(params=self.params.set(key, value))

    def copy_add_param(self, key: str, value: Any = None) -> URL:
        """Return a copy whose query has this value for the name, too."""
        return self.copy_with(params=self.params.add(key, value))

    def copy_remove_param(self, key: str) -> URL:
        """Return a copy whose query lacks the name."""
        return self.copy_with(params=self.params.remove(key))

    def copy_merge_params(self, params: QueryParamTypes) -> URL:
        """Return a copy whose query has the values of `params` for their names."""
        return self.copy_with(params=self.params.merge(params))

    def join(self, url: URL | str) -> URL:
        """Return what a reference means at this URL (RFC 3986 section 5.2). An empty one is this URL, as in httpx."""
        reference = URL(url)
        if not str(reference):
            # Section 5.2.2 would drop the fragment.
            return URL(self)

        joined = URL.__new__(URL)
        joined._text = None
        joined._settle(resolve(self._parts, reference._parts))
        return joined

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, URL):
            return self._parts == other._parts
        if not isinstance(other, str):
            return False
        try:
            return self._parts == parse_url(other)._parts
        except InvalidURL:
            return False

    def __str__(self) -> str:
        if self._text is None:
            self._text = self._parts.unsplit()
        return self._text

    def _without_secrets(self) -> URL:
        """Return a URL that shows what the text of an exception does."""
        return URL(redaction.in_message(str(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({redaction.in_repr(self._parts).unsplit()!r})"


class Origin:
    """Hold the scheme, host and effective port of a URL (RFC 9110 section 4.3.1). Never changes.

    Raises ValueError for a relative URL. Two addresses that are equal as numbers are one host.
    """

    __slots__ = ("host", "port", "scheme")
    __match_args__ = ("scheme", "host", "port")

    scheme: str
    host: str
    port: int | None

    def __init__(self, url: URL | str) -> None:
        if not isinstance(url, URL):
            url = parse_url(url)
        if url.is_relative_url:
            raise ValueError("URL must be absolute to have an origin")
        object.__setattr__(self, "scheme", url.scheme)
        object.__setattr__(self, "host", canonical_host(url.host))
        object.__setattr__(self, "port", url._origin[2] or url.port)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Origin):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Origin(scheme={self.scheme!r}, host={self.host!r}, port={self.port!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_origin, self._key()

    def _key(self) -> tuple[str, str, int | None]:
        return (self.scheme, self.host, self.port)


_known: dict[str, URL] = {}


def parse_url(text: str) -> URL:
    """Return the URL of a text: the same one as before, if a bounded cache still has it. Raises InvalidURL."""
    url = _known.get(text)
    if url is None:
        url = URL(text)
        if len(text) <= _KNOWN_LENGTH:
            # Not lru_cache(): a miss costs a sixth more there, and what is forgotten here is parsed again in 3 us.
            if len(_known) >= _KNOWN_LIMIT:
                _known.clear()
            _known[text] = url
    return url


def _rebuild_origin(scheme: str, host: str, port: int | None) -> Origin:
    origin = Origin.__new__(Origin)
    for name, value in (("scheme", scheme), ("host", host), ("port", port)):
        object.__setattr__(origin, name, value)
    return origin


def _read_arguments(arguments: dict[str, Any]) -> dict[str, str | None]:
    """Check the keyword arguments of a URL, and turn them into what `parse` takes."""
    given = {name: _read_argument(name, value) for name, value in arguments.items()}

    if "params" in given:
        params = given.pop("params")
        # No parameters mean no query at all, and not an empty one, which would leave a "?".
        given["query"] = _encode_params(params) if params else None
    if "netloc" in given:
        given["host"], given["port"] = split_netloc(given.pop("netloc") or "")
    if "username" in given or "password" in given:
        given["userinfo"] = encode_userinfo(given.pop("username", "") or "", given.pop("password", "") or "")
    if "raw_path" in given:
        path, question_mark, query = (given.pop("raw_path") or "").partition("?")
        given["path"], given["query"] = path, query if question_mark else None

    host = given.get("host") or ""
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        given["host"] = f"[{host}]"
    return given


def _read_argument(name: str, value: Any) -> Any:
    if name not in _ARGUMENTS:
        raise TypeError(f"{name!r} is an invalid keyword argument for URL()")
    if name == "params" or value is None:
        return value

    expected = _ARGUMENTS[name]
    if not isinstance(value, expected):
        raise TypeError(f"Argument {name!r} must be {expected.__name__} but got {type(value).__name__}")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return _decode_ascii(name, value)
    return value


def _decode_ascii(name: str, value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError as error:
        raise InvalidURL(f"Invalid URL component '{name}': not ASCII at position {error.start}.") from None


def _encode_params(params: Any) -> str:
    try:
        return str(QueryParams(params))
    except UnicodeError as error:
        raise InvalidURL(f"Invalid URL component 'params': {error}") from None
