"""The people and the policies of the explored worlds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from interlock.records.commands import WATCH_ID, Command, ReviewOutcome, Verb
from interlock.records.documents import Denial, Unnotified
from interlock.records.models import Model
from interlock.records.rules import Rung, TriggerRule, WatchedTrigger
from interlock.testing.builders import NOW, Deployment, model
from interlock.trials.explore.world import AGENT, UNIT, Ordered, Said
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import FOREVER, Micros

ROUTE = RouteId(AGENT, "main", ANY)
EXPIRES = Micros(NOW + 3 * UNIT)
"""When the evidence for birch ends."""

DEPLOYMENT = Deployment()
ATLAS, BIRCH, CEDAR = model("atlas"), model("birch"), model("cedar")
AGAIN = Said(
    "safety denies atlas again",
    DEPLOYMENT.seal(Denial("deny-2", "atlas", "another leak", NOW), "sam"),
    denies="atlas",
    after=1,
)
DENIAL = Said("safety denies atlas", DEPLOYMENT.seal(Denial("deny-1", "atlas", "a leak", NOW), "sam"), denies="atlas")


def rung(subject: Model, until: Micros = FOREVER) -> Rung:
    """A rung whose evidence ends at a time."""
    evidence = DEPLOYMENT.evidence(subject, expires_at=None if until == FOREVER else until)
    return replace(DEPLOYMENT.rung(subject), evidence=evidence)


def policy(version: int, ladder: Sequence[tuple[Model, Micros]], words: str, **fields: Any) -> Said:
    """A policy whose rungs are all as good as they should be: for one route, or for some `slots` more, until it `expires`."""
    for_us = fields.pop("for_us", Micros(0))
    triggers = (TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, for_us), *fields.pop("also", ()))
    usual: dict[str, Any] = {"triggers": triggers, "blind_us": UNIT, "stable_us": UNIT, "grace_us": UNIT, **fields}
    expires = usual.pop("expires", FOREVER)
    rungs, slots, stops = usual.pop("rungs", {}), usual.pop("slots", ()), usual.pop("stops", False)
    rule = DEPLOYMENT.rule([rungs.get(subject.name) or rung(subject, until) for subject, until in ladder], **usual)
    rules = (rule, *(replace(rule, slot=slot) for slot in slots))
    said = DEPLOYMENT.policy_of(AGENT, *rules, version=version)
    unnotified = Unnotified.SUSPEND if stops else Unnotified.RECORD
    said = replace(said, expires_at=min(expires, said.expires_at), unnotified=unnotified)
    sealed = DEPLOYMENT.seal(said, "grace", "oscar")
    approved = tuple((subject.name, min(until, expires)) for subject, until in ladder)
    routes = (ROUTE, *(RouteId(AGENT, slot, ANY) for slot in slots))
    return Said(words, sealed, version, dict.fromkeys(routes, approved), safe_state=str(rule.safe_state), stops=stops)


def command(words: str, verb: Verb, until: Micros, subject: str = "", also_by: Sequence[str] = ()) -> Ordered:
    """A command of an operator about the agent, or about one of its models."""
    sealed = DEPLOYMENT.seal(_command(verb, until, subject), "olga", *also_by)
    return Ordered(words, sealed, subject, until, freezes=verb is Verb.FREEZE, suspends=verb is Verb.SUSPEND)


def of_watch(words: str, verb: Verb, until: Micros, route: RouteId) -> Ordered:
    """A command of the deadline watch about a route and its first change; only a suspension may count.

    The others bear the id of an operator's command of the same verb, as a thief would have it.
    """
    untold = route if verb is Verb.SUSPEND else None
    name = f"{WATCH_ID}{verb}" if untold else verb.value
    said = replace(_command(verb, until), id=name, route=route.key, about=f"{route.key}@1.0.1")
    return Ordered(words, DEPLOYMENT.seal(said, "watch-1"), until=until, watch=True, untold=untold)


def _command(verb: Verb, until: Micros, subject: str = "") -> Command:
    return Command(
        id=verb.value,
        deployment=DEPLOYMENT.name,
        verb=verb,
        agent=AGENT,
        route="",
        model=subject,
        about="",
        outcome=ReviewOutcome.NONE,
        ticket="",
        reason="maintenance",
        issued_at=NOW,
        expires_at=until,
    )


def usual() -> tuple[Said, ...]:
    """A policy with two rungs, one that drops the second, and a denial of the first."""
    first = policy(1, [(ATLAS, FOREVER), (BIRCH, EXPIRES)], "policy 1 approves atlas and birch")
    return (first, policy(2, [(ATLAS, FOREVER)], "policy 2 approves atlas only"), DENIAL)
