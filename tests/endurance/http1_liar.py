"""A hostile peer of HTTP/1.1: it answers each request with its name, and does harm around that, as chance says."""

from __future__ import annotations

import random
from collections.abc import Callable

from borzoi._backends.memory import END, Event, HandClock, Wait

from .ledger import Ledger, body_of
from .liar import Liar

Events = list[Event]


class Http1Liar(Liar):
    """One connection."""

    def __init__(self, chance: random.Random, clock: HandClock, ledger: Ledger, connection: int) -> None:
        super().__init__(chance, clock, ledger, connection)
        self._last = 0.0
        self._acts: list[Callable[[str, str], Events]] = [
            self._plain, self._plain, self._plain, self._slow, self._late, self._poison_with, self._poison_next,
            self._poison_later, self._cut, self._die, self._close_after, self._close_says, self._short, self._rubbish,
        ]  # fmt: skip

    def __call__(self, sent: bytes) -> Events:
        """Answer what was sent."""
        self._held += sent
        events: Events = []
        while not self._is_over and (asked := self._take()) is not None:
            method, name = asked
            self._ledger.asked[self._connection, name] = self._clock.now()
            self._ledger.acted_upon[name] += 1
            self._last = max(self._clock.now(), self._last)
            said = self._chance.choice(self._acts)(name, method)
            self._last += sum(event.seconds for event in said if isinstance(event, Wait))
            events += said
        return events

    def _take(self) -> tuple[str, str] | None:
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if not end:
            return None
        method, target, _ = head.split(b"\r\n")[0].split(b" ")
        size = 4 if method == b"POST" else 0
        if len(rest) < size:
            return None
        self._held = rest[size:]
        return method.decode(), target.decode().removeprefix("/")

    def _whole(self, name: str, method: str = "GET", *fields: str, count: int | None = None) -> bytes:
        count = self._chance.randrange(4) if count is None else count
        body = body_of(name, count)
        lines = ["HTTP/1.1 200 OK", f"X-Id: {name}", f"X-Count: {count}", *fields]
        if self._chance.random() < 0.3:
            lines.append("Transfer-Encoding: chunked")
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in ([body, b""] if body else [b""]))
        else:
            lines.append(f"Content-Length: {len(body)}")
        early = b"HTTP/1.1 103 Early Hints\r\nX-Id: early\r\n\r\n" if self._chance.random() < 0.1 else b""
        return early + "\r\n".join([*lines, "\r\n"]).encode() + (b"" if method == "HEAD" else body)

    def _poison(self, after: float = 0.0) -> bytes:
        name = self._ledger.poison(self._connection, self._last + after)
        return self._whole(name, count=2)

    def _end(self) -> Event:
        self._is_over = True
        return END if self._chance.random() < 0.5 else ConnectionResetError()

    # What it may do.

    def _plain(self, name: str, method: str) -> Events:
        return [self._whole(name, method)]

    def _slow(self, name: str, method: str) -> Events:
        events: Events = []
        whole, step = self._whole(name, method), self._chance.randint(5, 60)
        for place in range(0, len(whole), step):
            events += [whole[place : place + step], Wait(self._chance.random())]
        return events[:-1]

    def _late(self, name: str, method: str) -> Events:
        return [Wait(self._chance.random() * 12), self._whole(name, method)]

    def _poison_with(self, name: str, method: str) -> Events:
        return [self._whole(name, method) + self._poison()]

    def _poison_next(self, name: str, method: str) -> Events:
        return [self._whole(name, method), self._poison()]

    def _poison_later(self, name: str, method: str) -> Events:
        seconds = self._chance.random() * 2
        return [self._whole(name, method), Wait(seconds), self._poison(seconds)]

    def _cut(self, name: str, method: str) -> Events:
        whole = self._whole(name, method, count=3)
        return [whole[: self._chance.randrange(1, len(whole))], self._end()]

    def _die(self, name: str, method: str) -> Events:
        return [self._end()]

    def _close_after(self, name: str, method: str) -> Events:
        return [self._whole(name, method), Wait(self._chance.choice((0, 0.5, 2))), self._end()]

    def _close_says(self, name: str, method: str) -> Events:
        return [self._whole(name, method, "Connection: close"), self._poison()]

    def _short(self, name: str, method: str) -> Events:
        # It says more than it has announced.
        head = f"HTTP/1.1 200 OK\r\nX-Id: {name}\r\nX-Count: 1\r\nContent-Length: {len(name) + 1}\r\n\r\n".encode()
        return [head + body_of(name, 1), body_of(name, 2) + self._poison()]

    def _rubbish(self, name: str, method: str) -> Events:
        return [self._chance.choice((b"\0\0", b"HTTP/1.1 2x0 No\r\n\r\n", b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", b"\r\n")), self._poison()]  # fmt: skip
