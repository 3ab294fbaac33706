"""Recorded calls through the whole line, on a real broker: what storms is left, what is healthy is not."""

import csv
import io
import os
from pathlib import Path
from typing import Any

import pytest

from interlock.trials.replay.run import Replay, play
from interlock.trials.replay.trace import read_trace

DATA = Path(os.environ.get("INTERLOCK_DATA", Path(__file__).parents[3] / "shared" / "data"))


class Silent:
    """Shows nothing."""

    def say(self, line: str) -> None:
        pass

    def told(self, calls: int) -> None:
        pass


def trace() -> str:
    """A minute of three models: `calm` is always well, `quick` too, and `stormy` is throttled after the 15th call."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(["timestamp_s", "model", "latency_s", "first_token_s", "outcome"])
    for second in range(60):
        rows.writerow([second, "calm", 0.9, 0.2, "ok"])
        rows.writerow([second, "quick", 0.3, 0.1, "ok"])
        rows.writerow([second, "stormy", 0.5, "", "ok" if second < 15 else "throttled"])
    return written.getvalue()


def left(report: dict[str, Any]) -> dict[str, str]:
    """By model, where the agent whose primary it is went first when it left it."""
    changes = [change for change in report["changes"] if change["route"] == f"agent-{change['source']}/main/*"]
    return {change["source"]: change["target"] for change in reversed(changes)}


async def test_a_model_in_a_storm_is_left_for_its_healthy_fallback_and_no_other_is(
    real_kafka: str, tmp_path: Path
) -> None:
    calls = read_trace(trace().splitlines(), None, "trace")
    report = await play(Replay(calls, 10.0, tmp_path / "run", real_kafka), Silent())

    assert left(report) == {"stormy": "quick"}
    assert report["per_model"] == {
        "calm": {"calls": 60, "errors": 0, "verdict": "healthy"},
        "quick": {"calls": 60, "errors": 0, "verdict": "healthy"},
        "stormy": {"calls": 60, "errors": 45, "verdict": "degraded"},
    }
    (change,) = [change for change in report["changes"] if change["source"] == "stormy"]
    assert change["reason"].startswith("throttled: ")
    assert change["notice_accepted_after_s"] is not None
    assert {"model": "stormy", "level": "degraded"}.items() <= next(
        verdict for verdict in report["verdicts"] if verdict["level"] == "degraded"
    ).items()


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the recorded data is not at {DATA}; INTERLOCK_DATA says where it is")
async def test_on_the_recorded_leaderboard_the_provider_with_the_storm_is_left_and_healthy_ones_are_not(
    real_kafka: str, tmp_path: Path
) -> None:
    file = DATA / "llmperf" / "requests.csv"
    calls = read_trace(file.read_text("utf-8").splitlines(), None, file.name)
    report = await play(Replay(calls, 20.0, tmp_path / "run", real_kafka), Silent())

    gone = left(report)
    assert {"lepton-7b", "lepton-13b", "lepton-70b"} <= set(gone)
    assert not {model for model in gone if not model.startswith(("lepton-", "bedrock-"))}
    assert {gone[model] for model in gone if model.startswith("lepton-")} == {"groq-70b"}
    assert report["per_model"]["lepton-7b"] == {"calls": 150, "errors": 130, "verdict": "degraded"}
