"""The table of targets: what is run on an input, and what it is begun with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from . import client, forms, messages, seeds, values, wire

REGRESSIONS = Path(__file__).parents[1] / "data" / "fuzz"
"""Inputs that have broken something, in a folder for each target."""


class Target(NamedTuple):
    """What takes any bytes, and raises where something is wrong."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


TARGETS = {
    "url": Target(values.url, seeds.urls),
    "http1": Target(wire.http1, seeds.responses),
    "http2": Target(wire.http2, seeds.frames),
    "hpack": Target(wire.hpack, seeds.blocks),
    "sse": Target(messages.sse, seeds.event_streams),
    "websocket": Target(wire.websocket, seeds.websockets),
    "cookies": Target(values.cookies, seeds.cookies),
    "digest": Target(values.digest, seeds.challenges),
    "decoders": Target(messages.decoders, seeds.coded),
    "multipart": Target(forms.multipart, seeds.forms),
    "openapi": Target(messages.openapi, seeds.documents),
    "client": Target(client.client, seeds.talks),
}


def begun_with(name: str) -> list[bytes]:
    """Return the seeds of a target, and what has broken it."""
    kept = sorted((REGRESSIONS / name).glob("*.bin"))
    return [*(seed for seed in TARGETS[name].seeds() if len(seed) <= seeds.MOST), *(path.read_bytes() for path in kept)]
