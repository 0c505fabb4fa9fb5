"""The source as the structure tests see it: modules, their functions, their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "borzoi"
TESTS = ROOT / "tests"

Function = ast.FunctionDef | ast.AsyncFunctionDef

_SEEN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Call, ast.Import, ast.ImportFrom)

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


def modules(folder: Path) -> list[Path]:
    """List the Python files below a folder, but not the data of tests."""
    return sorted(path for path in folder.rglob("*.py") if "data" not in path.relative_to(folder).parts)


def place(path: Path, node: ast.AST | None = None) -> str:
    """Name a file, and the line in it, as an editor opens it."""
    line = getattr(node, "lineno", None)
    return f"{path.relative_to(ROOT)}:{line}" if line else f"{path.relative_to(ROOT)}"


@cache
def tree(path: Path) -> ast.Module:
    """Parse a file, once."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes(path: Path) -> list[ast.AST]:
    """List what the checks look at of a file: functions, calls and imports. Walking a tree takes longer than parsing it."""
    return [node for node in ast.walk(tree(path)) if isinstance(node, _SEEN)]


def functions(path: Path) -> Iterator[Function]:
    """Yield every function of a file: methods and nested functions too."""
    return (node for node in nodes(path) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def forget() -> None:
    """Drop the trees, which make every later search for garbage slow."""
    nodes.cache_clear()
    tree.cache_clear()


def length(function: Function) -> int:
    """Count the lines of a function from `def` to its end, its docstring aside: documenting one never makes it longer."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def is_stub(function: Function) -> bool:
    """Say whether a function is a declaration only: an overload, or a method of a protocol."""
    rest = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ... for node in rest
    )


def depth(node: ast.AST) -> int:
    """Count how deep blocks are nested below a node. `elif` is not deeper than its `if`; a nested function counts anew."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child) + (isinstance(child, _BLOCKS) and not is_elif))
    return deepest


def dotted(node: ast.expr) -> str:
    """Write a chain of attributes as a dotted name, or return nothing for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of a file with the full name of what is called, as far as imports tell it."""
    names: dict[str, str] = {}
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})

    for node in nodes(path):
        if isinstance(node, ast.Call) and (name := dotted(node.func)):
            first, dot, rest = name.partition(".")
            yield names.get(first, first) + dot + rest, node
