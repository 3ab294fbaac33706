"""What the line hears while models are called: by the probe, which is always there, and by whoever recorded a trace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interlock.reporting.accumulator import Accumulator, Call
from interlock.reporting.telemetry import FLUSH_S
from interlock.signing.roles import Role
from interlock.trials.simulate.incidents import Incident
from interlock.trials.simulate.line import Line
from interlock.trials.simulate.outage import WELL, Answer
from interlock.trials.simulate.probing import Probing
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.limits import GUARD_BEAT_US
from interlock.vocabulary.time import NEVER, Micros, seconds

STEP_US = seconds(FLUSH_S)
"""How often it is listened: as often as a reporter tells what it saw."""

_CALLER = RouteId("trace", "main", ANY)


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched, and how closely.

    Attributes:
        served_as: Every model that a policy uses, with the name that it gives itself.
        guards: Every guard that a policy requires.
        interval_us: How often the probe calls each model; `timeout_us` how long it waits.
    """

    served_as: Mapping[str, str]
    guards: frozenset[str]
    interval_us: Micros
    timeout_us: Micros


class Probed:
    """Feeds a line with telemetry and guards' beats.

    Args:
        line: The deployment.
        incident: How models answer.
        watched: Which models and guards there are.
    """

    def __init__(self, line: Line, incident: Incident, watched: Watched) -> None:
        pause = watched.timeout_us + 2 * watched.interval_us
        self.line = line
        self.memory_us = Micros(max(line.rules.window_us, line.rules.silence_us) + pause)
        self._incident = incident
        self._guards = sorted(watched.guards)
        self._began: Micros | None = None
        self._beaten = NEVER
        self._reporter = Accumulator(line.stand_in.owner(Role.REPORTER), line.now)
        probe = line.stand_in.owner(Role.PROBE)
        self._probing = Probing(probe, watched.served_as, watched.interval_us, self._answer, line.now)

    def begin(self) -> None:
        """Count the incident's times from now."""
        self._began = self.line.now

    def step(self) -> None:
        """Hear everything until now, and judge it."""
        self._hear()
        self.line.look()

    def skip(self, tick: Callable[[], None]) -> None:
        """Nothing was heard for long, and nothing had changed: fill the health-monitor's window anew before it is asked again."""
        self._probing.skip(self.line.now)
        until = self.line.now + self.memory_us
        while self.line.now < until:
            self.line.at(Micros(self.line.now + STEP_US))
            self._hear()
            tick()

    def next_news(self) -> Micros | None:
        """When the incident changes next."""
        if self._began is None:
            return None
        news = self._incident.next_news(Micros(self.line.now - self._began))
        return None if news is None else Micros(self._began + news)

    def next_stop(self) -> None:
        """Telemetry is told when it is usual."""

    def _hear(self) -> None:
        line = self.line
        line.tell(Role.PROBE, self._probing.until(line.now))
        if self._began is not None:
            for call in self._incident.told(Micros(line.now - self._began)):
                self._reporter.note(
                    Call(_CALLER, call.model, call.outcome, call.latency_s, call.first_token_s), line.now
                )
            line.tell(Role.REPORTER, self._reporter.drain())
        if line.now - self._beaten >= GUARD_BEAT_US:
            self._beaten = line.now
            for guard in self._guards:
                if self._began is None or not self._incident.silent(guard, Micros(line.now - self._began)):
                    line.beat(guard)

    def _answer(self, model: str, at: Micros, number: int) -> Answer | None:
        return WELL if self._began is None else self._incident.answer(model, Micros(at - self._began), number)
