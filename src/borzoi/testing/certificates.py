"""What TLS says, in the words of the OpenSSL that it runs with: of a bad certificate, and of a connection that is cut.

And what it asks for: the protocols that a client's context offers.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

from .._backends.base import show_cuts

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
    found = re.search(r"\(_ssl\.c:\d+\)", str(_failure(_client(incoming).do_handshake)))
    return found[0] if found else ""


def ragged_eof() -> OSError:
    """Return the error of a connection that ends without close_notify."""
    incoming = ssl.MemoryBIO()
    incoming.write_eof()
    return _failure(partial(_client(incoming).read, 1))


ALERT = b"\x15\x03\x03\x00\x02\x02\x28"
"""A record with the fatal alert handshake_failure (RFC 8446, 6)."""


def alert_error() -> OSError:
    """Return the error of a handshake that the server ends with an alert."""
    incoming = ssl.MemoryBIO()
    incoming.write(ALERT)
    return _failure(_client(incoming).do_handshake)


def close_error() -> OSError:
    """Return the error of a handshake that the server ends by closing the connection."""
    incoming = ssl.MemoryBIO()
    incoming.write_eof()
    return _failure(_client(incoming).do_handshake)


def _client(incoming: ssl.MemoryBIO) -> ssl.SSLObject:
    return _context().wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="place")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # As contexts are in use: CPython before 3.11.4 would have them hide a cut.
    show_cuts(context)
    return context


def _failure(act: Callable[[], object]) -> OSError:
    try:
        act()
    except ssl.SSLError as error:
        return error.with_traceback(None)
    raise AssertionError("TLS has succeeded with no TLS at all")  # pragma: no cover - it cannot


CLIENT_HELLO_START = 5 + 4 + 2 + 32
"""Bytes before the session identifier: the headers of the record and the handshake, version and random."""

ALPN = 16


def offered_protocols(context: ssl.SSLContext, host: str) -> list[bytes]:
    """Return the protocols that a context offers (RFC 7301). Nobody can ask it for them: its ClientHello says it."""
    outgoing = ssl.MemoryBIO()
    handshake = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        handshake.do_handshake()
    hello = outgoing.read()

    def skip(place: int, size: int) -> int:
        return place + size + int.from_bytes(hello[place : place + size], "big")

    # RFC 8446, 4.1.2: session identifier, cipher suites, compression methods, and then the extensions.
    place = skip(skip(skip(CLIENT_HELLO_START, 1), 2), 1) + 2
    while place < len(hello):
        kind = int.from_bytes(hello[place : place + 2], "big")
        end = skip(place + 2, 2)
        if kind == ALPN:
            return _names(hello[place + 6 : end])
        place = end
    return []


def _names(data: bytes) -> list[bytes]:
    names: list[bytes] = []
    while data:
        names.append(data[1 : 1 + data[0]])
        data = data[1 + data[0] :]
    return names


class SimulatedTLS:
    """What a handshake that never was has agreed on, in the shape of `ssl.SSLObject`."""

    session = None
    session_reused = False

    def __init__(self, protocol: str | None) -> None:
        self._protocol = protocol

    def selected_alpn_protocol(self) -> str | None:
        """Return the protocol that the server has chosen."""
        return self._protocol

    def getpeercert(self, binary_form: bool = False) -> None:
        """Return None: no certificate was shown."""
