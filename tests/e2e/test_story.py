"""The demo's story on a real broker. What is asserted was seen at the outer edge: by model servers, webhook, client, topics."""

from pathlib import Path
from typing import Any

from rich.console import Console

from interlock.runtime.clock import SystemClock
from interlock.trials.demo.attacks import UNAPPROVED
from interlock.trials.demo.cast import (
    AGENT,
    FALLBACK,
    OTHER_AGENT,
    PRIMARY,
    ROUTE,
    SLOW,
    SUPPORT,
    SUPPORT_ROUTE,
    TEMPTER,
    TRIED,
    UNACCEPTED,
)
from interlock.trials.demo.director import Chapter
from interlock.trials.demo.evidence import Evidence
from interlock.trials.demo.faults import faults
from interlock.trials.demo.report import document
from interlock.trials.demo.run import Staging, play
from interlock.trials.demo.scene import Scene
from interlock.trials.demo.view import PlainView
from interlock.vocabulary.identifiers import RouteId

VIEW = PlainView(Console(), SystemClock())


async def test_agents_move_along_their_ladders_by_cutover_canary_and_approval_and_no_forgery_moves_them(
    real_kafka: str, tmp_path: Path
) -> None:
    evidence = await play(Staging(tmp_path / "run", real_kafka), VIEW)

    assert faults(evidence) == []
    told = document(evidence)
    moves = _moves(told, ROUTE)
    assert moves[-4:] == [
        (moves[-4][0], PRIMARY),
        (PRIMARY, FALLBACK),
        (FALLBACK, "safe_state"),
        ("safe_state", PRIMARY),
    ]
    assert _moves(told, SUPPORT_ROUTE)[-4:] == [
        (SLOW, TRIED),
        (TRIED, SLOW),
        (SLOW, "safe_state"),
        ("safe_state", UNACCEPTED),
    ]
    assert all(change["notice_accepted_after_s"] < 300 for change in told["changes"])
    assert all(change["verification"] for change in told["changes"])
    assert {refused["kind"]: refused["reason"] for refused in told["refused"]} == {
        "forged_stranger": "no_signature",
        "forged_signature": "bad_signature",
        "forged_role": "role_not_allowed",
        "replayed": "not_newer",
        "unapproved_model": "not_on_ladder",
    }
    assert told["audit"]["replayed_identical"]
    _the_tempter_was_there_and_served_others_only(evidence)
    _a_part_of_the_requests_tried_the_canary_and_it_was_rolled_back(told["canary"])
    _only_the_owners_approval_let_the_last_model_in(told["approval"])
    assert told["tickets"]["given"] == told["tickets"]["kept"] > 0


async def test_without_the_routers_own_check_of_the_policy_the_story_fails(real_kafka: str, tmp_path: Path) -> None:
    double = {"gateway": "interlock.testing.doubles.credulous_gateway"}
    evidence = await play(Staging(tmp_path / "run", real_kafka, doubles=double), VIEW)

    assert evidence.unapproved(AGENT) > 0, (
        "the model that nobody approved must have been reached, or the story shows nothing"
    )
    assert [refusal.attack.kind for refusal in evidence.refusals if refusal.reason is None] == [UNAPPROVED]
    said = f"{TEMPTER} is not approved for {AGENT}, and its server counted {evidence.unapproved(AGENT)} of its requests"
    assert any(said in fault for fault in faults(evidence))


async def test_decision_killed_in_mid_story_changes_nothing_and_repeats_nothing(
    real_kafka: str, tmp_path: Path
) -> None:
    async def kill_decision(scene: Scene) -> None:
        await scene.stage.processes.kill("decision")
        await scene.stage.processes.restart("decision")

    killed_in = (Chapter.PRIMARY_FAILS, Chapter.FALLBACK_FAILS, Chapter.CANARY_FAILS, Chapter.WAITING)
    meanwhile = dict.fromkeys(killed_in, kill_decision)
    evidence = await play(Staging(tmp_path / "run", real_kafka, meanwhile=meanwhile), VIEW)

    assert faults(evidence) == []
    assert len({change.id for change in evidence.changes}) == len(evidence.changes)
    assert {change_id: len(times) for change_id, times in evidence.told.items()} == {
        change.id: 1 for change in evidence.changes
    }
    for route in (ROUTE, SUPPORT_ROUTE):
        terms = {change.term for change in evidence.story(route)}
        assert len(terms) > 1, "somebody else must have ruled after the kill"


def _moves(told: dict[str, Any], route: RouteId) -> list[tuple[str, str]]:
    return [(change["source"], change["target"]) for change in told["changes"] if change["route"] == route.key]


def _the_tempter_was_there_and_served_others_only(evidence: Evidence) -> None:
    for agent in (AGENT, SUPPORT):
        asked_for = [reply for reply in evidence.replies[agent] if reply.named == TEMPTER]
        assert len(asked_for) >= len(evidence.replies[agent]) // 10
        assert evidence.counted[TEMPTER].get(agent, 0) == 0
    assert evidence.counted[TEMPTER][OTHER_AGENT] > 0


def _a_part_of_the_requests_tried_the_canary_and_it_was_rolled_back(canary: dict[str, Any]) -> None:
    assert 0 < canary["counted"][TRIED] < canary["counted"][SLOW]
    assert canary["conversations"]["canary"] > 0
    assert canary["conversations_split"] == 0
    assert canary["rolled_back"]
    assert f"{TRIED} is unavailable" in canary["reason"]


def _only_the_owners_approval_let_the_last_model_in(approval: dict[str, Any]) -> None:
    assert (approval["model"], approval["safe_state"]) == (UNACCEPTED, "human_queue")
    assert approval["answers"] == [
        {"signed_by": ["olga"], "accepted": False, "reason": "not_authorised"},
        {"signed_by": ["oscar"], "accepted": True, "reason": None},
    ]
    assert approval["requests_before"] == 0
    assert approval["waited_s"] > 0
