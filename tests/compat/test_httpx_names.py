"""The private names of httpx that packages use, one test for each kind."""

from __future__ import annotations

import asyncio
import importlib
import io
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner

import borzoi
from borzoi.compat import httpx_names, httpx_parts, httpx_types

KNOWN_USES = [
    ("_client", ["ACCEPT_ENCODING", "USER_AGENT", "request_context", "Timeout", "URLPattern", "HeaderTypes"]),
    ("_client", ["BaseClient", "UseClientDefault", "USE_CLIENT_DEFAULT", "ClientState", "EventHook"]),
    ("_config", ["DEFAULT_TIMEOUT_CONFIG", "DEFAULT_LIMITS", "DEFAULT_MAX_REDIRECTS", "UNSET", "Proxy", "Timeout"]),
    ("_content", ["ByteStream", "IteratorByteStream", "AsyncIteratorByteStream", "encode_request", "encode_response"]),
    ("_content", ["encode_json", "encode_multipart_data", "encode_urlencoded_data", "UnattachedStream"]),
    ("_decoders", ["GZipDecoder", "LineDecoder", "SUPPORTED_DECODERS", "TextDecoder"]),
    ("_exceptions", ["request_context", "HTTPStatusError"]),
    ("_models", ["Cookies", "Headers", "Request", "Response"]),
    ("_multipart", ["MultipartStream", "FileField", "DataField"]),
    ("_status_codes", ["codes"]),
    ("_transports.asgi", ["ASGITransport"]),
    ("_transports.base", ["AsyncBaseTransport", "BaseTransport"]),
    ("_transports.default", ["AsyncHTTPTransport", "HTTPTransport", "map_httpcore_exceptions"]),
    ("_transports.default", ["AsyncResponseStream", "ResponseStream"]),
    ("_transports.mock", ["MockTransport"]),
    ("_transports.wsgi", ["WSGITransport"]),
    ("_types", ["AuthTypes", "CookieTypes", "HeaderTypes", "QueryParamTypes", "RequestContent", "RequestFiles"]),
    ("_types", ["CertTypes", "FileTypes", "ProxyTypes", "TimeoutTypes", "URLTypes", "AsyncByteStream"]),
    ("_urlparse", ["urlparse", "ParseResult"]),
    ("_urls", ["URL", "QueryParams"]),
    ("_utils", ["URLPattern", "get_environment_proxies"]),
]


@pytest.mark.parametrize(("module", "names"), KNOWN_USES)
@pytest.mark.parametrize("root", ["httpx", "httpx2"])
def test_private_modules_have_what_packages_import(root: str, module: str, names: list[str], alias: None) -> None:
    """Each name is there, and is no stand-in for nothing."""
    found = importlib.import_module(f"{root}.{module}")

    assert {name: getattr(found, name, None) for name in names if getattr(found, name, None) is None} == {}


def test_public_classes_are_the_same_in_private_modules(alias: None) -> None:
    """A class is one object, from wherever it is imported."""
    family = httpx_names.modules()
    strange = [
        (module, name)
        for module, namespace in family.items()
        for name in borzoi.__all__
        if not name.startswith("__")
        and name != "main"
        and namespace.get(name, getattr(borzoi, name)) is not getattr(borzoi, name)
    ]

    assert strange == []


def test_clients_have_the_attributes_that_are_patched(alias: None) -> None:
    """The private attributes of clients are plain, writable ones, and `_mounts` has sortable patterns for keys."""
    library = importlib.import_module("httpx")
    replaced = library.MockTransport(lambda request: library.Response(204))
    with library.Client(mounts={"https://": None, "all://host.example": None}) as client:
        assert [pattern.pattern for pattern in client._mounts] == ["all://host.example", "https://"]
        assert sorted(client._mounts) == list(client._mounts)
        client._mounts = {library._utils.URLPattern("all://"): replaced}
        assert client.get("http://elsewhere.example/").status_code == 204
        client._mounts = {}
        client._transport = replaced
        assert client.get("http://elsewhere.example/").status_code == 204

    for name in ("_event_hooks", "_init_transport", "_init_proxy_transport", "_merge_url", "_redirect_headers"):
        assert hasattr(client, name)


