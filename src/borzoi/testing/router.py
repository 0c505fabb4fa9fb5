"""Which route answers a request? One table for every seam.

Routes are asked in the order in which they were added; the first that fits, and has not been called as often as it may
be, answers. A route is expected at least once, or as often as `times()` or its `replies()` say. A request that no route
answers is recorded, and is an `UnmatchedRequest` for whoever sent it.
"""

from __future__ import annotations

import inspect
import itertools
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeAlias, Unpack

from .._errors import HTTPError
from .conditions import CONDITIONS, Conditions, Given
from .errors import MockOver, UnmatchedRequest
from .explaining import SHOWN, explain_unmatched
from .faults import Fault, NetworkFault
from .foreign import Foreign
from .matching import Expression, Pattern
from .report import report
from .script import Interim, Piece, Reply, events_reply, reply_of

if TYPE_CHECKING:
    from .._values.headers import HeaderTypes
    from .contract import Contract
    from .received import Received

URLTypes: TypeAlias = "str | re.Pattern[str] | Any"
"""A pattern as text, a compiled regular expression, or a URL."""

Callback: TypeAlias = Callable[..., Any]


class Route(Foreign):
    """Answer the requests that fit. Made by `get()`, `post()` and their like; each method returns the route itself."""

    # So that what other libraries set on their routes (`return_value`, `side_effect`) is not silently in vain.
    __slots__ = ("_answers", "_is_counted", "_least", "_most", "_router", "calls", "claims", "conditions")

    def __init__(self, router: Router, conditions: Conditions) -> None:
        self._router = router
        self.conditions = conditions
        self.calls: list[Received] = []
        """The requests that it has answered."""
        self.claims = 0
        """How many calls are held for requests that are on their way."""
        self._answers: list[Any] = []
        self._least, self._most = 1, FOR_EVER
        self._is_counted = False

    # What it answers.

    def reply(
        self,
        status: Any = 200,
        *,
        headers: HeaderTypes | None = None,
        json: Any = None,
        text: str | None = None,
        html: str | None = None,
        content: bytes | str | None = None,
        form: Mapping[str, Any] | None = None,
        stream: Iterable[Piece] | None = None,
        reason: str | None = None,
        fault: Fault | None = None,
        interim: Iterable[Interim] | None = None,
        trailers: HeaderTypes | None = None,
    ) -> Self:
        """Answer every call alike.

        `status` may be a function instead, `async` or not: it is called with the request and the parameters of the
        path, and returns a status, JSON, text, bytes, (status, body), a fault, `reply(...)` or a `Response`. An
        exception, or its class, is raised as if the network had raised it.
        """
        body = {"json": json, "text": text, "html": html, "content": content, "form": form, "stream": stream}
        given: dict[str, Any] = {**body, "headers": headers, "reason": reason, "fault": fault}
        given |= {"interim": interim, "trailers": trailers}
        given = {name: value for name, value in given.items() if value is not None}
        if isinstance(status, int) and not isinstance(status, bool):
            return self._answer([Reply(status, **given)])
        if given:
            raise TypeError(f"{' and '.join(given)} belong to a status, and {status!r} was given in its place.")
        return self._answer([_checked(status)])

    def replies(self, *answers: Any) -> Self:
        """Answer each call with the next of `answers`, each of which is what `reply()` takes. All are expected."""
        if not answers:
            raise TypeError("replies() needs at least one reply.")
        self._answer([_checked(answer) for answer in answers])
        if not self._is_counted:
            self._least = self._most = len(answers)
        return self

    def sse(self, *pieces: Piece, headers: HeaderTypes | None = None) -> Self:
        """Answer with server-sent events: `event(...)`, `wait(...)`, `close()`. Without `close()` it stays open."""
        return self._answer([events_reply(pieces, headers)])

    def stream(self, *pieces: Piece, status: int = 200, headers: HeaderTypes | None = None) -> Self:
        """Answer with a body in pieces: bytes, text, `wait(...)`, `close()`."""
        return self._answer([Reply(status, headers=headers, stream=pieces)])

    def _answer(self, answers: list[Any]) -> Self:
        self._router.require_active()
        if self._answers:
            raise TypeError(f"{self} has its reply already; replies(first, second) answers one call after another.")
        self._answers = answers
        return self

    # How often.

    def times(self, least: int, most: int | None = None) -> Self:
        """Expect so many calls: exactly `least`, or from `least` to `most`."""
        self._least, self._most = least, least if most is None else most
        if not 0 <= self._least <= self._most:
            raise ValueError(f"times({least}, {most}) can never hold.")
        self._is_counted = True
        return self

    def optional(self) -> Self:
        """Expect no call, and allow any number."""
        self._least, self._most = 0, FOR_EVER
        self._is_counted = True
        return self

    @property
    def is_spent(self) -> bool:
        """Whether it was called as often as it may be, or will have been."""
        return len(self.calls) + self.claims >= self._most

    @property
    def called(self) -> bool:
        """Whether it was called."""
        return bool(self.calls)

    @property
    def call_count(self) -> int:
        """How often it was called."""
        return len(self.calls)

    def unmet(self) -> str | None:
        """Return what was expected in vain, None where all is well."""
        if self._least <= len(self.calls):
            return None
        times = f"{self._least} times" if self._least > 1 else "once"
        expected = f"at least {times}" if self._most > self._least else times
        return f"{self} was expected {expected}, and was {_called(len(self.calls))}"

    # Assertions.

    def assert_called(self, times: int | None = None) -> None:
        """Raise AssertionError unless it was called, or called so many times."""
        __tracebackhide__ = True
        if times is None and not self.calls:
            raise AssertionError(f"{self} was never called")
        if times is not None and len(self.calls) != times:
            came = "".join(f"\n  {call}" for call in self.calls[:SHOWN])
            raise AssertionError(f"{self} was to be {_called(times)}, and was {_called(len(self.calls))}{came}")

    def assert_not_called(self) -> None:
        """Raise AssertionError if it was called."""
        __tracebackhide__ = True
        if self.calls:
            raise AssertionError(f"{self} was {_called(len(self.calls))}, first by {self.calls[0]}")

    # Being asked.

    def take(self, received: Received, found: dict[str, Any]) -> Reply | Callable[[], Any]:
        """Count a call, and return its reply, or a function that finds it."""
        self.calls.append(received)
        return self.answer(len(self.calls) - 1, received, found)

    def answer(self, number: int, received: Received, found: dict[str, Any]) -> Reply | Callable[[], Any]:
        """Return the reply to a call, counted from 0, or a function that finds it."""
        if not self._answers:
            return _EMPTY
        answer = self._answers[min(number, len(self._answers) - 1)]
        if isinstance(answer, Reply):
            return answer
        return lambda: answer(received, **found)

    def __str__(self) -> str:
        return str(self.conditions)

    def __repr__(self) -> str:
        return f"<Route {self}, {_called(len(self.calls))}>"


