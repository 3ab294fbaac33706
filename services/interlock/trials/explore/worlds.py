"""The worlds that are explored: the full one, and small ones in which a single question is asked to the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.documents import Denial, Rung, TriggerRule, WatchedTrigger
from interlock.records.health import Level
from interlock.records.models import Model
from interlock.testing.builders import NOW, Deployment, model
from interlock.trials.explore.thief import FORGERIES
from interlock.trials.explore.world import AGENT, UNIT, Ordered, Said, World
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import FOREVER, SECOND, Micros

ROUTE = RouteId(AGENT, "main", ANY)
EXPIRES = Micros(NOW + 3 * UNIT)
"""When the evidence for birch ends."""

DEPLOYMENT = Deployment()
ATLAS, BIRCH, CEDAR = model("atlas"), model("birch"), model("cedar")
DENIAL = Said("safety denies atlas", DEPLOYMENT.seal(Denial("deny-1", "atlas", "a leak", NOW), "sam"), denies="atlas")


def rung(subject: Model, until: Micros = FOREVER) -> Rung:
    """A rung whose evidence ends at a time."""
    evidence = DEPLOYMENT.evidence(subject, expires_at=None if until == FOREVER else until)
    return replace(DEPLOYMENT.rung(subject), evidence=evidence)


def policy(version: int, ladder: Sequence[tuple[Model, Micros]], words: str, **fields: Any) -> Said:
    """A policy with one route, all of whose rungs are as good as they should be."""
    for_us = fields.pop("for_us", Micros(0))
    triggers = (TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, for_us),)
    usual = {"triggers": triggers, "blind_us": UNIT, "stable_us": UNIT, "grace_us": UNIT, **fields}
    rule = DEPLOYMENT.rule([rung(subject, until) for subject, until in ladder], **usual)
    sealed = DEPLOYMENT.seal(DEPLOYMENT.policy_of(AGENT, rule, version=version), "grace", "oscar")
    approved = tuple((subject.name, until) for subject, until in ladder)
    return Said(words, sealed, version, {ROUTE: approved})


def _documents() -> tuple[Said, ...]:
    first = policy(1, [(ATLAS, FOREVER), (BIRCH, EXPIRES)], "policy 1 approves atlas and birch")
    return (first, policy(2, [(ATLAS, FOREVER)], "policy 2 approves atlas only"), DENIAL)


def full() -> World:
    """Two owners, two routers, revocation by denial and by policy, evidence that expires, a thief: everything at once."""
    return World(
        "full",
        DEPLOYMENT,
        _documents(),
        ("atlas", "birch"),
        owners=2,
        routers=2,
        claims=3,
        log=14,
        forgeries=("an unapproved model", "an approved model that nobody chose", "an order under the first policy"),
        thefts=1,
        group=True,
    )


def revocation() -> World:
    """One owner, one router whose broker withholds what it likes: what is revoked must stop."""
    return World(
        "revocation",
        DEPLOYMENT,
        _documents(),
        ("atlas", "birch"),
        levels=(Level.HEALTHY,),
        moments=(0, 5, 10, 15, 20, 25),
        claims=1,
        log=20,
        lapses=False,
        losses=False,
    )


def takeover() -> World:
    """Two owners who may both believe that they rule, appends that land late or never, one router."""
    return World(
        "takeover",
        DEPLOYMENT,
        _documents()[:1],
        ("atlas", "birch"),
        moments=(0, 5, 10),
        owners=2,
        claims=3,
        log=12,
        lapses=False,
        group=True,
    )


def theft() -> World:
    """Every forgery that a stolen decision key can make, one at a time, at one router."""
    return World(
        "theft",
        DEPLOYMENT,
        _documents()[:2],
        ("atlas", "birch"),
        levels=(Level.HEALTHY,),
        moments=(0, 5, 10, 65, 70, 75),
        claims=2,
        log=12,
        forgeries=tuple(FORGERIES),
        thefts=1,
        lapses=False,
        losses=False,
    )


def command(words: str, verb: Verb, until: Micros, subject: str = "", *, suspends: bool | None = None) -> Ordered:
    """A command of an operator about the agent, or about one of its models."""
    said = Command(
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
    return Ordered(words, DEPLOYMENT.seal(said, "olga"), subject, until, suspends)


def orders() -> World:
    """One owner, two rungs, and an operator who disables, suspends and resumes."""
    later = Micros(NOW + 1_000 * SECOND)
    return World(
        "orders",
        DEPLOYMENT,
        _documents()[:1],
        ("atlas", "birch"),
        moments=(0, 5, 10, 15, 20),
        routers=0,
        claims=2,
        log=14,
        orders=(
            command("disable atlas for 10 s", Verb.DISABLE, Micros(NOW + 2 * UNIT), "atlas"),
            command("suspend the agent", Verb.SUSPEND, later, suspends=True),
            command("let the agent go on", Verb.RESUME, later, suspends=False),
        ),
        lapses=False,
        losses=False,
    )


def verdicts() -> World:
    """One owner, three rungs, and a health-monitor that may say anything at any time."""
    ladder = [(ATLAS, FOREVER), (BIRCH, EXPIRES), (CEDAR, FOREVER)]
    words = "policy 1 approves atlas, birch and cedar"
    return World(
        "verdicts",
        DEPLOYMENT,
        (policy(1, ladder, words, for_us=UNIT), DENIAL),
        ("atlas", "birch", "cedar"),
        moments=(0, 5, 10, 15, 20),
        routers=0,
        claims=1,
        log=12,
        for_us=UNIT,
        losses=False,
        restarts=False,
    )


WORLDS: Mapping[str, Callable[[], World]] = {
    made.__name__: made for made in (full, revocation, takeover, theft, verdicts, orders)
}
"""By name."""
