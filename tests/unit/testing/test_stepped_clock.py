"""The double sets the civil time of a whole process wrong, and nothing else."""

import subprocess
import sys

import pytest

from interlock.testing.doubles.stepped_clock import MODULES, Step, module_of, set_wrong, step_file
from interlock.trials import stage

TELL = """
import sys, time
from pathlib import Path
from interlock.testing.doubles.stepped_clock import Step, be_wrong
right = time.time(), time.time_ns() / 1e9, time.clock_gettime(time.CLOCK_REALTIME), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
be_wrong(Step(Path(sys.argv[1])))
wrong = time.time(), time.time_ns() / 1e9, time.clock_gettime(time.CLOCK_REALTIME), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
print(*(round((after - before) / 100) * 100 for before, after in zip(right, wrong)))
"""


def test_whoever_asks_for_civil_time_is_told_wrong_and_time_since_boot_is_right(tmp_path):
    set_wrong(tmp_path / "decision.toml", -600)
    command = [sys.executable, "-c", TELL, str(step_file(tmp_path / "decision.toml"))]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["-600", "-600", "-600", "0", "0"]


def test_the_file_is_looked_at_again_while_the_service_runs(tmp_path):
    settings, elapsed = tmp_path / "gateway.toml", [0]
    step = Step(step_file(settings), lambda: elapsed[0])
    assert step.by_ns == 0
    set_wrong(settings, 600)
    assert step.by_ns == 0
    elapsed[0] += 10**9
    assert step.by_ns == 600 * 10**9
    set_wrong(settings, 0)
    elapsed[0] += 10**9
    assert step.by_ns == 0


@pytest.mark.parametrize(
    ("name", "module"), [*stage.MODULES.items(), ("decision-2", "interlock.decision"), ("probe-2", MODULES["probe"])]
)
def test_the_name_of_the_settings_tells_which_service_it_is(tmp_path, name, module):
    assert module_of(tmp_path / f"{name}.toml") == module
