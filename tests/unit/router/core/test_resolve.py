"""What one request is answered: which arm, which safe state, and with what it stops."""

from dataclasses import replace

import pytest

from interlock.records.documents import Denial
from interlock.records.rules import SafeReply, SafeState
from interlock.router.answers import Serve, Stop
from interlock.router.core.arms import in_canary
from interlock.router.core.marks import Marks
from interlock.testing.builders import NOW, SUPPORT, Deployment, model
from interlock.testing.router_driver import RouterDriver
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

DEPLOYMENT = Deployment()
POLICY = DEPLOYMENT.policy("support", ["atlas", "birch"])
REPLY = SafeReply("birch", "We will write to you.", Micros(60 * SECOND))
CANARY = {"source": "atlas", "weight": 25, "canary": "canary-1"}
KEYS = [str(number) for number in range(200)]
SOON = 30
"""Seconds until the evidence of `ending` expires."""


def denial(name):
    return DEPLOYMENT.seal(Denial(f"deny-{name}", name, "a leak", NOW), "sam")


def ending(name):
    """A rung whose evidence expires soon."""
    subject = model(name)
    expires_at = Micros(NOW + SOON * SECOND)
    return replace(DEPLOYMENT.rung(subject), evidence=DEPLOYMENT.evidence(subject, expires_at=expires_at))


def stopping(safe_state, version=1, reply=REPLY, ladder=("atlas", "birch"), **fields):
    rule = DEPLOYMENT.rule(ladder, safe_state=safe_state, safe_reply=reply, **fields)
    return DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", rule, version=version), "grace", "oscar")


def serving(target="atlas", *documents, **fields):
    router = RouterDriver(DEPLOYMENT, *(documents or (POLICY,)))
    assert router.obeys(target, **fields) is None
    assert router.beat().refused is None
    return router


def wait(router, seconds):
    """Let time pass with the lease kept."""
    router.wait(seconds)
    assert router.beat().refused is None


def models(router):
    return {router.serves(key) for key in KEYS}


# Both arms of a canary.


def test_a_canary_serves_its_share_of_the_keys_and_the_source_the_others():
    router = serving("birch", **CANARY)
    for key in KEYS:
        inside = in_canary("canary-1", SUPPORT, key, 25)
        assert router.resolve(key) == Serve(
            SUPPORT, model("birch" if inside else "atlas"), "change-1", inside, read_only=False, canary="canary-1"
        )
    assert router.serves(None) == "atlas"


def test_a_route_that_one_model_serves_bears_no_canary():
    assert serving().resolve("0") == Serve(SUPPORT, model("atlas"), "change-1", substituted=False)


def test_two_routers_agree_on_every_request():
    ours, theirs = serving("birch", **CANARY), serving("birch", **CANARY)
    assert [ours.serves(key) for key in KEYS] == [theirs.serves(key) for key in KEYS]


def test_a_canary_on_its_way_back_up_marks_the_fallback_as_substituted():
    router = serving("atlas", **{**CANARY, "source": "birch", "weight": 50})
    assert {(router.serves(key), router.resolve(key).substituted) for key in KEYS} == {
        ("atlas", False),
        ("birch", True),
    }


@pytest.mark.parametrize(
    "document",
    [denial("birch"), DEPLOYMENT.registration(model("birch"), withdrawn=True)],
    ids=["denied", "withdrawn"],
)
def test_when_the_canary_is_not_admissible_any_more_the_source_serves_all(document):
    router = serving("birch", **CANARY)
    router.document(document)
    assert models(router) == {"atlas"}
    assert {router.resolve(key).canary for key in KEYS} == {""}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (denial("atlas"), Reason.DENIED),
        (DEPLOYMENT.registration(model("atlas", tools=[])), Reason.REGISTRY_DISAGREES),
    ],
)
def test_when_the_source_is_not_admissible_any_more_the_route_stops(document, reason):
    router = serving("birch", **CANARY)
    router.document(document)
    assert models(router) == {None}
    assert router.resolve("0").reason is reason
    assert router.state.standings[SUPPORT].canary is None


def test_when_the_canarys_evidence_expires_the_source_serves_all_from_that_moment():
    router = serving("birch", DEPLOYMENT.policy("support", ["atlas", ending("birch")]), **CANARY)
    wait(router, SOON - 1)
    assert models(router) == {"atlas", "birch"}
    wait(router, 1)
    assert models(router) == {"atlas"}


