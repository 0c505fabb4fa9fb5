"""Secrets and cassettes: a hundred are planted, none is written; the gate refuses what redaction let through."""

from __future__ import annotations

import base64
import gzip
import html
import json
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi.testing.cassette import Cassette, CassetteTransport
from borzoi.testing.cassette_names import is_plainly_telling, is_telling
from borzoi.testing.cassette_secrets import HIDDEN, LeakError, Redactor
from borzoi.testing.cassette_spellings import Spellings
from borzoi.testing.cassette_text import named_values
from tests.growth import is_linear

URL = "https://api.test"


def _secret(number: int) -> str:
    return f"S3cr3t{number:02}xQz"


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{:02}.SflKxwRJSMeKKF2QT4fwpM"
KEYS = [
    "sk-proj-abcdefghijkl{:02}MNOP", "sk-ant-api03-abcdefgh{:02}ijklmnop", "AKIAABCDEFGHIJKL{:02}MN", "ghp_abcdefghijklmnopqrst{:02}",
    "github_pat_abcdefghijklmnop{:02}", "xoxb-123456789012-ab{:02}cdef", "AIzaSyA1234567890abcdefghij{:02}", "glpat-abcdefghijklmnop{:02}",
    "hf_abcdefghijklmnopqr{:02}", "SG.abcdefghijkl.mnopqrstuvw{:02}", "npm_abcdefghijklmnopqrstu{:02}", "rk_live_abcdefghijklmn{:02}",
]  # fmt: skip


class Planted:
    """A request and its response, with a secret in one place."""

    def __init__(self, secret: str, response: dict[str, Any] | None = None, **request: Any) -> None:
        self.secret = secret
        self.response = response or {"json": {"ok": True}}
        self.request = {"method": "POST", "url": URL, **request}


def _planted() -> list[Planted]:
    numbers = iter(range(100))

    def new(pattern: str = "") -> str:
        number = next(numbers)
        return pattern.format(number) if pattern else _secret(number)

    found: list[Planted] = []
    found += [
        Planted(s := new(), headers={name: f"Bearer {s}"})
        for name in ["Authorization", "X-Api-Key", "Proxy-Authorization", "X-Anything-Else", "X-Amz-Security-Token"]
    ]
    s = new()
    found.append(Planted(s, headers={"Authorization": "Basic " + base64.b64encode(f"me:{s}".encode()).decode()}))
    found += [
        Planted(s := new(), url=f"{URL}/?page=2&{name}={s}")
        for name in ["api_key", "access_token", "sig", "X-Amz-Signature", "password", "code"]
    ]
    found.append(Planted(s := new(), url=f"https://me:{s}@api.test/"))
    found.append(Planted(s := new(), url=f"https://{s}@api.test/"))
    found.append(Planted(s := new(JWT), url=f"{URL}/verify/{s}/now"))
    found.append(Planted(s := new(), url=f"{URL}/cb#access_token={s}"))
    found += [
        Planted(s := new(), data={"grant_type": "x", name: s})
        for name in ["client_secret", "refresh_token", "password", "code_verifier", "client_assertion"]
    ]
    found += [
        Planted(s := new(), json={"deep": [{name: s}]})
        for name in ["password", "apiKey", "access_token", "clientSecret", "private_key"]
    ]
    found += [
        Planted(s := new(), response={"json": {name: s, "expires_in": 3600}})
        for name in ["access_token", "refresh_token", "id_token", "sessionToken"]
    ]
    found.append(Planted(s := new(), headers={"Cookie": f"theme=dark; sid={s}"}))
    found.append(Planted(s := new(), response={"text": "", "headers": {"Set-Cookie": f"sid={s}; Path=/; HttpOnly"}}))
    found.append(Planted(s := new(), data={"secret": s}, files={"f": ("a.txt", b"hello")}))
    found.append(Planted(s := new(), files={"token": ("a.txt", s.encode())}))
    found.append(Planted(s := new(JWT), files={"f": ("a.txt", f"see {s}".encode())}))
    found.append(Planted(s := new(), response={"text": "", "headers": {"Location": f"{URL}/?token={s}"}}))
    found.append(Planted(s := new(), response={"text": "", "headers": {"X-Auth-Token": s}}))
    found.append(Planted(s := new(), content=gzip.compress(s.encode()), headers={"Content-Encoding": "gzip"}))
    body = gzip.compress(json.dumps({"token": (s := new())}).encode())
    found.append(
        Planted(
            s, response={"content": body, "headers": {"content-type": "application/json", "content-encoding": "gzip"}}
        )
    )
    s = new()
    found.append(Planted(s, headers={"Authorization": f"Bearer {s}"}, response={"text": f"you said {s}, {s[::-1]}"}))
    found += [Planted(s := new(pattern), response={"text": f"your key is {s}."}) for pattern in KEYS]
    found.append(
        Planted(
            s := new("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKC{:02}\n-----END RSA PRIVATE KEY-----"), content=s
        )
    )
    found.append(Planted(s := new("env/Sup3rS3cret{:02}+x"), response={"text": f"from the environment: {s}"}))
    return found


