"""Names that other libraries have for what is called otherwise here: asking for one says how it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

_REPLY = ".reply(...) of a route"
_CALLS = "http_mock.calls, or route.calls"
_LAST = "route.calls[-1], whose .json, .params and .headers tell"
_THROUGH = "http_mock.bind(client), after which other clients send for real"

NAMES = {
    # pytest-httpx
    "add_response": "http_mock.get(url).reply(...)",
    "add_callback": "http_mock.get(url).reply(function)",
    "add_exception": "http_mock.get(url).reply(error)",
    "get_request": "route.calls[0]",
    "get_requests": _CALLS,
    # respx, responses
    "mock": _REPLY,
    "respond": _REPLY,
    "return_value": _REPLY,
    "side_effect": ".reply(function or error) of a route, or .replies(first, second)",
    "pass_through": _THROUGH,
    "add": "http_mock.get(url).reply(...)",
    "add_passthru": _THROUGH,
    "call_count": "len(http_mock.calls), or route.call_count",
    "called": _CALLS,
    "request": "http_mock.route(method, url)",
    "requests": _CALLS,
    # unittest.mock
    "assert_called_once": ".assert_called(1) of a route",
    "assert_called_with": _LAST,
    "assert_called_once_with": f".assert_called(1) of a route, and {_LAST}",
    "mock_calls": _CALLS,
}


class Foreign:
    """Say what the names of other libraries are here."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            here = NAMES.get(name)
            hint = "" if here is None else f". Here it is {here}: docs/testing-migration.md"
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)
