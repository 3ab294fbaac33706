"""What people may write: the registry of models, evidence of validation, an agent's policy.

Each document is refused as a whole if it has a field that is not named here: a misspelt safeguard must never be a safeguard
that silently does nothing. Not handled here: what documents mean together (`compile`).
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from interlock.policy.authoring.fields import (
    Duration,
    Moment,
    Name,
    Names,
    PositiveDuration,
    Scope,
    SecretReference,
    Share,
    Text,
    Url,
    refuse,
)
from interlock.policy.authoring.problems import Problem, explain
from interlock.policy.authoring.source import Source
from interlock.records.documents import SafeState
from interlock.vocabulary.limits import LADDER_RUNGS_MAX, ROUTES_PER_POLICY_MAX
from interlock.vocabulary.time import SECOND

REGISTRY_MODELS_MAX = 1_000
WEBHOOKS_MAX = 8


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _safe_state(value: object) -> object:
    if value not in list(SafeState):
        available = ", ".join(SafeState)
        refuse(
            f"the safe state {value!r} is not available yet",
            f"Write `safe_state: {available}`; available: {available}.",
        )
    return value


class Identity(_Document):
    """The non-human identity that calls to a model bear."""

    id: Text = Field(examples=["spiffe://example.org/agents/invoice"])
    secret_ref: SecretReference = Field(examples=["env:ATLAS_KEY"])
    scopes: Names = Field(examples=["[invoices.read]"])


class Capability(_Document):
    """What a model can do and reach."""

    tools: Names = Field(examples=["[search_invoices]"])
    code_execution: StrictBool = Field(examples=["false"])


class ModelEntry(_Document):
    """One model version as served at one endpoint under one identity."""

    version: Text = Field(examples=['"2026-08-01"'])
    provider: Text = Field(examples=["atlas"])
    endpoint: Url = Field(examples=["https://api.example.com/v1"])
    served_as: Text = Field(examples=["atlas-large-2026-08-01"])
    aliases: Names = Field(default=(), examples=["[atlas-large]"])
    identity: Identity
    capability: Capability
    regions: Names = Field(examples=["[eu-central]"], min_length=1)


class RegistryDocument(_Document):
    """The registry: every model that policies may name."""

    models: dict[Name, ModelEntry] = Field(min_length=1, max_length=REGISTRY_MODELS_MAX)


class Passed(_Document):
    """The three parts of a validation."""

    capability_boundaries: StrictBool = Field(examples=["true"])
    safety: StrictBool = Field(examples=["true"])
    governance_compliance: StrictBool = Field(examples=["true"])


class EvidenceDocument(_Document):
    """A validator's word that a model version was validated for a task profile."""

    model: Name = Field(examples=["atlas-large"])
    model_version: Text = Field(examples=['"2026-08-01"'])
    profile: Name = Field(examples=["invoice-extraction"])
    passed: Passed
    report: Text = Field(examples=["https://reports.example.com/4711"])
    validated_at: Moment = Field(examples=["2026-10-01"])
    expires_at: Moment = Field(examples=["2027-04-01"])


class RungEntry(_Document):
    """One model of a ladder, and who accepted it for this agent."""

    model: Name = Field(examples=["atlas-large"])
    accepted_by: Name = Field(examples=["oscar"])


class Unavailable(_Document):
    """No call succeeds."""

    for_: PositiveDuration = Field(alias="for", examples=["5s"])


class RateAbove(_Document):
    """More than a share of the calls fail in one way."""

    above: Share = Field(examples=["20%"])
    for_: PositiveDuration = Field(alias="for", examples=["30s"])


class LatencyAbove(_Document):
    """The 95th percentile of the latency is too high."""

    p95_above: PositiveDuration = Field(examples=["2s"])
    for_: PositiveDuration = Field(alias="for", examples=["30s"])

    @property
    def seconds(self) -> float:
        """The bound in seconds."""
        return self.p95_above / SECOND


class Triggers(_Document):
    """What makes a route leave its model. `unavailable` must be there: nothing else notices an outage."""

    unavailable: Unavailable = Field(examples=["{for: 5s}"])
    errors: RateAbove | None = Field(default=None, examples=["{above: 20%, for: 30s}"])
    throttled: RateAbove | None = Field(default=None, examples=["{above: 20%, for: 30s}"])
    latency: LatencyAbove | None = Field(default=None, examples=["{p95_above: 2s, for: 30s}"])


class Recovery(_Document):
    """When a route returns to a higher rung."""

    stable: PositiveDuration = Field(examples=["60s"])


class RouteEntry(_Document):
    """One route of the agent: its ladder and how it is walked."""

    slot: Name = Field(examples=["main"])
    scope: Scope = Field(examples=['"*"'])
    task_profile: Name = Field(examples=["invoice-extraction"])
    ladder: tuple[RungEntry, ...] = Field(
        min_length=1, max_length=LADDER_RUNGS_MAX, examples=["[{model: atlas-large, accepted_by: oscar}]"]
    )
    triggers: Triggers = Field(examples=["{unavailable: {for: 5s}}"])
    blind: Duration = Field(examples=["30s"])
    recovery: Recovery = Field(examples=["{stable: 60s}"])
    grace: Duration = Field(examples=["60s"])
    safe_state: Annotated[Literal[SafeState.SUSPEND], BeforeValidator(_safe_state)] = Field(examples=["suspend"])


class WebhookEntry(_Document):
    """Where the governance function is told of each change."""

    webhook: Url = Field(examples=["https://governance.example.com/interlock"])
    allow_private: StrictBool = Field(default=False, examples=["false"])


class PolicyDocument(_Document):
    """One agent's policy."""

    agent: Name = Field(examples=["invoice"])
    version: Annotated[StrictInt, Field(ge=1, lt=2**31)] = Field(examples=["1"])
    deployment: Name = Field(examples=["production"])
    team: Text = Field(examples=["payments-automation"])
    expires_at: Moment = Field(examples=["2027-06-30"])
    review_within: PositiveDuration = Field(examples=["5d"])
    routes: tuple[RouteEntry, ...] = Field(min_length=1, max_length=ROUTES_PER_POLICY_MAX)
    notify: tuple[WebhookEntry, ...] = Field(
        min_length=1, max_length=WEBHOOKS_MAX, examples=["[{webhook: https://governance.example.com/interlock}]"]
    )


D = TypeVar("D", RegistryDocument, EvidenceDocument, PolicyDocument)


def parse(source: Source, document: type[D]) -> D | list[Problem]:
    """Read a source as one kind of document, or say everything that is wrong with it, from the top of the file."""
    try:
        return document.model_validate(source.data)
    except ValidationError as error:
        found = [source.problem(path, what, mend) for path, what, mend in explain(document, error)]
        return sorted(found, key=lambda problem: problem.line)
