"""Inputs of which something does come, or too much: `OWN_STORY` of the table."""

import asyncio
import io
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import groupby, pairwise

import fastavro
import pytest
import structlog
from fastavro import _read_py

from interlock.decision.replay import replay
from interlock.records.audit import AuditRecord, Entry, Input, InputKind
from interlock.records.change import AckKind, Acknowledgement, Heartbeat
from interlock.records.codec import encode
from interlock.records.health import Level
from interlock.records.sealing import decode_envelope, event_id_of
from interlock.records.state import Canary
from interlock.reporting.damper import LIKE_FINDINGS_PER_SECOND_MAX
from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBus
from interlock.signing.envelope import event_id
from interlock.testing.hostile.cases import case_of, place_of
from interlock.testing.hostile.inputs import INPUTS, MARKER
from interlock.testing.hostile.table import DECISION, HEALTH, ROUTER, SERVICES, short
from interlock.testing.hostile.world import SHARD, SUPPORT, TRIAGE, World
from interlock.testing.virtual_time import run_virtually
from interlock.trials.witness import Witness
from interlock.vocabulary.identifiers import Order, RouteId
from interlock.vocabulary.limits import CHANGE_VALID_US, MOMENT_US_MAX, RECORD_BYTES_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire.codec import HEADER_BYTES
from interlock.wire.schemas import known_schemas
from interlock.wire.topics import ACKS, AUDIT, HEARTBEATS, POLICIES, ROUTES, STATE, TELEMETRY

DRAFTING = RouteId("drafting", "main", "*")
FLOOD = 10_000


@pytest.fixture(autouse=True)
def quiet():
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture
def story(tmp_path):
    """Tells a story in a world in which three agents are on their primaries."""

    def play(tell):
        async def scenario(clock):
            world = World(clock, tmp_path)
            async with world.alive():
                world.adopt(world.policy("support", ("atlas", "birch")))
                world.adopt(world.policy("triage", ("birch", "atlas")))
                world.adopt(world.policy("drafting", ("birch", "atlas")))
                await world.until("all are served", lambda: world.served(SUPPORT) == "atlas" and alive(world))
                await asyncio.sleep(2)
                await tell(world)

        run_virtually(scenario)

    return play


def alive(world):
    return world.served(TRIAGE) == world.served(DRAFTING) == "birch"


def held(world, route):
    return world.router.state.held[route].change.value


def forged(world, route, **fields):
    """The next change of a route, signed with the decision key by somebody who stole it."""
    now, last = world.clock.now().wall, held(world, route)
    change = replace(last, version=last.version + 1, issued_at=now, not_after=Micros(now + CHANGE_VALID_US), **fields)
    return replace(change, id=fields.get("id", f"{route.key}@{change.order}"))


def publish(world, change):
    world.attack(ROUTES, change.shard, change.route.key.encode(), world.deployment.seal(change, DECISION))


@asynccontextmanager
async def beating(world, *changes):
    """Heartbeats by somebody who stole the decision key, once a second: they stand by these changes."""

    async def beat():
        number = 10**6
        while True:
            for shard in range(4):
                last = [said for _, said in world.read(HEARTBEATS, Heartbeat) if said.shard == shard][-1]
                head = world.router.state.head(shard)
                for change in changes:
                    head = head.put(change.route.key, event_id_of(change)) if change.shard == shard else head
                number += 1
                said = replace(last, beat=number, issued_at=world.clock.now().wall, routes_head=head.root)
                world.attack(HEARTBEATS, shard, b"%d" % shard, world.deployment.seal(said, DECISION))
            await asyncio.sleep(1)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()


def reasons(world, service):
    return [Reason(found.reason) for found in world.findings() if found.service == service]


def answers(world, change):
    return [ack.kind for _, ack in world.read(ACKS, Acknowledgement) if ack.event_id == event_id_of(change)]


def test_a_change_that_comes_before_its_policy_waits_for_it_and_then_counts(story):
    async def tell(world):
        policy = world.policy("support", ("birch", "atlas"), version=2)
        await world.stop(DECISION)
        early = forged(
            world, SUPPORT, policy_version=2, policy_digest=event_id_of(policy), source="atlas", target="birch"
        )
        publish(world, early)
        await asyncio.sleep(2)
        assert (world.served(SUPPORT), answers(world, early), reasons(world, ROUTER)) == ("atlas", [], [])
        world.adopt(policy)
        await world.until("it is applied", lambda: world.served(SUPPORT) == "birch", within_s=2)
        assert answers(world, early) == [AckKind.ACK]

    story(tell)


