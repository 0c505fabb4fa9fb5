"""Models of pydantic: their base, the strings that are validated, and decoding as strict as that of msgspec."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints, TypeAdapter
from pydantic import ValidationError as PydanticError

from ..._messages.model_libraries import reason_of
from .open_models import EXTRA
from .values import EMAIL, URI


class Model(BaseModel):
    """What generated models are. Members that were not given are left out of requests."""

    model_config = ConfigDict(populate_by_name=True, protected_namespaces=())


if TYPE_CHECKING:

    class OpenModel(Model):
        """A model with members that the document does not name."""
else:

    class _OpenType(type(BaseModel)):
        """What `additional_properties` is to us are the extra fields to pydantic, which reads and writes them flat."""

        def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
            annotations = namespace.get("__annotations__", {})
            if EXTRA in annotations:
                annotations["__pydantic_extra__"] = annotations.pop(EXTRA)
                del namespace[EXTRA]
            return super().__new__(cls, name, bases, namespace, **options)

        def __call__(cls, *values: Any, **members: Any) -> Any:
            return super().__call__(*values, **{**members.pop(EXTRA, {}), **members})

    class OpenModel(Model, metaclass=_OpenType):
        """A model that holds the members which the document does not name."""

        model_config = ConfigDict(extra="allow")

        @property
        def additional_properties(self) -> dict[str, Any]:
            return self.__pydantic_extra__

        @additional_properties.setter
        def additional_properties(self, value: dict[str, Any]) -> None:
            self.__pydantic_extra__ = value


# The regular expressions of Rust have no `\Z`, and their `$` is the end.
Email = Annotated[str, StringConstraints(pattern=EMAIL.replace(r"\Z", "$"))]
"""An address of e-mail."""

Uri = Annotated[str, StringConstraints(pattern=URI.replace(r"\Z", "$"))]
"""A URI."""


def _from_base64(value: Any) -> Any:
    return base64.b64decode(value, validate=True) if isinstance(value, str) else value


def _to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


Bytes = Annotated[bytes, BeforeValidator(_from_base64), PlainSerializer(_to_base64, when_used="json")]
"""Bytes that are base64 in JSON (RFC 4648, section 4)."""


@lru_cache(maxsize=1024)
def json_validator(type_: Any) -> Callable[[bytes], Any]:
    """Return what makes values of a type from JSON. It raises msgspec.ValidationError."""
    validate = TypeAdapter(type_).validate_json

    def decode(content: bytes) -> Any:
        try:
            # Programs give members by their names in Python, too; JSON has those of the document and no others.
            return validate(content, strict=True, by_alias=True, by_name=False)
        except PydanticError as error:
            raise msgspec.ValidationError(reason_of(error)) from error

    return decode
