"""The real decision service and the real subscriber on the bus in memory, in virtual time."""

import asyncio
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace

import pytest

from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.records.audit import AuditRecord
from interlock.records.change import Acknowledgement, RoutingChange
from interlock.records.documents import Denial
from interlock.records.health import Level, Verdict
from interlock.records.log import ShardLog
from interlock.records.rules import CanaryPlan, Mode, SafeReply, SafeState
from interlock.records.sealing import open_sealed
from interlock.records.telling import Finding
from interlock.router.answers import Serve
from interlock.router.marks_file import MarksFile
from interlock.router.subscribing import open_subscriber
from interlock.runtime.bus import Position
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.tracing import Tracing
from interlock.signing.keys import KeyKind
from interlock.testing.builders import Deployment, model
from interlock.testing.driver import OBJECTIVES, ROUTE
from interlock.testing.in_memory import run_decision, shell
from interlock.testing.router_driver import TERMS
from interlock.testing.stories import DOWN, slow
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import ACKS, AUDIT, FINDINGS, POLICIES, ROUTES, SHARDS, VERDICTS
from interlock.wire.trace import NO_TRACE

AGENT = "support"
SHARD = shard_of(AGENT, SHARDS)
STEPS = (5, 50)
PLAN = CanaryPlan(STEPS, calls_min=5, time_min_us=Micros(2 * SECOND), wait_max_us=Micros(60 * SECOND))


class World:
    """A broker, and what stands around it: people, the health-monitor, one decision service, one router."""

    def __init__(self, clock, folder, deployment=None, sink=None):
        self.clock = clock
        self.tracing = Tracing(clock, sink)
        self.header = NO_TRACE
        self.deployment = deployment or Deployment()
        self.broker = MemoryBroker(clock=clock)
        self.folder = folder
        self.levels = {}

    def append(self, topic, key, value, partition):
        return self.broker.append(Position(topic.name, partition), key.encode(), value, self.header)

    def publish_policy(self, ladder=("atlas", "birch"), *, version=1, **fields):
        policy = self.deployment.policy_of(AGENT, self.deployment.rule(ladder, **fields), version=version)
        self.append(POLICIES, f"policy/{AGENT}", self.deployment.seal(policy, "grace", "oscar"), 0)

    async def judge(self):
        """The health-monitor: says every second what `levels` holds."""
        while True:
            now = self.clock.now().wall
            for (name, objective), level in self.levels.items():
                said = Verdict(
                    name, "*", objective, level, f"it is {level}", 9, ("gateway-1",), now, now, Micros(now + 5 * SECOND)
                )
                self.append(VERDICTS, said.key, self.deployment.seal(said, "health-1"), 0)
            await asyncio.sleep(1)

    def healthy(self, *models):
        self.levels |= {(name, objective): Level.HEALTHY for name in models for objective in OBJECTIVES}

    def fail(self, name):
        self.levels[name, "unavailable"] = Level.UNAVAILABLE

    def judge_canary(self, level):
        """The health-monitor judges the step that is in progress."""
        change = self.read(ROUTES, RoutingChange)[-1]
        self.levels[change.target, f"canary.{change.canary}.{STEPS.index(change.weight)}"] = level

    @asynccontextmanager
    async def shell(self, owner, bus=None):
        async with shell(bus or MemoryBus(self.broker), owner, self.deployment, self.clock) as it:
            yield replace(it, tracing=self.tracing)

    @asynccontextmanager
    async def decision(self, owner="decision-1", instance="", bus=None):
        stop = Stop()
        async with self.shell(owner, bus) as it:
            task = asyncio.create_task(run_decision(it, stop, instance))
            try:
                yield task
            finally:
                stop.request()
                with suppress(asyncio.CancelledError, InfrastructureError):
                    await task

    @asynccontextmanager
    async def router(self):
        stop = Stop()
        async with self.shell("gateway-1") as it:
            with closing(MarksFile(self.folder / "marks.db")) as marks:
                subscriber = await open_subscriber(it, marks, TERMS)
                task = asyncio.create_task(subscriber.run(stop))
                try:
                    yield subscriber
                finally:
                    stop.request()
                    await task

    def read(self, topic, record, partitions=SHARDS):
        """Every record of a topic that verifies."""
        found = []
        for partition in range(partitions):
            where = Position(topic.name, partition)
            for each in self.broker.fetch(where, 0, 100_000):
                opened = open_sealed(each.value, self.deployment.root, record)
                if hasattr(opened, "value"):
                    found.append(opened.value)
        return found

    def changes(self):
        return [change.target for change in self.read(ROUTES, RoutingChange)]

    def weights(self):
        return [(change.target, change.weight) for change in self.read(ROUTES, RoutingChange)]

    def reasons(self):
        return [finding.reason for finding in self.read(FINDINGS, Finding)]

    def replay(self):
        """The shard's log, decided again from nothing."""
        journal = Journal(State.start(SHARD, SHARDS, self.deployment.book()), ShardLog(SHARD), check=True)
        for record in self.broker.fetch(Position(AUDIT.name, SHARD), 0, 100_000):
            journal.take(record.offset, record.value)
        return journal


