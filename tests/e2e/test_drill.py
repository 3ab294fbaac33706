"""The drill on a real broker, and the twins of 8.1 to 8.3: without the guard that a test is about, it fails, and says why."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from interlock.trials.drill import broader as broader_models
from interlock.trials.drill.cast import TEMPTER
from interlock.trials.drill.catalogue import EXERCISES
from interlock.trials.drill.exercise import Outcome
from interlock.trials.drill.ground import TYPED, Drill
from interlock.trials.drill.run import play
from interlock.trials.drill.unapproved import ABSENT, ELSEWHERE, EXPIRED, UNVALIDATED, WANTED

DOUBLES = "interlock.testing.doubles"


def test_a_conforming_system_passes_every_test_of_the_standard(real_kafka: str, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    words = ("drill", "ag-163", "--bootstrap", real_kafka, "--deadline", "15s", "--report", str(report), "--json")
    done = subprocess.run([sys.executable, "-m", "interlock.cli", *words], capture_output=True, text=True, check=False)

    told = json.loads(done.stdout)
    assert {test["id"]: test["evidence"]["faults"] for test in told["tests"]} == {each.id: [] for each in EXERCISES}
    assert (done.returncode, told["passed"], told["deadline_s"]) == (0, True, 15)
    assert told["audit"]["replayed_identical"]
    for test in told["tests"]:
        tempter = test["evidence"]["unapproved_model"]
        assert (tempter["model"], tempter["answered"]) == (TEMPTER, 0)
        assert tempter["asked_for"] > 0 < tempter["answered_its_own_agent"]
    filed = report.read_text("utf-8")
    assert all(f"{each.id}" in filed and each.title in filed for each in EXERCISES)


async def test_if_decision_takes_the_last_rung_instead_of_the_first_8_1_fails(real_kafka: str, tmp_path: Path) -> None:
    (order,) = await _twin(real_kafka, tmp_path, ("8.1",), {"decision": f"{DOUBLES}.backward_decision"})

    assert order.faults == [
        "order should have moved to order-first; the audit log says order: order-primary → order-quick."
    ]


async def test_if_decision_does_not_wait_for_a_trigger_to_last_8_1_fails(real_kafka: str, tmp_path: Path) -> None:
    (order,) = await _twin(real_kafka, tmp_path, ("8.1",), {"decision": f"{DOUBLES}.impatient_decision"})

    assert all("; the policy says" in fault for fault in order.faults)
    assert any("order-primary was left after unavailable had lasted for" in fault for fault in order.faults)
    assert any("order-first was left after errors had lasted for" in fault for fault in order.faults)


async def test_if_check_and_decision_ask_for_no_evidence_8_2_fails_alone(real_kafka: str, tmp_path: Path) -> None:
    doubles = {TYPED: f"{DOUBLES}.unquestioning_command_line", "decision": f"{DOUBLES}.unquestioning_decision"}
    unapproved, broader = await _twin(real_kafka, tmp_path, ("8.2", "8.3"), doubles)

    assert broader.passed
    assert len(unapproved.faults) == 4
    assert any(f"`policy check` should have refused {EXPIRED.model}" in fault for fault in unapproved.faults)
    for wanted in (UNVALIDATED, ELSEWHERE, EXPIRED):
        said = f"the audit log says {wanted.agent}: unapproved-primary → {wanted.model}."
        assert any(said in fault for fault in unapproved.faults)


async def test_if_the_router_believes_decision_blindly_8_2_fails(real_kafka: str, tmp_path: Path) -> None:
    (unapproved,) = await _twin(real_kafka, tmp_path, ("8.2",), {"gateway": f"{DOUBLES}.credulous_gateway"})

    for wanted in WANTED:
        assert any(
            f"The gateway obeyed an order of {wanted.model} for {wanted.agent}" in fault for fault in unapproved.faults
        )
    assert any(
        f"The server of {ABSENT.model} counted" in fault and ABSENT.agent in fault for fault in unapproved.faults
    )


async def test_if_check_and_decision_know_no_lattice_8_3_fails_alone(real_kafka: str, tmp_path: Path) -> None:
    doubles = {TYPED: f"{DOUBLES}.boundless_command_line", "decision": f"{DOUBLES}.boundless_decision"}
    unapproved, broader = await _twin(real_kafka, tmp_path, ("8.2", "8.3"), doubles)

    assert unapproved.passed
    for wanted in (*broader_models.WANTED, broader_models.WANTED_BEHIND):
        faults = [fault for fault in broader.faults if wanted.agent in fault]
        assert any(f"`policy check` should have refused {wanted.model}" in fault for fault in faults)
        assert any(f"→ {wanted.model}." in fault for fault in faults)


async def test_if_the_router_knows_no_lattice_8_3_fails(real_kafka: str, tmp_path: Path) -> None:
    (broader,) = await _twin(real_kafka, tmp_path, ("8.3",), {"gateway": f"{DOUBLES}.boundless_gateway"})

    for wanted in (*broader_models.WANTED, broader_models.WANTED_BEHIND):
        assert any(f"The gateway obeyed an order of {wanted.model}" in fault for fault in broader.faults)
        assert any(f"The server of {wanted.model} counted" in fault for fault in broader.faults)


async def _twin(bootstrap: str, folder: Path, only: tuple[str, ...], doubles: Mapping[str, str]) -> list[Outcome]:
    """What came of some tests where doubles took the guards' places; the run as a whole must not be passed."""
    drilled = await play(Drill(folder, bootstrap, only=only, doubles=doubles), print)
    assert not drilled.passed
    return list(drilled.outcomes)
