"""QueryParams: what goes in, what comes out, and that nothing changes in between."""

from __future__ import annotations

import copy
import pickle
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi._values.query import QueryParams


@pytest.mark.parametrize(
    "source",
    [
        "a=123&a=456&b=789",
        b"a=123&a=456&b=789",
        {"a": ["123", "456"], "b": 789},
        {"a": ("123", "456"), "b": "789"},
        [("a", "123"), ("a", "456"), ("b", 789)],
        (("a", "123"), ("a", "456"), ("b", "789")),
        QueryParams("a=123&a=456&b=789"),
        QueryParams("a=123&a=456&b=789").multi_items(),
    ],
)
def test_every_kind_of_source_gives_the_same(source: Any) -> None:
    """Text, bytes, mappings, pairs and other QueryParams are the same thing written differently."""
    params = QueryParams(source)

    assert "a" in params
    assert "c" not in params
    assert params["a"] == "123"
    assert params.get("a") == "123"
    assert params.get("c") is None
    assert params.get("c", "default") == "default"
    assert params.get_list("a") == ["123", "456"]
    assert params.get_list("c") == []
    assert list(params) == list(params.keys()) == ["a", "b"]
    assert list(params.values()) == ["123", "789"]
    assert list(params.items()) == [("a", "123"), ("b", "789")]
    assert params.multi_items() == [("a", "123"), ("a", "456"), ("b", "789")]
    assert len(params) == 2
    assert dict(params) == {"a": "123", "b": "789"}
    assert str(params) == "a=123&a=456&b=789"
    assert repr(params) == "QueryParams('a=123&a=456&b=789')"
    assert params == QueryParams("b=789&a=456&a=123")
    assert hash(params) == hash(QueryParams(source))


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (None, ""), (1, "1"), (1.5, "1.5"), ("x", "x"), ("", "")],
)
def test_values_become_text(value: Any, text: str) -> None:
    """True, False and None have their own text, everything else that of str()."""
    assert QueryParams({"a": value})["a"] == text
    assert QueryParams([("a", value)])["a"] == text
    assert QueryParams(a=value)["a"] == text
    assert QueryParams().set("a", value)["a"] == text
    assert QueryParams().add("a", value)["a"] == text
    assert QueryParams({"a": [value, value]}).get_list("a") == [text, text]


def test_names_become_text() -> None:
    """A name that is no text becomes it with str()."""
    assert QueryParams({1: "a"}).multi_items() == [("1", "a")]  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("&", []),
        ("a", [("a", "")]),
        ("a=", [("a", "")]),
        ("=a", [("", "a")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=1&&b=2", [("a", "1"), ("b", "2")]),
        ("a=1;b=2", [("a", "1;b=2")]),
        ("a+b=c+d", [("a b", "c d")]),
        ("a%2Bb=%26%3D", [("a+b", "&=")]),
        ("%C3%BC=ü", [("ü", "ü")]),
        ("a=%zz%", [("a", "%zz%")]),
        ("b=1&a=2&b=3", [("b", "1"), ("b", "3"), ("a", "2")]),
    ],
)
def test_text_is_parsed(text: str, pairs: list[tuple[str, str]]) -> None:
    """Pairs are split at "&" and the first "=", "+" is a space, and triplets are decoded."""
    assert QueryParams(text).multi_items() == pairs


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([], ""),
        ([("a", "")], "a="),
        ([("a b", "c+d")], "a+b=c%2Bd"),
        ([("ü", "&=#?/:@")], "%C3%BC=%26%3D%23%3F%2F%3A%40"),
        ([("a", "-._~*!'()")], "a=-._~%2A%21%27%28%29"),
        ([("a", "%20")], "a=%2520"),
    ],
)
def test_text_is_written(pairs: list[tuple[str, str]], text: str) -> None:
    """All but the unreserved characters is percent-encoded, and a space is "+"."""
    assert str(QueryParams(pairs)) == text


