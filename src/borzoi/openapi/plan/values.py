"""The plan: what will be generated, as plain frozen values. It is public, so that plugins can read and replace it.

Types are trees of `Plain`, `ListOf`, `MapOf`, `OneOf`, `LiteralOf` and `Reference`; a reference names a model by the
key of the place that it was declared at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct, field


class Plain(Struct, frozen=True):
    """A type that Python or the runtime has."""

    text: str


class ListOf(Struct, frozen=True):
    """A list."""

    item: Type


class MapOf(Struct, frozen=True):
    """An object whose keys are not known."""

    item: Type


class OneOf(Struct, frozen=True):
    """Several types that msgspec can tell apart."""

    members: tuple[Type, ...]


class LiteralOf(Struct, frozen=True):
    """Values that are known; an open one takes others of the same type, too."""

    values: tuple[str | int | bool, ...]
    is_open: bool

    @property
    def base(self) -> str:
        """The type of the values."""
        return type(self.values[0]).__name__


class Reference(Struct, frozen=True):
    """A model."""

    key: str


Type: TypeAlias = Plain | ListOf | MapOf | OneOf | LiteralOf | Reference

ANY = Plain("Any")
NULL = Plain("None")
STR = Plain("str")
INT = Plain("int")
FLOAT = Plain("float")
BOOL = Plain("bool")
BYTES = Plain("bytes")
FILE = Plain("File")
EMAIL = Plain("Email")
URI = Plain("Uri")


class Field(Struct, frozen=True):
    """A member of an object."""

    wire: str
    name: str
    type: Type
    required: bool
    doc: str = ""


class Model(Struct):
    """What gets a name: a struct, a union that msgspec cannot tell apart by itself, an enumeration, or an alias."""

    key: str
    kind: str
    """struct, union, enum or alias."""

    base_name: str
    root: str
    """The key of the named place that this stands in; what has one root shares a module."""

    doc: str = ""
    fields: tuple[Field, ...] = ()
    extra: Type | None = None
    """Of the members of a struct that have no name in the document; None where it does not declare any."""

    type: Type = ANY
    """Of an enumeration or an alias."""

    members: tuple[Type, ...] = ()
    discriminator: str = ""
    mapping: tuple[tuple[str, Type], ...] = ()
    other: Type | None = None
    """Of a union: what has a discriminator that is in no mapping, where the document says."""

    name: str = ""
    module: str = ""


class Parameter(Struct, frozen=True):
    """A parameter of an operation."""

    wire: str
    name: str
    location: str
    type: Type
    required: bool
    style: str
    explode: bool
    allow_reserved: bool = False
    media_type: str = ""
    doc: str = ""
    first: int | None = None
    """The number that is meant where none is given."""


class Part(Struct, frozen=True):
    """What `encoding` says of one property of a form."""

    wire: str
    content_type: str = ""
    style: str = ""
    explode: bool | None = None
    allow_reserved: bool = False


class Body(Struct, frozen=True):
    """The body of a request, in one media type."""

    media_type: str
    type: Type
    encoding: tuple[Part, ...] = ()


class Header(Struct, frozen=True):
    """A header of a response."""

    wire: str
    name: str
    type: Type
    doc: str = ""


class Reply(Struct, frozen=True):
    """The body of a response, for one status or range of them."""

    status: str
    media_type: str
    type: Type
    kind: str
    """json, text, bytes, none, or a stream: sse, events, lines, sequence."""

    headers: tuple[Header, ...] = ()
    events: tuple[tuple[str, Type | None], ...] = ()
    """Of a stream of events: their names and the types of their data, None for text."""

    others: tuple[Reply, ...] = ()
    """What the body may be instead, in other media types."""


class Pages(Struct, frozen=True):
    """How the pages of a list follow each other; `items`, `next` and `more` are names of members with dots between."""

    kind: str
    """cursor, last, offset, page, url or link."""

    item: Type
    parameter: str = ""
    items: str = ""
    next: str = ""
    more: str = ""
    first: int | None = None
    """The number of the first page, or of its first item, where that is not the usual one."""


class Operation(Struct, frozen=True):
    """One method of one path."""

    id: str
    method: str
    path: str
    resource: str
    tag: str
    name: str
    """In the functions style; unique in its tag."""

    short: str
    """In the resources style; unique in its resource."""

    doc: str
    parameters: tuple[Parameter, ...]
    bodies: tuple[Body, ...]
    body_required: bool
    replies: tuple[Reply, ...]
    errors: tuple[Reply, ...]
    security: tuple[tuple[str, ...], ...]
    server: Server | None = None
    """Where it is, if that is elsewhere than the rest of the API."""

    links: tuple[Link, ...] = ()
    deprecated: bool = False
    pointer: str = ""
    stream: Reply | None = None
    pages: Pages | None = None
    fields: str = ""
    """The key of the struct that the body is, where its members may be given as keyword arguments."""

    headers: str = ""
    """The class of the headers of its replies."""

    class_of_links: str = ""
    """The class whose methods are its links."""

    @property
    def choices(self) -> tuple[str, ...]:
        """The media types that a reply may be asked for in, the usual one first; none where there is no choice."""
        if not any(each.others for each in self.replies):
            return ()
        found = [each.media_type for each in self.replies if each.media_type]
        return tuple(dict.fromkeys([*found, *[other.media_type for each in self.replies for other in each.others]]))


class Security(Struct, frozen=True):
    """A security scheme, and the arguments of the client that hold its credentials."""

    key: str
    kind: str
    """header, query, cookie, basic, digest, bearer, oauth2, openid or mutual_tls."""

    wire: str
    arguments: tuple[str, ...]
    token_url: str = ""
    """Where tokens are asked for, or, for openid, what tells where."""

    doc: str = ""


class Server(Struct, frozen=True):
    """A server with its variables: name, default, and the values that are known."""

    url: str
    variables: tuple[tuple[str, str, str, tuple[str, ...]], ...] = ()
    """The name in the URL, the argument, the default, the values."""


class Webhook(Struct, frozen=True):
    """What the API sends of itself: a webhook, or the callback of an operation."""

    name: str
    key: str
    """What the document calls it."""

    type: Type
    doc: str = ""


class Link(Struct, frozen=True):
    """Where the reply of an operation leads."""

    key: str
    target: str
    """The id of another operation of the document."""

    arguments: tuple[tuple[str, str], ...] = ()
    """The names of parameters, and the expressions that say what they are."""

    doc: str = ""


class Package(Struct):
    """All that is generated from one document."""

    name: str
    title: str
    version: str
    doc: str
    models: dict[str, Model]
    operations: list[Operation]
    security: list[Security]
    servers: list[Server]
    library: str = "msgspec"
    """Whose models they are: msgspec, pydantic or dataclass."""

    enums: str = "literal"
    """What enumerations of strings are: literal or strenum."""

    required: tuple[tuple[str, ...], ...] = ()
    """The schemes that operations ask for which do not say themselves."""

    loose: dict[str, str] = field(default_factory=dict)
    """The places whose type says nothing, and why."""

    headers: dict[str, tuple[Header, ...]] = field(default_factory=dict)
    """The headers of replies, by the name of their class."""

    webhooks: list[Webhook] = field(default_factory=list)


def walk(type: Type) -> Iterator[Type]:
    """Yield a type and all that it is made of, models not entered."""
    yield type
    if isinstance(type, (ListOf, MapOf)):
        yield from walk(type.item)
    elif isinstance(type, OneOf):
        for member in type.members:
            yield from walk(member)