def test_a_model_off_the_ladder_by_which_a_live_heartbeat_stands_stops_that_route_alone(story):
    async def tell(world):
        await world.stop(DECISION)
        off = forged(world, TRIAGE, target="mallory")
        publish(world, off)
        await asyncio.sleep(1)
        assert (world.served(TRIAGE), answers(world, off)) == ("birch", [AckKind.NACK])
        async with beating(world, off):
            await world.until("it is stopped", lambda: world.served(TRIAGE) is None, within_s=5)
            await asyncio.sleep(60)  # far beyond lease and grace: it is renewed
            assert (world.served(TRIAGE), world.served(DRAFTING), world.served(SUPPORT)) == (None, "birch", "atlas")
        assert Reason.REFUSED_BUT_LIVE in reasons(world, ROUTER)

    story(tell)


@pytest.mark.parametrize("under", [SUPPORT, TRIAGE], ids=["its key", "another key"])
def test_a_router_that_starts_later_serves_all_the_same_whatever_was_forged(story, under):
    async def tell(world):
        last = held(world, SUPPORT).version
        for number, wrong in enumerate(
            ({"target": "mallory"}, {"policy_version": 9}, {"slot": "cellar"}, {"weight": 0}), 1
        ):
            change = forged(world, SUPPORT, **wrong)
            change = replace(change, version=last + number, id=f"{change.route.key}@{number}")
            key = under.key.encode()
            world.attack(ROUTES, change.shard, key, world.deployment.seal(change, DECISION))
            await asyncio.sleep(1)
        await asyncio.sleep(90)
        await world.restart(ROUTER)
        await world.until("all are served", lambda: world.served(SUPPORT) == "atlas" and alive(world), within_s=10)

    story(tell)


def read_elsewhere(name, payload):
    """What another implementation reads, whose numbers have no end."""
    schema = known_schemas()[name].parsed
    return _read_py.schemaless_reader(io.BytesIO(payload[HEADER_BYTES:]), schema, schema)


OF_A_TERM = {
    ROUTES: (
        ["birch", None],
        [AckKind.ACK],
        {
            (DECISION, Reason.FOREIGN_RECORD),
            (DECISION, Reason.ROUTER_REFUSED),
            (ROUTER, Reason.NOT_NEWER),
            (ROUTER, Reason.HEADS_DIFFER),
            (ROUTER, Reason.LEASE_OVER),
        },
    ),
    HEARTBEATS: (["atlas", None], [], {(ROUTER, Reason.LEASE_OVER)}),
    AUDIT: (["atlas"], [], {(DECISION, Reason.LOG_GAP)}),
}
"""What a stolen decision key brings about under the term that is the present one: models served, answers, and findings."""


def test_the_highest_term_of_all_ends_in_the_safe_state_and_a_new_root_begins_terms_anew(story):
    async def tell(world):
        highest = forged(world, SUPPORT, term=2**63 - 1, source="atlas", target="birch")
        publish(world, highest)
        await world.until("it counts: it is within policy", lambda: world.served(SUPPORT) == "birch", within_s=3)
        await world.until("lease and grace are over", lambda: world.served(SUPPORT) is None, within_s=30)
        assert alive(world)
        assert Reason.OLD_TERM in reasons(world, ROUTER)
        root = world.deployment.next_root(2)
        world.put(POLICIES, 0, b"root/2", world.deployment.seal(root, "root-1", "root-2"))
        await world.until("the genuine service rules again", lambda: world.served(SUPPORT) == "atlas", within_s=30)
        assert held(world, SUPPORT).order > Order(2, -1, 0)

    story(tell)


@pytest.mark.parametrize("written", [0, 2**63], ids=["0", "2^63"])
@pytest.mark.parametrize("topic", OF_A_TERM, ids=short)
def test_a_term_of_2_to_the_63_is_what_a_plain_0_is_in_a_shard_that_was_claimed_at_0(story, topic, written):
    async def tell(world):
        case = case_of(world, topic)
        assert case.sample.term == 0
        value = case.sealed(term=0) if written == 0 else INPUTS["term_one_too_high"](case).value
        envelope = decode_envelope(value)
        assert read_elsewhere(type(case.sample).__name__, envelope.payload)["term"] == written
        before = len(world.findings())
        partition, key = place_of(world, topic)
        world.attack(topic, partition, key, value)
        seen = []
        for _ in range(60):
            await asyncio.sleep(1)
            seen.append(world.served(SUPPORT))
        found = {(each.service, each.reason) for each in world.findings()[before:]}
        said = event_id(envelope.payload_type, envelope.payload)
        answers = [ack.kind for _, ack in world.read(ACKS, Acknowledgement) if ack.event_id == said]
        assert ([model for model, _ in groupby(seen)], answers, found) == OF_A_TERM[topic]

    story(tell)


