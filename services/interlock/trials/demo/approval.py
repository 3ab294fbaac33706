"""The third act: the next model differs materially, so the agent waits in its safe state, and its requests for a person.

An approval that the operator alone signed is put on the topic, past the command line, which would refuse it: decision must. Then the
agent's owner types what `interlock status` told him to type.
"""

import shlex
import uuid

from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.sealing import seal
from interlock.trials.demo.cast import DEPLOYMENT, OPERATOR, OWNER, SUPPORT, SUPPORT_ROUTE, UNACCEPTED
from interlock.trials.demo.director import Chapter, Director
from interlock.trials.steady_client import Fate
from interlock.trials.typed import typed
from interlock.trials.witness import NotSeen
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import COMMANDS

_COUNTS_FOR_US = 300 * SECOND


async def approval(director: Director, *, after: int) -> None:
    """Play it.

    Args:
        director: Directs.
        after: How many changes the route had had before the canary was rolled back.

    Raises:
        NotSeen: What must be seen was not.
    """
    client = director.scene.clients[SUPPORT]
    waits = await director.until_moved(SUPPORT_ROUTE, None, after=after)
    director.tell(f"{Chapter.WAITING}: {waits.proposed} waits for {OWNER}, and requests for a person")
    await director.also(Chapter.WAITING)
    await director.until_replies(client, "are tickets", Fate.TICKET, None)
    await _refused(director, waits.proposal)
    await _look(director)
    seen = len(director.changes(SUPPORT_ROUTE))
    await _approve(director)
    await director.until_moved(SUPPORT_ROUTE, UNACCEPTED, after=seen)
    await director.until_replies(client, "come from the approved model", Fate.OK, UNACCEPTED)


async def _refused(director: Director, proposal: str) -> None:
    """The operator alone approves; decision must answer no."""
    command = _approval(proposal, director.now)
    stage, witness = director.scene.stage, director.scene.witness
    sealed = seal(command, stage.workspace.load_key(OPERATOR))
    await (await stage.bus.publisher()).publish(COMMANDS.name, SUPPORT, sealed)
    director.notes.unauthorised = command.id
    await director.until(f"decision answers {command.id}", lambda: command.id in witness.answers)
    answer = witness.answers[command.id]
    outcome = _outcome(answer.accepted, answer.reason)
    director.tell(f"  an approval signed by {OPERATOR}, the operator, alone: {outcome}")


async def _look(director: Director) -> None:
    """What `interlock status` says waits."""
    document = await typed(director.scene.stage.workspace, "status", SUPPORT_ROUTE.key)
    for route in document.get("routes", ()):
        director.notes.waiting = route
    hold = director.notes.waiting.get("hold") or {}
    differs = ", ".join(hold.get("material", ()))
    director.tell(f"  interlock status: {hold.get('model')} waits for approval until {hold.get('until')}: {differs}")


async def _approve(director: Director) -> None:
    """The owner types the command that the status shows."""
    hold = director.notes.waiting.get("hold") or {}
    command = hold.get("command", "")
    if not command:
        raise NotSeen("`interlock status` shows no command that ends the waiting.", "Try it by hand.")
    director.tell(f"{Chapter.APPROVAL}: {command}")
    await director.also(Chapter.APPROVAL)
    given = director.notes.approved = await typed(director.scene.stage.workspace, *shlex.split(command)[1:])
    director.tell(f"  {_outcome(bool(given.get('accepted')), given.get('reason'))}")


def _outcome(accepted: bool, reason: str | None) -> str:
    return "accepted" if accepted else f"refused ({reason})"


def _approval(proposal: str, now: Micros) -> Command:
    return Command(
        id=f"approve-{uuid.uuid4().hex[:12]}",
        deployment=DEPLOYMENT,
        verb=Verb.APPROVE,
        agent=SUPPORT,
        route=SUPPORT_ROUTE.key,
        model="",
        about=proposal,
        outcome=ReviewOutcome.NONE,
        ticket="",
        reason="it is urgent",
        issued_at=now,
        expires_at=Micros(now + _COUNTS_FOR_US),
    )
