"""Heartbeats and the lease: how long silence may be believed.

A heartbeat renews the lease of its shard only if this router holds exactly what the live decision service says is current: the
same documents (policies head) and the same changes (routes head), now or during the last lease. So a broker that withholds a
denial, or serves an old route, can only end the lease; it cannot keep a revoked model in service.

A genuine change that `accept` parked or refused may be what makes the heads differ. If a heartbeat's head contains it, the live
service stands by it: one that was only late is obeyed from then on, and one that policy forbids puts its own route, and no other,
into the safe state; where policy forbids no more than its canary, the source serves the route.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rpds import Queue

from interlock.records.change import Heartbeat
from interlock.records.sealing import open_sealed
from interlock.router.core.fit import control_unfit
from interlock.router.core.state import POLICIES, Candidate, Held, Lease, RouterState, since
from interlock.signing.verifier import Refused
from interlock.vocabulary.identifiers import Order
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, Reading


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
    for candidates in _choices(state, shard):
        trial, obeyed = _with(state, candidates, now)
        if trial.head(shard).root == beat.routes_head:
            return Renewal(_leased(trial, beat, Micros(now.boot + left), now, terms), obeyed=obeyed)
    return Renewal(state, Refused(Reason.HEADS_DIFFER, "routes"))


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


def _choices(state: RouterState, shard: int) -> Iterator[tuple[Candidate, ...]]:
    """Which candidates the heartbeat may contain: all of them, those that only a full disk kept out, or one alone."""
    waiting = tuple(candidate for candidate in state.candidates.values() if candidate.change.value.shard == shard)
    if waiting:
        yield waiting
    unsaved = tuple(candidate for candidate in waiting if candidate.reason is Reason.NOT_PERSISTED)
    if 1 < len(unsaved) < len(waiting):
        yield unsaved
    if len(waiting) > 1:
        yield from ((candidate,) for candidate in waiting)


def _with(state: RouterState, candidates: tuple[Candidate, ...], now: Reading) -> tuple[RouterState, tuple[Held, ...]]:
    obeyed = []
    for candidate in candidates:
        # A canary that policy forbids does not stop its route: the source serves all of it (`standing.cut`).
        held = Held(candidate.change, control_unfit(state.book, state.marks, candidate.change, now.wall))
        state = state.hold(held, now)
        obeyed.append(held)
    return state, tuple(obeyed)
