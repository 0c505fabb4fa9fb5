"""URLs and header fields as they may be shown, by how far what is shown travels.

A repr stays with the programmer: it keeps the user's name and hides passwords and the values of parameters with telling
names. The text of an exception goes further: it has no userinfo at all. A log line goes anywhere: besides that, it has
the names of parameters and none of their values, and no fragment. Hidden is what stands as `[secure]`.
"""

from __future__ import annotations

import re

from .._errors import InvalidURL
from .percent import percent_decode
from .url_parser import Parts, parse

SECURE = "[secure]"
"""What stands in the place of a secret."""

_TELLING = frozenset(
    (
        "accesskey", "accesstoken", "apikey", "auth", "authorization", "bearer", "code", "credential",
        "credentials", "csrf", "jwt", "key", "nonce", "otp", "pass", "passcode", "passphrase", "passwd",
        "password", "pin", "pwd", "refreshtoken", "sas", "secret", "session", "sessionid", "sid", "sig", "sign",
        "signature", "ticket", "token"
    )
)  # fmt: skip

_SECRET_FIELDS = frozenset(("authorization", "cookie", "cookie2", "proxy-authorization", "set-cookie", "set-cookie2"))
_SECRET_PARTS = ("token", "secret", "passw", "apikey")
# A code is a secret as a parameter of OAuth; as a field it says what went wrong.
_SECRET_WORDS = _TELLING - {"code"}
_FIELDS_WITH_URLS = ("content-location", "location", "referer")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def in_repr(parts: Parts) -> Parts:
    """Return the parts of a URL for a repr."""
    name, _, password = parts.userinfo.partition(":")
    # A name without a password is often a token.
    userinfo = f"{name}:{SECURE}" if password else SECURE
    return _without_secrets(parts, userinfo if parts.userinfo else "")


def in_message(text: str) -> str:
    """Return a URL, or what was meant to be one, for the text of an exception. It stays as written where it may."""
    try:
        parts = parse(text)
    except InvalidURL:
        return re.sub(r"//[^/?#]*@", "//", re.sub(r"[?#].*", "", text, flags=re.DOTALL))
    shown = _without_secrets(parts, "")
    return text if shown == parts else shown.unsplit()


def in_log(parts: Parts) -> Parts:
    """Return the parts of a URL for a log."""
    query = parts.query and "&".join(_hide(piece) for piece in parts.query.split("&"))
    return parts._replace(userinfo="", query=query, fragment=None)


def query_in_repr(query: str) -> str:
    """Return the query of a URL, or of what will be one, for a repr."""
    return _hide_telling(query) or ""


def is_secret_field(name: str) -> bool:
    """Tell whether the value of a header field is a secret, by the name of the field."""
    lower = name.lower()
    if lower in _SECRET_FIELDS or any(part in lower for part in _SECRET_PARTS):
        return True
    # "Access-Control-Allow-Credentials" is about secrets, and is none.
    return not lower.startswith("access-control-") and not _SECRET_WORDS.isdisjoint(re.split("[-_]", lower))


def field_in_repr(name: str, value: str) -> str:
    """Return the value of a header field for a repr."""
    if is_secret_field(name):
        return SECURE
    return in_message(value) if name.lower() in _FIELDS_WITH_URLS else value


def _without_secrets(parts: Parts, userinfo: str) -> Parts:
    return parts._replace(userinfo=userinfo, query=_hide_telling(parts.query), fragment=_hide_telling(parts.fragment))


def _hide_telling(query: str | None) -> str | None:
    if not query or "=" not in query:
        return query
    return "&".join(_hide(piece) if _is_telling(piece.partition("=")[0]) else piece for piece in query.split("&"))


def _hide(piece: str) -> str:
    name, equals, value = piece.partition("=")
    if not equals:
        return SECURE if piece else ""
    return f"{name}={SECURE}" if value else piece


def _is_telling(name: str) -> bool:
    decoded = percent_decode(name)
    return decoded.lower() in _TELLING or any(word.lower() in _TELLING for word in _WORD.findall(decoded))
