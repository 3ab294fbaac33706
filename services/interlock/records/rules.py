"""The rule of one route, as policies hold it: its ladder, what makes it leave its model, and where it ends."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

from interlock.records.bounds import require, require_duration
from interlock.records.models import GUARD_PREFIX, Model
from interlock.vocabulary.identifiers import is_name, is_scope
from interlock.vocabulary.limits import (
    CANARY_STEPS_MAX,
    EVIDENCE_LEVEL_MAX,
    GUARDS_PER_ROUTE_MAX,
    LADDER_RUNGS_MAX,
    TEMPLATE_CHARS_MAX,
)
from interlock.vocabulary.time import NEVER, Micros

T = TypeVar("T")


WHOLE = 100
"""The weight, per cent, of a route that is served by one model alone."""


GUARD_OBJECTIVE = "guard"
"""The objective under which verdicts speak of guards."""


def guard_subject(guard: str) -> str:
    """The name under which verdicts speak of a guard: models and guards must not be mistaken for each other."""
    return f"{GUARD_PREFIX}{guard}"


class WatchedTrigger(StrEnum):
    """The kinds of trigger that health verdicts bring."""

    OTHER = "other"
    UNAVAILABLE = "unavailable"
    ERRORS = "errors"
    THROTTLED = "throttled"
    LATENCY = "latency"
    QUALITY = "quality"
    REFUSALS = "refusals"
    LOW_CONFIDENCE = "low_confidence"
    SCHEMA_FAILURES = "schema_failures"
    COST = "cost"
    CREDENTIAL = "credential"
    WRONG_MODEL = "wrong_model"


BARE = frozenset({WatchedTrigger.UNAVAILABLE, WatchedTrigger.CREDENTIAL, WatchedTrigger.WRONG_MODEL})
"""Triggers without a threshold."""


class Mode(StrEnum):
    """How a route leaves its model: at once, step by step, after a person's approval, or into the safe state until a `resume`."""

    OTHER = "other"
    CUTOVER = "cutover"
    CANARY = "canary"
    AWAIT_APPROVAL = "await_approval"
    SUSPEND = "suspend"


class SafeState(StrEnum):
    """What happens when no rung may be used."""

    SUSPEND = "suspend"
    HUMAN_QUEUE = "human_queue"
    READ_ONLY = "read_only"
    CACHED_RESPONSE = "cached_response"
    TEMPLATED_REPLY = "templated_reply"
    SAFE_SHUTDOWN = "safe_shutdown"


@dataclass(frozen=True, slots=True)
class Rung:
    """One approved model of a ladder.

    Attributes:
        model: The model as approved.
        accepted_by: Who accepted it for this agent.
        evidence: The validator's sealed `Evidence`.
        equivalent: Whether it was declared equivalent to the primary.
        accepted_in_advance: Whether a material change to it needs no further approval.
    """

    model: Model
    accepted_by: str
    evidence: bytes
    equivalent: bool = True
    accepted_in_advance: bool = True


@dataclass(frozen=True, slots=True)
class Needs:
    """What the task cannot do without: a smaller capability than this rules a model out."""

    context_tokens: int = 0
    modalities: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


@dataclass(frozen=True)  # without slots, for its objective
class TriggerRule:
    """What makes a route leave its model.

    Attributes:
        trigger: The kind.
        threshold: Shares 0 to 1 for errors, throttled, refusals, low_confidence and schema_failures; quality: the floor of the
            metric; latency: seconds; cost: US dollars an hour; 0 for the bare ones.
        for_us: How long it must last before it counts.
        mode: How the route leaves.
        metric: quality: the metric's name; empty otherwise.
        tolerated: Whether a fallback may be entered and kept although it is degraded in this respect.
    """

    trigger: WatchedTrigger
    threshold: float
    for_us: Micros
    mode: Mode = Mode.CUTOVER
    metric: str = ""
    tolerated: bool = False

    def __post_init__(self) -> None:
        require(0 <= self.threshold < math.inf, "a threshold is a number of 0 or more")
        require_duration(self.for_us)
        quality = self.trigger is WatchedTrigger.QUALITY
        require(is_name(self.metric) if quality else not self.metric, "quality, and it alone, names a metric")
        refusals = self.trigger is WatchedTrigger.REFUSALS
        require(
            not refusals or self.mode is Mode.SUSPEND, "refusals never lead to another model: their mode is suspend"
        )

    @cached_property
    def objective(self) -> str:
        """Name of what the health-monitor judges for this rule: kind and threshold, without the `for`."""
        if self.trigger in BARE:
            return str(self.trigger)
        if self.trigger is WatchedTrigger.QUALITY:
            return f"quality.{self.metric}<{self.threshold:g}"
        unit = "s" if self.trigger is WatchedTrigger.LATENCY else ""
        return f"{self.trigger}>{self.threshold:g}{unit}"


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """How a route moves step by step.

    Attributes:
        steps: Weights in per cent, ascending, each below 100.
        calls_min: Calls that a step must have seen before it is passed.
        time_min_us: How long a step lasts at least.
        wait_max_us: How long it may last without evidence; then the canary is rolled back.
    """

    steps: tuple[int, ...]
    calls_min: int
    time_min_us: Micros
    wait_max_us: Micros

    def __post_init__(self) -> None:
        require(1 <= len(self.steps) <= CANARY_STEPS_MAX, f"a canary has 1 to {CANARY_STEPS_MAX} steps")
        rising = [0, *self.steps, WHOLE]
        require(all(low < high for low, high in pairwise(rising)), "weights rise from 1 to 99 per cent")
        require(self.calls_min >= 1, "a step needs at least one call")
        require_duration(self.time_min_us)
        require_duration(self.wait_max_us)
        require(0 < self.wait_max_us >= self.time_min_us, "a step may wait no shorter than it must last")


