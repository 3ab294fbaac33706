"""The first act: an agent's primary dies, then its fallback; in between, changes are forged. At the end the primary comes back."""

from interlock.records.telling import Finding
from interlock.runtime.bus import Publisher
from interlock.trials.demo.attacks import Attack, Loot, attacks
from interlock.trials.demo.cast import AGENT, FALLBACK, PRIMARY, ROUTE, TEMPTER
from interlock.trials.demo.director import GATEWAY, Chapter, Director, Refusal
from interlock.trials.steady_client import Fate
from interlock.vocabulary.identifiers import shard_of
from interlock.wire.topics import ROUTES, SHARDS


async def outage(director: Director) -> None:
    """Play it.

    Raises:
        NotSeen: What must be seen was not.
    """
    client = director.scene.clients[AGENT]
    await director.until_replies(client, "come from the primary", Fate.OK, PRIMARY)
    await _leave(director, Chapter.PRIMARY_FAILS, PRIMARY, "error", FALLBACK)
    await director.until_replies(client, "come from the fallback", Fate.OK, FALLBACK)
    await _forgeries(director)
    await director.until_replies(client, "still come from the fallback", Fate.OK, FALLBACK)
    await _leave(director, Chapter.FALLBACK_FAILS, FALLBACK, "refuse", None)
    await director.until_replies(client, "say that the agent is in its safe state", Fate.SAFE_STATE, None)
    await _leave(director, Chapter.RECOVERY, PRIMARY, "ok", PRIMARY)
    await director.until_replies(client, "come from the primary again", Fate.OK, PRIMARY)


async def _leave(director: Director, chapter: Chapter, model: str, mode: str, target: str | None) -> None:
    """A model's server behaves otherwise, and the route goes elsewhere for it."""
    seen = len(director.changes(ROUTE))
    await director.stimulus(chapter, model, mode)
    await director.until_moved(ROUTE, target, after=seen)


async def _forgeries(director: Director) -> None:
    scene = director.scene
    director.tell(f"{Chapter.FORGERIES}")
    history = director.changes(ROUTE)
    keys = scene.stage.workspace
    loot = Loot(keys.load_key("decision-1"), keys.load_key(GATEWAY), scene.witness.sealed[history[0].id])
    publisher = await scene.stage.bus.publisher()
    for attack in attacks(history[-1], approved=PRIMARY, unapproved=TEMPTER, loot=loot):
        await _attack(director, attack, publisher)
    await director.also(Chapter.FORGERIES)


async def _attack(director: Director, attack: Attack, publisher: Publisher) -> None:
    shard = shard_of(AGENT, SHARDS)
    offset = await publisher.publish(ROUTES.name, ROUTE.key, attack.sealed, partition=shard)
    place = (GATEWAY, ROUTES.name, shard, offset)

    def refusal() -> Finding | None:
        found = director.scene.witness.findings
        return next((each for each in found if (each.service, each.topic, each.partition, each.offset) == place), None)

    refusals = director.notes.refusals
    try:
        await director.until(f"the gateway refuses {attack.story}", lambda: refusal() is not None)
    finally:
        finding = refusal()
        refusals.append(Refusal(attack, finding.reason if finding else None))
    director.tell(f"  {attack.story}: refused ({refusals[-1].reason})")
