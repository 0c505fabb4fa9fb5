"""Which request follows a redirect: RFC 9110 15.4, as browsers read it.

In goes a request and its response with a Location; out comes the next request. Nothing is sent here. Secrets stay with
the origin that they were meant for, and do not come back when a later hop returns there.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._errors import STAYS, InvalidURL, RemoteProtocolError, UnsupportedProtocol
from .._messages.request import Request
from .._values.cookies import Cookies
from .._values.headers import Headers
from .._values.url import URL

if TYPE_CHECKING:
    from .._messages.response import Response
    from .._messages.streams import AsyncByteStream, SyncByteStream

_HOSTLESS = re.compile(r"^(https?://)(?=[:/?#]|\Z)", re.IGNORECASE | re.ASCII)
"""The start of a URL that has no host ("https:///path"). Those who send it mean their own."""

MAX_LOCATION_LENGTH = 16_384
"""Bytes of a Location that are looked at; a longer one is an error."""

DEPARTED = "borzoi.departed"
"""The request extension that says that redirects have left the origin of the first request."""

CREDENTIAL_HEADERS = ("Authorization", "Proxy-Authorization")
"""Fields that go to another origin under no circumstances."""

WEBSOCKET_KEY = "Sec-WebSocket-Key"
"""The field that proves that a WebSocket's handshake was read."""

SENSITIVE = "sensitive_headers"
"""The request extension that names more of them."""

REFUSE_DOWNGRADE = "refuse_downgrade"
"""The request extension that makes a redirect from https to http an error."""


def redirect_method(request: Request, response: Response) -> str:
    """Return the method of the request that follows."""
    method, status = request.method, response.status_code

    # RFC 9110 15.4.4: 303 points to another resource, to be got.
    if status == 303 and method != "HEAD":
        return "GET"

    # 15.4.3: after 302 a POST may become a GET; programs have come to rely on it for all but HEAD. QUERY is safe to
    # repeat and stays: RFC 10008 2.5.
    if status == 302 and method not in ("HEAD", "QUERY"):
        return "GET"

    # 15.4.2: after 301 it is POST alone that changes.
    if status == 301 and method == "POST":
        return "GET"
    return method


def redirect_url(request: Request, response: Response) -> URL:
    """Return the URL that the response points to. Raises RemoteProtocolError where it points nowhere."""
    location = _location(request, response)

    try:
        # By its end, and not as a template: a host may begin with a digit, which would be read as a number of a group.
        hostless = _HOSTLESS.match(location)
        if hostless is not None:
            location = f"{hostless[1]}{_host(request.url)}{location[hostless.end() :]}"
        url = URL(location)

        # Credentials are what the program gives; a server does not get to choose them.
        if url.userinfo:
            url = url.copy_with(username=None, password=None)

        # RFC 9110 10.2.2: a relative Location is resolved against the URL of the request ...
        if url.is_relative_url:
            url = request.url.join(url)

        # ... and inherits its fragment, having none itself.
        if request.url.fragment and not url.fragment:
            url = url.copy_with(fragment=request.url.fragment)
    except InvalidURL as error:
        raise RemoteProtocolError(f"Invalid URL in location header: {error}.", request=request) from None
    return url


def _host(url: URL) -> str:
    host = url.raw_host.decode("ascii")
    return f"[{host}]" if ":" in host else host


def _location(request: Request, response: Response) -> str:
    values = response.headers.get_list("Location")

    # RFC 9110 10.2.2 allows one. Of several that differ, any choice would be a guess.
    if len(set(values)) != 1:
        raise RemoteProtocolError(f"A redirect must have one Location, this one has {len(values)}.", request=request)
    if len(values[0]) > MAX_LOCATION_LENGTH:
        message = f"The Location of a redirect has {len(values[0])} characters, more than {MAX_LOCATION_LENGTH}."
        raise RemoteProtocolError(message, request=request)
    return values[0]


