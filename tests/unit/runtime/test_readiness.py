"""A service is ready when every condition that it declared is met."""

from interlock.runtime.health_server import Readiness


def test_nothing_is_met_before_it_was_looked_at() -> None:
    readiness = Readiness("bus", "policy")
    readiness.set("bus", True)
    assert not readiness.ready
    assert readiness.as_json() == {
        "ready": False,
        "conditions": {
            "bus": {"met": True, "why": ""},
            "policy": {"met": False, "why": "not looked at yet"},
        },
    }


def test_it_is_ready_once_all_are_met_and_not_when_one_is_lost() -> None:
    readiness = Readiness("bus")
    readiness.set("bus", True)
    assert readiness.ready
    readiness.set("bus", False, "connection lost")
    assert not readiness.ready
    assert "connection lost" in str(readiness.as_json())


def test_a_condition_can_be_added_later() -> None:
    readiness = Readiness()
    assert readiness.ready
    readiness.set("shard 3", False, "rebuilding")
    assert not readiness.ready