async def until(condition, what, seconds=60):
    for _ in range(seconds * 20):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never happened: {what}")


def served(subscriber):
    answer = subscriber.resolve(AGENT, "main", "*", None)
    return answer.model.name if isinstance(answer, Serve) else None


def arms(subscriber):
    """The models that 100 requests get; None: one of them gets none."""
    answers = [subscriber.resolve(AGENT, "main", "*", str(key)) for key in range(100)]
    return {answer.model.name if isinstance(answer, Serve) else None for answer in answers}


def story(tmp_path, tell, deployment=None, sink=None, **policy):
    """Run a story in a world whose decision service and router have put the agent on its healthy primary."""

    async def scenario(clock):
        world = World(clock, tmp_path, deployment, sink)
        world.publish_policy(**policy)
        world.healthy("atlas", "birch")
        judge = asyncio.create_task(world.judge())
        async with world.router() as router:
            await tell(world, router)
        judge.cancel()
        assert world.replay().differences == [], "the log that the story made does not replay to the same bytes"

    run_virtually(scenario)


@pytest.mark.parametrize("keys", KeyKind)
def test_the_line_from_verdict_to_served_model(tmp_path, keys):
    async def tell(world, router):
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
            world.fail("atlas")
            await until(lambda: served(router) == "birch", "the fallback is served")
            world.fail("birch")
            await until(lambda: served(router) is None, "the safe state")
            world.healthy("atlas")
            await until(lambda: served(router) == "atlas", "the primary is back")
        assert world.changes() == [None, "atlas", "birch", None, "atlas"]
        acks = [str(ack.kind) for ack in world.read(ACKS, Acknowledgement)]
        assert acks == ["hello", "ack", "ack", "ack", "ack", "ack"]
        journal = world.replay()
        assert (journal.changes, journal.differences) == (5, [])

    story(tmp_path, tell, Deployment(keys=keys))


class Spans(list):
    put = list.append


HEADERS = {
    "none": NO_TRACE,
    "genuine": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "made up": "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-00",
}


def test_whoever_looks_and_whatever_headers_say_the_log_and_the_orders_are_the_same_bytes(tmp_path):
    said, seen = {}, {}

    def world_of(header, sink):
        async def tell(world, router):
            world.header = header
            async with world.decision():
                await until(lambda: served(router) == "atlas", "the primary is served")
                world.fail("atlas")
                await until(lambda: served(router) == "birch", "the fallback is served")
                denial = world.deployment.seal(Denial("d1", "birch", "a leak", world.clock.now().wall), "sam")
                world.append(POLICIES, "deny/d1", denial, 0)
                await until(lambda: served(router) is None, "the safe state")
            said[len(said)] = [
                [record.value for record in world.broker.fetch(Position(topic.name, partition), 0, 100_000)]
                for topic in (AUDIT, ROUTES, ACKS)
                for partition in range(world.broker.partitions(topic.name))
            ]

        return tell

    for number, (name, header) in enumerate(HEADERS.items()):
        for sink in (None, Spans()):
            folder = tmp_path / f"{number}{sink is None}"
            folder.mkdir()
            story(folder, world_of(header, sink), sink=sink)
            seen[name, sink is None] = len(sink or ())
    assert len(said) == 6
    assert all(each == said[0] for each in said.values())
    assert all((spans == 0) == silent for (_, silent), spans in seen.items()), seen


