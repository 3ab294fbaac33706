"""The check before signing: the routers' own rule, and what incidents teach."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from interlock.policy.authoring.check import check, forbids
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.document import parse
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.policy.authoring.registry import RegistryDocument, registrations
from interlock.policy.authoring.source import Source, read
from interlock.policy.lattice import DIMENSIONS
from interlock.records.documents import RoutePolicy
from interlock.testing.builders import DAY, NOW, Deployment
from interlock.vocabulary.time import Micros

DraftOf = Callable[..., Draft | list[Problem]]


def checked(draft: Draft | list[Problem], now: Micros = NOW) -> list[Problem]:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return check(draft, policy, now)


def errors(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def test_a_sound_policy_has_no_problem_at_all(draft_of: DraftOf) -> None:
    assert checked(draft_of()) == []


BROADER = [
    ("tools: [search]", "tools: [search, transfer]", "broader_tools", "tools: beyond atlas: transfer"),
    ("code_execution: false", "code_execution: true", "broader_code_execution", "yes, where atlas has no"),
    ("network: internal", "network: internet", "broader_network", "internet, where atlas has internal"),
    ("modalities: [text]", "modalities: [image, text]", "broader_modalities", "beyond atlas: image"),
    ("context_tokens: 64000", "context_tokens: 999000", "broader_context", "999000 tokens, where atlas has 128000"),
    ("outputs: [text, json]", "outputs: [text, tool_calls]", "broader_outputs", "beyond atlas: tool_calls"),
    ("autonomy: suggest", "autonomy: act", "broader_autonomy", "act, where atlas has act_with_approval"),
    ("scopes: [read]", "scopes: [read, admin]", "broader_scopes", "beyond atlas: admin"),
    ("assurance: 2", "assurance: 1", "weaker_assurance", "1, where atlas has 2"),
    ("classes: [internal]", "classes: [public]", "weaker_data_classes", "short of atlas: internal"),
    ("regions: [west]", "regions: [west, north]", "broader_regions", "beyond atlas: north"),
    ("retention_days: 0", "retention_days: 30", "broader_retention", "30 d, where atlas has 0 d"),
    ("logging: metadata", "logging: training", "broader_logging", "training, where atlas has metadata"),
    ("approvals: [iso-42001]", "approvals: []", "weaker_approvals", "short of atlas: iso-42001"),
    ("integrity: 1", "integrity: 0", "weaker_integrity", "0, where atlas has 1"),
]
"""What is changed in the fallback, the reason, and what is told."""


@pytest.mark.parametrize(("old", "new", "reason", "what"), BROADER)
def test_a_broader_fallback_is_refused_with_reason_at_its_rung(
    draft_of: DraftOf, registry_text: str, old: str, new: str, reason: str, what: str
) -> None:
    protected = registry_text.replace("    usd_", "    approvals: [iso-42001]\n    integrity: 1\n    usd_")
    start = protected.index("  birch:")
    assert old in protected[start:]
    (problem,) = checked(draft_of(registry=protected[:start] + protected[start:].replace(old, new)))
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
    policy = policy_text.replace(
        "    triggers:", "      - {model: cedar, accepted_by: oscar, accepted_in_advance: true}\n    triggers:", 1
    )
    (problem,) = errors(checked(draft_of(policy, registry, {**evidence, "c.sealed": vouch("cedar", "2")})))
    assert (problem.line, problem.field) == (18, "routes[0].ladder[2].model")
    assert "beyond birch: pay" in problem.what


def test_the_table_of_broader_fallbacks_has_every_dimension_of_the_lattice() -> None:
    assert {row[2] for row in BROADER} == {dimension.broader for dimension in DIMENSIONS}


def test_a_payment_agents_fallback_that_can_execute_code_is_refused(
    draft_of: DraftOf, policy_text: str, registry_text: str
) -> None:
    """The standard's scenario B: the primary has neither code execution nor network."""
    start = registry_text.index("  birch:")
    without = registry_text.replace("network: internal", "network: none")
    smuggled = without[:start] + without[start:].replace("code_execution: false", "code_execution: true")
    assert smuggled != registry_text
    payments = policy_text.replace("customer_facing", "money_moving").replace("grace: 90s", "grace: 60s")
    payments = payments.replace("accepted_in_advance: true", "accepted_in_advance: true\n        equivalent: false")
    found = errors(checked(draft_of(payments, smuggled)))
    told = (
        "support.yaml:15: routes[0].ladder[1].model: birch may not be used here: code_execution: yes, where atlas has no "
        "(broader_code_execution). Choose a fallback that cannot execute code where the primary cannot."
    )
    assert [str(problem) for problem in found] == [told]
    networked = without[:start] + without[start:].replace("network: none", "network: internet")
    (problem,) = errors(checked(draft_of(payments, networked)))
    assert "network: internet, where atlas has none (broader_network)" in problem.what


