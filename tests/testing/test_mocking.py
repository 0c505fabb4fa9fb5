"""Whose request is it? And what a mock is to clients in every world."""

from __future__ import annotations

import gc
import threading
import unittest
import warnings
from typing import Any

import pytest

import borzoi
from borzoi.testing import LateRequest, Mock, UndecidedMock, UnmetExpectations, fault, mock, reply
from borzoi.testing.mocking import late
from tests.worlds.world import World

URL = "https://api.test/users"


def fetched(world: World, url: str = URL, **settings: Any) -> tuple[int, bytes]:
    """Return what a GET answers, as status and body."""

    async def body() -> tuple[int, bytes]:
        async with world.client(trust_env=False, **settings) as client:
            response = await client.get(url)
            return response.status_code, response.content

    found: tuple[int, bytes] = world.run(body)
    return found


def test_every_world_gets_its_answer(world: World) -> None:
    """A mock answers clients made elsewhere, in every world, over http and over TLS."""
    with mock() as m:
        route = m.get("*://api.test/users").reply(json=[1])
        assert fetched(world, "http://api.test/users") == (200, b"[1]")
        assert fetched(world, "https://api.test/users") == (200, b"[1]")
    assert [call.scheme for call in route.calls] == ["http", "https"]


def test_the_real_pool_is_below(world: World) -> None:
    """Connections are kept, limits hold, and a request that waits for one has its turn."""

    async def body() -> None:
        limits = borzoi.Limits(max_connections=1)
        async with world.client(trust_env=False, limits=limits, timeout=borzoi.Timeout(60, pool=1)) as client:
            for _ in range(3):
                assert (await client.get(URL)).status_code == 200
            async with client.stream("GET", f"{URL}/slow") as response:
                with pytest.raises(borzoi.PoolTimeout):
                    await client.get(URL)
                await response.aread()

    with mock() as m:
        m.get(URL).reply(200)
        m.get(f"{URL}/slow").stream("a")
        world.run(body)
        assert m.clock.now() == 1


def test_waiters_are_served_in_the_order_of_time(async_world: World) -> None:
    """Requests at once end in the order of the clock, and a connection that comes free serves who waits for it."""
    ended: list[str] = []

    async def body() -> None:
        limits = borzoi.Limits(max_connections=2)
        async with async_world.client(trust_env=False, limits=limits, timeout=60) as client:

            async def get(name: str) -> None:
                await client.get(f"https://api.test/{name}")
                ended.append(f"{name} at {m.clock.now():g}")

            async with async_world.tasks() as tasks:
                for name in ("4", "1", "2"):
                    tasks.start(get, name)
                    while name != "2" and f"/{name}" not in [call.path for call in m.calls]:
                        await async_world.sleep0()

    with mock() as m:
        m.get("/{seconds:int}").reply(lambda request, seconds: reply(200, fault=fault.stall(seconds)))
        async_world.run(body)
    assert sorted(ended) == ["1 at 1", "2 at 3", "4 at 4"]


def test_async_functions_answer_async_clients(async_world: World) -> None:
    """A function may be `async`; the time that it sleeps on the clock counts against the time-out."""

    async def answer(request: Any) -> str:
        await m.clock.sleep(3)
        await async_world.sleep0()
        return "late"

    with mock() as m:
        m.get(URL).reply(answer).times(2)
        assert fetched(async_world, timeout=5) == (200, b"late")
        with pytest.raises(borzoi.ReadTimeout):
            fetched(async_world, timeout=1)


def test_uploads_are_received(world: World) -> None:
    """Streamed bodies, with and without a length, arrive whole."""

    async def body() -> None:
        async with world.client(trust_env=False) as client:
            await client.post(URL, content=b"x" * 200_000)
            await client.post(URL, content=pieces() if world.is_async else iter([b"a", b"b"]))
            await client.post(URL, content=b"c" * 9, headers={"Expect": "100-continue"})

    async def pieces() -> Any:
        yield b"a"
        yield b"b"

    with mock() as m:
        route = m.post(URL).reply(201)
        world.run(body)
    assert [len(call.content) for call in route.calls] == [200_000, 2, 9]


