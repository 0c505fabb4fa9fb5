"""Record exchanges with a real server once, and replay them ever after.

A cassette stands at the transport seam: in the place of the pools of all network transports while its block runs, or in
one client as `CassetteTransport`. What was recorded is found by the redacted form of the request, each exchange once,
in their order. Streams replay with their pieces and pauses, in virtual time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .._client import transports
from .._client.transport_base import AsyncBaseTransport, BaseTransport
from .._client.transports import AsyncHTTPTransport, HTTPTransport, the_worlds
from .._messages.request import Request
from .._messages.response import Response
from .._messages.streams import AsyncByteStream, Body, Source, SyncByteStream, source_of
from .._run_blocking import run_blocking
from .._values.headers import Headers
from .cassette_entries import (
    FIELDS,
    Exchange,
    checked_fields,
    key_of,
    request_entry,
    response_entry,
    response_headers,
    response_pieces,
)
from .cassette_file import CassetteError, load, save
from .cassette_secrets import Redactor
from .clock import Clock
from .errors import UnmatchedRequest
from .transport import _Pieces, received_of

if TYPE_CHECKING:
    from .cassette_mocked import Mocked

MODES = ("replay", "record", "refresh", "verify", "live")


class Cassette:
    """Replay the exchanges in a file, or record them there.

        with Cassette("tests/cassettes/users.yaml"):
            borzoi.get("https://api.test/users/7")

    `mode` is "replay"; "record", which adds what is missing; "refresh", which records all anew; "verify", which sends
    everything and compares; or "live", which only sends. `match` names what tells requests apart. `unused="fail"` and
    `max_age="90d"` refuse what was not replayed, and what is too old. Raises CassetteError, UnmatchedRequest,
    LeakError.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        mode: str = "replay",
        *,
        match: Iterable[str] = FIELDS,
        unused: str = "ignore",
        max_age: str | None = None,
        allow: Iterable[str] = (),
        clock: Clock | None = None,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"A cassette knows the modes {', '.join(MODES)}, not {mode!r}.")
        if unused not in ("ignore", "fail"):
            raise ValueError(f'unused= is "ignore" or "fail", not {unused!r}.')
        self.path = Path(path)
        self.mode = mode
        self.exchanges: list[dict[str, Any]] = []
        """What is on the cassette, as it is written."""
        self.unmatched: list[str] = []
        self._match = checked_fields(match)
        self._unused = unused
        self._max_age = None if max_age is None else _duration(max_age)
        self._redactor = Redactor([allow] if isinstance(allow, str) else allow)
        self._clock = clock or Clock()
        self._used: set[int] = set()
        self._different: list[str] = []
        self._lock = threading.Lock()
        self._is_changed = mode == "refresh"
        self._outer: Any = None

    # Beginning and end.

    def __enter__(self) -> Self:
        self.load()
        self._outer = transports.stand_in
        transports.stand_in = self._stand_in
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        transports.stand_in = self._outer
        self.finish(failed=error is not None)

    def load(self) -> None:
        """Read the file. Raises CassetteError where it is needed and missing, or too old."""
        if self.mode in ("refresh", "live"):
            return
        if self.path.exists():
            data = load(self.path, self._redactor)
            self.exchanges = data["exchanges"]
            self._check_age(data.get("recorded"))
        elif self.mode != "record":
            raise CassetteError(f"There is no cassette {self.path}. Record it: --http=record.")

    def _check_age(self, recorded: Any) -> None:
        if self._max_age is None or self.mode != "replay" or not recorded:
            return
        age = datetime.now(UTC) - datetime.fromisoformat(str(recorded))
        if age > self._max_age:
            raise CassetteError(
                f"{self.path} is {age.days} days old, too old for max_age. Record it anew: --http=refresh."
            )

    def finish(self, *, failed: bool = False) -> None:
        """Write what was recorded, and raise for what was not as expected. Raises CassetteError, LeakError."""
        __tracebackhide__ = True
        if self._is_changed and not failed:
            save(self.path, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), self.exchanges, self._redactor)
        if failed:
            return
        problems = self.unmatched + self._different
        if self._unused == "fail" and self.mode == "replay":
            problems = problems + [f"never used: {_shown(one)}" for one in self.unused]
        if problems:
            raise CassetteError("\n  ".join([f"{self.path}:", *problems]))

    @property
    def unused(self) -> list[dict[str, Any]]:
        """The exchanges that nobody asked for."""
        return [one for number, one in enumerate(self.exchanges) if number not in self._used]

    # Each request.

    def _stand_in(self, transport: HTTPTransport | AsyncHTTPTransport) -> Any:
        outer = None if self._outer is None else self._outer(transport)
        around: Mocked | None = outer.around if isinstance(outer, _Sender) else None
        if outer is not None and not isinstance(outer, _Sender):
            from .cassette_mocked import mocked

            around = mocked(outer, transport)
            if around is None:
                return outer
        return None if self.mode == "live" and around is None else _Sender(self, transport, around)

    async def answer(self, request: Request, content: bytes, send: Any, *, blocking: bool) -> Response:
        """Return what is on the cassette, or what `send(request)` gets, which is recorded."""
        if self.mode == "live":
            live: Response = await send(request)
            return live
        exchange = Exchange(request.method, str(request.url), request.headers, content)
        with self._lock:
            asked = request_entry(exchange, self._redactor)
            found = None if self.mode == "refresh" else self._take(asked)
        if self.mode in ("replay", "record") and found is not None:
            return self._replayed(found["response"])
        if self.mode == "replay":
            raise self._unmatched(asked)

        began = time.monotonic()
        response: Response = await send(request)
        exchange.status, exchange.reason = response.status_code, response.reason_phrase
        exchange.response_headers = Headers(response.headers)
        keep = _Keeping(self, exchange, asked, found, response.stream, began, blocking=blocking)
        return Response(
            response.status_code, headers=response.headers, stream=keep, request=request, extensions=response.extensions
        )

    def _take(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        key = key_of(asked, self._match)
        for number, one in enumerate(self.exchanges):
            if number not in self._used and key_of(one["request"], self._match) == key:
                self._used.add(number)
                return one
        return None

    def _replayed(self, entry: dict[str, Any]) -> Response:
        headers = Headers(response_headers(entry))
        pieces = response_pieces(entry)
        extensions = {"reason_phrase": str(entry.get("reason", "")).encode("latin-1", "replace")}
        if "chunks" in entry:
            return Response(
                entry["status"], headers=headers, stream=_Pieces(pieces, self._clock), extensions=extensions
            )
        content = b"".join(piece for piece in pieces if isinstance(piece, bytes))
        return Response(entry["status"], headers=headers, content=content, extensions=extensions)

    def _unmatched(self, asked: dict[str, Any]) -> UnmatchedRequest:
        lines = [f"{asked['method']} {asked['url']} is not on the cassette {self.path}."]
        for one in self.unused:
            differ = ", ".join(_differences(one["request"], asked, self._match))
            lines += [f"  {_shown(one)} differs in {differ}"]
        if not self.unused:
            lines.append("  Everything on it has been replayed.")
        lines.append("  Record it: --http=record.")
        text = "\n".join(lines)
        self.unmatched.append(text)
        return UnmatchedRequest(text)

    def keep(self, exchange: Exchange, asked: dict[str, Any], found: dict[str, Any] | None) -> None:
        """Take in an exchange that is over."""
        with self._lock:
            entry = {"request": asked, "response": response_entry(exchange, self._redactor)}
            if self.mode == "verify":
                self._compare(entry, found)
                return
            self._used.add(len(self.exchanges))
            self.exchanges.append(entry)
            self._is_changed = True

    def _compare(self, entry: dict[str, Any], found: dict[str, Any] | None) -> None:
        if found is None:
            self._different.append(f"not on the cassette: {_shown(entry)}")
        else:
            then, now = found["response"], entry["response"]
            names = [name for name in ("status", "json", "text", "base64") if then.get(name) != now.get(name)]
            self._different += [f"{_shown(entry)} answers another {', '.join(names)} than it did"] if names else []


def _shown(one: dict[str, Any]) -> str:
    return f"{one['request']['method']} {one['request']['url']}"


def _differences(one: dict[str, Any], other: dict[str, Any], fields: Iterable[str]) -> list[str]:
    differ = [field for field in fields if key_of(one, [field]) != key_of(other, [field])]
    return differ or ["nothing, but was replayed"]


def _duration(text: str) -> timedelta:
    units = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "w": "weeks"}
    if text[-1:] not in units or not text[:-1].isdigit():
        raise ValueError(f'A duration is like "90d", "12h" or "30m", not {text!r}.')
    return timedelta(**{units[text[-1]]: int(text[:-1])})


