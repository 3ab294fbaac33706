"""Every refusal of the verifier, against a trust root in which every role is held by people and services of its own."""

import hashlib
import re
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import interlock
from interlock.signing import verifier
from interlock.signing.envelope import Envelope, Signature
from interlock.signing.keys import SigningKey, sign
from interlock.signing.roles import Role
from interlock.signing.statement import Statement
from interlock.signing.trust import Grant, TrustedKey, TrustRoot
from interlock.signing.verifier import Refused, Verified, verify
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.limits import ENVELOPE_BYTES_MAX, SIGNATURES_MAX
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493

HOLDERS = {role: (f"{role.replace('_', '-')}-1", f"{role.replace('_', '-')}-2") for role in Role}
"""Two owners of each role, who hold no other."""


def key_of(name: str) -> SigningKey:
    return SigningKey.from_seed(digest(name.encode()))


def trusted(name: str, owner: str | None = None) -> TrustedKey:
    return TrustedKey(key_of(name).keyid, owner or name, key_of(name).public)


def granted(role: Role, *names: str, threshold: int = 1, agents: tuple[str, ...] = ("support",)) -> Grant:
    keyids = tuple(key_of(name).keyid for name in names)
    return Grant(role, threshold, keyids, agents if role is Role.AGENT_OWNER else ())


def root_of(*grants: Grant, extra: tuple[TrustedKey, ...] = ()) -> TrustRoot:
    """A root with these grants in place of the roles' usual ones."""
    told = {grant.role for grant in grants}
    usual = [
        granted(role, *names, threshold=2 if role is Role.ROOT else 1)
        for role, names in HOLDERS.items()
        if role not in told
    ]
    keys = [trusted(name) for names in HOLDERS.values() for name in names]
    return TrustRoot(1, "testbed", Micros(1), Micros(2), (*keys, *extra), (*usual, *grants))


TRUST = root_of()


@dataclass(frozen=True)
class Said(Statement):
    """A record that says of itself what a test wants."""

    by: str | None = None
    about: str | None = "support"

    def said_by(self) -> str | None:
        return self.by

    def concerns(self) -> str | None:
        return self.about


@dataclass
class Reader:
    """A decoder that remembers what it was given."""

    answer: Said | Reason = field(default_factory=Said)
    read: list[tuple[str, bytes]] = field(default_factory=list)

    def __call__(self, kind: str, payload: bytes) -> Said | Reason:
        self.read.append((kind, payload))
        return self.answer


def judge(
    envelope: Envelope, trust: TrustRoot = TRUST, reader: Reader | None = None, expected: object = PayloadType
) -> Verified[Said] | Refused:
    return verify(envelope, trust, list(expected), reader or Reader())  # type: ignore[call-overload]


def reason(envelope: Envelope, trust: TrustRoot = TRUST, answer: Said | Reason | None = None) -> Reason | None:
    """The reason of the refusal; None if the record counts. What is refused before decoding is never decoded."""
    reader = Reader(answer or Said())
    judged = judge(envelope, trust, reader)
    if isinstance(judged, Verified):
        return None
    late = {Reason.THRESHOLD_NOT_MET, Reason.NOT_ITS_OWN_WORD, Reason.UNREADABLE, Reason.OUT_OF_BOUNDS}
    assert bool(reader.read) == (judged.reason in late)
    return judged.reason


def signed(kind: str, *names: str, payload: bytes = b"body") -> Envelope:
    return sign(kind, payload, *(key_of(name) for name in names))


DENIAL = signed(PayloadType.DENIAL, "safety-1")
POLICY = signed(PayloadType.ROUTE_POLICY, "governance-1", "agent-owner-1")


def test_a_record_that_meets_the_rule_is_verified():
    reader = Reader(Said())
    judged = judge(POLICY, reader=reader)
    assert isinstance(judged, Verified)
    assert judged.value is reader.answer
    assert judged.signers == {"governance-1", "agent-owner-1"}
    assert judged.event_id == hashlib.sha256(b"DSSEv1 24 interlock.v1.RoutePolicy 4 body").digest()
    assert reader.read == [(PayloadType.ROUTE_POLICY, b"body")]


