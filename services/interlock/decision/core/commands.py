"""What people order, and what becomes of it. They choose inside the policy, never beyond it.

Every command is answered in the state: carried out, or refused with the reason. A command changes a route's entry and orders
nothing itself: the rules of `target` do, in the sweep that follows, from what the entry then says.

    verb      by whom                                  what it does
    disable   operator, agent owner, safety            takes a model away from one agent or all, for a time
    suspend   operator, agent owner, safety            safe state, until a resume
    suspend   watch                                    the same of one route, for a change of which nobody was told in time
    freeze    operator, agent owner                    no move but into the safe state, for a time
    resume    operator, agent owner                    ends suspend, freeze and the agent's own disables; forgets rejections and flaps
    approve   operator, agent owner                    lets a proposed model be entered; a material one: the agent owner only
    reject    operator, agent owner                    withdraws a proposal, or rolls a canary back
    review    agent owner (revoke: operator, too)      closes a review; revoke takes the model away again

Agents that move money or treat people: approve and resume need two people. To narrow, one is always enough.

The deadline watch is no person. What it alone has signed counts as its suspend or not at all, and as that only where the agent's policy asks
to be stopped when a notice is overdue. Beside a person's signature its own adds nothing and takes nothing away: whoever sees an order can
add a signature to it, and no stolen key may spoil what people ordered. Nor may it use up the ids of their orders: what was not authorised
is answered, but leaves its id to an order that is, and the watch's own ids begin with `WATCH_ID`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from interlock.decision.core.choice import suspended, unnotified
from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.policy.lattice import material
from interlock.records.audit import Entry
from interlock.records.change import Cause
from interlock.records.codec import encode
from interlock.records.commands import WATCH_ID, Command, ReviewOutcome, Verb
from interlock.records.documents import Unnotified, Workflow
from interlock.records.state import AnswerEntry, Hold, HoldKind, RouteEntry
from interlock.signing.roles import Role
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.limits import ANSWER_KEPT_US, CLOCK_SKEW_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros

_BY: Mapping[Verb, tuple[Role, ...]] = {
    Verb.DISABLE: (Role.OPERATOR, Role.AGENT_OWNER, Role.SAFETY),
    Verb.SUSPEND: (Role.OPERATOR, Role.AGENT_OWNER, Role.SAFETY),
    Verb.FREEZE: (Role.OPERATOR, Role.AGENT_OWNER),
    Verb.RESUME: (Role.OPERATOR, Role.AGENT_OWNER),
    Verb.APPROVE: (Role.OPERATOR, Role.AGENT_OWNER),
    Verb.REJECT: (Role.OPERATOR, Role.AGENT_OWNER),
    Verb.REVIEW: (Role.AGENT_OWNER,),
}
_WIDENING = frozenset({Verb.RESUME, Verb.APPROVE})
_STRICT = frozenset({Workflow.MONEY_MOVING, Workflow.CLINICAL, Workflow.OTHER})
_OUTCOMES = frozenset({ReviewOutcome.CONFIRM, ReviewOutcome.REAPPROVE, ReviewOutcome.REVOKE})


@dataclass(frozen=True, slots=True)
class Order:
    """One command, on its way to be carried out."""

    state: State
    command: Verified[Command]
    sealed: bytes

    @property
    def said(self) -> Command:
        """What it says."""
        return self.command.value

    def routes(self) -> list[tuple[RouteId, RouteEntry]]:
        """The routes that it is about, with what was last ordered for each."""
        named = RouteId.parse(self.said.route) if self.said.route else None
        held = self.state.book.policies.get(self.said.agent)
        known = (
            held.value.route_ids() if held else (route for route in self.state.routes if route.agent == self.said.agent)
        )
        wanted = [named] if named else sorted(known)
        return [(route, entry) for route in wanted if (entry := self.state.routes.get(route)) is not None]

    @property
    def people(self) -> frozenset[str]:
        """The people who signed it; none: it is the deadline watch's."""
        return self.command.signers - self.state.book.trust.holders(Role.WATCH, self.said.agent)

    def owners(self) -> frozenset[str]:
        """Those of them who own the agent."""
        return self.people & self.state.book.trust.holders(Role.AGENT_OWNER, self.said.agent)


