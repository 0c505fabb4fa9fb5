"""Tokens of OAuth 2.0 through the clients: one fetch for all, used until shortly before its end, replaced after a 401."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import pytest

import borzoi
from borzoi._client.flights import Flight
from borzoi.testing import Mock, Received, mock, reply, wait
from tests.worlds.fixture import *  # noqa: F403
from tests.worlds.world import World

API = "https://api.test"
TOKENS = "https://id.test/token"


def grants(*lifetimes: float | None, **more: Any) -> Any:
    """Return an answer that numbers the tokens that it gives."""
    given: list[float | None] = list(lifetimes)

    def answer(request: Received) -> dict[str, Any]:
        number = len(lifetimes) - len(given) + 1
        lifetime = given.pop(0)
        found: dict[str, Any] = {"access_token": f"t{number}", "token_type": "bearer", **more}
        return found if lifetime is None else {**found, "expires_in": lifetime}

    return answer


def credentials(m: Mock, **settings: Any) -> borzoi.OAuth2ClientCredentials:
    """Return the authentication of the tests, on the clock of the mock."""
    return borzoi.OAuth2ClientCredentials(TOKENS, "me", "s3cret", clock=m.clock, **settings)


def sent(route: Any) -> list[str]:
    """Return the credentials that the requests to a route had."""
    return [call.headers["Authorization"] for call in route.calls]


def test_one_fetch_for_all(world: World) -> None:
    """Requests that come while a token is fetched wait for it; the next one finds it there."""

    async def body(m: Mock) -> None:
        async with world.client(trust_env=False, auth=credentials(m, scope="a b")) as client:
            await world.gather(*[lambda n=n: client.get(f"{API}/{n}") for n in range(5)])
            await client.get(f"{API}/later")

    with mock() as m:
        tokens = m.post(TOKENS).stream(
            wait(1), '{"access_token": "t1", "token_type": "Bearer", "expires_in": 3600}', headers={"A": "b"}
        )
        api = m.get(f"{API}/{{name}}").reply(204).times(6)
        world.run(body, m)

        assert sent(api) == ["Bearer t1"] * 6
        assert tokens.call_count == 1
        assert tokens.calls[0].form.multi_items() == [("grant_type", "client_credentials"), ("scope", "a b")]
        # me:s3cret
        assert tokens.calls[0].headers["Authorization"] == "Basic bWU6czNjcmV0"


def test_a_token_is_replaced_before_its_end(world: World) -> None:
    """A token is used until thirty seconds before its end; one that holds no minute, for half of its time."""

    async def body(m: Mock) -> None:
        async with world.client(trust_env=False, auth=credentials(m)) as client:
            for pause in (0, 69, 2, 4, 2):
                m.clock.advance(pause)
                await client.get(API)

    with mock() as m:
        m.post(TOKENS).reply(grants(100, 10, 10))
        api = m.get(API).reply(204)
        world.run(body, m)
        assert [text[-2:] for text in sent(api)] == ["t1", "t1", "t2", "t2", "t3"]


def test_a_refused_token_is_replaced_once(world: World) -> None:
    """After a 401 the request is sent again with a new token, and what is answered then is the answer."""

    async def body(m: Mock) -> list[int]:
        async with world.client(trust_env=False, auth=credentials(m)) as client:
            first = await client.post(API, content=b"body")
            second = await client.post(API, content=b"body")
            return [first.status_code, second.status_code]

    with mock() as m:
        m.post(TOKENS).reply(grants(None, None, None))
        api = m.post(API, content=b"body").replies((401, "stale"), 204, 401, 401)
        assert world.run(body, m) == [204, 401]
        assert [text[-2:] for text in sent(api)] == ["t1", "t2", "t2", "t3"]


def test_a_refused_token_is_replaced_once_for_all(world: World) -> None:
    """Requests that are refused with one token get another one together."""

    async def body(m: Mock) -> None:
        async with world.client(trust_env=False, auth=credentials(m)) as client:
            await client.get(f"{API}/warm")
            await world.gather(*[lambda n=n: client.get(f"{API}/{n}") for n in range(4)])

    def answer(request: Received, name: str) -> Any:
        return 204 if name == "warm" or request.headers["Authorization"] == "Bearer t2" else 401

    with mock() as m:
        tokens = m.post(TOKENS).reply(grants(None, None))
        m.get(f"{API}/{{name}}").reply(answer)
        world.run(body, m)
        assert tokens.call_count == 2


def test_a_body_that_is_gone_is_not_sent_again(world: World) -> None:
    """A request whose body cannot be sent twice is answered with its 401."""

    async def body(m: Mock) -> int:
        async with world.client(trust_env=False, auth=credentials(m)) as client:
            content = _pieces() if world.is_async else iter([b"a"])
            response: borzoi.Response = await client.post(API, content=content)
            return response.status_code

    with mock() as m:
        m.post(TOKENS).reply(grants(None))
        m.post(API).reply(401).times(1)
        assert world.run(body, m) == 401


async def _pieces() -> Any:
    yield b"a"


REFUSALS = [
    (
        (400, {"error": "invalid_client", "error_description": "no such\nclient"}),
        "answered 400: invalid_client: no such",
    ),
    ((500, "broken"), "answered 500"),
    ((200, {"error": "slow_down"}), "answered 200: slow_down"),
    ((200, "no object"), "did not answer with a JSON object"),
    ((200, {"token_type": "bearer"}), "gave no access token"),
    ((200, {"access_token": "a\r\nX: y", "token_type": "bearer"}), "gave no access token"),
    ((200, {"access_token": "a", "token_type": "mac"}), "a type other than Bearer"),
]


@pytest.mark.parametrize(("answer", "said"), REFUSALS)
def test_refusals(answer: Any, said: str) -> None:
    """What brings no token is a TokenError with the server's reasons, and without the secret."""
    with mock() as m:
        m.post(TOKENS).reply(lambda _: answer)
        with borzoi.Client(trust_env=False, auth=credentials(m)) as client, pytest.raises(borzoi.TokenError) as caught:
            client.get(API)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value.request.url) == TOKENS
    assert caught.value.error in ("", "invalid_client", "slow_down")
    assert "s3cret" not in repr(caught.value)


