"""How far a transfer has come: the value, the meter by a clock moved by hand, and bodies counted while they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from borzoi._messages.content import AsyncIterableStream, IterableStream
from borzoi._messages.progress import (
    INTERVAL,
    PIECE,
    WINDOW,
    CountedStream,
    DownloadObserver,
    Meter,
    Progress,
    declared_length,
    wire_total,
)
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._messages.streams import ByteStream
from borzoi._run_blocking import run_blocking
from borzoi._values.url import URL

FILE = URL("https://example.org/files/big%20file.bin?x=1")


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time


class Log:
    """Remembers the reports."""

    def __init__(self) -> None:
        self.reports: list[Progress] = []
        self.ends = 0

    async def report(self, progress: Progress) -> None:
        self.reports.append(progress)

    def end(self) -> None:
        self.ends += 1

    @property
    def wire(self) -> list[int]:
        return [progress.bytes_wire for progress in self.reports]


def meter(clock: Clock, total: int | None = 1000) -> Meter:
    return Meter("download", FILE, total, clock.now)


# The value.


def test_a_progress_does_not_change() -> None:
    """Setting or deleting an attribute raises, and says which."""
    progress = Progress("download", FILE, 3)

    with pytest.raises(AttributeError, match="Cannot set bytes_wire"):
        progress.bytes_wire = 4
    with pytest.raises(AttributeError, match="Cannot delete total"):
        del progress.total
    assert progress.bytes_wire == 3


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/files/big%20file.bin?x=1", "big file.bin"),
        ("https://example.org/files/", "files"),
        ("https://example.org/", "example.org"),
        ("https://example.org", "example.org"),
    ],
)
def test_names(url: str, name: str) -> None:
    """A transfer is called by the last part of its path, decoded, or by its host."""
    assert Progress("upload", URL(url)).name == name


@pytest.mark.parametrize(
    ("wire", "total", "fraction"), [(0, 10, 0.0), (5, 10, 0.5), (11, 10, 1.0), (0, 0, 1.0), (5, None, None)]
)
def test_fractions(wire: int, total: int | None, fraction: float | None) -> None:
    """The fraction is of the total, never above 1, and None where there is no total."""
    assert Progress("download", FILE, wire, wire, total).fraction == fraction


@pytest.mark.parametrize(
    ("total", "rate", "is_done", "left"),
    [
        (100, 10.0, False, 8.0),
        (None, 10.0, False, None),
        (100, 0.0, False, None),
        (None, 0.0, True, 0.0),
        (10, 1.0, False, 0.0),
    ],
)
def test_seconds_left(total: int | None, rate: float, is_done: bool, left: float | None) -> None:
    """What is left takes as long as the present rate says, and cannot be said without total or rate."""
    assert Progress("download", FILE, 20, 20, total, 1.0, rate, is_done).seconds_left == left


def test_the_repr_says_how_far() -> None:
    """The repr names direction, file, bytes and whether it is over."""
    assert repr(Progress("upload", FILE, 3)) == "<Progress [upload of big file.bin: 3 of ? bytes]>"
    assert (
        repr(Progress("download", FILE, 3, 3, 3, is_done=True))
        == "<Progress [download of big file.bin: 3 of 3 bytes, done]>"
    )


# The meter.


def test_the_first_bytes_are_reported_then_one_report_an_interval() -> None:
    """A report is due with the first bytes, and then at most every INTERVAL; bytes in between count in the next."""
    clock = Clock()
    measured = meter(clock)

    first = measured.add(10, 20)
    assert first is not None
    assert (first.bytes_wire, first.bytes_decoded, first.total, first.is_done) == (10, 20, 1000, False)
    clock.time += INTERVAL * 0.9
    assert measured.add(10, 20) is None
    clock.time += INTERVAL * 0.2
    second = measured.add(10, 20)
    assert second is not None
    assert (second.bytes_wire, second.bytes_decoded) == (30, 60)


def test_the_end_is_reported_at_once() -> None:
    """The last report does not wait for the interval, and says that it is the last."""
    clock = Clock()
    measured = meter(clock)
    measured.add(1, 1)

    last = measured.finish()
    assert last.is_done
    assert last.bytes_wire == 1


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """After a fast start and a slow end, the rate is that of the end; when nothing comes, it falls to nothing."""
    clock = Clock()
    measured = meter(clock, None)
    clock.time += 1
    fast = measured.add(1_000_000, 1_000_000)
    assert fast is not None
    assert fast.rate == pytest.approx(1_000_000)

    slow = None
    for _ in range(40):
        clock.time += 0.25
        slow = measured.add(25, 25)
    assert slow is not None
    assert slow.rate == pytest.approx(100)
    assert slow.elapsed == pytest.approx(11)

    clock.time += WINDOW * 10
    assert measured.finish().rate == pytest.approx(0)


def test_no_rate_before_there_is_time() -> None:
    """Bytes that came in no time have no rate, rather than an endless one."""
    assert meter(Clock()).finish().rate == 0.0


def test_a_restart_begins_at_zero() -> None:
    """After a restart, bytes, time and rate begin anew, and a report is due at once."""
    clock = Clock()
    measured = meter(clock)
    measured.add(500, 500)
    clock.time += 0.01
    measured.restart()

    again = measured.add(7, 7)
    assert again is not None
    assert (again.bytes_wire, again.elapsed, again.rate) == (7, 0.0, 0.0)


# What the total is.


@pytest.mark.parametrize(
    ("method", "status", "headers", "total"),
    [
        ("GET", 200, {"Content-Length": "12"}, 12),
        ("GET", 200, {}, None),
        ("GET", 200, {"Content-Length": "12", "Transfer-Encoding": "chunked"}, None),
        ("GET", 200, {"Content-Length": "12", "Content-Encoding": "gzip"}, 12),
        ("GET", 200, {"Content-Length": "twelve"}, None),
        ("HEAD", 200, {"Content-Length": "12"}, 0),
        ("GET", 204, {}, 0),
        ("GET", 304, {"Content-Length": "12"}, 0),
        ("CONNECT", 200, {}, 0),
        ("CONNECT", 407, {"Content-Length": "12"}, 12),
    ],
)
def test_the_total_of_a_response(method: str, status: int, headers: dict[str, str], total: int | None) -> None:
    """The total is the Content-Length, 0 where there is no body at all, and unknown where the body is chunked."""
    request = Request(method, FILE)

    assert wire_total(Response(status, headers=headers, stream=ByteStream(b""), request=request)) == total


def test_a_response_without_a_request_has_a_total() -> None:
    """A response that nobody asked for is taken to answer a GET."""
    assert wire_total(Response(200, content=b"abc")) == 3
    assert declared_length(None) is None


# Downloads.


def test_an_observer_reports_and_ends_once() -> None:
    """Chunks are reported when due, the end with is_done, and closing afterwards says nothing."""
    clock, log = Clock(), Log()
    observer = DownloadObserver(meter(clock), log.report, log.end)

    run_blocking(observer.received(10, 10))
    run_blocking(observer.received(10, 10))
    run_blocking(observer.finished())
    assert log.wire == [10, 20]
    assert [progress.is_done for progress in log.reports] == [False, True]
    assert log.ends == 1


def test_a_broken_download_has_no_last_report() -> None:
    """Giving up a body ends what shows it, and reports nothing."""
    log = Log()
    DownloadObserver(meter(Clock()), log.report, log.end).broken()

    assert (log.reports, log.ends) == ([], 1)


# Uploads.


def counted(stream: Any, log: Log, clock: Clock) -> CountedStream:
    return CountedStream(stream, Meter("upload", FILE, None, clock.now), log.report)


def test_a_body_in_memory_is_sent_in_pieces() -> None:
    """A large body is cut, so that there is something to report; its bytes are all there."""
    data = bytes(range(256)) * 1024
    clock, log = Clock(), Log()
    stream = counted(ByteStream(data), log, clock)

    pieces = []
    for piece in stream:
        pieces.append(piece)
        clock.time += 1
    assert b"".join(pieces) == data
    assert [len(piece) for piece in pieces] == [PIECE] * 4
    assert log.wire == [PIECE, PIECE * 2, PIECE * 3, PIECE * 4]
    assert stream.is_whole


def test_bytes_count_when_the_next_are_asked_for() -> None:
    """What was handed out counts once it was taken, so a body that stops has not counted its last chunk."""
    log = Log()
    stream = counted(IterableStream([b"bor", b"zoi"]), log, Clock())
    chunks = iter(stream)

    assert next(chunks) == b"bor"
    assert log.wire == []
    assert next(chunks) == b"zoi"
    assert log.wire == [3]
    assert not stream.is_whole


def test_a_body_that_is_sent_again_counts_from_zero() -> None:
    """Each time a body is sent it counts from 0."""
    clock, log = Clock(), Log()
    stream = counted(IterableStream([b"bor", b"zo"]), log, clock)
    next(iter(stream))

    assert stream.is_replayable
    assert list(stream) == [b"bor", b"zo"]
    assert log.wire == [3]
    assert stream.is_whole


def test_a_generator_cannot_be_sent_again() -> None:
    """The body says of itself what the program's says."""
    stream = counted(IterableStream(iter([b"x"])), Log(), Clock())
    bare = counted(object(), Log(), Clock())

    assert not stream.is_replayable
    assert not bare.is_replayable
    assert not stream.is_begun


def test_async_bodies_count_too() -> None:
    """An async iterable is counted as it is sent."""

    async def chunks() -> Any:
        yield b"bor"
        yield b"zoi"

    async def read(stream: CountedStream) -> list[bytes]:
        return [chunk async for chunk in stream]

    log = Log()
    stream = counted(AsyncIterableStream(chunks()), log, Clock())
    assert run_blocking(read(stream)) == [b"bor", b"zoi"]
    assert log.wire == [3]


def test_what_sends_a_body_can_be_closed() -> None:
    """Closing what sends a body leaves the program's stream alone."""
    stream = counted(IterableStream([b"bor"]), Log(), Clock())
    sending = stream._begin(blocking=True)
    sending.close_now()

    assert run_blocking(sending.next_chunk()) == b"bor"
