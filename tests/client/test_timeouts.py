"""Time-outs as the transport sees them, and the deadline of a whole call."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from borzoi._client.pipeline import DEADLINE
from borzoi._config import Deadline, Timeout
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from tests.client.conftest import World
from tests.client.messages import Answering

ANYWHERE = "https://one.example/"
FIVE = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}


@pytest.mark.parametrize(
    ("client", "request_", "seen"),
    [
        ({}, {}, FIVE),
        ({"timeout": 3}, {}, dict.fromkeys(FIVE, 3)),
        ({"timeout": None}, {}, dict.fromkeys(FIVE)),
        ({}, {"timeout": None}, dict.fromkeys(FIVE)),
        ({"timeout": 3}, {"timeout": Timeout(5, read=7)}, {**FIVE, "read": 7}),
        ({}, {"timeout": 3, "extensions": {"timeout": {"read": 1}}}, {"read": 1}),
        ({}, {"timeout": 3, "extensions": {"mine": 1}}, dict.fromkeys(FIVE, 3)),
    ],
)
def test_timeouts_of_a_request(world: World, client: dict[str, Any], request_: dict[str, Any], seen: Any) -> None:
    """A request has the time-outs given with it, or else the client's."""
    transport = Answering()
    world.run(world.client(transport=transport, **client).get, ANYWHERE, **request_)

    assert transport.requests[0].extensions["timeout"] == seen
    assert DEADLINE not in transport.requests[0].extensions


READ = {"read": 1}


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (READ, READ),
        (MappingProxyType(READ), READ),
        (Timeout(5), FIVE),
        (Timeout(5, total=9), {**FIVE, "total": 9}),
        (None, {}),
        ({"connect": None, "total": 2.5}, {"connect": None, "total": 2.5}),
    ],
)
def test_timeouts_among_the_extensions(world: World, given: Any, seen: Any) -> None:
    """What bounds operations is taken from the extensions, of a request built by hand and of one built by the client."""
    transport = Answering()
    client = world.client(transport=transport)
    world.run(client.get, ANYWHERE, extensions={"timeout": given, "mine": 1})
    world.run(client.send, Request("GET", ANYWHERE, extensions={"timeout": given, "mine": 1}))

    for request in transport.requests:
        assert request.extensions["timeout"] == seen
        assert request.extensions["mine"] == 1
        assert (DEADLINE in request.extensions) == ("total" in seen)


@pytest.mark.parametrize("given", [5, 5.0, "5", (5, 5), ["read"], True])
def test_timeouts_that_are_no_mapping(world: World, given: Any) -> None:
    """A number among the extensions, where a mapping belongs, is refused before anything is sent."""
    transport = Answering()
    client = world.client(transport=transport)
    with pytest.raises(TypeError, match=r'Invalid extensions\["timeout"\]=.*use timeout='):
        client.build_request("GET", ANYWHERE, extensions={"timeout": given})
    with pytest.raises(TypeError, match=r'Invalid extensions\["timeout"\]=.*use timeout='):
        world.run(client.get, ANYWHERE, extensions={"timeout": given})
    with pytest.raises(TypeError, match=r'Invalid extensions\["timeout"\]=.*use timeout='):
        world.run(client.send, Request("GET", ANYWHERE, extensions={"timeout": given}))
    assert not transport.requests


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        ({"conect": 5}, ValueError, "which has 'conect'.*connect, read, write, pool, total"),
        ({5: 5}, ValueError, "which has 5"),
        ({"read": "5"}, TypeError, "read='5'"),
        ({"total": True}, TypeError, "total=True"),
        ({"read": (1, 2)}, TypeError, "read="),
        ({"pool": -1}, ValueError, "pool=-1"),
    ],
)
def test_timeouts_that_do_not_work(world: World, given: Any, kind: type[Exception], text: str) -> None:
    """A time-out of another name, or that is no number, is refused where it is given, and not where it would be used."""
    transport = Answering()
    client = world.client(transport=transport)
    with pytest.raises(kind, match=text):
        world.run(client.get, ANYWHERE, extensions={"timeout": given})
    assert not transport.requests


def test_timeout_can_be_assigned(world: World) -> None:
    """Assigned time-outs are for the requests that follow."""
    client = world.client(transport=Answering())
    client.timeout = 2

    assert client.timeout == Timeout(2)
    assert client.build_request("GET", ANYWHERE).extensions["timeout"]["read"] == 2


def test_one_deadline_for_all_that_a_call_leads_to(world: World) -> None:
    """A total starts one deadline, which redirects and authentication share."""
    transport = Answering(Response(302, headers={"Location": "/there"}), Response(200))
    client = world.client(transport=transport, timeout=Timeout(5, total=30), follow_redirects=True)
    world.run(client.get, ANYWHERE, auth=("user", "secret"))

    first, second = (request.extensions[DEADLINE] for request in transport.requests)
    assert isinstance(first, Deadline)
    assert first is second
    assert first.total == 30


def test_a_request_sent_again_gets_another_deadline(world: World) -> None:
    """The deadline is that of the call: the same request, sent later, has all its time."""
    transport = Answering()
    client = world.client(transport=transport, timeout=Timeout(5, total=30))
    request = client.build_request("GET", ANYWHERE)

    world.run(client.send, request)
    first = request.extensions[DEADLINE]
    world.run(client.send, request)
    assert request.extensions[DEADLINE] is not first


def test_next_request_gets_another_deadline(world: World) -> None:
    """A redirect that the program follows itself, later, has all its time."""
    transport = Answering(Response(302, headers={"Location": "/there"}), Response(200))
    client = world.client(transport=transport, timeout=Timeout(5, total=30))
    response = world.run(client.get, ANYWHERE)
    world.run(client.send, response.next_request)

    first, second = (request.extensions[DEADLINE] for request in transport.requests)
    assert first is not second


def test_deadline_of_the_program_is_kept(world: World) -> None:
    """A deadline that the program put there, for several calls, stays."""
    transport, deadline = Answering(), Deadline(3)
    client = world.client(transport=transport, timeout=Timeout(5, total=30))
    for _ in range(2):
        world.run(client.get, ANYWHERE, extensions={DEADLINE: deadline})

    assert [request.extensions[DEADLINE] for request in transport.requests] == [deadline, deadline]


def test_total_of_none(world: World) -> None:
    """A total of None bounds nothing."""
    transport = Answering()
    client = world.client(transport=transport)
    world.run(client.send, Request("GET", ANYWHERE, extensions={"timeout": {"total": None}}))

    assert DEADLINE not in transport.requests[0].extensions
