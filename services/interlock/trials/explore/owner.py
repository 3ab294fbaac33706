"""One process of the decision service around the real cores: what it does between two records of a topic.

The shell (`decision.term`) decides, appends, waits, publishes, one thing after the other. Here each of these is a step of its own, so
that anything may happen in between: another process claims the shard, the append lands late or never, the process dies. What may be
appended, published and beaten is asked of the real `Tenure`; the log is rebuilt by the real `Journal`.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace

from interlock.decision.core.decide import Outcome, decide
from interlock.decision.core.events import interpret
from interlock.decision.core.state import State
from interlock.decision.core.tenure import Tenure
from interlock.records.audit import AuditKind, AuditRecord, Input, InputKind
from interlock.records.change import Heartbeat, RoutingChange
from interlock.records.log import NO_TERM
from interlock.signing.verifier import Refused
from interlock.trials.explore.bus import Bus, Log
from interlock.trials.explore.catalogue import Catalogue
from interlock.trials.explore.facts import NOTHING, Facts
from interlock.trials.explore.world import SHARD, World
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros
from interlock.wire.topics import POLICIES

OWNER = "decision-1"
"""Two processes under one name and one key: the worst case, since no record tells them apart."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the decision service.

    Attributes:
        tenure: Its term; None: it does not rule.
        state: What it has decided, appended or not.
        facts: What it was told, for the oracle.
        sealed: The last order of each route, as signed.
        flight: The step that it is appending.
        outbox: What it will publish once that is acknowledged.
        late: A step of an earlier life that may still reach the log.
        beat_at: The moment of its last heartbeat: at most one for each.
        held: Whether the consumer group gives it the shard.
    """

    tenure: Tenure | None = None
    state: State | None = None
    facts: Facts = NOTHING
    sealed: tuple[tuple[RouteId, int], ...] = ()
    flight: int | None = None
    outbox: tuple[int, ...] = ()
    late: int | None = None
    beat_at: int = -1
    held: bool = True

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: only then the shell reads on.

        A process whose term has ended may go on trying: it is for the term to forbid it everything.
        """
        return self.tenure is not None and self.flight is None and not self.outbox

    def key(self) -> Hashable:
        """Everything that matters of it."""
        state = self.state
        known = state and (state.digest.root, state.book.head.root, _agenda(state))
        rest = (self.facts, self.sealed, self.flight, self.outbox, self.late, self.beat_at, self.held)
        return (self.tenure, known, *rest)

    def ended(self) -> "Process":
        """The process after its term: what it was appending may still reach the log."""
        return Process(late=self.flight if self.flight is not None else self.late, held=self.held)

    def serves(self) -> str | None:
        """The model that it has ordered for the agent's only route; None: the safe state, or several routes."""
        entries = list(self.state.routes.values()) if self.state is not None else []
        return entries[0].target if len(entries) == 1 and entries[0].safe_state is None else None

    def next_document(self, documents: tuple[tuple[int, int], ...]) -> int | None:
        """The first document that is new to it: the policies topic is read in its order."""
        return next((place for place, _ in documents if place not in self.facts.documents), None)

    def settled(self) -> "Process":
        """The process whose step of an earlier life is in the log, or lost."""
        return replace(self, late=None)

    def published(self) -> "Process":
        """The process that has published the first of its orders."""
        return replace(self, outbox=self.outbox[1:])

    def dismissed(self) -> "Process":
        """The process from which the group takes the shard, without its noticing."""
        return replace(self, held=False)

    def later(self) -> "Process":
        """The process at the next moment, where it may beat again."""
        return replace(self, beat_at=-1)


def _agenda(state: State) -> Hashable:
    agenda = state.agenda
    return (frozenset((*agenda.backlog[agenda.place :], *agenda.fresh)), frozenset(agenda.armed.items()))


