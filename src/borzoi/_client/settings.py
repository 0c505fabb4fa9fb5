"""Settings of a client and of one request, checked and merged into what the request is made of.

Nothing is merged that was not given: a request without headers of its own shares the client's block of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .._config import Timeout, Unset
from .._messages.decoders import accept_encoding
from .._values.cookies import Cookies
from .._values.headers import Headers
from .._values.query import QueryParams
from .._values.url import parse_url

if TYPE_CHECKING:
    from .._config import TimeoutTypes
    from .._values.cookies import CookieTypes
    from .._values.headers import HeaderTypes
    from .._values.query import QueryParamTypes
    from .._values.url import URL

DefaultEncoding: TypeAlias = "str | Callable[[bytes], str | None]"
"""What `default_encoding=` takes: a name, or a function that finds one for a body."""

EventHook: TypeAlias = Callable[..., Any]
"""A function that is called with each request or response."""

EventHooks: TypeAlias = "dict[str, list[EventHook]]"

LOGGER_NAME = "borzoi"
"""The logger that each response is reported to. `borzoi.compat` replaces it, and the next."""

PRODUCT = ""
"""What the client calls itself, where that is not its own name and version."""

TIMEOUTS = ("connect", "read", "write", "pool", "total")
"""What `extensions["timeout"]` may hold."""


def shows_secrets() -> bool:
    """Tell whether logs show URLs as they are: BORZOI_LOG_SECRETS=1 in the environment asks for that."""
    return os.environ.get("BORZOI_LOG_SECRETS") == "1"


class Clock(Protocol):
    """Tell the time to a client and all that belongs to it."""

    def now(self) -> float:
        """Return seconds since some moment; never less than before."""
        ...


def product() -> str:
    """Return what the client calls itself: RFC 9110 10.1.5."""
    from .._version import __version__

    return PRODUCT or f"python-borzoi/{__version__}"


@lru_cache(maxsize=8)
def _default_headers(user_agent: str) -> Headers:
    return Headers(
        [
            ("Accept", "*/*"),
            ("Accept-Encoding", accept_encoding()),
            ("Connection", "keep-alive"),
            ("User-Agent", user_agent),
        ]
    )


def client_headers(headers: HeaderTypes | None) -> Headers:
    """Return the headers of a client: the defaults, with those given in their place or after them."""
    merged = Headers(_default_headers(product()))
    if headers is not None:
        merged.update(headers)
    return merged


def merged_headers(defaults: Headers, headers: HeaderTypes) -> Headers:
    """Return the headers of a request: the client's, with those given in their place or after them."""
    merged = Headers(defaults)
    merged.update(headers)
    return merged


def merged_params(defaults: QueryParams, params: QueryParamTypes | None) -> QueryParamTypes | None:
    """Return the query parameters of a request, or None where the query of its URL stays as it is."""
    if params or defaults:
        return defaults.merge(params)
    return params


def merged_cookies(defaults: Cookies, cookies: CookieTypes) -> Cookies:
    """Return the cookies for a request: the client's, with those given in their place or after them."""
    merged = Cookies(defaults)
    merged.update(cookies)
    return merged


def warn_of_request_cookies() -> None:
    """Warn the caller of `request()`: which requests such cookies belong to has never been clear."""
    import warnings

    message = (
        "Setting per-request cookies=<...> is being deprecated, because the expected behaviour on cookie persistence "
        "is ambiguous. Set cookies directly on the client instance instead."
    )
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def merged_extensions(timeout: TimeoutTypes | Unset, default: Timeout, extensions: Any) -> dict[str, Any]:
    """Return the extensions of a request, with its time-outs among them."""
    if extensions is None:
        return {"timeout": chosen_timeout(timeout, default).as_dict()}
    if not isinstance(extensions, Mapping):
        raise TypeError(f"Invalid extensions of type {type(extensions).__name__}. Give a mapping with str keys.")
    if "timeout" in extensions:
        return {**extensions, "timeout": checked_timeouts(extensions["timeout"])}
    return {**extensions, "timeout": chosen_timeout(timeout, default).as_dict()}


