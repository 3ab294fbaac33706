"""From a draft to the bytes that are signed."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem
from interlock.records.codec import decode, encode
from interlock.records.documents import RoutePolicy
from interlock.records.models import Evidence
from interlock.records.rules import Approval, Needs, SafeState
from interlock.testing.builders import NOW, Deployment
from interlock.vocabulary.time import SECOND, Micros

DraftOf = Callable[..., Draft | list[Problem]]


def compiled(draft: Draft | list[Problem]) -> RoutePolicy:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return policy


def refusals(draft: Draft | list[Problem]) -> list[Problem]:
    assert isinstance(draft, Draft), draft
    problems = compile_policy(draft, NOW)
    assert isinstance(problems, list), problems
    return problems


def test_the_compiled_policy_holds_everything_that_a_router_needs(
    draft_of: DraftOf, evidence: dict[str, bytes]
) -> None:
    policy = compiled(draft_of())
    (rule,) = policy.routes
    assert (policy.agent, policy.version, policy.team, policy.issued_at) == ("support", 3, "helpdesk", NOW)
    assert [rung.model.name for rung in rule.ladder] == ["atlas", "birch"]
    assert rule.ladder[1].model.aliases == ("birch",)
    assert rule.ladder[1].evidence == evidence["birch.sealed"]
    assert [trigger.objective for trigger in rule.triggers] == ["unavailable", "errors>0.2", "latency>1.5s"]
    assert (rule.blind_us, rule.stable_us, rule.grace_us) == (0, 60 * SECOND, 90 * SECOND)
    assert decode(encode(policy), RoutePolicy) == policy


def test_sets_are_sorted_so_that_two_ways_of_writing_give_the_same_bytes(draft_of: DraftOf, registry_text: str) -> None:
    other = registry_text.replace("[write, read]", "[read, write]").replace("[search, pay]", "[pay, search]")
    assert other != registry_text
    assert encode(compiled(draft_of(registry=other))) == encode(compiled(draft_of()))


def test_a_ladder_of_the_primary_alone_is_legal(draft_of: DraftOf, policy_text: str) -> None:
    alone = policy_text.replace(
        "      - model: birch\n        accepted_by: oscar\n        accepted_in_advance: true\n", ""
    )
    assert [rung.model.name for rung in compiled(draft_of(alone)).routes[0].ladder] == ["atlas"]


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "what", "mend"),
    [
        ("deployment: testbed", "deployment: prod", 3, "deployment", "the trust root for 'testbed'", "testbed"),
        ("agent: support", "agent: supply", 1, "agent", "nobody in the trust root owns", "support"),
        ("model: birch", "model: brich", 15, "routes[0].ladder[1].model", "not in the registry", "Did you mean birch?"),
        ("model: birch", "model: zeta-9", 15, "routes[0].ladder[1].model", "not in the registry", "atlas, birch"),
        ("model: birch", "model: atlas", 15, "routes[0].ladder[1].model", "already", "one place"),
    ],
)
def test_what_cannot_be_compiled_names_line_field_and_mend(
    draft_of: DraftOf, policy_text: str, old: str, new: str, line: int, field: str, what: str, mend: str
) -> None:
    (problem,) = refusals(draft_of(policy_text.replace(old, new, 1)))
    assert (problem.line, problem.field) == (line, field)
    assert what in problem.what
    assert mend in problem.mend


def test_a_route_that_is_named_twice_is_refused(draft_of: DraftOf, policy_text: str) -> None:
    start, end = policy_text.index("  - slot"), policy_text.index("notify:")
    twice = policy_text[:end] + policy_text[start:end] + policy_text[end:]
    (problem,) = refusals(draft_of(twice))
    assert (problem.line, problem.field) == (26, "routes[1].slot")


def test_a_cheaper_ladder_for_some_scopes_keeps_the_primary_for_the_others(draft_of: DraftOf, policy_text: str) -> None:
    start, end = policy_text.index("  - slot"), policy_text.index("notify:")
    free = policy_text[start:end].replace('scope: "*"', "scope: free-tier").replace("grace: 90s", "grace: 10s")
    free = free.replace("      - model: atlas\n        accepted_by: oscar\n", "").replace(
        "    grace:", "    cost_ceiling: 1.5\n    grace:"
    )
    draft = draft_of(policy_text[:end] + free + policy_text[end:])
    policy = compiled(draft)
    ladders = {rule.scope: [rung.model.name for rung in rule.ladder] for rule in policy.routes}
    assert ladders == {"*": ["atlas", "birch"], "free-tier": ["birch"]}
    assert {rule.scope: (rule.cost_ceiling, rule.grace_us // SECOND) for rule in policy.routes} == {
        "*": (None, 90),
        "free-tier": (1.5, 10),
    }
    assert isinstance(draft, Draft)
    assert check(draft, policy, NOW) == []
    dear = draft_of(policy_text[:end] + free.replace("1.5", "0.5") + policy_text[end:])
    assert isinstance(dear, Draft)
    (problem,) = check(dear, compiled(dear), NOW)
    assert (problem.field, problem.line) == ("routes[1].ladder[0].model", 30)
    assert "cost_ceiling" in problem.what


def test_everything_that_a_route_says_is_in_the_rule_that_is_signed(draft_of: DraftOf, policy_text: str) -> None:
    extra = """\
    evidence_level: 1
    needs: {context_tokens: 1000, modalities: [text], outputs: [json], tools: [search]}
    cost_ceiling: 5.0
    guards: [guardrail-1]
    approval: {within: 30m, ticket: true}
