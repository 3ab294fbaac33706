"""Worlds of one owner, each for some of the rules: a health-monitor, operators and agent owners who may say anything at any time."""

from dataclasses import replace

from interlock.records.commands import Verb
from interlock.records.rules import Approval, CanaryPlan, Mode, SafeReply, SafeState, TriggerRule, WatchedTrigger
from interlock.testing.builders import NOW, model
from interlock.trials.explore.canaries import CALLS_MIN, STEPS
from interlock.trials.explore.facts import ERRORS, REFUSALS, UNAVAILABLE
from interlock.trials.explore.policies import (
    ATLAS,
    BIRCH,
    CEDAR,
    DENIAL,
    DEPLOYMENT,
    EXPIRES,
    ROUTE,
    command,
    of_watch,
    policy,
    rung,
)
from interlock.trials.explore.world import AGENT, UNIT, World
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import FOREVER, NEVER, SECOND, Micros

LATE = RouteId(AGENT, "late", ANY)
"""A route that only the second policy of `approval` has."""


def verdicts() -> World:
    """One owner, three rungs, and a health-monitor that may say anything at any time."""
    ladder = [(ATLAS, FOREVER), (BIRCH, EXPIRES), (CEDAR, FOREVER)]
    words = "policy 1 approves atlas, birch and cedar"
    return World(
        "verdicts",
        DEPLOYMENT,
        (policy(1, ladder, words, for_us=UNIT, expires=Micros(NOW + 4 * UNIT)), DENIAL),
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


def orders() -> World:
    """One owner, two rungs, an operator who disables, suspends and resumes, and a policy with another safe state and a route more."""
    later = Micros(NOW + 1_000 * SECOND)
    ladder = [(ATLAS, FOREVER), (BIRCH, EXPIRES)]
    words = "policy 2 names the human queue, and a route more"
    return World(
        "orders",
        DEPLOYMENT,
        (
            policy(1, ladder, "policy 1 approves atlas and birch"),
            policy(2, ladder, words, slots=(LATE.slot,), safe_state=SafeState.HUMAN_QUEUE),
        ),
        ("atlas", "birch"),
        moments=(0, 5, 10, 15, 20),
        routes=(ROUTE, LATE),
        routers=0,
        claims=1,
        deaths=False,
        log=14,
        orders=(
            command("disable atlas for 10 s", Verb.DISABLE, Micros(NOW + 2 * UNIT), "atlas"),
            command("suspend the agent", Verb.SUSPEND, later),
            command("let the agent go on", Verb.RESUME, later),
        ),
        lapses=False,
        losses=False,
    )


def untold() -> World:
    """One owner, two routes, and a deadline watch that stops one of them, says more than it may, and meddles with an operator's order."""
    later = Micros(NOW + 1_000 * SECOND)
    ladder = [(ATLAS, FOREVER), (BIRCH, EXPIRES)]
    words = "policy 1 approves atlas and birch, and wants to be stopped when nobody is told"
    return World(
        "untold",
        DEPLOYMENT,
        (
            policy(1, ladder, words, slots=(LATE.slot,), stops=True),
            policy(2, ladder, "policy 2 wants breaches on record only", slots=(LATE.slot,)),
        ),
        ("atlas", "birch"),
        moments=(0, 5, 10, 15, 20),
        routes=(ROUTE, LATE),
        routers=0,
        claims=1,
        deaths=False,
        log=14,
        orders=(
            of_watch("stop main, of which nobody was told", Verb.SUSPEND, later, ROUTE),
            of_watch("hold main where it is, by the watch", Verb.FREEZE, later, ROUTE),
            of_watch("let main go on, by the watch", Verb.RESUME, later, ROUTE),
            command(
                "let the agent go on, with the watch's signature added to it", Verb.RESUME, later, also_by=("watch-1",)
            ),
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
    words = "policy 1 approves atlas, birch with the agent owner's word, and cedar"
    ladder = [(ATLAS, FOREVER), (other, FOREVER), (CEDAR, FOREVER)]
    fields = {"approval": Approval(Micros(2 * UNIT)), "rungs": {"birch": asked}}
    return World(
        "approval",
        DEPLOYMENT,
        (
            policy(1, ladder, words, **fields),
            policy(2, ladder, "policy 2 has a route more", slots=(LATE.slot,), **fields),
        ),
        ("atlas", "birch", "cedar"),
        approvals=True,
        orders=(command("freeze the agent for 10 s", Verb.FREEZE, Micros(NOW + 3 * UNIT)),),
        routes=(ROUTE, LATE),
        moments=(0, 5, 10, 15, 20),
        routers=0,
        claims=1,
        log=16,
        lapses=False,
        restarts=False,
        deaths=False,
        losses=False,
    )


def waiting() -> World:
    """As `approval`, with the two upper rungs down: the third serves, and is not left for one that must wait."""
    return replace(approval(), name="waiting", down=("atlas", "birch"))


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
