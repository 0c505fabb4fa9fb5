"""Loading a client's certificate into a context, from files or from memory.

OpenSSL reads files only. What is in memory becomes one for that moment: without a name where the system can make such a
file, and else one that nobody but this user can read. Neither is left behind, whatever happens.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

    from .tls import CertTypes


def load_certificate(context: ssl.SSLContext, cert: CertTypes) -> None:
    """Load a certificate: one part with its key in it, or certificate and key, or these and the key's password."""
    certificate, key, password = (*cert, None, None)[:3] if isinstance(cert, tuple) else (cert, None, None)
    assert certificate is not None
    with ExitStack() as files:
        path = files.enter_context(_as_file(certificate))
        key_path = None if key is None else files.enter_context(_as_file(key))
        # Without a password, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(path, key_path, "" if password is None else password)


@contextmanager
def _as_file(part: str | bytes) -> Generator[str]:
    from .tls import is_pem

    if not is_pem(part):
        assert isinstance(part, str)
        yield part
        return

    pem = part.encode("ascii") if isinstance(part, str) else part
    can_be_nameless = hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd")
    with _nameless_file(pem) if can_be_nameless else _private_file(pem) as path:
        yield path


@contextmanager
def _nameless_file(pem: bytes) -> Generator[str]:
    """Give the path of a file that is in memory only."""
    descriptor = os.memfd_create("certificate")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(pem)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@contextmanager
def _private_file(pem: bytes) -> Generator[str]:
    """Give the path of a file that only this user can read, and that is deleted at the end."""
    import tempfile

    # mkstemp: mode 0600, O_EXCL, a name that nobody can foretell.
    descriptor, path = tempfile.mkstemp()
    try:
        with open(descriptor, "wb") as file:
            file.write(pem)
        yield path
    finally:
        os.unlink(path)
