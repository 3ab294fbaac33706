"""When time alone may change what a route should do: the next moment at which it must be looked at again.

Complete rather than exact: a moment too many costs a look, a moment too few would make an order late, and a replay differ.
"""

from collections.abc import Iterator

from interlock.decision.core.choice import stable_us
from interlock.decision.core.recovery import may_climb
from interlock.decision.core.usable import Case, guard_verdict, health
from interlock.policy.admissible import ends
from interlock.vocabulary.limits import CLIMB_WINDOW_US
from interlock.vocabulary.time import Micros


def next_moment(case: Case) -> Micros | None:
    """The first moment after now; None: only an event can change anything."""
    return min((moment for moment in _moments(case) if moment > case.now), default=None)


def _moments(case: Case) -> Iterator[Micros]:
    rule = case.rule
    for rung in rule.ladder:
        name = rung.model.name
        yield from ends(case.state.book, case.route, name)
        for seen in health(case, name):
            if seen.entry is not None:
                yield Micros(seen.entry.against_since + seen.rule.for_us)
                yield Micros(seen.entry.since + rule.blind_us)
                yield Micros(seen.entry.since + stable_us(case))
    for guard in rule.guards:
        verdict = guard_verdict(case, guard)
        if verdict is not None:
            yield Micros(verdict.since + rule.blind_us)
    yield from (command.value.expires_at for command in case.state.disables.values())
    yield from _of_entry(case)
    if not may_climb(case.state, case.now):
        yield Micros(case.state.climbs.since + CLIMB_WINDOW_US)


def _of_entry(case: Case) -> Iterator[Micros]:
    entry, plan = case.entry, case.rule.canary
    if entry is None:
        return
    yield Micros(entry.entered_at + case.rule.dwell_us)
    yield entry.frozen_until
    yield from (kept.until for kept in entry.kept_away)
    if entry.hold is not None:
        yield entry.hold.until
    if entry.canary is not None and plan is not None:
        yield Micros(entry.canary.since + plan.time_min_us)
        yield Micros(entry.canary.since + plan.wait_max_us)