FOR_EVER = 1 << 62
_EMPTY = Reply()


def _checked(answer: Any) -> Any:
    """Return the reply that a program means, or its function. Raises TypeError."""
    if isinstance(answer, NetworkFault):
        raise TypeError(
            f"{answer!r} comes before a server has a request: http_mock.network(host).fail({answer!r}) is its place."
        )
    if isinstance(answer, Exception) or (isinstance(answer, type) and issubclass(answer, Exception)):
        return _raising(answer)
    if isinstance(answer, type) or not callable(answer) or isinstance(answer, Reply):
        return reply_of(answer)
    return answer


def _raising(answer: Exception | type[Exception]) -> Callback:
    """Return a function that raises."""
    from copy import copy

    if isinstance(answer, type):
        # Those of the network need to be told what happened, others mostly do not.
        answer = answer(f"{answer.__name__} of a mock") if issubclass(answer, HTTPError) else answer()
    error = answer

    def fail(_request: Received, **_params: Any) -> None:
        # The network's errors are given their request: each call has its own.
        raise copy(error) if isinstance(error, HTTPError) else error

    return fail


def _called(count: int) -> str:
    return {0: "never called", 1: "called once"}.get(count, f"called {count} times")


class Routes(Foreign):
    """Add routes below a base URL."""

    def __init__(self, router: Router, base: str = "") -> None:
        self.router = router
        self._base = base.rstrip("/")

    def route(self, method: str | None, url: URLTypes = "", **conditions: Unpack[Given]) -> Route:
        """Answer requests with a method (None: any) and a URL.

        `url` is text with parameters as in "/users/{id:int}" (str, int, float, uuid, path), or a compiled regex.
        `params`, `headers`, `cookies`, `form`, `files`: what has to be among those of the request. `json`: what its
        body has to hold. With `exact=True` there may be nothing else in params, form and JSON. `content`: the body.
        `where`: a function of the request.
        """
        if wrong := conditions.keys() - CONDITIONS:
            raise TypeError(
                f"{min(wrong)}= is no condition of a request: {', '.join(CONDITIONS)} are. "
                "What it is answered with is for reply(...)."
            )
        return self.router.add(Conditions(method, self._pattern(url), **conditions))

    def _pattern(self, url: URLTypes) -> Pattern | Expression:
        if isinstance(url, re.Pattern):
            return Expression(url)
        text = str(url)
        return Pattern(text if "://" in text else f"{self._base}{text}")

    def get(self, url: URLTypes = "", **conditions: Unpack[Given]) -> Route:
        """Answer GET; the arguments are those of `route()`."""
        return self.route("GET", url, **conditions)

    def post(self, url: URLTypes = "", **conditions: Unpack[Given]) -> Route:
        """Answer POST; the arguments are those of `route()`."""
        return self.route("POST", url, **conditions)

    def put(self, url: URLTypes = "", **conditions: Unpack[Given]) -> Route:
        """Answer PUT; the arguments are those of `route()`."""
        return self.route("PUT", url, **conditions)

    def patch(self, url: URLTypes = "", **conditions: Unpack[Given]) -> Route:
        """Answer PATCH; the arguments are those of `route()`."""
        return self.route("PATCH", url, **conditions)

    def delete(self, url: URLTypes = "", **conditions: Unpack[Given]) -> Route:
        """Answer DELETE; the arguments are those of `route()`."""
        return self.route("DELETE", url, **conditions)

    def head(self, url: URLTypes = "", **conditions: Unpack[Given]) -> Route:
        """Answer HEAD; the arguments are those of `route()`."""
        return self.route("HEAD", url, **conditions)

    def options(self, url: URLTypes = "", **conditions: Unpack[Given]) -> Route:
        """Answer OPTIONS; the arguments are those of `route()`."""
        return self.route("OPTIONS", url, **conditions)


