"""What a run came to, for programs."""

from typing import Any

from interlock.trials.drill.exercise import Outcome
from interlock.trials.drill.run import Drilled
from interlock.vocabulary.time import to_text


def document(drilled: Drilled) -> dict[str, Any]:
    """A run as a JSON object."""
    witness = drilled.witness
    return {
        "tests": [test_document(outcome) for outcome in drilled.outcomes],
        "passed": drilled.passed,
        "broker": drilled.drill.broker,
        "deadline_s": drilled.drill.deadline_s,
        "began": to_text(drilled.began),
        "ended": to_text(drilled.ended),
        "audit": {
            "records": witness.audit_records,
            "changes": len(witness.changes),
            "replayed_identical": not witness.differences,
        },
    }


def test_document(outcome: Outcome) -> dict[str, Any]:
    """One test as a JSON object; what was not as it must be stands under `faults` in the evidence."""
    exercise = outcome.exercise
    return {
        "id": exercise.id,
        "title": exercise.title,
        "passed": outcome.passed,
        "evidence": {**outcome.evidence, "faults": list(outcome.faults)},
    }
