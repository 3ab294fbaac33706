from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from interlock.policy.admissible import admissible_until, checks, examine, inadmissible
from interlock.policy.book import Book
from interlock.records.change import Check
from interlock.records.documents import Denial, Rung
from interlock.records.models import Evidence, Model
from interlock.records.sealing import event_id_of
from interlock.testing.builders import DAY, NOW, PROFILE, Deployment, model
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

DEPLOYMENT = Deployment()
ROUTE = RouteId("support", "main", "*")
ATLAS, BIRCH, CEDAR = model("atlas"), model("birch"), model("cedar")
MODELS = {one.name: one for one in (ATLAS, BIRCH, CEDAR)}


def rung(subject: Model, signer: str = "vera", **said: Any) -> Rung:
    """A rung with evidence that says something else than it should."""
    evidence = Evidence(
        model=subject.name,
        model_version=subject.version,
        profile=PROFILE,
        capability_boundaries=True,
        safety=True,
        governance_compliance=True,
        report="https://reports.test",
        issued_at=DEPLOYMENT.issued_at,
        expires_at=DEPLOYMENT.expires_at,
    )
    return Rung(subject, "oscar", DEPLOYMENT.seal(replace(evidence, **said), signer))


def book_of(*ladder: Model | str | Rung) -> Book:
    return DEPLOYMENT.book(DEPLOYMENT.policy("support", ladder))


def reason(book: Book, name: str = "birch", now: Micros = NOW, route: RouteId = ROUTE) -> Reason | None:
    return inadmissible(book, route, name, now)


def failed(book: Book, name: str, now: Micros = NOW) -> list[str]:
    return [check.check for check in checks(book, ROUTE, name, now) if not check.passed]


def test_every_rung_of_a_sound_ladder_is_admissible():
    book = book_of("atlas", "birch", "cedar")
    assert [reason(book, name) for name in ("atlas", "birch", "cedar")] == [None] * 3


def test_a_ladder_of_the_primary_alone_is_legal():
    assert reason(book_of("atlas"), "atlas") is None


def test_the_checks_are_made_in_the_order_of_the_design_and_each_says_what_it_found():
    assert checks(book_of("atlas", "birch"), ROUTE, "birch", NOW) == tuple(
        Check("birch", check, True, detail)
        for check, detail in (
            ("policy", "version 1, valid until 2027-05-28T20:26:40.000Z"),
            ("ladder", "rung 2 of 2"),
            ("evidence", "version 2026-01 for chat, https://reports.test/birch"),
            ("evidence unexpired", "until 2027-05-28T20:26:40.000Z"),
            ("denial", "not denied"),
            ("tools ⊑ primary", "no broader than atlas"),
            ("code_execution ⊑ primary", "no broader than atlas"),
            ("scopes ⊑ primary", "no broader than atlas"),
            ("regions ⊑ primary", "no broader than atlas"),
            ("tools ⊑ predecessor", "no broader than atlas"),
            ("code_execution ⊑ predecessor", "no broader than atlas"),
            ("scopes ⊑ predecessor", "no broader than atlas"),
            ("regions ⊑ predecessor", "no broader than atlas"),
        )
    )


# Policy and ladder.


def test_policy_not_held_where_nothing_names_the_route():
    held = book_of("atlas", "birch")
    assert reason(DEPLOYMENT.book()) is Reason.POLICY_NOT_HELD
    for route in (RouteId("triage", "main", "*"), RouteId("support", "draft", "*"), RouteId("support", "main", "eu")):
        assert reason(held, route=route) is Reason.POLICY_NOT_HELD
        assert [check.check for check in checks(held, route, "birch", NOW)] == ["policy"]


@pytest.mark.parametrize("name", ["cedar", "", "Birch", "birch "])
def test_not_on_ladder(name: str):
    assert reason(book_of("atlas", "birch"), name) is Reason.NOT_ON_LADDER


def test_a_model_of_another_agents_ladder_or_of_another_route_is_not_on_this_ladder():
    elsewhere = DEPLOYMENT.policy("triage", ["cedar"])
    two_routes = DEPLOYMENT.policy_of("support", DEPLOYMENT.rule(["atlas"]), DEPLOYMENT.rule(["birch"], slot="draft"))
    book = DEPLOYMENT.book(elsewhere, DEPLOYMENT.seal(two_routes, "grace", "oscar"))
    assert reason(book, "cedar") is Reason.NOT_ON_LADDER
    assert reason(book, "birch") is Reason.NOT_ON_LADDER


