"""HPACK, the compression of header fields in HTTP/2 (RFC 7541): a decoder and an encoder, one each for a connection.

In: a whole header block, or pairs of bytes. Out: pairs, or a block. The decoder remembers literals, so that a field
which comes again costs one look-up; it is bounded in time and memory whatever it is given. What a peer adds to the
dynamic table goes in when the table is first looked at: many add the same with every message, and never refer to it.
The encoder puts a field into the dynamic table when it is likely to be sent again, and never one that is a secret.
`generation` changes whenever a dynamic table does: while it stays, the same block means the same fields, both ways.
"""

from __future__ import annotations

from collections import deque
from itertools import chain

from .hpack_huffman import HuffmanError, huffman_decode, huffman_encode
from .hpack_tables import STATIC_SIZE, STATIC_TABLE

Pair = tuple[bytes, bytes]
Pairs = list[Pair]

DEFAULT_TABLE_SIZE = 4096
"""Bytes in a dynamic table until SETTINGS say otherwise."""

ENTRY_OVERHEAD = 32
"""What an entry counts besides its bytes (RFC 7541, 4.1)."""

MAX_KNOWN = 128
"""Literals, and fields seen once, that a connection remembers."""

MAX_KNOWN_SIZE = 256
"""Bytes in one that is remembered."""

# Above what an index or a length can sensibly be, and within 32 bits.
_MAX_SHIFT = 28

_FIRST_DYNAMIC = STATIC_SIZE + 1
_FIRST_DYNAMIC_BYTE = 0x80 + _FIRST_DYNAMIC


class HpackError(Exception):
    """A header block is malformed, after which the tables of both sides may differ: the connection is lost."""


class HeaderListTooLarge(Exception):
    """A header block was read whole, and what it holds exceeds the limit: only its message is lost."""


def list_size(pairs: Pairs) -> int:
    """Return the size of a header list as SETTINGS_MAX_HEADER_LIST_SIZE counts it (RFC 9113, 6.5.2)."""
    return sum(map(len, chain.from_iterable(pairs))) + ENTRY_OVERHEAD * len(pairs)


# --- integers and strings (RFC 7541, 5)


def encode_integer(value: int, mask: int, pattern: int) -> bytes:
    """Return an integer whose first byte has the bits of `mask` for it, and those of `pattern` around it."""
    if value < mask:
        return bytes((pattern | value,))

    encoded = bytearray((pattern | mask,))
    value -= mask
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _encode_string(data: bytes) -> bytes:
    # RFC 7541, 5.2.
    coded = huffman_encode(data)
    if len(coded) < len(data):
        return encode_integer(len(coded), 0x7F, 0x80) + coded
    return encode_integer(len(data), 0x7F, 0) + data


def decode_integer(block: bytes, place: int, mask: int) -> tuple[int, int]:
    """Return the integer that begins at `place`, and where it ends. Raises HpackError; IndexError where it is cut."""
    value = block[place] & mask
    place += 1
    if value < mask:
        return value, place

    for shift in range(0, _MAX_SHIFT, 7):
        byte = block[place]
        place += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise HpackError("an integer in a header block is too large")


def _end_of_string(block: bytes, place: int) -> int:
    length = block[place] & 0x7F
    if length < 0x7F:
        return place + 1 + length
    length, start = decode_integer(block, place, 0x7F)
    return start + length


def _decode_string(block: bytes, place: int, end: int) -> bytes:
    first = block[place]
    start = place + 1 if first & 0x7F < 0x7F else decode_integer(block, place, 0x7F)[1]
    return huffman_decode(block[start:end]) if first >= 0x80 else block[start:end]


# --- receiving


