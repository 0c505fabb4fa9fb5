"""What is raised for a response that is no success: by status, with the body that the document declares on `data`.

    APIStatusError
    +-- ClientError                BadRequest Unauthorized PaymentRequired Forbidden NotFound MethodNotAllowed
    |                              NotAcceptable Conflict Gone PreconditionFailed UnprocessableEntity TooManyRequests
    +-- ServerError                InternalServerError BadGateway ServiceUnavailable GatewayTimeout
    +-- UnexpectedStatus           neither an error nor declared

All are `borzoi.HTTPStatusError`, too.
"""

from __future__ import annotations

from typing import Any

from ... import HTTPStatusError, Request, Response
from ..._values.redaction import in_message


def asked(request: Request) -> str:
    """Return what was asked for, as the text of an exception may have it: a key may be a parameter of the URL."""
    return f"{request.method} {in_message(str(request.url))}"


class APIStatusError(HTTPStatusError):
    """The response is no success."""

    data: Any
    """The body, in the type that the document declares for the status; as text where there is none, or it does not
    fit.
    """

    def __init__(self, response: Response, data: Any) -> None:
        body = response.text[:500]
        message = f"{asked(response.request)}: {response.status_code} {response.reason_phrase}"
        super().__init__(f"{message}: {body}" if body else message, request=response.request, response=response)
        self.data = data

    @property
    def status_code(self) -> int:
        """The status."""
        return self.response.status_code


class ClientError(APIStatusError):
    """The status is 4xx."""


class ServerError(APIStatusError):
    """The status is 5xx."""


class UnexpectedStatus(APIStatusError):
    """The document declares no such status."""


class BadRequest(ClientError):
    """The status is 400."""


class Unauthorized(ClientError):
    """The status is 401."""


class PaymentRequired(ClientError):
    """The status is 402."""


class Forbidden(ClientError):
    """The status is 403."""


class NotFound(ClientError):
    """The status is 404."""


class MethodNotAllowed(ClientError):
    """The status is 405."""


class NotAcceptable(ClientError):
    """The status is 406."""


class Conflict(ClientError):
    """The status is 409."""


class Gone(ClientError):
    """The status is 410."""


class PreconditionFailed(ClientError):
    """The status is 412."""


class UnprocessableEntity(ClientError):
    """The status is 422."""


class TooManyRequests(ClientError):
    """The status is 429."""


class InternalServerError(ServerError):
    """The status is 500."""


class BadGateway(ServerError):
    """The status is 502."""


class ServiceUnavailable(ServerError):
    """The status is 503."""


class GatewayTimeout(ServerError):
    """The status is 504."""


BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    422: UnprocessableEntity,
    429: TooManyRequests,
    500: InternalServerError,
    502: BadGateway,
    503: ServiceUnavailable,
    504: GatewayTimeout,
}
"""The classes of single statuses."""


def class_of(status: int) -> type[APIStatusError]:
    """Return the class of a status."""
    by_range = {4: ClientError, 5: ServerError}
    return BY_STATUS.get(status) or by_range.get(status // 100, UnexpectedStatus)
