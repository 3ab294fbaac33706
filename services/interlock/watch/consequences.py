"""What follows from a breach: the record of it, the order to suspend, and what the last channel is told. Pure.

The order is a function of the change alone: whoever gives it again, after a restart or beside another watch, gives the same bytes
under the same id, and decision knows it as a repetition. A breach names who recorded it and when, so two watches record two; they
are about one event, and mean one thing.
"""

import json

from interlock.records.commands import WATCH_ID, Command, ReviewOutcome, Verb
from interlock.records.documents import RoutePolicy, Unnotified
from interlock.records.telling import Breach
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.time import SECOND, Micros, duration_text, seconds, to_text
from interlock.watch.core import Owed, Said

EVENT_TYPE = "interlock.breach"
"""The `type` of what the last channel is told."""

ORDER_VALID_US = seconds(30 * 86_400)
"""How long after the change its suspension may still be carried out: as long as the topic of commands keeps it."""


def suspends(owed: Owed, policy: RoutePolicy | None) -> bool:
    """Whether the route is to be stopped: policy says so, and the change is not itself such a stop."""
    return policy is not None and policy.unnotified is not Unnotified.RECORD and not owed.unnotified


def breach_of(owed: Owed, said: Said, policy: RoutePolicy | None, *, by: str, now: Micros) -> Breach:
    """The record that nobody is known to have accepted the notice of a change in time.

    Args:
        owed: The change.
        said: What is known of the attempts.
        policy: Its agent's policy; None if none is held.
        by: The watch that records it.
        now: Civil time.
    """
    nobody = "" if policy else f"; no policy of {owed.agent} is held, so nobody is named to be told"
    return Breach(
        watch=by,
        change_id=owed.id,
        event_id=owed.event_id,
        agent=owed.agent,
        route=owed.route,
        change_issued_at=owed.issued_at,
        deadline_us=owed.deadline,
        suspends=suspends(owed, policy),
        detail=f"{said.known}{nobody}"[:TEXT_CHARS_MAX],
        at=now,
    )


def suspension_of(owed: Owed) -> Command:
    """The order to suspend the route of a change that nobody was told of."""
    return Command(
        id=f"{WATCH_ID}{owed.event_id.hex()}",
        deployment=owed.deployment,
        verb=Verb.SUSPEND,
        agent=owed.agent,
        route=owed.route,
        model="",
        about=owed.id[:TEXT_CHARS_MAX],
        outcome=ReviewOutcome.NONE,
        ticket="",
        reason="the deadline watch has no receipt",
        issued_at=owed.issued_at,
        expires_at=Micros(owed.issued_at + ORDER_VALID_US),
    )


def message_id(owed: Owed) -> str:
    """The idempotency key: the same for every attempt and every watch, and another than the notice's own."""
    return f"breach-{owed.event_id.hex()}"


def message_of(owed: Owed, breach: Breach) -> bytes:
    """What the last channel is told: JSON in UTF-8, the same bytes for every attempt."""
    where = f"its safe state ({owed.safe_state})" if owed.safe_state is not None else owed.target
    within = duration_text(breach.deadline_us)
    stopped = (
        " The route is being suspended, as its policy asks; only a signed resume ends that." if breach.suspends else ""
    )
    text = (
        f"Nobody is known to have been told within {within} that {owed.route} moved from {owed.source or 'its safe state'} "
        f"to {where} at {to_text(owed.issued_at)}: {breach.detail}.{stopped} See `interlock status {owed.route}`."
    )
    data = {
        "summary": f"{owed.route}: nobody was told of {owed.id} within {within}",
        "text": text,
        "event_id": owed.event_id.hex(),
        "change_id": owed.id,
        "deployment": owed.deployment,
        "agent": owed.agent,
        "route": owed.route,
        "source": owed.source,
        "target": owed.target,
        "safe_state": owed.safe_state,
        "change_issued_at": to_text(owed.issued_at),
        "deadline_s": breach.deadline_us / SECOND,
        "suspends": breach.suspends,
        "detail": breach.detail,
        "watch": breach.watch,
    }
    document = {"type": EVENT_TYPE, "timestamp": to_text(breach.at), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
