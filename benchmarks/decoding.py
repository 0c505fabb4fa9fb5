"""Measure what `response.json(type=T)` and generated clients add to msgspec itself, and how other libraries compare.

    python -m benchmarks.decoding [rounds]

The bodies are one user and a list of 1,000 of them. The ways take turns in one process, round after round; a figure is
the median over the rounds of the CPU time of a way divided by that of `msgspec.json.Decoder(T).decode(content)` in the
same round. At most 1.1 is the target for the list. openapi-python-client's models are measured where the package
`user_management_api_client_peer` can be imported.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec

import borzoi
from borzoi.openapi.runtime.libraries import decoder

USER = {
    "id": "7f3c1b1e-4c43-4b1c-9d6d-2f1f0c1c2a3b",
    "email": "laika@example.org",
    "name": "Laika",
    "created_at": "2026-01-02T03:04:05Z",
    "is_active": True,
}
Email = Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]


class User(msgspec.Struct, kw_only=True):
    """A user, as the generator writes it."""

    id: UUID
    email: Email
    name: str
    created_at: dt.datetime
    is_active: bool


@dataclasses.dataclass(kw_only=True, slots=True)
class DataclassUser:
    """The same as a dataclass."""

    id: UUID
    email: Email
    name: str
    created_at: dt.datetime
    is_active: bool


def ways(content: bytes, is_list: bool) -> dict[str, Callable[[], Any]]:
    """Return what is measured; the first is what the others are compared with."""
    type_: Any = list[User] if is_list else User
    plain: Any = list[DataclassUser] if is_list else DataclassUser
    bare = msgspec.json.Decoder(type_).decode
    generated, of_dataclasses = decoder(type_), decoder(plain)
    response = borzoi.Response(200, content=content)
    found: dict[str, Callable[[], Any]] = {
        "msgspec": lambda: bare(content),
        "response.json(type=T)": lambda: response.json(type=type_),
        "generated, msgspec": lambda: generated(response.content),
        "generated, dataclasses": lambda: of_dataclasses(response.content),
    }
    try:
        from user_management_api_client_peer.models import User as PeerUser  # type: ignore[import-not-found]
    except ImportError:
        return found
    make = PeerUser.from_dict
    found["openapi-python-client"] = (
        (lambda: [make(each) for each in json.loads(content)]) if is_list else lambda: make(json.loads(content))
    )
    return found


def seconds(way: Callable[[], Any], times: int) -> float:
    """Return the CPU seconds of a way."""
    began = time.process_time()
    for _ in range(times):
        way()
    return time.process_time() - began


def main(rounds: int) -> None:
    """Print the ratios."""
    for title, value, times in (("one user", USER, 20_000), ("1,000 users", [USER] * 1000, 60)):
        measured = ways(msgspec.json.encode(value), isinstance(value, list))
        ratios: dict[str, list[float]] = {name: [] for name in measured}
        for _ in range(rounds):
            taken = {name: seconds(way, times) for name, way in measured.items()}
            for name, each in taken.items():
                ratios[name].append(each / taken["msgspec"])
        print(title)
        for name, found in ratios.items():
            print(f"  {name:26} {statistics.median(found):6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
