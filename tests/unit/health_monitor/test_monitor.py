from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.health_monitor.core.monitor import Monitor
from interlock.health_monitor.core.objectives import Rules, without_producer
from interlock.policy.book import Book
from interlock.records.health import Cell, Level, Outcome, TelemetryBatch, Verdict
from interlock.records.rules import CanaryPlan, Mode, TriggerRule, WatchedTrigger
from interlock.records.sealing import open_sealed
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import NOW, TRIGGERS, Deployment, model
from interlock.vocabulary.limits import CALLS_MAX, SKETCH_BUCKETS_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, seconds

RULES = Rules(
    window_us=seconds(30),
    calls_min=5,
    faults_in_a_row=5,
    successes_in_a_row=3,
    silence_us=seconds(10),
    refresh_us=seconds(1),
    validity_us=seconds(5),
)
DEPLOYMENT = Deployment()
BOOK = DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas", "birch"]))
OBJECTIVES = {"unavailable", "errors>0.2", "throttled>0.3", "latency>2s"}
EVERY = (
    *TRIGGERS,
    TriggerRule(WatchedTrigger.REFUSALS, 0.1, Micros(0), Mode.SUSPEND),
    TriggerRule(WatchedTrigger.SCHEMA_FAILURES, 0.05, Micros(0)),
    TriggerRule(WatchedTrigger.CREDENTIAL, 0.0, Micros(0)),
    TriggerRule(WatchedTrigger.WRONG_MODEL, 0.0, Micros(0)),
)
PRODUCED = OBJECTIVES | {"refusals>0.1", "schema_failures>0.05", "credential", "wrong_model"}
UNPRODUCED = (
    TriggerRule(WatchedTrigger.QUALITY, 0.8, Micros(0), metric="groundedness"),
    TriggerRule(WatchedTrigger.LOW_CONFIDENCE, 0.3, Micros(0)),
    TriggerRule(WatchedTrigger.COST, 12.0, Micros(0)),
)
WATCHFUL = DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas", "birch"], triggers=EVERY))
counts = st.dictionaries(st.sampled_from(Outcome) | st.text(max_size=9), st.integers(0, CALLS_MAX), max_size=6)
buckets = st.dictionaries(
    st.integers(1 - SKETCH_BUCKETS_MAX, SKETCH_BUCKETS_MAX - 1), st.integers(0, CALLS_MAX), max_size=6
)
cells = st.builds(Cell, st.text(max_size=9), st.text(max_size=9), st.text(max_size=9), counts, buckets, buckets, counts)


def at(after_s: float) -> Micros:
    return Micros(NOW + seconds(after_s))


def sealed(batch: TelemetryBatch) -> Verified[TelemetryBatch]:
    opened = open_sealed(DEPLOYMENT.seal(batch, batch.reporter), DEPLOYMENT.root, TelemetryBatch)
    assert isinstance(opened, Verified)
    return opened


class Bench:
    """A monitor, told of calls second by second."""

    def __init__(self, book: Book = BOOK) -> None:
        self.monitor = Monitor(RULES)
        self.monitor.watch(book, at(0))
        self.book = book
        self.sequence = 0

    def tell(
        self,
        after_s: float,
        outcomes: dict[str, int],
        *,
        model: str = "atlas",
        reporter: str = "probe-1",
        agent: str = "support",
        named: str = "",
    ) -> Refused | None:
        self.sequence += 1
        latency = {0: outcomes.get("ok", 0)}
        names = {named or f"{model}-2026": outcomes.get("ok", 0)}
        cell = Cell(agent, "main", "*", outcomes, latency, {}, names)
        batch = TelemetryBatch(reporter, model, at(after_s), at(after_s), self.sequence, (cell,))
        return self.monitor.observe(sealed(batch), at(after_s))

    def judge(self, after_s: float) -> dict[str, Verdict]:
        return {f"{said.model} {said.objective}": said for said in self.monitor.judge(at(after_s))}

    def run(self, seconds_: Iterable[int], outcomes: dict[str, int], **how: str) -> dict[str, Verdict]:
        """A batch each second; every verdict said meanwhile, the last of each objective."""
        said: dict[str, Verdict] = {}
        for second in seconds_:
            assert self.tell(second, outcomes, **how) is None
            said |= self.judge(second)
        return said


