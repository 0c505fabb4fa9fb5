"""A hostile peer of HTTP/2: it answers out of order, in pieces of several streams, and does harm as chance says."""

from __future__ import annotations

import random
from collections.abc import Callable

from borzoi._backends.memory import END, Event, HandClock, Later, Wait
from borzoi._wire.hpack import Decoder
from borzoi._wire.http2_frames import PREFACE
from tests.wire.http2_scripting import SETTLED, data, frame, goaway, headers, ping, reset, trailers, window

from .ledger import Ledger, body_of
from .liar import Liar

REFUSED = 7
Said = bytes | Callable[[], bytes]


class Http2Liar(Liar):
    """One connection."""

    def __init__(self, chance: random.Random, clock: HandClock, ledger: Ledger, connection: int) -> None:
        super().__init__(chance, clock, ledger, connection)
        self._decoder = Decoder()
        self._names: dict[int, str] = {}
        self._queue: dict[int, list[Said]] = {}
        """What is still to be said on each stream: frames, or what makes them when their turn comes."""
        self._last = 2**31
        self._due = 0.0
        """When what is said now arrives: it cannot overtake what was said before."""
        self._acts: list[Callable[[int, str], list[Said]]] = [
            self._plain, self._plain, self._plain, self._cut_off, self._refused, self._beyond, self._ahead, self._leaves,
            self._wrong_length, self._twice, self._noise, self._never,
        ]  # fmt: skip

    def __call__(self, sent: bytes) -> list[Event]:
        """Answer what was sent: now, or when somebody reads."""
        if not sent:
            return [SETTLED]
        self._held += sent
        self._held = self._held.removeprefix(PREFACE)
        while len(self._held) >= 9:
            size = int.from_bytes(self._held[:3], "big")
            if len(self._held) < 9 + size:
                break
            kind, flags, stream = self._held[3], self._held[4], int.from_bytes(self._held[5:9], "big")
            payload, self._held = self._held[9 : 9 + size], self._held[9 + size :]
            self._take(kind, flags, stream, payload)
        return self._say()

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == 1:
            name = dict(self._decoder.decode(payload))[b":path"].decode().removeprefix("/")
            self._names[stream] = name
            self._ledger.asked[self._connection, name] = self._clock.now()
        # Beyond a GOAWAY nothing is acted upon.
        if kind in (0, 1) and flags & 1 and stream <= self._last and not self._is_over:
            name = self._names[stream]
            self._ledger.acted_upon[name] += 1
            self._queue[stream] = self._chance.choice(self._acts)(stream, name)

    def _say(self) -> list[Event]:
        if self._is_over or not self._queue:
            return []
        if self._chance.random() < 0.03:
            self._is_over = True
            return [frame(0, 0, 1, b"x" * 40)[:20], END]
        seconds = self._chance.random() * self._chance.choice((0, 0, 0.1, 4))
        self._due = max(self._due, self._clock.now()) + seconds
        return [Wait(seconds), Later(self._some)]

    async def _some(self) -> list[Event]:
        """Return frames of some streams, each stream's in their order, at the moment at which somebody reads."""
        said = b""
        for _ in range(self._chance.randint(1, 6)):
            if not self._queue:
                break
            stream = self._chance.choice(list(self._queue))
            left = self._queue[stream]
            frame = left.pop(0)
            if not left:
                del self._queue[stream]
            said += frame if isinstance(frame, bytes) else frame()
        return [said or ping(), *([Later(self._some)] if self._queue else [])]

    # What it may do on a stream.

    def _plain(self, stream: int, name: str) -> list[Said]:
        count = self._chance.randrange(4)
        frames = [headers(stream, (b"x-id", name.encode()), (b"x-count", b"%d" % count), end=not count)]
        frames += [data(stream, body_of(name, 1), end=number == count - 1) for number in range(count)]
        if self._chance.random() < 0.2:
            frames.insert(0, headers(stream, (b"x-id", b"early"), status=b"103"))
        return frames

    def _cut_off(self, stream: int, name: str) -> list[Said]:
        return [*self._plain(stream, name)[: self._chance.randrange(2)], reset(stream, self._chance.choice((0, 2, 8)))]

    def _refused(self, stream: int, name: str) -> list[Said]:
        self._ledger.acted_upon[name] -= 1
        return [reset(stream, REFUSED)]

    def _beyond(self, stream: int, name: str) -> list[Said]:
        # More on a stream that has ended.
        return [*self._plain(stream, name), data(stream, self._poison().encode(), end=True)]

    def _ahead(self, stream: int, name: str) -> list[Said]:
        def say() -> bytes:
            # An answer to what nobody has asked yet.
            following = max(self._names) + 2
            return headers(following, (b"x-id", self._poison().encode()), end=True)

        return [say, *self._plain(stream, name)]

    def _leaves(self, stream: int, name: str) -> list[Said]:
        def say() -> bytes:
            self._last = min(stream, self._last)
            for later in [later for later in self._queue if later > self._last]:
                self._ledger.acted_upon[self._names[later]] -= 1
                del self._queue[later]
            return goaway(self._last)

        return [say, *self._plain(stream, name)]

    def _wrong_length(self, stream: int, name: str) -> list[Said]:
        return [headers(stream, (b"x-id", name.encode()), (b"content-length", b"3")), data(stream, body_of(name, 2), end=True)]  # fmt: skip

    def _twice(self, stream: int, name: str) -> list[Said]:
        return [*self._plain(stream, name), headers(stream, (b"x-id", self._poison().encode()), end=True)]

    def _noise(self, stream: int, name: str) -> list[Said]:
        noise = [ping(), window(0, 5), window(stream, 5), frame(99, 1, stream, b"x"), frame(2, 0, stream, bytes(5))]
        frames = self._plain(stream, name)
        for sound in self._chance.sample(noise, 3):
            frames.insert(self._chance.randrange(len(frames) + 1), sound)
        return frames if self._chance.random() < 0.5 else [*frames, trailers(stream, (b"x-id", b"late"))]

    def _never(self, stream: int, name: str) -> list[Said]:
        return [headers(stream, (b"x-id", name.encode()), (b"x-count", b"9")), ping()]

    def _poison(self) -> str:
        return self._ledger.poison(self._connection, max(self._due, self._clock.now()))
