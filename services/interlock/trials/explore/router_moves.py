"""What may happen next to a router, worked out once for each of its states and remembered.

A record that is shown again and changes nothing is counted in `repeats` and leads nowhere.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from interlock.router.core.marks import Marks
from interlock.trials.explore import invariants
from interlock.trials.explore.actions import Action, Move, judged
from interlock.trials.explore.bus import Bus
from interlock.trials.explore.catalogue import Catalogue
from interlock.trials.explore.interning import Interner
from interlock.trials.explore.router import Rack, Router
from interlock.trials.explore.world import World

RESTART = "router restarts"
"""What loses everything but the marks."""


@dataclass(slots=True)
class RouterMoves:
    """The moves of a router."""

    world: World
    catalogue: Catalogue
    bus: Bus
    routers: Interner[Router] = field(default_factory=Interner)
    served: dict[tuple[int, int], invariants.Served] = field(default_factory=dict)
    repeats: int = 0
    _known: dict[Any, Any] = field(default_factory=dict)

    def number(self, router: Router, t: int) -> int:
        """The number of a router at a moment."""
        return self.routers.number((t, router.key(self.world, t)), router)

    def shown(self, r: int, t: int, documents: int, routes: int, beats: int) -> list[Move]:
        """What a broker may show it, and that it restarts."""
        key = (r, t, documents, routes, beats)
        if key not in self._known:
            documented = [place for place, _ in self.bus.documents[documents]]
            tried = [
                *[self._once((1, r, t, place), partial(self._document, r, t, place)) for place in documented],
                *[
                    self._once((2, r, t, item), partial(self._change, r, t, item))
                    for item in sorted(self.bus.routes[routes].items)
                ],
                *[
                    self._once((3, r, t, item), partial(self._beat, r, t, item))
                    for item in sorted(self.bus.beats[beats])
                ],
                self._once((4, r, t), partial(self._restart, r, t)) if self.world.restarts else None,
            ]
            self._known[key] = [move for move in tried if move is not None]
        found: list[Move] = self._known[key]
        return found

    def aged(self, r: int, t: int) -> int:
        """The router at the next moment."""
        key = (5, r, t)
        if key not in self._known:
            self._known[key] = judged(Action("time", "goes on"), lambda: self._seen(self.routers[r], t + 1))
        found: int = self._known[key]
        return found

    def _once(self, key: tuple[int, ...], make: Callable[[], Move | None]) -> Move | None:
        if key not in self._known:
            self._known[key] = make()
        found: Move | None = self._known[key]
        if found is None:
            self.repeats += 1
        return found

    def _seen(self, router: Router, t: int) -> int:
        """The number of a router, which was judged."""
        number = self.number(router, t)
        if (number, t) not in self.served:
            served = Rack(self.world, self.catalogue).served(router, t)
            invariants.serves_only_admissible(self.world, router, served, t)
            invariants.serves_only_by_the_newest(router, served)
            invariants.serves_only_with_lease(router, served)
            invariants.stops_after_lease_and_grace(self.world, router, served, t)
            self.served[number, t] = served
        return number

    def _moved(self, r: int, t: int, action: Action, step: Callable[[Router], Router]) -> Move | None:
        before = self.routers[r]

        def judge() -> int:
            after = step(before)
            invariants.marks_never_go_back(before.state.marks, after.state.marks)
            if action.kind != RESTART:
                invariants.documents_never_go_back(self.world, before.state.book, after.state.book)
            invariants.waits_for_the_newest(before, after)
            invariants.obeys_nothing_forged(self.catalogue, after)
            return self._seen(after, t)

        number = judged(action, judge)
        return (action, number) if number != r else None

    def _document(self, r: int, t: int, place: int) -> Move | None:
        action = Action("document shown", f"is shown that {self.world.documents[place].words}")
        return self._moved(r, t, action, lambda router: Rack(self.world, self.catalogue).document(router, place, t))

    def _change(self, r: int, t: int, item: int) -> Move | None:
        found = self.catalogue[item]

        def step(router: Router) -> Router:
            after, answer = Rack(self.world, self.catalogue).change(router, found, t)
            invariants.obeys_no_older_term(router, answer)
            invariants.obeys_in_time(self.world, answer, t)
            invariants.reports_equivocation(router, found, answer)
            invariants.stops_when_told(self.world, router, found, answer, t)
            return after

        return self._moved(r, t, Action("order shown", f"is shown {found.words}"), step)

    def _beat(self, r: int, t: int, item: int) -> Move | None:
        found = self.catalogue[item]

        def step(router: Router) -> Router:
            after, renewal = Rack(self.world, self.catalogue).beat(router, found, t)
            if renewal.refused is None:
                invariants.renews_for_what_is_meant(self.world, found, t)
                invariants.renews_only_forward(router, found)
            return after

        return self._moved(r, t, Action("heartbeat shown", f"is shown {found.words}"), step)

    def _restart(self, r: int, t: int) -> Move | None:
        action = Action(RESTART, "restarts")
        return self._moved(r, t, action, lambda router: Rack(self.world, self.catalogue).restart(router))

    def first(self, t: int) -> int:
        """A router that was never started before."""
        return self._seen(Router(Rack(self.world, self.catalogue).start(Marks())), t)
