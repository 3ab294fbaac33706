"""A reader that begins again, and does not begin again all the time."""

import asyncio

from interlock.router.rereader import AGAIN_US_MIN, UNREAD_US_MAX, Rereader
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import SECOND
from interlock.wire.topics import ROUTES


class World:
    """A topic with two records, and readers of it that are counted; `failing` makes each batch fail."""

    def __init__(self, clock):
        self.broker = MemoryBroker(clock=clock)
        self.opened = 0
        self.failing = False
        self.reader = Rereader(self.open, clock)
        for value in (b"one", b"two"):
            self.broker.append(self.where, b"key", value)

    where = (ROUTES.name, 0)

    async def open(self):
        self.opened += 1
        inner = await MemoryBus(self.broker).reader([ROUTES.name])
        world, read = self, inner.batch

        async def batch(**options):
            if world.failing:
                raise InfrastructureError("The offset is out of range.", "Try again.")
            return await read(**options)

        inner.batch = batch
        return inner

    async def read(self):
        records = await self.reader.batch()
        self.reader.look_for_end()
        return [record.value for record in records]


def story(tell):
    run_virtually(lambda clock: tell(World(clock)))


def test_what_was_read_is_read_once_more_when_it_begins_again():
    async def tell(world):
        assert await world.read() == [b"one", b"two"]
        assert world.reader.caught_up
        await asyncio.sleep(AGAIN_US_MIN / SECOND)
        assert await world.reader.begin_again()
        assert not world.reader.caught_up
        assert await world.read() == [b"one", b"two"]

    story(tell)


def test_it_does_not_begin_again_at_once():
    async def tell(world):
        await world.read()
        assert not await world.reader.begin_again()
        assert world.opened == 1

    story(tell)


def test_a_reading_that_fails_is_begun_again_and_fails_nobody():
    async def tell(world):
        await world.read()
        world.failing = True
        begun = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - begun < 60:
            assert await world.read() == []
        assert 2 <= world.opened <= 3, "a reading that has not come to its end is given its time"
        world.failing = False
        while not (found := await world.read()):
            pass
        assert found == [b"one", b"two"]

    story(tell)


def test_a_reading_that_never_comes_to_its_end_is_given_up_in_time():
    async def tell(world):
        await world.reader.begin()
        await asyncio.sleep(UNREAD_US_MAX / SECOND - 1)
        assert not await world.reader.begin_again()
        await asyncio.sleep(2)
        assert await world.reader.begin_again()

    story(tell)


def test_while_the_broker_is_away_what_is_held_goes_on_being_read():
    async def tell(world):
        await world.read()
        await asyncio.sleep(10)
        world.broker.reachable = False
        assert not await world.reader.begin_again()
        world.broker.reachable = True
        world.broker.append(world.where, b"key", b"three")
        assert await world.read() == [b"three"]

    story(tell)
