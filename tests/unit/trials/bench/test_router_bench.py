"""The router's bench runs, on records that count, and says what it must; how fast is nobody's promise here."""

import pytest

from interlock.records.change import RoutingChange
from interlock.records.sealing import open_sealed
from interlock.testing.builders import NOW
from interlock.trials.bench.router.fleet import CANARY, PRIMARY, STOPPED, Fleet, kind_of
from interlock.trials.bench.router.run import Plan, run

ROUTES = 100


@pytest.fixture(scope="module")
def measured():
    told = []
    figures = run(Plan(rounds=10, routes=ROUTES), lambda *progress: told.append(progress))
    return figures, told


def test_every_figure_is_there_and_comes_from_that_run(measured):
    figures, _ = measured
    assert (figures["rounds"], figures["routes"], figures["bus"]) == (10, ROUTES, "memory")
    assert figures["resolve_us_by_kind"].keys() == {PRIMARY, CANARY, STOPPED}
    for beside in (figures["accept"], figures["heartbeat"]):
        assert beside["ratio"] == pytest.approx(beside["us"] / beside["verify_us"], rel=0.01)
    assert all(
        figures[name] > 0 for name in ("resolve_us", "cold_start_s", "cold_start_cpu_s", "memory_bytes_per_route")
    )


def test_the_router_that_starts_acknowledges_every_change_and_says_hello(measured):
    figures, _ = measured
    assert figures["acknowledgements"] == ROUTES + 1


def test_the_progress_is_told_to_its_end(measured):
    _, told = measured
    ends = {what: done == of for what, done, of in told}
    assert ends == {"single records": True, "signing": True, "starting with all of it": True}


def test_the_changes_of_a_fleet_are_of_every_kind_and_show_what_was_verified():
    fleet = Fleet(40, NOW)
    changes = [open_sealed(sealed, fleet.deployment.root, RoutingChange).value for _, _, sealed in fleet.each()]
    assert {kind_of(number) for number in range(40)} == {PRIMARY, CANARY, STOPPED}
    assert {(change.target, change.weight) for change in changes} == {("atlas", 100), ("birch", 25), (None, 100)}
    assert all(len(change.verification) > 20 for change in changes if change.target)
