"""The subscriber: follows policies, routes and heartbeats, and keeps the state from which requests are answered.

Judge, write the marks, only then use the new state, then say so (`words`): one record at a time, or many at once where each of them simply
counts (`core.together`). What cannot be written is not applied; it is kept and tried again, a document in its turn before anything else is taken, a change with each heartbeat that contains it.
It is also the `Resolver` that gateways and adapters ask.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from itertools import takewhile

import structlog

from interlock.policy.book import take
from interlock.records.change import AckKind, RoutingChange
from interlock.records.models import Model
from interlock.reporting.findings import Findings
from interlock.router.answers import Serve, Stop
from interlock.router.core.accept import Acceptance, Answer, accept, retry, with_candidate
from interlock.router.core.own_steps import OwnSteps, live
from interlock.router.core.renew import Terms, renew
from interlock.router.core.repeat import may_repeat
from interlock.router.core.resolve import resolve
from interlock.router.core.state import Candidate, Held, RouterState, agents_concerned, hold_document
from interlock.router.core.together import Said, together
from interlock.router.instruments import Instruments
from interlock.router.marks_file import MarksFile
from interlock.router.rereader import Rereader
from interlock.router.words import Words
from interlock.runtime import lifecycle
from interlock.runtime.bus import Record
from interlock.runtime.clock import Clock
from interlock.runtime.health_server import Readiness
from interlock.runtime.tracing import CHANGE, REASON, ROUTE, UNTRACED, Attributes, Tracing
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, Reading
from interlock.wire.topics import HEARTBEATS, POLICIES, ROUTES
from interlock.wire.trace import NO_TRACE

DIFFER_US_MAX = 5 * SECOND
"""How long heads may differ before it is a finding (DESIGN 8)."""

TOGETHER = 50
"""Records taken at once at most: some tens of milliseconds, in which nobody else gets a turn."""

MANY = 10
"""So few are taken one by one while the present is followed."""

HEARTBEAT_AGE_US_MAX = 60 * SECOND
"""Heartbeats older than that are not even verified while the topic is read from its beginning: no lease is that long."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Pending:
    """A heartbeat whose heads are not held yet, and since when heads have differed."""

    record: Record
    since: Micros
    told: bool = False


