"""55: before a body that waits for leave: 100 (Continue), another answer, silence, or an end."""

from __future__ import annotations

from typing import Any

import pytest

from borzoi._backends.memory import END, MemoryBackend, MemoryStream, Wait
from borzoi._errors import ReadError, RemoteProtocolError
from borzoi._exchange.continuing import PATIENCE, is_wanted
from borzoi._run_blocking import run_blocking
from borzoi._values.headers import HeaderBlock
from borzoi._wire.http1 import Http1

EXPECTING = HeaderBlock([(b"Host", b"host"), (b"Expect", b"100-continue"), (b"Content-Length", b"5")])
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"


def ask(*script: Any, read_timeout: float | None = 20.0) -> tuple[bool, Http1, float]:
    """Return whether the body is wanted by a server that follows a script, the engine, and how long that took."""
    backend = MemoryBackend(lambda host, port: TimeoutError())
    stream = MemoryStream(backend, lambda data: list(script) if data else [], "host:80")
    engine = Http1()
    run_blocking(stream.write(engine.encode_head("PUT", b"/", EXPECTING), 1))
    assert engine.expects_continue
    return run_blocking(is_wanted(stream, engine, read_timeout, backend.now)), engine, backend.now()


@pytest.mark.parametrize(
    "script",
    [[CONTINUE], [Wait(0.4), CONTINUE], [CONTINUE[:9], CONTINUE[9:]], [HINTS, Wait(0.1), CONTINUE], [HINTS + CONTINUE]],
)
def test_leave_is_given(script: list[Any]) -> None:
    """100 (Continue) asks for the body at once, cut or not, and other interim responses do not."""
    wanted, engine, took = ask(*script)
    assert wanted
    assert took < PATIENCE
    assert engine.informational[-1].status == 100
    assert engine.encode_data(b"hello") == b"hello"


@pytest.mark.parametrize("script", [[], [HINTS], [Wait(50), CONTINUE], [CONTINUE[:10]]])
def test_silence_is_leave_too(script: list[Any]) -> None:
    """A server that says nothing of it for a while gets the body."""
    wanted, engine, took = ask(*script)
    assert (wanted, took) == (True, PATIENCE)
    assert engine.head is None


@pytest.mark.parametrize(("read_timeout", "took"), [(0.25, 0.25), (None, PATIENCE), (0.0, 0.0)])
def test_the_wait_is_no_longer_than_any_read(read_timeout: float | None, took: float) -> None:
    """A shorter time-out for reading bounds this wait, and is no error here."""
    assert ask(read_timeout=read_timeout)[::2] == (True, took)


@pytest.mark.parametrize("status", [b"417 Expectation Failed", b"413 Content Too Large", b"200 OK"])
def test_another_answer_is_the_answer(status: bytes) -> None:
    """A final response takes the place of the body, and the connection serves no other request."""
    wanted, engine, _ = ask(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\nno" % status)
    assert not wanted
    assert engine.head is not None
    assert engine.head.status == int(status[:3])
    assert engine.complete
    assert not engine.reusable


def test_a_connection_that_breaks() -> None:
    """An end or a fault of the network instead of an answer is an error."""
    with pytest.raises(RemoteProtocolError, match="without sending a response"):
        ask(END)
    with pytest.raises(ReadError, match="reset"):
        ask(ReadError("reset"))
