"""Every refusal of `accept` by name, and what it does to the state: nothing."""

from dataclasses import replace

import pytest

from interlock.records.change import RoutingChange
from interlock.records.codec import decode, encode
from interlock.records.documents import Denial
from interlock.records.rules import SafeState
from interlock.records.sealing import decode_envelope, encode_envelope, open_sealed
from interlock.router.answers import Serve, Stop
from interlock.router.core.accept import Answer, accept, retry
from interlock.router.core.marks import Marks
from interlock.router.core.resolve import resolve
from interlock.router.core.state import RouterState, take_document
from interlock.signing.keys import sign
from interlock.testing.builders import NOW, SUPPORT, Deployment, model
from interlock.testing.router_driver import RouterDriver
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, Reading

DEPLOYMENT = Deployment()
POLICY = DEPLOYMENT.policy("support", ["atlas", "birch"])
LATER = Reading(Micros(NOW + 5 * SECOND), Micros(1_000 * SECOND))


CHANGE = RouterDriver(DEPLOYMENT, POLICY).change("atlas", issued_at=LATER.wall)


def holding(*documents, marks=None):
    state = RouterState.start(1, DEPLOYMENT.book(), marks or Marks())
    for document in documents:
        taken = take_document(state, document, LATER)
        assert isinstance(taken, RouterState)
        state = taken
    return state


def sealed(change=CHANGE, by="decision-1", **changes):
    return DEPLOYMENT.seal(replace(change, **changes), by)


def refusal(state, record, *, shard=0, now=LATER):
    """The reason why a record is refused; it must have changed nothing that is held."""
    answer = accept(state, record, shard, now)
    assert answer.answer in {Answer.REFUSED, Answer.PARKED}
    assert (answer.state.held, answer.state.marks, answer.state.heads) == (state.held, state.marks, state.heads)
    assert isinstance(resolve(answer.state, SUPPORT, None, now), Stop)
    return answer.refused.reason


def test_a_change_that_policy_allows_is_accepted_and_sets_its_mark():
    answer = accept(holding(POLICY), sealed(), 0, LATER)
    assert answer.answer is Answer.ACCEPTED
    assert answer.state.held[SUPPORT].change.value == CHANGE
    assert dict(answer.state.marks.unsaved) == {
        "policy/support": "1",
        "order/support/main/*": f"{CHANGE.order} {answer.change.event_id.hex()}",
        "term/0": "1.7.0",
    }


def test_without_a_live_lease_an_accepted_change_is_not_served():
    state = accept(holding(POLICY), sealed(), 0, LATER).state
    assert resolve(state, SUPPORT, None, LATER) == Stop(SUPPORT, SafeState.SUSPEND, Reason.NO_LEASE_YET, CHANGE.id)


def test_the_change_that_is_held_is_known():
    state = accept(holding(POLICY), sealed(), 0, LATER).state
    assert accept(state, sealed(), 0, LATER).answer is Answer.KNOWN


def test_after_a_restart_the_change_that_was_held_is_accepted_again():
    marks = Marks.of(dict(accept(holding(POLICY), sealed(), 0, LATER).state.marks.values))
    assert accept(holding(POLICY, marks=marks), sealed(), 0, LATER).answer is Answer.ACCEPTED


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, Reason.EMPTY),
        (b"", Reason.EMPTY),
        (b"not avro", Reason.NOT_AN_ENVELOPE),
        (b"x" * 800_000, Reason.TOO_LARGE),
        (b"\xc3\x01" + bytes(20), Reason.UNKNOWN_FINGERPRINT),
        (sealed(by="stranger"), Reason.NO_SIGNATURE),
        (sealed(by="health-1"), Reason.ROLE_NOT_ALLOWED),
        (sealed(by="grace"), Reason.ROLE_NOT_ALLOWED),
        (POLICY, Reason.UNEXPECTED_PAYLOAD_TYPE),
        (sealed()[:-1] + bytes([sealed()[-1] ^ 1]), Reason.NOT_AN_ENVELOPE),
        (sealed(deployment="elsewhere"), Reason.WRONG_AUDIENCE),
        (sealed(shard=1), Reason.WRONG_SHARD),
        (sealed(issued_at=Micros(LATER.wall + 60 * SECOND)), Reason.FROM_THE_FUTURE),
        (sealed(policy_digest=bytes(32)), Reason.POLICY_DIGEST_DIFFERS),
        (sealed(slot="other"), Reason.ROUTE_UNKNOWN),
        (sealed(target="zebra"), Reason.NOT_ON_LADDER),
        (sealed(policy_version=2), Reason.POLICY_NOT_HELD),
        (sealed(root_version=2), Reason.POLICY_NOT_HELD),
    ],
    ids=lambda value: str(value) if isinstance(value, Reason) else "",
)
def test_what_is_refused_changes_nothing(record, reason):
    assert refusal(holding(POLICY), record) is reason


def test_a_damaged_signature_is_refused():
    record = bytearray(sealed())
    record[-10] ^= 1
    assert refusal(holding(POLICY), bytes(record)) is Reason.BAD_SIGNATURE