def test_an_order_bears_the_trace_of_its_cause_and_so_does_what_follows_from_it(tmp_path):
    header = HEADERS["genuine"]
    spans = Spans()

    async def tell(world, router):
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
            world.header = header
            world.fail("atlas")
            await until(lambda: served(router) == "birch", "the fallback is served")
            await asyncio.sleep(3)
        traced = {
            topic.name: [
                record.trace[3:35]
                for partition in range(world.broker.partitions(topic.name))
                for record in world.broker.fetch(Position(topic.name, partition), 0, 100_000)
            ]
            for topic in (AUDIT, ROUTES, ACKS)
        }
        steps = {name: found.count(header[3:35]) for name, found in traced.items()}
        assert steps == {AUDIT.name: 2, ROUTES.name: 1, ACKS.name: 1}, "one step takes the verdict down, one orders"
        mine = [span for span in spans if span.trace[3:35] == header[3:35]]
        name_of = {span.trace: span.name for span in mine} | {header: "the verdict"}
        assert {span.name: name_of[span.parent] for span in mine} == {
            "process interlock.verdicts.v1": "the verdict",
            "send interlock.audit.v1": "process interlock.verdicts.v1",
            "send interlock.routes.v1": "process interlock.verdicts.v1",
            "process interlock.routes.v1": "send interlock.routes.v1",
            "persist": "process interlock.routes.v1",
            "send interlock.acks.v1": "process interlock.routes.v1",
            "process interlock.acks.v1": "send interlock.acks.v1",
        }
        assert len(mine) == 7

    story(tmp_path, tell, sink=spans, triggers=(replace(DOWN, for_us=Micros(2 * SECOND)),))


def test_a_decision_service_that_is_killed_and_started_again_repeats_nothing(tmp_path):
    async def tell(world, router):
        async with world.decision() as first:
            await until(lambda: served(router) == "atlas", "the primary is served")
            first.cancel()
        world.fail("atlas")
        await asyncio.sleep(3)
        assert served(router) == "atlas"
        async with world.decision():
            await until(lambda: served(router) == "birch", "the fallback is served")
            await asyncio.sleep(5)
        assert world.changes() == [None, "atlas", "birch"]
        assert world.replay().differences == []

    story(tmp_path, tell)


class FlakyBus(MemoryBus):
    """Loses the second record that is published to the routes topic, and says that it does not know."""

    def __init__(self, broker):
        super().__init__(broker)
        self.published = 0

    async def publisher(self):
        inner = await super().publisher()
        outer = self

        class Flaky:
            async def publish(self, topic, key, value, *, partition=None, trace=""):
                outer.published += topic == ROUTES.name
                if topic == ROUTES.name and outer.published == 2:
                    raise InfrastructureError("The broker did not answer.", "Try again.")
                return await inner.publish(topic, key, value, partition=partition, trace=trace)

        return Flaky()


def test_a_change_that_was_journalled_but_not_published_is_published_by_the_next_term(tmp_path):
    async def tell(world, router):
        async with world.decision(bus=FlakyBus(world.broker)):
            await until(lambda: served(router) == "atlas", "the primary is served")
        assert world.changes() == [None, "atlas"]
        journal = world.replay()
        assert (journal.changes, journal.differences) == (2, [])
        assert journal.state.routes[ROUTE].event_id == router.state.held[ROUTE].change.event_id

    story(tmp_path, tell)


