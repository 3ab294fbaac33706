"""A shard's owner that starts again: from the state topic and the tail of the log, or at the first doubt from the whole log."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from interlock.records.audit import AuditRecord
from interlock.records.change import AckKind, Acknowledgement, RoutingChange
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.health import Level
from interlock.records.sealing import event_id_of
from interlock.records.state import StateMark, StateRecord
from interlock.records.telling import Finding
from interlock.runtime.bus import Position
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.identifiers import digest, shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import ACKS, AUDIT, COMMANDS, FINDINGS, POLICIES, ROUTES, SHARDS, STATE

SHARD = shard_of("support", SHARDS)
ROUTE = "support/main/*"


def story(world, tell):
    """Run a story in a world where an owner has put the route on its primary, written everything down, and stopped."""

    async def scenario(clock):
        it = world(clock)
        async with it.owner():
            await it.until(lambda: it.published() == "atlas", "the primary")
            for level in (Level.DEGRADED, Level.HEALTHY) * 5:
                it.levels["birch", "latency>2s"] = level
                await asyncio.sleep(2)
            await it.until(it.marked, "everything is on the state topic")
        await tell(it)

    run_virtually(scenario)


async def goes_on(it, targets):
    """The primary dies; a new owner moves the route, having learnt what was before."""
    it.levels["atlas", "unavailable"] = Level.UNAVAILABLE
    async with it.owner():
        await it.until(lambda: it.published() == "birch", "the fallback")
        await it.until(it.marked, "everything is on the state topic")
    assert it.targets() == targets
    assert it.replayed().differences == []


def test_a_start_reads_the_tail_of_the_log_alone(world):
    async def tell(it):
        assert it.starts() == {"log": 1, "records": 1}
        assert len(it.records(AUDIT)) > 10
        await goes_on(it, [None, "atlas", "birch"])
        assert it.starts() == {"log": 1, "state": 1, "records": 2}  # the marked step, and the claim
        assert it.reasons() == []

    story(world, tell)


def test_the_first_start_of_all_complains_of_nothing(world):
    async def tell(it):
        assert it.reasons() == []

    story(world, tell)


def removed(it):
    for key in it.last_of(STATE):
        it.append(STATE, key, None)


def unmarked(it):
    it.append(STATE, f"shard/{SHARD}", None)


def forged(it):
    it.append(STATE, f"route/{ROUTE}", b"rubbish")


def overwritten(it):
    """With an older record of the same key, really signed."""
    older = next(record for record in it.records(STATE) if record.key == f"route/{ROUTE}".encode())
    assert older.value != it.last_of(STATE)[f"route/{ROUTE}"]
    it.append(STATE, f"route/{ROUTE}", older.value)


def withheld(it):
    it.append(STATE, "verdict/birch/*/unavailable", None)


def added(it):
    said = StateRecord("decision-1", SHARD, "climbs", b"", 1, 0)
    it.append(STATE, "climbs", it.deployment.seal(said, "decision-1"))


def beyond(it):
    """The mark of another log, which is longer."""
    mark = replace(it.read(STATE, StateMark)[-1], offset=1_000)
    it.append(STATE, f"shard/{SHARD}", it.deployment.seal(mark, "decision-1"))


def route_removed(it):
    it.append(ROUTES, ROUTE, None)


def route_overwritten(it):
    it.append(ROUTES, ROUTE, it.records(ROUTES)[0].value)


def route_signed_by_nobody(it):
    broken = bytearray(it.last_of(ROUTES)[ROUTE])
    broken[-2] ^= 1
    it.append(ROUTES, ROUTE, bytes(broken))


TAMPERED = [
    removed,
    unmarked,
    forged,
    overwritten,
    withheld,
    added,
    beyond,
    route_removed,
    route_overwritten,
    route_signed_by_nobody,
]


@pytest.mark.parametrize("tamper", TAMPERED)
def test_at_any_doubt_the_whole_log_is_read_and_the_same_is_ordered(world, tamper):
    async def tell(it):
        tamper(it)
        await goes_on(it, [None, "atlas", "birch"])
        assert it.starts()["log"] == 2
        assert it.reasons() == [Reason.STATE_DISAGREES]
        async with it.owner():  # by then everything has been put right
            await it.until(lambda: it.starts().get("state") == 1, "a start from the state topic")
        assert it.reasons() == [Reason.STATE_DISAGREES]

    story(world, tell)


OF_THE_TAIL = {
    "the order at the mark": (lambda it, before: before, []),
    "an order after it": (lambda it, before: it.records(ROUTES)[-1].value, []),
    "an older one, really signed": (lambda it, before: it.records(ROUTES)[0].value, [Reason.FOREIGN_RECORD]),
    "rubbish": (lambda it, before: b"rubbish", [Reason.FOREIGN_RECORD]),
    "nothing": (lambda it, before: None, [Reason.FOREIGN_RECORD]),
}


@pytest.mark.parametrize("case", OF_THE_TAIL)
def test_an_order_that_a_crash_left_is_no_finding_and_one_that_somebody_put_there_is(world, case):
    """The state topic lags behind a change: what stands on the routes topic may be the order before it, or any since."""
    there, reasons = OF_THE_TAIL[case]

    async def tell(it):
        lagging, before = it.last_of(STATE), it.last_of(ROUTES)[ROUTE]
        await goes_on(it, [None, "atlas", "birch"])
        moved = it.records(ROUTES)[-1].value
        value = there(it, before)
        for key in it.last_of(STATE):
            it.append(STATE, key, lagging.get(key))
        it.append(ROUTES, ROUTE, value)
        async with it.owner():
            await it.until(lambda: it.records(ROUTES)[-1].value == moved, "the order in force stands there again")
            await it.until(it.marked, "everything is on the state topic")
        assert it.reasons() == reasons
        assert it.starts()["state"] == 2, "the whole log was not needed"
        if reasons:
            assert it.read(FINDINGS, Finding)[0].digest == digest(value or b"")
        assert it.replayed().differences == []

    story(world, tell)


def test_an_order_that_was_never_published_is_no_finding(world):
    """The route's first order is in the tail, as far as the state topic says, and its owner died before it was published."""

    async def tell(it):
        lagging = it.last_of(STATE)
        await goes_on(it, [None, "atlas", "birch"])
        moved = it.records(ROUTES)[-1].value
        it.append(STATE, f"shard/{SHARD}", lagging[f"shard/{SHARD}"])
        it.append(ROUTES, ROUTE, None)
        async with it.owner():
            await it.until(lambda: it.records(ROUTES)[-1].value == moved, "the order in force stands there again")
        assert it.reasons() == []

    story(world, tell)


