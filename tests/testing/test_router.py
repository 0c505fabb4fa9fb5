"""Which requests fit a route, how often, and what is said of those that fit none."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import borzoi
from borzoi.testing import ANY, Mock, MockOver, Received, UnmatchedRequest, UnmetExpectations, fault, mock, reply
from borzoi.testing.conditions import Conditions, Given

URL = "https://api.test/users"


@pytest.fixture
def m() -> Iterator[Mock]:
    """A mock whose report is not asked for."""
    one = Mock("the test").start()
    yield one
    one.finish()
    one.forget_context()


@pytest.fixture
def client() -> Iterator[borzoi.Client]:
    """A client, made and closed within the mock."""
    with borzoi.Client(trust_env=False) as one:
        yield one


@pytest.mark.parametrize(
    ("pattern", "url", "expected"),
    [
        ("https://api.test/users/{id:int}", "https://api.test/users/41", {"id": 41}),
        ("/users/{id:int}/{rest:path}", "https://api.test/users/-1/a/b", {"id": -1, "rest": "a/b"}),
        ("*://api.test/{price:float}", "http://api.test/1.5", {"price": 1.5}),
        ("https://*.test/{name}", "https://a.test/fox%20red", {"name": "fox red"}),
        ("https://api.test:8443/{id:uuid}", f"https://api.test:8443/{uuid.UUID(int=1)}", {"id": uuid.UUID(int=1)}),
        ("https://api.test:443/", "https://api.test/", {}),
        (re.compile(r"https://api\.test/(?P<word>\w+)$"), "https://api.test/word", {"word": "word"}),
        (borzoi.URL("https://api.test/x?a=1"), "https://api.test/x?b=2&a=1", {}),
        ("https://API.test", "https://api.test/", {}),
    ],
)
def test_patterns(m: Mock, client: borzoi.Client, pattern: Any, url: str, expected: dict[str, Any]) -> None:
    """A pattern fits its URLs, and a function is given the parameters of the path in their types."""
    found: list[dict[str, Any]] = []
    m.get(pattern).reply(lambda request, **params: found.append(params))
    assert client.get(url).status_code == 200
    assert found == [expected]


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("https://api.test/users/{id:int}", "https://api.test/users/x"),
        ("https://api.test/users", "http://api.test/users"),
        ("https://api.test/users", "https://api.test:8443/users"),
        ("https://*.test/users", "https://a.b/users"),
        ("https://api.test/{id:int}", "https://other.test/1"),
        ("/users", "https://api.test/users/1"),
        (re.compile(r"http://"), "https://api.test/users"),
    ],
)
def test_patterns_that_do_not_fit(m: Mock, client: borzoi.Client, pattern: Any, url: str) -> None:
    """A request that a pattern does not fit is unmatched, and the error says which URL was expected."""
    m.get(pattern)
    with pytest.raises(UnmatchedRequest, match="url: expected"):
        client.get(url)


@pytest.mark.parametrize("pattern", ["users", "ftp://x/", "https://api.test/{id:number}"])
def test_patterns_that_are_none(m: Mock, pattern: str) -> None:
    """What is no pattern raises ValueError where it is written."""
    with pytest.raises(ValueError, match=re.escape(pattern)):
        m.get(pattern)


CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"params": {"q": "a"}}, {"params": {"q": "a", "page": 2}}, []),
    ({"params": {"page": 2, "on": True}}, {"params": {"page": "2", "on": "true"}}, []),
    ({"params": {"tag": ["a", "b"]}}, {"params": [("tag", "a"), ("tag", "b")]}, []),
    ({"params": {"tag": "a"}}, {"params": [("tag", "a"), ("tag", "b")]}, ["params.tag: expected 'a', got ['a', 'b']"]),
    ({"params": "q=1"}, {"params": {}}, ["params.q: expected '1', and there is none"]),
    ({"params": {"q": 1}, "exact": True}, {"params": {"q": 1, "p": 2}}, ["params.p: '2' was not expected"]),
    ({"params": {"q": ANY}}, {"params": {"q": "x"}}, []),
    ({"headers": {"X-TOKEN": "t"}}, {"headers": {"x-token": "t"}}, []),
    ({"headers": {"x-token": ANY}}, {}, ["headers.x-token: expected ANY, and there is none"]),
    ({"headers": {"x-token": "t"}}, {"headers": {"x-token": "u"}}, ["headers.x-token: expected 't', got 'u'"]),
    ({"cookies": {"a": "1"}}, {"headers": {"cookie": "b=2; a=1"}}, []),
    ({"cookies": {"a": "1"}}, {"headers": {"cookie": "a=2"}}, ["cookies.a: expected '1', got '2'"]),
    ({"cookies": {"a": "1"}}, {}, ["cookies.a: expected '1', and there is none"]),
    ({"json": {"a": {"b": 1}}}, {"json": {"a": {"b": 1, "c": 2}, "d": 3}}, []),
    ({"json": {"a": 1}, "exact": True}, {"json": {"a": 1, "d": 3}}, ["json.d: 3 was not expected"]),
    ({"json": {"a": [1, {"b": 2}]}}, {"json": {"a": [1, {"b": 3}]}}, ["json.a[1].b: expected 2, got 3"]),
    ({"json": [1, 2]}, {"json": [1]}, ["json: expected 2 items, got 1", "json[1]: expected 2, and there is none"]),
    ({"json": [1]}, {"json": [1, 2]}, ["json: expected 1 item, got 2", "json[1]: 2 was not expected"]),
    ({"json": {"a": 1}}, {"json": {"b": 1}}, ["json.a: expected 1, and there is none"]),
    ({"json": {"a": 1}}, {"json": {"a": True}}, ["json.a: expected 1, got True"]),
    ({"json": {"a": ANY}}, {"json": {"a": False}}, []),
    ({"json": {"a": 1}}, {"content": b"<a>"}, ["json: expected {'a': 1}, and the body is no JSON: b'<a>'"]),
    ({"form": {"a": "1"}}, {"data": {"a": "1", "b": "2"}}, []),
    ({"form": {"a": "1"}}, {"data": {"a": "2"}}, ["form.a: expected '1', got '2'"]),
    ({"form": {"a": "1"}, "files": {"f": b"x"}}, {"data": {"a": "1"}, "files": {"f": b"x"}}, []),
    ({"files": {"f": ("n.txt", "x", "text/plain")}}, {"files": {"f": ("n.txt", b"x", "text/plain")}}, []),
    (
        {"files": {"f": ("n.txt", b"x")}},
        {"files": {"f": ("o.txt", b"y")}},
        ["files.f (name): expected 'n.txt', got 'o.txt'", "files.f (content): expected b'x', got b'y'"],
    ),
    ({"files": {"f": b"x"}}, {}, ["files.f: expected b'x', and there is none"]),
    ({"content": "text"}, {"content": b"text"}, []),
    (
        {"content": b"text"},
        {"content": b"t" * 200},
        [f"content: expected b'text', got {'b' + repr('t' * 200)[:116]}..."],
    ),
]


@pytest.mark.parametrize(("conditions", "sent", "differences"), CONDITIONS)
def test_conditions(
    m: Mock, client: borzoi.Client, conditions: dict[str, Any], sent: dict[str, Any], differences: list[str]
) -> None:
    """Each condition fits what it should, and says exactly what else does not."""
    route = m.post(URL, **conditions)
    request = client.build_request("POST", URL, **sent)
    if differences:
        with pytest.raises(UnmatchedRequest) as caught:
            client.send(request)
        lines = [line.strip() for line in str(caught.value).splitlines()]
        assert lines[2:] == [*differences, "fits: method, url"]
        assert not route.called
    else:
        assert client.send(request).status_code == 200
        route.assert_called(1)


def test_a_predicate_that_sends_a_request(m: Mock, client: borzoi.Client) -> None:
    """A function of the request may ask another route, and waits for nobody."""
    m.get("https://api.test/allowed").reply(json=True)
    m.get(URL, where=lambda request: client.get("https://api.test/allowed").json()).reply(201)
    assert client.get(URL).status_code == 201


def test_a_predicate(m: Mock, client: borzoi.Client) -> None:
    """A function of the request decides, and is named where it says no."""

    def is_long(request: Received) -> bool:
        return len(request.text) > 3

    m.post(URL, where=is_long)
    assert client.post(URL, content=b"long").status_code == 200
    with pytest.raises(UnmatchedRequest, match=r"where: is_long\(\) says no"):
        client.post(URL, content=b"no")


def test_the_first_route_that_fits_answers_until_it_is_spent(m: Mock, client: borzoi.Client) -> None:
    """Routes are asked in their order; one that was called as often as it may be leaves the request to the next."""
    m.get(URL).reply(201).times(1)
    m.get(URL).reply(202).times(0, 1)
    assert [client.get(URL).status_code for _ in range(2)] == [201, 202]
    with pytest.raises(UnmatchedRequest, match="fits, but it was called once already"):
        client.get(URL)


def test_the_nearest_routes_come_first(m: Mock, client: borzoi.Client) -> None:
    """The message begins with the routes that nearly fit, and only counts the rest."""
    for number in range(4):
        m.put(f"https://other.test/{number}")
    m.post(URL, json={"a": 1})
    with pytest.raises(UnmatchedRequest) as caught:
        client.post(URL, json={"a": 2})
    lines = str(caught.value).splitlines()
    assert lines[:4] == [
        f"No route answers POST {URL}",
        f"  POST {URL}",
        "    json.a: expected 1, got 2",
        "    fits: method, url",
    ]
    assert lines[-1] == "  ... and 2 more routes"


def test_urls_that_are_nearly_right_come_first(m: Mock, client: borzoi.Client) -> None:
    """Of many routes with another URL those come first that are most alike, each with the part that is another."""
    m.get(f"{URL}/8")
    m.get(f"{URL}/7", params={"a": "1"}, headers={"b": "2"}, cookies={"c": "3"}).times(0)
    for path in ("/", "/teams/{id:int}", "/teams/{id:int}/members"):
        m.get(f"https://api.test{path}")
    m.get(f"http://other.test/users/{7}/")
    m.get(f"{URL}/7/")
    with pytest.raises(UnmatchedRequest) as caught:
        client.get(f"{URL}/7")
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert lines[1:] == [
        f"GET {URL}/7",
        "params.a: expected '1', and there is none",
        "headers.b: expected '2', and there is none",
        "cookies.c: expected '3', and there is none",
        "fits: method, url",
        f"GET {URL}/7/",
        f"url: expected {URL}/7/, got {URL}/7 (another slash at the end)",
        "fits: method",
        f"GET {URL}/8",
        f"url: expected {URL}/8, got {URL}/7 (another path)",
        "fits: method",
        "... and 4 more routes",
    ]


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("http://api.test/users", " (another scheme)"),
        ("https://*.test:1/users", " (another host)"),
        ("http://other.test/{id:int}", " (another scheme and host and path)"),
        (re.compile("http://"), ""),
    ],
)
def test_the_part_of_a_url_that_is_another(m: Mock, client: borzoi.Client, pattern: Any, parts: str) -> None:
    """The message says which parts of a URL do not fit, where that is known."""
    m.get(pattern)
    with pytest.raises(UnmatchedRequest, match=re.escape(f", got {URL}{parts}") + "\n"):
        client.get(URL)


def test_a_route_that_may_never_be_called(m: Mock, client: borzoi.Client) -> None:
    """What fits a route of no calls is told so."""
    m.get(URL).times(0)
    with pytest.raises(UnmatchedRequest, match="fits, but it may not be called"):
        client.get(URL)


@pytest.mark.parametrize("http2", [False, True])
def test_exceptions_are_raised(m: Mock, http2: bool) -> None:
    """An exception, or its class, as an answer is raised to who sent the request, which it carries; each call has its own."""
    slow = borzoi.ReadTimeout("slow")
    m.get(URL).replies(slow, slow, borzoi.ConnectError, ValueError("wrong"), KeyError, 204)
    with borzoi.Client(trust_env=False, http2=http2) as client:
        for number in range(2):
            with pytest.raises(borzoi.ReadTimeout, match=r"^slow \(api\.test:443\)$") as caught:
                client.get(URL, params={"n": number})
            assert caught.value.request.url == f"{URL}?n={number}"
        with pytest.raises(borzoi.ConnectError, match="ConnectError of a mock"):
            client.get(URL)
        with pytest.raises(ValueError, match="wrong"):
            client.get(URL)
        with pytest.raises(KeyError):
            client.get(URL)
        assert client.get(URL).status_code == 204


def test_names_of_other_libraries(m: Mock) -> None:
    """Who asks for a name that another library has is told what it is here; other names are as unknown as ever."""
    route = m.get(URL).optional()
    for one, name, hint in (
        (m, "add_response", r"http_mock\.get\(url\)\.reply"),
        (m.host(URL), "get_requests", r"http_mock\.calls"),
        (route, "mock", r"\.reply\(\.\.\.\) of a route"),
        (route, "nonsense", r"'Route' object has no attribute 'nonsense'$"),
    ):
        with pytest.raises(AttributeError, match=hint):
            getattr(one, name)
    assert not hasattr(m, "called")
    with pytest.raises(AttributeError):
        route.side_effect = ValueError  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match=r"status_code= is no condition of a request: params, .* are"):
        m.get(URL, status_code=200)


def test_conditions_have_their_types() -> None:
    """What a checker of types lets a route be given is what it takes."""
    assert Given.__annotations__.keys() == (Conditions.__init__.__kwdefaults__ or {}).keys()


def test_a_mock_without_routes_says_so(m: Mock, client: borzoi.Client) -> None:
    """A request to a mock without routes says that there are none."""
    with pytest.raises(UnmatchedRequest, match="the mock has no routes"):
        client.get(URL)


def test_replies_come_in_order(m: Mock, client: borzoi.Client) -> None:
    """Each call gets the next reply; with a count of its own the last one stays."""
    m.get(URL).replies(503, {"a": 1}, (201, "made")).times(4)
    statuses = [(r.status_code, r.text) for r in (client.get(URL) for _ in range(4))]
    assert statuses == [(503, ""), (200, '{"a":1}'), (201, "made"), (201, "made")]


@pytest.mark.parametrize(
    ("answer", "status", "body", "kind"),
    [
        (404, 404, b"", None),
        (None, 200, b"", None),
        (True, 200, b"true", "application/json"),
        ({"a": 1}, 200, b'{"a":1}', "application/json"),
        ([1], 200, b"[1]", "application/json"),
        ("text", 200, b"text", "text/plain; charset=utf-8"),
        (b"bytes", 200, b"bytes", None),
        ((418, {"a": 1}), 418, b'{"a":1}', "application/json"),
        (reply(202, html="<p>"), 202, b"<p>", "text/html; charset=utf-8"),
        (reply(form={"a": "b c"}), 200, b"a=b+c", "application/x-www-form-urlencoded"),
        (reply(json=1, headers={"Content-Type": "application/x"}), 200, b"1", "application/x"),
        (borzoi.Response(203, json={"b": 2}), 203, b'{"b":2}', "application/json"),
    ],
)
@pytest.mark.parametrize("as_function", [False, True])
def test_what_may_be_a_reply(
    m: Mock, client: borzoi.Client, answer: Any, status: int, body: bytes, kind: str | None, as_function: bool
) -> None:
    """A status, JSON, text, bytes, both, a reply, and a Response are replies, from a function as well."""
    m.get(URL).replies((lambda request: answer) if as_function else answer)
    response = client.get(URL)
    assert (response.status_code, response.content, response.headers.get("content-type")) == (status, body, kind)


def test_functions_see_the_request(m: Mock, client: borzoi.Client) -> None:
    """A function is given the request with its method, URL, headers, cookies and body, and as a Request."""
    seen: list[Received] = []
    m.post(URL).reply(seen.append)
    client.post(URL, params={"q": "1"}, json={"a": 1}, headers={"cookie": "c=3", "x": "y"})
    request = seen[0]
    assert (request.method, str(request.url), request.params["q"], request.json) == (
        "POST",
        f"{URL}?q=1",
        "1",
        {"a": 1},
    )
    assert (request.headers["x"], request.cookies, request.text) == ("y", {"c": "3"}, '{"a":1}')
    assert (request.request.method, request.request.content) == ("POST", b'{"a":1}')
    assert request.files == {}
    assert repr(request) == f"<Received POST {URL}?q=1>"
    assert m.calls == seen


def test_files_are_seen(m: Mock, client: borzoi.Client) -> None:
    """A multipart form shows its fields and its files."""
    route = m.post(URL)
    client.post(URL, data={"field": "é"}, files={"file": ("a.txt", b"A\r\nB", "text/x")})
    part = route.calls[0].files["file"]
    assert (part.filename, part.content, part.text, part.content_type) == ("a.txt", b"A\r\nB", "A\r\nB", "text/x")
    assert route.calls[0].form["field"] == "é"
    assert repr(part) == "<Part 'file', 4 bytes>"


@pytest.mark.parametrize("name", ['a"b', "a\\b", 'a\\"b;c=d', "a\r\nb", "é; filename=x"])
def test_names_in_forms_are_read_as_they_were_given(m: Mock, client: borzoi.Client, name: str) -> None:
    """What the client has to escape in a name of a field or a file is matched, and seen, without escapes."""
    route = m.post(URL, files={name: (name, b"x")}, form={name: "y"})
    client.post(URL, files={name: (name, b"x")}, data={name: "y"})
    assert route.calls[0].files[name].filename == name


def test_errors_of_functions_reach_the_test(m: Mock, client: borzoi.Client) -> None:
    """What a function raises is raised to whoever sent the request."""

    def broken(request: Received) -> None:
        raise ZeroDivisionError("in the function")

    m.get(URL).reply(broken)
    with pytest.raises(ZeroDivisionError, match="in the function"):
        client.get(URL)


def test_a_stream_in_pieces(m: Mock, client: borzoi.Client) -> None:
    """Each piece of a stream arrives by itself."""
    m.get(URL).stream("one", b"two", headers={"x": "y"})
    with client.stream("GET", URL) as response:
        assert list(response.iter_bytes()) == [b"one", b"two"]
    assert response.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_replies_without_a_body(m: Mock, client: borzoi.Client, method: str, status: int) -> None:
    """HEAD, 204 and 304 get no body, and the connection serves the next request."""
    m.route(None, URL).reply(status, json={"a": 1}).times(2)
    assert [client.request(method, URL).content for _ in range(2)] == [b"", b""]


def test_assertions_of_a_route(m: Mock, client: borzoi.Client) -> None:
    """A route tells how often it was called, and fails otherwise."""
    route = m.get(URL).optional()
    route.assert_not_called()
    with pytest.raises(AssertionError, match="was never called"):
        route.assert_called()
    m.get(URL).times(1)
    with pytest.raises(AssertionError, match=f"GET {URL} was expected once"):
        m.assert_all_called()
    client.get(URL)
    route.assert_called(1)
    with pytest.raises(AssertionError, match=rf"was to be called 2 times, and was called once\n  GET {URL}$"):
        route.assert_called(2)
    with pytest.raises(AssertionError, match="was called once, first by GET"):
        route.assert_not_called()
    assert (route.called, route.call_count, repr(route)) == (True, 1, f"<Route GET {URL}, called once>")


@pytest.mark.parametrize("name", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_every_method_has_its_own(m: Mock, client: borzoi.Client, name: str) -> None:
    """Each method of the mock answers its method, below a host as well."""
    getattr(m.host("https://api.test/"), name)("/users").reply(202)
    assert client.request(name.upper(), URL).status_code == 202


MISUSE: dict[str, tuple[Callable[[Mock], Any], type[Exception], str]] = {
    "two bodies of a reply": (lambda m: m.get(URL).reply(json=1, text="a"), TypeError, "one body, and json and text"),
    "two bodies of a request": (lambda m: m.get(URL, json=1, content=b""), TypeError, "one body, and json and content"),
    "two replies": (lambda m: m.get(URL).reply(200).reply(201), TypeError, "has its reply already"),
    "no replies": (lambda m: m.get(URL).replies(), TypeError, "at least one reply"),
    "a reply with a body to a function": (
        lambda m: m.get(URL).reply(lambda r: 1, json=1),
        TypeError,
        "json belong to a",
    ),
    "a fault of the network": (lambda m: m.get(URL).reply(fault.refuse()), TypeError, r"network\(host\)\.fail"),
    "no status": (lambda m: m.get(URL).reply(99), ValueError, "from 200 to 999"),
    "no reply at all": (lambda m: m.get(URL).reply(object()), TypeError, "Nobody can reply with object"),
    "a stream of numbers": (lambda m: m.get(URL).stream(1), TypeError, "not of int"),
    "impossible counts": (lambda m: m.get(URL).times(2, 1), ValueError, "can never hold"),
    "an unknown condition": (lambda m: m.get(URL, jsn=1), TypeError, "jsn"),
    "no client": (lambda m: m.bind(), TypeError, "needs a client"),
    "a client of another transport": (
        lambda m: m.bind(borzoi.Client(transport=borzoi.MockTransport(lambda r: borzoi.Response(200)))),
        TypeError,
        "a transport of its own",
    ),
    "a negative latency": (lambda m: m.network("x").latency(-1), ValueError, "negative"),
    "starting twice": (lambda m: m.start(), RuntimeError, "active already"),
    "no fault": (lambda m: fault.stall(1, at="tail"), ValueError, "tail"),
    "no drops": (lambda m: fault.drip(0, every=1), ValueError, "0 bytes at a time"),
    "no certificate": (lambda m: fault.tls("old"), ValueError, "'old'"),
}


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_is_told(m: Mock, name: str) -> None:
    """What cannot be meant raises an error that says what is wrong, where it is written."""
    use, kind, text = MISUSE[name]
    with pytest.raises(kind, match=text):
        use(m)


def test_the_report_has_everything() -> None:
    """One report names what was not called, not answered, out of order and left open."""
    m = Mock("the block").start()
    first, second = m.get(URL).optional(), m.post(URL).optional()
    m.in_order(first, second)
    m.get("https://api.test/never").times(2)
    m.get("https://api.test/often").times(1, 3)
    client = borzoi.Client(trust_env=False)
    client.post(URL)
    client.get(URL)
    with pytest.raises(UnmatchedRequest):
        client.get("https://api.test/other")
    with pytest.raises(UnmetExpectations) as caught:
        m.__exit__(None, None, None)
    text = str(caught.value)
    assert text.startswith("The mock of the block has ended:\n  requests that no route answers:\n    GET https://api")
    assert "GET https://api.test/never was expected 2 times, and was never called" in text
    assert "GET https://api.test/often was expected at least once, and was never called" in text
    assert f"POST {URL} was called before GET {URL}" in text
    assert f"the Client that sent POST {URL} was never closed" in text
    client.close()


def test_routes_in_their_order_are_well() -> None:
    """Routes that are called in the order in which they were to be are in no report."""
    with mock() as m:
        m.in_order(m.get(URL), m.post(URL))
        with borzoi.Client(trust_env=False) as client:
            client.get(URL)
            client.post(URL)


def _failing() -> None:
    with mock() as m:
        m.get(URL)
        raise KeyError("mine")


def test_a_failing_block_keeps_its_error() -> None:
    """The error of a block is raised as it is, with the report as a note."""
    with pytest.raises(KeyError, match="mine") as caught:
        _failing()
    assert "was never called" in caught.value.__notes__[0]


def test_routes_are_over_with_their_mock() -> None:
    """A mock that has ended takes no more routes, replies, faults or clients."""
    with mock("the block") as m:
        route = m.get(URL).optional()
    for use in (lambda: m.get(URL), lambda: route.reply(200), lambda: m.network("x"), lambda: m.bind(1), m.start):
        with pytest.raises(MockOver, match="The mock of the block is over"):
            use()
