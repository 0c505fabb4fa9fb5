"""The store of cookies: the corpus of the HTTP state working group, RFC 6265bis, and bounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi._values import cookie_store
from borzoi._values.cookie_dates import parse_cookie_date
from borzoi._values.cookie_store import CookieStore, StoredCookie, Target, parse_set_cookie
from tests.growth import is_linear

DATA = Path(__file__).parent.parent / "data/http-state"
CASES = json.loads((DATA / "parser.json").read_text("utf-8"))
NOW = 1_300_000_000.0
HOST = "home.example.org"


class Url:
    """What a store needs of a URL."""

    def __init__(self, text: str) -> None:
        self.scheme, _, rest = text.partition("://")
        host, slash, path = rest.partition("/")
        self.raw_host = host.encode()
        self.raw_path = (slash + path).encode()


def dates() -> list[dict[str, Any]]:
    texts = [path.read_text("utf-8") for path in sorted((DATA / "dates").glob("*.json"))]
    return [
        case
        for text in texts
        for case in json.loads("\n".join(line for line in text.splitlines() if not line.startswith("//")))
    ]


def stored(url: str, *lines: str, now: float = NOW) -> CookieStore:
    store = CookieStore()
    store.receive([line.encode() for line in lines], Url(url), now)
    return store


def sent(store: CookieStore, url: str, now: float = NOW) -> str | None:
    header = store.header(Url(url), now)
    return None if header is None else header.decode()


def round_trip(url: str, *lines: str, to: str | None = None, now: float = NOW) -> str | None:
    return sent(stored(url, *lines), to or url, now)


class TestCorpus:
    @pytest.mark.parametrize("case", CASES, ids=[case["test"] for case in CASES])
    def test_parser(self, case: dict[str, Any]) -> None:
        """The cookies sent are those that the corpus expects, in its order."""
        target = case.get("sent-to", "/cookie-parser-result")
        if target.startswith("/"):
            target = f"http://{HOST}{target}"
        wanted = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in case["sent"])
        store = stored(f"http://{HOST}/cookie-parser?{case['test']}", *case["received"])
        assert sent(store, target.replace(":8888", "")) == (wanted or None)

    @pytest.mark.parametrize("case", dates(), ids=lambda case: case["test"])
    def test_dates(self, case: dict[str, Any]) -> None:
        """A date is read as the corpus says, or is none."""
        wanted = case["expected"] and parsedate_to_datetime(case["expected"]).timestamp()
        assert parse_cookie_date(case["test"]) == wanted

    def test_whole_corpus(self) -> None:
        """The corpus is the whole one."""
        assert (len(CASES), len(dates())) == (222, 70)


class TestDates:
    @given(st.datetimes(datetime(1601, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 - the text says GMT
    def test_every_day(self, moment: datetime) -> None:
        """Each second from 1601 to 9999 is read as what the calendar says."""
        text = f"{moment:%d %b} {moment.year} {moment:%H:%M:%S} GMT"
        assert parse_cookie_date(text) == int((moment - datetime(1970, 1, 1)).total_seconds() // 1)  # noqa: DTZ001

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "1 Jan 2020",
            "32 Jan 2020 00:00:00",
            "0 Jan 2020 00:00:00",
            "29 Feb 2019 00:00:00",
            "29 Feb 2100 00:00:00",
            "1 Jan 1600 00:00:00",
            "1 Jan 2020 24:00:00",
            "1 Jan 2020 00:60:00",
            "1 Jan 2020 00:00:60",
            "1 Jan 20200 00:00:00",
            "1 Foo 2020 00:00:00",
            "001 Jan 2020 00:00:00",
        ],
    )
    def test_no_date(self, text: str) -> None:
        """A day that does not exist, or a part that is missing or too long, is no date."""
        assert parse_cookie_date(text) is None

    @pytest.mark.parametrize(("year", "full"), [("69", 2069), ("70", 1970), ("99", 1999), ("00", 2000), ("123", None)])
    def test_short_years(self, year: str, full: int | None) -> None:
        """Years of two digits are those from 1970 to 2069."""
        wanted = None if full is None else parse_cookie_date(f"1 Jan {full} 00:00:00")
        assert parse_cookie_date(f"1 Jan {year} 00:00:00") == wanted


class TestDomains:
    @pytest.mark.parametrize(
        ("host", "domain"),
        [
            ("example.com", "com"),
            ("example.com", "COM"),
            ("example.com", ".com"),
            ("example.com.", "com."),
            ("a.co.uk", "co.uk"),
            ("a.github.io", "github.io"),
            ("xn--85x722f.xn--55qx5d.cn", "公司.cn"),
            ("a.unheard-of", "unheard-of"),
            ("1.2.3.4", "3.4"),
            ("1.2.3.4", "2.3.4"),
            ("::1", ":1"),
            ("example.com", "www.example.com"),
            ("example.com", "ample.com"),
            ("example.com", "other.com"),
            ("example.com", "\u0300.com"),
            ("example.com", "example.com."),
        ],
    )
    def test_refused(self, host: str, domain: str) -> None:
        """No cookie goes to a public suffix, to a part of an address, or to a domain that the host is not in."""
        assert stored(f"https://{host}/", f"a=b; Domain={domain}").records() == []

    @pytest.mark.parametrize("host", ["localhost", "github.io", "127.0.0.1", "::1", "com"])
    def test_itself_alone(self, host: str) -> None:
        """A suffix and an address may name themselves, and then stand for themselves alone."""
        store = stored(f"http://{host}/", f"a=b; Domain={host}")
        assert sent(store, f"http://{host}/") == "a=b"
        assert sent(store, f"http://sub.{host}/") is None

    @pytest.mark.parametrize("domain", ["example.org", ".example.org", "EXAMPLE.org"])
    def test_subdomains(self, domain: str) -> None:
        """A cookie with a domain goes to the domain and to all below it, at whole labels."""
        store = stored("http://www.example.org/", f"a=b; Domain={domain}")
        assert sent(store, "http://example.org/") == "a=b"
        assert sent(store, "http://x.y.example.org/") == "a=b"
        assert sent(store, "http://anexample.org/") is None

    def test_unicode_domain(self) -> None:
        """A domain in Unicode is that of the ASCII host."""
        assert round_trip("http://www.xn--bcher-kva.example/", "a=b; Domain=bücher.example") == "a=b"

    @pytest.mark.parametrize("attribute", ["", "; Domain=", "; Domain=."])
    def test_host_only(self, attribute: str) -> None:
        """Without a domain the cookie is for its host, neither for those below nor for those above."""
        store = stored("http://example.org/", f"a=b{attribute}")
        assert sent(store, "http://example.org/") == "a=b"
        assert sent(store, "http://EXAMPLE.org/") == "a=b"
        assert sent(store, "http://www.example.org/") is None
        assert sent(store, "http://org/") is None

    def test_host_only_and_domain_are_two(self) -> None:
        """The same name for a host and for its domain are two cookies."""
        assert round_trip("http://example.org/", "a=1", "a=2; Domain=example.org") == "a=1; a=2"


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "goes_to", "not_to"),
        [
            ("/a", ["/a", "/a/", "/a/b", "/a?q"], ["/", "/ab", "/A"]),
            ("/a/", ["/a/", "/a/b"], ["/a", "/ab"]),
            ("/", ["/", "/a", ""], []),
            ("/%C3%A9", ["/%C3%A9", "/%C3%A9/x"], ["/"]),
            ("/foo", ["/f%6Fo", "/f%6fo"], ["/f%2Fo"]),
        ],
    )
    def test_match(self, path: str, goes_to: list[str], not_to: list[str]) -> None:
        """A path matches itself and what is below, at whole segments; encoded letters are letters."""
        store = stored("http://e.org/x/y", f"a=b; Path={path}")
        assert [sent(store, f"http://e.org{to}") for to in goes_to] == ["a=b"] * len(goes_to)
        assert [sent(store, f"http://e.org{to}") for to in not_to] == [None] * len(not_to)

    @pytest.mark.parametrize(
        ("request_path", "stored_path"),
        [("", "/"), ("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b?c=/d/e", "/a"), ("*", "/")],
    )
    def test_default(self, request_path: str, stored_path: str) -> None:
        """The default path is that of the request up to its last slash."""
        url = Url("http://e.org")
        url.raw_path = request_path.encode()
        store = CookieStore()
        store.receive([b"a=b; Path=relative"], url, NOW)
        assert [cookie.path for cookie in store.records()] == [stored_path]


class TestSecurity:
    def test_secure_is_not_set_without_tls(self) -> None:
        """A Secure cookie is neither stored from http nor sent over it."""
        assert stored("http://e.org/", "a=b; Secure").records() == []
        store = stored("https://e.org/", "a=b; Secure")
        assert sent(store, "http://e.org/") is None
        assert sent(store, "https://e.org/") == sent(store, "wss://e.org/") == "a=b"

    @pytest.mark.parametrize(
        ("url", "line"),
        [
            ("http://e.org/", "a=evil; Path=/"),
            ("http://www.e.org/", "a=evil; Domain=e.org; Path=/"),
            ("http://www.e.org/", "a=evil; Path=/"),
            ("http://e.org/", "a=evil; Path=/x"),
            ("http://e.org/", "a=; Max-Age=0; Path=/"),
        ],
    )
    def test_secure_is_not_hidden_without_tls(self, url: str, line: str) -> None:
        """What comes over http neither replaces, shadows nor deletes a Secure cookie."""
        store = stored("https://www.e.org/", "a=good; Domain=e.org; Path=/; Secure")
        store.receive([line.encode()], Url(url), NOW)
        assert [cookie.value for cookie in store.records()] == ["good"]

    @pytest.mark.parametrize("line", ["b=other; Path=/", "a=other; Path=/deeper"])
    def test_other_cookies_without_tls(self, line: str) -> None:
        """A Secure cookie stops neither other names nor the paths above its own."""
        store = stored("https://e.org/", "a=good; Path=/deeper/still; Secure")
        store.receive([line.encode()], Url("http://e.org/"), NOW)
        assert len(store.records()) == 2

    @pytest.mark.parametrize(
        ("line", "passes"),
        [
            ("__Secure-a=b; Secure", True),
            ("__Secure-a=b", False),
            ("__SECURE-a=b", False),
            ("__Host-a=b; Secure; Path=/", True),
            ("__Host-a=b; Path=/", False),
            ("__Host-a=b; Secure", False),
            ("__Host-a=b; Secure; Path=/x", False),
            ("__Host-a=b; Secure; Path=/; Domain=e.org", False),
            ("__Http-a=b; Secure; HttpOnly", True),
            ("__Http-a=b; Secure", False),
            ("__Host-Http-a=b; Secure; HttpOnly; Path=/", True),
            ("__Host-Http-a=b; Secure; Path=/", False),
            ("__Hostile=b", True),
        ],
    )
    def test_prefixes(self, line: str, passes: bool) -> None:
        """A name that promises attributes is stored only with them."""
        assert bool(stored("https://e.org/", line).records()) is passes

    def test_prefix_over_http(self) -> None:
        """A prefixed name does not come over http."""
        assert stored("http://e.org/", "__Secure-a=b; Secure").records() == []

    @pytest.mark.parametrize("code", [*range(1, 9), 11, 12, *range(14, 32), 127])
    def test_control_characters(self, code: int) -> None:
        """A control character in any part drops the cookie."""
        for line in (f"a{chr(code)}=b", f"a=b{chr(code)}c", f"a=b; Path=/{chr(code)}"):
            assert parse_set_cookie(line.encode()) is None

    def test_nameless(self) -> None:
        """A cookie without a name, which could pretend to have a prefix, is not stored."""
        for line in (b"=__Host-a=b", b"b", b"", b";"):
            assert parse_set_cookie(line) is None


class TestAttributes:
    def test_all(self) -> None:
        """What is stored is what the line says, the last of each attribute."""
        store = stored("https://e.org/a/b", "n=v; Path=/x; path=/y; HttpOnly; SameSite=Lax; Secure; Max-Age=10; Foo=1")
        (cookie,) = store.records()
        assert isinstance(cookie, StoredCookie)
        assert (cookie.name, cookie.value, cookie.domain, cookie.path) == ("n", "v", "e.org", "/y")
        assert (cookie.http_only, cookie.same_site, cookie.secure, cookie.expires) == (True, "Lax", True, NOW + 10)
        assert not cookie.domain_specified

    @pytest.mark.parametrize(
        ("attributes", "expires"),
        [
            ("", None),
            ("Max-Age=5", NOW + 5),
            ("Max-Age=5; Expires=Wed, 09 Jun 2021 10:18:14 GMT", NOW + 5),
            ("Expires=Wed, 09 Jun 2021 10:18:14 GMT; Max-Age=x", 1623233894),
            ("Expires=never", None),
            ("Max-Age=" + "9" * 1000, NOW + 10**10),
            ("Max-Age=" + "9" * 2000, None),
            ("Max-Age=+5", None),
        ],
    )
    def test_expiry(self, attributes: str, expires: float | None) -> None:
        """Max-Age counts before Expires, and what is malformed does not count."""
        (cookie,) = stored("http://e.org/", f"a=b; {attributes}").records()
        assert cookie.expires == expires

    def test_expired(self) -> None:
        """A cookie is sent until its time, then dropped; one that comes expired deletes."""
        store = stored("http://e.org/", "a=b; Max-Age=10", "c=d; Max-Age=99", "e=f")
        assert sent(store, "http://e.org/", NOW + 9) == "a=b; c=d; e=f"
        assert sent(store, "http://e.org/", NOW + 10) == "c=d; e=f"
        store.receive([b"c=; Max-Age=0", b"x=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], Url("http://e.org/"), NOW)
        assert sent(store, "http://e.org/", NOW) == "e=f"
        assert len(store.records()) == 1

    def test_size(self) -> None:
        """A name and value of 4096 bytes pass, one more does not."""
        assert parse_set_cookie(b"a=" + b"x" * 4095) is not None
        assert parse_set_cookie(b"a=" + b"x" * 4096) is None

    def test_long_attribute(self) -> None:
        """An attribute of more than 1024 bytes is as if it were not there."""
        (cookie,) = stored("http://e.org/", "a=b; Path=/" + "x" * 1024).records()
        assert cookie.path == "/"

    def test_bytes_go_back_as_they_came(self) -> None:
        """A value that is not UTF-8 is sent back byte for byte."""
        store = CookieStore()
        store.receive([b"a=\xe9; Path=/\xe9"], Url("http://e.org/"), NOW)
        store.receive([b"b=\xc3\xa9"], Url("http://e.org/"), NOW)
        assert [cookie.value for cookie in store.records()] == ["é", "é"]
        assert store.compose(Target(Url("http://e.org/")), NOW)[0] == b"b=\xc3\xa9"
        (cookie, _) = store.records()
        assert isinstance(cookie, StoredCookie)
        assert cookie.raw == b"a=\xe9"


class TestOrder:
    def test_creation(self) -> None:
        """Longer paths come first, then older cookies, whatever their domains; a new value keeps its place."""
        store = stored(
            "http://www.e.org/a/b",
            "z=1; Domain=e.org; Path=/",
            "y=2; Path=/",
            "x=3; Path=/a",
            "w=4; Path=/; Domain=e.org",
        )
        store.receive([b"z=5; Domain=e.org; Path=/"], Url("http://www.e.org/a/b"), NOW + 1)
        assert sent(store, "http://www.e.org/a") == "x=3; z=5; y=2; w=4"

    def test_header_is_kept_and_renewed(self) -> None:
        """The field for a path is kept, until a cookie changes or expires."""
        store = stored("http://e.org/", "a=1; Max-Age=10")
        first = store.header(Url("http://e.org/?one"), NOW)
        assert store.header(Url("http://e.org/?two"), NOW) is first
        store.receive([b"b=2"], Url("http://e.org/"), NOW)
        assert sent(store, "http://e.org/") == "a=1; b=2"
        assert sent(store, "http://e.org/", NOW + 10) == "b=2"
        store.clear()
        assert sent(store, "http://e.org/") is None


class TestBounds:
    def test_per_domain(self) -> None:
        """A domain that sets thousands keeps the newest, and takes nothing from others."""
        store = stored("http://other.org/", "keep=1")
        store.receive([b"c%d=x" % number for number in range(1000)], Url("http://e.org/"), NOW)
        assert len(store.records()) == cookie_store.MAX_PER_DOMAIN + 1
        names = [cookie.name for cookie in store.records()]
        assert names[0] == "keep"
        assert names[-1] == "c999"

    def test_total(self) -> None:
        """Thousands of domains do not store more than the total, and the oldest go first."""
        store = CookieStore()
        for number in range(cookie_store.MAX_TOTAL + 20):
            store.receive([b"a=b"], Url(f"https://h{number}.org/"), NOW + number)
        assert 0.8 * cookie_store.MAX_TOTAL < len(store.records()) <= cookie_store.MAX_TOTAL
        assert sent(store, "https://h0.org/") is None
        assert sent(store, f"https://h{cookie_store.MAX_TOTAL}.org/") == "a=b"

    def test_expired_go_first(self) -> None:
        """Where room is needed, cookies that have expired go before old ones."""
        store = stored("http://e.org/", "old=1")
        store.receive([b"gone=1; Max-Age=1"], Url("http://e.org/"), NOW)
        lines = [b"c%d=x" % number for number in range(cookie_store.MAX_PER_DOMAIN - 1)]
        store.receive(lines, Url("http://e.org/"), NOW + 5)
        names = [cookie.name for cookie in store.records()]
        assert "old" in names
        assert "gone" not in names

    def test_program_is_not_bounded(self) -> None:
        """What the program sets for every host is neither counted, evicted nor left out."""
        store = CookieStore()
        for number in range(cookie_store.MAX_TOTAL + 5):
            store.put(StoredCookie(f"p{number}", "x" * 10, "", "/"))
        store.receive([b"a=b"], Url("http://e.org/"), NOW)
        assert len(store.records()) == cookie_store.MAX_TOTAL + 6
        header = sent(store, "http://e.org/")
        assert header is not None
        assert header.count(";") == cookie_store.MAX_TOTAL + 4

    def test_header(self) -> None:
        """A Cookie field stays within its bound, and keeps the cookies of the longest paths."""
        store = stored("http://e.org/a/b", *(f"c{n}={'x' * 4000}; Path=/" for n in range(9)), "deep=1; Path=/a")
        header = sent(store, "http://e.org/a")
        assert header is not None
        assert header.startswith("deep=1; c0=")
        assert 12_000 < len(header) <= cookie_store.MAX_HEADER

    def test_known_fields(self) -> None:
        """The fields kept for later requests are bounded too."""
        store = stored("http://e.org/", "a=b; Path=/")
        for number in range(3 * cookie_store.MAX_KNOWN):
            assert sent(store, f"http://e.org/{number}") == "a=b"
        assert len(store._known) <= cookie_store.MAX_KNOWN

    def test_empty_again(self) -> None:
        """A store that lost its last cookie holds nothing any more."""
        store = stored("http://e.org/", "a=b", "c=d; Path=/x")
        for path, name in (("/", "a"), ("/x", "c")):
            store.remove("e.org", path, name)
        assert store.is_empty()
        assert store.domains == {}

    def test_cookie_that_another_thread_removed(self) -> None:
        """Discarding what is gone already changes nothing."""
        store = stored("http://e.org/", "a=b")
        (cookie,) = store.records()
        store.remove("e.org", "/", "a")
        store._discard(cookie)
        assert store.is_empty()

    @pytest.mark.parametrize("unit", [b"; a", b";=", b"=", b" ", b"; Expires=1 Jan 1970 0:0:0", b"; Domain=.x", b"%"])
    def test_linear_time(self, unit: bytes) -> None:
        """The time to read a line grows with its length, not with its square."""

        def read(repeats: int) -> Callable[[], object]:
            line = b"a=b" + unit * repeats
            return lambda: CookieStore().receive([line], Url("https://e.org/"), NOW)

        assert is_linear(read, 2_000)

    @given(st.binary(max_size=60))
    def test_anything(self, line: bytes) -> None:
        """No line raises, and what is sent back has no line break and no control character."""
        store = CookieStore()
        store.receive([line, b"a=" + line, b"a=b; " + line], Url("https://e.org/"), NOW)
        header = store.header(Url("https://e.org/"), NOW) or b""
        assert not any(byte < 32 and byte != 9 for byte in header)