def _hooks() -> list[Planted]:
    """Secrets in the paths of URLs."""
    hook, bot, path = (
        "T024BE7LH/B024BE7LH/xQz" + "1xQz" * 5,
        "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
        "9" * 18 + "/" + "xQz4" * 17,
    )
    return [
        Planted(hook, url=f"https://hooks.slack.com/services/{hook}"),
        Planted(bot, url=f"https://api.telegram.org/bot{bot}/sendMessage"),
        Planted(path, url=f"https://discord.com/api/webhooks/{path}"),
        Planted("S3cr3t90xQz", url=f"{URL}/a;jsessionid=S3cr3t90xQz/b"),
        Planted("S3cr3t91xQz", url=f"{URL}/?a=1;token=S3cr3t91xQz"),
        Planted("S3cr3t92xQz", url=f"{URL}/?next=https%3A%2F%2Fx.test%2F%3Ftoken%3DS3cr3t92xQz"),
    ]


IN_TEXTS = [
    "password={}", "user: a\npassword: {}\n", "access_token={}&scope=x", 'data: {{"access_token": "{}"}}\n\n', '{{"password": "{}"}}\n{{"a": 1}}\n',
    'cb({{"token":"{}"}})', "<SecretAccessKey>{}</SecretAccessKey>", "<login password='{}'/>", '<wsse:Password Type="x">{}</wsse:Password>',
    '<input type="hidden" name="csrf_token" value="{}">', "<input value='{}' name='csrfmiddlewaretoken'>", '<meta name="csrf-token" content="{}">',
    "Server=db;User Id=a;Password={};", "curl -H 'Authorization: Token {}' x", "curl -H 'X-Api-Key: {}' x", 'login(user: "a", password: "{}")',
    "postgres://me:{}@db.test/x", "{{'client_secret' => '{}'}}", r'"{{\"apiKey\": \"{}\"}}"',
]  # fmt: skip


def _more() -> list[Planted]:
    """Secrets in texts, below names, in other spellings, and across the pieces of a stream."""
    secrets = (_secret(number) for number in range(100, 200))
    found = [Planted(s := next(secrets), response={"text": text.format(s)}) for text in IN_TEXTS]
    found += [Planted(s := next(secrets), content=text.format(s)) for text in IN_TEXTS[:3]]
    found += [
        Planted(s := next(secrets), json=make(s))
        for make in (
            lambda s: {"payload": json.dumps({"password": s})},
            lambda s: {"credentials": {"value": s}},
            lambda s: {"secret": [{"deep": {"v": [s]}}]},
            lambda s: {"api_keys": [s]},
            lambda s: {"userpassword": s},
            lambda s: {"headers": {"Authorization": f"Bearer {s}"}},
        )
    ]
    s = next(secrets)
    halves = [f'data: {{"access_token": "{s[:9]}'.encode(), f'{s[9:]}"}}\n\n'.encode()]
    found.append(Planted(s, response={"content": iter(halves), "headers": {"content-type": "text/event-stream"}}))
    found.append(
        Planted(s := next(secrets), response={"text": "", "headers": {"Link": f"<{URL}/?access_token={s}>; rel=next"}})
    )
    found.append(Planted(s := next(secrets), headers={"User-Agent": f"app/1 (token={s})"}))
    s = next(secrets) + "&<é"
    for echo in (html.escape(s), s.encode().hex(), json.dumps({"echo": s})):
        found.append(
            Planted(s, headers={"X-Api-Key": s.encode()}, json={"password": s}, response={"text": f"you said {echo}"})
        )
    return found


PLANTED = [*_hooks(), *_more(), *_planted()]
IN_ENVIRONMENT = PLANTED[-1].secret


