"""All of it together: a state of the whole is a tuple of numbers, and what may happen next.

Every part (a process, a router, a topic) is a number, and what a part does is worked out once for each number and remembered
(`owner_moves`, `router_moves`), so that a million states of the whole cost a few thousand steps of the real cores.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from interlock.records.change import Heartbeat, RoutingChange
from interlock.trials.explore import invariants
from interlock.trials.explore.actions import Action, judged
from interlock.trials.explore.bus import Bus, Shown
from interlock.trials.explore.catalogue import Catalogue
from interlock.trials.explore.facts import UNAVAILABLE
from interlock.trials.explore.owner import OWNER, Process
from interlock.trials.explore.owner_moves import OwnerMoves
from interlock.trials.explore.router_moves import RouterMoves
from interlock.trials.explore.thief import BEAT_FORGERIES, forged, partition_of
from interlock.trials.explore.world import SHARD, World

ABSENT = -1
"""The number of a part that a world does not have."""

WORLD = 0
"""The actor of what no process or router does; 1 and 2 are the owners, 3 and 4 the routers."""


class Whole(NamedTuple):
    """One state of the whole: the moment, and the number of every part."""

    t: int
    a: int
    b: int
    log: int
    documents: int
    routes: int
    beats: int
    r: int
    s: int


Next = tuple[Action, int, Whole]
"""An action, its actor, and the state after it."""


class Product:
    """The whole of one world.

    `acting` is who acts while successors are worked out: when a part breaks an invariant, a story wants his name.

    Args:
        world: What is explored.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.catalogue = Catalogue()
        self.bus = Bus(world, self.catalogue)
        self.owners = OwnerMoves(world, self.catalogue, self.bus)
        self.routers = RouterMoves(world, self.catalogue, self.bus)
        self.acting = WORLD
        self._borne: set[tuple[int, int, int]] = set()
        self._thefts: dict[tuple[int, int, int], list[tuple[Action, int]]] = {}
        self._pruned: dict[tuple[int, int], int] = {}

    def first(self) -> Whole:
        """Nothing was said but the first document, and nobody has started anything."""
        nobody = self.owners.number(Process())
        first = self.routers.first(0)
        published = tuple((place, 0) for place in range(self.world.published))
        documents = self.bus.documents.number(published, published)
        shown = self.bus.routes.number((frozenset(), ()), Shown())
        beats = self.bus.beats.number(frozenset(), frozenset())
        second = nobody if self.world.owners == 2 else ABSENT
        r, other = (first if self.world.routers > number else ABSENT for number in (0, 1))
        return Whole(0, nobody, second, self.bus.first_log(), documents, shown, beats, r, other)

    def judge(self, whole: Whole) -> None:
        """Judge what joins two parts: a router, and what was revoked when.

        Raises:
            Broken: An invariant does not hold.
        """
        for r in (whole.r, whole.s):
            pair = (r, whole.t, whole.documents)
            if r != ABSENT and pair not in self._borne:
                served = self.routers.served[r, whole.t]
                invariants.stops_what_is_revoked(self.world, served, self.bus.documents[whole.documents], whole.t)
                self._borne.add(pair)

    def successors(self, whole: Whole) -> Iterator[Next]:
        """Everything that may happen next."""
        yield from self._by_owner(whole, whole.a, 1)
        if whole.b != ABSENT:
            yield from self._by_owner(whole, whole.b, 2)
        t, documents, routes, beats = whole.t, whole.documents, whole.routes, whole.beats
        self.acting = 3
        if whole.r != ABSENT:
            for action, r in self.routers.shown(whole.r, t, documents, routes, beats):
                yield action, 3, whole._replace(r=r)
        self.acting = 4
        if whole.s != ABSENT:
            for action, s in self.routers.shown(whole.s, t, documents, routes, beats):
                yield action, 4, whole._replace(s=s)
        self.acting = WORLD
        yield from self._by_world(whole)

    def _by_owner(self, whole: Whole, o: int, actor: int) -> Iterator[Next]:
        self.acting = actor

        def moved(number: int) -> Whole:
            return whole._replace(a=number) if actor == 1 else whole._replace(b=number)

        for action, number in self.owners.alone(o, whole.t):
            yield action, actor, moved(number)
        heard = self.owners.with_documents(o, whole.t, whole.documents)
        if heard is not None:
            yield heard[0], actor, moved(heard[1])
        for action, number, log in self.owners.with_log(o, whole.t, whole.log):
            yield action, actor, moved(number)._replace(log=log)
        for action, number, routes in self.owners.with_routes(o, whole.log, whole.routes):
            yield action, actor, moved(number)._replace(routes=routes)
        beaten = self.owners.beats(o, whole.t, whole.log, whole.documents)
        if beaten is not None:
            action, number, item = beaten
            yield action, actor, moved(number)._replace(beats=self._beats(self.bus.beats[whole.beats] | {item}))

    def _by_world(self, whole: Whole) -> Iterator[Next]:
        said = {place for place, _ in self.bus.documents[whole.documents]}
        for place, document in enumerate(self.world.documents):
            if place not in said and document.after in said:
                more = (*self.bus.documents[whole.documents], (place, whole.t))
                after = whole._replace(documents=self.bus.documents.number(more, more))
                yield Action("document published", document.words), WORLD, after
        key = (whole.routes, whole.documents, whole.t)
        if key not in self._thefts:
            self._thefts[key] = self._forge(whole)
        for action, routes in self._thefts[key]:
            yield action, WORLD, whole._replace(routes=routes)
        for action, beats in self._misdirect(whole):
            yield action, WORLD, whole._replace(beats=beats)
        if whole.t + 1 < len(self.world.moments):
            passed = self.world.moments[whole.t + 1] - self.world.moments[whole.t]
            yield Action("time", f"{passed} s pass"), WORLD, self.later(whole)

    def later(self, whole: Whole) -> Whole:
        """The whole at the next moment."""
        t = whole.t
        return whole._replace(
            t=t + 1,
            a=self.owners.aged(whole.a),
            b=self.owners.aged(whole.b) if whole.b != ABSENT else ABSENT,
            beats=self._prune(whole.beats, t + 1),
            r=self.routers.aged(whole.r, t) if whole.r != ABSENT else ABSENT,
            s=self.routers.aged(whole.s, t) if whole.s != ABSENT else ABSENT,
        )

    def _beats(self, beats: frozenset[int]) -> int:
        return self.bus.beats.number(beats, beats)

    def _prune(self, beats: int, t: int) -> int:
        """The heartbeats that a broker may still show: one that is over for longer than a grace renews nothing, and is forgotten."""
        if (beats, t) not in self._pruned:
            oldest = self.world.wall(t) - self.world.lease_us - self.world.skew_us - self.world.grace_us
            items = [(item, self.catalogue[item].value) for item in self.bus.beats[beats]]
            kept = frozenset(item for item, said in items if isinstance(said, Heartbeat) and said.issued_at > oldest)
            self._pruned[beats, t] = self._beats(kept)
        return self._pruned[beats, t]

    def _forge(self, whole: Whole) -> list[tuple[Action, int]]:
        """What a thief of the decision key may publish now."""
        shown = self.bus.routes[whole.routes]
        items = [self.catalogue[item] for item in shown.items]
        genuine = [item.value for item in items if not item.forged and isinstance(item.value, RoutingChange)]
        if not genuine or len(genuine) + self.world.thefts <= len(items):
            return []
        last = {change.route: change for change in sorted(genuine, key=lambda change: change.order)}
        now = self.world.wall(whole.t)
        found = []
        for route in sorted(last):
            for name in self.world.forgeries:
                order = forged(name, last[route], self.world, now)
                sealed = self.world.seal(order, "decision-1")
                item = self.catalogue.add(sealed, order, name, partition=partition_of(name), forged=name)
                action = Action("theft", f"a thief publishes {name}")
                found.append((action, judged(action, partial(self.bus.showed, whole.routes, item))))
        return found

    def _misdirect(self, whole: Whole) -> Iterator[tuple[Action, int]]:
        """Heartbeats that are not for this shard, or not of this time, and stand on its topic all the same."""
        items = [self.catalogue[item] for item in self.bus.beats[whole.beats]]
        genuine = [item.value for item in items if not item.forged and isinstance(item.value, Heartbeat)]
        if not genuine or any(item.forged for item in items):
            return
        last = max(genuine, key=lambda beat: beat.order)
        for name in self.world.beat_forgeries:
            beat = BEAT_FORGERIES[name](last, self.world.wall(whole.t))
            item = self.catalogue.add(self.world.seal(beat, OWNER), beat, name, partition=SHARD, forged=name)
            yield Action("theft", f"somebody publishes {name}"), self._beats(self.bus.beats[whole.beats] | {item})


