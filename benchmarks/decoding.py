"""Measure what `response.json(type=T)` and generated clients add to msgspec itself, and how other libraries compare.

    python -m benchmarks.decoding [rounds]

The bodies are one user and a page of 1,000, as `examples/user-api.yaml` has them. The ways take turns, round after
round; a figure is the median over the rounds of the CPU time of a way divided by that of `msgspec.json.Decoder(T)` in
the same round. At most 1.1 is the target for the page, and four times that for openapi-python-client, whose client is
generated from the same document and reads the same bytes in a process of its own: its environment is
`.cache/openapi-python-client`, which `make openapi-corpus` makes. It validates no e-mail address, as ours does not with
`--lenient-formats`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

import borzoi
from borzoi.openapi import generate
from borzoi.openapi.plan import Selection
from borzoi.openapi.runtime.libraries import decoder

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "examples" / "user-api.yaml"
PEER = ROOT / ".cache" / "openapi-python-client" / "bin"
USER = {
    "id": "7f3c1b1e-4c43-4b1c-9d6d-2f1f0c1c2a3b",
    "email": "laika@example.org",
    "name": "Laika",
    "created_at": "2026-01-02T03:04:05Z",
    "is_active": True,
}
BODIES = {"one user": (USER, "User", 20_000), "1,000 users": ({"users": [USER] * 1000}, "ListUsersResponse", 60)}


@dataclasses.dataclass(kw_only=True, slots=True)
class User:
    """A user as a dataclass of one's own."""

    id: UUID
    email: str
    name: str
    created_at: dt.datetime
    is_active: bool | None = None


@dataclasses.dataclass(kw_only=True, slots=True)
class ListUsersResponse:
    """A page of them."""

    users: list[User]


def ways(content: bytes, name: str, models: Any, lenient: Any) -> dict[str, Callable[[], Any]]:
    """Return what is measured; the first is what the others are compared with."""
    type_: Any = getattr(models, name)
    unvalidated = decoder(getattr(lenient, name))
    bare = msgspec.json.Decoder(type_).decode
    generated, of_dataclasses = decoder(type_), decoder(globals().get(name))
    response = borzoi.Response(200, content=content)
    return {
        "msgspec": lambda: bare(content),
        "response.json(type=T)": lambda: response.json(type=type_),
        "generated, msgspec": lambda: generated(response.content),
        "with --lenient-formats": lambda: unvalidated(response.content),
        "dataclasses": lambda: of_dataclasses(response.content),
    }


def seconds(way: Callable[[], Any], times: int) -> float:
    """Return the CPU seconds of a way."""
    began = time.process_time()
    for _ in range(times):
        way()
    return time.process_time() - began


# openapi-python-client.

_PEER_SCRIPT = """
import json, sys, time
import httpx
from peer_users import Client
from peer_users.api.default import get_user, list_users
client = Client(base_url="https://api.example.com")
for line in sys.stdin:
    name, times, content = json.loads(line)
    response = httpx.Response(200, content=content.encode())
    parse = (get_user if name == "User" else list_users)._parse_response
    began = time.process_time()
    for _ in range(times):
        found = parse(client=client, response=response)
    elapsed = time.process_time() - began
    assert name == "User" or len(found.users) == 1000
    print(elapsed, flush=True)
"""


class Peer:
    """Have the other generator's client read replies, in its own process."""

    def __init__(self, place: Path) -> None:
        settings = place / "peer.json"
        settings.write_text(json.dumps({"post_hooks": []}))
        command: list[str | Path] = [PEER / "openapi-python-client", "generate", "--path", DOCUMENT, "--meta", "none"]
        command += ["--output-path", place / "peer_users", "--config", settings]
        subprocess.run(command, check=True, capture_output=True)
        self._process = subprocess.Popen(
            [PEER / "python", "-c", _PEER_SCRIPT], cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def seconds(self, name: str, times: int, content: bytes) -> float:
        """Return the CPU seconds of reading a reply some times."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([name, times, content.decode()]), file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def measure(rounds: int, models: Any, lenient: Any, peer: Peer | None) -> None:
    """Print the ratios."""
    for title, (value, name, times) in BODIES.items():
        content = msgspec.json.encode(value)
        measured = ways(content, name, models, lenient)
        ratios: dict[str, list[float]] = {}
        for _ in range(rounds):
            taken = {way: seconds(run, times) for way, run in measured.items()}
            if peer is not None:
                taken["openapi-python-client"] = peer.seconds(name, max(times // 10, 1), content) * 10
            for way, each in taken.items():
                ratios.setdefault(way, []).append(each / taken["msgspec"])
        print(title)
        for way, found in ratios.items():
            print(f"  {way:26} {statistics.median(found):6.2f}")


def main(rounds: int) -> None:
    """Generate both clients, and measure."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sys.path.insert(0, folder)
        generate(DOCUMENT, output=place / "our_users")
        generate(DOCUMENT, output=place / "our_lenient_users", selection=Selection(lenient_formats=True))
        peer = Peer(place) if PEER.exists() else None
        try:
            ours, lenient = (importlib.import_module(f"our_{name}.models") for name in ("users", "lenient_users"))
            measure(rounds, ours, lenient, peer)
        finally:
            if peer is not None:
                peer.close()
    if peer is None:
        print("openapi-python-client is not installed: `make openapi-corpus` does that")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
