"""The shape of the source: small modules, short functions, flat code, names that say something, nothing dangerous."""

from __future__ import annotations

import ast
import re
import statistics

import pytest

from tests.structure.source import PACKAGE, ROOT, depth, functions, is_stub, length, modules, place, tree

NAMELESS = {"util", "utils", "common", "helper", "helpers", "misc"}

UNSAFE_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle"}
UNSAFE_CALLS = {"eval", "exec"}

LONG_CONTRACT = {"_errors.py": "its docstring draws the whole tree of exceptions"}

MACHINE_PATH = re.compile(r"(?<![\w.:/*-])/(?:home|root|work|Users)/\w|\b[A-Z]:\\Users\\")


POSSESSIVE_GROUP = re.compile(r"\)[*+?]\+|\)\{[\d,]*\}\+|\(\?>")


def test_no_pattern_has_a_possessive_group() -> None:
    """No group of a regular expression is possessive, or atomic: of a single character only, which is sound.

    CPython before 3.11.5 goes on behind where such a group failed, so that what is malformed may match; 3.11 and 3.13 raise
    SystemError for groups in them that are captured.
    """
    found = [
        place(path, node)
        for path in modules(PACKAGE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, (str, bytes))
        and POSSESSIVE_GROUP.search(
            # The delimiters of RFC 3986, which a URL may have.
            (node.value if isinstance(node.value, str) else node.value.decode("latin-1")).replace("'()*+,", "")
        )
    ]

    assert found == []


def test_no_module_is_long() -> None:
    """No module has more than 500 lines."""
    lines = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(PACKAGE)}

    assert {path: count for path, count in lines.items() if count > 500} == {}


def test_functions_are_short() -> None:
    """95 % of the functions have fewer than 40 lines, and half of them have 8 or fewer."""
    lengths = {
        f"{place(path, node)} {node.name}": length(node)
        for path in modules(PACKAGE)
        for node in functions(path)
        if not is_stub(node)
    }
    long = {name: lines for name, lines in lengths.items() if lines >= 40}

    assert len(long) <= 0.05 * len(lengths), long
    assert statistics.median(lengths.values()) <= 8


def test_blocks_are_flat() -> None:
    """No function nests blocks deeper than three, unless `# hot path: ...` on its `def` says what speed that buys."""
    deep: list[str] = []
    for path in modules(PACKAGE):
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in functions(path):
            signature = "\n".join(lines[node.lineno - 1 : node.body[0].lineno])
            if depth(node) > 3 and not re.search(r"# hot path: \w", signature):
                deep.append(f"{place(path, node)} {node.name}")

    assert deep == []


def test_every_module_has_a_name() -> None:
    """No module or package is called util, common, helpers or misc: what has no name has no place."""
    words = {path: set(re.split(r"\W|_", str(path.relative_to(PACKAGE)))) for path in modules(PACKAGE)}

    assert [place(path) for path in words if NAMELESS & words[path]] == []


def test_one_underscore_per_path() -> None:
    """Privacy is marked once, on the package: `_wire/http1.py`, not `_wire/_http1.py`."""
    private = [
        place(path)
        for path in modules(PACKAGE)
        if sum(part.startswith("_") and not part.startswith("__") for part in path.relative_to(PACKAGE).parts) > 1
    ]

    assert private == []


def test_every_module_says_what_it_is_for() -> None:
    """Every module opens with a docstring, its contract, in at most 15 lines."""
    contracts = {path: ast.get_docstring(tree(path)) for path in modules(PACKAGE)}

    assert [place(path) for path, text in contracts.items() if not text] == []
    assert [
        place(path)
        for path, text in contracts.items()
        if text and len(text.splitlines()) > 15 and path.name not in LONG_CONTRACT
    ] == []


def test_nothing_is_unpickled_or_evaluated() -> None:
    """No module imports pickle or its like, and none calls eval or exec."""
    unsafe: list[str] = []
    for path in modules(PACKAGE):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                found = UNSAFE_MODULES & {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found = UNSAFE_MODULES & {(node.module or "").partition(".")[0]}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found = UNSAFE_CALLS & {node.func.id}
            else:
                continue
            unsafe += [f"{place(path, node)} {name}" for name in found]

    assert unsafe == []


@pytest.mark.parametrize(
    "pattern", ["src/**/*.py", "docs/**/*.md", "scripts/*.py", "benchmarks/**/*.py", "*.md", ".ci/*"]
)
def test_no_path_of_one_machine(pattern: str) -> None:
    """No file that readers see names a place that exists on one machine only."""
    found = [
        f"{place(path)}:{number}"
        for path in ROOT.glob(pattern)
        if path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]

    assert found == []
