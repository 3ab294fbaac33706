"""How a subscriber is put together: what one topic does to it is kept from the others."""

import asyncio
from contextlib import closing

from interlock.records.rules import SafeState
from interlock.records.telling import Ticket
from interlock.router.answers import Stop as StopAnswer
from interlock.router.gateway.tickets import Tickets
from interlock.router.marks_file import MarksFile
from interlock.router.subscribing import open_subscriber
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.builders import Deployment
from interlock.testing.in_memory import shell
from interlock.testing.router_driver import TERMS
from interlock.testing.virtual_time import START, run_virtually
from interlock.vocabulary.identifiers import RouteId
from interlock.wire.topics import ACKS


class Jammed(MemoryBus):
    """A bus whose topic of acknowledgements takes nothing; a publisher that waits for it takes nothing else, as Kafka's does."""

    async def publisher(self):
        return _OneByOne(await super().publisher())


class _OneByOne:
    def __init__(self, honest):
        self._honest = honest
        self._queueing = asyncio.Lock()

    async def publish(self, topic, *args, **named):
        async with self._queueing:
            if topic == ACKS.name:
                await asyncio.sleep(3_600)
            return await self._honest.publish(topic, *args, **named)


def test_acknowledgements_that_are_not_taken_keep_no_ticket_waiting(tmp_path):
    deployment = Deployment(now=START)
    answer = StopAnswer(RouteId("support", "main", "*"), SafeState.HUMAN_QUEUE, "change-1", "")

    async def scenario(clock):
        stop, broker = Stop(), MemoryBroker(clock=clock)
        async with shell(Jammed(broker), "gateway-1", deployment, clock) as it:
            with closing(MarksFile(tmp_path / "marks.db")) as marks:
                subscriber = await open_subscriber(it, marks, TERMS)
                running = asyncio.create_task(subscriber.run(stop))
                await asyncio.sleep(1)
                tickets = Tickets(it.publisher, it.owner, it.key, clock)
                async with asyncio.timeout(1):
                    assert isinstance(await tickets.keep(answer, b"a request"), Ticket)
                stop.request()
                await running

    run_virtually(scenario)
