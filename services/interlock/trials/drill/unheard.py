"""8.4, its other act: a router that hears nothing.

Decision is killed while both models are well. Nobody orders anything any more, so the gateway must stop all six agents by itself when
its lease and their grace have ended.
"""

from typing import Any

from interlock.records.rules import SafeState
from interlock.router.gateway.settings import GatewaySettings
from interlock.trials.drill.exercise import Seen
from interlock.trials.drill.field import GATEWAY, REPLIES, Field
from interlock.trials.drill.founded import ROUTE
from interlock.trials.drill.ground import TUNING
from interlock.trials.drill.stopped import (
    WRITTEN,
    agent_of,
    all_served,
    form_of,
    models_asked,
    replies_since,
    seen_by_id,
    stopped_faults,
    told_form,
    until_kept,
)
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, parse_duration
from interlock.wire.topics import SHARDS

LEASE_US = parse_duration(TUNING["gateway"]["lease"])
GRACE_US = parse_duration(ROUTE["grace"])
SKEW_US: Micros = GatewaySettings.model_fields["skew"].default


async def play(field: Field) -> Seen:
    """Decision is killed: the gateway stops by itself.

    Raises:
        NotSeen: It did not.
    """
    await all_served(field)
    ordered = {state: len(field.changes(agent_of(state))) for state in WRITTEN}
    killed = field.now
    await field.kill("decision")
    for state in WRITTEN:
        await _until_ended(field, state)
    await field.until("the gateway tells that its lease is over", lambda: _lease_over(field, killed))
    await until_kept(field)
    faults: list[str] = []
    rows = [_unheard(field, state, killed, faults) for state in WRITTEN]
    for state, count in ordered.items():
        if len(field.changes(agent_of(state))) != count:
            faults.append(f"{agent_of(state)} has a change that was ordered when decision was dead.")
    longest = max(row["last_answer_after_kill_s"] for row in rows)
    summary = f"a router that hears nothing served on for {longest:.1f} s and stopped every agent by itself"
    evidence = {"hearing_nothing": rows, "lease_s": LEASE_US / SECOND, "grace_s": GRACE_US / SECOND}
    return Seen(evidence, summary, tuple(faults))


async def _until_ended(field: Field, state: SafeState) -> None:
    """Wait until so many of an agent's requests are answered that were made when its last lease, and the grace, had ended."""
    agent = agent_of(state)
    what = f"{REPLIES} requests of {agent} are answered that were made after its lease and grace had ended"
    await field.until(what, lambda: len(replies_since(field, agent, _end(field, agent))) >= REPLIES)


def _unheard(field: Field, state: SafeState, killed: Micros, faults: list[str]) -> dict[str, Any]:
    """What was seen of one agent since decision was killed."""
    agent = agent_of(state)
    end = _end(field, agent)
    replies = replies_since(field, agent, killed)
    late = [reply for reply in replies if reply.asked_at > end]
    faults += stopped_faults(field, agent, form_of(state), late)
    seen = seen_by_id(field)
    answered = [reply.at for reply in replies if reply.id in seen]
    return {
        **told_form(state),
        "last_heartbeat_before_kill_s": round((killed - field.witness.beats[shard_of(agent, SHARDS)]) / SECOND, 3),
        "last_answer_after_kill_s": round((max(answered, default=killed) - killed) / SECOND, 3),
        "replies_after_the_end": len(late),
        "requests_at_models_after_the_end": len(models_asked(field, late)),
    }


def _end(field: Field, agent: str) -> Micros:
    """When the last lease of an agent's shard, and its grace, had ended at the latest."""
    return Micros(field.witness.beats[shard_of(agent, SHARDS)] + LEASE_US + SKEW_US + GRACE_US)


def _lease_over(field: Field, since: Micros) -> bool:
    found = field.witness.findings
    return any(each.service == GATEWAY and each.reason == Reason.LEASE_OVER and each.at >= since for each in found)
