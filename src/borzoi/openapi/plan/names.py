"""Names of Python made from names of documents: identifiers by construction, never keywords, never too long."""

from __future__ import annotations

import keyword
import re
import unicodedata
from functools import cache
from zlib import crc32

MAX_LENGTH = 80
MAX_CLASS = 64

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_BUILTIN = frozenset({"str", "int", "float", "bool", "bytes", "list", "dict", "dt", "type_", "field", "union"})
"""What annotations use: a field of such a name would hide it from the fields below it."""

OF_PYDANTIC = frozenset({
    "construct", "copy", "from_orm", "json", "parse_file", "parse_obj", "parse_raw", "schema", "schema_json",
    "update_forward_refs", "validate", *(f"model_{name}" for name in (
        "computed_fields", "config", "construct", "copy", "dump", "dump_json", "extra", "fields", "fields_set",
        "json_schema", "parametrized_name", "post_init", "rebuild", "validate", "validate_json", "validate_strings",
    )),
})  # fmt: skip
"""What models of pydantic have themselves."""

EXTRA = "additional_properties"
"""The field of a model that has the members which have no name in the document."""

_FILES = frozenset(
    {"con", "prn", "aux", "nul", "init", "main", *(f"{name}{n}" for name in ("com", "lpt") for n in range(10))}
)
"""Names that no file may have on some systems, or that mean something to Python."""


@cache
def words(text: str) -> tuple[str, ...]:
    """Split a name where its case changes and where it has other characters than letters and digits."""
    if text.isascii() and "'" not in text:
        return tuple(_WORDS.findall(text))
    plain = unicodedata.normalize("NFKD", text.replace("'s ", "s ").replace("\u2019s ", "s "))
    letters = [char if char.isascii() else "" if unicodedata.combining(char) else " " for char in plain]
    return tuple(_WORDS.findall("".join(letters)))


def suffix(text: str) -> str:
    """Return four digits that stand for a text: the same ones in every run."""
    return f"{crc32(text.encode('utf-8', 'surrogatepass')) & 0xFFFF:04x}"


def _shortened(name: str, text: str) -> str:
    if len(name) <= MAX_LENGTH:
        return name
    return f"{name[: MAX_LENGTH - 5].rstrip('_')}_{suffix(text)}"


@cache
def composed(name: str) -> str:
    """Return the name of a class inside of others, cut in the middle where it is too long."""
    if len(name) <= MAX_CLASS:
        return name
    return f"{name[:24]}{suffix(name).upper()}{name[-(MAX_CLASS - 28) :]}"


@cache
def snake(text: str, *, prefix: str = "field") -> str:
    """Return a name for a variable, a field, a function."""
    name = "_".join(words(text)).lower()
    if not name:
        name = f"{prefix}_{suffix(text)}" if text else prefix
    if name[0].isdigit():
        name = f"{prefix}_{name}"
    name = _shortened(name, text)
    return f"{name}_" if keyword.iskeyword(name) or name in ("self", "cls") else name


@cache
def pascal(text: str) -> str:
    """Return a name for a class."""
    name = "".join([word if word.isupper() and len(word) > 1 else word.capitalize() for word in words(text)])
    if not name:
        name = f"Model{suffix(text)}" if text else "Model"
    if name[0].isdigit():
        name = f"Model{name}"
    name = _shortened(name, text)
    return f"{name}_" if keyword.iskeyword(name) else name


def module(text: str) -> str:
    """Return a name for a module, which is a file on every system."""
    name = snake(text, prefix="module")
    return f"{name}_" if name in _FILES else name


def field_name(text: str) -> str:
    """Return a name for a field of a model."""
    name = snake(text)
    return f"{name}_" if name in _BUILTIN else name


def distinct(names: list[tuple[str, str]], reserved: frozenset[str] = frozenset()) -> list[str]:
    """Return names of which no two are equal, given pairs of a name and what it was made from.

    Where several sources give one name, it stays with the source that is spelled exactly so; the others get digits that
    depend on their sources alone, so that what is added or moved elsewhere renames nothing.
    """
    alone_as_it_is = {name for name, _ in names} - reserved
    if len(alone_as_it_is) == len(names):
        return [name for name, _ in names]
    owners: dict[str, list[str]] = {}
    for name, source in names:
        owners.setdefault(name, []).append(source)
    taken = set(owners) | reserved
    result: list[str] = []
    given: set[str] = set()
    for name, source in names:
        chosen = name
        alone = len(owners[name]) == 1 or (source == name and owners[name].count(source) == 1)
        if not alone or name in reserved:
            chosen = f"{name}_{suffix(source)}" if name.islower() else f"{name}{suffix(source).upper()}"
            if name in reserved and len(owners[name]) == 1:
                chosen = f"{name}_"
        while chosen in given or (chosen != name and chosen in taken):
            chosen += "_"
        given.add(chosen)
        result.append(chosen)
    return result


def singular(word: str) -> str:
    """Return the singular of an English noun, as far as its ending tells."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def short_name(name: str, noun: str) -> str:
    """Return the name of an operation without the noun of its resource: `list_users` of `users` is `list`."""
    nouns = {noun, singular(noun)}
    parts = name.split("_")
    size = noun.count("_") + 1
    for start in range(len(parts) - size + 1):
        if "_".join(parts[start : start + size]) in nouns:
            rest = parts[:start] + parts[start + size :]
            return "_".join(rest) or name
    return name
