"""Rule 1: whether policy allows a model for a route, check by check.

`examine` makes every check and says the result of each, because a routing change must show what was verified; `inadmissible`
is its first failure. A model that is not on the route's ladder fails at once: there is nothing to compare it with.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.policy.book import Book, EvidenceHeld
from interlock.policy.lattice import DIMENSIONS, lacking
from interlock.records.change import Check
from interlock.records.documents import RoutePolicy, RouteRule
from interlock.records.models import Evidence, Model
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros, to_text


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy, signed or not yet, and the evidence inside it that counts (see `book.evidence_in`)."""

    policy: RoutePolicy
    evidence: EvidenceHeld

    def evidence_for(self, rule: RouteRule, model: Model) -> Evidence | None:
        """The evidence that counts for a model of a route."""
        return self.evidence.get((model.name, model.version, rule.profile))


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
    """When a model that is admissible now stops being so by the passing of time alone; `NEVER` for one off the route's ladder."""
    return min(ends(book, route, model), default=NEVER)


def ends(book: Book, route: RouteId, model: str) -> list[Micros]:
    """Every moment at which a model of the route's ladder may stop being admissible; none for another model."""
    held = book.policies.get(route.agent)
    rule = book.rule(route)
    rung = rule.rung(model) if rule else None
    if held is None or rule is None or rung is None:
        return []
    return [end for _, end, _ in _ends(book, Proposal(held.value, held.evidence), rule, rung.model)]


def examine_rung(book: Book, proposal: Proposal, rule: RouteRule, place: int, now: Micros) -> Iterator[Examined]:
    """Make every check of one rung: what `interlock policy check` shares with decision and routers.

    Args:
        book: The trust root, the registry and the denials; it need not hold the policy.
        proposal: The policy.
        rule: One of the policy's routes.
        place: The rung's place on its ladder, 0 the primary.
        now: The time.
    """
    model = rule.ladder[place].model
    yield Examined("ladder", f"rung {place + 1} of {len(rule.ladder)}", None)
    yield from _evidence_checks(proposal.evidence_for(rule, model), rule, model)
    denial = book.denials.get(model.name)
    yield _made("denial", denial.verified.value.reason if denial else "not denied", Reason.DENIED, denial is None)
    yield _registry_check(book, model)
    for bound, name in ((rule.ladder[0].model, "primary"), (rule.ladder[max(place - 1, 0)].model, "predecessor")):
        for dimension in DIMENSIONS:
            within = dimension.within(model, bound)
            detail = f"{'within' if within else 'not within'} {bound.name}"
            yield _made(f"{dimension.name} ⊑ {name}", detail, dimension.broader, within)
    missing = ", ".join(lacking(model, rule.needs))
    yield _made("needs", f"lacks {missing}" if missing else "has what the task needs", Reason.NEED_NOT_MET, not missing)
    dear = rule.cost_ceiling is not None and model.usd_per_mtok > rule.cost_ceiling
    yield _made("cost", f"{model.usd_per_mtok:g} USD per million tokens", Reason.COST_CEILING, not dear)
    for what, end, reason in _ends(book, proposal, rule, model):
        yield _made(what, f"until {to_text(end)}", reason, now < end)


def _evidence_checks(evidence: Evidence | None, rule: RouteRule, model: Model) -> Iterator[Examined]:
    found = f"{evidence.report} by {evidence.by}" if evidence else "none that counts"
    yield _made(
        "evidence",
        f"version {model.version} for {rule.profile}: {found}",
        Reason.EVIDENCE_MISSING,
        evidence is not None,
    )
    if evidence is not None:
        detail = f"reached {evidence.level}, {rule.evidence_level} is asked for"
        yield _made("evidence level", detail, Reason.EVIDENCE_LEVEL, evidence.level >= rule.evidence_level)


def _registry_check(book: Book, model: Model) -> Examined:
    """The registry only narrows: a model that it does not hold stands on the policy's two signatures alone."""
    held = book.registry.get(model.name)
    if held is None:
        return Examined("registry", "not held", None)
    if held.value.withdrawn:
        return Examined("registry", "withdrawn", Reason.MODEL_WITHDRAWN)
    return _made("registry", f"version {held.value.version}", Reason.REGISTRY_DISAGREES, held.value.model == model)


def _ends(book: Book, proposal: Proposal, rule: RouteRule, model: Model) -> Iterator[tuple[str, Micros, Reason]]:
    """Everything that ends by the passing of time alone."""
    yield "policy", min(proposal.policy.expires_at, book.trust.expires_at), Reason.POLICY_EXPIRED
    evidence = proposal.evidence_for(rule, model)
    if evidence is not None:
        yield "evidence unexpired", evidence.expires_at, Reason.EVIDENCE_EXPIRED
    yield "rotation", model.identity.rotation_due, Reason.ROTATION_OVERDUE
    yield "retirement", model.retires_at, Reason.MODEL_RETIRED


def _made(check: str, detail: str, reason: Reason, passed: bool) -> Examined:
    return Examined(check, detail, None if passed else reason)
