"""Text to plain values: JSON by msgspec, YAML 1.2 by PyYAML's C parser, both within bounds.

YAML is read by its core schema (YAML 1.2.2, section 10.3): `on`, `no`, dates and `1:30` are strings. Keys become
strings, as those of JSON are. An alias is one shared object, so a bomb of them is small until it is walked: what a
walk would meet is counted first.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from .diagnostics import DocumentError

MAX_BYTES = 64 * 1024 * 1024
"""No published document comes near."""

MAX_NODES = 20_000_000
MAX_DEPTH = 200


def parse(content: bytes, file: str) -> Any:
    """Return the value of a text in JSON or YAML. Raises DocumentError."""
    if len(content) > MAX_BYTES:
        raise DocumentError(f"The document is larger than {MAX_BYTES // 1024 // 1024} MiB.", file=file)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _parse_json(content, file)
    return _parse_yaml(content, file)


def _parse_json(content: bytes, file: str) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise DocumentError("The document nests too deeply.", file=file) from None
    except UnicodeDecodeError:
        raise _no_text(content, "JSON", file) from None
    except msgspec.DecodeError as error:
        if file.lower().endswith((".yaml", ".yml")):
            # A flow mapping of YAML begins as an object of JSON does.
            return _parse_yaml(content, file)
        offset = re.search(r"byte (\d+)", str(error))
        line = content.count(b"\n", 0, int(offset[1])) + 1 if offset else content.count(b"\n") + 1
        raise DocumentError(f"This is not JSON: {error}.", file=file, line=line) from None


def _parse_yaml(content: bytes, file: str) -> Any:
    import yaml

    try:
        value = yaml.load(content, _loader())  # noqa: S506 -- a subclass of the safe loader
    except RecursionError:
        raise DocumentError("The document nests too deeply.", file=file) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else min(mark.line, content.rstrip().count(b"\n")) + 1
        raise DocumentError(f"This is not YAML: {error.problem or error.context}.", file=file, line=line) from None
    except yaml.reader.ReaderError:
        raise _no_text(content, "YAML", file) from None
    except (yaml.YAMLError, ValueError, UnicodeError) as error:
        raise DocumentError(f"This is not YAML: {str(error).splitlines()[0]}.", file=file) from None
    _check_size(value, file)
    return value


def _no_text(content: bytes, format: str, file: str) -> DocumentError:
    """Return the error that says what in a content is no text, and on which line."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "replace")
        reason = f"byte {error.start}, 0x{content[error.start]:02x}, is not {encoding.upper()}"
    else:
        found = _NO_TEXT.search(text)
        before = text[: found.start()] if found else text
        reason = f"it has the character U+{ord(found[0]):04X}" if found else "it has a character that may not be there"
    return DocumentError(f"This is not {format}: {reason}.", file=file, line=before.count("\n") + 1)


_NO_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What may not be in YAML (YAML 1.2.2, section 5.1)."""


@cache
def _loader() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc, valid-type, unused-ignore]
        """YAML 1.2, core schema."""

        yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
            self.flatten_mapping(node)
            return {_key(key): self.construct_object(value, deep=deep) for key, value in node.value}

    for tag, pattern, first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", r"~|null|Null|NULL|", "~nN\0"),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
        ("merge", r"<<", "<"),
    ):
        characters = [*first.replace("\0", ""), ""] if "\0" in first else list(first)
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), characters)
    Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: _integer(loader.construct_scalar(node)))
    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))
    return Loader


def _integer(text: str) -> int:
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def _key(node: Any) -> str:
    """Return a key as it is written: `200` and `1.0` are names here."""
    if not isinstance(node.value, str):
        raise ValueError("a key is no scalar")
    return node.value


def _check_size(root: Any, file: str) -> None:
    """Count what a walk would meet, shared parts as often as they are met, and measure the depth."""
    sizes: dict[int, int] = {}
    # A node is entered, its children are, and it is left when all of them have their sizes.
    stack: list[tuple[Any, int, bool]] = [(root, 1, False)]
    open_nodes: set[int] = set()
    while stack:
        value, depth, leaving = stack.pop()
        if not isinstance(value, (dict, list)) or (not leaving and id(value) in sizes):
            continue
        children = list(value.values() if isinstance(value, dict) else value)
        if leaving:
            open_nodes.discard(id(value))
            sizes[id(value)] = 1 + sum([sizes.get(id(child), 1) for child in children])
            if sizes[id(value)] > MAX_NODES:
                raise DocumentError(f"Its aliases expand to more than {MAX_NODES} nodes.", file=file)
            continue
        if depth > MAX_DEPTH or id(value) in open_nodes:
            raise DocumentError(f"The document nests more than {MAX_DEPTH} levels deep.", file=file)
        open_nodes.add(id(value))
        stack.append((value, depth, True))
        stack += [(child, depth + 1, False) for child in children if isinstance(child, (dict, list))]
