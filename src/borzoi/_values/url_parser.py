"""From the text of a URL to its parts, and back (RFC 3986).

In go a text and parts that override it, out come `Parts`: plain ASCII, normalised, percent-encoded where they must be.
What is not a URL raises InvalidURL. All of it is linear in the length of the text.

`parse_normal` is the fast way for a text that is in the normal form already. It returns what `parse` would, or None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from .._errors import InvalidURL
from .host import IPV4_ADDRESS, encode_host
from .percent import percent_encode

MAX_URL_LENGTH = 65536
"""Longest URL, and longest part of one, in characters."""

DEFAULT_PORTS = {"ftp": 21, "http": 80, "https": 443, "ws": 80, "wss": 443}
"""The port that a scheme stands for. In a URL it is left out (RFC 3986 section 3.2.3)."""

MAX_PORT = 65535

# Schemes whose host is one of the network. A reference without a scheme has that of its base: it must be as safe.
_NETWORK_SCHEMES = frozenset({"", *DEFAULT_PORTS, "socks4", "socks4a", "socks5", "socks5h"})


class Parts(NamedTuple):
    """The parts of a URL, each normalised. No query is None, an empty one is ""; the same for the fragment."""

    scheme: str
    userinfo: str
    host: str
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def netloc(self) -> str:
        """The host, in brackets if it is an IPv6 address, and the port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def authority(self) -> str:
        return f"{self.userinfo}@{self.netloc}" if self.userinfo else self.netloc

    def unsplit(self) -> str:
        """Return the text of the URL (RFC 3986 section 5.3)."""
        authority = self.authority
        # Without a host, a path "//a" would read as one: the empty authority stays (RFC 3986 section 3.3).
        slashes = "//" if authority or self.path.startswith("//") else ""
        return "".join(
            [
                f"{self.scheme}:" if self.scheme else "",
                slashes,
                authority,
                self.path,
                "" if self.query is None else f"?{self.query}",
                "" if self.fragment is None else f"#{self.fragment}",
            ]
        )


# --- Which characters stand for themselves ----------------------------------------------------------------------------


# The percent-encode sets of the WHATWG URL standard turned around: what stays as it is, as the inside of a class of
# characters. "%" always stays: what is encoded already remains so.
_SAFE_IN_QUERY = r"!$-;=?-~"
_SAFE_IN_PATH = r"!$-;=@-_a-z|~"
_SAFE_IN_FRAGMENT = r"!#-;=?-_a-~"
_SAFE_IN_USERINFO = r"!$-.0-:A-Z_a-z~"
_SAFE_IN_USERNAME = r"!$-.0-9A-Z_a-z~"


# --- The fast way -----------------------------------------------------------------------------------------------------

# A last label that starts with a letter makes a name that is no number in any notation.
_NAME = r"(?:[a-z0-9_-]++\.)*[a-z][a-z0-9_-]*+"

_match_normal = re.compile(
    rf"(?:(https?|wss?)://({IPV4_ADDRESS}(?![a-z0-9_.-])|{_NAME})(?::([1-9][0-9]{{0,4}}))?)?"
    rf"((?:/(?![/\\])[{_SAFE_IN_PATH}]*+)?)"
    rf"(?:\?([{_SAFE_IN_QUERY}]*+))?"
    rf"(?:#([{_SAFE_IN_FRAGMENT}]*+))?"
).fullmatch


def parse_normal(text: str) -> Parts | None:
    """Parse a text that needs no change to be normal: a plain http(s) or ws(s) URL, or a path on the same host."""
    match = _match_normal(text)
    if match is None or len(text) > MAX_URL_LENGTH:
        return None

    scheme, host, digits, path, query, fragment = match.groups()
    if "/." in path:
        return None  # Perhaps a dot segment.
    if scheme is None:
        return Parts("", "", "", None, path, query, fragment)
    if "xn--" in host:
        return None  # Perhaps not an A-label.

    port = None
    if digits is not None:
        port = int(digits)
        if port > MAX_PORT or port == DEFAULT_PORTS[scheme]:
            return None
    # Not Parts(...), which goes through a function of Python: that is a tenth of the time.
    return tuple.__new__(Parts, (scheme, "", host, port, path, query, fragment))


# --- The whole way ----------------------------------------------------------------------------------------------------

# These are compiled at their first use, by `re` itself: most programs need few of them.

# RFC 3986 appendix B, but with the letters of a scheme checked, and ":" without a scheme let through as httpx does.
_REFERENCE = r"(?s)(?:([A-Za-z][A-Za-z0-9+.-]*+)?:)?(?://([^/?#]*+))?([^?#]*+)(?:\?([^#]*+))?(?:#(.*+))?"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*+:"

