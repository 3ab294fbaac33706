import asyncio
from collections.abc import Awaitable, Callable

from interlock.records.health import Outcome, TelemetryBatch
from interlock.records.sealing import open_sealed
from interlock.reporting.accumulator import Call
from interlock.reporting.telemetry import AGE_S_MAX, FLUSH_S, TelemetryEmitter
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.identifiers import RouteId
from interlock.wire.topics import TELEMETRY

DEPLOYMENT = Deployment()
SUPPORT = RouteId("support", "main", "*")


def call(outcome: Outcome = Outcome.OK, model: str = "atlas") -> Call:
    return Call(SUPPORT, model, outcome, 0.5)


class Desk:
    """An emitter that runs on a bus in memory, and a look at what came out."""

    def __init__(self, clock: VirtualClock, bus: MemoryBus, broker: MemoryBroker, emitter: TelemetryEmitter) -> None:
        self.clock = clock
        self.bus = bus
        self.broker = broker
        self.emitter = emitter

    async def sent(self) -> list[TelemetryBatch]:
        found = []
        for record in await (await self.bus.reader([TELEMETRY.name])).read_to_end():
            opened = open_sealed(record.value, DEPLOYMENT.root, TelemetryBatch)
            assert isinstance(opened, Verified)
            assert record.key == opened.value.model.encode()
            found.append(opened.value)
        return sorted(found, key=lambda batch: batch.sequence)

    async def outcomes(self) -> list[dict[str, int]]:
        return [dict(cell.outcomes) for batch in await self.sent() for cell in batch.cells]


def play(scenario: Callable[[Desk], Awaitable[None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        broker = MemoryBroker(clock=clock)
        bus = MemoryBus(broker)
        publisher = await bus.publisher()
        emitter = TelemetryEmitter(publisher, "probe-1", DEPLOYMENT.key("probe-1"), clock, Metrics("test"))
        stop = Stop()
        running = asyncio.create_task(emitter.run(stop))
        await asyncio.sleep(0)
        await scenario(Desk(clock, bus, broker, emitter))
        stop.request()
        await running

    run_virtually(main)


def test_successes_are_told_together_after_a_quarter_of_a_second():
    async def scenario(desk: Desk) -> None:
        desk.emitter.note(call())
        desk.emitter.note(call())
        await asyncio.sleep(FLUSH_S * 0.9)
        assert await desk.sent() == []
        await asyncio.sleep(FLUSH_S * 0.2)
        assert await desk.outcomes() == [{"ok": 2}]

    play(scenario)


def test_a_fault_or_a_throttled_reply_is_told_at_once_with_all_that_was_held():
    async def scenario(desk: Desk) -> None:
        desk.emitter.note(call())
        desk.emitter.note(call(Outcome.CONNECTION))
        await asyncio.sleep(0.001)
        assert await desk.outcomes() == [{"ok": 1, "connection": 1}]
        desk.emitter.note(call(Outcome.THROTTLED))
        await asyncio.sleep(0.001)
        assert (await desk.outcomes())[-1] == {"throttled": 1}

    play(scenario)


def test_what_could_not_be_sent_is_sent_once_the_broker_is_back_and_every_call_counts_once():
    async def scenario(desk: Desk) -> None:
        desk.broker.reachable = False
        for _ in range(10):
            desk.emitter.note(call(Outcome.TIMEOUT))
            await asyncio.sleep(0.4)
        desk.broker.reachable = True
        await asyncio.sleep(2)
        assert sum(told["timeout"] for told in await desk.outcomes()) == 10
        sequences = [batch.sequence for batch in await desk.sent()]
        assert sequences == sorted(set(sequences))

    play(scenario)


def test_what_is_older_than_anybody_would_judge_by_is_dropped():
    async def scenario(desk: Desk) -> None:
        desk.broker.reachable = False
        desk.emitter.note(call(Outcome.TIMEOUT))
        await asyncio.sleep(1)
        desk.emitter.note(call(Outcome.TIMEOUT))
        await asyncio.sleep(AGE_S_MAX + 5)
        desk.broker.reachable = True
        desk.emitter.note(call())
        await asyncio.sleep(2)
        assert await desk.outcomes() == [{"ok": 1}]

    play(scenario)


def test_on_stop_the_rest_is_sent():
    async def main(clock: VirtualClock) -> None:
        bus = MemoryBus(MemoryBroker(clock=clock))
        emitter = TelemetryEmitter(await bus.publisher(), "probe-1", DEPLOYMENT.key("probe-1"), clock, Metrics("test"))
        stop = Stop()
        running = asyncio.create_task(emitter.run(stop))
        emitter.note(call())
        stop.request()
        await running
        assert len(await (await bus.reader([TELEMETRY.name])).read_to_end()) == 1

    run_virtually(main)


def test_a_restarted_reporter_goes_on_with_higher_numbers():
    async def main(clock: VirtualClock) -> None:
        bus = MemoryBus(MemoryBroker(clock=clock))
        for _ in range(2):
            emitter = TelemetryEmitter(
                await bus.publisher(), "probe-1", DEPLOYMENT.key("probe-1"), clock, Metrics("test")
            )
            emitter.note(call())
            await emitter.flush()
            await asyncio.sleep(1)
        desk = Desk(clock, bus, MemoryBroker(clock=clock), emitter)
        first, second = await desk.sent()
        assert second.sequence > first.sequence

    run_virtually(main)
