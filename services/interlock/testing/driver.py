"""Drives the decision's core by hand: say what happens, look at what is ordered. For tests that tell a story.

driver = Driver(Deployment(), ladder=["atlas", "birch"])
driver.all_healthy("atlas", "birch")
driver.verdict("atlas", "unavailable", Level.UNAVAILABLE)
assert driver.target == "birch"
"""

from interlock.decision.core.decide import Outcome, decide
from interlock.decision.core.events import Document, Event, Lapse, Ordered, Tick
from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.change import RoutingChange
from interlock.records.commands import Command, Verb
from interlock.records.documents import Denial
from interlock.records.health import Level, Verdict
from interlock.records.sealing import open_sealed
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import NOW, TRIGGERS, Deployment
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import SECOND, Micros

AGENT = "support"
ROUTE = RouteId(AGENT, "main", ANY)
OBJECTIVES = tuple(rule.objective for rule in TRIGGERS)


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
        if policy is not None:
            self.document(policy)

    @property
    def target(self) -> str | None:
        """Where the route is now; None: the safe state."""
        return self.state.routes[ROUTE].target

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

    def verdict(self, model: str, objective: str, level: Level) -> Outcome:
        """The health-monitor judges a model."""
        said = Verdict(
            model,
            ANY,
            objective,
            level,
            f"it is {level}",
            9,
            ("gateway-1",),
            self.now,
            self.now,
            Micros(self.now + 5 * SECOND),
        )
        return self.happen(self._opened(self.deployment.seal(said, "health-1")))

    def all_healthy(self, *models: str) -> None:
        """Every objective of some models is healthy."""
        for model in models:
            for objective in OBJECTIVES:
                self.verdict(model, objective, Level.HEALTHY)

    def lapse(self, model: str, objective: str = "unavailable") -> Outcome:
        """The last verdict of a model ran out now."""
        return self.happen(Lapse(f"{model}/{ANY}/{objective}", self.now))

    def disable(self, model: str, *, agent: str = AGENT, seconds: float = 60, name: str = "cmd-1") -> Outcome:
        """The operator takes a model away from an agent for some time."""
        until = Micros(self.now + round(seconds * SECOND))
        said = Command(name, self.deployment.name, Verb.DISABLE, agent, model, "maintenance", self.now, until)
        sealed = self.deployment.seal(said, "olga")
        command = open_sealed(sealed, self.state.book.trust, Command)
        assert not isinstance(command, Refused)
        return self.happen(Ordered(command, sealed))

    def deny(self, model: str) -> Outcome:
        """Safety denies a model."""
        return self.document(self.deployment.seal(Denial(f"deny-{model}", model, "a leak", self.now), "sam"))

    def _opened(self, sealed: bytes) -> Verified[Verdict]:
        opened = open_sealed(sealed, self.state.book.trust, Verdict)
        assert not isinstance(opened, Refused)
        return opened
