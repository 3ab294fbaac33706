"""What a router says: until the broker has it, each change's last word, in order, and nobody waits."""

import asyncio

import pytest

from interlock.records.change import AckKind, Acknowledgement, RoutingChange
from interlock.records.sealing import open_sealed
from interlock.router import words as saying
from interlock.router.instruments import Instruments
from interlock.router.words import LAST_S, Words
from interlock.runtime.lifecycle import Stop
from interlock.runtime.metrics import Metrics
from interlock.runtime.tracing import Tracing
from interlock.testing.builders import Deployment
from interlock.testing.router_driver import RouterDriver
from interlock.testing.virtual_time import START, run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import SECOND
from interlock.wire.topics import ACKS

DEPLOYMENT = Deployment(now=START)
DRIVER = RouterDriver(DEPLOYMENT)
DRIVER.document(DEPLOYMENT.policy("support", ["atlas"]))
CHANGES = [
    open_sealed(DEPLOYMENT.seal(DRIVER.change("atlas"), "decision-1"), DEPLOYMENT.root, RoutingChange) for _ in range(5)
]


class Broker:
    """Takes words; `away`: refuses them; `lost`: takes the next so many, and says that it did not."""

    def __init__(self):
        self.taken = []
        self.traces = []
        self.away = False
        self.lost = 0
        self.takes_s = 0.0

    async def publish(self, topic, key, value, *, partition=None, trace=""):
        away, lost, self.lost = self.away, self.lost > 0, max(self.lost - 1, 0)
        await asyncio.sleep(self.takes_s)
        if away:
            raise InfrastructureError("The broker is away.", "Wait.")
        assert (topic, key) == (ACKS.name, "gateway-1")
        said = open_sealed(value, DEPLOYMENT.root, Acknowledgement).value
        self.traces.append(trace)
        self.taken.append((said.kind, said.change_id, said.reason, said.at))
        if lost:
            raise InfrastructureError("Nobody knows.", "Wait.")
        return len(self.taken) - 1

    @property
    def heard(self):
        """What was taken, each as `ack change-1`."""
        return [f"{kind} {change}".strip() for kind, change, *_ in self.taken]


class Desk:
    def __init__(self, clock):
        self.metrics = Metrics("test")
        self.broker = Broker()
        self.spans = []
        key, instruments = DEPLOYMENT.key("gateway-1"), Instruments(self.metrics)
        self.words = Words(self.broker, "gateway-1", key, clock, instruments, Tracing(clock, self))

    def put(self, span):
        """Take a span that ended; see `tracing.Sink`."""
        self.spans.append(span)

    def say(self, number, kind=AckKind.ACK, reason="", trace=""):
        self.words.say(kind, CHANGES[number - 1], reason, trace=trace)

    @property
    def unsaid(self):
        return self._metric("unsaid")

    @property
    def given_up(self):
        return self._metric("given_up_total")

    def _metric(self, name):
        lines = self.metrics.render().decode().splitlines()
        return next(
            (
                int(float(line.split()[-1]))
                for line in lines
                if line.startswith(f"interlock_router_acknowledgements_{name}")
            ),
            None,
        )


@pytest.fixture
def desk():
    """Runs a story beside the loop that says words."""

    def told(tell):
        async def scenario(clock):
            at, stop = Desk(clock), Stop()
            running = asyncio.create_task(at.words.run(stop))
            try:
                await tell(at)
            finally:
                stop.request()
                await running

        run_virtually(scenario)

    return told


def test_words_are_said_in_their_order_signed_and_with_the_time_at_which_they_were_put_down(desk):
    async def tell(at):
        at.words.say(AckKind.HELLO, None)
        at.say(1)
        at.say(2, AckKind.NACK, "not_on_ladder")
        await asyncio.sleep(1)
        assert at.broker.taken == [
            (AckKind.HELLO, "", "", START),
            (AckKind.ACK, "change-1", "", START),
            (AckKind.NACK, "change-2", "not_on_ladder", START),
        ]

    desk(tell)


def test_what_the_broker_did_not_take_is_said_again_in_the_same_order_once_it_is_back(desk):
    async def tell(at):
        at.broker.away = True
        at.say(1)
        at.say(2)
        await asyncio.sleep(60)
        at.say(3)
        await asyncio.sleep(3)
        assert (at.broker.taken, at.unsaid) == ([], 3)
        at.broker.away = False
        await asyncio.sleep(3)
        assert at.broker.heard == ["ack change-1", "ack change-2", "ack change-3"]
        assert at.unsaid == 0

    desk(tell)


