from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.policy.admissible import admissible_until, checks, examine, inadmissible
from interlock.policy.book import Book
from interlock.records.change import Check
from interlock.records.documents import Denial
from interlock.records.models import Autonomy, Evidence, Logging, Model, Network
from interlock.records.rules import Needs, Rung
from interlock.testing.builders import DAY, NOW, PROFILE, Deployment, model
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros

DEPLOYMENT = Deployment()
ROUTE = RouteId("support", "main", "*")
ATLAS, BIRCH, CEDAR = model("atlas"), model("birch"), model("cedar")


def rung(subject: Model, signer: str = "vera", **said: Any) -> Rung:
    """A rung with evidence that says something else than it should."""
    evidence = Evidence(
        model=subject.name,
        model_version=subject.version,
        profile=PROFILE,
        by=signer,
        capability_boundaries=1,
        safety=1,
        governance_compliance=1,
        report="https://reports.test",
        issued_at=DEPLOYMENT.issued_at,
        expires_at=DEPLOYMENT.expires_at,
    )
    return Rung(subject, "oscar", DEPLOYMENT.seal(replace(evidence, **said), signer))


def book_of(*ladder: Model | str | Rung, **fields: Any) -> Book:
    rule = DEPLOYMENT.rule(ladder, **fields)
    return DEPLOYMENT.book(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", rule), "grace", "oscar"))


def reason(book: Book, name: str = "birch", now: Micros = NOW, route: RouteId = ROUTE) -> Reason | None:
    return inadmissible(book, route, name, now)


def failed(book: Book, name: str, now: Micros = NOW) -> list[str]:
    return [check.check for check in checks(book, ROUTE, name, now) if not check.passed]


def test_every_rung_of_a_sound_ladder_is_admissible():
    book = book_of("atlas", "birch", "cedar")
    assert [reason(book, name) for name in ("atlas", "birch", "cedar")] == [None] * 3


def test_a_ladder_of_the_primary_alone_is_legal():
    assert reason(book_of("atlas"), "atlas") is None


LATTICE = (
    "tools",
    "code_execution",
    "network",
    "modalities",
    "context",
    "outputs",
    "autonomy",
    "scopes",
    "assurance",
    "data classes",
    "regions",
    "retention",
    "logging",
    "approvals",
    "integrity",
)


def test_the_checks_are_made_in_the_order_of_the_design_and_each_says_what_it_found():
    assert checks(book_of("atlas", "birch", "cedar"), ROUTE, "cedar", NOW) == tuple(
        Check("cedar", check, True, detail)
        for check, detail in (
            ("ladder", "rung 3 of 3"),
            ("evidence", "version 2026-01 for chat: https://reports.test/cedar by vera"),
            ("evidence level", "reached 1, 1 is asked for"),
            ("denial", "not denied"),
            ("registry", "not held"),
            *((f"{dimension} ⊑ primary", "within atlas") for dimension in LATTICE),
            *((f"{dimension} ⊑ predecessor", "within birch") for dimension in LATTICE),
            ("needs", "has what the task needs"),
            ("cost", "2 USD per million tokens"),
            ("policy", "until 2027-05-28T20:26:40.000Z"),
            ("evidence unexpired", "until 2027-05-28T20:26:40.000Z"),
            ("rotation", "until 9999-12-31T23:59:59.999Z"),
            ("retirement", "until 9999-12-31T23:59:59.999Z"),
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
    "in another validator's name": rung(BIRCH, by="victor"),
}


@pytest.mark.parametrize("evidence", LACKING)
def test_evidence_missing_if_it_is(evidence: str):
    book = book_of("atlas", LACKING[evidence], "cedar")
    assert reason(book) is Reason.EVIDENCE_MISSING
    assert failed(book, "birch") == ["evidence"]
    assert reason(book, "atlas") is reason(book, "cedar") is None


PARTS = ("capability_boundaries", "safety", "governance_compliance")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("asked", [1, 2, 5])
def test_every_part_of_the_validation_must_have_reached_the_level_that_the_route_asks_for(part: str, asked: int):
    reached = dict.fromkeys(PARTS, asked)
    ladder = [rung(ATLAS, **reached), rung(BIRCH, **reached)]
    assert reason(book_of(*ladder, evidence_level=asked)) is None
    below = [ladder[0], rung(BIRCH, **{**reached, part: asked - 1})]
    assert reason(book_of(*below, evidence_level=asked)) is Reason.EVIDENCE_LEVEL
    assert failed(book_of(*below, evidence_level=asked), "birch") == ["evidence level"]
    assert reason(book_of(*reversed(below), evidence_level=asked)) is Reason.EVIDENCE_LEVEL, "the primary too"


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


def two_routes(first: Rung, second: Rung, profiles: tuple[str, str] = (PROFILE, PROFILE)) -> list[Reason | None]:
    """Why `birch` may not be used on the one route of an agent, and on the other."""
    rules = [
        DEPLOYMENT.rule([rung(ATLAS, profile=profile), held], slot=f"s{number}", profile=profile)
        for number, (held, profile) in enumerate(zip((first, second), profiles, strict=True))
    ]
    book = DEPLOYMENT.book(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules), "grace", "oscar"))
    return [reason(book, route=RouteId("support", slot, "*")) for slot in ("s0", "s1")]


