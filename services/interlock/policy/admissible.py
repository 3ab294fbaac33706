"""Rule 1: whether policy allows a model for a route, check by check.

`examine` makes every check and says the result of each, because a routing change must show what was verified; `inadmissible`
is its first failure. A model that is not on the route's ladder fails at once: there is nothing to compare it with.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from interlock.policy.book import Book, EvidenceHeld, HeldDenial
from interlock.policy.lattice import DIMENSIONS, lacking
from interlock.records.change import Check
from interlock.records.documents import RoutePolicy
from interlock.records.models import Evidence, Model, Registration
from interlock.records.rules import RouteRule, once
from interlock.signing.verifier import Verified
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros, to_text

POLICY_ENDS_KEPT = 4_096
"""Checks of a policy's end that are remembered: policies that were signed together end together."""


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


@dataclass(frozen=True, slots=True)
class Block:
    """Checks that are made together, also as they stand in a routing change, and the first reason among them."""

    examined: tuple[Examined, ...]
    checks: tuple[Check, ...]
    reason: Reason | None

    @classmethod
    def of(cls, model: str, made: Iterable[Examined]) -> "Block":
        """The block of some checks of one model."""
        examined = tuple(made)
        checks = tuple(Check(model, each.check, each.reason is None, each.detail) for each in examined)
        return cls(examined, checks, next((each.reason for each in examined if each.reason), None))


def examine(book: Book, route: RouteId, model: str, now: Micros) -> tuple[Examined, ...]:
    """Make every check of rule 1 for one model on one route, in the order of DESIGN 5."""
    return tuple(chain.from_iterable(block.examined for block in _examine(book, route, model, now)))


def inadmissible(book: Book, route: RouteId, model: str, now: Micros) -> Reason | None:
    """Why policy does not allow a model for a route; None if it does."""
    return next((block.reason for block in _examine(book, route, model, now) if block.reason), None)


def checks(book: Book, route: RouteId, model: str, now: Micros) -> tuple[Check, ...]:
    """The checks as they stand in a routing change."""
    return tuple(chain.from_iterable(block.checks for block in _examine(book, route, model, now)))


def _examine(book: Book, route: RouteId, model: str, now: Micros) -> Iterable[Block]:
    held = book.policies.get(route.agent)
    rule = book.rule(route)
    if held is None or rule is None:
        return (Block.of(model, [Examined("policy", f"no policy names {route.key}", Reason.POLICY_NOT_HELD)]),)
    place = rule.index(model)
    if place is None:
        return (Block.of(model, [Examined("ladder", f"not on the ladder of {route.key}", Reason.NOT_ON_LADDER)]),)
    return examine_rung(book, Proposal(held.value, held.evidence), rule, place, now)


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
    evidence = Proposal(held.value, held.evidence).evidence_for(rule, rung.model)
    until = min(held.value.expires_at, book.trust.expires_at)
    return [until, *(end for _, end, _ in _ending(rule, evidence, rung.model))]


def examine_rung(book: Book, proposal: Proposal, rule: RouteRule, place: int, now: Micros) -> Iterator[Block]:
    """Make every check of one rung: what `interlock policy check` shares with decision and routers.

    What follows from the ladder alone is examined once: agents whose routes are alike share the rule, and its `memo`.

    Args:
        book: The trust root, the registry and the denials; it need not hold the policy.
        proposal: The policy.
        rule: One of the policy's routes.
        place: The rung's place on its ladder, 0 the primary.
        now: The time.
    """
    model = rule.ladder[place].model
    evidence = proposal.evidence_for(rule, model)
    yield once(rule, ("validated", place, evidence), lambda: Block.of(model.name, _validated(rule, place, evidence)))
    yield _said_since(book, rule, model)
    yield once(rule, ("bounded", place), lambda: Block.of(model.name, _bounded(rule, place)))
    until = min(proposal.policy.expires_at, book.trust.expires_at)
    yield _policy_end(model.name, until, now < until)
    yield _unexpired(rule, place, evidence, now)


