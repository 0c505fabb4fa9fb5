"""The heads of HTTP/2: header blocks to response heads, and requests to header blocks (RFC 9113, 8).

In: a block, or a method, a target and header pairs. Out: a `ResponseHead` as HTTP/1.1 gives it, or a block. What breaks
the rules of section 8 raises a `Fault` that harms its stream only; what breaks HPACK, one that harms the connection.

Blocks are remembered with what they mean, both ways, for as long as the dynamic table stays as it was: most of what is
sent and received on a connection repeats.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from .._errors import LocalProtocolError
from .hpack import (
    ENTRY_OVERHEAD,
    Decoder,
    Encoder,
    HeaderListTooLarge,
    HpackError,
    Pair,
    Pairs,
    encode_outside_tables,
    list_size,
)
from .http1_head import (
    MAX_LENGTH_DIGITS,
    UNTIL_CLOSE,
    HeadLimits,
    RequestFraming,
    ResponseHead,
    encode_method,
    encode_target,
)
from .http2_frames import COMPRESSION_ERROR, PROTOCOL_ERROR, Fault

if TYPE_CHECKING:
    from .._values.headers import HeaderBlock

K = TypeVar("K")
T = TypeVar("T")

MAX_KNOWN = 64
"""Blocks that a connection remembers, each way."""

MAX_KNOWN_BLOCK = 1024
"""Bytes in a block or a path that is remembered."""

# RFC 9113, 8.2.1, and the stricter grammar of RFC 9110, 5.1 and 5.5; upper case is malformed.
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]++").fullmatch
_VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff]++(?:[\t ]++[\x21-\x7e\x80-\xff]++)*)?").fullmatch
_STATUS = re.compile(rb"[1-9][0-9][0-9]").fullmatch

# RFC 9113, 8.2.2: they are about a connection of HTTP/1.
_OF_CONNECTIONS = frozenset({b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"})
_NOT_SENT = _OF_CONNECTIONS | {b"host", b"http2-settings"}

_NOT_IN_TRAILERS = frozenset({b":authority", b"content-length"})

_ACTED_UPON = frozenset({b"set-cookie", b"content-encoding"})

# What a field is to the head, besides a field.
_PLAIN = 0
_FOR_THE_CLIENT = 1
_LENGTH = 2


# --- receiving


class HeadReader:
    """Read the header blocks that one connection receives, in their order."""

    __slots__ = ("_decoder", "_generation", "_self_contained", "_sound", "known")

    known: dict[bytes, ResponseHead]
    """What whole blocks mean, at present. A head is shared by all responses that have it: nothing may change it."""

    def __init__(self, limits: HeadLimits) -> None:
        self._decoder = Decoder(max_list=limits.size, max_count=limits.count)
        self._generation = 0
        self._sound: dict[Pair, int] = {}
        # What blocks mean that do not refer to the dynamic table, and what they put into it.
        self._self_contained: dict[bytes, tuple[ResponseHead, tuple[Pair, ...]]] = {}
        self.known = {}

    def read(self, block: bytes, stream: int) -> ResponseHead:
        """Return the head of a response. Raises Fault."""
        decoder = self._decoder
        found = self._self_contained.get(block)
        if found is not None:
            head, added = found
            decoder.add(added)
            self._generation = decoder.generation
            if self.known:
                self.known.clear()
            return head

        generation, looked_up = decoder.generation, decoder.looked_up
        head = self._interpret(self._decode(block, stream), stream)
        if len(block) <= MAX_KNOWN_BLOCK:
            if decoder.generation == generation:
                _remember(self.known, block, head)
            elif decoder.looked_up == looked_up:
                _remember(self._self_contained, block, (head, decoder.newest(decoder.generation - generation)))
        return head

    def read_trailers(self, block: bytes, stream: int) -> Pairs:
        """Return the fields of a trailer section. Raises Fault."""
        pairs = self._decode(block, stream)
        for pair in pairs:
            if pair not in self._sound:
                self._learn(pair, stream)
        return pairs

    def skip(self, block: bytes) -> None:
        """Take in what a block does to the dynamic table. Raises Fault."""
        try:
            self._decode(block, 1)
        except Fault as fault:
            if not fault.stream:
                raise

    def _decode(self, block: bytes, stream: int) -> Pairs:
        try:
            return self._decoder.decode(block)
        except HpackError as error:
            raise Fault(COMPRESSION_ERROR, str(error)) from None
        except HeaderListTooLarge as error:
            raise Fault(PROTOCOL_ERROR, f"the response has {error}", stream) from None
        finally:
            if self._decoder.generation != self._generation:
                self._generation = self._decoder.generation
                self.known.clear()

    def _interpret(self, pairs: Pairs, stream: int) -> ResponseHead:
        # RFC 9113, 8.3: pseudo-header fields come first. 8.3.2: a response has one, :status.
        if not pairs or pairs[0][0] != b":status":
            raise Fault(PROTOCOL_ERROR, "a response does not begin with :status", stream)

        status = pairs[0][1]
        if _STATUS(status) is None:
            raise Fault(PROTOCOL_ERROR, f":status {status[:32]!r} is not three digits", stream)

        del pairs[0]
        sound = self._sound
        length = UNTIL_CLOSE
        is_plain = True
        for pair in pairs:
            kind = sound.get(pair)
            if kind is None:
                kind = self._learn(pair, stream)
            if kind == _FOR_THE_CLIENT:
                is_plain = False
            elif kind:
                if length != UNTIL_CLOSE:
                    raise Fault(PROTOCOL_ERROR, "the response has more than one Content-Length", stream)
                length = int(pair[1])
        return ResponseHead(int(status), b"", b"HTTP/2", pairs, length, True, is_plain)

    def _learn(self, pair: Pair, stream: int) -> int:
        """Hold a field against the grammar and remember it; return what it is to the head. Raises Fault."""
        name, value = pair
        wrong = _what_is_wrong(name, value)
        if wrong:
            raise Fault(PROTOCOL_ERROR, wrong, stream)

        kind = _PLAIN
        if name == b"content-length":
            kind = _LENGTH
        elif name in _ACTED_UPON:
            kind = _FOR_THE_CLIENT
        if len(name) + len(value) <= MAX_KNOWN_BLOCK:
            if len(self._sound) >= MAX_KNOWN:
                self._sound.clear()
            self._sound[pair] = kind
        return kind


def _remember(known: dict[K, T], key: K, meaning: T) -> None:
    if len(known) >= MAX_KNOWN:
        known.clear()
    known[key] = meaning


def _what_is_wrong(name: bytes, value: bytes) -> str:
    """Say what is wrong with a field, showing no value: it may be a secret."""
    if _NAME(name) is None:
        if name[:1] == b":":
            return f"the pseudo-header field {name[:32]!r} does not belong there (RFC 9113, 8.3)"
        if _NAME(name.lower()):
            return f"the field name {name[:32]!r} has upper case (RFC 9113, 8.2.1)"
        return f"{name[:32]!r} is not a field name (RFC 9113, 8.2.1)"
    if _VALUE(value) is None:
        return f"the value of {name[:32]!r} has a character that is not allowed, or not at its ends (RFC 9113, 8.2.1)"
    if name in _OF_CONNECTIONS or (name == b"te" and value.lower() != b"trailers"):
        return f"the field {name!r} is about a connection, and has no place in HTTP/2 (RFC 9113, 8.2.2)"
    # RFC 9110, 8.6: digits and nothing else. isdigit() knows ASCII digits only.
    if name == b"content-length" and (not value.isdigit() or len(value) > MAX_LENGTH_DIGITS):
        return f"Content-Length {value[:64]!r} is not a length"
    return ""


# --- sending


class RequestFields:
    """Hold the fields of a request but for method, scheme and path, ready to be sent."""

    __slots__ = ("encoded", "framing", "generation", "pairs", "size")

    def __init__(self, block: HeaderBlock) -> None:
        # Raises LocalProtocolError for what no version of HTTP can carry.
        block.encoded()
        self.framing = RequestFraming(block.pairs)
        self.pairs = translate(block.pairs)
        self.size = list_size(self.pairs)
        self.encoded = b""
        self.generation = -1


def translate(pairs: Pairs) -> Pairs:
    """Return header fields as HTTP/2 has them: lower case, Host as `:authority`, none that is about the connection."""
    lower = [(name.lower(), value) for name, value in pairs]
    not_sent = set(_NOT_SENT)
    authority: Pairs = []
    for name, value in lower:
        if name == b"host":
            authority = [(b":authority", value)]
        elif name == b"connection":
            # RFC 9110, 7.6.1: and whatever it names.
            not_sent.update(option.strip() for option in value.lower().split(b","))

    return authority + [
        (name, value)
        for name, value in lower
        # RFC 9113, 8.2.2: of TE, "trailers" alone has a meaning.
        if name not in not_sent and (name != b"te" or value.lower() == b"trailers")
    ]


RequestKey: TypeAlias = "tuple[str, bytes, bytes, HeaderBlock]"
"""A method, a scheme, a target and the header fields."""


class RequestWriter:
    """Write the header blocks that one connection sends, in their order."""

    __slots__ = ("_fields", "_paths", "_starts", "_written", "encoder")

    def __init__(self) -> None:
        self.encoder = Encoder()
        self._fields: dict[HeaderBlock, RequestFields] = {}
        self._paths: dict[bytes, bytes] = {}
        self._starts: dict[tuple[str, bytes], bytes] = {}
        # Whole blocks, with what they hold for: the generation of the table, and the peer's limit.
        self._written: dict[RequestKey, tuple[bytes, RequestFraming, int, int | None]] = {}

    def write(
        self, method: str, scheme: bytes, target: bytes, block: HeaderBlock, max_list: int | None
    ) -> tuple[bytes, RequestFraming]:
        """Return the header block of a request, and how its body is framed.

        Raises LocalProtocolError for one that is malformed or, where the peer has named a limit, too large.
        """
        key = method, scheme, target, block
        written = self._written.get(key)
        if written is not None and written[2] == self.encoder.generation and written[3] == max_list:
            return written[0], written[1]
        return self._write(key, max_list)

    def _write(self, key: RequestKey, max_list: int | None) -> tuple[bytes, RequestFraming]:
        method, scheme, target, block = key
        fields = self._fields.get(block)
        if fields is None:
            fields = RequestFields(block)
            if len(self._fields) >= MAX_KNOWN:
                self._fields.clear()
            self._fields[block] = fields
        # RFC 9110, 9.3.6 and 9.3.8: CONNECT and TRACE have no content.
        if fields.framing.length and method in ("CONNECT", "TRACE"):
            raise LocalProtocolError(f"A {method} request has no body, and these headers announce one.")

        start = self._starts.get((method, scheme)) or self._encode_start(method, scheme)
        path = self._paths.get(target) or self._encode_path(method, target)
        if max_list is not None and fields.size + len(target) + 4 * ENTRY_OVERHEAD > max_list:
            raise LocalProtocolError(f"The headers are larger than the {max_list} bytes that the server accepts.")

        # Nothing may be refused from here on: what is encoded changes the table, so it has to be sent.
        encoder = self.encoder
        updates = encoder.updates()
        if method == "CONNECT":
            # RFC 9113, 8.5: neither scheme nor path, and the authority is the target.
            return updates + start + encoder.encode([(b":authority", target), *fields.pairs[1:]]), fields.framing

        whole = start + path
        if fields.generation != encoder.generation:
            # What is kept is sent again: sound only if it puts nothing into the table, and the first two times may.
            if fields.encoded:
                fields.generation = encoder.generation
            fields.encoded = encoder.encode(fields.pairs)
        elif len(target) <= MAX_KNOWN_BLOCK:
            _remember(self._written, key, (whole + fields.encoded, fields.framing, fields.generation, max_list))
        return updates + whole + fields.encoded, fields.framing

    def _encode_start(self, method: str, scheme: bytes) -> bytes:
        start = encode_outside_tables(b":method", encode_method(method).rstrip())
        if method != "CONNECT":
            start += encode_outside_tables(b":scheme", scheme)
        if len(self._starts) >= MAX_KNOWN:
            self._starts.clear()
        self._starts[method, scheme] = start
        return start

    def _encode_path(self, method: str, target: bytes) -> bytes:
        encode_target(target)
        if method == "CONNECT":
            return b""
        # RFC 9113, 8.3.1.
        if target[:1] != b"/" and (target, method) != (b"*", "OPTIONS"):
            raise LocalProtocolError(f"Invalid request target {target[:64]!r}: HTTP/2 wants a path from '/' on.")

        path = encode_outside_tables(b":path", target)
        if len(target) <= MAX_KNOWN_BLOCK and target != b"*":
            if len(self._paths) >= MAX_KNOWN:
                self._paths.clear()
            self._paths[target] = path
        return path

    def write_trailers(self, pairs: Pairs) -> bytes:
        """Return the block of a trailer section. Raises LocalProtocolError for what does not belong into one."""
        from .._values.headers import HeaderBlock

        HeaderBlock(pairs).encoded()
        fields = translate(pairs)
        if len(fields) < len(pairs) or any(name in _NOT_IN_TRAILERS for name, _ in fields):
            raise LocalProtocolError("Trailers have no fields that frame or route a message (RFC 9110, 6.5.1).")
        return self.encoder.updates() + self.encoder.encode(fields)