def test_when_the_sources_evidence_expires_the_route_stops_from_that_moment():
    router = serving("birch", DEPLOYMENT.policy("support", [ending("atlas"), "birch"]), **CANARY)
    wait(router, SOON - 1)
    assert models(router) == {"atlas", "birch"}
    wait(router, 1)
    assert models(router) == {None}
    assert router.resolve("0").reason is Reason.EVIDENCE_EXPIRED


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"retires_at": Micros(NOW + SOON * SECOND)}, Reason.MODEL_RETIRED),
        ({"identity": {"rotation_due": Micros(NOW + SOON * SECOND)}}, Reason.ROTATION_OVERDUE),
    ],
)
def test_what_ran_out_is_named(fields, reason):
    router = serving("atlas", DEPLOYMENT.policy("support", [model("atlas", **fields)]))
    wait(router, SOON)
    assert router.resolve().reason is reason


# The safe states.


@pytest.mark.parametrize("safe_state", sorted({*SafeState} - {SafeState.READ_ONLY}))
def test_what_the_router_stops_by_itself_goes_to_the_safe_state_of_policy(safe_state):
    router = serving("atlas", stopping(safe_state))
    router.wait(25)
    assert router.resolve() == Stop(SUPPORT, safe_state, Reason.LEASE_OVER, "change-1", REPLY)
    router.beat()
    assert router.serves() == "atlas"
    router.document(denial("atlas"))
    assert router.resolve() == Stop(SUPPORT, safe_state, Reason.DENIED, "change-1", REPLY)


def test_where_policy_says_read_only_the_router_itself_suspends():
    router = serving("atlas", stopping(SafeState.READ_ONLY))
    router.wait(25)
    answer = router.resolve()
    assert (answer.state, answer.reason) == (SafeState.SUSPEND, Reason.LEASE_OVER)


def test_read_only_that_was_ordered_ends_with_the_lease_too():
    router = serving("birch", stopping(SafeState.READ_ONLY), safe_state="read_only")
    assert router.resolve() == Serve(SUPPORT, model("birch"), "change-1", substituted=True, read_only=True)
    router.wait(24.9)
    assert router.serves() == "birch"
    router.wait(0.1)
    assert router.resolve() == Stop(SUPPORT, SafeState.SUSPEND, Reason.LEASE_OVER, "change-1", REPLY)


def test_read_only_ends_when_its_rung_runs_out():
    router = serving("birch", stopping(SafeState.READ_ONLY, ladder=("atlas", ending("birch"))), safe_state="read_only")
    wait(router, SOON)
    assert router.resolve().reason is Reason.EVIDENCE_EXPIRED


def test_an_ordered_stop_says_so():
    router = serving(None, stopping(SafeState.TEMPLATED_REPLY), safe_state="templated_reply")
    assert router.resolve() == Stop(SUPPORT, SafeState.TEMPLATED_REPLY, Reason.ORDERED, "change-1", REPLY)


def test_a_route_that_was_ordered_to_suspend_never_answers_more_than_that():
    """Not even when the lease is over, or its policy is replaced, and the safe state of policy would be a wider one."""
    router = serving(None, stopping(SafeState.CACHED_RESPONSE))
    router.wait(60)
    assert router.resolve().state is SafeState.SUSPEND
    router.document(stopping(SafeState.CACHED_RESPONSE, version=2))
    assert router.resolve().state is SafeState.SUSPEND


def test_a_route_without_a_change_is_in_the_safe_state_of_its_policy():
    router = RouterDriver(DEPLOYMENT, stopping(SafeState.TEMPLATED_REPLY))
    router.beat()
    assert router.resolve() == Stop(SUPPORT, SafeState.TEMPLATED_REPLY, Reason.NO_CHANGE_YET, "", REPLY)


def test_a_route_that_no_policy_names_is_suspended():
    elsewhere = RouteId("support", "other", "*")
    assert serving().resolve(route=elsewhere) == Stop(elsewhere, SafeState.SUSPEND, Reason.ROUTE_UNKNOWN, "")


@pytest.mark.parametrize("mark", [{"policy/support": "2"}, {"root": "2"}])
def test_the_text_of_a_policy_that_was_replaced_is_not_used_after_a_restart(mark):
    router = RouterDriver(DEPLOYMENT, stopping(SafeState.TEMPLATED_REPLY), marks=Marks.of(mark))
    assert router.resolve() == Stop(SUPPORT, SafeState.SUSPEND, Reason.ROUTE_UNKNOWN, "")
    router.order(None, safe_state="templated_reply")
    router.beat()
    assert (router.resolve().state, router.resolve().reply) == (SafeState.SUSPEND, SafeReply())


def test_a_policy_that_drops_the_route_stops_it():
    router = serving()
    other = DEPLOYMENT.rule(["atlas"], slot="other")
    router.document(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", other, version=2), "grace", "oscar"))
    router.beat()
    assert router.resolve().reason is Reason.POLICY_OLDER


def test_a_change_without_an_id_needs_a_lease_like_any_other():
    router = RouterDriver(DEPLOYMENT, POLICY)
    assert router.obeys("atlas", id="") is None
    assert router.resolve().reason is Reason.NO_LEASE_YET