def test_all_who_wait_are_told(world: World) -> None:
    """A refusal is an error of its own for each request that waited for the token."""

    async def body(m: Mock) -> None:
        async with world.client(trust_env=False, auth=credentials(m)) as client:

            async def fails() -> borzoi.TokenError:
                with pytest.raises(borzoi.TokenError, match="invalid_scope") as caught:
                    await client.get(API)
                return caught.value

            errors = await world.gather(fails, fails, fails)
            assert len({id(error) for error in errors}) == 3
            assert {error.error for error in errors} == {"invalid_scope"}

    with mock() as m:
        tokens = m.post(TOKENS).stream(wait(1), '{"error": "invalid_scope"}', status=400)
        world.run(body, m)
        # Threads may come after one another.
        assert tokens.call_count == 1 or not world.is_async


def test_another_takes_over(async_world: World) -> None:
    """Where the request that fetches the token is cancelled, one of those who wait fetches it."""

    async def body(m: Mock) -> int:
        async with async_world.client(trust_env=False, auth=credentials(m), timeout=None) as client:
            async with async_world.tasks() as tasks:
                first = tasks.start(lambda: client.get(f"{API}/1"))
                for _ in range(5):
                    await async_world.sleep0()
                second = tasks.start(lambda: client.get(f"{API}/2"))
                for _ in range(5):
                    await async_world.sleep0()
                first.cancel()
            return int(second.result.status_code)

    with mock(leaks=False) as m:
        tokens = m.post(TOKENS).stream(wait(60), '{"access_token": "t1"}')
        m.get(f"{API}/1").optional()
        m.get(f"{API}/2").reply(204)
        assert async_world.run(body, m) == 204
        assert tokens.call_count == 2


def test_refresh_tokens(world: World) -> None:
    """A refresh token is exchanged; a new one that comes with the answer takes its place, and the program is told."""
    saved: list[str] = []

    async def body(m: Mock) -> None:
        auth = borzoi.OAuth2RefreshToken(
            TOKENS, "r0", "me", access_token="t0", on_refresh_token=saved.append, clock=m.clock
        )
        async with world.client(trust_env=False, auth=auth) as client:
            for _ in range(2):
                await client.get(API)

    with mock() as m:
        tokens = m.post(TOKENS).reply(grants(None, None, refresh_token="r1"))
        api = m.get(API).replies(401, 204, 401, 204)
        world.run(body, m)
        assert [call.form["refresh_token"] for call in tokens.calls] == ["r0", "r1"]
        assert tokens.calls[0].form["client_id"] == "me"
        assert "Authorization" not in tokens.calls[0].headers
        assert [text[-2:] for text in sent(api)] == ["t0", "t1", "t1", "t2"]
    assert saved == ["r1"]


