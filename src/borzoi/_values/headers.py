"""Header fields: a case-insensitive multi-map over a shared, immutable block of raw pairs.

`HeaderBlock` holds the pairs exactly as they were given or received, and what is derived from them: the bytes for the
wire, the same block with a Host in front, the index of names. Each is made on first use and kept. Nothing ever changes
a block.

`Headers` is what programs see. It points to a block, and each mutation points it to a new one, so that a copy costs
nothing.
"""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, Sequence, ValuesView
from typing import Any, NoReturn, Self, TypeAlias

from .._errors import LocalProtocolError
from .redaction import SECURE, field_in_repr, is_secret_field

HeaderTypes: TypeAlias = (
    "Headers | Mapping[str, str] | Mapping[bytes, bytes] | Sequence[tuple[str, str]] | Sequence[tuple[bytes, bytes]]"
)
"""What is accepted wherever headers are given."""

Pairs: TypeAlias = "list[tuple[bytes, bytes]]"

MAX_HOSTED = 64
"""Derived blocks kept by one block, one for each Host."""

SHOWN_VALUE = 60
"""Bytes of an illegal name or value that an error message repeats."""


# RFC 9110 section 5.6.2: token. Section 5.5: a field value neither starts nor ends with white space, and has no CR, LF
# or NUL. Vertical tab and form feed are refused with them; the other control characters pass, since cookies in use have
# them.
_TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]++"
_VALUE = rb"(?:[^\x00\s]++(?:[ \t]++[^\x00\s]++)*)?"
_is_block = re.compile(rb"(?:" + _TOKEN + rb"\x00" + _VALUE + rb"\r\n)*").fullmatch
_token_start = re.compile(rb"(?:" + _TOKEN + rb")?").match
_value_start = re.compile(_VALUE).match

_FAULTS = {
    b"\r": "a carriage return",
    b"\n": "a line feed",
    b"\x00": "a NUL",
    b"\x0b": "a vertical tab",
    b"\x0c": "a form feed",
}


class HeaderBlock:
    """Hold header pairs that never change, and what is derived from them."""

    __slots__ = ("_encoded", "_hosted", "_index", "pairs")

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self._encoded: bytes | None = None
        self._hosted: dict[bytes, HeaderBlock] | None = None
        self._index: tuple[str, dict[str, str]] | None = None

    def encoded(self) -> bytes:
        """Return the lines of the block as an HTTP/1 wire carries them, with the empty line that ends them.

        Host comes first. Raises LocalProtocolError for a name that is not a token (RFC 9110 section 5.6.2) and for a
        value with CR, LF or NUL, or with white space at its ends (section 5.5).
        """
        encoded = self._encoded
        if encoded is None:
            encoded = self._encoded = _encode(self.pairs)
        return encoded

    def with_host(self, host: bytes) -> HeaderBlock:
        """Return the block with `Host: host` in front, or the block itself where it has a Host."""
        hosted = self._hosted
        if hosted is None:
            if self.find(b"host") is not None:
                return self
            hosted = self._hosted = {}

        block = hosted.get(host)
        if block is None:
            if len(hosted) >= MAX_HOSTED:
                # Threads may share the block, so the full dictionary is left to them, not emptied.
                hosted = self._hosted = {}
            block = hosted[host] = HeaderBlock([(b"Host", host), *self.pairs])
        return block

    def find(self, name_lower: bytes) -> bytes | None:
        """Return the first value of a name, which is given in lower case. Builds no index."""
        length = len(name_lower)
        for name, value in self.pairs:
            if len(name) == length and name.lower() == name_lower:
                return value
        return None

    def find_all(self, name_lower: bytes) -> list[bytes]:
        """Return all values of a name, which is given in lower case. Builds no index."""
        length = len(name_lower)
        return [value for name, value in self.pairs if len(name) == length and name.lower() == name_lower]

    def index(self, encoding: str | None) -> tuple[str, dict[str, str]]:
        """Return the encoding, and the joined value of each name in lower case.

        With None for encoding: the first of ascii, utf-8 and iso-8859-1 that decodes the whole block.
        """
        index = self._index
        if index is None or (encoding is not None and encoding != index[0]):
            index = _index(self.pairs, encoding)
            # An index in an encoding of the program's choice must not pass for the one found by detection.
            if encoding is None:
                self._index = index
        return index

    def __reduce__(self) -> tuple[type[HeaderBlock], tuple[Pairs]]:
        return HeaderBlock, (self.pairs,)


