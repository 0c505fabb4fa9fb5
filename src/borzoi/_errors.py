"""Every exception of the library.

Exception
├── HTTPError                       a request failed
│   ├── RequestError                ... while it was being sent or answered
│   │   ├── TransportError
│   │   │   ├── TimeoutException
│   │   │   │   ├── ConnectTimeout  no connection in time
│   │   │   │   ├── ReadTimeout     no bytes in time
│   │   │   │   ├── WriteTimeout    the peer takes no bytes in time
│   │   │   │   └── PoolTimeout     no free connection in time
│   │   │   ├── NetworkError
│   │   │   │   ├── ConnectError    refused, unreachable, unknown host, TLS refused
│   │   │   │   │   └── BlockedAddress  a guard lets no connection through to it
│   │   │   │   ├── ReadError       the connection broke while receiving
│   │   │   │   ├── WriteError      the connection broke while sending
│   │   │   │   └── CloseError      the connection broke while closing
│   │   │   ├── ProtocolError
│   │   │   │   ├── LocalProtocolError   we would have sent something malformed
│   │   │   │   └── RemoteProtocolError  the peer sent something malformed
│   │   │   ├── ProxyError
│   │   │   ├── SSEError            no event stream, or an event that is too large
│   │   │   └── UnsupportedProtocol
│   │   ├── DecodingError           the content coding is broken
│   │   ├── TokenError              no access token of OAuth 2.0 was given
│   │   └── TooManyRedirects
│   ├── HTTPStatusError             raise_for_status() met 4xx or 5xx
│   └── HTTPXWSException            a WebSocket ended, or was used wrongly
│       ├── WebSocketUpgradeError         the server did not open one
│       ├── WebSocketDisconnect           the server closed it, or broke its protocol
│       ├── WebSocketInvalidTypeReceived  text came where bytes were asked for, or the reverse
│       └── WebSocketNetworkError         the connection broke, or the server did not answer a ping
├── InvalidURL
├── CookieConflict                  several cookies of one name
└── StreamError (RuntimeError)      the program used a body wrongly
    ├── StreamConsumed
    ├── StreamClosed
    ├── ResponseNotRead
    └── RequestNotRead
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from ._messages.request import Request
    from ._messages.response import Response
    from ._wire.websocket_frames import Message


STAYS = "borzoi.stays"
"""The request extension that keeps a request at its origin, for the secrets in its body."""


def _rebuild(cls: type[Any], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    error: Any = cls.__new__(cls, *args)
    error.args = args
    vars(error).update(state)
    return error


def _without_secrets(value: Any, known: dict[int, Any]) -> Any:
    """Return a copy of a request or response, and of those within it, that shows what a repr may show."""
    if isinstance(value, list):
        return [_without_secrets(part, known) for part in value]
    if not (hasattr(value, "headers") and hasattr(value, "extensions")):
        return value
    if id(value) not in known:
        from copy import copy

        copied = known[id(value)] = copy(value)
        state = vars(copied)
        if STAYS in value.extensions:
            state.pop("_content", None)
        for name, part in list(state.items()):
            state[name] = _without_secrets(part, known)
        copied.headers = value.headers._without_secrets()
        if "url" in state:
            copied.url = value.url._without_secrets()
    return known[id(value)]


class HTTPError(Exception):
    """A request failed: the base class of `RequestError` and `HTTPStatusError`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._request: Request | None = None

    @property
    def request(self) -> Request:
        """The request that failed. Raises RuntimeError where none was attached."""
        if self._request is None:
            raise RuntimeError("The .request property has not been set.")
        return self._request

    @request.setter
    def request(self, request: Request) -> None:
        self._request = request

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses take keyword-only arguments, which the default pickling of exceptions would lose. What is pickled
        # goes to queues, stores and other machines: the credentials of the messages stay here.
        known: dict[int, Any] = {}
        state = {name: _without_secrets(value, known) for name, value in self.__dict__.items()}
        return _rebuild, (type(self), self.args, state)

    def __copy__(self) -> Self:
        copied: Self = _rebuild(type(self), self.args, self.__dict__)
        return copied


class RequestError(HTTPError):
    """A request could not be sent, or its response could not be received."""

    def __init__(self, message: str = "", *, request: Request | None = None) -> None:
        super().__init__(message)
        self._request = request


class TransportError(RequestError):
    """The transport failed below the level of HTTP semantics."""


class TimeoutException(TransportError):
    """An operation took longer than its time-out allows."""


class ConnectTimeout(TimeoutException):
    """No connection was made in time."""


class ReadTimeout(TimeoutException):
    """No bytes arrived in time."""


class WriteTimeout(TimeoutException):
    """The peer did not take our bytes in time."""


class PoolTimeout(TimeoutException):
    """No connection of the pool became free in time."""


class NetworkError(TransportError):
    """The network failed."""


class ConnectError(NetworkError):
    """A connection could not be made."""


