"""One story with somebody killed in it, judged; and which kills there are."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from interlock.testing.killing.accounts import Account, account_of, differences, findings_of, wrong
from interlock.testing.killing.once import signatures_checked_once
from interlock.testing.killing.story import line
from interlock.testing.killing.strikes import Call, Deed, Register, Side, Strike
from interlock.testing.killing.world import World, live
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import STATE

EFFECTS = frozenset({"Publisher.publish", "Reader.commit", "MarksFile.save", "Sender.send"})
"""Calls after which something is otherwise for somebody else. Between two of them nothing is: to be killed anywhere between is to be killed
after the first."""

PAUSES_S = (0.0, 3.0)
"""After how long a killed service is there again: at once, and as by a supervisor."""

_OFTEN = 30
_LATER = 5
_CHAIN = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one story.

    Attributes:
        faults: Everything that is wrong with it; empty: nothing.
        calls: The calls of the victim.
        struck: How many of the strikes happened.
        virtual_s: How long the story took, virtual seconds.
    """

    faults: tuple[str, ...]
    account: Account | None
    findings: Counter[tuple[str, str]]
    calls: tuple[Call, ...]
    struck: int
    virtual_s: float


def run(victim: str, strikes: Sequence[Strike] = (), pause_s: float = 0.0) -> Outcome:
    """Run the story once.

    Args:
        victim: Whose calls are counted; in the middle of the story it is restarted as an operator does it.
        strikes: What happens to it, one after the other.
        pause_s: After how long it is there again.
    """

    async def scenario(clock: VirtualClock) -> Outcome:
        with tempfile.TemporaryDirectory() as disk:
            world = World(clock, Path(disk), Register(victim, tuple(strikes)), pause_s)
            faults, account = [], None
            try:
                async with live(world):
                    await line(victim)(world)
                account = account_of(world)
                faults = await wrong(world, void=sum(strike.side is Side.LATE for strike in strikes))
            except AssertionError as error:
                faults = [str(error)]
            register = world.register
            return Outcome(
                tuple(faults), account, findings_of(world), tuple(register.calls), register.struck, world.at_s
            )

    with signatures_checked_once():
        return run_virtually(scenario)


def judge(outcome: Outcome, base: Outcome, strikes: Sequence[Strike]) -> list[str]:
    """What is wrong with a story in which somebody was killed, compared with the one in which nobody was."""
    found = list(outcome.faults)
    if outcome.struck < len(strikes):
        found.append(f"only {outcome.struck} of {len(strikes)} strikes happened")
    if not found and outcome.account is not None and base.account is not None:
        found += differences(outcome.account, base.account)
    may = _MAY_BE_FOUND | (_FOUND_OF_THE_LATE if any(strike.side is Side.LATE for strike in strikes) else set())
    surplus = sorted(key for key in outcome.findings if key not in base.findings and key[1] not in may)
    return found + [f"{service} found {reason}" for service, reason in surplus]


_MAY_BE_FOUND = frozenset({Reason.DENIED, Reason.STATE_DISAGREES})
"""A router that starts between a denial and the change that follows from it refuses the one before. A shard whose first owner was killed
before the state topic had its first mark (`accounts` looks to it that there was none) starts from the log, and says so."""

_FOUND_OF_THE_LATE = frozenset({Reason.LOG_GAP, Reason.FOREIGN_RECORD, Reason.OLD_TERM, Reason.NOT_NEWER})
"""What a dead owner's connection delivers late is found in the log, on the routes topic, and by the routers."""


def unknowns(calls: Sequence[Call], victim: str) -> list[Strike]:
    """A publication whose outcome stays unknown, one of each site and topic: its record never comes, or at once, or late."""
    middles = {_place(_middle(alike)) for alike in _alike(calls) if alike[0].port == "Publisher.publish"}
    kills = (strike for strike in effects(calls, victim) if not strike.arrive and _call_of(strike) in middles)
    return [replace(strike, deed=Deed.UNKNOWN) for strike in kills]


def effects(calls: Sequence[Call], victim: str) -> Iterator[Strike]:
    """A kill before and after each call that has an effect; of a publication, also one whose record comes late.

    What comes late to the state topic is put right by the next start: that story is another (`stalled`).
    """
    for call in calls:
        if call.port not in EFFECTS or call.about == "nothing":
            continue
        late = call.port == "Publisher.publish" and not call.about.startswith(STATE.name)
        sides = (*Side,) if late else (Side.BEFORE, Side.AFTER)
        for side in sides:
            yield Strike(victim, Deed.KILL, side, call.site, call.about, call.occurrence)
            if "pipelined" in call.site and side is not Side.LATE:
                yield Strike(victim, Deed.KILL, side, call.site, call.about, call.occurrence, arrive=True)


def quick(calls: Sequence[Call], victim: str) -> list[Strike]:
    """Of those kills the ones for every day: of each site and topic every way at one call, and the plainer ones at the first and the last."""
    chosen: dict[tuple[str, str, int], frozenset[Side]] = {}
    for alike in _alike(calls):
        chosen |= {_place(alike[-1]): frozenset({Side.AFTER}), _place(alike[0]): frozenset({Side.BEFORE, Side.AFTER})}
        chosen[_place(_middle(alike))] = frozenset(Side)
    return [strike for strike in effects(calls, victim) if strike.side in chosen.get(_call_of(strike), ())]


def _alike(calls: Sequence[Call]) -> list[list[Call]]:
    """The calls that have an effect, together those of one site about one topic."""
    alike: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        if call.port in EFFECTS and call.about != "nothing":
            alike.setdefault((call.site, call.about.partition("[")[0]), []).append(call)
    return list(alike.values())


def _middle(calls: Sequence[Call]) -> Call:
    return calls[len(calls) // 2]


def _place(call: Call) -> tuple[str, str, int]:
    return call.site, call.about, call.occurrence


def _call_of(strike: Strike) -> tuple[str, str, int]:
    return strike.site, strike.about, strike.occurrence


def reads(calls: Sequence[Call], victim: str, *, every_about: bool = False) -> list[Strike]:
    """A kill before and after one call of each site that has no effect."""
    count = Counter((call.site, call.about) for call in calls)
    chosen: dict[object, Call] = {}
    for call in calls:
        if call.port not in EFFECTS and "/" in call.site:
            chosen.setdefault((call.site, call.port, call.about if every_about else ""), call)
    return [
        Strike(victim, Deed.KILL, side, call.site, call.about, _LATER if count[call.site, call.about] > _OFTEN else 1)
        for side in (Side.BEFORE, Side.AFTER)
        for call in chosen.values()
    ]


def chains(strikes: Sequence[Strike], calls: Sequence[Call]) -> list[list[Strike]]:
    """Kills without an effect of their own, several of them in one story; those at calls that are made once, at an orderly stop, alone."""
    once = {place for place, count in Counter((call.site, call.about) for call in calls).items() if count == 1}
    alone = [strike for strike in strikes if (strike.site, strike.about) in once]
    others = [strike for strike in strikes if (strike.site, strike.about) not in once]
    several = [others[first : first + _CHAIN] for first in range(0, len(others), _CHAIN)]
    return [*several, *([strike] for strike in alone)]
