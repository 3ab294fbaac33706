"""Hostile changes, each signed by the real decision key: policy, which the router asks itself, has the last word."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.records.change import RoutingChange
from interlock.records.documents import Denial
from interlock.records.rules import SafeReply, SafeState
from interlock.router.answers import Stop
from interlock.router.core.accept import Answer
from interlock.router.core.marks import Marks
from interlock.signing.roles import Role
from interlock.testing.builders import NOW, SUPPORT, Deployment, model
from interlock.testing.router_driver import RouterDriver
from interlock.testing.strategies import anything
from interlock.vocabulary.reasons import Reason

DEPLOYMENT = Deployment()
POLICY = DEPLOYMENT.policy("support", ["atlas", "birch", "cedar"])
CANARY = {"source": "atlas", "weight": 25, "canary": "canary-1"}


def policy(*rules, version=1):
    return DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules, version=version), "grace", "oscar")


def stopping(safe_state, **reply):
    """A policy whose route has this safe state."""
    ladder = ["atlas", "birch", "cedar"]
    return policy(DEPLOYMENT.rule(ladder, safe_state=safe_state, safe_reply=SafeReply(**reply)))


def denial(name):
    return DEPLOYMENT.seal(Denial(f"deny-{name}", name, "a leak", NOW), "sam")


def serving(*documents, marks=None):
    """A router that serves the primary; what it is told afterwards must not do harm."""
    router = RouterDriver(DEPLOYMENT, *(documents or (POLICY,)), marks=marks)
    assert router.obeys("atlas") is None
    assert router.beat().refused is None
    return router


def refusal(router, target, **fields):
    """Why a change is refused; the route must be served as before."""
    before = router.resolve("key")
    answer = router.order(target, **fields)
    assert answer.answer is Answer.REFUSED
    assert router.resolve("key") == before
    return answer.refused.reason


def test_a_canary_within_policy_is_obeyed():
    assert serving().obeys("birch", **CANARY) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"weight": 0},
        {"weight": -1},
        {"weight": -(2**31)},
        {"weight": 101},
        {"weight": 100},
        {"canary": ""},
        {"source": None},
        {"source": "birch"},
        {"safe_state": "suspend"},
        {"safe_state": "read_only"},
    ],
    ids=lambda fields: " ".join(f"{name} {value}" for name, value in fields.items()),
)
def test_a_canary_whose_parts_do_not_fit_together_is_refused(fields):
    router = serving(stopping(SafeState.READ_ONLY, model="birch"))
    assert refusal(router, "birch", **{**CANARY, **fields}) is Reason.CHANGE_MALFORMED


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        (None, {"safe_state": None}),
        ("birch", {"safe_state": "suspend"}),
        ("birch", {"safe_state": "human_queue"}),
        ("birch", {"safe_state": ""}),
        (None, {"safe_state": "read_only"}),
        (None, {"weight": 50, "source": "atlas", "canary": "canary-1"}),
        (None, {"weight": 0}),
        (None, {"canary": "canary-1"}),
        ("birch", {"weight": 99}),
        ("birch", {"weight": 0}),
        ("birch", {"canary": "canary-1"}),
    ],
)
def test_a_change_whose_parts_do_not_fit_together_is_refused(target, fields):
    assert refusal(serving(), target, **fields) is Reason.CHANGE_MALFORMED


def test_a_canary_to_a_model_that_is_not_on_the_ladder_is_refused():
    assert refusal(serving(), "zebra", **CANARY) is Reason.NOT_ON_LADDER


def test_a_canary_whose_source_is_not_on_the_ladder_is_refused():
    assert refusal(serving(), "birch", **{**CANARY, "source": "zebra"}) is Reason.NOT_ON_LADDER


@pytest.mark.parametrize("denied", ["atlas", "birch"])
def test_a_denial_seen_once_counts_for_both_arms_even_if_the_broker_now_withholds_it(denied):
    router = RouterDriver(DEPLOYMENT, POLICY, marks=Marks.of({f"deny/{denied}": "1"}))
    assert router.obeys("birch", **CANARY) is Reason.DENIED


@pytest.mark.parametrize("denied", ["birch", "cedar"])
def test_a_denial_that_is_held_counts_for_both_arms(denied):
    router = serving(POLICY, denial(denied))
    assert refusal(router, "birch", **{**CANARY, "source": "cedar"}) is Reason.DENIED


CODE = {"capability": {"code_execution": True}}


@pytest.mark.parametrize(
    ("ladder", "target", "fields"),
    [
        (["atlas", model("birch", **CODE)], "birch", {}),
        (["atlas", model("birch", **CODE)], "birch", CANARY),
        (["atlas", model("birch", **CODE), "cedar"], "cedar", {**CANARY, "source": "birch"}),
        (["atlas", model("birch", **CODE)], "birch", {"safe_state": "read_only"}),
    ],
    ids=["target", "canary", "source", "read-only"],
)
def test_a_fallback_that_executes_code_is_refused_though_two_people_signed_the_policy(ladder, target, fields):
    """Scenario B at the router: the policy was smuggled past `policy check`, and decision obeys it."""
    rule = DEPLOYMENT.rule(ladder, safe_state=SafeState.READ_ONLY, safe_reply=SafeReply("birch"))
    assert refusal(serving(policy(rule)), target, **fields) is Reason.BROADER_CODE_EXECUTION


@pytest.mark.parametrize("safe_state", sorted({*SafeState} - {SafeState.READ_ONLY}))
def test_a_route_goes_to_its_own_safe_state_and_to_suspend(safe_state):
    router = serving(stopping(safe_state, text="We will write to you."))
    assert router.obeys(None, safe_state=str(safe_state)) is None
    assert router.resolve().state == safe_state
    assert router.obeys(None, safe_state="suspend") is None
    assert router.resolve().state == "suspend"


@pytest.mark.parametrize("ordered", [*sorted({*SafeState} - {SafeState.READ_ONLY, SafeState.SUSPEND}), "", "open"])
def test_a_safe_state_that_policy_does_not_name_is_refused(ordered):
    own = SafeState.HUMAN_QUEUE if ordered != "human_queue" else SafeState.CACHED_RESPONSE
    assert refusal(serving(stopping(own)), None, safe_state=str(ordered)) is Reason.SAFE_STATE_DIFFERS


def test_read_only_is_served_by_the_rung_that_policy_names():
    router = serving(stopping(SafeState.READ_ONLY, model="cedar"))
    assert router.obeys("cedar", safe_state="read_only") is None
    answer = router.resolve()
    assert (answer.model.name, answer.read_only, answer.substituted) == ("cedar", True, True)


@pytest.mark.parametrize("target", ["atlas", "birch", "zebra"])
def test_read_only_with_another_model_is_refused(target):
    router = serving(stopping(SafeState.READ_ONLY, model="cedar"))
    assert refusal(router, target, safe_state="read_only") is Reason.SAFE_STATE_DIFFERS


def test_read_only_is_refused_where_policy_has_another_safe_state():
    router = serving(stopping(SafeState.HUMAN_QUEUE, model="cedar"))
    assert refusal(router, "cedar", safe_state="read_only") is Reason.SAFE_STATE_DIFFERS


def test_read_only_with_a_denied_model_is_refused():
    router = serving(stopping(SafeState.READ_ONLY, model="cedar"), denial("cedar"))
    assert refusal(router, "cedar", safe_state="read_only") is Reason.DENIED


def test_a_withdrawn_model_is_refused_as_either_arm():
    withdrawn = DEPLOYMENT.registration(model("birch"), withdrawn=True)
    assert refusal(serving(POLICY, withdrawn), "birch", **CANARY) is Reason.MODEL_WITHDRAWN
    router = serving(POLICY, withdrawn)
    assert refusal(router, "cedar", **{**CANARY, "source": "birch"}) is Reason.MODEL_WITHDRAWN


def test_a_registration_moves_its_own_mark_and_no_other():
    router = serving(POLICY)
    before = dict(router.state.marks.values)
    router.document(DEPLOYMENT.registration(model("atlas"), version=9))
    assert dict(router.state.marks.values) == {**before, "model/atlas": "9"}


def test_after_a_restart_a_model_waits_for_the_registration_that_was_seen_before():
    """A broker that serves an old registration, or none, keeps the model out of service, and no other (S3)."""
    old = DEPLOYMENT.registration(model("birch"))
    withdrawn = DEPLOYMENT.registration(model("birch"), version=2, withdrawn=True)
    router = serving(POLICY, old, withdrawn)
    router.restart()
    for document in (POLICY, old):
        router.document(document)
        assert router.state.marks.number("model/birch") == 2
        answer = router.order("birch", source="atlas")
        assert (answer.answer, answer.refused.reason) == (Answer.PARKED, Reason.REGISTRATION_NOT_HELD)
        assert router.obeys("birch", **CANARY) is Reason.REGISTRATION_NOT_HELD
        assert router.obeys("cedar", **{**CANARY, "source": "birch"}) is Reason.REGISTRATION_NOT_HELD
    assert router.obeys("atlas") is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (denial("birch"), Reason.DENIED),
        (DEPLOYMENT.policy("support", ["atlas", "birch"], version=2), Reason.POLICY_NOT_HELD),
        (DEPLOYMENT.seal(DEPLOYMENT.next_root(2), "root-1", "root-2"), Reason.POLICY_NOT_HELD),
    ],
    ids=["denial", "policy", "root"],
)
def test_after_a_restart_what_was_heard_before_still_counts_though_it_is_withheld(document, reason):
    router = serving()
    assert router.document(document) is None
    router.restart()
    router.document(POLICY)
    assert router.obeys("birch") is reason


def test_what_a_new_trust_root_no_longer_vouches_for_is_served_no_more():
    root = DEPLOYMENT.next_root(2)
    fewer = replace(root, grants=tuple(grant for grant in root.grants if grant.role is not Role.VALIDATOR))
    router = serving()
    assert router.document(DEPLOYMENT.seal(fewer, "root-1", "root-2")) is None
    assert router.resolve().reason is Reason.EVIDENCE_MISSING


def test_a_change_under_a_root_that_is_not_held_yet_counts_once_it_arrives():
    router = serving()
    root = DEPLOYMENT.seal(DEPLOYMENT.next_root(2), "root-1", "root-2")
    assert router.obeys("birch", root_version=2) is Reason.POLICY_NOT_HELD
    assert router.document(root) is None
    assert router.state.held[SUPPORT].change.value.target == "birch"


def test_a_change_that_came_before_its_policy_counts_once_it_arrives():
    router = RouterDriver(DEPLOYMENT)
    assert router.hear(RouterDriver(DEPLOYMENT, POLICY).change("birch")).refused.reason is Reason.POLICY_NOT_HELD
    router.document(POLICY)
    assert router.state.held[SUPPORT].change.value.target == "birch"


def test_a_change_that_came_before_the_registration_counts_once_it_arrives():
    entry = DEPLOYMENT.registration(model("birch"), version=2)
    router = serving(POLICY, entry)
    router.restart()
    router.document(POLICY)
    assert router.obeys("birch") is Reason.REGISTRATION_NOT_HELD
    router.document(entry)
    assert router.state.held[SUPPORT].change.value.target == "birch"


@given(change=anything(RoutingChange))
def test_whatever_decision_signs_the_answer_is_a_value(change):
    """Addressed to this router and this route, so that it gets as far as policy."""
    router = RouterDriver(DEPLOYMENT, POLICY)
    fit = router.change("atlas")
    aimed = replace(
        change,
        **{
            name: getattr(fit, name)
            for name in ("deployment", "shard", "agent", "slot", "scope", "policy_version", "policy_digest")
        },
        issued_at=NOW,
    )
    router.hear(aimed)
    router.beat()
    assert isinstance(router.resolve("key"), Stop)


@given(
    target=st.sampled_from([None, "", "atlas", "birch", "zebra", "\x00", "a/b"]),
    source=st.sampled_from([None, "", "atlas", "birch", "zebra"]),
    safe_state=st.sampled_from([None, "", "open", *SafeState]),
    weight=st.integers(-1, 101) | st.integers(-(2**31), 2**31 - 1),
    canary=st.sampled_from(["", "canary-1", "\x00"]),
)
def test_only_four_shapes_of_a_change_are_ever_obeyed(target, source, safe_state, weight, canary):
    router = RouterDriver(DEPLOYMENT, stopping(SafeState.READ_ONLY, model="birch"))
    fields = {"source": source, "safe_state": safe_state, "weight": weight, "canary": canary}
    obeyed = router.obeys(target, **fields) is None
    served = safe_state is None and target in {"atlas", "birch"} and weight == 100 and canary == ""
    divided = safe_state is None and {source, target} == {"atlas", "birch"} and 1 <= weight <= 99 and canary != ""
    stopped = safe_state == "suspend" and target is None and weight == 100 and canary == ""
    read_only = safe_state == "read_only" and target == "birch" and weight == 100 and canary == ""
    assert obeyed == (served or divided or stopped or read_only)
