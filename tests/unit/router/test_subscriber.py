"""The subscriber on the bus in memory, in virtual time: what it says of what it does."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from interlock.records.change import AckKind, Acknowledgement, RoutingChange
from interlock.records.documents import Denial
from interlock.records.sealing import open_sealed
from interlock.records.telling import Finding
from interlock.reporting.findings import Findings
from interlock.router import subscriber as subscribing
from interlock.router.answers import Serve
from interlock.router.core import together as judging
from interlock.router.core.accept import accept
from interlock.router.core.state import Held, RouterState
from interlock.router.instruments import Instruments
from interlock.router.marks_file import MarksFile
from interlock.router.rereader import Rereader
from interlock.router.subscriber import Subscriber
from interlock.router.words import Words
from interlock.runtime.bus import Position
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.testing.builders import Deployment, model
from interlock.testing.router_driver import TERMS, RouterDriver
from interlock.testing.virtual_time import START, run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, Reading
from interlock.wire.topics import ACKS, FINDINGS, HEARTBEATS, POLICIES, ROUTES

DEPLOYMENT = Deployment(now=START)
POLICY = DEPLOYMENT.policy("support", ["atlas", "birch"])
DENIAL = DEPLOYMENT.seal(Denial("deny-birch", "birch", "a leak", START), "sam")
CANARY = {"source": "atlas", "weight": 50, "canary": "canary-1"}
HELLO = (AckKind.HELLO, "", "")


class FullDisk(MarksFile):
    """A marks file whose disk is full from a moment on."""

    full = False

    def save(self, marks):
        return False if self.full and marks.unsaved else super().save(marks)


class World:
    """A broker, a decision service that a test plays, and routers that come and go.

    `live` is what that decision service holds, kept as a router would keep it: the heads are the same.
    """

    def __init__(self, clock, folder):
        self.clock = clock
        self.folder = folder
        self.broker = MemoryBroker(clock=clock)
        self.live = RouterDriver(DEPLOYMENT)
        self.sealed = []
        self.readiness = Readiness("lease")
        self.marks = None

    def document(self, sealed, *, live=True):
        self.broker.append(Position(POLICIES.name, 0), b"", sealed)
        if live:
            assert self.live.document(sealed) is None

    def order(self, target, *, live=True, **fields):
        """Decision orders; `live`: and stands by it, whatever it is."""
        self.live.now = self.clock.now()
        self.sealed.append(DEPLOYMENT.seal(self.live.change(target, **fields), "decision-1"))
        if live:
            change = open_sealed(self.sealed[-1], DEPLOYMENT.root, RoutingChange)
            self.live.state = self.live.state.hold(Held(change), self.live.now)
        self.again()

    def again(self):
        """Decision publishes its last order once more."""
        self.broker.append(Position(ROUTES.name, 0), b"", self.sealed[-1])

    async def beats(self):
        while True:
            self.live.now = self.clock.now()
            self.broker.append(Position(HEARTBEATS.name, 0), b"", self.live.heartbeat())
            await asyncio.sleep(1)

    @asynccontextmanager
    async def router(self, *, beats=True):
        bus, stop, owner = MemoryBus(self.broker), Stop(), "gateway-1"
        publisher, key = await bus.publisher(), DEPLOYMENT.key(owner)
        self.marks = FullDisk(self.folder / "marks.db")
        instruments = Instruments(Metrics("test"))
        subscriber = Subscriber(
            state=RouterState.start(1, DEPLOYMENT.book(), self.marks.load()),
            marks=self.marks,
            reader=Rereader(lambda: bus.reader([POLICIES.name, ROUTES.name, HEARTBEATS.name]), self.clock),
            words=Words(publisher, owner, key, self.clock, instruments),
            terms=TERMS,
            clock=self.clock,
            findings=Findings(publisher, owner, key, self.clock, Metrics("test")),
            readiness=self.readiness,
            instruments=instruments,
        )
        tasks = [asyncio.create_task(self.beats())] if beats else []
        running = asyncio.create_task(subscriber.run(stop))
        try:
            yield subscriber
        finally:
            for task in tasks:
                task.cancel()
            stop.request()
            await running
            self.marks.close()

    def said(self):
        """What the router acknowledged, in order."""
        return [(ack.kind, ack.change_id, ack.reason) for ack in self._values(ACKS, Acknowledgement)]

    def found(self):
        return [(Reason(finding.reason), finding.detail) for finding in self._values(FINDINGS, Finding)]

    def _values(self, topic, record):
        """Every record of a topic, in the order of its partitions."""
        records = (
            each
            for partition in range(topic.partitions)
            for each in self.broker.fetch(Position(topic.name, partition), 0, 1_000)
        )
        return [open_sealed(each.value, DEPLOYMENT.root, record).value for each in records]


def served(router):
    """The models that 40 requests get."""
    answers = [router.resolve("support", "main", "*", str(key)) for key in range(40)]
    return {answer.model.name if isinstance(answer, Serve) else None for answer in answers}


@pytest.fixture
def story(tmp_path):
    """Tells a story in a world whose router serves the primary."""

    def told(tell):
        async def scenario(clock):
            world = World(clock, tmp_path)
            world.document(POLICY)
            world.order("atlas")
            async with world.router() as router:
                await asyncio.sleep(3)
                assert (served(router), world.said()) == ({"atlas"}, [HELLO, (AckKind.ACK, "change-1", "")])
                await tell(world, router)

        run_virtually(scenario)

    return told


def test_a_canary_serves_both_arms_by_the_key_of_the_request_and_is_acknowledged(story):
    async def tell(world, router):
        world.order("birch", **CANARY)
        await asyncio.sleep(3)
        assert served(router) == {"atlas", "birch"}
        assert router.resolve("support", "main", "*", None).model.name == "atlas"
        assert world.said()[-1] == (AckKind.ACK, "change-2", "")
        assert world.found() == []

    story(tell)


def test_a_canary_whose_model_is_denied_is_left_to_its_source_and_told_once(story):
    async def tell(world, router):
        world.order("birch", **CANARY)
        await asyncio.sleep(3)
        world.document(DENIAL)
        await asyncio.sleep(30)
        assert served(router) == {"atlas"}
        assert world.found() == [(Reason.DENIED, "support/main/* is served by its source alone: canary canary-1")]
        assert world.readiness.ready

    story(tell)


def test_a_canary_that_is_refused_and_yet_live_is_said_to_be_refused(story):
    async def tell(world, router):
        world.document(DENIAL, live=False)
        await asyncio.sleep(0.1)
        world.order("birch", **CANARY)
        await asyncio.sleep(0.1)
        world.live.document(DENIAL)
        await asyncio.sleep(3)
        refused = (AckKind.NACK, "change-2", Reason.DENIED)
        assert world.said()[2:] == [refused, refused]
        world.again()
        await asyncio.sleep(1)
        assert world.said()[4:] == [refused]
        assert served(router) == {"atlas"}

    story(tell)


def test_a_change_that_makes_no_sense_is_refused_and_stops_its_route_only_if_it_is_live(story):
    nonsense = {**CANARY, "weight": 0}

    async def tell(world, router):
        world.order("birch", **nonsense, live=False)
        await asyncio.sleep(30)
        assert served(router) == {"atlas"}
        world.order("birch", **nonsense)
        await asyncio.sleep(3)
        assert served(router) == {None}
        world.again()
        await asyncio.sleep(3)
        refused = [(AckKind.NACK, f"change-{number}", Reason.CHANGE_MALFORMED) for number in (2, 3, 3, 3)]
        assert world.said()[2:] == refused
        assert [reason for reason, _ in world.found()] == [
            Reason.CHANGE_MALFORMED,
            Reason.CHANGE_MALFORMED,
            Reason.REFUSED_BUT_LIVE,
        ]

    story(tell)


def test_after_a_restart_a_change_waits_in_silence_for_the_registration_that_was_seen_before(story):
    entry = DEPLOYMENT.registration(model("atlas"), version=2)

    async def tell(world, router):
        world.document(entry)
        await asyncio.sleep(3)
        world.broker = withheld = MemoryBroker(clock=world.clock)
        world.document(POLICY, live=False)
        world.again()
        async with world.router() as again:
            await asyncio.sleep(3)
            assert (served(again), world.said(), world.found()) == ({None}, [HELLO], [])
            world.document(entry, live=False)
            await asyncio.sleep(3)
            assert (served(again), world.said()) == ({"atlas"}, [HELLO, (AckKind.ACK, "change-1", "")])
        assert world.broker is withheld

    story(tell)


def test_a_change_that_came_before_its_policy_counts_once_it_arrives_without_any_heartbeat(tmp_path):
    async def scenario(clock):
        world = World(clock, tmp_path)
        world.live.document(POLICY)
        world.order("atlas")
        async with world.router(beats=False):
            await asyncio.sleep(3)
            assert world.said() == [HELLO]
            world.document(POLICY, live=False)
            await asyncio.sleep(3)
            assert world.said() == [HELLO, (AckKind.ACK, "change-1", "")]

    run_virtually(scenario)


def test_a_router_that_starts_again_reads_what_is_old_in_silence(story):
    async def tell(world, router):
        for target in ("birch", "atlas"):
            world.order(target)
        world.again()
        await asyncio.sleep(3)
        before = len(world.said())
        async with world.router() as again:
            await asyncio.sleep(3)
            assert served(again) == {"atlas"}
        assert sorted(world.said()[before:]) == sorted([HELLO, (AckKind.ACK, "change-3", "")])
        assert world.found() == []

    story(tell)


def test_a_router_that_starts_says_nothing_of_an_order_whose_policy_was_replaced_since(tmp_path):
    async def scenario(clock):
        world = World(clock, tmp_path)
        world.document(POLICY)
        world.order("atlas")
        world.document(DEPLOYMENT.policy("support", ["atlas", "birch"], version=2))
        world.order("birch")
        async with world.router() as router:
            await asyncio.sleep(3)
            assert (served(router), world.found()) == ({"birch"}, [])
        assert world.said() == [HELLO, (AckKind.ACK, "change-2", "")]

    run_virtually(scenario)


@pytest.mark.parametrize("reads_again", [False, True])
def test_an_order_whose_policy_was_replaced_is_refused_aloud_once_a_router_followed(story, reads_again):
    async def tell(world, router):
        world.document(DEPLOYMENT.policy("support", ["atlas", "birch"], version=2), live=False)
        await asyncio.sleep(0.1)
        if reads_again:
            await router._reader.begin()
        world.order("birch", live=False)
        await asyncio.sleep(1 if reads_again else 0.1)
        assert world.said()[-1] == (AckKind.NACK, "change-2", Reason.POLICY_OLDER)
        assert [reason for reason, _ in world.found()] == [Reason.POLICY_OLDER]

    story(tell)


def test_a_live_order_whose_policy_was_replaced_stops_the_route_of_a_router_that_starts_and_is_refused(tmp_path):
    async def scenario(clock):
        world = World(clock, tmp_path)
        world.document(POLICY)
        world.order("atlas")
        world.document(DEPLOYMENT.policy("support", ["atlas", "birch"], version=2))
        async with world.router() as router:
            await asyncio.sleep(3)
            assert (served(router), world.said()) == ({None}, [HELLO, (AckKind.NACK, "change-1", Reason.POLICY_OLDER)])
            assert world.found() == [(Reason.REFUSED_BUT_LIVE, "change-1: policy_older")]

    run_virtually(scenario)


def test_what_cannot_be_remembered_is_not_obeyed_and_is_said_to_be_refused(story):
    async def tell(world, router):
        world.marks.full = True
        world.order("birch")
        await asyncio.sleep(3)
        assert served(router) == {"atlas"}
        assert world.said()[2:] == [(AckKind.NACK, "change-2", Reason.NOT_PERSISTED)]
        assert {reason for reason, _ in world.found()} == {Reason.NOT_PERSISTED}

    story(tell)


def test_what_could_not_be_remembered_is_obeyed_once_it_can_be_without_another_order(story):
    async def tell(world, router):
        world.marks.full = True
        world.order("birch")
        await asyncio.sleep(60)
        assert served(router) == {None}
        assert [reason for reason, _ in world.found()].count(Reason.NOT_PERSISTED) == 1
        world.marks.full = False
        await asyncio.sleep(3)
        assert served(router) == {"birch"}
        assert world.said()[2:] == [(AckKind.NACK, "change-2", Reason.NOT_PERSISTED), (AckKind.ACK, "change-2", "")]

    story(tell)


def test_documents_that_could_not_be_remembered_count_in_their_order_once_they_can_be(story):
    async def tell(world, router):
        world.marks.full = True
        world.document(DEPLOYMENT.registration(model("atlas"), version=2))
        world.document(DENIAL)
        await asyncio.sleep(30)
        assert (served(router), [*router.state.book.denials]) == ({None}, [])
        world.marks.full = False
        await asyncio.sleep(3)
        assert served(router) == {"atlas"}
        assert [*router.state.book.registry] == ["atlas"]
        assert [*router.state.book.denials] == ["birch"]
        assert [reason for reason, _ in world.found()].count(Reason.NOT_PERSISTED) == 1

    story(tell)


def test_a_heartbeat_counts_by_its_own_time_and_not_by_the_one_that_kafka_keeps_of_it(tmp_path):
    class Behind:
        def __init__(self, clock):
            self.clock = clock

        def now(self):
            wall, boot = self.clock.now()
            return Reading(Micros(wall - 600 * SECOND), boot)

    async def scenario(clock):
        world = World(clock, tmp_path)
        world.broker = MemoryBroker(clock=Behind(clock))
        world.document(POLICY)
        world.order("atlas")
        async with world.router() as router:
            await asyncio.sleep(60)
            assert served(router) == {"atlas"}

    run_virtually(scenario)


class Slow:
    """A publisher whose every record takes its time, and may then be refused."""

    def __init__(self, honest, takes_s=20.0, refused=frozenset()):
        self.honest = honest
        self.takes_s = takes_s
        self.refused = refused
        self.tried = 0

    async def publish(self, *args, **named):
        self.tried += 1
        number = self.tried
        await asyncio.sleep(self.takes_s)
        if number in self.refused:
            raise InfrastructureError("The broker is throttling.", "Wait.")
        return await self.honest.publish(*args, **named)


def test_a_broker_that_is_slow_to_take_acknowledgements_keeps_a_router_from_nothing(story):
    async def tell(world, router):
        router._words._publisher = Slow(router._words._publisher, refused={1})
        for target in ("birch", "atlas", "birch"):
            world.order(target)
            await asyncio.sleep(0.3)
            assert served(router) == {target}
        await asyncio.sleep(18)
        assert world.said()[2:] == []
        for _ in range(60):
            await asyncio.sleep(1)
            assert served(router) == {"birch"}
        assert sorted(world.said()[2:]) == [(AckKind.ACK, f"change-{number}", "") for number in (2, 3, 4)]

    story(tell)


def test_a_router_that_is_stopped_says_what_it_did_last(tmp_path):
    async def scenario(clock):
        world = World(clock, tmp_path)
        world.document(POLICY)
        world.order("atlas")
        async with world.router() as router:
            await asyncio.sleep(3)
            router._words._publisher = Slow(router._words._publisher, takes_s=0.5)
            world.order("birch")
            await asyncio.sleep(0.4)
            assert (served(router), len(world.said())) == ({"birch"}, 2)
        assert world.said()[2:] == [(AckKind.ACK, "change-2", "")]

    run_virtually(scenario)


def test_a_document_that_cannot_be_remembered_does_not_count(story):
    async def tell(world, router):
        world.marks.full = True
        world.document(DEPLOYMENT.registration(model("atlas"), version=2))
        await asyncio.sleep(3)
        assert not router.state.book.registry
        await asyncio.sleep(30)
        assert served(router) == {None}

    story(tell)


def test_a_change_that_a_heartbeat_made_good_is_not_acknowledged_before_it_can_be_remembered(story):
    async def tell(world, router):
        await asyncio.sleep(120)
        world.order("birch", issued_at=START)
        world.marks.full = True
        await asyncio.sleep(3)
        assert (served(router), world.said()[2:]) == ({"atlas"}, [])
        world.marks.full = False
        await asyncio.sleep(3)
        assert (served(router), world.said()[2:]) == ({"birch"}, [(AckKind.ACK, "change-2", "")])

    story(tell)


def counted(world):
    """How often marks were written, from now on."""
    written, save = [], world.marks.save

    def noted(marks):
        written.extend([len(marks.unsaved)] if marks.unsaved else [])
        return save(marks)

    world.marks.save = noted
    return written


def test_the_marks_of_many_changes_are_written_at_once_and_each_of_them_is_acknowledged(story):
    async def tell(world, router):
        written = counted(world)
        for number in range(30):
            world.order("atlas" if number % 2 else "birch")
        await asyncio.sleep(2)
        assert written[0] >= 30
        assert len(written) == 1
        assert [change for _, change, _ in world.said()[2:]] == [f"change-{number}" for number in range(2, 32)]
        assert served(router) == {"atlas"}

    story(tell)


def test_a_router_that_starts_writes_what_it_reads_at_once(tmp_path):
    async def scenario(clock):
        world = World(clock, tmp_path)
        world.document(POLICY)
        for target in ("atlas", "birch", "atlas"):
            world.order(target)
        async with world.router() as router:
            written = counted(world)
            await asyncio.sleep(3)
            assert written[0] == 5  # the policy's mark, the term's, and the three orders'
            assert served(router) == {"atlas"}
        assert world.said() == [HELLO, *((AckKind.ACK, f"change-{number}", "") for number in (1, 2, 3))]

    run_virtually(scenario)


def test_one_of_many_changes_that_is_refused_is_told_and_keeps_the_others_from_nothing(story):
    async def tell(world, router):
        for number in range(20):
            world.order("birch" if number % 2 else "atlas")
            if number == 10:
                world.order("elm", live=False)  # on no ladder
        await asyncio.sleep(2)
        refused = [change for kind, change, _ in world.said() if kind is AckKind.NACK]
        assert refused == ["change-13"]
        assert served(router) == {"birch"}

    story(tell)


def test_many_changes_that_cannot_be_remembered_are_not_obeyed(story):
    async def tell(world, router):
        world.marks.full = True
        for number in range(15):
            world.order("birch" if number % 2 == 0 else "atlas")
        await asyncio.sleep(2)
        assert served(router) == {"atlas"}
        assert {kind for kind, _, _ in world.said()[2:]} == {AckKind.NACK}
        world.marks.full = False
        world.order("birch")
        await asyncio.sleep(2)
        assert served(router) == {"birch"}

    story(tell)


def judged_in(monkeypatch, note):
    """Call `note` for each change that is judged, wherever that is done."""

    def noted(*said):
        note()
        return accept(*said)

    for module in (subscribing, judging):
        monkeypatch.setattr(module, "accept", noted)


def test_what_is_read_again_is_judged_once_and_nothing_is_said_of_it(story, monkeypatch):
    async def tell(world, router):
        for _ in range(200):
            world.again()
        await asyncio.sleep(2)
        said, judged = world.said(), []
        judged_in(monkeypatch, lambda: judged.append(1))
        await router._reader.begin()
        await asyncio.sleep(2)
        assert len(judged) == 201
        assert (served(router), world.said()) == ({"atlas"}, said)

    story(tell)


def test_requests_are_answered_while_much_that_is_old_is_read_again(story, monkeypatch):
    async def tell(world, router):
        for number in range(60):
            world.order("atlas" if number % 2 else "birch")
        await asyncio.sleep(2)
        turns, seen = [0], []

        async def requests():
            while True:
                turns[0] += 1
                await asyncio.sleep(0)

        judged_in(monkeypatch, lambda: seen.append(turns[0]))
        answering = asyncio.create_task(requests())
        await router._reader.begin()
        for _ in range(2_000):
            await asyncio.sleep(0)
        answering.cancel()
        assert router._reader.caught_up
        assert len(set(seen)) > 55
        assert world.found() == []

    story(tell)
