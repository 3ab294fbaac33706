"""For each topic: the record that would have an effect if it were believed, who must sign it, and what genuine records there are."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import AckKind, Acknowledgement, Heartbeat, RoutingChange
from interlock.records.commands import Verb
from interlock.records.health import Cell, Level, TelemetryBatch, Verdict
from interlock.records.sealing import event_id_of
from interlock.records.state import StateRecord
from interlock.records.telling import Breach, Finding, Ticket
from interlock.runtime.bus import Record
from interlock.signing.statement import Statement
from interlock.testing.hostile.inputs import MARKER, Case
from interlock.testing.hostile.table import DECISION, HEALTH, NOTIFIER, ROUTER, WATCH
from interlock.testing.hostile.world import SHARD, SUPPORT, TRIAGE, World
from interlock.vocabulary.identifiers import ANY, shard_of
from interlock.vocabulary.limits import CHANGE_VALID_US
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import (
    ACKS,
    AUDIT,
    COMMANDS,
    FINDINGS,
    HEARTBEATS,
    NOTICES,
    POLICIES,
    ROUTES,
    SHARDS,
    STATE,
    TELEMETRY,
    TICKETS,
    VERDICTS,
    TopicSpec,
)

_SHARDED = frozenset({AUDIT, ROUTES, STATE, HEARTBEATS})
_OTHER_SHARD = shard_of("triage", SHARDS)


@dataclass(frozen=True, slots=True)
class _Said:
    """A sample, who signs it, who may not, the same in another's name, and one of an order that was used."""

    sample: Statement
    by: tuple[str, ...]
    wrong: str
    impostor: Statement | None = None
    rival: Statement | None = None


def case_of(world: World, topic: TopicSpec) -> Case:
    """What the inputs of a topic are made from, as the world is now."""
    said = _SAMPLES[topic](world)
    home = [each for each in _genuine(world, topic) if topic not in _SHARDED or each.partition == SHARD]
    named = [each for each in home if topic is not STATE or each.key == f"route/{SUPPORT.key}".encode()]
    elsewhere = [each for each in _genuine(world, topic) if each not in home]
    return Case(
        deployment=world.deployment,
        sample=said.sample,
        by=said.by,
        wrong=said.wrong,
        impostor=said.impostor,
        first=named[0],
        last=home[-1],
        another=elsewhere[-1] if elsewhere else home[-1],
        foreign=_genuine(world, VERDICTS if topic is HEARTBEATS else HEARTBEATS)[-1],
        rival=said.rival,
    )


def place_of(world: World, topic: TopicSpec) -> tuple[int, bytes]:
    """The partition and the key under which a sample would stand."""
    if topic in _SHARDED:
        keys = {AUDIT: b"0", HEARTBEATS: b"0", STATE: f"route/{SUPPORT.key}".encode(), ROUTES: SUPPORT.key.encode()}
        return SHARD, keys[topic]
    last = _genuine(world, topic)[-1]
    return last.partition, last.key or b""


def _genuine(world: World, topic: TopicSpec) -> list[Record]:
    """What stood on a topic before anything hostile did, of the usual kind."""
    kind = type(_SAMPLES[topic](world).sample) if topic is not NOTICES else None
    if kind is None:
        return world.records(topic)
    return [record for record, _ in world.read(topic, kind)]


def _telemetry(world: World) -> _Said:
    now, cells = world.clock.now().wall, (Cell("support", "main", ANY, {"timeout": 50}, {}, {}, {}),)
    sample = TelemetryBatch("probe-1", "atlas", now, now, 10**9, cells)
    last = [said for _, said in world.read(TELEMETRY, TelemetryBatch) if said.model == "atlas"][-1]
    rival = replace(sample, sequence=last.sequence)
    return _Said(sample, ("probe-1",), WATCH, replace(sample, reporter=ROUTER), rival)


def _verdict(world: World) -> _Said:
    now = world.clock.now().wall
    until = Micros(now + 5 * SECOND)
    sample = Verdict("atlas", ANY, "unavailable", Level.UNAVAILABLE, MARKER, 9, ("probe-1",), now, now, until)
    return _Said(sample, (HEALTH,), ROUTER)


