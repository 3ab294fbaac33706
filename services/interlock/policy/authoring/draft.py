"""A policy as written, together with everything that it refers to."""

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.policy.authoring.document import parse
from interlock.policy.authoring.policy import PolicyDocument
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.registry import RegistryDocument
from interlock.policy.authoring.source import Source, read
from interlock.signing.trust import TrustRoot


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that can be read; whether it makes sense is not known yet.

    Attributes:
        source: Where its values stand.
        document: The policy.
        registry: The models that it may name.
        evidence: Sealed evidence by the name of its file; what does not verify does not count.
        trust: The trust root.
    """

    source: Source
    document: PolicyDocument
    registry: RegistryDocument
    evidence: Mapping[str, bytes]
    trust: TrustRoot


@dataclass(frozen=True, slots=True)
class Text:
    """A file's name and its text."""

    file: str
    text: str


def read_draft(policy: Text, registry: Text, evidence: Mapping[str, bytes], trust: TrustRoot) -> Draft | list[Problem]:
    """Read a policy and its registry.

    Args:
        policy: The policy's YAML.
        registry: The registry's YAML.
        evidence: Sealed evidence by the name of its file.
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
    return Draft(source, document, entries, evidence, trust)
