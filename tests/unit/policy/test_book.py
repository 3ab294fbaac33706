from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.policy.book import Book, Taken, take
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.documents import Denial
from interlock.records.head import Head
from interlock.records.models import Evidence, Registration
from interlock.records.rules import guard_subject
from interlock.records.sealing import event_id_of
from interlock.signing.roles import Role
from interlock.signing.trust import Grant, TrustedKey, TrustRoot
from interlock.signing.verifier import Refused
from interlock.testing.builders import DAY, NOW, Deployment, key_of, model
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.limits import ENVELOPE_BYTES_MAX, POLICY_BYTES_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

DEPLOYMENT = Deployment()
POLICY = DEPLOYMENT.policy("support", ["atlas", "birch"])
ROUTE = RouteId("support", "main", "*")


def denial(model: str = "birch", name: str = "d-1", signer: str = "sam") -> bytes:
    return DEPLOYMENT.seal(Denial(name, model, "unsafe", NOW), signer)


def taken(book: Book, sealed: bytes | None) -> Taken:
    result = take(book, sealed)
    assert isinstance(result, Taken), result
    return result


def reason(book: Book, sealed: bytes | None) -> Reason | None:
    result = take(book, sealed)
    return result.reason if isinstance(result, Refused) else None


# What a book holds.


def test_a_book_starts_with_the_root_and_nothing_else():
    book = DEPLOYMENT.book()
    assert book.trust is DEPLOYMENT.root
    assert book.head.root == Head().put("root", event_id_of(DEPLOYMENT.root)).root
    assert (len(book.policies), len(book.denials)) == (0, 0)
    assert book.rule(ROUTE) is None
    assert not book.users_of("atlas")


def test_a_policy_is_held_with_its_bytes_its_evidence_and_its_digest():
    policy = DEPLOYMENT.policy_of("support", DEPLOYMENT.rule(["atlas", "birch"]))
    result = taken(DEPLOYMENT.book(), POLICY)
    held = result.book.policies["support"]
    assert (result.value, result.event_id) == (policy, event_id_of(policy))
    assert (held.value, held.sealed, held.event_id) == (policy, POLICY, event_id_of(policy))
    assert set(held.evidence) == {("atlas", "2026-01", "chat"), ("birch", "2026-01", "chat")}
    assert result.book.rule(ROUTE) == policy.routes[0]
    assert result.book.rule(RouteId("support", "main", "eu")) is None


def test_a_denial_is_held_by_its_model():
    result = taken(DEPLOYMENT.book(), denial())
    said = Denial("d-1", "birch", "unsafe", NOW)
    assert (result.value, result.event_id) == (said, event_id_of(said))
    assert (result.book.denials["birch"].verified.value, result.book.denials["birch"].sealed) == (said, denial())


def test_the_head_is_over_every_document_by_its_key():
    book = DEPLOYMENT.book(POLICY, denial())
    written = {
        "root": event_id_of(DEPLOYMENT.root),
        "policy/support": book.policies["support"].event_id,
        "deny/birch": book.denials["birch"].verified.event_id,
    }
    head = Head()
    for key, value in written.items():
        head = head.put(key, value)
    assert book.head.root == head.root


def test_taking_leaves_the_old_book_as_it_was():
    old = DEPLOYMENT.book()
    before = old.head.root
    taken(old, POLICY)
    taken(old, denial())
    assert (old.head.root, len(old.policies), len(old.denials)) == (before, 0, 0)


def test_the_users_of_a_model_follow_the_ladders():
    book = DEPLOYMENT.book(POLICY, DEPLOYMENT.policy("triage", ["birch", "cedar"]))
    triage = RouteId("triage", "main", "*")
    assert {name: set(book.users_of(name)) for name in ("atlas", "birch", "cedar", "dogwood")} == {
        "atlas": {ROUTE},
        "birch": {ROUTE, triage},
        "cedar": {triage},
        "dogwood": set(),
    }
    renewed = taken(book, DEPLOYMENT.policy("support", ["cedar", "atlas"], version=2)).book
    assert set(renewed.users_of("birch")) == {triage}
    assert set(renewed.users_of("cedar")) == {ROUTE, triage}


# What is refused.


@pytest.mark.parametrize("nothing", [None, b""])
def test_empty(nothing: bytes | None):
    assert reason(DEPLOYMENT.book(POLICY), nothing) is Reason.EMPTY