"""
    text = policy_text.replace("    grace:", f"{extra}    grace:").replace(
        "safe_state: suspend", "safe_state: {read_only: {model: birch}}"
    )
    (rule,) = compiled(draft_of(text)).routes
    assert rule.needs == Needs(1_000, ("text",), ("json",), ("search",))
    assert (rule.cost_ceiling, rule.guards) == (5.0, ("guardrail-1",))
    assert rule.approval == Approval(Micros(1_800 * SECOND), ticket=True)
    assert (rule.safe_state, rule.safe_reply.model) == (SafeState.READ_ONLY, "birch")
    assert [rung.accepted_in_advance for rung in rule.ladder] == [False, True]


def test_a_read_only_model_that_is_not_on_the_ladder_is_refused(draft_of: DraftOf, policy_text: str) -> None:
    text = policy_text.replace("safe_state: suspend", "safe_state: {read_only: {model: cedar}}")
    (problem,) = refusals(draft_of(text))
    assert (problem.line, problem.field) == (25, "routes[0].safe_state.read_only.model")
    assert problem.mend == "Name one of: atlas, birch."


def test_a_guard_that_nobody_can_beat_for_is_refused(draft_of: DraftOf, policy_text: str) -> None:
    (problem,) = refusals(
        draft_of(policy_text.replace("    grace:", "    guards: [guardrail-1, gaurdrail-2]\n    grace:"))
    )
    assert (problem.line, problem.field) == (24, "routes[0].guards")
    assert "gaurdrail-2 holds no key with the role guard" in problem.what
    assert "Name one of: guardrail-1" in problem.mend


def test_a_canary_step_that_ends_before_it_may_be_passed_is_refused(draft_of: DraftOf, policy_text: str) -> None:
    plan = "    canary: {steps: [5%], calls_min: 9, time_min: 2m, wait_max: 1m}\n"
    (problem,) = refusals(draft_of(policy_text.replace("    grace:", f"{plan}    grace:")))
    assert (problem.line, problem.field) == (24, "routes[0].canary.wait_max")
    assert problem.what == "a step may wait 1m, and must last 2m"


def test_evidence_for_another_version_does_not_count_and_is_named(
    draft_of: DraftOf, evidence: dict[str, bytes], vouch: Callable[..., bytes]
) -> None:
    (problem,) = refusals(draft_of(evidence={**evidence, "birch.sealed": vouch("birch", "1")}))
    assert (problem.line, problem.field) == (15, "routes[0].ladder[1].model")
    assert "no evidence for birch version '2'" in problem.what
    assert "there is for version '1'" in problem.what


def test_evidence_that_no_validator_signed_does_not_count_and_is_named(
    draft_of: DraftOf, evidence: dict[str, bytes], deployment: Deployment
) -> None:
    said = Evidence("birch", "2", "chat", "oscar", 1, 1, 1, "r", NOW, deployment.expires_at)
    (problem,) = refusals(draft_of(evidence={**evidence, "birch.sealed": deployment.seal(said, "oscar")}))
    assert "birch.sealed: role_not_allowed" in problem.what


def test_the_evidence_that_lasts_longest_is_taken_whatever_its_files_name(
    draft_of: DraftOf, evidence: dict[str, bytes], vouch: Callable[..., bytes]
) -> None:
    longest = vouch("birch", "2", days=700)
    failed = vouch("birch", "2", safety=0, days=900)
    policy = compiled(draft_of(evidence={**evidence, "a.sealed": longest, "z.sealed": failed}))
    assert policy.routes[0].ladder[1].evidence == longest


def test_a_policy_too_large_for_its_topic_is_refused_before_anybody_signs(
    draft_of: DraftOf, policy_text: str, registry_text: str
) -> None:
    start, end = policy_text.index("  - slot"), policy_text.index("notify:")
    many = "".join(policy_text[start:end].replace("slot: main", f"slot: slot-{number}") for number in range(64))
    wordy = registry_text.replace("atlas-works", "a" * 500).replace("birch-works", "b" * 500)
    wordy = wordy.replace("spiffe://example/", "spiffe://" + "e" * 480)
    (problem,) = refusals(draft_of(policy_text[:start] + many + policy_text[end:], wordy))
    assert (problem.line, problem.field) == (8, "routes")
    assert "too large" in problem.what