def _policy(world: World) -> _Said:
    policy = world.policy("support", ("mallory",), version=3)
    return _Said(policy, ("grace", "oscar"), "olga", rival=replace(policy, version=2))


def _command(world: World) -> _Said:
    sample = replace(world.command(Verb.SUSPEND, "support", f"hostile-{world.clock.now().boot}"), reason=MARKER)
    return _Said(sample, ("olga",), HEALTH, rival=replace(sample, id="pause", agent="triage"))


def _step(world: World) -> _Said:
    last = [said for record, said in world.read(AUDIT, AuditRecord) if record.partition == SHARD and said.sequence][-1]
    order = world.deployment.seal(_change(world).sample, DECISION)
    place = (SHARD, AuditKind.STEP, DECISION, last.term)
    sample = AuditRecord(*place, last.sequence + 1, last.now, (), (order,), (), last.state_digest)
    return _Said(
        sample, (DECISION,), NOTIFIER, replace(sample, owner="decision-9"), replace(sample, sequence=last.sequence)
    )


def _change(world: World) -> _Said:
    now = world.clock.now().wall
    held = [said for _, said in world.read(ROUTES, RoutingChange) if said.route == SUPPORT][-1]
    sample = replace(
        held,
        id=f"{SUPPORT.key}@{held.order._replace(version=held.version + 1)}",
        version=held.version + 1,
        source="atlas",
        target="birch",
        cause=replace(held.cause, detail=MARKER),
        issued_at=now,
        not_after=Micros(now + CHANGE_VALID_US),
    )
    return _Said(sample, (DECISION,), HEALTH, rival=replace(sample, version=held.version, id=held.id))


def _entry(world: World) -> _Said:
    last = world.read(STATE, StateRecord)[-1][1]
    sample = StateRecord(DECISION, SHARD, f"route/{SUPPORT.key}", MARKER.encode(), last.offset + 1, 0)
    return _Said(sample, (DECISION,), WATCH)


def _heartbeat(world: World) -> _Said:
    last = [said for _, said in world.read(HEARTBEATS, Heartbeat) if said.shard == SHARD][-1]
    sample = replace(last, beat=last.beat + 10**6, issued_at=world.clock.now().wall)
    return _Said(sample, (DECISION,), ROUTER, rival=replace(last, routes_head=b"\x07" * 32))


def _nack(world: World) -> _Said:
    held = [said for _, said in world.read(ROUTES, RoutingChange) if said.route == SUPPORT][-1]
    sample = Acknowledgement(ROUTER, AckKind.NACK, held.id, event_id_of(held), MARKER, world.clock.now().wall)
    return _Said(sample, (ROUTER,), HEALTH, replace(sample, router="gateway-9"))


def _ticket(world: World) -> _Said:
    place = (SUPPORT.agent, SUPPORT.slot, SUPPORT.scope)
    sample = Ticket("ticket-9", ROUTER, *place, "", MARKER.encode(), world.clock.now().wall)
    return _Said(sample, (ROUTER,), HEALTH, replace(sample, router="gateway-9"))


def _breach(world: World) -> _Said:
    held = [said for _, said in world.read(ROUTES, RoutingChange) if said.route == TRIAGE][-1]
    about = (held.id, event_id_of(held), held.agent, held.route.key, held.issued_at)
    sample = Breach(WATCH, *about, Micros(300 * SECOND), True, MARKER, world.clock.now().wall)
    return _Said(sample, (WATCH,), DECISION, replace(sample, watch="watch-9"))


def _finding(world: World) -> _Said:
    sample = Finding(WATCH, "expired", MARKER, "", "", -1, -1, b"", world.clock.now().wall)
    return _Said(sample, (WATCH,), "olga", replace(sample, service=DECISION))


_SAMPLES: dict[TopicSpec, Callable[[World], _Said]] = {
    TELEMETRY: _telemetry,
    VERDICTS: _verdict,
    POLICIES: _policy,
    COMMANDS: _command,
    AUDIT: _step,
    ROUTES: _change,
    STATE: _entry,
    HEARTBEATS: _heartbeat,
    ACKS: _nack,
    TICKETS: _ticket,
    NOTICES: _breach,
    FINDINGS: _finding,
}
