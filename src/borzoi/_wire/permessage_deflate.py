"""Compressed messages on a WebSocket: permessage-deflate (RFC 7692).

`agree()` takes what the client offered and what the server answered; out comes the coding, or an error. A `Deflate`
turns messages into compressed payloads and back. Inflating is bounded: it stops at the size it is given, so that a few
bytes never become more memory than the program allowed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._errors import RemoteProtocolError
from .websocket_frames import INVALID_DATA, TOO_BIG, Violation

if TYPE_CHECKING:
    import zlib

NAME = "permessage-deflate"

SMALL = 32
"""Bytes below which a message is not worth compressing."""

_TAIL = b"\x00\x00\xff\xff"
"""What ends each compressed message, and is left out (7.2.1)."""

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = rf"[ \t]*;[ \t]*({_WORD})(?:[ \t]*=[ \t]*(?:({_WORD})|\"({_WORD})\"))?"
_EXTENSION = re.compile(rf"[ \t]*({_WORD})((?:{_PARAMETER})*)[ \t]*(?:,|\Z)")
_PARAMETERS = re.compile(_PARAMETER)
_BITS = re.compile(r"(?:[89]|1[0-5])\Z")

Offer = tuple[str, "dict[str, str | None]"]
"""The name of an extension, and its parameters."""


class Terms(NamedTuple):
    """What the two sides agreed upon."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15


def parse_extensions(value: str) -> list[Offer]:
    """Read a Sec-WebSocket-Extensions field (RFC 6455, 9.1). Raises RemoteProtocolError."""
    found: list[Offer] = []
    place = 0
    while place < len(value):
        extension = _EXTENSION.match(value, place)
        if extension is None:
            raise RemoteProtocolError(f"The extensions {value!r} are malformed.")
        pairs = [(name.lower(), token or quoted) for name, token, quoted in _PARAMETERS.findall(extension[2])]
        parameters: dict[str, str | None] = {name: text or None for name, text in pairs}
        if len(parameters) != len(pairs):
            raise RemoteProtocolError(f"The extensions {value!r} have a parameter twice.")
        found.append((extension[1].lower(), parameters))
        place = extension.end()
    return found


def agree(offered: str, answered: str) -> Terms | None:
    """Return what was agreed upon; None where it is to do without.

    Raises RemoteProtocolError for an answer that does not fit what was offered (RFC 6455, 9.1, RFC 7692, 5).
    """
    answers = parse_extensions(answered)
    if not answers:
        return None
    (name, answer), *others = answers
    offers = [parameters for offer, parameters in parse_extensions(offered) if offer == name == NAME]
    if others or not offers:
        raise RemoteProtocolError(f"The server chose the extensions {answered!r}, which were not offered.")
    for offer in offers:
        terms = _fitting(offer, answer)
        if terms is not None:
            return terms
    raise RemoteProtocolError(f"The server answered the extensions {offered!r} with {answered!r}, which does not fit.")


def _fitting(offer: dict[str, str | None], answer: dict[str, str | None]) -> Terms | None:
    """Return the terms if the answer (7.1) is one to this offer."""
    if answer.keys() - set(Terms._fields):
        return None
    # 7.1.1.1: what the client asks of the server, the server has to confirm.
    if "server_no_context_takeover" in offer and "server_no_context_takeover" not in answer:
        return None
    # 7.1.2.2: the server may not bound the client's window unless the client said that it understands that.
    if "client_max_window_bits" in answer and "client_max_window_bits" not in offer:
        return None
    if any(answer.get(name) is not None for name in Terms._fields[:2]):
        return None

    server = _bits(answer, "server_max_window_bits")
    client = _bits(answer, "client_max_window_bits")
    # 7.1.2.1: the server's window is at most what was asked for.
    if server is None or client is None or server > int(offer.get("server_max_window_bits") or 15):
        return None
    return Terms(
        "server_no_context_takeover" in answer,
        # A client that said so itself keeps no context, whatever the server answers.
        "client_no_context_takeover" in answer or "client_no_context_takeover" in offer,
        server,
        min(client, int(offer.get("client_max_window_bits") or 15)),
    )


def _bits(answer: dict[str, str | None], name: str) -> int | None:
    """Return the bits of a window: 15 where nothing is said; None where what is said is no such number."""
    if name not in answer:
        return 15
    text = answer[name]
    return int(text) if text is not None and _BITS.match(text) else None


class Deflate:
    """Compress the messages of one side and inflate those of the other."""

    __slots__ = ("_compressor", "_inflater", "_receive_bits", "_receives_anew", "_send_bits", "_sends_anew")

    def __init__(self, terms: Terms, *, server: bool = False) -> None:
        receiving = terms.server_max_window_bits, terms.server_no_context_takeover
        sending = terms.client_max_window_bits, terms.client_no_context_takeover
        if server:
            receiving, sending = sending, receiving
        self._receive_bits, self._receives_anew = receiving
        self._send_bits, self._sends_anew = sending
        self._inflater: zlib._Decompress | None = None
        self._compressor: zlib._Compress | None = None

    def compress(self, payload: bytes, *, final: bool = True) -> bytes | None:
        """Return a message (with `final=False` its next part) compressed; None where it is to be sent as it is."""
        compressor = self._compressor
        if compressor is None:
            # zlib cannot keep its raw window as small as 8 bits.
            if self._send_bits < 9:
                return None
            import zlib

            compressor = self._compressor = zlib.compressobj(wbits=-self._send_bits, memLevel=5)
        data = compressor.compress(payload)
        if not final:
            return data
        data += compressor.flush(2)  # Z_SYNC_FLUSH: 7.2.1
        if self._sends_anew:
            self._compressor = None
        return data[:-4]

    def inflate(self, data: bytes, room: int) -> bytes:
        """Return what a part of a message inflates to, at most `room` bytes. Raises Violation."""
        import zlib

        inflater = self._inflater
        if inflater is None:
            inflater = self._inflater = zlib.decompressobj(wbits=-self._receive_bits)
        try:
            # One byte more than there is room for tells what fits from what does not.
            inflated = inflater.decompress(data, room + 1)
        except zlib.error as error:
            raise Violation(f"The message does not inflate: {error}.", INVALID_DATA) from None
        if len(inflated) > room:
            raise Violation("Message too big", TOO_BIG)
        # 7.2.3.4: what follows a final block is the beginning of an empty one.
        if inflater.unused_data not in (b"", b"\x00"):
            raise Violation("The compressed message goes on after its final block.", INVALID_DATA)
        return inflated

    def finish(self, room: int) -> bytes:
        """Return what the end of a message inflates to. Raises Violation."""
        inflater = self._inflater
        ended = inflater is not None and inflater.eof
        data = b"" if ended else self.inflate(_TAIL, room)
        if self._receives_anew or ended:
            self._inflater = None
        return data
