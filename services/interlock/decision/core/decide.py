"""`decide`: one event in; the new state, its entries and the orders out. Total and deterministic.

An order is due wherever the state says so, not because of the event that happened to come: an event only says which routes to
look at. So what one step leaves undone (`CHANGES_PER_STEP_MAX`), the next tick finds again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from interlock.decision.core.change import make_change, route_entry
from interlock.decision.core.events import Document, Event, Lapse, Ordered, Tick
from interlock.decision.core.state import State
from interlock.decision.core.target import Choice, choose
from interlock.decision.core.usable import Case
from interlock.policy.admissible import checks
from interlock.policy.book import take
from interlock.records.audit import Entry
from interlock.records.change import Cause, RoutingChange, Trigger
from interlock.records.codec import encode
from interlock.records.documents import Denial, RoutePolicy, TriggerRule
from interlock.records.health import Level, Verdict
from interlock.records.sealing import event_id_of
from interlock.records.state import VerdictEntry
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.limits import CHANGES_PER_STEP_MAX, CLOCK_SKEW_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision came to.

    Attributes:
        state: The state after it.
        entries: What changed in the state; empty: there is nothing to journal.
        changes: The orders, not yet signed, in the order of their entries.
        refused: Why the event does not count; None if it does.
        answered: Whether the input must be journalled even if nothing changed: a person's command has an answer.
    """

    state: State
    entries: tuple[Entry, ...] = ()
    changes: tuple[RoutingChange, ...] = ()
    refused: Refused | None = None
    answered: bool = False

    @property
    def to_journal(self) -> bool:
        """Whether the input and what came of it belong in the log."""
        return bool(self.entries) or self.answered


def decide(state: State, event: Event, now: Micros) -> Outcome:
    """Decide on one event at a time that must not be before the last one."""
    state = state.at(now)
    if isinstance(event, Document):
        return _on_document(state, event)
    if isinstance(event, Ordered):
        return _on_command(state, event)
    if isinstance(event, Verified):
        return _on_verdict(state, event)
    if isinstance(event, Lapse):
        return _on_lapse(state, event)
    return _on_tick(state, event)


def _on_document(state: State, event: Document) -> Outcome:
    taken = take(state.book, event.sealed)
    if isinstance(taken, Refused):
        return Outcome(state, refused=taken)
    if isinstance(taken.value, RoutePolicy):
        key, routes = f"policy/{taken.value.agent}", taken.value.route_ids()
        if not state.owns(taken.value.agent):
            return Outcome(replace(state, book=taken.book))
    elif isinstance(taken.value, Denial):
        key, routes = f"deny/{taken.value.model}", tuple(taken.book.users_of(taken.value.model))
    else:
        key, routes = _root_key(taken.value), tuple(state.routes)
    return _settle(state, [Entry(key, event.sealed)], routes)


def _root_key(root: TrustRoot) -> str:
    return f"root/{root.version}"


def _on_command(state: State, event: Ordered) -> Outcome:
    said = event.command.value
    if said.agent != ANY and not state.owns(said.agent):
        return Outcome(state)
    routes = [route for route in state.book.users_of(said.model) if said.agent in {route.agent, ANY}]
    reason = _command_fault(state, event) or (Reason.ROUTE_UNKNOWN if said.agent != ANY and not routes else None)
    if reason is not None:
        return Outcome(state, refused=Refused(reason, said.describe()), answered=reason is not Reason.NOT_NEWER)
    settled = _settle(state, [Entry(f"disable/{said.id}", event.sealed)], routes)
    return replace(settled, answered=True)


def _command_fault(state: State, event: Ordered) -> Reason | None:
    said = event.command.value
    if said.deployment != state.book.trust.deployment:
        return Reason.WRONG_AUDIENCE
    if said.issued_at > state.now + CLOCK_SKEW_US_MAX:
        return Reason.FROM_THE_FUTURE
    if said.expires_at <= state.now:
        return Reason.EXPIRED
    return Reason.NOT_NEWER if said.id in state.disables else None


def _on_verdict(state: State, event: Verified[Verdict]) -> Outcome:
    said = event.value
    if said.valid_until <= state.now:
        return Outcome(state, refused=Refused(Reason.EXPIRED, said.key))
    if said.issued_at > state.now + CLOCK_SKEW_US_MAX:
        return Outcome(state, refused=Refused(Reason.FROM_THE_FUTURE, said.key))
    routes = [route for route in state.book.users_of(said.model) if state.owns(route.agent)]
    if not any(said.objective == watched.objective for route in routes for watched in _watched(state, route)):
        return Outcome(state, refused=Refused(Reason.MODEL_NOT_USED, said.key))
    before = state.verdicts.get(said.key)
    if before is not None and before.level is said.level:
        return Outcome(state)
    return _settle(state, [_verdict_entry(said.key, said.level, state.now, said.detail, event.event_id)], routes)


def _on_lapse(state: State, event: Lapse) -> Outcome:
    before = state.verdicts.get(event.key)
    if before is None or before.level is Level.UNKNOWN:
        return Outcome(state)
    detail = "the health-monitor is silent"
    entry = _verdict_entry(event.key, Level.UNKNOWN, event.valid_until, detail, before.event_id)
    return _settle(state, [entry], state.book.users_of(event.key.partition("/")[0]))


def _on_tick(state: State, _: Tick) -> Outcome:
    over = [name for name, command in state.disables.items() if command.value.expires_at <= state.now]
    routes = (route for held in state.book.policies.values() for route in held.value.route_ids())
    return _settle(state, [Entry(f"disable/{name}", None) for name in sorted(over)], routes)


def _verdict_entry(key: str, level: Level, since: Micros, detail: str, event_id: bytes) -> Entry:
    return Entry(f"verdict/{key}", encode(VerdictEntry(level, since, detail, event_id)))


def _watched(state: State, route: RouteId) -> Iterable[TriggerRule]:
    rule = state.book.rule(route)
    return rule.triggers if rule else ()


def _settle(state: State, entries: list[Entry], routes: Iterable[RouteId]) -> Outcome:
    """Put the entries in, then order for each of the routes what the new state asks for."""
    for entry in entries:
        state = state.apply(entry)
    changes: list[RoutingChange] = []
    for route in sorted(routes):
        if len(changes) == CHANGES_PER_STEP_MAX:
            break
        change = _order(state, route) if state.owns(route.agent) else None
        if change is not None:
            entry = Entry(f"route/{route.key}", encode(route_entry(change, event_id_of(change))))
            state = state.apply(entry)
            entries.append(entry)
            changes.append(change)
    return Outcome(state, tuple(entries), tuple(changes))


def _order(state: State, route: RouteId) -> RoutingChange | None:
    """The order that a route needs now, if it needs one."""
    held = state.book.policies.get(route.agent)
    rule = state.book.rule(route)
    if held is None or rule is None:
        return None
    before = state.routes.get(route)
    choice = choose(Case(state, route, rule, state.now), before)
    if choice is None and before is not None:
        renewed = before.policy_digest == held.event_id and before.root_version == state.book.trust.version
        choice = None if renewed else _again(state, route, before.target)
    return make_change(state, route, rule, choice, state.now) if choice is not None else None


def _again(state: State, route: RouteId, target: str | None) -> Choice:
    """The same target once more, under a new policy or trust root: routers believe only what names the policy they hold."""
    verified = checks(state.book, route, target, state.now) if target is not None else ()
    return Choice(target, Cause(Trigger.POLICY, target, "a new policy or trust root took effect"), verified)
