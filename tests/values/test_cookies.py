"""Cookies as a mapping, their jar, and what they do to requests and responses."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy, MozillaCookieJar
from pathlib import Path
from typing import Any
from urllib.request import Request as UrllibRequest

import pytest

from borzoi._errors import CookieConflict
from borzoi._values.cookies import Cookies
from borzoi._values.headers import Headers

NOW = 1_300_000_000.0


class Url:
    """What cookies need of a URL."""

    def __init__(self, text: str) -> None:
        self.scheme, _, rest = text.partition("://")
        host, slash, path = rest.partition("/")
        self.raw_host = host.encode()
        self.raw_path = (slash + path).encode()


class Request:
    """What cookies need of a request."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = Url(url)
        self.headers = Headers(headers)


class Response:
    """What cookies need of a response."""

    def __init__(self, url: str, *lines: str) -> None:
        self.request = Request(url)
        self.headers = Headers([(b"Set-Cookie", line.encode()) for line in lines])


def clock() -> float:
    return NOW


def sent(cookies: Cookies, url: str = "https://e.org/", **headers: str) -> str | None:
    request = Request(url, **headers)
    cookies.set_cookie_header(request)
    return request.headers.get("Cookie")


def received(cookies: Cookies, *lines: str, url: str = "https://e.org/") -> Cookies:
    cookies.extract_cookies(Response(url, *lines))
    return cookies


def two() -> Cookies:
    cookies = Cookies()
    cookies.set("a", "1", domain="x.org")
    cookies.set("a", "2", domain="y.org", path="/p")
    return cookies


def jar_cookie(name: str, value: str | None, domain: str = "", **changes: Any) -> Cookie:
    fields: dict[str, Any] = {
        "version": 0, "name": name, "value": value, "port": None, "port_specified": False, "domain": domain,
        "domain_specified": bool(domain), "domain_initial_dot": domain.startswith("."), "path": "/", "path_specified": True,
        "secure": False, "expires": None, "discard": True, "comment": None, "comment_url": None, "rest": {}, "rfc2109": False,
    }  # fmt: skip
    return Cookie(**fields | changes)


class TestMapping:
    @pytest.mark.parametrize(
        "given",
        [{"a": "1", "b": "2"}, [("a", "1"), ("b", "2")], (("a", "1"), ("b", "2")), Cookies({"a": "1", "b": "2"})],
    )
    def test_each_form(self, given: Any) -> None:
        """Mappings, pairs and cookies make the same cookies."""
        assert dict(Cookies(given)) == {"a": "1", "b": "2"}

    def test_nothing(self) -> None:
        """Without an argument there is no cookie."""
        assert not Cookies()
        assert len(Cookies(None)) == 0
        assert list(Cookies()) == []

    def test_basics(self) -> None:
        """Cookies are set, read, replaced and deleted like the items of a dictionary."""
        cookies = Cookies()
        cookies["a"] = "1"
        cookies["a"] = "2"
        assert cookies["a"] == "2"
        assert bool(cookies)
        assert cookies == {"a": "2"}
        del cookies["a"]
        del cookies["a"]
        with pytest.raises(KeyError, match="a"):
            cookies["a"]
        assert cookies.get("a") is None
        assert cookies.get("a", "default") == "default"

    def test_conflict(self) -> None:
        """A name that several cookies have is a conflict, unless domain or path picks one."""
        cookies = two()
        assert len(cookies) == 2
        with pytest.raises(CookieConflict, match="Multiple cookies exist with name=a"):
            cookies["a"]
        assert cookies.get("a", domain="x.org") == "1"
        assert cookies.get("a", path="/p") == "2"
        assert cookies.get("a", domain="z.org") is None

    def test_delete(self) -> None:
        """`delete` removes what matches; with domain and path both given, nothing to remove is a KeyError."""
        cookies = two()
        cookies.delete("a", domain="x.org")
        assert len(cookies) == 1
        cookies.delete("a", domain="y.org", path="/p")
        assert not cookies
        cookies.delete("a")
        with pytest.raises(KeyError):
            cookies.delete("a", domain="y.org", path="/p")

    def test_clear(self) -> None:
        """`clear` removes all, those of a domain, or those of a path of it."""
        cookies = two()
        cookies.clear(domain="x.org")
        cookies.clear(domain="y.org", path="/p")
        assert not cookies
        with pytest.raises(KeyError):
            cookies.clear(domain="x.org")
        with pytest.raises(ValueError, match="give its domain too"):
            cookies.clear(path="/p")
        cookies = two()
        cookies.clear()
        assert not cookies

    def test_update(self) -> None:
        """`update` adds whatever makes cookies, and replaces those of the same domain, path and name."""
        cookies = Cookies({"a": "1"})
        cookies.update({"a": "2"})
        cookies.update(two())
        cookies.update()
        assert cookies.get("a", domain="") == "2"
        assert len(cookies) == 3

    def test_repr(self) -> None:
        """The text form shows name, value and domain."""
        assert repr(Cookies({"a": "b"})) == "<Cookies[<Cookie a=b for  />]>"
        assert repr(two()) == "<Cookies[<Cookie a=1 for x.org />, <Cookie a=2 for y.org />]>"

    @pytest.mark.parametrize("bad", ["\r", "\n", "\x00", ";", "\t", "\x7f", "\x1f"])
    def test_injection(self, bad: str) -> None:
        """A delimiter or control character in a name or value is refused, and the value is not shown."""
        with pytest.raises(ValueError, match=r"Invalid cookie value: .* at position 7\..*RFC 6265") as caught:
            Cookies({"a": f"hunter2{bad}x"})
        assert "hunter2" not in str(caught.value)
        with pytest.raises(ValueError, match="Invalid cookie name"):
            Cookies().set(f"a{bad}", "b")
        with pytest.raises(ValueError, match="Invalid cookie name"):
            Cookies()[f"a{bad}"] = "b"

    @pytest.mark.parametrize(("name", "value"), [(5, "x"), ("x", [5]), (b"x", "y"), ("x", b"y")])
    def test_wrong_types(self, name: Any, value: Any) -> None:
        """What is no text is a TypeError."""
        with pytest.raises(TypeError, match="must be str"):
            Cookies({name: value})

    @pytest.mark.parametrize(("value", "text"), [(5, "5"), (1.5, "1.5"), (True, "True")])
    def test_numbers(self, value: Any, text: str) -> None:
        """A number is sent as its text."""
        assert sent(Cookies({"a": value})) == f"a={text}"

    def test_no_value(self) -> None:
        """A cookie of None is sent as its name, and reads as if it were not there."""
        cookies = Cookies({"a": None})  # type: ignore[dict-item]
        assert sent(cookies) == "a"
        assert cookies.get("a") is None