_CONTROL = r"[\x00-\x1f\x7f]"
_TWO_SLASHES = r"[/\\]{2}"

_COMPONENTS = {
    "scheme": r"(?:[A-Za-z][A-Za-z0-9+.-]*)?",
    "authority": r"[^/?#]*",
    "userinfo": r"[^@]*",
    "host": r"\[.*\]|[^:]*",
    "port": r".*",
    "path": r"[^?#]*",
    "query": r"[^#]*",
    "fragment": r".*",
}


def parse(text: str, given: Mapping[str, str | None] | None = None) -> Parts:
    """Parse a URL; what is `given` for a component replaces what the text has for it. Raises InvalidURL.

    `given` has the keys scheme, authority, userinfo, host, port, path, query and fragment; None means "without".
    """
    given = given or {}
    _check_text(text)
    for name, value in given.items():
        _check_component(name, value or "")

    match = re.fullmatch(_REFERENCE, text)
    assert match is not None  # Each of its parts may be empty.
    text_authority: str | None = match[2]

    scheme = (given.get("scheme", match[1]) or "").lower()
    authority = given.get("authority", text_authority) or ""
    is_network = scheme in _NETWORK_SCHEMES
    if is_network and "\\" in authority:
        raise InvalidURL(r"Invalid URL: a '\' before the path, which some programs read as the end of the host.")

    # The last "@" ends the userinfo, as in browsers and curl: with the first one, we would go elsewhere than they do.
    userinfo, _, netloc = authority.rpartition("@")
    # A password with a bare "/", "?" or "#" ends the authority early, and begins where the port or the host should.
    is_cut = text_authority is not None and "@" in text[match.end(2) :]
    try:
        host, port = _parse_netloc(netloc, given, scheme)
    except InvalidURL:
        if not is_cut or ("@" not in authority and ":" not in netloc):
            raise
        rule = "If it is part of a password, percent-encode its '/', '?', '#' and '@'."
        raise InvalidURL(f"Invalid host or port: '[secure]'. {rule}") from None

    userinfo = percent_encode(given.get("userinfo", userinfo) or "", _SAFE_IN_USERINFO)
    has_authority = bool(userinfo or host) or port is not None
    path = given.get("path", match[3]) or ""
    if is_network and text_authority == "" and path and not has_authority:
        raise InvalidURL("Invalid URL: no host after '//' (RFC 9110 section 4.2.1).")
    path = _encode_path(path, scheme, has_authority)
    query = _encode_query(given.get("query", match[4]))
    fragment = _encode_fragment(given.get("fragment", match[5]))
    return Parts(scheme, userinfo, host, port, path, query, fragment)


def replace(parts: Parts, given: Mapping[str, str | None]) -> Parts:
    """Return the parts with what is `given` in the place of what they have, as in `parse`. Raises InvalidURL."""
    if not given.keys() <= {"path", "query", "fragment"}:
        whole = {"scheme": parts.scheme, "authority": parts.authority, "path": parts.path}
        return parse("", {**whole, "query": parts.query, "fragment": parts.fragment, **given})

    # The host stays as it is, so it need not be checked again.
    for name, value in given.items():
        _check_component(name, value or "")
    path = _encode_path(given.get("path", parts.path) or "", parts.scheme, has_authority=parts.authority != "")
    query = _encode_query(given.get("query", parts.query))
    fragment = _encode_fragment(given.get("fragment", parts.fragment))
    return parts._replace(path=path, query=query, fragment=fragment)


def encode_userinfo(username: str, password: str) -> str:
    """Join a name and a password, each percent-encoded whatever it contains."""
    _check_unicode("username", username)
    _check_unicode("password", password)
    name = percent_encode(username, _SAFE_IN_USERNAME)
    return f"{name}:{percent_encode(password, _SAFE_IN_USERNAME)}" if password else name


def resolve(base: Parts, reference: Parts) -> Parts:
    """Return what a reference means at a base (RFC 3986 section 5.2.2). Raises InvalidURL."""
    scheme, authority, path, query = reference.scheme, reference.authority, reference.path, reference.query

    if scheme == base.scheme and not authority and scheme in _NETWORK_SCHEMES:
        scheme = ""  # The loophole of section 5.2.2, "http:g", as all other clients have it.
    if scheme or authority:
        whole = {"scheme": scheme or base.scheme, "path": _remove_dot_segments(path)}
        return replace(reference, whole)

    if not path:
        path = base.path
        query = base.query if query is None else query
    elif not path.startswith("/"):
        path = _merge_paths(base, path)
    return replace(base, {"path": _remove_dot_segments(path), "query": query, "fragment": reference.fragment})


