"""The story from its beginning to its end: an outage, a canary that is rolled back, a change that waits for approval."""

from interlock.trials.demo.approval import approval
from interlock.trials.demo.cast import AGENT, OTHER_AGENT, PRIMARY, ROUTE, SLOW, SUPPORT, SUPPORT_ROUTE
from interlock.trials.demo.director import Chapter, Director
from interlock.trials.demo.outage import outage
from interlock.trials.demo.slowness import slowness
from interlock.trials.told import accepted_at
from interlock.trials.witness import NotSeen


async def tell_story(director: Director) -> None:
    """Play it to its end, or to the first thing that is waited for in vain."""
    try:
        await _begin(director)
        await _acts(director)
        await _end(director)
    except NotSeen as error:
        director.notes.trouble = error.message
        director.tell(f"The story stops here: {error.message}")


async def _begin(director: Director) -> None:
    director.tell(f"{Chapter.BEGINNING}: waiting for the first verdicts")
    for route, primary in ((ROUTE, PRIMARY), (SUPPORT_ROUTE, SLOW)):
        await director.until_moved(route, primary, after=0)
        director.notes.beginning[route] = len(director.changes(route))
    await director.scene.models.start_late()


async def _acts(director: Director) -> None:
    clients = director.scene.clients
    async with clients[OTHER_AGENT]:
        async with clients[AGENT]:
            await outage(director)
        async with clients[SUPPORT]:
            seen = len(director.changes(SUPPORT_ROUTE))
            await slowness(director)
            await approval(director, after=seen)


async def _end(director: Director) -> None:
    """Every change in the log has its notice, every one of the story its acknowledgement, every ticket its request on the topic."""
    director.tell(f"{Chapter.END}: waiting for the last notices")
    await director.until("each change was accepted by the governance webhook", lambda: _all_told(director))
    await director.until("the gateway acknowledged each change of the story", lambda: _all_acknowledged(director))
    await director.until("each ticket's request stands on the topic", lambda: _all_kept(director))


def _all_told(director: Director) -> bool:
    told = accepted_at(director.scene.stage.notices())
    return all(change.id in told for change in director.scene.witness.changes)


def _all_acknowledged(director: Director) -> bool:
    """Each change, or the one after it: what was overtaken before a killed owner could publish it is never sent."""
    acknowledged = {ack.change_id for ack in director.scene.witness.acks if ack.kind == "ack"}
    stories = [director.changes(route)[seen:] for route, seen in director.notes.beginning.items()]
    pairs = (pair for story in stories for pair in zip(story, [*story[1:], *story[-1:]], strict=True))
    return all(change.id in acknowledged or after.id in acknowledged for change, after in pairs)


def _all_kept(director: Director) -> bool:
    given = {reply.ticket for client in director.scene.clients.values() for reply in client.replies if reply.ticket}
    return given <= director.scene.witness.tickets.keys()