@dataclass(frozen=True, slots=True)
class Approval:
    """How long a proposal waits for the agent owner, and whether his approval must name a ticket."""

    within_us: Micros = NEVER
    ticket: bool = False

    def __post_init__(self) -> None:
        require_duration(self.within_us)


@dataclass(frozen=True, slots=True)
class SafeReply:
    """What some safe states need.

    Attributes:
        model: read_only: the rung that answers, its tools stripped.
        text: templated_reply: the text, which governance has signed with the policy.
        cache_us: cached_response: how old an answer may be.
    """

    model: str = ""
    text: str = ""
    cache_us: Micros = NEVER

    def __post_init__(self) -> None:
        require(len(self.text) <= TEMPLATE_CHARS_MAX, f"a template has at most {TEMPLATE_CHARS_MAX} characters")
        require_duration(self.cache_us)


@dataclass(frozen=True)  # without slots, for its memo
class RouteRule:
    """The ladder of one route and how it is walked. Equal rules that were read are one object (`records.codec`).

    Attributes:
        evidence_level: The level of validation that every rung must have reached, 1 or more.
        cost_ceiling: US dollars per million tokens that no rung may exceed; None: no ceiling.
        guards: Guardrails and verification tools without which the route stops.
        dwell_us: How long the route stays on a rung at least before it may climb.
        canary: How it moves where a canary is asked for, and how it recovers; None: at once.
    """

    slot: str
    scope: str
    profile: str
    ladder: tuple[Rung, ...]
    triggers: tuple[TriggerRule, ...]
    blind_us: Micros
    stable_us: Micros
    grace_us: Micros
    safe_state: SafeState
    evidence_level: int = 1
    needs: Needs = Needs()
    cost_ceiling: float | None = None
    guards: tuple[str, ...] = ()
    dwell_us: Micros = NEVER
    canary: CanaryPlan | None = None
    approval: Approval = Approval()
    safe_reply: SafeReply = SafeReply()

    def __post_init__(self) -> None:
        require(is_name(self.slot) and is_scope(self.scope), f"{self.slot}/{self.scope} cannot name a route")
        require(1 <= len(self.ladder) <= LADDER_RUNGS_MAX, f"a ladder has 1 to {LADDER_RUNGS_MAX} rungs")
        names = [rung.model.name for rung in self.ladder]
        require(len(set(names)) == len(names), "a ladder names a model twice")
        for duration in (self.blind_us, self.stable_us, self.grace_us, self.dwell_us):
            require_duration(duration)
        watched = {rule.trigger for rule in self.triggers}
        require(WatchedTrigger.UNAVAILABLE in watched, "nothing else than the trigger `unavailable` notices an outage")
        require(1 <= self.evidence_level <= EVIDENCE_LEVEL_MAX, f"a level of evidence is 1 to {EVIDENCE_LEVEL_MAX}")
        require(
            len(self.guards) <= GUARDS_PER_ROUTE_MAX
            and all(is_name(guard) and is_name(guard_subject(guard)) for guard in self.guards),
            "guards have names, and are few",
        )
        read_only = self.safe_state is SafeState.READ_ONLY
        require(not read_only or self.safe_reply.model in names, "read_only names a model of the ladder")
        require(
            self.safe_state is not SafeState.TEMPLATED_REPLY or bool(self.safe_reply.text), "templated_reply has a text"
        )
        require(self.cost_ceiling is None or 0 <= self.cost_ceiling < math.inf, "a ceiling is a number of 0 or more")

    @cached_property
    def memo(self) -> dict[Hashable, Any]:
        """What was worked out from the rule, see `once`; it goes with the rule."""
        return {}

    def index(self, model: str) -> int | None:
        """Place of a model on the ladder, 0 the primary; None if it is not on it."""
        return next((place for place, rung in enumerate(self.ladder) if rung.model.name == model), None)

    def rung(self, model: str | None) -> Rung | None:
        """The rung of a model; None if it is not on the ladder."""
        return next((rung for rung in self.ladder if rung.model.name == model), None)


def once(rule: RouteRule, what: Hashable, work: Callable[[], T]) -> T:
    """Work something out of a rule, unless that was done before; `what` names it and all that it depends on beside the rule."""
    found: T | None = rule.memo.get(what)
    if found is None:
        found = rule.memo[what] = work()
    return found