def test_proxies_are_part_of_the_mock() -> None:
    """A client with a proxy gets the same answers: a tunnel is opened, a forwarded request is understood."""
    with mock() as m:
        m.get("*://api.test/users").reply(json=[1]).times(2)
        m.network("api.test").tls("expired", times=1)
        with borzoi.Client(proxy="http://proxy.test:3128", trust_env=False) as client:
            assert client.get("http://api.test/users").json() == [1]
            with pytest.raises(borzoi.ConnectError, match="certificate has expired"):
                client.get("https://api.test/users")
            assert client.get("https://api.test/users").json() == [1]


def test_the_network_has_its_hosts() -> None:
    """Faults and latency hold for the hosts that they are given for, and faults as often as they are."""
    with mock() as m:
        m.get("/x").reply(200)
        m.network("down.test").refuse(times=1)
        m.network("*.slow.test").latency(2)
        m.network("port.test:8080").connect_hang()
        with borzoi.Client(trust_env=False, timeout=5) as client:
            with pytest.raises(borzoi.ConnectError, match=r"refused \(192\.0\.2\.1\)"):
                client.get("http://down.test/x")
            client.get("http://down.test/x")
            assert m.clock.now() == 0
            client.get("http://a.slow.test/x")
            assert m.clock.now() == 4
            client.get("http://port.test/x")
            with pytest.raises(borzoi.ConnectTimeout):
                client.get("http://port.test:8080/x")
            m.network("*.slow.test").latency(7)
            with pytest.raises(borzoi.ConnectTimeout):
                client.get("http://b.slow.test/x")
        assert m.clock.now() == 14


def test_pauses_between_retries_are_noted() -> None:
    """A transport that tries again sleeps by the clock, which keeps the list."""
    with mock() as m:
        m.get(URL).reply(200)
        m.network("api.test").refuse(times=3)
        with borzoi.Client(transport=borzoi.HTTPTransport(retries=3)) as client:
            assert client.get(URL).status_code == 200
        assert m.clock.sleeps == [0.5, 1.0]


def test_a_bound_client_has_its_own_mock(world: World) -> None:
    """A mock that is bound answers its clients, and no others."""

    async def body() -> None:
        async with world.client(trust_env=False) as one, world.client(trust_env=False) as other:
            with mock("one") as first, mock("other") as second:
                first.bind(getattr(one, "wrapped", one))
                first.get(URL).reply(201)
                second.get(URL).reply(202)
                assert ((await one.get(URL)).status_code, (await other.get(URL)).status_code) == (201, 202)
            with pytest.raises(LateRequest):
                await one.get(URL)
            assert late.pop() == f"GET {URL} came after one had ended, and was sent nowhere"

    world.run(body)


def test_the_context_decides_before_the_only_active_mock() -> None:
    """The inner of two blocks answers in its context, and the outer one after it."""
    with mock("outer") as outer, borzoi.Client(trust_env=False) as client:
        outer.get(URL).reply(201)
        with mock("inner") as inner:
            inner.get(URL).reply(202)
            assert client.get(URL).status_code == 202
        assert client.get(URL).status_code == 201


def in_a_thread(work: Any) -> BaseException | None:
    """Run `work` on a thread, in a context of its own, and return what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is what is returned
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    return raised[0] if raised else None


def test_a_thread_has_the_only_active_mock() -> None:
    """A thread without a context of the mock's gets the only active one."""
    with mock() as m:
        m.get(URL).reply(200)
        assert in_a_thread(lambda: borzoi.get(URL, trust_env=False)) is None


def test_two_active_mocks_are_an_error_that_names_both() -> None:
    """A request that two active mocks could answer is refused, and the error names them."""
    with mock("the first"), mock("the second"):
        error = in_a_thread(lambda: borzoi.get(URL, trust_env=False))
    assert isinstance(error, UndecidedMock)
    assert "The mocks of the first and the second are active" in str(error)


