"""A cassette inside a mock: routes answer what they fit, the cassette all else, held to the contracts of the mock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._messages.response import Response
from .contract_checking import MOCK
from .mocking import unbound_router
from .script import Reply, reply_of, wait

if TYPE_CHECKING:
    from .._messages.request import Request
    from .received import Received
    from .router import Router


class Mocked:
    """Stand for the mock around a cassette."""

    def __init__(self, guest: Any, router: Router) -> None:
        self._guest = guest
        self._router = router

    async def send(self, request: Request, received: Received) -> Response | None:
        """Return the answer of a route; None where no route of the mock is for the request."""
        claim = self._router.claim(received)
        if claim is None:
            return None
        try:
            answered: Response = await self._guest.send(request)
        finally:
            self._router.release(claim)
        return answered

    def checked(self, received: Received, response: Response) -> Response:
        """Return a response of the cassette, which is held to the contracts."""
        for contract in self._router.contracts:
            contract.check_request(received)
            contract.check_reply(received, _reply_of(response), MOCK)
        return response


def mocked(guest: Any, transport: Any) -> Mocked | None:
    """Return the mock that a transport has as its guest; None where it is the client's own, or over."""
    router = unbound_router(transport)
    return None if router is None else Mocked(guest, router)


def _reply_of(response: Response) -> Reply:
    """Return what is known of a response. A body that is still to come is let be."""
    if hasattr(response, "_content"):
        return reply_of(response)
    return Reply(response.status_code, headers=response.headers, stream=[wait(0)])
