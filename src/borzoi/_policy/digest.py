"""Digest access authentication: RFC 7616, and RFC 2069 for servers that offer no `qop`.

A challenge is kept for each origin, so that later requests carry their answer at once. A challenge of another origin
than the request's is not answered, and nothing is answered that the server did not ask for in well-formed terms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from .._errors import ProtocolError, RequestNotRead
from .auth import Auth, _octets

if TYPE_CHECKING:
    from .._messages.request import Request
    from .._messages.response import Response

Origin = tuple[bytes, bytes, int]

HASHES = {"MD5": "md5", "SHA": "sha1", "SHA-256": "sha256", "SHA-512": "sha512", "SHA-512-256": "sha512_256"}
"""The algorithms by the names they have in a challenge, without `-sess`: RFC 7616 6.1, and two that servers use."""

MAX_CHALLENGES = 128
"""Origins whose challenges one DigestAuth keeps."""

# RFC 9110 5.6.2, 5.6.4 and 11.2, each alternative told apart by its first character: matching is linear.
_NAME = r"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_SEPARATORS = re.compile(r"[ \t,]*")
_PARAMETER = re.compile(rf'({_NAME})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_NAME}))[ \t]*(?=,|\Z)', re.DOTALL)
_SCHEME = re.compile(rf"({_NAME})(?:[ \t]+[-._~+/0-9A-Za-z]+=*[ \t]*(?=,|\Z)|[ \t]+|(?=,|\Z))")
_QUOTED = ("username", "realm", "nonce", "uri", "response", "cnonce", "opaque")


class DigestAuth(Auth):
    """Authenticate with a name and a password, of which only hashes travel.

    The algorithms are MD5, SHA-256, SHA-512-256, SHA and SHA-512, each with its `-sess` form; of those that the server
    offers, the first that this Python has is taken. `qop=auth-int` is answered where the body of the request is in
    memory. Raises ProtocolError for a challenge that makes no sense.
    """

    def __init__(self, username: str | bytes, password: str | bytes) -> None:
        self._username = _octets(username)
        self._password = _octets(password)
        self._challenges: dict[Origin, Challenge] = {}

    def __getstate__(self) -> dict[str, object]:
        # What servers asked for is theirs and this process's: a copy is asked anew.
        return {**self.__dict__, "_challenges": {}}

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Send the request; where the server challenges it, send it again with the answer."""
        origin = request.url._origin
        known = self._challenges.get(origin)
        if known is not None:
            request.headers["Authorization"] = self._answer_to(request, known)

        response = yield request

        if response.status_code == 401 and _is_from(origin, response):
            challenge = pick_challenge(response.headers.get_list("www-authenticate"), request)
            if challenge is None:
                return

            self._remember(origin, challenge)
            request.headers["Authorization"] = self._answer_to(request, challenge)
            if response.cookies:
                response.cookies.set_cookie_header(request)
            response = yield request

        if _is_from(origin, response):
            self._renew(origin, response)

    def _remember(self, origin: Origin, challenge: Challenge) -> None:
        if len(self._challenges) >= MAX_CHALLENGES:
            self._challenges.clear()
        self._challenges[origin] = challenge

    def _renew(self, origin: Origin, response: Response) -> None:
        # RFC 7616 3.5: the server names the nonce for the next request.
        known = self._challenges.get(origin)
        if known is None or "authentication-info" not in response.headers:
            return
        self._challenges[origin] = known.renewed(response.headers["authentication-info"])

    def _answer_to(self, request: Request, challenge: Challenge) -> str:
        return self.answer(challenge, request.method, request.url._target, partial(_body, request))

    def answer(self, challenge: Challenge, method: str, target: bytes, body: Callable[[], bytes]) -> str:
        """Return the credentials for one request: the value of its Authorization or Proxy-Authorization field."""
        digest = challenge.digest
        counter = next(challenge.counter)
        nc = f"{counter:08x}"
        cnonce = self._get_client_nonce(counter, challenge.nonce.encode()).decode("ascii")
        uri = target.decode("ascii")

        # RFC 7616 3.4.2 and 3.4.3: A1 and A2.
        ha1 = digest(self._username + b":" + challenge.realm.encode() + b":" + self._password)
        if challenge.is_session:
            ha1 = digest(f"{ha1}:{challenge.nonce}:{cnonce}".encode())
        a2 = f"{method}:{uri}"
        if challenge.qop == "auth-int":
            a2 += ":" + digest(body())

        # 3.4.1; without qop as RFC 2069 has it.
        middle = f"{nc}:{cnonce}:{challenge.qop}:" if challenge.qop else ""
        fields = {
            **self._user_fields(challenge),
            "realm": challenge.realm,
            "nonce": challenge.nonce,
            "uri": uri,
            "response": digest(f"{ha1}:{challenge.nonce}:{middle}{digest(a2.encode())}".encode()),
            "algorithm": challenge.algorithm,
        }
        if challenge.opaque is not None:
            fields["opaque"] = challenge.opaque
        if challenge.qop:
            fields.update(qop=challenge.qop, nc=nc, cnonce=cnonce)
        return "Digest " + ", ".join(_field(name, value) for name, value in fields.items())

    def _user_fields(self, challenge: Challenge) -> dict[str, str]:
        # RFC 7616 3.4.4: hashed where the server asks for it, in extended notation where it is not ASCII.
        if challenge.hashes_user:
            return {"username": challenge.digest(self._username + b":" + challenge.realm.encode()), "userhash": "true"}
        if self._username.isascii():
            return {"username": self._username.decode("ascii")}

        from urllib.parse import quote

        return {"username*": "UTF-8''" + quote(self._username, safe="")}

    def _get_client_nonce(self, nonce_count: int, nonce: bytes) -> bytes:
        from os import urandom

        return urandom(8).hex().encode("ascii")


