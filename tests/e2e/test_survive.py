"""The drill of survival on three brokers, cut short; and its twin: a router that outlives its lease is found out.

The whole drill is run by hand: `interlock drill survive`.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.trials.survive import world
from interlock.trials.survive.cast import VAULT
from interlock.trials.survive.run import Survival, play

BRIEFLY = 45.0
"""How long a twin is waited for: longer than lease and grace of the agent that is stopped first."""


def test_the_leader_of_the_audit_log_dies_with_a_primary_and_nothing_is_unapproved_lost_or_repeated() -> None:
    words = ("drill", "survive", "--only", "leader-audit", "--json")
    done = subprocess.run([sys.executable, "-m", "interlock.cli", *words], capture_output=True, text=True, check=False)

    told = json.loads(done.stdout)
    (cell,) = told["cells"]
    assert {name: cell[name] for name in ("unapproved", "lost", "repeated", "troubles")} == {
        "unapproved": 0,
        "lost": 0,
        "repeated": 0,
        "troubles": [],
    }
    assert cell["recovered_after_s"] is not None
    assert "which led interlock.audit.v1/0, was killed; counter was moved" in cell["outcome"]
    assert (done.returncode, told["clean"], told["brokers"]) == (0, True, 3)
    assert told["audit"]["replayed_identical"]
    tempter = told["unapproved_model"]
    assert tempter["answered"] == 0 < min(tempter["asked_for"], tempter["answered_its_own_agent"])
    assert told["audit"]["changes"] > 0 < told["requests"]


async def test_a_router_that_outlives_its_lease_while_no_broker_is_there_is_found_by_the_drill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "PATIENCE_S", BRIEFLY)
    doubles = {"gateway": "interlock.testing.doubles.tireless_gateway"}
    survived = await play(Survival(tmp_path, brokers=1, only=("one-broker",), doubles=doubles), tell=print)

    (cell,) = survived.cells
    assert not survived.clean
    assert cell.faults[0].endswith(f"{VAULT.name} is in its safe state at every gateway.")
    assert cell.cost.unapproved
    assert all(" through gateway at " in line for line in cell.cost.unapproved)  # the other one keeps to its lease
    assert all(line.endswith("after lease and grace had ended.") for line in cell.cost.unapproved)
    assert (cell.cost.lost, cell.cost.repeated) == ((), ())