class _Keeping(Body):
    """A body that is recorded as it is read."""

    is_whole = False

    def __init__(
        self,
        cassette: Cassette,
        exchange: Exchange,
        asked: dict[str, Any],
        found: dict[str, Any] | None,
        stream: SyncByteStream | AsyncByteStream,
        began: float,
        *,
        blocking: bool,
    ) -> None:
        self.blocking = blocking
        self._keep = partial(cassette.keep, exchange, asked, found)
        self._pieces = exchange.pieces
        self._stream = stream
        self._source: Source = source_of(stream, blocking=blocking)
        self._latest = began
        self._is_over = False

    async def next_chunk(self) -> bytes | None:
        chunk = await self._source.next_chunk()
        now = time.monotonic()
        if chunk is None:
            self._finish()
        else:
            self._pieces.append((now - self._latest, chunk))
        self._latest = now
        return chunk

    def close_now(self) -> None:
        if isinstance(self._stream, SyncByteStream):
            self._stream.close()
        self._finish()

    async def aclose(self) -> None:
        if isinstance(self._stream, AsyncByteStream):
            await self._stream.aclose()
        self._finish()

    def _finish(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._keep()


class _Sender:
    """Send the requests of one network transport by way of a cassette."""

    def __init__(
        self, cassette: Cassette, transport: HTTPTransport | AsyncHTTPTransport, around: Mocked | None
    ) -> None:
        self._cassette = cassette
        self._transport = transport
        self.around = around
        """The mock that the cassette is inside of: what its routes do not answer is the cassette's."""

    async def send(self, request: Request) -> Response:
        """Return the response of one request."""
        content = request.read() if isinstance(self._transport, HTTPTransport) else await request.aread()
        if self.around is None:
            return await self._send(request, content)
        received = received_of(request)
        answered = await self.around.send(request, received)
        if answered is not None:
            return answered
        return self.around.checked(received, await self._send(request, content))

    async def _send(self, request: Request, content: bytes) -> Response:
        if isinstance(self._transport, HTTPTransport):
            return await self._cassette.answer(request, content, self._transport._sender.send, blocking=True)
        worlds = the_worlds()
        pool = self._transport._pool_of(worlds, worlds.current_loop())
        return await self._cassette.answer(request, content, pool.send, blocking=False)

    def close(self) -> None:
        """Do nothing: the transport closes its pool."""


class CassetteTransport(AsyncBaseTransport, BaseTransport):
    """Send the requests of one client by way of a cassette, and through `transport` what is not on it.

    The cassette is read by `load()` and written by `finish()`, which closing the transport does.
    """

    def __init__(self, cassette: Cassette, transport: BaseTransport | AsyncBaseTransport | None = None) -> None:
        self._cassette = cassette
        self._inner = transport
        cassette.load()

    def handle_request(self, request: Request) -> Response:
        """Replay or record one exchange."""

        async def send(request: Request) -> Response:
            assert isinstance(self._inner, BaseTransport), "there is no transport to record with"
            return self._inner.handle_request(request)

        return run_blocking(self._cassette.answer(request, request.read(), send, blocking=True))

    async def handle_async_request(self, request: Request) -> Response:
        """Replay or record one exchange."""

        async def send(request: Request) -> Response:
            assert isinstance(self._inner, AsyncBaseTransport), "there is no transport to record with"
            return await self._inner.handle_async_request(request)

        return await self._cassette.answer(request, await request.aread(), send, blocking=False)

    def close(self) -> None:
        """Write the cassette, and close the inner transport."""
        if isinstance(self._inner, BaseTransport):
            self._inner.close()
        self._cassette.finish()

    async def aclose(self) -> None:
        """Write the cassette, and close the inner transport."""
        if isinstance(self._inner, AsyncBaseTransport):
            await self._inner.aclose()
        self._cassette.finish()
