"""The habits of the tests themselves: each says what must hold, none sleeps, none is skipped, none patches our internals."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.structure.source import TESTS, Function, calls, dotted, functions, modules, place

SLEEPS = {"time.sleep", "asyncio.sleep", "trio.sleep", "anyio.sleep", "gevent.sleep"}
SKIPS = {"pytest.skip", "pytest.importorskip", "pytest.xfail", "unittest.skip"}
SKIP_MARKS = {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}
PATCHES = {"setattr", "delattr", "patch", "object"}


def _test_functions() -> Iterator[tuple[Path, Function]]:
    for path in modules(TESTS):
        if path.name.startswith("test_"):
            yield from ((path, node) for node in functions(path) if node.name.startswith("test"))


def _only_yields(call: ast.Call) -> bool:
    """Say whether a sleep is `sleep(0)`, which gives others a turn and takes no time."""
    return [isinstance(argument, ast.Constant) and argument.value == 0 for argument in call.args] == [True]


def test_every_test_says_what_must_hold() -> None:
    """Every test has a docstring."""
    assert [f"{place(path, node)} {node.name}" for path, node in _test_functions() if not ast.get_docstring(node)] == []


def test_no_test_sleeps() -> None:
    """No test waits for time to pass, except by `sleep(0)`."""
    sleeping = [
        f"{place(path, call)} {name}"
        for path in modules(TESTS)
        for name, call in calls(path)
        if name in SLEEPS and not _only_yields(call)
    ]

    assert sleeping == []


def test_no_test_is_skipped() -> None:
    """No test is skipped or expected to fail."""
    skipping = [f"{place(path, call)} {name}" for path in modules(TESTS) for name, call in calls(path) if name in SKIPS]
    skipping += [
        f"{place(path, node)} {node.name}"
        for path, node in _test_functions()
        for mark in node.decorator_list
        if dotted(mark.func if isinstance(mark, ast.Call) else mark) in SKIP_MARKS
    ]

    assert skipping == []


def test_no_test_patches_our_internals() -> None:
    """No test replaces a private part of borzoi by its dotted name."""
    patching = [
        place(path, call)
        for path in modules(TESTS)
        for name, call in calls(path)
        if name.rpartition(".")[2] in PATCHES
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and str(call.args[0].value).startswith("borzoi._")
    ]

    assert patching == []