def test_bytes_that_are_no_envelope():
    assert reason(DEPLOYMENT.book(), b"tree") is Reason.NOT_AN_ENVELOPE
    assert reason(DEPLOYMENT.book(), bytes(ENVELOPE_BYTES_MAX + 1)) is Reason.TOO_LARGE
    assert reason(DEPLOYMENT.book(), POLICY[:2] + bytes(8) + POLICY[10:]) is Reason.UNKNOWN_FINGERPRINT


def test_a_signed_policy_may_be_as_large_as_its_limit_and_not_a_byte_larger():
    policy = DEPLOYMENT.policy_of("support", DEPLOYMENT.rule(["atlas"]))
    spare = replace(policy, team="x" * 100_000)
    padding = 100_000 + POLICY_BYTES_MAX - len(DEPLOYMENT.seal(spare, "grace", "oscar"))
    largest, larger = (
        DEPLOYMENT.seal(replace(policy, team="x" * size), "grace", "oscar") for size in (padding, padding + 1)
    )
    assert (len(largest), len(larger)) == (POLICY_BYTES_MAX, POLICY_BYTES_MAX + 1)
    assert reason(DEPLOYMENT.book(), largest) is None
    assert reason(DEPLOYMENT.book(), larger) is Reason.TOO_LARGE


def test_a_kind_of_record_that_has_no_place_on_this_topic():
    command = Command(
        id="c-1",
        deployment="testbed",
        verb=Verb.DISABLE,
        agent="support",
        route="",
        model="atlas",
        about="",
        outcome=ReviewOutcome.NONE,
        ticket="",
        reason="",
        issued_at=NOW,
        expires_at=Micros(NOW + DAY),
    )
    evidence = DEPLOYMENT.rung("atlas").evidence
    for sealed in (DEPLOYMENT.seal(command, "olga"), evidence):
        assert reason(DEPLOYMENT.book(), sealed) is Reason.UNEXPECTED_PAYLOAD_TYPE


def signed_policy(*signers: str, agent: str = "support") -> bytes:
    return DEPLOYMENT.seal(DEPLOYMENT.policy_of(agent, DEPLOYMENT.rule(["atlas"])), *signers)


@pytest.mark.parametrize(
    ("signers", "refused"),
    [
        ([], Reason.NO_SIGNATURE),
        (["eve"], Reason.NO_SIGNATURE),
        (["grace"], Reason.THRESHOLD_NOT_MET),
        (["oscar"], Reason.THRESHOLD_NOT_MET),
        (["grace", "vera"], Reason.THRESHOLD_NOT_MET),
        (["decision-1"], Reason.ROLE_NOT_ALLOWED),
        (["sam", "olga", "root-1", "root-2"], Reason.ROLE_NOT_ALLOWED),
        (["grace", "oscar"], None),
    ],
)
def test_a_policy_needs_governance_and_the_agents_owner(signers: Sequence[str], refused: Reason | None):
    assert reason(DEPLOYMENT.book(), signed_policy(*signers)) is refused


def test_a_policy_needs_the_owner_of_its_own_agent():
    assert reason(DEPLOYMENT.book(), signed_policy("grace", "oscar", agent="payroll")) is Reason.THRESHOLD_NOT_MET


@pytest.mark.parametrize("signer", ["grace", "oscar", "olga", "decision-1", "root-1"])
def test_a_denial_needs_safety(signer: str):
    assert reason(DEPLOYMENT.book(), denial(signer=signer)) is Reason.ROLE_NOT_ALLOWED


def test_wrong_audience_for_a_policy_and_a_root_of_another_deployment():
    elsewhere = replace(DEPLOYMENT.policy_of("support", DEPLOYMENT.rule(["atlas"])), deployment="staging")
    root = replace(DEPLOYMENT.next_root(2), deployment="staging")
    book = DEPLOYMENT.book()
    assert reason(book, DEPLOYMENT.seal(elsewhere, "grace", "oscar")) is Reason.WRONG_AUDIENCE
    assert reason(book, DEPLOYMENT.seal(root, "root-1", "root-2")) is Reason.WRONG_AUDIENCE