class Subscriber:
    """Keeps a router's state up to date.

    Args:
        state: The state to start from: the installed trust root and the marks that were kept.
        marks: Where marks are written.
        reader: Reads policies, routes and heartbeats, each from its beginning.
        words: Says what was done.
        terms: Lease and permitted skew.
        clock: Both clocks.
        findings: Where refusals are told.
        readiness: Told when every shard has a live lease.
        instruments: Where answers are counted.
        tracing: Makes the spans.
    """

    def __init__(  # noqa: PLR0913 - one place wires it, by name
        self,
        *,
        state: RouterState,
        marks: MarksFile,
        reader: Rereader,
        words: Words,
        terms: Terms,
        clock: Clock,
        findings: Findings,
        readiness: Readiness,
        instruments: Instruments,
        tracing: Tracing = UNTRACED,
    ) -> None:
        self.state = state
        self._tracing = tracing
        self._trace = NO_TRACE
        self._marks = marks
        self._reader = reader
        self._words = words
        self._terms = terms
        self._clock = clock
        self._findings = findings
        self._readiness = readiness
        self._instruments = instruments
        self._own_steps = OwnSteps()
        self._pending: dict[int, _Pending] = {}
        self._documents: deque[Record] = deque()
        self._unsaved = False

    def resolve(self, agent: str, slot: str, scope: str, request_key: str | None) -> Serve | Stop:
        """Answer one request from memory; see `interlock.router.answers.Resolver`."""
        return resolve(self.state, RouteId(agent, slot, scope), request_key, self._clock.now())

    def may_repeat(self, route: RouteId, model: Model) -> bool:
        """Say whether a model's earlier answers may be given again; see `interlock.router.answers.Resolver`."""
        return may_repeat(self.state, route, model, self._clock.now())

    async def run(self, stop: lifecycle.Stop) -> None:
        """Follow the topics, and say what is done, until asked to stop."""
        self._words.say(AckKind.HELLO, None)
        await lifecycle.supervise(stop, {"following": self._follow(stop), "words": self._words.run(stop)})
        await self._words.say_the_last()

    async def _follow(self, stop: lifecycle.Stop) -> None:
        while not stop.is_set():
            await self._take_all(await self._reader.batch())
            self._reader.look_for_end()
            await self._tell_differences()
            await self._tell_own_steps()
        await self._reader.close()

    @property
    def _caught_up(self) -> bool:
        return self._reader.caught_up

    async def _take_all(self, records: list[Record]) -> None:
        """Take records; then look again at the heartbeats that wait for what may have been among them."""
        taken = 0
        while taken < len(records):
            together = await self._take_together(records[taken : taken + TOGETHER])
            if not together:
                await self._take(records[taken])
                await asyncio.sleep(0)  # requests are answered meanwhile, whatever stands on the topics
            taken += together or 1
        if any(record.topic != HEARTBEATS.name for record in records):
            for pending in list(self._pending.values()):
                await self._take_heartbeat(pending.record)

    async def _take_together(self, records: list[Record]) -> int:
        """Take the first of many records at once, as far as they simply count; how many. Marks are on disk before they are used."""
        few = self._caught_up and len(records) < MANY
        if few or self._documents or self._unsaved:  # one by one: each has its own story, or its own trouble
            return 0
        now = self._clock.now()
        follow = takewhile(lambda record: record.topic in {POLICIES.name, ROUTES.name}, records)
        run = together(
            self.state,
            (Said(each.value, each.partition if each.topic == ROUTES.name else None) for each in follow),
            now,
            told_before=not self._caught_up,
        )
        if not run.taken or not self._marks.save(run.state.marks):
            return 0
        self.state = replace(run.state, marks=run.state.marks.saved())
        await asyncio.sleep(0)  # requests that came in meanwhile are answered by it before anybody is told
        if new := [said for said in run.answers if said[1].answer is Answer.ACCEPTED]:
            _log.info("changes_applied", changes=len(new), records=run.taken)
        for _, answer in run.answers:
            self._instruments.judged(answer.answer, None)
        for place, answer in new:
            self._tell_applied(answer, records[place], now)
        return run.taken

    def _tell_applied(self, answer: Acceptance, record: Record, now: Reading) -> None:
        """Acknowledge one of many changes."""
        if answer.change is None:
            return
        if not self._caught_up:
            self._words.say(AckKind.ACK, answer.change)
            return
        with self._tracing.process(record, _about(answer, answer.change.value), began=now.wall) as span:
            self._words.say(AckKind.ACK, answer.change, trace=span.trace)

    async def _take(self, record: Record) -> None:
        if record.topic == POLICIES.name:
            self._documents.append(record)
        while self._documents and await self._take_document(self._documents[0]):
            self._documents.popleft()
        if record.topic == ROUTES.name:
            await self._take_change(record)
        elif record.topic == HEARTBEATS.name:
            await self._take_heartbeat(record)

    async def _take_document(self, record: Record) -> bool:
        """Take a document; False if it cannot be remembered yet: those that follow may rest on it, so they wait too."""
        taken = take(self.state.book, record.value)
        if isinstance(taken, Refused):
            again = taken.reason is Reason.POLICY_OLDER and not self._caught_up
            if taken.reason is not Reason.NOT_NEWER and not again:
                await self._findings.report(taken.reason, taken.detail, record)
            return True
        if not await self._adopt(hold_document(self.state, taken, self._clock.now()), record):
            return False
        for agent in agents_concerned(taken):
            for answer in retry(self.state, agent, self._clock.now()):
                await self._apply(answer, record)
        return True

    async def _take_change(self, record: Record) -> None:
        now = self._clock.now()
        answer = accept(self.state, record.value, record.partition, now)
        self._instruments.judged(answer.answer, answer.refused.reason if answer.refused else None)
        # The story of what is old was told, and what is not signed has none.
        if answer.change is None or not self._caught_up:
            await self._do(answer, record)
            return
        with self._tracing.process(record, _about(answer, answer.change.value), began=now.wall) as span:
            self._trace = span.trace
            await self._do(answer, record)
        self._trace = NO_TRACE

    async def _do(self, answer: Acceptance, record: Record) -> None:
        """Do what the answer to a change asks for."""
        if answer.answer is Answer.ACCEPTED:
            await self._apply(answer, record)
        elif answer.answer is Answer.KNOWN and answer.change is not None:
            self.state = answer.state
            if self._caught_up:
                self._say_what_is_held(answer.change)
        elif answer.refused is not None:
            self.state = answer.state
            await self._refuse(answer, answer.refused, record)

    async def _refuse(self, answer: Acceptance, refused: Refused, record: Record) -> None:
        """Report what was refused; while old records are read after a start, what is merely old is no news."""
        waiting = refused.reason in {Reason.POLICY_NOT_HELD, Reason.REGISTRATION_NOT_HELD, Reason.PAST_NOT_AFTER}
        old = refused.reason in {Reason.NOT_NEWER, Reason.OLD_TERM} and not self._caught_up
        replaced = refused.reason is Reason.POLICY_OLDER and not self._reader.ever_caught_up
        if waiting or old or replaced:
            return
        if answer.change is not None:
            self._words.say(AckKind.NACK, answer.change, refused.reason, trace=self._trace)
        await self._findings.report(refused.reason, refused.detail, record)

    async def _apply(self, answer: Acceptance, record: Record) -> None:
        change = answer.change
        if change is None:
            return
        with self._tracing.of(self._trace).span("persist", self._trace):
            adopted = await self._adopt(answer.state, record, change)
        if not adopted:
            if record.topic == ROUTES.name and record.value is not None:  # else it is a candidate already
                unsaved = Candidate(change, record.value, Reason.NOT_PERSISTED)
                self.state = with_candidate(self.state, unsaved)
            return
        await asyncio.sleep(0)  # requests that came in meanwhile are answered by it before anybody is told
        _log.info("change_applied", change=change.value.id, target=change.value.target, cause=change.value.cause.detail)
        self._words.say(AckKind.ACK, change, trace=self._trace)

    async def _adopt(self, state: RouterState, record: Record, change: Verified[RoutingChange] | None = None) -> bool:
        """Write the marks of a state, and only then use it. That it cannot be done is told for each change, and else once."""
        if not self._marks.save(state.marks):
            if change is not None or not self._unsaved:
                self._unsaved = True
                await self._findings.report(Reason.NOT_PERSISTED, change.value.id if change else "", record)
            if change is not None:
                self._words.say(AckKind.NACK, change, Reason.NOT_PERSISTED, trace=self._trace)
            return False
        self._unsaved = self._unsaved and not state.marks.unsaved
        self.state = replace(state, marks=state.marks.saved())
        return True

    async def _take_heartbeat(self, record: Record) -> None:
        now = self._clock.now()
        if not self._caught_up and record.timestamp_ms * 1_000 < now.wall - HEARTBEAT_AGE_US_MAX:
            return
        renewal = renew(self.state, record.value, record.partition, now, self._terms)
        reason = renewal.refused.reason if renewal.refused else None
        self._instruments.heard(reason)
        pending = self._pending.get(record.partition)
        if reason is Reason.HEADS_DIFFER:
            since = pending.since if pending else now.wall
            self._pending[record.partition] = _Pending(record, since, pending.told if pending else False)
        elif renewal.refused is None:
            self._pending.pop(record.partition, None)
            if await self._adopt(renewal.state, record):
                await self._tell_obeyed(renewal.obeyed, record)
        elif reason not in self._no_news():
            await self._findings.report(renewal.refused.reason, renewal.refused.detail, record)
        elif pending is not None and pending.record.offset == record.offset:
            del self._pending[record.partition]  # an old one that is repeated says nothing of the one that waits

    def _no_news(self) -> frozenset[Reason]:
        """Refusals of heartbeats that are part of reading: while the topic is read from its beginning, those of earlier owners too."""
        usual = frozenset({Reason.NOT_NEWER, Reason.EXPIRED})
        return usual if self._caught_up else usual | {Reason.OLD_TERM}

    async def _tell_obeyed(self, obeyed: tuple[Held, ...], record: Record) -> None:
        for held in obeyed:
            self._say_what_is_held(held.change)
            if held.refused is not None:
                await self._findings.report(Reason.REFUSED_BUT_LIVE, f"{held.change.value.id}: {held.refused}", record)

    def _say_what_is_held(self, change: Verified[RoutingChange]) -> None:
        """Acknowledge the change that a route rests on; a NACK where this router does not do all that it orders."""
        route = change.value.route
        against = self.state.held[route].refused or self.state.standings[route].cut
        self._words.say(AckKind.NACK if against else AckKind.ACK, change, against or "", trace=self._trace)

    async def _tell_differences(self) -> None:
        """Report what has differed for long, and look for what is lacking here: it may have been withheld, or served old."""
        now = self._clock.now().wall
        lasting = [pending for pending in self._pending.values() if now - pending.since >= DIFFER_US_MAX]
        for pending in lasting:
            if not pending.told:
                pending.told = True
                await self._findings.report(Reason.HEADS_DIFFER, "", pending.record)
        if lasting:
            await self._reader.begin_again()

    async def _tell_own_steps(self) -> None:
        """Report what the passing of time alone made of the routes, and whether every shard has a live lease."""
        now = self._clock.now()
        for reason, detail in self._own_steps.since_last(self.state, now):
            await self._findings.report(reason, detail)
        waiting = [shard for shard in range(self.state.shards) if not live(self.state, shard, now)]
        self._instruments.live(self.state.shards - len(waiting))
        self._readiness.set("lease", not waiting, f"no live lease for shards {waiting}" if waiting else "")


def _about(answer: Acceptance, change: RoutingChange) -> Attributes:
    """What a span tells of a change and its answer."""
    reason = answer.refused.reason if answer.refused else ""
    return {ROUTE: change.route.key, CHANGE: change.id, "interlock.answer": str(answer.answer), REASON: str(reason)}
