"""Headers: the map in front, the block behind, and what may go over the wire."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi._errors import LocalProtocolError
from borzoi._values.headers import MAX_HOSTED, HeaderBlock, Headers

PAIRS = [(b"Host", b"example.org"), (b"Accept", b"a"), (b"accept", b"b, c"), (b"X-One", b"1")]


def sent(*pairs: tuple[bytes, bytes]) -> bytes:
    return HeaderBlock(list(pairs)).encoded()


def refusal(name: bytes, value: bytes) -> str:
    with pytest.raises(LocalProtocolError) as caught:
        sent((b"Fine", b"yes"), (name, value))
    return str(caught.value)


class TestMaking:
    @pytest.mark.parametrize(
        "given_headers",
        [
            {"A": "1", "b": "2"},
            {b"A": b"1", b"b": b"2"},
            [("A", "1"), ("b", "2")],
            [(b"A", b"1"), (b"b", b"2")],
            (("A", "1"), ("b", "2")),
            Headers({"A": "1", "b": "2"}),
        ],
    )
    def test_each_form(self, given_headers: Any) -> None:
        """Mappings and sequences of text and of bytes make the same headers."""
        assert Headers(given_headers).raw == [(b"A", b"1"), (b"b", b"2")]

    def test_nothing(self) -> None:
        """No argument and None make empty headers."""
        assert Headers().raw == Headers(None).raw == []
        assert not Headers()

    def test_from_raw_does_not_copy(self) -> None:
        """`from_raw` takes the list itself, since a response brings one of its own."""
        pairs = list(PAIRS)
        assert Headers.from_raw(pairs).block.pairs is pairs

    def test_sharing(self) -> None:
        """Headers made of headers share the block until one of them changes."""
        first = Headers.from_raw(list(PAIRS))
        second = Headers(first)
        assert second.block is first.block
        second["X-One"] = "2"
        assert (first["X-One"], second["X-One"]) == ("1", "2")

    def test_encoding_of_what_is_given(self) -> None:
        """Text is encoded as asked, as ASCII otherwise."""
        assert Headers({"a": "é"}, encoding="utf-8").raw == [(b"a", b"\xc3\xa9")]
        assert Headers({"a": "é"}, encoding="iso-8859-1").raw == [(b"a", b"\xe9")]
        with pytest.raises(UnicodeEncodeError):
            Headers({"a": "é"})

    @pytest.mark.parametrize("value", [None, 5, ["x"]])
    def test_wrong_value(self, value: Any) -> None:
        """A value that is neither text nor bytes is a TypeError that names its type."""
        with pytest.raises(TypeError, match=r"Header value must be str or bytes, not <class '.*'>"):
            Headers({"a": value})
        with pytest.raises(TypeError, match="Header value must be str or bytes"):
            Headers()["a"] = value

    def test_wrong_name(self) -> None:
        """A name that is neither text nor bytes is a TypeError that names its type."""
        with pytest.raises(TypeError, match="Header name must be str or bytes, not <class 'int'>"):
            Headers([(5, "a")])  # type: ignore[list-item]


class TestReading:
    def test_look_up(self) -> None:
        """Look-ups ignore case, and join several values with commas."""
        headers = Headers(PAIRS)
        assert headers["ACCEPT"] == "a, b, c"
        assert headers.get("x-one") == "1"
        assert headers.get("none") is None
        assert headers.get("none", "default") == "default"
        with pytest.raises(KeyError, match="None"):
            headers["None"]

    def test_contains(self) -> None:
        """`in` ignores case, and is false for what is no text."""
        headers = Headers(PAIRS)
        assert "ACCEPT" in headers
        assert "none" not in headers
        assert 5 not in headers

    def test_views(self) -> None:
        """Keys, values and items have each name once; `multi_items` and `raw` have every line."""
        headers = Headers(PAIRS)
        assert list(headers) == list(headers.keys()) == ["host", "accept", "x-one"]
        assert list(headers.values()) == ["example.org", "a, b, c", "1"]
        assert dict(headers.items()) == {"host": "example.org", "accept": "a, b, c", "x-one": "1"}
        assert headers.multi_items()[1:3] == [("accept", "a"), ("accept", "b, c")]
        assert headers.raw == PAIRS
        assert len(headers) == 4

    def test_raw_is_a_copy(self) -> None:
        """Changing the list from `raw` changes nothing."""
        headers = Headers(PAIRS)
        headers.raw.clear()
        assert len(headers) == 4

    def test_get_list(self) -> None:
        """`get_list` gives each line, and on request each part between commas."""
        headers = Headers(PAIRS)
        assert headers.get_list("Accept") == ["a", "b, c"]
        assert headers.get_list("Accept", split_commas=True) == ["a", "b", "c"]
        assert headers.get_list("none", split_commas=True) == []
        assert headers.get_list("é") == []

    @pytest.mark.parametrize(
        ("value", "encoding", "text"),
        [(b"e", "ascii", "e"), (b"\xc3\xa9", "utf-8", "é"), (b"\xe9", "iso-8859-1", "é")],
    )
    def test_encoding_found(self, value: bytes, encoding: str, text: str) -> None:
        """The encoding is the first of ASCII, UTF-8 and ISO 8859-1 that decodes everything."""
        headers = Headers([(b"a", b"1"), (b"b", value)])
        assert headers.encoding == encoding
        assert headers["b"] == text
        assert headers.multi_items() == [("a", "1"), ("b", text)]

    def test_encoding_set(self) -> None:
        """An encoding that was set counts, and does not change what others who share the block read."""
        first = Headers([(b"a", b"\xc3\xa9")])
        second = Headers(first)
        second.encoding = "iso-8859-1"
        assert second["a"] == "Ã©"
        assert first["a"] == "é"
        assert second.copy()["a"] == "Ã©"

    def test_encoding_that_does_not_fit(self) -> None:
        """A value that the chosen encoding does not decode hides no other one."""
        headers = Headers([(b"a", b"1"), (b"b", b"\xe9")])
        headers.encoding = "utf-8"
        assert headers["a"] == "1"
        assert headers["b"] == "\ufffd"
        assert headers.get_list("b") == ["\ufffd"]
        assert headers.multi_items() == [("a", "1"), ("b", "\ufffd")]

    def test_repr(self) -> None:
        """The text form shows pairs, the encoding if it is not ASCII, and no credentials."""
        assert repr(Headers({"A": "1"})) == "Headers({'a': '1'})"
        assert repr(Headers([("a", "1"), ("a", "2")])) == "Headers([('a', '1'), ('a', '2')])"
        assert repr(Headers([(b"a", b"\xe9")])) == "Headers({'a': 'é'}, encoding='iso-8859-1')"
        secret = Headers({"Authorization": "Basic x", "Proxy-Authorization": "y"})
        assert repr(secret) == "Headers({'authorization': '[secure]', 'proxy-authorization': '[secure]'})"

    @pytest.mark.parametrize(
        ("other", "equal"),
        [
            ({"b": "2", "A": "1"}, True),
            ([("B", "2"), ("a", "1")], True),
            (Headers({"a": "1", "b": "2"}), True),
            ({"a": "1"}, False),
            ([("a", "1"), ("b", "2"), ("b", "2")], False),
            (5, False),
            ("xyz", False),
            ({"a": None}, False),
        ],
    )
    def test_equality(self, other: Any, equal: bool) -> None:
        """Headers equal whatever makes headers with the same lines, in any order and case of names."""
        assert (Headers({"a": "1", "b": "2"}) == other) is equal

    def test_no_hash(self) -> None:
        """Headers change, so they have no hash."""
        with pytest.raises(TypeError, match="unhashable"):
            hash(Headers())

    def test_is_a_mapping(self) -> None:
        """Headers are a mapping, so that whatever takes one takes them."""
        assert isinstance(Headers(), Mapping)
        assert dict(Headers({"A": "1"})) == {"a": "1"}


class TestChanging:
    def test_set_replaces_in_place(self) -> None:
        """Setting replaces the first line of the name, removes its others, and leaves the order."""
        headers = Headers([("a", "1"), ("b", "2"), ("A", "3"), ("c", "4")])
        headers["A"] = "5"
        assert headers.raw == [(b"A", b"5"), (b"b", b"2"), (b"c", b"4")]

    def test_set_appends(self) -> None:
        """A new name goes to the end."""
        headers = Headers({"a": "1"})
        headers["B"] = "2"
        assert headers.raw == [(b"a", b"1"), (b"B", b"2")]

    @pytest.mark.parametrize("before", [b"x", b"\xc3\xa9", b"\xe9"])
    def test_set_reads_back(self, before: bytes) -> None:
        """What is set reads back as it was set, whatever encoding the other values have."""
        headers = Headers([(b"a", before)])
        first = headers["a"]
        headers["b"] = "é"
        assert (headers["a"], headers["b"]) == (first, "é")

    def test_set_in_a_chosen_encoding(self) -> None:
        """An encoding that was set is used for new values, and fails for what it cannot write."""
        headers = Headers(encoding="iso-8859-1")
        headers["a"] = "é"
        assert headers.raw == [(b"a", b"\xe9")]
        with pytest.raises(UnicodeEncodeError):
            headers["a"] = "€"

    def test_delete(self) -> None:
        """Deleting removes each line of the name, and is a KeyError where there is none."""
        headers = Headers(PAIRS)
        del headers["ACCEPT"]
        assert headers.raw == [PAIRS[0], PAIRS[3]]
        with pytest.raises(KeyError, match="accept"):
            del headers["accept"]

    def test_update(self) -> None:
        """`update` replaces the names given, keeping several lines of one name, and moves them to the end."""
        headers = Headers([("a", "1"), ("b", "2"), ("A", "3")])
        headers.update([("a", "4"), ("A", "5")])
        assert headers.raw == [(b"b", b"2"), (b"a", b"4"), (b"A", b"5")]
        headers.update()
        assert len(headers) == 3

    def test_mapping_methods(self) -> None:
        """The methods that every mutable mapping has work too."""
        headers = Headers({"a": "1", "b": "2"})
        assert headers.pop("A") == "1"
        assert headers.setdefault("c", "3") == "3"
        assert headers.popitem() == ("b", "2")
        headers.clear()
        assert headers.raw == []

    def test_union(self) -> None:
        """`|` and `|=` update a copy or the headers themselves; what is no mapping is a TypeError."""
        headers = Headers({"a": "1"})
        assert (headers | {"A": "2"}).raw == [(b"A", b"2")]
        assert ({"a": "2", "b": "3"} | headers).raw == [(b"b", b"3"), (b"a", b"1")]
        same = headers
        headers |= {"b": "2"}
        assert same.raw == [(b"a", b"1"), (b"b", b"2")]
        with pytest.raises(TypeError):
            headers | 5  # type: ignore[operator]
        with pytest.raises(TypeError):
            5 | headers  # type: ignore[operator]

    def test_append(self) -> None:
        """Bytes can be appended as they are."""
        headers = Headers({"a": "1"})
        headers._append(b"Cookie", b"\xe9")
        assert headers.raw == [(b"a", b"1"), (b"Cookie", b"\xe9")]

    def test_copies_are_independent(self) -> None:
        """A copy, shallow, deep, pickled or of a subclass, equals the original and changes alone."""

        class Mine(Headers):
            pass

        for headers in (Headers(PAIRS), Headers.from_raw(list(PAIRS))):
            headers.block.encoded()
            for twin in (
                headers.copy(),
                copy.copy(headers),
                copy.deepcopy(headers),
                pickle.loads(pickle.dumps(headers)),
            ):
                assert twin == headers
                twin["new"] = "1"
                assert "new" not in headers
        assert type(copy.copy(Mine(PAIRS))) is Mine
        assert type(Mine.from_raw([])) is Mine


class TestBlock:
    def test_find(self) -> None:
        """`find` gives the first value and `find_all` each, in any case of the name."""
        block = HeaderBlock(PAIRS)
        assert block.find(b"accept") == b"a"
        assert block.find(b"acc") is None
        assert block.find_all(b"accept") == [b"a", b"b, c"]

    def test_find_without_a_block(self) -> None:
        """Headers fresh from the wire are searched without making the block, and with one alike."""
        headers = Headers.from_raw(list(PAIRS))
        for _ in range(2):
            assert headers._find(b"x-one") == b"1"
            assert headers._find(b"x-two") is None
            assert headers.block.pairs == PAIRS

    def test_with_host(self) -> None:
        """`with_host` puts Host first, and gives the same block for the same host."""
        block = HeaderBlock([(b"A", b"1")])
        hosted = block.with_host(b"example.org")
        assert hosted.pairs == [(b"Host", b"example.org"), (b"A", b"1")]
        assert block.with_host(b"example.org") is hosted
        assert block.with_host(b"example.com") is not hosted
        assert block.pairs == [(b"A", b"1")]

    def test_with_host_that_is_there(self) -> None:
        """A Host that the program gave stays."""
        block = HeaderBlock([(b"hOST", b"mine")])
        assert block.with_host(b"example.org") is block

    def test_with_host_is_bounded(self) -> None:
        """A block keeps a bounded number of derived blocks, however many hosts it meets."""
        block = HeaderBlock([])
        for number in range(3 * MAX_HOSTED):
            block.with_host(b"%d.example" % number)
        assert block._hosted is not None
        assert 0 < len(block._hosted) <= MAX_HOSTED


class TestWire:
    def test_lines(self) -> None:
        """Each pair is a line, names in the case in which they were given; an empty line ends them."""
        block = HeaderBlock([(b"Host", b"a"), (b"X-a", b"1 2"), (b"x-B", b"")])
        assert block.encoded() == b"Host: a\r\nX-a: 1 2\r\nx-B: \r\n\r\n"
        assert block.encoded() is block.encoded()
        assert sent() == b"\r\n"

    def test_host_comes_first(self) -> None:
        """Host is the first line, wherever the program put it (RFC 9112 section 3.2)."""
        assert sent((b"A", b"1"), (b"B", b"2"), (b"HOST", b"a")) == b"HOST: a\r\nA: 1\r\nB: 2\r\n\r\n"

    @pytest.mark.parametrize("value", [b"a\x01b", b"\xe9\xff", b"a\tb", b"'\"(),/:;<=>?@[\\]{}", b"\x7f"])
    def test_values_that_pass(self, value: bytes) -> None:
        """Bytes above ASCII and control characters that end no line pass, as servers are sent them in practice."""
        assert sent((b"A", value)) == b"A: " + value + b"\r\n\r\n"

    @pytest.mark.parametrize(
        "name", [b"", b"a b", b"a:", b"a\r\nb", b"\xc3\xa9", b"a\x00b", b" a", b"a\n", b"(a)", b"a\r\nb: c"]
    )
    def test_names_that_do_not(self, name: bytes) -> None:
        """A name that is no token never leaves."""
        assert "RFC 9110 section 5.6.2" in refusal(name, b"v")

    @pytest.mark.parametrize(
        ("value", "fault"),
        [
            (b"a\r\nB: c", "a carriage return at position 1"),
            (b"a\nB: c", "a line feed at position 1"),
            (b"a\x00", "a NUL at position 1"),
            (b"\x00A\x00b", "a NUL at position 0"),
            (b"\x0ba", "a vertical tab at position 0"),
            (b"a \x0c", "a form feed at position 2"),
            (b"a  \r\n b", "a carriage return at position 3"),
            (b" a", "white space at its start"),
            (b"\t", "white space at its start"),
            (b"a b \t", "white space at its end, from position 3,"),
        ],
    )
    def test_values_that_do_not(self, value: bytes, fault: str) -> None:
        """A value that would end its line, or that a receiver would strip, never leaves; the error says where."""
        message = refusal(b"X-Name", value)
        assert message.startswith("Illegal header value b'")
        assert f"of X-Name: {fault} is not allowed (RFC 9110 section 5.5)" in message

    @pytest.mark.parametrize(
        "name",
        [
            b"Authorization",
            b"cookie",
            b"Set-Cookie",
            b"Proxy-Authorization",
            b"X-Api-Key",
            b"my-token",
            b"Client-Secret",
        ],
    )
    def test_secrets_stay_secret(self, name: bytes) -> None:
        """An error names a header that holds a secret, and never its value."""
        message = refusal(name, b"hunter2\r\n")
        assert "hunter2" not in message
        assert name.decode() in message

    def test_line_given_as_a_name(self) -> None:
        """An error shows of an illegal name what stands before the fault: a value behind it may be a secret."""
        message = refusal(b"Authorization: hunter2", b"x")
        assert "b'Authorization'" in message
        assert "at position 13" in message
        assert "hunter2" not in message

    def test_errors_are_short(self) -> None:
        """An error does not repeat a long value."""
        assert len(refusal(b"A", b"x" * 10_000 + b"\n")) < 250
        assert len(refusal(b"n" * 10_000 + b" ", b"x")) < 250

    @given(st.lists(st.tuples(st.binary(max_size=6), st.binary(max_size=8)), max_size=4))
    def test_one_line_for_each_pair(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Whatever the bytes: either they are refused, or the lines are exactly the pairs."""
        try:
            encoded = sent(*pairs)
        except LocalProtocolError:
            return
        lines = [tuple(line.split(b": ", 1)) for line in encoded.split(b"\r\n")[:-2]]
        assert sorted(lines) == sorted(pairs)

    @given(st.text("ab\r\n\x00: ", max_size=5), st.text("ab\r\n\x00: ", max_size=5))
    def test_no_injection(self, name: str, value: str) -> None:
        """Text made of what delimits lines makes one line, or none."""
        block = Headers([(name, value)]).block
        try:
            encoded = block.encoded()
        except LocalProtocolError:
            return
        assert encoded.count(b"\r") == encoded.count(b"\n") == 2
        assert encoded == f"{name}: {value}\r\n\r\n".encode()
