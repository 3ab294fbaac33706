"""The whole schedule in virtual time, with a receiver and a log that do as they are told."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import cast

import pytest

from interlock.notifier.core import SCHEDULE_S, SLOTS, Progress
from interlock.notifier.instruments import Instruments
from interlock.notifier.news import news_of
from interlock.notifier.telling import NOBODY, TURNS_PER_CHANNEL, Office, Telling
from interlock.notifier.webhook import Delivery, channel_of
from interlock.records.change import RoutingChange
from interlock.records.documents import RoutePolicy, Webhook
from interlock.records.sealing import open_sealed
from interlock.records.telling import Notice, NoticeKind
from interlock.reporting.findings import Findings
from interlock.runtime.bus import Record
from interlock.runtime.lifecycle import Stop
from interlock.runtime.metrics import Metrics
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.virtual_time import START, VirtualClock, run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, seconds

DEPLOYMENT = Deployment(now=START)
HOOK = Webhook("https://hooks.example/a", False)
OTHER = Webhook("https://hooks.example/b", False)
OK, BROKEN = Delivery(204), Delivery(500, "it answered 500")
CHANGE = DEPLOYMENT.change()


def verified(change: RoutingChange) -> Verified[RoutingChange]:
    opened = open_sealed(DEPLOYMENT.seal(change, "decision-1"), DEPLOYMENT.root, RoutingChange)
    assert isinstance(opened, Verified)
    return opened


@dataclass(frozen=True)
class Sent:
    """One attempt as the receiver saw it."""

    at_s: float
    url: str
    id: str
    body: bytes
    timeout_s: float


class Receivers:
    """Every receiver there is: what each answers, and how long it takes."""

    def __init__(self, clock: VirtualClock) -> None:
        self.sent: list[Sent] = []
        self.answers: dict[str, Callable[[int], tuple[float, Delivery]]] = {}
        self.under_way = self.most_under_way = 0
        self._clock = clock

    async def send(self, webhook: Webhook, message_id: str, body: bytes, *, now: Micros, timeout_s: float) -> Delivery:
        number = len(self.times(webhook))
        self.sent.append(Sent(self._clock.now().boot / SECOND, webhook.url, message_id, body, timeout_s))
        takes_s, delivery = self.answers.get(webhook.url, lambda _: (0.05, OK))(number)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(min(takes_s, timeout_s))
        self.under_way -= 1
        return delivery if takes_s < timeout_s else Delivery(0, "no answer in time")

    def times(self, webhook: Webhook) -> list[float]:
        return [round(sent.at_s, 2) for sent in self.sent if sent.url == webhook.url]


class Log:
    """The notices topic, and the findings; it can be away until a time."""

    def __init__(self, clock: VirtualClock) -> None:
        self.notices: list[Notice] = []
        self.findings: list[tuple[Reason, str]] = []
        self.away_until_s = 0.0
        self._clock = clock

    async def publish(
        self, topic: str, key: str, value: bytes, *, partition: int | None = None, trace: str = ""
    ) -> int:
        if self._clock.now().boot < seconds(self.away_until_s):
            raise InfrastructureError("The broker is away.", "Wait.")
        opened = open_sealed(value, DEPLOYMENT.root, Notice)
        assert isinstance(opened, Verified)
        assert key == opened.value.change_id
        self.notices.append(opened.value)
        return len(self.notices) - 1

    async def report(self, reason: Reason, detail: str, record: Record | None = None) -> None:
        self.findings.append((reason, detail))


class World:
    """An office with its receivers and its log."""

    def __init__(self, clock: VirtualClock, *hooks: Webhook) -> None:
        self.clock = clock
        self.receivers = Receivers(clock)
        self.log = Log(clock)
        self.stop = Stop()
        self.policy: RoutePolicy | None = self.policy_naming(*(hooks or (HOOK,)))
        self.office = Office(
            sender=self.receivers,
            publisher=self.log,
            key=DEPLOYMENT.key("notifier-1"),
            clock=clock,
            stop=self.stop,
            findings=cast(Findings, self.log),
            instruments=Instruments(Metrics("notifier")),
            policy_of=lambda agent: self.policy if agent == "support" else None,
        )

    def policy_naming(self, *hooks: Webhook) -> RoutePolicy:
        return replace(DEPLOYMENT.policy_of("support", DEPLOYMENT.rule(["atlas"])), notify=hooks)

    def answer(self, webhook: Webhook, *answers: tuple[float, Delivery]) -> None:
        """What a receiver answers to its first, second, … attempt; the last one for ever."""
        self.receivers.answers[webhook.url] = lambda number: answers[min(number, len(answers) - 1)]

    async def tell(self, change: RoutingChange = CHANGE, known: Mapping[str, Progress] | None = None) -> bool:
        return await Telling(self.office, news_of(verified(change)), known or {}).run()

    def kinds(self, webhook: Webhook = HOOK) -> list[NoticeKind]:
        return [notice.kind for notice in self.log.notices if notice.channel == channel_of(webhook)]


def virtual(scenario: Callable[[World], Awaitable[None]], *hooks: Webhook) -> None:
    run_virtually(lambda clock: scenario(World(clock, *hooks)))


def test_an_accepted_change_is_told_once_and_the_receipt_is_on_record():
    async def scenario(world: World) -> None:
        assert await world.tell()
        assert world.receivers.times(HOOK) == [0]
        (notice,) = world.log.notices
        assert (notice.kind, notice.attempt, notice.status) == (NoticeKind.ACCEPTED, 1, 204)
        assert (notice.change_issued_at, notice.event_id) == (CHANGE.issued_at, verified(CHANGE).event_id)
        assert world.log.findings == []

    virtual(scenario)


def test_a_receiver_that_always_fails_gets_every_slot_of_the_schedule_and_then_a_person_is_told():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (0.1, BROKEN))
        assert await world.tell()
        assert world.receivers.times(HOOK) == [float(begins) for begins in SCHEDULE_S]
        assert world.kinds() == [NoticeKind.FAILED] * (SLOTS - 1) + [NoticeKind.EXHAUSTED]
        assert [notice.attempt for notice in world.log.notices] == list(range(1, SLOTS + 1))
        assert [reason for reason, _ in world.log.findings] == [Reason.NOTICE_NOT_ACCEPTED]

    virtual(scenario)


def test_every_attempt_has_one_id_and_one_body():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (0.1, BROKEN), (0.1, BROKEN), (0.1, OK))
        await world.tell()
        assert len(world.receivers.sent) == 3
        assert {sent.id for sent in world.receivers.sent} == {verified(CHANGE).event_id.hex()}
        assert len({sent.body for sent in world.receivers.sent}) == 1

    virtual(scenario)


def test_a_receiver_that_hangs_is_cut_off_and_the_last_attempt_ends_within_five_minutes():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (3_600, OK))
        await world.tell()
        last = world.receivers.sent[-1]
        assert last.at_s == 289
        assert last.at_s + last.timeout_s <= 300
        assert max(sent.timeout_s for sent in world.receivers.sent) == 10

    virtual(scenario)


def test_a_dead_receiver_delays_no_other():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (3_600, OK))
        changes = [replace(CHANGE, version=version) for version in range(1, 51)]
        async with asyncio.TaskGroup() as group:
            for change in changes:
                group.create_task(world.tell(change))
        assert (
            world.receivers.times(OTHER)
            == [0.0] * 8 + [0.05] * 8 + [0.1] * 8 + [0.15] * 8 + [0.2] * 8 + [0.25] * 8 + [0.3] * 2
        )
        assert world.kinds(OTHER) == [NoticeKind.ACCEPTED] * 50
        assert world.kinds(HOOK).count(NoticeKind.EXHAUSTED) == 50

    virtual(scenario, HOOK, OTHER)


def test_attempts_under_way_on_one_channel_are_bounded():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (1, OK))
        async with asyncio.TaskGroup() as group:
            for version in range(1, 41):
                group.create_task(world.tell(replace(CHANGE, version=version)))
        assert world.receivers.most_under_way == TURNS_PER_CHANNEL
        assert world.kinds() == [NoticeKind.ACCEPTED] * 40

    virtual(scenario)


def test_each_channel_goes_on_until_it_accepts_itself():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (0.1, BROKEN), (0.1, OK))
        assert await world.tell()
        assert world.kinds(HOOK) == [NoticeKind.FAILED, NoticeKind.ACCEPTED]
        assert world.kinds(OTHER) == [NoticeKind.ACCEPTED]

    virtual(scenario, HOOK, OTHER)


def test_a_restart_goes_on_after_the_last_slot_on_record():
    async def scenario(world: World) -> None:
        await asyncio.sleep(7)
        assert await world.tell(known={channel_of(HOOK): Progress(slot=3)})
        assert world.receivers.times(HOOK) == [10]
        assert world.log.notices[0].attempt == 4

    virtual(scenario)


def test_what_is_on_record_as_accepted_is_not_told_again():
    async def scenario(world: World) -> None:
        assert await world.tell(known={channel_of(HOOK): Progress(slot=1, end=NoticeKind.ACCEPTED)})
        assert (world.receivers.sent, world.log.notices) == ([], [])

    virtual(scenario)


def test_a_change_that_was_never_told_is_told_at_once_however_late():
    async def scenario(world: World) -> None:
        await asyncio.sleep(3_000)
        assert await world.tell()
        assert world.receivers.times(HOOK) == [3_000]
        assert world.kinds() == [NoticeKind.ACCEPTED]

    virtual(scenario)


def test_a_restart_after_the_deadline_writes_down_that_time_ran_out():
    async def scenario(world: World) -> None:
        await asyncio.sleep(400)
        assert await world.tell(known={channel_of(HOOK): Progress(slot=3)})
        assert world.receivers.sent == []
        assert world.kinds() == [NoticeKind.EXHAUSTED]
        assert len(world.log.findings) == 1

    virtual(scenario)


def test_retry_after_is_honoured():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (0.1, Delivery(429, "it answered 429", seconds(30))), (0.1, OK))
        await world.tell()
        assert world.receivers.times(HOOK) == [0, 40]

    virtual(scenario)


def test_attempts_go_on_while_the_broker_is_away_and_nothing_is_done_before_it_is_on_record():
    async def scenario(world: World) -> None:
        world.log.away_until_s = 60
        world.answer(HOOK, (0.1, BROKEN), (0.1, BROKEN), (0.1, OK))
        telling = asyncio.create_task(world.tell())
        await asyncio.sleep(30)
        assert world.receivers.times(HOOK) == [0, 2, 5]
        assert not telling.done()
        assert await telling
        assert sorted(world.kinds()) == [NoticeKind.ACCEPTED, NoticeKind.FAILED, NoticeKind.FAILED]

    virtual(scenario)


def test_a_step_of_civil_time_moves_no_attempt():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (0.1, BROKEN))
        telling = asyncio.create_task(world.tell())
        await asyncio.sleep(15)
        world.clock.stepped = seconds(600)
        await asyncio.sleep(30)
        world.clock.stepped = seconds(-600)
        assert await telling
        assert world.receivers.times(HOOK) == [float(begins) for begins in SCHEDULE_S]

    virtual(scenario)


def test_a_change_from_a_clock_ahead_of_ours_is_told_at_once():
    async def scenario(world: World) -> None:
        await world.tell(replace(CHANGE, issued_at=Micros(START + seconds(4))))
        assert world.receivers.times(HOOK) == [0]

    virtual(scenario)


def test_a_new_policy_in_mid_course_ends_the_old_channel_and_tells_the_new_one():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (0.1, BROKEN))
        telling = asyncio.create_task(world.tell())
        await asyncio.sleep(15)
        world.policy = world.policy_naming(OTHER)
        assert await telling
        assert world.receivers.times(HOOK) == [0, 2, 5, 10]
        assert world.receivers.times(OTHER) == [20]
        assert world.log.findings == []

    virtual(scenario)


def test_a_policy_that_vanishes_and_comes_back_resumes_its_channels():
    async def scenario(world: World) -> None:
        world.answer(HOOK, (0.1, BROKEN), (0.1, BROKEN), (0.1, OK))
        telling = asyncio.create_task(world.tell())
        await asyncio.sleep(3)
        policy, world.policy = world.policy, None
        await asyncio.sleep(30)
        world.policy = policy
        assert await telling
        assert world.kinds() == [NoticeKind.FAILED, NoticeKind.FAILED, NoticeKind.ACCEPTED]
        assert {notice.channel for notice in world.log.notices} == {channel_of(HOOK)}

    virtual(scenario)


def test_a_policy_that_comes_late_is_waited_for():
    async def scenario(world: World) -> None:
        policy, world.policy = world.policy, None
        telling = asyncio.create_task(world.tell())
        await asyncio.sleep(30)
        world.policy = policy
        assert await telling
        assert world.kinds() == [NoticeKind.ACCEPTED]

    virtual(scenario)


def test_without_a_policy_it_is_on_record_that_nobody_could_be_told_and_a_restart_does_not_repeat_it():
    async def scenario(world: World) -> None:
        world.policy = None
        assert await world.tell()
        (notice,) = world.log.notices
        assert (notice.channel, notice.kind, notice.attempt) == (NOBODY, NoticeKind.EXHAUSTED, 0)
        assert world.clock.now().boot >= seconds(300)
        assert len(world.log.findings) == 1
        assert await world.tell(known={NOBODY: Progress(end=NoticeKind.EXHAUSTED)})
        assert len(world.log.notices) == 1

    virtual(scenario)


@pytest.mark.parametrize("stop_at_s", [0.01, 1.0, 3.0])
def test_a_stop_finishes_the_attempt_in_hand_and_begins_no_other(stop_at_s):
    async def scenario(world: World) -> None:
        world.answer(HOOK, (0.5, BROKEN))
        telling = asyncio.create_task(world.tell())
        await asyncio.sleep(stop_at_s)
        world.stop.request()
        assert not await telling
        assert world.kinds() == [NoticeKind.FAILED] * len(world.receivers.sent)
        assert world.clock.now().boot <= seconds(stop_at_s + 0.6)

    virtual(scenario)
