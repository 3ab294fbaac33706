"""Processes that are killed at moments that nobody chose, again and again; and one that was taken for dead and is not.

In each the primary of an agent dies too, so that the kills fall between a verdict and the notice of the change that it brings about.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import AckKind, RoutingChange
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Position
from interlock.runtime.first_settings import OWNERS
from interlock.signing.verifier import Verified
from interlock.trials.demo.attacks import following
from interlock.trials.drill.cast import Agent
from interlock.trials.survive.cast import COUNTER, MAIL, PORTER, VAULT
from interlock.trials.survive.fault import Fault, Seen
from interlock.trials.survive.world import World
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import ROUTES, SHARDS

KILLS = 4
APART_S_MAX = 4.0
"""Kills fall from at once to so much later: while the process still starts, or when it has just begun to work."""

LOOKS = 60
"""How often the routes topic is looked at for the order that overwrites the zombie's, a second each."""

DECISIONS = ("decision", "decision-2")
JUDGE = "health-monitor"


async def killed(services: Sequence[str], agent: Agent, world: World) -> Seen:
    """Kill processes at random while an agent's primary dies; what is told of the change is waited for.

    Without kills that agent is moved to its fallback, and no other to another model. With them it must be the same, but for stops
    where nobody decides for too long. While nobody judges, every agent stops, and goes on with the model that is found well first.
    """
    began = world.now
    after = world.primary_fails(agent)
    for _ in range(KILLS):
        await asyncio.sleep(world.chance.uniform(0.0, APART_S_MAX))
        service = world.chance.choice(services)
        await world.kill(service)
        await world.restart(service)
    healed_at = world.now
    change = await world.until_moved(agent, after=after)
    await world.until(f"governance is told of {change.id}", lambda: _told(world, change))
    passed = {name: models for name, models in _models(world, began).items() if len(models) > 1}
    stops = world.stops(began, world.now)
    await world.whole()
    undisturbed = {agent.name: list(agent.ladder[:2])}
    same = agent.name in passed if JUDGE in services else passed == undisturbed
    faults = () if same else (f"Without kills agents pass through {undisturbed}, and now {passed}.",)
    paths = ", ".join(f"{name}: {' → '.join(models)}" for name, models in passed.items())
    moved_s = (change.issued_at - began) / SECOND
    outcome = f"{KILLS} kills; {agent.name} was moved {moved_s:.1f} s after the failure ({paths}); {stops}"
    return Seen(outcome, healed_at, faults)


async def zombie(world: World) -> Seen:
    """Stop a shard's owner until another owns the shard; wake it, and let it order what its old term would have ordered."""
    agent, shard = VAULT, shard_of(VAULT.name, SHARDS)
    owner = _claims(world, shard)[-1].owner
    before = world.field.changes(agent.name)[-1]
    began = world.now
    world.pause(_service(owner))
    after = world.primary_fails(agent)
    await world.until("another owner claims the shard", lambda: _claims(world, shard)[-1].owner != owner)
    change = await world.until_moved(agent, after=after)
    world.resume(_service(owner))
    healed_at = world.now
    forged = replace(following(before, agent.ladder[0]), source=before.source)
    faults = await _overwritten(world, forged, change, owner)
    await world.whole()
    outcome = (
        f"{owner} stood still; {agent.name} was moved under another owner {(change.issued_at - began) / SECOND:.1f} s later; an order "
        f"of the old term was refused by every gateway, found, and overwritten"
    )
    return Seen(outcome, healed_at, faults)


async def _overwritten(world: World, forged: RoutingChange, change: RoutingChange, owner: str) -> tuple[str, ...]:
    """An order as the zombie would publish it lies over the one in force; what is wrong with what follows."""
    shard, since = forged.shard, world.now
    offset = await world.field.publish(ROUTES.name, forged.route.key, forged, owner, partition=shard)
    world.tell(f"{owner} orders {forged.id}, under its old term")
    place = (ROUTES.name, shard, offset)

    def answered() -> bool:
        findings = [each for each in world.field.witness.findings if each.at >= since]
        here = [each for each in findings if (each.topic, each.partition, each.offset) == place]
        refused = {OWNERS.get(gateway, gateway) for gateway in world.gateways} <= {each.service for each in here}
        # An owner that reads the topic at that moment, because the zombie is back in the group, finds it by its comparison.
        found = any(each.reason == Reason.FOREIGN_RECORD for each in here)
        return refused and (found or any(each.reason == Reason.STATE_DISAGREES for each in findings))

    await world.until("every gateway refuses it, and decision finds it", answered)
    obeyed = [
        each.router for each in world.field.witness.acks if each.change_id == forged.id and each.kind is AckKind.ACK
    ]
    faults = [f"{router} obeyed the order of the zombie." for router in obeyed]
    stands = await _last_order(world, forged)
    if stands != change.id:
        faults.append(f"The routes topic orders {stands} at last, and not {change.id}.")
    return tuple(faults)


async def _last_order(world: World, forged: RoutingChange) -> str:
    """The id of the last order of a route on the routes topic, once it is another than the forged one; that one's, if it stays."""
    reader = await world.field.stage.bus.reader([Position(ROUTES.name, forged.shard)])
    last = forged.id
    try:
        for _ in range(LOOKS):
            for record in await reader.batch(wait_s=1.0):
                opened = open_sealed(record.value, world.field.stage.book.trust, RoutingChange)
                if record.key == forged.route.key.encode() and isinstance(opened, Verified):
                    last = opened.value.id
            if reader.at_end(2.0) and last != forged.id:
                break
    finally:
        await reader.close()
    return last


def _claims(world: World, shard: int) -> list[AuditRecord]:
    """The claims of a shard, in order."""
    steps = (each.value for each in world.field.witness.exhibits if isinstance(each.value, AuditRecord))
    return [each for each in steps if each.kind is AuditKind.CLAIM and each.shard == shard]


def _service(owner: str) -> str:
    """The process of an owner."""
    return next((service for service, its in OWNERS.items() if its == owner), owner)


def _models(world: World, since: Micros) -> dict[str, list[str]]:
    """By agent, the models that it was ordered to since a moment, the first being the one before; a stop in between is left out."""
    passed: dict[str, list[str]] = {}
    for change in world.field.witness.changes:
        if change.issued_at >= since:
            models = passed.setdefault(change.route.agent, [change.source] if change.source else [])
            if change.target and models[-1:] != [change.target]:
                models.append(change.target)
    return passed


def _told(world: World, change: RoutingChange) -> bool:
    """Whether governance accepted a notice of a change."""
    return any(
        each.genuine and each.body["data"].get("change_id") == change.id for each in world.field.governance.requests
    )


def _fault(name: str, services: Sequence[str], agent: Agent) -> Fault:
    title = f"{' and '.join(services)} {'are' if len(services) > 1 else 'is'} killed {KILLS} times at random"
    expected = "the agent whose primary dies is moved once, and governance is told under one key"
    return Fault(f"kill-{name}", title, expected, partial(killed, services, agent))


FAULTS = (
    _fault("decision", DECISIONS, COUNTER),
    _fault("gateway", ("gateway", "gateway-2"), MAIL),
    _fault("health-monitor", (JUDGE,), PORTER),
    _fault("notifier", ("notifier",), VAULT),
    _fault("watch", ("watch",), COUNTER),
    Fault(
        "zombie",
        "a decision service is taken for dead, and wakes",
        "its shards are another's; its orders are refused, found and overwritten, and everybody is answered",
        zombie,
    ),
)
"""The faults of processes."""