def test_threads_share_a_mock_and_its_clock() -> None:
    """Stalls on several threads end together, in no wall time."""
    with mock() as m:
        m.get(URL).reply(200, fault=fault.stall(60))
        errors: list[BaseException | None] = []
        with borzoi.Client(trust_env=False, timeout=5) as client:
            threads = [
                threading.Thread(target=lambda: errors.append(in_a_thread(lambda: client.get(URL)))) for _ in range(3)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
    assert [type(error) for error in errors] == [borzoi.ReadTimeout] * 3


def test_what_is_left_open_is_told(world: World) -> None:
    """A response that nobody closed is in the report, whether it is still there or was forgotten."""

    async def body(keep: list[Any]) -> None:
        async with world.client(trust_env=False) as client:
            keep.append(await client.send(client.build_request("GET", URL), stream=True))
            forgotten = await client.send(client.build_request("GET", f"{URL}/2"), stream=True)
            assert forgotten.status_code == 200
            del forgotten
            gc.collect()
            text = m.finish()
            assert text is not None
            assert f"the response to GET {URL} was never closed" in text
            assert f"the response to GET {URL}/2 was never closed" in text
            await keep.pop().aclose()

    m = Mock("the block").start()
    m.get(URL).sse("data: 1\n\n")
    m.get(f"{URL}/2").sse("data: 1\n\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        world.run(body, [])
    m.forget_context()


def test_requests_under_way_are_told(async_world: World) -> None:
    """A request that is still waiting when the mock ends is in the report."""

    async def body() -> None:
        async with async_world.client(trust_env=False, timeout=None) as client, async_world.tasks() as tasks:
            waiting = tasks.start(client.get, URL)
            while not m.calls:
                await async_world.sleep0()
            text = m.finish()
            assert text is not None
            assert f"GET {URL} was still under way" in text
            waiting.cancel()

    m = Mock("the block").start()
    m.get(URL).reply(200, fault=fault.stall())
    async_world.run(body)
    m.forget_context()


def test_other_networks_are_left_alone() -> None:
    """A transport that is no network transport, or whose pool others have replaced, is not the mock's."""
    with mock(), borzoi.Client(transport=borzoi.MockTransport(lambda request: borzoi.Response(218))) as client:
        assert client.get(URL).status_code == 218


def test_a_client_of_the_block_must_be_closed() -> None:
    """A client made before the mock may stay open; one made in it may not, unless leaks are borne."""
    with borzoi.Client(trust_env=False) as old, mock() as m:
        m.get(URL).reply(200)
        old.get(URL)
    m = mock().start()
    m.get(URL).reply(200)
    new = borzoi.Client(trust_env=False)
    new.get(URL)
    with pytest.raises(UnmetExpectations, match="never closed"):
        m.__exit__(None, None, None)
    with mock(leaks=False) as m:
        m.get(URL).reply(200)
        newer = borzoi.Client(trust_env=False)
        newer.get(URL)
    new.close()
    newer.close()


def test_cleared_unmatched_requests_are_forgiven() -> None:
    """A test that expects an unmatched request clears the list, and passes."""
    with mock() as m:
        m.get(URL).optional()
        with pytest.raises(AssertionError), borzoi.Client(trust_env=False) as client:
            client.post(URL)
        assert len(m.unmatched) == 1
        m.unmatched.clear()


def test_unittest() -> None:
    """A mock that is entered in setUp() ends with its test, and fails it for a call that did not come."""

    class Example(unittest.TestCase):
        def setUp(self) -> None:
            self.m = self.enterContext(mock(self.id()))

        def met(self) -> None:
            self.m.get("https://api.test/").reply(json=1)
            assert borzoi.get("https://api.test/").json() == 1

        def unmet(self) -> None:
            self.m.get("https://api.test/")

    passed, failed = Example("met").run(), Example("unmet").run()
    assert passed is not None
    assert failed is not None
    assert passed.wasSuccessful()
    ((_, trace),) = failed.failures
    assert "GET https://api.test/ was expected at least once, and was never called" in trace