def test_a_name_of_any_length_is_answered_in_part(story):
    async def tell(world):
        await world.stop(DECISION)
        change = forged(world, SUPPORT, id="x" * 600_000, target="mallory")
        publish(world, change)
        await asyncio.sleep(2)
        assert answers(world, change) == [AckKind.NACK]
        assert world.served(SUPPORT) == "atlas"

    story(tell)


def test_a_key_of_the_state_topic_that_is_none_ends_nobody(story):
    async def tell(world):
        sealed = world.deployment.seal(case_of(world, STATE).sample, DECISION)
        largest = b"k" * (RECORD_BYTES_MAX - 1_000)
        for key in (b"", b"\xff" * 400_000, largest, b"\xff"):
            world.attack(STATE, SHARD, key, sealed if len(key) < 10 else b"x")
        await world.restart(DECISION)
        await asyncio.sleep(5)
        assert [each for each in reasons(world, DECISION) if each is Reason.STATE_DISAGREES] == []
        world.outcomes["atlas"] = {"timeout": 5}
        await world.until("decision works", lambda: world.served(SUPPORT) == "birch")

    story(tell)


def test_an_old_heartbeat_that_is_repeated_does_not_hide_that_heads_differ(story):
    async def tell(world):
        await world.stop(DECISION)
        old = [record for record, said in world.read(HEARTBEATS, Heartbeat) if said.shard == SHARD][-2]
        unknown = replace(forged(world, SUPPORT), target="birch")
        async with beating(world, unknown):  # which the broker withholds
            for _ in range(100):
                await asyncio.sleep(0.1)
                world.attack(HEARTBEATS, SHARD, old.key, old.value)
        assert Reason.HEADS_DIFFER in reasons(world, ROUTER)

    story(tell)


def entry_of(world, **fields):
    """The state of a route, with other values than decision ever gives it."""
    entry = replace(world.journal(SHARD).state.routes[SUPPORT], **fields)
    return (Entry(f"route/{SUPPORT.key}", encode(entry)),)


IMPOSSIBLE = {
    "an entry of no kind": lambda world: {"entries": (Entry("nonsense/x", b"x"),)},
    "an entry that nobody can read": lambda world: {"entries": (Entry(f"route/{SUPPORT.key}", b"x"),)},
    "an entry that may not go": lambda world: {"entries": (Entry(f"route/{SUPPORT.key}", None),)},
    "a policy that nobody signed": lambda world: {"entries": (Entry("policy/support", b"x"),)},
    "a stable period of all memory": lambda world: {"entries": out_of_bounds(entry_of(world), "flaps")},
    "a version that has no next": lambda world: {"entries": out_of_bounds(entry_of(world), "version")},
}


def out_of_bounds(entries, field):
    """The entry with the largest number in one of its fields; no writer of ours makes it."""
    [entry] = entries
    schema, data = known_schemas()["RouteEntry"].parsed, entry.value[HEADER_BYTES:]
    fields = fastavro.schemaless_reader(io.BytesIO(data), schema, schema)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, fields | {field: 2**31 - 1 if field == "flaps" else 2**63 - 1})
    return (Entry(entry.key, entry.value[:HEADER_BYTES] + out.getvalue()),)


def step(world, **fields):
    """The next step of a shard, signed with the decision key by somebody who stole it."""
    steps = [said for record, said in world.read(AUDIT, AuditRecord) if record.partition == SHARD and said.sequence]
    claims = [
        record.offset
        for record, said in world.read(AUDIT, AuditRecord)
        if record.partition == SHARD and said.kind == "claim"
    ]
    usual = {
        "term": claims[-1],
        "sequence": steps[-1].sequence + 1,
        "now": world.clock.now().wall,
        "inputs": (),
        "changes": (),
    }
    return world.deployment.seal(replace(steps[-1], **{**usual, "entries": (), **fields}), DECISION)


