"""The check before signing: the routers' own rule, and what incidents teach."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.check import check, forbids
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.records.documents import RoutePolicy
from interlock.testing.builders import DAY, NOW
from interlock.vocabulary.time import Micros

DraftOf = Callable[..., Draft | list[Problem]]


def checked(draft: Draft | list[Problem], now: Micros = NOW) -> list[Problem]:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return check(draft, policy, now)


def test_a_sound_policy_has_no_problem_at_all(draft_of: DraftOf) -> None:
    assert checked(draft_of()) == []


@pytest.mark.parametrize(
    ("old", "new", "reason", "what"),
    [
        ("tools: [search]", "tools: [search, transfer]", "broader_tools", "beyond atlas: transfer"),
        ("scopes: [read]", "scopes: [read, admin]", "broader_scopes", "beyond atlas: admin"),
        ("regions: [west]", "regions: [west, north]", "broader_regions", "beyond atlas: north"),
        (
            "{tools: [search], code_execution: false}",
            "{tools: [search], code_execution: true}",
            "broader_code_execution",
            "yes",
        ),
    ],
)
def test_a_broader_fallback_is_refused_with_reason_at_its_rung(
    draft_of: DraftOf, registry_text: str, old: str, new: str, reason: str, what: str
) -> None:
    assert old in registry_text
    (problem,) = checked(draft_of(registry=registry_text.replace(old, new)))
    assert (problem.file, problem.line, problem.field) == ("support.yaml", 15, "routes[0].ladder[1].model")
    assert problem.severity is Severity.ERROR
    assert f"({reason})" in problem.what
    assert what in problem.what
    assert problem.mend


def test_a_rung_broader_than_the_one_above_it_is_refused_though_the_primary_bounds_it(
    draft_of: DraftOf, policy_text: str, registry_text: str, evidence: dict[str, bytes], vouch: Callable[..., bytes]
) -> None:
    entry = registry_text[registry_text.index("  birch:") :].replace("birch", "cedar").replace("BIRCH", "CEDAR")
    registry = registry_text + entry.replace("tools: [search]", "tools: [pay, search]")
    policy = policy_text.replace("    triggers:", "      - model: cedar\n        accepted_by: oscar\n    triggers:", 1)
    (problem,) = checked(draft_of(policy, registry, {**evidence, "c.sealed": vouch("cedar", "2")}))
    assert (problem.line, problem.field) == (18, "routes[0].ladder[2].model")
    assert "beyond birch: pay" in problem.what


def test_failed_and_expired_evidence_is_refused(
    draft_of: DraftOf, evidence: dict[str, bytes], vouch: Callable[..., bytes]
) -> None:
    failed = checked(draft_of(evidence={**evidence, "birch.sealed": vouch("birch", "2", safety=0)}))
    assert ["evidence_missing" in problem.what for problem in failed] == [True]
    ended = checked(draft_of(evidence={**evidence, "birch.sealed": vouch("birch", "2", days=1)}), Micros(NOW + 2 * DAY))
    errors = [problem for problem in ended if problem.severity is Severity.ERROR]
    assert ["evidence_expired" in problem.what for problem in errors] == [True]


def test_a_policy_that_has_ended_is_told_once(draft_of: DraftOf, policy_text: str) -> None:
    (problem,) = checked(draft_of(policy_text.replace("2026-12-31", "2026-01-31")))
    assert (problem.line, problem.field) == (6, "expires_at")


def test_evidence_that_ends_before_the_policy_is_a_warning(
    draft_of: DraftOf, evidence: dict[str, bytes], vouch: Callable[..., bytes]
) -> None:
    problems = checked(draft_of(evidence={**evidence, "birch.sealed": vouch("birch", "2", days=30)}))
    assert [(problem.line, problem.severity) for problem in problems] == [(15, Severity.WARNING)]
    assert not forbids(problems)


def test_a_ladder_whose_rungs_share_what_can_fail_is_a_warning(draft_of: DraftOf, registry_text: str) -> None:
    alike = registry_text.replace("birch-works", "atlas-works").replace("BIRCH_KEY", "ATLAS_KEY")
    alike = alike.replace("regions: [west, east]", "regions: [west]")
    problems = checked(draft_of(registry=alike))
    assert [problem.what.split()[4] for problem in problems] == ["provider", "region", "credential"]
    assert {problem.severity for problem in problems} == {Severity.WARNING}
    assert {problem.line for problem in problems} == {12}


def test_a_stranger_who_accepts_and_a_call_in_the_clear_are_warnings(
    draft_of: DraftOf, policy_text: str, registry_text: str
) -> None:
    policy = policy_text.replace("accepted_by: oscar", "accepted_by: mallory", 1)
    registry = registry_text.replace("https://birch", "http://birch")
    problems = checked(draft_of(policy, registry))
    assert [(problem.line, problem.field) for problem in problems] == [
        (14, "routes[0].ladder[0].accepted_by"),
        (15, "routes[0].ladder[1].model"),
    ]
    assert not forbids(problems)


def test_a_private_webhook_must_be_allowed_in_so_many_words(draft_of: DraftOf, policy_text: str) -> None:
    private = policy_text.replace("https://governance.example", "http://10.0.0.7")
    (problem,) = checked(draft_of(private))
    assert (problem.line, problem.field) == (27, "notify[0].webhook")
    assert "allow_private: true" in problem.mend
    assert checked(draft_of(private + "    allow_private: true\n")) == []


def test_a_webhook_that_is_listed_twice_is_refused(draft_of: DraftOf, policy_text: str) -> None:
    (problem,) = checked(draft_of(policy_text + "  - webhook: https://governance.example/hook\n"))
    assert (problem.line, problem.field) == (28, "notify[1].webhook")
