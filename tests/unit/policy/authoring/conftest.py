"""A registry and a policy as people write them, and evidence for both models."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.document import Document, parse
from interlock.policy.authoring.draft import Draft, SealedFiles, Text, read_draft
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source, read
from interlock.records.models import Evidence
from interlock.testing.builders import DAY, NOW, Deployment
from interlock.vocabulary.time import Micros

REGISTRY = """\
models:
  atlas:
    entry: 1
    version: "1"
    provider: atlas-works
    endpoint: https://atlas.example/v1
    served_as: atlas-1
    identity:
      {id: spiffe://example/atlas, owner: oscar, secret_ref: env:ATLAS_KEY, scopes: [write, read], assurance: 2, rotation_due: 2027-06-30}
    data: {classes: [internal], regions: [west, east], retention_days: 0, logging: metadata}
    capability:
      tools: [search, pay]
      code_execution: false
      network: internal
      modalities: [text]
      context_tokens: 128000
      outputs: [text, json]
      autonomy: act_with_approval
      deterministic: false
    usd_per_mtok: 3.0
  birch:
    entry: 1
    version: "2"
    provider: birch-works
    endpoint: https://birch.example/v1
    served_as: birch-2
    aliases: [birch]
    identity:
      {id: spiffe://example/birch, owner: oscar, secret_ref: env:BIRCH_KEY, scopes: [read], assurance: 2, rotation_due: 2027-06-30}
    data: {classes: [internal], regions: [west], retention_days: 0, logging: metadata}
    capability:
      tools: [search]
      code_execution: false
      network: internal
      modalities: [text]
      context_tokens: 64000
      outputs: [text, json]
      autonomy: suggest
      deterministic: false
    usd_per_mtok: 1
"""

POLICY = """\
agent: support
version: 3
deployment: testbed
workflow: customer_facing
team: helpdesk
expires_at: 2026-12-31
review_within: 5d
routes:
  - slot: main
    scope: "*"
    task_profile: chat
    ladder:
      - model: atlas
        accepted_by: oscar
      - model: birch
        accepted_by: oscar
        accepted_in_advance: true
    triggers:
      unavailable: {for: 5s}
      errors: {above: 20%, for: 30s}
      latency: {p95_above: 1500ms, for: 1m}
    blind: 0s
    recovery: {stable: 60s, dwell: 2m}
    grace: 90s
    safe_state: suspend
notify:
  - webhook: https://governance.example/hook
"""


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


@pytest.fixture
def vouch(deployment: Deployment) -> Callable[..., bytes]:
    def vouch(model: str, version: str, *, safety: int = 1, days: int = 365) -> bytes:
        said = Evidence(model, version, "chat", "vera", 1, safety, 1, "report", NOW, Micros(NOW + days * DAY))
        return deployment.seal(said, "vera")

    return vouch


@pytest.fixture
def evidence(vouch: Callable[..., bytes]) -> dict[str, bytes]:
    return {"atlas.sealed": vouch("atlas", "1"), "birch.sealed": vouch("birch", "2")}


@pytest.fixture
def policy_text() -> str:
    return POLICY


@pytest.fixture
def registry_text() -> str:
    return REGISTRY


@pytest.fixture
def draft_of(deployment: Deployment, evidence: dict[str, bytes]) -> Callable[..., Draft | list[Problem]]:
    def draft_of(
        policy: str = POLICY,
        registry: str = REGISTRY,
        evidence: dict[str, bytes] = evidence,
        registrations: dict[str, bytes] | None = None,
    ) -> Draft | list[Problem]:
        sealed = SealedFiles(evidence, registrations or {})
        return read_draft(Text("support.yaml", policy), Text("registry.yaml", registry), sealed, deployment.root)

    return draft_of


@pytest.fixture
def problems_of() -> Callable[..., list[Problem]]:
    """Everything that keeps a text from being a document; each told in whole sentences."""

    def problems_of(text: str, document: type[Document]) -> list[Problem]:
        source = read(text, "it.yaml")
        assert isinstance(source, Source), source
        found = parse(source, document)
        assert isinstance(found, list), found
        assert all(problem.mend.endswith((".", "?")) and "Value error" not in problem.what for problem in found)
        return found

    return problems_of
