"""Patterns of URLs, and the proxies that the environment names."""

from __future__ import annotations

import os
import sys

import pytest

from borzoi._errors import InvalidURL
from borzoi._policy.proxy import Proxy
from borzoi._policy.routing import URLPattern, get_environment_proxies, mount_table, proxy_map
from borzoi._values.url import URL


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test without proxies in the environment."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("pattern", "url", "matches"),
    [
        ("all://", "http://example.com", True),
        ("", "http://example.com", True),
        ("https://", "https://example.com", True),
        ("https://", "http://example.com", False),
        ("http://example.com", "http://example.com", True),
        ("http://example.com", "https://example.com", False),
        ("http://example.com", "http://other.com", False),
        ("all://EXAMPLE.com", "https://example.COM", True),
        ("all://example.com", "https://example.com.", True),
        ("all://example.com.", "https://example.com", True),
        ("all://example.com", "https://www.example.com", False),
        ("all://example.com", "https://examplexcom", False),
        ("all://*.example.com", "https://www.example.com", True),
        ("all://*.example.com", "https://example.com", False),
        ("all://*example.com", "https://www.example.com", True),
        ("all://*example.com", "https://example.com", True),
        ("all://*example.com", "https://wwwexample.com", False),
        ("https://example.com:1234", "https://example.com:1234", True),
        ("https://example.com:1234", "https://example.com", False),
        ("all://example.com:443", "https://example.com", True),
        ("all://*:8080", "https://example.com:8080", True),
        ("http://*", "http://anything", True),
        ("all://127.0.0.1", "http://127.0.0.1", True),
        ("all://192.168.0.0/16", "http://192.168.7.1", True),
        ("all://192.168.0.0/16", "http://192.169.7.1", False),
        ("all://192.168.0.0/16", "http://example.com", False),
        ("all://[::1]", "http://[::1]:80/", True),
        ("all://[::1]", "http://[0:0::1]/", True),
        ("all://[fe80::]/16", "http://[fe80::5]/", True),
        ("all://[fe80::]/16", "http://[fe81::5]/", False),
        ("all://[fe80::]/16", "http://10.0.0.1/", False),
        ("all://[fe80::]/16", "http://[fe80::1%25eth0]/", True),
        ("all://bücher.example", "http://xn--bcher-kva.example/", True),
        ("all://*xn--bcher-kva.example", "http://www.bücher.example/", True),
        ("all://*xn--bcher-kva.example", "http://bücher.example/", True),
    ],
)
def test_pattern_matches(pattern: str, url: str, matches: bool) -> None:
    """A pattern covers the URLs whose scheme, host and port are its own, as far as it names them."""
    assert URLPattern(pattern).matches(URL(url)) is matches


def test_patterns_sort_by_how_specific_they_are() -> None:
    """A port counts most, then the length of the host, then that of the scheme."""
    keys = [
        "all://",
        "http://",
        "https://",
        "all://example.com",
        "http://example.com",
        "all://www.example.com",
        "all://*:80",
    ]

    assert [pattern.pattern for pattern in sorted(map(URLPattern, keys))] == [
        "all://*:80",
        "all://www.example.com",
        "http://example.com",
        "all://example.com",
        "https://",
        "http://",
        "all://",
    ]


def test_pattern_is_a_key() -> None:
    """Patterns of one text are equal, and equal to nothing else."""
    assert {URLPattern("all://"): 1}[URLPattern("all://")] == 1
    assert URLPattern("all://") != URLPattern("http://")
    assert URLPattern("all://") != "all://"
    assert repr(URLPattern("all://a")) == "URLPattern('all://a')"


def test_plain_scheme_is_no_pattern() -> None:
    """A scheme without its slashes is refused with the right form."""
    with pytest.raises(ValueError, match='use "https://"'):
        URLPattern("https")


@pytest.mark.parametrize("pattern", ["all://192.168.0.0/33", "all://[fe80::]/129"])
def test_impossible_network(pattern: str) -> None:
    """A network that cannot be is refused."""
    with pytest.raises(InvalidURL, match="Invalid network"):
        URLPattern(pattern)


