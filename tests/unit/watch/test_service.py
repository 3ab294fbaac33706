"""The whole watch on the memory bus, in virtual time."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import Cause, RoutingChange, Trigger
from interlock.records.commands import Command, Verb
from interlock.records.documents import Unnotified, Webhook
from interlock.records.log import NO_TERM
from interlock.records.sealing import event_id_of, open_sealed
from interlock.records.telling import Breach, Finding, Notice, NoticeKind
from interlock.runtime.bus import Position, Publisher, Reader, Record
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.signing.roles import Role
from interlock.signing.trust import Grant
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.in_memory import shell
from interlock.testing.virtual_time import START, VirtualClock, run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.limits import MOMENT_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.watch.breaches import TURNS_PER_CHANNEL
from interlock.watch.instruments import Instruments
from interlock.watch.service import GROUP, open_service
from interlock.watch.settings import WatchSettings
from interlock.wire.topics import AUDIT, BY_NAME, COMMANDS, FINDINGS, NOTICES, POLICIES, SHARDS

DEPLOYMENT = Deployment(now=START)
SHARD = shard_of("support", SHARDS)
LOG = Position(AUDIT.name, SHARD)
WORDS = Position(NOTICES.name, 0)
LAST = Webhook("https://last.example.com/", False)


@dataclass
class Unreliable:
    """A publisher that fails as the world says: before the record is appended, or after."""

    publisher: Publisher
    world: "World"

    async def publish(
        self, topic: str, key: str, value: bytes | None, *, partition: int | None = None, trace: str = ""
    ) -> int:
        before, after = topic in self.world.failing, topic in self.world.lying
        if before:
            self.world.failing.remove(topic)
        else:
            offset = await self.publisher.publish(topic, key, value, partition=partition, trace=trace)
        if after:
            self.world.lying.remove(topic)
        if before or after:
            raise InfrastructureError("The broker did not answer.", "Try again.")
        return offset


class Ailing(MemoryBus):
    """A bus whose reader of the log takes its time, and whose publications fail, as the world says."""

    def __init__(self, world: "World") -> None:
        super().__init__(world.broker)
        self.world = world

    async def publisher(self) -> Publisher:
        return Unreliable(await super().publisher(), self.world)

    async def reader(self, topics: Sequence[str], **options: Any) -> Reader:
        reader = await super().reader(topics, **options)
        read = reader.batch

        async def batch(**options: Any) -> list[Record]:
            await asyncio.sleep(self.world.log_takes_s)
            return await read(**options)

        if topics == [AUDIT.name]:
            reader.batch = batch  # type: ignore[method-assign]
        return reader


class World:
    """A broker, a last channel, a hand that writes the log and the notices, and watches that come and go."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.broker = MemoryBroker(clock=clock)
        self.received: list[tuple[float, str]] = []
        self.bodies: list[bytes] = []
        self.log_takes_s = 0.0
        self.under_way = self.under_way_most = 0
        self.fault = ""
        self.failing: list[str] = []
        self.lying: list[str] = []
        self.readiness = Readiness("audit")
        self.term = NO_TERM
        self.sequence = 0

    async def send(self, to: Webhook, message_id: str, body: bytes, now: Micros) -> str:
        assert to == LAST
        self.received.append((self.age_s(), message_id))
        self.bodies.append(body)
        self.under_way += 1
        self.under_way_most = max(self.under_way, self.under_way_most)
        await asyncio.sleep(0.01)
        self.under_way -= 1
        return self.fault

    def age_s(self) -> float:
        return round(self.clock.now().boot / SECOND, 1)

    def publish_policy(self, unnotified: Unnotified = Unnotified.RECORD, last: Webhook | None = LAST) -> None:
        rule = DEPLOYMENT.rule(["atlas", "birch"])
        policy = replace(DEPLOYMENT.policy_of("support", rule), unnotified=unnotified, last_channel=last)
        self.broker.append(Position(POLICIES.name, 0), b"policy/support", DEPLOYMENT.seal(policy, "grace", "oscar"))

    def claim(self) -> None:
        said = AuditRecord(SHARD, AuditKind.CLAIM, "decision-1", NO_TERM, 0, START, (), (), (), b"")
        self.term = self.broker.append(LOG, b"0", DEPLOYMENT.seal(said, "decision-1"))

    def change(self, version: int, *, by: str = "decision-1", **fields: Any) -> bytes:
        """Append a step with one change; its identity."""
        self.sequence += 1
        issued_at = self.clock.now().wall
        change = replace(DEPLOYMENT.change(shard=SHARD, term=self.term, version=version, issued_at=issued_at), **fields)
        sealed = DEPLOYMENT.seal(change, "decision-1")
        said = AuditRecord(SHARD, AuditKind.STEP, by, self.term, self.sequence, START, (), (sealed,), (), b"")
        self.broker.append(LOG, b"0", DEPLOYMENT.seal(said, by))
        opened = open_sealed(sealed, DEPLOYMENT.root, RoutingChange)
        assert isinstance(opened, Verified)
        return opened.event_id

    def pretend_breach(self, event_id: bytes, *, by: str = "watch-1", age_s: float = 0) -> None:
        at = Micros(self.clock.now().wall - seconds(age_s))
        fields = ("x", event_id, "support", "support/main/*", at, seconds(300), False, "")
        self.broker.append(Position(NOTICES.name, 0), b"x", DEPLOYMENT.seal(Breach(by, *fields, at), by))

    def notice(self, event_id: bytes, kind: NoticeKind = NoticeKind.ACCEPTED, *, by: str = "notifier-1") -> None:
        now = self.clock.now().wall
        said = Notice("x", event_id, "support", "webhook:x", 1, kind, 200, "", now, now)
        self.broker.append(Position(NOTICES.name, 0), b"x", DEPLOYMENT.seal(said, by))

    def hand_over(self, *roles: Role, to: str) -> None:
        """A second trust root, in which somebody else alone has these roles."""
        root, key = DEPLOYMENT.next_root(2), (DEPLOYMENT.key(to).keyid,)
        grants = (Grant(each.role, 1, key) if each.role in roles else each for each in root.grants)
        sealed = DEPLOYMENT.seal(replace(root, grants=tuple(grants)), "root-1", "root-2")
        self.broker.append(Position(POLICIES.name, 0), b"root/2", sealed)

    def breaches(self) -> list[Breach]:
        return list(self._said(NOTICES.name, Breach))

    def commands(self) -> list[Command]:
        return list(self._said(COMMANDS.name, Command))

    def findings(self) -> list[Reason]:
        return [Reason(found.reason) for found in self._said(FINDINGS.name, Finding)]

    def committed(self, where: Position = LOG) -> int:
        return self.broker.committed(GROUP, where)

    def _said(self, topic: str, kind: Any) -> Iterator[Any]:
        for n in range(BY_NAME[topic].partitions):
            for record in self.broker.fetch(Position(topic, n), 0, 1_000):
                opened = open_sealed(record.value, DEPLOYMENT.root, kind)
                if isinstance(opened, Verified):
                    yield opened.value

    @asynccontextmanager
    async def watch(self):
        """A watch at work; leaving asks it to stop and waits until it has."""
        stop = Stop()
        running = asyncio.create_task(self._run(stop))
        try:
            yield
        finally:
            stop.request()
            await running

    async def killed_watch(self, after_s: float = 0.0) -> None:
        """A watch that is killed after that time, in the middle of whatever it does."""
        running = asyncio.create_task(self._run(Stop()))
        await asyncio.sleep(after_s)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def _run(self, stop: Stop) -> None:
        settings = WatchSettings.model_construct()
        async with shell(Ailing(self), "watch-1", DEPLOYMENT, self.clock) as it:
            its = replace(it, readiness=self.readiness)
            async with open_service(its, settings, self, Instruments(it.metrics)) as self.service:
                await self.service.run(stop)


