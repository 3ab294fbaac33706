"""The deployment that is founded for the story: its registry, evidence and policies, as people would write them.

The times in the policies suit a story of a minute; production's are some ten times as long.
"""

from collections.abc import Mapping

from interlock.runtime.founding import Plan
from interlock.trials.demo.cast import (
    ACTORS,
    AGENT,
    CANARY_WEIGHT,
    DEPLOYMENT,
    LADDERS,
    OWNER,
    PROFILES,
    SUPPORT,
    TEMPTER,
    UNACCEPTED,
    Actor,
)
from interlock.vocabulary.time import SECOND, Micros, to_text

LATENCY_MS_MAX = 1_500
"""Above this, support's primary is left step by step; what takes longer on a busy machine would be no part of the story."""

_VALIDITY_US = 90 * 86_400 * SECOND
_VERSION = "2026-08-01"

_OUTAGE = """\
    triggers:
      unavailable: {for: 100ms}
      errors: {above: 50%, for: 3s}
      throttled: {above: 50%, for: 3s}
      latency: {p95_above: 2s, for: 3s}
    safe_state: suspend
"""

_SLOWNESS = f"""\
    triggers:
      unavailable: {{for: 100ms}}
      errors: {{above: 50%, for: 3s}}
      throttled: {{above: 50%, for: 3s}}
      latency: {{p95_above: {LATENCY_MS_MAX}ms, for: 1s, mode: canary}}
    canary: {{steps: [{CANARY_WEIGHT}%, 50%], calls_min: 50, time_min: 60s, wait_max: 10m}}
    approval: {{within: 10m}}
    safe_state: human_queue
"""


def plan(now: Micros, ports: Mapping[str, int], webhook_port: int) -> Plan:
    """What to found.

    Args:
        now: The time of the founding: evidence and policies are valid for 90 days from the day before.
        ports: Where each model's server listens.
        webhook_port: Where the governance function is told.
    """
    validated = [(model, PROFILES[agent]) for agent, ladder in LADDERS.items() for model in ladder]
    validated.append((TEMPTER, PROFILES[AGENT]))
    return Plan(
        deployment=DEPLOYMENT,
        registry="models:\n" + "".join(_entry(actor, ports[actor.model], now) for actor in ACTORS),
        evidence={f"{model}-{profile}": _evidence(model, profile, now) for model, profile in validated},
        policies={agent: _policy(agent, now, webhook_port) for agent in LADDERS},
    )


def _entry(actor: Actor, port: int, now: Micros) -> str:
    return f"""\
  {actor.model}:
    entry: 1
    version: "{_VERSION}"
    provider: {actor.provider}
    endpoint: http://127.0.0.1:{port}/v1
    served_as: {actor.model}
    identity:
      id: spiffe://demo.example/agents/{actor.model}
      owner: {OWNER}
      secret_ref: env:{actor.variable}
      scopes: [records.read]
      assurance: 2
      rotation_due: {_date(now, _VALIDITY_US)}
    data:
      classes: [internal]
      regions: [{actor.region}]
      retention_days: 0
      logging: metadata
    capability:
      tools: {actor.tools}
      code_execution: false
      network: internal
      modalities: [text]
      context_tokens: 128000
      outputs: [json, text, tool_calls]
      autonomy: act_with_approval
      deterministic: false
    usd_per_mtok: 2.5
"""


def _evidence(model: str, profile: str, now: Micros) -> str:
    return f"""\
model: {model}
model_version: "{_VERSION}"
profile: {profile}
by: vera
levels: {{capability_boundaries: 1, safety: 1, governance_compliance: 1}}
report: https://reports.example.org/{model}/{profile}
validated_at: {_date(now, -86_400 * SECOND)}
expires_at: {_date(now, _VALIDITY_US)}
"""


def _policy(agent: str, now: Micros, webhook_port: int) -> str:
    rungs = "\n".join(f"      - {{{_rung(model)}}}" for model in LADDERS[agent])
    return f"""\
agent: {agent}
version: 1
deployment: {DEPLOYMENT}
workflow: customer_facing
team: team-{agent}
expires_at: {_date(now, _VALIDITY_US)}
review_within: 5d
routes:
  - slot: main
    scope: "*"
    task_profile: {PROFILES[agent]}
    ladder:
{rungs}
    blind: 10s
    recovery: {{stable: 3s, dwell: 0s}}
    grace: 5s
{_SLOWNESS if agent == SUPPORT else _OUTAGE}\
notify:
  - {{webhook: "http://127.0.0.1:{webhook_port}/governance", allow_private: true}}
"""


def _rung(model: str) -> str:
    accepted = "equivalent: false" if model == UNACCEPTED else "accepted_in_advance: true"
    return f"model: {model}, accepted_by: {OWNER}, {accepted}"


def _date(now: Micros, after_us: int) -> str:
    return to_text(Micros(now + after_us))[:10]
