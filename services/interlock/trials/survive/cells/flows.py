"""Too little passes, or too much: quotas that throttle what services write, and a flood of telemetry."""

import asyncio
from collections.abc import Sequence
from functools import partial

from interlock.brokers.quotas import bound_writes
from interlock.records.health import TelemetryBatch
from interlock.records.sealing import open_sealed
from interlock.runtime.first_settings import OWNERS
from interlock.signing.verifier import Verified
from interlock.trials.drill.cast import Agent
from interlock.trials.drill.field import PATIENCE_S
from interlock.trials.survive.cast import AGENTS, MAIL, PORTER, VAULT
from interlock.trials.survive.fault import Fault, Seen
from interlock.trials.survive.flood import Flood
from interlock.trials.survive.world import World
from interlock.trials.witness import NotSeen
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, seconds
from interlock.wire.topics import TELEMETRY

DECISION_BYTES_PER_S = 100
"""At each broker: less than a heartbeat a second."""

FELT_S = 3.0
"""Who was silent for so long is throttled: a shard beats once a second, and a gateway that is asked tells of it at least as often."""

FLOOD_MB_PER_S = 7.0
"""Half of it is signed: more than the 3 MB/s that one health-monitor can verify. With less nothing was shown."""

TELEMETRY_BYTES_PER_S = 200
"""Less than one batch a second."""


async def throttled(owners: Sequence[str], bytes_per_second: int, agent: Agent, world: World) -> Seen:
    """Quotas slow down what some services write while an agent's primary dies, until any agent stops or that one is moved.

    They are felt before the primary dies, so that the change is made under them.
    """
    bootstrap, began = world.kafka.bootstrap, world.now
    try:
        for owner in owners:
            await asyncio.to_thread(bound_writes, bootstrap, owner, bytes_per_second)
        world.tell(f"{', '.join(owners)} may write {bytes_per_second} bytes a second")
        if "decision-1" in owners:
            await world.until("a shard falls silent", lambda: world.silences(began, world.now) > FELT_S)
        else:
            await _until_throttled(world, owners)
        failed, after = world.now, world.primary_fails(agent)

        def stopped() -> bool:
            return any(world.stopped(each, gateway, began) for each in AGENTS for gateway in world.gateways)

        await world.until(
            "an agent stops, or is moved", lambda: stopped() or world.moved(agent, after=after) is not None
        )
        ends = world.now
    finally:
        for owner in owners:
            await asyncio.to_thread(bound_writes, bootstrap, owner, None)
    healed_at = world.now
    world.tell("the quotas are taken away")
    change = await world.until_moved(agent, after=after)
    await world.whole()
    stops = world.stops(began, healed_at)
    outcome = (
        f"{agent.name} was moved {(change.issued_at - failed) / SECOND:.1f} s after the failure; longest silence of a shard "
        f"{world.silences(began, ends):.1f} s; {stops}"
    )
    return Seen(outcome, healed_at)


async def _until_throttled(world: World, reporters: Sequence[str]) -> None:
    """Wait until one of them has written no telemetry for `FELT_S`; each writes several times a second."""
    reader = await world.field.stage.bus.reader([TELEMETRY.name])
    try:
        await reader.read_to_end()
        heard = dict.fromkeys(reporters, world.now)
        async with asyncio.timeout(PATIENCE_S):
            while world.now - min(heard.values()) < seconds(FELT_S):
                for record in await reader.batch(wait_s=0.2):
                    opened = open_sealed(record.value, world.field.stage.book.trust, TelemetryBatch)
                    if isinstance(opened, Verified) and opened.value.reporter in heard:
                        heard[opened.value.reporter] = world.now
    except TimeoutError:
        raise NotSeen(
            f"{' and '.join(reporters)} write as if there was no quota.", "Look into the brokers' logs."
        ) from None
    finally:
        await reader.close()


async def flooded(world: World) -> Seen:
    """Ten megabytes of telemetry a second, half of it signed by a genuine reporter, while an agent's primary dies."""
    agent = MAIL
    began = world.now
    async with Flood(world.field.stage, world.now, world.tell) as flood:
        failed, after = world.now, world.primary_fails(agent)
        change = await world.until_moved(agent, after=after)
        await flood.until(lambda: flood.lasted_s >= flood.LASTS_S)
        ends = world.now
    healed_at = await world.whole()
    stops = world.stops(began, ends)
    silence_s = world.silences(began, ends)
    faults = [] if flood.megabytes_per_s >= FLOOD_MB_PER_S else ["The brokers did not take the flood."]
    if silence_s > world.lease_us / SECOND:
        faults.append(f"A shard was silent for {silence_s:.1f} s, longer than a lease.")
    shed = world.found(OWNERS["health-monitor"], Reason.SHED, began)
    outcome = (
        f"{flood.megabytes_per_s:.1f} MB/s for {flood.lasted_s:.0f} s; {agent.name} was moved "
        f"{(change.issued_at - failed) / SECOND:.1f} s after the failure; longest silence of a shard "
        f"{silence_s:.1f} s; {stops}; {'some telemetry was shed' if shed else 'none was shed'}"
    )
    return Seen(outcome, healed_at, tuple(faults))


FAULTS = (
    Fault(
        "quota-decision",
        "a quota throttles what decision writes",
        "orders come late or their outcome stays unknown, agents stop when leases end, and no change is made twice",
        partial(throttled, ("decision-1", "decision-2"), DECISION_BYTES_PER_S, VAULT),
    ),
    Fault(
        "quota-telemetry",
        "a quota throttles what gateways write",
        "the agent whose primary dies is moved by what probes tell, or stopped",
        partial(throttled, ("gateway-1", "gateway-2"), TELEMETRY_BYTES_PER_S, PORTER),
    ),
    Fault(
        "flood",
        "ten megabytes of telemetry a second",
        "decisions and heartbeats go on, and an agent whose primary dies is moved or stopped",
        flooded,
    ),
)
"""The faults of what flows."""
