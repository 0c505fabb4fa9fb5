"""Addresses of e-mail, and URIs: which are taken, and where one is that is none. Structs of msgspec look at their own."""

from __future__ import annotations

import importlib
import re
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from borzoi import DecodingError
from borzoi.openapi.plan import Selection
from borzoi.openapi.runtime import UNSET, Email, check_email, check_uri
from borzoi.openapi.runtime.libraries import decoder
from borzoi.openapi.runtime.values import EMAIL, URI
from tests.openapi.test_models import LIBRARIES, document, received, ref

ADDRESS = {"type": "string", "format": "email"}
OR_NULL = {"type": ["string", "null"], "format": "email"}
PERSON = {
    "type": "object",
    "required": ["home"],
    "properties": {"home": ADDRESS, "at-work": OR_NULL, "others": {"type": "array", "items": ADDRESS}},
}
GOOD = ("a@b", "laika@example.org", "\xe9\u2003@\u4f60\u597d", "a\xa1@\U0001f600", "a\u200b@\xad")
BAD = ("", "@", "a", "a@", "@b", "a@b@c", "a @b", "a@b\t", "a@b\n", "\x00a@b", "a\x7f@b", "a@\x80", "a\xa0@b", "\ta@b")


def models_of(package: Any) -> Any:
    """Return the models of a package."""
    return importlib.import_module(f"{package.__name__}.models")


@pytest.fixture(params=LIBRARIES)
def read(client_of: Any, request: pytest.FixtureRequest) -> Any:
    """What makes a person of JSON, in the models of one library."""
    package = client_of(document(ref("Person"), Person=PERSON), selection=Selection(models=request.param))
    return decoder(models_of(package).Person)


@pytest.fixture
def person(client_of: Any) -> Any:
    """The struct of a person."""
    return models_of(client_of(document(ref("Person"), Person=PERSON))).Person


def is_taken(read: Any, **members: Any) -> bool:
    """Tell whether a person is taken."""
    try:
        read(msgspec.json.encode({"home": "a@b", **members}))
    except msgspec.ValidationError:
        return False
    return True


def test_the_same_is_an_address_in_all_libraries(read: Any) -> None:
    """What is taken is taken as a member, as one that may be null, and in a list, whatever models are made with."""
    taken = {
        text: (is_taken(read, home=text), is_taken(read, **{"at-work": text}), is_taken(read, others=[text]))
        for text in (*GOOD, *BAD)
    }

    assert taken == {**dict.fromkeys(GOOD, (True, True, True)), **dict.fromkeys(BAD, (False, False, False))}
    assert is_taken(read, **{"at-work": None})
    assert not is_taken(read, home=None)
    assert not is_taken(read, home=7)


@given(st.text(st.sampled_from("@ a\n\x00\x7f\xa0\xa1\u2003\u4f60."), max_size=8))
@example("a\u2003@b")
def test_two_ways_to_look_at_an_address(text: str) -> None:
    """What a struct takes is what the pattern takes, which msgspec asks in lists."""
    try:
        check_email(text, "x")
        is_taken = True
    except ValueError:
        is_taken = False

    assert is_taken == (re.search(EMAIL, text) is not None)


@pytest.mark.parametrize("value", [None, UNSET])
def test_what_is_not_given(value: Any) -> None:
    """Neither null nor what was not given is looked at: whether they may be there, their type says."""
    check_email(value, "x")
    with pytest.raises(ValueError, match=r"in `\.x`"):
        check_email("nobody", "x")


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"home": "nobody"}, "$.people[1].home"),
        ({"home": "a@b", "at-work": "nobody"}, "$.people[1].at-work"),
        ({"home": "a@b", "others": ["a@b", "nobody"]}, "$.people[1].others[1]"),
    ],
)
def test_the_place_of_what_is_no_address(client_of: Any, wrong: Any, place: str) -> None:
    """The error is that of a pattern, and names the member, by its name in JSON, in the whole reply."""
    reply = {"type": "object", "properties": {"people": {"type": "array", "items": ref("Person")}}}
    package = client_of(document(reply, Person=PERSON))

    with pytest.raises(DecodingError) as caught:
        received(package, {"people": [{"home": "a@b"}, wrong]})
    assert str(caught.value).endswith(f"declares: Expected `str` matching regex {EMAIL!r} - at `{place}`")


@pytest.mark.parametrize("is_open", [False, True])
def test_the_place_in_a_union(client_of: Any, is_open: bool) -> None:
    """In a union, and in a model with members that have no name, the whole place is named, too."""
    cat: dict[str, Any] = {
        "type": "object",
        "required": ["owner", "kind"],
        "properties": {"owner": ref("Person"), "kind": {}},
    }
    dog = {**cat, "properties": {**cat["properties"], "barks": {"type": "boolean"}}}
    pet = {"oneOf": [ref("Cat"), ref("Dog")], "discriminator": {"propertyName": "kind"}}
    owner = {**PERSON, "additionalProperties": is_open}
    reply = {"type": "object", "properties": {"pets": {"type": "array", "items": ref("Pet")}}}
    package = client_of(document(reply, Person=owner, Pet=pet, Cat=cat, Dog=dog))

    with pytest.raises(DecodingError, match=re.escape(f"{EMAIL!r} - at `$.pets[0].owner.home`")):
        received(package, {"pets": [{"kind": "Cat", "owner": {"home": "nobody"}}]})


