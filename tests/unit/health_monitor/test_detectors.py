from collections.abc import Sequence
from itertools import groupby, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.health_monitor.core.answers import Answers
from interlock.health_monitor.core.credential import Credential
from interlock.health_monitor.core.detector import Detector, Tally, tally
from interlock.health_monitor.core.errors import Errors
from interlock.health_monitor.core.latency import SLOW_SHARE_MAX, Latency
from interlock.health_monitor.core.runs import Runs
from interlock.health_monitor.core.throttled import Throttled
from interlock.health_monitor.core.unavailable import Unavailable
from interlock.health_monitor.core.window import ShareInWindow
from interlock.health_monitor.core.wrong_model import SHARE_MAX, WrongModel
from interlock.records.health import Cell, Level, Outcome
from interlock.records.sketch import bucket
from interlock.vocabulary.time import SECOND, Micros, seconds

T0 = Micros(1_780_000_000 * SECOND)
WINDOW = seconds(30)
OK, FAULT, THROTTLED = Tally(ok=1), Tally(faults=1), Tally(throttled=1)


def at(after_s: float) -> Micros:
    return Micros(T0 + seconds(after_s))


def share(limit: float, calls_min: int = 5) -> ShareInWindow:
    return ShareInWindow(WINDOW, calls_min, limit)


def told(detector: Detector, seen: Sequence[Tally], start_s: float = 0) -> list[Level]:
    """One batch a second; the level after each."""
    levels = []
    for second, batch in enumerate(seen):
        detector.observe(batch, at(start_s + second))
        levels.append(detector.judge(at(start_s + second)).level)
    return levels


def mine(name: str) -> bool:
    """The names of the model that is judged."""
    return name in {"atlas-2026", "atlas"}


def took(*latencies_s: float) -> Tally:
    counts: dict[int, int] = {}
    for latency_s in latencies_s:
        counts[bucket(latency_s)] = counts.get(bucket(latency_s), 0) + 1
    return Tally(ok=len(latencies_s), latency=counts)


class TestTally:
    def test_only_the_providers_faults_are_faults(self):
        outcomes = dict.fromkeys([*Outcome, "an_unknown_class"], 1)
        counted = tally((Cell("support", "main", "*", outcomes, {}, {}, {}),), mine)
        assert (counted.ok, counted.faults, counted.throttled, counted.calls) == (1, 7, 1, 9)
        assert (counted.credential, counted.refused, counted.malformed) == (1, 1, 1)

    def test_names_are_the_models_own_or_not(self):
        named = {"atlas-2026": 5, "atlas": 2, "birch-2026": 3, "": 1}
        counted = tally((Cell("support", "main", "*", {}, {}, {}, named),), mine)
        assert (counted.own_names, counted.other_names) == (7, 4)

    def test_calls_are_the_probes_only_if_all_of_them_are(self):
        probe, agent = (Cell(name, "main", "*", {"ok": 1}, {}, {}, {}) for name in ("probe", "support"))
        assert [tally(cells, mine).probed for cells in ((probe,), (agent,), (probe, agent))] == [True, False, False]

    @given(st.permutations(range(6)))
    def test_the_order_of_the_cells_makes_no_difference(self, order: list[int]):
        cells = [Cell(f"a{n}", "main", "*", {"ok": n, "timeout": 2 * n}, {n % 3: n}, {}, {}) for n in range(6)]
        assert tally(tuple(cells[n] for n in order), mine) == tally(tuple(cells), mine)