class Decoder:
    """Decode the header blocks of one connection, in their order."""

    __slots__ = (
        "_known",
        "_max_count",
        "_max_list",
        "_max_table",
        "_new",
        "_size",
        "_table",
        "_table_size",
        "generation",
        "looked_up",
    )

    generation: int
    """Changes with the dynamic table."""

    looked_up: int
    """How often a block has referred to the dynamic table, or resized it."""

    def __init__(
        self, max_table: int = DEFAULT_TABLE_SIZE, *, max_list: int = 128 * 1024, max_count: int = 512
    ) -> None:
        # The index that is on the wire is the index here; new entries go in at 62, and the oldest leaves at the end.
        self._table: list[Pair] = [(b"", b""), *STATIC_TABLE]
        self._size = 0
        self._table_size = self._max_table = max_table
        self._max_list = max_list
        self._max_count = max_count
        self._known: dict[bytes, Pair] = {}
        # What is to go into the table, the oldest first.
        self._new: list[Pair] = []
        self.generation = 0
        self.looked_up = 0

    def decode(self, block: bytes) -> Pairs:
        """Return the fields of a block. Raises HpackError, HeaderListTooLarge."""
        pairs: Pairs = []
        append = pairs.append
        table = self._table
        place = 0
        end = len(block)
        try:
            while place < end:
                byte = block[place]
                if 0x80 < byte < _FIRST_DYNAMIC_BYTE:
                    append(table[byte - 0x80])
                    place += 1
                elif byte >= 0x80:
                    index, place = decode_integer(block, place, 0x7F)
                    append(self._entry(index))
                elif byte & 0xE0 != 0x20:
                    pair, place = self._decode_literal(block, place)
                    append(pair)
                elif pairs:
                    raise HpackError("the dynamic table is resized in the middle of a header block")
                else:
                    place = self._resize(block, place)
        except IndexError:
            raise HpackError("a header block ends in the middle of a field, or refers to what is not there") from None
        except HuffmanError as error:
            raise HpackError(str(error)) from None

        if len(pairs) > self._max_count:
            raise HeaderListTooLarge(f"more than {self._max_count} header fields")
        if list_size(pairs) > self._max_list:
            raise HeaderListTooLarge(f"header fields of more than {self._max_list} bytes")
        return pairs

    def _entry(self, index: int) -> Pair:
        if not index:
            raise HpackError("a header block refers to index 0")
        self._look_up()
        return self._table[index]

    def _look_up(self) -> None:
        self.looked_up += 1
        if self._new:
            self._settle()

    def _decode_literal(self, block: bytes, start: int) -> tuple[Pair, int]:
        # RFC 7541, 6.2: an index for the name, or 0 and a name; then the value. Most integers are one byte.
        first = block[start]
        mask = 0x3F if first >= 0x40 else 0x0F
        index = first & mask
        place = start + 1
        if index == mask:
            index, place = decode_integer(block, start, mask)

        value_at = place if index else _end_of_string(block, place)
        end = _end_of_string(block, value_at)
        if end > len(block):
            raise IndexError

        literal = block[start:end]
        pair = self._known.get(literal)
        if pair is None:
            if index >= _FIRST_DYNAMIC:
                self._look_up()
            name = self._table[index][0] if index else _decode_string(block, place, value_at)
            pair = name, _decode_string(block, value_at, end)
            # A name of the dynamic table will have another index.
            if index < _FIRST_DYNAMIC and len(literal) <= MAX_KNOWN_SIZE:
                self._remember(literal, pair)

        if first >= 0x40:
            self.add((pair,))
            if end - start > MAX_KNOWN_SIZE:
                # Large ones are not kept for later.
                self._look_up()
        return pair, end

    def _remember(self, literal: bytes, pair: Pair) -> None:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[literal] = pair

    def add(self, pairs: tuple[Pair, ...]) -> None:
        """Put fields into the dynamic table, the first of them first."""
        self._new += pairs
        self.generation += 1
        if len(self._new) > 2 * MAX_KNOWN:
            # No more than these fit.
            del self._new[: -1 - self._max_table // ENTRY_OVERHEAD]

    def newest(self, count: int) -> tuple[Pair, ...]:
        """Return the fields that were added last, in order, if the table was not looked at since."""
        return tuple(self._new[-count:])

    def _settle(self) -> None:
        # RFC 7541, 4.4: room is made first; an entry that is larger than the table empties it. So what is left is the
        # newest, as much as fits.
        used = 0
        kept: Pairs = []
        for pair in reversed(self._new):
            size = len(pair[0]) + len(pair[1]) + ENTRY_OVERHEAD
            if used + size > self._table_size:
                self._shrink_to(0)
                break
            used += size
            kept.append(pair)
        self._new = []
        self._shrink_to(self._table_size - used)
        self._table[_FIRST_DYNAMIC:_FIRST_DYNAMIC] = kept
        self._size += used

    def _resize(self, block: bytes, place: int) -> int:
        # RFC 7541, 6.3.
        size, place = decode_integer(block, place, 0x1F)
        if size > self._max_table:
            raise HpackError(f"the dynamic table is resized to {size} bytes, beyond the {self._max_table} allowed")
        self._look_up()
        self._table_size = size
        self._shrink_to(size)
        self.generation += 1
        return place

    def _shrink_to(self, size: int) -> None:
        while self._size > size and self._size:
            name, value = self._table.pop()
            self._size -= len(name) + len(value) + ENTRY_OVERHEAD


# --- sending

_STATIC_PAIRS = {pair: index for index, pair in enumerate(STATIC_TABLE, 1) if pair[1]}
_STATIC_NAMES = {name: index for index, (name, _) in reversed(list(enumerate(STATIC_TABLE, 1)))}

# The same from one request to the next: worth an entry at once.
_STEADY = frozenset({b":authority", b"accept", b"accept-encoding", b"accept-language", b"user-agent"})

_SECRETS = frozenset({b"authorization", b"proxy-authorization"})
_PARTS_OF_SECRETS = (b"token", b"secret", b"password", b"api-key", b"apikey")
_SHORT_COOKIE = 20


def is_secret(name: bytes, value: bytes) -> bool:
    """Return whether a field must never enter a table, where its value could be guessed (RFC 7541, 7.1.3)."""
    if name in _SECRETS or (name == b"cookie" and len(value) < _SHORT_COOKIE):
        return True
    return any(part in name for part in _PARTS_OF_SECRETS)


class Encoder:
    """Encode the header blocks of one connection."""

    __slots__ = (
        "_added",
        "_entries",
        "_names",
        "_numbers",
        "_resized_to",
        "_seen",
        "_size",
        "_table_size",
        "generation",
    )

    generation: int
    """Changes with the dynamic table."""

    def __init__(self) -> None:
        # Entries are numbered as they come; the number of the newest is `_added - 1`, and its index on the wire is 62.
        self._entries: deque[Pair] = deque()
        self._numbers: dict[Pair, int] = {}
        self._names: dict[bytes, int] = {}
        self._seen: dict[Pair, None] = {}
        self._added = 0
        self._size = 0
        self._table_size = DEFAULT_TABLE_SIZE
        self._resized_to: int | None = None
        self.generation = 0

    def resize(self, allowed: int) -> None:
        """Obey the peer's SETTINGS_HEADER_TABLE_SIZE; the next block announces it."""
        size = min(allowed, DEFAULT_TABLE_SIZE)
        if size == self._table_size:
            return

        # RFC 7541, 4.2: of several changes, the smallest is told as well as the last.
        self._resized_to = min(size, self._table_size if self._resized_to is None else self._resized_to)
        self._table_size = size
        self._shrink_to(size)
        self.generation += 1

    def updates(self) -> bytes:
        """Return what the next block has to begin with: the new sizes of the table, if it was resized."""
        smallest, size = self._resized_to, self._table_size
        if smallest is None:
            return b""

        self._resized_to = None
        sizes = [size] if smallest == size else [smallest, size]
        return b"".join([encode_integer(each, 0x1F, 0x20) for each in sizes])

    def encode(self, pairs: Pairs) -> bytes:
        """Return a block, names being in lower case. It goes after `updates()`."""
        return b"".join([self._encode_field(pair) for pair in pairs])

    def _encode_field(self, pair: Pair) -> bytes:
        index = _STATIC_PAIRS.get(pair)
        if index is not None:
            return bytes((0x80 | index,))

        number = self._numbers.get(pair)
        if number is not None:
            return encode_integer(self._index(number), 0x7F, 0x80)

        name, value = pair
        if is_secret(name, value):
            return self._encode_literal(name, value, 0x0F, 0x10)
        if not self._is_worth_an_entry(pair):
            return self._encode_literal(name, value, 0x0F, 0)

        literal = self._encode_literal(name, value, 0x3F, 0x40)
        self._add(pair)
        return literal

    def _encode_literal(self, name: bytes, value: bytes, mask: int, pattern: int) -> bytes:
        index = _STATIC_NAMES.get(name, 0)
        if not index and (number := self._names.get(name)) is not None:
            index = self._index(number)
        start = encode_integer(index, mask, pattern)
        return start + (b"" if index else _encode_string(name)) + _encode_string(value)

    def _index(self, number: int) -> int:
        return STATIC_SIZE + self._added - number

    def _is_worth_an_entry(self, pair: Pair) -> bool:
        name, value = pair
        if (len(name) + len(value) + ENTRY_OVERHEAD) * 2 > self._table_size:
            return False
        if name in _STEADY or pair in self._seen:
            return True

        # What is sent a second time is likely to be sent a third: an identifier of one request never is.
        if len(self._seen) >= MAX_KNOWN:
            self._seen.clear()
        self._seen[pair] = None
        return False

    def _add(self, pair: Pair) -> None:
        name, value = pair
        size = len(name) + len(value) + ENTRY_OVERHEAD
        self._shrink_to(self._table_size - size)
        self._entries.append(pair)
        self._numbers[pair] = self._names[name] = self._added
        self._added += 1
        self._size += size
        self.generation += 1

    def _shrink_to(self, size: int) -> None:
        while self._size > size:
            pair = self._entries.popleft()
            name, value = pair
            self._size -= len(name) + len(value) + ENTRY_OVERHEAD
            number = self._numbers.pop(pair)
            if self._names[name] == number:
                del self._names[name]


def encode_outside_tables(name: bytes, value: bytes) -> bytes:
    """Return a field of the static table by its index, or as a literal for no table: the same in every block."""
    index = _STATIC_PAIRS.get((name, value))
    if index is not None:
        return bytes((0x80 | index,))
    return encode_integer(_STATIC_NAMES[name], 0x0F, 0) + _encode_string(value)