class TestTraffic:
    def test_any_host(self) -> None:
        """A cookie that the program sets without a domain goes to every host."""
        cookies = Cookies({"a": "1", "b": "2"})
        assert sent(cookies, "http://e.org/x") == sent(cookies, "https://127.0.0.1/") == "a=1; b=2"

    def test_domain_and_path(self) -> None:
        """A cookie that the program sets for a domain goes to it and below, under its path."""
        cookies = two()
        assert sent(cookies, "http://x.org/") == sent(cookies, "http://www.x.org/") == "a=1"
        assert sent(cookies, "http://y.org/p/q") == "a=2"
        assert sent(cookies, "http://y.org/") is None

    def test_header_that_is_there(self) -> None:
        """A Cookie field of the program's own stays as it is."""
        assert sent(Cookies({"a": "1"}), cookie="mine=1") == "mine=1"

    def test_nothing_to_send(self) -> None:
        """Without a cookie for the request there is no field."""
        assert sent(Cookies()) is None
        assert sent(two()) is None

    def test_set_by_a_response(self) -> None:
        """What a response sets goes into the mapping and to the next request, with its attributes kept to."""
        cookies = received(Cookies({"own": "0"}, clock=clock), "a=1; Domain=e.org; Max-Age=60", "b=2; Path=/x")
        assert dict(cookies) == {"own": "0", "a": "1", "b": "2"}
        assert sent(cookies, "https://www.e.org/x") == "own=0; a=1"
        assert cookies.get("a", domain=".e.org") == "1"
        received(cookies, "a=; Domain=e.org; Max-Age=0")
        assert "a" not in cookies

    def test_nothing_set(self) -> None:
        """A response without Set-Cookie does not even read the clock."""

        def broken() -> float:
            raise AssertionError

        cookies = received(Cookies(clock=broken))
        assert not cookies
        assert sent(cookies) is None

    def test_clock(self) -> None:
        """Cookies expire by the clock that they were given, and copies keep to it; without one, by that of the wall."""
        now = [NOW]
        cookies = received(Cookies(clock=lambda: now[0]), "a=1; Max-Age=10")
        twin = Cookies(cookies)
        wall = Cookies(cookies, clock=Cookies()._clock)
        assert (sent(cookies), sent(twin), sent(wall)) == ("a=1", "a=1", None)
        now[0] += 11
        assert (sent(cookies), sent(twin)) == (None, None)


