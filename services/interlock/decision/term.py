"""One owner's rule over a shard, from its claim to the first doubt.

One step is: read, decide, append, publish. The order matters: a change that is not in the log does not exist, so nothing is
published before the append is acknowledged, and only if its offset follows the last one without a gap. After a doubt nothing more
is published under the term: `core.tenure` keeps these rules.
"""

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from interlock.decision.causes import Causes
from interlock.decision.core.decide import Outcome, decide
from interlock.decision.core.events import Event, Lapse, Tick
from interlock.decision.core.freshness import Freshness
from interlock.decision.core.journal import Reached, reached
from interlock.decision.core.state import State
from interlock.decision.core.step import Step
from interlock.decision.core.tenure import Tenure
from interlock.decision.desk import Desk
from interlock.decision.inputs import Inputs, open_inputs, take_stock, worth_reading
from interlock.decision.pipelined import publish_all
from interlock.decision.projector import Projector
from interlock.decision.restart import Restart
from interlock.decision.unheard import Unheard
from interlock.records.audit import AuditKind, AuditRecord, Input, InputKind
from interlock.records.change import Heartbeat, RoutingChange
from interlock.records.health import Verdict
from interlock.records.sealing import open_sealed, seal, seal_encoded
from interlock.runtime.bus import Position, Publisher, Record
from interlock.runtime.lifecycle import Stop
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.limits import CHANGES_PER_STEP_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import ACKS, AUDIT, HEARTBEATS, ROUTES

BEAT_US = 1 * SECOND
"""One heartbeat a second (DESIGN 8)."""

TICK_US = SECOND // 5
"""How often the passing of time is looked at: a `for` is kept to within this."""

HEARD_WITHIN_S = 2.0
"""No heartbeat unless every input was heard to be at its end within this time (DESIGN 8)."""

BATCH = 100
"""Records decided on between two looks at the clock: each may make `CHANGES_PER_STEP_MAX` orders, and heartbeats must not wait."""

_SILENT = frozenset(
    {Reason.NOT_NEWER, Reason.MODEL_NOT_USED, Reason.EXPIRED, Reason.CANARY_UNKNOWN, Reason.CHANGE_UNKNOWN}
)
"""Refusals that are part of reading a topic from its beginning or beside other shards; they are no findings."""

_log = structlog.get_logger(__name__)


