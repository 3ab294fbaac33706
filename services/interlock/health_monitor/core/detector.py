"""The one interface of all detectors, and the two things that pass through it: a `Tally` in, a `Judgement` out.

What counts, and why:

- *Faults* are the provider's (`PROVIDER_FAULTS`). A *throttled* reply shows a living endpoint and has an objective of its own.
- `caller_fault`, `cancelled`, `policy_refusal` and `schema_failure` count for nothing here, neither for nor against a model.
  An agent brings them about with what it sends, and nothing that an agent controls may change its route (S12). Refusals and
  schema failures are rates of their own, not availability.
- An outcome class that is not known here is judged by nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from interlock.records.health import PROVIDER_FAULTS, Cell, Level, Outcome
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Tally:
    """What one batch says of one model, all routes together. The order of the calls is not known.

    Attributes:
        ok: Calls that succeeded.
        faults: Calls that failed by the provider's fault.
        throttled: Calls that the provider put off.
        latency: The successful calls by bucket of latency (`records.sketch`).
    """

    ok: int = 0
    faults: int = 0
    throttled: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Calls that say anything about the provider."""
        return self.ok + self.faults + self.throttled


def tally(cells: tuple[Cell, ...]) -> Tally:
    """Add up the cells of a batch; their order makes no difference."""
    latency: dict[int, int] = {}
    for cell in cells:
        for place, calls in cell.latency.items():
            latency[place] = latency.get(place, 0) + calls

    def count(outcome: Outcome) -> int:
        return sum(cell.outcomes.get(outcome, 0) for cell in cells)

    return Tally(
        ok=count(Outcome.OK),
        faults=sum(count(fault) for fault in PROVIDER_FAULTS),
        throttled=count(Outcome.THROTTLED),
        latency=latency,
    )


class Judgement(NamedTuple):
    """What a detector thinks: the level, the figures behind it in words, and how many calls it rests on."""

    level: Level
    detail: str
    calls: int


class Detector(Protocol):
    """Judges one model under one objective. It is told of every batch, and can be asked at any time."""

    def observe(self, seen: Tally, now: Micros) -> None:
        """Take in what a batch says, as of now. Never raises."""
        ...

    def judge(self, now: Micros) -> Judgement:
        """What the calls seen until now amount to. `now` never goes back."""
        ...
