"""People's documents: each wrong value is told with its line, its field and the mend."""

import pytest

from interlock.policy.authoring.documents import EvidenceDocument, PolicyDocument, RegistryDocument, parse
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source, read
from interlock.vocabulary.time import SECOND


def problems_of(text: str, document: type[PolicyDocument | RegistryDocument | EvidenceDocument]) -> list[Problem]:
    source = read(text, "it.yaml")
    assert isinstance(source, Source), source
    found = parse(source, document)
    assert isinstance(found, list), found
    assert all(problem.mend.endswith((".", "?")) and "Value error" not in problem.what for problem in found)
    return found


def test_a_policy_is_read_with_its_durations_shares_and_dates(policy_text: str) -> None:
    source = read(policy_text, "it.yaml")
    assert isinstance(source, Source)
    policy = parse(source, PolicyDocument)
    assert isinstance(policy, PolicyDocument), policy
    triggers = policy.routes[0].triggers
    assert triggers.unavailable.for_ == 5 * SECOND
    assert triggers.errors is not None
    assert triggers.errors.above == 0.2
    assert triggers.latency is not None
    assert triggers.latency.seconds == 1.5
    assert triggers.throttled is None
    assert policy.expires_at == 1_798_675_200 * SECOND


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "what", "mend"),
    [
        ("version: 3", "version: three", 2, "version", "integer", "for example `version: 1`"),
        ("version: 3", "version: true", 2, "version", "integer", "version: 1"),
        ("version: 3\n", "", 1, "version", "is missing", "Add `version: 1`"),
        ("team: helpdesk", "team: 7", 4, "team", "must be text, not 7", 'quotes: "7"'),
        ("team: helpdesk", "team:", 4, "team", "not nothing", "Write one text"),
        ("team: helpdesk", "taem: helpdesk", 4, "taem", "no such field", "Did you mean `team`?"),
        ("agent: support", "agent: Support Desk", 1, "agent", "not a name", "lower-case"),
        ("expires_at: 2026-12-31", "expires_at: next year", 5, "expires_at", "not a date", "2027-01-31"),
        ("review_within: 5d", "review_within: 5", 6, "review_within", "not a duration", "30s"),
        ("review_within: 5d", "review_within: 9999d", 6, "review_within", "longer than 3650d", "30s"),
        ("expires_at: 2026-12-31", "expires_at: 1066-10-14", 5, "expires_at", "not a date", "2027-01-31"),
        ("review_within: 5d", "review_within: 0s", 6, "review_within", "zero", "above zero"),
        ('scope: "*"', "scope: EU West", 9, "routes[0].scope", "not a scope", '"*"'),
        ("above: 20%", "above: 0.2", 18, "routes[0].triggers.errors.above", "not a share", "20%"),
        ("above: 20%", "above: 100%", 18, "routes[0].triggers.errors.above", "not a share", "20%"),
        ("errors: {above", "error: {above", 18, "routes[0].triggers.error", "no such field", "`errors`"),
        (
            "errors: {above",
            "errors: {mode: canary, above",
            18,
            "routes[0].triggers.errors.mode",
            "no such field",
            "above, for",
        ),
        (
            "      unavailable: {for: 5s}\n",
            "",
            16,
            "routes[0].triggers.unavailable",
            "is missing",
            "unavailable: {for: 5s}",
        ),
        (
            "        accepted_by: oscar\n      - model: birch",
            "      - model: birch",
            12,
            "routes[0].ladder[0].accepted_by",
            "is missing",
            "oscar",
        ),
        ("recovery: {stable: 60s}", "recovery: 60s", 21, "routes[0].recovery", "must be a mapping", "stable"),
        (
            "safe_state: suspend",
            "safe_state: human_queue",
            23,
            "routes[0].safe_state",
            "not available yet",
            "available: suspend",
        ),
        (
            "safe_state: suspend",
            "safe_state: read_only",
            23,
            "routes[0].safe_state",
            "'read_only' is not available yet",
            "suspend",
        ),
        ("webhook: https", "webhook: ftp", 25, "notify[0].webhook", "not an address", "https://"),
        ("webhook: https://", "webhook: https://me:pw@", 25, "notify[0].webhook", "not an address", "without user"),
    ],
)
def test_a_wrong_value_names_line_field_and_mend(
    policy_text: str, old: str, new: str, line: int, field: str, what: str, mend: str
) -> None:
    assert old in policy_text
    (problem,) = problems_of(policy_text.replace(old, new, 1), PolicyDocument)
    assert (problem.line, problem.field) == (line, field)
    assert what in problem.what
    assert mend in problem.mend


def test_a_policy_without_a_rung_or_anybody_to_tell_is_refused(policy_text: str) -> None:
    start, end = policy_text.index("    ladder:"), policy_text.index("    triggers:")
    (ladder,) = problems_of(policy_text[:start] + "    ladder: []\n" + policy_text[end:], PolicyDocument)
    assert (ladder.field, ladder.line) == ("routes[0].ladder", 11)
    (notify,) = problems_of(policy_text[: policy_text.index("notify:")] + "notify: []\n", PolicyDocument)
    assert notify.field == "notify"


def test_every_problem_is_told_at_once_from_the_top(policy_text: str) -> None:
    wrong = (
        policy_text.replace("version: 3", "version: x").replace("blind: 0s", "blind: soon").replace("team:", "tram:")
    )
    assert [problem.line for problem in problems_of(wrong, PolicyDocument)] == [2, 4, 20]


def test_a_secret_in_the_registry_is_refused_and_never_repeated(registry_text: str) -> None:
    (problem,) = problems_of(registry_text.replace("env:ATLAS_KEY", "sk-live-4711"), RegistryDocument)
    assert (problem.line, problem.field) == (7, "models.atlas.identity.secret_ref")
    assert "4711" not in str(problem)
    assert "env:" in problem.mend


def test_a_models_bad_name_and_missing_capability_are_told(registry_text: str) -> None:
    wrong = registry_text.replace("  birch:", "  Birch!:").replace(
        "    capability: {tools: [search], code_execution: false}\n", ""
    )
    problems = problems_of(wrong, RegistryDocument)
    assert {(problem.line, problem.field) for problem in problems} == {
        (10, "models.Birch!"),
        (10, "models.Birch!.capability"),
    }


def test_code_execution_must_be_said_in_so_many_words(registry_text: str) -> None:
    (problem,) = problems_of(registry_text.replace("code_execution: false", "code_execution: no", 1), RegistryDocument)
    assert problem.field == "models.atlas.capability.code_execution"
    assert "true or false" in problem.mend


def test_evidence_must_tell_all_three_parts_of_the_validation() -> None:
    text = "model: atlas\nmodel_version: '1'\nprofile: chat\npassed: {safety: true, capability_boundaries: true}\n"
    problems = problems_of(text + "report: r\nvalidated_at: 2026-01-01\nexpires_at: 2027-01-01\n", EvidenceDocument)
    assert [(problem.line, problem.field) for problem in problems] == [(4, "passed.governance_compliance")]
