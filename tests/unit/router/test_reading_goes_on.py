"""A reading of very much takes its time: it is begun again only where nothing comes any more."""

import asyncio

from interlock.router.rereader import UNREAD_US_MAX, Rereader
from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.time import SECOND
from interlock.wire.topics import HEARTBEATS, ROUTES


def begun_again(topic):
    """Whether a reading is begun again, of which records of a topic go on coming for longer than one may be silent."""

    async def scenario(clock):
        broker = MemoryBroker(clock=clock)
        reader = Rereader(lambda: MemoryBus(broker).reader([ROUTES.name, HEARTBEATS.name]), clock)
        await reader.begin()
        for _ in range(3):
            await asyncio.sleep(UNREAD_US_MAX / SECOND / 2)
            broker.append(Position(topic.name, 0), b"key", b"value")
            await reader.batch()
        answers.append(await reader.begin_again())

    answers = []
    run_virtually(scenario)
    return answers[0]


def test_a_reading_that_goes_on_is_not_begun_again():
    assert not begun_again(ROUTES)


def test_heartbeats_alone_do_not_make_a_reading_go_on():
    assert begun_again(HEARTBEATS)
