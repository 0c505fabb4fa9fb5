"""What must not be written to a cassette: how it is found, what takes its place, and the gate that looks once more.

The rule is to deny: of header fields only those of a list are written, and of the rest their names. Values under
telling names (query, forms, JSON, cookies, multipart), whatever looks like a key or a token, and the values of
secret-looking environment variables are hidden wherever they stand; so is what was hidden once, where it comes again.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from .cassette_names import is_plainly_telling, is_telling, is_telling_of_numbers
from .cassette_spellings import SHORTEST, Spellings
from .cassette_text import named_values

HIDDEN = "[hidden]"
"""What stands in the place of a secret."""

HEADERS = frozenset(
    """accept accept-encoding accept-language accept-ranges age allow cache-control content-disposition content-encoding
    content-language content-location content-range content-type date etag expires host if-match if-modified-since
    if-none-match if-range if-unmodified-since last-event-id last-modified link location prefer range ratelimit
    ratelimit-limit ratelimit-policy ratelimit-remaining ratelimit-reset retry-after server user-agent vary
    x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset""".split()  # noqa: SIM905 - a list of forty lines says no more
)
"""The fields whose values are written."""

_PATTERNS = re.compile(
    r"""eyJ[\w-]{6,}\.[\w-]{4,}(?:\.[\w-]*)?                       # JSON Web Token
    |\b(?:sk|pk|rk)[-_](?:[a-z]+[-_])*[A-Za-z0-9_-]{12,}           # OpenAI, Anthropic, Stripe
    |\b(?:AKIA|ASIA|AROA)[A-Z0-9]{12,}                             # AWS
    |\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}             # GitHub
    |\bglpat-[\w-]{16,}|\bnpm_[A-Za-z0-9]{20,}|\bpypi-[\w-]{20,}   # GitLab, npm, PyPI
    |\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}                         # Slack
    |\bAIza[\w-]{20,}|\bya29\.[\w-]{10,}|\bhf_[A-Za-z0-9]{16,}     # Google, Hugging Face
    |\bSG\.[\w-]{10,}\.[\w-]{10,}                                  # SendGrid
    |(?<=\b[Bb]earer\s)[\w.~+/=-]{6,}|(?<=\b[Bb]asic\s)[\w+/=-]{6,}
    |-----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----(?:.*?-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|.*)
    |(?<=hooks\.slack\.com/services/)[\w/]{20,}|(?<=/bot)\d{6,}:[\w-]{30,}|(?<=/webhooks/)\d{16,}/[\w-]{40,}
    |(?<=://)[^/?\#\s@:]*:[^/?\#\s@]+(?=@)                         # the userinfo of a URL""",
    re.VERBOSE | re.DOTALL,
)

_JSON_LINE = re.compile(r"((?:data: ?)?\s*)([{\[].*[}\]])\s*$", re.DOTALL)


class LeakError(AssertionError):
    """A cassette was not written, since a secret would have been in it."""


def environment_secrets(environment: Mapping[str, str] = os.environ) -> set[str]:
    """Return the values of variables with telling names."""
    return {
        value for name, value in environment.items() if is_telling(name) and len(value) >= 8 and "/" not in value[:1]
    }