def test_policy_expired_exactly_at_its_end():
    policy = replace(DEPLOYMENT.policy_of("support", DEPLOYMENT.rule(["atlas"])), expires_at=Micros(NOW + DAY))
    book = DEPLOYMENT.book(DEPLOYMENT.seal(policy, "grace", "oscar"))
    assert reason(book, "atlas", Micros(NOW + DAY - 1)) is None
    assert reason(book, "atlas", Micros(NOW + DAY)) is Reason.POLICY_EXPIRED
    assert failed(book, "atlas", Micros(NOW + DAY)) == ["policy"]


def test_policy_expired_exactly_at_the_end_of_the_trust_root():
    root = replace(DEPLOYMENT.root, expires_at=Micros(NOW + DAY))
    held = DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas"]))
    book = replace(held, trust=root)
    assert reason(book, "atlas", Micros(NOW + DAY - 1)) is None
    assert reason(book, "atlas", Micros(NOW + DAY)) is Reason.POLICY_EXPIRED


# Evidence.

LACKING: dict[str, Rung] = {
    "none": replace(rung(BIRCH), evidence=b""),
    "garbage": replace(rung(BIRCH), evidence=b"garbage"),
    "of another version": rung(BIRCH, model_version="2025-12"),
    "for another profile": rung(BIRCH, profile="code"),
    "of another model": rung(BIRCH, model="atlas"),
    "signed by governance": rung(BIRCH, signer="grace"),
    "signed by the agent's owner": rung(BIRCH, signer="oscar"),
    "signed by a stranger": rung(BIRCH, signer="eve"),
    "of the rung before": replace(rung(BIRCH), evidence=rung(ATLAS).evidence),
    "without capability boundaries": rung(BIRCH, capability_boundaries=False),
    "without safety": rung(BIRCH, safety=False),
    "without governance compliance": rung(BIRCH, governance_compliance=False),
}


@pytest.mark.parametrize("evidence", LACKING)
def test_evidence_missing_if_it_is(evidence: str):
    book = book_of("atlas", LACKING[evidence], "cedar")
    assert reason(book) is Reason.EVIDENCE_MISSING
    assert failed(book, "birch") == ["evidence"]
    assert reason(book, "atlas") is reason(book, "cedar") is None


def test_the_primary_needs_evidence_as_well():
    assert reason(book_of(replace(rung(ATLAS), evidence=b"")), "atlas") is Reason.EVIDENCE_MISSING


def test_evidence_that_stands_beside_another_rung_does_not_count():
    displaced = replace(rung(ATLAS), evidence=rung(BIRCH).evidence)
    book = book_of(displaced, replace(rung(BIRCH), evidence=b""))
    assert reason(book, "atlas") is reason(book, "birch") is Reason.EVIDENCE_MISSING


def test_evidence_expired_exactly_at_its_end():
    book = book_of("atlas", rung(BIRCH, expires_at=Micros(NOW + 1)))
    assert reason(book, now=NOW) is None
    assert reason(book, now=Micros(NOW + 1)) is Reason.EVIDENCE_EXPIRED
    assert failed(book, "birch", Micros(NOW + 1)) == ["evidence unexpired"]
    assert reason(book, "atlas", Micros(NOW + 1)) is None


def test_evidence_beside_one_routes_version_does_not_speak_for_another_routes_version():
    other_version = replace(rung(replace(BIRCH, version="2027-09")), evidence=rung(BIRCH).evidence)
    for first, second in ((rung(BIRCH), other_version), (other_version, rung(BIRCH))):
        rules = [DEPLOYMENT.rule(["atlas", first], slot="s1"), DEPLOYMENT.rule(["atlas", second], slot="s2")]
        book = DEPLOYMENT.book(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules), "grace", "oscar"))
        judged = [reason(book, route=RouteId("support", slot, "*")) for slot in ("s1", "s2")]
        assert judged == [None if held is not other_version else Reason.EVIDENCE_MISSING for held in (first, second)]


def test_of_two_pieces_of_evidence_for_one_version_the_complete_then_the_longer_counts():
    short, long = rung(BIRCH, expires_at=Micros(NOW + 1)), rung(BIRCH, expires_at=Micros(NOW + 9))
    incomplete = rung(BIRCH, safety=False)
    for rungs in ((short, long, incomplete), (incomplete, long, short), (long, incomplete, short)):
        rules = [DEPLOYMENT.rule(["atlas", held], slot=f"s{n}") for n, held in enumerate(rungs)]
        book = DEPLOYMENT.book(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules), "grace", "oscar"))
        for slot in ("s0", "s1", "s2"):
            route = RouteId("support", slot, "*")
            assert reason(book, now=Micros(NOW + 8), route=route) is None
            assert reason(book, now=Micros(NOW + 9), route=route) is Reason.EVIDENCE_EXPIRED


# Denial.