@pytest.mark.parametrize("made", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_step_that_cannot_be_stops_its_shard_and_nobody_else_and_is_told_once(story, made):
    async def tell(world):
        place = world.attack(AUDIT, SHARD, b"0", step(world, **made(world)))
        await asyncio.sleep(90)
        assert (world.served(SUPPORT), alive(world)) == (None, True)
        await world.restart(*SERVICES)
        world.outcomes["birch"] = {"timeout": 5}
        await world.until("the others are decided", lambda: world.served(TRIAGE) == world.served(DRAFTING) == "atlas")
        assert world.served(SUPPORT) is None
        about = [found for found in world.findings() if (found.topic, found.offset) == (place.topic, place.offset)]
        assert {found.reason for found in about if found.service == DECISION} == {Reason.LOG_GAP, Reason.OUT_OF_BOUNDS}
        assert sum(reason is Reason.NOT_DECIDED for reason in reasons(world, DECISION)) == 2  # once by each process
        claims = [
            said
            for record, said in world.read(AUDIT, AuditRecord)
            if record.partition == SHARD and said.kind == "claim"
        ]
        assert len(claims) < 12
        witness = Witness(world.deployment.book())
        for record in world.broker.fetch(Position(AUDIT.name, SHARD), 0, 10_000):
            witness.take(record)
        [replayed] = [
            each for each in await replay(MemoryBus(world.broker), world.deployment.book()) if each.differences
        ]
        assert place.offset in {found.offset for found in replayed.differences}
        assert witness.differences == replayed.differences

    story(tell)


WRONG = {
    "a digest that differs": lambda world: {"state_digest": b"\x07" * 32},
    "inputs that nobody can read": lambda world: {"inputs": (Input(InputKind.RECORD, "nonsense", -7, -9, b"x"),)},
    "a change off the ladder": lambda world: {
        "changes": (world.deployment.seal(forged(world, SUPPORT, target="mallory"), DECISION),)
    },
    "a change that is none": lambda world: {"changes": (b"x",)},
    "a route at a model that nobody approved": lambda world: {"entries": entry_of(world, target="mallory")},
    "a canary beyond its plan": lambda world: {"entries": entry_of(world, canary=a_canary(world, step=7))},
    "a canary of a model that nobody approved": lambda world: {
        "entries": entry_of(world, canary=a_canary(world, model="mallory"))
    },
    "a route that no policy names": lambda world: {
        "entries": (Entry("route/cellar/main/*", entry_of(world)[0].value),)
    },
    "times of the far future": lambda world: {
        "entries": entry_of(world, entered_at=MOMENT_US_MAX),
        "now": MOMENT_US_MAX,
    },
    "words that nobody knows": lambda world: {"entries": entry_of(world, safe_state="nonsense", target=None)},
}


def a_canary(world, **fields):
    return replace(Canary("canary-1", "birch", 0, world.clock.now().wall, Level.HEALTHY, "", b""), **fields)


STOPPING = {"a route that no policy names", "times of the far future"}
"""Of these the ones after which nobody serves the shard: heartbeats stand by what no router can hold, or nothing is decided any more."""


@pytest.mark.parametrize("wrong", WRONG)
def test_a_step_that_does_not_follow_from_its_inputs_serves_nothing_that_policy_forbids_and_ends_nobody(story, wrong):
    async def tell(world):
        place = world.attack(AUDIT, SHARD, b"0", step(world, **WRONG[wrong](world)))
        seen = set()
        for _ in range(60):
            await asyncio.sleep(1)
            seen |= {world.served(SUPPORT)}
        await world.restart(*SERVICES)
        world.outcomes["birch"] = {"timeout": 5}
        await world.until("the others are decided", lambda: world.served(TRIAGE) == world.served(DRAFTING) == "atlas")
        assert world.served(SUPPORT) == (None if wrong in STOPPING else "atlas")
        assert seen <= {world.served(SUPPORT), "atlas"}
        assert Reason.LOG_GAP in reasons(world, DECISION)
        [replayed] = [
            each for each in await replay(MemoryBus(world.broker), world.deployment.book()) if each.differences
        ]
        assert place.offset in {found.offset for found in replayed.differences}

    story(tell)


@pytest.mark.parametrize("topic", [TELEMETRY, POLICIES, HEARTBEATS], ids=["telemetry", "policies", "heartbeats"])
def test_a_flood_stops_no_heartbeat_and_is_counted_to_the_last_record(story, topic):
    async def tell(world):
        began = world.clock.now().wall
        for number in range(FLOOD):
            world.attack(topic, 0, b"key", b"%d %s" % (number, MARKER.encode()))
            if number % 1_000 == 0:
                await asyncio.sleep(0.5)
        await asyncio.sleep(10)
        beats = [said.issued_at for _, said in world.read(HEARTBEATS, Heartbeat) if said.shard == SHARD]
        beats = [at for at in beats if at >= began]
        assert max(after - before for before, after in pairwise(beats)) <= 3_000_000
        assert world.served(SUPPORT) == "atlas"
        assert alive(world)
        reader = {TELEMETRY: HEALTH, POLICIES: DECISION, HEARTBEATS: ROUTER}[topic]
        counted = world.counted(reader, Reason.NOT_AN_ENVELOPE)
        assert counted == FLOOD if topic is not POLICIES else counted >= FLOOD
        told = [found for found in world.findings() if found.topic == topic.name and found.service in SERVICES]
        per_service = max(sum(found.service == service for found in told) for service in SERVICES)
        assert 0 < per_service <= LIKE_FINDINGS_PER_SECOND_MAX * 20
        assert not any(MARKER in found.detail for found in told)

    story(tell)
