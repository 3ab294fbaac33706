"""What people order: they choose only inside the policy, never beyond it."""

from dataclasses import dataclass
from enum import StrEnum

from interlock.records.bounds import require
from interlock.signing.statement import Statement
from interlock.vocabulary.identifiers import ANY, RouteId, is_name, is_scope
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.time import Micros, duration_text


class Verb(StrEnum):
    """What can be ordered.

    `disable` takes a model away for a time, `suspend` puts routes into their safe state until a `resume`, `freeze` allows no move
    but into the safe state for a time. `approve` and `reject` answer a proposal, `review` closes a review.
    """

    OTHER = "other"
    DISABLE = "disable"
    SUSPEND = "suspend"
    RESUME = "resume"
    FREEZE = "freeze"
    APPROVE = "approve"
    REJECT = "reject"
    REVIEW = "review"


class ReviewOutcome(StrEnum):
    """How a review ended; `revoke` takes the substitution back."""

    OTHER = "other"
    NONE = "none"
    CONFIRM = "confirm"
    REAPPROVE = "reapprove"
    REVOKE = "revoke"


WATCH_ID = "unnotified-"
"""How the id of every order of the deadline watch begins, so that it cannot use up the id of a person's."""

ROUTE_VERBS = frozenset({Verb.SUSPEND, Verb.RESUME, Verb.FREEZE, Verb.APPROVE, Verb.REJECT, Verb.REVIEW})
"""Verbs about the routes of one agent; `disable` is about a model."""


@dataclass(frozen=True, slots=True)
class Command(Statement):
    """One order.

    Attributes:
        agent: The agent; `*`, for `disable` only: every agent.
        route: One route, `agent/slot/scope`; empty: all of the agent's.
        model: disable: the model; empty otherwise.
        about: approve, reject: the proposal or the canary. review: the change. suspend by the deadline watch: the change of which
            nobody was told in time. Empty otherwise.
        ticket: Where the approval is recorded; empty: none.
        expires_at: End of a disable or freeze; for the others: not carried out later.
    """

    id: str
    deployment: str
    verb: Verb
    agent: str
    route: str
    model: str
    about: str
    outcome: ReviewOutcome
    ticket: str
    reason: str
    issued_at: Micros
    expires_at: Micros

    def __post_init__(self) -> None:
        require(is_name(self.id) and is_scope(self.agent), "a command names itself and an agent")
        require(
            all(len(text) <= TEXT_CHARS_MAX for text in (self.reason, self.ticket, self.about)), "a text is too long"
        )
        if self.verb in ROUTE_VERBS:
            route = RouteId.parse(self.route) if self.route else None
            require(self.agent != ANY, f"{self.verb} names one agent")
            require(not self.route or (route is not None and route.agent == self.agent), "the route is not the agent's")
        elif self.verb is Verb.DISABLE:
            require(is_name(self.model), "disable names a model")

    def concerns(self) -> str:
        """The agent: an agent owner may command only his own."""
        return self.agent

    def describe(self) -> str:
        """The command in words."""
        if self.verb is Verb.DISABLE:
            during = duration_text(Micros(self.expires_at - self.issued_at))
            return f"disable {self.model} for {'every agent' if self.agent == ANY else self.agent} during {during}"
        outcome = "" if self.outcome is ReviewOutcome.NONE else f": {self.outcome}"
        return f"{self.verb} {self.about or self.route or self.agent}{outcome}"
