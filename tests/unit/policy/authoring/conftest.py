"""A registry and a policy as people write them, and evidence for both models."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.draft import Draft, Text, read_draft
from interlock.policy.authoring.problems import Problem
from interlock.records.models import Evidence
from interlock.testing.builders import DAY, NOW, Deployment
from interlock.vocabulary.time import Micros

REGISTRY = """\
models:
  atlas:
    version: "1"
    provider: atlas-works
    endpoint: https://atlas.example/v1
    served_as: atlas-1
    identity: {id: spiffe://example/atlas, secret_ref: env:ATLAS_KEY, scopes: [write, read]}
    capability: {tools: [search, pay], code_execution: false}
    regions: [west, east]
  birch:
    version: "2"
    provider: birch-works
    endpoint: https://birch.example/v1
    served_as: birch-2
    aliases: [birch]
    identity: {id: spiffe://example/birch, secret_ref: env:BIRCH_KEY, scopes: [read]}
    capability: {tools: [search], code_execution: false}
    regions: [west]
"""

POLICY = """\
agent: support
version: 3
deployment: testbed
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
    triggers:
      unavailable: {for: 5s}
      errors: {above: 20%, for: 30s}
      latency: {p95_above: 1500ms, for: 1m}
    blind: 0s
    recovery: {stable: 60s}
    grace: 90s
    safe_state: suspend
notify:
  - webhook: https://governance.example/hook
"""


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


def _evidence(deployment: Deployment, model: str, version: str, *, safety: bool = True, days: int = 365) -> bytes:
    said = Evidence(model, version, "chat", True, safety, True, "report", NOW, Micros(NOW + days * DAY))
    return deployment.seal(said, "vera")


@pytest.fixture
def vouch(deployment: Deployment) -> Callable[..., bytes]:
    def vouch(model: str, version: str, *, safety: bool = True, days: int = 365) -> bytes:
        return _evidence(deployment, model, version, safety=safety, days=days)

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
        policy: str = POLICY, registry: str = REGISTRY, evidence: dict[str, bytes] = evidence
    ) -> Draft | list[Problem]:
        return read_draft(Text("support.yaml", policy), Text("registry.yaml", registry), evidence, deployment.root)

    return draft_of
