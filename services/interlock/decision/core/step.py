"""One step in the making: decisions are collected until they fill one audit record."""

from dataclasses import dataclass, field

from interlock.decision.core.decide import Outcome
from interlock.decision.core.state import State
from interlock.records.audit import Entry, Input
from interlock.records.change import RoutingChange
from interlock.vocabulary.limits import INPUTS_PER_STEP_MAX, SEAL_BYTES, STEP_BYTES_MAX


@dataclass(slots=True)
class Step:
    """What the next audit record will hold, and the state after it."""

    state: State
    inputs: list[Input] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    changes: list[RoutingChange] = field(default_factory=list)
    encoded: list[bytes] = field(default_factory=list)
    size: int = 0

    @property
    def half_empty(self) -> bool:
        """Whether one decision more surely fits."""
        return 2 * self.size <= STEP_BYTES_MAX and len(self.inputs) < INPUTS_PER_STEP_MAX

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
            self.encoded += outcome.encoded
            self.size += _size(given, outcome)


def _size(given: Input, outcome: Outcome) -> int:
    """What a decision is reckoned to take, in bytes."""
    entries = sum(len(entry.key) + len(entry.value or b"") for entry in outcome.entries)
    changes = sum(len(change) + SEAL_BYTES for change in outcome.encoded)
    return len(given.value) + entries + changes