def _check_text(text: str) -> None:
    if len(text) > MAX_URL_LENGTH:
        raise InvalidURL("URL too long")
    if text.isprintable() and text.isascii():
        return

    control = re.search(_CONTROL, text)
    if control is not None:
        raise InvalidURL(f"Invalid non-printable ASCII character in URL, {control[0]!r} at position {control.start()}.")
    _check_unicode("URL", text)


def _check_component(name: str, value: str) -> None:
    if len(value) > MAX_URL_LENGTH:
        raise InvalidURL(f"URL component '{name}' too long")
    control = re.search(_CONTROL, value)
    if control is not None:
        where = f"in URL {name} component, {control[0]!r} at position {control.start()}"
        raise InvalidURL(f"Invalid non-printable ASCII character {where}.")
    if not re.fullmatch(_COMPONENTS[name], value):
        raise InvalidURL(f"Invalid URL component '{name}'")
    _check_unicode(name, value)


def _check_unicode(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidURL(f"Invalid character in {name}: half a surrogate pair at position {error.start}.") from None


def _parse_netloc(netloc: str, given: Mapping[str, str | None], scheme: str) -> tuple[str, int | None]:
    host, port = split_netloc(netloc)
    host = given.get("host", host) or ""
    port = given.get("port", port) or ""
    if host:
        host = encode_host(host, is_name=scheme in _NETWORK_SCHEMES)
    return host, _parse_port(port, scheme) if port else None


def split_netloc(netloc: str) -> tuple[str, str]:
    """Split `host:port`. An IPv6 address keeps its brackets."""
    if not netloc.startswith("["):
        host, _, port = netloc.partition(":")
        return host, port

    host, bracket, rest = netloc.rpartition("]")
    if not bracket:
        raise InvalidURL(f"Invalid IPv6 address: {netloc!r}")
    if rest and not rest.startswith(":"):
        raise InvalidURL(f"Invalid port: {rest!r}")
    return host + bracket, rest[1:]


def _parse_port(port: str, scheme: str) -> int | None:
    # Not int() alone: it takes "+80", "8_0", " 80" and the digits of other scripts.
    digits = port.lstrip("0") or "0"
    if not (port.isascii() and port.isdigit()) or len(digits) > 5 or int(digits) > MAX_PORT:
        raise InvalidURL(f"Invalid port: {port!r}")
    number = int(digits)
    return None if number == DEFAULT_PORTS.get(scheme) else number


def _encode_path(path: str, scheme: str, has_authority: bool) -> str:
    if has_authority:
        # RFC 3986 section 3.3: after an authority, the path is empty or begins with "/".
        if path and not path.startswith("/"):
            raise InvalidURL("For absolute URLs, path must be empty or begin with '/'")
    elif not scheme:
        _check_relative_path(path)

    if scheme or has_authority:
        path = _normalize_path(path)
    if not has_authority and scheme in _NETWORK_SCHEMES and re.match(_TWO_SLASHES, path):
        # Browsers read "/\evil.com" and "\\evil.com" as "//evil.com", which is a host.
        raise InvalidURL(f"URLs without a host cannot have a path starting with {path[:2]!r}")
    return percent_encode(path, _SAFE_IN_PATH)


def _encode_query(query: str | None) -> str | None:
    return None if query is None else percent_encode(query, _SAFE_IN_QUERY)


def _encode_fragment(fragment: str | None) -> str | None:
    return None if fragment is None else percent_encode(fragment, _SAFE_IN_FRAGMENT)


def _check_relative_path(path: str) -> None:
    # RFC 3986 section 4.2: such a path would read as an authority, or as a scheme.
    if path.startswith("//"):
        raise InvalidURL("Relative URLs cannot have a path starting with '//'")
    if path.startswith(":"):
        raise InvalidURL("Relative URLs cannot have a path starting with ':'")
    if re.match(_SCHEME, path):
        raise InvalidURL("Relative URLs cannot have a path starting with what reads as a scheme")


def _normalize_path(path: str) -> str:
    # As httpx: like RFC 3986 section 5.2.4, but a dot segment at the end leaves no "/" behind.
    if "." not in path:
        return path
    segments = path.split("/")
    if "." not in segments and ".." not in segments:
        return path
    return "/".join(_drop_dot_segments(segments))


def _remove_dot_segments(path: str) -> str:
    # RFC 3986 section 5.2.4.
    segments = path.split("/")
    kept = _drop_dot_segments(segments)
    if segments[-1] in (".", "..") and kept:
        kept.append("")
    return "/".join(kept)


def _drop_dot_segments(segments: list[str]) -> list[str]:
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            if kept and kept != [""]:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    return kept


def _merge_paths(base: Parts, path: str) -> str:
    # RFC 3986 section 5.2.3.
    if base.authority and not base.path:
        return f"/{path}"
    directory, slash, _ = base.path.rpartition("/")
    return f"{directory}{slash}{path}"
