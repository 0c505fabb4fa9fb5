"""Authentication: rules over several requests, each a generator that yields a request and receives its response.

    class TokenAuth(borzoi.Auth):
        def auth_flow(self, request):
            request.headers["Authorization"] = "Bearer ..."
            response = yield request

The generators send nothing. The client drives them, and ends them when their answer is in.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .._messages.request import Request
    from .._messages.response import Response

AuthTypes: TypeAlias = "tuple[str | bytes, str | bytes] | Callable[[Request], Request] | Auth"
"""What `auth=` takes: a pair of name and password, a function that changes the request, or an `Auth`."""


class Auth:
    """Authenticate requests: override `auth_flow()`, or, where it has to wait for something, the two that follow it."""

    requires_request_body = False
    """Read the body of the request before the flow starts."""

    requires_response_body = False
    """Read the body of each response before the flow sees it."""

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Yield each request to send; the `yield` gives its response. The last response is the client's answer."""
        yield request

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Run the flow for `Client`. Override it where the scheme does blocking I/O or takes locks."""
        if self.requires_request_body:
            request.read()

        flow = self.auth_flow(request)
        sending = next(flow, None)
        while sending is not None:
            response = yield sending
            if self.requires_response_body:
                response.read()
            sending = _advance(flow, response)

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Run the flow for `AsyncClient`. Override it where the scheme awaits something."""
        if self.requires_request_body:
            await request.aread()

        flow = self.auth_flow(request)
        sending = next(flow, None)
        while sending is not None:
            response = yield sending
            if self.requires_response_body:
                await response.aread()
            sending = _advance(flow, response)


def _advance(flow: Generator[Request, Response, None], response: Response) -> Request | None:
    try:
        return flow.send(response)
    except StopIteration:
        return None


class FunctionAuth(Auth):
    """Authenticate with a function that takes the request and returns the one to send."""

    def __init__(self, func: Callable[[Request], Request]) -> None:
        self._func = func

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Send what the function returns."""
        yield self._func(request)


class BasicAuth(Auth):
    """Authenticate with a name and a password in every request: RFC 7617."""

    def __init__(self, username: str | bytes, password: str | bytes) -> None:
        self._auth_header = basic_credentials(username, password)

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Send the request with its credentials."""
        request.headers["Authorization"] = self._auth_header
        yield request


class NetRCAuth(Auth):
    """Authenticate with what a netrc file has for the host. Raises FileNotFoundError where there is no such file."""

    def __init__(self, file: str | None = None) -> None:
        import netrc

        self._netrc_info = netrc.netrc(file)

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Send the request, with the credentials of its host if the file has any."""
        entry = self._netrc_info.authenticators(request.url.host)

        # A password is for the user whom the file names, not for another one that the URL names.
        if entry is not None and entry[2] and request.url.username in ("", entry[0]):
            request.headers["Authorization"] = basic_credentials(entry[0], entry[2])
        yield request


def basic_credentials(username: str | bytes, password: str | bytes) -> str:
    """Return the value of an Authorization field: RFC 7617 2, in UTF-8."""
    from base64 import b64encode

    return "Basic " + b64encode(_octets(username) + b":" + _octets(password)).decode("ascii")


def _octets(credential: str | bytes) -> bytes:
    if isinstance(credential, bytes):
        return credential
    if isinstance(credential, str):
        return credential.encode("utf-8")
    # The value stays out of the message: it may be a password.
    raise TypeError(f"Invalid credentials: a name or password is {type(credential).__name__}. Give str or bytes.")


def build_auth(auth: AuthTypes | None) -> Auth | None:
    """Return the `Auth` for what was given as `auth=`. Raises TypeError for what is none of `AuthTypes`."""
    if auth is None or isinstance(auth, Auth):
        return auth
    if isinstance(auth, tuple) and len(auth) == 2:
        return BasicAuth(auth[0], auth[1])
    if callable(auth):
        return FunctionAuth(auth)

    # The value stays out of the message: it may be a password.
    raise TypeError(
        f'Invalid "auth" argument of type {type(auth).__name__}. '
        "Give (username, password), a function that takes a request, or an Auth."
    )