def checked_timeouts(timeouts: Any) -> dict[str, float | None]:
    """Return the time-outs of `extensions["timeout"]`, as a program gave them: None bounds nothing.

    Raises TypeError for what is no mapping, and TypeError or ValueError for a time-out that is none.
    """
    if isinstance(timeouts, Timeout):
        return timeouts.as_dict()
    rule = f"Give a mapping with some of {', '.join(TIMEOUTS)}, or use timeout={timeouts!r}."
    if timeouts is not None and not isinstance(timeouts, Mapping):
        raise TypeError(f'Invalid extensions["timeout"]={timeouts!r}. {rule}')
    for name, value in (timeouts or {}).items():
        if name not in TIMEOUTS:
            raise ValueError(f'Invalid extensions["timeout"], which has {name!r}. {rule}')
        Timeout(None, **{name: value})
    return dict(timeouts or {})


def chosen_timeout(timeout: TimeoutTypes | Unset, default: Timeout) -> Timeout:
    """Return the time-outs given, or the default where none were."""
    if isinstance(timeout, Unset):
        return default
    return timeout if isinstance(timeout, Timeout) else Timeout(timeout)


def with_trailing_slash(url: URL) -> URL:
    """Return the base URL that paths can be appended to."""
    if url.raw_path.endswith(b"/"):
        return url
    return url.copy_with(raw_path=url.raw_path + b"/")


@lru_cache(maxsize=512)
def append_to_base(base: URL, url: URL) -> URL:
    """Return the URL for a path and query below the base; a leading slash does not lead above it."""
    if base.is_absolute_url and not base.query and not base.fragment:
        # Both are in normal form: put together as text, they take the short way through the parser.
        text = str(base)
        below = url.raw_path.lstrip(b"/").decode("ascii")
        return parse_url(f"{text}{below}" if text.endswith("/") else f"{text}/{below}")
    return base.copy_with(raw_path=base.raw_path + url.raw_path.lstrip(b"/"))


def checked_hooks(event_hooks: Any) -> EventHooks:
    """Return lists of our own for the two events."""
    hooks = {} if event_hooks is None else event_hooks
    if not isinstance(hooks, Mapping):
        raise TypeError(f'Invalid event_hooks {hooks!r}. Give {{"request": [...], "response": [...]}}.')
    return {event: _checked_list(event, hooks.get(event, ())) for event in ("request", "response")}


def _checked_list(event: str, hooks: Any) -> list[EventHook]:
    if callable(hooks) or isinstance(hooks, (str, bytes)):
        raise TypeError(f'Invalid event_hooks: "{event}" is {hooks!r}. Give a list of functions.')
    listed = list(hooks)
    for hook in listed:
        if not callable(hook):
            raise TypeError(f'Invalid event_hooks: "{event}" has {hook!r}, which is no function.')
    return listed


def checked_max_redirects(max_redirects: Any) -> int:
    """Return the limit. Raises TypeError or ValueError for what is none."""
    if isinstance(max_redirects, bool) or not isinstance(max_redirects, int):
        raise TypeError(f"Invalid max_redirects {max_redirects!r}. Give a whole number.")
    if max_redirects < 0:
        raise ValueError(f"Invalid max_redirects {max_redirects!r}. Give a number that is not negative.")
    return max_redirects


def checked_encoding(default_encoding: DefaultEncoding) -> DefaultEncoding:
    """Return the encoding or the function that finds one. Raises TypeError for what is neither."""
    if isinstance(default_encoding, str) or callable(default_encoding):
        return default_encoding
    raise TypeError(f"Invalid default_encoding {default_encoding!r}. Give a name, or a function of the body's bytes.")


def checked_resolver(resolver: Any, transport: Any) -> Any:
    """Return the resolver. Raises ValueError where nothing would ask it: a guard must guard."""
    if resolver is not None and transport is not None:
        raise ValueError("Give resolver= to the transport: a transport of your own does not take it from the client.")
    return resolver