def test_what_may_have_been_taken_is_said_again_and_is_the_same_word(desk):
    async def tell(at):
        at.broker.lost = 1
        at.say(1)
        at.say(2)
        await asyncio.sleep(5)
        assert at.broker.heard == ["ack change-1", "ack change-2", "ack change-1"]
        assert at.broker.taken[0] == at.broker.taken[2]

    desk(tell)


def test_of_a_change_the_last_word_is_said_and_one_that_it_overtook_never(desk):
    async def tell(at):
        at.broker.away = True
        at.say(1, AckKind.NACK, "not_persisted")
        at.say(2)
        await asyncio.sleep(5)
        at.say(1)
        at.broker.away = False
        await asyncio.sleep(5)
        assert at.broker.heard == ["ack change-1", "ack change-2"]

    desk(tell)


def test_a_word_that_fails_on_its_way_does_not_come_after_the_newer_one(desk):
    async def tell(at):
        at.broker.away, at.broker.takes_s = True, 2.0
        at.say(1, AckKind.NACK, "not_persisted")
        await asyncio.sleep(1)
        at.broker.away = False
        at.say(1)
        await asyncio.sleep(10)
        assert at.broker.heard == ["ack change-1"]

    desk(tell)


def test_no_word_is_sent_while_an_earlier_one_of_its_change_is_on_its_way(desk):
    async def tell(at):
        at.broker.takes_s = 20.0
        at.say(1, AckKind.NACK, "not_persisted")
        await asyncio.sleep(1)
        at.broker.takes_s = 0.0
        at.say(1)
        await asyncio.sleep(30)
        assert at.broker.heard == ["nack change-1", "ack change-1"]

    desk(tell)


def test_of_more_words_than_are_kept_the_oldest_are_given_up_and_counted(desk, monkeypatch):
    monkeypatch.setattr(saying, "KEPT_MAX", 3)

    async def tell(at):
        at.broker.away = True
        for number in range(1, 6):
            at.say(number)
        assert at.unsaid == 3
        at.broker.away = False
        await asyncio.sleep(3)
        assert at.broker.heard == ["ack change-3", "ack change-4", "ack change-5"]
        assert at.given_up == 2

    desk(tell)


def test_many_words_are_sent_side_by_side_and_so_many_at_once_at_most(desk, monkeypatch):
    monkeypatch.setattr(saying, "AT_ONCE", 2)

    async def tell(at):
        at.broker.takes_s = 1.0
        for number in range(1, 6):
            at.say(number)
        await asyncio.sleep(1.5)
        assert len(at.broker.taken) == 2
        await asyncio.sleep(2)
        assert at.broker.heard == [f"ack change-{number}" for number in range(1, 6)]

    desk(tell)


STORY = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_word_that_belongs_to_a_story_goes_on_with_its_trace_and_one_that_belongs_to_none_has_no_span(desk):
    async def tell(at):
        at.say(1, trace=STORY)
        at.say(2)
        await asyncio.sleep(1)
        ((name, parent, told, trace),) = [(span.name, span.parent, span.attributes, span.trace) for span in at.spans]
        assert (name, parent, told["interlock.change"]) == ("send interlock.acks.v1", STORY, "change-1")
        assert at.broker.traces[0] == trace
        assert at.broker.traces[1][3:35] != trace[3:35]

    desk(tell)


def test_a_wish_to_stop_does_not_wait_for_words_that_are_on_their_way():
    async def scenario(clock):
        at, stop = Desk(clock), Stop()
        at.broker.takes_s = 20.0
        running = asyncio.create_task(at.words.run(stop))
        at.say(1)
        await asyncio.sleep(1)
        asked = clock.now().boot
        stop.request()
        await running
        assert clock.now().boot == asked
        assert at.unsaid == 1

    run_virtually(scenario)


def test_a_fault_of_our_own_ends_the_loop_and_is_not_swallowed():
    async def scenario(clock):
        at = Desk(clock)
        at.broker.publish = None
        at.say(1)
        with pytest.raises(TypeError):
            await at.words.run(Stop())

    run_virtually(scenario)


@pytest.mark.parametrize(("takes_s", "heard"), [(0.1, ["ack change-1", "ack change-2", "ack change-3"]), (20.0, [])])
def test_a_router_that_stops_says_what_is_left_in_bounded_time(monkeypatch, takes_s, heard):
    monkeypatch.setattr(saying, "AT_ONCE", 2)

    async def scenario(clock):
        at = Desk(clock)
        at.broker.takes_s = takes_s
        for number in (1, 2, 3):
            at.say(number)
        began = clock.now().boot
        await at.words.say_the_last()
        assert at.broker.heard == heard
        assert clock.now().boot - began <= LAST_S * SECOND

    run_virtually(scenario)
