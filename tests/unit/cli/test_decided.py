"""What a command knows of the decisions: from the state topic where the log bears it out, else from the whole log."""

import pytest

from interlock.records.health import Level
from interlock.records.state import StateRecord
from interlock.testing.stories import DOWN
from interlock.wire.topics import ROUTES

ROUTE = "support/main/*"


@pytest.fixture
def read(decision, monkeypatch):
    """The offsets at which the audit log was read from, for each command."""
    offsets = []
    fetch = decision.broker.fetch

    def seen(where, offset, limit):
        if where == decision.where:
            offsets.append(offset)
        return fetch(where, offset, limit)

    monkeypatch.setattr(decision.broker, "fetch", seen)
    return offsets


def shown(as_json):
    (route,) = as_json("status")["routes"]
    return route["target"], route["change"], route["detail"]


def test_the_state_topic_spares_the_log_before_its_mark_and_shows_the_same(as_json, decision, read):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    before = shown(as_json)
    assert min(read) == 0
    marked = decision.project()
    read.clear()
    assert shown(as_json) == before
    assert min(read) == marked > 0


def test_what_was_decided_since_the_mark_is_laid_over_it(as_json, decision, read):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    marked = decision.project()
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert shown(as_json)[:2] == ("birch", decision.last.id)
    assert min(read) == marked


def test_an_order_is_weighed_and_answered_on_top_of_the_state_topic(as_json, decision, read):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    marked = decision.project()
    as_json("suspend", "support", "--key", decision.key("olga"))
    assert decision.target is None
    assert as_json("approve", ROUTE, "nothing", "--key", decision.key("olga"), code=1)["reason"] == "nothing_proposed"
    assert min(read) == marked


def test_a_state_topic_that_the_log_does_not_bear_out_is_not_believed(as_json, decision, read):
    """Somebody put back an older entry: the digest of the last step says so."""
    decision.begin("atlas", "birch", triggers=(DOWN,))
    key = f"route/{ROUTE}"
    entries = [entry for step in decision.steps for entry in step.entries if entry.key == key]
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    decision.project()
    decision.keep(key, StateRecord("decision-1", decision.where.partition, key, entries[-1].value, 1, 0))
    assert shown(as_json)[0] == "birch"
    assert min(read) == 0


def test_a_mark_beyond_the_log_is_not_believed(as_json, decision, read):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.steps.append(decision.steps[-1])
    decision.project()
    assert shown(as_json)[0] == "atlas"
    assert min(read) == 0


def test_an_old_order_that_somebody_put_back_is_not_shown_as_the_one_that_stands(as_json, interlock, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.project()
    first = decision.orders[0]
    where = decision.where._replace(topic=ROUTES.name)
    decision.broker.append(where, ROUTE.encode(), decision.deployment.seal(first, "decision-1"))
    assert shown(as_json) == ("atlas", "", "")
    assert "the order itself cannot be read" in interlock("status").stdout
