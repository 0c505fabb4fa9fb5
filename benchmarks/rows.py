"""What is measured: a row is one kind of work, and the clients that take turns at it.

Whoever the table of targets is about has all the rounds; the others, who are there to be read, have fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .bounds import STARTING, concerned
from .job import Job

Measured = dict[str, Any]

LOOP = ("borzoi", "floor", "pyreqwest", "wreq", "aiohttp", "niquests", "httpx2", "httpx")
BLOCKING = ("borzoi", "floor", "pycurl", "pyreqwest", "wreq", "urllib3", "requests", "niquests", "httpx2", "httpx")
HTTP2 = ("borzoi", "pyreqwest", "wreq", "niquests", "httpx2", "httpx")
BLOCKING_HTTP2 = ("borzoi", "pycurl", "pyreqwest", "wreq", "httpx2", "httpx")
TRIO = ("borzoi", "borzoi on asyncio", "floor", "httpx2", "httpx")
STARTERS = ("borzoi", "pycurl", "pyreqwest", "wreq", "aiohttp", "urllib3", "requests", "niquests", "httpx2", "httpx")

SLOW = ("niquests", "httpx2", "httpx")
"""With more than 64 at once a row of them would take minutes: the pools of two of them are quadratic."""

FEWER_ROUNDS = 3


@dataclass
class Row:
    """One kind of work."""

    section: str
    title: str
    clients: tuple[str, ...]
    place: str = "plain"
    path: str = "small"
    world: str = "asyncio"
    kind: str = "load"
    in_flight: int = 1
    upload: int = 0
    streamed: bool = False
    seconds: float = 0.3
    least: int = 3
    pinned: bool = True
    measured: dict[str, list[Measured]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def job(self, client: str, url: str, ca: str) -> Job:
        """Return what the process of a client is told."""
        name, _, world = client.partition(" on ")
        return Job(
            kind=self.kind,
            client=name,
            world=world or self.world,
            url=url,
            ca=ca if url.startswith("https:") else None,
            http2=self.place == "http2",
            in_flight=self.in_flight,
            seconds=self.seconds,
            least=self.least,
            upload=self.upload,
            streamed=self.streamed,
        )

    def rounds(self, client: str, rounds: int, fewer: int = FEWER_ROUNDS) -> int:
        """Return in how many rounds a client takes part, of those that were asked for: no target, and it has fewer."""
        if self.kind not in ("load", "start"):
            # What is counted, and not timed, is the same in each.
            return 1
        return rounds if client in {*concerned(self.title), "before"} else min(rounds, fewer)


def without(clients: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """Return the clients that are not named."""
    return tuple([client for client in clients if client not in names])


def in_flight() -> list[Row]:
    """Return the rows about small requests, by how many there are at once."""
    rows = []
    for width in (1, 16, 64, 256, 1000):
        slow = SLOW if width > 64 else ()
        for world, clients in (("asyncio", LOOP), ("uvloop", without(LOOP, *SLOW)), ("trio", TRIO)):
            title = f"{world}, {width} in flight"
            rows.append(Row(world, title, without(clients, *slow), world=world, in_flight=width))
    rows.append(Row("blocking", "blocking, 1 thread", BLOCKING, world="blocking"))
    for width in (8, 64, 256):
        slow = SLOW if width > 64 else ()
        clients = without(BLOCKING, "floor", *slow)
        rows.append(Row("blocking", f"blocking, {width} threads", clients, world="blocking", in_flight=width))
    return sorted(rows, key=lambda row: ("asyncio", "uvloop", "trio", "blocking").index(row.section))


def secured() -> list[Row]:
    """Return the rows over TLS 1.3, with HTTP/1.1 and with HTTP/2."""
    tls: dict[str, Any] = {"section": "TLS 1.3", "place": "tls"}
    http2: dict[str, Any] = {"section": "HTTP/2 over TLS 1.3", "place": "http2"}
    fast = without(LOOP, *SLOW)
    return [
        Row(title="asyncio, 1 in flight, TLS", clients=LOOP, **tls),
        Row(title="asyncio, 64 in flight, TLS", clients=LOOP, in_flight=64, **tls),
        Row(title="asyncio, 256 in flight, TLS", clients=fast, in_flight=256, **tls),
        Row(title="uvloop, 64 in flight, TLS", clients=fast, world="uvloop", in_flight=64, **tls),
        Row(title="trio, 64 in flight, TLS", clients=TRIO, world="trio", in_flight=64, **tls),
        Row(title="blocking, 1 thread, TLS", clients=BLOCKING, world="blocking", **tls),
        Row(title="asyncio, 1 in flight, HTTP/2", clients=HTTP2, **http2),
        Row(title="asyncio, 64 in flight, HTTP/2", clients=HTTP2, in_flight=64, **http2),
        Row(title="asyncio, 256 in flight, HTTP/2", clients=without(HTTP2, *SLOW), in_flight=256, **http2),
        Row(title="uvloop, 64 in flight, HTTP/2", clients=HTTP2[:3], world="uvloop", in_flight=64, **http2),
        Row(title="trio, 64 in flight, HTTP/2", clients=without(TRIO, "floor"), world="trio", in_flight=64, **http2),
        Row(title="blocking, 1 thread, HTTP/2", clients=BLOCKING_HTTP2, world="blocking", **http2),
    ]


def sizes() -> list[Row]:
    """Return the rows about bodies: down, up, and chunk by chunk."""
    down, up, chunks = "Bodies that are received", "Bodies that are sent and come back", "Bodies read chunk by chunk"
    loop, blocking = without(LOOP, "floor"), without(BLOCKING, "floor")
    large: dict[str, Any] = {"least": 4, "seconds": 0.3}
    mib = 1024**2
    return [
        Row(down, "asyncio, 64 in flight, 10 KiB", LOOP, path="10k", in_flight=64),
        Row(down, "asyncio, 16 in flight, 1 MiB", LOOP, path="1m", in_flight=16),
        Row(down, "asyncio, 1 in flight, 64 MiB", LOOP, path="64m", **large),
        Row(down, "blocking, 1 thread, 10 KiB", BLOCKING, path="10k", world="blocking"),
        Row(down, "blocking, 1 thread, 64 MiB", BLOCKING, path="64m", world="blocking", **large),
        Row(up, "asyncio, 16 in flight, 1 KiB", loop, "echo", "echo", in_flight=16, upload=1024),
        Row(up, "asyncio, 1 in flight, 16 MiB", loop, "echo", "echo", upload=16 * mib),
        Row(up, "blocking, 1 thread, 1 KiB", blocking, "echo", "echo", "blocking", upload=1024),
        Row(up, "blocking, 1 thread, 16 MiB", blocking, "echo", "echo", "blocking", upload=16 * mib),
        Row(chunks, "asyncio, 1 in flight, 64 MiB in chunks", loop, path="64m", streamed=True, **large),
        Row(
            chunks,
            "blocking, 1 thread, 64 MiB in chunks",
            blocking,
            path="64m",
            world="blocking",
            streamed=True,
            **large,
        ),
    ]


def connections() -> list[Row]:
    """Return the rows about new connections, and about what it is worth to have none."""
    new, far = "A new connection for each request", "A round trip of 50 ms, TLS 1.3: what a pool is worth"
    loop, blocking = without(LOOP, "floor"), without(BLOCKING, "floor")
    few = ("borzoi", "pyreqwest", "wreq", "aiohttp", "httpx")
    brief: dict[str, Any] = {"seconds": 0.0, "least": 2}
    return [
        Row(new, "asyncio, 16 in flight, new connections", loop, "fresh", in_flight=16),
        Row(new, "asyncio, 16 in flight, new connections, TLS", loop, "fresh_tls", in_flight=16),
        Row(new, "blocking, 1 thread, new connections", blocking, "fresh", world="blocking"),
        Row(new, "blocking, 1 thread, new connections, TLS", blocking, "fresh_tls", world="blocking"),
        Row(far, "asyncio, 1 in flight, far away, pooled", few, "far_tls", **brief),
        Row(far, "asyncio, 1 in flight, far away, new connections", few, "far_fresh_tls", **brief),
    ]


def footprint() -> list[Row]:
    """Return the rows that are not about time for each request."""
    idle = ("borzoi", "pyreqwest", "wreq", "aiohttp", "niquests")
    loop, blocking = without(LOOP, "floor"), without(BLOCKING, "floor")
    whole: dict[str, Any] = {"path": "1g", "streamed": True, "kind": "peak"}
    return [
        Row("start", STARTING, STARTERS, kind="start", place=""),
        Row(
            "memory",
            "KiB for each of 1,000 idle connections",
            idle,
            "patient",
            "records/17",
            kind="idle",
            in_flight=1000,
        ),
        Row("memory", "KiB more at the peak of a streamed 1 GiB, asyncio", loop, **whole),
        Row("memory", "KiB more at the peak of a streamed 1 GiB, blocking", blocking, world="blocking", **whole),
        Row("counts", "asyncio, one request", loop, kind="cost"),
        Row("counts", "blocking, one request", blocking, world="blocking", kind="cost"),
    ]


def unpinned() -> list[Row]:
    """Return some rows again, with all cores for the client."""
    free: dict[str, Any] = {"section": "All cores for the client", "in_flight": 64, "pinned": False}
    few = without(LOOP, "floor", *SLOW)
    return [
        Row(title="asyncio, 64 in flight, all cores", clients=few, **free),
        Row(title="asyncio, 64 in flight, TLS, all cores", clients=few, place="tls", **free),
        Row(title="asyncio, 64 in flight, HTTP/2, all cores", clients=HTTP2[:3], place="http2", **free),
    ]


def all_rows() -> list[Row]:
    """Return every row, in the order of the report."""
    return [*in_flight(), *secured(), *sizes(), *connections(), *footprint(), *unpinned()]


SHORT = {"asyncio, 64 in flight", "blocking, 1 thread"}
"""The rows of a short run."""
