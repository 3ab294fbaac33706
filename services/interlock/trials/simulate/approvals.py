"""People who approve what waits for them, after a time; or who do not."""

from interlock.decision.core.commands import who_may
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.state import Hold
from interlock.signing.roles import Role
from interlock.trials.simulate.line import Line
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros

_VALID_US = 60 * SECOND
_TICKET = "SIMULATED-1"


class Approvals:
    """The agents' owners, and operators beside them where it takes two people.

    Args:
        line: The deployment.
        after_us: How long they take; None: they approve nothing.
    """

    def __init__(self, line: Line, after_us: Micros | None) -> None:
        self._line = line
        self._after_us = after_us
        self._answered: set[str] = set()

    def give(self) -> None:
        """Approve what has waited for long enough."""
        for due, route, hold in self._waiting():
            if due <= self._line.now:
                self._answered.add(hold.proposal)
                self._approve(route, hold)

    def next_due(self) -> Micros | None:
        """When the next proposal will be approved."""
        return min((due for due, _, _ in self._waiting()), default=None)

    def _waiting(self) -> list[tuple[Micros, RouteId, Hold]]:
        if self._after_us is None:
            return []
        waiting = ((route, entry.proposed) for route, entry in sorted(self._line.state.routes.items()))
        return [
            (Micros(self._proposed_at(route, hold) + self._after_us), route, hold)
            for route, hold in waiting
            if hold is not None and hold.proposal not in self._answered
        ]

    def _proposed_at(self, route: RouteId, hold: Hold) -> Micros:
        """When it began to wait: a route may wait for several proposals one after the other without leaving its safe state."""
        rule = self._line.state.book.rule(route)
        return Micros(hold.until - (rule.approval.within_us if rule is not None else 0))

    def _approve(self, route: RouteId, hold: Hold) -> None:
        now = self._line.now
        command = Command(
            id=f"simulated-{len(self._answered)}",
            deployment=self._line.stand_in.root.deployment,
            verb=Verb.APPROVE,
            agent=route.agent,
            route=route.key,
            model="",
            about=hold.proposal,
            outcome=ReviewOutcome.NONE,
            ticket=_TICKET,
            reason="approved in a simulation",
            issued_at=now,
            expires_at=Micros(now + _VALID_US),
        )
        self._line.order(command, self._signers(route.agent))

    def _signers(self, agent: str) -> list[tuple[Role, str]]:
        """As many distinct people as it takes, the agent's owners first."""
        stand_in = self._line.stand_in
        people, needed = who_may(self._line.state.book, agent, Verb.APPROVE)
        able = [
            (role, owner)
            for role in (Role.AGENT_OWNER, Role.OPERATOR)
            for owner in stand_in.owners(role, agent)
            if owner in people
        ]
        distinct = {owner: (role, owner) for role, owner in reversed(able)}
        return sorted(distinct.values(), key=able.index)[:needed]
