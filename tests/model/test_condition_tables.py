"""Everything that rule 1 asks of a model beside the lattice: each condition with each other, to the rule and to the router.

Policies, evidence, denials and registrations are all really signed, published and read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import product

from interlock.policy.admissible import examine
from interlock.policy.book import Book
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.models import Evidence, Model
from interlock.records.rules import Needs, Rung
from interlock.testing.builders import DAY, NOW, PROFILE, TRIGGERS
from interlock.testing.small_ladders import DEPLOYMENT, model_of, router_refuses, rung_of
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

Tell = Callable[[str, Iterable[bool]], None]
EVIDENCE = Evidence("birch", "any", PROFILE, "vera", 2, 2, 2, "", DEPLOYMENT.issued_at, DEPLOYMENT.expires_at)

CONDITIONS: dict[str, tuple[str, ...]] = {
    "lattice": ("within", "broader"),
    "evidence": ("sound", "missing", "of another version", "not a validator's", "too low", "expired"),
    "denial": ("none", "denied"),
    "registry": ("not held", "agrees", "disagrees", "withdrawn"),
    "needs": ("met", "not met"),
    "cost": ("within", "above"),
    "rotation": ("due later", "overdue"),
    "retirement": ("later", "retired"),
    "policy": ("in force", "expired"),
}
WHY = {
    "broader": Reason.BROADER_TOOLS,
    "missing": Reason.EVIDENCE_MISSING,
    "of another version": Reason.EVIDENCE_MISSING,
    "not a validator's": Reason.EVIDENCE_MISSING,
    "too low": Reason.EVIDENCE_LEVEL,
    "expired": Reason.EVIDENCE_EXPIRED,
    "denied": Reason.DENIED,
    "disagrees": Reason.REGISTRY_DISAGREES,
    "withdrawn": Reason.MODEL_WITHDRAWN,
    "not met": Reason.NEED_NOT_MET,
    "above": Reason.COST_CEILING,
    "overdue": Reason.ROTATION_OVERDUE,
    "retired": Reason.MODEL_RETIRED,
}


def expected_of(case: Mapping[str, str]) -> set[Reason]:
    """Each condition speaks for itself; that the policy has expired is told apart from expired evidence."""
    found = {WHY[value] for what, value in case.items() if what != "policy" and value in WHY}
    return found | ({Reason.POLICY_EXPIRED} if case["policy"] == "expired" else set())


def subject(case: Mapping[str, str]) -> Model:
    breadth = frozenset({"tool a", "tool b"} if case["lattice"] == "broader" else {"tool a"})
    usual = model_of("birch", breadth)
    return replace(
        usual,
        identity=replace(usual.identity, rotation_due=NOW if case["rotation"] == "overdue" else Micros(NOW + DAY)),
        capability=replace(usual.capability, outputs=() if case["needs"] == "not met" else ("text",)),
        retires_at=NOW if case["retirement"] == "retired" else Micros(NOW + DAY),
        usd_per_mtok=3.01 if case["cost"] == "above" else 3.0,
    )


def evidence_for(case: Mapping[str, str], birch: Model) -> bytes:
    state = case["evidence"]
    if state == "missing":
        return b""
    signer = "grace" if state == "not a validator's" else "vera"
    said = replace(
        EVIDENCE, model="birch", model_version=birch.version, by=signer, safety=1 if state == "too low" else 2
    )
    said = replace(said, capability_boundaries=2, governance_compliance=2)
    if state == "of another version":
        said = replace(said, model_version="2025-12")
    return DEPLOYMENT.seal(replace(said, expires_at=NOW) if state == "expired" else said, signer)


def policy_of(case: Mapping[str, str]) -> RoutePolicy:
    birch = subject(case)
    primary = replace(rung_of("atlas", frozenset({"tool a"})), evidence=b"")
    rungs = [primary, Rung(birch, "oscar", evidence_for(case, birch))]
    rule = DEPLOYMENT.rule(
        rungs, triggers=TRIGGERS[:1], evidence_level=2, cost_ceiling=3.0, needs=Needs(outputs=("text",))
    )
    policy = DEPLOYMENT.policy_of("support", rule)
    return replace(policy, expires_at=NOW) if case["policy"] == "expired" else policy


@cache
def others_of(denial: str, registry: str, birch: Model) -> tuple[bytes, ...]:
    """The denial and the entry of the registry of a case."""
    entry = replace(birch, provider="other") if registry == "disagrees" else birch
    denied = DEPLOYMENT.seal(Denial("d-1", "birch", "unsafe", NOW), "sam")
    registered = DEPLOYMENT.registration(entry, withdrawn=registry == "withdrawn")
    return (*([denied] if denial == "denied" else []), *([] if registry == "not held" else [registered]))


def books() -> Iterator[tuple[Book, set[Reason]]]:
    """The book of every case, from documents that were really signed, and what must be against `birch` in it."""
    of_policy = {what: values for what, values in CONDITIONS.items() if what not in {"denial", "registry"}}
    for values in product(*of_policy.values()):
        case = dict(zip(of_policy, values, strict=True))
        policy = DEPLOYMENT.seal(policy_of(case), "grace", "oscar")
        held = DEPLOYMENT.book(policy)
        for denial, registry in product(CONDITIONS["denial"], CONDITIONS["registry"]):
            documents = others_of(denial, registry, subject(case))
            yield DEPLOYMENT.taking(held, *documents), expected_of({**case, "denial": denial, "registry": registry})


MAIN = RouteId("support", "main", ANY)


def test_whatever_else_is_asked_of_a_model_each_condition_speaks_for_itself_to_the_rule_and_to_the_router(
    tell: Tell,
) -> None:
    answers = []
    for book, expected in books():
        assert {made.reason for made in examine(book, MAIN, "birch", NOW) if made.reason} == expected
        refused = router_refuses(book, DEPLOYMENT.change(MAIN, source=None, target="birch"))
        assert refused in expected if expected else refused is None
        answers.append(not expected)
    tell("evidence × denial × registry × needs × cost × ends × lattice, rule and router", answers)