def _spellings(secret: str) -> set[str]:
    data = secret.encode()
    return {
        secret,
        base64.b64encode(data).decode(),
        secret.splitlines()[len(secret.splitlines()) // 2],
        data.hex(),
        # The first half of it is no less a leak.
        *([secret[:8]] if secret.startswith("S3cr3t") else []),
    }


@pytest.mark.parametrize("together", [True, False])
def test_no_planted_secret_is_written(together: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred secrets in headers, URLs, forms, JSON, OAuth bodies, cookies, multipart, texts and streams are in no file."""
    monkeypatch.setenv("THEIR_API_TOKEN", IN_ENVIRONMENT)
    assert len(PLANTED) >= 90
    files = [[one] for one in PLANTED] if not together else [PLANTED]
    for number, planted in enumerate(files):
        path = tmp_path / f"{number}.yaml"
        answers = iter([borzoi.Response(200, **one.response) for one in planted])
        transport = CassetteTransport(Cassette(path, "record"), borzoi.MockTransport(lambda _, a=answers: next(a)))  # type: ignore[misc]
        with borzoi.Client(transport=transport) as client:
            for one in planted:
                client.request(**one.request)
                client.cookies.clear()

        text = path.read_text()
        assert [one.secret for one in planted if any(form in text for form in _spellings(one.secret))] == []
        assert text.count("- request:") == len(planted)


def test_what_was_recorded_is_found_by_its_redacted_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same requests, with other secrets in them, replay."""
    path = tmp_path / "a.yaml"
    inner = borzoi.MockTransport(lambda _: borzoi.Response(200, text="hello"))
    for mode, secret in (("record", "first-secret"), ("replay", "other-secret")):
        with borzoi.Client(transport=CassetteTransport(Cassette(path, mode), inner)) as client:
            answers = [
                client.get(f"{URL}/?token={secret}"),
                client.post(URL, data={"password": secret}),
                client.post(URL, json={"password": secret}),
                client.post(URL, files={"token": secret.encode()}),
            ]
        assert [answer.text for answer in answers] == ["hello"] * 4


@pytest.mark.parametrize("kind", [{"allow": ["authorization"]}, {"allow": ["token"]}])
def test_the_gate_refuses_what_redaction_lets_through(kind: dict[str, Any], tmp_path: Path) -> None:
    """A field that is allowed and has a key in it after all is not written: nothing is, and the error tells the place only."""
    path = tmp_path / "a.yaml"
    cassette = Cassette(path, "record", **kind)
    client = borzoi.Client(transport=CassetteTransport(cassette, borzoi.MockTransport(lambda _: borzoi.Response(200))))
    client.post(URL, headers={"Authorization": "Bearer ghp_abcdefghijklmnopqrst00"}, json={"token": "aGVsbG8="})
    client.post(URL, headers={"X-Key": "aGVsbG8="}, json={"token": "Z2hwX2FiY2RlZmdoaWprbG1ub3BxcnN0MDA="})
    cassette.exchanges[0]["response"]["text"] = "eyJhbGciOiJI.eyJzdWIiOiI.x"
    cassette.exchanges[0]["request"]["sha256"] = base64.b64encode(b"ghp_abcdefghijklmnopqrst01").decode()
    with pytest.raises(LeakError) as caught:
        client.close()

    assert not path.exists()
    assert "ghp_" not in str(caught.value)
    assert "[0].request.sha256" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "telling"),
    [
        ("apiKey", True),
        ("x-api-key", True),
        ("PASSWORD", True),
        ("monkey", False),
        ("author", False),
        ("max_tokens", False),
        ("id", False),
        ("sessionToken", True),
        ("userpassword", True),
        ("api_keys", True),
        ("tokens", False),
    ],
)
def test_telling_names(name: str, telling: bool) -> None:
    """Words are told by their boundaries: `apiKey` is telling, and `monkey` is not."""
    assert is_telling(name) is telling


def test_what_is_kept() -> None:
    """What is no secret is written as it is: numbers, words, listed headers, attributes of cookies; `allow` adds names."""
    redactor = Redactor(["pin", "key", "x-mine"], environment={"A_TOKEN": "short", "PASSWORD_FILE": "/run/secrets/x"})

    assert redactor.secrets == set()
    assert redactor.json({"pin": 1, "otp": 123456, "key": "k", "a": [1.5, None, True, "x"]}) == {
        "pin": 1,
        "otp": HIDDEN,
        "key": "k",
        "a": [1.5, None, True, "x"],
    }
    assert redactor.header("X-Mine", "a") == "a"
    assert redactor.header("Set-Cookie", "a=b; Path=/; HttpOnly") == f"a={HIDDEN}; Path=/; HttpOnly"
    assert redactor.header("Cookie", "lonely") == HIDDEN
    assert redactor.header("ETag", '"x"') == '"x"'
    assert redactor.url(f"{URL}/a%20b?q=a+b&page=2#top") == f"{URL}/a%20b?q=a+b&page=2#top"
    assert redactor.url(f"{URL}/ghp%5Fabcdefghijklmnopqrst00") == f"{URL}/{HIDDEN}"
    assert redactor.hide("") == ""


