"""Secrets and cassettes: fifty are planted, none is written; the gate refuses what redaction let through."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi.testing.cassette import Cassette, CassetteTransport
from borzoi.testing.cassette_secrets import HIDDEN, LeakError, Redactor, is_telling

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


PLANTED = _planted()
IN_ENVIRONMENT = PLANTED[-1].secret


def _spellings(secret: str) -> set[str]:
    data = secret.encode()
    return {
        secret,
        base64.b64encode(data).decode(),
        secret.splitlines()[len(secret.splitlines()) // 2],
    }


@pytest.mark.parametrize("together", [True, False])
def test_no_planted_secret_is_written(together: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than fifty secrets in headers, URLs, forms, JSON, OAuth bodies, cookies and multipart are nowhere in the file."""
    monkeypatch.setenv("THEIR_API_TOKEN", IN_ENVIRONMENT)
    assert len(PLANTED) >= 50
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