def test_a_model_is_validated_for_each_profile_by_itself():
    for_chat, for_code = rung(BIRCH), rung(BIRCH, profile="code")
    assert two_routes(for_chat, for_code, (PROFILE, "code")) == [None, None]
    assert two_routes(for_chat, for_chat, (PROFILE, "code")) == [None, Reason.EVIDENCE_MISSING]
    assert two_routes(for_code, for_code, (PROFILE, "code")) == [Reason.EVIDENCE_MISSING, None]


def test_evidence_that_stands_beside_another_version_or_profile_does_not_count_even_where_that_one_is_used():
    nothing = replace(rung(BIRCH), evidence=b"")
    displaced = Rung(replace(BIRCH, version="2025-12"), "oscar", rung(BIRCH).evidence)
    assert two_routes(displaced, nothing) == [Reason.EVIDENCE_MISSING] * 2
    for_code = rung(BIRCH, profile="code")
    assert two_routes(for_code, nothing, (PROFILE, "code")) == [Reason.EVIDENCE_MISSING] * 2


def test_of_two_pieces_of_evidence_for_one_version_the_higher_then_the_longer_counts():
    short, long = rung(BIRCH, expires_at=Micros(NOW + 1)), rung(BIRCH, expires_at=Micros(NOW + 9))
    lower = rung(BIRCH, safety=0)
    for rungs in ((short, long, lower), (lower, long, short), (long, lower, short)):
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
    "code_execution": ({"capability": {"code_execution": True}}, Reason.BROADER_CODE_EXECUTION),
    "network": ({"capability": {"network": Network.INTERNET}}, Reason.BROADER_NETWORK),
    "modalities": ({"capability": {"modalities": ("text", "image")}}, Reason.BROADER_MODALITIES),
    "context": ({"capability": {"context_tokens": 128_001}}, Reason.BROADER_CONTEXT),
    "outputs": ({"capability": {"outputs": ("audio", "json", "text", "tool_calls")}}, Reason.BROADER_OUTPUTS),
    "autonomy": ({"capability": {"autonomy": Autonomy.ACT}}, Reason.BROADER_AUTONOMY),
    "scopes": ({"identity": {"scopes": ("models.call", "admin")}}, Reason.BROADER_SCOPES),
    "assurance": ({"identity": {"assurance": 1}}, Reason.WEAKER_ASSURANCE),
    "data classes": ({"data": {"classes": ()}}, Reason.WEAKER_DATA_CLASSES),
    "regions": ({"data": {"regions": ("eu", "us")}}, Reason.BROADER_REGIONS),
    "retention": ({"data": {"retention_days": 1}}, Reason.BROADER_RETENTION),
    "logging": ({"data": {"logging": Logging.CONTENT}}, Reason.BROADER_LOGGING),
    "approvals": ({"approvals": ()}, Reason.WEAKER_APPROVALS),
    "integrity": ({"integrity": 0}, Reason.WEAKER_INTEGRITY),
}
"""For each dimension what is broader, or protects less, than `usual`."""


def usual(name: str) -> Model:
    return model(name, approvals=("mdr",), integrity=1)


def broad(name: str, dimension: str) -> Model:
    return model(name, **{"approvals": ("mdr",), "integrity": 1, **BROADER[dimension][0]})


def test_the_table_of_this_test_is_complete():
    assert tuple(BROADER) == LATTICE


@pytest.mark.parametrize("dimension", BROADER)
def test_a_fallback_is_no_broader_than_the_primary(dimension: str):
    book = book_of(usual("atlas"), broad("birch", dimension))
    assert reason(book) is BROADER[dimension][1]
    assert failed(book, "birch") == [f"{dimension} ⊑ primary", f"{dimension} ⊑ predecessor"]


@pytest.mark.parametrize("dimension", BROADER)
def test_a_second_fallback_is_no_broader_than_the_first_even_where_the_primary_is(dimension: str):
    book = book_of(broad("atlas", dimension), usual("birch"), broad("cedar", dimension))
    assert reason(book) is None
    assert reason(book, "cedar") is BROADER[dimension][1]
    assert failed(book, "cedar") == [f"{dimension} ⊑ predecessor"]


