"""Rules 2 and 4: whether a model may be entered, and what forces a route to leave it.

The two are not each other's opposite. To *enter* a rung every objective that the route watches must be freshly healthy: unknown
is not healthy. To *stay*, there must be no evidence against it that has lasted for the trigger's `for`; not knowing is borne for
the route's `blind` time and then counts as unavailable.
"""

from dataclasses import dataclass

from interlock.decision.core.state import State
from interlock.policy.admissible import inadmissible
from interlock.records.change import Cause, Check, Trigger
from interlock.records.commands import Command
from interlock.records.documents import RouteRule, TriggerRule, WatchedTrigger
from interlock.records.health import Level
from interlock.records.state import VerdictEntry
from interlock.signing.verifier import Verified
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, duration_text

_AGAINST = frozenset({Level.DEGRADED, Level.UNAVAILABLE})
_TRIGGER_OF = {
    Reason.DENIED: Trigger.DENIED,
    Reason.EVIDENCE_EXPIRED: Trigger.EVIDENCE_EXPIRED,
    Reason.POLICY_EXPIRED: Trigger.POLICY_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One route, looked at under its rule at one time: what every question of rules 2 to 6 is asked of."""

    state: State
    route: RouteId
    rule: RouteRule
    now: Micros


@dataclass(frozen=True, slots=True)
class Health:
    """How a model stands under one objective of a route."""

    rule: TriggerRule
    entry: VerdictEntry | None

    @property
    def healthy(self) -> bool:
        """Whether a fresh verdict says so."""
        return self.entry is not None and self.entry.level is Level.HEALTHY


def health(case: Case, model: str) -> list[Health]:
    """How a model stands under every objective of the route."""
    verdicts = case.state.verdicts
    return [Health(watched, verdicts.get(f"{model}/{ANY}/{watched.objective}")) for watched in case.rule.triggers]


def disabled(case: Case, model: str) -> Verified[Command] | None:
    """The command in force that takes a model away from the route, if there is one."""
    for command in case.state.disables.values():
        said = command.value
        if said.model == model and said.agent in {case.route.agent, ANY} and case.now < said.expires_at:
            return command
    return None


def entry_checks(case: Case, model: str) -> list[Check]:
    """The checks that a model must pass, beside policy's, before the route may enter it."""
    command = disabled(case, model)
    found = [
        Check(model, "not disabled", command is None, command.value.reason if command else "no command against it")
    ]
    for seen in health(case, model):
        detail = f"{seen.entry.level}: {seen.entry.detail}" if seen.entry else "unknown: no verdict yet"
        found.append(Check(model, f"verdict {seen.rule.objective}", seen.healthy, detail))
    return found


def stable(case: Case, model: str) -> bool:
    """Whether every objective has been healthy for the route's stable period."""
    return all(
        seen.entry is not None and seen.healthy and case.now - seen.entry.since >= case.rule.stable_us
        for seen in health(case, model)
    )


def why_leave(case: Case, model: str) -> Cause | None:
    """What forces the route to leave its model now; None: it may stay.

    What policy or a person forbids has no `for` and comes first; then the triggers in the policy's order.
    """
    reason = inadmissible(case.state.book, case.route, model, case.now)
    if reason is not None:
        return _not_admissible(case.state, model, reason)
    command = disabled(case, model)
    if command is not None:
        return Cause(Trigger.DISABLED, model, f"{model} was disabled: {command.value.reason}", (command.event_id,))
    for seen in health(case, model):
        cause = _against(seen, model, case.now) or _blind(seen, case, model)
        if cause is not None:
            return cause
    return None


def _not_admissible(state: State, model: str, reason: Reason) -> Cause:
    denial = state.book.denials.get(model)
    if reason is Reason.DENIED and denial is not None:
        said = denial.verified
        return Cause(Trigger.DENIED, model, f"{model} was denied by safety: {said.value.reason}", (said.event_id,))
    trigger = _TRIGGER_OF.get(reason, Trigger.NOT_ADMISSIBLE)
    return Cause(trigger, model, f"{model} is no longer admissible: {reason}")


def _against(seen: Health, model: str, now: Micros) -> Cause | None:
    """The trigger, if its verdict has lasted for its `for`."""
    entry = seen.entry
    if entry is None or entry.level not in _AGAINST or now - entry.since < seen.rule.for_us:
        return None
    return Cause(Trigger(seen.rule.trigger), model, f"{model} is {entry.level}: {entry.detail}", (entry.event_id,))


def _blind(seen: Health, case: Case, model: str) -> Cause | None:
    """Unavailable, if nothing was known of the model for longer than the route bears."""
    entry = seen.entry
    if seen.rule.trigger is not WatchedTrigger.UNAVAILABLE or entry is None or entry.level is not Level.UNKNOWN:
        return None
    if case.now - entry.since < case.rule.blind_us:
        return None
    detail = f"nothing is known of {model} for more than {duration_text(case.rule.blind_us)}: {entry.detail}"
    return Cause(Trigger.UNAVAILABLE, model, detail, (entry.event_id,))
