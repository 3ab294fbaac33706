"""The health-monitor's way in: verified batches go in, verdicts come out. No clock, no IO; nothing that comes in makes it raise.

    monitor = Monitor(rules)
    monitor.watch(book, now)
    refused = monitor.observe(batch, now)
    for verdict in monitor.judge(now):
        ...

A verdict is for one model under one objective, scope `*`; several reporters' calls are added up. Times are those of arrival:
a batch may be as old as the window, but its calls count from when they are told. Not handled here: whether a quorum of sources
agrees, quality, cost, canaries.
"""

from interlock.health_monitor.core.detector import tally
from interlock.health_monitor.core.intake import Intake
from interlock.health_monitor.core.objectives import Rules, objectives_in
from interlock.health_monitor.core.subject import Subject
from interlock.policy.book import Book
from interlock.records.health import TelemetryBatch, Verdict
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros


class Monitor:
    """Judges every model that a policy uses."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._book: Book | None = None
        self._subjects: dict[str, Subject] = {}
        self._intake = Intake(rules.window_us)

    def watch(self, book: Book, now: Micros) -> None:
        """Judge what these policies ask for, from now on. The same book again changes nothing and costs nothing."""
        if book is self._book:
            return
        self._book = book
        wanted = objectives_in(book)
        self._subjects = {model: self._subjects.get(model) or Subject(model, self._rules) for model in wanted}
        for model, subject in self._subjects.items():
            subject.watch(wanted[model], now)

    def observe(self, batch: Verified[TelemetryBatch], now: Micros) -> Refused | None:
        """Take in one batch; why it does not count, if it does not."""
        value = batch.value
        subject = self._subjects.get(value.model)
        if subject is None:
            return Refused(Reason.MODEL_NOT_USED, value.model)
        refused = self._intake.refusal(value, now)
        if refused is None:
            subject.observe(value.reporter, tally(value.cells), now)
        return refused

    def judge(self, now: Micros) -> list[Verdict]:
        """The verdicts to be said now; see `subject` for when one is worth saying."""
        return [verdict for subject in self._subjects.values() for verdict in subject.judge(now)]
