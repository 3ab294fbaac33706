"""The health-monitor's way in: verified telemetry and beats go in, verdicts come out.

No clock, no IO; nothing that comes in makes it raise.

    monitor = Monitor(rules)
    monitor.listening(True, now)
    monitor.watch(book, now)
    refused = monitor.observe(batch, now)
    for verdict in monitor.judge(now):
        ...

`watch` comes first, whatever else is to be done: it also looks at the time. A clock that was set back makes the monitor begin anew,
since everything it saw is then dated in the future.

A verdict is for one model under one objective, or for one guard, scope `*`; several reporters' calls are added up. Times are those
of arrival: a batch may be as old as the window, but its calls count from when they are told. Not handled here: whether a quorum of
sources agrees, quality, low confidence, cost, canaries.
"""

from interlock.health_monitor.core.guards import Guards
from interlock.health_monitor.core.intake import Intake
from interlock.health_monitor.core.objectives import Rules, guards_in, wanted_in
from interlock.health_monitor.core.subject import Subject
from interlock.policy.book import Book
from interlock.records.health import GuardBeat, TelemetryBatch, Verdict
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, SECOND, Micros

AWAY_US_MAX = 2 * SECOND
"""Twenty ticks of the service. If more time passed between two looks, this process was stopped, or the clock was set."""


class Monitor:
    """Judges every model that a policy uses, and every guard that one requires."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._intake = Intake(rules.window_us)
        self._now: Micros = NEVER
        self._listening = False
        self._begin()

    def _begin(self) -> None:
        self._book: Book | None = None
        self._subjects: dict[str, Subject] = {}
        self._guards = Guards(self._rules)

    def listening(self, held: bool, now: Micros) -> None:
        """Say whether telemetry is heard; until it is, no guard is judged."""
        if held and not self._listening:
            self._guards.listen(now)
        self._listening = held

    def watch(self, book: Book, now: Micros) -> None:
        """Judge what these policies ask for, from now on. The same book again changes nothing and costs nothing."""
        if now < self._now - AWAY_US_MAX:
            self._begin()
        elif now > self._now + AWAY_US_MAX:
            self._guards.listen(now)
        self._now = now
        if book is self._book:
            return
        self._book = book
        wanted = wanted_in(book)
        self._subjects = {model: self._subjects.get(model) or Subject(model, self._rules) for model in wanted}
        for model, subject in self._subjects.items():
            subject.watch(wanted[model], now)
        self._guards.watch(guards_in(book), now)

    def judges(self, key: bytes | None) -> bool:
        """Whether a record under that key may tell of a model or a guard that is judged, if its key tells the truth."""
        name = (key or b"").decode(errors="replace")
        return name in self._subjects or self._guards.judges(name)

    def is_past(self, written_at: Micros, now: Micros) -> bool:
        """Whether a record was written so long ago that whatever it tells of is out of the window."""
        return written_at < now - self._rules.window_us

    def observe(self, batch: Verified[TelemetryBatch], now: Micros) -> Refused | None:
        """Take in one batch; why it does not count, if it does not."""
        value = batch.value
        subject = self._subjects.get(value.model)
        if subject is None:
            return Refused(Reason.MODEL_NOT_USED, value.model)
        refused = self._intake.refusal(value, now)
        if refused is None:
            subject.observe(value.reporter, value.cells, now)
        return refused

    def hear(self, beat: Verified[GuardBeat], now: Micros) -> Refused | None:
        """Take in one guard's beat; why it does not count, if it does not."""
        return self._guards.hear(beat, now)

    def judge(self, now: Micros) -> list[Verdict]:
        """The verdicts to be said now; see `saying` for when one is worth saying."""
        verdicts = [verdict for subject in self._subjects.values() for verdict in subject.judge(now)]
        return verdicts + self._guards.judge(now) if self._listening else verdicts
