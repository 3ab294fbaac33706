"""Opening what people wrote: a policy with everything around it, or one piece of evidence."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from interlock.policy.authoring.check import check, forbids
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.document import parse
from interlock.policy.authoring.draft import Text, read_draft
from interlock.policy.authoring.evidence import EvidenceDocument, compile_evidence
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source, read
from interlock.records.documents import RoutePolicy
from interlock.records.models import Evidence
from interlock.runtime.opening import read_trust
from interlock.runtime.workspace import Workspace, read_sealed, read_text
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.time import Micros

Registry = Annotated[Path | None, typer.Option(help="The registry of models; by default the workspace's.")]
EvidenceFolder = Annotated[
    Path | None, typer.Option("--evidence", help="The folder of sealed evidence; by default the workspace's.")
]
Root = Annotated[Path | None, typer.Option(help="The sealed trust root; by default the workspace's.")]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The files that a policy refers to."""

    registry: Path
    evidence: Path
    root: Path

    @classmethod
    def of(cls, file: Path, registry: Path | None, evidence: Path | None, root: Path | None) -> "Surroundings":
        """What was named, and for the rest what the file's workspace holds.

        Raises:
            ConfigurationError: Something was not named, and the file is in no workspace.
        """
        if registry and evidence and root:
            return cls(registry, evidence, root)
        workspace = Workspace.around(file)
        return cls(registry or workspace.registry, evidence or workspace.evidence, root or workspace.root)


@dataclass(frozen=True, slots=True)
class Opened:
    """A document after compiling and checking.

    Attributes:
        record: What would be signed; None if an error forbids it.
        problems: Errors and warnings.
        trust: The trust root that it was checked against.
    """

    record: RoutePolicy | Evidence | None
    problems: list[Problem]
    trust: TrustRoot


def open_document(file: Path, around: Surroundings, *, issued_at: Micros, now: Micros) -> Opened:
    """Read, compile and check a policy or a piece of evidence: the file tells by its fields which it is.

    Args:
        file: The YAML.
        around: What it refers to.
        issued_at: The time that a policy bears once it is signed.
        now: The time at which it is judged.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    trust, _ = read_trust(around.root)
    text = read_text(file)
    source = read(text, str(file))
    if isinstance(source, Source) and "model" in source.data and "agent" not in source.data:
        return _opened_evidence(source, trust)
    registry = Text(str(around.registry), read_text(around.registry))
    draft = read_draft(Text(str(file), text), registry, read_sealed(around.evidence), trust)
    if isinstance(draft, list):
        return Opened(None, draft, trust)
    policy = compile_policy(draft, issued_at)
    if isinstance(policy, list):
        return Opened(None, policy, trust)
    problems = check(draft, policy, now)
    return Opened(None if forbids(problems) else policy, problems, trust)


def _opened_evidence(source: Source, trust: TrustRoot) -> Opened:
    document = parse(source, EvidenceDocument)
    found = document if isinstance(document, list) else compile_evidence(source, document)
    return Opened(None, found, trust) if isinstance(found, list) else Opened(found, [], trust)
