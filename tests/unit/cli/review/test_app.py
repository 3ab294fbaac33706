"""`interlock review list` and `close`: what must be looked at afterwards, and how it ends. `show` is in `test_review_show`."""

import shlex
from dataclasses import replace

import pytest

from interlock.cli.review.app import in_order, open_reviews
from interlock.cli.review.text import show_list
from interlock.records.health import Level
from interlock.testing.builders import DAY, Deployment
from interlock.testing.stories import DOWN
from interlock.vocabulary.time import SECOND

WHY = ("--reason", "as it should be")


@pytest.fixture
def moved(decision):
    """A route that left `atlas` for `birch`."""
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE, detail="5 of 5 calls failed")
    assert decision.target == "birch"
    return decision


def listed(as_json, *arguments):
    return as_json("review", "list", *arguments)["reviews"]


def test_every_change_opens_a_review_with_its_due_date_and_the_command_that_shows_it(as_json, moved):
    (found,) = listed(as_json)
    assert (found["change"], found["route"], found["agent"]) == (moved.last.id, "support/main/*", "support")
    assert (found["source"], found["target"]) == ("atlas", "birch")
    assert (found["overdue"], found["team"]) == (False, "team-support")
    _, *arguments = shlex.split(found["command"])
    assert as_json(*arguments)["change"] == found["change"]


def test_an_overdue_review_is_said_to_be_so(as_json, interlock, moved):
    moved.wait(2 * DAY / SECOND)
    found = listed(as_json)
    assert [each["overdue"] for each in found] == [True] * len(found)
    text = interlock("review", "list").stdout
    assert "OVERDUE since" in text
    assert f"{len(found)} overdue" in text


def test_what_is_overdue_comes_first_though_its_date_was_set_later(moved):
    """The log may call one overdue whose date has not come by this machine's clock: the log's word counts."""
    entry = next(iter(moved.state.reviews.values()))
    late = replace(entry, due=entry.due + 9, overdue=True)
    reviews = moved.state.reviews.insert("support/main/*@1.0.9", late)
    found = open_reviews(replace(moved.state, reviews=reviews), moved.now)
    assert {each["change"]: each["overdue"] for each in found} == {"support/main/*@1.0.9": True, moved.last.id: False}
    assert [each["change"] for each in in_order(found)] == ["support/main/*@1.0.9", moved.last.id]


def test_the_first_due_comes_first_whatever_its_name(as_json, two_agents):
    assert [each["route"] for each in listed(as_json)] == ["support/main/*", "drafting/main/*"]


@pytest.fixture
def two_agents(decision):
    """Two agents, each of which left its model; the driver decides both in one shard."""
    decision.begin("atlas", triggers=(DOWN,))
    decision.publish(decision.deployment.policy_of("drafting", decision.deployment.rule(["birch"], triggers=(DOWN,))))
    decision.verdict("birch", "unavailable", Level.HEALTHY)
    decision.wait(5)
    for model in ("atlas", "birch"):
        decision.verdict(model, "unavailable", Level.UNAVAILABLE)
        decision.wait(1)
    return decision


@pytest.mark.parametrize("subject", ["support", "support/main/*"])
def test_the_list_is_of_one_agent_or_one_route_if_asked_for(as_json, two_agents, subject):
    assert [each["route"] for each in listed(as_json, subject)] == ["support/main/*"]


def test_a_route_that_nobody_knows_is_no_route_without_reviews(as_json, moved):
    assert "route_unknown" in as_json("review", "list", "suport", code=1)["error"]


def test_names_that_others_wrote_cannot_play_tricks_on_a_terminal(capsys):
    each = {"change": "a/main/*@1.0.1", "source": "x", "target": "y", "overdue": False, "due": "d", "command": "c"}
    show_list([{**each, "team": "team\x1b[2J"}])
    assert "\x1b[2J" not in capsys.readouterr().out


@pytest.mark.parametrize("outcome", ["confirm", "reapprove"])
def test_the_agents_owner_closes_a_review(as_json, moved, outcome):
    change = moved.last.id
    told = as_json("review", "close", change, "--outcome", outcome, "--key", moved.key("oscar"), *WHY)
    assert (told["accepted"], told["about"]) == (True, change)
    assert change not in moved.state.reviews
    assert moved.target == "birch"


def test_a_revoked_substitution_is_taken_back_at_once(as_json, moved):
    told = as_json("review", "close", moved.last.id, "--outcome", "revoke", "--key", moved.key("olga"), *WHY)
    assert [change["safe_state"] for change in told["changes"]] == ["suspend"]
    assert moved.entry.rejected == ("birch",)


def test_an_operator_does_not_confirm_what_the_owner_must(as_json, moved):
    told = as_json("review", "close", moved.last.id, "--outcome", "confirm", "--key", moved.key("olga"), *WHY, code=1)
    assert (told["reason"], told["published"]) == ("not_authorised", False)


@pytest.mark.parametrize("change", ["support/main/*@1.0.999", "support/main/eu@1.0.1"])
def test_a_review_that_is_not_open_is_refused(as_json, moved, change):
    told = as_json("review", "close", change, "--outcome", "confirm", "--key", moved.key("oscar"), *WHY, code=1)
    assert told["reason"] == "nothing_to_review"
    assert moved.commands == []


def test_a_review_is_closed_with_an_outcome_a_key_and_a_reason(as_json, moved):
    whole = {"--outcome": "confirm", "--key": str(moved.key("oscar")), "--reason": "expected"}
    for left_out in whole:
        given = [part for option, value in whole.items() if option != left_out for part in (option, value)]
        assert left_out in as_json("review", "close", moved.last.id, *given, code=2)["error"]
    given = [part for option, value in {**whole, "--reason": " "}.items() for part in (option, value)]
    assert "--reason" in as_json("review", "close", moved.last.id, *given, code=2)["error"]
    given = [part for option, value in {**whole, "--outcome": "maybe"}.items() for part in (option, value)]
    assert "maybe" in as_json("review", "close", moved.last.id, *given, code=2)["error"]
    assert moved.commands == []


@pytest.mark.parametrize("name", ["", "support", "support/main", "@1.0.1", "a b/main/*@1.0.1"])
@pytest.mark.parametrize("command", [["show"], ["close", "--outcome", "confirm", "--key", "none.pem", *WHY]])
def test_what_cannot_name_a_change_is_a_wrong_usage(as_json, decision, command, name):
    verb, *options = command
    assert "cannot name a change" in as_json("review", verb, name, *options, code=2)["error"]


def test_nothing_to_review_is_said_to_be_so(as_json, interlock, decision):
    assert isinstance(decision.deployment, Deployment)
    assert as_json("review", "list") == {"reviews": []}
    assert "No review is open." in interlock("review", "list").stdout
