"""The public names: listed once, sorted, documented, and shown as the names of `borzoi`."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import borzoi

NAMES: list[str] = list(getattr(borzoi, "__all__", []))


def _definitions() -> list[tuple[str, Any]]:
    found = [(name, getattr(borzoi, name, None)) for name in NAMES]
    return [(name, value) for name, value in found if inspect.isclass(value) or inspect.isroutine(value)]


def test_names_are_listed_once_and_sorted() -> None:
    """`borzoi.__all__` lists every name once, in one alphabet."""
    assert NAMES
    assert sorted(set(NAMES), key=lambda name: (name.casefold(), name)) == NAMES


def test_every_listed_name_is_there() -> None:
    """Every name in `borzoi.__all__` is an attribute of `borzoi`."""
    assert [name for name in NAMES if not hasattr(borzoi, name)] == []


def test_listed_names_are_offered() -> None:
    """`dir(borzoi)` offers every listed name, so that completion finds it before its first use."""
    assert set(NAMES) - set(dir(borzoi)) == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that `borzoi` does not have raises AttributeError with the name in it."""
    with pytest.raises(AttributeError, match="no_such_name"):
        borzoi.no_such_name  # type: ignore[attr-defined]  # noqa: B018


def test_classes_and_functions_show_their_public_path() -> None:
    """A public class or function calls `borzoi` its module, wherever it is written."""
    assert {name: value.__module__ for name, value in _definitions() if value.__module__ != "borzoi"} == {}


def test_every_public_class_and_function_is_documented() -> None:
    """Every public class and function has a docstring of its own."""
    assert [name for name, value in _definitions() if not (value.__doc__ or "").strip()] == []


def test_a_docstring_opens_with_one_sentence() -> None:
    """The first paragraph of a public docstring ends as a sentence does."""
    opening = {name: inspect.cleandoc(value.__doc__ or "").partition("\n\n")[0] for name, value in _definitions()}

    assert {name: text for name, text in opening.items() if not text.endswith((".", ":"))} == {}
