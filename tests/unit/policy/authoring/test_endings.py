"""What ends soon, when, and what a route is left with."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.endings import in_days
from interlock.policy.authoring.problems import Problem, Severity
from interlock.records.documents import RoutePolicy
from interlock.testing.builders import DAY, NOW
from interlock.vocabulary.limits import ENDS_SOON_US
from interlock.vocabulary.time import Micros, to_text

DraftOf = Callable[..., Draft | list[Problem]]


def warnings(draft: Draft | list[Problem], now: Micros = NOW) -> list[Problem]:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return [problem for problem in check(draft, policy, now) if problem.severity is Severity.WARNING]


def date(days: int) -> str:
    return to_text(Micros(NOW + days * DAY))


def ending(policy: str, days: int) -> str:
    return policy.replace("2026-12-31", date(days))


def test_nothing_that_is_far_away_is_told_of(draft_of: DraftOf) -> None:
    assert warnings(draft_of()) == []


def test_a_policy_that_ends_soon_tells_what_every_route_does_then(draft_of: DraftOf, policy_text: str) -> None:
    (problem,) = warnings(draft_of(ending(policy_text, 12)))
    assert problem.field == "expires_at"
    assert problem.what == (
        f"the policy of support ends at {date(12)}, in 12 days: from then on every route is in its safe state, suspend"
    )
    assert "raise `version`" in problem.mend


def test_soon_is_the_named_limit_and_not_a_moment_more(draft_of: DraftOf, policy_text: str) -> None:
    days = ENDS_SOON_US // DAY
    assert len(warnings(draft_of(ending(policy_text, days)))) == 1
    assert warnings(draft_of(ending(policy_text, days)), Micros(NOW - 1)) == []


def test_a_trust_root_that_ends_soon_stops_everything(draft_of: DraftOf, policy_text: str) -> None:
    draft = draft_of(ending(policy_text, 400))
    assert isinstance(draft, Draft)
    found = warnings(draft, Micros(draft.trust.expires_at - 3 * DAY))
    assert [problem for problem in found if problem.what.startswith("the trust root ends at")], found


def test_evidence_that_ends_before_the_policy_tells_what_is_left(
    draft_of: DraftOf, evidence: dict[str, bytes], vouch: Callable[..., bytes]
) -> None:
    (problem,) = warnings(draft_of(evidence={**evidence, "birch.sealed": vouch("birch", "2", days=90)}))
    assert problem.field == "routes[0].ladder[1].model"
    assert problem.what == (
        f"the evidence for birch ends at {date(90)}, in 90 days, before the policy: then main/* has atlas"
    )


def test_the_last_rung_to_end_leaves_the_safe_state(draft_of: DraftOf, vouch: Callable[..., bytes]) -> None:
    ended = {"a.sealed": vouch("atlas", "1", days=90), "b.sealed": vouch("birch", "2", days=80)}
    first, second = warnings(draft_of(evidence=ended))
    assert "then main/* is in its safe state, suspend" in first.what
    assert "then main/* has atlas" in second.what


def test_a_credential_is_told_of_only_when_it_is_due_soon(draft_of: DraftOf, registry_text: str) -> None:
    def due(days: int) -> list[Problem]:
        before, mark, birch = registry_text.partition("  birch:")
        return warnings(draft_of(registry=before + mark + birch.replace("2027-06-30", date(days))))

    assert due(31) == [], "it is renewed as a matter of course"
    (problem,) = due(10)
    assert "the credential of birch ends at" in problem.what
    assert "in 10 days: then main/* has atlas" in problem.what
    assert "Rotate it" in problem.mend


def test_a_model_that_retires_before_the_policy_ends_is_told_of_early(draft_of: DraftOf, registry_text: str) -> None:
    retiring = registry_text.replace("usd_per_mtok: 3.0", f"usd_per_mtok: 3.0\n    retires_at: {date(60)}")
    (problem,) = warnings(draft_of(registry=retiring))
    assert problem.field == "routes[0].ladder[0].model"
    assert "the service of atlas by its provider ends at" in problem.what
    assert "then main/* has birch" in problem.what


@pytest.mark.parametrize(("span", "told"), [(1, "less than a day"), (DAY, "1 day"), (2 * DAY, "2 days")])
def test_what_is_left_is_told_in_days(span: int, told: str) -> None:
    assert in_days(Micros(span)) == told
