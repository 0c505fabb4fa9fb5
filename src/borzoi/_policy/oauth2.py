"""Access tokens of OAuth 2.0: which request asks for one, and what its response says (RFC 6749, RFC 6750).

In go settings and responses, out come requests and tokens. Nothing is sent here, no clock is read, and no secret is
part of a message or a repr.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from .._errors import STAYS, TokenError
from .._messages.request import Request
from .._messages.response import Response
from .._values.url import URL
from .auth import basic_credentials

WELL_KNOWN = "/.well-known/openid-configuration"
"""OpenID Connect Discovery 1.0, section 4."""

SHOWN = 200
"""Characters of a server's message that are repeated."""


class Token:
    """Hold an access token, and until when it is used."""

    __slots__ = ("fresh_until", "refresh_token", "value")

    def __init__(self, value: str, fresh_until: float, refresh_token: str | None) -> None:
        self.value = value
        self.fresh_until = fresh_until
        self.refresh_token = refresh_token


class Endpoint:
    """Say where tokens are asked for, and how the program shows there who it is."""

    __slots__ = ("in_body", "url")

    def __init__(self, url: URL, *, in_body: bool) -> None:
        self.url = url
        self.in_body = in_body


def token_request(endpoint: Endpoint, client_id: str, client_secret: str | None, form: Mapping[str, str]) -> Request:
    """Return the request for a token."""
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    fields = {name: value for name, value in form.items() if value}
    if client_secret is None:
        # RFC 6749 3.2.1: a client without a secret gives its name alone.
        fields["client_id"] = client_id
    elif endpoint.in_body:
        fields |= {"client_id": client_id, "client_secret": client_secret}
    else:
        # RFC 6749 2.3.1: each is encoded as in a form before RFC 7617 joins them.
        headers["Authorization"] = basic_credentials(quote_plus(client_id), quote_plus(client_secret))
    # RFC 6749 10: no server but this one gets to see the secrets in the body, whatever it answers.
    return Request("POST", endpoint.url, headers=headers, content=urlencode(fields), extensions={STAYS: True})


def token_of(response: Response, now: float, leeway: float) -> Token:
    """Return the token that a response brings. Raises TokenError."""
    answer = _object(response, "The token endpoint")
    if not response.is_success or "error" in answer:
        raise _refusal(response, answer)
    value = answer.get("access_token")
    # RFC 6749 A.12. A line break in it would end a header field.
    if not isinstance(value, str) or not value or not all("!" <= char <= "~" for char in value):
        raise failure(response, "The token endpoint {url} gave no access token that can be sent.")
    kind = answer.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        # RFC 6749 7.1: a token of a type that is not known must not be used.
        raise failure(response, "The token endpoint {url} gave a token of a type other than Bearer.")
    refresh = answer.get("refresh_token")
    lifetime = _seconds(answer.get("expires_in"))
    # Of a token that is over soon, half of its life is used.
    fresh_until = now + max(lifetime - leeway, lifetime / 2)
    return Token(value, fresh_until, refresh if isinstance(refresh, str) and refresh else None)


def _seconds(lifetime: Any) -> float:
    """Return how long a token holds: for ever where the server does not say; it answers with 401 then."""
    try:
        seconds = float(lifetime) if not isinstance(lifetime, bool) else math.inf
    except (TypeError, ValueError, OverflowError):
        return math.inf
    return math.inf if math.isnan(seconds) else max(seconds, 0.0)


def endpoint_of(response: Response, discovered_at: URL, client_auth: str | None) -> Endpoint:
    """Return the token endpoint that a provider's metadata names. Raises TokenError."""
    metadata = _object(response, "The provider")
    if not response.is_success:
        raise _refusal(response, {})
    # OpenID Connect Discovery 4.3: the issuer must be the one that was asked, or another's metadata are used for it.
    issuer = metadata.get("issuer")
    if not isinstance(issuer, str) or issuer.rstrip("/") + WELL_KNOWN != str(discovered_at):
        raise failure(response, "The metadata at {url} are of another issuer.")
    try:
        url = URL(str(metadata.get("token_endpoint", "")))
    except Exception:  # noqa: BLE001 - whatever it is, it is no URL
        url = URL("")
    if url.scheme != "https" and url.scheme != discovered_at.scheme:
        raise failure(response, "The metadata at {url} name no token endpoint that is safe to use.")
    methods = metadata.get("token_endpoint_auth_methods_supported")
    # Where nothing is said, it is client_secret_basic.
    wants_body = isinstance(methods, list) and "client_secret_post" in methods and "client_secret_basic" not in methods
    return Endpoint(url, in_body=wants_body if client_auth is None else client_auth == "post")


def _object(response: Response, who: str) -> dict[str, Any]:
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return answer
    if not response.is_success:
        raise _refusal(response, {})
    raise failure(response, f"{who} {{url}} did not answer with a JSON object.")


def _refusal(response: Response, answer: Mapping[str, Any]) -> TokenError:
    # RFC 6749 5.2.
    code, description = _text(answer.get("error")), _text(answer.get("error_description"))
    said = ": ".join(text for text in (code, description) if text)
    if not said and response.has_redirect_location:
        said = "a redirect, which is not followed"
    message = f"The token endpoint {{url}} answered {response.status_code}" + (f": {said}" if said else "")
    return failure(response, message, error=code, description=description)


def failure(response: Response, message: str, *, error: str = "", description: str = "") -> TokenError:
    """Return the error for a response. `{url}` in the message becomes its URL without its query."""
    url = str(response.url.copy_with(query=None, username=None, password=None))
    text = message.replace("{url}", url, 1)
    return TokenError(text, request=response.request, response=response, error=error, description=description)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(char if char.isprintable() else " " for char in text[:SHOWN])
