"""What a fault cost, told from what stood outside of the services: requests at models' servers, the audit log, notices. Pure.

1. *Unapproved*: a request that a model's server saw, though the agent's route was not ordered to that model. Ordered is what the audit
   log orders: the last change that this gateway had acknowledged when the agent asked, or a later one, issued before the request
   arrived; between the two a gateway decides. Nobody is governed whose shard is silent: a request that was asked when the lease of
   the last heartbeat before its arrival, and the route's grace, must have ended counts, too.
2. *Lost*: a record of the log that was read before and is no longer there or is another one, an offset that is missing between others,
   a change that somebody outside saw the effect of and that is in no step that counts.
3. *Repeated*: two changes of one route with one order, one id, or making the same move one after the other; a change of which
   governance was told under two idempotency keys.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from interlock.records.change import RoutingChange
from interlock.records.rules import WHOLE
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros, to_text

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Request:
    """A request of an agent that a model's server saw.

    Attributes:
        id: Its id, as its agent gave it.
        gateway: The gateway that it was sent to.
        model: Whose server saw it.
        asked_at: When its agent asked.
        at: When it arrived at the server: on a busy machine, some time later.
    """

    id: str
    gateway: str
    model: str
    asked_at: Micros
    at: Micros


@dataclass(frozen=True, slots=True)
class Governed:
    """What governs the requests of one agent.

    Attributes:
        changes: Its route's changes in the audit log, in order.
        obeyed: By gateway and change, when that gateway first acknowledged it.
        beats: When the heartbeats of its shard were issued, in order.
        silence_max: How long after a heartbeat a route may be served that hears nothing more: lease, permitted skew, grace.
    """

    changes: Sequence[RoutingChange]
    obeyed: Mapping[str, Mapping[str, Micros]]
    beats: Sequence[Micros]
    silence_max: Micros


def unapproved(requests: Sequence[Request], governed: Governed) -> Iterator[str]:
    """The requests that no approved model should have answered, a sentence each."""
    for request in requests:
        allowed = _allowed(governed, request)
        when = to_text(request.at)
        if request.model not in allowed:
            ordered = ", ".join(sorted(allowed)) or "no model"
            yield f"{request.model} saw {request.id} through {request.gateway} at {when}; {ordered} was ordered."
        elif not _governed(governed, request):
            yield f"{request.model} saw {request.id} through {request.gateway} at {when}, after lease and grace had ended."


def _allowed(governed: Governed, request: Request) -> set[str]:
    """The models that may see a request: of the last change obeyed before it was asked, and of those issued until it arrived."""
    obeyed = governed.obeyed.get(request.gateway, {})
    issued = [change for change in governed.changes if change.issued_at <= request.at]
    floor = 0
    for place, change in enumerate(issued):
        if change.id in obeyed and obeyed[change.id] < request.asked_at:
            floor = place
    return {model for change in issued[floor:] for model in _ordered(change)}


def _ordered(change: RoutingChange) -> tuple[str, ...]:
    """The models that a change orders: in a canary, both."""
    models = (change.target,) if change.weight == WHOLE else (change.target, change.source)
    return tuple(model for model in models if model is not None)


def _governed(governed: Governed, request: Request) -> bool:
    """Whether a heartbeat was issued by the arrival of a request that could still be believed when it was asked."""
    heard = bisect_right(governed.beats, request.at)
    return heard > 0 and request.asked_at <= governed.beats[heard - 1] + governed.silence_max


def gone(read: Mapping[K, Mapping[int, bytes]], stands: Mapping[K, Mapping[int, bytes]]) -> Iterator[str]:
    """Which records of a log were read and stand there no longer, and which offsets are missing.

    Args:
        read: By partition and offset, the hash of each record that was read before.
        stands: The same, as the log says now.
    """
    for where, records in sorted(read.items(), key=str):
        now = stands.get(where, {})
        for offset, identity in records.items():
            if now.get(offset) != identity:
                yield f"{where}@{offset} was read, and {'another stands' if offset in now else 'nothing stands'} there now."
    for where, records in sorted(stands.items(), key=str):
        for missing in sorted(set(range(max(records, default=-1) + 1)) - records.keys()):
            yield f"{where}@{missing} is missing, though later ones are there."


def unheard_of(seen: Mapping[str, str], changes: Sequence[RoutingChange]) -> Iterator[str]:
    """Which changes somebody saw the effect of and the log does not hold.

    Args:
        seen: By change id, who saw it.
        changes: Every change in the log that counts.
    """
    held = {change.id for change in changes}
    for change_id, who in seen.items():
        if change_id not in held:
            yield f"{change_id}, which {who} knows of, is not in the audit log."


def repeated(changes: Sequence[RoutingChange], notices: Mapping[str, set[str]]) -> Iterator[str]:
    """Which changes were made, or told, twice.

    Args:
        changes: Every change in the log that counts, in order.
        notices: By change id, the idempotency keys under which governance was told of it.
    """
    for name, count in Counter(change.id for change in changes).items():
        if count > 1:
            yield f"{name} is in the audit log {count} times."
    routes: dict[RouteId, list[RoutingChange]] = defaultdict(list)
    for change in changes:
        routes[change.route].append(change)
    for route, its in routes.items():
        for order, count in Counter(change.order for change in its).items():
            if count > 1:
                yield f"{count} changes of {route.key} have the order {order}."
        for before, change in pairwise(its):
            if _same_move(before, change):
                yield f"{change.id} makes the move of {before.id} again: {change.source} to {change.target}."
    for name, keys in notices.items():
        if len(keys) > 1:
            yield f"Governance was told of {name} under {len(keys)} keys."


def _same_move(before: RoutingChange, change: RoutingChange) -> bool:
    """Whether a change does what the one before has done; one under a new policy, or of a further step, does not."""

    def move(each: RoutingChange) -> tuple[object, ...]:
        return each.source, each.target, each.safe_state, each.weight, each.canary, each.policy_digest

    return change.source != change.target and move(change) == move(before)
