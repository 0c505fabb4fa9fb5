"""Forms that we write, read by four parsers of servers: the forms of python-multipart's suite, and names that attack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from borzoi._messages.multipart import MultipartStream
from tests.messages.multipart_parsers import PARSERS, Part

DATA = Path(__file__).parents[1] / "data" / "python-multipart"


def load() -> dict[str, list[dict[str, Any]]]:
    """Return what the forms of the corpus hold. Those that are broken or empty are for parsers alone."""
    found = {path.stem: yaml.safe_load(path.read_text("utf-8"))["expected"] for path in sorted(DATA.glob("*.yaml"))}
    return {name: parts for name, parts in found.items() if parts and "error" not in parts}


FORMS = load()


def read(parser: str, stream: MultipartStream) -> list[Part]:
    return PARSERS[parser](stream.content_type, b"".join(stream))


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_read_as_it_was_meant(name: str, parser: str) -> None:
    """Each parser finds the names, file names, types and bytes of a form of the corpus that we have written."""
    wanted = [
        Part(part["name"], part.get("file_name"), part["content_type"] if "file_name" in part else None, part["data"])
        for part in FORMS[name]
    ]
    files = [
        (str(part.name), (part.filename, part.content, part.content_type) if part.filename else (None, part.content))
        for part in wanted
    ]
    assert read(parser, MultipartStream({}, files)) == wanted


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    "name",
    ["a b", "a;b", 'a; filename="x', "a=b", "a'b", "a,b", "é", "日本", "\x85", "\u2028", "a*", "a*0", "utf-8''x", "..", "n" * 1000],
)  # fmt: skip
def test_a_name_is_read_as_it_was_meant(name: str, parser: str) -> None:
    """A name without quotes, backslashes or controls is the same for every parser, of a field or of a file."""
    plain = name.replace('"', "")
    field, file = read(parser, MultipartStream({plain: "v"}, {plain: (plain, b"x", "a/b")}))
    assert field == Part(plain, None, None, b"v")
    assert file == Part(plain, plain, "a/b", b"x")


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ('a"b', {'a"b', "a%22b"}),
        ("a\\b", {"a\\b", "a\\\\b"}),
        ('\\"', {'\\"', "\\%22", '\\\\"'}),
        ("a\r\nb", {"a\r\nb", "a%0D%0Ab"}),
        ("a\0b", {"a%00b"}),
        ("a%22b", {'a"b', "a%22b"}),
    ],
)
def test_a_name_with_quotes_is_read_as_it_was_escaped(name: str, readings: set[str]) -> None:
    """Parsers that do not undo the escapes of browsers show them; none reads another name, or another parameter."""
    for parser in PARSERS:
        (part,) = read(parser, MultipartStream({name: "v"}, {}))
        assert part == Part(part.name, None, None, b"v")
        assert part.name in readings


@pytest.mark.parametrize("parser", PARSERS)
@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    content=st.binary(max_size=12) | st.just(b"\r\n--"),
    value=st.text(st.sampled_from('ab"\r\n-;:='), max_size=12),
)
def test_whatever_is_sent_is_as_many_parts(parser: str, name: str, content: bytes, value: str) -> None:
    """Neither a name, a file name nor a content adds a part, takes one away, or changes the bytes of another."""
    data = {name: value, "last": "1"}
    parts = read(parser, MultipartStream(data, [("first", (name, content, "a/b"))]))
    assert [part.content for part in parts] == [value.encode(), b"1", content]
    assert [part.name for part in parts[1:]] == ["last", "first"]
    assert [part.content_type for part in parts] == [None, None, "a/b"]
