"""The one interface of all detectors, and the two things that pass through it: a `Tally` in, a `Judgement` out.

What counts, and why:

- *Faults* are the provider's (`PROVIDER_FAULTS`). A *throttled* reply shows a living endpoint and has an objective of its own.
- `caller_fault` and `cancelled` count for nothing here, neither for nor against a model. An agent brings them about with what it
  sends, and nothing that an agent controls may change its route (S12).
- `policy_refusal` and `schema_failure` are an agent's doing as well, so they are no word on availability, speed or throttling.
  They have objectives of their own (`answers`), under which no policy can lead a refusal to another model.
- An outcome class that is not known here is judged by nobody.

Each detector has its own sample: a call that is not in it breaks no silence under its objective.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from interlock.health_monitor.probe.core import ROUTE
from interlock.records.health import PROVIDER_FAULTS, Cell, Level, Outcome
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Tally:
    """What one batch says of one model, all routes together. The order of the calls is not known.

    Attributes:
        ok: Calls that succeeded.
        faults: Calls that failed by the provider's fault.
        throttled: Calls that the provider put off.
        credential: Those of the faults where the provider did not take the credential.
        refused: Calls that a content policy declined.
        malformed: Calls whose answer did not fit the agent's schema.
        own_names: Answers that bear a name of the model.
        other_names: Answers that bear the name of another one.
        probed: Whether only the probe called: what it asks is no sample of what agents ask.
        latency: The successful calls by bucket of latency (`records.sketch`).
    """

    ok: int = 0
    faults: int = 0
    throttled: int = 0
    credential: int = 0
    refused: int = 0
    malformed: int = 0
    own_names: int = 0
    other_names: int = 0
    probed: bool = False
    latency: Mapping[int, int] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Calls that say anything about the provider's health."""
        return self.ok + self.faults + self.throttled


def tally(cells: tuple[Cell, ...], answers_to: Callable[[str], bool]) -> Tally:
    """Add up the cells of a batch; their order makes no difference.

    Args:
        cells: What was seen of one model.
        answers_to: Whether a name in a reply is the model's own.
    """
    outcomes: Counter[str] = Counter()
    latency: Counter[int] = Counter()
    names: Counter[bool] = Counter()
    for cell in cells:
        outcomes.update(cell.outcomes)
        latency.update(cell.latency)
        for name, answers in cell.models_named.items():
            names[answers_to(name)] += answers
    return Tally(
        ok=outcomes[Outcome.OK],
        faults=sum(outcomes[fault] for fault in PROVIDER_FAULTS),
        throttled=outcomes[Outcome.THROTTLED],
        credential=outcomes[Outcome.CREDENTIAL],
        refused=outcomes[Outcome.POLICY_REFUSAL],
        malformed=outcomes[Outcome.SCHEMA_FAILURE],
        own_names=names[True],
        other_names=names[False],
        probed=all(cell.agent == ROUTE.agent for cell in cells),
        latency=latency,
    )


class Judgement(NamedTuple):
    """What a detector thinks: the level, the figures behind it in words, and how many calls it rests on."""

    level: Level
    detail: str
    calls: int


class Detector(Protocol):
    """Judges one model under one objective. It is told of every batch, and can be asked at any time."""

    def observe(self, seen: Tally, now: Micros) -> bool:
        """Take in what a batch says, as of now. Never raises.

        Returns:
            Whether it says anything under this objective; what does not breaks no silence.
        """
        ...

    def judge(self, now: Micros) -> Judgement:
        """What the calls seen until now amount to. `now` never goes back."""
        ...