@given(st.lists(st.tuples(st.text(), st.text())))
def test_writing_and_parsing_agree_with_the_standard_library(pairs: list[tuple[str, str]]) -> None:
    """The text is that of urlencode(), and parse_qs() reads it as we do."""
    params = QueryParams(pairs)
    assert str(params) == urlencode(params.multi_items())
    assert QueryParams(str(params)).multi_items() == [
        (name, value) for name, values in parse_qs(str(params), keep_blank_values=True).items() for value in values
    ]


@given(st.text(alphabet="ab=&+%41fFü;# "))
def test_any_text_is_parsed_as_by_the_standard_library(text: str) -> None:
    """Malformed text gives what parse_qs() gives."""
    expected = parse_qs(text, keep_blank_values=True)
    assert {name: QueryParams(text).get_list(name) for name in QueryParams(text)} == expected


def test_set_add_remove_and_merge_return_copies() -> None:
    """Each way to change parameters leaves the original as it was."""
    params = QueryParams("a=1&b=2")

    assert str(params.set("a", 3)) == "a=3&b=2"
    assert str(params.set("c")) == "a=1&b=2&c="
    assert str(params.add("a", 3)) == "a=1&a=3&b=2"
    assert str(params.add("c")) == "a=1&b=2&c="
    assert str(params.remove("a")) == "b=2"
    assert str(params.remove("c")) == "a=1&b=2"
    assert str(params.merge({"b": [3, 4], "c": 5})) == "a=1&b=3&b=4&c=5"
    assert str(params.merge()) == "a=1&b=2"
    assert str(params) == "a=1&b=2"


def test_a_copy_does_not_share_values() -> None:
    """Values that a list held are not those of the list."""
    values = ["1"]
    params = QueryParams({"a": values})
    values.append("2")
    assert params.get_list("a") == ["1"]

    params.get_list("a").append("2")
    assert params.get_list("a") == ["1"]


def test_assignment_and_update_are_refused() -> None:
    """The old mutating methods say what to call instead."""
    params = QueryParams("a=1")
    with pytest.raises(RuntimeError, match=r"q\.set\(key, value\)"):
        params["a"] = "2"
    with pytest.raises(RuntimeError, match=r"q\.merge\("):
        params.update({"a": "2"})


def test_a_name_without_values_is_absent() -> None:
    """An empty list of values takes the name out of the text; asking for its value is a KeyError."""
    params = QueryParams("a=1&b=2").merge({"a": []})
    assert str(params) == "b=2"
    assert params.get("a") is None
    assert list(params.items()) == [("b", "2")]
    with pytest.raises(KeyError):
        params["a"]


def test_truth_is_whether_there_are_names() -> None:
    """No parameters are false."""
    assert not QueryParams()
    assert not QueryParams("")
    assert not QueryParams(None)
    assert QueryParams("a")


def test_only_params_equal_params() -> None:
    """Neither text nor a dict equals parameters."""
    assert QueryParams("a=1") != "a=1"
    assert QueryParams("a=1") != {"a": "1"}
    assert QueryParams("a=1") != QueryParams("a=2")


def test_arguments_are_one_source_or_names() -> None:
    """Two sources, or a source and names, raise TypeError."""
    with pytest.raises(TypeError, match="Too many"):
        QueryParams("a", "b")
    with pytest.raises(TypeError, match="Cannot mix"):
        QueryParams("a", b="c")
    with pytest.raises(TypeError, match=r"Invalid query parameters: 5\. Give str, a mapping, or pairs"):
        QueryParams(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Invalid query parameters: \['', 'ab'\]"):
        QueryParams(["", "ab"])  # type: ignore[list-item]


def test_params_survive_copying_and_pickling() -> None:
    """copy, deepcopy and pickle give equal parameters."""
    params = QueryParams("a=1&a=2")
    for twin in (copy.copy(params), copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
        assert twin == params


def test_subclasses_work() -> None:
    """A subclass is accepted as parameters, and shows its own name."""

    class Mine(QueryParams):
        pass

    assert repr(Mine("a=1")) == "Mine('a=1')"
    assert QueryParams(Mine("a=1")) == QueryParams("a=1")
