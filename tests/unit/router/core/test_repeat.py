"""Whose earlier answers may be given again: nobody's whom the documents held now would not let serve."""

from dataclasses import replace

import pytest

from interlock.records.documents import Denial
from interlock.records.rules import SafeReply, SafeState
from interlock.router.core.repeat import may_repeat
from interlock.testing.builders import NOW, SUPPORT, Deployment, model
from interlock.testing.router_driver import RouterDriver
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros

DEPLOYMENT = Deployment()
ATLAS = model("atlas")
REPLY = SafeReply(cache_us=Micros(60 * SECOND))


def policy(
    *ladder: str, version: int = 1, safe_state: SafeState = SafeState.CACHED_RESPONSE, **fields: object
) -> bytes:
    rule = DEPLOYMENT.rule(ladder or ("atlas", "birch"), safe_state=safe_state, safe_reply=REPLY)
    return DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", rule, version=version), "grace", "oscar")


def router_with(document: bytes) -> RouterDriver:
    """A router that has a live lease and was ordered to serve `atlas`."""
    router = RouterDriver(DEPLOYMENT, document)
    assert router.obeys("atlas") is None
    assert router.beat().refused is None
    return router


def repeats(router: RouterDriver, name: str = "atlas", route: RouteId = SUPPORT) -> bool:
    return may_repeat(router.state, route, model(name), router.now)


def test_a_model_that_may_serve_may_be_repeated_whether_it_serves_or_not() -> None:
    router = router_with(policy())
    assert [repeats(router, "atlas"), repeats(router, "birch")] == [True, True]
    assert router.obeys(None, safe_state="cached_response") is None
    assert [repeats(router, "atlas"), repeats(router, "birch")] == [True, True]


@pytest.mark.parametrize("state", [SafeState.SUSPEND, SafeState.HUMAN_QUEUE, SafeState.SAFE_SHUTDOWN])
def test_nothing_is_repeated_where_policy_names_another_safe_state(state: SafeState) -> None:
    assert not repeats(router_with(policy(safe_state=state)))


def test_a_denied_model_is_not_repeated() -> None:
    router = router_with(policy())
    router.document(DEPLOYMENT.seal(Denial("d1", "atlas", "a leak", NOW), "sam"))
    router.beat()
    assert [repeats(router, "atlas"), repeats(router, "birch")] == [False, True]


def test_a_model_that_has_left_the_ladder_is_not_repeated() -> None:
    router = router_with(policy())
    router.document(policy("birch", version=2))
    router.beat()
    assert [repeats(router, "atlas"), repeats(router, "birch")] == [False, True]


def test_a_model_that_is_approved_in_another_form_now_is_not_repeated() -> None:
    router = router_with(policy())
    assert not may_repeat(router.state, SUPPORT, replace(ATLAS, endpoint="http://127.0.0.1:8/v1"), router.now)


def test_a_withdrawn_model_is_not_repeated() -> None:
    router = router_with(policy())
    router.document(DEPLOYMENT.registration(ATLAS, withdrawn=True))
    router.beat()
    assert not repeats(router)


def test_a_model_whose_evidence_has_expired_is_not_repeated() -> None:
    ends = Micros(NOW + 5 * SECOND)
    rung = replace(DEPLOYMENT.rung("atlas"), evidence=DEPLOYMENT.evidence(ATLAS, expires_at=ends))
    rule = DEPLOYMENT.rule([rung], safe_state=SafeState.CACHED_RESPONSE, safe_reply=REPLY)
    router = router_with(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", rule), "grace", "oscar"))
    assert repeats(router)
    router.wait(5)
    router.beat()
    assert not repeats(router)


def test_nothing_is_repeated_after_lease_and_grace_nor_before_the_first_lease() -> None:
    router = router_with(policy())
    router.wait(24.9)
    assert repeats(router)
    router.wait(0.1)
    assert not repeats(router)
    router.restart()
    router.document(policy())
    assert not repeats(router)


def test_nothing_is_repeated_on_a_route_that_no_policy_names() -> None:
    assert not repeats(router_with(policy()), route=RouteId("support", "other", "*"))
