import math

from hypothesis import given
from hypothesis import strategies as st

from interlock.records.codec import decode, encode
from interlock.records.health import Outcome, TelemetryBatch
from interlock.records.sketch import quantile
from interlock.reporting import accumulator
from interlock.reporting.accumulator import CELLS_PER_BATCH, NAMES_PER_CELL_MAX, OTHER_NAMES, Accumulator, Call
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.limits import ENVELOPE_BYTES_MAX
from interlock.vocabulary.time import Micros

SUPPORT = RouteId("support", "main", "*")
TRIAGE = RouteId("triage", "main", "*")
T0 = Micros(1_000_000)
calls = st.builds(
    Call,
    route=st.sampled_from([SUPPORT, TRIAGE]),
    model=st.sampled_from(["atlas", "birch"]),
    outcome=st.sampled_from(Outcome),
    latency_s=st.floats(),
    first_token_s=st.none() | st.floats(),
    model_named=st.none() | st.text(st.characters(exclude_categories=())),
)


def ok(model: str = "atlas", route: RouteId = SUPPORT, latency_s: float = 0.5, named: str | None = None) -> Call:
    return Call(route, model, Outcome.OK, latency_s, model_named=named)


def test_calls_of_one_route_and_model_are_one_cell():
    held = Accumulator("gateway-1", 100)
    for _ in range(3):
        held.note(ok(), T0)
    held.note(Call(SUPPORT, "atlas", Outcome.TIMEOUT, 9.0), Micros(T0 + 7))
    (batch,) = held.drain()
    (cell,) = batch.cells
    assert (batch.reporter, batch.model, batch.window_start, batch.window_end) == ("gateway-1", "atlas", T0, T0 + 7)
    assert cell.outcomes == {"ok": 3, "timeout": 1}
    assert sum(cell.latency.values()) == 3, "only successful calls have a latency"


def test_each_model_has_its_own_batch_and_each_route_its_own_cell():
    held = Accumulator("gateway-1", 0)
    for model, route in (("atlas", SUPPORT), ("atlas", TRIAGE), ("birch", SUPPORT)):
        held.note(ok(model, route), T0)
    batches = {batch.model: batch for batch in held.drain()}
    assert {cell.agent for cell in batches["atlas"].cells} == {"support", "triage"}
    assert len(batches["birch"].cells) == 1


def test_what_was_drained_is_not_told_again_and_numbers_go_up():
    held = Accumulator("gateway-1", 41)
    held.note(ok(), T0)
    assert [batch.sequence for batch in held.drain()] == [42]
    assert held.drain() == []
    held.note(ok(), T0)
    assert [batch.sequence for batch in held.drain()] == [43]


def test_a_latency_is_told_within_one_per_cent():
    held = Accumulator("gateway-1", 0)
    held.note(ok(latency_s=3.4), T0)
    (batch,) = held.drain()
    assert math.isclose(quantile(batch.cells[0].latency, 0.5) or 0, 3.4, rel_tol=0.0101)


def test_a_provider_with_ever_new_names_fills_one_place():
    held = Accumulator("gateway-1", 0)
    for number in range(100):
        held.note(ok(named=f"name-{number}"), T0)
    (batch,) = held.drain()
    names = batch.cells[0].models_named
    assert len(names) == NAMES_PER_CELL_MAX + 1
    assert names[OTHER_NAMES] == 100 - NAMES_PER_CELL_MAX


def test_a_model_with_very_many_routes_is_told_in_several_batches():
    held = Accumulator("gateway-1", 0)
    for number in range(CELLS_PER_BATCH + 1):
        held.note(ok(route=RouteId(f"agent-{number}", "main", "*")), T0)
    assert [len(batch.cells) for batch in held.drain()] == [CELLS_PER_BATCH, 1]


def test_cells_beyond_the_limit_are_counted_as_dropped(monkeypatch):
    monkeypatch.setattr(accumulator, "CELLS_MAX", 1)
    held = Accumulator("gateway-1", 0)
    held.note(ok(route=SUPPORT), T0)
    held.note(ok(route=TRIAGE), T0)
    held.note(ok(route=SUPPORT), T0)
    assert held.dropped == 1
    assert held.drain()[0].cells[0].outcomes == {"ok": 2}


def test_the_largest_batch_there_can_be_fits_into_an_envelope():
    held = Accumulator("gateway-1", 2**62)
    for cell in range(CELLS_PER_BATCH):
        for step in range(1_100):
            latency_s = 0.0005 * 1.019**step
            route = RouteId(f"{cell:080}", "s" * 80, "t" * 80)
            held.note(Call(route, "m" * 80, Outcome.OK, latency_s, latency_s, f"{step:0500}"), T0)
    (batch,) = held.drain()
    assert len(batch.cells[0].latency) > 900
    assert len(encode(batch)) < ENVELOPE_BYTES_MAX


@given(st.lists(calls))
def test_whatever_the_calls_every_one_is_in_a_batch_that_can_be_written_and_read(seen: list[Call]):
    held = Accumulator("gateway-1", 0)
    for call in seen:
        held.note(call, T0)
    batches = held.drain()
    assert sum(sum(cell.outcomes.values()) for batch in batches for cell in batch.cells) == len(seen)
    assert [decode(encode(batch), TelemetryBatch) for batch in batches] == batches
