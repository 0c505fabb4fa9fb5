"""The numbers of the table of targets, and which clients they are about."""

from __future__ import annotations

RATIOS = (
    ("asyncio, 64 in flight", (("pyreqwest", 0.75), ("wreq", 0.75), ("aiohttp", 0.25))),
    ("asyncio, 64 in flight, TLS", (("pyreqwest", 0.8), ("aiohttp", 0.25))),
    ("asyncio, 64 in flight, HTTP/2", (("pyreqwest", 0.9), ("httpx", 0.1))),
    ("trio, 64 in flight", (("borzoi on asyncio", 1.3),)),
    ("blocking, 1 thread", (("pycurl", 0.9), ("pyreqwest", 0.9), ("wreq", 0.9), ("httpx", 0.15))),
    ("asyncio, 64 in flight", (("floor", 2.2),)),
    ("asyncio, 1 in flight, 64 MiB in chunks", (("pyreqwest", 1.0), ("wreq", 1.0), ("aiohttp", 0.6))),
)
"""The most that our CPU time for each request may be, over that of others."""

NARROW, WIDE = "asyncio, 16 in flight", "asyncio, 1000 in flight"
"""The rows that growth is told by."""

GROWTH = 1.3

STARTING = "import and first clients"
"""The row that starting is told by."""

IMPORT_MS = 30
CLIENT_MS = 0.2


def concerned(title: str) -> set[str]:
    """Return the clients that the targets of a row are about; none where it has no target."""
    peers = {peer for row, others in RATIOS if row == title for peer, _ in others}
    return {"borzoi", *peers} if peers or title in (NARROW, WIDE, STARTING) else set()
