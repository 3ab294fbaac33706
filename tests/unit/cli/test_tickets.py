"""`interlock tickets`: what waits for a person, and who asked is not trusted with the terminal."""

import json

import pytest

from interlock.records.telling import Ticket
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import TICKETS

ASKED = json.dumps(
    {"messages": [{"role": "user", "content": "Hallo Jürgen \x1b[2J\u202e"}]}, ensure_ascii=False
).encode()


def ticket(decision, name, *, agent="support", age=0, request=ASKED, router="gateway-1"):
    at = Micros(decision.now - age * SECOND)
    return Ticket(name, router, agent, "main", "*", f"{agent}/main/*@1.0.2", request, at)


@pytest.fixture
def queue(decision):
    decision.say(TICKETS, ticket(decision, "new"), "gateway-1")
    decision.say(TICKETS, ticket(decision, "old", agent="triage", age=60, request=b"not json\n\x07"), "gateway-1")
    return decision


def test_the_newest_is_last_and_what_was_asked_is_not_shown(as_json, interlock, queue):
    found = as_json("tickets")["tickets"]
    assert [(each["id"], each["route"], each["bytes"]) for each in found] == [
        ("old", "triage/main/*", 10),
        ("new", "support/main/*", len(ASKED)),
    ]
    assert all("request" not in each for each in found)
    assert "Jürgen" not in interlock("tickets").stdout


def test_the_queue_of_one_agent_or_route(as_json, queue):
    for name in ("support", "support/main/*"):
        assert [each["id"] for each in as_json("tickets", name)["tickets"]] == ["new"]


def test_one_request_is_shown_on_demand_with_its_control_characters_written_out(as_json, interlock, queue):
    (shown,) = as_json("tickets", "--show", "new")["tickets"]
    assert shown["request"]["messages"][0]["content"].startswith("Hallo Jürgen")
    text = interlock("tickets", "--show", "new").stdout
    assert "Hallo Jürgen" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "not json\n\\x07" in interlock("tickets", "--show", "old").stdout


def test_a_ticket_that_no_router_signed_for_itself_is_not_shown(as_json, decision):
    decision.say(TICKETS, ticket(decision, "forged"), "olga")
    decision.say(TICKETS, ticket(decision, "foreign", router="gateway-2"), "gateway-1")
    assert as_json("tickets") == {"tickets": []}


def test_an_unknown_ticket_is_said_to_be_so(as_json, interlock, queue):
    assert "No ticket" in as_json("tickets", "--show", "lost", code=1)["error"]


def test_an_empty_queue_is_said_to_be_so(interlock, decision):
    assert "No request waits" in interlock("tickets").stdout