def test_what_the_task_needs_and_may_cost_binds_every_rung(draft_of: DraftOf, policy_text: str) -> None:
    wanting = policy_text.replace("    grace:", "    needs: {context_tokens: 100000, tools: [pay]}\n    grace:")
    found = checked(draft_of(wanting.replace("    grace:", "    cost_ceiling: 2.0\n    grace:")))
    assert [(problem.line, problem.what.partition(": ")[2]) for problem in found] == [
        (13, "cost: 3 USD per million tokens (cost_ceiling)"),
        (15, "needs: lacks a context window of 100000 tokens, tool pay (need_not_met)"),
    ]


def test_the_level_of_evidence_that_a_route_asks_for_binds_every_rung(draft_of: DraftOf, policy_text: str) -> None:
    found = checked(draft_of(policy_text.replace("    grace:", "    evidence_level: 2\n    grace:")))
    assert [problem.what.partition("(")[2] for problem in found] == ["evidence_level)", "evidence_level)"]


def test_a_policy_must_agree_with_what_governance_signed_of_its_models(
    draft_of: DraftOf, registry_text: str, deployment: Deployment
) -> None:
    source = read(registry_text, "registry.yaml")
    assert isinstance(source, Source)
    document = parse(source, RegistryDocument)
    assert isinstance(document, RegistryDocument)
    birch = registrations(document, deployment.name, NOW)["birch"]
    agreed = {"birch.sealed": deployment.seal(birch, "grace")}
    assert checked(draft_of(registrations=agreed)) == []
    other = registry_text.replace("birch-works", "birch-factory")
    (problem,) = checked(draft_of(registry=other, registrations=agreed))
    assert (problem.line, problem.field) == (15, "routes[0].ladder[1].model")
    assert "registry_disagrees" in problem.what
    assert "have governance sign the registry" in problem.mend
    (warning,) = checked(draft_of(registry=other, registrations={"birch.sealed": b"damaged"}))
    assert warning.severity is Severity.WARNING
    assert "birch.sealed does not count" in warning.what
    withdrawn = {"birch.sealed": deployment.seal(replace(birch, version=2, withdrawn=True), "grace")}
    (problem,) = checked(draft_of(registrations=withdrawn))
    assert "model_withdrawn" in problem.what


def test_an_overdue_credential_and_a_retired_model_are_refused(draft_of: DraftOf, registry_text: str) -> None:
    overdue = registry_text.replace("rotation_due: 2027-06-30", "rotation_due: 2026-01-31", 1)
    retired = overdue.replace("usd_per_mtok: 1", "usd_per_mtok: 1\n    retires_at: 2026-01-31")
    found = checked(draft_of(registry=retired))
    assert [problem.what.rpartition("(")[2] for problem in found] == ["rotation_overdue)", "model_retired)"]


def test_failed_and_expired_evidence_is_refused(
    draft_of: DraftOf, evidence: dict[str, bytes], vouch: Callable[..., bytes]
) -> None:
    failed = checked(draft_of(evidence={**evidence, "birch.sealed": vouch("birch", "2", safety=0)}))
    assert ["reached 0, 1 is asked for (evidence_level)" in problem.what for problem in failed] == [True]
    ended = checked(draft_of(evidence={**evidence, "birch.sealed": vouch("birch", "2", days=1)}), Micros(NOW + 2 * DAY))
    assert ["evidence_expired" in problem.what for problem in errors(ended)] == [True]


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


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("http://governance.example", "only https is spoken"),
        ("https://127.1", "is a private address"),
        ("https://2130706433", "is a private address"),
        ("https://0x7f.1", "is a private address"),
        ("https://localhost.", "is a private address"),
        ("https://hooks.localhost", "is a private address"),
        ("https://224.0.0.1", "is a private address"),
        ("https://[::ffff:10.0.0.7]", "is a private address"),
    ],
)
def test_a_webhook_to_which_the_notifier_would_send_nothing_is_refused(
    draft_of: DraftOf, policy_text: str, address: str, what: str
) -> None:
    (problem,) = checked(draft_of(policy_text.replace("https://governance.example", address)))
    assert (problem.field, problem.severity) == ("notify[0].webhook", Severity.ERROR)
    assert what in problem.what
    assert "allow_private: true" in problem.mend


def test_a_webhook_that_is_listed_twice_is_refused(draft_of: DraftOf, policy_text: str) -> None:
    (problem,) = checked(draft_of(policy_text + "  - webhook: https://governance.example/hook\n"))
    assert (problem.line, problem.field) == (28, "notify[1].webhook")
