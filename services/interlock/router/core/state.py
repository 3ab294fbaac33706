"""What a router holds, and what follows from it for each route.

`standings` is worked out whenever a change or a document is taken, so that a request needs a look-up and two comparisons of time.
"""

from __future__ import annotations  # rpds maps cannot be subscripted at run time

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from rpds import HashTrieMap, HashTrieSet, Queue

from interlock.policy.book import Book, Taken, take
from interlock.records.change import RoutingChange
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.head import Head
from interlock.records.models import Registration
from interlock.router.core.marks import Marks
from interlock.router.core.standing import Standing, standing
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, Reading


@dataclass(frozen=True, slots=True)
class Held:
    """The current change of a route.

    Attributes:
        change: The change.
        refused: Why this router does not obey it although the live decision service stands by it; None: it obeys, as far as
            policy allows.
    """

    change: Verified[RoutingChange]
    refused: Reason | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A genuine change, newer than the one held, that does not count yet or was refused; its bytes, to try again."""

    change: Verified[RoutingChange]
    sealed: bytes
    reason: Reason


@dataclass(frozen=True, slots=True)
class Waiting:
    """The candidates of one route: two at most, whatever is published.

    Attributes:
        newest: The one of the highest order.
        last: The one that was shown last; None: the change that is held was shown since. Decision publishes its own order again after
            whatever else stands under it, so this is the one that the topic leaves in the end.
    """

    newest: Candidate
    last: Candidate | None

    @property
    def all(self) -> tuple[Candidate, ...]:
        """The candidates, each once."""
        return (self.newest,) if self.last is None or self.last == self.newest else (self.newest, self.last)


@dataclass(frozen=True, slots=True)
class Lease:
    """How long silence may be believed, on the clock since boot; `order` is that of the heartbeat that renewed it."""

    order: tuple[int, int, int]
    end: Micros


POLICIES = -1
"""The place of the policies' heads in `RouterState.past`."""

REMEMBERED_US = 60 * SECOND
"""How long a head that is not held any more is remembered: longer than any lease."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was held until a moment on the clock since boot."""

    held: Head
    until: Micros

    @property
    def head(self) -> bytes:
        """The head over it, 32 bytes; it is worked out if a heartbeat asks for it, which is seldom."""
        return self.held.root


@dataclass(frozen=True, slots=True)
class RouterState:
    """What one router holds. Persistent: every step gives a new state and leaves the old one.

    Attributes:
        shards: The deployment's number of shards.
        book: The documents that are held.
        marks: What may never go back.
        held: The current change by route.
        candidates: By route, the genuine changes that are newer than the one held, and not held.
        standings: What follows for each route.
        canaries: The routes for which a canary is ordered.
        heads: By shard: head over the changes held.
        past: By shard (`POLICIES`: the policies): heads held before, newest last.
        leases: By shard.
    """

    shards: int
    book: Book
    marks: Marks
    held: HashTrieMap[RouteId, Held]
    candidates: HashTrieMap[RouteId, Waiting]
    standings: HashTrieMap[RouteId, Standing]
    canaries: HashTrieSet[RouteId]
    heads: HashTrieMap[int, Head]
    past: HashTrieMap[int, Queue[Past]]
    leases: HashTrieMap[int, Lease]

    @classmethod
    def start(cls, shards: int, book: Book, marks: Marks) -> RouterState:
        """A router that has just started: it holds nothing, so it serves nothing."""
        return cls(
            shards,
            book,
            marks,
            HashTrieMap(),
            HashTrieMap(),
            HashTrieMap(),
            HashTrieSet(),
            HashTrieMap(),
            HashTrieMap(),
            HashTrieMap(),
        )

    def head(self, shard: int) -> Head:
        """Head over the changes held of a shard."""
        return self.heads.get(shard) or Head()

    def hold(self, held: Held, now: Reading) -> RouterState:
        """The state in which a change is the current one of its route, and its mark is set."""
        change = held.change.value
        route, shard = change.route, change.shard
        before = self.head(shard)
        state = replace(
            self,
            marks=self.marks.put_order(route, change.order, held.change.event_id).put_term(shard, change.order),
            held=self.held.insert(route, held),
            candidates=self.candidates.discard(route),
            heads=self.heads.insert(shard, before.put(route.key, held.change.event_id)),
            past=_remembering(self.past, shard, Past(before, now.boot)),
        )
        return state.judge([route], now)

    def judge(self, routes: Iterable[RouteId], now: Reading) -> RouterState:
        """The state in which what follows for some routes was worked out again."""
        standings, canaries = self.standings, self.canaries
        for route in routes:
            if route in self.held:
                judged = self._standing(self.held[route], now.wall)
                standings = standings.insert(route, judged)
                canaries = canaries.insert(route) if judged.canary_id else canaries.discard(route)
        return replace(self, standings=standings, canaries=canaries)

    def _standing(self, held: Held, now: Micros) -> Standing:
        return standing(self.book, self.marks, held.change, held.refused, now)


def take_document(state: RouterState, sealed: bytes | None, now: Reading) -> RouterState | Refused:
    """Take a record of the policies topic."""
    taken = take(state.book, sealed)
    return taken if isinstance(taken, Refused) else hold_document(state, taken, now)


def hold_document(state: RouterState, taken: Taken, now: Reading) -> RouterState:
    """The state in which a document is held and marked, and what it concerns was judged again."""
    past = _remembering(state.past, POLICIES, Past(state.book.head, now.boot))
    return replace(_marked(state, taken), past=past).judge(_concerned(state, taken), now)


def since(heads: Queue[Past], moment: Micros) -> Queue[Past]:
    """The heads that were still held at a moment, or later."""
    oldest: Any = heads  # the package's own stubs take its methods for properties
    while not oldest.is_empty() and oldest.peek().until < moment:
        oldest = oldest.dequeue()
    kept: Queue[Past] = oldest
    return kept


def _remembering(past: HashTrieMap[int, Queue[Past]], place: int, before: Past) -> HashTrieMap[int, Queue[Past]]:
    heads = since(past.get(place) or Queue(), Micros(before.until - REMEMBERED_US))
    return past.insert(place, heads.enqueue(before))


def agents_concerned(taken: Taken) -> Collection[str]:
    """The agents whose candidates may count once a document was taken."""
    if isinstance(taken.value, RoutePolicy):
        return (taken.value.agent,)
    if isinstance(taken.value, Registration):
        return {route.agent for route in taken.book.users_of(taken.value.model.name)}
    return () if isinstance(taken.value, Denial) else list(taken.book.policies)


def _concerned(state: RouterState, taken: Taken) -> Iterable[RouteId]:
    """The routes for which something else may follow; a new policy may name fewer than the one before it."""
    value = taken.value
    if isinstance(value, RoutePolicy):
        before = state.book.policies.get(value.agent)
        return {*value.route_ids(), *(before.value.route_ids() if before else ())}
    if isinstance(value, Registration | Denial):
        return taken.book.users_of(value.model if isinstance(value, Denial) else value.model.name)
    return list(state.held)


def _marked(state: RouterState, taken: Taken) -> RouterState:
    value, marks = taken.value, state.marks
    if isinstance(value, RoutePolicy):
        marks = marks.put_highest(f"policy/{value.agent}", value.version)
    elif isinstance(value, Denial):
        marks = marks.put_highest(f"deny/{value.model}", 1)
    elif isinstance(value, Registration):
        marks = marks.put_highest(f"model/{value.model.name}", value.version)
    else:
        marks = marks.put_highest("root", value.version)
    return replace(state, book=taken.book, marks=marks)
