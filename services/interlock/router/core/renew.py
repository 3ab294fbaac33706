"""Heartbeats and the lease: how long silence may be believed.

A heartbeat renews the lease of its shard only if this router holds exactly what the live decision service says is current: the
same documents (policies head) and the same changes (routes head), now or during the last lease. So a broker that withholds a
denial, or serves an old route, can only end the lease; it cannot keep a revoked model in service.

A genuine change that `accept` parked or refused may be what makes the heads differ. If a heartbeat's head contains it, the live
service stands by it: one that was only late is obeyed from then on, and one that policy forbids puts its own route, and no other,
into the safe state; where policy forbids no more than its canary, the source serves the route.

A head does not say which candidates it contains, and of many not every combination can be tried: whoever stole a decision key makes as many
as he likes. Tried are the likely ones (`_contained`):

1. What was shown last of every route, as the topic leaves it: decision publishes its own orders again over others. Then the newest of every route.
2. Of these the ones that something here speaks for: policy allows them, or they were held before this router started. What is forged for
   a route that decision never ordered stays on the topic, and is left out here.
3. One candidate alone, and one beside those of 2: `TRIED_ALONE_MAX`, those of routes that a policy names before others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rpds import Queue

from interlock.records.change import Heartbeat
from interlock.records.head import Head
from interlock.records.sealing import open_sealed
from interlock.router.core.fit import control_unfit
from interlock.router.core.state import POLICIES, Candidate, Held, Lease, RouterState, Waiting, since
from interlock.signing.verifier import Refused
from interlock.vocabulary.identifiers import Order, RouteId
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX, TRIED_ALONE_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, Reading

Choice = dict[RouteId, Candidate]
"""Candidates that a heartbeat may contain together: one of a route."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator set: the lease, and how far apart clocks may be."""

    lease_us: Micros
    skew_us: Micros


@dataclass(frozen=True, slots=True)
class Renewal:
    """The answer to one heartbeat.

    Attributes:
        state: The state after it; its unsaved marks must be on disk before the state is used.
        refused: Why the lease was not renewed; None: it was. `HEADS_DIFFER` is worth another try after the next record.
        obeyed: Changes that count from now on because the heartbeat contains them.
    """

    state: RouterState
    refused: Refused | None = None
    obeyed: tuple[Held, ...] = ()


def renew(state: RouterState, sealed: bytes | None, shard: int, now: Reading, terms: Terms) -> Renewal:
    """Judge a record of the heartbeats topic."""
    opened = open_sealed(sealed, state.book.trust, Heartbeat)
    if isinstance(opened, Refused):
        return Renewal(state, opened)
    beat = opened.value
    # 1. For this deployment and this shard, and from whoever rules now.
    if beat.deployment != state.book.trust.deployment:
        return Renewal(state, Refused(Reason.WRONG_AUDIENCE, beat.deployment))
    if beat.shard != shard:
        return Renewal(state, Refused(Reason.WRONG_SHARD, f"shard {beat.shard} on partition {shard}"))
    if Order(beat.root_version, beat.term, 0) < state.marks.term(shard):
        return Renewal(state, Refused(Reason.OLD_TERM, str(beat.order)))
    lease = state.leases.get(shard)
    if lease is not None and beat.order <= lease.order:
        return Renewal(state, Refused(Reason.NOT_NEWER, str(beat.order)))
    # 2. Sent not long ago, and not in the future.
    if beat.issued_at > now.wall + CLOCK_SKEW_US_MAX:
        return Renewal(state, Refused(Reason.FROM_THE_FUTURE, str(beat.order)))
    left = min(terms.lease_us, beat.issued_at + terms.lease_us + terms.skew_us - now.wall)
    if left <= 0:
        return Renewal(state, Refused(Reason.EXPIRED, str(beat.order)))
    # 3. It says what is held here.
    if beat.root_version != state.book.trust.version or not _known(state, POLICIES, beat.policies_head, now, terms):
        return Renewal(state, Refused(Reason.HEADS_DIFFER, "policies"))
    if _known(state, shard, beat.routes_head, now, terms):
        return Renewal(_leased(state, beat, Micros(now.boot + left), now, terms))
    contained = _contained(state, shard, beat.routes_head, now.wall)
    if contained is None:
        return Renewal(state, Refused(Reason.HEADS_DIFFER, "routes"))
    obeying, obeyed = _with(state, contained, now)
    return Renewal(_leased(obeying, beat, Micros(now.boot + left), now, terms), obeyed=obeyed)