def test_not_newer_is_a_policy_that_is_held_already_whoever_else_signed_it():
    book = DEPLOYMENT.book(POLICY)
    assert reason(book, POLICY) is Reason.NOT_NEWER
    once_more = DEPLOYMENT.policy_of("support", DEPLOYMENT.rule(["atlas", "birch"]))
    assert reason(book, DEPLOYMENT.seal(once_more, "oscar", "grace")) is Reason.NOT_NEWER
    assert reason(book, DEPLOYMENT.seal(once_more, "oscar", "grace", "vera")) is Reason.NOT_NEWER


def test_equivocation_is_another_policy_under_the_version_that_is_held():
    assert reason(DEPLOYMENT.book(POLICY), DEPLOYMENT.policy("support", ["birch", "atlas"])) is Reason.EQUIVOCATION


def test_policy_older_is_a_policy_below_the_version_that_is_held():
    book = DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas"], version=3))
    for version in (1, 2):
        assert reason(book, DEPLOYMENT.policy("support", ["atlas"], version=version)) is Reason.POLICY_OLDER


def test_versions_of_a_policy_may_leave_gaps_and_agents_count_for_themselves():
    book = DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas"], version=7))
    assert taken(book, DEPLOYMENT.policy("support", ["birch"], version=9)).book.policies["support"].value.version == 9
    assert taken(book, DEPLOYMENT.policy("triage", ["birch"], version=1))


def test_not_newer_is_a_model_that_is_denied_already_under_whatever_name():
    book = DEPLOYMENT.book(denial())
    assert reason(book, denial()) is Reason.NOT_NEWER
    assert reason(book, denial(name="d-2")) is Reason.NOT_NEWER
    assert reason(book, denial("atlas")) is None


def test_what_is_refused_changes_nothing():
    book = DEPLOYMENT.book(POLICY)
    before = book.head.root
    assert reason(book, DEPLOYMENT.policy("support", ["birch", "atlas"])) is Reason.EQUIVOCATION
    assert (book.head.root, book.policies["support"].sealed) == (before, POLICY)


@settings(max_examples=60)
@given(st.binary(max_size=50))
def test_no_bytes_make_it_raise(sealed: bytes):
    book = DEPLOYMENT.book()
    assert isinstance(take(book, sealed), Refused)
    assert isinstance(take(book, POLICY[:10] + sealed), Refused)


# The registry.

ATLAS = model("atlas")
ENTRY = DEPLOYMENT.registration(ATLAS, version=2)


def test_an_entry_of_the_registry_is_held_and_stands_in_the_head():
    before = DEPLOYMENT.book(POLICY)
    result = taken(before, ENTRY)
    assert (
        result.book.registry["atlas"].value
        == result.value
        == Registration("testbed", 2, ATLAS, False, result.value.issued_at)
    )
    assert result.book.head.root == before.head.put("model/atlas", result.event_id).root != before.head.root
    assert result.book.policies == before.policies
    assert "atlas" not in before.registry


@pytest.mark.parametrize("signer", ["oscar", "vera", "sam", "olga", "decision-1", "root-1"])
def test_an_entry_needs_governance(signer: str):
    entry = DEPLOYMENT.seal(Registration("testbed", 1, ATLAS, False, NOW), signer)
    assert reason(DEPLOYMENT.book(), entry) is Reason.ROLE_NOT_ALLOWED


def test_wrong_audience_for_an_entry_of_another_deployment():
    entry = DEPLOYMENT.seal(Registration("staging", 1, ATLAS, False, NOW), "grace")
    assert reason(DEPLOYMENT.book(), entry) is Reason.WRONG_AUDIENCE


def test_entries_only_go_up_and_each_model_counts_for_itself():
    book = DEPLOYMENT.book(ENTRY)
    assert reason(book, ENTRY) is Reason.NOT_NEWER
    assert reason(book, DEPLOYMENT.registration(ATLAS, version=1)) is Reason.NOT_NEWER
    assert reason(book, DEPLOYMENT.registration(ATLAS, version=1, withdrawn=True)) is Reason.NOT_NEWER
    assert reason(book, DEPLOYMENT.registration(model("birch"), version=1)) is None
    later = DEPLOYMENT.registration(ATLAS, version=9, withdrawn=True)
    assert taken(book, later).book.registry["atlas"].value.withdrawn


