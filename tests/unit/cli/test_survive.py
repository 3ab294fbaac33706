"""What `interlock drill survive` refuses before anything is started, and what it says of a run."""

from pathlib import Path

import pytest
from rich.console import Console

from interlock.testing.builders import Deployment
from interlock.trials.drill.exercise import Seen
from interlock.trials.survive.catalogue import FAULTS, selected
from interlock.trials.survive.measuring import Cost
from interlock.trials.survive.report import document, last_line, table
from interlock.trials.survive.run import Cell, Survival, Survived
from interlock.trials.witness import Witness
from interlock.vocabulary.errors import ConfigurationError

from .conftest import Interlock

WELL = Cell(FAULTS[0], Cost(), "another leads", 0.84)
UNTEMPTED = Seen({"unapproved_model": {"answered": 0}})
BROKEN = Cell(
    FAULTS[1],
    Cost(unapproved=tuple(f"comet saw request {number}." for number in range(7)), repeated=("order@2 twice.",)),
    "",
    None,
    ("Waited 90 s in vain until shard 1 beats.",),
    ("health-monitor",),
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "no-such-fault"), "There is no fault 'no-such-fault'"),
        (("--only", "two-brokers", "--brokers", "1"), "two-brokers needs 3 brokers"),
        (("--only", "one-broker"), "one-broker needs 1 broker."),
        (("--brokers", "2"), "Ask for 1 or for 3"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(interlock: Interlock, arguments: tuple[str, ...], said: str) -> None:
    result = interlock("drill", "survive", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_each_fault_has_a_name_of_its_own_and_with_fewer_brokers_fewer_are_drilled() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert all(fault.brokers == 1 for fault in selected((), 1))
    assert {fault.name for fault in selected((), 3)} == set(names) - {"one-broker"}
    with pytest.raises(ConfigurationError):
        selected(("nothing",), 3)


def test_a_run_is_told_a_row_a_fault_and_as_json(tmp_path: Path) -> None:
    survived = Survived(
        Survival(tmp_path), [WELL, BROKEN], 3, Witness(Deployment().book()), requests=900, temptation=UNTEMPTED
    )

    console = Console(width=400, record=True)
    console.print(table(survived.cells))
    _, first, second = (line.split() for line in console.export_text().splitlines())
    assert first[:6] == [FAULTS[0].name, "0", "0", "0", "0.8", "s"]
    assert second[:5] == [FAULTS[1].name, "7", "0", "1", "never"]
    assert second[-2:] == ["restarted:", "health-monitor"]
    assert last_line(survived).startswith("1 of 3 cells clean, on 3 brokers, 900 requests")

    told = document(survived)
    assert not told["clean"]
    assert told["not_drilled"] == 1
    well, broken = told["cells"]
    assert {name: well[name] for name in ("fault", "unapproved", "lost", "repeated", "recovered_after_s", "clean")} == {
        "fault": FAULTS[0].name,
        "unapproved": 0,
        "lost": 0,
        "repeated": 0,
        "recovered_after_s": 0.8,
        "clean": True,
    }
    assert (broken["unapproved"], broken["repeated"], broken["recovered_after_s"], broken["clean"]) == (
        7,
        1,
        None,
        False,
    )
    assert broken["outcome"] == "Waited 90 s in vain until shard 1 beats."
    assert broken["troubles"][0] == broken["outcome"]


def test_a_run_that_did_not_get_to_every_fault_is_not_clean(tmp_path: Path) -> None:
    witness = Witness(Deployment().book())
    assert Survived(Survival(tmp_path), [WELL], 1, witness, requests=1, temptation=UNTEMPTED).clean
    tempted = Seen({}, faults=("comet answered.",))
    assert not Survived(Survival(tmp_path), [WELL], 1, witness, requests=1, temptation=tempted).clean
    assert not Survived(Survival(tmp_path), [WELL], 2, witness, requests=1, temptation=UNTEMPTED).clean
