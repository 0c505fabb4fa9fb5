"""Inputs made of seeds by chance: the same for the same number."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

LONGEST = 4096
TOKENS = (b"\r\n", b"\0", b"\xff", b"\xfe", b":", b";", b'"', b"\\", b"%00", b"0", b"-1", b"99999999999999999999", b"\xc3\x28", b" ", b"=")  # fmt: skip


def mutants(seeds: Sequence[bytes], count: int, number: int) -> Iterator[bytes]:
    """Yield so many inputs."""
    chance = random.Random(number)
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 6)):
            _change(data, seeds, chance)
        yield bytes(data[:LONGEST])


def _change(data: bytearray, seeds: Sequence[bytes], chance: random.Random) -> None:
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((1, 1, 2, 4, 16, 100)))
    kind = chance.randrange(7)
    if kind == 0 and start < len(data):
        data[start] ^= 1 << chance.randrange(8)
    elif kind == 1 and start < len(data):
        data[start] = chance.randrange(256)
    elif kind == 2:
        del data[start:end]
    elif kind == 3:
        data[start:start] = data[start:end] * chance.randint(1, 4)
    elif kind == 4:
        data[start:end] = chance.choice(TOKENS)
    elif kind == 5:
        other = chance.choice(seeds)
        at = chance.randint(0, len(other))
        data[start:start] = other[at : at + chance.choice((1, 8, 64, 400))]
    else:
        data[start:start] = chance.randbytes(chance.randint(1, 8))
