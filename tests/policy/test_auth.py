"""Schemes that need no challenge, and what `auth=` takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._policy.auth import Auth, BasicAuth, FunctionAuth, NetRCAuth, basic_credentials, build_auth


def sent(auth: Auth, url: str = "https://example.org/") -> str | None:
    """Return the credentials of the one request that a flow sends."""
    flow = auth.sync_auth_flow(Request("GET", url))
    request = next(flow)
    assert list(flow) == []
    value: str | None = request.headers.get("Authorization")
    return value


def test_basic() -> None:
    """Name and password are joined in UTF-8: RFC 7617."""
    assert sent(BasicAuth("Aladdin", "open sesame")) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert basic_credentials("test", "123£") == "Basic dGVzdDoxMjPCow=="
    assert basic_credentials(b"test", b"123\xc2\xa3") == "Basic dGVzdDoxMjPCow=="


def test_basic_of_something_else() -> None:
    """A name that is no text is refused without showing the value."""
    with pytest.raises(TypeError, match="name or password is int"):
        BasicAuth("user", 42)  # type: ignore[arg-type]


def test_none_at_all() -> None:
    """The base class sends the request as it is."""
    assert sent(Auth()) is None


def test_build() -> None:
    """Each of the accepted forms becomes an Auth."""
    ready = Auth()

    assert build_auth(None) is None
    assert build_auth(ready) is ready
    assert isinstance(build_auth(("user", "password")), BasicAuth)
    assert isinstance(build_auth(lambda request: request), FunctionAuth)


NETRC = """
machine example.org login user password secret
machine nopassword.example login user
machine anonymous.example password secret
"""


@pytest.mark.parametrize(
    ("url", "credentials"),
    [
        ("https://example.org/", "Basic dXNlcjpzZWNyZXQ="),
        ("https://user@example.org/", "Basic dXNlcjpzZWNyZXQ="),
        ("https://other@example.org/", None),
        ("https://sub.example.org/", None),
        ("https://example.org:x@evil.example/", None),
        ("https://nopassword.example/", None),
        ("https://anonymous.example/", "Basic OnNlY3JldA=="),
    ],
)
def test_netrc(tmp_path: Path, url: str, credentials: str | None) -> None:
    """The entry of exactly the host counts, if it has a password, and not for another user."""
    file = tmp_path / "netrc"
    file.write_text(NETRC)

    assert sent(NetRCAuth(str(file)), url) == credentials


def test_netrc_default(tmp_path: Path) -> None:
    """The default entry serves hosts that have none."""
    file = tmp_path / "netrc"
    file.write_text("default login user password secret")

    assert sent(NetRCAuth(str(file))) == "Basic dXNlcjpzZWNyZXQ="


def test_netrc_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is an error at once."""
    with pytest.raises(FileNotFoundError):
        NetRCAuth(str(tmp_path / "none"))


def test_flow_is_driven_by_hand() -> None:
    """Programs may drive a flow themselves, in blocking code."""
    flow = BasicAuth("user", "secret").sync_auth_flow(Request("GET", "https://example.org/"))
    next(flow)

    with pytest.raises(StopIteration):
        flow.send(Response(200))