_EMPTY = HeaderBlock([])


def _encode(pairs: Pairs) -> bytes:
    # RFC 9112 section 3.2: Host should be the first field, since proxies and servers need it first.
    if pairs and pairs[0][0] not in (b"Host", b"host"):
        pairs = sorted(pairs, key=_is_not_host)

    # NUL stands for the colon while the block is checked as a whole. If there is one for each pair, then none came from
    # a name or a value, and what matches as one line is one pair.
    text = b"".join([b"%b\x00%b\r\n" % pair for pair in pairs])
    if _is_block(text) is None or text.count(b"\x00") != len(pairs):
        _refuse(pairs)
    return text.replace(b"\x00", b": ") + b"\r\n"


def _is_not_host(pair: tuple[bytes, bytes]) -> bool:
    return pair[0].lower() != b"host"


def _refuse(pairs: Pairs) -> NoReturn:
    name, value = next(pair for pair in pairs if not _is_legal(*pair))
    position = _end(_token_start(name))
    if position < len(name) or not name:
        raise LocalProtocolError(_name_message(name, position))
    raise LocalProtocolError(_value_message(name, value, _end(_value_start(value))))


def _is_legal(name: bytes, value: bytes) -> bool:
    return 0 < len(name) == _end(_token_start(name)) and len(value) == _end(_value_start(value))


def _end(match: re.Match[bytes] | None) -> int:
    return match.end() if match else 0


def _name_message(name: bytes, position: int) -> str:
    if not name:
        return "Illegal header name b'': it is empty, but a name is a token (RFC 9110 section 5.6.2)"

    # Only what stands before the fault is shown: a whole line given as a name would show its value.
    fault = name[position : position + 1]
    shown = name[:position][:SHOWN_VALUE]
    return (
        f"Illegal header name {shown!r}...: {fault!r} at position {position} is not a character of a token "
        "(RFC 9110 section 5.6.2)"
    )


def _value_message(name: bytes, value: bytes, position: int) -> str:
    fault = _FAULTS.get(value[position : position + 1])
    rule = f"{fault} at position {position} is not allowed" if fault else _white_space_rule(value, position)
    shown = SECURE if is_secret_field(name.decode("ascii")) else f"{value[: position + 1][-SHOWN_VALUE:]!r}..."
    return f"Illegal header value {shown} of {name.decode('ascii')}: {rule} (RFC 9110 section 5.5)"


def _white_space_rule(value: bytes, position: int) -> str:
    following = value[position:].lstrip(b" \t")
    fault = _FAULTS.get(following[:1])
    if fault:
        return f"{fault} at position {len(value) - len(following)} is not allowed"
    end = "at its start" if position == 0 else f"at its end, from position {position},"
    return f"white space {end} is not allowed"


def _index(pairs: Pairs, encoding: str | None) -> tuple[str, dict[str, str]]:
    if encoding is not None:
        return encoding, _join_in(pairs, encoding)
    for candidate in ("ascii", "utf-8"):
        try:
            return candidate, _join(pairs, candidate)
        except UnicodeDecodeError:
            continue
    return "iso-8859-1", _join(pairs, "iso-8859-1")


def _join_in(pairs: Pairs, encoding: str) -> dict[str, str]:
    try:
        return _join(pairs, encoding)
    except UnicodeDecodeError:
        # One value that does not fit the encoding which the program chose must not hide the others.
        return _join(pairs, encoding, "replace")


def _join(pairs: Pairs, encoding: str, errors: str = "strict") -> dict[str, str]:
    index = {name.lower().decode(encoding, errors): value.decode(encoding, errors) for name, value in pairs}
    if len(index) == len(pairs):
        return index

    # RFC 9110 section 5.2: several lines of one name are one list, in order.
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name.lower().decode(encoding, errors), []).append(value.decode(encoding, errors))
    return {name: ", ".join(values) for name, values in lists.items()}


