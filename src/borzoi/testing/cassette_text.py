"""Where are values under telling names in a text that is no form and no JSON: prose, logs, XML, HTML, URLs, code?

    token=V   "token": "V"   Authorization: Bearer V   <password>V</password>   <input name="csrf" value="V">

What follows a colon without quotes is taken for a value only if it has a digit, since prose has colons, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from .cassette_names import is_plainly_telling

Named: TypeAlias = "tuple[str, int, int]"
"""A name, and where its value begins and ends."""

# Repetitions are bounded, so that no text takes more than linear time.
_LINK = re.compile(r"""(?<![\w.-])(?P<name>[A-Za-z_][\w.-]{0,60})(?:\\?["'])?\s{0,3}(?P<link>=>|=|:)\s{0,3}""")
_LINKED = re.compile(
    r"""(?P<open>\\?["'])(?P<quoted>(?:(?!(?P=open))[^\r\n]){1,4000})(?P=open)
    |(?:(?:Bearer|Basic|Token|Digest)\ )?(?P<bare>[^\s"'&;,<>()\[\]{}|\\]{1,4000})""",
    re.VERBOSE | re.IGNORECASE,
)
_AFTER_COLON = re.compile(
    r"""\\?["']|(?:(?:Bearer|Basic|Token|Digest)\ )?[^\s"'&;,<>()\[\]{}|\\\d]{0,100}\d""", re.VERBOSE | re.IGNORECASE
)
_ELEMENT = re.compile(r"<(?P<name>[\w:.-]{1,80})(?:\s[^<>]{0,500})?>(?P<value>[^<>]{1,4000})</")
_TAG = re.compile(r"<(?:input|meta)\s[^<>]{1,2000}>", re.IGNORECASE)
_NAME = re.compile(r"""\s(?:name|id|property)=["']?(?P<name>[\w.:-]{1,80})""", re.IGNORECASE)
_VALUE = re.compile(
    r"""\s(?:value|content)=(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|(?P<bare>[^\s"'<>]+))""", re.IGNORECASE
)


def named_values(text: str) -> Iterator[Named]:
    """Yield each value under a plainly telling name. Those that are found in two ways are yielded twice."""
    yield from _assigned(text)
    for name, start, end in (*_in_elements(text), *_in_tags(text)):
        if is_plainly_telling(name):
            yield name, start, end


def _assigned(text: str) -> Iterator[Named]:
    link = _LINK.search(text)
    while link is not None:
        end = link.end()
        found = _LINKED.match(text, end) if is_plainly_telling(link["name"]) and _has_value(link, text) else None
        if found is not None:
            yield link["name"], *found.span("quoted" if found["quoted"] else "bare")
            end = found.end()
        link = _LINK.search(text, end)


def _has_value(link: re.Match[str], text: str) -> bool:
    return link["link"] != ":" or _AFTER_COLON.match(text, link.end()) is not None


def _in_elements(text: str) -> Iterator[Named]:
    for found in _ELEMENT.finditer(text):
        yield found["name"], *found.span("value")


def _in_tags(text: str) -> Iterator[Named]:
    for tag in _TAG.finditer(text):
        name, value = _NAME.search(tag[0]), _VALUE.search(tag[0])
        if name is not None and value is not None:
            start, end = value.span(str(value.lastgroup))
            yield name["name"], tag.start() + start, tag.start() + end
