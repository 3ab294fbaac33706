"""What `interlock drill ag-163` refuses before anything is started, and what it says of a run."""

from pathlib import Path

import pytest
from rich.console import Console

from interlock.cli import drill as command
from interlock.testing.builders import Deployment
from interlock.trials.drill.catalogue import EXERCISES
from interlock.trials.drill.exercise import Outcome, Seen
from interlock.trials.drill.ground import Drill
from interlock.trials.drill.report import document
from interlock.trials.drill.run import Drilled
from interlock.trials.witness import Witness
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import Micros

from .conftest import Interlock


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "9.9"), "There is no test '9.9'"),
        (("--deadline", "400s"), "later than the standard's"),
        (("--deadline", "0s"), "is none"),
        (("--deadline", "soon"), "--deadline"),
        (("--bootstrap", "127.0.0.1:1", "--embedded"), "exclude each other"),
        (("--report", "/nowhere/at/all.html"), "cannot be written"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(interlock: Interlock, arguments: tuple[str, ...], said: str) -> None:
    result = interlock("drill", "ag-163", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_folder_that_holds_something_is_not_overwritten(interlock: Interlock, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("…")

    result = interlock("drill", "ag-163", "--keep", tmp_path)

    assert result.exit_code == 2
    assert "is not an empty folder" in result.stderr


def test_without_java_it_names_the_two_other_brokers(interlock: Interlock, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> None:
        raise ConfigurationError("Java is not installed.", "Install it.")

    monkeypatch.setattr("interlock.trials.drill.ground.KafkaCluster.start", nothing)

    result = interlock("drill", "ag-163", "--only", "8.1")

    assert result.exit_code == 2
    assert "Java is not installed" in result.stderr
    assert "--bootstrap" in result.stderr
    assert "--embedded" in result.stderr


def test_a_run_is_told_a_line_a_test_and_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    drilled = _drilled(tmp_path)

    command._show(Console(width=40), drilled)

    first, second, *_, last, left_out = capsys.readouterr().out.splitlines()
    assert first.split() == ["8.1", "passed", *EXERCISES[0].title.split(), "as", "it", "must", "be"]
    assert second.startswith("8.2  FAILED")
    assert second.endswith("Somebody was served.")
    assert last.startswith("1 of 2 tests passed")
    assert left_out == "Not run: 8.3, 8.4, 8.5, 8.6, 8.7."
    told = document(drilled)
    assert not told["passed"]
    assert told["tests"][0] == {
        "id": "8.1",
        "title": EXERCISES[0].title,
        "passed": True,
        "evidence": {"moves": 2, "faults": []},
    }
    assert told["tests"][1]["evidence"]["faults"] == ["Somebody was served."]


def _drilled(folder: Path) -> Drilled:
    first, second = Outcome(EXERCISES[0]), Outcome(EXERCISES[1])
    first.add(Seen({"moves": 2}, "as it must be"))
    second.add(Seen({}, "", ("Somebody was served.",)))
    return Drilled(
        Drill(folder), [first, second], Micros(1), Micros(2), Witness(Deployment().book()), replies={}, notices=()
    )