def test_what_was_removed_from_the_state_is_removed_from_the_topic(world):
    async def tell(it):
        it.append(STATE, "stray", b"rubbish")
        await goes_on(it, [None, "atlas", "birch"])
        assert "stray" not in it.last_of(STATE)

    story(world, tell)


@pytest.mark.parametrize("first", range(1, 40, 6))
def test_wherever_it_crashes_the_next_owner_goes_on_and_repeats_nothing(world, crashing_bus, first):
    """Just before and just after each publication, on whatever topic: claim, log, routes, heartbeats, state, mark."""

    async def scenario(clock, at, *, after):
        it = world(clock)
        async with it.owner(crashing_bus(it.broker, at, after=after)) as task:
            await it.until(
                lambda: task.done() or (it.published() == "atlas" and it.marked()), "the primary, or the crash"
            )
            it.levels["atlas", "unavailable"] = Level.UNAVAILABLE
            await it.until(
                lambda: task.done() or (it.published() == "birch" and it.marked()), "the fallback, or the crash"
            )
        before, marked = it.targets(), bool(it.read(STATE, StateMark))
        async with it.owner():
            await it.until(lambda: it.published() == "birch" and it.marked(), "the fallback, and everything written")
        assert it.targets()[: len(before)] == before
        assert it.targets() in ([None, "birch"], [None, "atlas", "birch"])
        assert it.replayed().differences == []
        assert it.reasons() == [] or not marked

    for at in range(first, first + 6):
        for after in (False, True):
            run_virtually(partial(scenario, at=at, after=after))


def test_what_is_on_the_topic_and_in_the_state_no_more_is_let_go(world):
    async def tell(it):
        command = Command(
            id="c1",
            deployment="testbed",
            verb=Verb.DISABLE,
            agent="support",
            route="",
            model="birch",
            about="",
            outcome=ReviewOutcome.NONE,
            ticket="",
            reason="maintenance",
            issued_at=it.clock.now().wall,
            expires_at=Micros(it.clock.now().wall + 30 * SECOND),
        )
        it.append(COMMANDS, "support", it.deployment.seal(command, "olga"), 0)
        async with it.owner():
            await it.until(lambda: "disable/c1" in it.last_of(STATE), "the command stands there")
            await it.until(lambda: "disable/c1" not in it.last_of(STATE), "it has expired")
            await it.until(it.marked, "everything is on the state topic")
        async with it.owner():
            await it.until(lambda: it.starts().get("state") == 2, "a start from the state topic")
        assert it.reasons() == []

    story(world, tell)


