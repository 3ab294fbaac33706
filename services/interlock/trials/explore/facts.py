"""What one owner was told, kept beside it, and what the rules of DESIGN 5 make of it: an oracle that shares no code with the cores.

It covers rule 1 as data (`world.Said`), rules 2, 3 and 4 for the triggers of the explored policies, dwell and the stable period of rule
6, guards, disabling, freezing and suspending; `canaries` covers rule 5, `approvals` rule 7. Not judged: damping and the window of rule
6, which may hold back a climb.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from interlock.records.health import Level
from interlock.trials.explore.world import Ordered, Said, World
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import NEVER, Micros

AGAINST = frozenset({Level.UNAVAILABLE, Level.DEGRADED})
GUARD = "guard"
"""The objective under which verdicts speak of guards."""

UNAVAILABLE = "unavailable"
REFUSALS = "refusals>0.1"
"""Refusals stop the route until a person lets it go on, and no lower rung may answer in place of a model that refuses."""

ERRORS = "errors>0.2"
"""Errors make the explored policies leave by canary."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was said to an owner and counts.

    Attributes:
        documents: The documents that it heard, by their place in the world.
        levels: The last level of each model, or guard, under each objective, since when, and since when its verdicts have spoken
            against it without a healthy one; 0: they do not.
        disabled: Models that an operator took away, and until when.
        frozen: Until then no move but into the safe state.
        suspended: Whether the safe state was ordered.
        untold: The routes that the deadline watch has stopped.
        commands: The commands that it read, by their place in the world.
        canary: The last judgement of a canary that rests on enough calls: its objective and level.
        approved: By route, models that the agent owner allowed until the route is back at its primary.
        rejected: By route, models that a person took away until a new policy.
        kept_away: The model whose canary failed last, and until when it is not tried again.
    """

    documents: frozenset[int] = frozenset()
    levels: tuple[tuple[str, str, Level, Micros, Micros], ...] = ()
    disabled: tuple[tuple[str, Micros], ...] = ()
    frozen: Micros = NEVER
    suspended: bool = False
    untold: frozenset[RouteId] = frozenset()
    commands: frozenset[int] = frozenset()
    canary: tuple[str, Level] = ("", Level.UNKNOWN)
    kept_away: tuple[str, Micros] = ("", NEVER)
    approved: frozenset[tuple[RouteId, str]] = frozenset()
    rejected: frozenset[tuple[RouteId, str]] = frozenset()

    def heard(self, document: int, *, policy: bool) -> "Facts":
        """The facts after a document. What people said of models, they said under the old policy."""
        after = replace(self, documents=self.documents | {document})
        return replace(after, approved=frozenset(), rejected=frozenset()) if policy else after

    def judged(self, model: str, objective: str, level: Level, now: Micros) -> "Facts":
        """The facts after a verdict: the same level again is nothing new, and only a healthy one ends what is bad."""
        if self.level(model, objective)[0] is level:
            return self
        others = tuple(item for item in self.levels if item[:2] != (model, objective))
        bad = NEVER if level is Level.HEALTHY else self.bad_since(model, objective)
        if level in AGAINST:
            bad = bad or now
        return replace(self, levels=tuple(sorted((*others, (model, objective, level, now, bad)))))

    def lapsed(self, model: str, objective: str, now: Micros) -> "Facts":
        """The facts after a verdict was not refreshed."""
        known = self.level(model, objective)[0] is not None
        return self.judged(model, objective, Level.UNKNOWN, now) if known else self

    def ordered(self, place: int, order: Ordered, now: Micros, stoppable: Collection[RouteId] = ()) -> "Facts":
        """The facts after a command: read once, it counts once, and not after its end; a watch stops nothing but what is stoppable."""
        if place in self.commands:
            return self
        after = replace(self, commands=self.commands | {place})
        if now >= order.until:
            return after
        if order.watch:
            return replace(after, untold=self.untold | {route for route in stoppable if route == order.untold})
        if order.disables:
            return replace(after, disabled=(*self.disabled, (order.disables, order.until)))
        if order.freezes:
            return replace(after, frozen=order.until)
        if order.suspends:
            return replace(after, suspended=True)
        return replace(after, suspended=False, untold=frozenset(), frozen=NEVER, disabled=(), rejected=frozenset())

    def returned(self, routes: Collection[RouteId]) -> "Facts":
        """The facts once routes are back at their primary: what was approved meanwhile is forgotten."""
        return replace(self, approved=frozenset(pair for pair in self.approved if pair[0] not in routes))

    def level(self, model: str, objective: str) -> tuple[Level | None, Micros]:
        """The last level of a model under an objective, and since when; None: there was no verdict."""
        found = next((item for item in self.levels if item[:2] == (model, objective)), None)
        return (found[2], found[3]) if found is not None else (None, NEVER)

    def bad_since(self, model: str, objective: str) -> Micros:
        """Since when a model's verdicts have spoken against it without a healthy one; 0: they do not."""
        return next((item[4] for item in self.levels if item[:2] == (model, objective)), NEVER)


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
    def policy(self) -> Said | None:
        """The newest policy that was heard."""
        policies = [self.world.documents[place] for place in self.facts.documents]
        return max((said for said in policies if said.version), key=lambda said: said.version, default=None)

    @property
    def ladder(self) -> tuple[tuple[str, Micros], ...]:
        """The approved models under it, in order, and until when."""
        return self.policy.ladders.get(self.route, ()) if self.policy else ()

    def admissible(self, model: str) -> bool:
        """Rule 1."""
        denied = any(self.world.documents[place].denies == model for place in self.facts.documents)
        return not denied and any(name == model and self.now < until for name, until in self.ladder)

    @property
    def frozen(self) -> bool:
        """Whether an operator allows no move but into the safe state."""
        return self.now < self.facts.frozen

    def guarded(self) -> bool:
        """Rule 4: every guard is there, or silent for no longer than is borne."""
        return all(self._there(guard) for guard in self.world.guards)

    def _there(self, guard: str) -> bool:
        level, since = self.facts.level(f"guard@{guard}", GUARD)
        return level is Level.HEALTHY or (level is Level.UNKNOWN and self.now - since < self.world.blind_us)

    def disabled(self, model: str) -> bool:
        """Whether an operator has taken the model away."""
        return any(name == model and self.now < until for name, until in self.facts.disabled)

    def allowed(self, model: str) -> bool:
        """Policy and people leave it."""
        return self.admissible(model) and not self.disabled(model)

    def approved(self, model: str) -> bool:
        """Rule 7: whether the agent owner allowed the model for this route."""
        return (self.route, model) in self.facts.approved

    def rejected(self, model: str | None) -> bool:
        """Whether a person took the model away from this route."""
        return (self.route, model) in self.facts.rejected

    def may_enter(self, model: str) -> bool:
        """Rules 1, 2 and 4: healthy, freshly, and no model above it is out for its refusals alone."""
        names = [name for name, _ in self.ladder]
        healthy = all(self.facts.level(model, watched)[0] is Level.HEALTHY for watched in self.world.objectives)
        above = names[: names.index(model)] if model in names else []
        return self.allowed(model) and healthy and not any(self._only_refuses(name) for name in above)

    def _only_refuses(self, model: str) -> bool:
        out = [watched for watched in self.world.objectives if not self._bears(model, watched)]
        return self.allowed(model) and out == [REFUSALS]

    def stable(self, model: str) -> bool:
        """Rule 6: it may be entered, and has been healthy for the stable period."""
        since = max(self.facts.level(model, watched)[1] for watched in self.world.objectives)
        return self.may_enter(model) and self.now - since >= self.world.stable_us

    def may_stay(self, model: str) -> bool:
        """Rules 2 and 4: nothing qualifies against it."""
        return self.allowed(model) and all(self._bears(model, watched) for watched in self.world.objectives)

    def must_leave_at_once(self, model: str) -> bool:
        """It may not stay, and not for errors alone, from which the route moves away step by step."""
        others = [watched for watched in self.world.objectives if watched != ERRORS]
        return not self.allowed(model) or not all(self._bears(model, watched) for watched in others)

    def _bears(self, model: str, objective: str) -> bool:
        level, since = self.facts.level(model, objective)
        if level in AGAINST:
            return self.now - self.facts.bad_since(model, objective) < self.world.for_us
        blind = objective == UNAVAILABLE and level is Level.UNKNOWN
        return not (blind and self.now - since >= self.world.blind_us)

    def expected(self, before: str | None, entered: Micros, *, first: bool) -> frozenset[str | None]:
        """Rule 3: where the route may be after a step.

        Args:
            before: Where it was; None: in the safe state.
            entered: Since when.
            first: Whether nothing was ordered for it yet.
        """
        names, frozen = [name for name, _ in self.ladder], self.frozen
        if self.facts.suspended or self.route in self.facts.untold or not self.guarded():
            return frozenset({None})
        if first:
            return frozenset({next((name for name in names if self.may_enter(name)), None)})
        if before is None:
            return frozenset({None, *[name for name in names if self.stable(name) and not frozen][:1]})
        if self.may_stay(before):
            dwells = frozen or self.now - entered < self.world.dwell_us
            above = [name for name in names[: names.index(before)] if self.stable(name) and not dwells]
            return frozenset({before, *above[:1]})
        return frozenset({None if frozen else next((name for name in names if self.may_enter(name)), None)})
