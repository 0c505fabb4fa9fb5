"""TLS settings to contexts: made on first use, once for each distinct setting, and shared.

A context costs tens of milliseconds, since it loads the certificates of all authorities. A client only remembers its
settings; what is wrong with a path is found out at once all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import ssl

CertTypes: TypeAlias = "str | tuple[str, str] | tuple[str, str, str]"
"""A client certificate: one file, or certificate and key, or these and the key's password."""

VerifyTypes: TypeAlias = "ssl.SSLContext | str | bool"
"""True for certifi's authorities, False for none, "system" for the system's, a path, or a context."""


def create_ssl_context(
    verify: VerifyTypes = True, cert: CertTypes | None = None, trust_env: bool = True
) -> ssl.SSLContext:
    """Return a context for a client. Raises FileNotFoundError for a path that does not exist.

    `verify` is True for the authorities of certifi (or of SSL_CERT_FILE and SSL_CERT_DIR, where `trust_env` is true),
    False for no verification, "system" for the system's own store, a path to a file or directory, or a context.
    """
    context = _trusting(verify, trust_env)
    if cert is not None:
        files = (cert,) if isinstance(cert, str) else cert
        context.load_cert_chain(*files)
    return context


def _trusting(verify: VerifyTypes, trust_env: bool) -> ssl.SSLContext:
    import ssl

    if isinstance(verify, ssl.SSLContext):
        return verify
    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if verify == "system":
        return _system_store()
    if isinstance(verify, str):
        is_folder = os.path.isdir(verify)
        return ssl.create_default_context(cafile=None if is_folder else verify, capath=verify if is_folder else None)
    if trust_env and os.environ.get("SSL_CERT_FILE"):
        return ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    if trust_env and os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context(capath=os.environ["SSL_CERT_DIR"])

    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _system_store() -> ssl.SSLContext:
    import ssl

    try:
        import truststore
    except ImportError:
        raise ImportError('verify="system" needs the package truststore: pip install "borzoi[system-trust]"') from None

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def lazy_context(verify: VerifyTypes, cert: CertTypes | None, trust_env: bool) -> Callable[[], ssl.SSLContext]:
    """Return what makes the context when it is first needed. Raises for a setting that cannot work, at once."""
    if not isinstance(verify, (bool, str)):
        context = verify
        if cert is not None:
            create_ssl_context(context, cert)
        return lambda: _for_http1(context)

    paths = [] if cert is None else [cert] if isinstance(cert, str) else list(cert[:2])
    if isinstance(verify, str) and verify != "system":
        paths.append(verify)
    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError(f"Could not find a suitable TLS certificate, invalid path: {path}")

    def context_of_settings() -> ssl.SSLContext:
        environment = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")) if trust_env else None
        # A file that was replaced, as by a renewal, makes a new context for the clients that are made from then on.
        return _shared_context(verify, cert, trust_env, environment, tuple(os.stat(path).st_mtime_ns for path in paths))

    return lru_cache(maxsize=1)(context_of_settings)


@lru_cache(maxsize=64)
def _shared_context(
    verify: bool | str,
    cert: CertTypes | None,
    trust_env: bool,
    environment: tuple[str | None, str | None] | None,  # noqa: ARG001 - part of the cache's key
    changed: tuple[int, ...],  # noqa: ARG001 - part of the cache's key
) -> ssl.SSLContext:
    return _for_http1(create_ssl_context(verify, cert, trust_env))


def _for_http1(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols(["http/1.1"])
    return context
