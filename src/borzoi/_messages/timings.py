"""When what happened to a request."""

from __future__ import annotations


class Timings:
    """Hold when the steps of one request were done, in seconds since it began; None for a step that was not taken.

    A request over a connection that was there already is neither resolved nor connected nor secured. What has not
    happened yet, such as the end of a body that is still to be read, is None until it does.

        response = client.get(url, extensions={"timings": True})
        print(response.timings.first_byte)
    """

    __slots__ = ("connected", "done", "first_byte", "queued", "resolved", "secured", "sent")

    queued: float | None
    """A connection was there, or room to open one."""

    resolved: float | None
    """The addresses of the name were known, looked up or remembered."""

    connected: float | None
    """The connection was made: to the origin, or to the proxy."""

    secured: float | None
    """The TLS handshake was done: that with the origin, or, where a proxy forwards requests, with the proxy."""

    sent: float | None
    """The request was sent, its body included."""

    first_byte: float | None
    """The first bytes of the response had come."""

    done: float | None
    """The response had come whole."""

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, None)

    def as_dict(self) -> dict[str, float | None]:
        """Return the steps by name, in the order in which they are taken."""
        return {name: getattr(self, name) for name in STEPS}

    def __repr__(self) -> str:
        taken = ", ".join(f"{name}={at:.6f}" for name, at in self.as_dict().items() if at is not None)
        return f"<Timings {taken or 'of nothing yet'}>"


STEPS = ("queued", "resolved", "connected", "secured", "sent", "first_byte", "done")
"""The steps of a request, in their order."""
