import json
from dataclasses import replace

import pytest

from interlock.records.rules import SafeState
from interlock.router.answers import Serve, Stop
from interlock.router.gateway.faults import Fault, safe_state
from interlock.router.gateway.replies import error_body, error_event, marks, model_list
from interlock.testing.builders import model
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason

ROUTE = RouteId("support", "main", "*")
SERVE = Serve(ROUTE, model("birch"), "change-7", substituted=True)
STOP = Stop(ROUTE, SafeState.SUSPEND, Reason.DENIED, "change-8")


def test_a_served_reply_says_which_model_and_why() -> None:
    assert marks(SERVE) == {
        "x-interlock-agent": "support",
        "x-interlock-change": "change-7",
        "x-interlock-model": "birch",
        "x-interlock-state": "normal",
        "x-interlock-substituted": "true",
    }


def test_read_only_and_a_canary_are_told() -> None:
    told = marks(replace(SERVE, read_only=True, canary="canary-3"))

    assert (told["x-interlock-state"], told["x-interlock-canary"]) == ("read_only", "canary-3")
    assert told["x-interlock-model"] == "birch"


@pytest.mark.parametrize("state", list(SafeState))
def test_a_safe_state_is_told_by_its_name(state: SafeState) -> None:
    assert marks(replace(STOP, state=state))["x-interlock-state"] == state.value


def test_in_a_safe_state_no_model_is_named() -> None:
    assert marks(STOP) == {
        "x-interlock-agent": "support",
        "x-interlock-change": "change-8",
        "x-interlock-state": "suspend",
    }


def test_the_safe_state_is_told_in_words_and_is_not_tried_again() -> None:
    fault = safe_state(STOP)

    assert (fault.status, fault.code) == (403, "interlock_safe_state")
    assert "support/main/*" in fault.message
    assert "denied" in fault.message


def test_errors_have_openais_shape() -> None:
    fault = Fault(400, "some_code", "Some words.", "stream")
    told = {
        "error": {"message": "Some words.", "type": "invalid_request_error", "param": "stream", "code": "some_code"}
    }

    assert json.loads(error_body(fault)) == told
    assert error_event(fault) == b"data: " + error_body(fault) + b"\n\n"


def test_an_agent_is_told_of_the_model_that_serves_it_and_of_no_other() -> None:
    assert [entry["id"] for entry in model_list(ROUTE, SERVE)["data"]] == ["support", "birch"]
    assert model_list(ROUTE, STOP)["data"] == []
