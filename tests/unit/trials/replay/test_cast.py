from pathlib import Path

import pytest

from interlock.records.documents import RoutePolicy
from interlock.records.health import Outcome
from interlock.records.sealing import open_sealed
from interlock.runtime.founding import found
from interlock.runtime.opening import load_trust
from interlock.signing.verifier import Verified
from interlock.testing.builders import NOW
from interlock.trials.replay.cast import DEPLOYMENT, Part, parts_of, plan, tuning
from interlock.trials.replay.trace import RecordedCall


def calls(model: str, latency_s: float, *outcomes: Outcome) -> list[RecordedCall]:
    return [RecordedCall(float(place), model, outcome, latency_s, None) for place, outcome in enumerate(outcomes)]


QUICK = calls("quick", 0.1, Outcome.OK, Outcome.OK, Outcome.THROTTLED)
GOOD = calls("good", 0.5, Outcome.OK, Outcome.OK)
BETTER = calls("better", 0.2, Outcome.OK, Outcome.OK)
DEAD = calls("dead", 0.0, Outcome.TIMEOUT)


def test_the_fallback_is_the_other_model_that_fails_least_and_then_is_quickest() -> None:
    fallbacks = {part.model: part.fallback for part in parts_of([*QUICK, *GOOD, *BETTER])}
    assert fallbacks == {"better": "good", "good": "better", "quick": "better"}


def test_a_lone_model_has_no_fallback() -> None:
    assert parts_of(QUICK) == [Part("quick", None, begins=True, latency_s=0.1)]


def test_an_agent_cannot_begin_with_a_model_that_never_succeeded() -> None:
    assert {part.model: part.begins for part in parts_of([*DEAD, *GOOD])} == {"dead": False, "good": True}


def test_every_model_has_an_agent_of_its_own_with_a_policy_that_can_be_signed(tmp_path: Path) -> None:
    workspace = found(tmp_path, plan(parts_of([*QUICK, *GOOD, *DEAD]), 10.0, NOW, 9), NOW)
    trust, _ = load_trust(workspace.root, DEPLOYMENT)
    opened = open_sealed((workspace.policies / "agent-dead.sealed").read_bytes(), trust, RoutePolicy)
    assert isinstance(opened, Verified)
    assert [rung.model.name for rung in opened.value.routes[0].ladder] == ["dead", "good"]


@pytest.mark.parametrize(("speed", "window"), [(1.0, "30s"), (4.0, "7500ms"), (100.0, "5s")])
def test_the_window_follows_the_speed_down_to_its_least(speed: float, window: str) -> None:
    assert tuning(speed)["health-monitor"]["window"] == window
