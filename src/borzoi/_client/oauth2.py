"""Authentication with OAuth 2.0: tokens are fetched through the client, when first needed, once for all who wait.

A flow yields the request for a token before the request that needs it. Whoever comes meanwhile, on whatever thread or
event loop, waits for that one. A token is used until shortly before its end, and replaced once after a 401.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .._errors import STAYS, TokenError
from .._policy.auth import Auth
from .._policy.oauth2 import Endpoint, Token, endpoint_of, token_of, token_request
from .._values.url import URL
from .flights import Flight

if TYPE_CHECKING:
    from .._messages.request import Request
    from .._messages.response import Response
    from .._values.url import URLTypes

Steps: TypeAlias = "Generator[Request | Flight, Any, None]"
Fetching: TypeAlias = "Generator[Request | Flight, Any, Token]"

LEEWAY = 30.0
"""Seconds before its end at which a token is no longer used."""


class Clock(Protocol):
    """What tells the time: a `borzoi.testing.Clock`, say."""

    def now(self) -> float:
        """Return the time in seconds."""
        ...


class OAuth2(Auth):
    """Send access tokens, and fetch them. The subclasses say what they are fetched with."""

    def __init__(
        self,
        token_url: URLTypes | None,
        client_id: str,
        client_secret: str | None,
        *,
        discovery_url: URLTypes | None = None,
        scope: str = "",
        client_auth: str | None = None,
        params: Mapping[str, str] | None = None,
        leeway: float = LEEWAY,
        clock: Clock | None = None,
    ) -> None:
        if (token_url is None) == (discovery_url is None):
            raise TypeError("Give one of token_url and discovery_url.")
        if client_auth not in (None, "basic", "post"):
            raise ValueError(f"client_auth is {client_auth!r}: give 'basic' or 'post'.")
        self._discovery_url = None if discovery_url is None else URL(discovery_url)
        self._client_auth = client_auth
        self._endpoint = None if token_url is None else Endpoint(URL(token_url), in_body=client_auth == "post")
        self._client_id = client_id
        self._client_secret = client_secret
        self._scope = scope
        self._params = dict(params or {})
        self._leeway = leeway
        self._now = time.monotonic if clock is None else clock.now
        self._held: Token | None = None
        self._flight: Flight | None = None
        self._lock = threading.Lock()

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Send the request with a token, fetching one where there is none."""
        steps = self._steps(request, blocking=True)
        try:
            step = next(steps, None)
            while step is not None:
                if isinstance(step, Flight):
                    step.wait()
                    step = _next(steps, None)
                    continue
                response = yield step
                if step is not request or response.status_code == 401:
                    response.read()
                step = _next(steps, response)
        finally:
            steps.close()

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Send the request with a token, fetching one where there is none."""
        steps = self._steps(request, blocking=False)
        try:
            step = next(steps, None)
            while step is not None:
                if isinstance(step, Flight):
                    await step.wait_in_loop()
                    step = _next(steps, None)
                    continue
                response = yield step
                if step is not request or response.status_code == 401:
                    await response.aread()
                step = _next(steps, response)
        finally:
            steps.close()

    # What both do: a generator of requests to send, and of flights to wait for.

    def _steps(self, request: Request, *, blocking: bool) -> Steps:
        token = yield from self._token(None, blocking)
        request.headers["Authorization"] = f"Bearer {token.value}"
        response = yield request

        # RFC 6750 3.1: the token has expired, was revoked, or is not for this. A new one is tried once.
        if response.status_code != 401 or not request.is_replayable:
            return
        token = yield from self._token(token, blocking)
        request.headers["Authorization"] = f"Bearer {token.value}"
        yield request

    def _token(self, refused: Token | None, blocking: bool) -> Fetching:
        """Return a token other than one that was refused."""
        while True:
            with self._lock:
                held, flight = self._held, self._flight
                if held is not None and held is not refused and self._now() < held.fresh_until:
                    return held
                mine = None
                if flight is None or not flight.can_be_joined(blocking=blocking):
                    mine = Flight(blocking=blocking)
                    self._flight = flight or mine
            if mine is not None:
                return (yield from self._fetched(mine))
            assert flight is not None
            yield flight
            if flight.error is not None:
                raise flight.error.copy()
            if flight.token is not None:
                # Even one that is over at once serves those who waited for it.
                found: Token = flight.token
                return found

    def _fetched(self, flight: Flight) -> Fetching:
        try:
            token = yield from self._fetch()
            with self._lock:
                self._held = flight.token = token
        except TokenError as error:
            flight.error = error
            raise
        finally:
            # A request that failed or was cancelled closes the generator here: one of those who wait takes its place.
            with self._lock:
                if self._flight is flight:
                    self._flight = None
            flight.end()
        return token

    def _fetch(self) -> Fetching:
        raise NotImplementedError

    def _ask(self, form: Mapping[str, str]) -> Fetching:
        """Ask the token endpoint, whose address is found out first where it is not known."""
        if self._endpoint is None:
            from .._messages.request import Request

            assert self._discovery_url is not None
            asking = Request(
                "GET", self._discovery_url, headers={"Accept": "application/json"}, extensions={STAYS: True}
            )
            response = yield asking
            self._endpoint = endpoint_of(response, self._discovery_url, self._client_auth)
        asking = token_request(
            self._endpoint, self._client_id, self._client_secret, {**form, "scope": self._scope, **self._params}
        )
        response = yield asking
        return token_of(response, self._now(), self._leeway)

    def __getstate__(self) -> dict[str, Any]:
        # Locks, and those who wait, are this process's.
        return {**self.__dict__, "_lock": None, "_flight": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        where = self._discovery_url or (self._endpoint and self._endpoint.url)
        return f"<{type(self).__name__} {self._client_id!r} at {where!r}>"


def _next(steps: Steps, response: Response | None) -> Request | Flight | None:
    try:
        return steps.send(response)
    except StopIteration:
        return None


class OAuth2ClientCredentials(OAuth2):
    """Authenticate a program as itself with tokens of OAuth 2.0: RFC 6749, section 4.4.

        auth = borzoi.OAuth2ClientCredentials("https://id.example/token", "my-id", "my-secret", scope="read")
        client = borzoi.Client(auth=auth)

    The token is fetched through the client at its first need and used until `leeway` seconds before its end. With
    `discovery_url`, OpenID Connect's `.../.well-known/openid-configuration`, the token's address is found there.
    `client_auth` says where the secret stands: "basic", in a header, or "post", in the body. `params` are sent along:
    an `audience`, say. A server that refuses raises TokenError.
    """

    def __init__(
        self,
        token_url: URLTypes | None,
        client_id: str,
        client_secret: str,
        *,
        discovery_url: URLTypes | None = None,
        scope: str = "",
        client_auth: str | None = None,
        params: Mapping[str, str] | None = None,
        leeway: float = LEEWAY,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(
            token_url,
            client_id,
            client_secret,
            discovery_url=discovery_url,
            scope=scope,
            client_auth=client_auth,
            params=params,
            leeway=leeway,
            clock=clock,
        )

    def _fetch(self) -> Fetching:
        renewing = self._held.refresh_token if self._held is not None else None
        if renewing is not None:
            try:
                return (yield from self._ask({"grant_type": "refresh_token", "refresh_token": renewing}))
            except TokenError:
                # The secret gets a token in any case.
                self._held = None
        return (yield from self._ask({"grant_type": "client_credentials"}))


class OAuth2RefreshToken(OAuth2):
    """Authenticate on behalf of a user with a refresh token that was obtained before: RFC 6749, section 6.

        auth = borzoi.OAuth2RefreshToken("https://id.example/token", saved, "my-id", on_refresh_token=save)

    `access_token` is used until it is refused, where one is at hand. `on_refresh_token` is called with each new refresh
    token that the server gives in exchange. The other arguments are those of `OAuth2ClientCredentials`.
    """

    def __init__(
        self,
        token_url: URLTypes | None,
        refresh_token: str,
        client_id: str,
        client_secret: str | None = None,
        *,
        access_token: str | None = None,
        on_refresh_token: Callable[[str], object] | None = None,
        discovery_url: URLTypes | None = None,
        scope: str = "",
        client_auth: str | None = None,
        params: Mapping[str, str] | None = None,
        leeway: float = LEEWAY,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(
            token_url,
            client_id,
            client_secret,
            discovery_url=discovery_url,
            scope=scope,
            client_auth=client_auth,
            params=params,
            leeway=leeway,
            clock=clock,
        )
        self._refresh_token = refresh_token
        self._on_refresh_token = on_refresh_token
        if access_token is not None:
            self._held = Token(access_token, float("inf"), None)

    def _fetch(self) -> Fetching:
        token = yield from self._ask({"grant_type": "refresh_token", "refresh_token": self._refresh_token})
        # RFC 6749 6: a new one takes the place of the old.
        if token.refresh_token is not None and token.refresh_token != self._refresh_token:
            self._refresh_token = token.refresh_token
            if self._on_refresh_token is not None:
                self._on_refresh_token(token.refresh_token)
        return token
