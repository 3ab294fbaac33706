"""The worlds that are explored: the full one, and small ones in which a single question is asked to the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.documents import (
    Approval,
    CanaryPlan,
    Denial,
    Mode,
    Rung,
    SafeReply,
    SafeState,
    TriggerRule,
    WatchedTrigger,
)
from interlock.records.health import Level
from interlock.records.models import Model, Registration
from interlock.testing.builders import NOW, Deployment, model
from interlock.trials.explore.canaries import CALLS_MIN, STEPS
from interlock.trials.explore.facts import ERRORS, REFUSALS, UNAVAILABLE
from interlock.trials.explore.smuggling import broader, unfit
from interlock.trials.explore.thief import BEAT_FORGERIES, FORGERIES, SMUGGLED
from interlock.trials.explore.world import AGENT, UNIT, Ordered, Said, World
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import FOREVER, NEVER, SECOND, Micros

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
    triggers = (TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, for_us), *fields.pop("also", ()))
    usual: dict[str, Any] = {"triggers": triggers, "blind_us": UNIT, "stable_us": UNIT, "grace_us": UNIT, **fields}
    rungs = usual.pop("rungs", {})
    rule = DEPLOYMENT.rule([rungs.get(subject.name) or rung(subject, until) for subject, until in ladder], **usual)
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


def withheld() -> World:
    """As `revocation`, with a denial only and nothing that restarts: what a broker withholds must end the lease."""
    return replace(revocation(), name="withheld", documents=(_documents()[0], DENIAL), restarts=False, deaths=False)


def succession() -> World:
    """One owner that dies and claims again, one router that restarts: what belongs to the first term must not come back."""
    return World(
        "succession",
        DEPLOYMENT,
        _documents()[:1],
        ("atlas", "birch"),
        levels=(Level.HEALTHY,),
        moments=(0, 5, 10, 15),
        claims=2,
        log=10,
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
        stranger=True,
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
        forgeries=tuple(name for name in FORGERIES if name != SMUGGLED),
        thefts=1,
        beat_forgeries=tuple(BEAT_FORGERIES),
        lapses=False,
        losses=False,
    )


def command(words: str, verb: Verb, until: Micros, subject: str = "") -> Ordered:
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
    sealed = DEPLOYMENT.seal(said, "olga")
    return Ordered(words, sealed, subject, until, freezes=verb is Verb.FREEZE, suspends=verb is Verb.SUSPEND)


def registry() -> World:
    """The registry withdraws a model; an older entry, and one of another deployment, must not bring it back or take it away."""

    def entry(version: int, words: str, deployment: str = DEPLOYMENT.name, **fields: Any) -> Said:
        said = Registration(deployment, version, ATLAS, withdrawn=version > 1, issued_at=NOW)
        return Said(words, DEPLOYMENT.seal(said, "grace"), **fields)

    return World(
        "registry",
        DEPLOYMENT,
        (
            policy(1, [(ATLAS, FOREVER), (BIRCH, EXPIRES)], "policy 1 approves atlas and birch"),
            entry(1, "atlas is registered"),
            entry(2, "atlas is withdrawn", denies="atlas"),
            entry(9, "another deployment withdraws atlas", "elsewhere"),
        ),
        ("atlas", "birch"),
        published=2,
        levels=(Level.HEALTHY,),
        moments=(0, 5, 10),
        claims=1,
        log=14,
        deaths=False,
        lapses=False,
        losses=False,
    )


def roots() -> World:
    """New trust roots, and documents of another deployment that the same people signed."""
    second, third, signers = DEPLOYMENT.next_root(2), DEPLOYMENT.next_root(3), ("root-1", "root-2")
    foreign = replace(second, deployment="elsewhere")
    rule = DEPLOYMENT.rule([rung(model("zebra"))])
    elsewhere = replace(DEPLOYMENT.policy_of(AGENT, rule, version=5), deployment="elsewhere")
    return World(
        "roots",
        DEPLOYMENT,
        (
            policy(1, [(ATLAS, FOREVER), (BIRCH, EXPIRES)], "policy 1 approves atlas and birch"),
            Said("there is trust root 2", DEPLOYMENT.seal(second, *signers)),
            Said("there is trust root 3", DEPLOYMENT.seal(third, *signers), after=1),
            Said("another deployment has a trust root 2", DEPLOYMENT.seal(foreign, *signers)),
            Said("another deployment approves zebra", DEPLOYMENT.seal(elsewhere, "grace", "oscar")),
        ),
        ("atlas", "birch"),
        levels=(Level.HEALTHY,),
        moments=(0, 5, 10),
        claims=2,
        log=14,
        forgeries=("an unapproved model",),
        thefts=1,
        lapses=False,
        losses=False,
    )


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
            command("suspend the agent", Verb.SUSPEND, later),
            command("let the agent go on", Verb.RESUME, later),
        ),
        lapses=False,
        losses=False,
    )


def guarded() -> World:
    """One owner, a guard that the route requires, a rung that answers without tools in the safe state, and an operator."""
    later = Micros(NOW + 1_000 * SECOND)
    words = "policy 1 approves atlas and birch, with birch for read_only"
    fields = {"guards": ("filter",), "safe_state": SafeState.READ_ONLY, "safe_reply": SafeReply(model="birch")}
    return World(
        "guarded",
        DEPLOYMENT,
        (policy(1, [(ATLAS, FOREVER), (BIRCH, EXPIRES)], words, dwell_us=2 * UNIT, **fields),),
        ("atlas", "birch"),
        guards=("filter",),
        reply="birch",
        dwell_us=Micros(2 * UNIT),
        moments=(0, 5, 10, 15, 20),
        routers=0,
        claims=1,
        log=16,
        orders=(
            command("freeze the agent for 10 s", Verb.FREEZE, Micros(NOW + 3 * UNIT)),
            command("suspend the agent", Verb.SUSPEND, later),
            command("let the agent go on", Verb.RESUME, later),
        ),
        restarts=False,
        deaths=False,
        losses=False,
    )


def refusals() -> World:
    """One owner, and models that refuse: a person must let the route go on, and no laxer model may answer meanwhile."""
    trigger = TriggerRule(WatchedTrigger.REFUSALS, 0.1, NEVER, Mode.SUSPEND)
    later = Micros(NOW + 1_000 * SECOND)
    ladder = [(ATLAS, FOREVER), (BIRCH, FOREVER)]
    return World(
        "refusals",
        DEPLOYMENT,
        (policy(1, ladder, "policy 1 approves atlas and birch", also=(trigger,)),),
        ("atlas", "birch"),
        objectives=(UNAVAILABLE, REFUSALS),
        moments=(0, 5, 10, 15),
        routers=0,
        claims=1,
        log=16,
        orders=(command("let the agent go on", Verb.RESUME, later),),
        lapses=False,
        restarts=False,
        deaths=False,
        losses=False,
    )


def approval() -> World:
    """One owner, and a fallback that differs materially: it waits for the agent owner, and an operator's word is not enough."""
    other = model("birch", identity={"id": "spiffe://test/other"})
    asked = replace(rung(other), equivalent=False, accepted_in_advance=False)
    words = "policy 1 approves atlas, and birch with the agent owner's word"
    fields = {"approval": Approval(Micros(2 * UNIT))}
    return World(
        "approval",
        DEPLOYMENT,
        (policy(1, [(ATLAS, FOREVER), (other, FOREVER)], words, rungs={"birch": asked}, **fields),),
        ("atlas", "birch"),
        approvals=True,
        moments=(0, 5, 10, 15, 20),
        routers=0,
        claims=1,
        log=16,
        lapses=False,
        restarts=False,
        deaths=False,
        losses=False,
    )


