"""Rule 3 and rule 6 exhaustively: every standing of every rung of ladders of one to three, from every place, given to the real `decide`.

The oracle says the rules of DESIGN 5 again in a few lines, by names of standings alone; it shares no code with the decision.
"""

from functools import cache
from itertools import product

import pytest

from interlock.decision.core.decide import decide
from interlock.decision.core.events import Tick
from interlock.decision.core.state import State
from interlock.records.audit import Entry
from interlock.records.change import Trigger
from interlock.records.codec import encode
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.documents import Denial
from interlock.records.health import Level
from interlock.records.state import RouteEntry, VerdictEntry
from interlock.testing.builders import NOW
from interlock.testing.driver import AGENT, ROUTE
from interlock.testing.stories import DEPLOYMENT, LADDER, STABLE_S, policy
from interlock.vocabulary.time import NEVER, SECOND, Micros

LONG_AGO = Micros(NOW - 3600 * SECOND)
STANDINGS = ("stable", "fresh", "degraded", "unavailable", "unknown", "unknown long", "never", "disabled", "denied")
LEVELS = {
    "stable": (Level.HEALTHY, LONG_AGO),
    "fresh": (Level.HEALTHY, NOW),
    "degraded": (Level.DEGRADED, NOW),
    "unavailable": (Level.UNAVAILABLE, NOW),
    "unknown": (Level.UNKNOWN, NOW),
    "unknown long": (Level.UNKNOWN, LONG_AGO),
    "disabled": (Level.HEALTHY, LONG_AGO),
    "denied": (Level.HEALTHY, LONG_AGO),
}
MAY_ENTER = {"stable", "fresh"}
MAY_STAY = {"stable", "fresh", "unknown", "never"}


def wanted(standings, place):
    """Where the route should be; None is the safe state."""
    ladder = range(len(standings))
    if place is not None and standings[place] not in MAY_STAY:
        return next((rung for rung in ladder if standings[rung] in MAY_ENTER), None)
    for rung in ladder if place is None else range(place):
        if standings[rung] == "stable":
            return rung
        if standings[rung] == "fresh":
            return place  # it will be stable within the stable period: one move instead of two
    return place


@cache
def entries_of(name, standing):
    """What the state knows of a model that stands so."""
    found = []
    if standing in LEVELS:
        level, since = LEVELS[standing]
        against = since if level in {Level.DEGRADED, Level.UNAVAILABLE} else NEVER
        found.append(Entry(f"verdict/{name}/*/unavailable", encode(VerdictEntry(level, since, against, "", b""))))
    if standing == "disabled":
        said = Command(
            f"off-{name}",
            DEPLOYMENT.name,
            Verb.DISABLE,
            AGENT,
            "",
            name,
            "",
            ReviewOutcome.NONE,
            "",
            "",
            NOW,
            Micros(NOW + SECOND),
        )
        found.append(Entry(f"disable/{said.id}", DEPLOYMENT.seal(said, "olga")))
    if standing == "denied":
        found.append(Entry(f"deny/{name}", DEPLOYMENT.seal(Denial(f"deny-{name}", name, "a leak", NOW), "sam")))
    return found


@cache
def begun(rungs, place):
    """A shard whose one route has been at a place for long."""
    held = Entry(f"policy/{AGENT}", policy(LADDER[:rungs]))
    state = State.start(0, 1, DEPLOYMENT.book()).claimed(7, NOW).apply(held)
    target = None if place is None else LADDER[place]
    entry = RouteEntry(
        1,
        target,
        "suspend" if target is None else None,
        LONG_AGO,
        Trigger.POLICY,
        state.book.policies[AGENT].event_id,
        1,
        b"",
        placed=True,
    )
    return state.apply(Entry(f"route/{ROUTE.key}", encode(entry)))


@pytest.mark.parametrize("rungs", [1, 2, 3])
def test_a_route_is_where_rules_3_and_6_say_whatever_stands_how(rungs, record_property):
    cases = 0
    for place in (None, *range(rungs)):
        for standings in product(STANDINGS, repeat=rungs):
            state = begun(rungs, place)
            for name, standing in zip(LADDER, standings, strict=False):
                for entry in entries_of(name, standing):
                    state = state.apply(entry)
            after = decide(state, Tick(), NOW).state.routes[ROUTE]
            rung = wanted(standings, place)
            expected = None if rung is None else LADDER[rung]
            assert (after.target, after.safe_state is None) == (expected, rung is not None), (place, standings)
            cases += 1
    record_property("cases", cases)
    assert cases == (rungs + 1) * len(STANDINGS) ** rungs


def test_the_stable_period_of_the_oracle_is_the_policys():
    assert begun(1, 0).book.rule(ROUTE).stable_us == STABLE_S * SECOND
