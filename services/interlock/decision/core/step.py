"""One step in the making: decisions are collected until they fill one audit record."""

from dataclasses import dataclass, field

from interlock.decision.core.decide import Outcome
from interlock.decision.core.state import State
from interlock.records.audit import Entry, Input
from interlock.records.change import RoutingChange
from interlock.vocabulary.limits import CHANGE_BYTES, INPUTS_PER_STEP_MAX, STEP_BYTES_MAX


@dataclass(slots=True)
class Step:
    """What the next audit record will hold, and the state after it."""

    state: State
    inputs: list[Input] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    changes: list[RoutingChange] = field(default_factory=list)
    size: int = 0

    def fits(self, given: Input, outcome: Outcome) -> bool:
        """Whether a decision still fits into the same record; if not, the record is appended first."""
        return len(self.inputs) < INPUTS_PER_STEP_MAX and self.size + _size(given, outcome) <= STEP_BYTES_MAX

    def add(self, given: Input, outcome: Outcome) -> None:
        """Put a decision in. One that changed nothing leaves no trace in the record."""
        self.state = outcome.state
        if outcome.to_journal:
            self.inputs.append(given)
            self.entries += outcome.entries
            self.changes += outcome.changes
            self.size += _size(given, outcome)


def _size(given: Input, outcome: Outcome) -> int:
    """What a decision is reckoned to take, in bytes."""
    entries = sum(len(entry.key) + len(entry.value or b"") for entry in outcome.entries)
    return len(given.value) + entries + CHANGE_BYTES * len(outcome.changes)
