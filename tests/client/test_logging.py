"""The log line of each exchange, and what it does not say."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from borzoi._messages.response import Response
from tests.client.conftest import World


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://one.example/path", "https://one.example/path"),
        ("https://one.example:8443/", "https://one.example:8443/"),
        (
            "https://user:secret@one.example/p?q=secret&secret&page=#secret",
            "https://one.example/p?q=[secure]&[secure]&page=",
        ),
        ("http://[::1]/", "http://[::1]/"),
    ],
)
def test_one_line_for_each_exchange(world: World, caplog: pytest.LogCaptureFixture, url: str, shown: str) -> None:
    """At level INFO each exchange is one line, without credentials, the values of the query, and the fragment."""
    caplog.set_level(logging.INFO, logger="borzoi")
    world.run(world.client(lambda request: Response(200)).get, url)

    assert caplog.record_tuples == [("borzoi", logging.INFO, f'HTTP Request: GET {shown} "HTTP/1.1 200 OK"')]


def test_secrets_are_shown_to_who_asks(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With BORZOI_LOG_SECRETS=1 in the environment the line has the whole URL."""
    monkeypatch.setenv("BORZOI_LOG_SECRETS", "1")
    caplog.set_level(logging.INFO, logger="borzoi")
    world.run(world.client(lambda request: Response(200)).get, "https://user:secret@one.example/p?q=secret#secret")

    assert [record.getMessage() for record in caplog.records] == [
        'HTTP Request: GET https://user:secret@one.example/p?q=secret#secret "HTTP/1.1 200 OK"'
    ]


def test_nothing_above_info(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Above INFO there is no line."""
    caplog.set_level(logging.WARNING, logger="borzoi")
    world.run(world.client(lambda request: Response(200)).get, "https://one.example/")

    assert caplog.records == []


def test_logging_is_not_imported() -> None:
    """A program that does not use logging does not load it for our sake."""
    program = (
        "import sys\n"
        "from borzoi._client.sync_client import Client\n"
        "from borzoi._client.transport_base import MockTransport\n"
        "from borzoi._messages.response import Response\n"
        "assert Client(transport=MockTransport(lambda request: Response(200))).get('https://a/').status_code == 200\n"
        "print('logging' in sys.modules, 'asyncio' in sys.modules, 'ssl' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout == "False False False\n"