def levels(said: dict[str, Verdict]) -> dict[str, Level]:
    return {key: verdict.level for key, verdict in said.items()}


def test_a_standby_that_is_only_probed_is_healthy_under_every_objective_within_five_calls():
    said = Bench().run(range(5), {"ok": 1}, model="birch")
    assert levels(said) == {f"birch {objective}": Level.HEALTHY for objective in OBJECTIVES}


def test_a_dead_model_is_unavailable_at_the_fifth_call():
    bench = Bench()
    bench.run(range(5), {"ok": 1})
    assert levels(bench.run(range(5, 9), {"connection": 1}))["atlas unavailable"] is Level.HEALTHY
    verdict = bench.run(range(9, 10), {"connection": 1})["atlas unavailable"]
    assert (verdict.level, verdict.detail) == (Level.UNAVAILABLE, "the last 5 calls failed")


def test_a_changed_level_is_said_at_once_and_an_unchanged_one_every_second():
    bench = Bench()
    bench.run(range(5), {"ok": 1})
    assert bench.judge(4.5) == {}
    refreshed = bench.judge(5)["atlas unavailable"]
    assert (refreshed.issued_at, refreshed.valid_until, refreshed.since) == (at(5), at(10), at(2))
    bench.tell(5.1, {"connection": 5})
    assert levels(bench.judge(5.1)) == {"atlas unavailable": Level.UNAVAILABLE, "atlas errors>0.2": Level.DEGRADED}


