"""Credentials: which of them an operation asks for, and where they go."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin

from ... import Auth
from .encoding import escaped
from .operation import Prepared


class Scheme(NamedTuple):
    """Say where the credentials of a security scheme go, and which arguments of the client they are."""

    kind: str
    """header, query, cookie, basic, digest, bearer, oauth2, openid or mutual_tls."""

    wire: str
    arguments: tuple[str, ...]
    token_url: str = ""
    """Where tokens are asked for, or, for openid, what tells where."""


def chosen(
    alternatives: tuple[tuple[str, ...], ...], schemes: Mapping[str, Scheme], credentials: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the first alternative whose credentials are all there; nothing if none is, and the server will say so."""
    for names in alternatives:
        if names and all(name in schemes and has(schemes[name], credentials) for name in names):
            return names
    return ()


def has(scheme: Scheme, credentials: Mapping[str, Any]) -> bool:
    """Tell whether the credentials of a scheme were given."""
    given = [credentials.get(name) is not None for name in scheme.arguments]
    if scheme.kind in ("oauth2", "openid"):
        return given[0] or (bool(scheme.token_url) and all(given[1:]))
    return all(given)


def asking_auth(scheme: Scheme, credentials: Mapping[str, Any], base_url: str) -> Auth | None:
    """Return what fetches a token, or answers a challenge; None for credentials that are written as they are."""
    if scheme.kind == "digest":
        from ... import DigestAuth

        return DigestAuth(*[str(credentials[each]) for each in scheme.arguments])
    if scheme.kind not in ("oauth2", "openid") or credentials.get(scheme.arguments[0]) is not None:
        return None
    from ... import OAuth2ClientCredentials

    name, secret = [_value(credentials[each]) for each in scheme.arguments[1:]]
    url = urljoin(f"{base_url}/", scheme.token_url)
    if scheme.kind == "openid":
        return OAuth2ClientCredentials(None, name, secret, discovery_url=url)
    return OAuth2ClientCredentials(url, name, secret)


def apply(scheme: Scheme, credentials: Mapping[str, Any], prepared: Prepared) -> Auth | None:
    """Write the credentials of a scheme into a request, or return what does that while it is sent."""
    values = [credentials.get(name) for name in scheme.arguments]
    if values and isinstance(values[0], Auth):
        return values[0]
    if scheme.kind == "basic":
        # RFC 7617, section 2.
        pair = f"{values[0]}:{values[1]}".encode()
        prepared.headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    elif scheme.kind == "header":
        prepared.headers[scheme.wire] = _value(values[0])
    elif scheme.kind == "query":
        prepared.query.append(f"{escaped(scheme.wire)}={escaped(_value(values[0]))}")
    elif scheme.kind == "cookie":
        prepared.cookies.append(f"{scheme.wire}={_value(values[0])}")
    elif scheme.kind in ("bearer", "oauth2", "openid") and values[0] is not None:
        # RFC 9110, section 11.1: schemes are compared without regard to case; RFC 6750 writes "Bearer".
        name = "Bearer" if scheme.wire.lower() == "bearer" else scheme.wire
        prepared.headers["Authorization"] = f"{name} {_value(values[0])}"
    return None


def _value(value: Any) -> str:
    return str(value() if callable(value) else value)
