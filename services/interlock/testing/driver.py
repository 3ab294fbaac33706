"""Drives the decision's core by hand: say what happens, look at what is ordered. For tests that tell a story.

deployment = Deployment()
driver = Driver(deployment, deployment.policy("support", ["atlas", "birch"]))
driver.all_healthy("atlas", "birch")
driver.verdict("atlas", "unavailable", Level.UNAVAILABLE)
assert driver.target == "birch"
"""

from collections.abc import Sequence
from typing import TypeVar

from interlock.decision.core.decide import Outcome, decide
from interlock.decision.core.events import Document, Event, Lapse, Ordered, Tick
from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.change import AckKind, Acknowledgement, RoutingChange
from interlock.records.commands import WATCH_ID, Command, ReviewOutcome, Verb
from interlock.records.documents import Denial
from interlock.records.health import Level, Verdict
from interlock.records.rules import guard_subject
from interlock.records.sealing import event_id_of, open_sealed
from interlock.records.state import RouteEntry
from interlock.signing.statement import Statement
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import NOW, TRIGGERS, Deployment
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import SECOND, Micros

AGENT = "support"
ROUTE = RouteId(AGENT, "main", ANY)
OBJECTIVES = tuple(rule.objective for rule in TRIGGERS)

S = TypeVar("S", bound=Statement)


class Driver:
    """One shard that owns every agent, its state, and the orders so far.

    Args:
        deployment: Who signs.
        policy: The sealed policy of `support`; None to start without one.
    """

    def __init__(self, deployment: Deployment, policy: bytes | None) -> None:
        self.deployment = deployment
        self.now = NOW
        self.state = State.start(0, 1, Book.start(deployment.root, deployment.root_id)).claimed(7, NOW)
        self.orders: list[RoutingChange] = []
        self.outcomes: list[tuple[Event, Micros, Outcome]] = []
        self._commands = 0
        self._command = ""
        if policy is not None:
            self.document(policy)

    @property
    def entry(self) -> RouteEntry:
        """What the state says of the route."""
        return self.state.routes[ROUTE]

    @property
    def target(self) -> str | None:
        """Where the route is now; None: the safe state."""
        return self.entry.target

    @property
    def last(self) -> RoutingChange:
        """The last order."""
        return self.orders[-1]

    def happen(self, event: Event) -> Outcome:
        """Decide on one event now."""
        outcome = decide(self.state, event, self.now)
        self.outcomes.append((event, self.now, outcome))
        self.state = outcome.state
        self.orders += outcome.changes
        return outcome

    def wait(self, seconds: float) -> Outcome:
        """Let time pass, then tick."""
        self.now = Micros(self.now + round(seconds * SECOND))
        return self.happen(Tick())

    def document(self, sealed: bytes) -> Outcome:
        """A record of the policies topic arrives."""
        return self.happen(Document(sealed))

    def verdict(  # noqa: PLR0913 - every one has a default
        self, model: str, objective: str, level: Level, *, scope: str = ANY, calls: int = 9, detail: str = ""
    ) -> Outcome:
        """The health-monitor judges a model, a guard or the step of a canary."""
        said = Verdict(
            model,
            scope,
            objective,
            level,
            detail or f"it is {level}",
            calls,
            ("gateway-1",),
            self.now,
            self.now,
            Micros(self.now + 5 * SECOND),
        )
        return self.happen(self.opened(self.deployment.seal(said, "health-1"), Verdict))

    def all_healthy(self, *models: str) -> None:
        """Every objective that the route watches is healthy for some models."""
        rule = self.state.book.rule(ROUTE)
        for model in models:
            for watched in rule.triggers if rule else ():
                self.verdict(model, watched.objective, Level.HEALTHY)

    def guard(self, name: str, level: Level) -> Outcome:
        """The health-monitor judges a guard."""
        return self.verdict(guard_subject(name), "guard", level)

    def judge(self, level: Level, *, calls: int = 1_000) -> Outcome:
        """The health-monitor judges the step of the canary in progress."""
        canary = self.entry.canary
        assert canary is not None, "no canary is in progress"
        return self.verdict(canary.model, f"canary.{canary.id}.{canary.step}", level, calls=calls)

    def lapse(self, model: str, objective: str = "unavailable") -> Outcome:
        """The last verdict of a model ran out now."""
        return self.happen(Lapse(f"{model}/{ANY}/{objective}", self.now))

    def disable(self, model: str, *, agent: str = AGENT, seconds: float = 60, name: str = "cmd-1") -> Outcome:
        """The operator takes a model away from an agent for some time."""
        return self.command(Verb.DISABLE, agent=agent, model=model, seconds=seconds, name=name)

    def command(  # noqa: PLR0913 - every one has a default
        self,
        verb: Verb,
        *,
        agent: str = AGENT,
        route: str = "",
        model: str = "",
        about: str = "",
        outcome: ReviewOutcome = ReviewOutcome.NONE,
        ticket: str = "",
        seconds: float = 60,
        name: str = "",
        by: Sequence[str] = ("olga",),
    ) -> Outcome:
        """Somebody orders something; by default the operator, about every route of the agent."""
        self._commands += 1
        self._command = name or f"command-{self._commands}"
        said = Command(
            id=self._command,
            deployment=self.deployment.name,
            verb=verb,
            agent=agent,
            route=route,
            model=model,
            about=about,
            outcome=outcome,
            ticket=ticket,
            reason="maintenance",
            issued_at=self.now,
            expires_at=Micros(self.now + round(seconds * SECOND)),
        )
        sealed = self.deployment.seal(said, *by)
        return self.happen(Ordered(self.opened(sealed, Command), sealed))

    def overdue(self, change: RoutingChange, *, by: Sequence[str] = ("watch-1",)) -> Outcome:
        """The deadline watch orders a route's suspension, because nobody is known to have been told of its change in time."""
        name = f"{WATCH_ID}{self._commands + 1}"
        return self.command(Verb.SUSPEND, route=change.route.key, about=change.id, name=name, by=by)

    @property
    def answer(self) -> str:
        """What the last command was answered: `accepted`, or the reason for which it was refused."""
        answer = self.state.answers[self._command]
        return "accepted" if answer.accepted else answer.reason

    def refuse(self, change: RoutingChange) -> Outcome:
        """A router refuses a change."""
        said = Acknowledgement("gateway-1", AckKind.NACK, change.id, event_id_of(change), "not_on_ladder", self.now)
        return self.happen(self.opened(self.deployment.seal(said, "gateway-1"), Acknowledgement))

    def deny(self, model: str) -> Outcome:
        """Safety denies a model."""
        return self.document(self.deployment.seal(Denial(f"deny-{model}", model, "a leak", self.now), "sam"))

    def opened(self, sealed: bytes, kind: type[S]) -> Verified[S]:
        """A sealed record, verified."""
        opened = open_sealed(sealed, self.state.book.trust, kind)
        assert not isinstance(opened, Refused)
        return opened