def test_a_whole_reply_that_is_no_address(client_of: Any) -> None:
    """A reply may be an address itself; other errors stay as they are."""
    assert decoder(Email)(b'"a@b"') == "a@b"
    with pytest.raises(msgspec.ValidationError, match=r"\\Z'$"):
        decoder(Email)(b'"nobody"')
    with pytest.raises(msgspec.ValidationError, match=r"^Expected `str`, got `int`$"):
        decoder(Email)(b"7")


def test_structs_look_themselves(person: Any) -> None:
    """A struct refuses what is no address whoever makes it: msgspec alone, `replace`, or a call."""
    laika = person(home="a@b", at_work=None)

    assert msgspec.json.decode(b'{"home": "a@b", "at-work": null}', type=person) == laika
    assert msgspec.json.encode(laika) == b'{"home":"a@b","at-work":null}'
    with pytest.raises(msgspec.ValidationError, match=r"in `\.home` - at `\$\[0\]`"):
        msgspec.json.decode(b'[{"home": "nobody"}]', type=list.__class_getitem__(person))
    with pytest.raises(msgspec.ValidationError, match=r"in `\.at-work`"):
        msgspec.convert({"home": "a@b", "at-work": "nobody"}, person)
    with pytest.raises(ValueError, match=r"in `\.at-work`"):
        msgspec.structs.replace(laika, at_work="nobody")
    with pytest.raises(ValueError, match=r"in `\.home`"):
        person(home="nobody")


def test_lenient_formats(client_of: Any) -> None:
    """With lenient formats, a reply may have any string where its document says address."""
    package = client_of(document(ref("Person"), Person=PERSON), selection=Selection(lenient_formats=True))

    assert received(package, {"home": "nobody", "others": [""]}).home == "nobody"


@pytest.mark.parametrize(
    ("type_", "is_tracked"),
    [
        ({"type": "string", "format": "uuid"}, False),
        ({"type": ["number", "null"]}, False),
        ({"enum": ["a", "b"]}, False),
        ({"const": "a"}, False),
        ({"type": "array", "items": {"type": "string"}}, True),
        ({"type": "object"}, True),
        (ref("Node"), True),
        ({}, True),
    ],
)
def test_what_the_collector_looks_at(client_of: Any, type_: Any, is_tracked: bool) -> None:
    """Structs of values that hold no others can be in no circle, and the collector does not look at them."""
    node = {"type": "object", "properties": {"next": type_, "address": ADDRESS}}
    models = models_of(client_of(document(ref("Node"), Node=node)))

    assert models.Node.__struct_config__.gc is is_tracked


LINK = {"type": "string", "format": "uri"}
SITE = {
    "type": "object",
    "required": ["url"],
    "properties": {"url": LINK, "up-stream": {"type": ["string", "null"], "format": "uri"}, "all": {"type": "array", "items": LINK}},
}  # fmt: skip
URIS = ("http://a/b?c#d", "mailto:a@b", "a:", "urn:isbn:1", "h2.x+y-z:b", "\x41:\u4f60", "a:\x01")
NO_URIS = ("", ":", "a", "1a:b", "a b:c", "a:b c", "a:\u2003", "a:b\n", "\xe9:b", "-a:b", "a:\xa0")


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_same_is_a_uri_in_all_libraries(client_of: Any, library: str) -> None:
    """What is a URI is one as a member, as one that may be null, and in a list, whatever models are made with."""
    package = client_of(document(ref("Site"), Site=SITE), selection=Selection(models=library))
    site = decoder(models_of(package).Site)

    def takes(**members: Any) -> bool:
        try:
            site(msgspec.json.encode({"url": "a:b", **members}))
        except msgspec.ValidationError:
            return False
        return True

    taken = {text: (takes(url=text), takes(**{"up-stream": text}), takes(all=[text])) for text in (*URIS, *NO_URIS)}
    assert taken == {**dict.fromkeys(URIS, (True, True, True)), **dict.fromkeys(NO_URIS, (False, False, False))}
    assert takes(**{"up-stream": None})


@given(st.text(st.sampled_from(":aZ1+-. \n\x00\x7f\xa0\xe9\u2003\u4f60"), max_size=8))
@example("a\u4f60:b")
def test_two_ways_to_look_at_a_uri(text: str) -> None:
    """What a struct takes is what the pattern takes."""
    try:
        check_uri(text, "x")
        is_taken = True
    except ValueError:
        is_taken = False

    assert is_taken == (re.search(URI, text) is not None)
    check_uri(None, "x")


def test_the_place_of_what_is_no_uri(client_of: Any) -> None:
    """The error names the member, by its name in JSON, in the whole reply; a struct looks at its own."""
    package = client_of(document({"type": "array", "items": ref("Site")}, Site=SITE))
    for wrong, place in (({"url": "x"}, "$[0].url"), ({"url": "a:b", "up-stream": "x"}, "$[0].up-stream")):
        with pytest.raises(DecodingError) as caught:
            received(package, [wrong])
        assert str(caught.value).endswith(f"declares: Expected `str` matching regex {URI!r} - at `{place}`")
    with pytest.raises(ValueError, match=r"in `\.url`"):
        models_of(package).Site(url="nothing")
