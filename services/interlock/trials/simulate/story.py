"""What became of each route: where it was and for how long, how it moved and why, and how it ended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from interlock.records.change import RoutingChange, Trigger
from interlock.records.documents import Workflow
from interlock.records.rules import WHOLE, RouteRule
from interlock.trials.simulate.line import Line, Move
from interlock.trials.simulate.run import Run
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import NEVER, Micros


class How(StrEnum):
    """How a route moves."""

    AT_ONCE = "at_once"
    CANARY = "canary"
    APPROVED = "approved"
    RECOVERED = "recovered"
    AWAITS_APPROVAL = "awaits_approval"
    AWAITS_RESUME = "awaits_resume"
    SAFE_STATE = "safe_state"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a route is.

    Attributes:
        model: The model that serves it; None in every safe state but `read_only`.
        safe_state: The safe state; None while it is served.
        canary: The model that takes a part of the requests; empty: none does.
        weight: How much of them, per cent.
        waits: Whether it waits in the safe state for a person.
    """

    model: str | None
    safe_state: str | None
    canary: str = ""
    weight: int = WHOLE
    waits: str = ""

    def in_words(self) -> str:
        """The place for a person."""
        if self.safe_state is not None:
            what = f"{self.safe_state} by {self.model}" if self.model else self.safe_state
            return f"{what}, {self.waits}" if self.waits else what
        return f"{self.model} + {self.weight} % {self.canary}" if self.canary else str(self.model)


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in one place, microseconds from the beginning of the simulation."""

    begins: Micros
    ends: Micros
    place: Place

    @property
    def lasted(self) -> int:
        """How long, microseconds."""
        return self.ends - self.begins


@dataclass(frozen=True, slots=True)
class Step:
    """One order, as it concerns a person.

    Attributes:
        at: When, microseconds from the beginning of the simulation.
        before: Where the route was; `after` where it goes.
        how: In which way.
        trigger: Why; `model` about which model, `detail` in words.
        until: When a proposal times out, from the beginning of the simulation; 0: nothing waits.
    """

    at: Micros
    before: Place
    after: Place
    how: How
    trigger: Trigger
    model: str | None
    detail: str
    until: Micros


@dataclass(frozen=True, slots=True)
class Story:
    """One route from the beginning to the end of a simulation.

    Attributes:
        route: The route.
        workflow: What kind of work its agent does.
        rungs: Its ladder, the primary first.
        stays: Where it was, without gaps.
        steps: How it moved.
        began_because: Why it was where it was at the beginning.
    """

    route: RouteId
    workflow: Workflow
    rungs: tuple[str, ...]
    stays: tuple[Stay, ...]
    steps: tuple[Step, ...]
    began_because: str

    @property
    def begins_stopped(self) -> bool:
        """Whether it was in its safe state before anything happened."""
        return self.stays[0].place.safe_state is not None

    @property
    def touched(self) -> bool:
        """Whether anything was ordered for it."""
        return bool(self.steps)

    @property
    def has_fallback(self) -> bool:
        """Whether its ladder has a second rung."""
        return len(self.rungs) > 1

    @property
    def safe_us(self) -> int:
        """How long it was in a safe state."""
        return sum(stay.lasted for stay in self.stays if stay.place.safe_state is not None)

    @property
    def at_home(self) -> bool:
        """Whether it is served by its primary in the end."""
        last = self.stays[-1].place
        return last.safe_state is None and last.model == self.rungs[0] and not last.canary

    def served_us(self) -> dict[str, int]:
        """How long each model served it, the models by their place on the ladder; a canary's time counts for its source."""
        lasted = dict.fromkeys(self.rungs, 0)
        for stay in self.stays:
            if stay.place.safe_state is None and stay.place.model is not None:
                lasted[stay.place.model] = lasted.get(stay.place.model, 0) + stay.lasted
        return {model: length for model, length in lasted.items() if length}


def tell(run: Run) -> list[Story]:
    """The stories of all routes, by agent and route."""
    return [_story(run, route, rule, workflow) for route, rule, workflow in _routes(run.line)]


def _routes(line: Line) -> Iterator[tuple[RouteId, RouteRule, Workflow]]:
    policies = sorted((held.value for held in line.state.book.policies.values()), key=lambda policy: policy.agent)
    for policy in policies:
        for rule in policy.routes:
            yield RouteId(policy.agent, rule.slot, rule.scope), rule, policy.workflow


def _story(run: Run, route: RouteId, rule: RouteRule, workflow: Workflow) -> Story:
    first = run.begins[route]
    moves = [move for move in run.moves if move.change.route == route]
    steps, before = [], _place(first)
    for move in moves:
        steps.append(_step(run, move, before))
        before = steps[-1].after
    rungs = tuple(rung.model.name for rung in rule.ladder)
    return Story(
        route, workflow, rungs, tuple(_stays(run, _place(first), steps)), tuple(steps), _why(run, route, first.change)
    )


def _stays(run: Run, place: Place, steps: Sequence[Step]) -> Iterator[Stay]:
    """The places one after the other; those that lasted no time are left out."""
    since = NEVER
    for step in steps:
        if step.at > since and step.after != place:
            yield Stay(since, step.at, place)
            since = step.at
        place = step.after
    yield Stay(since, Micros(run.ends - run.zero), place)


def _place(move: Move) -> Place:
    entry, change = move.entry, move.change
    waits = ""
    if entry.proposed is not None:
        waits = f"waits for the approval of {entry.proposed.model}"
    elif entry.ordered is not None:
        waits = "waits for a resume"
    if entry.canary is not None:
        return Place(entry.target, entry.safe_state, entry.canary.model, change.weight)
    return Place(entry.target, entry.safe_state, waits=waits)


def _step(run: Run, move: Move, before: Place) -> Step:
    change, until = move.change, move.change.proposal_until
    return Step(
        at=Micros(move.at - run.zero),
        before=before,
        after=_place(move),
        how=_how(move),
        trigger=change.cause.trigger,
        model=change.cause.model,
        detail=change.cause.detail,
        until=Micros(until - run.zero) if until else NEVER,
    )


_HOW: Mapping[Trigger, How] = {
    Trigger.RECOVERED: How.RECOVERED,
    Trigger.APPROVED: How.APPROVED,
    Trigger.CANARY: How.CANARY,
    Trigger.CANARY_PASSED: How.CANARY,
    Trigger.CANARY_FAILED: How.CANARY,
    Trigger.CANARY_INCONCLUSIVE: How.CANARY,
}


def _how(move: Move) -> How:
    entry = move.entry
    if entry.proposed is not None:
        return How.AWAITS_APPROVAL
    if entry.ordered is not None:
        return How.AWAITS_RESUME
    if entry.safe_state is not None:
        return How.SAFE_STATE
    return How.CANARY if entry.canary is not None else _HOW.get(move.change.cause.trigger, How.AT_ONCE)


def _why(run: Run, route: RouteId, change: RoutingChange) -> str:
    """Why a route was where it was at the beginning: of one in its safe state, what its primary lacked."""
    entry = run.begins[route].entry
    if entry.safe_state is None:
        return change.cause.detail
    failed = [check for check in change.verification if not check.passed]
    return "; ".join(f"{check.model}: {check.check} ({check.detail})" for check in failed) or change.cause.detail
