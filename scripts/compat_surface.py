"""Compare our public names and signatures with those of httpx 0.28.1 and of httpx2 2.16.

    python -m scripts.compat --only names             print the table; exit with 1 if a name is worse than recorded
    python -m scripts.compat --only names --record    write tests/compat/missing.txt and docs/names.md anew

The two are installed from the package index into an environment of their own, `.cache/compat/surface`. A name is
`same`, `additive` (all of theirs, and more that is optional), `different` or `missing`. What is different or missing
must be recorded in tests/compat/missing.txt, and what is recorded should get less. docs/names.md must be up to date.
"""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "tests" / "compat" / "missing.txt"
SCRATCH = ROOT / ".cache" / "compat" / "surface"
PEERS = {"httpx": "httpx==0.28.1", "httpx2": "httpx2==2.16.2"}
"""The libraries, and what to install of each."""

STATES = ("same", "additive", "different", "missing")
"""The states of a name, the best first."""

Surface = dict[str, Any]

SAMPLES = {
    "AsyncClient": "m.AsyncClient()",
    "Client": "m.Client()",
    "Cookies": "m.Cookies()",
    "Headers": "m.Headers()",
    "HTTPStatusError": "m.HTTPStatusError('', request=m.Request('GET', 'http://host'), response=m.Response(404))",
    "Limits": "m.Limits()",
    "Proxy": "m.Proxy('http://proxy')",
    "QueryParams": "m.QueryParams()",
    "Request": "m.Request('GET', 'http://host')",
    "Response": "m.Response(200, content=b'', request=m.Request('GET', 'http://host'))",
    "Timeout": "m.Timeout(5)",
    "URL": "m.URL('http://host')",
}
"""Instances, as some attributes exist on these only."""


# What a library offers, as plain data. This half runs in the other environment too, on the standard library alone.


def signature(value: Any) -> list[list[str]] | None:
    """Describe the parameters of a callable: name, kind, default. A sentinel's address is left out."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[p.name, p.kind.name, "" if p.default is p.empty else _default(p.default)] for p in parameters]


def _default(value: Any) -> str:
    text = repr(value)
    return "<unset>" if " object at 0x" in text or text == "UNSET" else text


def _members(module: Any, name: str, cls: type) -> Surface:
    sample = eval(SAMPLES[name], {"m": module}) if name in SAMPLES else cls  # noqa: S307 - our own table
    builtin = {name for base in cls.__mro__ if base.__module__ == "builtins" for name in vars(base)}
    # An enum does not list the second names of its members.
    names = {*dir(sample), *getattr(cls, "__members__", ())} - builtin
    found: Surface = {}
    for member in sorted(names):
        if member.startswith("_"):
            continue
        value = inspect.getattr_static(cls, member, None)
        if isinstance(value, (staticmethod, classmethod)):
            value = getattr(cls, member)
        found[member] = signature(value) if inspect.isroutine(value) else None
    return found


def _describe(module: Any, name: str) -> Surface:
    value = getattr(module, name)
    if not inspect.isclass(value):
        return {"signature": signature(value) if inspect.isroutine(value) else None}

    is_error = issubclass(value, BaseException)
    return {
        # An enum is not called to make one; what its signature shows depends on the Python.
        "signature": None if hasattr(value, "__members__") else signature(value),
        "bases": sorted(base.__name__ for base in value.__mro__) if is_error else [],
        "members": _members(module, name, value),
    }


def surface(library: str) -> Surface:
    """Describe every public name of a library."""
    module = importlib.import_module(library)
    return {name: _describe(module, name) for name in getattr(module, "__all__", ()) if not name.startswith("__")}


# What the two have in common.


def compare_parameters(theirs: list[list[str]] | None, ours: list[list[str]] | None) -> tuple[str, str]:
    """Say whether a call written for their parameters works with ours: the state, and what is in the way."""
    if theirs is None or ours is None or theirs == ours:
        return "same", ""

    known = {parameter[0]: parameter for parameter in ours}
    takes_all = {kind for _, kind, _ in ours}
    for name, kind, default in theirs:
        if name not in known:
            if kind.startswith("VAR") or (kind == "KEYWORD_ONLY" and "VAR_KEYWORD" in takes_all):
                continue
            return "different", f"no parameter {name}"
        _, our_kind, our_default = known[name]
        if our_kind != kind and not (kind == "KEYWORD_ONLY" and our_kind == "POSITIONAL_OR_KEYWORD"):
            return "different", f"parameter {name} is {our_kind.lower()}, not {kind.lower()}"
        if default and our_default != default:
            return "different", f"the default of {name} is {our_default or 'missing'}, not {default or 'missing'}"

    their_names = [name for name, kind, _ in theirs if kind.startswith("POSITIONAL")]
    our_names = [name for name, kind, _ in ours if kind.startswith("POSITIONAL")]
    if our_names[: len(their_names)] != their_names:
        return "different", f"positions are {', '.join(our_names)}"
    required = [name for name, kind, default in ours if not default and not kind.startswith("VAR")]
    if extra := set(required) - {parameter[0] for parameter in theirs}:
        return "different", f"requires {', '.join(sorted(extra))}"
    return "additive", ""


def compare(theirs: Surface, ours: Surface) -> dict[str, tuple[str, str]]:
    """Map each of their names, and each member that falls short, to its state with us and the reason."""
    table: dict[str, tuple[str, str]] = {}
    for name, wanted in theirs.items():
        if name not in ours:
            table[name] = ("missing", "")
            continue

        given = ours[name]
        short = _compare_members(name, wanted.get("members", {}), given.get("members", {}))
        table[name] = _compare_definition(wanted, given, len(short))
        table.update(short)
    return table


def _compare_definition(wanted: Surface, given: Surface, members_short: int) -> tuple[str, str]:
    if lost := set(wanted.get("bases", ())) - set(given.get("bases", ())):
        return "different", f"is no {', '.join(sorted(lost))}"

    state, why = compare_parameters(wanted["signature"], given["signature"])
    if state == "different":
        return state, why
    if members_short:
        return "different", f"{members_short} of its members, below"
    if set(given.get("members", ())) - set(wanted.get("members", ())):
        return "additive", ""
    return state, why


def _compare_members(name: str, wanted: Surface, given: Surface) -> dict[str, tuple[str, str]]:
    short: dict[str, tuple[str, str]] = {}
    for member, parameters in wanted.items():
        state, why = compare_parameters(parameters, given[member]) if member in given else ("missing", "")
        if state in ("missing", "different"):
            short[f"{name}.{member}"] = (state, why)
    return short


def merge(table: dict[str, tuple[str, str]], other: dict[str, tuple[str, str]]) -> None:
    """Add the rows of another table; of two rows for one name the worse stays."""
    for name, row in other.items():
        if name not in table or STATES.index(row[0]) > STATES.index(table[name][0]):
            table[name] = row


def shortfalls(table: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Pick what is missing or different."""
    return {name: state for name, (state, _) in table.items() if state in ("missing", "different")}