def redirect_headers(request: Request, url: URL, method: str) -> Headers:
    """Return the header fields for the request that follows: no cookies, and no secrets for another origin."""
    headers = Headers(request.headers)

    if not _is_same_origin(request.url, url):
        if not _is_upgrade(request.url, url):
            for name in (*CREDENTIAL_HEADERS, *request.extensions.get(SENSITIVE, ())):
                headers.pop(name, None)
        # What was for a proxy that forwards to http is not for who is behind its tunnel: RFC 9110 11.7.2.
        headers.pop("Proxy-Authorization", None)
        headers["Host"] = url._host_header.decode("ascii")

    # RFC 9110 15.4: without the body, the fields that describe it go as well.
    if method != request.method and method == "GET":
        for name in [name for name in headers if _describes_content(name)]:
            del headers[name]

    # The jar of the client decides anew, for each hop.
    headers.pop("Cookie", None)
    if WEBSOCKET_KEY in headers:
        from .._wire.websocket_handshake import new_key

        # RFC 6455 4.1, item 7: who redirected has seen the key, and the next handshake has another.
        headers[WEBSOCKET_KEY] = new_key()
    return headers


def _is_same_origin(url: URL, other: URL) -> bool:
    return url._origin == other._origin


def _is_upgrade(url: URL, other: URL) -> bool:
    # From http to https of one host, both on their default ports: no third party is involved.
    (scheme, host, port), (other_scheme, other_host, other_port) = url._origin, other._origin
    return host == other_host and (scheme, port, other_scheme, other_port) == (b"http", 80, b"https", 443)


def _describes_content(name: str) -> bool:
    return name.startswith("content-") or name in ("transfer-encoding", "trailer", "expect")


def without_expectation(request: Request) -> Request | None:
    """Return what follows 417: the request without asking first (RFC 9110, 10.1.1), if it did and can be sent again."""
    if request.headers.get("Expect", "").lower() != "100-continue" or not request.is_replayable:
        return None
    headers = Headers(request.headers)
    del headers["Expect"]
    return request.replace(headers=headers)


def redirect_stream(request: Request, method: str) -> SyncByteStream | AsyncByteStream | None:
    """Return the body for the request that follows. One that cannot be sent again raises StreamConsumed when it is."""
    if method != request.method and method == "GET":
        return None
    return request.stream


def redirect_request(request: Request, method: str, url: URL, *, headers: Headers, cookies: Cookies) -> Request:
    """Return the request that follows, with the cookies of the client that belong to its URL."""
    departed = DEPARTED in request.extensions or not (
        _is_same_origin(request.url, url) or _is_upgrade(request.url, url)
    )
    following = Request(
        method,
        url,
        headers=headers,
        stream=redirect_stream(request, method),
        extensions=_extensions(request, departed),
    )
    (_bound(cookies) if departed else cookies).set_cookie_header(following)
    return following


def _extensions(request: Request, departed: bool) -> dict[str, Any]:
    """Return what the request carried along, without what was meant for its own URL."""
    kept = {name: value for name, value in request.extensions.items() if name != "target"}
    if departed:
        kept.pop("sni_hostname", None)
        kept[DEPARTED] = True
    return kept


def _bound(cookies: Cookies) -> Cookies:
    # Cookies that a program gave without a domain are for where it sent its request, and for nobody else.
    bound = Cookies(cookies)
    with suppress(KeyError):
        bound.clear("")
    return bound


def is_held_back(request: Request, following: Request) -> bool:
    """Tell whether a redirect is not followed, as it leads away and the body must not."""
    return STAYS in request.extensions and not _is_same_origin(request.url, following.url)


def require_followable(request: Request, following: Request) -> None:
    """Raise UnsupportedProtocol where a server sends the client to something that is not HTTP.

    A scheme that the program itself asked for, with a transport of its own, may be redirected within. Raises
    RemoteProtocolError where it leads from https to http, and the program would not have that.
    """
    scheme = following.url.scheme
    if scheme == "http" and request.url.scheme == "https" and request.extensions.get(REFUSE_DOWNGRADE):
        raise RemoteProtocolError("A redirect leads from https to http, which the program refuses.", request=request)
    if scheme not in ("http", "https", request.url.scheme) and {scheme, request.url.scheme} != {"ws", "wss"}:
        raise UnsupportedProtocol(f"Scheme {scheme!r} not supported.", request=following)
