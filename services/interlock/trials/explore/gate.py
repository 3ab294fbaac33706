"""The mutation gate: the protocol is explored with each guard removed, and an invariant must break.

A guard whose removal nothing shows is either useless or redundant: then another one, its partner, stands behind it, and without both an
invariant must break (`partners`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from interlock.trials.explore.guards import Guard
from interlock.trials.explore.guards import guards as every_guard
from interlock.trials.explore.partners import PARTNERS

MUTANTS_AT_ONCE = 2
"""Processes at a time: the cores of a small machine."""

MUTANT_S_MAX = 300
"""How long one mutant may take: one that never ends is not caught."""

WORLDS = (
    ("theft", 12_000, 8),
    ("registry", 6_000, 4),
    ("withdrawn", 8_000, 4),
    ("roots", 8_000, 6),
    ("withheld", 6_000, 8),
    ("succession", 10_000, 8),
    ("revocation", 15_000, 8),
    ("takeover", 15_000, 8),
    ("verdicts", 2_500, 4),
    ("orders", 2_500, 4),
    ("untold", 2_500, 4),
    ("guarded", 16_000, 4),
    ("refusals", 2_500, 4),
    ("approval", 3_000, 0),
    ("waiting", 2_000, 0),
    ("canary", 15_000, 0),
    ("broader", 120, 0),
    ("unfit", 120, 0),
)
"""Where a violation is looked for: the world, how many states, and from how many of them faults stop."""

_FIRST = {
    "decision.core.tenure": ("takeover",),
    "decision.core.journal": ("takeover",),
    "decision.core.canary": ("canary",),
    "decision.core": ("verdicts", "orders", "untold", "guarded", "refusals", "approval", "waiting", "canary"),
    "records": ("takeover",),
    "policy.book": ("registry", "roots", "withheld"),
    "policy": ("broader", "unfit"),
}
"""Where a module's guards are most likely to be missed: those worlds come first."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one guard's removal.

    Attributes:
        guard: The guard.
        invariant: What broke; empty: nothing did.
        steps: The length of the shortest story.
        world: Where it happened.
        detail: What it was.
        story: The story.
        partner: The guard that had to be removed, too; empty: none.
    """

    guard: Guard
    invariant: str = ""
    steps: int = 0
    world: str = ""
    detail: str = ""
    story: tuple[str, ...] = ()
    partner: str = ""

    @property
    def caught(self) -> bool:
        """Whether an invariant broke."""
        return bool(self.invariant)


def run(guards: Sequence[Guard], told: Callable[[Result], None] = lambda _: None) -> list[Result]:
    """Remove one guard after the other and look for a violation.

    Args:
        guards: Which ones.
        told: Told each result as it comes.
    """
    by_name = {guard.name: guard for guard in every_guard()}

    def one(guard: Guard) -> Result:
        result = _without(guard)
        partner = PARTNERS.get(guard.name)
        if not result.caught and partner is not None and partner.name in by_name:
            result = _without(guard, by_name[partner.name])
        told(result)
        return result

    with ThreadPoolExecutor(MUTANTS_AT_ONCE) as pool:
        return list(pool.map(one, guards))


def _without(guard: Guard, partner: Guard | None = None) -> Result:
    places: dict[str, list[int]] = {}
    for removed in (guard, *([partner] if partner else [])):
        places.setdefault(removed.module, []).append(removed.place)
    asked = json.dumps({"without": places, "worlds": list(_worlds(guard))})
    command = [sys.executable, "-m", "interlock.trials.explore.mutant", asked]
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            capture_output=True,
            text=True,
            timeout=MUTANT_S_MAX,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
    except subprocess.TimeoutExpired:
        return Result(guard, detail=f"it did not end within {MUTANT_S_MAX} s")
    if ended.returncode != 0:
        last = ended.stderr.strip().splitlines()[-1:] or ["no word"]
        return Result(guard, detail=f"the explorer itself failed: {last[0]}")
    found = json.loads(ended.stdout)
    if found["invariant"] is None:
        return Result(guard, detail=f"nothing broke in {found['states']} states")
    name = partner.name if partner else ""
    return Result(
        guard, found["invariant"], found["steps"], found["world"], found["detail"], tuple(found["story"]), name
    )


def _worlds(guard: Guard) -> Iterator[tuple[str, int, int]]:
    """The worlds, the most promising first."""
    module = guard.module.removeprefix("interlock.")
    first = next((worlds for prefix, worlds in _FIRST.items() if module.startswith(prefix)), ())
    yield from (world for world in WORLDS if world[0] in first)
    yield from (world for world in WORLDS if world[0] not in first)
