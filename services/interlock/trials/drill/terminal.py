"""8.4: when no approved model may answer, the agent stops in the form that its policy names, and no model hears of its requests.

Six agents share a ladder of two models; each ends in another safe state.

First the models fail one after the other. The primary's failure moves five of the agents to the fallback. The sixth pauses: its policy
leaves the primary only for `read_only`, in which the fallback answers without tools. Then the fallback fails, too, and all six stop.
When both models are well again four agents are served again by themselves; two were stopped in a way that a person must end, and wait
for a `resume` that an operator types.

Then both models fail at once, and all six stop again.

In another act (`unheard`) decision is killed, and the gateway must stop all six by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.records.change import RoutingChange
from interlock.records.rules import SafeState
from interlock.trials.drill import unheard
from interlock.trials.drill.exercise import Act, Exercise, Seen
from interlock.trials.drill.field import PATIENCE_S, REPLIES, Field, moved
from interlock.trials.drill.stopped import (
    CAST,
    FIRST,
    SECOND_RUNG,
    WRITTEN,
    agent_of,
    all_served,
    form_of,
    models_asked,
    replies_since,
    stopped_faults,
    told_form,
    until_kept,
)
from interlock.trials.steady_client import Reply
from interlock.trials.witness import NotSeen
from interlock.vocabulary.time import SECOND, Micros

QUESTION = "What was answered before?"
TOOLS = [{"type": "function", "function": {"name": "search_records", "parameters": {"type": "object"}}}]


PAUSED = (SafeState.READ_ONLY, SafeState.SAFE_SHUTDOWN)
"""Those that a person must end here: a trigger whose mode is `suspend`, and a shutdown."""


@dataclass(slots=True)
class _Notes:
    """What is written down while it is played.

    Attributes:
        answered: By safe state, what its agent was answered to `QUESTION` when it was served.
        faults: What is not as it must be.
    """

    answered: Mapping[SafeState, Reply]
    faults: list[str]


async def play(field: Field) -> Seen:
    """One after the other, then both at once.

    Raises:
        NotSeen: What must be seen was not.
    """
    await all_served(field)
    notes = _Notes({state: await _ask(field, state) for state in WRITTEN}, [])
    read_only = await _primary_fails(field, notes)
    one_by_one = await _stop(field, notes, (SECOND_RUNG,), "the fallback fails, too")
    resumed = await _back(field, notes)
    at_once = await _stop(field, notes, (FIRST, SECOND_RUNG), "both models fail at once")
    await _back(field, notes)
    evidence = {
        "one_after_the_other": one_by_one,
        "read_only": read_only,
        "resumed_by_a_person": resumed,
        "at_once": at_once,
    }
    slowest = max(row["stopped_after_s"] for row in (*one_by_one, *at_once))
    summary = f"{len(WRITTEN)} agents stopped twice, each in its form, within {slowest:.1f} s; no model heard of them"
    return Seen(evidence, summary, tuple(notes.faults))


async def _primary_fails(field: Field, notes: _Notes) -> Mapping[str, Any]:
    """Five agents move to the fallback; the sixth pauses, and the fallback answers it without its tools."""
    seen = _counts(field)
    field.behave(FIRST, mode="error")
    for state in WRITTEN:
        await field.until_obeyed(await _moved_on(field, state, seen[state]))
    agent = agent_of(SafeState.READ_ONLY)
    since = field.now
    await _ask(field, SafeState.READ_ONLY)
    await _until_replied(field, SafeState.READ_ONLY, since)
    with_tools = [each for each in field.server(SECOND_RUNG).seen if each.user == agent and "tools" in each.fields]
    if with_tools:
        notes.faults.append(f"{agent} is read_only, and {SECOND_RUNG} saw {len(with_tools)} requests with tools.")
    before = [each for each in field.server(FIRST).seen if each.user == agent and "tools" in each.fields]
    if not before:
        notes.faults.append(f"{agent} never asked with tools, so nothing was shown.")
    replies = [reply for reply in field.replies(agent) if reply.asked_at >= since]
    return {
        "answered_by": sorted({reply.model for reply in replies}),
        "replies": len(replies),
        "with_tools": len(with_tools),
    }


async def _moved_on(field: Field, state: SafeState, after: int) -> RoutingChange:
    return await field.until_moved(agent_of(state), SECOND_RUNG, after=after, within_s=PATIENCE_S)


async def _stop(field: Field, notes: _Notes, failing: Sequence[str], what: str) -> list[dict[str, Any]]:
    """Make models fail, wait until all agents have stopped, and look at what they are answered from then on."""
    seen = _counts(field)
    field.tell(what)
    failed = min([field.behave(model, mode="refuse") for model in failing])
    stopped = {state: await _until_stopped(field, state, seen[state]) for state in WRITTEN}
    since = field.now
    asked_again = {state: await _ask(field, state) for state in WRITTEN}
    for state in WRITTEN:
        await _until_replied(field, state, since)
    await until_kept(field)
    notes.faults += _repeated(notes.answered, asked_again)
    rows = []
    for state, change in stopped.items():
        replies = [reply for reply in replies_since(field, agent_of(state), since) if reply not in asked_again.values()]
        notes.faults += stopped_faults(field, agent_of(state), form_of(state), replies)
        took = {"stopped_after_s": round((change.issued_at - failed) / SECOND, 3)}
        rows.append(
            {
                **told_form(state),
                **took,
                "replies": len(replies),
                "requests_at_models": len(models_asked(field, replies)),
            }
        )
    return rows


async def _until_stopped(field: Field, state: SafeState, after: int) -> RoutingChange:
    """Wait until an agent's safe state was ordered and the gateway obeys. On the way it may go through the fallback, and nowhere else."""
    agent = agent_of(state)

    def stopped() -> bool:
        changes = field.changes(agent)[after:]
        return bool(changes) and changes[-1].target is None

    await field.until(f"{agent} is moved to its safe state", stopped, within_s=PATIENCE_S)
    *_, last = changes = field.changes(agent)[after:]
    if any(change.target not in {None, SECOND_RUNG} for change in changes):
        raise NotSeen(f"{agent} went through a model that had failed: {changes}.", "Look into decision's log.")
    if last.safe_state != form_of(state):
        raise NotSeen(
            f"{agent} should stop in {form_of(state)}; it was put in {last.safe_state}.", "Look at its policy."
        )
    await field.until_obeyed(last)
    field.tell(f"{moved(last)}: {last.safe_state} ({last.cause.detail})")
    return last


