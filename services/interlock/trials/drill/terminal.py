"""8.4: when no approved model may answer, the agent stops in the form that its policy names, and no model hears of its requests.

Six agents share a ladder of two models; each ends in another safe state.

First the models fail one after the other. The primary's failure moves five of the agents to the fallback. The sixth pauses: its policy
leaves the primary only for `read_only`, in which the fallback answers without tools. Then the fallback fails, too, and all six stop.
When both models are well again four agents are served again by themselves; two were stopped in a way that a person must end, and wait
for a `resume` that an operator types.

Then both models fail at once, and all six stop again.

In another act decision is killed, while both models are well. Nobody orders anything any more, so the gateway must stop all six by
itself when its lease and their grace have ended.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.records.change import RoutingChange
from interlock.records.documents import SafeState
from interlock.router.gateway.settings import GatewaySettings
from interlock.trials.drill.cast import Actor, Agent, Cast
from interlock.trials.drill.exercise import Act, Exercise, Seen
from interlock.trials.drill.field import GATEWAY, PATIENCE_S, REPLIES, Field, moved
from interlock.trials.drill.founded import ROUTE
from interlock.trials.drill.ground import TUNING
from interlock.trials.drill.outward import FORMS, otherwise
from interlock.trials.steady_client import ID_HEADER, Fate, Reply
from interlock.trials.witness import NotSeen
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, parse_duration
from interlock.wire.topics import SHARDS

LEASE_US = parse_duration(TUNING["gateway"]["lease"])
GRACE_US = parse_duration(ROUTE["grace"])
SKEW_US: Micros = GatewaySettings.model_fields["skew"].default

FIRST, SECOND_RUNG = "slate-large", "slate-small"
TEXT = "Nobody can answer this now. We shall call you back."
QUESTION = "What was answered before?"
TOOLS = [{"type": "function", "function": {"name": "search_records", "parameters": {"type": "object"}}}]

WRITTEN: Mapping[SafeState, Any] = {
    SafeState.SUSPEND: "suspend",
    SafeState.HUMAN_QUEUE: "human_queue",
    SafeState.READ_ONLY: {"read_only": {"model": SECOND_RUNG}},
    SafeState.CACHED_RESPONSE: {"cached_response": {"max_age": "10m"}},
    SafeState.TEMPLATED_REPLY: {"templated_reply": {"text": TEXT}},
    SafeState.SAFE_SHUTDOWN: "safe_shutdown",
}
"""Each safe state as a policy names it."""

PAUSED = (SafeState.READ_ONLY, SafeState.SAFE_SHUTDOWN)
"""Those that a person must end here: a trigger whose mode is `suspend`, and a shutdown."""


def agent_of(state: SafeState) -> str:
    """The agent that ends in a safe state."""
    return f"stops-in-{state.replace('_', '-')}"


def _agent(state: SafeState) -> Agent:
    pauses = {"triggers": {"unavailable": {"for": "100ms", "mode": "suspend"}}} if state is SafeState.READ_ONLY else {}
    route = {"safe_state": WRITTEN[state], **pauses}
    return Agent(agent_of(state), (FIRST, SECOND_RUNG), route=route, profile="terminal-states")


CAST = Cast(tuple(map(_agent, WRITTEN)), (Actor(FIRST), Actor(SECOND_RUNG, latency_ms=60)))


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
    await _all_served(field)
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


async def play_unheard(field: Field) -> Seen:
    """Decision is killed: the gateway stops by itself.

    Raises:
        NotSeen: It did not.
    """
    await _all_served(field)
    ordered = {state: len(field.changes(agent_of(state))) for state in WRITTEN}
    killed = field.now
    await field.kill("decision")
    for state in WRITTEN:
        await _until_ended(field, state)
    await field.until("the gateway tells that its lease is over", lambda: _lease_over(field, killed))
    await _until_kept(field)
    notes = _Notes({}, [])
    rows = [_unheard(field, state, killed, notes) for state in WRITTEN]
    for state, count in ordered.items():
        if len(field.changes(agent_of(state))) != count:
            notes.faults.append(f"{agent_of(state)} has a change that was ordered when decision was dead.")
    longest = max(row["last_answer_after_kill_s"] for row in rows)
    summary = f"a router that hears nothing served on for {longest:.1f} s and stopped every agent by itself"
    evidence = {"hearing_nothing": rows, "lease_s": LEASE_US / SECOND, "grace_s": GRACE_US / SECOND}
    return Seen(evidence, summary, tuple(notes.faults))


async def _all_served(field: Field) -> None:
    """Every agent is served by the primary, and both models are known to be well."""
    for state in WRITTEN:
        await field.until_placed(agent_of(state), FIRST)
        await field.until_replies(agent_of(state), Fate.OK, FIRST, count=1)
    await field.until_healthy(FIRST, SECOND_RUNG)


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
    await _until_kept(field)
    notes.faults += _repeated(notes.answered, asked_again)
    rows = []
    for state, change in stopped.items():
        replies = [reply for reply in _since(field, agent_of(state), since) if reply not in asked_again.values()]
        notes.faults += _faults(field, agent_of(state), _form_of(state), replies)
        took = {"stopped_after_s": round((change.issued_at - failed) / SECOND, 3)}
        rows.append(
            {**_form(state), **took, "replies": len(replies), "requests_at_models": len(_reached(field, replies))}
        )
    return rows


async def _until_ended(field: Field, state: SafeState) -> None:
    """Wait until so many of an agent's requests are answered that were made when its last lease, and the grace, had ended."""
    agent = agent_of(state)
    what = f"{REPLIES} requests of {agent} are answered that were made after its lease and grace had ended"
    await field.until(what, lambda: len(_since(field, agent, _end(field, agent))) >= REPLIES)