def test_when_decision_is_gone_the_route_is_kept_for_lease_and_grace_and_then_stops(tmp_path):
    async def tell(world, router):
        async with world.decision() as first:
            await until(lambda: served(router) == "atlas", "the primary is served")
            first.cancel()
        await asyncio.sleep(20)
        assert served(router) == "atlas"
        await asyncio.sleep(6)
        assert served(router) is None
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the lease is renewed")

    story(tmp_path, tell)


def test_what_a_thief_puts_on_the_routes_topic_is_refused_and_repaired(tmp_path):
    async def tell(world, router):
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
            genuine = world.broker.fetch(Position(ROUTES.name, SHARD), 0, 100)
            change = world.read(ROUTES, RoutingChange)[-1]
            key = f"{AGENT}/main/*"
            forged = world.deployment.seal(_aimed(change, "zebra", 900), "decision-1")
            stranger = world.deployment.seal(_aimed(change, "birch", 901), "stranger")
            for record in (forged, stranger, genuine[0].value, None):
                world.append(ROUTES, key, record, SHARD)
            await asyncio.sleep(20)
            assert served(router) == "atlas"
            last = world.broker.fetch(Position(ROUTES.name, SHARD), 0, 100)[-1]
            assert last.value == genuine[-1].value
        reasons = world.reasons()
        for reason in (Reason.NOT_ON_LADDER, Reason.NO_SIGNATURE, Reason.NOT_NEWER, Reason.FOREIGN_RECORD):
            assert reason in reasons

    story(tmp_path, tell)


def _aimed(change, target, version):
    return replace(change, target=target, version=version)


def test_a_second_decision_process_takes_over_the_shards_of_the_first(tmp_path):
    async def tell(world, router):
        async with world.decision(instance="a") as first, world.decision(instance="b"):
            await until(lambda: served(router) == "atlas", "the primary is served")
            first.cancel()
            await asyncio.sleep(1)
            world.fail("atlas")
            await until(lambda: served(router) == "birch", "the fallback is served")
        assert world.changes() == [None, "atlas", "birch"]
        assert world.replay().differences == []

    story(tmp_path, tell)


def test_a_silent_health_monitor_does_not_stop_the_agent_at_once_and_does_not_keep_it_for_ever(tmp_path):
    async def tell(world, router):
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
            world.levels.clear()
            await asyncio.sleep(14)
            assert served(router) == "atlas"
            await asyncio.sleep(3)
            assert served(router) is None

    story(tmp_path, tell)


def test_a_denial_reaches_the_router_even_before_the_change_that_follows_from_it(tmp_path):
    async def tell(world, router):
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
            denial = world.deployment.seal(Denial("d1", "atlas", "a leak", world.clock.now().wall), "sam")
            world.append(POLICIES, "deny/d1", denial, 0)
            await until(lambda: served(router) == "birch", "the fallback is served")
        assert world.changes() == [None, "atlas", "birch"]

    story(tmp_path, tell)


