"""What an exploration came to, as one document and in words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.trials.explore.gate import Result
from interlock.trials.explore.search import Explored, Violation
from interlock.trials.explore.trial import BEGINNINGS

ACTIONS = (
    "acknowledgement lost",
    "append",
    "append doubled",
    "append lost",
    "canary judged",
    "claim",
    "command",
    "document heard",
    "document published",
    "document shown",
    "heartbeat",
    "heartbeat shown",
    "late append",
    "log read",
    "order shown",
    "owner dies",
    "proposal answered",
    "publish",
    "publish again",
    "router restarts",
    "shard taken away",
    "shown again",
    "theft",
    "tick",
    "time",
    "unknown claim",
    "verdict",
    "verdict lapses",
)
"""Everything that may happen: an action that never did was not explored."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found.

    Attributes:
        worlds: Each world and what its exploration came to.
        guards: What came of removing each guard; empty: it was not asked.
    """

    worlds: Sequence[tuple[str, Explored]]
    guards: Sequence[Result] = ()

    @property
    def states(self) -> int:
        """Distinct states in all worlds."""
        return sum(explored.states for _, explored in self.worlds)

    @property
    def fired(self) -> Counter[str]:
        """How often each kind of action happened."""
        return sum((explored.fired for _, explored in self.worlds), Counter())

    @property
    def idle(self) -> list[str]:
        """Actions that never happened."""
        return [action for action in ACTIONS if not self.fired[action]]

    @property
    def violations(self) -> list[tuple[str, Violation]]:
        """What was broken, and in which world."""
        return [(name, explored.violation) for name, explored in self.worlds if explored.violation is not None]

    @property
    def uncaught(self) -> list[Result]:
        """Guards whose removal nothing showed."""
        return [result for result in self.guards if not result.caught]

    @property
    def holds(self) -> bool:
        """Whether nothing is broken, nothing idle and nothing uncaught."""
        return not self.violations and not self.idle and not self.uncaught

    def document(self) -> dict[str, Any]:
        """For a program."""
        return {
            "states": self.states,
            "violations": [
                {"world": name, "invariant": found.invariant, "detail": found.detail, "story": list(found.story)}
                for name, found in self.violations
            ],
            "actions_fired": {action: self.fired[action] for action in ACTIONS},
            "worlds": [
                {
                    "name": name,
                    "states": explored.states,
                    "transitions": explored.transitions,
                    "depth": explored.depth,
                    "whole": explored.whole,
                }
                for name, explored in self.worlds
            ],
            "guards": [
                {
                    "name": result.guard.name,
                    "caught": result.caught,
                    "invariant": result.invariant or None,
                    "steps": result.steps,
                    "partner": result.partner or None,
                    "world": result.world or None,
                    "detail": result.detail,
                }
                for result in self.guards
            ],
        }

    def text(self) -> str:
        """For people."""
        lines = [
            f"{name}: {explored.states:,} states, {explored.transitions:,} transitions, "
            + ("all of it" if explored.whole else f"complete to {explored.depth} steps")
            for name, explored in self.worlds
        ]
        lines.append(f"{self.states:,} states in all")
        for name, found in self.violations:
            lines += [f"BROKEN in {name}: {found.invariant}: {found.detail}", f"  {BEGINNINGS[found.beginning]}"]
            lines += [f"  {step}" for step in found.story]
        lines += [f"NEVER HAPPENED: {action}" for action in self.idle]
        if self.guards:
            caught = len(self.guards) - len(self.uncaught)
            lines.append(f"{caught} of {len(self.guards)} guards are missed when they are removed")
        lines += [f"NOT MISSED: {result.guard.name}: {result.detail}" for result in self.uncaught]
        return "\n".join(lines)
