"""The demo's story on a real broker. What is asserted was seen at the outer edge: by model servers, webhook, client, topics."""

from pathlib import Path

from rich.console import Console

from interlock.runtime.clock import SystemClock
from interlock.trials.demo.attacks import UNAPPROVED
from interlock.trials.demo.cast import AGENT, FALLBACK, OTHER_AGENT, PRIMARY, ROUTE, TEMPTER
from interlock.trials.demo.report import Evidence, document, faults
from interlock.trials.demo.run import Staging, play
from interlock.trials.demo.scene import Scene
from interlock.trials.demo.story import Chapter
from interlock.trials.demo.view import PlainView

VIEW = PlainView(Console(), SystemClock())


async def test_an_agent_moves_along_its_ladder_and_stops_and_recovers_and_no_forgery_moves_it(
    real_kafka: str, tmp_path: Path
) -> None:
    evidence = await play(Staging(tmp_path / "run", real_kafka), VIEW)

    assert faults(evidence) == []
    told = document(evidence)
    moves = [(change["source"], change["target"]) for change in told["changes"] if change["route"] == ROUTE.key]
    assert moves[-4:] == [
        (moves[-4][0], PRIMARY),
        (PRIMARY, FALLBACK),
        (FALLBACK, "safe_state"),
        ("safe_state", PRIMARY),
    ]
    assert all(change["verification"] and change["notice_accepted_after_s"] < 300 for change in told["changes"])
    assert {refused["kind"]: refused["reason"] for refused in told["refused"]} == {
        "forged_stranger": "no_signature",
        "forged_signature": "bad_signature",
        "forged_role": "role_not_allowed",
        "replayed": "not_newer",
        "unapproved_model": "not_on_ladder",
    }
    assert told["audit"]["replayed_identical"]
    _the_tempter_was_there_and_served_others_only(evidence)


async def test_without_the_routers_own_check_of_the_policy_the_story_fails(real_kafka: str, tmp_path: Path) -> None:
    double = {"gateway": "interlock.testing.credulous_gateway"}
    evidence = await play(Staging(tmp_path / "run", real_kafka, doubles=double), VIEW)

    assert evidence.unapproved > 0, "the model that nobody approved must have been reached, or the story shows nothing"
    assert [refusal.attack.kind for refusal in evidence.refusals if refusal.reason is None] == [UNAPPROVED]
    assert any(f"its server counted {evidence.unapproved} of its requests" in fault for fault in faults(evidence))


async def test_decision_killed_in_mid_story_changes_nothing_and_repeats_nothing(
    real_kafka: str, tmp_path: Path
) -> None:
    async def kill_decision(scene: Scene) -> None:
        await scene.stage.processes.kill("decision")
        await scene.stage.processes.restart("decision")

    meanwhile = {Chapter.PRIMARY_FAILS: kill_decision, Chapter.FALLBACK_FAILS: kill_decision}
    evidence = await play(Staging(tmp_path / "run", real_kafka, meanwhile=meanwhile), VIEW)

    assert faults(evidence) == []
    assert len({change.id for change in evidence.changes}) == len(evidence.changes)
    assert {change_id: len(times) for change_id, times in evidence.told.items()} == {
        change.id: 1 for change in evidence.changes
    }
    assert len({change.term for change in evidence.story}) > 1, "somebody else must have ruled after the kill"


def _the_tempter_was_there_and_served_others_only(evidence: Evidence) -> None:
    asked_for = [reply for reply in evidence.replies if reply.named == TEMPTER]
    assert len(asked_for) >= len(evidence.replies) // 10
    assert evidence.counted[TEMPTER].get(AGENT, 0) == 0
    assert evidence.counted[TEMPTER][OTHER_AGENT] > 0
