"""What may differ between an SDK on the library it was written for and on Borzoi, with one sentence why."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple


class Difference(NamedTuple):
    """A difference that is meant. The patterns are those of a shell, and meet the whole."""

    name: str
    why: str
    path: str
    """Where it is, in what came of a call."""
    own: str
    """What is there on the SDK's own library, as JSON."""
    ours: str
    sdk: str = "*"
    call: str = "*"

    def covers(self, sdk: str, call: str, found: tuple[str, str, str]) -> bool:
        """Tell whether a place in which a call differs is meant."""
        patterns = (self.sdk, self.call, self.path, self.own, self.ours)
        return all(fnmatchcase(text, pattern) for text, pattern in zip((sdk, call, *found), patterns, strict=True))


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "time-out named",
        "httpx says nothing of a time-out in an event loop, and little in a thread; Borzoi says of whom what was awaited.",
        path="/seen*",
        own='"*"',
        ours="*No bytes from server.invalid within 0.2 s*",
    ),
    Difference(
        "peer named",
        "Borzoi adds to the sentence which host it was that closed the connection.",
        path="/seen*/text",
        own="*peer closed connection without sending complete message body*",
        ours="*peer closed connection without sending complete message body* (server.invalid)*",
    ),
    Difference(
        "peer named",
        "Borzoi adds to the sentence which host it was that did not answer.",
        path="/seen*/text",
        own="*Server disconnected without sending a response.*",
        ours="*Server disconnected without sending a response. (server.invalid)*",
    ),
    Difference(
        "connection refused, in one way",
        "httpx says something else in a thread than in an event loop; Borzoi says where to and why in both.",
        path="/seen*/text",
        own="*",
        ours="*Could not connect to 127.0.0.1:1: [[]Errno 111[]] Connection refused (127.0.0.1)*",
    ),
    Difference(
        "cookies come last",
        "Borzoi adds the cookies of its client when it sends, and fields of different names have no order (RFC 9110 5.3).",
        path="/recorded/*/order",
        own='"* Cookie*',
        ours='"* Cookie"',
    ),
    Difference(
        "secrets redacted",
        "Borzoi keeps the values of fields that hold secrets out of the texts of its exceptions.",
        path="/seen*/text",
        own="*token=hf_secret*",
        ours="*token=[[]secure[]]*",
    ),
    Difference(
        "reasons of httpx",
        "An application gives no reason, and Borzoi says httpx's for 422, where httpx2 has the newer one of RFC 9110.",
        path="/seen*/reason",
        own='"Unprocessable Content"',
        ours='"Unprocessable Entity"',
    ),
    Difference(
        "httpx is httpx2",
        "anthropic refuses a client of httpx; one of Borzoi is a client of httpx2 as well, and works.",
        path="/seen",
        own="*`httpx.Client` is from the `httpx` package*",
        ours='"taken"',
        sdk="anthropic",
        call="a_client_of_httpx",
    ),
)
"""All of them. One that no call needs fails `python -m scripts.compat --only sdks`."""