def test_a_change_on_another_partition_is_refused():
    assert refusal(holding(POLICY), sealed(), shard=1) is Reason.WRONG_SHARD


def test_a_change_on_a_partition_that_is_not_its_agents_is_refused():
    """Though it says of itself that it belongs there: who rules one shard does not rule another's agents."""
    own = shard_of("support", 2)
    state = take_document(RouterState.start(2, DEPLOYMENT.book(), Marks()), POLICY, LATER)
    assert refusal(state, sealed(shard=1 - own), shard=1 - own) is Reason.WRONG_SHARD
    assert accept(state, sealed(shard=own), own, LATER).answer is Answer.ACCEPTED


def test_a_change_under_an_older_policy_is_refused():
    newer = DEPLOYMENT.policy("support", ["atlas", "birch"], version=2)
    assert refusal(holding(POLICY, newer), sealed()) is Reason.POLICY_OLDER


def test_a_change_to_a_denied_model_is_refused():
    denial = DEPLOYMENT.seal(Denial("d1", "atlas", "a leak", NOW), "sam")
    assert refusal(holding(POLICY, denial), sealed()) is Reason.DENIED


def test_a_denial_that_was_seen_once_counts_even_if_the_broker_now_withholds_it():
    marks = Marks.of({"deny/atlas": "1"})
    assert refusal(holding(POLICY, marks=marks), sealed()) is Reason.DENIED


def test_a_policy_that_was_seen_once_is_not_replaced_by_an_older_one():
    marks = Marks.of({"policy/support": "2"})
    assert refusal(holding(POLICY, marks=marks), sealed()) is Reason.POLICY_NOT_HELD


def test_under_a_trust_root_that_was_replaced_nothing_is_obeyed():
    assert refusal(holding(POLICY, marks=Marks.of({"root": "2"})), sealed()) is Reason.POLICY_NOT_HELD


def test_a_target_without_evidence_is_refused():
    bare = replace(DEPLOYMENT.rung("atlas"), evidence=DEPLOYMENT.evidence(model("zebra")))
    policy = DEPLOYMENT.policy("support", [bare])
    digest = DEPLOYMENT.book(policy).policies["support"].event_id
    assert refusal(holding(policy), sealed(policy_digest=digest)) is Reason.EVIDENCE_MISSING


def test_a_target_whose_evidence_has_expired_is_refused():
    rung = replace(DEPLOYMENT.rung("atlas"), evidence=DEPLOYMENT.evidence(model("atlas"), expires_at=LATER.wall))
    policy = DEPLOYMENT.policy("support", [rung])
    digest = DEPLOYMENT.book(policy).policies["support"].event_id
    assert refusal(holding(policy), sealed(policy_digest=digest)) is Reason.EVIDENCE_EXPIRED


@pytest.mark.parametrize(
    ("broader", "reason"),
    [
        ({"tools": ("search", "shell")}, Reason.BROADER_TOOLS),
        ({"capability": {"code_execution": True}}, Reason.BROADER_CODE_EXECUTION),
        ({"identity": {"scopes": ("everything", "models.call")}}, Reason.BROADER_SCOPES),
        ({"data": {"regions": ("eu", "us")}}, Reason.BROADER_REGIONS),
    ],
)
def test_a_broader_fallback_smuggled_into_a_policy_is_refused(broader, reason):
    policy = DEPLOYMENT.policy("support", ["atlas", model("birch", **broader)])
    digest = DEPLOYMENT.book(policy).policies["support"].event_id
    assert refusal(holding(policy), sealed(target="birch", policy_digest=digest)) is reason


def test_a_second_fallback_broader_than_the_narrow_first_is_refused():
    policy = DEPLOYMENT.policy("support", ["atlas", model("birch", tools=[]), "cedar"])
    digest = DEPLOYMENT.book(policy).policies["support"].event_id
    assert refusal(holding(policy), sealed(target="cedar", policy_digest=digest)) is Reason.BROADER_TOOLS


def test_an_expired_policy_allows_nothing():
    long_after = Reading(DEPLOYMENT.expires_at, LATER.boot)
    assert refusal(holding(POLICY), sealed(), now=long_after) is Reason.POLICY_EXPIRED


def test_a_change_that_was_under_way_for_too_long_waits_for_a_live_head():
    late = Reading(CHANGE.not_after, LATER.boot)
    answer = accept(holding(POLICY), sealed(), 0, late)
    assert (answer.answer, answer.refused.reason) == (Answer.PARKED, Reason.PAST_NOT_AFTER)


def held_change():
    return accept(holding(POLICY), sealed(version=5), 0, LATER).state


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 4}, Reason.NOT_NEWER),
        ({"version": 900, "term": 6}, Reason.NOT_NEWER),
        ({"version": 5, "target": "birch"}, Reason.EQUIVOCATION),
    ],
)
def test_an_order_that_is_not_higher_is_refused(changes, reason):
    state = held_change()
    answer = accept(state, sealed(**changes), 0, LATER)
    assert (answer.answer, answer.refused.reason) == (Answer.REFUSED, reason)
    assert answer.state == state


