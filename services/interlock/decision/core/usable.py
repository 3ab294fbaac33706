"""Rules 2 and 4: whether a model may be entered, and what forces a route to leave it.

The two are not each other's opposite. To *enter* a rung every objective that the route watches must be freshly healthy: unknown
is not healthy. To *stay*, there must be no evidence against it that has lasted for the trigger's `for`; not knowing is borne for
the route's `blind` time and then counts as unavailable.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.decision.core.state import State
from interlock.policy.admissible import inadmissible
from interlock.records.change import Cause, Check, Trigger
from interlock.records.commands import Command
from interlock.records.health import AGAINST, Level
from interlock.records.rules import GUARD_OBJECTIVE, Mode, RouteRule, TriggerRule, WatchedTrigger, guard_subject
from interlock.records.state import RouteEntry, VerdictEntry
from interlock.signing.verifier import Verified
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, duration_text

_TRIGGER_OF = {
    Reason.DENIED: Trigger.DENIED,
    Reason.EVIDENCE_EXPIRED: Trigger.EVIDENCE_EXPIRED,
    Reason.POLICY_EXPIRED: Trigger.POLICY_EXPIRED,
    Reason.ROTATION_OVERDUE: Trigger.CREDENTIAL,
}
_FORCE = (Mode.OTHER, Mode.SUSPEND, Mode.CUTOVER, Mode.AWAIT_APPROVAL, Mode.CANARY)
"""Modes, the most forceful first; one that this release does not know stops the route."""


@dataclass(frozen=True, slots=True)
class Case:
    """One route, looked at under its rule at one time: what every question of rules 2 to 7 is asked of.

    Attributes:
        entry: What was last ordered for it; None: nothing yet.
    """

    state: State
    route: RouteId
    rule: RouteRule
    now: Micros
    entry: RouteEntry | None = None

    @property
    def frozen(self) -> bool:
        """Whether a person allows no move but into the safe state."""
        return self.entry is not None and self.now < self.entry.frozen_until


@dataclass(frozen=True, slots=True)
class Health:
    """How a model stands under one objective of a route; `fallback`: it is not the route's primary."""

    rule: TriggerRule
    entry: VerdictEntry | None
    fallback: bool

    @property
    def may_enter(self) -> bool:
        """Whether a fresh verdict lets the model be entered."""
        return self.entry is not None and (self.entry.level is Level.HEALTHY or self._tolerated)

    @property
    def against(self) -> bool:
        """Whether the verdict speaks against the model."""
        return self.entry is not None and self.entry.level in AGAINST and not self._tolerated

    @property
    def _tolerated(self) -> bool:
        degraded = self.entry is not None and self.entry.level is Level.DEGRADED
        return degraded and self.rule.tolerated and self.fallback


@dataclass(frozen=True, slots=True)
class Leave:
    """What forces a route to leave its model, and how it leaves."""

    cause: Cause
    mode: Mode


def health(case: Case, model: str) -> list[Health]:
    """How a model stands under every objective of the route; a verdict on the route's own scope counts beside the general one."""
    verdicts, fallback = case.state.verdicts, case.rule.ladder[0].model.name != model
    found = []
    for watched in case.rule.triggers:
        objective = watched.objective
        found.append(Health(watched, verdicts.get(f"{model}/{ANY}/{objective}"), fallback))
        scoped = None if case.route.scope == ANY else verdicts.get(f"{model}/{case.route.scope}/{objective}")
        if scoped is not None and scoped.level is not Level.UNKNOWN:
            found.append(Health(watched, scoped, fallback))
    return found


def disabled(case: Case, model: str) -> Verified[Command] | None:
    """The command in force that takes a model away from the route, if there is one."""
    for command in case.state.disables.values():
        said = command.value
        if said.model == model and said.agent in {case.route.agent, ANY} and case.now < said.expires_at:
            return command
    return None