def test_the_reference_of_a_url(alias: None) -> None:
    """`URL._uri_reference` has the parts of the URL, may be copied with others, and may be assigned."""
    url = borzoi.URL("https://user@host.example:8443/path?query#fragment")
    reference = url._uri_reference  # type: ignore[attr-defined]

    assert (reference.host, reference.port, reference.netloc) == ("host.example", 8443, "host.example:8443")
    assert str(reference) == "https://user@host.example:8443/path?query#fragment"
    assert str(reference.copy_with(query="other")) == "https://user@host.example:8443/path?other#fragment"

    url._uri_reference = reference._replace(path="/elsewhere")  # type: ignore[attr-defined]
    assert str(url) == "https://user@host.example:8443/elsewhere?query#fragment"
    assert url.raw_path == b"/elsewhere?query"


def test_the_list_of_headers(alias: None) -> None:
    """`Headers._list` has three values for each field, and may be assigned."""
    headers: Any = borzoi.Headers([("Name", "value")])
    assert headers._list == [(b"Name", b"name", b"value")]

    headers._list = [*headers._list, (b"Other", b"other", b"2")]
    assert headers.raw == [(b"Name", b"value"), (b"Other", b"2")]


def test_private_attributes_are_there_with_the_alias_only() -> None:
    """Without the alias, classes have no names of httpx's inner parts."""
    assert not hasattr(borzoi.URL, "_uri_reference")
    assert not hasattr(borzoi.Headers, "_list")


def test_urlparse() -> None:
    """It returns the parts of a URL, and refuses what is none."""
    assert httpx_parts.urlparse("http://host.example/a?b").query == "b"
    assert httpx_parts.urlparse("http://host.example/", port="8080").netloc == "host.example:8080"
    with pytest.raises(borzoi.InvalidURL):
        httpx_parts.urlparse("http://[")


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (None, ""), (1.5, "1.5"), ("text", "text"), (b"b", "b'b'")]
)
def test_primitive_values(value: Any, text: str) -> None:
    """They are written as queries have them."""
    assert httpx_parts.primitive_value_to_str(value) == text


def test_text_and_bytes() -> None:
    """Each is turned into the other, and left alone where it is that already; quotes are taken away in pairs."""
    assert httpx_parts.to_bytes("é") == httpx_parts.to_bytes("é".encode()) == "é".encode()
    assert httpx_parts.to_str(b"a") == httpx_parts.to_str("a") == "a"
    assert (httpx_parts.to_bytes_or_str("a", "b"), httpx_parts.to_bytes_or_str("a", b"b")) == ("a", b"a")
    assert [httpx_parts.unquote(text) for text in ('"a"', "a", '"', '"a')] == ["a", "a", '"', '"a']


def test_the_length_of_a_file(tmp_path: Path) -> None:
    """It is that of a file on disk, of one in memory whose position stays, and None for what has none."""
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    in_memory = io.BytesIO(b"123")
    in_memory.seek(1)

    with path.open("rb") as file:
        assert httpx_parts.peek_filelike_length(file) == 5
    assert httpx_parts.peek_filelike_length(in_memory) == 3
    assert in_memory.tell() == 1
    assert httpx_parts.peek_filelike_length(iter([b""])) is None


@pytest.mark.parametrize(
    ("host", "is_ipv4", "is_ipv6"),
    [("127.0.0.1", True, False), ("10.0.0.0/8", True, False), ("::1", False, True), ("host", False, False)],
)
def test_addresses(host: str, is_ipv4: bool, is_ipv6: bool) -> None:
    """Addresses and networks are told from names."""
    assert (httpx_parts.is_ipv4_hostname(host), httpx_parts.is_ipv6_hostname(host)) == (is_ipv4, is_ipv6)