def virtual(scenario: Callable[[World], Awaitable[None]]) -> None:
    run_virtually(lambda clock: scenario(World(clock)))


def test_a_change_that_nobody_was_told_of_is_one_breach_a_finding_and_a_word_on_the_last_channel():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            await asyncio.sleep(299)
            assert world.breaches() == []
            await asyncio.sleep(6)
            (breach,) = world.breaches()
            assert breach.event_id == event_id
            assert not breach.suspends
            assert 300 * SECOND <= breach.at - breach.change_issued_at <= 305 * SECOND
            await asyncio.sleep(600)
        assert world.breaches() == [breach]
        assert world.findings() == [Reason.NOTICE_OVERDUE]
        assert [message for _, message in world.received] == [f"breach-{event_id.hex()}"]
        assert world.commands() == []

    virtual(scenario)


def test_a_receipt_in_time_leaves_nothing_to_do():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            await asyncio.sleep(298)
            world.notice(event_id)
            await asyncio.sleep(300)
        assert (world.breaches(), world.commands(), world.received, world.findings()) == ([], [], [], [])

    virtual(scenario)


def test_where_policy_says_so_the_route_is_suspended():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            await asyncio.sleep(305)
        (command,) = world.commands()
        assert (command.verb, command.agent, command.route) == (Verb.SUSPEND, "support", "support/main/*")
        assert command.id == f"unnotified-{event_id.hex()}"
        (breach,) = world.breaches()
        assert breach.suspends

    virtual(scenario)


