"""Models as they are registered and approved, and what validators say of them.

A `Model` is one registry entry: a model version as served at one endpoint, through named intermediaries, under one identity, with one
way of handling data. How two of them compare is `policy.lattice`'s business.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from interlock.records.bounds import require
from interlock.signing.statement import Statement
from interlock.vocabulary.identifiers import is_name
from interlock.vocabulary.limits import ASSURANCE_MAX, EVIDENCE_LEVEL_MAX, INTEGRITY_MAX
from interlock.vocabulary.time import Micros

GUARD_PREFIX = "guard@"
"""Begins the names under which verdicts speak of guards, so no model's."""


class Network(StrEnum):
    """How far a model's tools reach, the narrowest first."""

    NONE = "none"
    INTERNAL = "internal"
    INTERNET = "internet"


class Autonomy(StrEnum):
    """What a model may do without a person, the narrowest first."""

    SUGGEST = "suggest"
    ACT_WITH_APPROVAL = "act_with_approval"
    ACT = "act"


class Logging(StrEnum):
    """What a provider keeps of a call, the narrowest first."""

    NONE = "none"
    METADATA = "metadata"
    CONTENT = "content"
    TRAINING = "training"


@dataclass(frozen=True, slots=True)
class Identity:
    """The non-human identity that calls bear; from `rotation_due` on its credential is overdue."""

    id: str
    owner: str
    secret_ref: str
    scopes: tuple[str, ...]
    assurance: int
    rotation_due: Micros

    def __post_init__(self) -> None:
        require(0 <= self.assurance <= ASSURANCE_MAX, f"an assurance level is 0 to {ASSURANCE_MAX}")


@dataclass(frozen=True, slots=True)
class DataHandling:
    """What a provider does with the data of a call; `classes` are those that it is cleared for."""

    classes: tuple[str, ...]
    regions: tuple[str, ...]
    retention_days: int
    logging: Logging

    def __post_init__(self) -> None:
        require(self.retention_days >= 0, "a retention is 0 days or more")


@dataclass(frozen=True, slots=True)
class Capability:
    """What a model can do and reach."""

    tools: tuple[str, ...]
    code_execution: bool
    network: Network
    modalities: tuple[str, ...]
    context_tokens: int
    outputs: tuple[str, ...]
    autonomy: Autonomy
    deterministic: bool

    def __post_init__(self) -> None:
        require(self.context_tokens >= 0, "a context window is 0 tokens or more")


@dataclass(frozen=True, slots=True)
class Model:
    """One registry entry; `integrity` is a safety integrity level, 0 where none is claimed."""

    name: str
    version: str
    provider: str
    endpoint: str
    intermediaries: tuple[str, ...]
    served_as: str
    aliases: tuple[str, ...]
    identity: Identity
    data: DataHandling
    capability: Capability
    approvals: tuple[str, ...]
    integrity: int
    usd_per_mtok: float
    retires_at: Micros

    def __post_init__(self) -> None:
        named = is_name(self.name) and not self.name.startswith(GUARD_PREFIX)
        require(named, f"{self.name!r} cannot name a model")
        require(0 <= self.integrity <= INTEGRITY_MAX, f"a safety integrity level is 0 to {INTEGRITY_MAX}")
        require(0 <= self.usd_per_mtok < math.inf, "a price is a number of 0 or more")

    def answers_to(self, name: str) -> bool:
        """Whether a reply that bears this name is the model's own."""
        return name == self.served_as or name in self.aliases


@dataclass(frozen=True, slots=True)
class Registration(Statement):
    """Governance's word on one model of the registry. It only narrows: where one is held, policies must agree with it."""

    deployment: str
    version: int
    model: Model
    withdrawn: bool
    issued_at: Micros

    def __post_init__(self) -> None:
        require(self.version >= 1, "versions count from 1")


@dataclass(frozen=True, slots=True)
class Evidence(Statement):
    """A validator's word that a model version was validated for a task profile; levels count from 1, 0 is not passed."""

    model: str
    model_version: str
    profile: str
    by: str
    capability_boundaries: int
    safety: int
    governance_compliance: int
    report: str
    issued_at: Micros
    expires_at: Micros

    def __post_init__(self) -> None:
        levels = (self.capability_boundaries, self.safety, self.governance_compliance)
        require(all(0 <= level <= EVIDENCE_LEVEL_MAX for level in levels), f"a level is 0 to {EVIDENCE_LEVEL_MAX}")

    @property
    def level(self) -> int:
        """The level that all three parts of the validation reached."""
        return min(self.capability_boundaries, self.safety, self.governance_compliance)

    def said_by(self) -> str:
        """The validator speaks for himself only."""
        return self.by
