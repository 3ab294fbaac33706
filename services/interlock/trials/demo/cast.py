"""Who plays in the story, and the deployment that is founded for them.

`invoice` is the agent that the story is about. Its ladder has two models. A third model, the *tempter*, is registered, validated for
the same task, quicker than both and never fails; the same gateway holds its credential, since it serves another agent, `triage`. It
is not approved for `invoice`, so it must never answer it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.runtime.founding import Plan
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import SECOND, Micros, to_text

DEPLOYMENT = "demo"
AGENT = "invoice"
OTHER_AGENT = "triage"
ROUTE = RouteId(AGENT, "main", ANY)
PRIMARY = "atlas-large"
FALLBACK = "birch-medium"
TEMPTER = "comet-turbo"
LADDER = (PRIMARY, FALLBACK)
PROFILES: Mapping[str, str] = {AGENT: "invoice-extraction", OTHER_AGENT: "ticket-triage"}

_VALIDITY_US = 90 * 86_400 * SECOND
_VERSION = "2026-08-01"


@dataclass(frozen=True, slots=True)
class Actor:
    """A model server.

    Attributes:
        model: Its name in the registry; it is served under the same name.
        region: Where it says it is.
        tools: What it may call.
        latency_ms: How long its answers take.
    """

    model: str
    region: str
    tools: str
    latency_ms: int

    @property
    def variable(self) -> str:
        """The environment variable that holds its credential."""
        return f"{self.model.partition('-')[0].upper()}_KEY"


ACTORS = (
    Actor(PRIMARY, "eu-central", "[post_entry, search_invoices]", 40),
    Actor(FALLBACK, "eu-central", "[search_invoices]", 60),
    Actor(TEMPTER, "eu-central", "[search_invoices]", 5),
)


def plan(now: Micros, ports: Mapping[str, int], webhook_port: int) -> Plan:
    """What to found.

    Args:
        now: The time of the founding: evidence and policies are valid for 90 days from the day before.
        ports: Where each model's server listens.
        webhook_port: Where the governance function is told.
    """
    return Plan(
        deployment=DEPLOYMENT,
        registry="models:\n" + "".join(_entry(actor, ports[actor.model], now) for actor in ACTORS),
        evidence={
            f"{model}-{profile}": _evidence(model, profile, now)
            for model, profile in (
                (PRIMARY, PROFILES[AGENT]),
                (FALLBACK, PROFILES[AGENT]),
                (TEMPTER, PROFILES[AGENT]),
                (TEMPTER, PROFILES[OTHER_AGENT]),
            )
        },
        policies={
            AGENT: _policy(AGENT, LADDER, now, webhook_port),
            OTHER_AGENT: _policy(OTHER_AGENT, (TEMPTER,), now, webhook_port),
        },
    )


def _entry(actor: Actor, port: int, now: Micros) -> str:
    return f"""\
  {actor.model}:
    entry: 1
    version: "{_VERSION}"
    provider: {actor.model.partition("-")[0]}
    endpoint: http://127.0.0.1:{port}/v1
    served_as: {actor.model}
    identity:
      id: spiffe://demo.example/agents/{actor.model}
      owner: oscar
      secret_ref: env:{actor.variable}
      scopes: [invoices.read]
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


def _policy(agent: str, ladder: tuple[str, ...], now: Micros, webhook_port: int) -> str:
    """A policy with times that suit a story of a minute; production's are some ten times as long."""
    rungs = "\n".join(f"      - {{model: {model}, accepted_by: oscar, accepted_in_advance: true}}" for model in ladder)
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
    triggers:
      unavailable: {{for: 100ms}}
      errors: {{above: 50%, for: 3s}}
      throttled: {{above: 50%, for: 3s}}
      latency: {{p95_above: 2s, for: 3s}}
    blind: 10s
    recovery: {{stable: 3s, dwell: 0s}}
    grace: 5s
    safe_state: suspend
notify:
  - {{webhook: "http://127.0.0.1:{webhook_port}/governance", allow_private: true}}
"""


def _date(now: Micros, after_us: int) -> str:
    return to_text(Micros(now + after_us))[:10]
