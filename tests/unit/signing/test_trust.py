import re
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.signing.keys import KeyKind, SigningKey
from interlock.signing.roles import Role
from interlock.signing.trust import PEOPLE, Grant, TrustedKey, TrustRoot
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.time import Micros


def trusted(seed: str, owner: str | None = None) -> TrustedKey:
    key = SigningKey.from_seed(digest(seed.encode()))
    return TrustedKey(key.keyid, owner or seed, key.public)


ANN, BOB, SVC = trusted("ann"), trusted("bob"), trusted("svc")
ROOT = TrustRoot(
    version=1,
    deployment="testbed",
    issued_at=Micros(1),
    expires_at=Micros(2),
    keys=(ANN, BOB, SVC),
    grants=(
        Grant(Role.ROOT, 2, (ANN.keyid, BOB.keyid)),
        Grant(Role.AGENT_OWNER, 1, (ANN.keyid,), ("support",)),
        Grant(Role.AGENT_OWNER, 1, (BOB.keyid,), ("triage", "drafting")),
        Grant(Role.DECISION, 1, (SVC.keyid,)),
    ),
)


def with_key(key: TrustedKey) -> TrustRoot:
    return replace(ROOT, keys=(*ROOT.keys, key))


def with_grant(*grants: Grant) -> TrustRoot:
    return replace(ROOT, grants=(*ROOT.grants, *grants))


def point(seed: str, owner: str) -> TrustedKey:
    key = SigningKey.from_seed(digest(seed.encode()), KeyKind.P256)
    return TrustedKey(key.keyid, owner, key.public)


def raw(public_key: bytes) -> TrustedKey:
    return TrustedKey(digest(public_key).hex(), "eve", public_key)


def uncompressed(seed: str) -> bytes:
    public = SigningKey.from_seed(digest(seed.encode()), KeyKind.P256).private.public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


FAULTS = {
    "a version below one": (lambda: replace(ROOT, version=0), "the version must be 1 or more"),
    "an end at its beginning": (lambda: replace(ROOT, expires_at=Micros(1)), "the end after the beginning"),
    "an end before its beginning": (lambda: replace(ROOT, expires_at=Micros(0)), "the end after the beginning"),
    "a key of another length": (
        lambda: with_key(TrustedKey(digest(bytes(31)).hex(), "eve", bytes(31))),
        "eve's key is neither Ed25519 (32 bytes) nor a compressed point of P-256 (33 bytes)",
    ),
    "a point that is not on the curve": (lambda: with_key(raw(b"\x02" + bytes(31) + b"\x01")), "eve's key is neither"),
    "a point in its long form": (lambda: with_key(raw(uncompressed("eve"))), "eve's key is neither"),
    "the point at infinity": (lambda: with_key(raw(b"\x00")), "eve's key is neither"),
    "an id that is not the key's": (lambda: with_key(replace(trusted("eve"), keyid="0" * 64)), "the id of eve's key"),
    "an id in capitals": (
        lambda: with_key(replace(trusted("eve"), keyid=trusted("eve").keyid.upper())),
        "the id of eve's key",
    ),
    "one key under two ids": (lambda: with_key(replace(ANN, keyid="0" * 64, owner="eve")), "the id of eve's key"),
    "one key under two owners": (lambda: with_key(replace(ANN, owner="eve")), "eve's key is listed twice"),
    "one key listed twice": (lambda: with_key(ANN), "ann's key is listed twice"),
    "an owner without a name": (lambda: with_key(replace(trusted("eve"), owner="")), "cannot name an owner"),
    "an owner who only looks like another": (
        lambda: with_key(replace(trusted("eve"), owner="аnn")),  # noqa: RUF001 - a Cyrillic letter, on purpose
        "cannot name an owner",
    ),
    "a grant to a key that is not listed": (
        lambda: with_grant(Grant(Role.SAFETY, 1, (trusted("eve").keyid,))),
        "role safety names the key",
    ),
    "a threshold of nobody": (lambda: with_grant(Grant(Role.SAFETY, 0, (ANN.keyid,))), "role safety asks for 0"),
    "a threshold below nobody": (lambda: with_grant(Grant(Role.SAFETY, -1, (ANN.keyid,))), "role safety asks for -1"),
    "a threshold above the owners": (
        lambda: with_grant(Grant(Role.SAFETY, 2, (ANN.keyid,))),
        "role safety asks for 2 distinct owners and cannot have them",
    ),
    "a threshold met only by one owner's two keys": (
        lambda: replace(
            with_key(trusted("ann's other", "ann")),
            grants=(*ROOT.grants, Grant(Role.SAFETY, 2, (ANN.keyid, trusted("ann's other").keyid))),
        ),
        "role safety asks for 2 distinct owners and cannot have them",
    ),
    "a role for nobody": (lambda: with_grant(Grant(Role.SAFETY, 1, ())), "role safety asks for 1"),
    "an agent owner without agents": (lambda: with_grant(Grant(Role.AGENT_OWNER, 1, (ANN.keyid,))), "agents are named"),
    "agents for another role": (
        lambda: with_grant(Grant(Role.GOVERNANCE, 1, (ANN.keyid,), ("support",))),
        "agents are named for agent_owner, and for it alone",
    ),
    "nobody who may sign roots": (lambda: replace(ROOT, grants=ROOT.grants[1:]), "nobody holds the role root"),
    "a service key that is a person's": (
        lambda: with_grant(Grant(Role.DECISION, 1, (ANN.keyid,))),
        "ann holds a person's role and a service's",
    ),
    "a person's second key for a service": (
        lambda: replace(
            with_key(trusted("ann's other", "ann")),
            grants=(*ROOT.grants, Grant(Role.DECISION, 1, (trusted("ann's other").keyid,))),
        ),
        "ann holds a person's role and a service's",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_root_is_refused_as_a_whole_for(fault: str):
    make, said = FAULTS[fault]
    with pytest.raises(ValueError, match=re.escape(said)):
        make()


@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_nobody_holds_a_persons_role_and_a_services(role: Role):
    agents = ("support",) if role is Role.AGENT_OWNER else ()
    with pytest.raises(ValueError, match="svc holds a person's role and a service's"):
        with_grant(Grant(role, 1, (SVC.keyid,), agents))


@pytest.mark.parametrize("role", sorted(set(Role) - PEOPLE))
def test_one_service_may_hold_several_services_roles(role: Role):
    assert with_grant(Grant(role, 1, (SVC.keyid,))).grants[-1].role == role


def test_one_person_may_hold_several_persons_roles():
    assert with_grant(Grant(Role.SAFETY, 1, (ANN.keyid,)), Grant(Role.OPERATOR, 1, (ANN.keyid,)))


def test_a_role_that_is_not_known_here_grants_nothing_and_does_no_harm():
    renewed = with_grant(Grant("astrologer", 1, (SVC.keyid,)))
    assert [renewed.grants_of(role) for role in Role] == [ROOT.grants_of(role) for role in Role]


def test_a_key_is_found_by_its_id_and_by_nothing_else():
    assert ROOT.key(BOB.keyid) == BOB
    assert ROOT.key(BOB.keyid.upper()) is None
    assert ROOT.key("") is None


def test_agent_owners_have_one_grant_for_each_set_of_agents():
    assert [grant.agents for grant in ROOT.grants_of(Role.AGENT_OWNER)] == [("support",), ("triage", "drafting")]
