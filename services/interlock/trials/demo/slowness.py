"""The second act: a primary turns slow, another model is tried with a part of the requests, fails, and is rolled back.

The health-monitor does not compare the two arms of a canary yet. What rolls this one back is its verdict on the model itself: a
canary whose model would have to be left is not gone on with.
"""

from collections.abc import Mapping

from interlock.trials.demo.cast import CANARY_WEIGHT, SLOW, SUPPORT, SUPPORT_ROUTE, TRIED
from interlock.trials.demo.director import Chapter, Director
from interlock.trials.demo.founded import LATENCY_MS_MAX
from interlock.trials.steady_client import CONVERSATIONS, Fate
from interlock.vocabulary.time import SECOND

SLOW_MS = LATENCY_MS_MAX + 500
"""What the slow primary takes: more than the policy bears."""

ROUNDS = 2
"""How often every conversation must have asked before the story goes on: none may be answered by one model first, then by the other."""


async def slowness(director: Director) -> None:
    """Play it.

    Raises:
        NotSeen: What must be seen was not.
    """
    client = director.scene.clients[SUPPORT]
    await director.until_replies(client, "come from the primary", Fate.OK, SLOW)
    seen = len(director.changes(SUPPORT_ROUTE))
    await director.stimulus(Chapter.PRIMARY_SLOW, SLOW, "slow", latency_ms=SLOW_MS)
    begun = await director.until_moved(SUPPORT_ROUTE, TRIED, after=seen, weight=CANARY_WEIGHT)
    await director.until_obeyed(begun)
    await _watch_the_arms(director)
    seen = len(director.changes(SUPPORT_ROUTE))
    await director.stimulus(Chapter.CANARY_FAILS, TRIED, "error")
    await director.until_moved(SUPPORT_ROUTE, SLOW, after=seen)


async def _watch_the_arms(director: Director) -> None:
    """See from the servers' own logs that both models answer, each its part."""
    since = director.now

    def counted() -> Mapping[str, int]:
        return {model: director.scene.models.asked(model, SUPPORT, since, director.now) for model in (SLOW, TRIED)}

    await director.until(
        f"the servers of {SLOW} and {TRIED} counted requests of every conversation",
        lambda: sum(counted().values()) >= ROUNDS * CONVERSATIONS and counted()[TRIED] > 0,
    )
    director.notes.tried = (since, director.now)
    told = ", ".join(f"{calls} requests at {model}" for model, calls in counted().items())
    director.tell(f"  counted by the servers themselves within {(director.now - since) / SECOND:.1f} s: {told}")
