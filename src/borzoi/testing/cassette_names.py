"""Which names tell of secrets: names of fields, parameters and header fields, and words before a value in a text.

Words are told by their boundaries (`apiKey` is telling, `monkey` is not), but for a few that are telling in any place.
In a text a name has to be plainer: `code: 7` is no secret there.
"""

from __future__ import annotations

import re

_ANYWHERE = r"passw(?:or)?d|passphrase|secret|credential|csrf|xsrf"
_JOINED = (
    r"(?:api|access|private|secret|signing|encryption)[^a-z]?keys?"
    r"|(?:access|refresh|id|api|auth|session|bearer)[^a-z]?tokens?"
)

_TELLING = re.compile(
    rf"""{_ANYWHERE}|(?:^|[^a-z])(?:{_JOINED}|pass(?:code)?|pwd|token|jwt|bearer|auth|authorization|session|(?:j|php)?sess(?:ion)?id
    |sid|cookie|otp|pin|cvv|cvc|ssn|sig|signature|hmac|nonce|assertion|verifier|ticket|sas|code|key|card|iban)(?:$|[^a-z])""",
    re.VERBOSE,
)
_PLAINLY = re.compile(
    rf"""{_ANYWHERE}|(?:^|[^a-z])(?:{_JOINED}|pwd|token|jwt|authorization|(?:j|php)?sess(?:ion)?id|sid|otp|cvv|cvc
    |signature|sig)(?:$|[^a-z])""",
    re.VERBOSE,
)
_NUMBERS = re.compile(r"(?:^|[^a-z])(?:pass(?:word|code)?|otp|pin|cvv|cvc|ssn|secret|card)(?:$|[^a-z])")

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _words(name: str) -> str:
    return _CAMEL.sub("_", name).lower()


def is_telling(name: str) -> bool:
    """Return whether a value under a name is likely to be a secret."""
    return _TELLING.search(_words(name)) is not None


def is_plainly_telling(name: str) -> bool:
    """Return whether what follows a word in a text is likely to be a secret."""
    return _PLAINLY.search(_words(name)) is not None


def is_telling_of_numbers(name: str) -> bool:
    """Return whether a number under a name is a secret: a `code` or a `token` that is a number is a count."""
    return _NUMBERS.search(_words(name)) is not None
