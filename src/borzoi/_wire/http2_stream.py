"""One exchange over an HTTP/2 connection: what has come of its response, and what is still to be sent of its request.

The engine fills a stream in; an exchange reads it, and takes its chunks through the engine, which then lets the server
send more. There are no events: a response that arrives whole is `complete` when the engine's `receive()` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import RemoteProtocolError

if TYPE_CHECKING:
    from .hpack import Pairs
    from .http1_head import ResponseHead

# What the next frame of the response may be.
AWAITS_HEAD = 0
AWAITS_BODY = 1
AWAITS_NOTHING = 2


class Stream:
    """Hold the state of one exchange."""

    # Defaults stand on the class: most exchanges change few of them, and each assignment costs.

    head: ResponseHead | None = None
    """The final head, once it is whole. Other responses may share it."""

    complete = False
    """Whether the response is whole."""

    error: str | None = None
    """Why there will be no more of the response; None while there may be."""

    unprocessed = False
    """Whether the server has said that it did not act upon the request, which may then be sent again whatever its
    method (RFC 9113, 8.7)."""

    reset_code: int | None = None
    """The error code with which the server reset the stream."""

    answered = False
    """Whether anything of the response, an interim head included, has arrived."""

    is_tunnel = False
    """Whether a CONNECT request was accepted: the chunks are what the other end of the tunnel says."""

    expects_continue = False
    """Whether the request asks for 100 (Continue) before its body."""

    awaits = AWAITS_HEAD
    left: int | None = None
    taken = 0

    def __init__(self, number: int, method: str, to_send: int, window: int, credit: int) -> None:
        self.id = number
        self.method = method
        self.to_send = to_send
        """How many bytes of the request's body are to be sent yet: 0 once it is sent whole, negative while unknown."""
        self.window = window
        """How many bytes the server takes on this stream at present; the connection's window bounds it, too."""
        self.chunks: list[bytes] = []
        """What was received of the body and not taken."""
        self.credit = credit
        self.receive_window = credit
        self.informational: list[ResponseHead] = []
        """The interim heads (1xx)."""
        self.trailers: Pairs = []
        """The fields after the body, once `complete`."""

    def __repr__(self) -> str:
        state = "complete" if self.complete else self.error or "open"
        return f"<Stream {self.id} [{self.head.status if self.head else '-'}] {state}>"

    @property
    def body_left(self) -> int | None:
        """How many bytes of the body are missing; None where its length is not known (yet)."""
        return 0 if self.complete else self.left

    def check(self) -> None:
        """Raise RemoteProtocolError if there will be no more of the response."""
        if self.error is not None:
            raise RemoteProtocolError(self.error)