class TestUnavailable:
    def test_five_faults_in_a_row_are_enough_and_four_are_not(self):
        assert told(Unavailable(Runs(5, 3)), [OK, OK, OK] + [FAULT] * 5)[-2:] == [Level.HEALTHY, Level.UNAVAILABLE]

    def test_a_dead_model_is_found_within_six_calls_even_if_the_first_fault_shares_a_batch_with_a_success(self):
        detector = Unavailable(Runs(5, 3))
        assert told(detector, [OK, OK, OK, Tally(ok=1, faults=1)] + [FAULT] * 5)[-1] is Level.UNAVAILABLE

    def test_a_success_in_between_begins_the_count_anew(self):
        assert Level.UNAVAILABLE not in told(Unavailable(Runs(5, 3)), ([FAULT] * 4 + [OK]) * 5)

    def test_three_successes_in_a_row_mend_it_and_two_do_not(self):
        levels = told(Unavailable(Runs(5, 3)), [FAULT] * 5 + [OK] * 3)
        assert levels[-2:] == [Level.UNAVAILABLE, Level.HEALTHY]

    def test_throttled_replies_neither_make_nor_break_a_run(self):
        assert told(Unavailable(Runs(5, 3)), [THROTTLED] * 9) == [Level.UNKNOWN] * 9
        assert told(Unavailable(Runs(5, 3)), [FAULT] * 4 + [THROTTLED] * 3 + [FAULT])[-1] is Level.UNAVAILABLE
        assert told(Unavailable(Runs(5, 3)), [OK] * 2 + [THROTTLED] * 3 + [OK])[-1] is Level.HEALTHY

    def test_nothing_is_known_before_the_first_run(self):
        assert told(Unavailable(Runs(5, 3)), [OK, OK, FAULT, OK, FAULT])[-1] is Level.UNKNOWN

    def test_a_busy_model_with_a_few_faults_in_every_batch_is_alive(self):
        assert told(Unavailable(Runs(5, 3)), [Tally(ok=95, faults=5)])[-1] is Level.HEALTHY

    def test_one_that_fails_nine_calls_in_ten_is_gone(self):
        assert told(Unavailable(Runs(5, 3)), [OK] * 3 + [Tally(ok=10, faults=90)])[-1] is Level.UNAVAILABLE

    @given(st.integers(0, 5), st.integers(0, 5))
    def test_a_mixed_batch_counts_only_for_a_run_that_it_holds_in_every_order(self, successes: int, faults: int):
        def longest(calls: Sequence[str], kind: str) -> int:
            return max((len(list(run)) for what, run in groupby(calls) if what == kind), default=0)

        orders = set(permutations("s" * successes + "f" * faults)) if successes + faults <= 7 else set()
        level = told(Unavailable(Runs(2, 2)), [Tally(ok=successes, faults=faults)])[0]
        if orders:
            must_fail = min(longest(order, "f") for order in orders) >= 2
            must_work = min(longest(order, "s") for order in orders) >= 2
            assert (level is Level.UNAVAILABLE) == must_fail
            assert (level is Level.HEALTHY) == (must_work and not must_fail)


class TestErrors:
    def test_a_share_above_the_limit_is_degraded_and_at_the_limit_is_not(self):
        assert told(Errors(share(0.2)), [Tally(ok=8, faults=2)])[-1] is Level.HEALTHY
        assert told(Errors(share(0.2)), [Tally(ok=7, faults=3)])[-1] is Level.DEGRADED

    def test_too_small_a_sample_is_unknown_however_it_looks(self):
        assert told(Errors(share(0.2)), [OK] * 5) == [Level.UNKNOWN] * 4 + [Level.HEALTHY]
        assert told(Errors(share(0.2)), [FAULT] * 5) == [Level.UNKNOWN] * 4 + [Level.DEGRADED]

    def test_what_left_the_window_counts_no_more(self):
        detector = Errors(share(0.2))
        told(detector, [Tally(faults=50)])
        assert told(detector, [Tally(ok=5)], start_s=31) == [Level.HEALTHY]

    def test_a_degraded_model_that_is_called_less_stays_degraded_until_the_window_is_empty(self):
        detector = Errors(share(0.2))
        assert told(detector, [Tally(ok=2, faults=4)]) == [Level.DEGRADED]
        assert told(detector, [OK], start_s=28) == [Level.DEGRADED]
        assert detector.judge(at(32)).level is Level.DEGRADED, "one call is left, which is no evidence of recovery"
        assert detector.judge(at(60)).level is Level.UNKNOWN
        assert told(detector, [OK], start_s=61) == [Level.UNKNOWN]

    def test_throttled_replies_are_not_in_the_sample(self):
        assert told(Errors(share(0.2)), [Tally(ok=3, faults=2, throttled=100)]) == [Level.DEGRADED]
        assert told(Errors(share(0.2)), [Tally(throttled=100)]) == [Level.UNKNOWN]


class TestThrottled:
    def test_a_storm_of_429_is_degraded_and_ends_with_the_window(self):
        detector = Throttled(share(0.3))
        assert told(detector, [Tally(ok=5, throttled=5)]) == [Level.DEGRADED]
        assert told(detector, [Tally(ok=9, throttled=1)], start_s=31) == [Level.HEALTHY]

    def test_faults_are_in_the_sample_and_are_not_throttled(self):
        assert told(Throttled(share(0.3)), [Tally(faults=10)]) == [Level.HEALTHY]


class TestLatency:
    def detector(self) -> Latency:
        return Latency(share(SLOW_SHARE_MAX), 2.0)

    def test_more_than_one_slow_call_in_twenty_is_degraded(self):
        assert told(self.detector(), [took(*[1.0] * 19, 3.0)]) == [Level.HEALTHY]
        assert told(self.detector(), [took(*[1.0] * 18, 3.0, 3.0)]) == [Level.DEGRADED]

    def test_a_call_at_the_limit_is_not_slow(self):
        assert told(self.detector(), [took(*[2.0] * 10)]) == [Level.HEALTHY]

    def test_failed_calls_say_nothing_about_speed(self):
        assert told(self.detector(), [Tally(faults=50, throttled=50)]) == [Level.UNKNOWN]


