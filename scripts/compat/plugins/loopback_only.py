"""Have every address outside this machine be one that does not answer.

A suite may count on that of some address: httpx's takes 10.255.255.1 for one. Networks differ, and some answer for
every address. A connection to anywhere but this machine therefore goes to a listener here whose backlog is full: it
is not made, and not refused, so that it waits until its time-out.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

_held: list[socket.socket] = []
"""The listener and those that fill its backlog, for as long as the process lives."""

_INTERNET = (socket.AF_INET, socket.AF_INET6)

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


def _silent_address(family: int) -> Any:
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    listener = socket.socket(family)
    _held.append(listener)
    listener.bind((host, 0))
    listener.listen(0)
    address = listener.getsockname()
    for _ in range(4):
        filler = socket.socket(family)
        _held.append(filler)
        filler.setblocking(False)
        _connect_ex(filler, address)
    return address


def _redirected(sock: socket.socket, address: Any) -> Any:
    if sock.family not in _INTERNET or sock.type != socket.SOCK_STREAM or _is_here(address[0]):
        return address
    return _silent_address(sock.family)


def _is_here(host: str) -> bool:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return found.is_loopback or found.is_unspecified


def _connect_here(sock: socket.socket, address: Any) -> None:
    _connect(sock, _redirected(sock, address))


def _connect_here_ex(sock: socket.socket, address: Any) -> int:
    return _connect_ex(sock, _redirected(sock, address))


def pytest_configure() -> None:
    """Put the two in the place of the methods of every socket."""
    socket.socket.connect = _connect_here  # type: ignore[assignment, method-assign]
    socket.socket.connect_ex = _connect_here_ex  # type: ignore[assignment, method-assign]
