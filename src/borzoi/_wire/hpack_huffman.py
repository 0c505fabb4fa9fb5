"""The Huffman code of HPACK (RFC 7541, 5.2), both ways, in linear time.

Decoding walks an automaton from byte to byte. Its states are the beginnings of codes that a byte may end with; where a
state leads is worked out when it is first asked, and kept, up to a limit.
"""

from __future__ import annotations

from .hpack_tables import CODE_LENGTHS, EOS

MAX_STEPS = 16384
"""Steps of the automaton that are kept, in 2 MB: all 65,281 would take 8 MB, and only an attacker would use them."""


class HuffmanError(Exception):
    """A string is not in the Huffman code of HPACK."""


def _canonical_codes() -> list[tuple[int, int]]:
    """Return (length, code) for each symbol."""
    codes = [(0, 0)] * len(CODE_LENGTHS)
    code = before = 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(CODE_LENGTHS)):
        code <<= length - before
        codes[symbol] = length, code
        code += 1
        before = length
    return codes


_CODES = _canonical_codes()
_BITS = [format(code, f"0{length}b") for length, code in _CODES[:EOS]]

# A code with a one in front is a number of its own: 1 is the empty beginning, 0b101 the beginning "01".
_SYMBOLS = {1 << length | code: symbol for symbol, (length, code) in enumerate(_CODES)}


# --- encoding


def huffman_encode(data: bytes) -> bytes:
    """Return `data` in the Huffman code."""
    bits = "".join(map(_BITS.__getitem__, data))

    # RFC 7541, 5.2: the last byte is filled up with the beginning of EOS, which is ones.
    bits += "1" * (-len(bits) & 7)
    return int(bits or "0", 2).to_bytes(len(bits) >> 3, "big")


# --- decoding


class _State(dict[int, "tuple[_State, bytes]"]):
    """Map the next byte to the state after it and to what it completes."""

    __slots__ = ("beginning", "may_end")

    def __init__(self, beginning: int) -> None:
        super().__init__()
        self.beginning = beginning
        # RFC 7541, 5.2: padding is shorter than a byte, and all ones.
        self.may_end = beginning.bit_length() <= 8 and not beginning & (beginning + 1)

    def __missing__(self, byte: int) -> tuple[_State, bytes]:
        bits = self.beginning
        decoded = bytearray()
        for place in range(7, -1, -1):
            bits = bits << 1 | byte >> place & 1
            symbol = _SYMBOLS.get(bits)
            if symbol == EOS:
                raise HuffmanError("a Huffman-coded string contains the symbol that ends strings")
            if symbol is not None:
                decoded.append(symbol)
                bits = 1

        step = self[byte] = _automaton.state(bits), bytes(decoded)
        _automaton.count_step()
        return step


class _Automaton:
    """Hold the states, 256 at most (the inner nodes of the tree of codes), and bound the steps that they keep."""

    __slots__ = ("states", "steps")

    def __init__(self) -> None:
        self.states: dict[int, _State] = {}
        self.steps = 0

    def state(self, beginning: int) -> _State:
        state = self.states.get(beginning)
        if state is None:
            state = self.states[beginning] = _State(beginning)
        return state

    def count_step(self) -> None:
        self.steps += 1
        if self.steps >= MAX_STEPS:
            self.steps = 0
            for state in list(self.states.values()):
                state.clear()


_automaton = _Automaton()
_START = _automaton.state(1)


def huffman_decode(data: bytes) -> bytes:
    """Return what `data` stands for. Raises HuffmanError."""
    state = _START
    decoded: list[bytes] = []
    append = decoded.append
    for byte in data:
        state, piece = state[byte]
        append(piece)

    if not state.may_end:
        raise HuffmanError("a Huffman-coded string ends in the middle of a symbol, or is padded wrongly")
    return b"".join(decoded)
