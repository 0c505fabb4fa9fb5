"""Rows 25 to 27: bodies that decode to more than anybody wants, or do not decode."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import brotli

from borzoi import DecodingError

from .place import Answer, Got, Place
from .table import BOTH, fault

SIZE = 8 * 1024 * 1024


def _zstd(data: bytes) -> bytes:
    try:
        from compression import zstd  # type: ignore[import-not-found]
    except ImportError:
        from backports import zstd
    compressed: bytes = zstd.compress(data)
    return compressed


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": _zstd,
}


@cache
def bomb(coding: str) -> bytes:
    """Return a small body that decodes to a large one."""
    return CODINGS[coding](bytes(SIZE))


def encoded(coding: str, body: bytes) -> Answer:
    """Return an answer with a content coding."""
    return Answer(200, [("Content-Encoding", coding)], body)


def by_path(answers: dict[str, Answer]) -> Callable[[Got], Answer]:
    """Return what answers by the path, "ok" for others."""
    return lambda got: answers.get(got.path, Answer())


async def _refused(place: Place, answers: dict[str, Answer], text: str) -> None:
    """Check that each of some answers is a DecodingError, and that the client goes on."""
    with place.server(by_path(answers)) as server:
        async with place.client() as client:
            for path in answers:
                await place.fails(client, server.url + path, DecodingError, text)
                place.assert_whole(client)
                assert (await client.get(f"{server.url}/next")).text == "ok"


@fault(25, "bombs, read in pieces", over=BOTH)
async def _(place: Place) -> None:
    with place.server(by_path({f"/{coding}": encoded(coding, bomb(coding)) for coding in CODINGS})) as server:
        async with place.client() as client:
            for coding in CODINGS:
                size, largest = 0, 0
                tracemalloc.start()
                async with client.stream("GET", f"{server.url}/{coding}") as response:
                    async for piece in response.aiter_bytes():
                        size += len(piece)
                        largest = max(largest, len(piece))
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                assert size == SIZE
                assert largest <= 1024 * 1024
                assert peak < SIZE / 2, coding
            place.assert_whole(client, idle=1)


@fault(25, "bombs, bounded by the program", over=BOTH)
async def _(place: Place) -> None:
    limits: dict[str, Any] = {"extensions": {"max_decoded_size": 1_000_000}}
    with place.server(by_path({f"/{coding}": encoded(coding, bomb(coding)) for coding in CODINGS})) as server:
        async with place.client() as client:
            for coding in CODINGS:
                url = f"{server.url}/{coding}"
                await place.fails(client, url, DecodingError, "more than the 1000000 bytes allowed", **limits)
            assert (await client.get(f"{server.url}/next", **limits)).text == "ok"
            place.assert_whole(client, idle=1)


@fault(26, "fifty codings, in one field and in fifty", over=BOTH)
async def _(place: Place) -> None:
    await _refused(
        place,
        {
            "/one": encoded(", ".join(["gzip"] * 50), b"x"),
            "/fifty": Answer(200, [("Content-Encoding", "gzip")] * 50, b"x"),
            "/six": encoded("gzip, br, gzip, br, gzip, br", b"x"),
        },
        "content codings, more than the 5 allowed",
    )


@fault(27, "content cut short", over=BOTH)
async def _(place: Place) -> None:
    text = b"some text that is long enough to be cut" * 10
    cut = {f"/{coding}": encoded(coding, encode(text)[:-5]) for coding, encode in CODINGS.items()}
    await _refused(place, cut, "does not decode as")


@fault(27, "rubbish behind the content", over=BOTH)
async def _(place: Place) -> None:
    trailing = {f"/{coding}": encoded(coding, encode(b"text") + b"rubbish") for coding, encode in CODINGS.items()}
    await _refused(place, trailing, "does not decode as")


@fault(27, "content twice, where it may be there once", over=BOTH)
async def _(place: Place) -> None:
    twice = {f"/{coding}": encoded(coding, CODINGS[coding](b"text") * 2) for coding in ("deflate", "br")}
    await _refused(place, twice, "does not decode as")


@fault(27, "content that is something else", over=BOTH)
async def _(place: Place) -> None:
    await _refused(
        place, {f"/{coding}": encoded(coding, b"\xff\xfeno such thing" * 9) for coding in CODINGS}, "does not decode as"
    )


@fault(27, "a broken body of a redirect", over=BOTH)
async def _(place: Place) -> None:
    broken = Answer(302, [("Location", "/next"), ("Content-Encoding", "gzip")], b"rubbish")
    with place.server(by_path({"/away": broken})) as server:
        async with place.client(follow_redirects=True) as client:
            await place.fails(client, f"{server.url}/away", DecodingError, "does not decode as gzip")
            place.assert_whole(client)
            assert (await client.get(f"{server.url}/next")).text == "ok"
