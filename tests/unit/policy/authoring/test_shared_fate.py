"""What one incident would take out of a ladder, and what would be left."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.records.documents import RoutePolicy
from interlock.testing.builders import NOW

DraftOf = Callable[..., Draft | list[Problem]]
CEDAR = "      - {model: cedar, accepted_by: oscar, accepted_in_advance: true}\n    triggers:"


def warnings(draft: Draft | list[Problem]) -> list[Problem]:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    found = check(draft, policy, NOW)
    assert {problem.severity for problem in found} <= {Severity.WARNING}, found
    return found


@pytest.fixture
def three(
    draft_of: DraftOf, policy_text: str, registry_text: str, evidence: dict[str, bytes], vouch: Callable[..., bytes]
) -> Callable[..., list[Problem]]:
    """The warnings about a ladder of three; changes are made to the third rung, which at first shares nothing with any other."""

    def three(*changes: tuple[str, str], birch: tuple[str, str] = ("", "")) -> list[Problem]:
        start = registry_text.index("  birch:")
        entry = registry_text[start:].replace("birch", "cedar").replace("BIRCH", "CEDAR").replace("[west]", "[east]")
        for old, new in changes:
            assert old in entry
            entry = entry.replace(old, new)
        registry = registry_text[:start] + registry_text[start:].replace(*birch) + entry
        sealed = {**evidence, "cedar.sealed": vouch("cedar", "2")}
        return warnings(draft_of(policy_text.replace("    triggers:", CEDAR, 1), registry, sealed))

    return three


BOUND = ("regions: [east]", "regions: [west]")
"""A third rung may not go where the second does not."""


def test_rungs_that_share_nothing_have_no_warning(draft_of: DraftOf) -> None:
    assert warnings(draft_of()) == []


def test_a_sibling_right_below_names_what_is_lost_and_what_is_left(three: Callable[..., list[Problem]]) -> None:
    found = three(BOUND, ("cedar-works", "birch-works"))
    (provider,) = (problem for problem in found if "provider" in problem.what)
    assert provider.field == "routes[0].ladder[2].model"
    assert provider.what == "one incident at the provider birch-works would take birch and cedar, and leave atlas"
    assert "under half of the outages" in provider.mend


def test_a_sibling_that_is_not_next_on_the_ladder_is_no_warning(three: Callable[..., list[Problem]]) -> None:
    found = three(BOUND, ("cedar-works", "atlas-works"))
    assert [problem.what for problem in found if "provider" in problem.what] == []


@pytest.mark.parametrize(
    ("change", "birch", "what"),
    [
        (("CEDAR_KEY", "BIRCH_KEY"), ("", ""), "credential env:BIRCH_KEY would take birch and cedar, and leave atlas"),
        (
            ("    aliases", "    intermediaries: [proxy.example]\n    aliases"),
            ("    aliases", "    intermediaries: [proxy.example]\n    aliases"),
            "intermediary proxy.example would take birch and cedar, and leave atlas",
        ),
        (("", ""), ("", ""), "region west would take birch and cedar, and leave atlas"),
    ],
)
def test_a_credential_an_intermediary_and_a_region_are_shared_fates_too(
    three: Callable[..., list[Problem]], change: tuple[str, str], birch: tuple[str, str], what: str
) -> None:
    told = [problem.what for problem in three(BOUND, change, birch=birch)]
    assert any(what in each for each in told), told


def test_a_model_that_is_served_in_two_regions_outlives_the_loss_of_one(draft_of: DraftOf) -> None:
    assert [problem for problem in warnings(draft_of()) if "region" in problem.what] == []


def test_where_all_rungs_share_it_nothing_but_the_safe_state_is_left(draft_of: DraftOf, registry_text: str) -> None:
    (problem,) = warnings(draft_of(registry=registry_text.replace("birch-works", "atlas-works")))
    assert problem.field == "routes[0].ladder"
    assert problem.what.startswith("all rungs share the provider atlas-works: ")
    assert problem.what.endswith("would take atlas and birch, and leave nothing but the safe state, suspend")


def test_a_primary_alone_shares_its_fate_with_nobody(draft_of: DraftOf, policy_text: str) -> None:
    alone = policy_text.replace(
        "      - model: birch\n        accepted_by: oscar\n        accepted_in_advance: true\n", ""
    )
    assert warnings(draft_of(alone)) == []


def test_a_model_under_a_second_name_is_no_fallback(draft_of: DraftOf, registry_text: str) -> None:
    twin = registry_text.replace("https://birch.example/v1", "https://atlas.example/v1")
    (problem,) = warnings(draft_of(registry=twin.replace("served_as: birch-2", "served_as: atlas-1")))
    assert problem.field == "routes[0].ladder[1].model"
    assert "birch is atlas under another name: atlas-1 at https://atlas.example/v1" in problem.what
    assert warnings(draft_of(registry=twin)) == [], "one endpoint may serve several models"
