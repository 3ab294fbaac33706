import asyncio
from collections.abc import Awaitable, Callable

from interlock.records.health import GuardBeat
from interlock.records.sealing import open_sealed
from interlock.reporting.guard_beat import GuardPulse
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.time import SECOND
from interlock.wire.topics import TELEMETRY

DEPLOYMENT = Deployment()


def play(scenario: Callable[[GuardPulse, MemoryBroker, MemoryBus], Awaitable[None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        broker = MemoryBroker(clock=clock)
        bus = MemoryBus(broker)
        key = DEPLOYMENT.key("guardrail-1")
        await scenario(GuardPulse(await bus.publisher(), "guardrail-1", key, clock), broker, bus)

    run_virtually(main)


async def heard(bus: MemoryBus) -> list[GuardBeat]:
    records = await (await bus.reader([TELEMETRY.name])).read_to_end()
    opened = [open_sealed(record.value, DEPLOYMENT.root, GuardBeat) for record in records]
    assert all(record.key == b"guardrail-1" for record in records)
    assert all(isinstance(found, Verified) for found in opened)
    return [found.value for found in opened if isinstance(found, Verified)]


def test_a_pulse_beats_once_a_second_until_it_is_stopped():
    async def scenario(pulse: GuardPulse, broker: MemoryBroker, bus: MemoryBus) -> None:
        stop = Stop()
        running = asyncio.create_task(pulse.run(stop))
        await asyncio.sleep(4.5)
        stop.request()
        await running
        beats = await heard(bus)
        assert [beat.guard for beat in beats] == ["guardrail-1"] * 5
        assert [(beat.at - beats[0].at) / SECOND for beat in beats] == [0, 1, 2, 3, 4]

    play(scenario)


def test_a_pulse_outlives_a_broker_that_cannot_be_reached_and_sends_nothing_late():
    async def scenario(pulse: GuardPulse, broker: MemoryBroker, bus: MemoryBus) -> None:
        stop = Stop()
        running = asyncio.create_task(pulse.run(stop))
        await asyncio.sleep(0.5)
        broker.reachable = False
        await asyncio.sleep(3)
        assert not await pulse.beat()
        broker.reachable = True
        await asyncio.sleep(1)
        stop.request()
        await running
        beats = await heard(bus)
        assert [(beat.at - beats[0].at) / SECOND for beat in beats] == [0, 4]

    play(scenario)