def _name_bytes(name: Any, encoding: str) -> bytes:
    if isinstance(name, bytes):
        return name
    if not isinstance(name, str):
        raise TypeError(f"Header name must be str or bytes, not {type(name)}")
    return name.encode(encoding)


def _value_bytes(value: Any, encoding: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError(f"Header value must be str or bytes, not {type(value)}")
    return value.encode(encoding)


def _pairs(headers: Mapping[Any, Any] | Iterable[tuple[Any, Any]], encoding: str | None) -> Pairs:
    items = headers.items() if isinstance(headers, Mapping) else headers
    encoding = encoding or "ascii"
    try:
        return [(_name_bytes(name, encoding), _value_bytes(value, encoding)) for name, value in items]
    except (TypeError, UnicodeEncodeError) as error:
        # An iterator is used up, and cannot say which it was.
        if isinstance(headers, (Mapping, list, tuple)):
            _tell_which(error, items, encoding)
        raise


def _tell_which(error: Exception, items: Iterable[Any], encoding: str) -> None:
    """Add a note that names the field; its value may be a secret."""
    for name, value in items:
        try:
            _value_bytes(value, encoding)
        except (TypeError, UnicodeEncodeError):
            way = "str(value) makes it one" if isinstance(error, TypeError) else "bytes are sent as they are"
            error.add_note(f"This is the value of the header field {name!r}: {way}.")
            return


class Headers(MutableMapping[str, str]):
    """Map names to values, ignoring case, with several values to a name.

    headers = Headers({"Accept": "application/json"})
    headers["accept"]  # "application/json"
    """

    __slots__ = ("__weakref__", "_block", "_encoding", "_is_plain")

    _block: HeaderBlock | Pairs
    """The block, or only its pairs where nothing has asked for the block yet: most responses never need one."""

    _encoding: str | None

    _is_plain: bool
    """Whether they are known to have none of the fields that a client acts upon. Nothing follows from False."""

    def __init__(self, headers: HeaderTypes | None = None, encoding: str | None = None) -> None:
        self._encoding = encoding
        self._is_plain = False
        if headers is None:
            self._block = _EMPTY
        elif isinstance(headers, Headers):
            # `.block`, without the call where there is one already: each request shares its client's.
            block = headers._block
            self._block = headers.block if isinstance(block, list) else block
        else:
            self._block = HeaderBlock(_pairs(headers, encoding))

    @classmethod
    def from_raw(cls, pairs: Pairs) -> Headers:
        """Make headers of a list of byte pairs, which is neither copied nor checked, and must not change any more."""
        headers = cls.__new__(cls)
        headers._block = pairs
        headers._encoding = None
        headers._is_plain = False
        return headers

    def _find(self, name_lower: bytes) -> bytes | None:
        # As `HeaderBlock.find`, on the path of each response, where making the block would cost more than the search.
        block = self._block
        length = len(name_lower)
        for name, value in block if isinstance(block, list) else block.pairs:
            if len(name) == length and name.lower() == name_lower:
                return value
        return None

    def _append(self, name: bytes, value: bytes) -> None:
        # For values that are bytes already, and names that are known not to be there.
        self._is_plain = False
        self._block = HeaderBlock([*self.block.pairs, (name, value)])

    @property
    def block(self) -> HeaderBlock:
        """The pairs as an immutable block, which other headers may share."""
        block = self._block
        if isinstance(block, list):
            block = self._block = HeaderBlock(block)
        return block

    @property
    def encoding(self) -> str:
        """The encoding of names and values: the one set, or else the first of ascii, utf-8 and iso-8859-1 that fits."""
        return self._encoding or self.block.index(None)[0]

    @encoding.setter
    def encoding(self, value: str) -> None:
        self._encoding = value

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """A list of the pairs, names in the case in which they were given."""
        return list(self.block.pairs)

    def _joined(self) -> dict[str, str]:
        return self.block.index(self._encoding)[1]

    def keys(self) -> KeysView[str]:
        """Return the names in lower case, each once."""
        return self._joined().keys()

    def values(self) -> ValuesView[str]:
        """Return the values, those of one name joined by commas."""
        return self._joined().values()

    def items(self) -> ItemsView[str, str]:
        """Return names and values, those of one name joined by commas."""
        return self._joined().items()

    def multi_items(self) -> list[tuple[str, str]]:
        """Return names and values, a name as often as it was given."""
        encoding = self.encoding
        pairs = self.block.pairs
        return [(name.lower().decode(encoding, "replace"), value.decode(encoding, "replace")) for name, value in pairs]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a name, several joined by commas."""
        return self._joined().get(key.lower(), default)

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:
        """Return all values of a name; with `split_commas`, the parts between commas too."""
        encoding = self.encoding
        name = key.lower().encode(encoding, "replace")
        values = [value.decode(encoding, "replace") for value in self.block.find_all(name)]
        if not split_commas:
            return values
        return [part.strip() for value in values for part in value.split(",")]

    def update(self, headers: HeaderTypes | None = None) -> None:  # type: ignore[override]
        """Replace the values of each name given; names that are new go to the end."""
        given = Headers(headers).block.pairs
        replaced = {name.lower() for name, _ in given}
        kept = [pair for pair in self.block.pairs if pair[0].lower() not in replaced]
        self._is_plain = False
        self._block = HeaderBlock(kept + given)

    def copy(self) -> Headers:
        """Return headers that change independently."""
        return Headers(self, encoding=self._encoding)

    def _without_secrets(self) -> Headers:
        """Return headers that show of their values what the repr does."""
        pairs = [(name, name.decode("latin-1"), value.decode("latin-1")) for name, value in self.block.pairs]
        return Headers.from_raw([(raw, field_in_repr(name, value).encode("latin-1")) for raw, name, value in pairs])

    def __or__(self, other: Mapping[str, str]) -> Headers:
        if not isinstance(other, Mapping):
            return NotImplemented
        merged = self.copy()
        merged.update(other)
        return merged

    def __ror__(self, other: Mapping[str, str]) -> Headers:
        if not isinstance(other, Mapping):
            return NotImplemented
        merged = Headers(other)
        merged.update(self)
        return merged

    def __ior__(self, other: HeaderTypes) -> Self:
        self.update(other)
        return self

    def __getitem__(self, key: str) -> str:
        try:
            return self._joined()[key.lower()]
        except KeyError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, value: str) -> None:
        encoding = self._encoding or "ascii"
        try:
            pair = _name_bytes(key, encoding), _value_bytes(value, encoding)
        except UnicodeEncodeError:
            if self._encoding:
                raise
            # What is set must read back as it was set, whatever the other values are.
            encoding = "iso-8859-1" if self.encoding == "iso-8859-1" else "utf-8"
            pair = _name_bytes(key, encoding), _value_bytes(value, encoding)
        self._is_plain = False
        self._block = HeaderBlock(_replace(self.block.pairs, pair))

    def __delitem__(self, key: str) -> None:
        name = key.lower().encode(self.encoding, "replace")
        kept = [pair for pair in self.block.pairs if pair[0].lower() != name]
        if len(kept) == len(self.block.pairs):
            raise KeyError(key)
        self._is_plain = False
        self._block = HeaderBlock(kept)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._joined()

    def __iter__(self) -> Iterator[str]:
        return iter(self._joined())

    def __len__(self) -> int:
        return len(self.block.pairs)

    def __eq__(self, other: object) -> bool:
        try:
            given = Headers(other)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return False
        return self.block is given.block or _comparable(self.block) == _comparable(given.block)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        encoding = "" if self.encoding == "ascii" else f", encoding={self.encoding!r}"
        items = [(name, field_in_repr(name, value)) for name, value in self.multi_items()]
        shown: Any = dict(items) if len(dict(items)) == len(items) else items
        return f"{type(self).__name__}({shown!r}{encoding})"


def _replace(pairs: Pairs, new: tuple[bytes, bytes]) -> Pairs:
    name = new[0].lower()
    places = [place for place, pair in enumerate(pairs) if pair[0].lower() == name]
    if not places:
        return [*pairs, new]

    first = places[0]
    return [*pairs[:first], new, *(pair for pair in pairs[first + 1 :] if pair[0].lower() != name)]


def _comparable(block: HeaderBlock) -> Pairs:
    return sorted((name.lower(), value) for name, value in block.pairs)