class TestCredential:
    def test_five_in_a_row_are_enough_four_are_not_and_three_successes_mend_it(self):
        failing, levels = Tally(faults=1, credential=1), Credential(Runs(5, 3))
        assert told(levels, [OK] * 3 + [failing] * 5)[-2:] == [Level.HEALTHY, Level.UNAVAILABLE]
        assert told(levels, [OK] * 3)[-2:] == [Level.UNAVAILABLE, Level.HEALTHY]

    def test_what_failed_for_another_reason_says_nothing_about_the_credential(self):
        detector = Credential(Runs(5, 3))
        assert not detector.observe(Tally(faults=9, throttled=9, refused=9), at(0))
        assert detector.judge(at(0)).level is Level.UNKNOWN

    def test_other_faults_in_between_do_not_break_the_run(self):
        failing = Tally(faults=1, credential=1)
        assert told(Credential(Runs(5, 3)), [failing] * 4 + [FAULT] * 3 + [failing])[-1] is Level.UNAVAILABLE


class TestWrongModel:
    def detector(self) -> WrongModel:
        return WrongModel(share(SHARE_MAX))

    def test_one_wrong_name_among_many_right_ones_is_degraded(self):
        assert told(self.detector(), [Tally(own_names=999)]) == [Level.HEALTHY]
        assert told(self.detector(), [Tally(own_names=999, other_names=1)]) == [Level.DEGRADED]

    def test_it_is_healthy_again_once_the_window_holds_right_names_only(self):
        detector = self.detector()
        told(detector, [Tally(other_names=9)])
        assert told(detector, [Tally(own_names=9)], start_s=20) == [Level.DEGRADED]
        assert told(detector, [Tally(own_names=9)], start_s=31) == [Level.HEALTHY]

    def test_too_few_names_say_nothing(self):
        assert told(self.detector(), [Tally(other_names=4)]) == [Level.UNKNOWN]

    def test_a_batch_without_names_says_nothing(self):
        assert not self.detector().observe(Tally(ok=9), at(0))


class TestAnswers:
    def detector(self) -> Answers:
        return Answers(share(0.1), share(0.1), lambda seen: seen.refused, "were refused")

    def test_a_share_above_the_limit_is_degraded_and_at_the_limit_is_not(self):
        assert told(self.detector(), [Tally(ok=9, refused=1)]) == [Level.HEALTHY]
        assert told(self.detector(), [Tally(ok=8, refused=1)]) == [Level.DEGRADED]

    def test_a_model_that_refuses_every_call_is_degraded(self):
        assert told(self.detector(), [Tally(refused=1)] * 5)[-1] is Level.DEGRADED

    def test_other_useless_answers_and_faults_are_not_in_the_sample(self):
        flooded = Tally(ok=4, refused=1, malformed=100, faults=100, throttled=100)
        assert told(self.detector(), [flooded]) == [Level.DEGRADED]
        assert not self.detector().observe(Tally(malformed=9, faults=9, throttled=9), at(0))

    def test_the_probes_calls_do_not_hide_that_every_call_of_an_agent_is_refused(self):
        probed = Tally(ok=100, probed=True)
        assert told(self.detector(), [probed, Tally(refused=5)]) == [Level.HEALTHY, Level.DEGRADED]

    def test_a_standby_that_only_the_probe_calls_is_healthy(self):
        assert told(self.detector(), [Tally(ok=1, probed=True)] * 5)[-1] is Level.HEALTHY

    def test_a_model_that_all_agents_have_left_becomes_healthy_by_its_probes(self):
        detector = self.detector()
        told(detector, [Tally(refused=9)])
        probes = told(detector, [Tally(ok=1, probed=True)] * 40, start_s=1)
        assert (probes[20], probes[-1]) == (Level.DEGRADED, Level.HEALTHY)


@pytest.mark.parametrize("limit", [0.0, 0.2, 1.0])
@given(
    batches=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40)
)
def test_the_windows_share_is_that_of_the_calls_of_its_last_thirty_steps(
    limit: float, batches: list[tuple[int, int, int]]
):
    window = ShareInWindow(Micros(30_000), 1, limit)
    now, kept = 0, []
    for wait, against, others in batches:
        now += wait % 20_000
        window.count(against, against + others, Micros(now))
        kept.append((now // 1_000, against, against + others))
    inside = [(against, calls) for step, against, calls in kept if step > now // 1_000 - 30]
    against, calls = sum(part for part, _ in inside), sum(whole for _, whole in inside)
    judgement = window.judge(Micros(now), "failed")
    assert judgement.calls == calls
    if calls:
        assert (judgement.level is Level.DEGRADED) == (against > limit * calls)
