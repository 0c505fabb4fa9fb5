"""Cassettes: recording, replaying, the file, its modes, and what is wrong with each."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
import yaml

import borzoi
from borzoi.testing.cassette import Cassette, CassetteTransport
from borzoi.testing.cassette_file import CassetteError
from borzoi.testing.clock import Clock
from borzoi.testing.errors import UnmatchedRequest
from tests.worlds.peers import RawServer

pytest_plugins = ["pytester"]


def _answer(sock: Any) -> None:
    """Answer each request with its target as JSON, and `/events` with two events."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            if not more:
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        target = head.split(b" ")[1]
        if target == b"/events":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for event in (b"data: 1\n\n", b"data: 2\n\n"):
                sock.sendall(b"%x\r\n%b\r\n" % (len(event), event))
            sock.sendall(b"0\r\n\r\n")
            continue
        body = b'{"target":"%b"}' % target
        sock.sendall(
            b"HTTP/1.1 200 Fine\r\nContent-Type: application/json\r\nX-Secret: a\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A real server."""
    with RawServer(_answer) as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the cassette is to be."""
    return tmp_path / "cassettes" / "a.yaml"


def _record(path: Path, server: RawServer, *targets: str) -> None:
    with Cassette(path, "record"), borzoi.Client() as client:
        for target in targets:
            client.get(server.url + target)


def test_record_and_replay(path: Path, server: RawServer) -> None:
    """What a real server answered is there without it: status, reason, headers, body."""
    _record(path, server, "/users", "/users?b=2&a=1")
    server.close()
    with Cassette(path, unused="fail"), borzoi.Client() as client:
        first = client.get(f"{server.url}/users")
        second = client.get(f"{server.url}/users?a=1&b=2")

    assert (first.status_code, first.reason_phrase, first.json()) == (200, "Fine", {"target": "/users"})
    assert first.headers["x-secret"] == "[hidden]"
    assert second.json() == {"target": "/users?b=2&a=1"}


@pytest.mark.parametrize("run", [asyncio.run, trio.run])
def test_record_and_replay_in_loops(run: Any, path: Path, server: RawServer) -> None:
    """The same holds in event loops, and a stream keeps its pieces."""

    async def get(mode: str) -> list[bytes]:
        with Cassette(path, mode):
            async with borzoi.AsyncClient() as client:
                assert (await client.get(f"{server.url}/a")).json() == {"target": "/a"}
                async with client.stream("GET", f"{server.url}/events") as response:
                    return [chunk async for chunk in response.aiter_raw()]

    async def both() -> tuple[list[bytes], list[bytes]]:
        return await get("record"), await get("replay")

    recorded, replayed = run(both) if run is trio.run else run(both())
    assert b"".join(replayed) == b"".join(recorded) == b"data: 1\n\ndata: 2\n\n"
    assert len(server.connections) == 1


def test_the_file_is_readable(path: Path, server: RawServer) -> None:
    """The file is YAML with JSON in its own structure, without what describes the way that the message travelled."""
    _record(path, server, "/users")
    data = yaml.safe_load(path.read_text())

    assert data["borzoi"] == 1
    assert datetime.fromisoformat(data["recorded"]) <= datetime.now(UTC)
    (one,) = data["exchanges"]
    assert (one["request"]["method"], one["request"]["url"]) == ("GET", f"{server.url}/users")
    assert one["response"] == {
        "status": 200,
        "reason": "Fine",
        "headers": {"content-type": "application/json", "x-secret": "[hidden]"},
        "json": {"target": "/users"},
    }
    assert list(path.parent.iterdir()) == [path]


def test_pauses_take_no_time(path: Path) -> None:
    """The pauses of a stream are replayed on the clock, in no wall time."""
    chunks = [{"wait": 0, "text": "data: 1\n\n"}, {"wait": 60, "text": "data: 2\n\n"}]
    _write(path, response={"status": 200, "headers": {"content-type": "text/event-stream"}, "chunks": chunks})
    clock = Clock()
    with Cassette(path, clock=clock), borzoi.Client() as client, client.stream("GET", "http://api.test/") as response:
        assert list(response.iter_raw()) == [b"data: 1\n\n", b"data: 2\n\n"]

    assert clock.sleeps == [0, 60]


def _write(path: Path, **entry: Any) -> None:
    one = {"request": {"method": "GET", "url": "http://api.test/", "headers": {}}, "response": {"status": 200}} | entry
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({"borzoi": 1, "recorded": "2020-01-01T00:00:00Z", "exchanges": [one]}))


def test_what_is_not_on_it(path: Path, server: RawServer) -> None:
    """A request that is not on the cassette names what is, and how it differs; the block fails even if that is swallowed."""
    _record(path, server, "/users")
    with pytest.raises(CassetteError, match=r"a\.yaml:\n  POST"):  # noqa: PT012 - the block is what fails
        with Cassette(path), borzoi.Client() as client:
            with pytest.raises(UnmatchedRequest) as caught:
                client.post(f"{server.url}/users", json={"a": 1})
            client.get(f"{server.url}/users")
            with pytest.raises(UnmatchedRequest, match=r"Everything on it has been replayed\."):
                client.get(f"{server.url}/users")

    assert str(caught.value).splitlines() == [
        f"POST {server.url}/users is not on the cassette {path}.",
        f"  GET {server.url}/users differs in method, body",
        "  Record it: --http=record.",
    ]
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (("method", "path"), True),
        (("method", "url"), False),
        (("path", "header:accept"), True),
        (("host",), True),
        ("path", True),
        (("header:x-one",), False),
    ],
)
def test_matching(fields: tuple[str, ...] | str, found: bool, path: Path, server: RawServer) -> None:
    """What tells requests apart can be named; one name may be a text."""
    _record(path, server, "/users?page=1")
    cassette = Cassette(path, match=fields, allow=["x-one"])
    with borzoi.Client(transport=CassetteTransport(cassette)) as client:
        if found:
            assert client.get(f"{server.url}/users?page=2").status_code == 200
        else:
            with pytest.raises(UnmatchedRequest, match="differs in"):
                client.get(f"{server.url}/users?page=2", headers={"X-One": "1"})
            cassette.unmatched.clear()


def test_recording_adds_and_refreshing_replaces(path: Path, server: RawServer) -> None:
    """The mode "record" replays what is there and adds the rest; "refresh" asks for all of it again."""
    _record(path, server, "/a")
    _record(path, server, "/a", "/b")
    assert len(server.connections) == 2
    assert _urls(path) == ["/a", "/b"]
    with Cassette(path, "refresh"), borzoi.Client() as client:
        client.get(f"{server.url}/c")
    assert _urls(path) == ["/c"]


def _urls(path: Path) -> list[str]:
    return [borzoi.URL(one["request"]["url"]).path for one in yaml.safe_load(path.read_text())["exchanges"]]


def test_a_failed_block_records_nothing(path: Path, server: RawServer) -> None:
    """A test that fails leaves the file as it was."""
    with pytest.raises(ZeroDivisionError), Cassette(path, "record"), borzoi.Client() as client:  # noqa: PT012 - the same
        client.get(server.url)
        raise ZeroDivisionError

    assert not path.exists()


def test_verifying(path: Path, server: RawServer) -> None:
    """The mode "verify" goes to the server, and fails where it answers otherwise than it did, or has more to answer."""
    _record(path, server, "/a")
    with Cassette(path, "verify"), borzoi.Client() as client:
        client.get(f"{server.url}/a")
    path.write_text(path.read_text().replace("target: /a", "target: /z"))
    with pytest.raises(CassetteError) as caught, Cassette(path, "verify"), borzoi.Client() as client:  # noqa: PT012 - the same
        client.get(f"{server.url}/a")
        client.get(f"{server.url}/b")

    assert str(caught.value).splitlines()[1:] == [
        f"  GET {server.url}/a answers another json than it did",
        f"  not on the cassette: GET {server.url}/b",
    ]


def test_live(path: Path, server: RawServer) -> None:
    """The mode "live" needs no file and writes none."""
    with Cassette(path, "live"), borzoi.Client() as client:
        assert client.get(f"{server.url}/a").status_code == 200

    assert not path.exists()


def test_what_is_unused_or_old(path: Path, server: RawServer) -> None:
    """`unused="fail"` names what nobody asked for; `max_age` refuses a cassette that is older, and takes a fresh one."""
    _record(path, server, "/a")
    with pytest.raises(CassetteError, match=r"never used: GET .*/a"), Cassette(path, unused="fail", max_age="1d"):
        pass
    old = (datetime.now(UTC) - timedelta(days=100)).isoformat()
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"recorded": old}))
    with pytest.raises(CassetteError, match=r"is 100 days old, too old for max_age\. Record it anew: --http=refresh\."):
        Cassette(path, max_age="90d").load()


def test_what_is_wrong(path: Path) -> None:
    """A missing file, a file that is none, and arguments that mean nothing are errors that say so."""
    with pytest.raises(CassetteError, match=r"There is no cassette .*a\.yaml\. Record it: --http=record\."):
        Cassette(path).load()
    path.parent.mkdir()
    for text in ("a: b", "[", "borzoi: 2\nexchanges: []"):
        path.write_text(text)
        with pytest.raises(CassetteError, match=r"is no cassette|cannot be read"):
            Cassette(path).load()
    with pytest.raises(ValueError, match="knows the modes replay, record"):
        Cassette(path, "play")
    with pytest.raises(ValueError, match='unused= is "ignore" or "fail"'):
        Cassette(path, unused="no")
    with pytest.raises(ValueError, match='like "90d"'):
        Cassette(path, max_age="soon")
    with pytest.raises(ValueError, match="matches method, url, host, path, body and header:NAME, not 'colour'"):
        Cassette(path, match="colour")


def test_one_client_only(path: Path) -> None:
    """`CassetteTransport` records and replays one client, in blocking code and in loops."""
    inner = borzoi.MockTransport(lambda _: borzoi.Response(200, content=b"\xff\x00", headers={"a": "b"}))
    with borzoi.Client(transport=CassetteTransport(Cassette(path, "record"), inner)) as client:
        client.get("http://api.test/")

    async def get(mode: str, url: str) -> bytes:
        async with borzoi.AsyncClient(transport=CassetteTransport(Cassette(path, mode), inner)) as client:
            async with client.stream("POST", url, content=b"\xff") as response:
                return b"".join([chunk async for chunk in response.aiter_bytes()])

    assert asyncio.run(get("record", "http://api.test/b")) == b"\xff\x00"
    assert asyncio.run(get("replay", "http://api.test/b")) == b"\xff\x00"


def test_a_stream_that_is_left(path: Path) -> None:
    """What was read of a stream before it was closed is on the cassette, even where a character lies across two pieces."""
    pieces = [b"caf\xc3", b"\xa9", b"never read"]
    inner = borzoi.MockTransport(lambda _: borzoi.Response(200, content=iter(pieces)))
    with borzoi.Client(transport=CassetteTransport(Cassette(path, "record"), inner)) as client:
        with client.stream("GET", "http://api.test/") as response:
            chunks = response.iter_raw()
            assert [next(chunks), next(chunks)] == pieces[:2]
    with borzoi.Client(transport=CassetteTransport(Cassette(path))) as client:
        assert client.get("http://api.test/").text == "café"


@pytest.mark.parametrize("url", ["/events", "/a"])
def test_a_stream_that_is_left_in_a_loop(url: str, path: Path, server: RawServer) -> None:
    """A response that is closed unread in a loop leaves an exchange without a body."""

    async def leave() -> None:
        with Cassette(path, "record"):
            async with borzoi.AsyncClient() as client, client.stream("GET", server.url + url) as response:
                assert response.status_code == 200

    asyncio.run(leave())
    assert _urls(path) == [url]


def test_parts_and_matching_by_header(path: Path) -> None:
    """Parts of a form are told apart by their JSON and by the digest of what is no text; a header may tell, too."""
    inner = borzoi.MockTransport(lambda request: borzoi.Response(200, text=request.headers["accept"]))
    files = {"a": ("a.json", b'{"n": 1}', "application/json"), "b": ("b.bin", b"\xff", "image/x")}
    for mode in ("record", "replay"):
        cassette = Cassette(path, mode, match=("body", "header:Accept"))
        with borzoi.Client(transport=CassetteTransport(cassette, inner)) as client:
            texts = [client.post("http://api.test/", files=files, headers={"Accept": kind}).text for kind in "xy"]
        assert texts == ["x", "y"]


VCR = {
    "version": 1,
    "interactions": [
        {
            "request": {"method": "POST", "uri": "http://api.test/login?key=abcdefgh", "body": "password=hunter222", "headers": {"Content-Type": ["application/x-www-form-urlencoded"]}},
            "response": {"status": {"code": 201, "message": "Created"}, "headers": {"Content-Encoding": ["gzip"], "Content-Type": "text/plain"}, "body": {"string": gzip.compress(b"hello")}},
        },
        {
            "request": {"method": "GET", "uri": "http://api.test/", "body": None, "headers": None},
            "response": {"status_code": 200, "headers": {"Content-Encoding": ["gzip"]}, "content": "decoded"},
        },
        {
            "request": {"method": "GET", "uri": "http://api.test/b"},
            "response": {"status": {"code": 200}, "body": {"base64_string": "aGVsbG8="}},
        },
    ],
}  # fmt: skip


def test_cassettes_of_vcrpy(path: Path) -> None:
    """A cassette of vcrpy replays: form, compressed body, the two older shapes of bodies."""
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(VCR))
    with Cassette(path, unused="fail"), borzoi.Client() as client:
        first = client.post("http://api.test/login?key=other-key", data={"password": "something"})
        texts = [first.text, client.get("http://api.test/").text, client.get("http://api.test/b").text]

    assert (first.status_code, first.reason_phrase) == (201, "Created")
    assert texts == ["hello", "decoded", "hello"]


HAR = """{"log": {"entries": [
{"request": {"method": "POST", "url": "https://api.test/f", "headers": [{"name": ":path", "value": "/f"}, {"name": "content-type", "value": "application/x-www-form-urlencoded"}],
             "postData": {"params": [{"name": "a", "value": "1"}]}},
 "response": {"status": 200, "statusText": "OK", "headers": [{"name": "content-encoding", "value": "br"}, {"name": "content-type", "value": "application/json"}],
              "content": {"text": "{\\"a\\": 1}"}}},
{"request": {"method": "GET", "url": "https://api.test/i", "headers": []},
 "response": {"status": 200, "headers": [], "content": {"text": "/wA=", "encoding": "base64"}}}]}}"""


def test_har_files(path: Path) -> None:
    """A HAR file replays: what browsers decoded stays so, and pseudo-fields of HTTP/2 are no fields."""
    path.parent.mkdir()
    path.write_text(HAR)
    with Cassette(path, unused="fail"), borzoi.Client() as client:
        assert client.post("https://api.test/f", data={"a": "1"}).json() == {"a": 1}
        assert client.get("https://api.test/i").content == b"\xff\x00"


TEST = """
import borzoi, pytest

@pytest.mark.http_cassette
def test_it():
    assert borzoi.get("{url}/a").json() == {{"target": "/a"}}

@pytest.mark.http_cassette("named.yaml", unused="fail")
def test_named():
    assert borzoi.get("{url}/b").status_code == 200

def test_without(): pass

class TestThem:
    @pytest.mark.http_cassette
    def test_it(self):
        assert borzoi.get("{url}/c").status_code == 200
"""


def _pytest(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(
        "-p", "borzoi.testing.plugin_cassettes", "-p", "no:asyncio", "-p", "no:anyio", "-W", "error", *args
    )


def test_the_marker(pytester: pytest.Pytester, server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--http=record` records beside the test, and without it the test replays; without a file it fails, and says what to do."""
    monkeypatch.setenv("CI", "")
    pytester.makepyfile(test_it=TEST.format(url=server.url))
    result = _pytest(pytester)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(["E*CassetteError: There is no cassette *test_it.yaml. Record it: --http=record."])
    _pytest(pytester, "--http=record").assert_outcomes(passed=4)
    files = {path.name for path in pytester.path.glob("cassettes/**/*.yaml")}
    assert files == {"test_it.yaml", "named.yaml", "TestThem.test_it.yaml"}
    server.close()
    _pytest(pytester).assert_outcomes(passed=4)


def test_continuous_integration_does_not_record(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable CI recording is refused."""
    monkeypatch.setenv("CI", "true")
    result = _pytest(pytester, "--http=refresh")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert os.environ["CI"] == "true"
    result.stderr.fnmatch_lines(["*--http=refresh records, and continuous integration (the variable CI) never does*"])
