"""The certificates of a scripted server, sound and not, and the contexts that show and trust them."""

from __future__ import annotations

import importlib
import ssl
from functools import cache
from typing import Any


def trusting_context() -> ssl.SSLContext:
    """Return a context for a client that trusts the servers' authority, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _authority(trusted=True).configure_trust(context)
    return context


@cache
def _authority(*, trusted: bool) -> Any:
    """Return the authority that clients are told to trust, or another."""
    try:
        trustme: Any = importlib.import_module("trustme")
    except ImportError:
        raise ImportError("A server with TLS needs trustme: pip install 'borzoi[testing]'") from None
    name = "the authority of borzoi.testing" if trusted else "an authority that nobody trusts"
    return trustme.CA(organization_name=name)


@cache
def context_of(kind: str, *, http2: bool) -> ssl.SSLContext:
    """Return the context that shows a kind of certificate."""
    import datetime as dt

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    if kind == "self_signed":
        _show_own_certificate(context)
        return context
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC) if kind == "expired" else None
    names = ["wrong.invalid"] if kind == "wrong_host" else ["127.0.0.1", "localhost", "::1"]
    authority = _authority(trusted=kind != "untrusted")
    authority.issue_cert(*names, not_before=past, not_after=past).configure_cert(context)
    return context


def _show_own_certificate(context: ssl.SSLContext) -> None:
    """Show a certificate that vouches for itself. trustme, which makes the others, brings what makes it."""
    import datetime as dt
    import tempfile

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    shown = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile() as file:
        file.write(shown + kept)
        file.flush()
        context.load_cert_chain(file.name)