class Claim:
    """Hold a call of a route for a request that is on its way to it."""

    def __init__(self, route: Route, received: Received) -> None:
        self.route = route
        self._identity = received.identity

    def is_for(self, received: Received) -> bool:
        """Tell whether it may be the claim of a request: of several that are alike, each is as good."""
        return received.identity == self._identity and self.route.conditions.match(received) is not None


class Router:
    """Hold the routes of one mock, and what came of its requests."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_over = False
        self.routes: list[Route] = []
        self.calls: list[Received] = []
        """Every request that came, in order."""
        self.unmatched: list[UnmatchedRequest] = []
        self.orders: list[tuple[Route, ...]] = []
        self.contracts: list[Contract] = []
        """What requests and replies are held to, and what answers where no route does."""
        self._claims: list[Claim] = []
        # What `where=` asks may be a request itself.
        self._lock = threading.RLock()

    def require_active(self) -> None:
        """Raise MockOver where the mock's time is over."""
        if self.is_over:
            raise MockOver(f"The mock of {self.name} is over: it takes no more routes, clients or faults.")

    def add(self, conditions: Conditions) -> Route:
        """Add a route."""
        self.require_active()
        route = Route(self, conditions)
        self.routes.append(route)
        return route

    def dispatch(self, received: Received) -> Reply | Callable[[], Any]:
        """Return the reply to a request, or a function that finds it. Raises UnmatchedRequest."""
        for contract in self.contracts:
            contract.check_request(received)
        with self._lock:
            self.calls.append(received)
            received.number = len(self.calls)
            if self._claims:
                self._drop(next((claim for claim in self._claims if claim.is_for(received)), None))
            answer = self._answer(received)
            if answer is not None:
                return answer
            unmatched = UnmatchedRequest(explain_unmatched(self.routes, received))
            self.unmatched.append(unmatched)
        raise unmatched

    def claim(self, received: Received) -> Claim | None:
        """Hold the answer of a route for a request that will come; None where no route answers it.

        The request drops the claim when it comes. One that never comes needs `release()`.
        """
        with self._lock:
            for route in self.routes:
                if not route.is_spent and route.conditions.match(received) is not None:
                    claim = Claim(route, received)
                    self._claims.append(claim)
                    route.claims += 1
                    return claim
        return None

    def release(self, claim: Claim) -> None:
        """Drop a claim, if its request has not come."""
        with self._lock:
            self._drop(claim)

    def _drop(self, claim: Claim | None) -> None:
        if claim in self._claims:
            self._claims.remove(claim)
            claim.route.claims -= 1

    def _answer(self, received: Received) -> Reply | Callable[[], Any] | None:
        """Return what a route answers, or else what a document has for it; None where nothing does."""
        for route in self.routes:
            if not route.is_spent and (found := route.conditions.match(received)) is not None:
                return self._held(received, route.take(received, found))
        made = (contract.answer(received) for contract in self.contracts)
        return next((reply for reply in made if reply is not None), None)

    def _held(self, received: Received, answer: Reply | Callable[[], Any]) -> Reply | Callable[[], Any]:
        """Return a route's answer, which is held to the contracts."""
        for contract in self.contracts:
            answer = contract.held(received, answer)
        return answer

    def report(self, leaks: list[str]) -> str | None:
        """Return the report at the end, None where all is well. `leaks` are what was left open."""
        return report(self, leaks)

    def out_of_order(self) -> list[str]:
        """Return which routes were called in another order than they were to be."""
        found: list[str] = []
        for routes in self.orders:
            for first, second in itertools.pairwise(routes):
                if first.calls and second.calls and first.calls[0].number > second.calls[0].number:
                    found.append(f"{second} was called before {first}")
        return found


async def found_reply(find: Callable[[], Any]) -> Reply:
    """Return what a program's function replies, waiting for it where it is `async`."""
    answer = find()
    if inspect.isawaitable(answer):
        answer = await answer
    return reply_of(answer)
