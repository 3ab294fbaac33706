"""What was seen of source and target around a change: sums that depend on nothing but what was reported."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.records.comparison import CallsOf, Comparison, Kind, Period, Question, compare
from interlock.records.health import Cell, Outcome, TelemetryBatch
from interlock.records.sketch import bucket
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros

AT = Micros(10_000 * SECOND)
ROUTE = RouteId("support", "main", "*")
ASKED = Question(ROUTE, ("atlas", "birch"), AT, Micros(100 * SECOND), {"probe-1"})


def batch(
    start: float = -10,
    end: float | None = None,
    *,
    reporter: str = "gateway-1",
    model: str = "atlas",
    number: int = 1,
    route: RouteId = ROUTE,
    outcomes: dict[str, int] | None = None,
    latency: dict[int, int] | None = None,
) -> TelemetryBatch:
    """A batch whose window is told in seconds after the change."""
    cell = Cell(*route, outcomes or {"ok": 1}, latency or {}, {}, {})
    first, last = (Micros(round(AT + second * SECOND)) for second in (start, start + 1 if end is None else end))
    return TelemetryBatch(reporter, model, first, last, number, (cell,))


def of(found: Comparison, model: str = "atlas", who: CallsOf = CallsOf.ROUTE) -> list[int]:
    """The calls before and after."""
    return [found.seen[model, who, when].calls for when in Period]


def test_calls_before_and_after_the_change_stand_apart_and_those_across_it_in_neither():
    batches = [batch(-10, number=1), batch(-1, 0, number=2), batch(0, 1, number=3), batch(-0.5, 0.5, number=4)]
    found = compare(ASKED, batches)
    assert (of(found), found.across) == ([2, 1], 1)


@pytest.mark.parametrize("window", [(-101, -99), (99, 101), (101, 102), (-200, -150), (5, 4)])
def test_a_window_that_is_not_wholly_within_reach_or_ends_before_it_begins_counts_nowhere(window):
    found = compare(ASKED, [batch(*window)])
    assert (of(found), found.across) == ([0, 0], 0)


def test_a_batch_that_stands_twice_counts_once():
    assert of(compare(ASKED, [batch(), batch()])) == [1, 0]
    assert of(compare(ASKED, [batch(), batch(number=2)])) == [2, 0]
    assert of(compare(ASKED, [batch(), batch(reporter="gateway-2")])) == [2, 0]
    both = compare(ASKED, [batch(), batch(model="birch")])
    assert (of(both), of(both, "birch")) == ([1, 0], [1, 0])


def test_calls_of_other_routes_and_other_models_are_left_out():
    other = [batch(route=RouteId("support", "main", "eu")), batch(route=RouteId("invoice", "main", "*"), number=2)]
    found = compare(ASKED, [*other, batch(model="cedar")])
    assert all(seen.calls == 0 for seen in found.seen.values())


def test_the_calls_of_a_probe_stand_apart_whatever_route_they_name():
    found = compare(
        ASKED, [batch(reporter="probe-1"), batch(reporter="probe-1", number=2, route=RouteId("p", "m", "*"))]
    )
    assert (of(found), of(found, who=CallsOf.PROBES)) == ([0, 0], [2, 0])


def test_shares_are_of_the_calls_that_can_tell():
    outcomes = {"ok": 6, "timeout": 1, "server_error": 2, "throttled": 3, "policy_refusal": 4, "schema_failure": 2}
    outcomes |= {"caller_fault": 50, "cancelled": 50, "news_to_us": 50}
    seen = compare(ASKED, [batch(outcomes=outcomes)]).seen["atlas", CallsOf.ROUTE, Period.BEFORE]
    counted = {kind: (seen.share(kind).count, seen.share(kind).of) for kind in Kind}
    assert counted == {
        Kind.ERRORS: (3, 9),
        Kind.THROTTLED: (3, 12),
        Kind.REFUSALS: (4, 10),
        Kind.SCHEMA_FAILURES: (2, 8),
    }
    assert seen.calls == sum(outcomes.values())


def test_nothing_is_known_where_nothing_was_reported():
    seen = compare(ASKED, []).seen["birch", CallsOf.ROUTE, Period.AFTER]
    assert (seen.share(Kind.ERRORS).between, seen.slower(0.5).value, seen.since) == (None, None, 0)


batches = st.builds(
    lambda start, length, **fields: batch(start, start + length, **fields),
    st.integers(-130, 130),
    st.integers(0, 3),
    reporter=st.sampled_from(["gateway-1", "gateway-2", "probe-1"]),
    model=st.sampled_from(["atlas", "birch", "cedar"]),
    route=st.sampled_from([ROUTE, RouteId("other", "main", "*")]),
    outcomes=st.dictionaries(st.sampled_from(list(Outcome)).map(str), st.integers(0, 9), min_size=1),
    latency=st.dictionaries(st.integers(-300, 300), st.integers(0, 9)),
)
numbered = st.lists(batches, max_size=12).map(
    lambda drawn: [replace(each, sequence=number) for number, each in enumerate(drawn)]
)


@given(numbered, st.randoms(use_true_random=False))
def test_the_order_of_the_batches_does_not_matter_nor_does_repeating_them(told, chance):
    mixed = [*told, *told[:3]]
    chance.shuffle(mixed)
    assert compare(ASKED, mixed) == compare(ASKED, told)


@given(numbered)
def test_every_call_within_reach_is_counted_exactly_once(told):
    found = compare(ASKED, told)
    near = [
        cell
        for each in told
        for cell in each.cells
        if each.model in ASKED.models
        and AT - ASKED.within_us <= each.window_start <= each.window_end <= AT + ASKED.within_us
        and (each.reporter == "probe-1" or cell.agent == "support")
    ]
    assert found.across + sum(seen.calls for seen in found.seen.values()) == sum(
        sum(cell.outcomes.values()) for cell in near
    )


@given(numbered)
def test_who_reported_how_many_calls_adds_up_to_the_calls(told):
    for seen in compare(ASKED, told).seen.values():
        assert seen.reporters.total() == seen.calls


@given(st.lists(st.floats(0.001, 60), min_size=1, max_size=30), st.lists(st.floats(0.001, 60), min_size=1, max_size=30))
def test_latencies_of_two_reporters_are_one_sample_and_not_a_mean_of_two(one, other):
    def told(reporter, values):
        return batch(reporter=reporter, latency=dict(Counter(map(bucket, values))), outcomes={"ok": len(values)})

    apart = compare(ASKED, [told("gateway-1", one), told("gateway-2", other)])
    together = compare(ASKED, [told("gateway-1", one + other)])
    for q in (0.5, 0.95):
        figures = [each.seen["atlas", CallsOf.ROUTE, Period.BEFORE].slower(q) for each in (apart, together)]
        assert figures[0] == figures[1]
