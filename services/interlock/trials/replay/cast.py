"""The deployment in which a trace is replayed: every model of the trace is the primary of an agent of its own.

Its fallback is the model of the trace that did best: the smallest share of calls that failed, then the smallest median latency. It
is kept known by its own recorded calls, as every model is; there is no probe. Pure.

Times follow the speed: what the health-monitor calls its window holds some `WINDOW_TRACE_S` seconds of the trace, whatever the speed,
but never less than `WINDOW_S_MIN`, so that batches under way on a busy machine are not too old to count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from interlock.records.health import Outcome
from interlock.runtime.founding import SERVICES, Plan
from interlock.signing.roles import Role
from interlock.trials.replay.trace import RecordedCall
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import SECOND, Micros, duration_text, seconds, to_text

DEPLOYMENT = "replay"
REPORTER = "reporter-1"
WINDOW_TRACE_S = 30.0
WINDOW_S_MIN = 5.0
STABLE_TRACE_S = 20.0
STABLE_S_MIN = 2.0

_PROFILE = "recorded-work"
_VERSION = "recorded"
_VALIDITY_US = 90 * 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Part:
    """A model of the trace, as its agent knows it.

    Attributes:
        model: The model.
        fallback: The fallback of its agent; None if the trace has no other model.
        begins: Whether it has a successful call, so that its agent can begin with it.
        latency_s: The median of its successful calls.
    """

    model: str
    fallback: str | None
    begins: bool
    latency_s: float

    @property
    def route(self) -> RouteId:
        """The route whose primary it is."""
        return RouteId(f"agent-{self.model}", "main", ANY)


def parts_of(calls: Sequence[RecordedCall]) -> list[Part]:
    """The models of a trace with their fallbacks, by name."""
    latencies: dict[str, list[float]] = {}
    total: dict[str, int] = {}
    for call in calls:
        total[call.model] = total.get(call.model, 0) + 1
        latencies.setdefault(call.model, [])
        if call.outcome is Outcome.OK:
            latencies[call.model].append(call.latency_s)
    typical = {model: median(found) if found else 0.0 for model, found in latencies.items()}
    best = sorted(total, key=lambda model: (-len(latencies[model]) / total[model], typical[model], model))
    return [
        Part(model, next((other for other in best if other != model), None), bool(latencies[model]), typical[model])
        for model in sorted(total)
    ]


def plan(parts: Sequence[Part], speed: float, now: Micros, webhook_port: int) -> Plan:
    """What to found.

    Args:
        parts: The models of the trace.
        speed: How many seconds of the trace pass in one.
        now: The time of the founding.
        webhook_port: Where the governance function is told.
    """
    return Plan(
        deployment=DEPLOYMENT,
        registry="models:\n" + "".join(_entry(part.model, now) for part in parts),
        evidence={part.model: _evidence(part.model, now) for part in parts},
        policies={part.route.agent: _policy(part, speed, now, webhook_port) for part in parts},
        services={**SERVICES, REPORTER: (Role.REPORTER,)},
    )


def tuning(speed: float) -> Mapping[str, Mapping[str, Any]]:
    """What the services' settings differ in from their first ones."""
    window = duration_text(_whole(window_s(speed)))
    return {"health-monitor": {"window": window, "silence": window}}


def window_s(speed: float) -> float:
    """How far back the health-monitor looks, in seconds."""
    return max(WINDOW_TRACE_S / speed, WINDOW_S_MIN)


def _whole(duration_s: float) -> Micros:
    """A duration in whole milliseconds, as it can be written."""
    return Micros(seconds(duration_s) // 1_000 * 1_000)


def _entry(model: str, now: Micros) -> str:
    """A registry entry. Nobody calls the endpoint: the calls were made long ago."""
    return f"""\
  {model}:
    entry: 1
    version: "{_VERSION}"
    provider: "{model}"
    endpoint: http://127.0.0.1:9/v1
    served_as: "{model}"
    identity:
      id: "spiffe://replay.example/{model}"
      owner: oscar
      secret_ref: env:NO_KEY
      scopes: [recorded]
      assurance: 0
      rotation_due: {_date(now, _VALIDITY_US)}
    data: {{classes: [recorded], regions: [recorded], retention_days: 0, logging: none}}
    capability:
      tools: [recorded]
      code_execution: false
      network: none
      modalities: [text]
      context_tokens: 128000
      outputs: [text]
      autonomy: suggest
      deterministic: false
    usd_per_mtok: 0
"""


def _evidence(model: str, now: Micros) -> str:
    return f"""\
model: "{model}"
model_version: "{_VERSION}"
profile: {_PROFILE}
by: vera
levels: {{capability_boundaries: 1, safety: 1, governance_compliance: 1}}
report: https://reports.example.org/{model}
validated_at: {_date(now, -86_400 * SECOND)}
expires_at: {_date(now, _VALIDITY_US)}
"""


def _policy(part: Part, speed: float, now: Micros, webhook_port: int) -> str:
    """A policy. Nobody probes here, so a gap in the record is borne (`blind`); no call of a trace is that slow unless it is lost."""
    rungs = [part.model, *([part.fallback] if part.fallback else [])]
    ladder = "\n".join(
        f'      - {{model: "{model}", accepted_by: oscar, accepted_in_advance: true}}' for model in rungs
    )
    return f"""\
agent: "{part.route.agent}"
version: 1
deployment: {DEPLOYMENT}
workflow: drafting
team: team-{part.model}
expires_at: {_date(now, _VALIDITY_US)}
review_within: 5d
routes:
  - slot: main
    scope: "*"
    task_profile: {_PROFILE}
    ladder:
{ladder}
    triggers:
      unavailable: {{for: 100ms}}
      errors: {{above: 20%, for: 500ms}}
      throttled: {{above: 30%, for: 500ms}}
      latency: {{p95_above: 120s, for: 500ms}}
    blind: 1h
    recovery: {{stable: {duration_text(_whole(max(STABLE_TRACE_S / speed, STABLE_S_MIN)))}, dwell: 0s}}
    grace: 5s
    safe_state: suspend
notify:
  - {{webhook: "http://127.0.0.1:{webhook_port}/governance", allow_private: true}}
"""


def _date(now: Micros, after_us: int) -> str:
    return to_text(Micros(now + after_us))[:10]
