"""Health-monitor and decision, one after the other, in virtual time: what is told goes in, moves come out.

    line = Line(stand_in, rules, now)
    line.publish(sealed_policy)
    line.at(later)
    line.tell(Role.PROBE, [batch])
    line.look()
    line.tick()
    line.moves

Everything is real but what lies between the two: records are signed and verified, the monitor judges, `decide` orders. Of the
verdicts only those that say something new are handed on: decision makes nothing of the others, and as the monitor never stops here,
none lapses. What no part of this release judges (quality, low confidence, cost, the steps of a canary) has no verdict, unless an
evaluator is assumed that finds everything well.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from interlock.decision.core.agenda import SLOT_US
from interlock.decision.core.canary import objective
from interlock.decision.core.decide import Outcome, decide
from interlock.decision.core.events import Document, Event, Ordered, Tick
from interlock.decision.core.state import State
from interlock.health_monitor.core.monitor import Monitor
from interlock.health_monitor.core.objectives import Rules
from interlock.records.change import RoutingChange
from interlock.records.commands import Command
from interlock.records.health import GuardBeat, Level, TelemetryBatch, Verdict
from interlock.records.sealing import open_sealed
from interlock.records.state import RouteEntry
from interlock.signing.roles import Role
from interlock.signing.statement import Statement
from interlock.signing.verifier import Refused, Verified
from interlock.trials.simulate.stand_in import StandIn
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

S = TypeVar("S", bound=Statement)

EVALUATOR_CALLS = 1_000_000
"""An evaluator that is assumed has seen enough calls for any step of a canary."""


@dataclass(frozen=True, slots=True)
class Move:
    """One order of decision, and what the route's entry says after it."""

    at: Micros
    change: RoutingChange
    entry: RouteEntry


@dataclass(frozen=True, slots=True)
class Heard:
    """One verdict that said something new."""

    at: Micros
    verdict: Verdict


@dataclass(slots=True)
class Line:
    """One deployment, all of its shards in one.

    Attributes:
        stand_in: Who signs.
        rules: How the health-monitor judges.
        now: The time of the last step.
        evaluator: Whether an evaluator is assumed that finds healthy what nobody else judges.
        moves: Every order so far.
        heard: Every verdict so far that said something new.
    """

    stand_in: StandIn
    rules: Rules
    now: Micros
    evaluator: bool = False
    moves: list[Move] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    state: State = field(init=False)
    _monitor: Monitor = field(init=False)
    _said: dict[str, Level] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state = State.start(0, 1, self.stand_in.book()).claimed(0, self.now)
        self._monitor = Monitor(self.rules)
        self._monitor.listening(True, self.now)

    def at(self, now: Micros) -> None:
        """Time passes, and nobody has looked yet."""
        self.now = now
        self._monitor.watch(self.state.book, now)

    def publish(self, sealed: bytes) -> None:
        """A document of the policies topic arrives."""
        outcome = self.happen(Document(sealed))
        if outcome.refused is not None:
            raise _fault(outcome.refused)
        self._monitor.watch(self.state.book, self.now)

    def tell(self, role: Role, batches: Iterable[TelemetryBatch]) -> None:
        """Telemetry arrives, from the probe or from a reporter."""
        for batch in batches:
            opened = self._opened(self.stand_in.seal(batch, role, batch.reporter), TelemetryBatch)
            refused = self._monitor.observe(opened, self.now)
            if refused is not None and refused.reason is not Reason.MODEL_NOT_USED:
                raise _fault(refused)

    def beat(self, guard: str) -> None:
        """A guard says that it works. One that the trust root does not name cannot."""
        if (Role.GUARD, guard) in self.stand_in.keys:
            beat = GuardBeat(guard, self.now)
            self._monitor.hear(self._opened(self.stand_in.seal(beat, Role.GUARD, guard), GuardBeat), self.now)

    def look(self) -> None:
        """The monitor says what is new."""
        for verdict in self._monitor.judge(self.now):
            self.judge(verdict)

    def tick(self) -> None:
        """Decision looks at what is due."""
        if self.evaluator:
            self._evaluate()
        self.happen(Tick())

    def judge(self, verdict: Verdict) -> None:
        """A verdict reaches decision, if it says something new."""
        if self._said.get(verdict.key) is verdict.level:
            return
        self._said[verdict.key] = verdict.level
        self.heard.append(Heard(self.now, verdict))
        self.happen(self._opened(self.stand_in.seal(verdict, Role.HEALTH), Verdict))

    def order(self, command: Command, signers: Iterable[tuple[Role, str]]) -> str:
        """People order something; empty if it was carried out, else the reason for which it was not."""
        sealed = self.stand_in.seal_by(command, signers)
        self.happen(Ordered(self._opened(sealed, Command), sealed))
        answer = self.state.answers[command.id]
        return "" if answer.accepted else answer.reason

    def happen(self, event: Event) -> Outcome:
        """Decide on one event now."""
        outcome = decide(self.state, event, self.now)
        self.state = outcome.state
        for change in outcome.changes:
            self.moves.append(Move(self.now, change, self.state.routes[change.route]))
        return outcome

    def next_due(self) -> Micros | None:
        """The next moment at which time alone gives decision something to do."""
        slot = min(self.state.agenda.timers, default=None)
        return None if slot is None else Micros((slot + 1) * SLOT_US)

    def find_healthy(self, model: str, judged: str, calls: int = EVALUATOR_CALLS) -> None:
        """Say that a model is well, as an evaluator outside this release would."""
        detail = "taken as healthy by the simulation"
        until = Micros(self.now + self.rules.validity_us)
        self.judge(Verdict(model, ANY, judged, Level.HEALTHY, detail, calls, (), self.now, self.now, until))

    def _evaluate(self) -> None:
        for route in self.state.canaries.values():
            entry = self.state.routes[route]
            if entry.canary is not None:
                self.find_healthy(entry.canary.model, objective(entry.canary))

    def _opened(self, sealed: bytes, kind: type[S]) -> Verified[S]:
        opened = open_sealed(sealed, self.state.book.trust, kind)
        if isinstance(opened, Refused):
            raise _fault(opened)
        return opened


def _fault(refused: Refused) -> InvariantError:
    """What the simulation itself has said must count."""
    return InvariantError(
        f"The simulation's own record was refused: {refused.reason} {refused.detail}.", "Report this as a bug."
    )
