"""What `interlock status` shows of one route: everything that a person needs who was woken by it.

Pure: the state that the log gives, what came back from routers, people and notices, and the time. The keys of the document are a
contract with scripts; what they mean is said where each is made.
"""

import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock.decision.core.choice import stable_us
from interlock.decision.core.commands import who_may
from interlock.decision.core.expected import expected_duration
from interlock.decision.core.state import State
from interlock.decision.core.usable import Case, disabled, guard_verdict, health
from interlock.policy.admissible import inadmissible
from interlock.policy.lattice import material
from interlock.records.change import RoutingChange
from interlock.records.commands import Command, Verb
from interlock.records.health import Level
from interlock.records.rules import WHOLE, RouteRule
from interlock.records.state import Hold, HoldKind, ReviewEntry, RouteEntry
from interlock.records.telling import Breach
from interlock.signing.roles import Role
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros, to_text

APPLIED = "applied"
"""A router's answer to a change that it obeys; any other answer is the reason for which it refused."""

_WORST = (Level.HEALTHY, Level.UNKNOWN, Level.DEGRADED, Level.UNAVAILABLE)


class Concern(StrEnum):
    """What is wrong with a route, the worst first: the order in which `status` shows them."""

    STOPPED = "stopped"
    APPROVAL = "approval"
    ORDERED = "ordered"
    ROUTER_REFUSED = "router_refused"
    UNNOTIFIED = "unnotified"
    CANARY = "canary"
    FALLBACK = "fallback"
    REVIEW_OVERDUE = "review_overdue"
    FROZEN = "frozen"
    NONE = "none"


