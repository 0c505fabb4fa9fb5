"""What each fault makes of a script."""

from __future__ import annotations

import pytest

import borzoi
from borzoi._backends.memory import END, Wait
from borzoi.testing import close, fault, mock, reply, wait
from borzoi.testing.intake import Intake

URL = "https://api.test/"
PIECES = ("abc", wait(1), "def", close())


def shape(events: list[object]) -> list[object]:
    """Return a script with its waits as numbers, its errors as classes, and without the head."""
    shown = [event.seconds if isinstance(event, Wait) else event for event in events]
    shown = [type(event) if isinstance(event, Exception) else event for event in shown]
    return [event for event in shown if not (isinstance(event, bytes) and event.startswith(b"HTTP/1.1 200"))]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (fault.reset(), [ConnectionResetError]),
        (fault.reset(after_bytes=0), [ConnectionResetError]),
        (fault.reset(after_bytes=10), [b"3\r\nabc\r\n", 1, b"3\r", ConnectionResetError]),
        (fault.truncate(3), [b"3\r\n", END]),
        (fault.stall(7), [7, b"3\r\nabc\r\n", 1, b"3\r\ndef\r\n", b"0\r\n\r\n", END]),
        (fault.stall(7, at="body"), [b"3", 7, b"\r\nabc\r\n", 1, b"3\r\ndef\r\n", b"0\r\n\r\n", END]),
    ],
)
def test_a_fault_spoils_a_stream(wrong: fault.Fault, expected: list[object]) -> None:
    """Pauses stay where they are, and bytes are counted as they are sent."""
    assert shape(list(reply(stream=PIECES, fault=wrong).script("GET"))) == expected


def test_a_drip_is_slow_everywhere() -> None:
    """A drip cuts the head and the body into pieces, and keeps the pauses of the script."""
    script = reply(content=b"ab", fault=fault.drip(30, every=2)).script("GET")
    data = b"".join(event for event in script if isinstance(event, bytes))
    assert data.endswith(b"\r\n\r\nab")
    assert [event.seconds for event in script if isinstance(event, Wait)] == [2] * (len(script) // 2)
    paused = reply(stream=["a", wait(9)], fault=fault.drip(1000, every=2)).script("GET")
    assert [event.seconds for event in paused if isinstance(event, Wait)] == [2, 2, 9, 2]


def test_a_whole_reply_may_come_slowly() -> None:
    """A drip that is patient enough is a reply like any other."""
    with mock() as m, borzoi.Client(trust_env=False) as client:
        m.get(URL).reply(200, text="drop by drop", fault=fault.drip(40, every=0.5))
        assert client.get(URL).text == "drop by drop"
        assert m.clock.now() >= 1


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (fault.reset(), "reset()"),
        (fault.reset(after_bytes=5), "reset(after_bytes=5)"),
        (fault.truncate(2), "truncate(n=2)"),
        (fault.stall(60), "stall(60, at='head')"),
        (fault.drip(1, every=2), "drip(1, every=2)"),
        (fault.tls("expired"), "tls('expired')"),
        (fault.refuse(), "refuse()"),
    ],
)
def test_a_fault_shows_the_call_that_makes_it(made: object, text: str) -> None:
    """The repr of a fault is how to write it."""
    assert repr(made) == text


def test_requests_arrive_however_they_are_cut() -> None:
    """Requests in single bytes are the requests that arrive at once."""
    data = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: x\r\n\r\n"
    whole, cut = Intake(), Intake()
    at_once = [(one.method, one.target, one.content) for one in whole.receive(data)]
    one_by_one = [
        (one.method, one.target, one.content)
        for index in range(len(data))
        for one in cut.receive(data[index : index + 1])
    ]
    assert at_once == one_by_one == [("POST", "/a", b"abc"), ("GET", "/b", b"")]


def test_what_is_no_request_is_told() -> None:
    """Bytes that are no request of HTTP/1.1 fail the test that sends them."""
    with pytest.raises(AssertionError, match="The client sent no HTTP"):
        Intake().receive(b"nonsense\r\n\r\n")
