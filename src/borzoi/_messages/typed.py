"""JSON made into objects of a given type, and checked on the way.

`decode_json(content, type)` takes what an annotation can say: builtins and their generics, unions, literals, enums,
dates, UUID, Decimal, TypedDict, NamedTuple, dataclasses, and the models of attrs, msgspec and pydantic. Models of the
last two go to their own library, which is known by being imported already.

Nothing is guessed: "1" is no int, and 1 is no bool. Keys that a type does not name are ignored. What does not fit is a
DecodingError that says where, as in "$.dogs[3].age: expected int, got str", and never shows the data itself.
"""

from __future__ import annotations

from typing import Any

from .._errors import DecodingError
from .converters import converter
from .mismatch import Mismatch, type_name
from .model_libraries import decoder_of_library, reason_of


def decode_json(content: bytes, type: Any, **kwargs: Any) -> Any:
    """Return the value of a JSON text as an object of `type`; keyword arguments go to `json.loads`.

    Raises DecodingError for what is not JSON or does not fit, and TypeError for a type that JSON cannot be made into.
    """
    whole = None if kwargs else decoder_of_library(type)
    if whole is not None:
        decode, library_error = whole
        try:
            return decode(content)
        except library_error as error:
            raise DecodingError(f"The body does not decode as {type_name(type)}: {reason_of(error)}") from error

    convert = converter(type)
    try:
        from json import loads

        return convert(loads(content, **kwargs))
    except Mismatch as mismatch:
        raise DecodingError(f"The body does not decode as {type_name(type)}: {mismatch}.") from None
    except ValueError as error:
        raise DecodingError(f"The body does not decode as JSON: {error}.") from error
    except RecursionError as error:
        raise DecodingError("The body is JSON that nests too deeply.") from error
