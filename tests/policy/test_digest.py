"""Digest authentication against the examples of RFC 7616, and against servers that mean no good."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from borzoi._errors import ProtocolError
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._policy.digest import MAX_CHALLENGES, DigestAuth

RFC_URL = "https://www.example.org/dir/index.html"
RFC_CHALLENGE = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


class Fixed(DigestAuth):
    """Digest authentication with a nonce that is not random."""

    def _get_client_nonce(self, nonce_count: int, nonce: bytes) -> bytes:
        return CNONCE.encode()


def challenged(*challenges: str, status: int = 401, request: Request | None = None, **more: Any) -> Response:
    """Return a response with challenges."""
    headers = [("WWW-Authenticate", challenge) for challenge in challenges]
    return Response(status, headers=headers + list(more.items()), request=request)


def answer(auth: DigestAuth, *challenges: str, request: Request | None = None) -> str | None:
    """Return how a flow answers, or None where it gives up."""
    request = request or Request("GET", RFC_URL)
    flow = auth.sync_auth_flow(request)
    next(flow)
    try:
        again = flow.send(challenged(*challenges, request=request))
    except StopIteration:
        return None
    return again.headers["Authorization"]


def fields(header: str | None) -> dict[str, str]:
    """Return the parameters of an Authorization field."""
    assert header is not None
    scheme, _, rest = header.partition(" ")
    assert scheme == "Digest"
    return {name: value.strip('"') for name, _, value in (part.partition("=") for part in rest.split(", "))}


def test_a_program_may_drive_the_flow() -> None:
    """A response that no request is attached to, as a program makes one, counts as the answer to what was sent."""
    flow = DigestAuth("user", "password").sync_auth_flow(Request("GET", RFC_URL))
    next(flow)
    again = flow.send(challenged(RFC_CHALLENGE.format(algorithm="MD5")))

    assert fields(again.headers["Authorization"])["realm"] == "http-auth@example.org"
    with pytest.raises(StopIteration):
        flow.send(Response(200))


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_example_of_the_rfc(algorithm: str, response: str) -> None:
    """RFC 7616 3.9.1: the example gives the response that the RFC prints."""
    header = answer(Fixed("Mufasa", "Circle of Life"), RFC_CHALLENGE.format(algorithm=algorithm))

    assert fields(header) == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001",
        "cnonce": CNONCE,
        "qop": "auth",
        "response": response,
        "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    }
    assert header is not None
    assert "qop=auth, nc=00000001, " in header


@pytest.mark.parametrize(
    ("algorithm", "length"),
    [
        ("MD5", 32),
        ("md5", 32),
        ("MD5-SESS", 32),
        ("SHA", 40),
        ("SHA-SESS", 40),
        ("SHA-256", 64),
        ("SHA-256-SESS", 64),
        ("SHA-512", 128),
        ("SHA-512-sess", 128),
        ("SHA-512-256", 64),
        ("SHA-512-256-sess", 64),
    ],
)
def test_algorithms(algorithm: str, length: int) -> None:
    """Each algorithm gives a hash of its own length, and is named as the server named it."""
    sent = fields(
        answer(DigestAuth("user", "secret"), f'Digest realm="r", nonce="n", qop="auth", algorithm={algorithm}')
    )

    assert (len(sent["response"]), sent["algorithm"]) == (length, algorithm)


def test_session_algorithm() -> None:
    """RFC 7616 3.4.2: A1 of a session holds the nonces."""

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    sent = fields(answer(Fixed("user", "secret"), 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess'))
    a1 = md5(f"{md5('user:r:secret')}:n:{CNONCE}")

    assert sent["response"] == md5(f"{a1}:n:00000001:{CNONCE}:auth:{md5('GET:/dir/index.html')}")


def test_without_qop() -> None:
    """RFC 2069: a server that offers no qop gets none, and no count."""
    sent = fields(answer(DigestAuth("user", "secret"), 'Digest realm="r", nonce="n"'))

    assert not {"qop", "nc", "cnonce", "opaque"} & set(sent)
    assert sent["algorithm"] == "MD5"


@pytest.mark.parametrize("qop", ["auth", "auth-int,auth", "unknown, auth", "AUTH"])
def test_auth_is_preferred(qop: str) -> None:
    """Where auth is offered, it is taken."""
    sent = fields(answer(DigestAuth("user", "secret"), f'Digest realm="r", nonce="n", qop="{qop}"'))

    assert sent["qop"] == "auth"


def test_auth_int_covers_the_body() -> None:
    """RFC 7616 3.4.3: with auth-int the hash is over the body as well."""
    answers = [
        fields(
            answer(
                Fixed("user", "secret"),
                'Digest realm="r", nonce="n", qop="auth-int"',
                request=Request("POST", RFC_URL, content=content),
            )
        )
        for content in (b"one", b"two")
    ]

    assert [sent["qop"] for sent in answers] == ["auth-int", "auth-int"]
    assert answers[0]["response"] != answers[1]["response"]


def test_auth_int_of_a_stream() -> None:
    """A body that is not in memory cannot be covered: the error says what to do."""
    request = Request("POST", RFC_URL, content=iter([b"one"]))

    with pytest.raises(ProtocolError, match=r"read\(\) the request"):
        answer(DigestAuth("user", "secret"), 'Digest realm="r", nonce="n", qop="auth-int"', request=request)


def test_user_may_be_hashed() -> None:
    """RFC 7616 3.4.4: with userhash the name does not travel."""
    challenge = 'Digest realm="api@example.org", nonce="n", userhash=true, algorithm=SHA-512-256, qop="auth"'
    sent = fields(answer(DigestAuth("J\u00e4s\u00f8n Doe", "Secret, or not?"), challenge))

    # The name as the example of RFC 7616 3.9.2 has it, corrected by erratum 4897.
    assert sent["username"] == "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    assert sent["userhash"] == "true"


def test_user_in_extended_notation() -> None:
    """RFC 7616 3.4.4: a name that is not ASCII is percent-encoded UTF-8."""
    sent = fields(answer(DigestAuth("Jäsøn Doe", "secret"), 'Digest realm="r", nonce="n"'))

    assert sent["username*"] == "UTF-8''J%C3%A4s%C3%B8n%20Doe"


def test_quotes_are_escaped() -> None:
    """What is quoted is unquoted for the hash and quoted again on the way back."""
    header = answer(DigestAuth('us"er', "secret"), r'Digest realm="a \"b\" \\ c, d", nonce="n,1", opaque=""')

    assert header is not None
    assert r'username="us\"er"' in header
    assert r'realm="a \"b\" \\ c, d"' in header
    assert 'nonce="n,1"' in header
    assert 'opaque=""' in header


@pytest.mark.parametrize(
    "challenges",
    [
        ['Basic realm="x", Digest realm="r", nonce="n"'],
        ['Digest realm="r", nonce="n", Basic realm="x"'],
        ["Negotiate abc==, Digest realm=r, nonce=n"],
        ["Negotiate", 'Digest realm="r", nonce="n"'],
        [', ,Digest  realm = "r" , , nonce = "n",'],
        ['digest NONCE="n", REALM="r"'],
        ['Digest realm="r", nonce="n", realm="second"'],
        ['Digest realm="r", nonce="other", algorithm=NEW', 'Digest realm="r", nonce="n"'],
        ['Basic realm="unfinished', 'Digest realm="r", nonce="n"'],
    ],
)
def test_challenge_among_others(challenges: list[str]) -> None:
    """The first challenge for Digest that can be answered is, wherever it stands."""
    sent = fields(answer(DigestAuth("user", "secret"), *challenges))

    assert (sent["realm"], sent["nonce"]) == ("r", "n")


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="r", qop="auth"',
        'Digest nonce="n"',
        'Digest realm="r", nonce=""',
        "Digest",
        'Digest realm="r", qop="auth,au',
        "Digest realm",
        "Digest ====",
        'Digest realm="r", nonce="n", algorithm=NEW',
        'Digest realm="r", nonce="n", qop="other"',
        'Digest realm="r", nonce="n", qop=""',
        'Digest realm="r" nonce="n"',
    ],
)
def test_challenge_that_makes_no_sense(challenge: str) -> None:
    """A malformed challenge raises ProtocolError with the request, and nothing else."""
    request = Request("GET", RFC_URL)

    with pytest.raises(ProtocolError) as caught:
        answer(DigestAuth("user", "secret"), challenge, request=request)
    assert caught.value.request is request


@pytest.mark.parametrize("challenges", [[], ['Basic realm="x"'], [""], ["@@@"], ["Digester realm=r"]])
def test_no_challenge_for_digest(challenges: list[str]) -> None:
    """A 401 that does not ask for Digest is the answer."""
    assert answer(DigestAuth("user", "secret"), *challenges) is None


def test_challenge_is_kept_for_its_origin() -> None:
    """Later requests to the origin carry an answer at once, counted; other origins get none."""
    auth = DigestAuth("user", "secret")
    answer(auth, 'Digest realm="r", nonce="n", qop="auth"')

    again = next(auth.sync_auth_flow(Request("GET", "https://www.example.org/other")))
    assert "nc=00000002" in again.headers["Authorization"]
    assert "authorization" not in next(auth.sync_auth_flow(Request("GET", "https://evil.example/"))).headers
    assert "authorization" not in next(auth.sync_auth_flow(Request("GET", "http://www.example.org/"))).headers


def test_count_starts_anew_with_a_nonce() -> None:
    """A new challenge replaces the old one, and is counted from one."""
    auth = DigestAuth("user", "secret")
    answer(auth, 'Digest realm="r", nonce="n", qop="auth"')
    sent = fields(answer(auth, 'Digest realm="r", nonce="new", qop="auth", stale=true'))

    assert (sent["nonce"], sent["nc"]) == ("new", "00000001")


def test_server_names_the_next_nonce() -> None:
    """RFC 7616 3.5: nextnonce of Authentication-Info is used from then on."""
    auth = DigestAuth("user", "secret")
    answer(auth, 'Digest realm="r", nonce="n", qop="auth"')

    request = Request("GET", RFC_URL)
    flow = auth.sync_auth_flow(request)
    next(flow)
    info: dict[str, Any] = {"Authentication-Info": 'rspauth="", nextnonce="next", broken'}
    assert list(_finish(flow, challenged(status=200, request=request, **info))) == []

    sent = fields(next(auth.sync_auth_flow(Request("GET", RFC_URL))).headers["Authorization"])
    assert (sent["nonce"], sent["nc"]) == ("next", "00000001")


def _finish(flow: Any, response: Response) -> list[Request]:
    try:
        return [flow.send(response)]
    except StopIteration:
        return []


def test_challenges_are_bounded() -> None:
    """A program that visits many origins does not fill the memory."""
    auth = DigestAuth("user", "secret")
    for number in range(MAX_CHALLENGES + 5):
        answer(auth, 'Digest realm="r", nonce="n"', request=Request("GET", f"https://host{number}.example/"))

    assert 0 < len(auth._challenges) <= MAX_CHALLENGES


def test_cookies_of_the_challenge_are_sent() -> None:
    """A cookie that comes with the challenge goes with the answer: the nonce may be bound to it."""
    request = Request("GET", RFC_URL)
    flow = DigestAuth("user", "secret").sync_auth_flow(request)
    next(flow)
    cookie: dict[str, Any] = {"Set-Cookie": "session=1"}
    again = flow.send(challenged('Digest realm="r", nonce="n"', request=request, **cookie))

    assert again.headers["Cookie"] == "session=1"


def test_challenge_of_another_origin() -> None:
    """A challenge that a redirect led to is not answered, and its nonces are not kept."""
    auth = DigestAuth("user", "secret")
    flow = auth.sync_auth_flow(Request("GET", RFC_URL))
    next(flow)
    elsewhere = challenged('Digest realm="r", nonce="n"', request=Request("GET", "https://evil.example/"))

    assert _finish(flow, elsewhere) == []
    assert auth._challenges == {}


def test_nonces_of_the_client_differ() -> None:
    """Each answer has a nonce of its own."""
    auth = DigestAuth("user", "secret")
    challenge = 'Digest realm="r", nonce="n", qop="auth"'

    assert fields(answer(auth, challenge))["cnonce"] != fields(answer(auth, challenge))["cnonce"]


def test_algorithm_that_this_python_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """An algorithm that the system forbids is passed over for the next one that the server offers."""
    new = hashlib.new

    def without_md5(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "md5":
            raise ValueError("disabled for FIPS")
        return new(name, *args, **kwargs)

    monkeypatch.setattr(hashlib, "new", without_md5)
    challenges = ['Digest realm="r", nonce="n"', 'Digest realm="r", nonce="n", algorithm=SHA-256']

    assert fields(answer(DigestAuth("user", "secret"), *challenges))["algorithm"] == "SHA-256"
    with pytest.raises(ProtocolError, match="Unsupported digest auth algorithm 'MD5'"):
        answer(DigestAuth("user", "secret"), challenges[0])