def test_denied():
    denial = DEPLOYMENT.seal(Denial("d-1", "birch", "leaks prompts", NOW), "sam")
    book = DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas", "birch"]), denial)
    assert reason(book) is Reason.DENIED
    assert Check("birch", "denial", False, "leaks prompts") in checks(book, ROUTE, "birch", NOW)
    assert reason(book, "atlas") is None


# The lattice.

BROADER: dict[str, tuple[dict[str, Any], Reason]] = {
    "tools": ({"tools": ("search", "pay")}, Reason.BROADER_TOOLS),
    "code_execution": ({"code_execution": True}, Reason.BROADER_CODE_EXECUTION),
    "scopes": ({"scopes": ("models.call", "admin")}, Reason.BROADER_SCOPES),
    "regions": ({"regions": ("eu", "us")}, Reason.BROADER_REGIONS),
}


@pytest.mark.parametrize("dimension", BROADER)
def test_a_fallback_is_no_broader_than_the_primary(dimension: str):
    changed, broader = BROADER[dimension]
    book = book_of("atlas", replace(BIRCH, **changed))
    assert reason(book) is broader
    assert failed(book, "birch") == [f"{dimension} ⊑ primary", f"{dimension} ⊑ predecessor"]


@pytest.mark.parametrize("dimension", BROADER)
def test_a_second_fallback_is_no_broader_than_the_first_even_where_the_primary_is(dimension: str):
    changed, broader = BROADER[dimension]
    book = book_of(replace(ATLAS, **changed), "birch", replace(CEDAR, **changed))
    assert reason(book) is None
    assert reason(book, "cedar") is broader
    assert failed(book, "cedar") == [f"{dimension} ⊑ predecessor"]


@pytest.mark.parametrize("dimension", BROADER)
def test_a_second_fallback_is_no_broader_than_the_primary_even_where_the_first_is(dimension: str):
    changed, broader = BROADER[dimension]
    book = book_of("atlas", replace(BIRCH, **changed), replace(CEDAR, **changed))
    assert reason(book, "cedar") is broader
    assert failed(book, "cedar") == [f"{dimension} ⊑ primary"]


@pytest.mark.parametrize("dimension", BROADER)
def test_a_narrower_fallback_is_admissible(dimension: str):
    changed, _ = BROADER[dimension]
    assert reason(book_of(replace(ATLAS, **changed), "birch")) is None


TOOLS = ((), ("a",), ("b",), ("a", "b"))


def small_ladders() -> list[Sequence[tuple[str, ...]]]:
    return [*product(TOOLS, repeat=1), *product(TOOLS, repeat=2), *product(TOOLS, repeat=3)]


def test_over_all_small_ladders_a_rung_passes_exactly_if_it_is_within_the_first_and_the_one_before():
    for ladder in small_ladders():
        rungs = [model(name, tools=tools) for name, tools in zip(MODELS, ladder, strict=False)]
        book = book_of(*rungs)
        for place, tools in enumerate(ladder):
            sound = set(tools) <= set(ladder[0]) and set(tools) <= set(ladder[max(place - 1, 0)])
            assert (reason(book, rungs[place].name) is None) is sound


# Several at once, and time.


def test_every_failure_is_told_and_the_first_is_the_reason():
    bad = rung(replace(BIRCH, tools=("search", "pay")), safety=False, expires_at=NOW)
    denial = DEPLOYMENT.seal(Denial("d-1", "birch", "leaks", NOW), "sam")
    book = DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas", bad]), denial)
    assert [made.reason for made in examine(book, ROUTE, "birch", NOW) if made.reason] == [
        Reason.EVIDENCE_MISSING,
        Reason.EVIDENCE_EXPIRED,
        Reason.DENIED,
        Reason.BROADER_TOOLS,
        Reason.BROADER_TOOLS,
    ]
    assert reason(book) is Reason.EVIDENCE_MISSING


@pytest.mark.parametrize("first", ["policy", "root", "evidence"])
def test_a_model_stops_being_admissible_at_the_earliest_of_three_ends(first: str):
    ends = {what: Micros(NOW + (1 if what == first else 2) * DAY) for what in ("policy", "root", "evidence")}
    rule = DEPLOYMENT.rule([rung(ATLAS, expires_at=ends["evidence"])])
    policy = replace(DEPLOYMENT.policy_of("support", rule), expires_at=ends["policy"])
    trust = replace(DEPLOYMENT.root, expires_at=ends["root"])
    held = DEPLOYMENT.book(DEPLOYMENT.seal(policy, "grace", "oscar"))
    book = replace(held, trust=trust, head=held.head.put("root", event_id_of(trust)))
    until = admissible_until(book, ROUTE, "atlas")
    assert until == NOW + DAY
    assert reason(book, "atlas", Micros(until - 1)) is None
    assert reason(book, "atlas", until) in {Reason.POLICY_EXPIRED, Reason.EVIDENCE_EXPIRED}