class TermEnded(Exception):  # noqa: N818 - not an error: somebody else took over, or might have
    """A doubt about being the only owner; `reason` says which."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Term:
    """The rule of one owner.

    Args:
        desk: What the owner works with.
        publisher: Where it appends.
        restart: Everything up to the claim.
        tenure: The term that the claim began.
        unheard: What of the log it has not told of.
    """

    def __init__(self, desk: Desk, publisher: Publisher, restart: Restart, tenure: Tenure, unheard: Unheard) -> None:
        self._desk = desk
        self._publisher = publisher
        self._restart = restart
        self._step = Step(restart.journal.state)
        self._causes = Causes(desk.tracing, desk.shard)
        self._sealed = restart.journal.sealed
        self._heard = restart.journal.positions
        self._projector = Projector(desk, publisher, restart.unwritten, restart.journal.last, restart.marked)
        self._tenure = tenure
        self._unheard = unheard
        self._published: set[int] = set()
        self._routes_seen = restart.routes_end - 1
        self._freshness = Freshness()
        self._beat_due = Micros(0)
        self._tick_due = Micros(0)
        self._orders_left = False
        self._begun = False

    @property
    def beats(self) -> int:
        """How many heartbeats were sent: 0 until everything was heard once."""
        return self._tenure.beats

    @property
    def _state(self) -> State:
        return self._step.state

    async def run(self, stop: Stop) -> None:
        """Publish what a crash left unpublished; then read, decide, append, publish; and beat."""
        await self._publish(self._restart.unpublished.items())
        inputs = await open_inputs(self._desk, self._tenure.term, self._restart.routes_end, self._heard)
        try:
            await self._begin(await inputs.read_to_end())
            self._begun = True
            while not stop.is_set() and self._desk.held():
                busy = self._projector.behind or self._orders_left
                records = await inputs.batch(limit=BATCH, wait_s=0 if busy else TICK_US / SECOND)
                await self._take(records, heard_all=inputs.at_end(HEARD_WITHIN_S))
                await self._heartbeat(inputs)
                if not self._orders_left:
                    await self._projector.write(self._heard)
        finally:
            await inputs.close()

    async def _begin(self, records: list[Record]) -> None:
        """Take what was said while nobody ruled.

        The state remembers verdicts, not how fresh they are. What has no fresh word lapses before anything is decided, so that
        no rung is entered on the strength of an old one.
        """
        now = self._now()
        unheard, fresh = take_stock(records, self._state.book.trust, now)
        for key in sorted(set(self._state.verdicts) - fresh):
            await self._lapse(Lapse(key, now), now)
        await self._flush(now)
        await self._take(unheard, heard_all=True)

    def _now(self) -> Micros:
        return max(self._desk.now(), self._state.now)

    async def _take(self, records: list[Record], *, heard_all: bool) -> None:
        """Decide on records and on the passing of time. Silence counts only while everything that was said is heard."""
        now = self._now()
        for number, record in enumerate(records, start=1):
            if number % BATCH == 0:
                await asyncio.sleep(0)  # the first batch may hold every policy, and this process has other shards
            if record.topic == AUDIT.name:
                await self._watch_log(record)
            elif record.topic == ROUTES.name:
                await self._watch_routes(record)
            else:
                if worth_reading(record, now):
                    await self._take_record(record, now)
                if record.topic == ACKS.name:
                    self._causes.heard(record, self._state.book.trust)
                self._heard[record.topic, record.partition] = record.offset + 1
        for lapse in self._freshness.lapsed(now) if heard_all else ():
            await self._lapse(lapse, now)
        if now >= self._tick_due or self._orders_left:
            self._tick_due = Micros(now + TICK_US)
            await self._tick(now)
        await self._flush(now)

    async def _tick(self, now: Micros) -> None:
        """Let time pass; where more orders are due than one decision makes, as many as one record holds."""
        tick = Input(InputKind.TICK, at=now)
        await self._decide(tick, Tick(), now)
        while self._orders_left and self._step.half_empty:
            await self._decide(tick, Tick(), now)

    async def _take_record(self, record: Record, now: Micros) -> None:
        given = Input(InputKind.RECORD, record.topic, record.partition, record.offset, record.value or b"")
        event = self._desk.interpreter.interpret(given, self._state.book.trust)
        if isinstance(event, Refused):
            await self._desk.findings.report(event.reason, event.detail, record)
            return
        verdict = event.value if isinstance(event, Verified) and isinstance(event.value, Verdict) else None
        if verdict is not None and not self._freshness.is_news(verdict):
            return
        outcome = await self._decide(given, event, now, record)
        if verdict is not None and outcome.refused is None:
            self._freshness.hear(verdict)
        if outcome.refused is not None and not self._is_silent(outcome.refused.reason):
            await self._desk.findings.report(outcome.refused.reason, outcome.refused.detail, record)

    def _is_silent(self, reason: Reason) -> bool:
        """Whether a refusal is no finding; a policy that was replaced still stands on its topic, and is read again at every start."""
        return reason in _SILENT or (reason is Reason.POLICY_OLDER and not self._begun)

    async def _lapse(self, lapse: Lapse, now: Micros) -> None:
        await self._decide(Input(InputKind.LAPSE, subject=lapse.key, at=lapse.valid_until), lapse, now)

    async def _decide(self, given: Input, event: Event, now: Micros, record: Record | None = None) -> Outcome:
        """Decide, and collect the decision for the next audit record; a full record is appended first."""
        outcome = decide(self._state, event, now)
        if not self._step.fits(given, outcome):
            await self._flush(now)
        self._step.add(given, outcome)
        self._causes.note(outcome, event, record, now)
        # What is left is made by the next tick, whatever else is heard in between.
        full = len(outcome.changes) >= CHANGES_PER_STEP_MAX
        self._orders_left = full or (self._orders_left and not isinstance(event, Tick))
        for reason, detail in outcome.findings:
            await self._desk.findings.report(reason, detail)
        return outcome

    async def _flush(self, now: Micros) -> None:
        """Append what was collected to the log; publish its changes only once it is there."""
        step, self._step = self._step, Step(self._step.state)
        if not step.inputs:
            return
        sealed = (seal_encoded(RoutingChange, encoded, self._desk.key) for encoded in step.encoded)
        signed = [(change.route, order) for change, order in zip(step.changes, sealed, strict=True)]
        with self._causes.step() as traced:
            last = await self._append(step, tuple(order for _, order in signed), now, traced.audit)
            traced.appended(last.offset)
            self._sealed.update(signed)
            await self._publish(signed, traced.orders)
        self._projector.stepped(last, step.entries)
        self._desk.instruments.stepped(self._desk.shard, step.changes)
        for change in step.changes:
            _log.info(
                "route_changed",
                change=change.id,
                source=change.source,
                target=change.target,
                cause=change.cause.detail,
            )

    async def _append(self, step: Step, changes: tuple[bytes, ...], now: Micros, trace: str) -> Reached:
        self._go_on(self._tenure.append(held=self._desk.held()))
        record = AuditRecord(
            self._desk.shard,
            AuditKind.STEP,
            self._desk.owner,
            self._tenure.term,
            self._tenure.sequence,
            now,
            tuple(step.inputs),
            changes,
            tuple(step.entries),
            step.state.digest.root,
        )
        shard = self._desk.shard
        sealed = seal(record, self._desk.key)
        self._unheard.appending(sealed)
        offset = await self._publisher.publish(AUDIT.name, str(shard), sealed, partition=shard, trace=trace)
        self._unheard.appended(offset)
        self._go_on(self._tenure.acknowledged(offset))
        self._unheard.since(self._tenure.next_offset)
        return reached(offset, record)

    def _go_on(self, tenure: Tenure) -> None:
        """Go on with the term, unless there is a doubt about it.

        Raises:
            TermEnded: There is one.
        """
        self._tenure = tenure
        if tenure.doubt is not None:
            raise TermEnded(tenure.doubt)

    async def _publish(self, orders: Iterable[tuple[RouteId, bytes]], traces: Sequence[str] = ()) -> None:
        assert self._tenure.may_publish, "what is not in the log does not exist"
        where = Position(ROUTES.name, self._desk.shard)
        offsets = await publish_all(self._publisher, where, [(route.key, sealed) for route, sealed in orders], traces)
        self._published.update(offsets)

    async def _watch_log(self, record: Record) -> None:
        """Whatever stands in the log and is not ours ends the term. What cannot be read is told by who starts again."""
        tenure = self._tenure.saw(record.offset)
        if tenure.doubt is not None:
            await self._unheard.tell(record, self._state.book.trust, self._desk.findings)
        self._go_on(tenure)

    async def _watch_routes(self, record: Record) -> None:
        """Publish again what somebody else overwrote; what is only told again was dealt with."""
        if record.offset <= self._routes_seen:
            return
        self._routes_seen = record.offset
        if record.offset in self._published:
            self._published.discard(record.offset)
            return
        await self._desk.findings.report(Reason.FOREIGN_RECORD, "", record)
        said = open_sealed(record.value, self._state.book.trust, RoutingChange)
        # Under its key it hides our order from who reads a compacted topic; by what it says, from routers.
        hidden = [RouteId.parse((record.key or b"").decode("utf-8", "replace"))]
        hidden += [said.value.route] if isinstance(said, Verified) else []
        await self._publish([(route, self._sealed[route]) for route in dict.fromkeys(hidden) if route in self._sealed])

    async def _heartbeat(self, inputs: Inputs) -> None:
        """Say that this shard is decided, if everything that was said to it was heard."""
        now = self._desk.now()
        if now < self._beat_due or not self._tenure.may_beat(heard_to_end=inputs.at_end(HEARD_WITHIN_S)):
            return
        self._beat_due = Micros(now + BEAT_US)
        self._tenure = self._tenure.beat()
        trust, shard = self._state.book.trust, self._desk.shard
        heads = self._state.book.head.root, self._state.routes_head.root
        beat = Heartbeat(trust.deployment, shard, trust.version, self._tenure.term, self.beats, now, *heads)
        sealed = seal(beat, self._desk.key)
        await self._publisher.publish(HEARTBEATS.name, str(shard), sealed, partition=shard)
