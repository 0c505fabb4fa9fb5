"""All of hpack-test-case: what other encoders wrote is read, and what we write of the same headers others read."""

from __future__ import annotations

import io
import json
import tarfile
from functools import cache
from pathlib import Path

import hpack
import pytest

from borzoi._wire.hpack import Decoder, Encoder, Pairs

CORPUS = Path(__file__).parents[1] / "data" / "hpack-test-case" / "stories.tar.xz"

NUMBERS = range(32)


@cache
def stories() -> dict[str, list[tuple[bytes, Pairs]]]:
    """Return the stories by name: lists of blocks (none in raw-data) and what they mean."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(CORPUS.read_bytes()), mode="r:xz") as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            if file is not None:
                cases = json.load(file)["cases"]
                found[member.name] = [
                    (bytes.fromhex(case.get("wire", "")), pairs_of(case["headers"])) for case in cases
                ]
    return found


def pairs_of(headers: list[dict[str, str]]) -> Pairs:
    return [(name.encode(), value.encode()) for header in headers for name, value in header.items()]


def test_the_corpus_is_read_whole() -> None:
    """Two encoders and the raw headers have 32 stories each; no case asks for another size of the table."""
    assert sorted(stories()) == sorted(
        f"{folder}/story_{number:02}.json" for folder in ("go-hpack", "nghttp2", "raw-data") for number in NUMBERS
    )
    assert [sum(len(cases) for name, cases in stories().items() if name.startswith(folder)) for folder in ("go", "ng", "raw")] == [
        3384,
        3384,
        3384,
    ]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("folder", ["go-hpack", "nghttp2"])
def test_a_story_of_another_encoder_is_read(folder: str, number: int) -> None:
    """Each block of a story, decoded in its order, gives the headers that the story tells."""
    decoder = Decoder()

    for block, pairs in stories()[f"{folder}/story_{number:02}.json"]:
        assert decoder.decode(block) == pairs


@pytest.mark.parametrize("number", NUMBERS)
def test_a_story_of_ours_is_read(number: int) -> None:
    """What our encoder writes of a story, our decoder and that of `hpack` read as it was."""
    encoder, decoder, oracle = Encoder(), Decoder(), hpack.Decoder()

    for _, pairs in stories()[f"raw-data/story_{number:02}.json"]:
        block = encoder.updates() + encoder.encode(pairs)
        assert decoder.decode(block) == pairs
        assert [(bytes(name), bytes(value)) for name, value in oracle.decode(block, raw=True)] == pairs


def test_stories_are_compressed() -> None:
    """Over all stories our blocks are within 5 % of what `hpack` makes of them, whose every field enters the table."""
    ours = theirs = 0
    for name, cases in stories().items():
        if name.startswith("raw-data"):
            encoder, oracle = Encoder(), hpack.Encoder()
            for _, pairs in cases:
                ours += len(encoder.encode(pairs))
                theirs += len(oracle.encode(pairs))

    assert ours < 1.05 * theirs