def test_a_program_may_get_refresh_tokens_too() -> None:
    """A refresh token that comes with client credentials is used; where it is refused, the secret gets a token."""
    with mock() as m:
        tokens = m.post(TOKENS).replies(
            {"access_token": "t1", "expires_in": 10, "refresh_token": "r1"},
            {"access_token": "t2", "expires_in": 10, "refresh_token": "r2"},
            (400, {"error": "invalid_grant"}),
            {"access_token": "t3"},
        )
        api = m.get(API).reply(204)
        with borzoi.Client(
            trust_env=False, auth=credentials(m, client_auth="post", params={"audience": "x"})
        ) as client:
            for _ in range(3):
                client.get(API)
                m.clock.advance(20)
        assert [call.form["grant_type"] for call in tokens.calls] == [
            "client_credentials",
            "refresh_token",
            "refresh_token",
            "client_credentials",
        ]
        assert {call.form["client_secret"] for call in tokens.calls} == {"s3cret"}
        assert {call.form["audience"] for call in tokens.calls} == {"x"}
        assert [text[-2:] for text in sent(api)] == ["t1", "t2", "t3"]


WELL_KNOWN = "https://id.test/tenant/.well-known/openid-configuration"


def test_discovery(world: World) -> None:
    """The address for tokens is found in the provider's metadata, once, with the way to show the secret."""

    async def body(m: Mock) -> None:
        auth = borzoi.OAuth2ClientCredentials(None, "me", "s3cret", discovery_url=WELL_KNOWN, clock=m.clock)
        async with world.client(trust_env=False, auth=auth) as client:
            await client.get(API)
            m.clock.advance(100)
            await client.get(API)

    with mock() as m:
        metadata = {
            "issuer": "https://id.test/tenant",
            "token_endpoint": TOKENS,
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        found = m.get(WELL_KNOWN).reply(json=metadata).times(1)
        tokens = m.post(TOKENS).reply(grants(60, 60))
        m.get(API).reply(204)
        world.run(body, m)
        assert "Authorization" not in found.calls[0].headers
        assert [call.form["client_secret"] for call in tokens.calls] == ["s3cret", "s3cret"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"issuer": "https://evil.test", "token_endpoint": TOKENS}, "are of another issuer"),
        (
            {"issuer": "https://id.test/tenant", "token_endpoint": "http://id.test/token"},
            "no token endpoint that is safe",
        ),
        ({"issuer": "https://id.test/tenant"}, "no token endpoint that is safe"),
        ({"issuer": "https://id.test/tenant", "token_endpoint": "https://[x"}, "no token endpoint that is safe"),
        ((404, {}), "answered 404"),
        ((404, "gone"), "answered 404"),
        ((200, "[]"), "The provider https://id.test/tenant/.well-known/openid-configuration did not answer"),
    ],
)
def test_metadata_that_cannot_be_used(answer: Any, said: str) -> None:
    """Metadata of another issuer, or without a safe address for secrets, are a TokenError."""
    auth = borzoi.OAuth2ClientCredentials(None, "me", "s3cret", discovery_url=WELL_KNOWN)
    with mock() as m:
        m.get(WELL_KNOWN).reply(lambda _: answer)
        with borzoi.Client(trust_env=False, auth=auth) as client, pytest.raises(borzoi.TokenError) as caught:
            client.get(API)
    assert said in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["https://evil.test/token", "http://id.test/token", "https://id.test:8443/token"])
def test_no_other_server_is_asked(status: int, place: str) -> None:
    """A token endpoint that redirects to another origin is a TokenError, and nothing is sent there."""
    with mock() as m:
        m.post(TOKENS).reply(status, headers={"Location": place})
        elsewhere = m.route(place).reply(json={"access_token": "t"}).optional()
        auth = credentials(m, client_auth="post")
        with (
            borzoi.Client(trust_env=False, auth=auth, follow_redirects=True) as client,
            pytest.raises(borzoi.TokenError, match=f"token answered {status}: a redirect, which is not followed"),
        ):
            client.get(API)
        assert elsewhere.call_count == 0


def test_a_redirect_at_the_origin_is_followed_and_no_further(world: World) -> None:
    """The request for a token may move at its origin; the next hop does not leave it either, in every world."""

    async def body(m: Mock) -> None:
        async with world.client(trust_env=False, auth=credentials(m), follow_redirects=True) as client:
            assert (await client.get(API)).status_code == 204
            await client.get(API)

    with mock() as m:
        m.post(TOKENS).reply(308, headers={"Location": "/tokens/"}).times(2)
        m.post("https://id.test/tokens/").replies(
            {"access_token": "t", "expires_in": 0}, reply(307, headers={"Location": "https://evil.test/token"})
        )
        m.get(API).reply(204)
        with pytest.raises(borzoi.TokenError, match="tokens/ answered 307"):
            world.run(body, m)


