"""The twins of 8.4 to 8.7: the same tests with a guard of a service removed. Each must fail, and say why.

A test waits long for what must be seen, since a drill may run on a busy machine; a twin, in which it never will be, waits `BRIEFLY`.
Acts that say nothing about the guard are left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.trials.drill import catalogue, degradation, notification, records, terminal
from interlock.trials.drill.degradation import AILMENTS
from interlock.trials.drill.exercise import Act, Exercise, Outcome
from interlock.trials.drill.field import Field
from interlock.trials.drill.ground import Drill
from interlock.trials.drill.run import play

DOUBLES = "interlock.testing.doubles"
BRIEFLY = 25.0


async def test_if_decision_never_takes_the_safe_state_8_4_fails(
    real_kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "PATIENCE_S", BRIEFLY)
    with _acts(monkeypatch, terminal.EXERCISE, Act.TOGETHER) as only:
        (safe,) = await _twin(real_kafka, tmp_path, only, {"decision": "restless_decision"})

    paused = terminal.agent_of(terminal.PAUSED[0])
    assert safe.faults == [f"Waited {BRIEFLY:g} s in vain until {paused} is moved to {terminal.SECOND_RUNG}."]


async def test_if_the_gateway_asks_models_in_the_safe_state_8_4_fails(
    real_kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _acts(monkeypatch, terminal.EXERCISE, Act.TOGETHER) as only:
        (safe,) = await _twin(real_kafka, tmp_path, only, {"gateway": "obliging_gateway"})

    for state in terminal.WRITTEN:
        assert any(fault.startswith(f"{terminal.agent_of(state)} had stopped, and ") for fault in safe.faults)


async def test_if_the_gateway_outlives_its_lease_8_4_fails_and_if_the_watch_sleeps_8_7_fails(
    real_kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification, "PATIENCE_S", BRIEFLY)
    later = (Act.WITHOUT_NOTIFIER, Act.WITHOUT_DECISION)
    doubles = {"gateway": "tireless_gateway", "watch": "sleeping_watch"}
    with _acts(monkeypatch, terminal.EXERCISE, *later), _acts(monkeypatch, notification.EXERCISE, *later) as only:
        safe, told = await _twin(real_kafka, tmp_path, ("8.4", *only), doubles)

    for state in terminal.WRITTEN:
        assert any(fault.startswith(f"{terminal.agent_of(state)} had stopped, and ") for fault in safe.faults)
    assert [fault.partition(" until ")[2][:22] for fault in told.faults] == ["a breach is on record "]


async def test_if_decision_says_neither_why_nor_what_it_verified_8_5_fails(
    real_kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_tried", _nothing)
    (record,) = await _twin(real_kafka, tmp_path, ("8.5",), {"decision": "wordless_decision"})

    assert any(fault.endswith(" gives no reason.") for fault in record.faults)
    assert any(fault.endswith(f" enters {records.SMALL} without any verification.") for fault in record.faults)
    assert any("decided again: the changes are others" in fault for fault in record.faults)


async def test_if_the_gateway_serves_another_rung_than_was_ordered_8_5_fails(
    real_kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_tried", _nothing)
    (record,) = await _twin(real_kafka, tmp_path, ("8.5",), {"gateway": "wayward_gateway"})

    assert all(f"orders {records.LARGE}, and {records.SMALL} answered" in fault for fault in _of(record, records.MOVED))
    assert _of(record, records.MOVED)


async def test_if_nobody_notices_degradation_8_6_fails_and_if_receipts_are_invented_8_7_fails(
    real_kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(degradation, "PATIENCE_S", BRIEFLY)
    doubles = {"health-monitor": "contented_monitor", "notifier": "boastful_notifier"}
    with _acts(monkeypatch, notification.EXERCISE, Act.TOGETHER, Act.LOOKING_BACK) as only:
        degraded, told = await _twin(real_kafka, tmp_path, ("8.6", *only), doubles)

    slowed = AILMENTS[0]
    assert degraded.faults == [f"Waited {BRIEFLY:g} s in vain until {slowed.agent} is moved to {slowed.fallback}."]
    assert told.faults
    assert all(fault.startswith("The notifier signed a receipt for ") for fault in told.faults)


@contextmanager
def _acts(monkeypatch: pytest.MonkeyPatch, exercise: Exercise, *acts: Act) -> Iterator[tuple[str, ...]]:
    """Leave an exercise no other acts than these; its number."""
    shorter = replace(exercise, acts={act: played for act, played in exercise.acts.items() if act in acts})
    with monkeypatch.context() as patched:
        every = [shorter if each.id == exercise.id else each for each in catalogue.EXERCISES]
        patched.setattr(catalogue, "EXERCISES", tuple(every))
        yield (exercise.id,)


async def _nothing(_: Field) -> None:
    """Plays nothing."""


async def _twin(bootstrap: str, folder: Path, only: Sequence[str], doubles: Mapping[str, str]) -> list[Outcome]:
    """What came of some tests where doubles took the guards' places; none of them may be passed."""
    modules = {service: f"{DOUBLES}.{double}" for service, double in doubles.items()}
    drilled = await play(Drill(folder, bootstrap, only=tuple(only), deadline_s=15, doubles=modules), print)
    assert not any(outcome.passed for outcome in drilled.outcomes)
    return list(drilled.outcomes)


def _of(outcome: Outcome, agent: str) -> list[str]:
    """The faults that concern an agent."""
    return [fault for fault in outcome.faults if f"{agent}/" in fault]
