"""How long an incident is expected to last, and what that rests on."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.decision.core.expected import ONE_INCIDENT_US, Expected, expected_duration, remembered
from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.audit import Entry
from interlock.records.change import Trigger
from interlock.records.commands import Verb
from interlock.records.health import Level
from interlock.records.rules import Mode
from interlock.records.state import HistoryEntry, Incident, Past
from interlock.testing.builders import NOW, model
from interlock.testing.stories import DEPLOYMENT, DOWN, PLAN, running, slow
from interlock.vocabulary.limits import HISTORY_CLASSES_MAX, HISTORY_MAX
from interlock.vocabulary.time import SECOND, Micros

HOUR = 3_600


def incident(name="atlas", provider="atlas-works", trigger=Trigger.UNAVAILABLE, *, at_s: float = 0):
    return Incident(Micros(NOW + round(at_s * SECOND)), trigger, "down", model=name, provider=provider)


class Memory:
    """What is remembered, entry by entry, as the state does it."""

    def __init__(self) -> None:
        self.state = State.start(0, 1, Book.start(DEPLOYMENT.root, DEPLOYMENT.root_id))
        self.next_s = -1_000.0 * HOUR

    @property
    def history(self) -> Mapping[str, HistoryEntry]:
        return self.state.history

    def over(self, past: Incident, lasted_s: float) -> list[Entry]:
        """An incident is over for one of its routes."""
        entries = list(remembered(self.history, past, Micros(past.since + round(lasted_s * SECOND))))
        for entry in entries:
            self.state = self.state.apply(entry)
        return entries

    def had(self, *lasted_s: float, **fields) -> "Memory":
        """Incidents of one kind, an hour apart."""
        for each in lasted_s:
            self.over(incident(at_s=self.next_s, **fields), each)
            self.next_s += HOUR
        return self

    def expected(self, *, so_far_s: float = 0, **fields) -> tuple[float, int, str]:
        found = expected_duration(self.history, incident(**fields), Micros(NOW + round(so_far_s * SECOND)))
        return found.us / SECOND, found.incidents, found.like


# What it is compared with.


def test_of_the_same_cause_and_model_three_are_enough():
    memory = Memory().had(60, 90, 4_000).had(*[1] * 9, name="birch", provider="birch-works")
    assert memory.expected() == (90, 3, "unavailable of atlas")


def test_with_too_few_of_the_model_its_provider_is_looked_at_and_then_the_cause_alone():
    memory = Memory().had(60, 90).had(200, 300, name="atlas-small").had(7, 8, 9, name="birch", provider="birch-works")
    assert memory.expected() == (200, 4, "unavailable at provider atlas-works")
    fewer = Memory().had(60, 90).had(7, 8, 9, name="birch", provider="birch-works")
    assert fewer.expected() == (9, 5, "unavailable")


def test_too_few_everywhere_are_told_as_what_they_are():
    assert Memory().had(60).expected() == (60, 1, "unavailable of atlas")
    assert Memory().had(60).had(90, name="birch", provider="b").expected() == (90, 2, "unavailable")


def test_another_cause_is_never_alike():
    memory = Memory().had(60, 60, 60, trigger=Trigger.LATENCY)
    assert memory.expected() == (0, 0, "unavailable of atlas")


def test_where_nothing_is_known_that_is_said():
    assert Memory().expected() == (0, 0, "unavailable of atlas")
    assert Memory().expected(name="", provider="", trigger=Trigger.GUARD_MISSING) == (0, 0, "guard missing")


def test_it_is_the_median_and_one_long_one_moves_it_little():
    assert Memory().had(60, 50, 86_400, 70, 40).expected() == (60, 5, "unavailable of atlas")
    assert Memory().had(60, 50, 80, 70).expected()[0] == 70, "of the two in the middle the longer"


# What it has lasted already.


def test_an_incident_is_compared_with_those_alone_that_lasted_longer_than_it_has():
    memory = Memory().had(10, 20, 30, 400, 500, 600)
    assert memory.expected(so_far_s=30) == (500, 3, "unavailable of atlas")
    assert memory.expected(so_far_s=29) == (500, 4, "unavailable of atlas")


def test_one_that_has_outlasted_its_model_is_compared_with_a_wider_class():
    memory = Memory().had(10, 20, 30).had(400, 500, 600, name="birch", provider="birch-works")
    assert memory.expected(so_far_s=60) == (500, 3, "unavailable")


def test_one_that_has_outlasted_all_is_said_to_have():
    assert Memory().had(10, 20, 30).expected(so_far_s=30) == (0, 3, "unavailable of atlas")


@given(st.lists(st.integers(1, 10**6), max_size=20), st.integers(0, 10**6))
def test_nothing_is_ever_expected_to_be_over_already(lasted, so_far):
    us, count, like = Memory().had(*lasted).expected(so_far_s=so_far)
    assert us == 0 or us > so_far
    assert count <= min(len(lasted), HISTORY_MAX)
    assert like == "unavailable of atlas"
    assert (us == 0) == all(each <= so_far for each in lasted[-HISTORY_MAX:])


# What is remembered.


def test_routes_that_left_together_are_one_incident_that_lasts_until_the_last_is_back():
    memory = Memory()
    for late_s, lasted_s in ((0, 100), (2, 90), (1, 300), (60, 20)):
        memory.over(incident(at_s=late_s), lasted_s)
    memory.over(incident(at_s=61), 5)
    memory.over(incident(at_s=-3), 310)
    assert memory.history["unavailable/atlas"].incidents == (
        Past(Micros(NOW - 3 * SECOND), Micros(310 * SECOND)),
        Past(Micros(NOW + 61 * SECOND), Micros(5 * SECOND)),
    )
    assert ONE_INCIDENT_US == 60 * SECOND


@pytest.mark.parametrize("order", [1, -1])
def test_one_incident_lasts_from_when_the_first_route_left_until_the_last_is_back(order):
    memory = Memory()
    for late_s, lasted_s in ((0, 100), (50, 90))[::order]:
        memory.over(incident(at_s=late_s), lasted_s)
    assert memory.history["unavailable/atlas"].incidents == (Past(NOW, Micros(140 * SECOND)),)


def test_an_incident_is_not_compared_with_itself_while_some_of_its_routes_are_back():
    memory = Memory()
    memory.over(incident(at_s=-60), 100)
    assert memory.expected(so_far_s=50) == (0, 0, "unavailable of atlas")
    memory.over(incident(at_s=-HOUR), 200)
    assert memory.expected(so_far_s=50) == (200, 1, "unavailable of atlas")


def test_what_begins_again_after_it_was_over_is_another_incident_however_soon():
    memory = Memory()
    memory.over(incident(at_s=-20), 20)
    assert memory.expected() == (20, 1, "unavailable of atlas")
    memory.over(incident(), 5)
    assert [past.lasted_us / SECOND for past in memory.history["unavailable/atlas"].incidents] == [20, 5]


def test_a_thousand_routes_of_one_outage_write_little():
    memory = Memory()
    written = [len(memory.over(incident(), 100)) for _ in range(1_000)]
    assert written == [3] + [0] * 999


def test_a_class_remembers_its_last_incidents_only():
    memory = Memory().had(*range(1, HISTORY_MAX + 6))
    assert [past.lasted_us / SECOND for past in memory.history["unavailable/atlas"].incidents] == list(
        range(6, HISTORY_MAX + 6)
    )


def test_a_provider_cannot_be_mistaken_for_a_model_whatever_it_is_called():
    memory = Memory().had(60, name="atlas", provider="birch").had(90, name="birch", provider="a/b\n…")
    keys = sorted(memory.history)
    assert [key for key in keys if "@" not in key] == ["unavailable", "unavailable/atlas", "unavailable/birch"]
    assert all(len(key.partition("@")[2]) == 64 for key in keys if "@" in key)
    assert memory.expected(name="x", provider="birch")[2] == "unavailable"


def test_classes_are_bounded_and_the_one_that_ended_longest_ago_is_forgotten():
    memory = Memory()
    models = HISTORY_CLASSES_MAX + 5
    for number in range(models):
        memory.had(10, name=f"m{number}", provider="")
    assert len(memory.history) == HISTORY_CLASSES_MAX
    assert "unavailable" in memory.history
    assert [f"unavailable/m{n}" in memory.history for n in (5, 6, models - 1)] == [False, True, True]
    entries = memory.over(incident("new", "", at_s=memory.next_s), 1)
    assert [entry for entry in entries if entry.value is None] == [Entry("history/unavailable/m6", None)]


def test_which_class_is_forgotten_does_not_depend_on_how_they_came_in():
    names = [f"m{number}" for number in range(HISTORY_CLASSES_MAX - 1)]
    kept = []
    for order in (names, list(reversed(names))):
        memory = Memory()
        for name in order:
            memory.over(incident(name, ""), 10)
        memory.over(incident("new", "", at_s=HOUR), 10)
        kept.append(set(memory.history))
    assert kept[0] == kept[1]


# In the decision.


def outage(it, lasted_s):
    """The primary is away for so long, and the route comes back to it; then an hour goes by."""
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    begun = it.last
    it.wait(lasted_s - 5)
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(5)
    assert it.target == "atlas"
    it.wait(HOUR)
    return begun


def told(change):
    return Expected(change.expected_us, change.expected_from, change.expected_like)


def test_an_order_says_how_long_like_incidents_lasted_and_how_many_they_were():
    it = running()
    begun = [outage(it, lasted) for lasted in (60, 400, 90)]
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    like = "unavailable of atlas"
    assert [told(each) for each in begun] == [
        Expected(Micros(0), 0, like),
        Expected(Micros(60 * SECOND), 1, like),
        Expected(Micros(400 * SECOND), 2, like),
    ]
    assert told(it.last) == Expected(Micros(90 * SECOND), 3, like)


def test_a_later_order_of_the_same_incident_expects_more_of_it():
    it = running()
    for lasted in (60, 400, 90):
        outage(it, lasted)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.wait(95)
    it.verdict("birch", "unavailable", Level.UNAVAILABLE)
    assert (it.target, told(it.last)) == ("cedar", Expected(Micros(400 * SECOND), 1, "unavailable of atlas"))
    it.wait(400)
    it.verdict("cedar", "unavailable", Level.UNAVAILABLE)
    assert (it.target, told(it.last)) == (None, Expected(Micros(0), 3, "unavailable of atlas"))


def test_an_order_that_ends_an_incident_expects_nothing():
    it = running()
    outage(it, 60)
    assert told(it.last) == Expected(Micros(0), 0, "")


def test_models_of_one_provider_are_alike_in_it():
    it = running((model("atlas", provider="one"), model("birch", provider="one"), model("cedar", provider="two")))
    outage(it, 60)
    assert [it.state.history[key].incidents[0].lasted_us for key in it.state.history if "@" in key] == [60 * SECOND]
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert (it.entry.incident.model, it.entry.incident.provider) == ("atlas", "one")


def test_an_incident_that_is_about_no_model_is_alike_in_its_cause():
    it = running()
    it.command(Verb.SUSPEND)
    it.wait(600)
    it.command(Verb.RESUME)
    it.wait(HOUR)
    assert it.target == "atlas"
    it.command(Verb.SUSPEND)
    assert told(it.last) == Expected(Micros(600 * SECOND), 1, "suspended")
    assert (it.entry.incident.model, it.entry.incident.provider) == ("", "")


def test_a_canary_that_is_rolled_back_to_the_primary_is_no_duration():
    it = running(triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    it.verdict("atlas", "latency>2s", Level.HEALTHY)
    it.judge(Level.DEGRADED)
    assert (it.target, it.entry.canary) == ("atlas", None)
    assert not [key for key in it.state.history if key.startswith("latency")]
