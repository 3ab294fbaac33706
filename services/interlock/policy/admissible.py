"""Rule 1: whether policy allows a model for a route, check by check.

`examine` makes every check and says the result of each, because a routing change must show what was verified; `inadmissible`
is its first failure. A model that is not on the route's ladder fails at once: there is nothing to compare it with.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.policy.book import Book, EvidenceHeld
from interlock.policy.lattice import DIMENSIONS, excess
from interlock.records.change import Check
from interlock.records.documents import Evidence, Model, RoutePolicy, RouteRule
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, to_text


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy, signed or not yet, and the evidence inside it that counts (see `book.evidence_in`)."""

    policy: RoutePolicy
    evidence: EvidenceHeld


@dataclass(frozen=True, slots=True)
class Examined:
    """One check and its result; `reason` is why it failed, None if it passed."""

    check: str
    detail: str
    reason: Reason | None


def examine(book: Book, route: RouteId, model: str, now: Micros) -> tuple[Examined, ...]:
    """Make every check of rule 1 for one model on one route, in the order of DESIGN 5."""
    held = book.policies.get(route.agent)
    rule = book.rule(route)
    if held is None or rule is None:
        return (Examined("policy", f"no policy names {route.key}", Reason.POLICY_NOT_HELD),)
    place = rule.index(model)
    if place is None:
        return (Examined("ladder", f"not on the ladder of {route.key}", Reason.NOT_ON_LADDER),)
    return tuple(examine_rung(book, Proposal(held.value, held.evidence), rule, place, now))


def inadmissible(book: Book, route: RouteId, model: str, now: Micros) -> Reason | None:
    """Why policy does not allow a model for a route; None if it does."""
    return next((examined.reason for examined in examine(book, route, model, now) if examined.reason), None)


def checks(book: Book, route: RouteId, model: str, now: Micros) -> tuple[Check, ...]:
    """The checks as they stand in a routing change."""
    return tuple(
        Check(model, made.check, made.reason is None, made.detail) for made in examine(book, route, model, now)
    )


def admissible_until(book: Book, route: RouteId, model: str) -> Micros:
    """When a model that is admissible now stops being so by the passing of time alone."""
    held = book.policies[route.agent]
    rule = book.rule(route)
    assert rule is not None, "asked of an admissible model only"
    place = rule.index(model)
    assert place is not None, "asked of an admissible model only"
    evidence = held.evidence[model, rule.ladder[place].model.version, rule.profile]
    return min(held.value.expires_at, book.trust.expires_at, evidence.expires_at)


def examine_rung(book: Book, proposal: Proposal, rule: RouteRule, place: int, now: Micros) -> Iterator[Examined]:
    """Make every check of one rung: what `interlock policy check` shares with decision and routers.

    Args:
        book: The trust root and the denials; it need not hold the policy.
        proposal: The policy.
        rule: One of the policy's routes.
        place: The rung's place on its ladder, 0 the primary.
        now: The time.
    """
    policy, evidence = proposal.policy, proposal.evidence
    model = rule.ladder[place].model
    end = min(policy.expires_at, book.trust.expires_at)
    yield _made(
        "policy", f"version {policy.version}, valid until {to_text(Micros(end))}", Reason.POLICY_EXPIRED, now < end
    )
    yield Examined("ladder", f"rung {place + 1} of {len(rule.ladder)}", None)
    yield from _evidence_checks(evidence.get((model.name, model.version, rule.profile)), rule, model, now)
    denial = book.denials.get(model.name)
    yield _made("denial", denial.verified.value.reason if denial else "not denied", Reason.DENIED, denial is None)
    for bound, name in ((rule.ladder[0].model, "primary"), (rule.ladder[max(place - 1, 0)].model, "predecessor")):
        for dimension in DIMENSIONS:
            beyond = excess(dimension, model, bound)
            detail = f"beyond {bound.name}: {', '.join(sorted(beyond))}" if beyond else f"no broader than {bound.name}"
            yield _made(f"{dimension.name} ⊑ {name}", detail, dimension.broader, not beyond)


def _evidence_checks(evidence: Evidence | None, rule: RouteRule, model: Model, now: Micros) -> Iterator[Examined]:
    complete = evidence is not None and evidence.complete
    detail = f"version {model.version} for {rule.profile}" + (
        f", {evidence.report}" if evidence else ": none that counts"
    )
    yield _made("evidence", detail, Reason.EVIDENCE_MISSING, complete)
    if evidence is not None:
        detail = f"until {to_text(evidence.expires_at)}"
        yield _made("evidence unexpired", detail, Reason.EVIDENCE_EXPIRED, now < evidence.expires_at)


def _made(check: str, detail: str, reason: Reason, passed: bool) -> Examined:
    return Examined(check, detail, None if passed else reason)
