"""The network guard: while it stands, nothing leaves the process for an address that nobody allowed.

It sees what CPython audits (`sys.addaudithook`): connecting, datagrams, lookups, on any thread and in any library that
uses Python's sockets. uvloop does not use them, so `guard_uvloop` tells of what it does. Refused is everything but
Unix sockets, lookups that ask nobody (literal addresses, `localhost`), and what is allowed. Loopback is a network, too.
C libraries with sockets of their own, and child processes, are out of its sight.

The hook is installed by the first guard, since none can be removed; without a guard it compares one name.
"""

from __future__ import annotations

import errno
import socket
import sys
import sysconfig
import threading
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

from .guard_rules import Allowed, is_literal, text_of

PACKAGE = str(Path(__file__).resolve().parents[1])
_LIBRARIES = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), PACKAGE, "<frozen", "uvloop/")

MODES = ("strict", "report", "off")


class NetworkBlocked(OSError):
    """The network guard has refused to leave the process."""

    def __init__(self, text: str) -> None:
        # The number is for code that looks at nothing else, as Happy Eyeballs does.
        super().__init__(errno.EPERM, text)

    def __str__(self) -> str:
        return str(self.strerror)

    def __reduce__(self) -> tuple[type[NetworkBlocked], tuple[str]]:
        return NetworkBlocked, (str(self),)


class Hit:
    """One attempt to reach what is not allowed."""

    __slots__ = ("target", "thread", "what", "where")

    def __init__(self, what: str, target: str, where: str) -> None:
        self.what = what
        self.target = target
        self.where = where
        self.thread = threading.current_thread().name

    def __str__(self) -> str:
        thread = "" if self.thread == "MainThread" else f", on thread {self.thread}"
        return f"{self.what} {self.target} ({self.where}{thread})"


class Guard:
    """Refuse the network while the block runs, but for hosts, addresses, networks and `host:port` in `allow`.

        with Guard(allow=["localhost"]) as guard:
            ...
        assert not guard.hits

    In the mode "report" attempts are noted, and pass. Guards nest; the innermost decides. Raises ValueError for a
    mode that there is not.
    """

    def __init__(self, mode: str = "strict", allow: Iterable[str] = ()) -> None:
        if mode not in MODES:
            raise ValueError(f"The network guard knows the modes {', '.join(MODES)}, not {mode!r}.")
        self.mode = mode
        self.hits: list[Hit] = []
        self._allowed = Allowed(allow)

    def allow(self, *targets: str) -> None:
        """Allow more: `"localhost"`, `"*.test"`, `"10.0.0.0/8"`, `"127.0.0.1:80"`. Raises ValueError for no target."""
        self._allowed.add(*targets)

    def __enter__(self) -> Self:
        if self.mode != "off":
            _install()
        _guards.append(self)
        _select()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _guards.remove(self)
        _select()

    def check_connect(self, host: Any, port: Any, what: str = "connect to") -> None:
        """Refuse or note a connection or a datagram. Raises NetworkBlocked."""
        with _looking_up:
            allowed = self._allowed.reaches(text_of(host), port)
        if not allowed:
            self._hit(what, f"[{text_of(host)}]:{port}" if ":" in text_of(host) else f"{text_of(host)}:{port}")

    def check_lookup(self, name: Any, what: str = "look up") -> None:
        """Refuse or note a lookup. Raises NetworkBlocked."""
        if name is None or text_of(name) in ("", "localhost") or is_literal(text_of(name)):
            return
        with _looking_up:
            allowed = self._allowed.may_look_up(text_of(name))
        if not allowed:
            self._hit(what, text_of(name))

    def check_reverse_lookup(self, address: Any, what: str = "look up the name of") -> None:
        """Refuse or note a search for the name of an address. Raises NetworkBlocked."""
        host = text_of(address)
        with _looking_up:
            allowed = Allowed(["localhost"]).reaches(host, None) or self._allowed.reaches(host, None)
        if not allowed:
            self._hit(what, host)

    def _hit(self, what: str, target: str) -> None:
        hit = Hit(what, target, _caller(sys._getframe(2)))
        self.hits.append(hit)
        if self.mode == "strict":
            raise NetworkBlocked(
                f"The network guard does not let this test {what} {target}. "
                f'Mock it, or allow it: @pytest.mark.http_allow("{target}").'
            )


class _Lookups(threading.local):
    """Marks the lookups of the guard's own, which it lets pass."""

    depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *exc: object) -> None:
        self.depth -= 1


_guards: list[Guard] = []
_active: Guard | None = None
_installed = False
_looking_up = _Lookups()


def active_guard() -> Guard | None:
    """Return the guard that decides now, if one stands."""
    return None if _looking_up.depth else _active


def _select() -> None:
    global _active
    innermost = _guards[-1] if _guards else None
    _active = innermost if innermost is not None and innermost.mode != "off" else None


def _install() -> None:
    global _installed
    if not _installed:
        from .guard_uvloop import guard_uvloop

        guard_uvloop()
        sys.addaudithook(_audit)
        _installed = True


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _active is None or not event.startswith("socket."):
        return
    guard = active_guard()
    if guard is None:
        return

    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        _check_address(guard, event, arguments[1])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        guard.check_lookup(arguments[0])
    elif event == "socket.gethostbyaddr":
        guard.check_reverse_lookup(arguments[0])
    elif event == "socket.getnameinfo":
        guard.check_reverse_lookup(arguments[0][0])


# Without this neither debuggers nor coverage see what runs inside of a hook.
_audit.__cantrace__ = True  # type: ignore[attr-defined]


def _check_address(guard: Guard, event: str, address: Any) -> None:
    # A path is a Unix socket's; None is sent over a socket that is connected.
    if not isinstance(address, tuple) or len(address) < 2 or _is_socketpair(sys._getframe(2).f_code):
        return
    host, port = address[:2]
    guard.check_connect(host, port, "connect to" if event == "socket.connect" else "send a datagram to")


def _is_socketpair(code: CodeType) -> bool:
    """Say whether a pair of sockets is being made: where the system has none, one connects to the other."""
    return code.co_filename == socket.__file__ and code.co_name in ("socketpair", "_fallback_socketpair")


def _caller(frame: FrameType) -> str:
    """Name the line that tried, in the program's own code where it is on the stack."""
    first: FrameType | None = frame
    while first is not None and _is_library(first.f_code.co_filename):
        first = first.f_back
    shown = first or frame
    return f"{shown.f_code.co_filename}:{shown.f_lineno}"


def _is_library(file: str) -> bool:
    return file.startswith(_LIBRARIES) or "site-packages" in file