@dataclass(slots=True)
class Desk:
    """What a process does, step by step. Every step gives a new process, or None where it cannot be made."""

    world: World
    catalogue: Catalogue
    bus: Bus

    def claim(
        self, process: Process, log: int, t: int, *, signer: str = OWNER, shard: int = SHARD
    ) -> tuple[Process, int]:
        """Append a claim and rebuild from the log up to it."""
        now = self.world.wall(t)
        record = AuditRecord(shard, AuditKind.CLAIM, OWNER, NO_TERM, 0, now, (), (), (), b"")
        offset = len(self.bus.logs[log].items)
        forged = "" if (signer, shard) == (OWNER, SHARD) else "a claim that nobody may make"
        item = self.catalogue.add(self.world.seal(record, signer), record, "a claim", forged=forged)
        after = self.bus.appended(log, item)
        rebuilt = self.bus.logs[after]
        tenure = Tenure.begin(offset, rebuilt.journal.log)
        if tenure.doubt is not None:
            return process.ended(), after
        return self._rebuilt(process, tenure, rebuilt), after

    def _rebuilt(self, process: Process, tenure: Tenure, log: Log) -> Process:
        sealed = tuple(
            sorted((route, self.catalogue.numbers[data, SHARD]) for route, data in log.journal.sealed.items())
        )
        state = log.journal.state
        return Process(tenure, state, log.facts, sealed, late=process.late, held=process.held)

    def hear(self, process: Process, place: int, t: int) -> Process | None:
        """Read a document."""
        given = Input(InputKind.RECORD, POLICIES.name, 0, 0, self.world.documents[place].sealed)
        policy = bool(self.world.documents[place].version)
        return self.decided(process, given, process.facts.heard(place, policy=policy), t)

    def decided(self, process: Process, given: Input, facts: Facts, t: int) -> Process | None:
        """Decide on one input, and hand the step over to be appended."""
        assert process.state is not None, "asked of a process that rules"
        assert process.tenure is not None, "asked of a process that rules"
        now = self.world.wall(t)
        event = interpret(given, process.state.book.trust)
        if isinstance(event, Refused):
            return None
        outcome = decide(process.state, event, now)
        after = replace(process, state=outcome.state, facts=facts)
        if not outcome.to_journal:
            return after
        tenure = process.tenure.append(held=process.held)
        if tenure.doubt is not None:
            return replace(process, tenure=tenure)
        return self._appending(replace(after, tenure=tenure), given, outcome, now)

    def _appending(self, process: Process, given: Input, outcome: Outcome, now: Micros) -> Process:
        assert process.tenure is not None, "asked of a process that rules"
        changes = [(change, self._sealed(change)) for change in outcome.changes]
        record = AuditRecord(
            SHARD,
            AuditKind.STEP,
            OWNER,
            process.tenure.term,
            process.tenure.sequence,
            now,
            (given,),
            tuple(self.catalogue[item].sealed for _, item in changes),
            outcome.entries,
            outcome.state.digest.root,
        )
        items = tuple(item for _, item in changes)
        words = f"step {record.sequence} of term {record.term}"
        sealed = self.world.seal(record, OWNER)
        flight = self.catalogue.add(sealed, record, words, note=(process.facts, items))
        latest = {**dict(process.sealed), **{change.route: item for change, item in changes}}
        return replace(process, flight=flight, outbox=items, sealed=tuple(sorted(latest.items())))

    def _sealed(self, change: RoutingChange) -> int:
        where = change.target if change.safe_state is None else f"{change.safe_state}"
        share = f" at {change.weight} %" if change.canary else ""
        words = f"the order {change.order} of {change.slot} to {where}{share}"
        sealed = self.world.seal(change, OWNER)
        return self.catalogue.add(sealed, change, words, partition=SHARD)

    def tick(self, process: Process, t: int) -> Process | None:
        """Look at the passing of time."""
        given = Input(InputKind.TICK, at=self.world.wall(t))
        return self.decided(process, given, process.facts, t)

    def lands(self, process: Process, log: int) -> tuple[Process, int]:
        """The append lands and is acknowledged, wherever the log is by then."""
        assert process.tenure is not None, "asked of a process that appends"
        assert process.flight is not None, "asked of a process that appends"
        offset = len(self.bus.logs[log].items)
        after = self.bus.appended(log, process.flight)
        tenure = process.tenure.acknowledged(offset)
        return replace(process, tenure=tenure, flight=None), after

    def reads_log(self, process: Process, log: int) -> Process | None:
        """Read what others wrote to the log."""
        assert process.tenure is not None, "asked of a process that rules"
        tenure = process.tenure
        for offset in range(tenure.next_offset, len(self.bus.logs[log].items)):
            tenure = tenure.saw(offset)
        return None if tenure == process.tenure else replace(process, tenure=tenure)

    def missing(self, process: Process, shown: int) -> int | None:
        """The order that is not the last one on the routes topic and should be: to be published again."""
        last = dict(self.bus.routes[shown].last)
        return next((item for route, item in process.sealed if last.get(route) != item), None)

    def beat(self, process: Process, log: int, documents: int, t: int) -> tuple[Process, int] | None:
        """Send a heartbeat, if the term may."""
        assert process.tenure is not None, "asked of a process that rules"
        assert process.state is not None, "asked of a process that rules"
        tenure, state = process.tenure, process.state
        at_end = process.next_document(self.bus.documents[documents]) is None
        at_end = at_end and tenure.next_offset == len(self.bus.logs[log].items)
        if process.beat_at == t or not tenure.may_beat(heard_to_end=at_end):
            return None
        tenure = tenure.beat()
        now, trust = self.world.wall(t), state.book.trust
        heads = state.book.head.root, state.routes_head.root
        beat = Heartbeat(trust.deployment, SHARD, trust.version, tenure.term, tenure.beats, now, *heads)
        words = f"heartbeat {tenure.beats} of term {tenure.term}"
        item = self.catalogue.add(self.world.seal(beat, OWNER), beat, words, partition=SHARD)
        return replace(process, tenure=tenure, beat_at=t), item
