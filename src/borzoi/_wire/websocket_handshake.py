"""The opening handshake of a WebSocket from the client's side (RFC 6455, 4.1), as header fields.

In: the fields of the answer. Out: the fields to ask with, and what was agreed upon. An answer that does not prove that
the server speaks WebSocket is a RemoteProtocolError.
"""

from __future__ import annotations

import binascii
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from .._errors import LocalProtocolError, RemoteProtocolError
from .permessage_deflate import Terms, agree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_WORD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")


class Agreement(NamedTuple):
    """What the two sides agreed upon."""

    subprotocol: str | None
    deflate: Terms | None


def opening_fields(subprotocols: Sequence[str] | None) -> dict[str, str]:
    """Return the fields that ask for a WebSocket. Raises LocalProtocolError for a subprotocol that is no token."""
    fields = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-key": new_key(),
        "sec-websocket-version": "13",
    }
    if subprotocols is not None:
        for name in subprotocols:
            # 4.1, item 10: tokens, and each but once.
            if not _WORD.match(name) or subprotocols.count(name) > 1:
                raise LocalProtocolError(f"{subprotocols!r} are no subprotocols: each is a token, and there but once.")
        fields["sec-websocket-protocol"] = ", ".join(subprotocols)
    return fields


def new_key() -> str:
    """Return a key, which proves that the answer is to this handshake: each has its own (4.1, item 7)."""
    return binascii.b2a_base64(os.urandom(16), newline=False).decode("ascii")


def accept_of(key: str) -> str:
    """Return what a server answers to a key (4.2.2)."""
    import hashlib

    digest = hashlib.sha1(key.encode("ascii", "replace") + _GUID, usedforsecurity=False).digest()
    return binascii.b2a_base64(digest, newline=False).decode("ascii")


def check_answer(asked: Mapping[str, str], answered: Mapping[str, str]) -> Agreement:
    """Return what the fields of a 101 agree to. Raises RemoteProtocolError where they prove no WebSocket (4.1)."""
    # HTTP has seen to it that the request asked for an upgrade; which one is for us to look at.
    if answered.get("upgrade", "").strip().lower() != "websocket":
        raise RemoteProtocolError(f"The server switched to {answered.get('upgrade')!r}, and not to a WebSocket.")
    if "upgrade" not in _tokens(answered.get("connection", "").lower()):
        raise RemoteProtocolError("The server's answer does not say that the connection is upgraded.")
    if answered.get("sec-websocket-accept", "").strip() != accept_of(asked.get("sec-websocket-key", "")):
        raise RemoteProtocolError("The server's answer does not prove that it has read the request's key.")

    subprotocol = answered.get("sec-websocket-protocol")
    if subprotocol is not None and subprotocol not in _tokens(asked.get("sec-websocket-protocol", "")):
        raise RemoteProtocolError(f"The server chose the subprotocol {subprotocol!r}, which was not offered.")
    answer = answered.get("sec-websocket-extensions")
    return Agreement(subprotocol, None if answer is None else agree(asked.get("sec-websocket-extensions", ""), answer))


def _tokens(value: str) -> Iterable[str]:
    return [token.strip() for token in value.split(",")]
