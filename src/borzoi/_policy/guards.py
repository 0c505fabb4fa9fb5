"""Which addresses a client may connect to: what keeps a URL that somebody else wrote away from the inside of a network.

A guard is given as `resolver=`. It sees the addresses that a name was found to have, and those are the ones that are
connected to: there is no second lookup in between. It is asked for each new connection, those that redirects lead to
included, and for addresses in URLs as well as for names.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from .._errors import BlockedAddress

# IANA's registries of special-purpose addresses (RFC 6890), those without "globally reachable", and 6to4's relays.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network: 0.0.0.0 is this machine
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared address space, RFC 6598; a provider's metadata is at 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number, and a provider's metadata by its use
        "169.254.0.0/16",  # link-local; most providers' metadata is at 169.254.169.254
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, and what is reserved, broadcast included
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address of anybody's choice, by way of anybody's relay
        "3fff::/20",
    )
)
# RFC 4291 2.5.5.2 and RFC 6052 2.1: an IPv4 address in the last 32 bits, which is what is reached.
_CARRIES_V4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))


class Guard:
    """Decide which addresses may be connected to: override `check()`.

    `resolver` finds the addresses that are checked; without one it is the system.

        class Inside(borzoi.guards.Guard):
            def check(self, host, addresses):
                if not host.endswith(".example.internal"):
                    raise borzoi.BlockedAddress(f"{host} is none of ours")
    """

    __module__ = "borzoi.guards"

    def __init__(self, resolver: Any = None) -> None:
        self.resolver = resolver

    def check(self, host: str, addresses: list[str]) -> None:
        """Raise BlockedAddress where a connection to `host` may not be made.

        `addresses` are those that its name has, or the host itself where it is an address.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement check().")


class PublicOnly(Guard):
    """Let connections through to addresses of the public Internet alone.

    Refused are private, loopback, link-local, multicast and reserved addresses, the metadata services of clouds, and
    IPv6 addresses that stand for any of these. A name is refused if any of its addresses is. `allow` names exceptions:
    networks or addresses such as "10.1.0.0/16".
    """

    __module__ = "borzoi.guards"

    def __init__(self, allow: Iterable[str] = (), resolver: Any = None) -> None:
        super().__init__(resolver)
        self._allow = tuple(ip_network(network) for network in allow)

    def check(self, host: str, addresses: list[str]) -> None:
        """Raise BlockedAddress unless all addresses are public or allowed."""
        for text in addresses:
            address = ip_address(text.partition("%")[0])
            if not is_public(address) and not any(address in network for network in self._allow):
                shown = host if host == text else f"{host} ({text})"
                raise BlockedAddress(f"{shown} is not public, and only public addresses may be connected to")

    def __repr__(self) -> str:
        return f"PublicOnly(allow={[str(network) for network in self._allow]})"


public_only = PublicOnly()
"""The guard that lets connections through to public addresses alone."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one of the public Internet, reached as such."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    if any(address in network for network in _CARRIES_V4):
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _PUBLIC_V6 and not any(address in network for network in _NOT_PUBLIC_V6)
