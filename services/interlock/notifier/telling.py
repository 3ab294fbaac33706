"""Tells one thing, a change or an overdue review, on every channel of its agent's policy, and writes down what came of it.

Every channel goes its own way: one that hangs holds up nobody but itself, and each has at most `TURNS_PER_CHANNEL` attempts
under way, so a dead receiver costs a bounded number of connections however much waits for it.

Attempts do not wait for the log: while the broker is away they go on, and their outcomes are written as soon as it is back. But
nothing counts as done before its outcome is on the notices topic.

The age of news is counted on the clock that never goes back, from what civil time said it was when it was first seen here.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from opentelemetry.trace import SpanKind

from interlock.notifier.core import (
    ATTEMPT_S_MAX,
    DEADLINE_S,
    Progress,
    apply,
    asked_to_wait,
    attempt_limit,
    kind_of,
    next_attempt,
    slot_at,
)
from interlock.notifier.instruments import Instruments
from interlock.notifier.news import News
from interlock.notifier.webhook import Delivery, channel_of
from interlock.records.documents import RoutePolicy, Webhook
from interlock.records.sealing import seal
from interlock.records.telling import Notice, NoticeKind
from interlock.reporting.findings import Findings
from interlock.runtime.bus import Publisher
from interlock.runtime.clock import Clock
from interlock.runtime.lifecycle import Stop
from interlock.runtime.tracing import CHANGE, UNTRACED, Span, Tracing
from interlock.signing.keys import SigningKey
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import NOTICES
from interlock.wire.trace import NO_TRACE

TURNS_PER_CHANNEL = 8
"""Attempts under way on one channel: enough for a storm, and not so many that we are one."""

NOBODY = "nobody"
"""The channel of news whose agent has no policy here: its one notice says that nobody could be told."""

_POLICY_WAIT_S = 0.5
_WRITE_AGAIN_S = 1.0

_log = structlog.get_logger(__name__)


class Sender(Protocol):
    """Makes one attempt; `webhook.WebhookSender` does it over HTTP."""

    async def send(self, webhook: Webhook, message_id: str, body: bytes, *, now: Micros, timeout_s: float) -> Delivery:
        """Send the body to the webhook; what came of it."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """What telling works with.

    Attributes:
        sender: Makes the attempts.
        publisher: Appends the notices.
        key: The notifier's own key: it seals the notices.
        clock: Both clocks.
        stop: Nothing new is begun once it is requested.
        findings: Where a person is told that a channel does not accept.
        instruments: What is counted.
        policy_of: The policy of an agent as it is held now; None if there is none.
        tracing: Makes the spans.
    """

    sender: Sender
    publisher: Publisher
    key: SigningKey
    clock: Clock
    stop: Stop
    findings: Findings
    instruments: Instruments
    policy_of: Callable[[str], RoutePolicy | None]
    turns: defaultdict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(TURNS_PER_CHANNEL))
    )
    tracing: Tracing = UNTRACED


class Telling:
    """News on its way to the people who must know.

    Args:
        office: What it works with.
        news: What is told.
        known: What the notices topic says of each channel already.
        trace: That of the audit record that it is from.
    """

    def __init__(self, office: Office, news: News, known: Mapping[str, Progress], trace: str = NO_TRACE) -> None:
        self._office = office
        self._news = news
        self._trace = trace
        self._progress = dict(known)
        reading = office.clock.now()
        self._issued_boot = reading.boot - max(0, reading.wall - news.issued_at)

    async def run(self) -> bool:
        """Tell it on every channel until each is at its end. True if that is on record; False if we were asked to stop."""
        async with asyncio.TaskGroup() as writing:
            if NOBODY not in self._progress:
                await self._tell_everybody(writing)
        return not self._office.stop.is_set()

    async def _tell_everybody(self, writing: asyncio.TaskGroup) -> None:
        """Go on until every channel of the policy, which may change meanwhile, is at its end."""
        while (channels := await self._channels()) and not self._office.stop.is_set():
            unfinished = [channel for channel in channels if self._standing(channel).end is None]
            if not unfinished:
                return
            async with asyncio.TaskGroup() as telling:
                for channel in unfinished:
                    telling.create_task(self._tell(channel, writing))
        told = any(progress.end is NoticeKind.ACCEPTED for progress in self._progress.values())
        if not told and not self._office.stop.is_set():
            detail = f"no policy of {self._news.agent} is held, so nobody is named to be told"
            self._record(writing, NOBODY, 0, NoticeKind.EXHAUSTED, Delivery(0, detail))

    async def _channels(self) -> set[str]:
        """The channels of the agent's policy; waits while there is no policy, but not beyond the deadline."""
        patience = max(DEADLINE_S * SECOND, self._age() + ATTEMPT_S_MAX * SECOND)
        while (policy := self._policy()) is None and self._age() < patience:
            if await self._office.stop.within(_POLICY_WAIT_S):
                break
        return {channel_of(webhook) for webhook in policy.notify} if policy else set()

    def _policy(self) -> RoutePolicy | None:
        return self._office.policy_of(self._news.agent)

    def _standing(self, channel: str) -> Progress:
        return self._progress.get(channel, Progress())

    async def _tell(self, channel: str, writing: asyncio.TaskGroup) -> None:
        """Make the attempts of one channel, until its end, its removal from the policy, or a stop."""
        while (due := next_attempt(self._standing(channel), self._age())) is not None:
            if await self._office.stop.within(max(0, due - self._age()) / SECOND):
                return
            async with self._office.turns[channel]:
                webhook, age = self._webhook(channel), self._age()
                if webhook is None or self._office.stop.is_set():
                    return
                if next_attempt(self._standing(channel), age) is None:
                    break
                with self._attempt(channel) as attempt:
                    delivery = await self._send(webhook, age)
                    attempt.add({"http.response.status_code": delivery.status})
                    attempt.fault = delivery.detail
            slot = slot_at(age)
            kind = kind_of(slot, accepted=delivery.accepted)
            self._record(writing, channel, slot, kind, delivery, attempt.trace)
            if delivery.retry_after is not None:
                until = Micros(self._age() + delivery.retry_after)
                self._progress[channel] = asked_to_wait(self._standing(channel), until)
        if self._standing(channel).end is None:
            ran_out = Delivery(0, "the time for attempts ran out while the notifier was away or busy")
            self._record(writing, channel, self._standing(channel).slot, NoticeKind.EXHAUSTED, ran_out)

    def _webhook(self, channel: str) -> Webhook | None:
        """The channel as the policy has it now; None if it was taken out meanwhile."""
        policy = self._policy()
        named = policy.notify if policy else ()
        return next((webhook for webhook in named if channel_of(webhook) == channel), None)

    def _attempt(self, channel: str) -> Span:
        """An attempt as people who look see it; of its address no more is told than in a notice."""
        told = {CHANGE: self._news.id, "interlock.channel": channel, "http.request.method": "POST"}
        return self._office.tracing.span("POST", self._trace, told, kind=SpanKind.CLIENT)

    async def _send(self, webhook: Webhook, age: Micros) -> Delivery:
        return await self._office.sender.send(
            webhook,
            self._news.event_id.hex(),
            self._news.body,
            now=self._office.clock.now().wall,
            timeout_s=attempt_limit(age) / SECOND,
        )

    def _record(  # noqa: PLR0913, PLR0917 - all that is known of an outcome
        self,
        writing: asyncio.TaskGroup,
        channel: str,
        slot: int,
        kind: NoticeKind,
        delivery: Delivery,
        trace: str = NO_TRACE,
    ) -> None:
        """Take note of an outcome, and begin to write it down."""
        notice = Notice(
            change_id=self._news.id,
            event_id=self._news.event_id,
            agent=self._news.agent,
            channel=channel,
            attempt=slot,
            kind=kind,
            status=delivery.status,
            detail=delivery.detail,
            change_issued_at=self._news.issued_at,
            at=self._office.clock.now().wall,
        )
        self._progress[channel] = apply(self._standing(channel), notice)
        self._office.instruments.ended(kind, self._age())
        _log.info("notice", change=self._news.id, channel=channel, attempt=slot, kind=str(kind), detail=delivery.detail)
        writing.create_task(self._write(notice, trace or self._trace))

    async def _write(self, notice: Notice, trace: str) -> None:
        """Put an outcome on record, however long the broker is away; a repetition does no harm."""
        sealed = seal(notice, self._office.key)
        while True:
            try:
                if notice.kind is NoticeKind.EXHAUSTED:
                    detail = f"{notice.change_id} on {notice.channel}: {notice.detail}"
                    await self._office.findings.report(Reason.NOTICE_NOT_ACCEPTED, detail)
                with self._office.tracing.send(NOTICES.name, trace, {CHANGE: notice.change_id}) as span:
                    # Who can sign a change may give it any name.
                    key = (notice.change_id or notice.agent)[:TEXT_CHARS_MAX]
                    await self._office.publisher.publish(NOTICES.name, key, sealed, trace=span.trace)
            except InfrastructureError as error:
                _log.warning("notice_not_written", change=notice.change_id, reason=error.message)
                await asyncio.sleep(_WRITE_AGAIN_S)
            else:
                return

    def _age(self) -> Micros:
        return Micros(self._office.clock.now().boot - self._issued_boot)
