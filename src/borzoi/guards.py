"""Guards over where a client connects to: `Client(resolver=borzoi.guards.public_only)`."""

from __future__ import annotations

from ._policy.guards import Guard, PublicOnly, public_only

__all__ = ["Guard", "PublicOnly", "public_only"]
