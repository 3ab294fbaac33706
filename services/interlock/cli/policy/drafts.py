"""Opening what people wrote: a policy with everything around it, one piece of evidence, or the registry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from interlock.policy.authoring.check import check, forbids
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.document import parse
from interlock.policy.authoring.draft import Draft, SealedFiles, Text, read_draft
from interlock.policy.authoring.evidence import EvidenceDocument, compile_evidence
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.registry import RegistryDocument, check_registry, registered, registrations
from interlock.policy.authoring.source import Source, read
from interlock.records.documents import RoutePolicy
from interlock.records.models import Evidence, Registration
from interlock.runtime.opening import read_trust
from interlock.runtime.workspace import SEALED, Workspace, read_document, read_sealed, registrations_beside
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import Micros

Registry = Annotated[Path | None, typer.Option(help="The registry of models; by default the workspace's.")]
EvidenceFolder = Annotated[
    Path | None, typer.Option("--evidence", help="The folder of sealed evidence; by default the workspace's.")
]
Root = Annotated[Path | None, typer.Option(help="The sealed trust root; by default the workspace's.")]


Written = RoutePolicy | Evidence | Registration
"""What people write as YAML and sign."""


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

    def sealed_files(self) -> SealedFiles:
        """What others signed, by the files' names.

        Raises:
            ConfigurationError: A file cannot be read.
        """
        return SealedFiles(read_sealed(self.evidence), read_sealed(registrations_beside(self.registry)))


@dataclass(frozen=True, slots=True)
class Opened:
    """A document after compiling and checking.

    Attributes:
        records: What would be signed, by the file that it is written to; empty if an error forbids it.
        problems: Errors and warnings.
        trust: The trust root that it was checked against.
    """

    records: Mapping[Path, Written]
    problems: list[Problem]
    trust: TrustRoot


def open_document(file: Path, around: Surroundings, now: Micros) -> Opened:
    """Read, compile and check a document: the file tells by its fields whether it is a policy, evidence or the registry.

    Args:
        file: The YAML.
        around: What it refers to.
        now: The time at which it is judged, and which it bears once it is signed.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    trust, _ = read_trust(around.root)
    text = read_document(file)
    source = read(text, str(file))
    if isinstance(source, Source) and _is_registry(source):
        return _opened_registry(source, registrations_beside(file), trust, now)
    if isinstance(source, Source) and _is_evidence(source):
        return _opened_evidence(source, trust)
    compiled = _compiled(Text(str(file), text), around, trust, now)
    if isinstance(compiled, list):
        return Opened({}, compiled, trust)
    draft, policy = compiled
    problems = [*_rivals(file, draft), *check(draft, policy, now)]
    return Opened({} if forbids(problems) else {file.with_suffix(SEALED): policy}, problems, trust)


def _is_registry(source: Source) -> bool:
    return "models" in source.data


def _is_evidence(source: Source) -> bool:
    return "model" in source.data and "agent" not in source.data


def compile_file(file: Path, around: Surroundings, now: Micros) -> RoutePolicy | list[Problem]:
    """Read and compile a policy, fit to be signed or not.

    Returns:
        The policy, or why there is none.

    Raises:
        ConfigurationError: A file cannot be read, or it is written as something else than a policy.
    """
    trust, _ = read_trust(around.root)
    text = read_document(file)
    source = read(text, str(file))
    if isinstance(source, Source) and (_is_registry(source) or _is_evidence(source)):
        raise ConfigurationError(f"{file} holds no policy.", "Name a policy's YAML or its .sealed file.")
    compiled = _compiled(Text(str(file), text), around, trust, now)
    return compiled if isinstance(compiled, list) else compiled[1]


def _compiled(
    written: Text, around: Surroundings, trust: TrustRoot, now: Micros
) -> tuple[Draft, RoutePolicy] | list[Problem]:
    registry = Text(str(around.registry), read_document(around.registry))
    draft = read_draft(written, registry, around.sealed_files(), trust)
    if isinstance(draft, list):
        return draft
    policy = compile_policy(draft, now)
    return policy if isinstance(policy, list) else (draft, policy)


def _rivals(file: Path, draft: Draft) -> Iterator[Problem]:
    """Other policies for the same agent in the same folder: only one of them could ever count."""
    for other in sorted(file.parent.glob("*.yaml")):
        text = "" if other.name == file.name else _readable(other)
        if draft.document.agent not in text:
            continue
        source = read(text, str(other))
        if isinstance(source, Source) and source.data.get("agent") == draft.document.agent:
            what = f"{other} is a policy for {draft.document.agent}, too"
            yield draft.source.problem(("agent",), what, "Keep one policy for each agent; it can have several routes.")


def _readable(file: Path) -> str:
    """The text of a neighbour; nothing if it cannot be read: that is told where it is checked itself."""
    try:
        return read_document(file)
    except ConfigurationError:
        return ""


def _opened_evidence(source: Source, trust: TrustRoot) -> Opened:
    document = parse(source, EvidenceDocument)
    found = document if isinstance(document, list) else compile_evidence(source, document)
    return Opened({}, found, trust) if isinstance(found, list) else Opened({_beside(source): found}, [], trust)


def _opened_registry(source: Source, folder: Path, trust: TrustRoot, now: Micros) -> Opened:
    document = parse(source, RegistryDocument)
    if isinstance(document, list):
        return Opened({}, document, trust)
    problems = check_registry(source, document, registered(trust, read_sealed(folder)), now)
    records = registrations(document, trust.deployment, now)
    return Opened(
        {} if forbids(problems) else {folder / f"{name}{SEALED}": record for name, record in records.items()},
        problems,
        trust,
    )


def _beside(source: Source) -> Path:
    return Path(source.file).with_suffix(SEALED)
