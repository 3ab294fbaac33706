from interlock.records.health import Level, Outcome, Verdict
from interlock.trials.replay.report import per_model
from interlock.trials.replay.trace import RecordedCall
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.time import Micros


def verdict(model: str, level: Level) -> Verdict:
    return Verdict(model, ANY, "errors>0.2", level, "", 1, (), Micros(0), Micros(0), Micros(0))


def call(model: str, outcome: Outcome) -> RecordedCall:
    return RecordedCall(1.0, model, outcome, 1.0, None)


def test_a_model_is_told_with_its_calls_its_errors_and_the_worst_it_was_judged_to_be() -> None:
    calls = [call("atlas", Outcome.OK), call("atlas", Outcome.THROTTLED), call("birch", Outcome.OK)]
    verdicts = [
        verdict("atlas", Level.HEALTHY),
        verdict("atlas", Level.DEGRADED),
        verdict("atlas", Level.HEALTHY),
        verdict("birch", Level.UNKNOWN),
        verdict("birch", Level.HEALTHY),
    ]
    assert per_model(calls, verdicts) == {
        "atlas": {"calls": 2, "errors": 1, "verdict": "degraded"},
        "birch": {"calls": 1, "errors": 0, "verdict": "healthy"},
    }


def test_a_model_that_nobody_judged_is_unknown() -> None:
    assert per_model([call("atlas", Outcome.OK)], [])["atlas"]["verdict"] == "unknown"
