"""What must be looked at: routes that something new concerns, and what is due by the passing of time alone.

An event only changes entries of the state; `wake` notes the routes that an entry concerns, and a timer notes when time alone may
change what follows. So one sweep serves every event and every tick, and a tick costs what is due, not what there is.

The agenda decides nothing: a route that is looked at without need gets no order. It must only never miss one: see `moments`.
Routes come out in their order, so that a log replayed from fewer events than were heard gives the same orders in the same order.
"""

from __future__ import annotations  # rpds maps take type parameters in annotations only

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rpds import HashTrieMap, HashTrieSet

from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros

SLOT_US = 100_000
"""Timers are kept in slots of this length: half of how often the passing of time is looked at."""


@dataclass(frozen=True, slots=True)
class Agenda:
    """Persistent: every operation gives a new agenda.

    Attributes:
        backlog: Routes to look at, in order, from `place` on.
        fresh: Routes to look at that are not in the backlog yet.
        timers: By slot of time: routes and entry keys that are due in it.
        armed: The slot in which each of them stands.
        swept: The last slot that was emptied.
    """

    backlog: tuple[RouteId, ...]
    place: int
    fresh: HashTrieSet[RouteId]
    timers: HashTrieMap[int, HashTrieSet[RouteId | str]]
    armed: HashTrieMap[RouteId | str, int]
    swept: int

    @classmethod
    def empty(cls) -> Agenda:
        """Nothing to do."""
        return cls((), 0, HashTrieSet(), HashTrieMap(), HashTrieMap(), -1)

    def wake(self, routes: Iterable[RouteId]) -> Agenda:
        """Note routes that something new concerns."""
        return replace(self, fresh=self.fresh.update(routes))

    def arm(self, what: RouteId | str, at: Micros | None) -> Agenda:
        """Set the one timer of a route or an entry; None takes it away."""
        before, slot = self.armed.get(what), None if at is None else at // SLOT_US
        if before == slot:
            return self
        timers, armed = self.timers, self.armed
        if before is not None:
            rest = timers[before].discard(what)
            timers = timers.insert(before, rest) if rest else timers.remove(before)
            armed = armed.remove(what)
        if slot is not None:
            timers = timers.insert(slot, (timers.get(slot) or HashTrieSet()).insert(what))
            armed = armed.insert(what, slot)
        swept = self.swept if slot is None else min(self.swept, slot - 1)
        return replace(self, timers=timers, armed=armed, swept=swept)

    def advance(self, now: Micros) -> tuple[Agenda, list[str]]:
        """Let time pass: the agenda with every due route awake, and the keys of the other entries that are due, in order."""
        reached = now // SLOT_US
        # After a long silence there are more slots than timers.
        passed = range(self.swept + 1, reached + 1) if reached - self.swept <= len(self.timers) else self.timers
        due = [what for slot in passed if slot <= reached for what in self.timers.get(slot) or ()]
        agenda = self
        for what in due:
            agenda = agenda.arm(what, None)
        routes = [what for what in due if isinstance(what, RouteId)]
        agenda = replace(agenda.wake(routes) if routes else agenda, swept=max(self.swept, reached))
        return agenda, sorted(what for what in due if isinstance(what, str))

    def next(self) -> tuple[Agenda, RouteId | None]:
        """Take the next route to look at; None: there is none."""
        agenda = self
        if len(self.fresh):
            backlog = tuple(sorted({*self.backlog[self.place :], *self.fresh}))
            agenda = replace(self, backlog=backlog, place=0, fresh=HashTrieSet())
        if agenda.place == len(agenda.backlog):
            return replace(agenda, backlog=(), place=0), None
        return replace(agenda, place=agenda.place + 1), agenda.backlog[agenda.place]

    def put_off(self, route: RouteId, until: Micros | None) -> Agenda:
        """Note that a route was looked at: it need not be again before its next moment."""
        return replace(self.arm(route, until), fresh=self.fresh.discard(route))