def canary() -> World:
    """One owner that moves by canary, a health-monitor that may say anything of it, one router."""
    trigger = TriggerRule(WatchedTrigger.ERRORS, 0.2, NEVER, Mode.CANARY)
    ladder = [(ATLAS, FOREVER), (BIRCH, EXPIRES)]
    plan = CanaryPlan(STEPS, CALLS_MIN, UNIT, Micros(2 * UNIT))
    return World(
        "canary",
        DEPLOYMENT,
        (
            policy(1, ladder, "policy 1 approves atlas and birch", also=(trigger,), canary=plan),
            policy(2, ladder, "policy 2 wants no canary", also=(trigger,)),
            DENIAL,
        ),
        ("atlas", "birch"),
        objectives=(UNAVAILABLE, ERRORS),
        canaries=True,
        dwell_us=UNIT,
        moments=(0, 5, 10, 15, 20),
        claims=1,
        log=24,
        lapses=False,
        restarts=False,
        deaths=False,
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
        deaths=False,
    )


WORLDS: Mapping[str, Callable[[], World]] = {
    made.__name__: made
    for made in (
        full,
        revocation,
        withheld,
        succession,
        takeover,
        theft,
        verdicts,
        orders,
        registry,
        roots,
        guarded,
        refusals,
        approval,
        canary,
        broader,
        unfit,
    )
}
"""By name."""