@dataclass(slots=True)
class Echo:
    """What came back.

    Attributes:
        routers: By change id: each router's answer.
        heard: By route: when each router last answered a change of it.
        accepted: By change id: after how many seconds a notice of it was accepted.
        breaches: By change id: the deadline watch's word that this took too long, or never was.
        orders: By event id: the commands on the topic, and who signed them.
    """

    routers: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    heard: dict[str, dict[str, Micros]] = field(default_factory=lambda: defaultdict(dict))
    accepted: dict[str, float] = field(default_factory=dict)
    breaches: dict[str, Breach] = field(default_factory=dict)
    orders: dict[bytes, tuple[Command, frozenset[str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sight:
    """One route as it is looked at.

    Attributes:
        change: The order that stands; None if its bytes cannot be read.
    """

    state: State
    route: RouteId
    entry: RouteEntry
    change: RoutingChange | None
    echo: Echo
    now: Micros

    @property
    def rule(self) -> RouteRule | None:
        """The policy's rule for the route; None if no policy names it any more."""
        return self.state.book.rule(self.route)

    @property
    def case(self) -> Case | None:
        """The route as the decision's own questions are asked of it."""
        rule = self.rule
        return Case(self.state, self.route, rule, self.now, self.entry) if rule is not None else None


def picture(sight: Sight) -> dict[str, Any]:
    """The route as one document."""
    entry, change, echo, case = sight.entry, sight.change, sight.echo, sight.case
    answers = dict(echo.routers.get(change.id, {})) if change else {}
    heard = echo.heard.get(sight.route.key, {})
    return {
        "route": sight.route.key,
        "agent": sight.route.agent,
        "concern": str(concern(sight)),
        "target": entry.target,
        "safe_state": entry.safe_state,
        "since": to_text(entry.entered_at),
        "reason": str(entry.trigger),
        "detail": change.cause.detail if change else "",
        "change": change.id if change else "",
        "material": change.material if change else False,
        "incident": _incident(sight),
        "hold": _hold(sight, entry.hold) if entry.hold else None,
        "canary": _canary(sight),
        "frozen": _frozen(sight),
        "approved": list(entry.approved),
        "rejected": list(entry.rejected),
        "kept_away": _kept_away(sight),
        "rungs": [_rung(case, rung.model.name) for rung in case.rule.ladder] if case else [],
        "guards": {guard: str(_level(case, guard)) for guard in case.rule.guards} if case else {},
        "reviews": [review_document(name, entry, sight.now) for name, entry in reviews_of(sight.state, sight.route)],
        "routers": answers,
        "routers_silent": {name: to_text(at) for name, at in sorted(heard.items()) if change and name not in answers},
        "notice_accepted_after_s": echo.accepted.get(change.id) if change else None,
        "breach": _breach(sight),
    }


def concern(sight: Sight) -> Concern:
    """The worst of what is wrong."""
    entry = sight.entry
    answers = sight.echo.routers.get(sight.change.id, {}) if sight.change else {}
    if entry.hold is not None:
        return Concern.APPROVAL if entry.hold.kind is HoldKind.APPROVAL else Concern.ORDERED
    if entry.safe_state is not None:
        return Concern.STOPPED
    if entry.nacked or any(word != APPLIED for word in answers.values()):
        return Concern.ROUTER_REFUSED
    if sight.change is not None and sight.change.id in sight.echo.breaches:
        return Concern.UNNOTIFIED
    if entry.canary is not None:
        return Concern.CANARY
    if entry.incident is not None:
        return Concern.FALLBACK
    if any(review.overdue or review.due <= sight.now for _, review in reviews_of(sight.state, sight.route)):
        return Concern.REVIEW_OVERDUE
    return Concern.FROZEN if sight.now < entry.frozen_until else Concern.NONE


def reviews_of(state: State, route: RouteId) -> Iterator[tuple[str, ReviewEntry]]:
    """The open reviews of a route by the id of the change, the first due first."""
    found = [(name, entry) for name, entry in state.reviews.items() if entry.route == route.key]
    yield from sorted(found, key=lambda each: (each[1].due, each[0]))


def review_document(change: str, entry: ReviewEntry, now: Micros) -> dict[str, Any]:
    """One review; a source or target of null is the safe state."""
    return {
        "change": change,
        "source": entry.source,
        "target": entry.target,
        "opened_at": to_text(entry.opened_at),
        "due": to_text(entry.due),
        "overdue": entry.overdue or entry.due <= now,
    }


def _incident(sight: Sight) -> dict[str, Any] | None:
    """Why the route is off its primary, and how long that is expected to last in all, as of now, on what it rests.

    `expected_s` is null where it is not known: `expected_from` then says how many like incidents this one has outlasted.
    """
    incident = sight.entry.incident
    if incident is None:
        return None
    expected = expected_duration(sight.state.history, incident, sight.now)
    return {
        "since": to_text(incident.since),
        "trigger": str(incident.trigger),
        "detail": incident.detail,
        "expected_s": expected.us / SECOND if expected.us else None,
        "expected_from": expected.incidents,
        "expected_like": expected.like,
    }


def _hold(sight: Sight, hold: Hold) -> dict[str, Any]:
    """What keeps the route in its safe state, who ordered it, and the command that ends it."""
    approval = hold.kind is HoldKind.APPROVAL
    words = material_words(sight.rule, hold.model) if approval else ()
    verb = Verb.APPROVE if approval else Verb.RESUME
    keys = _signers(sight, verb, owner=bool(words))
    ticket = " --ticket TICKET" if approval and sight.rule is not None and sight.rule.approval.ticket else ""
    about = (sight.route.key, hold.proposal) if approval else (sight.route.key,)
    return {
        "kind": str(hold.kind),
        "trigger": str(hold.cause.trigger),
        "detail": hold.cause.detail,
        "by": sorted(_ordered_by(sight, hold)),
        "proposal": hold.proposal or None,
        "model": hold.model or None,
        "material": list(words),
        "until": to_text(hold.until) if approval else None,
        "command": command_line(str(verb), *about, keys=keys) + ticket,
    }


def material_words(rule: RouteRule | None, model: str) -> tuple[str, ...]:
    """What makes the model a material change that was not accepted in advance; empty: nothing."""
    rung = rule.rung(model) if rule is not None else None
    return material(rule.ladder[0], rung) if rule and rung and not rung.accepted_in_advance else ()


def _ordered_by(sight: Sight, hold: Hold) -> frozenset[str]:
    """Who signed the command that put the route there; nobody, if a trigger of the policy did."""
    signed = (sight.echo.orders[evidence] for evidence in hold.cause.evidence if evidence in sight.echo.orders)
    return frozenset().union(*(signers for _, signers in signed))


def _signers(sight: Sight, verb: Verb, *, owner: bool = False) -> list[str]:
    """People whose signatures would do: the agent's owners first, where one of them must be among them."""
    book = sight.state.book
    people, needed = who_may(book, sight.route.agent, verb)
    owners = book.trust.holders(Role.AGENT_OWNER, sight.route.agent)
    return sorted(people, key=lambda name: ((name in owners) is not owner, name))[:needed]


def command_line(verb: str, *arguments: str, keys: list[str]) -> str:
    """A command as it can be typed in a workspace."""
    return shlex.join(
        ["interlock", verb, *arguments, *(part for name in keys for part in ("--key", f"keys/{name}.pem"))]
    )


def _breach(sight: Sight) -> dict[str, Any] | None:
    """That nobody was told of the change in time, and what is known of the attempts."""
    breach = sight.echo.breaches.get(sight.change.id) if sight.change else None
    if breach is None:
        return None
    return {
        "at": to_text(breach.at),
        "deadline_s": breach.deadline_us / SECOND,
        "suspends": breach.suspends,
        "detail": breach.detail,
        "watch": breach.watch,
    }


def _canary(sight: Sight) -> dict[str, Any] | None:
    """The canary in progress, what the health-monitor says of its step, and the command that rolls it back."""
    canary, rule = sight.entry.canary, sight.rule
    if canary is None:
        return None
    steps = rule.canary.steps if rule and rule.canary else ()
    return {
        "id": canary.id,
        "source": sight.entry.target,
        "target": canary.model,
        "weight": steps[canary.step] if canary.step < len(steps) else None,
        "step": canary.step + 1,
        "steps": [*steps, WHOLE],
        "since": to_text(canary.since),
        "verdict": str(canary.level),
        "detail": canary.detail,
        "held_up": sight.entry.nacked,
        "command": command_line("reject", sight.route.key, canary.id, keys=_signers(sight, Verb.REJECT)),
    }


def _frozen(sight: Sight) -> dict[str, Any] | None:
    """Until when only the safe state may be entered, and who ordered it."""
    until = sight.entry.frozen_until
    if until <= sight.now:
        return None
    orders = [
        signers
        for said, signers in sight.echo.orders.values()
        if (said.verb, said.agent, said.expires_at) == (Verb.FREEZE, sight.route.agent, until)
    ]
    return {"until": to_text(until), "by": sorted(frozenset().union(*orders))}


def _kept_away(sight: Sight) -> list[dict[str, Any]]:
    """The models that may not be entered for a while: a canary failed, or nobody approved it in time."""
    kept = (each for each in sight.entry.kept_away if sight.now < each.until)
    return [{"model": each.model, "until": to_text(each.until)} for each in kept]


def _rung(case: Case, model: str) -> dict[str, Any]:
    reason = inadmissible(case.state.book, case.route, model, case.now)
    verdicts: dict[str, Level] = {}
    for seen in health(case, model):
        level = seen.entry.level if seen.entry else Level.UNKNOWN
        verdicts[seen.rule.objective] = max(verdicts.get(seen.rule.objective, Level.HEALTHY), level, key=_WORST.index)
    return {
        "model": model,
        "admissible": reason is None,
        "why_not": str(reason) if reason else _taken_away(case, model),
        "verdicts": {objective: str(level) for objective, level in verdicts.items()},
        "stable_at": _stable_at(case, model),
    }


def _stable_at(case: Case, model: str) -> str | None:
    """From when on the route may return to a rung that is well; null: it is not well."""
    seen = health(case, model)
    since = [each.entry.since for each in seen if each.entry is not None and each.may_enter]
    return to_text(Micros(max(since, default=0) + stable_us(case))) if len(since) == len(seen) else None


def _taken_away(case: Case, model: str) -> str:
    """Why a rung that policy allows may not be entered, whatever its verdicts say; empty: it may."""
    entry = case.entry
    if disabled(case, model) is not None:
        return "disabled"
    if entry is not None and model in entry.rejected:
        return "rejected"
    if entry is not None and any(kept.model == model and case.now < kept.until for kept in entry.kept_away):
        return "kept_away"
    return ""


def _level(case: Case, guard: str) -> Level:
    entry = guard_verdict(case, guard)
    return entry.level if entry else Level.UNKNOWN
