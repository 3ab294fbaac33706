from pathlib import Path

from interlock.policy.admissible import inadmissible
from interlock.policy.book import Book, Taken, take
from interlock.policy.lattice import material
from interlock.records.rules import Mode, SafeState, WatchedTrigger
from interlock.runtime.founding import found
from interlock.runtime.opening import load_trust
from interlock.testing.builders import NOW
from interlock.trials.demo.cast import (
    ACTORS,
    AGENT,
    CANARY_WEIGHT,
    DEPLOYMENT,
    LADDER,
    LADDERS,
    OTHER_AGENT,
    ROUTE,
    SUPPORT_LADDER,
    SUPPORT_ROUTE,
    TEMPTER,
)
from interlock.trials.demo.founded import plan
from interlock.trials.demo.tables import WATCHED
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason


def book(folder: Path) -> Book:
    """The book of the founded demo."""
    workspace = found(folder, plan(NOW, dict.fromkeys((actor.model for actor in ACTORS), 9), 9), NOW)
    held = Book.start(*load_trust(workspace.root, DEPLOYMENT))
    for agent in LADDERS:
        taken = take(held, (workspace.policies / f"{agent}.sealed").read_bytes())
        assert isinstance(taken, Taken)
        held = taken.book
    return held


def test_the_tempter_is_approved_for_the_third_agent_and_for_the_others_only_their_ladders(tmp_path: Path) -> None:
    held = book(tmp_path)
    for route, ladder in ((ROUTE, LADDER), (SUPPORT_ROUTE, SUPPORT_LADDER)):
        assert {inadmissible(held, route, model, NOW) for model in ladder} == {None}
        assert inadmissible(held, route, TEMPTER, NOW) is Reason.NOT_ON_LADDER
    assert inadmissible(held, RouteId(OTHER_AGENT, "main", "*"), TEMPTER, NOW) is None


def test_support_is_left_by_canary_when_slow_and_its_last_rung_waits_for_approval_in_the_human_queue(
    tmp_path: Path,
) -> None:
    rule = book(tmp_path).rule(SUPPORT_ROUTE)
    assert rule is not None
    assert {trigger.trigger: trigger.mode for trigger in rule.triggers}[WatchedTrigger.LATENCY] is Mode.CANARY
    assert rule.canary is not None
    assert rule.canary.steps[0] == CANARY_WEIGHT
    assert [rung.accepted_in_advance for rung in rule.ladder] == [True, True, False]
    assert {"tools", "declared not equivalent"} <= set(material(rule.ladder[0], rule.ladder[2]))
    assert rule.safe_state is SafeState.HUMAN_QUEUE


def test_the_picture_shows_every_kind_of_trigger_that_a_policy_watches(tmp_path: Path) -> None:
    held = book(tmp_path)
    rules = [rule for policy in held.policies.values() for rule in policy.value.routes]
    assert {trigger.trigger for rule in rules for trigger in rule.triggers} == set(WATCHED)


def test_the_tempter_is_quicker_than_all_others() -> None:
    assert min(ACTORS, key=lambda actor: actor.latency_ms).model == TEMPTER
    assert {actor.model for actor in ACTORS} == {model for ladder in LADDERS.values() for model in ladder}
    assert AGENT in LADDERS
