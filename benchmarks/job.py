"""What a measured process is told to do; it travels as JSON on its command line."""

from __future__ import annotations

from dataclasses import dataclass

POOL = 2000
"""Connections that a client may open: more than are ever in flight."""


@dataclass(frozen=True)
class Job:
    """One kind of request, sent again and again by one client in one world."""

    kind: str = "load"
    """`load`, `start`, `idle`, `peak`, `cost` or `head`: a function of the worker."""

    client: str = "borzoi"
    world: str = "asyncio"
    """`asyncio`, `uvloop`, `trio` or `blocking`."""

    url: str = ""
    ca: str | None = None
    """The file of the authority that signed the server's certificate."""

    http2: bool = False
    in_flight: int = 1
    """Tasks, or threads, that send one request after the other."""

    seconds: float = 0.3
    """How long to measure, at the pace of the warm-up."""

    least: int = 3
    """Requests to send at least for each one in flight."""

    upload: int = 0
    """Bytes to POST; 0 is a GET."""

    streamed: bool = False
    """Whether the body is read chunk by chunk, and not kept."""

    def body(self) -> bytes:
        """Return what is to be sent."""
        return b"x" * self.upload