def test_a_suspension_that_a_breach_brought_about_is_a_breach_and_brings_about_no_other():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            world.change(1, cause=Cause(Trigger.UNNOTIFIED, None, ""))
            await asyncio.sleep(305)
        (breach,) = world.breaches()
        assert not breach.suspends
        assert world.commands() == []
        assert len(world.received) == 1

    virtual(scenario)


@pytest.mark.parametrize(("unnotified", "stopped"), [(Unnotified.RECORD, 0), (Unnotified.OTHER, 1)])
def test_a_word_of_a_later_policy_language_stops_rather_than_goes_on(unnotified: Unnotified, stopped: int):
    async def scenario(world: World) -> None:
        world.publish_policy(unnotified)
        world.claim()
        async with world.watch():
            world.change(1)
            await asyncio.sleep(305)
        assert len(world.commands()) == stopped

    virtual(scenario)


def test_without_a_policy_the_breach_is_recorded_and_says_that_nobody_is_named():
    async def scenario(world: World) -> None:
        world.claim()
        async with world.watch():
            world.change(1)
            await asyncio.sleep(305)
        (breach,) = world.breaches()
        assert "no policy of support is held" in breach.detail
        assert (world.received, world.commands()) == ([], [])

    virtual(scenario)


def test_without_a_last_channel_the_breach_is_recorded_all_the_same():
    async def scenario(world: World) -> None:
        world.publish_policy(last=None)
        world.claim()
        async with world.watch():
            world.change(1)
            await asyncio.sleep(305)
        assert (len(world.breaches()), world.received) == (1, [])
        assert world.findings() == [Reason.NOTICE_OVERDUE]

    virtual(scenario)


def test_a_receipt_after_the_breach_does_not_erase_it_and_a_restart_does_not_repeat_it():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            await asyncio.sleep(305)
            world.notice(event_id)
            await asyncio.sleep(5)
        for _ in range(3):
            await world.killed_watch(3)
        assert (len(world.breaches()), len(world.commands())) == (1, 1)

    virtual(scenario)


def test_what_came_due_while_no_watch_ran_is_a_breach_at_once():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        late = world.change(1)
        told = world.change(2)
        await asyncio.sleep(10)
        world.notice(told)
        await asyncio.sleep(4_000)
        async with world.watch():
            await asyncio.sleep(1)
            assert [breach.event_id for breach in world.breaches()] == [late]
            assert len(world.commands()) == len(world.received) == 1

    virtual(scenario)


def test_a_receipt_that_came_late_while_no_watch_ran_hides_nothing():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        event_id = world.change(1)
        await asyncio.sleep(400)
        world.notice(event_id)
        async with world.watch():
            await asyncio.sleep(1)
        (breach,) = world.breaches()
        assert breach.detail == "it was accepted too late"

    virtual(scenario)


def test_while_the_broker_is_away_nothing_is_judged_and_on_return_receipts_are_heard_first():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            told, late = world.change(1), world.change(2)
            await asyncio.sleep(290)
            assert world.readiness.ready
            world.notice(told)
            world.broker.reachable = False
            await asyncio.sleep(20)
            assert not world.readiness.ready
            assert not world.service.well(15)
            world.broker.reachable = True
            await asyncio.sleep(3)
            assert [breach.event_id for breach in world.breaches()] == [late]
            assert world.readiness.ready
            assert world.service.well(5)

    virtual(scenario)


def test_it_gives_up_when_the_broker_stays_away_so_that_it_is_started_anew():
    async def scenario(world: World) -> None:
        world.broker.reachable = True
        running = asyncio.create_task(world._run(Stop()))
        await asyncio.sleep(1)
        world.broker.reachable = False
        with pytest.raises(BaseExceptionGroup) as failed:
            await running
        assert failed.group_contains(InfrastructureError)

    virtual(scenario)


