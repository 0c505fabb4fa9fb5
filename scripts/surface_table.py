"""Write docs/names.md: every public name of httpx and httpx2, and its state here.

`make compat ARGS="--only names --record"` writes it; without `--record` the page is only held against what it should
be.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scripts.compat_surface import STATES, Surface, compare_parameters

PAGE = Path(__file__).resolve().parents[1] / "docs" / "names.md"

HEAD = """# Every public name of httpx and httpx2

`make compat ARGS="--only names --record"` writes this page, and `make compat` fails when it is out of date. It has the
{names} names of httpx 0.28.1 and httpx2 2.16, and the {members} methods, properties and attributes below them. Each is
compared with the name here: is it there, and does a call that is written for theirs work, with the same defaults?

| state | meaning | names | below them |
|---|---|---|---|
{sums}

What the names do is held by the suites that `make compat` runs; where that differs on purpose, [differences.md](differences.md)
says so. A name that is `safer` says how; `more` are the arguments that are added, none of them required.

"""  # noqa: E501 - a page

MEANINGS = {
    "same": "called as theirs",
    "safer": "called as theirs, and does less harm by default",
    "different": "there, but a call written for theirs may fail",
    "missing": "not there",
}

SAFER = {
    "ASGITransport": "streams both ways, and a body that breaks off is an error",
    "AsyncClient": "its log shows neither credentials nor queries; redirects lead to http and https only",
    "Client": "its log shows neither credentials nor queries; redirects lead to http and https only",
    "Cookies": "public suffixes are refused, sizes are bounded",
    "DigestAuth": "another origin's challenge is not answered",
    "EventSource": "the size of comments is bounded too",
    "HTTPStatusError": "its text shows no password",
    "Limits": "negative limits are refused",
    "Request": "its repr shows no password",
    "Response": "bodies are decoded in bounded pieces; one cut short is an error",
    "Timeout": "what is no time is refused",
    "URL": "hosts and ports that others read otherwise are refused",
}
"""Names whose default does less harm than theirs, and how."""

OWN = ("__description__", "__title__", "__version__")


def page(theirs: dict[str, Surface], ours: Surface) -> str:
    """Return the page."""
    names = sorted(
        {name for described in theirs.values() for name in described}, key=lambda name: (name.casefold(), name)
    )
    tops: list[str] = []
    members: list[str] = []
    parts: list[str] = []
    for name in names:
        wanted = {library: described[name] for library, described in theirs.items() if name in described}
        given = ours.get(name)
        rows = list(_rows(name, wanted, given))
        tops.append(rows[0][1])
        members += [state for _, state, _ in rows[1:]]
        parts.append(_section(name, list(wanted), rows))

    sums = "\n".join(
        f"| {state} | {meaning} | {tops.count(state)} | {members.count(state)} |" for state, meaning in MEANINGS.items()
    )
    own = f"`{'`, `'.join(OWN)}` are there too, with values of our own.\n"
    head = HEAD.format(names=len(tops), members=len(members), sums=sums)
    return head + "\n".join(parts) + "\n" + own


def _section(name: str, libraries: list[str], rows: list[tuple[str, str, str]]) -> str:
    origin = "" if len(libraries) > 1 else f" ({libraries[0]} only)"
    lines = [f"| `{shown}` | {state} | {remark} |".replace("|  |", "| |") for shown, state, remark in rows]
    return f"## {name}{origin}\n\n| name | state | |\n|---|---|---|\n" + "\n".join(lines) + "\n"


def _rows(name: str, wanted: Surface, given: Surface | None) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of a name: itself, then its members. Each has a signature, a state and a remark."""
    signatures = [described["signature"] for described in wanted.values()]
    state, remark = ("missing", "") if given is None else _compared(signatures, given["signature"])
    if given is not None and (lost := _lost_bases(wanted, given)):
        state, remark = "different", f"is no {', '.join(lost)}"
    if state == "same" and name in SAFER:
        state, remark = "safer", SAFER[name] + (f"; {remark}" if remark else "")
    yield _called(name, signatures[0]), state, remark

    every: dict[str, list[list[list[str]] | None]] = {}
    for described in wanted.values():
        for member, parameters in described.get("members", {}).items():
            every.setdefault(member, []).append(parameters)
    ours = {} if given is None else given.get("members", {})
    for member, parameters in sorted(every.items()):
        state, remark = _compared(parameters, ours[member]) if member in ours else ("missing", "")
        yield _called(f"{name}.{member}", parameters[0]), state, remark


def _lost_bases(wanted: Surface, given: Surface) -> list[str]:
    bases = {base for described in wanted.values() for base in described.get("bases", ())}
    return sorted(bases - set(given.get("bases", ())))


def _compared(theirs: list[list[list[str]] | None], ours: list[list[str]] | None) -> tuple[str, str]:
    """Compare one signature of ours with that of each library: the worst state, and what is to be said of it."""
    state, why = max((compare_parameters(parameters, ours) for parameters in theirs), key=_badness)
    if state == "different":
        return state, why
    known = {parameter[0] for parameters in theirs for parameter in parameters or ()}
    added = [parameter[0] for parameter in ours or () if known and parameter[0] not in known]
    return "same", f"more: `{'`, `'.join(added)}`" if added else ""


def _badness(compared: tuple[str, str]) -> int:
    return STATES.index(compared[0])


def _called(name: str, parameters: list[list[str]] | None) -> str:
    """Write a name as it is called."""
    if parameters is None:
        return name
    words: list[str] = []
    for parameter, kind, default in parameters:
        if parameter == "self":
            continue
        if kind == "KEYWORD_ONLY" and not any(word.startswith("*") for word in words):
            words.append("*")
        stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(kind, "")
        words.append(f"{stars}{parameter}" + (f"={default}" if default else ""))
    return f"{name}({', '.join(words)})"