def test_mount_table_is_tried_from_the_most_specific() -> None:
    """Routes stand in the order of their patterns, whatever they lead to."""
    table = mount_table({"all://": None, "all://a": "transport", "http://": None})

    assert [pattern.pattern for pattern in table] == ["all://a", "http://", "all://"]


@pytest.mark.parametrize(
    ("environment", "proxies"),
    [
        ({}, {}),
        ({"HTTP_PROXY": "http://127.0.0.1"}, {"http://": "http://127.0.0.1"}),
        ({"HTTPS_PROXY": "proxy:8080"}, {"https://": "http://proxy:8080"}),
        ({"all_proxy": "socks5://proxy"}, {"all://": "socks5://proxy"}),
        ({"http_proxy": "http://low", "HTTP_PROXY": "http://up"}, {"http://": "http://low"}),
        ({"http_proxy": "", "HTTP_PROXY": "http://up"}, {}),
        ({"TRAVIS_APT_PROXY": "http://127.0.0.1"}, {}),
        ({"HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"}, {}),
        ({"http_proxy": "http://good", "REQUEST_METHOD": "GET"}, {"http://": "http://good"}),
        ({"HTTPS_PROXY": "http://good", "REQUEST_METHOD": "GET"}, {"https://": "http://good"}),
        ({"no_proxy": "127.0.0.1"}, {"all://127.0.0.1": None}),
        ({"no_proxy": "192.168.0.0/16"}, {"all://192.168.0.0/16": None}),
        ({"no_proxy": "::1"}, {"all://[::1]": None}),
        ({"no_proxy": "[::1]"}, {"all://[::1]": None}),
        ({"no_proxy": "fe80::/10"}, {"all://[fe80::]/10": None}),
        ({"no_proxy": "localhost"}, {"all://localhost": None}),
        ({"no_proxy": "github.com"}, {"all://*github.com": None}),
        ({"no_proxy": ".github.com"}, {"all://*.github.com": None}),
        ({"no_proxy": "*.github.com"}, {"all://*.github.com": None}),
        ({"no_proxy": "github.com:8443"}, {"all://*github.com:8443": None}),
        ({"no_proxy": "http://github.com"}, {"http://github.com": None}),
        ({"no_proxy": "a.com b.com\tc.com,d.com"}, {f"all://*{name}.com": None for name in "abcd"}),
        ({"no_proxy": "fe80::1%eth0"}, {"all://[fe80::1]": None}),
        ({"no_proxy": "[::1]:8080"}, {"all://[::1]:8080": None}),
        (
            {"no_proxy": "bücher.example,.bücher.example:81"},
            {"all://*xn--bcher-kva.example": None, "all://*.xn--bcher-kva.example:81": None},
        ),
        ({"no_proxy": "-ü-.example"}, {}),
        ({"NO_PROXY": " a.com ,, b.com "}, {"all://*a.com": None, "all://*b.com": None}),
        ({"HTTP_PROXY": "http://proxy", "NO_PROXY": "a.com,*"}, {}),
        ({"HTTP_PROXY": "http://proxy", "NO_PROXY": "no:port,10.0.0.0/99"}, {"http://": "http://proxy"}),
    ],
)
def test_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], proxies: dict[str, str | None]
) -> None:
    """The variables name proxies and what goes around them; small letters win, and a CGI's headers are not believed."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert get_environment_proxies() == proxies


def test_system_settings_fill_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS and Windows the system is asked where the environment names nothing."""
    import urllib.request

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"http": "http://system:3128"})
    assert get_environment_proxies() == {"http://": "http://system:3128"}

    monkeypatch.setenv("HTTPS_PROXY", "http://mine")
    assert get_environment_proxies() == {"https://": "http://mine"}


