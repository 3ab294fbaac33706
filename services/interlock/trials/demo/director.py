"""What every act of the story does: make something happen, and wait until it is seen from outside.

Stimuli are what the outside world can do: a model's server fails or works, a client asks, somebody writes to a topic or types a
command. What is waited for is seen from outside, too: the audit log, replies to the clients, findings, receipts. Nothing waits for a
duration.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock.records.change import RoutingChange
from interlock.records.rules import WHOLE
from interlock.runtime.clock import SystemClock
from interlock.trials.demo.attacks import Attack
from interlock.trials.demo.scene import Scene
from interlock.trials.steady_client import Fate, SteadyClient
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros

PATIENCE_S = 30.0
"""How long anything is waited for: some ten times what it takes on a free machine."""

REPLIES = 15
"""How many replies must bear the new state out before the story goes on: each tenth of them was asked for by another name."""

GATEWAY = "gateway-1"
SAFE = "safe state"


class Chapter(StrEnum):
    """The parts of the story."""

    BEGINNING = "the agents are served by their primaries"
    PRIMARY_FAILS = "the primary fails"
    FORGERIES = "changes that nobody ordered are put on the topic"
    FALLBACK_FAILS = "the fallback fails, too"
    RECOVERY = "the primary comes back"
    PRIMARY_SLOW = "another agent's primary turns slow"
    CANARY_FAILS = "the model that is tried fails"
    WAITING = "the next model differs materially"
    APPROVAL = "the agent's owner types what the status says"
    END = "everybody was told"


Meanwhile = Mapping[Chapter, Callable[[Scene], Awaitable[None]]]
"""What a test does in mid-chapter, right after the stimulus."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What became of one attack; no reason: the gateway reported no refusal."""

    attack: Attack
    reason: str | None


@dataclass(slots=True)
class Notes:
    """What the story wrote down for the evidence: what it did, and when.

    Attributes:
        beginning: By route, how many changes it had had when the story began.
        refusals: What became of the attacks.
        tried: From when to when the canary was watched; None: there was none.
        waiting: What `interlock status` said of the route that waits for approval.
        unauthorised: The id of the approval that was signed by the operator alone; empty: there was none.
        approved: What `interlock approve` answered to the agent's owner.
        trouble: What was waited for in vain; the story ends there. Empty if nothing.
    """

    beginning: dict[RouteId, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    tried: tuple[Micros, Micros] | None = None
    waiting: Mapping[str, Any] = field(default_factory=dict)
    unauthorised: str = ""
    approved: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Director:
    """Directs a scene.

    Attributes:
        scene: The scene.
        tell: Is told what happens, a line at a time.
        meanwhile: What else happens in a chapter.
        notes: What is written down.
    """

    scene: Scene
    tell: Callable[[str], None]
    meanwhile: Meanwhile
    notes: Notes

    @property
    def now(self) -> Micros:
        """The time, as everybody on this machine has it."""
        return SystemClock().now().wall

    def changes(self, route: RouteId) -> Sequence[RoutingChange]:
        """Every change of a route in the audit log, in order."""
        return [change for change in self.scene.witness.changes if change.route == route]

    async def stimulus(self, chapter: Chapter, model: str, mode: str, **more: Any) -> None:
        """Make a model's server behave otherwise."""
        self.tell(f"{chapter}: {model} now answers {mode!r}")
        await self.scene.models.behave(model, mode=mode, **more)
        await self.also(chapter)

    async def also(self, chapter: Chapter) -> None:
        """Do what a test wants done in this chapter."""
        if chapter in self.meanwhile:
            await self.meanwhile[chapter](self.scene)

    async def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds.

        Raises:
            NotSeen: It did not for as long as is waited.
        """
        await self.scene.watch.until(what, condition, within_s=PATIENCE_S)

    async def until_moved(
        self, route: RouteId, target: str | None, *, after: int, weight: int = WHOLE
    ) -> RoutingChange:
        """Wait for a change of a route to a target, later than so many changes; tell of it."""

        def found() -> RoutingChange | None:
            later = self.changes(route)[after:]
            return next((each for each in later if (each.target, each.weight) == (target, weight)), None)

        what = f"the audit log puts {route.key} on {target or 'its safe state'}"
        await self.until(what, lambda: found() is not None)
        change = found()
        assert change is not None, "just seen"
        self.tell(f"  {moved(change)} ({change.cause.detail})")
        return change

    async def until_obeyed(self, change: RoutingChange) -> None:
        """Wait until the gateway acknowledged a change."""
        acks = self.scene.witness.acks
        await self.until(
            f"the gateway acknowledged {change.id}",
            lambda: any(ack.change_id == change.id and ack.kind == "ack" for ack in acks),
        )

    async def until_replies(self, client: SteadyClient, what: str, fate: Fate, model: str | None) -> None:
        """Wait for so many further replies of a kind."""
        seen = len(client.replies)
        await self.until(f"{REPLIES} replies {what}", lambda: client.count(fate, model=model, after=seen) >= REPLIES)


def moved(change: RoutingChange) -> str:
    """A change in one line."""
    part = f" for {change.weight} %" if change.weight < WHOLE else ""
    return f"{change.route.key}: {change.source or SAFE} → {change.target or SAFE}{part}"
