"""Which addresses are public, and what a guard says of the others."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

import borzoi
from borzoi import BlockedAddress, ConnectError
from borzoi._policy.guards import is_public

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "168.63.129.15", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2600::1", "2a00:1450::1", "2001:4860:4860::8888", "3ffe::1",
    "2001:200::1", "2003::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
]  # fmt: skip
NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.255",
    "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:8.8.8.8", "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1",
    "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "3fff:fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "1fff::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    """What the registries call globally reachable is let through, up to the edges of what is not."""
    assert is_public(ip_address(address))
    borzoi.guards.public_only.check("host.example", [address])


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_other_addresses(address: str) -> None:
    """R5: private, loopback, link-local, shared, reserved and metadata addresses are refused, and all that stands for them."""
    with pytest.raises(BlockedAddress) as caught:
        borzoi.guards.public_only.check("host.example", [address])
    assert str(caught.value) == f"host.example ({address}) is not public, and only public addresses may be connected to"
    assert isinstance(caught.value, ConnectError)


def test_one_address_of_several() -> None:
    """A name is refused if any of its addresses is."""
    with pytest.raises(BlockedAddress, match=r"two\.example \(10\.0\.0\.1\)"):
        borzoi.guards.public_only.check("two.example", ["1.1.1.1", "10.0.0.1"])


def test_a_host_that_is_an_address() -> None:
    """A host that is an address is named once."""
    with pytest.raises(BlockedAddress, match=r"^127\.0\.0\.1 is not public"):
        borzoi.guards.public_only.check("127.0.0.1", ["127.0.0.1"])


def test_exceptions() -> None:
    """Networks and addresses that are allowed are let through, and no others."""
    guard = borzoi.guards.PublicOnly(allow=["10.1.0.0/16", "::1"])
    guard.check("inside.example", ["10.1.2.3", "::1", "1.1.1.1"])
    with pytest.raises(BlockedAddress):
        guard.check("inside.example", ["10.2.0.1"])
    assert repr(guard) == "PublicOnly(allow=['10.1.0.0/16', '::1/128'])"
    with pytest.raises(ValueError, match=r"10\.1\.0\.0/33"):
        borzoi.guards.PublicOnly(allow=["10.1.0.0/33"])


def test_a_guard_of_a_program() -> None:
    """A guard that does not say what it checks is no guard."""
    with pytest.raises(NotImplementedError, match=r"Guard must implement check\(\)"):
        borzoi.guards.Guard().check("host.example", [])


def test_names() -> None:
    """`borzoi.guards` is there with `import borzoi`, and its classes show that path."""
    assert borzoi.guards.PublicOnly.__module__ == borzoi.guards.Guard.__module__ == "borzoi.guards"
    assert set(borzoi.guards.__all__) == {"Guard", "PublicOnly", "public_only"}