class Redactor:
    """Hide secrets. `allow` names header fields, parameters and JSON fields that are written all the same."""

    def __init__(self, allow: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> None:
        self._allowed = {name.lower() for name in allow}
        self.secrets = environment_secrets(os.environ if environment is None else environment)
        """What has been hidden, to be found wherever it comes again."""
        self._spellings = Spellings()
        for secret in self.secrets:
            self._spellings.add(secret)

    def hide(self, value: str) -> str:
        """Return what stands in the place of a secret, and remember it."""
        if value and value != HIDDEN:
            self._remember(value)
        return HIDDEN if value else value

    def _remember(self, value: str) -> None:
        scheme, _, rest = value.partition(" ")
        for secret in (value, rest if scheme.isalpha() else "", *_basic_of(scheme, rest)):
            if len(secret) >= SHORTEST and secret not in self.secrets:
                self.secrets.add(secret)
                self._spellings.add(secret)

    def field(self, name: str, value: str) -> str:
        """Return the value of a parameter or of a form's field as it may be written."""
        return self.hide(value) if self._is_secret(name) else self.text(value)

    def _is_secret(self, name: str) -> bool:
        return is_telling(name) and name.lower() not in self._allowed

    def header(self, name: str, value: str) -> str:
        """Return the value of a header field as it may be written."""
        name = name.lower()
        if name in self._allowed:
            return value
        if name in ("set-cookie", "set-cookie2"):
            return self._set_cookie(value)
        if name == "cookie":
            return "; ".join(self._cookie(pair) for pair in value.split(";"))
        if name in ("location", "content-location", "referer"):
            return self.url(value)
        if name in HEADERS:
            return self.text(value)
        return self.hide(value) if is_telling(name) else HIDDEN

    def _set_cookie(self, value: str) -> str:
        pair, semicolon, attributes = value.partition(";")
        return self._cookie(pair) + semicolon + self.text(attributes)

    def _cookie(self, pair: str) -> str:
        name, _, value = pair.strip().partition("=")
        return f"{name}={self.hide(value)}" if value else self.hide(name)

    def url(self, url: str) -> str:
        """Return a URL without the secrets of its userinfo, query and fragment."""
        rest, hash_sign, fragment = url.partition("#")
        head, question, query = rest.partition("?")
        head = re.sub(r"//([^/?#@]*)@", lambda found: f"//{self.hide(found[1])}@", head)
        fragment = self._query(fragment)
        return self.text(unquote_safely(head)) + question + self._query(query) + hash_sign + fragment

    def _query(self, query: str) -> str:
        return "&".join(self._parameter(pair) for pair in query.split("&"))

    def _parameter(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        plain = unquote_plus(value)
        hidden = self.field(unquote_plus(name), plain)
        return self.text(name) + equals + (value if hidden == plain else quote(hidden, safe="[]"))

    def json(self, value: Any, name: str = "") -> Any:
        """Return a value of JSON without its secrets. Objects under plainly telling names keep their numbers only."""
        if isinstance(value, dict):
            if is_plainly_telling(name) and name.lower() not in self._allowed:
                return self._below(value)
            # Of a pair, as in {"name": "Authorization", "value": ...}, the name tells of the value.
            named = value.get("name", value.get("key"))
            names = {"value": named} if isinstance(named, str) and self._is_secret(named) else {}
            return {self.text(str(key)): self.json(part, names.get(key, str(key))) for key, part in value.items()}
        if isinstance(value, list):
            return [self._of_many(part, name) if isinstance(part, str) else self.json(part, name) for part in value]
        if isinstance(value, str):
            return self.field(name, value)
        if isinstance(value, int) and not isinstance(value, bool) and is_telling_of_numbers(name):
            return value if name.lower() in self._allowed else self.hide(str(value))
        return value

    def _of_many(self, value: str, name: str) -> str:
        """Return one of several values. Many tokens may be words after all: those that do not look drawn stay."""
        is_many = name.lower() not in self._allowed and self._is_secret(name.removesuffix("s"))
        return self.hide(value) if is_many and _looks_drawn(value) else self.field(name, value)

    def _below(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.text(str(key)): self._part_below(str(key), part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._below(part) for part in value]
        return self._hide_here(value) if isinstance(value, str) else value

    def _part_below(self, name: str, value: Any) -> Any:
        return self.json(value, name) if name.lower() in self._allowed else self._below(value)

    def _hide_here(self, value: str) -> str:
        """Hide what may be a plain word after all, and remember it only if it looks drawn by lot."""
        return self.hide(value) if _looks_drawn(value) else HIDDEN if value else value

    def text(self, text: str) -> str:
        """Return a text without what looks like a secret, stands under a telling name, or was a secret elsewhere."""
        if "{" in text or "[" in text:
            text = "\n".join(map(self._line, text.split("\n")))
        text = self._without_named(text)
        for found in _PATTERNS.finditer(text):
            self._remember(found[0])
        text = _PATTERNS.sub(HIDDEN, text)
        return self._spellings.without(text, HIDDEN)

    def _line(self, line: str) -> str:
        """Return a line without the secrets of the JSON that is all of it, or that an event carries in it."""
        found = _JSON_LINE.match(line)
        if found is None:
            return line
        try:
            value = json.loads(found[2])
        except ValueError:
            return line
        written = self.json(value)
        return line if written == value else found[1] + json.dumps(written, ensure_ascii=False)

    def _without_named(self, text: str) -> str:
        for name, start, end in sorted(set(named_values(text)), key=lambda one: one[1], reverse=True):
            if name.lower() not in self._allowed and HIDDEN not in text[start : end + len(HIDDEN)]:
                text = text[:start] + self._hide_here(text[start:end]) + text[end:]
        return text

    def again(self, value: Any) -> Any:
        """Hide in what was written before whatever was found to be a secret since."""
        if isinstance(value, dict):
            return {self.again(key): self.again(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.again(part) for part in value]
        return self.text(value) if isinstance(value, str) else value

    def leaks(self, value: Any) -> list[str]:
        """Return where secrets are in what is to be written: the paths to them, and not the secrets."""
        return [path for path, text in _texts(value, "") if self._is_leak(text)]

    def _is_leak(self, text: str) -> bool:
        plain = unquote(text)
        decoded = _decoded(text)
        looks = (text, plain, decoded)
        return any(_PATTERNS.search(look) or self._spellings.are_in(look) for look in looks)


def _looks_drawn(value: str) -> bool:
    """Return whether a value looks as if it was drawn by lot."""
    return len(value) >= SHORTEST and any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def unquote_safely(text: str) -> str:
    """Return the head of a URL as it is, unless unquoting shows a secret in it."""
    plain = unquote(text)
    return plain if _PATTERNS.search(plain) and not _PATTERNS.search(text) else text


def _basic_of(scheme: str, credentials: str) -> list[str]:
    """Return the name and the password of Basic credentials (RFC 7617)."""
    if scheme.lower() != "basic":
        return []
    return [_decoded(credentials), *_decoded(credentials).partition(":")[2:]]


def _decoded(text: str) -> str:
    """Return what a text is in base64, an empty one where it is none."""
    try:
        return base64.b64decode(text, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return ""


def _texts(value: Any, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield f"{path}.{key}", str(key)
            yield from _texts(part, f"{path}.{key}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _texts(part, f"{path}[{number}]")
    elif isinstance(value, (str, int, float)):
        yield path.lstrip("."), str(value)