class TestCopies:
    @pytest.mark.parametrize("open_the_jar", [False, True])
    @pytest.mark.parametrize(
        "twin_of", [Cookies, copy.copy, copy.deepcopy, lambda cookies: pickle.loads(pickle.dumps(cookies))]
    )
    def test_independent(self, twin_of: Callable[[Cookies], Cookies], open_the_jar: bool) -> None:
        """A copy of any kind has the same cookies, host-only ones as such, and changes alone."""
        cookies = received(Cookies({"a": "1"}), "b=2; Domain=e.org; Secure", "c=3")
        assert not open_the_jar or cookies.jar is not None
        twin = twin_of(cookies)
        assert sent(twin) == "a=1; b=2; c=3"
        assert sent(twin, "https://www.e.org/") == "a=1; b=2"
        assert sent(twin, "http://e.org/") == "a=1; c=3"
        twin["d"] = "4"
        del twin["a"]
        assert "d" not in cookies
        assert "a" in cookies

    def test_subclass(self) -> None:
        """A subclass and its attributes survive copying."""

        class Mine(Cookies):
            note = ""

        cookies = Mine({"a": "1"})
        cookies.note = "kept"
        twin = copy.deepcopy(cookies)
        assert (type(twin), twin.note, dict(twin)) == (Mine, "kept", {"a": "1"})


