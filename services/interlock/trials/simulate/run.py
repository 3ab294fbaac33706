"""One simulation from beginning to end: until every agent is where its policy wants it, the incident, and what follows.

Where nothing has changed for so long that nothing can change by itself but by a timer of decision, time leaps: decision's timers are
served in their order, and then the line is brought up to date. So an outage of a month costs little more than one of an hour.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from interlock.decision.core.choice import stable_us
from interlock.decision.core.usable import Case
from interlock.records.documents import RoutePolicy
from interlock.records.models import Registration
from interlock.trials.simulate.approvals import Approvals
from interlock.trials.simulate.line import Heard, Line, Move
from interlock.trials.simulate.probed import STEP_US
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros

SETTLE_US_MAX = Micros(30 * 86_400 * SECOND)
"""So long at most is waited for agents to be where their policies want them, before the incident and after it."""

ROUNDS_MAX = 3
"""So many times as long as a route may have to wait by its policy: one that still moves then moves in circles."""

LEAP_US_MIN = Micros(10 * SECOND)
"""A shorter leap saves nothing."""

_PAUSE_US = Micros(10 * SECOND)
"""How long is looked on when everybody is back."""

Progress = Callable[[float], None]
"""Told how much of the incident is over, 0 to 1."""


class Feed(Protocol):
    """What the line hears. `memory_us`: how long something that was heard may have consequences in what is judged."""

    memory_us: Micros

    def begin(self) -> None:
        """Count the incident's times from now."""
        ...

    def step(self) -> None:
        """Hear everything until now."""
        ...

    def skip(self, tick: Callable[[], None]) -> None:
        """Nothing was heard for long: be up to date before it is listened again; decision is given its `tick` meanwhile."""
        ...

    def next_news(self) -> Micros | None:
        """When the incident changes next; None: not any more."""
        ...

    def next_stop(self) -> Micros | None:
        """When it must be listened at the latest; None: whenever it is usual."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """What happened.

    Attributes:
        line: The deployment at the end.
        zero: The time at which the simulation proper began; `ends` when it ended; `over` when the incident was over.
        begins: For each route the last order before it began.
        moves: The orders since then; `heard` the verdicts.
    """

    line: Line
    zero: Micros
    over: Micros
    ends: Micros
    begins: Mapping[RouteId, Move]
    moves: Sequence[Move]
    heard: Sequence[Heard]


def publish(line: Line, policies: Sequence[RoutePolicy], registrations: Sequence[Registration]) -> None:
    """Let a deployment hear of its models and policies."""
    for entry in registrations:
        line.publish(line.stand_in.registration(entry))
    for policy in policies:
        line.publish(line.stand_in.policy(policy))


def play(line: Line, feed: Feed, lasts: Micros, approvals: Approvals, progress: Progress) -> Run:
    """Play an incident.

    Args:
        line: A deployment that has heard of its policies.
        feed: What it hears.
        lasts: How long the incident lasts.
        approvals: The people.
        progress: Told how far it is.
    """
    clock = _Clock(line, feed, approvals, progress)
    clock.settle()
    zero, moves, heard = line.now, len(line.moves), len(line.heard)
    begins = {move.change.route: move for move in line.moves}
    feed.begin()
    clock.until(Micros(zero + lasts))
    clock.settle()
    return Run(line, zero, Micros(zero + lasts), line.now, begins, line.moves[moves:], line.heard[heard:])


class _Clock:
    """Lets time pass."""

    def __init__(self, line: Line, feed: Feed, approvals: Approvals, progress: Progress) -> None:
        self._line = line
        self._feed = feed
        self._approvals = approvals
        self._progress = progress
        self._news_at = line.now
        self._known = 0

    def until(self, end: Micros) -> None:
        """Let time pass until then."""
        begin = self._line.now
        while self._line.now < end:
            if not self._leap(end):
                self._step(self._next(end))
            self._progress((self._line.now - begin) / (end - begin))

    def settle(self) -> None:
        """Let time pass until every route is on its primary, or nothing more is to be expected."""
        limit = Micros(self._line.now + min(ROUNDS_MAX * self._patience(), SETTLE_US_MAX))
        self._news_at = self._line.now
        while self._line.now < limit:
            patience = self._pause() if self._all_home() else self._patience()
            end = Micros(min(self._news_at + patience, limit))
            if self._line.now >= end:
                return
            if not self._leap(end):
                self._step(self._next(end))

    def _next(self, end: Micros) -> Micros:
        """The next time that is looked at: no later than what is heard at its own moment."""
        stop = self._feed.next_stop()
        to = min(self._line.now + STEP_US, end, end if stop is None else stop)
        return Micros(max(to, self._line.now))

    def _step(self, to: Micros) -> None:
        due = self._feed.next_news()
        self._line.at(to)
        self._tick()  # what was due before is ordered before anything new is heard
        self._feed.step()
        self._tick()
        if due is not None and due <= to:
            self._news_at = to
        self._notice()

    def _tick(self) -> None:
        self._approvals.give()
        self._line.tick()

    def _leap(self, end: Micros) -> bool:
        """Leap over a time in which only decision's timers can matter; whether that was worth while."""
        line, memory = self._line, self._feed.memory_us
        if line.now - self._news_at < memory:
            return False
        bounds = (end, self._feed.next_news(), self._approvals.next_due())
        to = Micros(min(bound for bound in bounds if bound is not None) - memory - STEP_US)
        if to - line.now < LEAP_US_MIN:
            return False
        while line.now < to and not self._notice():
            due = line.next_due()
            line.at(to if due is None else Micros(min(max(due, line.now + STEP_US), to)))
            line.tick()
        self._feed.skip(self._tick)
        self._notice()
        return True

    def _notice(self) -> bool:
        """Note whether anything is new."""
        known = len(self._line.moves) + len(self._line.heard)
        news = known != self._known
        if news:
            self._known, self._news_at = known, self._line.now
        return news

    def _all_home(self) -> bool:
        return all(is_home(case) for case in _cases(self._line))

    def _pause(self) -> Micros:
        return Micros(max(self._feed.memory_us, _PAUSE_US))

    def _patience(self) -> Micros:
        """How long nothing may happen before nothing more is to be expected: longer than any route may have to wait."""
        return Micros(self._pause() + max((_waits(case) for case in _cases(self._line)), default=0))


def _cases(line: Line) -> Iterator[Case]:
    for policy in line.state.book.policies.values():
        for route in policy.value.route_ids():
            rule = line.state.book.rule(route)
            if rule is not None:
                yield Case(line.state, route, rule, line.now, line.state.routes.get(route))


def is_home(case: Case) -> bool:
    """Whether a route is served by its primary, and nothing is under way."""
    entry = case.entry
    primary = case.rule.ladder[0].model.name
    return entry is not None and entry.safe_state is None and entry.target == primary and entry.canary is None


def _waits(case: Case) -> int:
    """How long a route may have to wait for anything that it waits for by its policy."""
    rule, entry = case.rule, case.entry
    canary = len(rule.canary.steps) * rule.canary.wait_max_us if rule.canary is not None else 0
    kept = max((kept.until - case.now for kept in entry.kept_away), default=0) if entry is not None else 0
    stable = stable_us(case) if entry is not None else rule.stable_us
    lasts = max((trigger.for_us for trigger in rule.triggers), default=0)
    return stable + rule.dwell_us + canary + rule.approval.within_us + rule.blind_us + lasts + max(kept, 0)