def test_after_a_silence_everything_is_unknown_and_healthy_must_be_earned_again():
    bench = Bench(DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas"])))
    bench.run(range(5), {"ok": 1})
    assert set(levels(bench.judge(13.9)).values()) == {Level.HEALTHY}
    said = bench.judge(14)
    assert levels(said) == {f"atlas {objective}": Level.UNKNOWN for objective in OBJECTIVES}
    assert (said["atlas unavailable"].calls, said["atlas unavailable"].reporters) == (0, ())
    assert levels(bench.run(range(15, 17), {"ok": 1}))["atlas unavailable"] is Level.UNKNOWN
    assert levels(bench.run(range(17, 18), {"ok": 1}))["atlas unavailable"] is Level.HEALTHY


def test_calls_that_say_nothing_about_the_provider_break_no_silence():
    bench = Bench()
    bench.run(range(5), {"ok": 1})
    bench.run(range(5, 14), {"cancelled": 1, "caller_fault": 1, "policy_refusal": 1, "schema_failure": 1})
    assert levels(bench.judge(14))["atlas unavailable"] is Level.UNKNOWN


def test_a_monitor_that_has_just_started_does_not_take_back_what_its_predecessor_said():
    bench = Bench()
    assert bench.judge(0) == {}
    assert bench.judge(9.9) == {}
    assert set(levels(bench.judge(10)).values()) == {Level.UNKNOWN}


def test_what_an_agent_can_bring_about_with_its_requests_changes_no_level():
    bench = Bench()
    bench.run(range(5), {"ok": 1})
    said = bench.run(range(5, 40), {"ok": 1, "policy_refusal": 50, "schema_failure": 50, "caller_fault": 50})
    assert levels(said) == {f"atlas {objective}": Level.HEALTHY for objective in OBJECTIVES} | {
        f"birch {objective}": Level.UNKNOWN for objective in OBJECTIVES
    }


def test_the_calls_of_several_reporters_are_added_up_and_both_are_named():
    bench = Bench()
    bench.tell(0, {"ok": 3}, reporter="gateway-1")
    bench.tell(0, {"ok": 2}, reporter="probe-1")
    verdict = bench.judge(0)["atlas errors>0.2"]
    assert (verdict.calls, verdict.reporters) == (5, ("gateway-1", "probe-1"))


def test_a_reporter_that_told_nothing_for_a_window_is_no_longer_named():
    bench = Bench()
    bench.run(range(5), {"ok": 1}, reporter="gateway-1")
    said = bench.run(range(5, 35), {"ok": 1}, reporter="probe-1")
    assert said["atlas unavailable"].reporters == ("probe-1",)


def test_a_repeated_batch_counts_once():
    bench = Bench()
    bench.tell(0, {"ok": 1})
    bench.sequence -= 1
    refused = bench.tell(1, {"connection": 9})
    assert refused is not None
    assert refused.reason is Reason.NOT_NEWER


def test_numbers_of_one_reporter_are_compared_for_each_model_by_itself():
    bench = Bench()
    bench.sequence = 5
    assert bench.tell(0, {"ok": 1}, model="atlas") is None
    bench.sequence = 3
    assert bench.tell(0, {"ok": 1}, model="birch") is None


def test_a_batch_for_a_model_that_no_ladder_names_is_refused():
    refused = Bench().tell(0, {"ok": 1}, model="shadow")
    assert refused == Refused(Reason.MODEL_NOT_USED, "shadow")


def test_a_batch_of_another_time_is_refused():
    bench = Bench()

    def observe(start_s: float, end_s: float) -> Reason | None:
        bench.sequence += 1
        batch = TelemetryBatch("probe-1", "atlas", at(start_s), at(end_s), bench.sequence, ())
        refused = bench.monitor.observe(sealed(batch), at(0))
        return refused.reason if refused else None

    assert observe(5, 5.5) is Reason.FROM_THE_FUTURE
    assert observe(-60, -31) is Reason.EXPIRED
    assert observe(2, 1) is Reason.OUT_OF_BOUNDS
    assert observe(0, 2**30) is Reason.FROM_THE_FUTURE
    assert observe(-60, -29) is None


def test_two_agents_with_the_same_objective_share_a_verdict_and_others_get_their_own():
    strict = (TriggerRule(WatchedTrigger.LATENCY, 0.5, Micros(0)), TriggerRule(WatchedTrigger.LATENCY, 2.0, Micros(9)))
    second = DEPLOYMENT.policy("triage", ["atlas"], triggers=(TRIGGERS[0], *strict))
    bench = Bench(DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas"]), second))
    said = bench.run(range(5), {"ok": 1})
    assert {key: said[key].level for key in ("atlas latency>0.5s", "atlas latency>2s")} == {
        "atlas latency>0.5s": Level.DEGRADED,
        "atlas latency>2s": Level.HEALTHY,
    }
    assert len(said) == len(OBJECTIVES) + 1


def test_a_new_policy_keeps_what_was_seen_and_drops_what_nobody_asks_for():
    bench = Bench()
    bench.run(range(5), {"ok": 1})
    fewer = (TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0)),)
    renewed = DEPLOYMENT.policy("support", ["atlas", "cedar"], version=2, triggers=fewer)
    bench.monitor.watch(DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas"]), renewed), at(5))
    assert levels(bench.judge(5)) == {"atlas unavailable": Level.HEALTHY}
    assert bench.tell(5, {"ok": 1}, model="birch") == Refused(Reason.MODEL_NOT_USED, "birch")
    assert bench.tell(5, {"ok": 1}, model="cedar") is None


def test_a_standby_that_is_only_probed_is_healthy_under_every_objective_that_telemetry_allows():
    said = Bench(WATCHFUL).run(range(5), {"ok": 1}, model="birch", agent="probe")
    assert levels(said) == {f"birch {objective}": Level.HEALTHY for objective in PRODUCED}


def test_refused_answers_count_under_refusals_alone():
    bench = Bench(WATCHFUL)
    bench.run(range(5), {"ok": 1})
    said = levels(bench.run(range(5, 10), {"ok": 1, "policy_refusal": 1}))
    assert {key for key, level in said.items() if level is Level.DEGRADED} == {"atlas refusals>0.1"}


def test_answers_that_do_not_fit_count_under_schema_failures_alone():
    bench = Bench(WATCHFUL)
    bench.run(range(5), {"ok": 1})
    said = levels(bench.run(range(5, 10), {"ok": 1, "schema_failure": 1}))
    assert {key for key, level in said.items() if level is Level.DEGRADED} == {"atlas schema_failures>0.05"}


def test_a_model_that_only_refuses_is_degraded_there_and_unknown_elsewhere():
    bench = Bench(WATCHFUL)
    bench.run(range(5), {"ok": 1})
    said = levels(bench.run(range(5, 30), {"policy_refusal": 1}))
    assert (said["atlas refusals>0.1"], said["atlas unavailable"]) == (Level.DEGRADED, Level.UNKNOWN)


def test_a_credential_that_fails_is_told_from_other_faults():
    bench = Bench(WATCHFUL)
    bench.run(range(5), {"ok": 1})
    assert levels(bench.run(range(5, 10), {"connection": 1}))["atlas credential"] is Level.HEALTHY
    verdict = bench.run(range(10, 15), {"credential": 1})["atlas credential"]
    assert (verdict.level, verdict.detail) == (Level.UNAVAILABLE, "the last 5 calls failed for their credential")


def test_answers_under_another_models_name_are_a_wrong_model():
    bench = Bench(WATCHFUL)
    assert levels(bench.run(range(5), {"ok": 1}, named="atlas-2026-01-15"))["atlas wrong_model"] is Level.HEALTHY
    bench.tell(5, {"ok": 1}, named="birch-2026")
    verdict = bench.judge(5)["atlas wrong_model"]
    assert (verdict.level, verdict.detail) == (Level.DEGRADED, "1 of 6 calls bore another model's name")


def test_where_policies_differ_about_a_models_names_any_of_them_will_do():
    renamed = model("atlas", aliases=("atlas-next",))
    first = DEPLOYMENT.policy("support", ["atlas"], triggers=EVERY)
    bench = Bench(DEPLOYMENT.book(first, DEPLOYMENT.policy("triage", [renamed], triggers=EVERY)))
    for name, began in (("atlas-next", 0), ("atlas-2026-01-15", 40)):
        said = levels(bench.run(range(began, began + 5), {"ok": 1}, named=name))
        assert said["atlas wrong_model"] is Level.HEALTHY
    assert levels(bench.run(range(45, 50), {"ok": 1}, named="cedar"))["atlas wrong_model"] is Level.DEGRADED


def test_names_are_judged_by_the_policy_that_is_held_now():
    bench = Bench(WATCHFUL)
    bench.run(range(5), {"ok": 1}, named="atlas-2026-01-15")
    strict = DEPLOYMENT.policy("support", [model("atlas", aliases=())], version=2, triggers=EVERY)
    bench.monitor.watch(DEPLOYMENT.book(strict), at(5))
    assert levels(bench.run(range(5, 10), {"ok": 1}, named="atlas-2026-01-15"))["atlas wrong_model"] is Level.DEGRADED


def test_of_objectives_without_a_producer_nothing_is_said():
    policy = DEPLOYMENT.policy("support", ["atlas"], triggers=(*TRIGGERS, *UNPRODUCED))
    said = Bench(DEPLOYMENT.book(policy)).run(range(30), {"ok": 1})
    assert set(said) == {f"atlas {objective}" for objective in OBJECTIVES}


def test_objectives_without_a_producer_are_named():
    canary = CanaryPlan((5, 50), 10, seconds(1), seconds(9))
    rule = DEPLOYMENT.rule(["atlas"], triggers=(*EVERY, *UNPRODUCED), canary=canary)
    expected = ["canary", "cost>12", "low_confidence>0.3", "quality.groundedness<0.8"]
    assert without_producer(DEPLOYMENT.policy_of("support", rule)) == expected
    assert without_producer(DEPLOYMENT.policy_of("support", DEPLOYMENT.rule(["atlas"], triggers=EVERY))) == []


def test_a_clock_that_was_set_back_makes_the_monitor_begin_anew():
    bench = Bench()
    bench.run(range(100, 105), {"ok": 1})
    bench.monitor.watch(bench.book, at(104))
    bench.monitor.watch(bench.book, at(0))
    assert bench.judge(9.9) == {}
    assert set(levels(bench.judge(10)).values()) == {Level.UNKNOWN}


@settings(max_examples=60)
@given(st.lists(st.tuples(st.lists(cells, max_size=3), st.floats(-9, 20)), max_size=8))
def test_whatever_a_signed_batch_holds_the_monitor_judges_on(batches: list[tuple[list[Cell], float]]):
    monitor = Monitor(RULES)
    monitor.watch(WATCHFUL, at(0))
    now = at(0)
    for sequence, (held, wait_s) in enumerate(batches):
        now = Micros(now + seconds(wait_s))
        batch = TelemetryBatch("probe-1", "atlas", now, now, sequence, tuple(held))
        monitor.watch(WATCHFUL, now)
        monitor.observe(sealed(batch), now)
        for verdict in monitor.judge(now):
            assert verdict.objective in PRODUCED
            assert verdict.valid_until == now + 5 * SECOND
