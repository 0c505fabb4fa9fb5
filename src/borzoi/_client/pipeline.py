"""The way of a request through a client, written once: authentication, redirects, hooks, one exchange.

In go a client and a request; out comes the response, its history attached, its body read unless it is streamed. What
programs wrote is called through the client's face. A response that does not reach the caller is closed.
"""

from __future__ import annotations

import sys
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from .._config import Deadline, Unset
from .._errors import RemoteProtocolError, RequestError, TooManyRedirects
from .._messages.response import Response
from .._messages.streams import Body
from .._policy.auth import BasicAuth, build_auth
from .._policy.redirects import DEPARTED, is_held_back, require_followable, without_expectation
from .._values.redaction import in_log
from . import settings
from .client_base import ClientState

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from .._messages.request import Request
    from .._policy.auth import Auth, AuthTypes
    from .adapters import Face, Flow
    from .client_base import BaseClient

DEADLINE = "borzoi.deadline"
"""The request extension that holds the `Deadline` of all that one `send()` leads to."""

UPLOAD = "borzoi.upload"
"""The request extension that holds the `Upload` that watches its body, where a program asked for that."""

EXPECTATION_FAILED = 417
"""The status that refuses a request for asking first."""

INFO = 20
"""The level of that name in `logging`, which is imported by programs that want a log."""

MISSING = object()


async def send(
    client: BaseClient[Any],
    request: Request,
    stream: bool,
    auth: AuthTypes | Unset | None,
    follow_redirects: bool | Unset,
) -> Response:
    """Send a request, and whatever it leads to."""
    # hot path: nothing is called that this request has no use for.
    if client._state is not ClientState.OPENED:
        client._open()
    if isinstance(follow_redirects, Unset):
        follow_redirects = client.follow_redirects
    if isinstance(auth, Unset):
        # The client's authentication is not for a redirect that has left the origin it was meant for.
        scheme = None if DEPARTED in request.extensions else client._auth
    else:
        scheme = build_auth(auth)
    if scheme is None and request.url._parts.userinfo:
        scheme = BasicAuth(request.url.username, request.url.password)

    timeouts = request.extensions.get("timeout", MISSING)
    if timeouts is MISSING:
        timeouts = client._timeout.as_dict()
        request.extensions = {**request.extensions, "timeout": timeouts}
    elif type(timeouts) is not dict:
        timeouts = settings.checked_timeouts(timeouts)
        request.extensions = {**request.extensions, "timeout": timeouts}
    deadline = start_deadline(request, timeouts) if "total" in timeouts else None

    try:
        if scheme is not None:
            response = await send_authenticated(client, request, scheme, follow_redirects)
        elif client._event_hooks["request"] or client._event_hooks["response"]:
            response = await send_following_redirects(client, request, follow_redirects, [])
        else:
            response = await send_once(client, request)
            if response.status_code >= 300:
                response = await go_on(client, request, response, follow_redirects)
        if not stream and not response._take_whole(blocking=client._face.blocking):
            await read(client._face, response)
        return response
    finally:
        if deadline is not None:
            deadline.is_over = True


async def read(face: Face, response: Response) -> None:
    """Read the body of a response, or close it."""
    try:
        await face.read(response)
    except BaseException:
        await face.abandon(response)
        raise


class CallDeadline(Deadline):
    """Hold the deadline of one `send()`. A request that carries one from an earlier call gets another."""

    __slots__ = ("is_over",)

    def __init__(self, total: float) -> None:
        super().__init__(total)
        self.is_over = False


def start_deadline(request: Request, timeouts: dict[str, float | None]) -> CallDeadline | None:
    """Give the request a deadline where its time-outs bound the whole; return it if it is for this call."""
    total = timeouts["total"]
    found = request.extensions.get(DEADLINE)
    if total is None or (found is not None and not (isinstance(found, CallDeadline) and found.is_over)):
        return None

    deadline = CallDeadline(total)
    request.extensions = {**request.extensions, DEADLINE: deadline}
    return deadline


async def send_authenticated(client: BaseClient[Any], request: Request, auth: Auth, follow_redirects: bool) -> Response:
    """Send what an authentication flow yields, until it is content."""
    flow = client._face.start_flow(auth, request)
    try:
        return await drive_flow(client, request, flow, follow_redirects)
    finally:
        await flow.close()


async def drive_flow(client: BaseClient[Any], request: Request, flow: Flow, follow_redirects: bool) -> Response:
    """Give a flow the response to each of its requests. The last one is the answer."""
    current = await flow.first()
    history: list[Response] = []

    while True:
        if current is not request:
            carry_over(request, current)
        response = await send_following_redirects(client, current, follow_redirects, history)
        following = await next_of_flow(client._face, flow, response)
        if following is None:
            return response

        history.append(response)
        current = following


async def next_of_flow(face: Face, flow: Flow, response: Response) -> Request | None:
    """Return the request that follows a response, which is read then, or None."""
    try:
        following = await flow.following(response)
        if following is not None:
            await face.read(response)
    except BaseException:
        await face.abandon(response)
        raise
    return following