@lru_cache(maxsize=POLICY_ENDS_KEPT)
def _policy_end(model: str, until: Micros, held: bool) -> Block:
    return Block.of(model, [_made("policy", f"until {to_text(until)}", Reason.POLICY_EXPIRED, held)])


def _validated(rule: RouteRule, place: int, evidence: Evidence | None) -> Iterator[Examined]:
    yield Examined("ladder", f"rung {place + 1} of {len(rule.ladder)}", None)
    yield from _evidence_checks(evidence, rule, rule.ladder[place].model)


def _said_since(book: Book, rule: RouteRule, model: Model) -> Block:
    """What safety and governance have said of the model, whatever the policy says."""
    denial, held = book.denials.get(model.name), book.registry.get(model.name)
    if denial is None and held is None:
        return once(rule, ("nothing said", model.name), lambda: _block_of_said(None, None, model))
    return _block_of_said(denial, held, model)


def _block_of_said(denial: HeldDenial | None, held: Verified[Registration] | None, model: Model) -> Block:
    denied = _made("denial", denial.verified.value.reason if denial else "not denied", Reason.DENIED, denial is None)
    return Block.of(model.name, (denied, _registry_check(held, model)))


def _bounded(rule: RouteRule, place: int) -> Iterator[Examined]:
    """Nothing broader than the primary and the predecessor, everything that the task needs, no dearer than allowed."""
    model = rule.ladder[place].model
    for bound, name in ((rule.ladder[0].model, "primary"), (rule.ladder[max(place - 1, 0)].model, "predecessor")):
        for dimension in DIMENSIONS:
            within = dimension.within(model, bound)
            detail = f"{'within' if within else 'not within'} {bound.name}"
            yield _made(f"{dimension.name} ⊑ {name}", detail, dimension.broader, within)
    missing = ", ".join(lacking(model, rule.needs))
    yield _made("needs", f"lacks {missing}" if missing else "has what the task needs", Reason.NEED_NOT_MET, not missing)
    dear = rule.cost_ceiling is not None and model.usd_per_mtok > rule.cost_ceiling
    yield _made("cost", f"{model.usd_per_mtok:g} USD per million tokens", Reason.COST_CEILING, not dear)


def _unexpired(rule: RouteRule, place: int, evidence: Evidence | None, now: Micros) -> Block:
    """What else ends by the passing of time: as long as nothing has ended, the same is found."""
    model = rule.ladder[place].model
    ending = _ending(rule, evidence, model)
    if now < min(end for _, end, _ in ending):
        return once(rule, ("unexpired", place, evidence), lambda: _block_of_ends(ending, model, now))
    return _block_of_ends(ending, model, now)


def _ending(rule: RouteRule, evidence: Evidence | None, model: Model) -> tuple[tuple[str, Micros, Reason], ...]:
    return once(rule, ("ends", model.name, evidence), lambda: tuple(_ends(evidence, model)))


def _block_of_ends(ending: Iterable[tuple[str, Micros, Reason]], model: Model, now: Micros) -> Block:
    return Block.of(
        model.name, (_made(what, f"until {to_text(end)}", reason, now < end) for what, end, reason in ending)
    )


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


def _registry_check(held: Verified[Registration] | None, model: Model) -> Examined:
    """The registry only narrows: a model that it does not hold stands on the policy's two signatures alone."""
    if held is None:
        return Examined("registry", "not held", None)
    if held.value.withdrawn:
        return Examined("registry", "withdrawn", Reason.MODEL_WITHDRAWN)
    return _made("registry", f"version {held.value.version}", Reason.REGISTRY_DISAGREES, held.value.model == model)


def _ends(evidence: Evidence | None, model: Model) -> Iterator[tuple[str, Micros, Reason]]:
    """Everything beside the policy that ends by the passing of time alone."""
    if evidence is not None:
        yield "evidence unexpired", evidence.expires_at, Reason.EVIDENCE_EXPIRED
    yield "rotation", model.identity.rotation_due, Reason.ROTATION_OVERDUE
    yield "retirement", model.retires_at, Reason.MODEL_RETIRED


def _made(check: str, detail: str, reason: Reason, passed: bool) -> Examined:
    return Examined(check, detail, None if passed else reason)
