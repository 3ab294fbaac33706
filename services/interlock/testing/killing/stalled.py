"""A decision process that is stopped in the middle of a step and wakes as a zombie: another has claimed its shards and decided on.

base = run()                                  # nobody is stopped
outcome = run(Strike("decision", Deed.STOP, Side.BEFORE, site, about, occurrence))
"""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from interlock.records.health import Level
from interlock.testing.killing.accounts import Account, account_of, findings_of, wrong
from interlock.testing.killing.once import signatures_checked_once
from interlock.testing.killing.process import outside
from interlock.testing.killing.services import SECOND_DECISION
from interlock.testing.killing.settled import routes_follow, settled
from interlock.testing.killing.story import routed, served
from interlock.testing.killing.strikes import Call, Deed, Register, Side, Strike
from interlock.testing.killing.trial import EFFECTS, Outcome
from interlock.testing.killing.world import SUPPORT, World, live
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.identifiers import shard_of
from interlock.wire.topics import SHARDS

SESSION_S = 6.0
"""After how long the broker gives a silent process's shards to another."""

AWAKE_S = 3.0
"""How long the zombie is looked at."""

SHARD = shard_of(SUPPORT.agent, SHARDS)

VOID_MAX = 2
"""Records of one shard that a zombie may leave in the log: the step it was at, and a claim or step more before it has heard."""


def run(strike: Strike | None = None, hears_s: float = 0.5) -> Outcome:
    """Run the story once.

    Args:
        strike: Where the first process is stopped, counted from when the primary dies; None: nowhere, and it is no zombie.
        hears_s: For how long it believes after waking that it holds its shards.
    """

    async def scenario(clock: VirtualClock) -> Outcome:
        with tempfile.TemporaryDirectory() as disk:
            world = World(clock, Path(disk), Register("decision"))
            faults: list[str] = []
            account: Account | None = None
            calls: tuple[Call, ...] = ()
            try:
                async with live(world):
                    calls = await _story(world, strike, hears_s)
                account = account_of(world)
                faults = await wrong(world, void=VOID_MAX if strike else 0, doubted=bool(strike))
            except AssertionError as error:
                faults = [str(error)]
            return Outcome(tuple(faults), account, findings_of(world), calls, world.register.struck, world.at_s)

    with signatures_checked_once():
        return run_virtually(scenario)


async def _story(world: World, strike: Strike | None, hears_s: float) -> tuple[Call, ...]:
    world.publish_policies()
    await routed(world, "begins in the safe state", lambda last: last.safe_state is not None)
    world.levels |= dict.fromkeys(("atlas", "birch", "cedar"), Level.HEALTHY)
    await served(world, "atlas", "atlas", "atlas")
    await settled(world)
    zombie = world.running["decision"]
    world.register.arm(*([strike] if strike else ()))
    world.levels["atlas"] = Level.UNAVAILABLE
    if strike is not None:
        await world.until(lambda: zombie.process.stopped, "the process is stopped")
        outside(lambda: world.keep(SECOND_DECISION))
        await world.until(lambda: world.stood_s(zombie) > SESSION_S, "the session is over")
        for membership in zombie.ports.memberships:
            await membership.close()
    await served(world, "birch", "cedar", "cedar")
    calls = tuple(world.register.calls)
    world.deny("birch")
    await served(world, "cedar", "cedar", "cedar")
    if strike is not None:
        zombie.process.hears_s = hears_s
        zombie.process.wake()
        await world.passes(AWAKE_S)
        await world.until(partial(routes_follow, world), "what it overwrote is repaired")
    before = world.ledger.read().steps[SHARD]
    world.levels["birch"] = (
        Level.UNAVAILABLE
    )  # a step that puts nothing right by the way: no route rests on birch any more
    await world.until(lambda: world.ledger.read().steps[SHARD] != before, "one step more")
    if strike is not None:
        await world.passes(1.0)
        await world.restart(SECOND_DECISION)
    world.levels["cedar"] = Level.UNAVAILABLE
    await served(world, None, None, None)
    await settled(world)
    return calls


def stops(calls: Sequence[Call]) -> list[Strike]:
    """A stop before and after every call of a step: each publication, and of the calls that only read the first of each site."""
    seen: set[tuple[str, str]] = set()
    chosen = []
    for call in calls:
        alike = call.site, call.port
        if call.port in EFFECTS or alike not in seen:
            seen.add(alike)
            chosen += [
                Strike("decision", Deed.STOP, side, call.site, call.about, call.occurrence)
                for side in (Side.BEFORE, Side.AFTER)
            ]
    return chosen
