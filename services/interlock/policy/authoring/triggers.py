"""What makes a route leave its model, as it is written: each trigger with how long it must last and how the route leaves.

`unavailable` must be there: nothing else notices an outage. The others are watched where they are written.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool

from interlock.policy.authoring.document import Document
from interlock.policy.authoring.fields import (
    Duration,
    Floor,
    Money,
    Name,
    PositiveDuration,
    Share,
    one_of,
    only_shown,
    refuse,
    repeated,
)
from interlock.policy.authoring.problems import FieldPath
from interlock.records.rules import Mode, TriggerRule, WatchedTrigger
from interlock.vocabulary.time import SECOND

QUALITY_METRICS_MAX = 16

UNREPORTED = frozenset({WatchedTrigger.QUALITY, WatchedTrigger.LOW_CONFIDENCE, WatchedTrigger.COST})
"""Triggers on which nobody reports yet: the health-monitor has no detector for them (docs/health.md)."""

_MODES = (Mode.CUTOVER, Mode.CANARY, Mode.AWAIT_APPROVAL, Mode.SUSPEND)
_Mode = Annotated[Mode, one_of(*_MODES)]


def _stops(mode: object) -> Mode:
    if mode == Mode.SUSPEND:
        return Mode.SUSPEND
    return refuse(
        f"{repeated(mode)}, but refusals never lead to another model", "Write `mode: suspend`, or leave the mode out."
    )


class Lasting(Document):
    """A trigger without a threshold that must last for a while: no call succeeds."""

    for_: PositiveDuration = Field(alias="for", examples=["5s"])
    mode: _Mode | None = Field(default=None, examples=["cutover"])


class Certain(Document):
    """A trigger that one observation proves, so that it need not last."""

    for_: Duration = Field(alias="for", examples=["0s"])
    mode: _Mode | None = Field(default=None, examples=["cutover"])


class Gradual(Lasting):
    """A trigger of which there is more and less, so that a policy may bear a fallback that is degraded in this respect."""

    tolerated: StrictBool = Field(default=False, examples=["true"])


class RateAbove(Gradual):
    """More than a share of the calls go one way."""

    above: Share = Field(examples=["20%"])


class RefusalsAbove(Lasting):
    """The model refuses more than a share of the calls: a reason to stop, never to try a laxer one."""

    above: Share = Field(examples=["10%"])
    mode: Annotated[Mode | None, BeforeValidator(_stops, json_schema_input_type=only_shown({"const": "suspend"}))] = (
        Field(default=Mode.SUSPEND, examples=["suspend"])
    )


class LatencyAbove(Gradual):
    """The 95th percentile of the latency is too high."""

    p95_above: PositiveDuration = Field(examples=["2s"])


class QualityBelow(Gradual):
    """A metric of quality is below its floor."""

    below: Floor = Field(examples=["0.8"])


class CostAbove(Gradual):
    """The route costs too much."""

    usd_per_hour_above: Money = Field(examples=["12"])


class Triggers(Document):
    """Every trigger of a route."""

    unavailable: Lasting = Field(examples=["{for: 5s}"])
    errors: RateAbove | None = Field(default=None, examples=["{above: 20%, for: 30s}"])
    throttled: RateAbove | None = Field(default=None, examples=["{above: 20%, for: 30s}"])
    latency: LatencyAbove | None = Field(default=None, examples=["{p95_above: 2s, for: 30s}"])
    quality: dict[Name, QualityBelow] = Field(
        default_factory=dict, max_length=QUALITY_METRICS_MAX, examples=["{groundedness: {below: 0.8, for: 5m}}"]
    )
    refusals: RefusalsAbove | None = Field(default=None, examples=["{above: 10%, for: 5m}"])
    low_confidence: RateAbove | None = Field(default=None, examples=["{above: 30%, for: 5m}"])
    schema_failures: RateAbove | None = Field(default=None, examples=["{above: 5%, for: 1m}"])
    cost: CostAbove | None = Field(default=None, examples=["{usd_per_hour_above: 12, for: 5m}"])
    credential: Certain | None = Field(default=None, examples=["{for: 0s}"])
    wrong_model: Certain | None = Field(default=None, examples=["{for: 0s}"])

    def rules(self, usual: Mode = Mode.CUTOVER) -> Iterator[TriggerRule]:
        """The triggers as they are signed, in the order of their kinds, metrics by name.

        Args:
            usual: How the route leaves its model where a trigger does not say it.
        """
        for rule in self._written():
            yield rule if rule.mode is not Mode.OTHER else replace(rule, mode=usual)

    def _written(self) -> Iterator[TriggerRule]:
        yield _rule(WatchedTrigger.UNAVAILABLE, 0.0, self.unavailable)
        if self.errors:
            yield _rule(WatchedTrigger.ERRORS, self.errors.above, self.errors)
        if self.throttled:
            yield _rule(WatchedTrigger.THROTTLED, self.throttled.above, self.throttled)
        if self.latency:
            yield _rule(WatchedTrigger.LATENCY, self.latency.p95_above / SECOND, self.latency)
        for metric, entry in sorted(self.quality.items()):
            yield _rule(WatchedTrigger.QUALITY, entry.below, entry, metric)
        if self.refusals:
            yield _rule(WatchedTrigger.REFUSALS, self.refusals.above, self.refusals)
        if self.low_confidence:
            yield _rule(WatchedTrigger.LOW_CONFIDENCE, self.low_confidence.above, self.low_confidence)
        if self.schema_failures:
            yield _rule(WatchedTrigger.SCHEMA_FAILURES, self.schema_failures.above, self.schema_failures)
        if self.cost:
            yield _rule(WatchedTrigger.COST, self.cost.usd_per_hour_above, self.cost)
        if self.credential:
            yield _rule(WatchedTrigger.CREDENTIAL, 0.0, self.credential)
        if self.wrong_model:
            yield _rule(WatchedTrigger.WRONG_MODEL, 0.0, self.wrong_model)


def _rule(kind: WatchedTrigger, threshold: float, entry: Lasting | Certain, metric: str = "") -> TriggerRule:
    tolerated = isinstance(entry, Gradual) and entry.tolerated
    return TriggerRule(kind, threshold, entry.for_, entry.mode or Mode.OTHER, metric, tolerated)


def trigger_path(rule: TriggerRule) -> FieldPath:
    """Where a trigger stands in its route."""
    return ("triggers", str(rule.trigger), *([rule.metric] if rule.metric else []))
