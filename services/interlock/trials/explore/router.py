"""One router around the real cores: what it does with each record that a broker shows it.

A router takes one record at a time, as its shell (`router.subscriber`) does: judge, keep the marks, use the new state. After a restart
the marks are all that it still has. Two things are kept beside it for the invariants, and no core sees them: which documents it was
ever shown, and until when the heartbeats that it was shown since its start may be believed at most.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from interlock.policy.book import take
from interlock.records.change import Heartbeat
from interlock.router.answers import Serve
from interlock.router.core.accept import Acceptance, accept, retry
from interlock.router.core.marks import Marks
from interlock.router.core.renew import Renewal, Terms, renew
from interlock.router.core.resolve import resolve
from interlock.router.core.standing import Standing
from interlock.router.core.state import Candidate, RouterState, agents_concerned, hold_document
from interlock.signing.verifier import Refused
from interlock.trials.explore.catalogue import Catalogue, Item
from interlock.trials.explore.world import SHARD, SHARDS, World
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX
from interlock.vocabulary.time import NEVER, Micros

KEYS = (None, *(f"request-{number}" for number in range(12)))
"""Requests that are asked for at every state: enough for both arms of a canary at 5 per cent or more, and one without a key."""


@dataclass(frozen=True, slots=True)
class Router:
    """A router.

    Attributes:
        state: What it holds.
        shown: The documents that it was ever shown, restarts included.
        believed: Until when a heartbeat that it was shown since its start may be believed; None: there was none in time.
    """

    state: RouterState
    shown: frozenset[int] = frozenset()
    believed: Micros | None = None

    def key(self, world: World, t: int) -> Hashable:
        """Everything that matters of it: what has run out for good is forgotten."""
        state, now = self.state, world.reading(t)
        over = now.boot - world.lease_us - world.grace_us
        held = frozenset((route, held.change.event_id, held.refused) for route, held in state.held.items())
        candidates = frozenset(
            (route, _known(each.newest), _known(each.last)) for route, each in state.candidates.items()
        )
        standings = frozenset((route, _serves(standing)) for route, standing in state.standings.items())
        past = frozenset(
            (place, old.head, max(again.until for again in heads if again.head == old.head))
            for place, heads in state.past.items()
            for old in heads
            if old.until >= now.boot - world.lease_us
        )
        leases = frozenset((shard, lease.order, max(lease.end, over)) for shard, lease in state.leases.items())
        believed = self.believed and max(self.believed, over)
        documents = (state.book.head.root, frozenset(state.marks.values.items()), self.shown)
        return (documents, held, candidates, standings, past, leases, believed)


@dataclass(slots=True)
class Rack:
    """What a router does, record by record."""

    world: World
    catalogue: Catalogue
    terms: Terms = field(init=False)

    def __post_init__(self) -> None:
        self.terms = Terms(self.world.lease_us, self.world.skew_us)

    def start(self, marks: Marks) -> RouterState:
        """A router that starts with the marks of before."""
        return RouterState.start(SHARDS, self.world.deployment.book(), marks)

    def restart(self, router: Router) -> Router:
        """The router after a restart."""
        return Router(self.start(Marks.of(dict(router.state.marks.values))), router.shown)

    def document(self, router: Router, place: int, t: int) -> Router:
        """The router after a document, and after what had waited for it."""
        now, state = self.world.reading(t), router.state
        taken = take(state.book, self.world.documents[place].sealed)
        shown = router.shown | {place}
        if isinstance(taken, Refused):
            return replace(router, shown=shown)
        state = hold_document(state, taken, now)
        for agent in agents_concerned(taken):
            for answer in retry(state, agent, now):
                state = answer.state
        return replace(router, state=_saved(state), shown=shown)

    def change(self, router: Router, item: Item, t: int) -> tuple[Router, Acceptance]:
        """The router after a record of the routes topic."""
        answer = accept(router.state, item.sealed, item.partition, self.world.reading(t))
        return replace(router, state=_saved(answer.state)), answer

    def beat(self, router: Router, item: Item, t: int) -> tuple[Router, Renewal]:
        """The router after a heartbeat."""
        now = self.world.reading(t)
        renewal = renew(router.state, item.sealed, item.partition, now, self.terms)
        said = item.value
        assert isinstance(said, Heartbeat), "nothing else stands there"
        until = min(now.wall + self.world.lease_us, said.issued_at + self.world.lease_us + self.world.skew_us)
        believed = router.believed
        if until > now.wall and meant_for(said, self.world, now.wall):
            until_boot = Micros(now.boot + until - now.wall)
            believed = max(believed or NEVER, until_boot)
        state = router.state if renewal.refused is not None else _saved(renewal.state)
        return replace(router, state=state, believed=believed), renewal

    def served(self, router: Router, t: int) -> frozenset[tuple[RouteId, str, bool]]:
        """Every model that some request would get now, with its route, and whether without its tools."""
        now = self.world.reading(t)
        answers = [resolve(router.state, route, key, now) for route in self.world.routes for key in KEYS]
        return frozenset(
            (answer.route, answer.model.name, answer.read_only) for answer in answers if isinstance(answer, Serve)
        )


def meant_for(beat: Heartbeat, world: World, now: Micros) -> bool:
    """Whether a heartbeat is for this deployment, for the shard on whose topic it stands, and not from the future."""
    here = beat.deployment == world.deployment.name and beat.shard == SHARD
    return here and beat.issued_at <= now + CLOCK_SKEW_US_MAX


def _known(candidate: Candidate | None) -> Hashable:
    return candidate and (candidate.change.event_id, candidate.reason)


def _saved(state: RouterState) -> RouterState:
    return replace(state, marks=state.marks.saved())


def _serves(standing: Standing) -> Hashable:
    """What matters of a standing."""
    arms = tuple(arm and (arm.model.name, arm.until, arm.primary) for arm in (standing.control, standing.canary))
    canary = (standing.canary_id, standing.weight, standing.cut)
    return (
        arms,
        canary,
        standing.read_only,
        standing.reason,
        standing.change_id,
        standing.grace_us,
        standing.safe_state,
    )
