"""Certificates and TLS contexts for the peers, from an authority that exists for this process only."""

from __future__ import annotations

import datetime as dt
import ssl
from functools import cache

import trustme

from borzoi._backends.base import show_cuts


@cache
def authority() -> trustme.CA:
    """Return the authority."""
    return trustme.CA()


@cache
def certificate(*names: str, expired: bool = False) -> trustme.LeafCert:
    """Return a certificate for some names."""
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    return authority().issue_cert(*names, not_before=past if expired else None, not_after=past if expired else None)


def server_context(
    *names: str, expired: bool = False, alpn: tuple[str, ...] = (), version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """Return a context for a server with these names, 127.0.0.1 and localhost if none are given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate(*(names or ("127.0.0.1", "localhost", "::1")), expired=expired).configure_cert(context)
    context.maximum_version = version
    show_cuts(context)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def client_context(*, trusting: bool = True, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Return a context for a client that trusts the authority, or nobody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trusting:
        authority().configure_trust(context)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
