"""Policies as people write them: each wrong value is told with its line, its field and the mend."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.document import parse
from interlock.policy.authoring.policy import PolicyDocument
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source, read
from interlock.records.rules import Mode, SafeReply, SafeState, WatchedTrigger
from interlock.vocabulary.time import SECOND, Micros

ProblemsOf = Callable[..., list[Problem]]

TRIGGERS = """\
    triggers:
      unavailable: {for: 5s}
      errors: {above: 20%, for: 30s, mode: canary, tolerated: true}
      throttled: {above: 30%, for: 30s}
      latency: {p95_above: 1500ms, for: 1m, mode: await_approval}
      quality:
        groundedness: {below: 0.8, for: 5m, mode: canary}
        correctness: {below: 0.9, for: 1h}
      refusals: {above: 10%, for: 5m}
      low_confidence: {above: 30%, for: 5m}
      schema_failures: {above: 5%, for: 1m}
      cost: {usd_per_hour_above: 12, for: 10m}
      credential: {for: 0s}
      wrong_model: {for: 0s, mode: suspend}
"""


def with_route(policy_text: str, line: str) -> str:
    """The policy with one more line in its route, the 24th of the file."""
    return policy_text.replace("    grace: 90s", f"    {line}\n    grace: 90s")


def read_policy(text: str) -> PolicyDocument:
    source = read(text, "it.yaml")
    assert isinstance(source, Source)
    policy = parse(source, PolicyDocument)
    assert isinstance(policy, PolicyDocument), policy
    return policy


def test_a_policy_is_read_with_its_durations_shares_and_dates(policy_text: str) -> None:
    policy = read_policy(policy_text)
    triggers = policy.routes[0].triggers
    assert triggers.unavailable.for_ == 5 * SECOND
    assert triggers.errors is not None
    assert triggers.errors.above == 0.2
    assert triggers.throttled is None
    assert policy.expires_at == 1_798_675_200 * SECOND


def test_every_trigger_can_be_written_with_how_long_it_lasts_and_how_the_route_leaves(policy_text: str) -> None:
    start, end = policy_text.index("    triggers:"), policy_text.index("    blind:")
    rules = list(read_policy(policy_text[:start] + TRIGGERS + policy_text[end:]).routes[0].triggers.rules())
    assert [(rule.objective, rule.for_us // SECOND, rule.mode) for rule in rules] == [
        ("unavailable", 5, Mode.CUTOVER),
        ("errors>0.2", 30, Mode.CANARY),
        ("throttled>0.3", 30, Mode.CUTOVER),
        ("latency>1.5s", 60, Mode.AWAIT_APPROVAL),
        ("quality.correctness<0.9", 3600, Mode.CUTOVER),
        ("quality.groundedness<0.8", 300, Mode.CANARY),
        ("refusals>0.1", 300, Mode.SUSPEND),
        ("low_confidence>0.3", 300, Mode.CUTOVER),
        ("schema_failures>0.05", 60, Mode.CUTOVER),
        ("cost>12", 600, Mode.CUTOVER),
        ("credential", 0, Mode.CUTOVER),
        ("wrong_model", 0, Mode.SUSPEND),
    ]
    assert [rule.trigger for rule in rules if rule.tolerated] == [WatchedTrigger.ERRORS]
    assert {rule.trigger for rule in rules} == set(WatchedTrigger) - {WatchedTrigger.OTHER}


@pytest.mark.parametrize(
    ("written", "state", "reply"),
    [
        ("suspend", SafeState.SUSPEND, SafeReply()),
        ("human_queue", SafeState.HUMAN_QUEUE, SafeReply()),
        ("safe_shutdown", SafeState.SAFE_SHUTDOWN, SafeReply()),
        ("{read_only: {model: birch}}", SafeState.READ_ONLY, SafeReply(model="birch")),
        ("{templated_reply: {text: Call us.}}", SafeState.TEMPLATED_REPLY, SafeReply(text="Call us.")),
        (
            "\n      templated_reply:\n        text: |\n          One.\n          Two.",
            SafeState.TEMPLATED_REPLY,
            SafeReply(text="One.\nTwo.\n"),
        ),
        (
            "{cached_response: {max_age: 10m}}",
            SafeState.CACHED_RESPONSE,
            SafeReply(cache_us=Micros(600 * SECOND)),
        ),
    ],
)
def test_every_safe_state_can_be_written(policy_text: str, written: str, state: SafeState, reply: SafeReply) -> None:
    entry = read_policy(policy_text.replace("safe_state: suspend", f"safe_state: {written}")).routes[0].safe_state
    assert (entry.state, entry.reply) == (state, reply)


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "what", "mend"),
    [
        ("version: 3", "version: three", 2, "version", "whole number", "Write one"),
        ("version: 3", "version: true", 2, "version", "whole number", "Write one"),
        ("version: 3\n", "", 1, "version", "is missing", "Add `version: 1`"),
        ("team: helpdesk", "team: 7", 5, "team", "must be text, not 7", 'quotes: "7"'),
        ("team: helpdesk", "team:", 5, "team", "has no value", "Write a value"),
        ("team: helpdesk", "taem: helpdesk", 5, "taem", "no such field", "Did you mean `team`?"),
        ("agent: support", "agent: Support Desk", 1, "agent", "not a name", "lower-case"),
        ("expires_at: 2026-12-31", "expires_at: next year", 6, "expires_at", "not a date", "2027-01-31"),
        ("review_within: 5d", "review_within: 5", 7, "review_within", "not a duration", "30s"),
        ("review_within: 5d", "review_within: 9999d", 7, "review_within", "longer than 3650d", "30s"),
        ("expires_at: 2026-12-31", "expires_at: 1066-10-14", 6, "expires_at", "not a date", "2027-01-31"),
        ("review_within: 5d", "review_within: 0s", 7, "review_within", "zero", "above zero"),
        ('scope: "*"', "scope: EU West", 10, "routes[0].scope", "not a scope", '"*"'),
        ("above: 20%", "above: 0.2", 20, "routes[0].triggers.errors.above", "not a share", "20%"),
        ("above: 20%", "above: 100%", 20, "routes[0].triggers.errors.above", "not a share", "20%"),
        ("errors: {above", "error: {above", 20, "routes[0].triggers.error", "no such field", "`errors`"),
        (
            "      unavailable: {for: 5s}\n",
            "",
            18,
            "routes[0].triggers.unavailable",
            "is missing",
            "unavailable: {for: 5s}",
        ),
        (
            "        accepted_by: oscar\n      - model: birch",
            "      - model: birch",
            13,
            "routes[0].ladder[0].accepted_by",
            "is missing",
            "oscar",
        ),
        (
            "recovery: {stable: 60s, dwell: 2m}",
            "recovery: 60s",
            23,
            "routes[0].recovery",
            "must be a mapping",
            "stable",
        ),
        ("slot: main", "slot: Main/1", 9, "routes[0].slot", "not a name", "lower-case"),
        ("workflow: customer_facing", "workflow: banking", 4, "workflow", "not known", "clinical"),
        ("workflow: customer_facing", "workflow: other", 4, "workflow", "not known", "drafting"),
        ("workflow: customer_facing\n", "", 1, "workflow", "is missing", "workflow: customer_facing"),
        ("dwell: 2m", "dwel: 2m", 23, "routes[0].recovery.dwel", "no such field", "`dwell`"),
        (", dwell: 2m", "", 23, "routes[0].recovery.dwell", "is missing", "dwell: 2m"),
        ("safe_state: suspend", "safe_state: pray", 25, "routes[0].safe_state", "not known", "human_queue"),
        ("safe_state: suspend", "safe_state: [suspend]", 25, "routes[0].safe_state", "not known", "human_queue"),
        (
            "safe_state: suspend",
            "safe_state: read_only",
            25,
            "routes[0].safe_state",
            "more than its name",
            "{read_only: {model:",
        ),
        (
            "safe_state: suspend",
            "safe_state: {word: suspend}",
            25,
            "routes[0].safe_state",
            "not word",
            "suspend, human_queue",
        ),
        (
            "safe_state: suspend",
            "safe_state: {templated_reply: {text: ''}}",
            25,
            "routes[0].safe_state.templated_reply.text",
            "empty",
            "plain text",
        ),
        (
            "safe_state: suspend",
            "safe_state: {cached_response: {}}",
            25,
            "routes[0].safe_state.cached_response.max_age",
            "is missing",
            "max_age: 10m",
        ),
        ("errors: {above", "errors: {mode: slowly, above", 20, "routes[0].triggers.errors.mode", "'slowly'", "cutover"),
        (
            "errors: {above",
            "refusals: {mode: cutover, above",
            20,
            "routes[0].triggers.refusals.mode",
            "never",
            "suspend",
        ),
        (
            "errors: {above: 20%, for: 30s}",
            "quality: {truth: {for: 5m}}",
            20,
            "routes[0].triggers.quality.truth.below",
            "is missing",
            "below: 0.8",
        ),
        (
            "errors: {above: 20%, for: 30s}",
            "quality: {truth: {below: -1, for: 5m}}",
            20,
            "routes[0].triggers.quality.truth.below",
            "not a floor",
            "0.8",
        ),
        (
            "errors: {above: 20%, for: 30s}",
            "cost: {usd_per_hour_above: -3, for: 5m}",
            20,
            "routes[0].triggers.cost.usd_per_hour_above",
            "-3 US dollars",
            "0 or more",
        ),
        ("webhook: https", "webhook: ftp", 27, "notify[0].webhook", "not an address", "https://"),
        ("webhook: https://", "webhook: https://me:pw@", 27, "notify[0].webhook", "not an address", "without user"),
    ],
)
def test_a_wrong_value_names_line_field_and_mend(
    problems_of: ProblemsOf, policy_text: str, old: str, new: str, line: int, field: str, what: str, mend: str
) -> None:
    assert old in policy_text
    (problem,) = problems_of(policy_text.replace(old, new, 1), PolicyDocument)
    assert (problem.line, problem.field) == (line, field)
    assert what in problem.what
    assert mend in problem.mend


def test_a_policy_without_a_rung_or_anybody_to_tell_is_refused(problems_of: ProblemsOf, policy_text: str) -> None:
    start, end = policy_text.index("    ladder:"), policy_text.index("    triggers:")
    (ladder,) = problems_of(policy_text[:start] + "    ladder: []\n" + policy_text[end:], PolicyDocument)
    assert (ladder.field, ladder.line) == ("routes[0].ladder", 12)
    (notify,) = problems_of(policy_text[: policy_text.index("notify:")] + "notify: []\n", PolicyDocument)
    assert notify.field == "notify"


def test_every_problem_is_told_at_once_from_the_top(problems_of: ProblemsOf, policy_text: str) -> None:
    wrong = (
        policy_text.replace("version: 3", "version: x").replace("blind: 0s", "blind: soon").replace("team:", "tram:")
    )
    assert [problem.line for problem in problems_of(wrong, PolicyDocument)] == [2, 5, 22]


@pytest.mark.parametrize(
    ("line", "field", "what", "mend"),
    [
        (
            "canary: {steps: [5%, 1%], calls_min: 9, time_min: 1s, wait_max: 1m}",
            "canary.steps",
            "1% comes after 5%",
            "rising",
        ),
        ("canary: {steps: [5%, 5%], calls_min: 9, time_min: 1s, wait_max: 1m}", "canary.steps", "5% comes", "once"),
        ("canary: {steps: [5%, 100%], calls_min: 9, time_min: 1s, wait_max: 1m}", "canary.steps[1]", "'100%'", "99%"),
        ("canary: {steps: [0.5%], calls_min: 9, time_min: 1s, wait_max: 1m}", "canary.steps[0]", "not a weight", "1%"),
        ("canary: {steps: [], calls_min: 9, time_min: 1s, wait_max: 1m}", "canary.steps", "at least 1", "[1%, 5%"),
        (
            "canary: {steps: [5%], calls_min: 0, time_min: 1s, wait_max: 1m}",
            "canary.calls_min",
            "0 is not",
            "Write one",
        ),
        ("approval: {within: 0s}", "approval.within", "zero", "above zero"),
        ("approval: {ticket: true}", "approval.within", "is missing", "within: 30m"),
        ("cost_ceiling: -1", "cost_ceiling", "-1 US dollars", "0 or more"),
        ("cost_ceiling: 5 EUR", "cost_ceiling", "not an amount", "without a currency"),
        ("evidence_level: 0", "evidence_level", "0 is not a whole number from 1 to 5", "Write one"),
        ("needs: {tokens: 9}", "needs.tokens", "no such field", "context_tokens"),
        ("needs: {context_tokens: -1}", "needs.context_tokens", "-1 is not", "Write one"),
        ("guards: [Pii Filter]", "guards[0]", "not a name", "lower-case"),
        ('guards: [""]', "guards[0]", "not a name", "lower-case"),
        (f"guards: [{'g' * 75}]", "guards[0]", "too long", "Shorten it"),
        ("guards: [pii, pii]", "guards", "listed twice", "Keep one"),
        ("guards: pii", "guards", "must be a list", "[guardrail-1]"),
        ("guards: [a, b, c, d, e, f, g, h, i]", "guards", "at most 8", "Correct the list"),
    ],
)
def test_a_wrong_safeguard_names_line_field_and_mend(
    problems_of: ProblemsOf, policy_text: str, line: str, field: str, what: str, mend: str
) -> None:
    (problem,) = problems_of(with_route(policy_text, line), PolicyDocument)
    assert (problem.line, problem.field) == (24, f"routes[0].{field}")
    assert what in problem.what
    assert mend in problem.mend


def test_an_approval_in_advance_is_never_assumed(policy_text: str) -> None:
    rung = read_policy(policy_text.replace("        accepted_in_advance: true\n", "")).routes[0].ladder[1]
    assert (rung.equivalent, rung.accepted_in_advance) == (True, False)
