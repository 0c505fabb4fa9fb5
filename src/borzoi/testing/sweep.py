"""The fault sweep: the same test, again and again, with another fault at another of its requests each time.

The first run learns the requests and the connections. In each run after it one thing goes wrong, once, or from there on
for good. Code that bears it returns, or raises a `borzoi.HTTPError`; it leaves nothing open, ends its waits and its
retries, repeats no write that the server may have acted on, and tells of a write that has failed. What does not hold
is a finding. A request that was made to fail is no call of its route.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .._backends.memory import Wait
from .._errors import HTTPError
from . import faults
from .errors import ContractViolation, UnmatchedRequest
from .faults import Fault, NetworkFault
from .network import Host, Network
from .router import Router, found_reply
from .script import Reply

if TYPE_CHECKING:
    from .clock import Clock
    from .received import Received
    from .router import Route

DAY = 86400.0
"""Seconds of a stall: who waits for its end has no time-out."""

MOST = 30
"""Requests beyond those of the first run, after which there is no end of them."""

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
"""Methods of writes (RFC 9110, 9.2.1)."""

UNREPEATABLE = ("POST", "PATCH")
"""Methods that mean something else the second time (RFC 9110, 9.2.2)."""


class RetriedForEver(BaseException):
    """The code sends request after request. It is no Exception: code that catches all of these would go on."""


class Injection:
    """What goes wrong, and where: at a request, or at a connection, counted from 1."""

    def __init__(self, what: Fault | NetworkFault | int, at: int, place: str, *, for_good: bool = False) -> None:
        self.what = what
        self.at = at
        self.for_good = for_good
        self.text = f"{f'status {what}' if isinstance(what, int) else what} at {place}"
        if for_good:
            self.text += ", and at all after it"

    @property
    def is_of_connections(self) -> bool:
        """Whether it keeps a connection from coming about."""
        return isinstance(self.what, NetworkFault)

    @property
    def may_have_been_processed(self) -> bool:
        """Whether the server may have acted on a request that the client knows to have failed."""
        return isinstance(self.what, Fault)

    def hits(self, number: int) -> bool:
        """Return whether it is this one that fails."""
        return number == self.at or (self.for_good and number > self.at)


def injections(learnt: Run) -> Iterator[Injection]:
    """Return all that can go wrong with the requests and connections of a run."""
    for number, (received, _) in enumerate(learnt.requests, 1):
        place = f"request {number}, {received}"
        for what in _faults_of_replies(received):
            yield Injection(what, number, place)
        for what in (faults.reset(), 503):
            yield Injection(what, number, place, for_good=True)
    for number, peer in enumerate(learnt.connections, 1):
        for fault in (faults.refuse(), faults.connect_hang(DAY)):
            yield Injection(fault, number, f"connection {number}, to {peer}")


def _faults_of_replies(received: Received) -> list[Fault | int]:
    found: list[Fault | int] = [
        faults.reset(),
        faults.truncate_head(),
        _in_the_middle("the connection closed in the middle of the body", faults.truncate),
        _in_the_middle("the connection reset in the middle of the body", faults.reset),
        faults.stall(DAY),
        _in_the_middle("a day's stall in the middle of the body", _stalled_after),
        faults.garbage(),
        500,
        503,
    ]
    if received.http_version == "HTTP/2":
        found.append(faults.reset_stream())
    return found


def _in_the_middle(text: str, after: Callable[[int | None], Fault]) -> Fault:
    """Return a fault in the middle of a body, however long that is. Where there is none it comes before the head."""

    def spoil(head: Any, body: list[Any]) -> list[Any]:
        half = sum(len(event) for event in body if isinstance(event, bytes)) // 2
        wrong: Any = after(half or None).spoil
        return list(wrong(head, body))

    return Fault(text, spoil, spoil_http2=spoil)


def _stalled_after(size: int | None) -> Fault:
    def spoil(head: Any, body: list[Any]) -> list[Any]:
        if size is None:
            return [Wait(DAY), head, *body]
        return [head, *faults.first_bytes(body, size), Wait(DAY), *faults.without_bytes(body, size)]

    return Fault("stall()", spoil)


class Run:
    """One run of the test: the first, which learns, or one with an injection."""

    def __init__(self, injection: Injection | None = None, learnt: Run | None = None) -> None:
        self.injection = injection
        self._learnt = learnt
        self._lock = threading.Lock()
        self.requests: list[tuple[Received, bool]] = []
        """The requests in order, and whether they were made to fail."""
        self.connections: list[str] = []
        self.errors: list[BaseException] = []
        """What the test has raised, in its setup, its call and its teardown."""
        self.leaks: list[str] = []
        self.unmatched: list[UnmatchedRequest] = []
        self.is_endless = False
        self.clock_shows = 0.0
        """The latest time on the clocks of its mocks."""

    # What mocks are made of.

    def router(self, name: str, clock: Clock) -> Router:
        """Return a router for a mock."""
        return SweptRouter(name, self, clock)

    def network(self) -> Network:
        """Return a network for a mock."""
        return SweptNetwork(self)

    def fault_of_connection(self, peer: str) -> NetworkFault | None:
        """Count a connection, and return what it meets."""
        self.connections.append(peer)
        what = None if self.injection is None else self.injection.what
        if self.injection is None or not isinstance(what, NetworkFault):
            return None
        return what if self.injection.hits(len(self.connections)) else None

    def fault_of_request(self, received: Received) -> Fault | int | None:
        """Count a request, and return what it meets. Raises RetriedForEver."""
        what = None if self.injection is None else self.injection.what
        with self._lock:
            number = len(self.requests) + 1
            if self.injection is None or isinstance(what, NetworkFault) or not self.injection.hits(number):
                what = None
            self.requests.append((received, what is not None))
        if self._learnt is not None and number > len(self._learnt.requests) + MOST:
            self.is_endless = True
            raise RetriedForEver(f"{number} requests")
        return what

    # What came of it.

    def findings(self, raises: tuple[type[BaseException], ...] = (), *, swallows: bool = False) -> list[str]:
        """Return what the code has made of the fault, and should not have."""
        learnt = self._learnt
        assert learnt is not None
        if self.is_endless:
            return ["it sends request after request: a retry without a limit"]
        found = [text for error in self.errors for text in _wrong_end(error, (HTTPError, *raises))]
        if self.clock_shows >= learnt.clock_shows + DAY:
            found.append("it waited for a day: no time-out")
        found += [f"it left open: {text}" for text in self.leaks]
        found += [f"it sent what no route answers: {_first_line(error)}" for error in self.unmatched]
        found += self._repeated(learnt)
        if not found and not self.errors and not swallows:
            found += self._lost()
        return found

    def _repeated(self, learnt: Run) -> list[str]:
        if self.injection is None or not self.injection.may_have_been_processed:
            return []
        before, now = (Counter(received.identity for received, _ in run.requests) for run in (learnt, self))
        failed = {received.identity: received for received, has_failed in self.requests if has_failed}
        return [
            f"{received} was sent again, and the server may have acted on it the first time"
            for identity, received in failed.items()
            if received.method in UNREPEATABLE
            and "idempotency-key" not in received.headers
            and now[identity] > before[identity]
        ]

    def _lost(self) -> list[str]:
        """Return the writes that failed and were not repeated, where nobody was told."""
        made = {(received.method, received.url) for received, has_failed in self.requests if not has_failed}
        failed = [received for received, has_failed in self.requests if has_failed and received.method in UNSAFE]
        return [
            f"the test passed although {received} has failed: the error was swallowed, or the status not looked at"
            for received in failed
            if (received.method, received.url) not in made
        ]


def _wrong_end(error: BaseException, allowed: tuple[type[BaseException], ...]) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        return [text for inner in error.exceptions for text in _wrong_end(inner, allowed)]
    # What no route answers is a finding of its own.
    if isinstance(error, (*allowed, UnmatchedRequest)):
        return []
    if isinstance(error.__cause__, ContractViolation):
        _, *lines = str(error.__cause__).splitlines()
        return [f"it did not keep to the document: {' '.join(line.strip() for line in lines)}"]
    name = type(error).__name__
    if isinstance(_met(error), HTTPError):
        return [f"it ended with {name}, which is no borzoi.HTTPError, as it dealt with one: {_first_line(error)}"]
    return [f"it went on without the answer, and ended with {name}: {_first_line(error)}"]


def _met(error: BaseException) -> BaseException | None:
    """Return the error of the library that another came of."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, HTTPError):
        inner = inner.__cause__ or inner.__context__
    return inner


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def told(found: Iterable[tuple[Injection, list[str]]], runs: int) -> str | None:
    """Return the findings of all runs as one text, each with the faults that have led to it; None without any."""
    places: dict[str, list[str]] = {}
    for injection, texts in found:
        for text in texts:
            places.setdefault(text, []).append(injection.text)
    if not places:
        return None
    lines = [f"What the fault sweep has found in {runs} runs:"]
    for text, met in places.items():
        lines += [f"  {text}", *[f"    {place}" for place in met]]
    return "\n".join(lines)


