"""`decide`: one event in; the new state, its entries and the orders out. Total and deterministic.

An event only changes entries of the state, and the agenda notes whom they concern. Then one sweep looks at every route that is
due and orders what the rules ask for. So an order is due wherever the state says so, not because of the event that happened to
come, and what one step leaves undone (`CHANGES_PER_STEP_MAX`) the next one finds again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from interlock.decision.core.change import make_change, ordered
from interlock.decision.core.choice import Choice, to_safe_state
from interlock.decision.core.consequences import consequences
from interlock.decision.core.events import Event, Ordered
from interlock.decision.core.inputs import read_input
from interlock.decision.core.moments import next_moment
from interlock.decision.core.state import State
from interlock.decision.core.target import choose
from interlock.decision.core.usable import Case
from interlock.policy.admissible import checks
from interlock.records.audit import Entry
from interlock.records.change import Acknowledgement, Cause, RoutingChange, Trigger
from interlock.records.codec import encode
from interlock.records.sealing import event_id_of_encoded
from interlock.records.state import Hold, HoldKind
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.limits import CHANGES_PER_STEP_MAX, CHORES_PER_STEP_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

SETTLES_IN = 4
"""A route has settled after so many orders at one time: a canary rolled back, a rung left, a proposal withdrawn, a rung entered."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision came to.

    Attributes:
        state: The state after it.
        entries: What changed in the state; empty: there is nothing to journal.
        changes: The orders, not yet signed, in the order of their entries.
        encoded: The orders as they will be signed.
        findings: What a person must look at: a reason, and words.
        refused: Why the event does not count; None if it does.
    """

    state: State
    entries: tuple[Entry, ...] = ()
    changes: tuple[RoutingChange, ...] = ()
    encoded: tuple[bytes, ...] = ()
    findings: tuple[tuple[Reason, str], ...] = ()
    refused: Refused | None = None

    @property
    def to_journal(self) -> bool:
        """Whether the input and what came of it belong in the log."""
        return bool(self.entries)


@dataclass(slots=True)
class _Step:
    """One decision in the making."""

    state: State
    entries: list[Entry] = field(default_factory=list)
    changes: list[RoutingChange] = field(default_factory=list)
    encoded: list[bytes] = field(default_factory=list)
    findings: list[tuple[Reason, str]] = field(default_factory=list)

    def put(self, *entries: Entry) -> None:
        for entry in entries:
            self.state = self.state.apply(entry)
            self.entries.append(entry)

    def outcome(self) -> Outcome:
        said = (tuple(self.entries), tuple(self.changes), tuple(self.encoded), tuple(self.findings))
        return Outcome(self.state, *said)


def decide(state: State, event: Event, now: Micros) -> Outcome:
    """Decide on one event; a time before the last one counts as the last one."""
    state = state.at(now)
    made = read_input(state, event)
    if isinstance(made, Refused):
        return Outcome(state, refused=made)
    if isinstance(made, State):
        return Outcome(made)
    step = _Step(state)
    step.put(*made)
    step.findings += _findings(step.state, event)
    _sweep(step)
    return step.outcome()


def _findings(state: State, event: Event) -> Iterator[tuple[Reason, str]]:
    """What an event says that a person must look at: a command that was refused, a router that refuses a change."""
    if isinstance(event, Verified) and isinstance(event.value, Acknowledgement):
        said = event.value
        yield Reason.ROUTER_REFUSED, f"{said.router}: {said.change_id}: {said.reason}"
    if isinstance(event, Ordered):
        answer = state.answers[event.command.value.id]
        if not answer.accepted:
            yield Reason(answer.reason), answer.detail


def _sweep(step: _Step) -> None:
    """Do what is due: first the chores of time, then the routes, as many as one record holds."""
    agenda, chores = step.state.agenda.advance(step.state.now)
    step.state = replace(step.state, agenda=agenda)
    for key in chores[:CHORES_PER_STEP_MAX]:
        _chore(step, key)
    for key in chores[CHORES_PER_STEP_MAX:]:
        step.state = replace(step.state, agenda=step.state.agenda.arm(key, step.state.now))
    while len(step.changes) < CHANGES_PER_STEP_MAX:
        agenda, route = step.state.agenda.next()
        step.state = replace(step.state, agenda=agenda)
        if route is None:
            return
        _settle(step, route)


def _chore(step: _Step, key: str) -> None:
    """What the passing of time alone does to an entry that is not a route."""
    kind, _, name = key.partition("/")
    state, now = step.state, step.state.now
    if kind == "disable":
        until = state.disables[name].value.expires_at
    elif kind == "answer":
        until = state.answers[name].until
    else:
        until = state.reviews[name].due
    if until > now:
        step.state = replace(state, agenda=state.agenda.arm(key, until))
    elif kind == "review":
        step.put(Entry(key, encode(replace(state.reviews[name], overdue=True))))
        step.findings.append((Reason.REVIEW_OVERDUE, name))
    else:
        step.put(Entry(key, None))


def _settle(step: _Step, route: RouteId) -> None:
    """Order for one route until it stays where it is, and note when it must be looked at again."""
    for _ in range(SETTLES_IN):
        case = _case(step.state, route)
        choice = _choice(case) if case is not None else None
        if case is None or choice is None:
            until = next_moment(case) if case is not None else None
            step.state = replace(step.state, agenda=step.state.agenda.put_off(route, until))
            return
        _order(step, case, choice)
    _stop(step, route)


def _stop(step: _Step, route: RouteId) -> None:
    """A route whose rules do not settle is a fault of ours: it waits for a person in its safe state, and holds nobody up."""
    case = _case(step.state, route)
    if case is None:
        return
    cause = Cause(Trigger.NOT_SETTLED, None, f"its rules did not settle after {SETTLES_IN} orders at one time")
    _order(step, case, to_safe_state(case, cause, hold=Hold(HoldKind.ORDERED, cause)))
    step.state = replace(step.state, agenda=step.state.agenda.put_off(route, next_moment(case)))
    step.findings.append((Reason.NOT_SETTLED, route.key))


def _case(state: State, route: RouteId) -> Case | None:
    rule = state.book.rule(route)
    if rule is None or not state.owns(route.agent):
        return None
    return Case(state, route, rule, state.now, state.routes.get(route))


def _choice(case: Case) -> Choice | None:
    """What the rules ask for; else the same again, if it was ordered under another policy or trust root."""
    entry, book = case.entry, case.state.book
    held = book.policies[case.route.agent]
    renewed = entry is not None and entry.policy_digest != held.event_id
    if entry is not None and renewed:  # what a person allowed or took away, he did under the old policy
        entry = replace(entry, approved=(), rejected=(), nacked=False)
        case = replace(case, entry=entry)
    choice = choose(case)
    if choice is not None or entry is None or not (renewed or entry.root_version != book.trust.version):
        return choice
    verified = checks(book, case.route, entry.target, case.now) if entry.target is not None else ()
    return Choice(entry, Cause(Trigger.POLICY, entry.target, "a new policy or trust root took effect"), verified)


def _order(step: _Step, case: Case, choice: Choice) -> None:
    change = make_change(case, choice)
    encoded = encode(change)
    after = ordered(choice.after, change, event_id_of_encoded(RoutingChange, encoded))
    step.put(Entry(f"route/{case.route.key}", encode(after)), *consequences(case, choice, change))
    step.changes.append(change)
    step.encoded.append(encoded)