def carry_out(order: Order) -> list[Entry] | Refused:
    """The entries that a command makes, its answer last; or why it is not even answered: it is a repetition."""
    answered, reason = order.state.answers.get(order.said.id), _fault(order)
    if answered is not None and (answered.reason != Reason.NOT_AUTHORISED or reason is not None):
        same = answered.event_id == order.command.event_id
        return Refused(Reason.NOT_NEWER if same else Reason.EQUIVOCATION, order.said.describe())
    made = reason if reason is not None else _CARRY_OUT[order.said.verb](order)
    if isinstance(made, Reason):
        return [_answer(order, made)]
    return [*made, _answer(order, None)]


def _answer(order: Order, reason: Reason | None) -> Entry:
    said, now = order.said, order.state.now
    until = Micros(max(said.expires_at, now + ANSWER_KEPT_US))
    answer = AnswerEntry(reason is None, str(reason or ""), said.describe(), now, until, order.command.event_id)
    return Entry(f"answer/{said.id}", encode(answer))


def _fault(order: Order) -> Reason | None:
    """What is wrong with a command whatever its verb; first of all that it is the watch's, and none that it may give."""
    said, state = order.said, order.state
    if not order.people and not _watch_may(order):
        return Reason.NOT_AUTHORISED
    if said.deployment != state.book.trust.deployment:
        return Reason.WRONG_AUDIENCE
    if said.issued_at > state.now + CLOCK_SKEW_US_MAX:
        return Reason.FROM_THE_FUTURE
    if said.expires_at <= state.now:
        return Reason.EXPIRED
    if said.verb not in _CARRY_OUT:
        return Reason.OUT_OF_BOUNDS
    return Reason.NOT_AUTHORISED if order.people and not _people_may(order) else None


def _people_may(order: Order) -> bool:
    """Whether enough people signed it who may order it."""
    said = order.said
    may, needed = who_may(order.state.book, said.agent, said.verb, said.outcome)
    return len(order.people & may) >= needed


def _watch_may(order: Order) -> bool:
    """Whether the watch may order it: one route's suspension, which the agent's policy asks for."""
    held = order.state.book.policies.get(order.said.agent)
    asked = held is not None and held.value.unnotified is not Unnotified.RECORD
    named = order.said.id.startswith(WATCH_ID)
    return asked and named and order.said.verb is Verb.SUSPEND and bool(order.said.route)


def who_may(
    book: Book, agent: str, verb: Verb, outcome: ReviewOutcome = ReviewOutcome.NONE
) -> tuple[frozenset[str], int]:
    """The people who may order this of an agent, and how many of them must sign."""
    revoke = verb is Verb.REVIEW and outcome is ReviewOutcome.REVOKE
    roles = (*_BY[verb], Role.OPERATOR) if revoke else _BY[verb]
    held = book.policies.get(agent)
    strict = held is None or held.value.workflow in _STRICT
    people = frozenset().union(*(book.trust.holders(role, agent) for role in roles))
    return people, 2 if strict and verb in _WIDENING else 1


def _disable(order: Order) -> list[Entry] | Reason:
    said = order.said
    concerned = [route for route in order.state.using(said.model) if said.agent in {route.agent, ANY}]
    if not concerned and said.agent != ANY:
        return Reason.ROUTE_UNKNOWN
    return [Entry(f"disable/{said.id}", order.sealed)]


def _suspend(order: Order) -> list[Entry] | Reason:
    said = order.said
    if not order.people:
        return _suspend_untold(order)
    made = _changed(order, lambda entry: _held(entry, suspended(order.command)))
    if said.route or isinstance(made, Reason):
        return made
    return [*made, Entry(f"suspend/{said.agent}", order.sealed)]


def _suspend_untold(order: Order) -> list[Entry] | Reason:
    """The watch's suspend: nothing follows from it where a person must let the route go on anyway."""
    cause = unnotified(order.command)
    for route, entry in order.routes():
        if not _ordered(order.said.about, route, entry):
            return Reason.CHANGE_UNKNOWN
        return [_entry(route, _held(entry, cause))] if entry.ordered is None else []
    return Reason.ROUTE_UNKNOWN


def _ordered(change: str, route: RouteId, entry: RouteEntry) -> bool:
    """Whether that can be the id of a change of the route."""
    name, _, order = change.partition("@")
    version = order.rpartition(".")[2]
    return name == route.key and version.isascii() and version.isdigit() and 0 < int(version) <= entry.version


