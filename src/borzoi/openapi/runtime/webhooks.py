"""What an API sends of itself: bodies of webhooks and callbacks, parsed into their types, and their signatures.

event = webhooks.new_pet.unwrap(request.body, request.headers, secret)
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from .libraries import decoder

T = TypeVar("T")

TOLERANCE = 300.0
"""Seconds that a webhook may be old, or early."""


class WebhookError(ValueError):
    """What was received is not the webhook that the document declares."""


class SignatureError(WebhookError):
    """The signature is not that of the body, or it is too old: somebody else may have sent it."""


class Webhook(Generic[T]):
    """Read the body of a webhook or callback."""

    def __init__(self, name: str, type_of: Callable[[], Any]) -> None:
        self.name = name
        self._type_of = type_of
        self._decode: Callable[[bytes], Any] | None = None

    def parse(self, body: bytes | str) -> T:
        """Return a body in its declared type. Raises WebhookError. It is not known who has sent it: see `unwrap()`."""
        if self._decode is None:
            self._decode = decoder(self._type_of())
        try:
            value: T = self._decode(body.encode() if isinstance(body, str) else body)
        except msgspec.MsgspecError as error:
            raise WebhookError(f"The webhook {self.name!r} is not what the document declares: {error}") from error
        return value

    def unwrap(
        self, body: bytes | str, headers: Mapping[str, str], secret: str | bytes, *, now: float | None = None
    ) -> T:
        """Return a body that is signed as Standard Webhooks has it. Raises SignatureError or WebhookError."""
        verify(body, headers, secret, now=now)
        return self.parse(body)

    def __repr__(self) -> str:
        return f"<Webhook {self.name!r}>"


def verify(body: bytes | str, headers: Mapping[str, str], secret: str | bytes, *, now: float | None = None) -> None:
    """Check the signature of Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`.

    `secret` is the key itself, or text in base64 that may begin with "whsec_". `now` is the time in seconds since 1970.
    Raises SignatureError.
    """
    import hmac

    fields = {name.lower(): value for name, value in headers.items()}
    given = [fields.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")]
    if not all(given):
        raise SignatureError("The webhook has no signature.")
    identity, timestamp, signatures = given
    try:
        sent = float(timestamp)
    except ValueError:
        raise SignatureError("The webhook has a timestamp that is no number.") from None
    # Not <=, which a NaN would pass.
    if not abs((time.time() if now is None else now) - sent) < TOLERANCE:
        raise SignatureError("The webhook is too old, or comes from the future.")
    content = body.encode() if isinstance(body, str) else body
    expected = hmac.digest(_key(secret), f"{identity}.{timestamp}.".encode() + content, "sha256")
    written = base64.b64encode(expected)
    for each in signatures.split():
        version, _, signature = each.partition(",")
        if version == "v1" and hmac.compare_digest(signature.encode(), written):
            return
    raise SignatureError("The signature is not that of the body.")


def verify_hmac(
    body: bytes | str, signature: str, secret: str | bytes, *, algorithm: str = "sha256", encoding: str = "hex"
) -> None:
    """Check a signature that is the HMAC of the body alone, in hex or base64; a prefix as in "sha256=..." is ignored.

    Raises SignatureError.
    """
    import hmac

    content = body.encode() if isinstance(body, str) else body
    key = secret.encode() if isinstance(secret, str) else secret
    expected = hmac.digest(key, content, algorithm)
    written = expected.hex() if encoding == "hex" else base64.b64encode(expected).decode()
    if not hmac.compare_digest(signature.removeprefix(f"{algorithm}=").encode(), written.encode()):
        raise SignatureError("The signature is not that of the body.")


def _key(secret: str | bytes) -> bytes:
    if isinstance(secret, bytes):
        return secret
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("The secret of a webhook is text in base64, or bytes.") from None