@pytest.mark.parametrize(
    "hostile",
    [{"id": ""}, {"id": "x" * 600_000}, {"slot": "ma/in"}, {"issued_at": Micros(MOMENT_US_MAX)}, {"safe_state": "\n"}],
    ids=lambda fields: next(iter(fields)),
)
def test_no_change_that_a_decision_key_signs_silences_the_watch(hostile: dict[str, Any]):
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            world.change(1, **hostile)
            event_id = world.change(2)
            await asyncio.sleep(305)
        assert event_id in {breach.event_id for breach in world.breaches()}

    virtual(scenario)


def test_a_step_that_does_not_count_owes_nothing():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        zombie = world.term
        world.claim()
        world.term = zombie
        async with world.watch():
            world.change(1)
            await asyncio.sleep(305)
        assert (world.breaches(), world.findings()) == ([], [])

    virtual(scenario)


@pytest.mark.parametrize("forger", ["gateway-1", "decision-1", "watch-1"])
def test_a_receipt_that_no_notifier_signed_settles_nothing(forger: str):
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            world.notice(event_id, by=forger)
            await asyncio.sleep(305)
        assert [breach.event_id for breach in world.breaches()] == [event_id]
        assert world.findings() == [Reason.ROLE_NOT_ALLOWED, Reason.NOTICE_OVERDUE]

    virtual(scenario)


def test_a_breach_that_no_watch_signed_silences_nobody():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            world.pretend_breach(world.change(1), by="notifier-1")
            await asyncio.sleep(305)
        assert len(world.breaches()) == len(world.received) == 1

    virtual(scenario)


def test_the_last_channel_is_tried_until_it_accepts():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.fault = "it answered 500"
        async with world.watch():
            event_id = world.change(1)
            await asyncio.sleep(310)
            world.fault = ""
            await asyncio.sleep(900)
        first = world.received[0][0]
        assert [round(at - first) for at, _ in world.received] == [0, 2, 5, 10]
        assert {message for _, message in world.received} == {f"breach-{event_id.hex()}"}
        assert world.findings() == [Reason.NOTICE_OVERDUE]

    virtual(scenario)


def test_a_last_channel_that_never_accepts_is_a_finding():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.fault = "it answered 500"
        async with world.watch():
            world.change(1)
            await asyncio.sleep(1_000)
        assert round(world.received[-1][0] - world.received[0][0]) == 600
        assert world.findings() == [Reason.NOTICE_OVERDUE, Reason.LAST_CHANNEL_SILENT]

    virtual(scenario)


def test_a_watch_that_is_killed_before_the_last_channel_accepted_tells_it_after_the_restart_under_the_same_id():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.fault = "it answered 500"
        event_id = world.change(1)
        await world.killed_watch(303)
        tried = len(world.received)
        world.fault = ""
        async with world.watch():
            await asyncio.sleep(5)
        assert (len(world.breaches()), len(world.received)) == (1, tried + 1)
        assert {message for _, message in world.received} == {f"breach-{event_id.hex()}"}

    virtual(scenario)


def test_what_was_on_record_long_ago_is_told_to_nobody_again():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.pretend_breach(world.change(1), age_s=601)
        world.pretend_breach(world.change(2), age_s=599)
        async with world.watch():
            await asyncio.sleep(5)
        assert len(world.received) == 1

    virtual(scenario)


@pytest.mark.parametrize("topic", [COMMANDS.name, NOTICES.name])
def test_what_could_not_be_put_on_record_is_tried_again_and_told_once(topic: str):
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        world.failing.extend([topic] * 3)
        async with world.watch():
            world.change(1)
            await asyncio.sleep(310)
        assert world.failing == []
        assert len(world.breaches()) == len(world.received) == 1
        assert len({command.id for command in world.commands()}) == 1

    virtual(scenario)


def test_a_breach_that_was_appended_though_the_broker_did_not_say_so_is_not_repeated():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.lying.append(NOTICES.name)
        async with world.watch():
            world.change(1)
            await asyncio.sleep(310)
        assert world.lying == []
        assert len(world.breaches()) == len(world.received) == 1

    virtual(scenario)


def test_two_watches_order_the_same_suspension_and_mean_one_breach():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch(), world.watch():
            event_id = world.change(1)
            await asyncio.sleep(310)
        assert {breach.event_id for breach in world.breaches()} == {event_id}
        assert len({event_id_of(command) for command in world.commands()}) == 1
        assert {message for _, message in world.received} == {f"breach-{event_id.hex()}"}

    virtual(scenario)


def test_a_storm_of_breaches_is_on_record_in_time():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            changes = {world.change(version) for version in range(1, 301)}
            await asyncio.sleep(305)
            assert {breach.event_id for breach in world.breaches()} == changes
            assert len(world.commands()) == 300
            assert len(world.received) == 300
            assert world.under_way_most == TURNS_PER_CHANNEL

    virtual(scenario)


