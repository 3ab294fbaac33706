"""8.5: every change is on record with all that the standard asks for, and the record is what happened.

An agent is moved in the ways in which agents are moved: its primary fails, an operator suspends and resumes it, its primary comes back.
Another one's primary turns slow, its fallback is tried as a canary, fails, and is rolled back.

At the end of the run the audit log of the whole deployment, whatever the other tests did to it, is held against the outer edge: each
change for what it says, and each request of each agent for what the log says of it (`accounts`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interlock.records.change import AckKind
from interlock.records.sealing import event_id_of
from interlock.trials.drill.accounts import Account, record_faults, request_faults
from interlock.trials.drill.cast import Actor, Agent, Cast
from interlock.trials.drill.exercise import Act, Exercise, Seen
from interlock.trials.drill.field import GATEWAY, REPLIES, Field
from interlock.trials.steady_client import ID_HEADER, Fate, Reply
from interlock.trials.witness import first_offsets
from interlock.vocabulary.reasons import Reason

MOVED, TRIED = "accounted", "accounted-canary"
LARGE, SMALL = "lark-large", "lark-small"
SLOW, CANARY = "wren-large", "wren-small"
WEIGHT = 25
P95_MS_MAX = 1_500
SLOW_MS = 2_500

CAST = Cast(
    agents=(
        Agent(MOVED, (LARGE, SMALL), every_s=0.2),
        Agent(
            TRIED,
            (SLOW, CANARY),
            route={
                "triggers": {
                    "unavailable": {"for": "100ms"},
                    "latency": {"p95_above": f"{P95_MS_MAX}ms", "for": "1s", "mode": "canary", "tolerated": True},
                },
                "canary": {"steps": [f"{WEIGHT}%"], "calls_min": 50, "time_min": "60s", "wait_max": "10m"},
            },
            every_s=0.2,
        ),
    ),
    models=(Actor(LARGE), Actor(SMALL), Actor(SLOW), Actor(CANARY)),
)


async def play(field: Field) -> Seen:
    """Two agents are moved in every way.

    Raises:
        NotSeen: What must be seen was not.
    """
    await _moved(field)
    await _tried(field)
    counts = {agent: len(field.changes(agent)) for agent in (MOVED, TRIED)}
    return Seen({"changes_of_its_own_agents": counts}, f"{sum(counts.values())} changes brought about in six ways")


async def _moved(field: Field) -> None:
    """Failure, suspension and resumption by an operator, recovery."""
    await field.until_placed(MOVED, LARGE)
    await field.until_replies(MOVED, Fate.OK)
    await field.until_healthy(LARGE, SMALL)
    after = len(field.changes(MOVED))
    field.behave(LARGE, mode="refuse")
    await field.until_moved(MOVED, SMALL, after=after)
    await field.until_replies(MOVED, Fate.OK)
    for verb, fate in (("suspend", Fate.SAFE_STATE), ("resume", Fate.OK)):
        answer = await field.type(verb, MOVED, "--key", "keys/olga.pem", "--reason", "a drill")
        field.tell(f"olga types {verb} {MOVED}: {'accepted' if answer.get('accepted') else 'refused'}")
        await field.until_replies(MOVED, fate)
    field.behave(LARGE, mode="ok")
    await field.until_placed(MOVED, LARGE)
    await field.until_replies(MOVED, Fate.OK)


async def _tried(field: Field) -> None:
    """A canary that is rolled back."""
    await field.until_placed(TRIED, SLOW)
    await field.until_healthy(SLOW, CANARY)
    after = len(field.changes(TRIED))
    field.behave(SLOW, mode="slow", latency_ms=SLOW_MS)
    begun = await field.until_moved(TRIED, CANARY, after=after, weight=WEIGHT)
    await field.until_obeyed(begun)
    await field.until_replies(TRIED, Fate.OK, count=REPLIES * 100 // WEIGHT // 2)
    field.behave(CANARY, mode="error")
    await field.until_moved(TRIED, SLOW, after=len(field.changes(TRIED)))
    for model in (SLOW, CANARY):
        field.behave(model, mode="ok")
    await field.until_replies(TRIED, Fate.OK)


async def look_back(field: Field) -> Seen:
    """The log of the whole run is held against the outer edge.

    Raises:
        NotSeen: A model saw a request that no agent asked, or a reply names a change that is not in the log.
    """
    replies = {agent: list(client.replies) for agent, client in field.clients.items()}
    asked = _asked(field)  # after the replies: whatever they answer has been seen by now
    await _until_known(field, replies, asked)
    accounts = {agent.name: _account(field, agent.name, replies, asked) for agent in field.cast.agents}
    faults = [
        fault for account in accounts.values() for fault in (*record_faults(account.changes), *request_faults(account))
    ]
    faults += await _log_faults(field)
    evidence = _evidence(field, list(accounts.values()))
    summary = (
        f"{evidence['changes']} changes say all that they must; {evidence['replies']} replies and the "
        f"{evidence['requests_seen_by_models']} requests that models saw agree with them, one by one"
    )
    return Seen({"compared": evidence}, summary, tuple(faults))


def _asked(field: Field) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """By agent and request, the model servers that saw it."""
    asked: dict[str, dict[str, list[str]]] = {agent: {} for agent in field.clients}
    for name, server in field.servers.items():
        for seen in server.seen:
            if seen.user in asked:
                asked[seen.user].setdefault(seen.headers.get(ID_HEADER, ""), []).append(name)
    return asked


async def _until_known(
    field: Field, replies: Mapping[str, Sequence[Reply]], asked: Mapping[str, Mapping[str, Sequence[str]]]
) -> None:
    """Wait until whatever models saw so far is answered, and what replies name is read."""
    named = {reply.change_id for each in replies.values() for reply in each} - {""}

    def answered() -> bool:
        return all(asked[name].keys() <= {reply.id for reply in field.replies(name)} for name in asked)

    await field.until("each request that a model saw is one that an agent asked", answered)
    await field.until(
        "each change that a reply names is in the audit log",
        lambda: named <= {change.id for change in field.witness.changes},
    )


def _account(
    field: Field,
    agent: str,
    replies: Mapping[str, Sequence[Reply]],
    asked: Mapping[str, Mapping[str, Sequence[str]]],
) -> Account:
    changes = field.changes(agent)
    acknowledged = {ack.event_id: ack.at for ack in reversed(field.witness.acks) if ack.kind is AckKind.ACK}
    identities = {change.id: event_id_of(change) for change in changes}
    own_steps = [
        each.at for each in field.witness.findings if (each.service, each.reason) == (GATEWAY, Reason.LEASE_OVER)
    ]
    return Account(
        changes=changes,
        obeyed={name: acknowledged[event] for name, event in identities.items() if event in acknowledged},
        replies=replies[agent],
        asked=asked[agent],
        servers={actor.model: actor.at for actor in field.cast.models},
        alone_since=min(own_steps, default=None),
    )


async def _log_faults(field: Field) -> list[str]:
    """What is wrong with the log as a whole."""
    witness, faults = field.witness, list[str]()
    faults += [
        f"Step {each.sequence} at offset {each.offset}, decided again: {each.what}." for each in witness.differences
    ]
    twice = [name for name, count in Counter(change.id for change in witness.changes).items() if count > 1]
    faults += [f"{name} is in the audit log twice." for name in twice]
    cut = await first_offsets(field.stage.bus)
    if cut:
        faults.append(f"The audit log has lost its beginning on shards {sorted(cut)}.")
    return faults


def _evidence(field: Field, accounts: Sequence[Account]) -> dict[str, Any]:
    replies = [reply for account in accounts for reply in account.replies]
    return {
        "changes": len(field.witness.changes),
        "changes_by_trigger": _counted(str(change.cause.trigger) for change in field.witness.changes),
        "checks_on_record": sum(len(change.verification) for change in field.witness.changes),
        "changes_acknowledged_by_the_gateway": sum(len(account.obeyed) for account in accounts),
        "audit_records": field.witness.audit_records,
        "decided_again_byte_for_byte": not field.witness.differences,
        "agents": len(accounts),
        "replies": len(replies),
        "replies_by_state": _counted(reply.state or "without a mark" for reply in replies),
        "requests_seen_by_models": sum(len(account.asked) for account in accounts),
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


EXERCISE = Exercise(
    id="8.5",
    title="The record is complete, and true",
    clause=(
        "Every change is on record with timestamp, reason, source, target and verification, and what is on record is what models and "
        "agents saw."
    ),
    cast=CAST,
    acts={Act.TOGETHER: play, Act.LOOKING_BACK: look_back},
)