@pytest.mark.parametrize("dimension", BROADER)
def test_a_second_fallback_is_no_broader_than_the_primary_even_where_the_first_is(dimension: str):
    book = book_of(usual("atlas"), broad("birch", dimension), broad("cedar", dimension))
    assert reason(book, "cedar") is BROADER[dimension][1]
    assert failed(book, "cedar") == [f"{dimension} ⊑ primary"]


@pytest.mark.parametrize("dimension", BROADER)
def test_a_third_fallback_is_compared_with_the_second_and_not_with_the_first(dimension: str):
    elm, wide = usual("elm"), broad("atlas", dimension)
    book = book_of(wide, elm, broad("birch", dimension), broad("cedar", dimension))
    assert reason(book, "birch") is BROADER[dimension][1]
    assert reason(book, "cedar") is None, "no broader than the primary nor than birch; birch itself is out"


@pytest.mark.parametrize("dimension", BROADER)
def test_a_narrower_fallback_is_admissible(dimension: str):
    assert reason(book_of(broad("atlas", dimension), usual("birch"))) is None


# What the task needs, and what it may cost.


@pytest.mark.parametrize(
    "needs",
    [
        Needs(context_tokens=128_001),
        Needs(modalities=("text", "image")),
        Needs(outputs=("audio",)),
        Needs(tools=("search", "pay")),
    ],
)
def test_what_the_task_needs_no_rung_may_lack(needs: Needs):
    book = book_of("atlas", "birch", needs=needs)
    assert reason(book, "atlas") is reason(book) is Reason.NEED_NOT_MET
    assert failed(book, "birch") == ["needs"]


def test_what_the_task_needs_and_a_narrower_fallback_gave_up_rules_it_out():
    narrow = model("birch", capability={"outputs": ("text",)})
    book = book_of("atlas", narrow, needs=Needs(outputs=("json",)))
    assert reason(book, "atlas") is None
    assert reason(book) is Reason.NEED_NOT_MET
    assert Check("birch", "needs", False, "lacks output json") in checks(book, ROUTE, "birch", NOW)
    assert reason(book_of("atlas", narrow)) is None


def test_a_ceiling_is_what_a_rung_may_cost_at_most():
    ladder = (model("atlas", usd_per_mtok=3.0), model("birch", usd_per_mtok=3.01))
    book = book_of(*ladder, cost_ceiling=3.0)
    assert reason(book, "atlas") is None
    assert reason(book) is Reason.COST_CEILING
    assert failed(book, "birch") == ["cost"]
    assert reason(book_of(*ladder)) is None, "where there is no ceiling, a fallback may cost more"
    assert reason(book_of("atlas", cost_ceiling=0.0), "atlas") is Reason.COST_CEILING, "a ceiling of nothing is one"


# The registry: it only narrows.

WIDER = model("birch", tools=("pay", "search"))


