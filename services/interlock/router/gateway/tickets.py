"""The safe state `human_queue`: a request is kept on a topic, signed, until a person answers it.

A ticket is given out only when all in-sync replicas have the request. Where that is not known the caller is told that nobody will
answer, even if the request did get there: a person who reads one too many does less harm than a request that everybody believes to be
in good hands.
"""

import uuid

import structlog

from interlock.records.sealing import seal
from interlock.records.telling import Ticket
from interlock.router.answers import Stop
from interlock.router.gateway.faults import Fault, not_kept, ticket_too_large
from interlock.runtime.bus import Publisher
from interlock.runtime.clock import Clock
from interlock.signing.keys import SigningKey
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.limits import TICKET_BYTES_MAX
from interlock.wire.topics import TICKETS

_log = structlog.get_logger(__name__)


class Tickets:
    """Keeps requests for people, in the name of one router.

    Args:
        publisher: Where they go; every wait of it is bounded.
        router: Who keeps them: the owner of the key.
        key: The router's key.
        clock: Civil time.
    """

    def __init__(self, publisher: Publisher, router: str, key: SigningKey, clock: Clock) -> None:
        self._publisher = publisher
        self._router = router
        self._key = key
        self._clock = clock

    async def keep(self, stop: Stop, request: bytes) -> Ticket | Fault:
        """Keep one request; the ticket once it is safe, or why there is none.

        Args:
            stop: The route's safe state.
            request: The body as it came.
        """
        if len(request) > TICKET_BYTES_MAX:
            return ticket_too_large(stop, len(request))
        ticket = Ticket(
            f"ticket-{uuid.uuid4().hex}", self._router, *stop.route, stop.change_id, request, self._clock.now().wall
        )
        try:
            await self._publisher.publish(TICKETS.name, stop.route.key, seal(ticket, self._key))
        except InfrastructureError as error:
            _log.error("ticket_not_kept", route=stop.route.key, error=error.message, mend=error.mend)
            return not_kept(stop)
        _log.info("ticket_kept", route=stop.route.key, ticket=ticket.id)
        return ticket