def _leased(state: RouterState, beat: Heartbeat, end: Micros, now: Reading, terms: Terms) -> RouterState:
    begin = Micros(now.boot - terms.lease_us)
    past = {place: since(heads, begin) for place, heads in state.past.items()}
    return replace(
        state,
        marks=state.marks.put_term(beat.shard, beat.order),
        leases=state.leases.insert(beat.shard, Lease(beat.order, end)),
        past=state.past.update(past),
    )


def _known(state: RouterState, place: int, head: bytes, now: Reading, terms: Terms) -> bool:
    """Whether a head is held, or was during the last lease."""
    current = state.book.head.root if place == POLICIES else state.head(place).root
    if head == current:
        return True
    recent = since(state.past.get(place) or Queue(), Micros(now.boot - terms.lease_us))
    return any(old.head == head for old in recent)


def _contained(state: RouterState, shard: int, head: bytes, now: Micros) -> Choice | None:
    """The candidates that a head contains beside what is held; None if no likely ones make it."""
    held = state.head(shard)
    waiting = [each for each in state.candidates.values() if each.newest.change.value.shard == shard]
    for choice in _together(state, waiting, now):
        if _put(held, choice).root == head:
            return choice
    shown = _choice(each.last for each in waiting if each.last is not None)
    for beside in ({}, _likely(state, shown, now)):
        under = _put(held, beside)
        for one in _alone(state, waiting):
            if _put(under, one).root == head:
                return beside | one
    return None


def _together(state: RouterState, waiting: list[Waiting], now: Micros) -> Iterator[Choice]:
    """Rules 1 and 2: a candidate of every route, and the likely ones of these."""
    shown = _choice(each.last for each in waiting if each.last is not None)
    newest = _choice(each.newest for each in waiting)
    yield from (shown, newest)
    yield from (_likely(state, choice, now) for choice in (shown, newest))


def _alone(state: RouterState, waiting: list[Waiting]) -> Iterator[Choice]:
    """Rule 3: the candidates one by one."""
    found = [candidate for each in waiting for candidate in each.all]
    found.sort(key=lambda candidate: state.book.rule(candidate.change.value.route) is None)
    return (_choice([candidate]) for candidate in found[:TRIED_ALONE_MAX])


def _choice(candidates: Iterable[Candidate]) -> Choice:
    return {candidate.change.value.route: candidate for candidate in candidates}


def _put(head: Head, choice: Choice) -> Head:
    for route, candidate in choice.items():
        head = head.put(route.key, candidate.change.event_id)
    return head


def _likely(state: RouterState, choice: Choice, now: Micros) -> Choice:
    """The candidates that something here speaks for: policy, or that they were held before a restart."""

    def held_before(candidate: Candidate) -> bool:
        mark = state.marks.order(candidate.change.value.route)
        return mark is not None and mark[1] == candidate.change.event_id.hex()

    return {
        route: candidate
        for route, candidate in choice.items()
        if held_before(candidate) or control_unfit(state.book, state.marks, candidate.change, now) is None
    }


def _with(state: RouterState, choice: Choice, now: Reading) -> tuple[RouterState, tuple[Held, ...]]:
    obeyed = []
    for candidate in choice.values():
        # A canary that policy forbids does not stop its route: the source serves all of it (`standing.cut`).
        held = Held(candidate.change, control_unfit(state.book, state.marks, candidate.change, now.wall))
        state = state.hold(held, now)
        obeyed.append(held)
    return state, tuple(obeyed)
