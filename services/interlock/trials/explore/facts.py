"""What one owner was told, kept beside it, and what the rules of DESIGN 5 make of it: an oracle that shares no code with the cores.

It covers what the explored policies use: rule 1 as data (`world.Said`), rule 2 for one objective, rule 3 in mode `cutover`, the
stable period of rule 6, disabling and suspending. Canaries, approvals and damping have rules of their own, which it does not judge.
"""

from dataclasses import dataclass, replace

from interlock.records.health import Level
from interlock.trials.explore.world import Ordered, World
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import NEVER, Micros


@dataclass(frozen=True, slots=True)
class Facts:
    """What was said to an owner and counts.

    Attributes:
        documents: The documents that it heard, by their place in the world.
        levels: The last level of each model, and since when: (model, level, since).
        disabled: Models that an operator took away, and until when.
        suspended: Whether an operator ordered the safe state.
        commands: The commands that it read, by their place in the world.
    """

    documents: frozenset[int] = frozenset()
    levels: tuple[tuple[str, Level, Micros], ...] = ()
    disabled: tuple[tuple[str, Micros], ...] = ()
    suspended: bool = False
    commands: frozenset[int] = frozenset()

    def heard(self, document: int) -> "Facts":
        """The facts after a document."""
        return replace(self, documents=self.documents | {document})

    def judged(self, model: str, level: Level, now: Micros) -> "Facts":
        """The facts after a verdict: the same level again is nothing new."""
        if self.level(model)[0] is level:
            return self
        others = tuple(item for item in self.levels if item[0] != model)
        return replace(self, levels=tuple(sorted((*others, (model, level, now)))))

    def lapsed(self, model: str, now: Micros) -> "Facts":
        """The facts after a verdict was not refreshed."""
        return self.judged(model, Level.UNKNOWN, now) if self.level(model)[0] is not None else self

    def ordered(self, place: int, order: Ordered, now: Micros) -> "Facts":
        """The facts after a command: read once, it counts once."""
        if place in self.commands:
            return self
        suspended = self.suspended if order.suspends is None else order.suspends
        disabled = self.disabled
        if order.disables and now < order.until:
            disabled = (*disabled, (order.disables, order.until))
        return replace(self, commands=self.commands | {place}, disabled=disabled, suspended=suspended)

    def level(self, model: str) -> tuple[Level | None, Micros]:
        """The last level of a model, and since when; None: there was no verdict."""
        return next(((level, since) for name, level, since in self.levels if name == model), (None, NEVER))


NOTHING = Facts()
"""Nothing was said yet."""


@dataclass(frozen=True, slots=True)
class Oracle:
    """What the rules say of one route, on some facts, at a time."""

    world: World
    facts: Facts
    route: RouteId
    now: Micros

    @property
    def ladder(self) -> tuple[tuple[str, Micros], ...]:
        """The approved models under the newest policy that was heard, in order, and until when."""
        policies = [self.world.documents[place] for place in self.facts.documents]
        newest = max((said for said in policies if said.version), key=lambda said: said.version, default=None)
        return newest.ladders.get(self.route, ()) if newest else ()

    def admissible(self, model: str) -> bool:
        """Rule 1."""
        denied = any(self.world.documents[place].denies == model for place in self.facts.documents)
        return not denied and any(name == model and self.now < until for name, until in self.ladder)

    def disabled(self, model: str) -> bool:
        """Whether an operator has taken the model away."""
        return any(name == model and self.now < until for name, until in self.facts.disabled)

    def may_enter(self, model: str) -> bool:
        """Rules 1 and 2: healthy, freshly."""
        return self.admissible(model) and not self.disabled(model) and self.facts.level(model)[0] is Level.HEALTHY

    def stable(self, model: str) -> bool:
        """Rule 6: it may be entered, and has been healthy for the stable period."""
        return self.may_enter(model) and self.now - self.facts.level(model)[1] >= self.world.stable_us

    def may_stay(self, model: str) -> bool:
        """Rules 2 and 4: nothing qualifies against it."""
        level, since = self.facts.level(model)
        if self.facts.suspended or self.disabled(model) or not self.admissible(model):
            return False
        if level in {Level.UNAVAILABLE, Level.DEGRADED}:
            return self.now - since < self.world.for_us
        return not (level is Level.UNKNOWN and self.now - since >= self.world.blind_us)

    def expected(self, before: str | None, *, first: bool) -> frozenset[str | None]:
        """Rule 3: where the route may be after a step, given where it was; None is the safe state.

        Damping and the window of rule 6 may hold back a climb, so staying is always allowed where it was.
        """
        names = [name for name, _ in self.ladder]
        if self.facts.suspended:
            return frozenset({None})
        if not first and before is not None and self.may_stay(before):
            above = [name for name in names[: names.index(before)] if self.stable(name)]
            return frozenset({before, *above[:1]})
        if not first and before is None:
            return frozenset({None, *[name for name in names if self.stable(name)][:1]})
        entered = next((name for name in names if self.may_enter(name)), None)
        return frozenset({entered})
