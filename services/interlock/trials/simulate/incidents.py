"""What an incident is to the simulation: how models answer the probe, what recorded calls say, and when anything changes.

Times are microseconds from the beginning of the simulation proper, when every agent is where its policy wants it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from interlock.records.health import Outcome
from interlock.trials.replay.trace import RecordedCall
from interlock.trials.simulate.outage import WELL, Answer, Outage
from interlock.vocabulary.time import SECOND, Micros

BRIDGE_US = Micros(5 * SECOND)
"""Half of what the health-monitor usually calls silence."""


class Incident(Protocol):
    """What happens to the models."""

    @property
    def ends(self) -> Micros:
        """When it is over."""
        ...

    def answer(self, model: str, at: Micros, number: int) -> Answer | None:
        """How a call of the probe ends that begins at a time; None: it is not looked at."""
        ...

    def silent(self, guard: str, at: Micros) -> bool:
        """Whether a guard is silent."""
        ...

    def told(self, until: Micros) -> Sequence[RecordedCall]:
        """The recorded calls that have ended until a time and were not told before."""
        ...

    def next_news(self, at: Micros) -> Micros | None:
        """When something changes next; None: nothing any more."""
        ...


@dataclass(slots=True)
class Outages:
    """One or more outages.

    Attributes:
        outages: What is out.
        timeout_us: How long the probe waits for an answer.
    """

    outages: Sequence[Outage]
    timeout_us: Micros

    @property
    def ends(self) -> Micros:
        """When the last one is over."""
        return max(outage.ends for outage in self.outages)

    def answer(self, model: str, at: Micros, number: int) -> Answer:
        """As the first outage has it that is not over."""
        answers = (outage.answer(model, at, number, self.timeout_us) for outage in self.outages)
        return next((answer for answer in answers if answer != WELL), WELL)

    def silent(self, guard: str, at: Micros) -> bool:
        """Whether an outage silences it."""
        return any(outage.silent(guard, at) for outage in self.outages)

    def told(self, until: Micros) -> Sequence[RecordedCall]:
        """Nothing was recorded."""
        del until
        return ()

    def next_news(self, at: Micros) -> Micros | None:
        """The next beginning or end."""
        bounds = (bound for outage in self.outages for bound in (outage.begins, outage.ends))
        return min((bound for bound in bounds if bound > at), default=None)


@dataclass(slots=True)
class Trace:
    """Recorded calls; models of which none was recorded are well.

    Attributes:
        calls: By the time at which they ended, models by their names in the registry.
        begins: When the trace begins, microseconds from the beginning of the simulation.
        bridge_us: After so long without a recorded call of a model, the probe is taken to see what the last one saw.
    """

    calls: Sequence[RecordedCall]
    begins: Micros
    bridge_us: Micros = BRIDGE_US
    _next: int = 0
    _last: dict[str, tuple[Micros, Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        typical = {call.model: _answer(call) for call in reversed(self.calls) if call.outcome is Outcome.OK}
        self._last = {call.model: (Micros(-self.bridge_us), typical.get(call.model, WELL)) for call in self.calls}

    @property
    def ends(self) -> Micros:
        """When the last call was over."""
        return self._at(self.calls[-1])

    def answer(self, model: str, at: Micros, number: int) -> Answer | None:
        """What the last recorded call saw, if there was none for a while; before the trace begins: what its first good one will see."""
        del number
        heard, answer = self._last.get(model, (Micros(-self.bridge_us), WELL))
        return answer if at - heard >= self.bridge_us else None

    def silent(self, guard: str, at: Micros) -> bool:
        """A trace says nothing of guards: they are there."""
        del guard, at
        return False

    def told(self, until: Micros) -> Sequence[RecordedCall]:
        """The calls that have ended since the last time that this was asked."""
        first = self._next
        while self._next < len(self.calls) and self._at(self.calls[self._next]) <= until:
            call = self.calls[self._next]
            self._last[call.model] = (self._at(call), _answer(call))
            self._next += 1
        return self.calls[first : self._next]

    def next_news(self, at: Micros) -> Micros | None:
        """The next call."""
        del at
        return self._at(self.calls[self._next]) if self._next < len(self.calls) else None

    def _at(self, call: RecordedCall) -> Micros:
        return Micros(self.begins + round(call.ended_s * SECOND))


def _answer(call: RecordedCall) -> Answer:
    """A recorded call may have taken longer than the health-monitor bears silence, and the probe never waits so long."""
    return Answer(call.outcome, Micros(round(call.latency_s * SECOND)), known=True)
