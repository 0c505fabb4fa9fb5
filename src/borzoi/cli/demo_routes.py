"""What the demo API answers: from a `Call` to a `Reply`, both plain values. No socket, no clock, no event loop.

`respond()` never raises for what a client sent: a wrong path, method or argument is a reply of 4xx that says why.
`prebuilt()` gives the bytes of a whole response for the routes whose answer depends on the target alone.

Bodies are bytes, or an iterator of pieces that the server sends at the pace of the reply and of the reader.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

RECORDS = 100_000
"""How many records there are; their numbers start at 0."""

PAGE = 50
"""Records on a page; pages start at 1."""

MAX_DOWNLOAD = 1 << 30
"""The most bytes that `/download/{size}` gives."""

BLOCK = hashlib.shake_256(b"borzoi").digest(64 * 1024)
"""The pseudo-random bytes that a download repeats, so that making them costs nothing."""

ANSWER = (
    "A borzoi is a sighthound: it finds its prey with its eyes, starts from where it stands, and runs until it has "
    "caught what it was sent for. It does not bark about it, and it brings the thing back whole."
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

Pairs: TypeAlias = list[tuple[bytes, bytes]]


class Call:
    """One request as the routes see it; header names are lower-case, and the body is whole."""

    __slots__ = ("body", "headers", "method", "path", "query", "stats")

    def __init__(self, method: str, target: str, headers: Pairs, body: bytes, stats: Mapping[str, int]) -> None:
        path, _, query = target.partition("?")
        self.method = method
        self.path = path
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.headers = headers
        self.body = body
        self.stats = stats

    def header(self, name: bytes) -> str:
        """Return the values under a lower-case name as one text, empty where there is none."""
        return ", ".join(value.decode("latin-1") for key, value in self.headers if key == name)


class Reply:
    """One response: what to say, after which `delay`, at what `pace` between its pieces (both in seconds).

    `length` is None where it is not announced. `cut` closes the connection where the pieces end; `silent` closes it
    without a byte.
    """

    __slots__ = ("body", "cut", "delay", "headers", "length", "pace", "silent", "status")

    def __init__(
        self,
        status: int = 200,
        body: bytes | Iterator[bytes] = b"",
        *headers: tuple[str, str],
        length: int | None = None,
        delay: float = 0.0,
        pace: float = 0.0,
        cut: bool = False,
        silent: bool = False,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.length = len(body) if isinstance(body, bytes) else length
        self.delay = delay
        self.pace = pace
        self.cut = cut
        self.silent = silent

    @property
    def has_body(self) -> bool:
        """Tell whether the status allows content at all (RFC 9110 15.3.5, 15.4.5)."""
        return self.status not in (204, 304)

    def head(self, *, keep_alive: bool, chunked: bool) -> bytes:
        """Write the status line and the fields; a length that is neither known nor chunked ends with the connection."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {self.status} {phrase}", "Server: borzoi-demo"]
        lines += [f"{name}: {value}" for name, value in self.headers]

        # RFC 9110 8.6: no Content-Length in a 204; in a 304 it would be that of a 200, which we do not know.
        if self.length is not None and self.has_body:
            lines.append(f"Content-Length: {self.length}")
        elif chunked and self.has_body:
            lines.append("Transfer-Encoding: chunked")
        lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_reply(value: Any, status: int = 200, *headers: tuple[str, str], delay: float = 0.0) -> Reply:
    """Make a reply with compact JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    fields = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers)
    return Reply(status, body, *fields, delay=delay)


def refusal(status: int, why: str, *headers: tuple[str, str]) -> Reply:
    """Make a reply that says what was wrong with the request."""
    return json_reply({"error": why}, status, *headers)


class Refused(Exception):
    """There is no route for the request, or the route does not accept its arguments."""

    def __init__(self, status: int, why: str, *headers: tuple[str, str]) -> None:
        super().__init__(why)
        self.status = status
        self.headers = headers


Route = TypeVar("Route", bound=Callable[..., Reply])

_ROUTES: dict[tuple[str, int], list[tuple[str, tuple[str, ...], Callable[..., Reply]]]] = {}


def route(method: str, template: str) -> Callable[[Route], Route]:
    """Put a function under a method and a path whose `{segments}` become its arguments."""
    segments = tuple(template[1:].split("/"))

    def register(function: Route) -> Route:
        _ROUTES.setdefault((segments[0], len(segments)), []).append((method, segments, function))
        return function

    return register


def respond(method: str, target: bytes, headers: Pairs, body: bytes, stats: Mapping[str, int]) -> Reply:
    """Answer a request by its route; `stats` is what `/connections` shows."""
    try:
        call = Call(method, _origin_form(target.decode("latin-1")), headers, body, stats)
        function, arguments = _find(call)
        return function(call, *arguments)
    except Refused as error:
        return refusal(error.status, str(error), *error.headers)


def _origin_form(target: str) -> str:
    if target.startswith("/"):
        return target

    # RFC 9112 3.2.2: a server accepts the absolute form too.
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise Refused(400, f"The target is no URL: {error}.") from error
    return f"{parts.path}?{parts.query}"


def _find(call: Call) -> tuple[Callable[..., Reply], list[str]]:
    given = call.path[1:].split("/")
    allowed = ""

    for method, segments, function in _ROUTES.get((given[0], len(given)), ()):
        if not all(want == have or want[0] == "{" for want, have in zip(segments, given, strict=True)):
            continue
        if call.method == method or (call.method, method) == ("HEAD", "GET"):
            return function, [unquote(have) for want, have in zip(segments, given, strict=True) if want[0] == "{"]
        allowed = "GET, HEAD" if method == "GET" else method

    if allowed:
        raise Refused(405, f"{call.path} does not take {call.method}.", ("Allow", allowed))
    raise Refused(404, f"There is nothing at {call.path}.")


def _number(text: str, name: str, most: int, least: int = 0) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and least <= int(text) <= most):
        raise Refused(400, f"{name} must be a number from {least} to {most}, not {text!r}.")
    return int(text)


def _seconds(call: Call, default: str) -> float:
    return _number(call.query.get("delay_ms", default), "delay_ms", 60_000) / 1000


def _record(number: int) -> dict[str, Any]:
    name = f"Record number {number:05}"
    return {"id": number, "name": name, "price": number % 997 + 0.25, "tags": ["demo", "borzoi"]}


def _page(number: int) -> dict[str, Any]:
    first = (number - 1) * PAGE
    records = [_record(first + offset) for offset in range(PAGE)]
    return {"page": number, "next": number + 1 if first + PAGE < RECORDS else None, "records": records}


@functools.lru_cache(4096)
def prebuilt(target: bytes) -> bytes | None:
    """Return the whole response to a GET of one record over a connection that stays open; None for other targets."""
    match = re.fullmatch(rb"/records/([0-9]{1,5})", target)
    if match is None:
        return None
    reply = json_reply(_record(int(match[1])))
    assert isinstance(reply.body, bytes)
    return reply.head(keep_alive=True, chunked=False) + reply.body


@route("GET", "/records/{number}")
def one_record(_: Call, number: str) -> Reply:
    """Give one record, 78 bytes of JSON or a few more or less."""
    return json_reply(_record(_number(number, "The number of a record", RECORDS - 1)))


@route("GET", "/records")
def page_of_records(call: Call) -> Reply:
    """Give a page of records and the number of the next page."""
    return json_reply(_page(_number(call.query.get("page", "1"), "page", RECORDS // PAGE, 1)))


@route("POST", "/echo")
def echo(call: Call) -> Reply:
    """Give the body back, under the type that it came with."""
    return Reply(200, call.body, ("Content-Type", call.header(b"content-type") or "application/octet-stream"))


@functools.lru_cache(64)
def checksum(size: int) -> str:
    """Return the SHA-256 of the first `size` bytes that a download gives, in hexadecimal."""
    digest = hashlib.sha256()
    for piece in _pieces(size):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // len(BLOCK)):
        yield BLOCK
    if size % len(BLOCK):
        yield BLOCK[: size % len(BLOCK)]


@route("GET", "/download/{size}")
def download(_: Call, size: str) -> Reply:
    """Give `size` pseudo-random bytes, the same ones each time, and their checksum in a header."""
    length = _number(size, "size", MAX_DOWNLOAD)
    headers = (("Content-Type", "application/octet-stream"), ("X-Checksum-SHA256", checksum(length)))
    return Reply(200, _pieces(length), *headers, length=length)


@route("GET", "/drip")
def drip(call: Call) -> Reply:
    """Give `pieces` pieces of `size` bytes with `delay_ms` between them, without saying how many there will be."""
    pieces = _number(call.query.get("pieces", "10"), "pieces", 10_000, 1)
    size = _number(call.query.get("size", "1"), "size", len(BLOCK), 1)
    body = iter([BLOCK[:size]] * pieces)
    return Reply(200, body, ("Content-Type", "application/octet-stream"), pace=_seconds(call, "10"))


@route("POST", "/v1/chat/completions")
def chat(call: Call) -> Reply:
    """Answer as a language model does: whole, or with `"stream": true` token by token, `delay_ms` (20) apart."""
    try:
        options = json.loads(call.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"The body is not JSON: {error}.") from error
    if not isinstance(options, dict):
        raise Refused(400, "The body must be a JSON object.")

    model = str(options.get("model", "demo"))
    if options.get("stream") is True:
        pace = _seconds(call, str(options.get("delay_ms", 20)))
        headers = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"))
        return Reply(200, _events(model), *headers, pace=pace)

    tokens = len(ANSWER.split())
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}
    return json_reply({**_completion("chat.completion", model), "choices": [choice], "usage": usage})


def _completion(kind: str, model: str) -> dict[str, Any]:
    return {"id": "chatcmpl-demo", "object": kind, "created": 1_700_000_000, "model": model}


def _events(model: str) -> Iterator[bytes]:
    deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": token} for token in re.findall(r"\S+\s?", ANSWER)]

    for delta in [*deltas, {}]:
        choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
        event = {**_completion("chat.completion.chunk", model), "choices": [choice]}
        yield f"data: {json.dumps(event, separators=(',', ':'))}\n\n".encode()
    yield b"data: [DONE]\n\n"


@route("GET", "/delay/{milliseconds}")
def delay(_: Call, milliseconds: str) -> Reply:
    """Answer late."""
    wait = _number(milliseconds, "The delay in milliseconds", 600_000)
    return json_reply({"delay_ms": wait}, delay=wait / 1000)


@route("GET", "/status/{code}")
def status(_: Call, code: str) -> Reply:
    """Answer with a status, empty."""
    return Reply(_number(code, "The status", 599, 200))


@route("GET", "/redirect/{count}")
def redirect(_: Call, count: str) -> Reply:
    """Redirect as often as asked, then answer."""
    left = _number(count, "The number of redirects", 1000)
    return Reply(302, b"", ("Location", f"/redirect/{left - 1}")) if left else json_reply({"redirected": True})


@route("GET", "/cookies")
def show_cookies(call: Call) -> Reply:
    """Give the cookies that came with the request."""
    pairs = (piece.strip().partition("=") for piece in call.header(b"cookie").split(";"))
    return json_reply({"cookies": {name: value for name, _, value in pairs if name}})


@route("GET", "/cookies/set")
def set_cookies(call: Call) -> Reply:
    """Set a cookie for each pair of the query, and redirect to where they are shown."""
    for name in call.query:
        if not _TOKEN.fullmatch(name):
            raise Refused(400, f"A cookie cannot be called {name!r} (RFC 6265 4.1.1).")
    fields = [("Set-Cookie", f"{name}={quote(value, safe='')}; Path=/") for name, value in call.query.items()]
    return Reply(302, b"", ("Location", "/cookies"), *fields)


@route("GET", "/basic-auth/{user}/{password}")
def basic_auth(call: Call, user: str, password: str) -> Reply:
    """Answer who gives this name and password, and nobody else."""
    expected = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    scheme, _, given = call.header(b"authorization").partition(" ")
    if (scheme.lower(), given.strip()) != ("basic", expected):
        return refusal(401, "Name and password, please.", ("WWW-Authenticate", 'Basic realm="demo", charset="UTF-8"'))
    return json_reply({"authenticated": True, "user": user})


@functools.cache
def _page_as_json() -> bytes:
    return json.dumps(_page(1)).encode()


@route("GET", "/gzip")
def gzipped(_: Call) -> Reply:
    """Give the first page of records, compressed."""
    body = gzip.compress(_page_as_json(), mtime=0)
    return Reply(200, body, ("Content-Type", "application/json"), ("Content-Encoding", "gzip"))


@route("GET", "/deflate")
def deflated(_: Call) -> Reply:
    """Give the first page of records in the zlib format, which is what RFC 9110 8.4.1.2 means by deflate."""
    body = zlib.compress(_page_as_json())
    return Reply(200, body, ("Content-Type", "application/json"), ("Content-Encoding", "deflate"))


@route("GET", "/headers")
def show_headers(call: Call) -> Reply:
    """Give the fields of the request."""
    names = dict.fromkeys(name for name, _ in call.headers)
    return json_reply({"headers": {name.decode("latin-1"): call.header(name) for name in names}})


@route("GET", "/close")
def close(_: Call) -> Reply:
    """Close the connection without an answer."""
    return Reply(silent=True)


@route("GET", "/half")
def half(_: Call) -> Reply:
    """Announce 1,000 bytes, give 500, and close."""
    body = islice(_pieces(500), 1)
    return Reply(200, body, ("Content-Type", "application/octet-stream"), length=1000, cut=True)


@route("GET", "/openapi.json")
def document(_: Call) -> Reply:
    """Give the OpenAPI document of the part that is an API."""
    from .demo_document import DOCUMENT

    return json_reply(DOCUMENT)


@route("GET", "/connections")
def connections(call: Call) -> Reply:
    """Give the number of connections accepted and of requests received so far, these included."""
    return json_reply(dict(call.stats))