# Step 1: size and shape.


def test_too_large_is_one_byte_above_the_limit():
    largest = bytes(ENVELOPE_BYTES_MAX)
    assert reason(signed(PayloadType.DENIAL, "safety-1", payload=largest)) is None
    assert reason(signed(PayloadType.DENIAL, "safety-1", payload=largest + b"\0")) is Reason.TOO_LARGE


def test_no_signature_at_all():
    assert judge(Envelope(PayloadType.DENIAL, b"body", ())) == Refused(Reason.NO_SIGNATURE)


def test_too_many_signatures_is_one_above_the_limit():
    filler = [key_of(f"stranger {number}").sign(PayloadType.DENIAL, b"body") for number in range(SIGNATURES_MAX)]
    assert reason(replace(DENIAL, signatures=(*DENIAL.signatures, *filler[1:]))) is None
    assert reason(replace(DENIAL, signatures=(*DENIAL.signatures, *filler))) is Reason.TOO_MANY_SIGNATURES


# Step 2: the kind.


@pytest.mark.parametrize("kind", ["", "Denial", "interlock.v1.Nothing", "interlock.v1.denial", "*", "\ud800"])
def test_unknown_payload_type(kind: str):
    envelope = Envelope(kind, b"body", DENIAL.signatures)
    assert reason(envelope) is Reason.UNKNOWN_PAYLOAD_TYPE


def test_unexpected_payload_type_even_if_everything_else_is_right():
    reader = Reader()
    judged = judge(DENIAL, reader=reader, expected=[PayloadType.COMMAND, PayloadType.VERDICT])
    assert judged == Refused(Reason.UNEXPECTED_PAYLOAD_TYPE, "interlock.v1.Denial")
    assert not reader.read


def test_where_nothing_is_expected_nothing_counts():
    assert judge(DENIAL, expected=[]) == Refused(Reason.UNEXPECTED_PAYLOAD_TYPE, "interlock.v1.Denial")


# Step 3: signatures.


def test_a_signature_by_an_untrusted_key_is_no_signature():
    assert reason(signed(PayloadType.DENIAL, "stranger")) is Reason.NO_SIGNATURE


def test_a_signature_by_an_untrusted_key_beside_a_good_one_is_ignored_even_if_it_does_not_hold():
    stranger = Signature(key_of("stranger").keyid, b"nonsense")
    assert reason(replace(DENIAL, signatures=(stranger, *DENIAL.signatures))) is None
    assert reason(replace(DENIAL, signatures=(*DENIAL.signatures, stranger))) is None


@pytest.mark.parametrize("keyid", ["", "safety-1", "0" * 64, key_of("safety-1").keyid.upper(), "\ud800"])
def test_a_missing_or_unknown_key_id_selects_no_key_however_good_the_signature(keyid: str):
    unnamed = Signature(keyid, DENIAL.signatures[0].sig)
    assert reason(replace(DENIAL, signatures=(unnamed,))) is Reason.NO_SIGNATURE


def test_a_key_id_proves_nothing():
    borrowed = Signature(key_of("safety-1").keyid, key_of("stranger").sign(PayloadType.DENIAL, b"body").sig)
    assert reason(replace(DENIAL, signatures=(borrowed,))) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("bit", range(0, 512, 5))
