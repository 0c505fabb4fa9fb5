"""Client code for the fault sweep: twenty samples with a bug each, of which the plain test knows nothing, and some without.

This file is no module of the suite: it is copied, and run by a pytest of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools

import pytest
import trio

import borzoi
from borzoi.testing import close, event

API = "https://api.test"
swept = pytest.mark.http_fault_sweep


def client(**settings):
    return borzoi.Client(base_url=API, trust_env=False, **settings)


def async_client(**settings):
    return borzoi.AsyncClient(base_url=API, trust_env=False, **settings)


kept = client()
"""A client for the whole program."""

kept_http2 = client(http2=True)


# --- Bugs.


@swept
def test_unclosed_response_after_a_bad_status(http_mock):
    http_mock.get(f"{API}/file").stream(b"some", b"thing")
    response = kept.send(kept.build_request("GET", "/file"), stream=True)
    response.raise_for_status()
    assert response.read() == b"something"
    response.close()


@swept
def test_unclosed_client_after_an_error(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    api = client()
    assert api.get("/users").raise_for_status().json() == []
    api.close()


@swept
def test_retried_post(http_mock):
    http_mock.post(f"{API}/orders").reply(201)
    with client() as api:
        for attempt in range(3):
            try:
                api.post("/orders", json={"n": 1}).raise_for_status()
                break
            except borzoi.TransportError:
                if attempt == 2:
                    raise


@swept
def test_retried_patch_after_a_time_out(http_mock):
    async def save():
        async with async_client() as api:
            with contextlib.suppress(borzoi.TimeoutException):
                return (await api.patch("/users/7", json={"n": 1})).raise_for_status()
            return (await api.patch("/users/7", json={"n": 1})).raise_for_status()

    http_mock.patch(f"{API}/users/7").reply(200)
    asyncio.run(save())


@swept
def test_swallowed_error_of_a_write(http_mock):
    http_mock.put(f"{API}/users/7").reply(204)
    with client() as api, contextlib.suppress(borzoi.HTTPError):
        api.put("/users/7", json={}).raise_for_status()


@swept
def test_status_of_a_write_that_nobody_looks_at(http_mock):
    http_mock.delete(f"{API}/users/7").reply(204)
    with client() as api:
        api.delete("/users/7")


@swept
def test_swallowed_error_that_returns_nothing(http_mock):
    def user():
        with client() as api:
            try:
                return api.get("/users/7").raise_for_status().json()
            except borzoi.HTTPError:
                return None

    http_mock.get(f"{API}/users/7").reply(json={"name": "Laika"})
    assert user()["name"] == "Laika"


@swept
def test_name_that_is_only_bound_on_success(http_mock):
    def user():
        with client() as api:
            with contextlib.suppress(borzoi.TransportError):
                response = api.get("/users/7").raise_for_status()
            return response.json()

    http_mock.get(f"{API}/users/7").reply(json={})
    assert user() == {}


@swept
def test_missing_time_out(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    with client(timeout=None) as api:
        assert api.get("/users").raise_for_status().json() == []


@swept
def test_missing_time_out_of_reads(http_mock):
    async def users():
        async with async_client(timeout=borzoi.Timeout(5, read=None)) as api:
            return (await api.get("/users")).raise_for_status().json()

    http_mock.get(f"{API}/users").reply(json=[])
    assert trio.run(users) == []


@swept
def test_retry_without_a_limit(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    with client() as api:
        while True:
            with contextlib.suppress(borzoi.HTTPError):
                assert api.get("/users").raise_for_status().json() == []
                break


@swept
def test_retry_of_any_exception(http_mock):
    async def users():
        async with async_client() as api:
            while True:
                try:
                    return (await api.get("/users")).raise_for_status().json()
                except Exception:  # noqa: BLE001 - that is the bug
                    continue

    http_mock.get(f"{API}/users").reply(json=[])
    assert asyncio.run(users()) == []


@swept
def test_leaked_stream(http_mock):
    def lines():
        response = stack.enter_context(kept.stream("GET", "/lines"))
        return list(response.iter_lines()) if response.status_code == 200 else ["1", "2", "3"]

    http_mock.get(f"{API}/lines").stream("1\n", "2\n", "3\n")
    stack = contextlib.ExitStack()
    assert lines() == ["1", "2", "3"]
    if len(http_mock.calls[0].headers) == 0:
        stack.close()


@swept
def test_part_of_a_body_for_the_whole(http_mock):
    def download():
        parts = []
        with client() as api, api.stream("GET", "/file") as response:
            response.raise_for_status()
            try:
                for part in response.iter_bytes():
                    parts.append(part)  # noqa: PERF402
            except borzoi.TransportError:
                pass
        return b"".join(parts)

    http_mock.get(f"{API}/file").stream(b"some", b"thing")
    assert download() == b"something"


@swept
def test_broken_feed_for_its_end(http_mock):
    def feed():
        found = []
        with client() as api, api.stream("GET", "/feed") as response:
            response.raise_for_status()
            with contextlib.suppress(borzoi.HTTPError):
                found.extend(one.data for one in response.events())
        return found

    http_mock.get(f"{API}/feed").sse(event("1"), event("2"), close())
    assert len(feed()) == 2


@swept
def test_page_of_an_error_read_as_json(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    with client() as api:
        assert api.get("/users").json() == []


@swept
def test_error_of_the_wrong_kind(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    with client() as api:
        try:
            api.get("/users").raise_for_status()
        except borzoi.HTTPError as error:
            raise RuntimeError("the API is down") from error


@swept
def test_broken_handler_of_errors(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    with client() as api:
        try:
            api.get("/users").raise_for_status()
        except borzoi.HTTPError as error:
            raise borzoi.DecodingError(f"status {error.response.status_code}") from error


@swept
def test_program_that_ends(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    with client() as api:
        try:
            api.get("/users").raise_for_status()
        except borzoi.HTTPError:
            raise SystemExit(1) from None


@swept
def test_request_left_under_way(http_mock):
    async def both():
        api = async_client()
        one = asyncio.create_task(api.get("/slow"))
        two = asyncio.create_task(api.get("/fast"))
        for task in (two, one):
            (await task).raise_for_status()
        await api.aclose()

    http_mock.get(f"{API}/slow").reply(200)
    http_mock.get(f"{API}/fast").reply(200)
    asyncio.run(both())


@swept
def test_other_server_that_nobody_has_planned(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    with client() as api:
        try:
            users = api.get("/users").raise_for_status().json()
        except borzoi.HTTPError:
            users = api.get("https://mirror.test/users").raise_for_status().json()
        assert users == []


@swept
def test_group_of_errors_with_one_of_the_wrong_kind(http_mock):
    async def both():
        async with async_client() as api, trio.open_nursery() as nursery:
            nursery.start_soon(name, api)

    async def name(api):
        response = await api.get("/users/7")
        assert response.json()["name"] == "Laika"

    http_mock.get(f"{API}/users/7").reply(json={"name": "Laika"})
    trio.run(both)


@swept
def test_leaked_stream_over_http2(http_mock):
    http_mock.get(f"{API}/lines").stream("1\n", "2\n", "3\n")
    response = kept_http2.send(kept_http2.build_request("GET", "/lines"), stream=True)
    assert response.http_version == "HTTP/2"
    if response.raise_for_status():
        assert len(list(response.iter_lines())) == 3


# --- None.


@swept
def test_right_get(http_mock):
    http_mock.get(f"{API}/users").reply(json=[1, 2, 3])
    with client() as api:
        assert api.get("/users").raise_for_status().json() == [1, 2, 3]


@swept
def test_right_retry_of_reads(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    with client() as api:
        for attempt in range(3):
            try:
                assert api.get("/users").raise_for_status().json() == []
                break
            except borzoi.HTTPError:
                if attempt == 2:
                    raise


@swept
def test_right_retry_with_a_key(http_mock):
    http_mock.post(f"{API}/orders").reply(201)
    with client() as api:
        order = functools.partial(api.post, "/orders", json={"n": 1}, headers={"Idempotency-Key": "abc"})
        try:
            order().raise_for_status()
        except borzoi.HTTPError:
            order().raise_for_status()


@swept
def test_right_fallback_of_a_read(http_mock):
    def rates():
        with client() as api:
            try:
                return api.get("/rates").raise_for_status().json()
            except borzoi.HTTPError:
                return {"EUR": 1}

    http_mock.get(f"{API}/rates").reply(json={"EUR": 1, "CHF": 1})
    assert rates()["EUR"] == 1


@swept
def test_right_stream_in_asyncio(http_mock):
    async def feed():
        async with async_client() as api, api.stream("GET", "/feed") as response:
            response.raise_for_status()
            return [one.data async for one in response.aevents()]

    http_mock.get(f"{API}/feed").sse(event("1"), event("2"), close())
    assert asyncio.run(feed()) == ["1", "2"]


@swept
def test_right_requests_at_once_over_http2(http_mock):
    async def all_of_them():
        async with async_client(http2=True) as api, trio.open_nursery() as nursery:
            for number in range(3):
                nursery.start_soon(one, api, number)

    async def one(api, number):
        assert (await api.get(f"/users/{number}")).raise_for_status().json() == {"id": number}

    http_mock.get("/users/{id:int}").reply(lambda request, **found: found).times(3)
    trio.run(all_of_them)


class Down(Exception):
    """The program's own error."""


@pytest.mark.http_fault_sweep(raises=Down)
def test_right_error_of_the_program(http_mock):
    http_mock.post(f"{API}/orders").reply(201)
    with client() as api:
        try:
            api.post("/orders", json={}).raise_for_status()
        except borzoi.HTTPError as error:
            raise Down from error


@pytest.mark.http_fault_sweep(swallows=True)
def test_right_best_effort(http_mock):
    http_mock.post(f"{API}/metrics").reply(202)
    with client() as api, contextlib.suppress(borzoi.HTTPError):
        api.post("/metrics", json={})


@swept
def test_without_requests(http_mock):
    assert http_mock.calls == []


# --- Tests that are not swept, since they fail or are skipped as they are.


@swept
def test_plainly_failing(http_mock):
    http_mock.get(f"{API}/users").reply(json=[])
    assert http_mock.calls != []


@swept
@pytest.mark.skip(reason="not today")
def test_skipped(http_mock):
    """Nothing."""
