"""TLS settings to contexts: made on first use, once for each distinct setting, and shared.

A context costs tens of milliseconds, since it loads the certificates of all authorities. A client only remembers its
settings; what is wrong with a path is found out at once all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from .._policy.tls import TLS

if TYPE_CHECKING:
    import ssl

CertTypes: TypeAlias = "str | bytes | tuple[str | bytes, str | bytes] | tuple[str | bytes, str | bytes, str | bytes]"
"""A client certificate: one file, or certificate and key, or these and the key's password. Each may be PEM instead."""

VerifyTypes: TypeAlias = "ssl.SSLContext | str | bool | TLS"
"""True for certifi's authorities, False for none, "system" for the system's, a path, a context, or a `TLS`."""

HTTP1 = ("http/1.1",)
HTTP2 = ("h2", "http/1.1")

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


def create_ssl_context(
    verify: VerifyTypes = True, cert: CertTypes | None = None, trust_env: bool = True, http2: bool = False
) -> ssl.SSLContext:
    """Return a context for a client. Raises FileNotFoundError for a path that does not exist.

    `verify` is True for the authorities of certifi (or of SSL_CERT_FILE and SSL_CERT_DIR, where `trust_env` is true),
    False for no verification, "system" for the system's own store, a path to a file or directory, or a context.
    `cert` is the client's certificate: paths, or PEM. `http2` offers HTTP/2 to the server.
    """
    if isinstance(verify, TLS) and verify.pins:
        raise ValueError("An SSLContext cannot hold pins: give the TLS itself as verify=.")
    trusted, cert = _parts_of(verify, cert)

    context = _trusting(trusted, trust_env)
    if context is not trusted:
        context.set_alpn_protocols(HTTP2 if http2 else HTTP1)
        # RFC 9525, 2: a common name is no name of a host.
        context.hostname_checks_common_name = False
        _log_keys(context, os.environ.get("SSLKEYLOGFILE") if trust_env else None)
    if cert is not None:
        from .client_certificate import load_certificate

        load_certificate(context, cert)
    return context


def _parts_of(verify: VerifyTypes, cert: CertTypes | None) -> tuple[ssl.SSLContext | str | bool, CertTypes | None]:
    if isinstance(verify, TLS):
        return verify.verify, verify.cert if cert is None else cert
    return verify, cert


def _trusting(verify: ssl.SSLContext | str | bool, trust_env: bool) -> ssl.SSLContext:
    import ssl

    if isinstance(verify, ssl.SSLContext):
        return verify
    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if verify == "system":
        system: ssl.SSLContext = _truststore().SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return system
    if isinstance(verify, str):
        is_folder = os.path.isdir(verify)
        return ssl.create_default_context(cafile=None if is_folder else verify, capath=verify if is_folder else None)
    if trust_env and os.environ.get("SSL_CERT_FILE"):
        return ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    if trust_env and os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context(capath=os.environ["SSL_CERT_DIR"])

    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _truststore() -> Any:
    try:
        import truststore
    except ImportError:
        raise ImportError('verify="system" needs the package truststore: pip install "borzoi[system-trust]"') from None

    return truststore


def _log_keys(context: ssl.SSLContext, path: str | None) -> None:
    # create_default_context() obeys the variable where we are told not to, and other contexts never do.
    if (context.keylog_filename or None) != (path or None):
        context.keylog_filename = path or None  # type: ignore[assignment]


def lazy_context(
    verify: VerifyTypes, cert: CertTypes | None, trust_env: bool, http2: bool = False
) -> Callable[[], ssl.SSLContext]:
    """Return what makes the context when it is first needed. Raises for a setting that cannot work, at once."""
    trusted, own = _parts_of(verify, cert)
    if trusted is None:
        # Not annotated, and taken by httpx for its default.
        trusted = True
    if not isinstance(trusted, (bool, str)):
        return _of_program(trusted, own, http2)

    paths = _checked_paths(trusted, own, trust_env)

    def context_of_settings() -> ssl.SSLContext:
        environment = tuple(os.environ.get(name) for name in _VARIABLES) if trust_env else None
        # A file that was replaced, as by a renewal, makes a new context for the clients that are made from then on.
        changed = tuple(os.stat(path).st_mtime_ns for path in paths)
        return _shared_context(trusted, own, trust_env, http2, environment, changed)

    return lru_cache(maxsize=1)(context_of_settings)


def _of_program(context: ssl.SSLContext, cert: CertTypes | None, http2: bool) -> Callable[[], ssl.SSLContext]:
    if not hasattr(context, "set_alpn_protocols"):
        raise TypeError(f'Invalid verify={context!r}. Give True, False, "system", a path, an SSLContext or a TLS.')
    if cert is not None:
        create_ssl_context(context, cert)

    def with_protocols() -> ssl.SSLContext:
        context.set_alpn_protocols(HTTP2 if http2 else HTTP1)
        return context

    return with_protocols


def _checked_paths(verify: bool | str, cert: CertTypes | None, trust_env: bool) -> list[str]:
    """Return the files that a setting names. Raises FileNotFoundError, ImportError."""
    parts = () if cert is None else cert[:2] if isinstance(cert, tuple) else (cert,)
    paths = [part for part in parts if isinstance(part, str) and not is_pem(part)]
    if verify == "system":
        _truststore()
    elif isinstance(verify, str):
        paths.append(verify)
    elif verify and trust_env and os.environ.get("SSL_CERT_FILE"):
        paths.append(os.environ["SSL_CERT_FILE"])

    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError(f"Could not find a suitable TLS certificate, invalid path: {path}")
    return paths


def is_pem(text: str | bytes) -> bool:
    """Tell whether this is a certificate or key itself, and not the path to one."""
    return isinstance(text, bytes) or "-----BEGIN " in text


@lru_cache(maxsize=64)
def _shared_context(
    verify: bool | str,
    cert: CertTypes | None,
    trust_env: bool,
    http2: bool,
    environment: tuple[str | None, ...] | None,  # noqa: ARG001 - part of the cache's key
    changed: tuple[int, ...],  # noqa: ARG001 - part of the cache's key
) -> ssl.SSLContext:
    return create_ssl_context(verify, cert, trust_env, http2)