@pytest.mark.parametrize("withdrawn", [False, True])
def test_equivocation_is_another_entry_under_the_version_that_is_held(withdrawn: bool):
    other = DEPLOYMENT.registration(
        model("atlas", tools=()) if not withdrawn else ATLAS, version=2, withdrawn=withdrawn
    )
    book = DEPLOYMENT.book(ENTRY)
    assert reason(book, other) is Reason.EQUIVOCATION
    assert book.registry["atlas"].value.model == ATLAS


def test_the_registry_survives_a_new_root_and_even_the_key_of_who_spoke():
    before = DEPLOYMENT.book(POLICY, ENTRY, DEPLOYMENT.registration(model("birch"), withdrawn=True))
    for next_root in (root(), root(without=["grace"])):
        after = taken(before, sealed_root(next_root)).book
        assert after.registry == before.registry
        assert after.head.root != taken(DEPLOYMENT.book(POLICY), sealed_root(next_root)).book.head.root
        assert reason(after, DEPLOYMENT.registration(model("birch"), version=1)) is not None


def test_the_users_of_a_guard_are_the_routes_that_require_it():
    rule = DEPLOYMENT.rule(["atlas"], guards=("checker",))
    book = DEPLOYMENT.book(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", rule), "grace", "oscar"))
    assert set(book.users_of(guard_subject("checker"))) == {ROUTE}
    assert set(taken(book, DEPLOYMENT.policy("support", ["atlas"], version=2)).book.users_of("guard@checker")) == set()


# The trust root's succession.


def root(version: int = 2, *, without: Sequence[str] = (), threshold: int = 2) -> TrustRoot:
    """A next root in which some of the cast hold nothing any more."""
    usual = DEPLOYMENT.next_root(version)
    gone = {key_of(owner).keyid for owner in without}
    kept = [replace(grant, keyids=tuple(key for key in grant.keyids if key not in gone)) for grant in usual.grants]
    grants = [
        replace(grant, threshold=threshold) if grant.role == Role.ROOT else grant for grant in kept if grant.keyids
    ]
    return replace(usual, keys=tuple(key for key in usual.keys if key.keyid not in gone), grants=tuple(grants))


def sealed_root(next_root: TrustRoot, *signers: str) -> bytes:
    return DEPLOYMENT.seal(next_root, *(signers or ("root-1", "root-2")))


def test_the_next_root_takes_over_with_everything_that_it_still_vouches_for():
    before = DEPLOYMENT.book(POLICY, denial())
    result = taken(before, sealed_root(root()))
    assert result.value == result.book.trust == root()
    assert result.event_id == event_id_of(root())
    assert result.book.policies["support"].sealed == POLICY
    assert result.book.denials["birch"].sealed == denial()
    assert set(result.book.users_of("birch")) == {ROUTE}
    assert result.book.head.root == before.head.put("root", result.event_id).root != before.head.root


def test_root_not_next_is_a_root_that_leaves_one_out():
    assert reason(DEPLOYMENT.book(), sealed_root(root(3))) is Reason.ROOT_NOT_NEXT


def test_not_newer_is_a_root_that_is_held_or_was():
    book = DEPLOYMENT.book(sealed_root(root()))
    assert reason(book, DEPLOYMENT.sealed_root) is Reason.NOT_NEWER
    assert reason(book, sealed_root(root())) is Reason.NOT_NEWER


def test_equivocation_is_another_root_of_the_version_that_is_held():
    book = DEPLOYMENT.book(sealed_root(root()))
    assert reason(book, sealed_root(root(without=["sam"]))) is Reason.EQUIVOCATION
    assert reason(book, sealed_root(root(1, without=["sam"]))) is Reason.NOT_NEWER


def test_roots_follow_one_another():
    book = DEPLOYMENT.book(sealed_root(root(2)), sealed_root(root(3)), sealed_root(root(4)))
    assert book.trust.version == 4


@pytest.mark.parametrize("signers", [["root-1"], ["root-1", "root-1"], ["root-1", "grace"], ["root-1", "oscar", "eve"]])
def test_a_root_needs_the_threshold_of_the_one_before(signers: Sequence[str]):
    assert reason(DEPLOYMENT.book(), sealed_root(root(threshold=1), *signers)) is Reason.THRESHOLD_NOT_MET


def test_a_root_needs_its_own_threshold_too():
    stricter = root(threshold=3)
    assert reason(DEPLOYMENT.book(), sealed_root(stricter, "root-1", "root-2")) is Reason.THRESHOLD_NOT_MET
    assert reason(DEPLOYMENT.book(), sealed_root(stricter, "root-1", "root-2", "root-3")) is None


def test_a_root_that_hands_over_to_others_needs_both_the_old_and_the_new():
    heirs = [TrustedKey(key_of(name).keyid, name, key_of(name).public) for name in ("root-4", "root-5")]
    usual = DEPLOYMENT.next_root(2)
    others = [grant for grant in usual.grants if grant.role != Role.ROOT]
    handed = replace(
        usual,
        keys=(*usual.keys, *heirs),
        grants=(*others, Grant(Role.ROOT, 2, tuple(heir.keyid for heir in heirs))),
    )
    book = DEPLOYMENT.book()
    assert reason(book, sealed_root(handed, "root-1", "root-2")) is Reason.ROLE_NOT_ALLOWED
    assert reason(book, sealed_root(handed, "root-4", "root-5")) is Reason.NO_SIGNATURE
    assert reason(book, sealed_root(handed, "root-1", "root-2", "root-4")) is Reason.THRESHOLD_NOT_MET
    assert reason(book, sealed_root(handed, "root-1", "root-4", "root-5")) is Reason.THRESHOLD_NOT_MET
    assert reason(book, sealed_root(handed, "root-1", "root-2", "root-4", "root-5")) is None


def test_a_policy_that_the_next_root_does_not_vouch_for_is_gone():
    book = DEPLOYMENT.book(POLICY, DEPLOYMENT.policy("triage", ["birch"]))
    narrowed = DEPLOYMENT.next_root(2, agents=["triage"])
    renewed = taken(book, sealed_root(narrowed)).book
    assert list(renewed.policies) == ["triage"]
    assert renewed.rule(ROUTE) is None
    assert set(renewed.users_of("birch")) == {RouteId("triage", "main", "*")}
    assert (
        renewed.head.root
        == taken(DEPLOYMENT.book(DEPLOYMENT.policy("triage", ["birch"])), sealed_root(narrowed)).book.head.root
    )


def test_evidence_that_the_next_root_does_not_vouch_for_is_gone():
    book = taken(DEPLOYMENT.book(POLICY), sealed_root(root(without=["vera"]))).book
    assert book.policies["support"].sealed == POLICY
    assert not book.policies["support"].evidence


def test_a_denial_stays_though_the_next_root_no_longer_knows_who_said_it():
    before = DEPLOYMENT.book(denial())
    book = taken(before, sealed_root(root(without=["sam"]))).book
    assert book.denials == before.denials
    assert book.head.root != taken(DEPLOYMENT.book(), sealed_root(root(without=["sam"]))).book.head.root


def test_after_a_root_has_gone_its_keys_say_nothing():
    book = taken(DEPLOYMENT.book(), sealed_root(root(without=["grace"]))).book
    assert reason(book, POLICY) is Reason.THRESHOLD_NOT_MET


def test_evidence_on_its_own_is_never_taken():
    assert isinstance(DEPLOYMENT.book(POLICY).policies["support"].evidence["atlas", "2026-01", "chat"], Evidence)
    assert reason(DEPLOYMENT.book(POLICY), DEPLOYMENT.rung("cedar").evidence) is Reason.UNEXPECTED_PAYLOAD_TYPE


def test_a_policy_is_opened_once_for_all_books_that_share_their_beginning():
    deployment = Deployment()
    sealed, start = deployment.policy("support", ["atlas", "birch"]), deployment.book()
    first, second = take(start, sealed), take(start, bytes(bytearray(sealed)))
    assert isinstance(first, Taken)
    assert isinstance(second, Taken)
    assert first.book.policies["support"] is second.book.policies["support"]


def test_what_was_opened_under_one_trust_root_is_opened_again_under_another():
    deployment = Deployment()
    sealed = deployment.policy("support", ["atlas", "birch"])
    held = deployment.book(sealed)
    other = Deployment(agents=["triage"])
    assert isinstance(take(other.book(), sealed), Refused)
    assert take(held, sealed) == Refused(Reason.NOT_NEWER, "policy 1 of support")
    narrowed = replace(other.next_root(2), issued_at=deployment.issued_at)
    renewed = take(held, deployment.seal(narrowed, "root-1", "root-2"))
    assert isinstance(renewed, Taken)
    assert "support" not in renewed.book.policies
    assert isinstance(take(renewed.book, sealed), Refused)
