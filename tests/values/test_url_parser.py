"""The URL parser: its fast way against its whole way, references, linear time, and what it refuses."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from borzoi._errors import InvalidURL
from borzoi._values.url_parser import MAX_URL_LENGTH, Parts, parse, parse_normal, replace, resolve

PIECES = [
    "http", "https", "ws", "wss", "ftp", "HTTP", "foo", ":", "//", "/", "\\", "@", "?", "#", ".", "..", "/.", "/..", "//a", "a", "b",
    "example.org", "EXAMPLE", "xn--", "xn--a", "xn--mnchen-3ya", "127.0.0.1", "256.1.1.1", "01.1.1.1", "1.2.3.4.5", "0x7f", "127.1",
    "[::1]", "[", "]", ":80", ":443", ":8080", ":0", ":080", ":65535", ":65536", ":99999", "%41", "%zz", "%", " ", '"', "<", ">",
    "`", "{", "}", "|", "^", "~", "!", "$", "&", "'", "(", ")", "*", "+", ",", ";", "=", "_", "-", "ü", "。", "\n", "\x7f", "\ud800",
]  # fmt: skip

TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.tuples(
        st.sampled_from(["http://", "https://", "ws://", "ftp://", "//", ""]),
        st.lists(st.sampled_from(PIECES), max_size=10).map("".join),
    ).map("".join),
    st.text(max_size=30),
)

PARTS = st.none() | st.sampled_from(
    ["", "/", "/a b", "/a/../b", "/./", "a", "//a", "/\\a", ":a", "a:b", "ü", "?", "#", "x=1&y", "\n"]
)


def outcome(text: str) -> Parts | str:
    try:
        return parse(text)
    except InvalidURL as error:
        return str(error)


class TestFastWay:
    @given(TEXTS)
    @example("http://127.0.0.1:8000/items/17?a=b")
    @example("https://example.org")
    @example("http://a//b")
    @example("/a//b?c#d")
    def test_it_gives_what_the_whole_way_gives(self, text: str) -> None:
        """Where the fast way has an answer, it is that of the whole way, and the text is normal already."""
        parts = parse_normal(text)
        assert parts is None or (parts == parse(text) and parts.unsplit() == text)

    @given(
        st.from_regex(
            r"\A(http|https|ws|wss)://([a-z0-9_-]{1,5}\.){0,3}[a-z0-9_-]{1,5}(:[0-9]{1,6})?(/[!-~]{0,4}){0,3}(\?[!-~]{0,4})?(#[!-~]{0,4})?\Z"
        )
    )
    def test_it_gives_what_the_whole_way_gives_close_to_home(self, text: str) -> None:
        """The same for texts that look like the ones that it takes."""
        parts = parse_normal(text)
        assert parts is None or (parts == parse(text) and parts.unsplit() == text)

    @pytest.mark.parametrize(
        "text",
        [
            "http://127.0.0.1:8000/items/17?a=b",
            "https://example.org",
            "https://api.example.org/v1/a.b/%20?q=1&r=[]#top",
            "ws://localhost:80000"[:-1],
            "wss://a_b-c.example:65535/?",
            "http://1.2.3.4.example.org/",
            "/items/17?a=b",
            "?a=b",
            "",
        ],
    )
    def test_it_takes_what_is_normal(self, text: str) -> None:
        """The common URLs do not need the whole way."""
        assert parse_normal(text) == parse(text)

    @pytest.mark.parametrize(
        "text",
        [
            "HTTP://a", "http://A", "http://a:80", "https://a:443", "http://a:080", "http://a:65536", "http://a/../b", "http://a/b/.",
            "http://u@a", "http://u:p@a", "http://[::1]", "http://a.", "http://a..b", "http://127.1", "http://2130706433", "http://a.0x7f",
            "http://256.0.0.1", "http://1.2.3.4.5", "http://xn--a", "http://a.xn--a", "http://a/ ", "http://a/ü", "http://a/{", "http://a?`<",
            "http://a#`", "http:///a", "http:a", "//a", "/\\a", "a", "./a", "foo://a", "http://a\\b", "http://a\n", "http://a/\n", " http://a",
            "http://a/" + "b" * MAX_URL_LENGTH,
        ],
    )  # fmt: skip
    def test_it_leaves_the_rest(self, text: str) -> None:
        """What needs a change or a second look is left to the whole way."""
        assert parse_normal(text) is None


class TestWholeWay:
    @given(TEXTS)
    def test_it_gives_parts_or_invalid_url(self, text: str) -> None:
        """Any text at all gives ASCII parts, or raises InvalidURL and nothing else."""
        found = outcome(text)
        assert isinstance(found, str) or found.unsplit().isascii()

    @given(TEXTS)
    @example("HTTP://a:80")
    @example("foo:/.//a")
    @example("foo:/..////b")
    @example(":a:b")
    def test_what_is_normal_stays_as_it_is(self, text: str) -> None:
        """The text of the parts, parsed, gives the same parts."""
        found = outcome(text)
        if isinstance(found, Parts):
            assert parse(found.unsplit()) == found

    @given(TEXTS, TEXTS)
    def test_what_has_a_host_keeps_it(self, base: str, text: str) -> None:
        """A URL that was resolved has the host that its text has when it is read again."""
        parents, reference = outcome(base), outcome(text)
        assume(isinstance(parents, Parts) and isinstance(reference, Parts))
        assert isinstance(parents, Parts)
        assert isinstance(reference, Parts)
        try:
            resolved = resolve(parents, reference)
        except InvalidURL:
            return
        assert parse(resolved.unsplit()) == resolved

    @given(TEXTS, st.fixed_dictionaries({}, optional={"path": PARTS, "query": PARTS, "fragment": PARTS}))
    def test_replacing_the_end_is_parsing_with_it(self, text: str, given: dict[str, str | None]) -> None:
        """To replace path, query and fragment gives what parsing all of it anew gives."""
        parts = outcome(text)
        assume(isinstance(parts, Parts))
        assert isinstance(parts, Parts)
        whole = {"scheme": parts.scheme, "authority": parts.authority, "path": parts.path, **given}

        try:
            expected: Parts | None = parse("", {"query": parts.query, "fragment": parts.fragment, **whole})
        except InvalidURL:
            expected = None
        try:
            replaced: Parts | None = replace(parts, given)
        except InvalidURL:
            replaced = None
        assert replaced == expected

    @pytest.mark.parametrize(
        ("parts", "text"),
        [
            (Parts("foo", "", "", None, "//a", None, None), "foo:////a"),
            (Parts("foo", "", "", None, "/a", "", ""), "foo:/a?#"),
            (Parts("http", "u:p", "::1", 81, "/", "q", "f"), "http://u:p@[::1]:81/?q#f"),
            (Parts("", "", "h", None, "", None, None), "//h"),
        ],
    )
    def test_parts_are_written(self, parts: Parts, text: str) -> None:
        """An IPv6 address gets its brackets, and a path that begins with "//" an authority before it."""
        assert parts.unsplit() == text
        assert parse(text) == parts


# RFC 3986 section 5.4, at the base http://a/b/c/d;p?q
REFERENCES = [
    ("g:h", "g:h"), ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
    ("//g", "http://g"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"), ("#s", "http://a/b/c/d;p?q#s"),
    ("g#s", "http://a/b/c/g#s"), ("g?y#s", "http://a/b/c/g?y#s"), (";x", "http://a/b/c/;x"), ("g;x", "http://a/b/c/g;x"),
    ("g;x?y#s", "http://a/b/c/g;x?y#s"), ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("./", "http://a/b/c/"),
    ("..", "http://a/b/"), ("../", "http://a/b/"), ("../g", "http://a/b/g"), ("../..", "http://a/"), ("../../", "http://a/"),
    ("../../g", "http://a/g"), ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"), ("/./g", "http://a/g"),
    ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."), (".g", "http://a/b/c/.g"), ("g..", "http://a/b/c/g.."),
    ("..g", "http://a/b/c/..g"), ("./../g", "http://a/b/g"), ("./g/.", "http://a/b/c/g/"), ("g/./h", "http://a/b/c/g/h"),
    ("g/../h", "http://a/b/c/h"), ("g;x=1/./y", "http://a/b/c/g;x=1/y"), ("g;x=1/../y", "http://a/b/c/y"),
    ("g?y/./x", "http://a/b/c/g?y/./x"), ("g?y/../x", "http://a/b/c/g?y/../x"), ("g#s/./x", "http://a/b/c/g#s/./x"),
    ("g#s/../x", "http://a/b/c/g#s/../x"), ("http:g", "http://a/b/c/g"),
]  # fmt: skip


class TestReferences:
    @pytest.mark.parametrize(("reference", "expected"), REFERENCES)
    def test_the_examples_of_rfc_3986(self, reference: str, expected: str) -> None:
        """Each example of section 5.4 gives what stands there."""
        base = parse("http://a/b/c/d;p?q")
        assert resolve(base, parse(reference)).unsplit() == expected

    @pytest.mark.parametrize(
        ("base", "reference", "expected"),
        [
            ("http://a", "b", "http://a/b"),
            ("http://a", "", "http://a"),
            ("http://a", "?b", "http://a?b"),
            ("http://a/b?c", "?", "http://a/b?"),
            ("http://a/b#c", "#", "http://a/b#"),
            ("http://a/b#c", "", "http://a/b"),
            ("http://a//b//c", "d", "http://a//b//d"),
            ("http://a/b/c", "..", "http://a/"),
            ("http://a/b", "/c//d/../e/.", "http://a/c//e/"),
            ("http://u:p@a:81/b", "/c", "http://u:p@a:81/c"),
            ("http://u:p@a:81/b", "//c", "http://c"),
            ("https://a/b", "//c:443/d", "https://c/d"),
            ("https://a/b", "//c:80/d", "https://c:80/d"),
            ("http://a/b", "https://c/d/../e", "https://c/e"),
            ("http://a/b", "https:c", "https:c"),
            ("http://a/b", "http:/c", "http://a/c"),
            ("mailto:a", "mailto:b", "mailto:b"),
            ("/a/b", "c", "/a/c"),
            ("a/b", "../c", "c"),
            ("a/b", "..", ""),
            ("", "c", "c"),
            ("foo://a/b/c", "d", "foo://a/b/d"),
        ],
    )
    def test_other_bases(self, base: str, reference: str, expected: str) -> None:
        """Bases without a path, with empty segments, without a host or of another scheme."""
        assert resolve(parse(base), parse(reference)).unsplit() == expected

    def test_a_reference_cannot_become_another_host(self) -> None:
        """A relative path that resolves to what reads as a host or a scheme is refused."""
        with pytest.raises(InvalidURL, match="what reads as a scheme"):
            resolve(parse("a"), parse("./b:c"))
        with pytest.raises(InvalidURL, match="'//'"):
            resolve(parse("/a"), parse("/.//b"))

    @pytest.mark.parametrize(
        ("text", "path"),
        [(" http://h/", "%20http://h/"), ("  //h/", "%20%20//h/"), (" http:h", "%20http:h")],
    )
    def test_a_space_ahead_begins_a_path(self, text: str, path: str) -> None:
        """What follows a space is no scheme and no host, here, in what is shown, and at a base (RFC 3986 section 4.2)."""
        parts = parse(text)
        assert (parts.scheme, parts.host, parts.path) == ("", "", path)
        assert parse(path) == parts
        assert resolve(parse("https://base.example/a"), parts).host == "base.example"


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("http://h/" + "a" * MAX_URL_LENGTH, "URL too long"),
            ("http://h/\n", r"Invalid non-printable ASCII character in URL, '\n' at position 9."),
            ("http://h/ü\x7f", r"Invalid non-printable ASCII character in URL, '\x7f' at position 10."),
            ("\thttp://h/", r"Invalid non-printable ASCII character in URL, '\t' at position 0."),
            ("http://h/\ud800", "Invalid character in URL: half a surrogate pair at position 9."),
            ("http://h:abc/", "Invalid port: 'abc'"),
            ("http://h:65536/", "Invalid port: '65536'"),
            ("http://h:-1/", "Invalid port: '-1'"),
            ("http://h:+80/", "Invalid port: '+80'"),
            ("http://h:8_0/", "Invalid port: '8_0'"),
            ("http://h: 80/", "Invalid port: ' 80'"),
            ("http://h:\N{ARABIC-INDIC DIGIT EIGHT}/", "Invalid port: '\N{ARABIC-INDIC DIGIT EIGHT}'"),
            ("http://h:80:90/", "Invalid port: '80:90'"),
            ("http://[::1]80/", "Invalid port: '80'"),
            ("http://[::1", "Invalid IPv6 address: '[::1'"),
            ("http://999.999.999.999/", "Invalid IPv4 address: '999.999.999.999'"),
            ("http://☃.com/", "Invalid IDNA hostname: '☃.com'"),
            ("http://evil.com\\@good.com/", r"Invalid URL: a '\' before the path, which some programs read as the end of the host."),
            ("http://good.com\\.evil.com/", r"Invalid URL: a '\' before the path, which some programs read as the end of the host."),
            ("//good.com\\evil.com", r"Invalid URL: a '\' before the path, which some programs read as the end of the host."),
            ("http:\\\\evil.com/", r"URLs without a host cannot have a path starting with '\\\\'"),
            ("/\\evil.com/", r"URLs without a host cannot have a path starting with '/\\'"),
            ("\\/evil.com/", r"URLs without a host cannot have a path starting with '\\/'"),
            ("http:/.//evil.com/", "URLs without a host cannot have a path starting with '//'"),
            ("https://:443//evil.com/", "URLs without a host cannot have a path starting with '//'"),
            ("http:///evil.com/", "Invalid URL: no host after '//' (RFC 9110 section 4.2.1)."),
            ("////evil.com/", "Invalid URL: no host after '//' (RFC 9110 section 4.2.1)."),
            ("http://good.com%2f.evil.com/", "Invalid host: 'good.com%2f.evil.com'. A host cannot contain '%'."),
            ("http://good.com／evil.com/", "Invalid IDNA hostname: 'good.com／evil.com'"),
            ("http://a b/", "Invalid host: 'a b'. A host cannot contain ' '."),
            ("http://xn--a/", "Invalid IDNA hostname: 'xn--a'. 'xn--a' is not an A-label."),
            ("://a:b", "Invalid port: 'b'"),
            ("::a", "Relative URLs cannot have a path starting with ':'"),
            (":javascript:a", "Relative URLs cannot have a path starting with what reads as a scheme"),
        ],
    )  # fmt: skip
    def test_the_error_names_value_and_rule(self, text: str, message: str) -> None:
        """Each text that is no URL, or that two programs could read differently, is refused with what is wrong in it."""
        assert outcome(text) == message

    @pytest.mark.parametrize(
        "text",
        [
            "http://user:hunter2/x@host/", "http://user:hunter2?x@host/", "http://user:hunter2#x@host/", "//user:hunter2/x@host",
            "http://user:x@hunter2<x/@host/", "http://user:x@hunter2:x/@host/",
        ],
    )  # fmt: skip
    def test_no_error_tells_a_password(self, text: str) -> None:
        """A password that a bare "/", "?" or "#" cuts in two is not shown as the port or the host that it looks like."""
        message = outcome(text)
        assert isinstance(message, str)
        assert "hunter2" not in message
        assert "[secure]" in message

    def test_an_at_sign_in_the_path_hides_no_error(self) -> None:
        """A bad host before a path with "@" is named as always."""
        assert outcome("http://256.0.0.1/@scope/package") == "Invalid IPv4 address: '256.0.0.1'"

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"path": "a" * (MAX_URL_LENGTH + 1)}, "URL component 'path' too long"),
            ({"path": "/\x01"}, r"Invalid non-printable ASCII character in URL path component, '\x01' at position 1."),
            ({"path": "/\ud800"}, "Invalid character in path: half a surrogate pair at position 1."),
            ({"path": "/a?b"}, "Invalid URL component 'path'"),
            ({"path": "/a#b"}, "Invalid URL component 'path'"),
            ({"query": "a#b"}, "Invalid URL component 'query'"),
            ({"scheme": "1a"}, "Invalid URL component 'scheme'"),
            ({"userinfo": "a@b"}, "Invalid URL component 'userinfo'"),
            ({"authority": "a/b"}, "Invalid URL component 'authority'"),
            ({"host": "a:b"}, "Invalid URL component 'host'"),
            ({"host": "a/b"}, "Invalid host: 'a/b'. A host cannot contain '/'."),
            ({"host": "a@b"}, "Invalid host: 'a@b'. A host cannot contain '@'."),
            ({"host": "h", "path": "a"}, "For absolute URLs, path must be empty or begin with '/'"),
            ({"path": "//a"}, "Relative URLs cannot have a path starting with '//'"),
            ({"path": ":a"}, "Relative URLs cannot have a path starting with ':'"),
            ({"path": "a:b"}, "Relative URLs cannot have a path starting with what reads as a scheme"),
        ],
    )
    def test_a_part_is_checked_for_itself(self, given: dict[str, str | None], message: str) -> None:
        """A part that is given cannot reach into another one."""
        with pytest.raises(InvalidURL) as caught:
            parse("", given)
        assert str(caught.value) == message


N = MAX_URL_LENGTH - 64


class TestTime:
    @pytest.mark.parametrize(
        "text",
        [
            "a" * N, "." * N, "/" * N, "@" * N, ":" * N, "%" * N, "[" * N, " " * N, "ü" * N, "/." * (N // 2), "/.." * (N // 3),
            "/a/.." * (N // 5), "http://" + "a" * N, "http://" + "a." * (N // 2), "http://" + "1." * (N // 2), "http://" + "-" * N + "!",
            "http://" + "a." * (N // 2) + "!", "http://" + "xn--" * (N // 4), "http://" + "xn--a." * (N // 6), "http://" + "ü" * N,
            "http://" + "。" * N, "http://" + "@" * N, "http://" + ":" * N, "http://[" + ":" * N + "]", "http://[::1%" + "a" * N + "]",
            "http://h:" + "0" * N, "http://h:" + "9" * N, "http://h/" + "%ff" * (N // 3), "http://h/" + "ü" * N, "http://h?" + "<" * N,
            "http://h/" + "../" * (N // 3), "http://h" + "/a/.." * (N // 5), "http://" + "0x" * (N // 2), "http://" + "0x." * (N // 3),
            "a" * N + "\n", "http://h#" + "`" * N,
        ],
        ids=lambda text: f"{text[:14]}...",
    )  # fmt: skip
    def test_the_longest_texts_are_parsed_at_once(self, text: str) -> None:
        """64 KiB of the worst are done within a second: a step that is quadratic would take a minute."""
        start = time.process_time()
        parse_normal(text)
        found = outcome(text)
        if isinstance(found, Parts):
            with contextlib.suppress(InvalidURL):  # Too long, once it is percent-encoded.
                resolve(parse("http://h/a/b"), found)
        assert time.process_time() - start < 1.0

    def test_resolving_the_longest_paths_takes_no_time(self) -> None:
        """The dot segments of a long path are dropped in one pass."""
        base, reference = parse("http://h/" + "a/" * (N // 2)), parse("../" * (N // 3) + "x")
        start = time.process_time()
        assert resolve(base, reference).path.endswith("a/x")
        assert time.process_time() - start < 1.0