def carry_over(request: Request, following: Request) -> None:
    """Give the time-outs and the deadline of the first request to one that has none of its own."""
    inherited = {name: request.extensions[name] for name in ("timeout", DEADLINE) if name in request.extensions}
    following.extensions = {**inherited, **following.extensions}


async def send_following_redirects(
    client: BaseClient[Any], request: Request, follow_redirects: bool, history: list[Response]
) -> Response:
    """Send a request between its hooks, and the requests that redirects lead to."""
    while True:
        if len(history) > client.max_redirects:
            error = TooManyRedirects("Exceeded maximum allowed redirects.", request=request)
            error.add_note(f"{client.max_redirects} were followed (max_redirects=); the next leads to {request.url!r}.")
            raise error

        response = await send_between_hooks(client, request)
        if history:
            response.history = list(history)
        following = await following_redirect(client, request, response, follow_redirects)
        if following is None:
            return response
        history = past(history, response)
        request = following


async def go_on(client: BaseClient[Any], request: Request, response: Response, follow_redirects: bool) -> Response:
    """Return the response, or, where another request is to follow, the one at the end."""
    following = await following_redirect(client, request, response, follow_redirects)
    if following is None:
        return response
    return await send_following_redirects(client, following, follow_redirects, past([], response))


def past(history: list[Response], response: Response) -> list[Response]:
    """Return the redirects up to here. A 417 is none, and does not count as one."""
    return history if response.status_code == EXPECTATION_FAILED else [*history, response]


async def send_between_hooks(client: BaseClient[Any], request: Request) -> Response:
    """Send one request, and call the hooks before and after."""
    face = client._face
    for hook in client._event_hooks["request"]:
        await face.call_hook(hook, request)

    response = await send_once(client, request)
    try:
        for hook in client._event_hooks["response"]:
            await face.call_hook(hook, response)
    except BaseException:
        await face.abandon(response)
        raise
    return response


async def following_redirect(
    client: BaseClient[Any], request: Request, response: Response, follow_redirects: bool
) -> Request | None:
    """Return the request that a response leads to, having read the response, or None where nothing is to follow."""
    face = client._face
    try:
        following = _next_request(client, request, response, follow_redirects)
        if following is not None:
            await face.read(response)
    except BaseException:
        await face.abandon(response)
        raise
    return following


def _next_request(
    client: BaseClient[Any], request: Request, response: Response, follow_redirects: bool
) -> Request | None:
    """Return the request that a redirect leads to, or that does not ask first any more."""
    if response.status_code == EXPECTATION_FAILED:
        return without_expectation(request)
    if not 300 <= response.status_code < 400 or not response.has_redirect_location:
        return None
    if not follow_redirects:
        suggest_next(client, request, response)
        return None

    following = client._build_redirect_request(request, response)
    if is_held_back(request, following):
        return None
    require_followable(request, following)
    return following


def suggest_next(client: BaseClient[Any], request: Request, response: Response) -> None:
    """Leave it to the program to follow a redirect. One that leads nowhere is none of its business, then."""
    try:
        following = client._build_redirect_request(request, response)
    except RemoteProtocolError:
        return
    response.next_request = following


async def send_once(client: BaseClient[Any], request: Request) -> Response:
    """Send one request over the transport that its URL belongs to."""
    # hot path: on that of every request, so it calls nothing that it need not.
    face, now = client._face, client._now
    started = now()
    transport = client._transport_for_url(request.url)
    handle = getattr(transport, face.handler, None)
    if handle is None or not isinstance(request.stream, face.stream_type):
        face.refuse_to_send(transport, request)
    upload = request.extensions.get(UPLOAD)
    if upload is not None:
        upload.begin(request)

    try:
        response: Response = handle(request) if face.blocking else await handle(request)
    except RequestError as error:
        if error._request is None:
            error._request = request
        raise
    finally:
        if upload is not None:
            upload.end(request)

    if not isinstance(response, Response) or not isinstance(response.stream, face.stream_type):
        face.refuse(transport, response)
    try:
        response._request = request
        response.default_encoding = client._default_encoding
        stream = response.stream
        is_here = response.is_closed or (isinstance(stream, Body) and stream.is_whole)
        response._elapsed_seconds = now() - started if is_here else partial(seconds_since, started, now)
        headers = response.headers
        if not headers._is_plain and headers._find(b"set-cookie") is not None:
            client.cookies.extract_cookies(response)
        if "logging" in sys.modules and logger(settings.LOGGER_NAME).isEnabledFor(INFO):
            report(request, response)
    except BaseException:
        await face.abandon(response)
        raise
    return response


def seconds_since(started: float, now: Callable[[], float]) -> float:
    """Return how long ago that was."""
    return now() - started


@lru_cache(maxsize=4)
def logger(name: str) -> logging.Logger:
    """Return the logger of a name. Finding it takes a lock each time."""
    import logging

    return logging.getLogger(name)


def report(request: Request, response: Response) -> None:
    """Log the exchange at level INFO, without the secrets that a URL may hold."""
    logger(settings.LOGGER_NAME).info(
        'HTTP Request: %s %s "%s %d %s"',
        request.method,
        request.url if settings.shows_secrets() else in_log(request.url._parts).unsplit(),
        response.http_version,
        response.status_code,
        response.reason_phrase,
    )
