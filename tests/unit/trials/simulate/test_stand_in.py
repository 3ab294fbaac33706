"""Drafts count in a simulation, and nowhere else; validators are not stood in for."""

from dataclasses import replace

import pytest

from interlock.policy.book import Book, Taken, take
from interlock.records.documents import RoutePolicy
from interlock.records.models import Evidence
from interlock.records.sealing import open_sealed
from interlock.signing.roles import Role
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import Deployment
from interlock.trials.simulate.stand_in import StandIn
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.reasons import Reason


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


@pytest.fixture
def stand_in(deployment: Deployment) -> StandIn:
    return StandIn.of(deployment.root)


def draft(deployment: Deployment, agent: str = "support") -> RoutePolicy:
    return deployment.policy_of(agent, deployment.rule(["atlas", "birch"]))


def test_a_draft_counts_in_the_simulation(deployment: Deployment, stand_in: StandIn) -> None:
    taken = take(stand_in.book(), stand_in.policy(draft(deployment)))
    assert isinstance(taken, Taken)
    assert set(taken.book.policies["support"].evidence) == {("atlas", "2026-01", "chat"), ("birch", "2026-01", "chat")}


def test_what_stand_ins_have_signed_counts_nowhere_else(deployment: Deployment, stand_in: StandIn) -> None:
    real = Book.start(deployment.root, deployment.root_id)
    refused = take(real, stand_in.policy(draft(deployment)))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NO_SIGNATURE


def test_evidence_must_be_the_validators_own(deployment: Deployment, stand_in: StandIn) -> None:
    assert not any(role == Role.VALIDATOR for role, _ in stand_in.keys)
    genuine = open_sealed(deployment.rung("atlas").evidence, stand_in.root, Evidence)
    assert isinstance(genuine, Verified)
    forged = deployment.seal(genuine.value, "grace")
    assert isinstance(open_sealed(forged, stand_in.root, Evidence), Refused)


def test_a_draft_without_valid_evidence_does_not_let_its_model_in(deployment: Deployment, stand_in: StandIn) -> None:
    rule = deployment.rule(["atlas", "birch"])
    unproven = replace(rule.ladder[1], evidence=deployment.seal(draft(deployment), "grace"))
    policy = deployment.policy_of("support", replace(rule, ladder=(rule.ladder[0], unproven)))
    taken = take(stand_in.book(), stand_in.policy(policy))
    assert isinstance(taken, Taken)
    assert set(taken.book.policies["support"].evidence) == {("atlas", "2026-01", "chat")}


def test_who_may_sign_and_how_many_it_takes_is_the_roots_own(deployment: Deployment, stand_in: StandIn) -> None:
    for role in Role:
        assert stand_in.root.holders(role, "support") == deployment.root.holders(role, "support")
    thresholds = [(grant.role, grant.threshold, grant.agents) for grant in deployment.root.grants]
    assert [(grant.role, grant.threshold, grant.agents) for grant in stand_in.root.grants] == thresholds


def test_the_stand_ins_root_is_sound(stand_in: StandIn) -> None:
    root = stand_in.root
    assert isinstance(replace(root), TrustRoot), "it contradicts itself nowhere"


def test_a_draft_for_an_agent_that_nobody_owns_is_refused_with_its_reason(
    deployment: Deployment, stand_in: StandIn
) -> None:
    policy = draft(deployment, "nobodys")
    with pytest.raises(
        ConfigurationError, match=r"a\.yaml could not count, whoever signed it: threshold_not_met"
    ) as error:
        stand_in.check(stand_in.book(), stand_in.policy(policy), "a.yaml")
    assert error.value.mend


def test_two_drafts_for_one_agent_are_one_too_many(deployment: Deployment, stand_in: StandIn) -> None:
    policy = draft(deployment)
    book = stand_in.check(stand_in.book(), stand_in.policy(policy), "a.yaml")
    with pytest.raises(ConfigurationError, match="could not count"):
        stand_in.check(book, stand_in.policy(replace(policy, team="another")), "b.yaml")


def test_a_root_without_services_is_given_them(deployment: Deployment) -> None:
    bare = {Role.HEALTH, Role.PROBE, Role.REPORTER, Role.ROUTER}
    grants = tuple(grant for grant in deployment.root.grants if grant.role not in bare)
    stand_in = StandIn.of(replace(deployment.root, grants=grants))
    assert stand_in.owner(Role.HEALTH) == "simulated-health"
    assert stand_in.owner(Role.PROBE) == "simulated-probe"


def test_the_same_root_has_the_same_stand_ins(deployment: Deployment, stand_in: StandIn) -> None:
    assert StandIn.of(deployment.root).root == stand_in.root