def registered(*entries: bytes) -> Reason | None:
    return reason(DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas", BIRCH, "cedar"]), *entries))


def test_a_model_that_no_registry_holds_stands_on_its_policys_signatures():
    assert registered() is None
    assert registered(DEPLOYMENT.registration(ATLAS, withdrawn=True)) is None


def test_a_registered_entry_that_agrees_with_the_policy_changes_nothing():
    assert registered(DEPLOYMENT.registration(BIRCH)) is None


@pytest.mark.parametrize(
    "other",
    [
        WIDER,
        replace(BIRCH, version="2025-12"),
        replace(BIRCH, endpoint="http://127.0.0.1:10/v1"),
        model("birch", tools=()),
    ],
    ids=["wider", "another version", "elsewhere", "narrower"],
)
def test_a_registered_entry_that_disagrees_with_the_policy_rules_the_model_out_whatever_differs(other: Model):
    assert registered(DEPLOYMENT.registration(other)) is Reason.REGISTRY_DISAGREES


def test_a_withdrawn_model_is_out_even_if_its_entry_agrees():
    assert registered(DEPLOYMENT.registration(BIRCH, withdrawn=True)) is Reason.MODEL_WITHDRAWN
    assert registered(DEPLOYMENT.registration(WIDER, withdrawn=True)) is Reason.MODEL_WITHDRAWN


def test_the_registrys_last_word_counts():
    out, back = DEPLOYMENT.registration(BIRCH, withdrawn=True), DEPLOYMENT.registration(BIRCH, version=2)
    assert registered(out) is Reason.MODEL_WITHDRAWN
    assert registered(out, back) is None
    assert registered(DEPLOYMENT.registration(BIRCH), DEPLOYMENT.registration(WIDER, version=2)) is (
        Reason.REGISTRY_DISAGREES
    )


def test_a_registered_entry_makes_nothing_admissible():
    book = DEPLOYMENT.book(
        DEPLOYMENT.policy("support", ["atlas", WIDER]), DEPLOYMENT.registration(WIDER), DEPLOYMENT.registration(CEDAR)
    )
    assert reason(book) is Reason.BROADER_TOOLS
    assert reason(book, "cedar") is Reason.NOT_ON_LADDER


# Several at once, and time.


def test_every_failure_is_told_and_the_first_is_the_reason():
    late = model(
        "birch", tools=("search", "pay"), identity={"rotation_due": NOW}, retires_at=NOW, usd_per_mtok=9.0, integrity=0
    )
    bad = rung(late, safety=0, expires_at=NOW)
    denial = DEPLOYMENT.seal(Denial("d-1", "birch", "leaks", NOW), "sam")
    rule = DEPLOYMENT.rule(["atlas", bad], cost_ceiling=3.0, needs=Needs(outputs=("audio",)))
    policy = DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", rule), "grace", "oscar")
    book = DEPLOYMENT.book(policy, denial, DEPLOYMENT.registration(late, withdrawn=True))
    assert [made.reason for made in examine(book, ROUTE, "birch", NOW) if made.reason] == [
        Reason.EVIDENCE_LEVEL,
        Reason.DENIED,
        Reason.MODEL_WITHDRAWN,
        Reason.BROADER_TOOLS,
        Reason.BROADER_TOOLS,
        Reason.NEED_NOT_MET,
        Reason.COST_CEILING,
        Reason.EVIDENCE_EXPIRED,
        Reason.ROTATION_OVERDUE,
        Reason.MODEL_RETIRED,
    ]
    assert reason(book) is Reason.EVIDENCE_LEVEL


@pytest.mark.parametrize(
    ("fields", "overdue"),
    [
        ({"identity": {"rotation_due": Micros(NOW + DAY)}}, Reason.ROTATION_OVERDUE),
        ({"retires_at": Micros(NOW + DAY)}, Reason.MODEL_RETIRED),
    ],
    ids=["rotation", "retirement"],
)
def test_a_credential_is_overdue_and_a_model_retired_exactly_at_the_end(fields: dict[str, Any], overdue: Reason):
    book = book_of(model("atlas", **fields), "birch")
    assert reason(book, "atlas", Micros(NOW + DAY - 1)) is None
    assert reason(book, "atlas", Micros(NOW + DAY)) is overdue
    assert reason(book, "birch", Micros(NOW + DAY)) is None


ENDS = ("policy", "root", "evidence", "rotation", "retirement")
moments = st.integers(0, 9).map(lambda place: Micros(NOW + place * DAY))


def ending(ends: dict[str, Micros]) -> Book:
    """A book in which everything that can end does so when it is told to."""
    atlas = model("atlas", identity={"rotation_due": ends["rotation"]}, retires_at=ends["retirement"])
    rule = DEPLOYMENT.rule([rung(atlas, expires_at=ends["evidence"])])
    policy = replace(DEPLOYMENT.policy_of("support", rule), expires_at=ends["policy"])
    trust = replace(DEPLOYMENT.root, expires_at=ends["root"])
    return replace(DEPLOYMENT.book(DEPLOYMENT.seal(policy, "grace", "oscar")), trust=trust)


REASON_AT_END = {
    "policy": Reason.POLICY_EXPIRED,
    "root": Reason.POLICY_EXPIRED,
    "evidence": Reason.EVIDENCE_EXPIRED,
    "rotation": Reason.ROTATION_OVERDUE,
    "retirement": Reason.MODEL_RETIRED,
}


@settings(max_examples=60)
@given(st.fixed_dictionaries(dict.fromkeys(ENDS, moments)), st.integers(-3 * DAY, 12 * DAY))
def test_a_model_is_admissible_until_exactly_the_moment_at_which_the_rule_changes(ends: dict[str, Micros], offset: int):
    book = ending(ends)
    until = admissible_until(book, ROUTE, "atlas")
    assert until == min(ends.values())
    for moment in (0, until - 1, until, until + 1, NOW + offset):
        assert (reason(book, "atlas", Micros(moment)) is None) == (moment < until)
    assert reason(book, "atlas", until) in {REASON_AT_END[what] for what in ENDS if ends[what] == until}


def test_a_model_off_the_ladder_is_admissible_until_never():
    for book in (DEPLOYMENT.book(), book_of("atlas")):
        assert admissible_until(book, ROUTE, "birch") == NEVER


def test_evidence_that_is_not_there_is_no_moment_to_wait_for():
    book = book_of(replace(rung(ATLAS), evidence=b""))
    assert admissible_until(book, ROUTE, "atlas") == DEPLOYMENT.expires_at
    assert reason(book, "atlas") is Reason.EVIDENCE_MISSING
