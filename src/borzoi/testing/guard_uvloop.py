"""What uvloop does without Python's sockets, told to the network guard.

Its loop connects, looks up and sends datagrams inside of libuv, where nothing is audited. The methods of `uvloop.Loop`
that do so are wrapped by their names, once; without a guard a wrapper passes everything on.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any


def guard_uvloop() -> None:
    """Wrap the methods of uvloop's loop, if uvloop is installed."""
    if importlib.util.find_spec("uvloop") is None:
        return
    loop: Any = importlib.import_module("uvloop").Loop
    for name, check in CHECKS.items():
        _wrap(loop, name, check)
    _wrap_datagrams(loop)


def _wrap(loop: type, name: str, check: Callable[..., None]) -> None:
    method = getattr(loop, name)

    @functools.wraps(method)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        check(*args[1:], **kwargs)
        return await method(*args, **kwargs)

    setattr(loop, name, guarded)


def _guard() -> Any:
    from .guard import active_guard

    return active_guard()


# The arguments have the names of the methods': programs give them by name.
def _check_connection(protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> None:  # noqa: ARG001
    guard = _guard()
    if guard is not None and host is not None:
        guard.check_connect(host, port)


def _check_lookup(host: Any, *_: Any, **__: Any) -> None:
    guard = _guard()
    if guard is not None:
        guard.check_lookup(host)


def _check_server(protocol_factory: Any, host: Any = None, *_: Any, **__: Any) -> None:  # noqa: ARG001
    guard = _guard()
    if guard is None:
        return
    # To listen is no escape, but asking for an address by its name is.
    for name in [host] if host is None or isinstance(host, (str, bytes)) else host:
        guard.check_lookup(name)


def _check_reverse_lookup(sockaddr: Any, *_: Any, **__: Any) -> None:
    guard = _guard()
    if guard is not None:
        guard.check_reverse_lookup(sockaddr[0])


def _check_socket(sock: Any, address: Any) -> None:  # noqa: ARG001 - the method's name for it
    guard = _guard()
    if guard is not None and isinstance(address, tuple):
        guard.check_connect(address[0], address[1])


CHECKS: dict[str, Callable[..., None]] = {
    "create_connection": _check_connection,
    "create_server": _check_server,
    "getaddrinfo": _check_lookup,
    "getnameinfo": _check_reverse_lookup,
    "sock_connect": _check_socket,
}


def _wrap_datagrams(loop: Any) -> None:
    create = loop.create_datagram_endpoint

    @functools.wraps(create)
    async def guarded(
        self: Any, protocol_factory: Any, local_addr: Any = None, remote_addr: Any = None, **kwargs: Any
    ) -> Any:
        guard = _guard()
        if guard is None:
            return await create(self, protocol_factory, local_addr, remote_addr, **kwargs)
        if isinstance(local_addr, tuple):
            guard.check_lookup(local_addr[0])
        if isinstance(remote_addr, tuple):
            guard.check_connect(remote_addr[0], remote_addr[1], "send a datagram to")
        transport, told = await create(self, lambda: _Told(protocol_factory()), local_addr, remote_addr, **kwargs)
        return _Datagrams(transport), told.protocol

    loop.create_datagram_endpoint = guarded


class _Datagrams:
    """A transport of uvloop whose datagrams are checked."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send one datagram. Raises NetworkBlocked."""
        guard = _guard()
        if guard is not None and isinstance(addr, tuple):
            guard.check_connect(addr[0], addr[1], "send a datagram to")
        self._transport.sendto(data, addr)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Told:
    """A program's protocol, which is given the checked transport."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol

    def connection_made(self, transport: Any) -> None:
        """Tell of the transport."""
        self.protocol.connection_made(_Datagrams(transport))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.protocol, name)