def _held(entry: RouteEntry, cause: Cause) -> RouteEntry:
    """The entry of a route that is ordered into its safe state; where it is held there already, nobody need be told again."""
    told = entry.ordered is not None and entry.ordered.told
    return replace(entry, hold=Hold(HoldKind.ORDERED, cause, told=told))


def _freeze(order: Order) -> list[Entry] | Reason:
    until = order.said.expires_at
    return _changed(order, lambda entry: replace(entry, frozen_until=max(entry.frozen_until, until)))


def _resume(order: Order) -> list[Entry] | Reason:
    found = [
        (route, entry)
        for route, entry in order.routes()
        if entry.ordered is not None or entry.frozen_until > order.state.now or entry.rejected
    ]
    if not order.routes():
        return Reason.ROUTE_UNKNOWN
    made = [_entry(route, _resumed(entry)) for route, entry in found]
    if not order.said.route:
        made += _lifted(order)
    return made or Reason.NOTHING_TO_RESUME


def _resumed(entry: RouteEntry) -> RouteEntry:
    return replace(entry, hold=entry.proposed, frozen_until=NEVER, rejected=(), flaps=0)


def _lifted(order: Order) -> Iterator[Entry]:
    """What was ordered for the agent as a whole, ended: its suspension, and the disables that name it."""
    agent = order.said.agent
    if agent in order.state.suspensions:
        yield Entry(f"suspend/{agent}", None)
    for name, command in sorted(order.state.disables.items()):
        if command.value.agent == agent:
            yield Entry(f"disable/{name}", None)


def _approve(order: Order) -> list[Entry] | Reason:
    for route, entry in order.routes():
        hold, rule = entry.proposed, order.state.book.rule(route)
        if rule is None or hold is None or hold.proposal != order.said.about:
            continue
        rung = rule.rung(hold.model)
        if rung is None or order.state.now >= hold.until or hold.model in entry.approved:
            continue
        if rule.approval.ticket and not order.said.ticket:
            return Reason.TICKET_MISSING
        is_material = material(rule.ladder[0], rung) and not rung.accepted_in_advance
        if is_material and not order.owners():
            return Reason.NOT_AUTHORISED
        return [_entry(route, replace(entry, approved=(*entry.approved, hold.model)))]
    return Reason.NOTHING_PROPOSED


def _reject(order: Order) -> list[Entry] | Reason:
    about = order.said.about
    for route, entry in order.routes():
        if entry.proposed is not None and entry.proposed.proposal == about:
            return [_entry(route, _without(replace(entry, hold=None), entry.proposed.model))]
        if entry.canary is not None and entry.canary.id == about:
            return [_entry(route, _without(entry, entry.canary.model))]
    return Reason.NOTHING_PROPOSED


def _review(order: Order) -> list[Entry] | Reason:
    said = order.said
    review = order.state.reviews.get(said.about)
    route = RouteId.parse(review.route) if review is not None else None
    if review is None or route is None or route.agent != said.agent or (said.route and said.route != route.key):
        return Reason.NOTHING_TO_REVIEW
    if said.outcome not in _OUTCOMES:
        return Reason.OUT_OF_BOUNDS
    made = [Entry(f"review/{said.about}", None)]
    entry = order.state.routes.get(route)
    if said.outcome is ReviewOutcome.REVOKE and entry is not None and review.target is not None:
        made.append(_entry(route, _without(entry, review.target)))
    return made


def _without(entry: RouteEntry, model: str) -> RouteEntry:
    """The entry in which a person has taken a model away."""
    return replace(
        entry,
        approved=tuple(name for name in entry.approved if name != model),
        rejected=tuple(sorted({*entry.rejected, model})),
    )


def _changed(order: Order, change: Callable[[RouteEntry], RouteEntry]) -> list[Entry] | Reason:
    return [_entry(route, change(entry)) for route, entry in order.routes()] or Reason.ROUTE_UNKNOWN


def _entry(route: RouteId, entry: RouteEntry) -> Entry:
    return Entry(f"route/{route.key}", encode(entry))


_CARRY_OUT: Mapping[Verb, Callable[[Order], list[Entry] | Reason]] = {
    Verb.DISABLE: _disable,
    Verb.SUSPEND: _suspend,
    Verb.FREEZE: _freeze,
    Verb.RESUME: _resume,
    Verb.APPROVE: _approve,
    Verb.REJECT: _reject,
    Verb.REVIEW: _review,
}