def recorded(path: Path = RECORD) -> dict[str, str]:
    """Read the names that are known to be missing or different."""
    lines = [line.partition("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines()]
    return {words[0]: words[1] for words in lines if words}


def worse(now: dict[str, str], before: dict[str, str]) -> list[str]:
    """List the names that fall short now and did not before. Being different is better than being missing."""

    def is_recorded(name: str, state: str) -> bool:
        return before.get(name) in ("missing", state) or before.get(name.partition(".")[0]) == "missing"

    return sorted(name for name, state in now.items() if not is_recorded(name, state))


def peer_surface(library: str) -> Surface:
    """Install the peers into their environment, unless they are there, and describe one from inside."""
    python = SCRATCH / "bin" / "python"
    marker = SCRATCH / " ".join(PEERS.values())
    if not marker.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(SCRATCH)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS.values()], check=True)
        marker.touch()
    command = [str(python), __file__, "--describe", library]
    described: Surface = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return described


def report(table: dict[str, tuple[str, str]]) -> None:
    """Print the table, and its sums."""
    for name, (state, why) in sorted(table.items(), key=lambda row: row[0].casefold()):
        print(f"{name:40} {state:10} {why}".rstrip())
    sums = Counter(state for name, (state, _) in table.items() if "." not in name)
    print("\n" + ", ".join(f"{count} {state}" for state, count in sorted(sums.items())), "of their names")


def record(table: dict[str, tuple[str, str]]) -> None:
    """Write down what is missing or different."""
    head = (
        "# Names of httpx 0.28.1 and httpx2 2.16 that are missing or different here, "
        'written by `make compat ARGS="--only names --record"`.\n'
    )
    rows = sorted(shortfalls(table).items(), key=lambda row: row[0].casefold())
    RECORD.write_text(head + "".join(f"{name} {state}\n" for name, state in rows), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run the command, and return its exit status."""
    if arguments[:1] == ["--describe"]:
        print(json.dumps(surface(arguments[1])))
        return 0

    from scripts.surface_table import PAGE, page

    ours = surface("borzoi")
    theirs = {library: peer_surface(library) for library in PEERS}
    table: dict[str, tuple[str, str]] = {}
    for described in theirs.values():
        merge(table, compare(described, ours))
    text = page(theirs, ours)
    report(table)
    if arguments[:1] == ["--record"]:
        record(table)
        PAGE.write_text(text, encoding="utf-8")

    now, before = shortfalls(table), recorded()
    if done := sorted(set(before) - set(now)):
        print(f"No longer short, so no longer to be recorded: {', '.join(done)}")
    if lost := worse(now, before):
        print(f"Worse than recorded: {', '.join(lost)}")
    is_current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
    if not is_current:
        print('docs/names.md is not what the table says: make compat ARGS="--only names --record"')
    return 1 if lost or not is_current else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
