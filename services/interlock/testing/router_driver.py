"""Drives a router's core by hand: say what it hears, look at what it serves. For tests that tell a story.

router = RouterDriver(Deployment(), policy)
router.order("atlas")
router.beat()
assert router.serves() == "atlas"
"""

from dataclasses import replace
from typing import Any

from interlock.policy.book import take
from interlock.records.change import Heartbeat, RoutingChange
from interlock.router.answers import Serve, Stop
from interlock.router.core.accept import Acceptance, accept, retry
from interlock.router.core.marks import Marks
from interlock.router.core.renew import Renewal, Terms, renew
from interlock.router.core.resolve import resolve
from interlock.router.core.state import RouterState, agents_concerned, hold_document
from interlock.signing.verifier import Refused
from interlock.testing.builders import NOW, SUPPORT, Deployment
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, Reading

TERMS = Terms(lease_us=Micros(15 * SECOND), skew_us=Micros(2 * SECOND))
TERM = 7
"""The term of every change and heartbeat unless a test says otherwise."""

BOOT = Micros(1_000 * SECOND)
"""Time since boot when a driver starts."""


class RouterDriver:
    """One router that hears every agent, its state, and both its clocks.

    Args:
        deployment: Who signs.
        documents: What it holds at the start; each must count.
        marks: What it remembers from before.
    """

    def __init__(self, deployment: Deployment, *documents: bytes, marks: Marks | None = None) -> None:
        self.deployment = deployment
        self.now = Reading(NOW, BOOT)
        self.state = RouterState.start(1, deployment.book(), marks or Marks())
        self.version = self.beats = 0
        for document in documents:
            reason = self.document(document)
            if reason is not None:
                raise AssertionError(f"the document does not count: {reason}")

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        passed = round(seconds * SECOND)
        self.now = Reading(Micros(self.now.wall + passed), Micros(self.now.boot + passed))

    def restart(self) -> None:
        """Start again with nothing but the marks."""
        self.state = RouterState.start(1, self.deployment.book(), Marks.of(dict(self.state.marks.values)))

    def document(self, sealed: bytes | None) -> Reason | None:
        """A record of the policies topic arrives, and what waited for it is tried again; why it does not count."""
        taken = take(self.state.book, sealed)
        if isinstance(taken, Refused):
            return taken.reason
        self._adopt(hold_document(self.state, taken, self.now))
        for agent in agents_concerned(taken):
            for answer in retry(self.state, agent, self.now):
                self._adopt(answer.state)
        return None

    def change(self, target: str | None, route: RouteId = SUPPORT, **fields: Any) -> RoutingChange:
        """The next change of a route, not yet signed: to a model, or to `suspend`, under the policy that is held."""
        self.version += 1
        policy = self.state.book.policies[route.agent]
        usual = {
            "id": f"change-{self.version}",
            "root_version": self.state.book.trust.version,
            "policy_version": policy.value.version,
            "policy_digest": policy.event_id,
            "source": None,
            "target": target,
            "safe_state": None if target else "suspend",
            "issued_at": self.now.wall,
        }
        return self.deployment.change(route, **{"term": TERM, "version": self.version, **usual, **fields})

    def order(self, target: str | None, route: RouteId = SUPPORT, **fields: Any) -> Acceptance:
        """The next change of a route arrives; `fields` say what of it is unusual."""
        return self.hear(self.change(target, route, **fields))

    def hear(self, change: RoutingChange | bytes | None, by: str = "decision-1") -> Acceptance:
        """A record of the routes topic arrives."""
        sealed = self.deployment.seal(change, by) if isinstance(change, RoutingChange) else change
        answer = accept(self.state, sealed, 0, self.now)
        self._adopt(answer.state)
        return answer

    def obeys(self, target: str | None, route: RouteId = SUPPORT, **fields: Any) -> Reason | None:
        """Order a route somewhere; why it is not obeyed, None if it is."""
        refused = self.order(target, route, **fields).refused
        return refused.reason if refused else None

    def heartbeat(self, **fields: Any) -> bytes:
        """The next heartbeat of a decision service that holds what this router holds unless `fields` say otherwise."""
        self.beats += 1
        heads = self.state.book.head.root, self.state.head(0).root
        root = self.state.book.trust.version
        usual = Heartbeat(self.deployment.name, 0, root, TERM, self.beats, self.now.wall, *heads)
        return self.deployment.seal(replace(usual, **fields), "decision-1")

    def beat(self, **fields: Any) -> Renewal:
        """That heartbeat arrives."""
        renewal = renew(self.state, self.heartbeat(**fields), 0, self.now, TERMS)
        self._adopt(renewal.state)
        return renewal

    def resolve(self, key: str | None = None, route: RouteId = SUPPORT) -> Serve | Stop:
        """What the router answers now."""
        return resolve(self.state, route, key, self.now)

    def serves(self, key: str | None = None, route: RouteId = SUPPORT) -> str | None:
        """The model that serves now; None: none does."""
        answer = self.resolve(key, route)
        return answer.model.name if isinstance(answer, Serve) else None

    def _adopt(self, state: RouterState) -> None:
        """Use a state, its marks written."""
        self.state = replace(state, marks=state.marks.saved())