def test_flipping_a_bit_of_a_journalled_input_makes_the_replay_fail(tmp_path):
    async def tell(world, router):
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
        log = world.broker.fetch(Position(AUDIT.name, SHARD), 0, 100_000)

        flipped = 0
        for place, record in enumerate(log):
            said = open_sealed(record.value, world.deployment.root, AuditRecord).value
            for number, given in enumerate(said.inputs):
                if not given.value:
                    continue
                broken = bytearray(given.value)
                broken[len(broken) // 2] ^= 1
                inputs = (*said.inputs[:number], replace(given, value=bytes(broken)), *said.inputs[number + 1 :])
                resealed = world.deployment.seal(replace(said, inputs=inputs), "decision-1")
                journal = Journal(State.start(SHARD, SHARDS, world.deployment.book()), ShardLog(SHARD), check=True)
                for other, each in enumerate(log):
                    journal.take(each.offset, resealed if other == place else each.value)
                assert journal.differences
                flipped += 1
        assert flipped >= 9

    story(tmp_path, tell)


def test_a_broader_fallback_is_never_served_though_it_is_the_only_healthy_one(tmp_path):
    async def tell(world, router):
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
            world.fail("atlas")
            await until(lambda: served(router) is None, "the safe state")
            await asyncio.sleep(60)
            assert served(router) is None

    story(tmp_path, tell, ladder=("atlas", model("birch", tools=["search", "shell"])))


def test_the_end_of_a_lease_is_reported(tmp_path):
    async def tell(world, router):
        async with world.decision() as first:
            await until(lambda: served(router) == "atlas", "the primary is served")
            first.cancel()
        await asyncio.sleep(20)
        assert Reason.LEASE_OVER in world.reasons()

    story(tmp_path, tell)


def test_a_second_process_under_one_name_ends_the_first(tmp_path):
    async def tell(world, router):
        async with world.decision() as first:
            await until(lambda: served(router) == "atlas", "the primary is served")
            async with world.decision() as second:
                await until(first.done, "the first gives up")
                with pytest.raises(InfrastructureError, match="name"):
                    first.result()
                world.fail("atlas")
                await until(lambda: served(router) == "birch", "the second decides")
                assert not second.done()

    story(tmp_path, tell)


def test_a_new_trust_root_orders_every_route_again_and_the_log_replays_over_it(tmp_path):
    async def tell(world, router):
        root = world.deployment.seal(world.deployment.next_root(2), "root-1", "root-2")
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
            world.append(POLICIES, "root/2", root, 0)
            await until(lambda: router.state.held[ROUTE].change.value.root_version == 2, "it was ordered again")
            await until(lambda: served(router) == "atlas", "the primary is served under the new root")
        async with world.decision():
            world.fail("atlas")
            await until(lambda: served(router) == "birch", "the fallback is served")
        assert world.changes() == [None, "atlas", "atlas", "birch"]
        assert world.replay().differences == []

    story(tmp_path, tell)


def test_a_router_that_restarts_serves_again_and_complains_of_nothing(tmp_path):
    async def tell(world, router):
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
            world.fail("atlas")
            await until(lambda: served(router) == "birch", "the fallback is served")
            async with world.router() as again:
                assert served(again) is None
                await until(lambda: served(again) == "birch", "the restarted router serves")
            await asyncio.sleep(300)
            async with world.router() as later:
                await until(lambda: served(later) == "birch", "a change past its not-after counts again")
        assert world.reasons() == []

    story(tmp_path, tell)


def test_a_router_that_starts_without_decision_serves_nothing(tmp_path):
    async def tell(world, router):
        async with world.decision() as first:
            await until(lambda: served(router) == "atlas", "the primary is served")
            first.cancel()
        async with world.router() as again:
            await asyncio.sleep(60)
            assert served(again) is None

    story(tmp_path, tell)


async def back_by_canary(world, router):
    """The primary fails and comes back: the route is on the first step of its canary."""
    await until(lambda: served(router) == "atlas", "the primary is served")
    world.fail("atlas")
    await until(lambda: served(router) == "birch", "the fallback is served")
    world.healthy("atlas")
    await until(lambda: arms(router) == {"atlas", "birch"}, "the canary begins")


def test_a_route_comes_back_by_a_canary_whose_arms_every_router_divides_alike(tmp_path):
    async def tell(world, router):
        async with world.decision(), world.router() as other:
            await back_by_canary(world, router)
            small = {key for key in range(100) if _model(router, key) == "atlas"}
            world.judge_canary(Level.HEALTHY)
            await until(lambda: world.weights()[-1] == ("atlas", 50), "the canary is widened")
            await until(lambda: len({*_all(router)}) == 2 and _all(router) == _all(other), "both divide alike")
            large = {key for key in range(100) if _model(router, key) == "atlas"}
            assert small < large
            world.judge_canary(Level.HEALTHY)
            await until(lambda: arms(router) == {"atlas"}, "the primary is back")
        assert world.weights() == [
            (None, 100),
            ("atlas", 100),
            ("birch", 100),
            ("atlas", 5),
            ("atlas", 50),
            ("atlas", 100),
        ]
        assert {str(ack.kind) for ack in world.read(ACKS, Acknowledgement)} == {"hello", "ack"}
        assert world.reasons() == []
        assert world.replay().differences == []

    story(tmp_path, tell, canary=PLAN)


def _model(subscriber, key):
    answer = subscriber.resolve(AGENT, "main", "*", str(key))
    return answer.model.name if isinstance(answer, Serve) else None


def _all(subscriber):
    return [_model(subscriber, key) for key in range(100)]


def test_a_canary_that_fails_is_rolled_back_and_nobody_is_stopped(tmp_path):
    async def tell(world, router):
        async with world.decision():
            await back_by_canary(world, router)
            world.judge_canary(Level.DEGRADED)
            await _never_stopped_until(router, {"birch"})
        assert world.weights()[-2:] == [("atlas", 5), ("birch", 100)]

    story(tmp_path, tell, canary=PLAN)


def test_a_canary_whose_model_is_denied_ends_at_the_router_before_decision_has_said_so(tmp_path):
    async def tell(world, router):
        async with world.decision() as decision:
            await back_by_canary(world, router)
            decision.cancel()
            denial = world.deployment.seal(Denial("d1", "atlas", "a leak", world.clock.now().wall), "sam")
            world.append(POLICIES, "deny/d1", denial, 0)
            await _never_stopped_until(router, {"birch"})
            assert world.weights()[-1] == ("atlas", 5)
        async with world.decision():
            await until(lambda: world.weights()[-1] == ("birch", 100), "decision rolls it back")
            await _never_stopped_until(router, {"birch"})
        assert world.reasons().count(Reason.DENIED) == 1

    story(tmp_path, tell, canary=PLAN)


async def _never_stopped_until(router, models):
    """Wait until these models serve; no request may have been stopped meanwhile."""
    for _ in range(200):
        seen = arms(router)
        assert None not in seen
        if seen == models:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never happened: {models} serve")


def test_read_only_is_served_by_the_rung_that_policy_names_and_never_without_an_order(tmp_path):
    async def tell(world, router):
        async with world.decision() as first:
            await until(lambda: served(router) == "atlas", "the primary is served")
            world.levels["atlas", "latency>2s"] = Level.DEGRADED
            await until(lambda: served(router) == "birch", "the rung of read_only answers")
            answer = router.resolve(AGENT, "main", "*", None)
            assert (answer.read_only, answer.canary) == (True, "")
            first.cancel()
        await until(lambda: served(router) is None, "lease and grace are over")
        assert router.resolve(AGENT, "main", "*", None).state is SafeState.SUSPEND

    triggers = (DOWN, slow(Mode.SUSPEND))
    policy = {"safe_state": SafeState.READ_ONLY, "safe_reply": SafeReply("birch"), "triggers": triggers}
    story(tmp_path, tell, **policy)


def test_a_model_that_governance_withdraws_is_left_at_once_and_for_good(tmp_path):
    async def tell(world, router):
        withdrawn = world.deployment.registration(model("atlas"), version=2, withdrawn=True)
        async with world.decision():
            await until(lambda: served(router) == "atlas", "the primary is served")
            world.append(POLICIES, "model/atlas", withdrawn, 0)
            await until(lambda: served(router) == "birch", "the fallback is served")
            world.append(POLICIES, "model/atlas", world.deployment.registration(model("atlas")), 0)
            await asyncio.sleep(30)
            assert served(router) == "birch"
            async with world.router() as again:
                await until(lambda: served(again) == "birch", "the restarted router serves the fallback")
                assert again.state.marks.number("model/atlas") == 2
        assert world.changes() == [None, "atlas", "birch"]

    story(tmp_path, tell)
