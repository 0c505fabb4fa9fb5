"""Models that belong to msgspec or pydantic: found in types, and made by their own library.

Neither is imported here. A type of theirs cannot exist before the program imported them.
"""

from __future__ import annotations

import functools
import sys
import typing
from collections.abc import Iterator
from typing import Any

from .mismatch import Converter, Mismatch, type_name


def reason_of(error: Exception) -> str:
    """Return what a library says, without the data that pydantic would repeat."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    details: list[dict[str, Any]] = errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"${''.join(_place(part) for part in detail['loc'])}: {detail['msg']}" for detail in details)


def _place(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"


def _leaves(tp: Any) -> Iterator[Any]:
    yield tp
    for argument in typing.get_args(tp):
        yield from _leaves(argument)


def is_msgspec(tp: Any) -> bool:
    """Tell whether a type is a model of msgspec."""
    msgspec = sys.modules.get("msgspec")
    return msgspec is not None and isinstance(tp, type) and issubclass(tp, msgspec.Struct)


def is_pydantic(tp: Any) -> bool:
    """Tell whether a type is a model of pydantic."""
    return "pydantic" in sys.modules and isinstance(tp, type) and hasattr(tp, "__pydantic_validator__")


def decoder_of_library(tp: Any) -> tuple[Converter, type[Exception]] | None:
    """Return what makes a type straight from bytes, and what it raises; None when no library owns the type."""
    try:
        return _decoder_of_library(tp)
    except TypeError:
        # A type that cannot be hashed is looked at each time.
        return _decoder_of_library.__wrapped__(tp)


@functools.lru_cache(maxsize=256)
def _decoder_of_library(tp: Any) -> tuple[Converter, type[Exception]] | None:
    leaves = list(_leaves(tp))
    if any(is_msgspec(leaf) for leaf in leaves):
        msgspec = sys.modules["msgspec"]
        return functools.partial(msgspec.json.decode, type=tp), msgspec.MsgspecError
    if any(is_pydantic(leaf) for leaf in leaves):
        return _adapter(tp).validate_json, sys.modules["pydantic"].ValidationError
    return None


@functools.lru_cache(maxsize=256)
def _adapter(tp: Any) -> Any:
    return sys.modules["pydantic"].TypeAdapter(tp)


def msgspec_converter(tp: Any) -> Converter:
    """Return what makes a model of msgspec from what `json.loads` gives."""
    msgspec = sys.modules["msgspec"]
    return _by_library(functools.partial(msgspec.convert, type=tp), msgspec.MsgspecError, tp)


def pydantic_converter(tp: Any) -> Converter:
    """Return what makes a model of pydantic from what `json.loads` gives."""
    return _by_library(_adapter(tp).validate_python, sys.modules["pydantic"].ValidationError, tp)


def _by_library(make: Converter, library_error: type[Exception], tp: Any) -> Converter:
    def convert(value: Any) -> Any:
        try:
            return make(value)
        except library_error as error:
            raise Mismatch.because(f"not a valid {type_name(tp)}: {reason_of(error)}") from error

    return convert
