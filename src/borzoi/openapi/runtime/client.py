"""What generated clients are made of: settings, credentials, and one way from a call to a result.

A `Client` keeps a `borzoi.Client` and, for the functions style, a `borzoi.AsyncClient`; each is made when it is first
used.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict

from ... import TransportError
from .operation import Call, Prepared
from .retries import Retries, sleep
from .security import Scheme, apply, asking_auth, chosen
from .servers import Server, base_of, filled

if TYPE_CHECKING:
    from ... import AsyncClient as HTTPAsyncClient
    from ... import Auth, Response
    from ... import Client as HTTPClient


class ClientOptions(TypedDict, total=False):
    """The settings of the HTTP client: those of `borzoi.Client`."""

    headers: Mapping[str, str]
    cookies: Any
    timeout: Any
    verify: Any
    cert: Any
    proxy: Any
    http2: bool
    follow_redirects: bool
    limits: Any
    transport: Any
    mounts: Any
    event_hooks: Any
    trust_env: bool
    resolver: Any
    retries: int
    reconnect: int
    servers: Mapping[str, str]
    """Where the servers of single operations are, by their URLs in the document."""


class ClientBase:
    """Hold the settings of a generated client."""

    schemes: ClassVar[Mapping[str, Scheme]] = {}
    """The security schemes of the document."""

    _security: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """The schemes that operations ask for which do not say themselves."""

    package: ClassVar[str] = ""
    """The name of the generated package."""

    def __init__(
        self,
        base_url: str,
        credentials: Mapping[str, Any],
        options: ClientOptions,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        if "://" not in base_url:
            raise ValueError(f"base_url {base_url!r} has no scheme and no host: the document does not name the server.")
        self._variables = dict(variables or {})
        self.base_url = filled(base_url, self._variables).rstrip("/")
        self.credentials = dict(credentials)
        self.options: dict[str, Any] = dict(options)
        self._retries = self.options.pop("retries", 0)
        self._reconnect = self.options.pop("reconnect", 0)
        """How many connections in a row may fail, or bring nothing, where a stream of events is to go on."""

        self._servers = dict(self.options.pop("servers", {}))
        self._extra: dict[str, Any] = {}
        self._auths: dict[str, Auth] = {}

    def with_options(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: Any = None,
        retries: int | None = None,
        reconnect: int | None = None,
    ) -> Self:
        """Return a client that shares the connections of this one, with other settings for its requests.

        `retries` is how often a request is sent again that failed and may succeed: 0 by default. With `reconnect` a
        stream of events that ends or breaks is asked for again, from where it was, as `borzoi.Client.sse` does it.
        """
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._extra = dict(self._extra)
        if headers is not None:
            copy._extra["headers"] = {**self._extra.get("headers", {}), **headers}
        if timeout is not None:
            copy._extra["timeout"] = timeout
        if retries is not None:
            copy._retries = retries
        if reconnect is not None:
            copy._reconnect = reconnect
        return copy

    def prepare(self, call: Call[Any], http: HTTPClient | HTTPAsyncClient) -> dict[str, Any]:
        """Return the arguments of `borzoi.Client.request` for a call, and for the client that it is for."""
        operation = call.operation
        prepared = Prepared(call)
        asked = self._security if operation.security is None else operation.security
        auth = {}
        names = chosen(asked, self.schemes, self.credentials)
        for name in names:
            if flow := self._auth_of(name) or apply(self.schemes[name], self.credentials, prepared):
                auth["auth"] = flow
        url, method = self._base_of(operation.server) + prepared.path, operation.method
        if call.url:
            # A link is followed with GET, whatever the first page was asked for with.
            url, method, prepared.how = call.url, "GET", {}
            prepared.headers.pop("Content-Type", None)
        elif prepared.query:
            url += ("&" if "?" in prepared.path else "?") + "&".join(prepared.query)
        if prepared.cookies:
            # The header keeps the client from writing its own: those that it has stored are written here.
            stored = http.build_request(method, url).headers.get("Cookie", "")
            prepared.headers["Cookie"] = "; ".join([*_others(stored, prepared.cookies), *prepared.cookies])
        headers = {**prepared.headers, **self._extra.get("headers", {})}
        timeout = {"timeout": self._extra["timeout"]} if "timeout" in self._extra else {}
        # A redirect to another server does not take along what the client knows as credentials; these it does not know.
        keys = [self.schemes[name].wire for name in names if self.schemes[name].kind == "header"]
        kept = {"extensions": {"sensitive_headers": keys}} if keys else {}
        return {"method": method, "url": url, "headers": headers, **prepared.how, **timeout, **auth, **kept}

    def _base_of(self, server: Server | None) -> str:
        if server is None:
            return self.base_url
        elsewhere = self._servers.get(server.url)
        return elsewhere.rstrip("/") if elsewhere else base_of(server, self.base_url, self._variables)

    def _auth_of(self, name: str) -> Auth | None:
        """Return what asks the server first: one for this client, and for all that share its connections."""
        if name not in self._auths and (made := asking_auth(self.schemes[name], self.credentials, self.base_url)):
            self._auths.setdefault(name, made)
        return self._auths.get(name)

    def __repr__(self) -> str:
        # Credentials stay out of it.
        return f"<{type(self).__module__}.{type(self).__name__} at {self.base_url}>"

    def finish(self, call: Call[Any], response: Response) -> Any:
        """Return the result of a call, or raise the error that the status means."""
        return call.operation.finish(response, self._errors())

    def _errors(self) -> Any:
        return import_module(f"{self.package}.errors") if self.package else None


def _others(stored: str, given: list[str]) -> list[str]:
    """Return the pairs of a Cookie header whose names are not among those that are given."""
    known = {each.partition("=")[0] for each in given}
    return [each for each in stored.split("; ") if each and each.partition("=")[0] not in known]


async def asend(http: HTTPAsyncClient, request: dict[str, Any], count: int) -> Response:
    """Send a request from async code, and again where that may help."""
    if not count:
        return await http.request(**request)
    retries = Retries(count, request)
    while True:
        outcome: Response | TransportError
        try:
            outcome = await http.request(**request)
        except TransportError as error:
            outcome = error
        pause = retries.pause_after(outcome)
        if pause is None:
            return _settled(outcome)
        await sleep(pause)


def _outcome(send: Any, request: dict[str, Any]) -> Response | TransportError:
    try:
        response: Response = send(**request)
    except TransportError as error:
        return error
    return response


def _settled(outcome: Response | TransportError) -> Response:
    if isinstance(outcome, TransportError):
        raise outcome
    return outcome


class Client(ClientBase):
    """Call an API from blocking code; entered with `async with`, it runs the functions style in async code, too."""

    _http: list[HTTPClient]
    _async_http: list[HTTPAsyncClient]

    def __init__(
        self,
        base_url: str,
        credentials: Mapping[str, Any],
        options: ClientOptions,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(base_url, credentials, options, variables)
        # Lists, which copies share: whichever needs the client first makes it for all.
        self._http = []
        self._async_http = []

    @property
    def http(self) -> HTTPClient:
        """The blocking client below."""
        if not self._http:
            from ... import Client as HTTPClient

            self._http.append(HTTPClient(**self.options))
        return self._http[0]

    @property
    def async_http(self) -> HTTPAsyncClient:
        """The async client below."""
        if not self._async_http:
            from ... import AsyncClient as HTTPAsyncClient

            self._async_http.append(HTTPAsyncClient(**self.options))
        return self._async_http[0]

    def send(self, call: Call[Any]) -> Response:
        """Send a call and return its response, whatever its status."""
        request = self.prepare(call, self.http)
        if not self._retries:
            return self.http.request(**request)
        retries = Retries(self._retries, request)
        while True:
            outcome = _outcome(self.http.request, request)
            pause = retries.pause_after(outcome)
            if pause is None:
                return _settled(outcome)
            time.sleep(pause)

    async def asend(self, call: Call[Any]) -> Response:
        """Send a call from async code and return its response, whatever its status."""
        return await asend(self.async_http, self.prepare(call, self.async_http), self._retries)

    def close(self) -> None:
        """Close the connections of the blocking client."""
        for client in self._http:
            client.close()

    async def aclose(self) -> None:
        """Close all connections."""
        self.close()
        for client in self._async_http:
            await client.aclose()

    def __enter__(self) -> Self:
        self.http.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await self.async_http.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()


class AsyncClient(ClientBase):
    """Call an API from async code: asyncio or trio."""

    _async_http: list[HTTPAsyncClient]

    def __init__(
        self,
        base_url: str,
        credentials: Mapping[str, Any],
        options: ClientOptions,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(base_url, credentials, options, variables)
        self._async_http = []

    @property
    def async_http(self) -> HTTPAsyncClient:
        """The async client below."""
        if not self._async_http:
            from ... import AsyncClient as HTTPAsyncClient

            self._async_http.append(HTTPAsyncClient(**self.options))
        return self._async_http[0]

    async def asend(self, call: Call[Any]) -> Response:
        """Send a call and return its response, whatever its status."""
        return await asend(self.async_http, self.prepare(call, self.async_http), self._retries)

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._async_http:
            await client.aclose()

    async def __aenter__(self) -> Self:
        await self.async_http.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()