@pytest.mark.parametrize(
    "text",
    [
        "Invalid token: expired",
        "status code: 404, key: value",
        '{"monkey": "abc123", "code": 7}',
        "<p class='secretary-note' id='x1'>hello 2</p>",
        '<input name="q" value="abc1">',
        "max_tokens=100",
        "a = b == c => d",
        '{"password": ',
    ],
)
def test_texts_without_secrets(text: str) -> None:
    """Prose with colons, names that are not telling, and JSON that breaks off are written as they are."""
    assert Redactor(environment={}).text(text) == text


def test_what_is_allowed_in_texts_and_below_names() -> None:
    """`allow` writes what stands under a name in a text, and in an object under a telling name."""
    redactor = Redactor(["token", "kind"], environment={})

    assert redactor.text("token=abc123 sid=xyz789") == f"token=abc123 sid={HIDDEN}"
    assert redactor.json({"credentials": {"kind": "key", "value": "plain", "n": 1}}) == {
        "credentials": {"kind": "key", "value": HIDDEN, "n": 1}
    }
    assert redactor.json({"token": {"text": "Hello"}}) == {"token": {"text": "Hello"}}
    assert redactor.secrets == {"xyz789"}


def test_values_that_stand_beside_their_names() -> None:
    """In a pair of a name and a value, as in archives of requests, the name tells of the value."""
    redactor = Redactor(environment={})

    assert redactor.json([{"name": "Authorization", "value": "plain"}, {"name": "Accept", "value": "text/html"}]) == [
        {"name": "Authorization", "value": HIDDEN},
        {"name": "Accept", "value": "text/html"},
    ]
    assert redactor.json({"key": "X-Token", "value": "plain"})["value"] == HIDDEN
    assert redactor.json({"name": 7, "value": "plain"}) == {"name": 7, "value": "plain"}


def test_many_values_under_one_name() -> None:
    """Of many tokens those that look drawn by lot are hidden; the others are words, as of a text."""
    drawn = "k3mq9zr1vt5x"

    assert Redactor(environment={}).json({"tokens": [drawn, "Hello", 7]}) == {"tokens": [HIDDEN, "Hello", 7]}
    assert Redactor(environment={}).json({"token": ["Hello"]}) == {"token": [HIDDEN]}
    assert Redactor(["tokens"], environment={}).json({"tokens": [drawn]}) == {"tokens": [drawn]}


def test_plain_words_are_not_remembered() -> None:
    """A plain word under a telling name is hidden there, and stays where it stands elsewhere."""
    redactor = Redactor(environment={})

    assert redactor.text("password=required") == f"password={HIDDEN}"
    assert redactor.json({"credentials": {"kind": "oauth two"}}) == {"credentials": {"kind": HIDDEN}}
    assert redactor.text("this is required by oauth two") == "this is required by oauth two"


@pytest.mark.parametrize(
    "piece", ["token=", "a" * 50, "<password ", "<meta name=", 'x="', "{", "password: ", "token:", "token='"]
)
def test_texts_take_linear_time(piece: str) -> None:
    """Texts made to have many beginnings of names, values, elements and tags take no more than linear time."""
    assert is_linear(lambda size: lambda: list(named_values(piece * size)), 300)


def test_names_in_texts_are_plainer() -> None:
    """What is telling as the name of a field need not be so in a text."""
    assert (is_telling("code"), is_plainly_telling("code")) == (True, False)
    assert is_plainly_telling("X-Api-Key")


def test_spellings() -> None:
    """What was hidden is found in each spelling, the longest first, and text around it stays."""
    spellings = Spellings()
    for secret in ("secret&1", "secret&1-and-more", "other-one"):
        spellings.add(secret)

    text = "a secret&1-and-more b secret&amp;1 c 6f746865722d6f6e65 d secret%261 e secret& f"
    assert spellings.without(text, "*") == "a * b * c * d * e secret& f"
    assert spellings.are_in("x b3RoZXItb25l x")
    assert not spellings.are_in("secre")