def test_proxy_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy given is for everything; else the environment says, if it may."""
    proxy = Proxy("http://given")
    assert proxy_map(proxy, use_environment=True) == {"all://": proxy}
    given = proxy_map("http://given", use_environment=True)["all://"]
    assert isinstance(given, Proxy)
    assert given.url == "http://given"

    monkeypatch.setenv("HTTP_PROXY", "http://environment")
    monkeypatch.setenv("NO_PROXY", "localhost")
    found = proxy_map(None, use_environment=True)
    assert found["http://"] is not None
    assert found["http://"].url == "http://environment"
    assert found["all://localhost"] is None
    assert proxy_map(None, use_environment=False) == {}


NO_PROXY: list[tuple[str, str, bool]] = [
    # entry of NO_PROXY, URL, whether the proxy is gone around: as curl has it
    ("example.org", "http://example.org/", True),
    ("example.org", "http://www.example.org/", True),
    ("example.org", "http://EXAMPLE.ORG./", True),
    ("EXAMPLE.org", "http://example.org:8080/", True),
    ("example.org", "http://notexample.org/", False),
    ("example.org", "http://example.org.evil.example/", False),
    ("example.org", "http://example.com/", False),
    (".example.org", "http://www.example.org/", True),
    (".example.org", "http://example.org/", True),
    (".example.org", "http://notexample.org/", False),
    ("example.org.", "http://example.org/", True),
    ("www.example.org", "http://example.org/", False),
    ("localhost", "http://localhost/", True),
    ("localhost", "http://127.0.0.1/", False),
    ("127.0.0.1", "http://127.0.0.1:81/", True),
    ("127.0.0.1", "http://127.0.0.10/", False),
    ("10.0.0.0/8", "http://10.200.3.4/", True),
    ("10.0.0.0/8", "http://11.0.0.1/", False),
    ("10.1.2.3/8", "http://10.200.3.4/", True),
    ("10.0.0.0/8", "http://10.example/", False),
    ("192.168.0.0/30", "http://192.168.0.4/", False),
    ("0.0.0.0/0", "http://[::1]/", False),
    ("::1", "http://[::1]/", True),
    ("::1", "http://[0:0:0:0:0:0:0:1]/", True),
    ("::1", "http://[::2]/", False),
    ("fe80::/10", "http://[febf::1]/", True),
    ("fe80::/10", "http://[fec0::1]/", False),
    ("a.example,b.example", "http://b.example/", True),
    ("a.example, b.example", "http://b.example/", True),
    (",, ,a.example,", "http://a.example/", True),
    ("*", "http://anything.example/", True),
    ("", "http://anything.example/", False),
    (",", "http://anything.example/", False),
    # what some releases of curl read so, and others not
    ("0.0.0.0/0", "http://1.1.1.1/", True),
    ("[::1]", "http://[::1]/", True),
    ("[fe80::]/10", "http://[fe80::1]/", True),
    ("a.example b.example", "http://b.example/", True),
    # ports, as CPython and httpx have them
    ("example.org:8080", "http://example.org:8080/", True),
    ("example.org:8080", "http://example.org/", False),
    ("example.org:80", "http://example.org/", True),
    ("example.org:443", "https://example.org/", True),
    ("127.0.0.1:81", "http://127.0.0.1:81/", True),
    ("127.0.0.1:81", "http://127.0.0.1:82/", False),
    ("[::1]:81", "http://[::1]:81/", True),
    ("[::1]:81", "http://[::1]/", False),
    # patterns, as httpx has them
    ("*.example.org", "http://www.example.org/", True),
    ("*.example.org", "http://example.org/", False),
    ("https://example.org", "https://example.org/", True),
    ("https://example.org", "http://example.org/", False),
    # entries that mean nothing exclude nothing
    (".", "http://example.org/", False),
    ("..", "http://example.org/", False),
    ("*:nothing", "http://example.org/", False),
    ("10.0.0.0/99", "http://10.0.0.1/", False),
]


@pytest.mark.parametrize(("entry", "url", "direct"), NO_PROXY)
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, entry: str, url: str, direct: bool) -> None:
    """P3: what NO_PROXY names goes around the proxy, and nothing else does."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example")
    monkeypatch.setenv("no_proxy", entry)
    routes = mount_table(proxy_map(None, use_environment=True))
    taken = [routes[pattern] for pattern in routes if pattern.matches(URL(url))]

    assert (not taken or taken[0] is None) is direct
