from interlock.health_monitor.core.monitor import AWAY_US_MAX, Monitor
from interlock.health_monitor.core.objectives import Rules
from interlock.policy.book import Book
from interlock.records.health import GuardBeat, Level, Verdict
from interlock.records.sealing import open_sealed
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import NOW, Deployment
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX, GUARD_SILENT_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, seconds

RULES = Rules(seconds(30), 5, 5, 3, seconds(10), seconds(1), seconds(5))
GUARD = "guardrail-1"
DEPLOYMENT = Deployment()
SILENT_S = GUARD_SILENT_US_MAX / SECOND


def book(*guards: str, version: int = 1) -> Book:
    rule = DEPLOYMENT.rule(["atlas"], guards=guards)
    return DEPLOYMENT.book(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", rule, version=version), "grace", "oscar"))


GUARDED = book(GUARD)


def at(after_s: float) -> Micros:
    return Micros(NOW + seconds(after_s))


class Bench:
    """A monitor that looks at the time ten times a second, as the service does, and what it said of the guard."""

    def __init__(self, held: Book = GUARDED, *, listening: bool = True) -> None:
        self.monitor = Monitor(RULES)
        self.book = held
        self.monitor.watch(held, at(0))
        self.now_s = 0.0
        self.said: list[Verdict] = []
        if listening:
            self.monitor.listening(True, at(0))

    def wait(self, for_s: float, *, beats: bool = False) -> list[Level]:
        """Let time pass, with or without a beat each second; the levels that were said meanwhile, repetitions left out."""
        heard = len(self.said)
        for tick in range(round(for_s * 10)):
            self.now_s = round(self.now_s + 0.1, 1)
            if beats and tick % 10 == 0:
                assert self.beat(self.now_s) is None
            self.look()
        levels = [verdict.level for verdict in self.said[heard:]]
        return [level for place, level in enumerate(levels) if place == 0 or level is not levels[place - 1]]

    def look(self) -> None:
        self.monitor.watch(self.book, at(self.now_s))
        verdicts = self.monitor.judge(at(self.now_s))
        self.said += [verdict for verdict in verdicts if verdict.objective == "guard"]

    def beat(self, made_s: float, guard: str = GUARD) -> Refused | None:
        beat = open_sealed(DEPLOYMENT.seal(GuardBeat(guard, at(made_s)), GUARD), DEPLOYMENT.root, GuardBeat)
        assert isinstance(beat, Verified)
        return self.monitor.hear(beat, at(self.now_s))


def test_a_guard_is_healthy_while_its_beats_come_and_that_is_said_every_second():
    bench = Bench()
    assert bench.wait(30, beats=True) == [Level.HEALTHY]
    assert len(bench.said) == 30
    verdict = bench.said[-1]
    assert (verdict.model, verdict.scope, verdict.objective) == (f"guard@{GUARD}", "*", "guard")
    assert (verdict.reporters, verdict.since) == ((GUARD,), at(0.1))


def test_a_guard_that_falls_silent_is_unavailable_after_five_seconds_and_not_before():
    bench = Bench()
    bench.wait(10, beats=True)
    last_beat = 9.1
    assert bench.wait(last_beat + SILENT_S - 10 - 0.1) == [Level.HEALTHY]
    assert bench.wait(0.1) == [Level.UNAVAILABLE]
    assert (bench.said[-1].detail, bench.said[-1].since) == ("no beat for 5s", at(last_beat + SILENT_S))


def test_a_guard_that_stays_silent_is_unavailable_and_never_unknown():
    bench = Bench()
    bench.wait(3, beats=True)
    assert bench.wait(600)[-1] is Level.UNAVAILABLE
    assert Level.UNKNOWN not in {verdict.level for verdict in bench.said}
    assert bench.said[-1].valid_until > at(bench.now_s)


def test_one_beat_makes_it_healthy_again():
    bench = Bench()
    bench.wait(10)
    assert bench.wait(1, beats=True) == [Level.HEALTHY]


def test_before_the_first_beat_nothing_is_said_for_as_long():
    bench = Bench()
    assert bench.wait(SILENT_S - 0.1) == []
    assert bench.wait(0.1) == [Level.UNAVAILABLE]


def test_as_long_as_nobody_listens_nobody_is_silent():
    bench = Bench(listening=False)
    assert bench.wait(60) == []
    bench.monitor.listening(True, at(bench.now_s))
    assert bench.wait(SILENT_S - 0.1) == []
    assert bench.wait(0.1) == [Level.UNAVAILABLE]


def test_a_monitor_that_lost_its_partitions_says_nothing_until_it_has_listened_again():
    bench = Bench()
    bench.wait(10, beats=True)
    bench.monitor.listening(False, at(bench.now_s))
    assert bench.wait(60) == []
    bench.monitor.listening(True, at(bench.now_s))
    assert bench.wait(SILENT_S - 0.1) == []
    assert bench.wait(3, beats=True) == [Level.HEALTHY]


def test_a_monitor_that_was_stopped_for_a_while_does_not_blame_the_guard():
    bench = Bench()
    bench.wait(10, beats=True)
    bench.now_s += AWAY_US_MAX / SECOND + 60
    assert bench.wait(SILENT_S - 0.1) == []
    assert bench.wait(1) == [Level.UNAVAILABLE]


def test_of_a_guard_that_was_gone_already_it_says_so_at_once_on_its_return():
    bench = Bench()
    bench.wait(10)
    bench.now_s += AWAY_US_MAX / SECOND + 60
    assert bench.wait(0.1) == [Level.UNAVAILABLE]


def test_a_clock_that_was_set_back_does_not_keep_a_silent_guard_healthy():
    bench = Bench()
    bench.now_s = 3_600
    bench.wait(10, beats=True)
    bench.now_s = 0
    assert bench.wait(SILENT_S + 0.1)[-1] is Level.UNAVAILABLE
    assert bench.wait(2, beats=True)[-1] is Level.HEALTHY


def test_a_beat_from_the_future_an_old_one_and_a_repeated_one_do_not_count():
    bench = Bench()
    bench.wait(10)

    def reason(made_s: float) -> Reason | None:
        refused = bench.beat(made_s)
        return refused.reason if refused else None

    skew_s = CLOCK_SKEW_US_MAX / SECOND
    assert reason(10 + skew_s + 0.1) is Reason.FROM_THE_FUTURE
    assert reason(2**30) is Reason.FROM_THE_FUTURE
    assert reason(10 - SILENT_S) is Reason.EXPIRED
    assert reason(-3_600) is Reason.EXPIRED
    assert bench.wait(1) == [Level.UNAVAILABLE], "none of them broke the silence"
    assert reason(11) is None
    assert reason(11) is Reason.NOT_NEWER
    assert reason(10.5) is Reason.NOT_NEWER


def test_a_beat_that_was_held_back_on_its_way_counts_from_when_it_was_made():
    bench = Bench()
    bench.wait(10)
    assert bench.beat(7) is None
    assert bench.wait(7 + SILENT_S - 10 - 0.1) == [Level.HEALTHY]
    assert bench.wait(0.1) == [Level.UNAVAILABLE]


def test_a_clock_ahead_of_ours_does_not_lengthen_a_guards_life():
    bench = Bench()
    bench.wait(10)
    assert bench.beat(14) is None
    assert bench.wait(SILENT_S - 0.1) == [Level.HEALTHY]
    assert bench.wait(0.1) == [Level.UNAVAILABLE]


def test_a_guard_that_no_policy_requires_is_not_judged():
    bench = Bench(book())
    assert bench.beat(0) == Refused(Reason.GUARD_NOT_REQUIRED, GUARD)
    assert bench.wait(20) == []


def test_a_guard_that_a_new_policy_requires_gets_its_time_and_one_that_none_does_is_forgotten():
    bench = Bench(book())
    bench.wait(20)
    bench.book = book(GUARD, version=2)
    assert bench.wait(SILENT_S) == []
    assert bench.wait(0.1) == [Level.UNAVAILABLE]
    bench.book = book(version=3)
    assert bench.wait(20) == []


def test_a_new_policy_that_requires_the_same_guard_ends_no_silence():
    bench = Bench()
    bench.wait(10, beats=True)
    bench.wait(3)
    bench.book = book(GUARD, version=2)
    assert bench.wait(SILENT_S - 3) == [Level.HEALTHY, Level.UNAVAILABLE]


def test_to_be_told_again_that_it_listens_ends_no_silence():
    bench = Bench()
    bench.wait(3)
    bench.monitor.listening(True, at(bench.now_s))
    assert bench.wait(SILENT_S - 3) == [Level.UNAVAILABLE]