def follow(product: Product, whole: Whole, script: Iterable[tuple[int, str]]) -> Whole:
    """The state after a story.

    Args:
        product: The whole.
        whole: Where it begins.
        script: Actors and the beginning of what they do, in order; with a `*` before it as often as they can.

    Raises:
        LookupError: Something in the story cannot happen.
    """
    for actor, said in script:
        words, again = said.removeprefix("*"), True
        while again:
            after = next(
                (
                    after
                    for action, who, after in product.successors(whole)
                    if who == actor and action.words.startswith(words)
                ),
                None,
            )
            if after is None and said == words:
                raise LookupError(f"it cannot happen in this world that {actor} {words}")
            whole, again = after or whole, after is not None and said != words
            product.judge(whole)
    return whole


def running(product: Product) -> Whole:
    """The ordinary course of things: the first owner rules, the first model is served by every router."""
    routers = [3, 4][: product.world.routers]
    governed = [(1, "claims"), *[(1, "reads that"), (1, "*appends"), (1, "*publishes")] * product.world.published]
    judged_healthy = list(_healthy(product.world))
    healthy = [step for words in judged_healthy for step in ((1, words), (1, "appends its"), (1, "*publishes"))]
    routed = [(WORLD, "5 s pass"), (1, "looks at the time"), (1, "appends its"), (1, "*publishes"), (1, "sends a")]
    shown = [step for r in routers for step in ((r, "*is shown that"), (r, "*is shown the"), (r, "is shown h"))]
    return follow(product, product.first(), [*governed, *healthy, *routed, *shown])


def _healthy(world: World) -> Iterator[str]:
    """What is heard when every model is as it should be, and every guard is there."""
    yield from (f"hears that guard of guard@{guard} is healthy" for guard in world.guards)
    yield from (f"hears that {name} is {'unavailable' if name in world.down else 'healthy'}" for name in world.models)
    others = [watched for watched in world.objectives if watched != UNAVAILABLE]
    yield from (f"hears that {watched} of {name} is healthy" for name in world.models for watched in others)
