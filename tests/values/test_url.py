"""URL and Origin: every property and method, as httpx 0.28.1 has them, and where they are stricter on purpose."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi._errors import InvalidURL
from borzoi._values import url as url_module
from borzoi._values.query import QueryParams
from borzoi._values.url import URL, Origin, parse_url

# What httpx 0.28.1 gives: text, str(), userinfo, raw_host, port, raw_path.
AS_HTTPX: list[tuple[str, str, bytes, bytes, int | None, bytes]] = [
    ("", "", b"", b"", None, b"/"),
    ("/", "/", b"", b"", None, b"/"),
    ("?", "?", b"", b"", None, b"/?"),
    ("#", "#", b"", b"", None, b"/"),
    ("?a", "?a", b"", b"", None, b"/?a"),
    ("#b", "#b", b"", b"", None, b"/"),
    ("/a?b#c", "/a?b#c", b"", b"", None, b"/a?b"),
    ("a/b", "a/b", b"", b"", None, b"a/b"),
    ("//host/x", "//host/x", b"", b"host", None, b"/x"),
    ("://host", "//host", b"", b"host", None, b"/"),
    ("http:", "http:", b"", b"", None, b"/"),
    ("http://", "http:", b"", b"", None, b"/"),
    ("http://h", "http://h", b"", b"h", None, b"/"),
    ("HTTP://h/%7Ea/%zz%", "http://h/%7Ea/%zz%", b"", b"h", None, b"/%7Ea/%zz%"),
    ("http://h:8080", "http://h:8080", b"", b"h", 8080, b"/"),
    ("http://h:/", "http://h/", b"", b"h", None, b"/"),
    ("http://h:00081/", "http://h:81/", b"", b"h", 81, b"/"),
    ("ws://h:80/", "ws://h/", b"", b"h", None, b"/"),
    ("wss://h:443/", "wss://h/", b"", b"h", None, b"/"),
    ("ftp://h:21/", "ftp://h/", b"", b"h", None, b"/"),
    ("foo://h:80/", "foo://h:80/", b"", b"h", 80, b"/"),
    ("http://u@h/", "http://u@h/", b"u", b"h", None, b"/"),
    ("http://u:p@h/", "http://u:p@h/", b"u:p", b"h", None, b"/"),
    ("http://:p@h/", "http://:p@h/", b":p", b"h", None, b"/"),
    ("http://u:@h/", "http://u:@h/", b"u:", b"h", None, b"/"),
    ("http://@h/", "http://h/", b"", b"h", None, b"/"),
    ("http://a@b@h/", "http://a%40b@h/", b"a%40b", b"h", None, b"/"),
    ("http://a%40b:c%3Ad@h/", "http://a%40b:c%3Ad@h/", b"a%40b:c%3Ad", b"h", None, b"/"),
    ("http://\xfc:\xdf@h/", "http://%C3%BC:%C3%9F@h/", b"%C3%BC:%C3%9F", b"h", None, b"/"),
    (
        'http://a b;=[]^|:c`{}<>"@h/',
        "http://a%20b%3B%3D%5B%5D%5E%7C:c%60%7B%7D%3C%3E%22@h/",
        b"a%20b%3B%3D%5B%5D%5E%7C:c%60%7B%7D%3C%3E%22",
        b"h",
        None,
        b"/",
    ),
    ("http://[::1]", "http://[::1]", b"", b"::1", None, b"/"),
    ("http://[::FFFF:1.2.3.4]:80/", "http://[::FFFF:1.2.3.4]/", b"", b"::FFFF:1.2.3.4", None, b"/"),
    ("http://[fe80::1%25eth0]:8000/x", "http://[fe80::1%25eth0]:8000/x", b"", b"fe80::1%25eth0", 8000, b"/x"),
    ("http://127.0.0.1/", "http://127.0.0.1/", b"", b"127.0.0.1", None, b"/"),
    ("http://1.2.3.4:80", "http://1.2.3.4", b"", b"1.2.3.4", None, b"/"),
    ("http://fa\xdf.de", "http://xn--fa-hia.de", b"", b"xn--fa-hia.de", None, b"/"),
    (
        "http://K\xf6nigsg\xe4\xdfchen.de",
        "http://xn--knigsgchen-b4a3dun.de",
        b"",
        b"xn--knigsgchen-b4a3dun.de",
        None,
        b"/",
    ),
    (
        "http://\u4e2d\u56fd.icom.museum:80/",
        "http://xn--fiqs8s.icom.museum/",
        b"",
        b"xn--fiqs8s.icom.museum",
        None,
        b"/",
    ),
    ("http://www.m\xfcller.de/", "http://www.xn--mller-kva.de/", b"", b"www.xn--mller-kva.de", None, b"/"),
    ("http://xn--mnchen-3ya.de/", "http://xn--mnchen-3ya.de/", b"", b"xn--mnchen-3ya.de", None, b"/"),
    ("http://127\u30020\u30020\u30021/", "http://127.0.0.1/", b"", b"127.0.0.1", None, b"/"),
    ("http://\u212aelvin.org/", "http://kelvin.org/", b"", b"kelvin.org", None, b"/"),
    ("http://a_b-.c~!$&'()*+,;={}\"`/", "http://a_b-.c~!$&'()*+,;={}\"`/", b"", b"a_b-.c~!$&'()*+,;={}\"`", None, b"/"),
    ("http://*.x.org/", "http://*.x.org/", b"", b"*.x.org", None, b"/"),
    (
        "http://h/a b/\xfc?x y=\xfc#z \xfc",
        "http://h/a%20b/%C3%BC?x%20y=%C3%BC#z%20%C3%BC",
        b"",
        b"h",
        None,
        b"/a%20b/%C3%BC?x%20y=%C3%BC",
    ),
    ('http://h/"#<>?`{}|\\^[]', "http://h/%22#%3C%3E?%60{}|\\^[]", b"", b"h", None, b"/%22"),
    ('http://h/?"#<>?`{}|\\^[]', "http://h/?%22#%3C%3E?%60{}|\\^[]", b"", b"h", None, b"/?%22"),
    ('http://h/#"#<>?`{}|\\^[]', "http://h/#%22#%3C%3E?%60{}|\\^[]", b"", b"h", None, b"/"),
    ("http://h/a/./b/../c", "http://h/a/c", b"", b"h", None, b"/a/c"),
    ("http://h/a/..", "http://h", b"", b"h", None, b"/"),
    ("http://h/a/b/..", "http://h/a", b"", b"h", None, b"/a"),
    ("http://h/..", "http://h", b"", b"h", None, b"/"),
    ("http://h/../../x", "http://h/x", b"", b"h", None, b"/x"),
    ("http://h/a//b/../c", "http://h/a//c", b"", b"h", None, b"/a//c"),
    ("http://h/.well-known/x", "http://h/.well-known/x", b"", b"h", None, b"/.well-known/x"),
    ("http://h//x", "http://h//x", b"", b"h", None, b"//x"),
    ("a/../b", "a/../b", b"", b"", None, b"a/../b"),
    ("/a/../b", "/a/../b", b"", b"", None, b"/a/../b"),
    ("foo:a/../b", "foo:b", b"", b"", None, b"b"),
    ("mailto:a@b.org", "mailto:a@b.org", b"", b"", None, b"a@b.org"),
    ("http://h?", "http://h?", b"", b"h", None, b"/?"),
    ("http://h/?#", "http://h/?#", b"", b"h", None, b"/?"),
    ("http://h/a;b=c,d@e:f", "http://h/a;b=c,d@e:f", b"", b"h", None, b"/a;b=c,d@e:f"),
    ("http://h/%2e%2E/x", "http://h/%2e%2E/x", b"", b"h", None, b"/%2e%2E/x"),
    ("https://:443/x", "https:/x", b"", b"", None, b"/x"),
    ("http+unix://%2Frun%2Fx.sock/v1", "http+unix://%2frun%2fx.sock/v1", b"", b"%2frun%2fx.sock", None, b"/v1"),
    ("file:///etc/hosts", "file:/etc/hosts", b"", b"", None, b"/etc/hosts"),
    ("http:/a", "http:/a", b"", b"", None, b"/a"),
    ("http:a", "http:a", b"", b"", None, b"a"),
    ("1a:b", "1a:b", b"", b"", None, b"1a:b"),
    ("http://u@/x", "http://u@/x", b"u", b"", None, b"/x"),
    ("http://:81/x", "http://:81/x", b"", b"", 81, b"/x"),
    (
        "http://h/\U0001f600?\U0001f600",
        "http://h/%F0%9F%98%80?%F0%9F%98%80",
        b"",
        b"h",
        None,
        b"/%F0%9F%98%80?%F0%9F%98%80",
    ),
]


class TestParts:
    @pytest.mark.parametrize(("text", "written", "userinfo", "raw_host", "port", "raw_path"), AS_HTTPX)
    def test_they_are_those_of_httpx(
        self, text: str, written: str, userinfo: bytes, raw_host: bytes, port: int | None, raw_path: bytes
    ) -> None:
        """Each text gives the parts that httpx gives for it."""
        url = URL(text)
        assert str(url) == written
        assert (url.userinfo, url.raw_host, url.port, url.raw_path) == (userinfo, raw_host, port, raw_path)
        assert URL(str(url)) == url

    def test_all_of_them(self) -> None:
        """A URL with everything in it tells each part, encoded and decoded."""
        url = URL("HTTPS://jo%40example.com:a%20secret@münchen.example:1234/pa%20th?search=ab&x#anchor%20link")
        assert url.scheme == "https"
        assert url.raw_scheme == b"https"
        assert url.userinfo == b"jo%40example.com:a%20secret"
        assert url.username == "jo@example.com"
        assert url.password == "a secret"
        assert url.host == "münchen.example"
        assert url.raw_host == b"xn--mnchen-3ya.example"
        assert url.port == 1234
        assert url.netloc == b"xn--mnchen-3ya.example:1234"
        assert url.path == "/pa th"
        assert url.query == b"search=ab&x"
        assert url.params == QueryParams("search=ab&x")
        assert url.raw_path == b"/pa%20th?search=ab&x"
        assert url.fragment == "anchor link"
        assert url.is_absolute_url
        assert not url.is_relative_url

    def test_none_of_them(self) -> None:
        """An empty URL has empty parts, and the path "/"."""
        url = URL("")
        assert (url.scheme, url.username, url.password, url.host, url.fragment) == ("", "", "", "", "")
        assert (url.raw_scheme, url.userinfo, url.raw_host, url.netloc, url.query) == (b"", b"", b"", b"", b"")
        assert url.port is None
        assert url.path == "/"
        assert url.raw_path == b"/"
        assert not url.params
        assert url.is_relative_url

    @pytest.mark.parametrize(
        ("text", "origin", "host_header", "target"),
        [
            ("http://127.0.0.1:8000/items/17?a=b", (b"http", b"127.0.0.1", 8000), b"127.0.0.1:8000", b"/items/17?a=b"),
            ("https://example.org", (b"https", b"example.org", 443), b"example.org", b"/"),
            ("https://u:p@EXAMPLE.org:443?", (b"https", b"example.org", 443), b"example.org", b"/?"),
            ("ws://münchen.example/#a", (b"ws", b"xn--mnchen-3ya.example", 80), b"xn--mnchen-3ya.example", b"/"),
            ("http://[::0001]:80/", (b"http", b"::1", 80), b"[::0001]", b"/"),
            ("http://[::1]:81/", (b"http", b"::1", 81), b"[::1]:81", b"/"),
            ("http://[fe80::1%25eth0]:81/", (b"http", b"fe80::1%eth0", 81), b"[fe80::1]:81", b"/"),
            ("foo://h/", (b"foo", b"h", 0), b"h", b"/"),
            ("foo://h:1/", (b"foo", b"h", 1), b"h:1", b"/"),
            ("/a?b", (b"", b"", 0), b"", b"/a?b"),
        ],
    )
    def test_what_a_request_needs(
        self, text: str, origin: tuple[bytes, bytes, int], host_header: bytes, target: bytes
    ) -> None:
        """The origin to connect to, the Host field and the target are ready when the URL is."""
        url = URL(text)
        assert url._origin == origin
        assert url._host_header == host_header
        assert url._target == url.raw_path == target

    def test_idna_that_people_cannot_read_raises_nothing(self) -> None:
        """A host that IDNA 2008 does not decode is shown as it goes over the wire."""
        assert URL("http://xn--i-7iq.ws/").host == "xn--i-7iq.ws"

    def test_raw_is_deprecated(self) -> None:
        """`raw` still gives its four parts, with a warning."""
        with pytest.warns(UserWarning, match="deprecated"):
            raw = URL("http://h:81/a?b").raw
        assert raw == (b"http", b"h", 81, b"/a?b")


class TestArguments:
    @pytest.mark.parametrize(
        ("url", "arguments", "expected"),
        [
            ("", {"scheme": "https", "host": "example.org", "path": "/"}, "https://example.org/"),
            ("https://u:p@h:81/a?b#c", {"scheme": "http"}, "http://u:p@h:81/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"scheme": "HTTP", "port": 80}, "http://u:p@h/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"username": "x"}, "https://x@h:81/a?b#c"),
            (
                "https://u:p@h:81/a?b#c",
                {"username": "jo@x", "password": "a:b/c"},
                "https://jo%40x:a%3Ab%2Fc@h:81/a?b#c",
            ),
            ("https://u:p@h:81/a?b#c", {"username": None}, "https://h:81/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"userinfo": b"x:y%20"}, "https://x:y%20@h:81/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"host": "münchen.example"}, "https://u:p@xn--mnchen-3ya.example:81/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"host": "::1"}, "https://u:p@[::1]:81/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"host": "[::1]"}, "https://u:p@[::1]:81/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"port": 443}, "https://u:p@h/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"port": 0}, "https://u:p@h:0/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"port": None}, "https://u:p@h/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"netloc": b"x"}, "https://u:p@x/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"netloc": b"x:82"}, "https://u:p@x:82/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"netloc": b"[::1]:82"}, "https://u:p@[::1]:82/a?b#c"),
            ("https://u:p@h:81/a?b#c", {"path": "/ü/../x y"}, "https://u:p@h:81/x%20y?b#c"),
            ("https://u:p@h:81/a?b#c", {"path": None}, "https://u:p@h:81?b#c"),
            ("https://u:p@h:81/a?b#c", {"query": b"x=y z"}, "https://u:p@h:81/a?x=y%20z#c"),
            ("https://u:p@h:81/a?b#c", {"query": b""}, "https://u:p@h:81/a?#c"),
            ("https://u:p@h:81/a?b#c", {"query": None}, "https://u:p@h:81/a#c"),
            ("https://u:p@h:81/a?b#c", {"raw_path": b"/x?y"}, "https://u:p@h:81/x?y#c"),
            ("https://u:p@h:81/a?b#c", {"raw_path": b"/x"}, "https://u:p@h:81/x#c"),
            ("https://u:p@h:81/a?b#c", {"raw_path": b"/x?"}, "https://u:p@h:81/x?#c"),
            ("https://u:p@h:81/a?b#c", {"fragment": "x y"}, "https://u:p@h:81/a?b#x%20y"),
            ("https://u:p@h:81/a?b#c", {"fragment": None}, "https://u:p@h:81/a?b"),
            ("https://u:p@h:81/a?b#c", {"params": {"x": [1, "a b"]}}, "https://u:p@h:81/a?x=1&x=a+b#c"),
            ("https://u:p@h:81/a?b#c", {"params": {}}, "https://u:p@h:81/a#c"),
            ("https://u:p@h:81/a?b#c", {"params": None}, "https://u:p@h:81/a#c"),
            ("/a?b", {"params": "c"}, "/a?c="),
        ],
    )
    def test_they_replace_parts(self, url: str, arguments: dict[str, Any], expected: str) -> None:
        """Each argument replaces its part, of a text and of a URL alike, and leaves the original alone."""
        original = URL(url)
        assert str(URL(url, **arguments)) == expected
        assert str(URL(original, **arguments)) == expected
        assert str(original.copy_with(**arguments)) == expected
        assert str(original) == url

    def test_an_unknown_one_is_a_type_error(self) -> None:
        """An argument that no URL has is named."""
        with pytest.raises(TypeError, match="'incorrect' is an invalid keyword argument for URL"):
            URL("http://h/", incorrect=1)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"host": b"h"}, "Argument 'host' must be str but got bytes"),
            ({"query": "a"}, "Argument 'query' must be bytes but got str"),
            ({"port": "80"}, "Argument 'port' must be int but got str"),
        ],
    )
    def test_one_of_the_wrong_type_is_a_type_error(self, arguments: dict[str, Any], message: str) -> None:
        """An argument of the wrong type is named with both types."""
        with pytest.raises(TypeError, match=message):
            URL("http://h/", **arguments)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"query": b"a\xff"}, "Invalid URL component 'query': not ASCII at position 1."),
            ({"params": {"a": "\ud800"}}, "Invalid URL component 'params'"),
            ({"params": b"\xff"}, "Invalid URL component 'params'"),
            ({"username": "\ud800"}, "Invalid character in username"),
            ({"password": "\ud800"}, "Invalid character in password"),
            ({"port": -1}, "Invalid port: '-1'"),
            ({"port": True}, "Invalid port: 'True'"),
            ({"host": "a/b"}, "Invalid host: 'a/b'"),
            ({"host": "2001"}, "Invalid IPv4 address: '2001'"),
            ({"host": ":"}, r"Invalid IPv6 address: '\[:\]'"),
            ({"path": "/a?b"}, "Invalid URL component 'path'"),
        ],
    )
    def test_one_of_a_wrong_value_is_an_invalid_url(self, arguments: dict[str, Any], message: str) -> None:
        """An argument that its part cannot hold raises InvalidURL."""
        with pytest.raises(InvalidURL, match=message):
            URL("http://h/", **arguments)

    @pytest.mark.parametrize("url", [None, 1, b"http://h/", ["http://h/"]])
    def test_a_url_is_text_or_a_url(self, url: Any) -> None:
        """Anything else raises TypeError."""
        with pytest.raises(TypeError, match="Invalid type for url"):
            URL(url)

    def test_a_url_of_a_url_is_equal(self) -> None:
        """URL(url) is a URL with the same parts, and so is one made of a subclass of str."""

        class Text(str):
            __slots__ = ()

        url = URL("http://h/a")
        assert URL(url) == url
        assert URL(Text("http://h/a")) == url
        assert type(str(URL(Text("http://h/a")))) is str


class TestParams:
    def test_copies_with_other_params(self) -> None:
        """Parameters are set, added, removed and merged in a copy."""
        url = URL("http://h/a?x=1&y=2#z")
        assert str(url.copy_set_param("x", 3)) == "http://h/a?x=3&y=2#z"
        assert str(url.copy_add_param("x", 3)) == "http://h/a?x=1&x=3&y=2#z"
        assert str(url.copy_remove_param("x")) == "http://h/a?y=2#z"
        assert str(url.copy_remove_param("x").copy_remove_param("y")) == "http://h/a#z"
        assert str(url.copy_merge_params({"y": 3, "z": 4})) == "http://h/a?x=1&y=3&z=4#z"


class TestJoining:
    @pytest.mark.parametrize(
        ("base", "reference", "expected"),
        [
            ("https://example.org:123/path/to/somewhere", "/somewhere-else", "https://example.org:123/somewhere-else"),
            (
                "https://example.org:123/path/to/somewhere",
                "somewhere-else",
                "https://example.org:123/path/to/somewhere-else",
            ),
            (
                "https://example.org:123/path/to/somewhere",
                "../somewhere-else",
                "https://example.org:123/path/somewhere-else",
            ),
            ("https://example.org:123/path", "http://other.example", "http://other.example"),
            ("http://h/a?b#c", "?d", "http://h/a?d"),
            ("http://h/a?b#c", "", "http://h/a?b#c"),
            ("http://h/a//b/c", "d", "http://h/a//b/d"),
        ],
    )
    def test_a_reference_is_resolved(self, base: str, reference: str, expected: str) -> None:
        """A text and a URL are resolved alike, and the result is ready for a request."""
        for joined in (URL(base).join(reference), URL(base).join(URL(reference))):
            assert str(joined) == expected
            assert joined._origin == URL(expected)._origin
            assert joined._target == URL(expected)._target


class TestComparing:
    def test_equal_urls(self) -> None:
        """URLs that differ in nothing but case, default port and encoding are equal, to texts too, and hash alike."""
        url = URL("http://example.org/a%20b")
        for text in ("http://example.org/a%20b", "HTTP://EXAMPLE.org:80/a b"):
            assert url == text
            assert url == URL(text)
            assert hash(url) == hash(URL(text))
        assert url in {URL("HTTP://EXAMPLE.ORG/a b"): 1}

    @pytest.mark.parametrize(
        "other", ["http://example.org", "http://example.org/\n", "", None, 1, b"http://example.org/"]
    )
    def test_unequal_things(self, other: Any) -> None:
        """Other URLs, texts that are no URL, and other things are unequal, without an exception."""
        assert URL("http://example.org/") != other

    @given(st.sampled_from(AS_HTTPX), st.sampled_from(AS_HTTPX))
    def test_equality_is_that_of_texts(self, one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
        """Two URLs are equal just if they are written alike."""
        assert (URL(one[0]) == URL(other[0])) == (str(URL(one[0])) == str(URL(other[0])))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("http://h/", "URL('http://h/')"),
            ("http://user@h/", "URL('http://[secure]@h/')"),
            ("http://user:hunter2@h/", "URL('http://user:[secure]@h/')"),
            ("http://user:hunter2:hunter2@[::1]:81/a?b#c", "URL('http://user:[secure]@[::1]:81/a?b#c')"),
        ],
    )
    def test_the_repr_hides_the_password(self, text: str, expected: str) -> None:
        """A password is never in the repr."""
        assert repr(URL(text)) == expected

    def test_urls_are_copied_pickled_and_referenced(self) -> None:
        """copy, deepcopy, pickle and weakref work, and a copy is ready for a request."""
        for text in ("http://u:p@h:81/a?b#c", "/a", "http://h"):
            url = URL(text)
            for twin in (copy.copy(url), copy.deepcopy(url), pickle.loads(pickle.dumps(url))):
                assert twin == url
                assert (twin._origin, twin._host_header, twin._target) == (url._origin, url._host_header, url._target)
            assert weakref.ref(url)() is url

    def test_subclasses_work(self) -> None:
        """A subclass is a URL with its own name."""

        class Mine(URL):
            pass

        mine = Mine("http://h/")
        assert repr(mine) == "Mine('http://h/')"
        assert mine == URL("http://h/")
        assert URL(mine).join("a") == "http://h/a"


class TestParseUrl:
    def test_a_text_gives_one_url(self) -> None:
        """The same text gives the same URL, equal to URL(text)."""
        url = parse_url("http://example.org/parse?url")
        assert parse_url("http://example.org/parse" + "?url") is url
        assert url == URL("http://example.org/parse?url")

    def test_long_texts_are_not_kept(self) -> None:
        """A text of many kilobytes is parsed, but not remembered."""
        text = "http://example.org/" + "a" * 5000
        assert parse_url(text) == parse_url(text)
        assert parse_url(text) is not parse_url(text)

    def test_the_cache_is_bounded(self) -> None:
        """However many texts are parsed, some thousand of them are remembered, and each gives its own URL."""
        for number in range(3000):
            assert parse_url(f"http://example.org/{number}")._target == f"/{number}".encode()
        assert 0 < len(url_module._known) <= 1024

    def test_errors_are_raised_each_time(self) -> None:
        """A text that is no URL raises InvalidURL whenever it is parsed."""
        for _ in range(2):
            with pytest.raises(InvalidURL):
                parse_url("http://h:abc/")


class TestOrigin:
    def test_it_has_scheme_host_and_effective_port(self) -> None:
        """An origin is scheme, host and port; the port is never absent where the scheme has one."""
        origin = URL("HTTPS://u:p@münchen.example/a?b#c").origin
        assert (origin.scheme, origin.host, origin.port) == ("https", "münchen.example", 443)
        assert repr(origin) == "Origin(scheme='https', host='münchen.example', port=443)"
        assert Origin("http://h:81/") == URL("http://h:81/x").origin
        assert Origin("foo://h").port is None
        assert Origin("foo://h:0").port == 0

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("http://h/a", "http://H:80/b", True),
            ("http://[::1]/", "http://[0:0::0001]:80/", True),
            ("http://h/", "https://h/", False),
            ("http://h/", "http://h.x/", False),
            ("http://h/", "http://h:81/", False),
        ],
    )
    def test_origins_are_compared(self, one: str, other: str, same: bool) -> None:
        """Origins are equal if their three parts are, addresses as numbers; equal ones hash alike."""
        assert (URL(one).origin == URL(other).origin) is same
        assert len({URL(one).origin, URL(other).origin}) == (1 if same else 2)

    def test_it_equals_only_origins(self) -> None:
        """A text or a tuple is no origin."""
        assert Origin("http://h/") != "http://h"
        assert Origin("http://h/") != ("http", "h", 80)

    @pytest.mark.parametrize("url", ["", "/a", "//h/a", "http:"])
    def test_a_relative_url_has_none(self, url: str) -> None:
        """Without a scheme or a host there is no origin."""
        with pytest.raises(ValueError, match="absolute"):
            URL(url).origin  # noqa: B018

    def test_it_never_changes(self) -> None:
        """Its parts can be neither assigned nor deleted; copies and pickles are equal."""
        origin = Origin("http://h:81/")
        with pytest.raises(AttributeError, match="cannot assign"):
            origin.port = 82
        with pytest.raises(AttributeError, match="cannot delete"):
            del origin.port
        for twin in (copy.copy(origin), copy.deepcopy(origin), pickle.loads(pickle.dumps(origin))):
            assert twin == origin

    def test_it_is_matched_by_position(self) -> None:
        """A `case` pattern takes scheme, host and port in this order."""
        match Origin("http://h/"):
            case Origin(scheme, host, port):
                assert (scheme, host, port) == ("http", "h", 80)


class TestDifferencesFromHttpx:
    @pytest.mark.parametrize(
        "text",
        [
            "http://a\\b/", "http://a\\@b/", "http://a\\b@c/", "http://h:65536/", "http://h:-1/", "http://h:+80/", "http://h:8_0/",
            "http://h: 80/", "http://h:\u0668/", "http://[::1]80/", "http://127.1/", "http://2130706433/", "http://0x7f.1/",
            "http://1.2.3.4./", "http://xn--a/", "http://a b/", "http://a%20b/", "http://a<b/", "http://a|b/", "http:///a", "///a",
            "/\\a", "\\\\a", "http:/.//a", ":a:b", "http://h/\ud800", "http://[::1%\u00fc]/",
        ],
    )  # fmt: skip
    def test_what_programs_read_differently_is_refused(self, text: str) -> None:
        """httpx takes these, or fails with a UnicodeError; each names another host, or none, to another program."""
        with pytest.raises(InvalidURL):
            URL(text)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("HTTP://h:80/", "http://h/"),
            ("HTTPS://h:443", "https://h"),
            ("http://ΑΣ.gr/", "http://xn--mxa0b.gr/"),
            ("foo:////a", "foo:////a"),
        ],
    )
    def test_the_normal_form_is_one(self, text: str, expected: str) -> None:
        """Where httpx has a second form for a URL, or a form that reads as another URL, there is one."""
        assert str(URL(text)) == expected
        assert str(URL(expected)) == expected


def test_idna_is_imported_for_a_host_that_needs_it() -> None:
    """Plain URLs import neither idna nor ipaddress nor the standard library's own URL parser."""
    program = """
import sys
from borzoi._values.url import URL, parse_url
parse_url("http://127.0.0.1:8000/a?b").join("/c ?d").copy_with(params={"a": "ü"})
assert not {"idna", "ipaddress", "urllib.parse", "socket"} & set(sys.modules), sys.modules.keys()
assert URL("http://ü.example/")._origin[1] == b"xn--tda.example"
assert "idna" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
