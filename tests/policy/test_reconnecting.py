"""When to reconnect to a stream of events, and how long to wait before."""

from __future__ import annotations

import pytest

from borzoi import _errors
from borzoi._policy.reconnecting import is_passing, pause_before


@pytest.mark.parametrize(
    ("reconnection_time", "failures", "seconds"),
    [
        (None, 0, 3.0),
        (None, 1, 6.0),
        (None, 2, 12.0),
        (None, 10_000, 300.0),
        (0, 0, 0.0),
        (0, 10_000, 0.0),
        (250, 0, 0.25),
        (250, 2, 1.0),
        (10**14, 0, 300.0),
    ],
)
def test_pause(reconnection_time: int | None, failures: int, seconds: float) -> None:
    """The pause is what the stream names or else three seconds, doubled by each failure, and five minutes at most."""
    assert pause_before(reconnection_time, failures) == seconds


@pytest.mark.parametrize(
    "error",
    [
        _errors.ConnectError("x"),
        _errors.ConnectTimeout("x"),
        _errors.ReadError("x"),
        _errors.ReadTimeout("x"),
        _errors.PoolTimeout("x"),
        _errors.RemoteProtocolError("x"),
        _errors.ProxyError("x"),
    ],
)
def test_errors_that_may_pass(error: Exception) -> None:
    """What befell the connection may be over the next time."""
    assert is_passing(error, 200)


@pytest.mark.parametrize("error", [_errors.LocalProtocolError("x"), _errors.UnsupportedProtocol("x"), ValueError("x")])
def test_errors_that_stay(error: Exception) -> None:
    """What is wrong with the request itself stays wrong."""
    assert not is_passing(error, 503)


@pytest.mark.parametrize(
    ("status", "passing"),
    [(200, False), (401, False), (404, False), (429, True), (500, True), (501, False), (503, True)],
)
def test_statuses_that_may_pass(status: int, passing: bool) -> None:
    """A response that is no stream is asked for again where its status says that this may help."""
    assert is_passing(_errors.SSEError("x"), status) is passing
