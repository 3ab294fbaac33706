"""Agents that have stopped, one for each safe state: who they are, and whether what they are answered is what it must be."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.records.rules import SafeState
from interlock.trials.drill.cast import Actor, Agent, Cast
from interlock.trials.drill.field import Field
from interlock.trials.drill.outward import FORMS, otherwise
from interlock.trials.steady_client import ID_HEADER, Fate, Reply
from interlock.vocabulary.time import Micros

FIRST, SECOND_RUNG = "slate-large", "slate-small"
TEXT = "Nobody can answer this now. We shall call you back."

WRITTEN: Mapping[SafeState, Any] = {
    SafeState.SUSPEND: "suspend",
    SafeState.HUMAN_QUEUE: "human_queue",
    SafeState.READ_ONLY: {"read_only": {"model": SECOND_RUNG}},
    SafeState.CACHED_RESPONSE: {"cached_response": {"max_age": "10m"}},
    SafeState.TEMPLATED_REPLY: {"templated_reply": {"text": TEXT}},
    SafeState.SAFE_SHUTDOWN: "safe_shutdown",
}
"""Each safe state as a policy names it."""


def agent_of(state: SafeState) -> str:
    """The agent that ends in a safe state."""
    return f"stops-in-{state.replace('_', '-')}"


def _agent(state: SafeState) -> Agent:
    pauses = {"triggers": {"unavailable": {"for": "100ms", "mode": "suspend"}}} if state is SafeState.READ_ONLY else {}
    route = {"safe_state": WRITTEN[state], **pauses}
    return Agent(agent_of(state), (FIRST, SECOND_RUNG), route=route, profile="terminal-states")


CAST = Cast(tuple(map(_agent, WRITTEN)), (Actor(FIRST), Actor(SECOND_RUNG, latency_ms=60)))


async def all_served(field: Field) -> None:
    """Every agent is served by the primary, and both models are known to be well."""
    for state in WRITTEN:
        await field.until_placed(agent_of(state), FIRST)
        await field.until_replies(agent_of(state), Fate.OK, FIRST, count=1)
    await field.until_healthy(FIRST, SECOND_RUNG)


async def until_kept(field: Field) -> None:
    """Wait until each request that got a ticket stands on its topic for a person, as it was sent."""
    given = {reply.ticket: reply.sent for reply in field.replies(agent_of(SafeState.HUMAN_QUEUE)) if reply.ticket}

    def kept() -> bool:
        tickets = field.witness.tickets
        return all(ticket in tickets and tickets[ticket].request == sent for ticket, sent in given.items())

    await field.until(f"the requests of {len(given)} tickets are kept for a person as they were sent", kept)


def told_form(state: SafeState) -> dict[str, Any]:
    """What an agent is answered that ends in a safe state."""
    form = FORMS[form_of(state)]
    return {"safe_state": state, "stopped_in": form_of(state), "status": form.status, "form": form.words}


def stopped_faults(field: Field, agent: str, state: SafeState, replies: Sequence[Reply]) -> list[str]:
    """What is wrong with requests that were made when an agent had stopped."""
    faults = []
    asked = models_asked(field, replies)
    if asked:
        faults.append(
            f"{agent} had stopped, and {len(asked)} of its requests reached a model: {', '.join(set(asked))}."
        )
    wrong = {otherwise(state, reply, TEXT) for reply in replies} - {""}
    faults += [f"{agent} should be answered as {state}, but {what}." for what in sorted(wrong)]
    return faults


def models_asked(field: Field, replies: Sequence[Reply]) -> list[str]:
    """The model servers that saw any of these requests, once for each that they saw."""
    ids, seen = {reply.id for reply in replies}, seen_by_id(field)
    return [server for each in ids for server in seen.get(each, ())]


def seen_by_id(field: Field) -> Mapping[str, Sequence[str]]:
    """By a request's id, the model servers that saw it."""
    seen = defaultdict(list)
    for name, server in field.servers.items():
        for each in server.seen:
            seen[each.headers.get(ID_HEADER, "")].append(name)
    return seen


def replies_since(field: Field, agent: str, since: Micros) -> list[Reply]:
    """The replies to requests that were made since a moment."""
    return [reply for reply in field.replies(agent) if reply.asked_at >= since]


def form_of(state: SafeState) -> SafeState:
    """Where an agent is when nothing may serve it: `read_only` takes an order that names a model, and is `suspend` without one."""
    return SafeState.SUSPEND if state is SafeState.READ_ONLY else state
