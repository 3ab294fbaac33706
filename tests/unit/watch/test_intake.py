"""Reading to the end: nothing is lost by a failure in the middle, and silence is noticed."""

from collections.abc import Awaitable, Callable

import pytest

from interlock.runtime.bus import Position, Record
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import SECOND
from interlock.watch.intake import SILENT_S_MAX, Intake
from interlock.wire.topics import NOTICES

WHERE = Position(NOTICES.name, 0)


class Policies:
    """Policies that cannot be read so many times."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures

    async def catch_up(self) -> None:
        if self.failures:
            self.failures -= 1
            raise InfrastructureError("The broker did not answer.", "Try again.")


async def read(intake: Intake) -> list[Record]:
    return [record async for batch in intake.to_end() for record in batch]


def virtual(scenario: Callable[[VirtualClock, MemoryBroker], Awaitable[None]]) -> None:
    run_virtually(lambda clock: scenario(clock, MemoryBroker(clock=clock)))


def test_what_was_read_before_a_failure_is_handed_on_the_next_time_and_once():
    async def scenario(clock: VirtualClock, broker: MemoryBroker) -> None:
        for _ in range(3):
            broker.append(WHERE, b"x", b"x")
        intake = Intake(await MemoryBus(broker).reader([WHERE]), Policies(failures=1), clock)  # type: ignore[arg-type]
        with pytest.raises(InfrastructureError):
            await read(intake)
        assert [record.offset for record in await read(intake)] == [0, 1, 2]
        assert await read(intake) == []

    virtual(scenario)


def test_a_broker_that_gives_nothing_though_there_is_more_is_taken_to_be_away():
    async def scenario(clock: VirtualClock, broker: MemoryBroker) -> None:
        broker.append(WHERE, b"x", b"x")
        reader = await MemoryBus(broker).reader([WHERE], start={WHERE: 1})

        async def more() -> dict[Position, int]:
            return {WHERE: 2}

        reader.end_offsets = more  # type: ignore[method-assign]
        with pytest.raises(InfrastructureError):
            await read(Intake(reader, Policies(), clock))  # type: ignore[arg-type]
        assert clock.now().boot <= (SILENT_S_MAX + 1) * SECOND

    virtual(scenario)
