"""Which transport a URL goes to: patterns of URLs, and the proxies that the environment names.

A pattern is `scheme://host:port`, of which each part may be left open: `all://`, `https://`, `all://*.example.org`,
`all://192.168.0.0/16`. The most specific of the patterns that match decides.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import InvalidURL
from .._values.host import encode_host
from .._values.redaction import in_message
from .._values.url import URL
from .proxy import Proxy

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from .proxy import ProxyTypes

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}

_NETWORK = re.compile(r"(?P<scheme>[a-z+.-]+)://(?P<address>\[[0-9a-fA-F:.]+\]|[0-9.]+)/(?P<length>[0-9]{1,3})")


class URLPattern:
    """Match URLs by scheme, host and port. Patterns sort from the most specific to the least."""

    __slots__ = ("_host_regex", "host", "network", "pattern", "port", "scheme")

    def __init__(self, pattern: str) -> None:
        if pattern and ":" not in pattern:
            raise ValueError(
                f"Proxy keys should use proper URL forms rather than plain scheme strings. "
                f'Instead of "{pattern}", use "{pattern}://"'
            )

        url = URL(pattern)
        self.pattern = pattern
        self.scheme = "" if url.scheme == "all" else url.scheme
        self.host = "" if url.host == "*" else url.host
        self.port = url.port
        self.network = _network_of(pattern, self.host)
        # Names are compared in ASCII: of "xn--..." and what people read, a URL shows now the one and now the other.
        self._host_regex = _host_regex("" if url.host == "*" else url._parts.host)

    def matches(self, other: URL) -> bool:
        """Tell whether the pattern covers the URL."""
        if self.scheme and self.scheme != other.scheme:
            return False
        if self.port is not None and self.port != (other.port or DEFAULT_PORTS.get(other.scheme)):
            return False
        if self.network is not None:
            return _in_network(self.network, other.host)
        return self._host_regex is None or self._host_regex.fullmatch(other._parts.host.removesuffix(".")) is not None

    @property
    def priority(self) -> tuple[int, int, int]:
        """The sort key: with a port before without, long hosts before short ones, then long schemes."""
        return (0 if self.port is not None else 1, -len(self.host), -len(self.scheme))

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __lt__(self, other: URLPattern) -> bool:
        return self.priority < other.priority

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URLPattern) and self.pattern == other.pattern

    def __repr__(self) -> str:
        return f"URLPattern({in_message(self.pattern)!r})"


def _host_regex(host: str) -> re.Pattern[str] | None:
    host = host.removesuffix(".")
    if not host:
        return None
    if host.startswith("*."):
        return re.compile(r".+\." + re.escape(host[2:]))
    if host.startswith("*"):
        return re.compile(r"(?:.+\.)?" + re.escape(host[1:]))
    return re.compile(re.escape(host))


def _network_of(pattern: str, host: str) -> IPv4Network | IPv6Network | None:
    match = _NETWORK.fullmatch(pattern)
    # An IPv6 address can be written in several ways: it is compared as a network of one.
    text = f"{match['address'].strip('[]')}/{match['length']}" if match else host
    if match is None and ":" not in host:
        return None

    import ipaddress

    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise InvalidURL(f"Invalid network in {pattern!r}: {error}.") from None


def _in_network(network: IPv4Network | IPv6Network, host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False


def proxy_map(proxy: ProxyTypes | None, *, use_environment: bool) -> dict[str, Proxy | None]:
    """Return the proxy for each pattern; None there means a direct connection."""
    if proxy is not None:
        return {"all://": proxy if isinstance(proxy, Proxy) else Proxy(proxy)}
    if not use_environment:
        return {}
    routes = get_environment_proxies()
    if routes:
        # curl and CPython go around the proxy for example.org, too, where NO_PROXY has .example.org; httpx does not.
        dotted = [entry.lstrip(".") for entry in _excluded(_environment_settings()) if entry[0] == "."]
        routes.update((key, None) for key in map("all://{}".format, filter(None, dotted)) if _is_usable(key))
    return {key: None if url is None else Proxy(url) for key, url in routes.items()}


def get_environment_proxies() -> dict[str, str | None]:
    """Return the proxy URL for each pattern as HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name them.

    None means a direct connection. On Windows and macOS the system's settings serve where the environment has none.
    """
    settings = _environment_settings()
    excluded = _excluded(settings)

    # As curl has it, one "*" among the entries of NO_PROXY switches all proxies off.
    if "*" in excluded:
        return {}

    proxies: dict[str, str | None] = {}
    for scheme in ("http", "https", "all"):
        address = settings.get(scheme)
        if address:
            proxies[f"{scheme}://"] = address if "://" in address else f"http://{address}"

    proxies.update((key, None) for key in map(_exclusion, excluded) if _is_usable(key))
    return proxies


def _excluded(settings: Mapping[str, str]) -> list[str]:
    # Some releases of curl take spaces for commas, and no host has a space in it.
    return settings.get("no", "").replace(",", " ").split()


def _environment_settings() -> Mapping[str, str]:
    found = {name: value for name in ("http", "https", "all", "no") if (value := _variable(f"{name}_proxy"))}
    if found or sys.platform not in ("win32", "darwin"):
        return found
    return _system_settings()


def _system_settings() -> Mapping[str, str]:
    # Costly to import, and of use only where the system has settings of its own.
    from urllib.request import getproxies

    return getproxies()


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is not None:
        return value

    # A CGI program gets the header "Proxy" of whoever calls it as HTTP_PROXY: CVE-2016-5385, "httpoxy".
    if name == "http_proxy" and "REQUEST_METHOD" in os.environ:
        return ""
    return os.environ.get(name.upper(), "")


def _exclusion(entry: str) -> str:
    """Return the pattern for one entry of NO_PROXY: a host with its subdomains, an address, a network, or a pattern."""
    if "://" in entry:
        return entry

    entry = entry if entry.isascii() else _in_ascii(entry)
    address, slash, length = entry.partition("/")
    address = address.partition("%")[0]
    if _is_ipv6(address):
        return f"all://[{address}]{slash}{length}"
    if entry.lower() == "localhost" or entry.startswith(("[", "*.")) or _is_ipv4(address):
        return f"all://{entry}"
    return f"all://*{entry}"


def _in_ascii(entry: str) -> str:
    name, colon, port = entry.partition(":")
    bare = name.lstrip("*.")
    try:
        return f"{name[: -len(bare)]}{encode_host(bare, is_name=True)}{colon}{port}"
    except InvalidURL:
        return entry


def _is_ipv4(text: str) -> bool:
    return re.fullmatch(r"[0-9]+(\.[0-9]+){3}", text, re.ASCII) is not None


def _is_ipv6(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*", text, re.ASCII) is not None


def _is_usable(key: str) -> bool:
    # An entry that does not parse excludes nothing, as in curl and Go; it must not break every client of the process.
    try:
        URLPattern(key)
    except (InvalidURL, ValueError):
        return False
    return True


def mount_table(routes: Mapping[str, Any]) -> dict[URLPattern, Any]:
    """Return the routes by pattern, in the order in which they are tried."""
    return dict(sorted(((URLPattern(key), transport) for key, transport in routes.items()), key=lambda route: route[0]))