def test_another_route_of_an_older_term_waits_for_a_live_head():
    policy = DEPLOYMENT.policy("triage", ["atlas"])
    state = take_document(held_change(), policy, LATER)
    digest = state.book.policies["triage"].event_id
    answer = accept(state, sealed(agent="triage", term=3, policy_digest=digest), 0, LATER)
    assert (answer.answer, answer.refused.reason) == (Answer.PARKED, Reason.OLD_TERM)


def test_the_order_is_compared_from_the_left():
    state = held_change()
    assert accept(state, sealed(version=1, term=8), 0, LATER).answer is Answer.ACCEPTED


def test_a_change_that_came_before_its_policy_counts_once_the_policy_arrives():
    parked = accept(holding(), sealed(), 0, LATER)
    assert (parked.answer, parked.refused.reason) == (Answer.PARKED, Reason.POLICY_NOT_HELD)
    state = take_document(parked.state, POLICY, LATER)
    answers = retry(state, "support", LATER)
    assert [answer.answer for answer in answers] == [Answer.ACCEPTED]
    assert not answers[0].state.candidates


def test_two_changes_wait_of_each_route_the_newest_and_the_last_shown():
    state = holding()
    for version in (7, 9, 6, 8):
        state = accept(state, sealed(version=version), 0, LATER).state
    [waiting] = state.candidates.values()
    assert [each.change.value.version for each in waiting.all] == [9, 8]


def test_what_waits_was_not_shown_last_once_what_is_held_is_shown_again():
    state = accept(held_change(), sealed(version=9, policy_version=9), 0, LATER).state
    held = next(iter(state.held.values())).change
    assert state.candidates[held.value.route].last is not None
    known = accept(state, DEPLOYMENT.seal(held.value, "decision-1"), 0, LATER)
    assert known.answer is Answer.KNOWN
    waiting = known.state.candidates[held.value.route]
    assert (waiting.newest.change.value.version, waiting.last) == (9, None)


def test_so_many_routes_wait_and_no_more(monkeypatch):
    """Whoever forges names of routes must not fill the memory."""
    monkeypatch.setattr("interlock.router.core.accept.PARKED_PER_SHARD_MAX", 2)
    state = holding()
    for version, agent in enumerate(("one", "two", "three", "one"), start=1):
        state = accept(state, sealed(agent=agent, version=version), 0, LATER).state
    waiting = {route.agent: item.newest.change.value.version for route, item in state.candidates.items()}
    assert waiting == {"one": 4, "two": 2}


def test_forged_names_of_routes_take_no_place_from_one_that_a_policy_names(monkeypatch):
    monkeypatch.setattr("interlock.router.core.accept.PARKED_PER_SHARD_MAX", 2)
    state = holding(POLICY)
    for slot in ("one", "two", "three"):
        state = accept(state, sealed(slot=slot), 0, LATER).state
    state = accept(state, sealed(policy_version=9), 0, LATER).state
    assert {route.slot for route in state.candidates} == {"one", "two", "main"}


def test_a_number_that_is_longer_than_it_need_be_gives_nothing_to_anybody():
    """It is read as its lowest 64 bits. What counts as one record are the bytes that were signed."""
    plain = encode(CHANGE)
    number = bytes([2 * CHANGE.term])  # Avro's 7, twice over: it counts up from zero in both directions
    where = [at for at in range(len(plain)) if plain[at : at + 1] == number]
    longer = [plain[:at] + bytes([number[0] | 0x80]) + b"\x80" * 8 + b"\x02" + plain[at + 1 :] for at in where]
    alike = [each for each in longer if decode(each, RoutingChange) == CHANGE]
    assert alike
    state = accept(holding(POLICY), sealed(), 0, LATER).state
    genuine = open_sealed(sealed(), DEPLOYMENT.root, RoutingChange)
    for payload in alike:
        signed = encode_envelope(sign(PayloadType.ROUTING_CHANGE, payload, DEPLOYMENT.key("decision-1")))
        assert open_sealed(signed, DEPLOYMENT.root, RoutingChange).event_id != genuine.event_id
        assert accept(state, signed, 0, LATER).refused.reason is Reason.EQUIVOCATION
        stolen = replace(decode_envelope(sealed()), payload=payload)  # with the signature of the plain one
        assert accept(state, encode_envelope(stolen), 0, LATER).refused.reason is Reason.BAD_SIGNATURE


def test_accept_never_raises_whatever_the_bytes():
    good = sealed()
    for place in range(0, len(good), 7):
        broken = bytearray(good)
        broken[place] ^= 0xFF
        answer = accept(holding(POLICY), bytes(broken), 0, LATER)
        assert answer.answer is not Answer.ACCEPTED


def test_a_served_route_is_a_serve_only_while_all_of_it_holds():
    assert not isinstance(resolve(held_change(), SUPPORT, None, LATER), Serve)
    opened = open_sealed(sealed(), DEPLOYMENT.root, RoutingChange)
    assert opened.value.target == "atlas"
