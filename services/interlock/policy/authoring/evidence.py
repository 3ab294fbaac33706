"""Evidence as a validator writes it, and the record that he signs."""

from typing import Annotated

from pydantic import Field

from interlock.policy.authoring.document import Document
from interlock.policy.authoring.fields import ModelName, Moment, Name, Text, whole
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source
from interlock.records.models import Evidence
from interlock.vocabulary.limits import EVIDENCE_LEVEL_MAX


class Levels(Document):
    """The levels that the three parts of a validation reached; 0 is not passed."""

    capability_boundaries: Annotated[int, whole(0, EVIDENCE_LEVEL_MAX)] = Field(examples=["1"])
    safety: Annotated[int, whole(0, EVIDENCE_LEVEL_MAX)] = Field(examples=["1"])
    governance_compliance: Annotated[int, whole(0, EVIDENCE_LEVEL_MAX)] = Field(examples=["1"])


class EvidenceDocument(Document):
    """A validator's word that a model version was validated for a task profile."""

    model: ModelName = Field(examples=["atlas-large"])
    model_version: Text = Field(examples=['"2026-08-01"'])
    profile: Name = Field(examples=["invoice-extraction"])
    by: Name = Field(examples=["vera"])
    levels: Levels = Field(examples=["{capability_boundaries: 1, safety: 1, governance_compliance: 1}"])
    report: Text = Field(examples=["https://reports.example.com/4711"])
    validated_at: Moment = Field(examples=["2026-10-01"])
    expires_at: Moment = Field(examples=["2027-04-01"])


def compile_evidence(source: Source, document: EvidenceDocument) -> Evidence | list[Problem]:
    """The record that a validator signs, or why there is none."""
    if document.expires_at <= document.validated_at:
        return [source.problem(("expires_at",), "the end is before the validation", "Write a later date.")]
    return Evidence(
        model=document.model,
        model_version=document.model_version,
        profile=document.profile,
        by=document.by,
        capability_boundaries=document.levels.capability_boundaries,
        safety=document.levels.safety,
        governance_compliance=document.levels.governance_compliance,
        report=document.report,
        issued_at=document.validated_at,
        expires_at=document.expires_at,
    )
