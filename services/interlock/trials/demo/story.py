"""The story: what is done to the scene, and what must be seen before it goes on.

Stimuli are what the outside world can do: a model's server fails or works, a client asks, somebody writes to a topic. What is waited
for is seen from outside, too: the audit log, replies to the client, findings, receipts. Nothing waits for a duration.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from interlock.records.change import RoutingChange
from interlock.records.telling import Finding
from interlock.runtime.bus import Publisher
from interlock.trials.demo.attacks import Attack, Loot, attacks
from interlock.trials.demo.cast import AGENT, FALLBACK, PRIMARY, ROUTE, TEMPTER
from interlock.trials.demo.client import Fate
from interlock.trials.demo.scene import Scene
from interlock.trials.told import accepted_at
from interlock.trials.witness import NotSeen
from interlock.vocabulary.identifiers import shard_of
from interlock.wire.topics import ROUTES, SHARDS

PATIENCE_S = 30.0
"""How long anything is waited for: some ten times what it takes on a free machine."""

REPLIES = 15
"""How many replies must bear the new state out before the story goes on: each tenth of them was asked for by another name."""

GATEWAY = "gateway-1"
SAFE = "safe state"


class Chapter(StrEnum):
    """The parts of the story."""

    BEGINNING = "the agent is served by its primary"
    PRIMARY_FAILS = "the primary fails"
    FORGERIES = "changes that nobody ordered are put on the topic"
    FALLBACK_FAILS = "the fallback fails, too"
    RECOVERY = "the primary comes back"
    END = "everybody was told"


Meanwhile = Mapping[Chapter, Callable[[Scene], Awaitable[None]]]
"""What a test does in mid-chapter, right after the stimulus."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What became of one attack; no reason: the gateway reported no refusal."""

    attack: Attack
    reason: str | None


@dataclass(slots=True)
class Story:
    """Plays on a scene.

    Attributes:
        scene: The scene.
        tell: Is told what happens, a line at a time.
        meanwhile: What else happens in a chapter.
        refusals: What became of the attacks.
        beginning: How many changes the route had had when the story began.
        trouble: What was waited for in vain; the story ends there. Empty if nothing.
    """

    scene: Scene
    tell: Callable[[str], None]
    meanwhile: Meanwhile = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    beginning: int = 0
    trouble: str = ""

    async def run(self) -> None:
        """Play it to its end, or to the first thing that is waited for in vain."""
        scene = self.scene
        try:
            self.tell(f"{Chapter.BEGINNING}: waiting for the first verdicts")
            await self._until_on(PRIMARY, after=0)
            self.beginning = len(self._changes())
            async with scene.client, scene.other_client:
                await self._replies("come from the primary", Fate.OK, PRIMARY)
                await self._primary_fails()
                await self._forgeries()
                await self._fallback_fails()
                await self._recovery()
            await self._end()
        except NotSeen as error:
            self.trouble = error.message
            self.tell(f"The story stops here: {error.message}")

    async def _primary_fails(self) -> None:
        seen = await self._stimulus(Chapter.PRIMARY_FAILS, PRIMARY, "error")
        await self._until_on(FALLBACK, after=seen)
        await self._replies("come from the fallback", Fate.OK, FALLBACK)

    async def _forgeries(self) -> None:
        scene = self.scene
        self.tell(f"{Chapter.FORGERIES}")
        history = self._changes()
        keys = scene.stage.workspace
        loot = Loot(keys.load_key("decision-1"), keys.load_key(GATEWAY), scene.witness.sealed[history[0].id])
        publisher = await scene.stage.bus.publisher()
        for attack in attacks(history[-1], approved=PRIMARY, unapproved=TEMPTER, loot=loot):
            await self._attack(attack, publisher)
        await self._meanwhile(Chapter.FORGERIES)
        await self._replies("still come from the fallback", Fate.OK, FALLBACK)

    async def _fallback_fails(self) -> None:
        seen = await self._stimulus(Chapter.FALLBACK_FAILS, FALLBACK, "refuse")
        await self._until_on(None, after=seen)
        await self._replies("say that the agent is in its safe state", Fate.SAFE_STATE, None)

    async def _recovery(self) -> None:
        seen = await self._stimulus(Chapter.RECOVERY, PRIMARY, "ok")
        await self._until_on(PRIMARY, after=seen)
        await self._replies("come from the primary again", Fate.OK, PRIMARY)

    async def _end(self) -> None:
        """Every change in the log has its notice, and every one for the agent its acknowledgement."""
        self.tell(f"{Chapter.END}: waiting for the last notices")
        await self._until("each change was accepted by the governance webhook", self._all_told)
        await self._until("the gateway acknowledged each change of the story", self._all_acknowledged)

    async def _stimulus(self, chapter: Chapter, model: str, mode: str) -> int:
        """Make a model's server behave otherwise; how many changes the route had had before."""
        self.tell(f"{chapter}: {model} now answers {mode!r}")
        seen = len(self._changes())
        await self.scene.models.behave(model, mode)
        await self._meanwhile(chapter)
        return seen

    async def _meanwhile(self, chapter: Chapter) -> None:
        if chapter in self.meanwhile:
            await self.meanwhile[chapter](self.scene)

    async def _attack(self, attack: Attack, publisher: Publisher) -> None:
        shard = shard_of(AGENT, SHARDS)
        offset = await publisher.publish(ROUTES.name, ROUTE.key, attack.sealed, partition=shard)

        def refusal() -> Finding | None:
            place = (GATEWAY, ROUTES.name, shard, offset)
            found = self.scene.witness.findings
            return next(
                (each for each in found if (each.service, each.topic, each.partition, each.offset) == place), None
            )

        try:
            await self._until(f"the gateway refuses {attack.story}", lambda: refusal() is not None)
        finally:
            finding = refusal()
            self.refusals.append(Refusal(attack, finding.reason if finding else None))
        self.tell(f"  {attack.story}: refused ({self.refusals[-1].reason})")

    def _changes(self) -> list[RoutingChange]:
        return [change for change in self.scene.witness.changes if change.route == ROUTE]

    async def _until_on(self, target: str | None, *, after: int) -> None:
        """Wait for a change of the route to a target, later than so many changes."""
        what = f"the audit log puts {ROUTE.key} on {target or 'its safe state'}"
        await self._until(what, lambda: any(change.target == target for change in self._changes()[after:]))
        change = self._changes()[-1]
        self.tell(f"  {ROUTE.key}: {change.source or SAFE} → {change.target or SAFE} ({change.cause.detail})")

    async def _replies(self, what: str, fate: Fate, model: str | None) -> None:
        """Wait for so many further replies of a kind."""
        client = self.scene.client
        seen = len(client.replies)
        await self._until(f"{REPLIES} replies {what}", lambda: client.count(fate, model=model, after=seen) >= REPLIES)

    def _all_told(self) -> bool:
        told = accepted_at(self.scene.stage.notices())
        return all(change.id in told for change in self.scene.witness.changes)

    def _all_acknowledged(self) -> bool:
        acknowledged = {ack.change_id for ack in self.scene.witness.acks if ack.kind == "ack"}
        return all(change.id in acknowledged for change in self._changes()[self.beginning :])

    async def _until(self, what: str, condition: Callable[[], bool]) -> None:
        await self.scene.watch.until(what, condition, within_s=PATIENCE_S)