async def _until_kept(field: Field) -> None:
    """Wait until each request that got a ticket stands on its topic for a person, as it was sent."""
    given = {reply.ticket: reply.sent for reply in field.replies(agent_of(SafeState.HUMAN_QUEUE)) if reply.ticket}

    def kept() -> bool:
        tickets = field.witness.tickets
        return all(ticket in tickets and tickets[ticket].request == sent for ticket, sent in given.items())

    await field.until(f"the requests of {len(given)} tickets are kept for a person as they were sent", kept)


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
    if last.safe_state != _form_of(state):
        raise NotSeen(
            f"{agent} should stop in {_form_of(state)}; it was put in {last.safe_state}.", "Look at its policy."
        )
    await field.until_obeyed(last)
    field.tell(f"{moved(last)}: {last.safe_state} ({last.cause.detail})")
    return last


async def _until_replied(field: Field, state: SafeState, since: Micros) -> None:
    """Wait until so many of an agent's requests that were made since a moment are answered, however they are."""
    agent = agent_of(state)
    await field.until(
        f"{REPLIES} requests of {agent} are answered", lambda: len(_since(field, agent, since)) >= REPLIES
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


def _form(state: SafeState) -> dict[str, Any]:
    """What an agent is answered that ends in a safe state."""
    form = FORMS[_form_of(state)]
    return {"safe_state": state, "stopped_in": _form_of(state), "status": form.status, "form": form.words}


def _unheard(field: Field, state: SafeState, killed: Micros, notes: _Notes) -> dict[str, Any]:
    """What was seen of one agent since decision was killed."""
    agent = agent_of(state)
    end = _end(field, agent)
    replies = _since(field, agent, killed)
    late = [reply for reply in replies if reply.asked_at > end]
    notes.faults += _faults(field, agent, _form_of(state), late)
    seen = _seen(field)
    answered = [reply.at for reply in replies if reply.id in seen]
    return {
        **_form(state),
        "last_heartbeat_after_kill_s": round((field.witness.beats[shard_of(agent, SHARDS)] - killed) / SECOND, 3),
        "last_answer_after_kill_s": round((max(answered, default=killed) - killed) / SECOND, 3),
        "replies_after_the_end": len(late),
        "requests_at_models_after_the_end": len(_reached(field, late)),
    }


def _faults(field: Field, agent: str, state: SafeState, replies: Sequence[Reply]) -> list[str]:
    """What is wrong with requests that were made when an agent had stopped."""
    faults = []
    reached = _reached(field, replies)
    if reached:
        faults.append(
            f"{agent} had stopped, and {len(reached)} of its requests reached a model: {', '.join(set(reached))}."
        )
    wrong = {otherwise(state, reply, TEXT) for reply in replies} - {""}
    faults += [f"{agent} should be answered as {state}, but {what}." for what in sorted(wrong)]
    return faults


def _reached(field: Field, replies: Sequence[Reply]) -> list[str]:
    """The model servers that saw any of these requests, once for each that they saw."""
    ids, seen = {reply.id for reply in replies}, _seen(field)
    return [server for each in ids for server in seen.get(each, ())]


def _seen(field: Field) -> Mapping[str, Sequence[str]]:
    """By a request's id, the model servers that saw it."""
    seen = defaultdict(list)
    for name, server in field.servers.items():
        for each in server.seen:
            seen[each.headers.get(ID_HEADER, "")].append(name)
    return seen


def _since(field: Field, agent: str, since: Micros) -> list[Reply]:
    """The replies to requests that were made since a moment."""
    return [reply for reply in field.replies(agent) if reply.asked_at >= since]


def _form_of(state: SafeState) -> SafeState:
    """Where an agent is when nothing may serve it: `read_only` takes an order that names a model, and is `suspend` without one."""
    return SafeState.SUSPEND if state is SafeState.READ_ONLY else state


def _end(field: Field, agent: str) -> Micros:
    """When the last lease of an agent's shard, and its grace, had ended at the latest."""
    return Micros(field.witness.beats[shard_of(agent, SHARDS)] + LEASE_US + SKEW_US + GRACE_US)


def _lease_over(field: Field, since: Micros) -> bool:
    found = field.witness.findings
    return any(each.service == GATEWAY and each.reason == Reason.LEASE_OVER and each.at >= since for each in found)


def _counts(field: Field) -> dict[SafeState, int]:
    return {state: len(field.changes(agent_of(state))) for state in WRITTEN}


EXERCISE = Exercise(
    id="8.4",
    title="The safe state, when no model is left",
    clause=(
        "When every model of its ladder has failed, an agent stops: in the safe state that its policy names, whether the models fail one "
        "after the other or at once, and at a router that hears nothing any more. From then on no model hears of its requests."
    ),
    cast=CAST,
    acts={Act.TOGETHER: play, Act.WITHOUT_DECISION: play_unheard},
)
