from interlock.records.rules import SafeState
from interlock.records.sealing import open_sealed
from interlock.records.telling import Ticket
from interlock.router.answers import Stop
from interlock.router.gateway.faults import Fault
from interlock.router.gateway.tickets import Tickets
from interlock.runtime.clock import SystemClock
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.limits import TICKET_BYTES_MAX
from interlock.wire.topics import TICKETS

STOP = Stop(RouteId("support", "main", "*"), SafeState.HUMAN_QUEUE, "unavailable", "change-8")
DEPLOYMENT = Deployment()


async def tickets_on(broker: MemoryBroker) -> Tickets:
    publisher = await MemoryBus(broker).publisher()
    return Tickets(publisher, "gateway-1", DEPLOYMENT.key("gateway-1"), SystemClock())


async def on_topic(broker: MemoryBroker) -> list[tuple[bytes | None, Ticket]]:
    records = await (await MemoryBus(broker).reader([TICKETS.name])).read_to_end()
    opened = [(record.key, open_sealed(record.value, DEPLOYMENT.root, Ticket)) for record in records]
    return [(key, found.value) for key, found in opened if isinstance(found, Verified)]


async def test_a_ticket_is_on_the_topic_signed_by_the_router_with_the_request_as_it_came() -> None:
    broker = MemoryBroker()
    ticket = await (await tickets_on(broker)).keep(STOP, b'{"messages": [] }')

    assert isinstance(ticket, Ticket)
    assert await on_topic(broker) == [(b"support/main/*", ticket)]
    assert (ticket.router, ticket.change_id, ticket.request) == ("gateway-1", "change-8", b'{"messages": [] }')
    assert (ticket.agent, ticket.slot, ticket.scope) == STOP.route


async def test_two_requests_of_the_same_words_are_two_tickets() -> None:
    tickets = await tickets_on(MemoryBroker())
    first, second = await tickets.keep(STOP, b"{}"), await tickets.keep(STOP, b"{}")

    assert isinstance(first, Ticket)
    assert isinstance(second, Ticket)
    assert first.id != second.id


async def test_there_is_no_ticket_for_what_cannot_be_kept() -> None:
    broker = MemoryBroker()
    tickets = await tickets_on(broker)
    broker.reachable = False
    told = await tickets.keep(STOP, b"{}")

    assert isinstance(told, Fault)
    assert (told.status, told.code) == (503, "interlock_ticket_not_kept")


async def test_the_largest_request_is_kept_and_a_larger_one_is_refused_in_words() -> None:
    broker = MemoryBroker()
    tickets = await tickets_on(broker)
    largest = await tickets.keep(STOP, b"x" * TICKET_BYTES_MAX)
    told = await tickets.keep(STOP, b"x" * (TICKET_BYTES_MAX + 1))

    assert isinstance(told, Fault)
    assert (told.status, told.code) == (413, "request_too_large")
    assert "262,144" in told.message
    assert [ticket for _, ticket in await on_topic(broker)] == [largest]
