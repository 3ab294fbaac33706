"""What a router holds, and what follows from it for each route.

`standings` is worked out whenever a change or a document is taken, so that a request needs a look-up and two comparisons of time.
"""

from __future__ import annotations  # rpds maps cannot be subscripted at run time

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rpds import HashTrieMap

from interlock.policy.admissible import admissible_until, inadmissible
from interlock.policy.book import Book, Taken, take
from interlock.records.change import RoutingChange
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.head import Head
from interlock.records.models import Model
from interlock.router.core.marks import Marks
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros, Reading


@dataclass(frozen=True, slots=True)
class Held:
    """The current change of a route.

    Attributes:
        change: The change.
        refused: Why this router does not obey it although the live decision service stands by it; None: it obeys.
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
class Standing:
    """What a route may serve, time apart.

    Attributes:
        model: The model; None: stop.
        primary: Whether it is the ladder's first.
        reason: Why it stops; None where the change itself ordered the safe state.
        until: From then on the model is not admissible any more.
        grace_us: How long the route is kept after the lease has ended.
        change_id: The change it rests on; empty if there is none.
        safe_state: The safe state of the route.
    """

    model: Model | None
    primary: bool
    reason: Reason | None
    until: Micros
    grace_us: Micros
    change_id: str
    safe_state: str


@dataclass(frozen=True, slots=True)
class Lease:
    """How long silence may be believed, on the clock since boot; `order` is that of the heartbeat that renewed it."""

    order: tuple[int, int, int]
    end: Micros


@dataclass(frozen=True, slots=True)
class Past:
    """A head that was held until a moment on the clock since boot."""

    head: bytes
    until: Micros


@dataclass(frozen=True, slots=True)
class RouterState:
    """What one router holds. Persistent: every step gives a new state and leaves the old one.

    Attributes:
        shards: The deployment's number of shards.
        book: The documents that are held.
        marks: What may never go back.
        held: The current change by route.
        candidates: By route, the newest genuine change that is not held.
        standings: What follows for each route.
        heads: By shard: head over the changes held.
        past: By shard (-1: the policies): heads held before, newest last.
        leases: By shard.
    """

    shards: int
    book: Book
    marks: Marks
    held: HashTrieMap[RouteId, Held]
    candidates: HashTrieMap[RouteId, Candidate]
    standings: HashTrieMap[RouteId, Standing]
    heads: HashTrieMap[int, Head]
    past: HashTrieMap[int, tuple[Past, ...]]
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
            past=self.past.insert(shard, (*(self.past.get(shard) or ()), Past(before.root, now.boot))),
        )
        return state.judge([route], now)

    def judge(self, routes: Iterable[RouteId], now: Reading) -> RouterState:
        """The state in which what follows for some routes was worked out again."""
        standings = self.standings
        for route in routes:
            if route in self.held:
                standings = standings.insert(route, _standing(self, self.held[route], now.wall))
        return replace(self, standings=standings)


def take_document(state: RouterState, sealed: bytes | None, now: Reading) -> RouterState | Refused:
    """Take a record of the policies topic, and judge again at once what it concerns."""
    taken = take(state.book, sealed)
    if isinstance(taken, Refused):
        return taken
    before = Past(state.book.head.root, now.boot)
    past = state.past.insert(-1, (*(state.past.get(-1) or ()), before))
    return replace(_marked(state, taken), past=past).judge(_concerned(state, taken), now)


def _marked(state: RouterState, taken: Taken) -> RouterState:
    value, marks = taken.value, state.marks
    if isinstance(value, RoutePolicy):
        version = max(value.version, marks.number(f"policy/{value.agent}"))
        marks = marks.put(f"policy/{value.agent}", str(version))
    elif isinstance(value, Denial):
        marks = marks.put(f"deny/{value.model}", "1")
    else:
        marks = marks.put("root", str(max(value.version, marks.number("root"))))
    return replace(state, book=taken.book, marks=marks)


def _concerned(state: RouterState, taken: Taken) -> Iterable[RouteId]:
    if isinstance(taken.value, RoutePolicy):
        return [route for route in state.held if route.agent == taken.value.agent]
    if isinstance(taken.value, Denial):
        return taken.book.users_of(taken.value.model)
    return list(state.held)


def _standing(state: RouterState, held: Held, now: Micros) -> Standing:
    """What follows from a change, under the documents that are held now."""
    change = held.change.value
    rule = state.book.rule(change.route)
    grace = rule.grace_us if rule else NEVER
    safe_state = str(rule.safe_state) if rule else "suspend"
    reason = held.refused or unfit(state, held.change, now)
    place = rule.index(change.target) if rule and change.target is not None else None
    if rule is None or place is None or change.target is None or reason is not None:
        return Standing(None, False, reason, NEVER, grace, change.id, safe_state)
    until = admissible_until(state.book, change.route, change.target)
    return Standing(rule.ladder[place].model, place == 0, None, until, grace, change.id, safe_state)


def unfit(state: RouterState, change: Verified[RoutingChange], now: Micros) -> Reason | None:
    """Why policy forbids what a change orders; None if it allows it. Rule 1 is asked anew, whatever decision says it checked."""
    order = change.value
    held = state.book.policies.get(order.agent)
    if state.book.trust.version < max(order.root_version, state.marks.number("root")):
        return Reason.POLICY_NOT_HELD
    if held is None or held.value.version < max(order.policy_version, state.marks.number(f"policy/{order.agent}")):
        return Reason.POLICY_NOT_HELD
    if order.policy_version < held.value.version:
        return Reason.POLICY_OLDER
    if order.policy_digest != held.event_id:
        return Reason.POLICY_DIGEST_DIFFERS
    if state.book.rule(order.route) is None:
        return Reason.ROUTE_UNKNOWN
    if order.target is None:
        return None
    if state.marks.number(f"deny/{order.target}"):
        return Reason.DENIED
    return inadmissible(state.book, order.route, order.target, now)
