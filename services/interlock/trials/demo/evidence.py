"""What was seen from outside, and what follows from it by counting alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.records.change import RoutingChange, Trigger
from interlock.trials.demo.cast import PRIMARY, ROUTE, STORY_AGENTS, SUPPORT, SUPPORT_ROUTE, TEMPTER, TRIED
from interlock.trials.demo.director import Refusal
from interlock.trials.steady_client import Fate, Reply
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """What the audit log came to, decided again from its beginning.

    Attributes:
        records: Records that count.
        differences: Steps whose replay gave something else, in words.
        cut: Shards whose first record is not the first one written.
    """

    records: int
    differences: tuple[str, ...]
    cut: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """A canary, while nothing else was changed.

    Attributes:
        since: From when it was watched: the gateway had acknowledged it.
        until: Until when.
        counted: By model, how many requests of the agent its own server counted meanwhile.
        before: How many the server of the model that was tried had counted before that was ordered.
    """

    since: Micros
    until: Micros
    counted: Mapping[str, int]
    before: int

    @property
    def share(self) -> float:
        """The part of the requests that reached the model that was tried, by the servers' own count."""
        return self.counted[TRIED] / max(sum(self.counted.values()), 1)


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a command, and whose signatures under it are genuine."""

    signed_by: tuple[str, ...]
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Waited:
    """A change that waited for approval.

    Attributes:
        status: What `interlock status` said of the route meanwhile.
        unauthorised: What became of the operator's approval; None: there was none.
        approved: What became of the owner's; None: there was none.
        before: How many requests of the agent the server of the model that waited had counted before it was approved.
    """

    status: Mapping[str, Any]
    unauthorised: Answered | None
    approved: Answered | None
    before: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen from outside.

    Attributes:
        changes: Every change in the audit log, in order.
        beginning: By route, how many changes it had had when the story began.
        told: By change id, when the governance webhook accepted each notice of it, in seconds since the epoch.
        replies: By agent, what its client got.
        counted: By model, how many requests its own server counted of each user.
        first_failure_s: When the primary's server first failed, in seconds since the epoch; None: it never did.
        refusals: What became of the attacks.
        audit: The audit log's own figures.
        trouble: What the story waited for in vain.
        tried: The canary; None: there was none.
        waited: The change that waited for approval; None: there was none.
        kept: By ticket, the request that stands on the topic for a person.
    """

    changes: Sequence[RoutingChange]
    beginning: Mapping[RouteId, int]
    told: Mapping[str, Sequence[float]]
    replies: Mapping[str, Sequence[Reply]]
    counted: Mapping[str, Mapping[str, int]]
    first_failure_s: float | None
    refusals: Sequence[Refusal]
    audit: AuditFigures
    trouble: str
    tried: Tried | None = None
    waited: Waited | None = None
    kept: Mapping[str, bytes] = field(default_factory=dict)

    def story(self, route: RouteId) -> list[RoutingChange]:
        """The changes of a route since the story began."""
        return [change for change in self.changes if change.route == route][self.beginning.get(route, 0) :]

    def first(self, route: RouteId, trigger: Trigger) -> RoutingChange | None:
        """The first change of a route for a cause; None: there was none."""
        return next((change for change in self.story(route) if change.cause.trigger is trigger), None)

    def count(self, agent: str, fate: Fate) -> int:
        """How many requests of an agent had this fate."""
        return sum(1 for reply in self.replies.get(agent, ()) if reply.fate is fate)

    def unapproved(self, *agents: str) -> int:
        """How many requests of these agents reached the model that is approved for none of them, by that model's own count."""
        counted = self.counted.get(TEMPTER, {})
        return sum(counted.get(agent, 0) for agent in agents or STORY_AGENTS)

    @property
    def reaction_s(self) -> float | None:
        """From the primary's first failure to the change that left it; None where either is missing."""
        left = next((change for change in self.story(ROUTE) if change.source == PRIMARY), None)
        if left is None or self.first_failure_s is None:
            return None
        return left.issued_at / SECOND - self.first_failure_s

    @property
    def conversations(self) -> Mapping[str, frozenset[str]]:
        """By request key, which models answered it while the canary was watched."""
        if self.tried is None:
            return {}
        since, until = self.tried.since, self.tried.until
        seen = [each for each in self.replies.get(SUPPORT, ()) if each.asked_at >= since and each.at <= until]
        answered = [each for each in seen if each.fate is Fate.OK]
        return {key: frozenset(each.model for each in answered if each.key == key) for key in {e.key for e in answered}}

    @property
    def lost_tickets(self) -> list[str]:
        """The tickets that were given to a client, and whose requests do not stand on the topic as they were sent."""
        given = [reply for replies in self.replies.values() for reply in replies if reply.fate is Fate.TICKET]
        return [reply.ticket for reply in given if self.kept.get(reply.ticket) != reply.sent]

    @property
    def waited_s(self) -> float | None:
        """From the change that proposed a model to the one by which it was approved."""
        proposed = next((change for change in self.story(SUPPORT_ROUTE) if change.proposed), None)
        approved = self.first(SUPPORT_ROUTE, Trigger.APPROVED)
        return (approved.issued_at - proposed.issued_at) / SECOND if proposed and approved else None