class TestJar:
    def test_created_on_use(self) -> None:
        """The jar is a CookieJar of the same cookies, and stays the same one."""
        cookies = received(
            Cookies({"a": "1"}, clock=clock),
            "b=2; Domain=e.org; Path=/; Max-Age=5; HttpOnly; SameSite=Lax; Secure",
            "c=3",
        )
        jar = cookies.jar
        assert type(jar) is CookieJar
        assert cookies.jar is jar
        first, second, third = jar
        assert (first.name, first.value, first.domain, first.domain_specified, first.discard) == (
            "a",
            "1",
            "",
            False,
            True,
        )
        assert (second.domain, second.domain_initial_dot, second.secure) == (".e.org", True, True)
        assert (second.expires, second.discard) == (NOW + 5, False)
        assert second.has_nonstandard_attr("HttpOnly")
        assert second.get_nonstandard_attr("SameSite") == "Lax"
        assert (third.domain, third.domain_specified, third.has_nonstandard_attr("HttpOnly")) == ("e.org", False, False)

    def test_both_sides(self) -> None:
        """What changes in the jar changes in the mapping and on the wire, and the other way round."""
        cookies = Cookies({"a": "1"})
        jar = cookies.jar
        jar.set_cookie(jar_cookie("b", "2"))
        assert sent(cookies) == "a=1; b=2"
        cookies["c"] = "3"
        received(cookies, "d=4; Path=/")
        assert [cookie.name for cookie in jar] == ["a", "b", "c", "d"]
        next(iter(jar)).value = "changed"
        assert sent(cookies) == "a=changed; b=2; c=3; d=4"
        jar.clear("", "/", "b")
        cookies.delete("c")
        assert list(cookies) == ["a", "d"]
        jar.clear()
        assert not cookies
        assert sent(cookies) is None
        received(cookies, "e=5")
        assert [cookie.name for cookie in jar] == ["e"]
        cookies.clear()
        assert len(jar) == 0

    def test_order_and_expiry_in_the_jar(self) -> None:
        """Order, host-only cookies and expiry are as without the jar."""
        now = [NOW]
        cookies = received(
            Cookies(clock=lambda: now[0]), "a=1; Domain=e.org; Path=/", "b=2; Max-Age=5", "c=3; Domain=e.org; Path=/"
        )
        assert len(cookies.jar) == 3
        received(cookies, "d=4; Path=/", "a=5; Domain=e.org; Path=/", "e=6; Path=/; Max-Age=0")
        assert sent(cookies) == "a=5; b=2; c=3; d=4"
        assert sent(cookies, "https://www.e.org/") == "a=5; c=3"
        now[0] += 5
        assert sent(cookies) == "a=5; c=3; d=4"
        assert len(cookies.jar) == 3

    def test_rules_hold_in_the_jar(self) -> None:
        """A jar does not weaken the rules: suffixes, Secure and prefixes are refused as before."""
        cookies = Cookies(CookieJar())
        received(cookies, "a=1; Domain=com", "__Host-b=2", url="https://example.com/")
        received(cookies, "c=3; Secure", url="http://example.com/")
        assert not cookies

    def test_jar_of_the_program(self) -> None:
        """A jar that was handed in is the jar, gives its cookies and receives new ones."""
        jar = CookieJar()
        jar.set_cookie(jar_cookie("a", "1", ".e.org"))
        jar.set_cookie(jar_cookie("host", "2", "e.org", domain_specified=False))
        jar.set_cookie(jar_cookie("bare", None, "e.org", domain_specified=False))
        cookies = Cookies(jar)
        assert cookies.jar is jar
        assert sent(cookies) == "host=2; bare; a=1"
        assert sent(cookies, "https://www.e.org/") == "a=1"
        received(cookies, "b=3")
        assert [cookie.name for cookie in jar] == ["a", "host", "bare", "b"]

    def test_saved_jar(self, tmp_path: Path) -> None:
        """A jar of a file keeps what responses set, host-only cookies as such, over saving and loading."""
        file = str(tmp_path / "cookies.txt")
        cookies = received(Cookies(MozillaCookieJar(file)), "a=1; Max-Age=1000", "b=2; Domain=e.org; Max-Age=1000")
        jar = cookies.jar
        assert isinstance(jar, MozillaCookieJar)
        jar.save()
        loaded = MozillaCookieJar(file)
        loaded.load()
        assert sent(Cookies(loaded)) == "a=1; b=2"
        assert sent(Cookies(loaded), "https://www.e.org/") == "b=2"

    def test_jar_assigned(self) -> None:
        """A jar may be assigned, and then holds the cookies."""
        cookies = Cookies({"a": "1"})
        jar = CookieJar()
        jar.set_cookie(jar_cookie("b", "2"))
        cookies.jar = jar
        assert sent(cookies) == "b=2"

    def test_policy_is_kept_to(self) -> None:
        """A jar whose policy was configured decides with it what is stored and sent."""
        cookies = Cookies(CookieJar(DefaultCookiePolicy(blocked_domains=["bad.org"])))
        received(cookies, "a=1", url="https://bad.org/")
        received(cookies, "b=2; Path=/; HttpOnly", "c=3; Domain=org", url="https://good.org/")
        assert dict(cookies) == {"b": "2"}
        assert sent(cookies, "https://good.org/x?y") == "b=2"
        assert sent(cookies, "https://bad.org/") is None

    def test_policy_set_later(self) -> None:
        """A policy given to the jar that we made counts from then on, and copies share that jar."""
        cookies = received(Cookies(), "a=1")
        cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        assert sent(cookies) is None
        assert not received(cookies, "b=2").get("b")
        assert copy.copy(cookies).jar is cookies.jar

    def test_jar_that_overrides(self) -> None:
        """A subclass that stores or sends in its own way is asked, without the password of the URL."""

        class Counting(CookieJar):
            asked: list[str] = []

            def add_cookie_header(self, request: UrllibRequest) -> None:
                self.asked.append(request.full_url)
                super().add_cookie_header(request)

        jar = Counting()
        cookies = received(Cookies(jar), "a=1; Path=/", url="http://::1/")
        assert sent(cookies, "http://::1/x") == "a=1"
        assert jar.asked == ["http://[::1]/x"]
        assert sent(cookies, "https://e.org/") is None
        assert copy.copy(cookies).jar is jar

    def test_jar_of_another_kind(self) -> None:
        """What only behaves like a jar, with its cookies elsewhere, is asked for everything."""

        class Elsewhere(CookieJar):
            def __init__(self) -> None:
                self.held: list[Cookie] = [jar_cookie("a", "1")]

            def __iter__(self) -> Iterator[Cookie]:  # type: ignore[override]
                return iter(self.held)

            def extract_cookies(self, response: Any, request: UrllibRequest) -> None:
                self.held += [jar_cookie(*line.split("=")) for line in response.info().get_all("Set-Cookie", [])]

            def add_cookie_header(self, request: UrllibRequest) -> None:
                request.add_unredirected_header("Cookie", "; ".join(f"{cookie.name}={cookie.value}" for cookie in self))

        cookies = received(Cookies(Elsewhere()), "b=2", "c=3; Domain=org", url="http://e.org/")
        assert dict(cookies) == {"a": "1", "b": "2"}
        assert sent(cookies) == "a=1; b=2"

    def test_policy_of_another_kind(self) -> None:
        """A policy of a class of its own is kept to."""

        class NoSession(DefaultCookiePolicy):
            def set_ok(self, cookie: Cookie, request: UrllibRequest) -> bool:
                return cookie.expires is not None and super().set_ok(cookie, request)

        cookies = received(Cookies(CookieJar(NoSession())), "a=1", "b=2; Max-Age=99")
        assert dict(cookies) == {"b": "2"}

    def test_cookies_of_a_jar_in_another(self) -> None:
        """Cookies that came from one jar can be put into another, and keep their order."""
        cookies = received(Cookies(), "b=1; Path=/", "a=2; Domain=e.org; Path=/", "c=3; Path=/")
        assert len(cookies.jar) == 3
        twin = Cookies(cookies)
        assert len(twin.jar) == 3
        received(twin, "d=4; Path=/")
        assert sent(twin) == "b=1; a=2; c=3; d=4"
        assert sent(cookies) == "b=1; a=2; c=3"

    def test_jar_that_takes_nothing(self) -> None:
        """The usual way to switch cookies off, a jar that ignores them, works."""

        class Nothing(CookieJar):
            def set_cookie(self, cookie: Cookie) -> None:
                pass

        cookies = received(Cookies(Nothing()), "a=1")
        assert not cookies
        assert sent(cookies) is None