def test_decoders_take_and_give_bytes() -> None:
    """`decode()` returns what is decoded by now, `flush()` the rest, or the error that the end is missing."""
    compressor = zlib.compressobj(wbits=31)
    data = compressor.compress(b"hello " * 100) + compressor.flush()
    decoder = httpx_parts.SUPPORTED_DECODERS["gzip"]()
    assert decoder.decode(data[:20]) + decoder.decode(data[20:]) + decoder.flush() == b"hello " * 100

    decoder = httpx_parts.GZipDecoder()
    decoder.decode(data[:20])
    with pytest.raises(borzoi.DecodingError):
        decoder.flush()
    assert httpx_parts.IdentityDecoder().decode(b"as it is") == b"as it is"


class TimeoutException(Exception):
    """An exception with the name of one of ours, as httpcore has them."""


class ReadTimeout(TimeoutException):
    """Another."""


class ReadTimeoutOfUpload(ReadTimeout):
    """One whose name is its own, below one that has a counterpart."""


class Body:
    """What httpcore gives for a body."""

    def __init__(self) -> None:
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"piece"
        raise ReadTimeout("too slow")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (ReadTimeout("too slow"), borzoi.ReadTimeout),
        (ReadTimeoutOfUpload("too slow"), borzoi.ReadTimeout),
        (TimeoutException("too slow"), borzoi.TimeoutException),
        (borzoi.ConnectError("too slow"), borzoi.ConnectError),
        (ValueError("too slow"), ValueError),
        (RuntimeError("too slow"), RuntimeError),
    ],
)
def test_exceptions_of_httpcore_are_mapped(raised: Exception, seen: type[Exception]) -> None:
    """An exception is raised as ours of that name, the nearest one; another passes as it is."""
    with pytest.raises(seen, match=r"^too slow$") as caught:
        with httpx_parts.map_httpcore_exceptions():
            raise raised

    assert type(caught.value) is seen


def test_bodies_of_httpcore_are_read() -> None:
    """A body of httpcore's is handed on, its errors are ours, and closing it closes what is read."""
    body = Body()
    stream = httpx_parts.ResponseStream(body)
    chunks = iter(stream)
    assert next(chunks) == b"piece"
    with pytest.raises(borzoi.ReadTimeout, match="too slow"):
        next(chunks)
    stream.close()
    assert body.is_closed
    httpx_parts.ResponseStream([]).close()


def test_bodies_of_httpcore_are_read_in_event_loops() -> None:
    """The same holds where the body is awaited."""

    async def main() -> None:
        body = Body()
        stream = httpx_parts.AsyncResponseStream(body)
        chunks = aiter(stream)
        assert await anext(chunks) == b"piece"
        with pytest.raises(borzoi.ReadTimeout, match="too slow"):
            await anext(chunks)
        await stream.aclose()
        assert body.is_closed
        await httpx_parts.AsyncResponseStream(aiter(body)).aclose()

    asyncio.run(main())


def test_text_and_lines_are_decoded() -> None:
    """Text comes as one piece, lines as a list."""
    text = httpx_parts.WholeTextDecoder()
    assert text.decode("é".encode()[:1]) + text.decode("é".encode()[1:]) == "é"

    lines = httpx_parts.ListLineDecoder()
    assert lines.decode("a\nb") + lines.flush() == ["a", "b"]


def test_the_command_line_is_a_click_command(alias: None) -> None:
    """`httpx.main` runs as click's tests run commands, and as a function."""
    library = importlib.import_module("httpx")
    done = CliRunner().invoke(library.main, ["--help"])
    assert done.exit_code == 0
    assert "URL" in done.output

    with pytest.raises(SystemExit) as ended:
        library.main(["--help"], prog_name="httpx")
    assert ended.value.code == 0


def test_types_are_objects() -> None:
    """The types of arguments can be looked into at run time, as libraries of models do."""
    assert borzoi.URL in get_args(httpx_types.URLTypes)
    assert borzoi.Timeout in get_args(httpx_types.TimeoutTypes)