class SweptRouter(Router):
    """Answer as the routes do, but for the requests that are to fail."""

    def __init__(self, name: str, run: Run, clock: Clock) -> None:
        super().__init__(name)
        self._run = run
        self._clock = clock

    def _answer(self, received: Received) -> Reply | Callable[[], Any] | None:
        """Return the reply to a request, or a function that finds it. Raises RetriedForEver."""
        what = self._run.fault_of_request(received)
        fitting = [] if self._run.injection is None else self._fitting(received)
        if not fitting:
            answer = super()._answer(received)
        else:
            route, found = fitting[0]
            taken = route.take(received, found) if what is None else route.answer(len(route.calls), received, found)
            answer = self._held(received, taken)
        if what is None or answer is None:
            return answer
        if isinstance(what, int):
            # In pieces: what is not read to its end holds its connection.
            return Reply(what, stream=[f"status {what}, ", Wait(0.001), "as the fault sweep has it"])
        return _spoilt(answer, what)

    def _fitting(self, received: Received) -> list[tuple[Route, dict[str, Any]]]:
        """Return the routes that may answer. Those that were called often enough come last: here they may be again."""
        found = [(route, route.conditions.match(received)) for route in self.routes]
        fitting = [(route, values) for route, values in found if values is not None]
        return sorted(fitting, key=lambda one: one[0].is_spent)

    def report(self, leaks: list[str]) -> str | None:
        """Keep what was found, and return None but for the first run: one with a fault need not meet expectations."""
        run = self._run
        run.clock_shows = max(run.clock_shows, self._clock.now())
        if run.injection is None:
            return super().report(leaks)
        run.leaks += leaks
        run.unmatched += self.unmatched
        return None


def _spoilt(answer: Reply | Callable[[], Any], fault: Fault) -> Reply | Callable[[], Any]:
    if isinstance(answer, Reply):
        spoilt = copy.copy(answer)
        # A fault that the test has of its own stays.
        spoilt.fault = answer.fault or fault
        return spoilt

    async def find() -> Any:
        return _spoilt(await found_reply(answer), fault)

    return find


class SweptNetwork(Network):
    """Count connections, and have some fail."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def find(self, host: str, port: int) -> Host | None:
        """Return what a connection meets."""
        fault = self._run.fault_of_connection(f"{host}:{port}")
        return super().find(host, port) if fault is None else Host("*").fail(fault)
