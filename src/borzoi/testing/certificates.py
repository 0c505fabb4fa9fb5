"""What a client says of a bad certificate, in the words of the OpenSSL that it runs with."""

from __future__ import annotations

import re
import ssl
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._backends.base import TLSOptions

KINDS = {
    "expired": (10, "certificate has expired"),
    "self_signed": (18, "self-signed certificate"),
    "wrong_host": (62, "Hostname mismatch, certificate is not valid for '{host}'."),
    "untrusted": (20, "unable to get local issuer certificate"),
}
"""Each kind with OpenSSL's code and its text."""

_WRONG_ADDRESS = (64, "IP address mismatch, certificate is not valid for '{host}'.")


def refusal(kind: str, options: TLSOptions) -> ssl.SSLCertVerificationError | None:
    """Return the error of a handshake, None where the client's settings do not look at this."""
    context = options.context
    if context.verify_mode == ssl.CERT_NONE or (kind == "wrong_host" and not context.check_hostname):
        return None
    host = options.server_hostname
    code, text = _WRONG_ADDRESS if kind == "wrong_host" and _is_address(host) else KINDS[kind]
    reason = text.format(host=host)
    error = ssl.SSLCertVerificationError(
        1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason} {_place()}"
    )
    error.verify_code = code
    error.verify_message = reason
    return error


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


@cache
def _place() -> str:
    """Return the line of CPython's source at which a handshake fails, as its messages name it."""
    incoming = ssl.MemoryBIO()
    incoming.write(b"no TLS at all")
    handshake = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="place")
    try:
        handshake.do_handshake()
    except ssl.SSLError as error:
        found = re.search(r"\(_ssl\.c:\d+\)", str(error))
        return found[0] if found else ""
    raise AssertionError("a handshake with no TLS at all has succeeded")  # pragma: no cover - it cannot
