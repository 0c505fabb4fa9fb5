"""The guard that keeps the suite on this machine."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import OutsideNetwork


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("255.255.255.255", 9)])
def test_no_socket_connects_elsewhere(address: tuple[str, int], refused_attempts: list[str]) -> None:
    """A socket that connects to another machine is refused before a packet leaves."""
    with socket.socket() as sock, pytest.raises(OutsideNetwork, match="stay on loopback"):
        sock.connect(address)

    assert refused_attempts == [f"socket.connect({address[0]!r})"]
    refused_attempts.clear()


def test_no_datagram_leaves(refused_attempts: list[str]) -> None:
    """A datagram to another machine is refused."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(OutsideNetwork):
        sock.sendto(b"x", ("192.0.2.1", 53))

    assert refused_attempts == ["socket.sendto('192.0.2.1')"]
    refused_attempts.clear()


@pytest.mark.parametrize("name", ["borzoi.example", "nowhere.invalid", b"borzoi.example"])
def test_no_name_is_resolved_elsewhere(name: str | bytes, refused_attempts: list[str]) -> None:
    """A name that a name server would be asked for is refused."""
    with pytest.raises(OutsideNetwork):
        socket.getaddrinfo(name, 80)

    assert refused_attempts == [f"socket.getaddrinfo({name!r})"]
    refused_attempts.clear()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", None, "192.0.2.1"])
def test_names_of_this_machine_and_literals_resolve(host: str | None) -> None:
    """What needs no name server resolves."""
    assert socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)


def test_loopback_connects() -> None:
    """A socket connects to a listener on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as sock:
        assert sock.getpeername() == listener.getsockname()
