"""The worlds that are explored: the full one, and small ones in which a single question is asked to the end."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from interlock.records.health import Level
from interlock.records.models import Model, Registration
from interlock.testing.builders import NOW, model
from interlock.trials.explore import rule_worlds, smuggling
from interlock.trials.explore.policies import AGAIN, ATLAS, BIRCH, DENIAL, DEPLOYMENT, EXPIRES, policy, rung, usual
from interlock.trials.explore.thief import BEAT_FORGERIES, FORGERIES, SMUGGLED
from interlock.trials.explore.world import AGENT, Said, World
from interlock.vocabulary.time import FOREVER


def full() -> World:
    """Two owners, two routers, revocation by denial and by policy, evidence that expires, a thief: everything at once."""
    return World(
        "full",
        DEPLOYMENT,
        usual(),
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
        usual(),
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
    return replace(revocation(), name="withheld", documents=(usual()[0], DENIAL, AGAIN), restarts=False, deaths=False)


def succession() -> World:
    """One owner that dies and claims again, one router that restarts: what belongs to the first term must not come back."""
    return World(
        "succession",
        DEPLOYMENT,
        usual()[:1],
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
        usual()[:1],
        ("atlas", "birch"),
        moments=(0, 5, 10),
        owners=2,
        claims=3,
        log=12,
        lapses=False,
        group=True,
        stranger=True,
        doubles=True,
    )


def theft() -> World:
    """Every forgery that a stolen decision key can make, one at a time, at one router."""
    return World(
        "theft",
        DEPLOYMENT,
        usual()[:2],
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


def registry() -> World:
    """The registry withdraws a model; an older entry, and one of another deployment, must not bring it back or take it away."""

    def entry(version: int, words: str, subject: Model, deployment: str = DEPLOYMENT.name, **fields: Any) -> Said:
        said = Registration(deployment, version, subject, withdrawn=version > 2, issued_at=NOW)
        return Said(words, DEPLOYMENT.seal(said, "grace"), **fields)

    return World(
        "registry",
        DEPLOYMENT,
        (
            policy(1, [(ATLAS, FOREVER), (BIRCH, EXPIRES)], "policy 1 approves atlas and birch"),
            entry(1, "atlas is registered", ATLAS),
            entry(2, "atlas is registered otherwise", model("atlas", tools=("shell",)), denies="atlas"),
            entry(3, "atlas is withdrawn", ATLAS, denies="atlas"),
            entry(9, "another deployment withdraws atlas", ATLAS, "elsewhere"),
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


def withdrawn() -> World:
    """As `registry`, with nothing but an entry and its withdrawal: short enough for a restart in between."""
    whole = registry()
    return replace(whole, name="withdrawn", documents=(*whole.documents[:2], whole.documents[3]))


def roots() -> World:
    """New trust roots, and documents of another deployment that the same people signed."""
    second, third, signers = DEPLOYMENT.next_root(2), DEPLOYMENT.next_root(3), ("root-1", "root-2")
    foreign = replace(second, deployment="elsewhere")
    rule = DEPLOYMENT.rule([rung(model("zebra"))])
    dropped = DEPLOYMENT.policy_of(AGENT, DEPLOYMENT.rule([rung(ATLAS)], slot="other"), version=2)
    elsewhere = replace(DEPLOYMENT.policy_of(AGENT, rule, version=5), deployment="elsewhere")
    return World(
        "roots",
        DEPLOYMENT,
        (
            policy(1, [(ATLAS, FOREVER), (BIRCH, EXPIRES)], "policy 1 approves atlas and birch"),
            Said("there is trust root 2", DEPLOYMENT.seal(second, *signers)),
            Said("there is trust root 3", DEPLOYMENT.seal(third, *signers), after=1),
            Said("policy 2 names another slot", DEPLOYMENT.seal(dropped, "grace", "oscar"), 2),
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


WORLDS: Mapping[str, Callable[[], World]] = {
    made.__name__: made
    for made in (
        full,
        revocation,
        withheld,
        succession,
        takeover,
        theft,
        registry,
        withdrawn,
        roots,
        rule_worlds.verdicts,
        rule_worlds.orders,
        rule_worlds.untold,
        rule_worlds.guarded,
        rule_worlds.refusals,
        rule_worlds.approval,
        rule_worlds.waiting,
        rule_worlds.canary,
        smuggling.broader,
        smuggling.unfit,
    )
}
"""By name."""
