"""Evidence as a validator writes it."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.document import parse
from interlock.policy.authoring.evidence import EvidenceDocument, compile_evidence
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source, read
from interlock.records.models import Evidence

ProblemsOf = Callable[..., list[Problem]]

EVIDENCE = """\
model: atlas
model_version: "1"
profile: chat
by: vera
levels: {capability_boundaries: 3, safety: 2, governance_compliance: 5}
report: r
validated_at: 2026-01-01
expires_at: 2027-01-01
"""


def compiled(text: str) -> Evidence | list[Problem]:
    source = read(text, "e.yaml")
    assert isinstance(source, Source)
    document = parse(source, EvidenceDocument)
    assert isinstance(document, EvidenceDocument), document
    return compile_evidence(source, document)


def test_evidence_names_its_validator_and_what_each_part_reached() -> None:
    evidence = compiled(EVIDENCE)
    assert isinstance(evidence, Evidence)
    assert (evidence.by, evidence.said_by(), evidence.level) == ("vera", "vera", 2)


def test_evidence_that_ends_before_it_begins_is_refused() -> None:
    problems = compiled(EVIDENCE.replace("2027-01-01", "2025-01-01"))
    assert isinstance(problems, list)
    assert [(problem.line, problem.field) for problem in problems] == [(8, "expires_at")]


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "what"),
    [
        (", governance_compliance: 5", "", 5, "levels.governance_compliance", "is missing"),
        ("safety: 2", "safety: 6", 5, "levels.safety", "from 0 to 5"),
        ("safety: 2", "safety: true", 5, "levels.safety", "True is not"),
        ("by: vera\n", "", 1, "by", "is missing"),
        ("by: vera", "by: Vera V.", 4, "by", "not a name"),
    ],
)
def test_a_wrong_value_of_evidence_is_told(
    problems_of: ProblemsOf, old: str, new: str, line: int, field: str, what: str
) -> None:
    (problem,) = problems_of(EVIDENCE.replace(old, new), EvidenceDocument)
    assert (problem.line, problem.field) == (line, field)
    assert what in problem.what
