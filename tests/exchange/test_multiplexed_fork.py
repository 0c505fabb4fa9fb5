"""61 for HTTP/2: a fork's child starts anew, and the connection goes on working in its parent, streams and all."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from tests.exchange.http2_scripts import echo
from tests.exchange.test_fork import PRELUDE
from tests.worlds.certificates import authority
from tests.worlds.http2_peer import Http2Peer, http2_server

BLOCKING = """
client = borzoi.Client(verify=verify, http2=True)
def ask(path):
    response = client.get(url + path)
    assert (response.text, response.http_version) == (path, "HTTP/2")
ask("/parent1")
def work():
    assert client._transport._sender._shelf.idle() == []
    ask("/child1"); ask("/child2")
    client.close()
assert child(work) == 0
ask("/parent2")
# A thread may be inside of the connection at that moment: its lock is not the child's.
with client.stream("GET", url + "/parent3") as response:
    connection = response.stream.shared
    held, go = threading.Event(), threading.Event()
    def hold():
        with connection.guard:
            held.set()
            go.wait()
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    def broken():
        try:
            response.read()
        except borzoi.ReadError as error:
            assert "closed" in str(error)
        else:
            raise AssertionError("read in a child")
        response.close()
        ask("/child3")
    assert child(broken) == 0
    go.set()
    thread.join()
    assert len(response.read()) == 4_000_000
ask("/parent4")
client.close()
"""

ASYNC = """
import trio
client = borzoi.AsyncClient(verify=verify, http2=True)
async def ask(*paths):
    for path in paths:
        response = await client.get(url + path)
        assert (response.text, response.http_version) == (path, "HTTP/2")
def run(*paths):
    if sys.argv[3] == "trio":
        trio.run(ask, *paths)
    elif sys.argv[3] == "uvloop":
        import uvloop
        uvloop.run(ask(*paths))
    else:
        asyncio.run(ask(*paths))
run("/parent1", "/parent2")
assert child(lambda: run("/child1", "/child2")) == 0
run("/parent3", "/parent4")
asyncio.run(client.aclose())
"""


@pytest.mark.parametrize("kind", ["blocking", "asyncio", "uvloop", "trio"])
def test_a_child_starts_anew(kind: str, tmp_path: Path) -> None:
    """The child opens a connection of its own, and the parent's serves on: it saw neither bytes, nor an end."""
    bundle = tmp_path / "authority.pem"
    authority().cert_pem.write_to_path(str(bundle))
    lock = threading.Lock()
    targets: list[list[bytes]] = []

    def script(peer: Http2Peer) -> None:
        mine: list[bytes] = []
        with lock:
            targets.append(mine)
        while True:
            request = peer.request()
            mine.append(request.get(b":path") or b"")
            if kind == "blocking" and mine[-1] == b"/parent3":
                # More than the client's windows admit: it is under way until it is read.
                peer.respond(request.stream, body=b"/parent3" * 500_000)
            else:
                echo(peer, request)

    with http2_server(script, tls=True) as server:
        text = textwrap.dedent(PRELUDE) + (BLOCKING if kind == "blocking" else ASYNC)
        command = [sys.executable, "-W", "error::ResourceWarning", "-c", text, server.url, str(bundle), kind]
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert outcome.returncode == 0, outcome.stderr
    parents = [mine for mine in targets if mine and mine[0].startswith(b"/parent")]
    assert parents == [[b"/parent1", b"/parent2", b"/parent3", b"/parent4"]]
    assert all(target.startswith(b"/child") for mine in targets if mine not in parents for target in mine)
