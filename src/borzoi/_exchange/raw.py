"""The heads of one exchange as they go over the wire, for `extensions={"raw_head": True}`, or a head of one's own.

Given bytes are sent in the place of the head, whatever they are. What the server takes them for nobody knows, so
nothing else is sent over that connection. How the response is framed follows from the method of the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._wire.http1 import Http1
    from .._wire.http1_head import ResponseHead


class RawHeads:
    """Take down the heads of one exchange. Raises TypeError for what is neither true nor bytes."""

    __slots__ = ("_given", "_parse", "received", "sent")

    def __init__(self, asked: object) -> None:
        if not isinstance(asked, (bool, bytes)):
            kind = type(asked).__name__
            raise TypeError(f"Invalid extension raw_head of type {kind}: give True, or bytes to send as the head.")
        self._given = asked if isinstance(asked, bytes) else b""
        self.sent = b""
        """The head of the request."""
        self.received = b""
        """The head of the response: the final one, once there are several."""

    def begin(self, engine: Http1, opening: bytes) -> bytes:
        """Return what to begin the request with, in the place of `opening`, which begins with its head."""
        self._parse = engine._parse
        engine._parse = self._take
        end = opening.index(b"\r\n\r\n") + 4
        self.sent = self._given or opening[:end]
        if self._given:
            engine._keeps = False
        return self.sent + opening[end:]

    def _take(self, block: bytes) -> ResponseHead:
        self.received = block
        return self._parse(block)

    def end(self, engine: Http1) -> None:
        """Listen no more: the connection is given back."""
        engine._parse = self._parse
