from dataclasses import replace

from interlock.trials.demo.cast import AGENT, FALLBACK, PRIMARY, SLOW, SUPPORT, TRIED, UNACCEPTED
from interlock.trials.demo.evidence import Evidence
from interlock.trials.demo.report import document


def test_the_document_tells_what_was_seen(right: Evidence) -> None:
    told = document(right)
    assert set(told) == {
        "changes",
        "requests",
        "refused",
        "canary",
        "approval",
        "tickets",
        "audit",
        "first_failure_to_route_change_s",
    }
    assert [(each["source"], each["target"]) for each in told["changes"]][:5] == [
        (None, "safe_state"),
        ("safe_state", PRIMARY),
        (PRIMARY, FALLBACK),
        (FALLBACK, "safe_state"),
        ("safe_state", PRIMARY),
    ]
    assert told["changes"][2] == {
        "timestamp": "1970-01-01T00:00:03.000Z",
        "route": f"{AGENT}/main/*",
        "reason": "unavailable: it is gone",
        "source": PRIMARY,
        "target": FALLBACK,
        "weight": 100,
        "proposed": None,
        "verification": [{"model": PRIMARY, "check": "ladder", "passed": True, "detail": "rung 1"}],
        "notice_accepted_after_s": 0.25,
    }
    assert told["refused"] == [{"kind": "replayed", "reason": "not_newer"}]
    assert told["audit"] == {"records": 9, "changes": 10, "replayed_identical": True}
    assert told["first_failure_to_route_change_s"] == 0.5


def test_requests_are_told_in_all_and_by_agent(right: Evidence) -> None:
    told = document(right)["requests"]
    of_agent = {"total": 3, "ok": 1, "failed": 1, "safe_state": 1, "ticket": 0, "unapproved": 0}
    of_support = {"total": 21, "ok": 20, "failed": 0, "safe_state": 0, "ticket": 1, "unapproved": 0}
    assert told.pop("by_agent") == {AGENT: of_agent, SUPPORT: of_support}
    assert told == {name: of_agent[name] + of_support[name] for name in of_agent}


def test_the_canary_is_told_by_what_the_servers_counted(right: Evidence) -> None:
    assert right.tried is not None
    counted = right.tried.counted
    told = document(right)["canary"]
    assert told == {
        "route": f"{SUPPORT}/main/*",
        "source": SLOW,
        "model": TRIED,
        "weight": 25,
        "weight_seen": round(100 * counted[TRIED] / 20, 1),
        "counted": counted,
        "conversations": {"source": counted[SLOW] // 2, "canary": counted[TRIED] // 2},
        "conversations_split": 0,
        "rolled_back": True,
        "reason": "it is gone",
    }


def test_the_approval_is_told_with_both_answers_and_the_tickets(right: Evidence) -> None:
    told = document(right)
    assert told["approval"] == {
        "route": f"{SUPPORT}/main/*",
        "model": UNACCEPTED,
        "material": ["tools"],
        "until": "2026-08-01T00:00:00.000Z",
        "safe_state": "human_queue",
        "answers": [
            {"signed_by": ["olga"], "accepted": False, "reason": "not_authorised"},
            {"signed_by": ["oscar"], "accepted": True, "reason": None},
        ],
        "waited_s": 4.0,
        "requests_before": 0,
    }
    assert told["tickets"] == {"given": 1, "kept": 1}


def test_what_was_not_seen_is_null(right: Evidence) -> None:
    told = document(replace(right, tried=None, waited=None, first_failure_s=None))
    assert (told["canary"], told["approval"], told["first_failure_to_route_change_s"]) == (None, None, None)
