"""What people may write in an agent's policy.

Not handled here: what the parts mean together (`compile`), and whether the result may be signed (`check`).
"""

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool

from interlock.policy.authoring.document import Document
from interlock.policy.authoring.fields import (
    Duration,
    Guards,
    ModelName,
    Moment,
    Money,
    Name,
    Names,
    Percent,
    PositiveDuration,
    Scope,
    Text,
    Url,
    one_of,
    refuse,
    whole,
)
from interlock.policy.authoring.safe_states import SafeStateEntry
from interlock.policy.authoring.triggers import Triggers
from interlock.records.documents import Unnotified, Workflow
from interlock.vocabulary.limits import (
    CALLS_MAX,
    CANARY_STEPS_MAX,
    EVIDENCE_LEVEL_MAX,
    LADDER_RUNGS_MAX,
    ROUTES_PER_POLICY_MAX,
)

WEBHOOKS_MAX = 8
DEPARTURES_MAX = 8
VERSION_MAX = 2**31 - 1
CONTEXT_TOKENS_MAX = 1_000_000_000
_UNNOTIFIED = tuple(word for word in Unnotified if word is not Unnotified.OTHER)
_WORKFLOWS = tuple(workflow for workflow in Workflow if workflow is not Workflow.OTHER)


def _rising(steps: tuple[int, ...]) -> tuple[int, ...]:
    for low, high in pairwise(steps):
        if high <= low:
            refuse(f"{high}% comes after {low}%", "Write the weights in rising order, each of them once.")
    return steps


class RungEntry(Document):
    """One model of a ladder, who accepted it for this agent, and as what."""

    model: ModelName = Field(examples=["atlas-large"])
    accepted_by: Name = Field(examples=["oscar"])
    equivalent: StrictBool = Field(default=True, examples=["false"])
    accepted_in_advance: StrictBool = Field(default=False, examples=["true"])


class NeedsEntry(Document):
    """What the task cannot do without."""

    context_tokens: Annotated[int, whole(0, CONTEXT_TOKENS_MAX)] = Field(default=0, examples=["16000"])
    modalities: Names = Field(default=(), examples=["[text]"])
    outputs: Names = Field(default=(), examples=["[json]"])
    tools: Names = Field(default=(), examples=["[search_invoices]"])


class Recovery(Document):
    """When a route returns to a higher rung; with a canary plan it does so by canary."""

    stable: PositiveDuration = Field(examples=["60s"])
    dwell: Duration = Field(examples=["2m"])
    canary: StrictBool = Field(default=False, examples=["true"])


class CanaryEntry(Document):
    """How a route moves step by step."""

    steps: Annotated[tuple[Percent, ...], AfterValidator(_rising)] = Field(
        min_length=1, max_length=CANARY_STEPS_MAX, examples=["[1%, 5%, 25%, 50%]"]
    )
    calls_min: Annotated[int, whole(1, CALLS_MAX)] = Field(examples=["50"])
    time_min: Duration = Field(examples=["60s"])
    wait_max: PositiveDuration = Field(examples=["30m"])


class ApprovalEntry(Document):
    """How long a change waits for the agent's owner, and whether he must name a ticket."""

    within: PositiveDuration = Field(examples=["30m"])
    ticket: StrictBool = Field(default=False, examples=["true"])


class RouteEntry(Document):
    """One route of the agent: its ladder and how it is walked. What may be left out and is not said here is in `usual`."""

    slot: Name = Field(examples=["main"])
    scope: Scope = Field(examples=['"*"'])
    task_profile: Name = Field(examples=["invoice-extraction"])
    evidence_level: Annotated[int, whole(1, EVIDENCE_LEVEL_MAX)] = Field(default=1, examples=["1"])
    needs: NeedsEntry = Field(default=NeedsEntry(), examples=["{outputs: [json]}"])
    cost_ceiling: Money | None = Field(default=None, examples=["5.0"])
    guards: Guards = Field(default=(), examples=["[guardrail-1]"])
    ladder: tuple[RungEntry, ...] = Field(
        min_length=1, max_length=LADDER_RUNGS_MAX, examples=["[{model: atlas-large, accepted_by: oscar}]"]
    )
    triggers: Triggers = Field(examples=["{unavailable: {for: 5s}}"])
    blind: Duration | None = Field(default=None, examples=["30s"])
    recovery: Recovery | None = Field(default=None, examples=["{stable: 60s, dwell: 2m}"])
    canary: CanaryEntry | None = Field(
        default=None, examples=["{steps: [1%, 5%, 25%, 50%], calls_min: 50, time_min: 60s, wait_max: 30m}"]
    )
    approval: ApprovalEntry | None = Field(default=None, examples=["{within: 30m, ticket: true}"])
    grace: Duration | None = Field(default=None, examples=["60s"])
    safe_state: SafeStateEntry | None = Field(default=None, examples=["suspend"])


class WebhookEntry(Document):
    """Where the governance function is told of each change."""

    webhook: Url = Field(examples=["https://governance.example.com/interlock"])
    allow_private: StrictBool = Field(default=False, examples=["false"])


class DepartureEntry(Document):
    """A demand on this kind of work that the policy does not meet, and why."""

    demand: Name = Field(alias="from", examples=["short-grace"])
    because: Text = Field(examples=['"a release under way is finished rather than broken off"'])


class LastChannelEntry(Document):
    """Where the deadline watch itself tells that a notice was not accepted in time."""

    webhook: Url = Field(examples=["https://on-call.example.net/interlock"])
    allow_private: StrictBool = Field(default=False, examples=["false"])


class PolicyDocument(Document):
    """One agent's policy."""

    agent: Name = Field(examples=["invoice"])
    version: Annotated[int, whole(1, VERSION_MAX)] = Field(examples=["1"])
    deployment: Name = Field(examples=["production"])
    workflow: Annotated[Workflow, one_of(*_WORKFLOWS)] = Field(examples=["customer_facing"])
    team: Text = Field(examples=["payments-automation"])
    expires_at: Moment = Field(examples=["2027-06-30"])
    review_within: PositiveDuration | None = Field(default=None, examples=["5d"])
    routes: tuple[RouteEntry, ...] = Field(min_length=1, max_length=ROUTES_PER_POLICY_MAX)
    notify: tuple[WebhookEntry, ...] = Field(
        min_length=1, max_length=WEBHOOKS_MAX, examples=["[{webhook: https://governance.example.com/interlock}]"]
    )
    unnotified: Annotated[Unnotified, one_of(*_UNNOTIFIED)] = Field(default=Unnotified.RECORD, examples=["suspend"])
    last_channel: LastChannelEntry | None = Field(
        default=None, examples=["{webhook: https://on-call.example.net/interlock}"]
    )
    departures: tuple[DepartureEntry, ...] = Field(
        default=(), max_length=DEPARTURES_MAX, examples=['[{from: short-grace, because: "…"}]']
    )
