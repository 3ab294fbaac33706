"""`accept`: whether a router obeys a routing change.

A change counts only if *both* agree: the online decision service, whose key signed it, and the offline policy, which this router
holds and asks itself. It is total: whatever the bytes, the answer is one of four. Refusing or parking moves no mark and no head;
but a genuine change that is newer than the one held stays a candidate, because a live heartbeat may stand by it (`renew`).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from interlock.records.change import RoutingChange
from interlock.records.sealing import open_sealed
from interlock.router.core.fit import unfit
from interlock.router.core.state import Candidate, Held, RouterState, Waiting
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import Order, RouteId, shard_of
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX, PARKED_PER_SHARD_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Reading

_NOT_YET = frozenset({Reason.OLD_TERM, Reason.PAST_NOT_AFTER, Reason.POLICY_NOT_HELD, Reason.REGISTRATION_NOT_HELD})
"""What a live heartbeat (see `renew`) or a document can make good."""


class Answer(StrEnum):
    """What becomes of a change."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    PARKED = "parked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The answer to one change.

    Attributes:
        answer: What became of it.
        state: The state after it; its unsaved marks must be on disk before the state is used.
        change: The change, where its signature held.
        refused: Why it does not count, or not yet.
    """

    answer: Answer
    state: RouterState
    change: Verified[RoutingChange] | None = None
    refused: Refused | None = None


def accept(state: RouterState, sealed: bytes | None, shard: int, now: Reading) -> Acceptance:
    """Judge a record of the routes topic.

    Args:
        state: What the router holds.
        sealed: The record's value; None is a tombstone.
        shard: The partition it stands on.
        now: Both clocks.
    """
    # 1. Size, shape, payload type, signature by a decision key of the trusted root.
    opened = open_sealed(sealed, state.book.trust, RoutingChange)
    if isinstance(opened, Refused):
        return Acceptance(Answer.REFUSED, state, refused=opened)
    change = opened.value
    # 2. It is for this deployment, and stands on the shard of its agent.
    if change.deployment != state.book.trust.deployment:
        return _refused(state, opened, Reason.WRONG_AUDIENCE, change.deployment)
    if not change.shard == shard == shard_of(change.agent, state.shards):
        return _refused(state, opened, Reason.WRONG_SHARD, f"shard {change.shard} on partition {shard}")
    # 3. It is new, and not from the future.
    held = state.held.get(change.route)
    if held is not None and held.change.event_id == opened.event_id:
        return Acceptance(Answer.KNOWN, _shown_again(state, change.route), opened)
    reason = _not_newer(state, opened)
    if reason is not None:
        return _refused(state, opened, reason, f"{change.id}")
    if change.issued_at > now.wall + CLOCK_SKEW_US_MAX:
        return _refused(state, opened, Reason.FROM_THE_FUTURE, change.id)
    # 4. It makes sense, the policy that it names is the one held, and that policy allows all that it orders.
    # 5. It comes from whoever rules now, and in time.
    reason = unfit(state.book, state.marks, opened, now.wall) or _too_late(state, opened, now)
    if reason is None:
        return Acceptance(Answer.ACCEPTED, state.hold(Held(opened), now), opened)
    # Not now, or not at all: it stays a candidate.
    answer = Answer.PARKED if reason in _NOT_YET else Answer.REFUSED
    assert sealed is not None
    kept = with_candidate(state, Candidate(opened, sealed, reason))
    return Acceptance(answer, kept, opened, Refused(reason, f"{change.id} to {change.target or 'the safe state'}"))


def retry(state: RouterState, agent: str, now: Reading) -> list[Acceptance]:
    """Try an agent's candidates again, after a document arrived; each answer's state follows from the one before."""
    answers = []
    policy = state.book.policies.get(agent)
    for route in policy.value.route_ids() if policy else ():
        waiting = state.candidates.get(route)
        for candidate in waiting.all if waiting else ():
            answer = accept(state, candidate.sealed, candidate.change.value.shard, now)
            if answer.answer is Answer.ACCEPTED:
                answers.append(answer)
                state = answer.state
                break
    return answers


def _not_newer(state: RouterState, change: Verified[RoutingChange]) -> Reason | None:
    """The route's own mark: a higher order passes, and after a restart the very change that was held."""
    mark = state.marks.order(change.value.route)
    if mark is None or change.value.order > mark[0] or change.event_id.hex() == mark[1]:
        return None
    return Reason.EQUIVOCATION if change.value.order == mark[0] else Reason.NOT_NEWER


def _too_late(state: RouterState, change: Verified[RoutingChange], now: Reading) -> Reason | None:
    """Why a change needs a live heartbeat to vouch for it: somebody else rules by now, or it was under way for too long."""
    order = change.value.order
    if Order(order.root, order.term, 0) < state.marks.term(change.value.shard):
        return Reason.OLD_TERM
    return Reason.PAST_NOT_AFTER if now.wall >= change.value.not_after else None


def _refused(state: RouterState, change: Verified[RoutingChange], reason: Reason, detail: str) -> Acceptance:
    return Acceptance(Answer.REFUSED, state, change, Refused(reason, detail))


def with_candidate(state: RouterState, candidate: Candidate) -> RouterState:
    """The state in which a genuine change that does not count yet is kept; of routes that no policy names, so many and no more."""
    route = candidate.change.value.route
    before = state.candidates.get(route)
    full = len(state.candidates) >= PARKED_PER_SHARD_MAX * state.shards
    if before is None and full and state.book.rule(route) is None:
        return state
    older = before is not None and before.newest.change.value.order > candidate.change.value.order
    waiting = Waiting(before.newest if before and older else candidate, candidate)
    return replace(state, candidates=state.candidates.insert(route, waiting))


def _shown_again(state: RouterState, route: RouteId) -> RouterState:
    """The state after the change that a route holds was shown once more: no candidate of it was shown last."""
    before = state.candidates.get(route)
    if before is None or before.last is None:
        return state
    return replace(state, candidates=state.candidates.insert(route, replace(before, last=None)))