def test_metadata_of_another_server_are_not_asked_for() -> None:
    """A provider that redirects to another server for its metadata is a TokenError, too."""
    auth = borzoi.OAuth2ClientCredentials(None, "me", "s3cret", discovery_url=WELL_KNOWN)
    with mock() as m:
        m.get(WELL_KNOWN).reply(302, headers={"Location": "https://evil.test/"})
        with (
            borzoi.Client(trust_env=False, auth=auth, follow_redirects=True) as client,
            pytest.raises(borzoi.TokenError, match="answered 302: a redirect, which is not followed"),
        ):
            client.get(API)


def test_a_failing_connection_is_its_own_error() -> None:
    """Where the token endpoint cannot be reached, the error is that of its connection, and the next request tries."""
    with mock() as m:
        m.network("id.test").refuse(times=1)
        m.post(TOKENS).reply(grants(None))
        m.get(API).reply(204)
        with borzoi.Client(trust_env=False, auth=credentials(m)) as client:
            with pytest.raises(borzoi.ConnectError) as caught:
                client.get(API)
            assert str(caught.value.request.url) == TOKENS
            assert client.get(API).status_code == 204


def test_wrong_arguments() -> None:
    """One place for tokens is needed, and the ways to show a secret are two."""
    with pytest.raises(TypeError, match="Give one of token_url and discovery_url"):
        borzoi.OAuth2ClientCredentials(None, "me", "s3cret")
    with pytest.raises(TypeError, match="Give one of"):
        borzoi.OAuth2ClientCredentials(TOKENS, "me", "s3cret", discovery_url=WELL_KNOWN)
    with pytest.raises(ValueError, match="client_auth is 'both'"):
        borzoi.OAuth2ClientCredentials(TOKENS, "me", "s3cret", client_auth="both")


def test_nothing_shows_secrets() -> None:
    """A repr has the name and the address; a pickle can be used, and a copy fetches for itself."""
    auth = borzoi.OAuth2RefreshToken("https://u:p4ss@id.test/token", "r3fresh", "me", "s3cret", access_token="t0ken")
    shown = repr(auth)
    assert shown.startswith("<OAuth2RefreshToken 'me' at ")
    assert not any(secret in shown for secret in ("s3cret", "r3fresh", "t0ken", "p4ss"))

    copy = pickle.loads(pickle.dumps(auth))
    with mock() as m:
        api = m.get(API).reply(204)
        with borzoi.Client(trust_env=False, auth=copy) as client:
            client.get(API)
        assert sent(api) == ["Bearer t0ken"]


@pytest.mark.parametrize("lifetime", ["60", True, None, "soon", float("nan"), [1]])
def test_lifetimes(lifetime: Any) -> None:
    """A lifetime in a string counts; one that means nothing is none, and the token is used until it is refused."""
    import json

    with mock() as m:
        answer = json.dumps({"access_token": "t", "expires_in": lifetime})
        tokens = m.post(TOKENS).reply(200, content=answer)
        m.get(API).reply(204)
        with borzoi.Client(trust_env=False, auth=credentials(m)) as client:
            client.get(API)
            m.clock.advance(1000)
            client.get(API)
        assert tokens.call_count == (2 if lifetime == "60" else 1)


def test_blocking_code_waits_for_no_task() -> None:
    """Blocking code joins a fetch on another thread, and none of its own thread or of a task."""
    mine, of_a_task = Flight(blocking=True), Flight(blocking=False)
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(mine.can_be_joined(blocking=True)))
    thread.start()
    thread.join()

    assert seen == [True]
    assert not mine.can_be_joined(blocking=True)
    assert not of_a_task.can_be_joined(blocking=True)
    assert of_a_task.can_be_joined(blocking=False)


def test_a_request_within_a_fetch_has_its_own_token() -> None:
    """An event hook of the fetch that sends a request through the same client does not wait for the fetch."""
    inner: list[int] = []

    def hook(request: borzoi.Request) -> None:
        if str(request.url) == TOKENS and not inner:
            inner.append(0)
            inner.append(client.get(f"{API}/hook").status_code)

    with mock() as m:
        m.post(TOKENS).reply(grants(None, None))
        api = m.get(f"{API}/{{name}}").reply(204)
        with borzoi.Client(trust_env=False, auth=credentials(m), event_hooks={"request": [hook]}) as client:
            client.get(f"{API}/outer")
        assert inner == [0, 204]
        assert [call.path for call in api.calls] == ["/hook", "/outer"]


def test_who_comes_too_late_does_not_wait(world: World) -> None:
    """Waiting for a fetch that is over ends at once; a waker of a loop that has ended does no harm."""

    def gone() -> None:
        raise RuntimeError("the loop is closed")

    async def body() -> None:
        flight = Flight(blocking=not world.is_async)
        flight._call_at_end(gone)
        flight.end()
        if world.is_async:
            await flight.wait_in_loop()
        else:
            flight.wait()

    world.run(body)
