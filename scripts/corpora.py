"""The corpora of others that are run here, counted by the tests that run them, with what differs on purpose and why."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from typing import Any, NamedTuple


class Corpus(NamedTuple):
    """A suite of others that is run here."""

    name: str
    test: str
    cases: int
    differences: dict[str, int]
    """Sentences that say why, and how many cases each covers."""


def corpora() -> list[Corpus]:
    """Return the corpora, counted by the tests that run them."""
    module = importlib.import_module
    state, suffix = module("tests.values.test_http_state"), module("tests.values.test_public_suffix")
    url, llhttp = module("tests.values.test_whatwg_url"), module("tests.wire.test_llhttp_corpus")
    hpack, frames = module("tests.wire.test_hpack_corpus"), module("tests.wire.test_http2_frames")
    events, forms = module("tests.messages.test_sse"), module("tests.messages.test_multipart_corpus")
    idna, setters = module("tests.values.test_idna_corpus"), module("tests.values.test_setters_corpus")
    blocks = sum(len(cases) for name, cases in hpack.stories().items() if not name.startswith("raw"))
    return [
        Corpus("http-state", "values/test_http_state.py::TestCorpus", len(state.CASES) + len(state.dates()), {}),
        Corpus("public suffixes", "values/test_public_suffix.py::test_list_checks", len(suffix.CHECKS), {}),
        Corpus("WHATWG URL, http and https", "values/test_whatwg_url.py", len(url.CASES), _url_differences(url)),
        Corpus(
            "WHATWG URL, setters into the network",
            "values/test_setters_corpus.py",
            len(setters.CASES),
            setters.differences(),
        ),
        Corpus("IdnaTestV2", "values/test_idna_corpus.py", len(idna.UTS46), idna.differences(idna.UTS46)),
        Corpus("toascii", "values/test_idna_corpus.py", len(idna.TOASCII), idna.differences(idna.TOASCII)),
        Corpus("llhttp, responses", "wire/test_llhttp_corpus.py", len(llhttp.CASES), _llhttp_differences(llhttp)),
        Corpus("hpack-test-case, blocks", "wire/test_hpack_corpus.py", blocks, {}),
        Corpus("http2-frame-test-case", "wire/test_http2_frames.py", len(list(frames.CORPUS.rglob("*.json"))), {}),
        Corpus("web platform tests, event streams", "messages/test_sse.py", len(events.STREAMS), {}),
        Corpus(
            "python-multipart, forms by four parsers",
            "messages/test_multipart_corpus.py",
            len(forms.FORMS) * len(forms.PARSERS),
            {},
        ),
    ]


def _url_differences(url: Any) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for case in url.CASES:
        verdict = url.verdict(case)
        if verdict == "only we refuse":
            text = str(url.outcome(case))
            other = "A reference such as http:host has no host here."
            counted[next((why for pattern, why in url.REFUSED.items() if re.search(pattern, text)), other)] += 1
        elif verdict == "only we accept":
            text = case["input"].lower()
            counted[next(why for pattern, why in url.ACCEPTED.items() if re.search(pattern, text))] += 1
    return dict(counted)


def _llhttp_differences(llhttp: Any) -> dict[str, int]:
    titles = Counter(case.title for case in llhttp.CASES)
    counted: Counter[str] = Counter()
    for title, (_, why) in llhttp.DIFFERENCES.items():
        counted[f"{why[0].upper()}{why[1:]}."] += titles[title]
    return dict(counted)


NOT_RUN = {
    "WHATWG URL, setters of other schemes": "no request goes there; it is held that a URL or InvalidURL comes of each",
    "structured fields": "nothing here reads one; they wait for `priority=` (RFC 9218) and a cache (Cache-Status)",
    "URI templates": "no argument takes one; the paths of OpenAPI documents have a syntax of their own (tests/openapi)",
    "SigV4": "it waits for the feature",
    "llhttp, requests": "a client reads responses",
    "python-multipart, broken forms": "a client writes forms, and reads none",
    "JSON Schema": "http_contract leaves schemas to jsonschema-rs, whose own suite it is",
    "http cache-tests": "there is no cache",
}
"""Corpora that are not run, and why."""
