"""What a policy says for the case that nobody is told of a change."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.records.documents import RoutePolicy, Unnotified, Webhook
from interlock.testing.builders import NOW

DraftOf = Callable[..., Draft | list[Problem]]
ON_CALL = "last_channel:\n  webhook: https://on-call.example/hook\n"


def compiled(draft: Draft | list[Problem]) -> RoutePolicy:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return policy


def about_it(draft: Draft | list[Problem]) -> list[Problem]:
    assert isinstance(draft, Draft), draft
    found = check(draft, compiled(draft), NOW)
    return [problem for problem in found if problem.field.startswith(("last_channel", "unnotified"))]


def test_a_policy_that_says_nothing_records_the_breach_and_tells_nobody_else(draft_of: DraftOf) -> None:
    policy = compiled(draft_of())
    assert (policy.unnotified, policy.last_channel) == (Unnotified.RECORD, None)
    assert about_it(draft_of()) == []


def test_what_it_says_is_what_is_signed(draft_of: DraftOf, policy_text: str) -> None:
    draft = draft_of(policy_text + "unnotified: suspend\n" + ON_CALL)
    policy = compiled(draft)
    assert policy.unnotified is Unnotified.SUSPEND
    assert policy.last_channel == Webhook("https://on-call.example/hook", allow_private=False)
    assert about_it(draft) == []


def test_a_word_that_is_not_known_is_refused_with_those_that_are(draft_of: DraftOf, policy_text: str) -> None:
    found = draft_of(policy_text + "unnotified: stop\n")
    assert isinstance(found, list)
    assert [(problem.field, problem.mend) for problem in found] == [("unnotified", "Write one of: record, suspend.")]


def test_to_stop_an_agent_and_tell_nobody_is_warned_of(draft_of: DraftOf, policy_text: str) -> None:
    (problem,) = about_it(draft_of(policy_text + "unnotified: suspend\n"))
    assert (problem.field, problem.severity) == ("unnotified", Severity.WARNING)
    assert "last_channel" in problem.mend


@pytest.mark.parametrize("path", ["hook", "another"])
def test_a_last_channel_that_fails_with_the_notices_is_warned_of(
    draft_of: DraftOf, policy_text: str, path: str
) -> None:
    (problem,) = about_it(draft_of(f"{policy_text}last_channel: {{webhook: https://governance.example/{path}}}\n"))
    assert (problem.field, problem.severity) == ("last_channel.webhook", Severity.WARNING)
    assert "governance.example" in problem.what


@pytest.mark.parametrize("address", ["http://10.0.0.7/hook", "https://10.0.0.7/hook", "http://on-call.example/hook"])
def test_a_last_channel_that_the_watch_would_refuse_may_not_be_signed(
    draft_of: DraftOf, policy_text: str, address: str
) -> None:
    (problem,) = about_it(draft_of(f"{policy_text}last_channel: {{webhook: {address!r}}}\n"))
    assert (problem.field, problem.severity) == ("last_channel.webhook", Severity.ERROR)
    allowed = draft_of(f"{policy_text}last_channel: {{webhook: {address!r}, allow_private: true}}\n")
    assert about_it(allowed) == []
