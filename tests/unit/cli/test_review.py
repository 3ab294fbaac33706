"""`interlock review`: what must be looked at afterwards, with source and target side by side."""

import pytest

from interlock.records.documents import Mode, TriggerRule, WatchedTrigger
from interlock.records.health import Level
from interlock.testing.builders import DAY, Deployment
from interlock.testing.stories import DOWN, slow
from interlock.vocabulary.time import SECOND, Micros

GROUNDED = TriggerRule(WatchedTrigger.QUALITY, 0.8, Micros(0), metric="groundedness")


@pytest.fixture
def moved(decision):
    """A route that left `atlas` for `birch`; both are watched for latency and groundedness."""
    decision.begin("atlas", "birch", triggers=(DOWN, slow(Mode.CUTOVER), GROUNDED))
    decision.verdict("birch", GROUNDED.objective, Level.HEALTHY, detail="0.86 in 200 calls")
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE, detail="5 of 5 calls failed")
    assert decision.target == "birch"
    return decision


def of_the_move(moved, document):
    (found,) = [each for each in document["reviews"] if each["change"] == moved.last.id]
    return found


def test_every_change_opens_a_review_with_its_due_date(as_json, moved):
    found = of_the_move(moved, as_json("review"))
    assert (found["route"], found["source"], found["target"]) == ("support/main/*", "atlas", "birch")
    assert (found["overdue"], found["team"]) == (False, "team-support")


def test_source_and_target_are_compared_under_what_the_route_watches_and_the_rest_is_named(as_json, interlock, moved):
    rows = {row["objective"]: row for row in of_the_move(moved, as_json("review"))["comparison"]}
    assert rows["unavailable"]["source"] == {"level": "unavailable", "detail": "5 of 5 calls failed"}
    assert rows["unavailable"]["target"]["level"] == "healthy"
    assert rows["quality.groundedness<0.8"]["source"]["level"] == "healthy"
    assert [name for name, row in rows.items() if not row["watched"]] == ["errors", "refusals", "cost"]
    text = interlock("review").stdout
    assert text.count("not watched") == 2 * len(["errors", "refusals", "cost"]) * len(as_json("review")["reviews"])
    assert "5 of 5" in text


def test_a_side_in_the_safe_state_cannot_be_compared(as_json, moved):
    moved.verdict("birch", "unavailable", Level.UNAVAILABLE)
    found = of_the_move(moved, as_json("review"))
    assert (found["source"], found["target"]) == ("birch", None)
    assert all(row["target"] is None for row in found["comparison"])


def test_an_overdue_review_is_said_to_be_so_and_comes_first(as_json, interlock, moved):
    moved.wait(2 * DAY / SECOND)
    found = as_json("review")["reviews"]
    assert [each["overdue"] for each in found] == [True] * len(found)
    assert "OVERDUE since" in interlock("review").stdout


def test_the_first_due_comes_first_whatever_its_name(as_json, decision):
    decision.begin("atlas", triggers=(DOWN,))
    decision.publish(decision.deployment.policy_of("drafting", decision.deployment.rule(["birch"], triggers=(DOWN,))))
    decision.verdict("birch", "unavailable", Level.HEALTHY)
    decision.wait(5)
    for model in ("atlas", "birch"):
        decision.verdict(model, "unavailable", Level.UNAVAILABLE)
        decision.wait(1)
    assert [each["route"] for each in as_json("review")["reviews"]] == ["support/main/*", "drafting/main/*"]


@pytest.mark.parametrize("outcome", ["confirm", "reapprove"])
def test_the_agents_owner_closes_a_review(as_json, moved, outcome):
    change = moved.last.id
    told = as_json("review", change, "--outcome", outcome, "--key", moved.key("oscar"))
    assert (told["accepted"], told["about"]) == (True, change)
    assert change not in moved.state.reviews
    assert moved.target == "birch"


def test_a_revoked_substitution_is_taken_back_at_once(as_json, moved):
    told = as_json("review", moved.last.id, "--outcome", "revoke", "--key", moved.key("olga"))
    assert [change["safe_state"] for change in told["changes"]] == ["suspend"]
    assert moved.entry.rejected == ("birch",)


def test_an_operator_does_not_confirm_what_the_owner_must(as_json, moved):
    told = as_json("review", moved.last.id, "--outcome", "confirm", "--key", moved.key("olga"), code=1)
    assert (told["reason"], told["published"]) == ("not_authorised", False)


@pytest.mark.parametrize("change", ["support/main/*@1.0.999", "support/main/eu@1.0.1"])
def test_a_review_that_is_not_open_is_refused(as_json, moved, change):
    told = as_json("review", change, "--outcome", "confirm", "--key", moved.key("oscar"), code=1)
    assert told["reason"] == "nothing_to_review"
    assert moved.commands == []


def test_a_review_is_closed_with_an_outcome_and_a_key(as_json, moved):
    assert "--outcome" in as_json("review", moved.last.id, code=2)["mend"]
    refused = as_json("review", moved.last.id, "--outcome", "maybe", "--key", moved.key("oscar"), code=2)
    assert "maybe" in refused["error"]


def test_nothing_to_review_is_said_to_be_so(as_json, interlock, decision):
    assert isinstance(decision.deployment, Deployment)
    assert as_json("review") == {"reviews": []}
    assert "No review is open." in interlock("review").stdout