def refuse_others(it, count):
    """Say of so many changes of other shards that a router refused them."""
    for number in range(count):
        said = Acknowledgement("gateway-1", AckKind.NACK, f"x/main/*@{number}", b"", "", it.clock.now().wall)
        it.append(ACKS, "gateway-1", it.deployment.seal(said, "gateway-1"), 1)


def refusal(it):
    """What a router says that refuses the current change."""
    change = it.read(ROUTES, RoutingChange)[-1]
    return Acknowledgement("gateway-1", AckKind.NACK, change.id, event_id_of(change), "denied", it.clock.now().wall)


def heard(it):
    """Up to where that partition need not be heard again, by the state topic."""
    read_to = {(read.topic, read.partition): read.offset for read in it.read(STATE, StateMark)[-1].positions}
    return read_to.get((ACKS.name, 1))


def test_commands_and_refusals_are_not_heard_again(world):
    async def tell(it):
        refuse_others(it, 50)
        await goes_on(it, [None, "atlas", "birch"])
        assert heard(it) == 50

    story(world, tell)


def test_a_topic_that_lost_its_end_is_heard_anew_and_people_are_told(world):
    async def tell(it):
        refuse_others(it, 3)
        await goes_on(it, [None, "atlas", "birch"])
        assert heard(it) == 3
        it.broker._logs[Position(ACKS.name, 1)].clear()  # the topic was made anew, or its brokers lost their disks
        it.levels["birch", "unavailable"] = Level.UNAVAILABLE
        async with it.owner():
            await it.until(lambda: len(it.targets()) == 4, "the safe state")
            await it.until(it.marked, "everything is on the state topic")
        assert heard(it) == 0
        async with it.owner():
            it.append(ACKS, "gateway-1", it.deployment.seal(refusal(it), "gateway-1"), 1)
            await it.until(lambda: Reason.ROUTER_REFUSED in it.reasons(), "what comes now is heard")
            await it.until(lambda: heard(it) == 1, "it is remembered how far")
        async with it.owner():
            await asyncio.sleep(5)
        assert it.reasons() == [Reason.TOPIC_SHORTER, Reason.ROUTER_REFUSED]

    story(world, tell)


def test_a_routers_refusal_is_a_finding_and_is_journalled_once(world):
    async def tell(it):
        said = refusal(it)
        forged = it.deployment.seal(replace(said, router="olga"), "olga")
        obeyed = it.deployment.seal(replace(said, kind=AckKind.ACK), "gateway-1")
        for sealed in (forged, obeyed, *[it.deployment.seal(said, "gateway-1")] * 3):
            it.append(ACKS, "gateway-1", sealed, 2)
        async with it.owner():
            await it.until(lambda: Reason.ROUTER_REFUSED in it.reasons(), "the refusal is told")
            await asyncio.sleep(5)
            await it.until(it.marked, "everything is on the state topic")
        async with it.owner():  # what was heard is not heard again
            await asyncio.sleep(5)
        assert it.reasons() == [Reason.ROLE_NOT_ALLOWED, Reason.ROUTER_REFUSED]
        inputs = [given.topic for step in it.read(AUDIT, AuditRecord) for given in step.inputs]
        assert inputs.count(ACKS.name) == 1
        assert it.replayed().differences == []

    story(world, tell)


def test_of_several_verdicts_that_nobody_heard_the_last_one_counts(world):
    async def tell(it):
        for level in (Level.UNAVAILABLE, Level.HEALTHY):
            it.levels["atlas", "unavailable"] = level
            it.say_once()
            await asyncio.sleep(0.5)
        async with it.owner():
            await it.until(it.marked, "it has started again")
            await asyncio.sleep(3)
        assert it.targets() == [None, "atlas"]

    story(world, tell)


def test_a_policy_that_was_replaced_is_no_finding_when_its_topic_is_read_again_and_is_one_when_it_comes_anew(world):
    async def tell(it):
        key, policies = (
            "policy/support",
            {n: it.deployment.policy("support", ["atlas", "birch"], version=n) for n in (1, 2)},
        )
        it.append(POLICIES, key, policies[2], 0)
        async with it.owner():
            await it.until(lambda: len(it.targets()) == 3, "the new policy is in force")
        async with it.owner():
            await it.until(lambda: it.starts().get("state") == 2, "a second start")
            await asyncio.sleep(2)
            assert it.reasons() == []
            it.append(POLICIES, key, policies[1], 0)
            await it.until(lambda: it.reasons() == [Reason.POLICY_OLDER], "the finding")

    story(world, tell)
