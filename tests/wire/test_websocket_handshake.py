"""The opening handshake as header fields."""

from __future__ import annotations

import base64

import pytest

from borzoi import Headers, LocalProtocolError, RemoteProtocolError
from borzoi._wire.permessage_deflate import Terms
from borzoi._wire.websocket_handshake import Agreement, accept_of, check_answer, opening_fields


def test_the_example_of_the_rfc() -> None:
    """RFC 6455, 1.3: the answer to its key is the one printed there."""
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_keys_differ() -> None:
    """Each handshake has a key of its own, 16 random bytes."""
    keys = {opening_fields(None)["sec-websocket-key"] for _ in range(100)}

    assert len(keys) == 100
    assert {len(base64.b64decode(key)) for key in keys} == {16}


def test_subprotocols_are_listed() -> None:
    """Subprotocols go out in one field, in their order; none go out where none are given."""
    assert opening_fields(["b", "a.v1"])["sec-websocket-protocol"] == "b, a.v1"
    assert "sec-websocket-protocol" not in opening_fields(None)


@pytest.mark.parametrize("names", [["a", "a"], ["a,b"], ["a b"], [""], ["a\r\nX: y"], ["\u010a"]])
def test_subprotocols_are_tokens(names: list[str]) -> None:
    """What is no token, or is there twice, is refused before anything is sent."""
    with pytest.raises(LocalProtocolError, match="subprotocols"):
        opening_fields(names)


def answer(**changes: str | None) -> tuple[Headers, Headers]:
    """Return what was asked and a right answer, with these fields changed or taken out."""
    asked = Headers(opening_fields(["chat", "superchat"]) | {"sec-websocket-extensions": "permessage-deflate"})
    fields: dict[str, str | None] = {
        "Upgrade": "WebSocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Accept": accept_of(asked["sec-websocket-key"]),
    }
    fields |= {name.replace("_", "-"): value for name, value in changes.items()}
    return asked, Headers({name: value for name, value in fields.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "agreement"),
    [
        ({}, Agreement(None, None)),
        ({"Sec_WebSocket_Protocol": "superchat"}, Agreement("superchat", None)),
        ({"Sec_WebSocket_Extensions": "permessage-deflate"}, Agreement(None, Terms())),
    ],
)
def test_a_right_answer(changes: dict[str, str], agreement: Agreement) -> None:
    """An answer that proves a WebSocket says which subprotocol and which extension there are."""
    assert check_answer(*answer(**changes)) == agreement


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Upgrade": None}, "switched to None"),
        ({"Upgrade": "h2c"}, "switched to 'h2c'"),
        ({"Connection": None}, "is upgraded"),
        ({"Connection": "close"}, "is upgraded"),
        ({"Sec-WebSocket-Accept": None}, "key"),
        ({"Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, "key"),
        ({"Sec-WebSocket-Protocol": "other"}, "subprotocol 'other'"),
        ({"Sec-WebSocket-Protocol": "chat, superchat"}, "subprotocol"),
        ({"Sec-WebSocket-Extensions": "x-other"}, "not offered"),
        ({"Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=99"}, "does not fit"),
    ],
)
def test_a_wrong_answer(changes: dict[str, str | None], why: str) -> None:
    """An answer that proves nothing, or chooses what was not offered, is refused with what is wrong."""
    with pytest.raises(RemoteProtocolError, match=why):
        check_answer(*answer(**changes))