def test_what_is_committed_is_the_claim_of_the_oldest_change_that_is_not_settled():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            world.change(1)
            await asyncio.sleep(3)
            world.claim()
            await asyncio.sleep(3)
            assert (world.committed(), world.term) == (0, 2)
            await asyncio.sleep(300)
            assert world.committed() == 2

    virtual(scenario)


def test_after_a_restart_the_notices_before_the_last_claim_are_not_read_again():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            world.notice(world.change(1))
            await asyncio.sleep(3)
            assert world.committed(WORDS) == 0
            world.claim()
            await asyncio.sleep(3)
            assert world.committed(WORDS) == 1
            told = world.change(2)
            world.notice(told)
            await asyncio.sleep(3)
            assert world.committed(WORDS) == 1
        async with world.watch():
            await asyncio.sleep(400)
        assert world.breaches() == []

    virtual(scenario)


def test_the_notifiers_new_key_is_known_before_its_receipt_is_judged():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            await asyncio.sleep(5)
            world.hand_over(Role.NOTIFIER, to="probe-1")
            world.notice(event_id, by="probe-1")
            await asyncio.sleep(305)
        assert (world.breaches(), world.findings()) == ([], [])

    virtual(scenario)


def test_what_was_said_stands_after_a_restart_though_the_key_that_signed_it_is_gone():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            world.notice(world.change(1))
            world.change(2)
            await asyncio.sleep(305)
            (breach,) = world.breaches()
            world.hand_over(Role.NOTIFIER, Role.WATCH, to="probe-1")
            await asyncio.sleep(2)
        world.received.clear()
        async with world.watch():
            await asyncio.sleep(305)
        assert world.breaches() == [breach]
        assert len(world.commands()) == 1
        assert world.findings() == [Reason.NOTICE_OVERDUE]

    virtual(scenario)


def test_a_key_that_is_gone_says_nothing_of_what_was_changed_since():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            world.hand_over(Role.NOTIFIER, to="probe-1")
            await asyncio.sleep(2)
            world.notice(world.change(1, root_version=2))
            await asyncio.sleep(305)
            assert len(world.breaches()) == 1

    virtual(scenario)


def test_what_is_on_record_is_what_the_last_channel_is_told():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            world.notice(event_id, NoticeKind.FAILED)
            await asyncio.sleep(305)
        (breach,) = world.breaches()
        told = json.loads(world.bodies[0])
        assert told["type"] == "interlock.breach"
        assert told["data"]["event_id"] == event_id.hex()
        assert told["data"]["detail"] == breach.detail == "failed attempts: 1, the last on webhook:x:"
        assert told["data"]["suspends"] is True
        assert "only a signed resume" in told["data"]["text"]
        assert len(world.bodies[0]) < 20_000

    virtual(scenario)


def test_what_is_said_while_the_log_is_still_being_read_is_held_against_nobody():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        event_id = world.change(1)
        await asyncio.sleep(290)
        world.log_takes_s = 20
        async with world.watch():
            await asyncio.sleep(5)
            world.notice(event_id)
            await asyncio.sleep(60)
        assert world.breaches() == []

    virtual(scenario)


def test_a_watch_whose_clock_is_set_wrong_accuses_nobody_early_and_nobody_late():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            await asyncio.sleep(5)
            world.clock.stepped = seconds(-4_000)
            late = world.change(1)
            world.clock.stepped = seconds(4_000)
            told = world.change(2, issued_at=START)
            await asyncio.sleep(200)
            assert world.breaches() == []
            world.notice(told)
            world.clock.stepped = seconds(-9_000)
            await asyncio.sleep(105)
            assert [breach.event_id for breach in world.breaches()] == [late]

    virtual(scenario)


def test_a_watch_that_cannot_put_a_breach_on_record_is_not_well():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            world.change(1)
            await asyncio.sleep(295)
            world.failing.extend([NOTICES.name] * 12)
            assert world.readiness.ready
            await asyncio.sleep(15)
            assert not world.readiness.ready
            assert not world.service.well(5)
            await asyncio.sleep(10)
            assert world.readiness.ready
        assert len(world.breaches()) == 1

    virtual(scenario)


def test_a_stop_leaves_what_is_still_being_told_to_the_next_start():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.fault = "it answered 500"
        async with world.watch():
            world.change(1)
            await asyncio.sleep(305)
        assert world.age_s() < 310

    virtual(scenario)
