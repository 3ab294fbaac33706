"""A policy as written, together with everything that it refers to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.policy.authoring.document import parse
from interlock.policy.authoring.policy import PolicyDocument
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.registry import RegistryDocument
from interlock.policy.authoring.source import Source, read
from interlock.signing.trust import TrustRoot


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """What others signed, by the name of its file; what does not verify does not count.

    Attributes:
        evidence: Validators' evidence.
        registrations: Governance's word on models.
    """

    evidence: Mapping[str, bytes]
    registrations: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that can be read; whether it makes sense is not known yet.

    Attributes:
        source: Where its values stand.
        document: The policy.
        registry: The models that it may name.
        sealed: What others signed.
        trust: The trust root.
    """

    source: Source
    document: PolicyDocument
    registry: RegistryDocument
    sealed: SealedFiles
    trust: TrustRoot


@dataclass(frozen=True, slots=True)
class Text:
    """A file's name and its text."""

    file: str
    text: str


def read_draft(policy: Text, registry: Text, sealed: SealedFiles, trust: TrustRoot) -> Draft | list[Problem]:
    """Read a policy and its registry.

    Args:
        policy: The policy's YAML.
        registry: The registry's YAML.
        sealed: Evidence and registrations.
        trust: The trust root.

    Returns:
        The draft, or everything that makes either document unreadable.
    """
    source = read(policy.text, policy.file)
    models = read(registry.text, registry.file)
    problems = [found for found in (source, models) if isinstance(found, Problem)]
    if isinstance(source, Problem) or isinstance(models, Problem):
        return problems
    document = parse(source, PolicyDocument)
    entries = parse(models, RegistryDocument)
    if isinstance(document, list) or isinstance(entries, list):
        return [problem for found in (document, entries) if isinstance(found, list) for problem in found]
    return Draft(source, document, entries, sealed, trust)
