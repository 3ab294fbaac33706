"""Holds the audit log against what the outer edge saw, request by request. Pure.

A request bears an id that its agent gave it and that the gateway hands on, so what an agent was answered, what a model's server saw and
what the log orders can be laid side by side:

1. A request is seen by one model's server at most, once, and is answered in the name of that model.
2. A reply names the change that it was answered under. That change is in the log, and the model that answered is the one it orders;
   in a canary, the one that the documented rule gives to this conversation.
3. A reply to a request that was made after the gateway had acknowledged a change names that change, or a later one; and none is named
   before it was issued.
4. A reply in the name of a safe state was seen by no model. The log orders that state, or a router must stop there by itself: it has no
   lease yet; it told that its lease is over; or it holds a document already by which the log's next change was made.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from interlock.records.change import RoutingChange, Trigger
from interlock.records.rules import WHOLE, SafeState
from interlock.router.core.arms import in_canary
from interlock.router.gateway.replies import NORMAL
from interlock.trials.steady_client import Reply
from interlock.vocabulary.time import NEVER, Micros

ANSWERED = (NORMAL, SafeState.READ_ONLY)
"""States in which a model answers."""

DOCUMENTED = frozenset(
    {Trigger.DENIED, Trigger.EVIDENCE_EXPIRED, Trigger.POLICY_EXPIRED, Trigger.NOT_ADMISSIBLE, Trigger.CREDENTIAL}
)
"""Why a route is moved that its router, which holds the same documents, has stopped already."""

UNVERIFIED = frozenset({Trigger.SUSPENDED, Trigger.UNNOTIFIED, Trigger.GUARD_MISSING})
"""Why a route is stopped without asking whether a model could be entered."""


@dataclass(frozen=True, slots=True)
class Account:
    """What was seen of one route.

    Attributes:
        changes: Its changes in the audit log, in their order.
        obeyed: By change, when the gateway first acknowledged it.
        replies: What its agent was answered.
        asked: By request, the model servers that saw it, once for each time.
        servers: By model, the name of its server.
        alone_since: When the gateway told that it stops routes by itself; None: it never did.
    """

    changes: Sequence[RoutingChange]
    obeyed: Mapping[str, Micros]
    replies: Sequence[Reply]
    asked: Mapping[str, Sequence[str]]
    servers: Mapping[str, str]
    alone_since: Micros | None = None


def record_faults(changes: Sequence[RoutingChange]) -> Iterator[str]:
    """What the changes of one route do not say that they must: timestamp, reason, source, target, verification."""
    for before, change in pairwise((None, *changes)):
        if change is None:
            continue
        if change.issued_at <= (before.issued_at - 1 if before else NEVER):
            yield f"{change.id} has no timestamp, or one before its predecessor's."
        if change.cause.trigger is Trigger.OTHER or not change.cause.detail:
            yield f"{change.id} gives no reason."
        if change.source not in _sources(before):
            yield f"{change.id} names {change.source} as its source, and {before.id if before else 'nothing'} led elsewhere."
        if change.target is None and change.safe_state is None:
            yield f"{change.id} has no target."
        yield from _unverified(change, before)


def _sources(before: RoutingChange | None) -> tuple[str | None, ...]:
    """What may be the source of the change after this one: who served the route; in a canary one of the two."""
    if before is None or before.safe_state is not None:
        return (None,)
    return (before.target,) if before.weight == WHOLE else (before.target, before.source)


def _unverified(change: RoutingChange, before: RoutingChange | None) -> Iterator[str]:
    """What a change does not verify that it must: the model that is entered, or that none could be."""
    if change.target is not None:
        made = [check for check in change.verification if check.model == change.target]
        failed = [check.check for check in made if not check.passed]
        if not made:
            yield f"{change.id} enters {change.target} without any verification."
        elif failed:
            yield f"{change.id} enters {change.target}, which fails: {', '.join(failed)}."
        return
    stays = before is not None and before.safe_state is not None
    if not change.verification and change.cause.trigger not in UNVERIFIED and not stays:
        yield f"{change.id} stops the route without any verification that no model could be entered."


def request_faults(account: Account) -> Iterator[str]:
    """Where the log and the outer edge differ, one sentence for each kind, with the first request that shows it."""
    found = [(kind, reply.id) for reply in account.replies for kind in _differences(account, reply)]
    first: dict[str, str] = {}
    for kind, request in found:
        first.setdefault(kind, request)
    for kind, count in Counter(kind for kind, _ in found).items():
        yield f"{kind} ({count} requests, first {first[kind]})."


def _differences(account: Account, reply: Reply) -> Iterator[str]:
    """In what one request differs."""
    servers = account.asked.get(reply.id, ())
    if len(servers) > 1:
        yield f"Models saw one request more than once: {', '.join(sorted(servers))}"
    if not reply.status:
        return  # the connection broke: nothing was answered in anybody's name
    change = next((each for each in account.changes if each.id == reply.change_id), None)
    if reply.change_id and change is None:
        yield f"A reply names {reply.change_id}, which is not in the audit log"
    elif reply.state in ANSWERED:
        yield from _answered(account, reply, change, servers)
    else:
        yield from _stopped(account, reply, change, servers)
    if change is not None:
        yield from _out_of_time(account, reply, change)


def _answered(account: Account, reply: Reply, change: RoutingChange | None, servers: Sequence[str]) -> Iterator[str]:
    """In what an answer of a model differs: the model is another than was ordered, or it never saw the request."""
    ordered = _ordered(change, reply) if change is not None else None
    if reply.model != ordered:
        yield f"{reply.change_id or 'Nothing'} orders {ordered}, and {reply.model} answered"
    if list(servers) not in ([], [account.servers.get(reply.model)]):
        yield f"A reply is in the name of {reply.model}, and the server of {', '.join(servers)} saw the request"
    if not servers and reply.status == 200:
        yield f"A reply is in the name of {reply.model}, whose server never saw the request"


def _ordered(change: RoutingChange, reply: Reply) -> str | None:
    """The model that a change orders for a request."""
    if change.weight == WHOLE:
        return change.target
    tried = in_canary(change.canary, change.route, reply.key, change.weight)
    return change.target if tried else change.source


def _stopped(account: Account, reply: Reply, change: RoutingChange | None, servers: Sequence[str]) -> Iterator[str]:
    """In what an answer in the name of a safe state differs."""
    if servers:
        yield f"A request was answered as {reply.state or 'nothing'}, and the server of {', '.join(servers)} saw it"
    if change is not None and change.safe_state != reply.state and not _by_itself(account, reply, change):
        yield f"{change.id} orders {change.target or change.safe_state}, and the agent was answered as {reply.state}"


def _by_itself(account: Account, reply: Reply, change: RoutingChange) -> bool:
    """Whether the router had to stop by itself, whatever the change orders."""
    if account.alone_since is not None and reply.at >= account.alone_since:
        return True
    if not any(each.state in ANSWERED and each.at <= reply.at for each in account.replies):
        return True  # no lease yet
    place = account.changes.index(change)
    following = account.changes[place + 1] if place + 1 < len(account.changes) else None
    return following is not None and (
        following.policy_digest != change.policy_digest or following.cause.trigger in DOCUMENTED
    )


def _out_of_time(account: Account, reply: Reply, change: RoutingChange) -> Iterator[str]:
    """Whether a reply was given under a change that was not yet, or no longer, in force."""
    if reply.at < change.issued_at:
        yield f"A reply names {change.id} before that was issued"
    later = (each for each in account.changes[account.changes.index(change) + 1 :] if each.id in account.obeyed)
    overtaken = next((each for each in later if account.obeyed[each.id] < reply.asked_at), None)
    if overtaken is not None:
        yield f"A reply names {change.id} after the gateway had acknowledged {overtaken.id}"