class BlockedAddress(ConnectError):
    """A guard does not let a connection through to this address."""


class ReadError(NetworkError):
    """The connection broke while receiving."""


class WriteError(NetworkError):
    """The connection broke while sending."""


class CloseError(NetworkError):
    """The connection broke while closing."""


class ProtocolError(TransportError):
    """A rule of the protocol was broken."""


class LocalProtocolError(ProtocolError):
    """The request as written by the program would be malformed on the wire."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something malformed, or cut its response short."""


class ProxyError(TransportError):
    """A proxy refused or broke the connection."""


class SSEError(TransportError):
    """The response is no stream of server-sent events, or one of its events is too large."""


class UnsupportedProtocol(TransportError):
    """The URL's scheme is not one that the transport speaks."""


class DecodingError(RequestError):
    """The body does not decode as its Content-Encoding says."""


class TooManyRedirects(RequestError):
    """More redirects followed than `max_redirects` allows."""


class TokenError(RequestError):
    """No access token was given: `error` and `description` are what the server said of it (RFC 6749, section 5.2)."""

    def __init__(
        self, message: str, *, request: Request, response: Response, error: str = "", description: str = ""
    ) -> None:
        super().__init__(message, request=request)
        self.response = response
        self.error = error
        self.description = description

    def copy(self) -> TokenError:
        """Return an error of its own for another who waited for the same token."""
        return TokenError(
            self.args[0], request=self.request, response=self.response, error=self.error, description=self.description
        )


class HTTPStatusError(HTTPError):
    """`raise_for_status()` met a status outside of 2xx."""

    def __init__(self, message: str, *, request: Request, response: Response) -> None:
        super().__init__(message)
        self.request = request
        self.response = response


class HTTPXWSException(HTTPError):
    """A WebSocket session failed: the base class of what follows."""

    __module__ = "borzoi.websockets"

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


class WebSocketUpgradeError(HTTPXWSException):
    """The server did not open a WebSocket: `response` is what it answered."""

    __module__ = "borzoi.websockets"

    def __init__(self, response: Response, message: str = "") -> None:
        status = f"{response.status_code} {response.reason_phrase}".strip()
        super().__init__(message or f"The server answered {status} where a WebSocket was asked for.")
        self.response = response
        self._request = response._request


class WebSocketDisconnect(HTTPXWSException):
    """The WebSocket was closed, with this `code` and `reason` (RFC 6455, 7.4)."""

    __module__ = "borzoi.websockets"

    def __init__(self, code: int = 1000, reason: str | None = None) -> None:
        # In one line, whatever the peer wrote: a line break of its own would begin a line of the program's log.
        shown = reason if not reason or reason.isprintable() else reason.encode("unicode_escape").decode("ascii")
        super().__init__(f"The WebSocket was closed with code {code}{f': {shown}' if shown else '.'}")
        self.code = code
        self.reason = reason or ""


class WebSocketInvalidTypeReceived(HTTPXWSException):
    """A message was not of the type that was asked for: `event` is the message."""

    __module__ = "borzoi.websockets"

    def __init__(self, event: Message) -> None:
        super().__init__(f"The message is {type(event.data).__name__}, which was not asked for.")
        self.event = event


class WebSocketNetworkError(HTTPXWSException):
    """The connection below a WebSocket broke, or the server did not answer a ping in time."""

    __module__ = "borzoi.websockets"


class InvalidURL(Exception):
    """A URL is malformed, or not usable where it was given."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class CookieConflict(Exception):
    """Several cookies have the name, and neither domain nor path picks one."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class StreamError(RuntimeError):
    """The program used the body of a message in a way that it does not allow."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class StreamConsumed(StreamError):
    """The body was streamed already, and cannot be streamed again."""

    def __init__(self) -> None:
        super().__init__(
            "Attempted to read or stream some content, but the content has already been streamed. For requests, this "
            "could be due to passing a generator as request content, and then receiving a redirect response or a "
            "secondary request as part of an authentication flow. For responses, this could be due to attempting to "
            "stream the response content more than once."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class StreamClosed(StreamError):
    """The body was closed before it was read."""

    def __init__(self) -> None:
        super().__init__("Attempted to read or stream content, but the stream has been closed.")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class ResponseNotRead(StreamError):
    """`response.content` was asked for before `response.read()`."""

    def __init__(self) -> None:
        super().__init__("Attempted to access streaming response content, without having called `read()`.")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class RequestNotRead(StreamError):
    """`request.content` was asked for before `request.read()`."""

    def __init__(self) -> None:
        super().__init__("Attempted to access streaming request content, without having called `read()`.")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


@contextlib.contextmanager
def request_context(request: Request | None = None) -> Generator[None]:
    """Attach `request` to any RequestError that passes."""
    try:
        yield
    except RequestError as error:
        if request is not None and error._request is None:
            error.request = request
        raise
