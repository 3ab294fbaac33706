"""A sealed file travels between people and gathers signatures."""

from interlock.policy.authoring.signatures import add_signatures, claimed, lacking, may_sign
from interlock.records.documents import RoutePolicy
from interlock.records.sealing import open_sealed
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment

deployment = Deployment()
policy = deployment.policy_of("support", deployment.rule(["atlas"]))


def test_two_people_sign_one_after_the_other() -> None:
    first = add_signatures(policy, None, deployment.key("grace"))
    assert [str(role) for role in lacking(first, policy, deployment.root)] == ["agent_owner (oscar)"]
    second = add_signatures(policy, first, deployment.key("oscar"))
    assert lacking(second, policy, deployment.root) == ()
    assert isinstance(open_sealed(second, deployment.root, RoutePolicy), Verified)


def test_signing_twice_with_one_key_leaves_one_signature() -> None:
    once = add_signatures(policy, None, deployment.key("grace"))
    assert add_signatures(policy, once, deployment.key("grace")) == once


def test_signatures_on_other_bytes_are_not_carried_over() -> None:
    other = deployment.policy_of("support", deployment.rule(["birch"]))
    signed = add_signatures(other, None, deployment.key("grace"))
    mine = add_signatures(policy, signed, deployment.key("oscar"))
    assert [role.role for role in lacking(mine, policy, deployment.root)] == ["governance"]


def test_a_stranger_and_the_owner_of_other_agents_may_not_sign() -> None:
    foreign = deployment.policy_of("somebody-elses", deployment.rule(["atlas"]))
    assert may_sign(policy, "oscar", deployment.root)
    assert not may_sign(foreign, "oscar", deployment.root)
    assert not may_sign(policy, "olga", deployment.root)


def test_what_a_sealed_file_claims_can_be_looked_at_before_it_counts() -> None:
    assert claimed(add_signatures(policy, None, deployment.key("mallory"))) == policy
    assert claimed(deployment.sealed_root) == deployment.root
    assert claimed(b"\xc3\x01nonsense") is None
    assert claimed(b"") is None