async def _until_replied(field: Field, state: SafeState, since: Micros) -> None:
    """Wait until so many of an agent's requests that were made since a moment are answered, however they are."""
    agent = agent_of(state)
    await field.until(
        f"{REPLIES} requests of {agent} are answered", lambda: len(replies_since(field, agent, since)) >= REPLIES
    )


async def _back(field: Field, notes: _Notes) -> list[str]:
    """Both models are well again: who may, is served again by himself, and the others when an operator resumes them."""
    for model in (FIRST, SECOND_RUNG):
        field.behave(model, mode="ok")
    for state in WRITTEN:
        if state not in PAUSED:
            await field.until_placed(agent_of(state), FIRST)
    for state in PAUSED:
        agent = agent_of(state)
        if field.changes(agent)[-1].safe_state is None:
            notes.faults.append(f"{agent} was served again though nobody had resumed it.")
            continue
        answer = await field.type("resume", agent, "--key", "keys/olga.pem", "--reason", "both models are well again")
        field.tell(f"olga resumes {agent}: {'accepted' if answer.get('accepted') else 'refused'}")
        await field.until_placed(agent, FIRST)
    return [agent_of(state) for state in PAUSED]


async def _ask(field: Field, state: SafeState) -> Reply:
    """The agent asks the same as ever, with a tool to call; what it is answered."""
    return await field.clients[agent_of(state)].ask(messages=[{"role": "user", "content": QUESTION}], tools=TOOLS)


def _repeated(answered: Mapping[SafeState, Reply], again: Mapping[SafeState, Reply]) -> Sequence[str]:
    """What is wrong with the answers to what was asked before: in `cached_response` alone the same is answered once more."""
    before, now = answered[SafeState.CACHED_RESPONSE], again[SafeState.CACHED_RESPONSE]
    if (now.status, now.said, now.state) == (200, before.said, SafeState.CACHED_RESPONSE):
        return ()
    return (
        f"{agent_of(SafeState.CACHED_RESPONSE)} asked what was answered before, and got {now.status}, {now.state}.",
    )


def _counts(field: Field) -> dict[SafeState, int]:
    return {state: len(field.changes(agent_of(state))) for state in WRITTEN}


EXERCISE = Exercise(
    id="8.4",
    title="The safe state, when no model is left",
    clause=(
        "When every model of its ladder has failed, an agent stops: in the safe state that its policy names, whether the models fail one "
        "after the other or at once, and at a router that hears nothing any more. From then on no model hears of its requests. Where "
        "the policy names read_only, one model goes on answering without tools; once it fails, too, that agent is suspended."
    ),
    cast=CAST,
    acts={Act.TOGETHER: play, Act.WITHOUT_DECISION: unheard.play},
)
