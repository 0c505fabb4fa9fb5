"""The response cases of llhttp's own test suite, against what its logs say and the places where we differ from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.wire.feeding import same_however_cut

CORPUS = Path(__file__).parents[1] / "data" / "llhttp-tests" / "test" / "response"

FIRST = "the first response is whole, and what follows it makes the connection unusable"
NOT_ASKED = "101 answers an Upgrade field only, and none was sent"
STRICT = "llhttp is set to be lenient here; we never are"
ONE_CHUNKED = (
    "Transfer-Encoding is 'chunked', once, and nothing else (RFC 9112, 6.3, case 4); llhttp reads until the close"
)
STATUS_LINE = "a response begins with HTTP/1.1 or HTTP/1.0, and with no empty line"

DIFFERENCES = {
    "HTTP/1.1 with keep-alive disabled and 204 status": ("whole", FIRST),
    "HTTP/1.1 with keep-alive disabled, content-length": ("whole", FIRST),
    "HTTP 101 response with Upgrade and Content-Length header": ("refused", NOT_ASKED),
    "HTTP 101 response with Upgrade and Transfer-Encoding header": ("refused", NOT_ASKED),
    "HTTP 100 first, then 400": ("refused", STATUS_LINE),
    "Response starting with CRLF": ("refused", STATUS_LINE),
    "RTSP response": ("refused", STATUS_LINE),
    "ICE response": ("refused", STATUS_LINE),
    "HTTP version 0.9": ("refused", STATUS_LINE),
    "Invalid HTTP version (lenient)": ("refused", STRICT),
    "Bare CR after response line (lenient)": ("refused", STRICT),
    "Only LFs present and no body (lenient)": ("refused", STRICT),
    "Only LFs present (lenient)": ("refused", STRICT),
    "No carriage ret (lenient)": ("refused", STRICT),
    "Invalid OBS fold after chunked value": ("refused", STRICT),
    "`chunked` before other transfer-encoding": ("refused", ONE_CHUNKED),
    "multiple transfer-encoding where chunked is not the last one": ("refused", ONE_CHUNKED),
    "`chunkedchunked` transfer-encoding does not enable chunked enconding": ("refused", ONE_CHUNKED),
    "Content-Length reset when no body is received": (
        "unfinished",
        "the corpus skips the body, as after HEAD; this asks by GET",
    ),
    "HTTP 103 first, then 200": ("unfinished", "it is the interim response that is complete in the log"),
    "Invalid space after start line": ("unfinished", "the head has no end, and is judged when it has one"),
}
"""By title: what comes of it, and why it is not what the log says."""


class Case(NamedTuple):
    name: str
    title: str
    data: bytes
    log: str


def _unescape(text: str) -> bytes:
    # The notation of llhttp's suite: a newline is CRLF unless a backslash joins the lines, and controls are escaped.
    text = text.removesuffix("\n").replace("\\\n", "").replace("\n", "\r\n")
    for letter, character in (("r", "\r"), ("n", "\n"), ("t", "\t"), ("f", "\f")):
        text = text.replace("\\" + letter, character)
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text).encode("latin-1")


def _cases() -> Iterator[Case]:
    for path in sorted(CORPUS.glob("*.md")):
        title, fence, block = "", "", ""
        data = b""
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if fence and line.rstrip("\n") == "```":
                if fence == "log":
                    yield Case(f"{path.stem}: {title}", title, data, block)
                elif fence == "http":
                    data = _unescape(block)
                fence, block = "", ""
            elif fence:
                block += line
            elif line.startswith("```"):
                fence = line[3:].strip()
            elif line.startswith("#"):
                title = line.strip("# \n")


CASES = list(_cases())


def _expected(case: Case) -> str:
    if case.title in DIFFERENCES:
        return DIFFERENCES[case.title][0]
    if "error code" in case.log:
        return "refused"
    return "whole" if "message complete" in case.log else "unfinished"


def _found(data: bytes) -> str:
    if (fed := same_however_cut(data))["error"] is not None:
        return "refused"
    return "whole" if fed["complete"] else "unfinished"


def test_the_corpus_is_read_whole() -> None:
    """Every fenced response of the corpus is a case, and every difference names one."""
    fences = sum(path.read_text(encoding="utf-8").count("```http\n") for path in CORPUS.glob("*.md"))

    assert len(CASES) == fences == 85
    assert set(DIFFERENCES) <= {case.title for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_response_of_llhttps_suite(case: Case) -> None:
    """It is refused where llhttp refuses it, and whole where llhttp says so, but for the listed differences."""
    assert _found(case.data) == _expected(case)


def test_the_notation_is_read_as_llhttp_reads_it() -> None:
    """Escapes become controls, and joined lines are joined."""
    assert _unescape("a\\\nb\nc\\r\\x01\n") == b"ab\r\nc\r\x01"