class Challenge:
    """Hold what a server asks for, and how often its nonce was used."""

    __slots__ = ("algorithm", "counter", "digest", "hashes_user", "is_session", "nonce", "opaque", "qop", "realm")

    def __init__(self, parameters: dict[str, str], digest: Callable[[bytes], str], qop: str | None) -> None:
        self.algorithm = parameters.get("algorithm", "MD5")
        self.is_session = self.algorithm.upper().endswith("-SESS")
        self.realm = parameters["realm"]
        self.nonce = parameters["nonce"]
        self.opaque = parameters.get("opaque")
        self.hashes_user = parameters.get("userhash", "").lower() == "true"
        self.digest = digest
        self.qop = qop
        # Taking the next number is one step, so that two threads never send the same.
        self.counter = count(1)

    def renewed(self, info: str) -> Challenge:
        """Return the challenge with the nonce that an Authentication-Info field names, itself where it names none."""
        nonce = dict(_parameters(info)).get("nextnonce")
        if not nonce:
            return self
        renewed = Challenge.__new__(Challenge)
        for name in self.__slots__:
            setattr(renewed, name, getattr(self, name))
        renewed.nonce, renewed.counter = nonce, count(1)
        return renewed


def _is_from(origin: Origin, response: Response) -> bool:
    # After a redirect the response may be that of another origin, which is told nothing. One without a request was made
    # by a program that drives the flow itself.
    return response._request is None or response._request.url._origin == origin


def pick_challenge(fields: Iterable[str], request: Request | None = None) -> Challenge | None:
    """Return the first challenge that can be answered, or None where there is none for Digest. Raises ProtocolError.

    `fields` are the values of WWW-Authenticate, or those of Proxy-Authenticate.
    """
    offered = [
        parameters for field in fields for scheme, parameters in _challenges(request, field) if scheme == "digest"
    ]

    for parameters in offered:
        if not parameters.get("nonce") or "realm" not in parameters:
            raise ProtocolError("Malformed Digest WWW-Authenticate header", request=request)
        digest = _digest_function(parameters.get("algorithm", "MD5"))
        if digest is not None:
            return Challenge(parameters, digest, _pick_qop(request, parameters.get("qop")))

    if offered:
        names = ", ".join(repr(parameters.get("algorithm", "MD5")[:40]) for parameters in offered)
        raise ProtocolError(f"Unsupported digest auth algorithm {names}", request=request)
    return None


def _pick_qop(request: Request | None, qop: str | None) -> str | None:
    if qop is None:
        return None
    offered = [option.strip().lower() for option in qop.split(",")]
    for option in ("auth", "auth-int"):
        if option in offered:
            return option
    raise ProtocolError(f"Unexpected qop value {qop[:80]!r} in digest auth", request=request)


def _digest_function(algorithm: str) -> Callable[[bytes], str] | None:
    import hashlib

    name = HASHES.get(algorithm.upper().removesuffix("-SESS"))
    if name is None:
        return None
    try:
        # Not for security: MD5 is what the server asks for, and builds under FIPS rules would refuse it.
        hashlib.new(name, usedforsecurity=False)
    except ValueError:
        return None
    return lambda octets: hashlib.new(name, octets, usedforsecurity=False).hexdigest()


def _challenges(request: Request | None, field: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Read a WWW-Authenticate field, which may hold several challenges: RFC 9110 11.6.1."""
    scheme, parameters, position = "", dict[str, str](), _skip(field, 0)

    while position < len(field):
        match = _PARAMETER.match(field, position)
        if match is not None and scheme:
            parameters.setdefault(match[1].lower(), _value(match))
        else:
            match = _SCHEME.match(field, position)
            if match is None and scheme == "digest":
                raise ProtocolError("Malformed Digest WWW-Authenticate header", request=request)
            if match is None:
                # Of a field that makes no sense, what was read before still counts.
                break
            if scheme:
                yield scheme, parameters
            scheme, parameters = match[1].lower(), {}
        position = _skip(field, match.end())

    if scheme:
        yield scheme, parameters


def _parameters(field: str) -> Iterator[tuple[str, str]]:
    position = _skip(field, 0)
    while (match := _PARAMETER.match(field, position)) is not None:
        yield match[1].lower(), _value(match)
        position = _skip(field, match.end())


def _skip(field: str, position: int) -> int:
    match = _SEPARATORS.match(field, position)
    return match.end() if match else position


def _value(match: re.Match[str]) -> str:
    return match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2], flags=re.DOTALL)


def _field(name: str, value: str) -> str:
    if name not in _QUOTED:
        return f"{name}={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def _body(request: Request) -> bytes:
    try:
        return request.content
    except RequestNotRead:
        message = "The server demands qop=auth-int, which covers the body: give it as bytes, or read() the request."
        raise ProtocolError(message, request=request) from None