def test_bad_signature_if_any_bit_of_it_is_another(bit: int):
    flipped = bytearray(DENIAL.signatures[0].sig)
    flipped[bit // 8] ^= 1 << bit % 8
    forged = replace(DENIAL, signatures=(Signature(key_of("safety-1").keyid, bytes(flipped)),))
    assert reason(forged) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("cut", [lambda sig: b"", lambda sig: sig[:-1], lambda sig: sig + b"\0", lambda sig: sig * 2])
def test_bad_signature_if_it_has_another_length(cut):
    [signature] = DENIAL.signatures
    assert reason(replace(DENIAL, signatures=(replace(signature, sig=cut(signature.sig)),))) is Reason.BAD_SIGNATURE


def test_bad_signature_if_it_is_the_other_form_of_a_good_one():
    [signature] = DENIAL.signatures
    scalar = int.from_bytes(signature.sig[32:], "little") + ED25519_ORDER
    malleated = signature.sig[:32] + scalar.to_bytes(32, "little")
    assert reason(replace(DENIAL, signatures=(replace(signature, sig=malleated),))) is Reason.BAD_SIGNATURE


def test_bad_signature_if_the_payload_is_another():
    assert reason(replace(DENIAL, payload=b"Body")) is Reason.BAD_SIGNATURE


def test_bad_signature_if_the_payload_was_signed_as_another_kind():
    assert reason(replace(DENIAL, payload_type=PayloadType.COMMAND)) is Reason.BAD_SIGNATURE


def test_bad_signature_beside_a_good_one_of_another_key():
    bad = Signature(key_of("safety-2").keyid, bytes(64))
    for signatures in ((bad, *DENIAL.signatures), (*DENIAL.signatures, bad)):
        assert judge(replace(DENIAL, signatures=signatures)) == Refused(Reason.BAD_SIGNATURE, "key of safety-2")


def test_bad_signature_beside_a_good_one_of_the_same_key():
    bad = Signature(key_of("safety-1").keyid, bytes(64))
    assert reason(replace(DENIAL, signatures=(*DENIAL.signatures, bad))) is Reason.BAD_SIGNATURE


# Step 4: roles.

MAY_SAY = {
    PayloadType.TRUST_ROOT: {Role.ROOT},
    PayloadType.REGISTRATION: {Role.GOVERNANCE},
    PayloadType.EVIDENCE: {Role.VALIDATOR},
    PayloadType.ROUTE_POLICY: set(),
    PayloadType.DENIAL: {Role.SAFETY},
    PayloadType.COMMAND: {Role.OPERATOR, Role.AGENT_OWNER, Role.SAFETY, Role.WATCH},
    PayloadType.TELEMETRY: {Role.REPORTER, Role.PROBE},
    PayloadType.GUARD_BEAT: {Role.GUARD},
    PayloadType.VERDICT: {Role.HEALTH},
    PayloadType.AUDIT_RECORD: {Role.DECISION},
    PayloadType.ROUTING_CHANGE: {Role.DECISION},
    PayloadType.HEARTBEAT: {Role.DECISION},
    PayloadType.ACKNOWLEDGEMENT: {Role.ROUTER},
    PayloadType.STATE_RECORD: {Role.DECISION},
    PayloadType.STATE_MARK: {Role.DECISION},
    PayloadType.TICKET: {Role.ROUTER},
    PayloadType.NOTICE: {Role.NOTIFIER},
    PayloadType.BREACH: {Role.WATCH},
    PayloadType.FINDING: {
        Role.DECISION,
        Role.HEALTH,
        Role.REPORTER,
        Role.PROBE,
        Role.ROUTER,
        Role.NOTIFIER,
        Role.WATCH,
    },
}
"""DESIGN 4, copied by hand: which role may say what by itself. A policy takes two."""


def test_the_table_of_this_test_is_complete():
    assert set(MAY_SAY) == set(PayloadType)


@pytest.mark.parametrize("kind", PayloadType)
@pytest.mark.parametrize("role", Role)
def test_a_role_is_bound_to_its_kinds_of_record(role: Role, kind: PayloadType):
    expected = None if role in MAY_SAY[kind] else Reason.ROLE_NOT_ALLOWED
    if kind is PayloadType.ROUTE_POLICY and role in {Role.GOVERNANCE, Role.AGENT_OWNER}:
        expected = Reason.THRESHOLD_NOT_MET
    assert reason(signed(kind, *HOLDERS[role])) is expected


@pytest.mark.parametrize("pair", list(combinations(Role, 2)), ids="+".join)
def test_a_policy_takes_governance_and_the_agents_owner_and_no_other_pair_will_do(pair: tuple[Role, Role]):
    names = [HOLDERS[role][0] for role in pair]
    counts = set(pair) == {Role.GOVERNANCE, Role.AGENT_OWNER}
    assert (reason(signed(PayloadType.ROUTE_POLICY, *names)) is None) == counts


def test_the_wrong_role_beside_the_right_one_adds_nothing_and_spoils_nothing():
    assert reason(signed(PayloadType.DENIAL, "safety-1", "decision-1")) is None
    assert reason(signed(PayloadType.TRUST_ROOT, "root-1", "decision-1")) is Reason.THRESHOLD_NOT_MET


def test_a_role_that_nobody_holds_lets_nobody_speak():
    trust = replace(TRUST, grants=tuple(grant for grant in TRUST.grants if grant.role != Role.SAFETY))
    assert reason(DENIAL, trust) is Reason.ROLE_NOT_ALLOWED


# Step 5: reading.


@pytest.mark.parametrize("fault", [Reason.UNREADABLE, Reason.OUT_OF_BOUNDS])
def test_the_decoders_reason_is_the_answer(fault: Reason):
    assert reason(DENIAL, answer=fault) is fault


# Step 6: thresholds, by distinct people.


def test_fewer_owners_than_the_threshold_are_too_few():
    assert reason(signed(PayloadType.TRUST_ROOT, "root-1")) is Reason.THRESHOLD_NOT_MET
    assert reason(signed(PayloadType.TRUST_ROOT, "root-1", "root-2")) is None


def test_one_signature_given_twice_counts_once():
    once = signed(PayloadType.TRUST_ROOT, "root-1")
    assert reason(replace(once, signatures=once.signatures * 2)) is Reason.THRESHOLD_NOT_MET


def test_a_signature_that_is_repeated_is_checked_once(monkeypatch: pytest.MonkeyPatch):
    checked, holds = [], verifier.signature_holds

    def noted(public_key: bytes, signature: bytes, message: bytes) -> bool:
        checked.append(signature)
        return holds(public_key, signature, message)

    monkeypatch.setattr(verifier, "signature_holds", noted)
    assert reason(replace(DENIAL, signatures=DENIAL.signatures * SIGNATURES_MAX)) is None
    assert len(checked) == 1


def test_one_owner_with_two_keys_counts_once():
    second = trusted("root-1's second key", "root-1")
    trust = root_of(granted(Role.ROOT, "root-1", "root-1's second key", "root-2", threshold=2), extra=(second,))
    assert reason(signed(PayloadType.TRUST_ROOT, "root-1", "root-1's second key"), trust) is Reason.THRESHOLD_NOT_MET
    assert reason(signed(PayloadType.TRUST_ROOT, "root-1's second key", "root-2"), trust) is None


def test_one_key_under_a_second_id_counts_once():
    [signature] = signed(PayloadType.TRUST_ROOT, "root-1").signatures
    twin = Signature(signature.keyid.upper(), signature.sig)
    assert reason(Envelope(PayloadType.TRUST_ROOT, b"body", (signature, twin))) is Reason.THRESHOLD_NOT_MET


def test_one_person_in_both_roles_cannot_sign_a_policy_alone_not_even_with_two_keys():
    both = (trusted("paul"), trusted("paul's second key", "paul"))
    trust = root_of(
        granted(Role.GOVERNANCE, "paul", "governance-1"),
        granted(Role.AGENT_OWNER, "paul", "paul's second key", "agent-owner-1"),
        extra=both,
    )
    for names in (["paul"], ["paul", "paul's second key"]):
        assert reason(signed(PayloadType.ROUTE_POLICY, *names), trust) is Reason.THRESHOLD_NOT_MET
    for other in ("governance-1", "agent-owner-1"):
        assert reason(signed(PayloadType.ROUTE_POLICY, "paul", other), trust) is None


def test_people_in_both_roles_are_enough_only_if_there_is_one_for_every_place():
    extra = (trusted("paul"), trusted("pia"))
    trust = root_of(
        granted(Role.GOVERNANCE, "paul", "pia", "governance-1", threshold=2),
        granted(Role.AGENT_OWNER, "paul", "pia"),
        extra=extra,
    )
    assert reason(signed(PayloadType.ROUTE_POLICY, "paul", "pia"), trust) is Reason.THRESHOLD_NOT_MET
    assert reason(signed(PayloadType.ROUTE_POLICY, "paul", "pia", "governance-1"), trust) is None


def test_enough_signatures_in_all_do_not_make_up_for_a_role_that_has_too_few():
    trust = root_of(granted(Role.GOVERNANCE, *HOLDERS[Role.GOVERNANCE]), granted(Role.AGENT_OWNER, "agent-owner-1"))
    assert reason(signed(PayloadType.ROUTE_POLICY, "governance-1", "governance-2"), trust) is Reason.THRESHOLD_NOT_MET


def test_enough_people_in_all_do_not_make_up_for_a_threshold_that_one_role_misses():
    trust = root_of(granted(Role.GOVERNANCE, *HOLDERS[Role.GOVERNANCE], threshold=2))
    names = ("governance-1", *HOLDERS[Role.AGENT_OWNER])
    assert reason(signed(PayloadType.ROUTE_POLICY, *names), trust) is Reason.THRESHOLD_NOT_MET
    assert reason(signed(PayloadType.ROUTE_POLICY, *names, "governance-2"), trust) is None


def test_any_one_of_a_roles_grants_will_do():
    trust = root_of(
        granted(Role.GOVERNANCE, "paul"),
        granted(Role.AGENT_OWNER, "paul", agents=("support", "triage")),
        granted(Role.AGENT_OWNER, "agent-owner-1"),
        extra=(trusted("paul"),),
    )
    assert reason(signed(PayloadType.ROUTE_POLICY, "paul", "agent-owner-1"), trust) is None


def test_two_grants_of_a_role_do_not_add_up():
    trust = root_of(
        granted(Role.AGENT_OWNER, "agent-owner-1", "paul", threshold=2),
        granted(Role.AGENT_OWNER, "agent-owner-2", "paul", threshold=2),
        extra=(trusted("paul"),),
    )
    names = ("governance-1", "agent-owner-1", "agent-owner-2")
    assert reason(signed(PayloadType.ROUTE_POLICY, *names), trust) is Reason.THRESHOLD_NOT_MET


@pytest.mark.parametrize("kind", [PayloadType.COMMAND, PayloadType.ROUTE_POLICY])
@pytest.mark.parametrize("agent", ["triage", "*", None, "", "support "])
def test_an_agents_owner_has_no_say_about(kind: PayloadType, agent: str | None):
    names = ["agent-owner-1"] if kind is PayloadType.COMMAND else ["governance-1", "agent-owner-1"]
    assert reason(signed(kind, *names)) is None
    assert reason(signed(kind, *names), answer=Said(about=agent)) is Reason.THRESHOLD_NOT_MET


def test_a_star_in_an_owners_grant_does_not_mean_all_agents():
    trust = root_of(granted(Role.AGENT_OWNER, "agent-owner-1", agents=("*",)))
    for agent in ("*", "support"):
        envelope = signed(PayloadType.COMMAND, "agent-owner-1")
        assert reason(envelope, trust, Said(about=agent)) is Reason.THRESHOLD_NOT_MET


def test_an_operator_may_speak_of_all_agents():
    assert reason(signed(PayloadType.COMMAND, "operator-1"), answer=Said(about="*")) is None


# Step 7: one's own word.


def test_who_speaks_for_himself_signs_himself():
    assert reason(signed(PayloadType.TELEMETRY, "reporter-1"), answer=Said(by="reporter-1")) is None
    assert reason(signed(PayloadType.TELEMETRY, "reporter-1"), answer=Said(by="reporter-2")) is Reason.NOT_ITS_OWN_WORD


def test_a_second_signer_makes_it_nobodys_own_word():
    envelope = signed(PayloadType.TELEMETRY, "reporter-1", "reporter-2")
    assert reason(envelope, answer=Said(by="reporter-1")) is Reason.NOT_ITS_OWN_WORD


def test_nobodys_word_is_not_everybodys():
    assert reason(signed(PayloadType.TELEMETRY, "reporter-1"), answer=Said(by="")) is Reason.NOT_ITS_OWN_WORD


# What holds throughout.


def test_a_refusal_never_repeats_the_content():
    for envelope in (
        replace(DENIAL, payload=b"confidential"),
        signed(PayloadType.DENIAL, "decision-1", payload=b"confidential"),
        signed(PayloadType.TRUST_ROOT, "root-1", payload=b"confidential"),
        Envelope("confidential", b"confidential", DENIAL.signatures),
    ):
        judged = judge(envelope)
        assert isinstance(judged, Refused)
        assert "confidential" not in judged.detail


def test_the_identity_depends_on_what_is_signed_and_not_on_who_signs():
    first, second = judge(DENIAL), judge(signed(PayloadType.DENIAL, "safety-2"))
    other = judge(signed(PayloadType.DENIAL, "safety-1", payload=b"other"))
    assert first == second != other
    assert isinstance(first, Verified)
    assert hash(first) == hash(second)
    assert first != DENIAL


def test_a_verified_record_cannot_be_changed():
    judged = judge(DENIAL)
    for name in ("value", "event_id", "signers"):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(judged, name, None)


def test_nobody_else_makes_a_verified_record():
    for seal in (None, object(), "seal", True):
        with pytest.raises(TypeError, match=r"only interlock\.signing\.verifier"):
            Verified(seal, Said(), b"", frozenset())


def test_no_other_module_touches_the_verifiers_seal():
    sources = Path(interlock.__file__).parent.rglob("*.py")
    touching = [path for path in sources if re.search(r"\b_SEAL\b", path.read_text("utf-8"))]
    assert touching == [Path(verifier.__file__)]


def test_narrowing_keeps_everything_and_never_lies():
    judged = judge(DENIAL)
    assert isinstance(judged, Verified)
    narrowed = judged.narrow(Said)
    assert (narrowed.value, narrowed.event_id, narrowed.signers) == (judged.value, judged.event_id, judged.signers)
    with pytest.raises(TypeError, match="a Said is not a TrustRoot"):
        judged.narrow(TrustRoot)


names = st.sampled_from([name for holders in HOLDERS.values() for name in holders] + ["stranger"])
signatures = st.builds(Signature, st.builds(lambda name: key_of(name).keyid, names) | st.text(max_size=5), st.binary())


@settings(max_examples=60)
@given(st.sampled_from(PayloadType) | st.text(max_size=5), st.binary(max_size=9), st.lists(signatures, max_size=20))
def test_whatever_the_envelope_the_verifier_answers_and_never_reads_it(
    kind: str, payload: bytes, held: list[Signature]
):
    reader = Reader()
    assert isinstance(judge(Envelope(kind, payload, tuple(held)), reader=reader), Refused)
    assert not reader.read


@settings(max_examples=60)
@given(st.sampled_from(PayloadType), st.sets(names, min_size=1, max_size=6))
def test_the_order_of_the_signatures_means_nothing(kind: PayloadType, signers: set[str]):
    forwards, backwards = signed(kind, *sorted(signers)), signed(kind, *sorted(signers, reverse=True))
    assert reason(forwards) == reason(backwards)
