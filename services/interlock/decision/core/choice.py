"""What is ordered for a route, and the questions that every rule asks before it orders: rules 1 and 2 together, and rule 7.

A `Choice` is the route's entry as it shall be, with the cause and what was verified. The rules make choices; `change` turns one into
a signed order; `decide` asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interlock.decision.core.usable import Case, entry_checks, guard_missing, health
from interlock.policy.admissible import checks
from interlock.policy.lattice import material
from interlock.records.change import Cause, Check, Trigger
from interlock.records.commands import Command
from interlock.records.rules import Rung, SafeState, WatchedTrigger
from interlock.records.state import Hold, HoldKind, Incident, KeptAway, RouteEntry
from interlock.signing.verifier import Verified
from interlock.vocabulary.identifiers import Order
from interlock.vocabulary.limits import FLAPS_MAX
from interlock.vocabulary.time import NEVER, SECOND, Micros, duration_text

SETTLED = 10
"""A rung that is left again within so many stable periods has flapped."""

_FAULTS = frozenset(
    {Trigger.CANARY_PASSED, *(Trigger(kind) for kind in WatchedTrigger if kind is not WatchedTrigger.OTHER)}
)
"""Why a model is left for a fault of its own; a canary that leads down has begun for one."""

KEPT_AWAY_US_MIN = 30 * SECOND
"""How long a model that failed as a canary, or whose proposal timed out, is kept away: at least Envoy's base ejection time."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a route goes.

    Attributes:
        after: The route's entry as it shall be; version, event id and policy are filled in with the order.
        cause: Why.
        verification: What was verified on the way: every check of the model that is entered, the failures of those passed over.
        climbs: Whether the route moves up, which only so many may at a time.
    """

    after: RouteEntry
    cause: Cause
    verification: tuple[Check, ...] = ()
    climbs: bool = False


def blank() -> RouteEntry:
    """The entry of a route for which nothing was ordered yet."""
    return RouteEntry(0, None, None, NEVER, Trigger.POLICY, b"", 0, b"")


def before(case: Case) -> RouteEntry:
    """What was last ordered for the route."""
    return case.entry or blank()


def consider(case: Case, model: str) -> list[Check]:
    """Every check that a model must pass before the route may enter it."""
    return [*checks(case.state.book, case.route, model, case.now), *entry_checks(case, model)]


def passed(made: Sequence[Check]) -> bool:
    """Whether every check was passed."""
    return all(check.passed for check in made)


def first_enterable(case: Case) -> tuple[Rung | None, tuple[Check, ...]]:
    """The first rung that policy allows and that may be entered. The one that is left never may: what forces it out, fails here."""
    verified: list[Check] = []
    for rung in case.rule.ladder:
        made = consider(case, rung.model.name)
        if passed(made):
            return rung, (*verified, *made)
        verified += [check for check in made if not check.passed]
    return None, tuple(verified)


def needs_approval(case: Case, rung: Rung) -> tuple[str, ...]:
    """Rule 7: why the agent owner must approve the rung first; empty: he need not, or he has."""
    if rung.model.name in before(case).approved or rung is case.rule.ladder[0]:
        return ()
    incident = before(case).incident
    asked = ("the trigger asks for approval",) if incident is not None and incident.approval else ()
    return (*asked, *(() if rung.accepted_in_advance else material(case.rule.ladder[0], rung)))


def serve(case: Case, model: str, cause: Cause, verified: tuple[Check, ...], *, climbs: bool = False) -> Choice:
    """The choice to serve the route by one model alone. At its primary an incident is over, with what it needed."""
    entry = before(case)
    after = replace(entry, target=model, safe_state=None, hold=None, canary=None, incident=incident_of(case, cause))
    if model == case.rule.ladder[0].model.name:
        after = replace(after, incident=None, approved=())
    return Choice(_entered(case, after, cause), cause, verified, climbs)


def to_safe_state(case: Case, cause: Cause, verified: tuple[Check, ...] = (), hold: Hold | None = None) -> Choice:
    """The choice of the policy's safe state, at once.

    `read_only` needs a rung that may be entered, and is `suspend` without one. `safe_shutdown` of a route that was served is left
    by a person's word only.
    """
    entry, state, target = before(case), case.rule.safe_state, None
    if state is SafeState.READ_ONLY:
        made = consider(case, case.rule.safe_reply.model)
        verified = (*verified, *made)
        state, target = (state, case.rule.safe_reply.model) if may_answer(case, made) else (SafeState.SUSPEND, None)
    if state is SafeState.SAFE_SHUTDOWN and hold is None and entry.placed:
        hold = Hold(HoldKind.ORDERED, cause)
    after = replace(
        entry,
        target=target,
        safe_state=str(state),
        hold=hold or entry.hold,
        canary=None,
        incident=incident_of(case, cause),
    )
    return Choice(_entered(case, after, cause), cause, verified)


def may_answer(case: Case, made: Sequence[Check]) -> bool:
    """Whether the rung of `read_only`, of which every check was made, may be entered, and every guard is there."""
    return guard_missing(case) is None and passed(made)


def propose(case: Case, rung: Rung, why: tuple[str, ...], cause: Cause, verified: tuple[Check, ...]) -> Choice:
    """Rule 7: wait in the safe state until the agent owner approves the rung, for as long as the policy says."""
    model, within = rung.model.name, case.rule.approval.within_us
    detail = f"{cause.detail}; {model} waits for approval for {duration_text(within)}: {', '.join(why)}"
    waits = replace(cause, detail=detail)
    hold = Hold(HoldKind.APPROVAL, waits, next_order_id(case), model, Micros(case.now + within))
    return to_safe_state(case, waits, verified, hold)


def next_order_id(case: Case) -> str:
    """The id of the order that is being made: what it proposes or begins bears the same."""
    order = Order(case.state.book.trust.version, case.state.term, before(case).version + 1)
    return f"{case.route.key}@{order}"


def stable_us(case: Case) -> Micros:
    """How long a rung must have been healthy before the route climbs to it: doubled by each flap."""
    return Micros(case.rule.stable_us << before(case).flaps)


def stable(case: Case, model: str) -> bool:
    """Whether no objective has spoken against the model for the stable period."""
    return all(
        seen.entry is not None and seen.may_enter and case.now - seen.entry.since >= stable_us(case)
        for seen in health(case, model)
    )


def keep_away(case: Case, model: str) -> RouteEntry:
    """The entry in which a model may not be entered for a while: as long as a rung must have been healthy, with one flap more.

    And for as long as canaries of all the other rungs may take: within one incident none is tried twice, and the safe state is reached.
    """
    entry, plan = before(case), case.rule.canary
    flaps = min(entry.flaps + 1, FLAPS_MAX)
    others_us = len(case.rule.ladder) * len(plan.steps) * plan.wait_max_us if plan is not None else 0
    until = Micros(case.now + max(case.rule.stable_us << flaps, KEPT_AWAY_US_MIN, others_us))
    others = tuple(kept for kept in entry.kept_away if kept.model != model and case.now < kept.until)
    return replace(entry, kept_away=(*others, KeptAway(model, until)), flaps=flaps)


def _entered(case: Case, after: RouteEntry, cause: Cause) -> RouteEntry:
    entry = before(case)
    after = replace(after, nacked=False)
    if case.entry is not None and (after.target, after.safe_state) == (entry.target, entry.safe_state):
        return after
    return replace(
        after,
        entered_at=case.now,
        trigger=cause.trigger,
        flaps=_flaps(case, after, cause),
        placed=entry.placed or after.safe_state is None,
        climbed=entry.placed and _is_above(case, after),
    )


def _flaps(case: Case, after: RouteEntry, cause: Cause) -> int:
    """One more if a rung is left for a fault of its own soon after the route climbed to it; none if it was kept for long."""
    entry = case.entry
    if entry is None or entry.safe_state is not None or _is_above(case, after):
        return after.flaps
    soon = case.now - entry.entered_at < SETTLED * stable_us(case)
    if entry.climbed and soon and cause.trigger in _FAULTS:
        return min(after.flaps + 1, FLAPS_MAX)
    return after.flaps if soon else 0


def _is_above(case: Case, after: RouteEntry) -> bool:
    """Whether a route moves up: to a higher rung, or out of the safe state."""
    entry = before(case)
    if after.safe_state is not None or after.target is None:
        return False
    places = case.rule.index(after.target), case.rule.index(entry.target) if entry.target is not None else None
    return entry.safe_state is not None or places[1] is None or (places[0] or 0) < places[1]


def soon_stable(case: Case, model: str) -> bool:
    """Whether a model that may be entered has been well for the stable period but for one that no flap has lengthened."""
    since = [seen.entry.since for seen in health(case, model) if seen.entry is not None]
    return max(since, default=case.now) + stable_us(case) - case.now <= case.rule.stable_us


def asking(case: Case, cause: Cause) -> Case:
    """The case in which every other model must be approved until the route is back at its primary."""
    return replace(case, entry=replace(before(case), incident=replace(incident_of(case, cause), approval=True)))


def suspended(command: Verified[Command]) -> Cause:
    """Why a route is suspended by order."""
    return Cause(Trigger.SUSPENDED, None, f"suspended: {command.value.reason}", (command.event_id,))


def unnotified(command: Verified[Command]) -> Cause:
    """Why a route is suspended by the deadline watch."""
    detail = f"nobody is known to have been told of {command.value.about} in time: {command.value.reason}"
    return Cause(Trigger.UNNOTIFIED, None, detail, (command.event_id,))


def incident_of(case: Case, cause: Cause) -> Incident:
    """The incident in progress; else the one that begins with this cause."""
    return before(case).incident or _begun(case, cause)


def _begun(case: Case, cause: Cause) -> Incident:
    rung = case.rule.rung(cause.model)
    model, provider = (rung.model.name, rung.model.provider) if rung is not None else ("", "")
    return Incident(case.now, cause.trigger, cause.detail, model=model, provider=provider)