def guard_missing(case: Case) -> Cause | None:
    """What stops the route because a guard that it requires is silent.

    A guard that is known to be silent stops it at once; one of which nothing is known, after the time that the route is blind.
    """
    for guard in case.rule.guards:
        entry = guard_verdict(case, guard)
        level = entry.level if entry else Level.UNAVAILABLE
        borne = entry is not None and level is Level.UNKNOWN and case.now - entry.since < case.rule.blind_us
        if level is not Level.HEALTHY and not borne:
            evidence = (entry.event_id,) if entry else ()
            return Cause(Trigger.GUARD_MISSING, None, f"the guard {guard} is silent", evidence)
    return None


def guard_verdict(case: Case, guard: str) -> VerdictEntry | None:
    """What is known of a guard."""
    return case.state.verdicts.get(f"{guard_subject(guard)}/{ANY}/{GUARD_OBJECTIVE}")


def entry_checks(case: Case, model: str) -> list[Check]:
    """The checks that a model must pass, beside policy's, before the route may enter it."""
    command, entry = disabled(case, model), case.entry
    rejected = entry is not None and model in entry.rejected
    away = entry is not None and any(kept.model == model and case.now < kept.until for kept in entry.kept_away)
    refusing = past_refusal(case, model)
    found = [
        Check(model, "not disabled", command is None, command.value.reason if command else "no command against it"),
        Check(model, "not rejected", not rejected, "rejected by a person" if rejected else "nobody rejected it"),
        Check(model, "not kept away", not away, "it failed or timed out of late" if away else "nothing of late"),
        Check(
            model,
            "not past a refusal",
            refusing is None,
            f"{refusing} refuses" if refusing else "no model above refuses",
        ),
    ]
    for seen in health(case, model):
        detail = f"{seen.entry.level}: {seen.entry.detail}" if seen.entry else "unknown: no verdict yet"
        found.append(Check(model, f"verdict {seen.rule.objective}", seen.may_enter, detail))
    return found


def why_leave(case: Case, model: str) -> Leave | None:
    """What forces the route to leave a model now; None: it may stay. Of several reasons the most forceful, then in their order."""
    return min(_reasons(case, model), key=lambda leave: _FORCE.index(leave.mode), default=None)


def _reasons(case: Case, model: str) -> Iterator[Leave]:
    """Every reason to leave a model: what policy or a person forbids has no `for`; then the triggers in the policy's order."""
    reason = inadmissible(case.state.book, case.route, model, case.now)
    if reason is not None:
        yield Leave(_not_admissible(case.state, model, reason), Mode.CUTOVER)
    command = disabled(case, model)
    if command is not None:
        detail = f"{model} was disabled: {command.value.reason}"
        yield Leave(Cause(Trigger.DISABLED, model, detail, (command.event_id,)), Mode.CUTOVER)
    if case.entry is not None and model in case.entry.rejected:
        yield Leave(Cause(Trigger.REJECTED, model, f"{model} was rejected by a person"), Mode.CUTOVER)
    yield from _triggered(case, model)


def past_refusal(case: Case, model: str) -> str | None:
    """A model higher on the ladder that is out for its content-policy refusals alone: no laxer one may answer in its place."""
    if all(watched.trigger is not WatchedTrigger.REFUSALS for watched in case.rule.triggers):
        return None
    for rung in case.rule.ladder[: case.rule.index(model)]:
        causes = {leave.cause.trigger for leave in _reasons(case, rung.model.name)}
        if causes == {Trigger.REFUSALS}:
            return rung.model.name
    return None


def _triggered(case: Case, model: str) -> Iterator[Leave]:
    for seen in health(case, model):
        cause = _against(seen, model, case.now) or _blind(seen, case, model)
        if cause is not None:
            yield Leave(cause, seen.rule.mode)


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
    if entry is None or not seen.against or now - entry.against_since < seen.rule.for_us:
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
