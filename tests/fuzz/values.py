"""Targets: URLs, cookies, challenges."""

from __future__ import annotations

from borzoi import InvalidURL, ProtocolError
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._policy.digest import DigestAuth
from borzoi._values.cookie_store import MAX_HEADER, MAX_PER_DOMAIN, CookieStore
from borzoi._values.url import URL

NOW = 1_300_000_000.0
BASE = URL("http://user:secret@base.example.org:8080/a/b?c#d")
SITES = [URL(text) for text in ("https://a.b.example.org/x/y", "http://a.b.example.org/", "http://127.0.0.1/x", "http://co.uk/")]  # fmt: skip
ORDINARY_LINE_ENDS = bytes.maketrans(b"\r\0", b"\n\n")


def url(data: bytes) -> None:
    """A text is a URL, which reads the same when it is written and read again, or InvalidURL says why not."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    try:
        found = URL(text) if len(data) % 2 else BASE.join(text)
    except InvalidURL:
        return
    _check_url(found)


def _check_url(found: URL) -> None:
    again = URL(str(found))
    assert (again.raw_scheme, again.raw_host, again.port) == (found.raw_scheme, found.raw_host, found.port)
    assert (again.raw_path, again.query, again.userinfo) == (found.raw_path, found.query, found.userinfo)
    assert not set(found.raw_host + found.raw_path + found.query) & set(b"\r\n\0 ")
    assert found.host.isprintable()
    assert repr(found)
    assert list(found.params.multi_items()) == list(again.params.multi_items())
    assert (found.path, found.fragment, found.username, found.password) == (again.path, again.fragment, again.username, again.password)  # fmt: skip


def cookies(data: bytes) -> None:
    """Whatever lines come, what is stored is bounded, and what is sent is one line that a server may read."""
    first, *lines = data.translate(ORDINARY_LINE_ENDS).split(b"\n")
    site = SITES[len(first) % len(SITES)]
    store = CookieStore()
    store.receive(lines, site, NOW)
    store.receive(lines[::-1], SITES[1], NOW + 1)
    assert len(store.records()) <= 2 * MAX_PER_DOMAIN
    for target in SITES:
        for moment in (NOW, NOW + 1e6):
            sent = store.header(target, moment) or b""
            assert len(sent) <= MAX_HEADER
            assert not set(sent) & {0, 10, 13, 127}
    assert not any(cookie.secure for cookie in store.records() if cookie.domain == "127.0.0.1")


def digest(data: bytes) -> None:
    """A challenge is answered by one line of ASCII, or is none, or ProtocolError says why not."""
    lines = data.translate(ORDINARY_LINE_ENDS).split(b"\n")
    request = Request("POST", "http://example.org/a?b", content=b"body")
    response = Response(401, headers=[(b"WWW-Authenticate", line.strip()) for line in lines[1:]], request=request)
    flow = DigestAuth("Mufasa" if len(lines[0]) % 2 else "Jäsøn", "Circle of Life").sync_auth_flow(request)
    next(flow)
    try:
        again = flow.send(response)
    except (ProtocolError, StopIteration):
        return
    sent = again.headers["Authorization"]
    assert sent.startswith("Digest ")
    assert not set(sent) & set("\r\n\0")
    flow.close()
