"""`interlock status`: what is wrong comes first, with the command that mends it."""

import shlex
from dataclasses import replace

from interlock.records.change import AckKind, Acknowledgement
from interlock.records.documents import Workflow
from interlock.records.health import Level
from interlock.records.rules import Approval, Mode, SafeState
from interlock.records.telling import Breach, Notice, NoticeKind
from interlock.testing.builders import DAY, model
from interlock.testing.stories import DOWN, PLAN, slow
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, seconds, to_text
from interlock.wire.topics import ACKS, NOTICES

ROUTE = "support/main/*"


def other(decision):
    """A fallback whose use is a material change that nobody accepted in advance."""
    birch = model("birch", identity={"id": "spiffe://other/agent"}, tools=())
    return replace(decision.deployment.rung(birch), accepted_in_advance=False)


def acknowledge(decision, kind, *, router="gateway-1", reason="", at=None):
    change = decision.last
    at = decision.now if at is None else at
    decision.say(ACKS, Acknowledgement(router, kind, change.id, decision.entry.event_id, reason, at), router)


def only(document):
    (route,) = document["routes"]
    return route


def test_a_route_on_its_primary_is_no_concern(as_json, interlock, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    acknowledge(decision, AckKind.ACK)
    shown = only(as_json("status"))
    assert (shown["route"], shown["target"], shown["safe_state"], shown["concern"]) == (ROUTE, "atlas", None, "none")
    assert shown["routers"] == {"gateway-1": "applied"}
    assert [shown[each] for each in ("incident", "hold", "canary", "frozen")] == [None] * 4
    assert "1 route, all well." in interlock("status").stdout


def test_the_keys_are_a_contract(as_json, decision):
    decision.begin("atlas", triggers=(DOWN,))
    assert list(only(as_json("status"))) == [
        "route", "agent", "concern", "target", "safe_state", "since", "reason", "detail", "change", "material", "incident",
        "hold", "canary", "frozen", "approved", "rejected", "kept_away", "rungs", "guards", "reviews", "routers",
        "routers_silent", "notice_accepted_after_s", "breach",
    ]  # fmt: skip


def test_what_waits_for_approval_is_shown_with_the_command_that_approves_it(as_json, interlock, decision):
    approval = Approval(seconds(1_800), ticket=True)
    decision.begin("atlas", other(decision), triggers=(DOWN,), safe_state=SafeState.HUMAN_QUEUE, approval=approval)
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    shown = only(as_json("status"))
    hold = shown["hold"]
    assert (shown["concern"], shown["safe_state"], hold["kind"], hold["model"]) == (
        "approval",
        "human_queue",
        "approval",
        "birch",
    )
    assert hold["material"] == ["tools", "identity"]
    proposal = decision.entry.hold.proposal
    assert hold["command"] == f"interlock approve '{ROUTE}' '{proposal}' --key keys/oscar.pem --ticket TICKET"
    told = interlock("status").stdout
    assert told.index("waits") < told.index("why")
    assert f"waits     for approval of birch until {hold['until']} (in 30 min); material: tools, identity" in told
    assert hold["command"] in told


def test_the_command_that_is_shown_approves_it(as_json, interlock, decision, monkeypatch):
    decision.begin("atlas", other(decision), triggers=(DOWN,), workflow=Workflow.CLINICAL, approval=Approval(DAY))
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    monkeypatch.chdir(decision.workspace.directory)
    _, *arguments = shlex.split(only(as_json("status"))["hold"]["command"])
    assert arguments[-4:] == ["--key", "keys/oscar.pem", "--key", "keys/olga.pem"]
    assert interlock(*arguments).exit_code == 0
    assert decision.target == "birch"


def test_who_ordered_a_suspension_is_shown_and_how_to_end_it(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    as_json("suspend", "support", "--reason", "wrong totals", "--key", decision.key("sam"))
    shown = only(as_json("status"))
    hold = shown["hold"]
    assert (shown["concern"], hold["kind"], hold["by"]) == ("ordered", "ordered", ["sam"])
    assert hold["detail"] == "suspended: wrong totals"
    assert hold["command"] == f"interlock resume '{ROUTE}' --key keys/olga.pem"


def test_a_suspension_by_the_policys_own_trigger_is_nobodys(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN, slow(Mode.SUSPEND)))
    decision.verdict("atlas", "latency>2s", Level.DEGRADED)
    hold = only(as_json("status"))["hold"]
    assert (hold["kind"], hold["by"], hold["trigger"]) == ("ordered", [], "latency")


def test_a_canary_is_shown_with_its_step_and_its_judgement(as_json, interlock, decision):
    decision.begin("atlas", "birch", triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    decision.verdict("atlas", "latency>2s", Level.DEGRADED)
    decision.judge(Level.HEALTHY, calls=30)
    shown = only(as_json("status"))
    canary = shown["canary"]
    assert (shown["concern"], canary["source"], canary["target"], canary["weight"]) == ("canary", "atlas", "birch", 5)
    assert (canary["step"], canary["steps"], canary["verdict"]) == (1, [5, 50, 100], "healthy")
    assert canary["command"] == f"interlock reject '{ROUTE}' {canary['id']} --key keys/olga.pem"
    assert "birch has 5 % beside atlas, step 1 of 3" in interlock("status").stdout


def test_a_fallback_keeps_its_incident_when_the_policy_is_published_again(as_json, interlock, decision):
    """The order then says only that a new policy took effect: why the route is off its primary stands beside it."""
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    rule = decision.deployment.rule(["atlas", "birch"], triggers=(DOWN,))
    decision.publish(decision.deployment.policy_of("support", rule, version=2))
    shown = only(as_json("status"))
    assert (shown["concern"], shown["target"]) == ("fallback", "birch")
    assert "new policy" in shown["detail"]
    assert shown["incident"]["trigger"] == "unavailable"
    assert "atlas is unavailable" in shown["incident"]["detail"]
    assert "atlas is unavailable" in interlock("status").stdout


def test_how_long_like_incidents_lasted_is_shown(as_json, interlock, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    decision.wait(295)
    decision.verdict("atlas", "unavailable", Level.HEALTHY)
    decision.verdict("birch", "unavailable", Level.HEALTHY)
    decision.wait(5)
    assert decision.target == "atlas"
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    incident = only(as_json("status"))["incident"]
    told = (incident["expected_s"], incident["expected_from"], incident["expected_like"])
    assert told == (300, 1, "unavailable of atlas")
    assert "5 min in all, as long as the one like it (unavailable of atlas)" in interlock("status").stdout


def test_an_incident_that_nothing_like_it_is_known_of_is_said_to_be_so(as_json, interlock, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    incident = only(as_json("status"))["incident"]
    assert (incident["expected_s"], incident["expected_from"]) == (None, 0)
    assert "not known: no incident like it (unavailable of atlas) is on record" in interlock("status").stdout


def test_a_router_that_refuses_is_shown_with_its_reason(as_json, interlock, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    acknowledge(decision, AckKind.NACK, reason="not_on_ladder")
    shown = only(as_json("status"))
    assert (shown["concern"], shown["routers"]) == ("router_refused", {"gateway-1": "not_on_ladder"})
    told = interlock("status").stdout
    assert "gateway-1 REFUSED: not_on_ladder" in told
    assert Reason.NOT_ON_LADDER.mend in told


def test_a_refusal_that_the_log_holds_is_a_concern_whatever_the_routers_topic_still_has(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.refuse(decision.last)
    shown = only(as_json("status"))
    assert (shown["concern"], shown["routers"]) == ("router_refused", {})


def test_a_model_whose_canary_failed_is_shown_as_kept_away(as_json, interlock, decision):
    decision.begin("atlas", "birch", "cedar", triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    decision.verdict("atlas", "latency>2s", Level.DEGRADED)
    decision.judge(Level.DEGRADED)
    shown = only(as_json("status"))
    assert shown["kept_away"][0]["model"] == "birch"
    assert [rung["why_not"] for rung in shown["rungs"]] == ["", "kept_away", ""]
    assert "kept away birch, which failed or timed out, until" in interlock("status").stdout


def test_what_a_router_says_for_another_is_not_believed(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    change = decision.last
    said = Acknowledgement("gateway-2", AckKind.ACK, change.id, decision.entry.event_id, "", decision.now)
    decision.say(ACKS, said, "gateway-1")
    assert only(as_json("status"))["routers"] == {}


def test_a_router_that_fell_silent_is_shown(as_json, interlock, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    acknowledge(decision, AckKind.ACK)
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    shown = only(as_json("status"))
    assert shown["routers"] == {}
    assert list(shown["routers_silent"]) == ["gateway-1"]
    assert "gateway-1 has not answered; it last did" in interlock("status").stdout


def test_a_silent_router_was_last_heard_when_it_last_spoke_though_an_older_word_came_later(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    acknowledge(decision, AckKind.ACK)
    acknowledge(decision, AckKind.ACK, at=decision.now - 60 * SECOND)
    spoke = decision.now
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert only(as_json("status"))["routers_silent"] == {"gateway-1": to_text(spoke)}


def test_a_freeze_is_shown_with_who_ordered_it(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    as_json("freeze", "support", "--for", "45m", "--key", decision.key("oscar"))
    shown = only(as_json("status"))
    assert shown["concern"] == "frozen"
    assert shown["frozen"]["by"] == ["oscar"]


def test_what_a_person_took_away_is_shown_at_its_rung(as_json, decision):
    decision.begin("atlas", "birch", "cedar", triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    decision.verdict("atlas", "latency>2s", Level.DEGRADED)
    as_json("reject", ROUTE, decision.entry.canary.id, "--key", decision.key("olga"))
    as_json("disable", "cedar", "--reason", "r", "--key", decision.key("olga"))
    shown = only(as_json("status"))
    assert [rung["why_not"] for rung in shown["rungs"]] == ["", "rejected", "disabled"]
    assert shown["rejected"] == ["birch"]


def test_a_silent_guard_is_why_a_route_stopped(as_json, interlock, decision):
    decision.begin("atlas", triggers=(DOWN,), guards=("guardrail-1",))
    decision.guard("guardrail-1", Level.UNAVAILABLE)
    shown = only(as_json("status"))
    assert (shown["concern"], shown["guards"]) == ("stopped", {"guardrail-1": "unavailable"})
    assert "1 stopped: no model may be used" in interlock("status").stdout


def test_an_overdue_review_is_a_concern_of_a_route_that_is_well(as_json, interlock, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    decision.verdict("atlas", "unavailable", Level.HEALTHY)
    decision.wait(5)
    decision.wait(2 * DAY / SECOND)
    for at in ("atlas", "birch"):
        decision.verdict(at, "unavailable", Level.HEALTHY)
    shown = only(as_json("status"))
    assert [review["overdue"] for review in shown["reviews"]] == [True, True]
    assert shown["concern"] == "review_overdue"
    assert "review    2 OVERDUE" in interlock("status").stdout


def test_the_notice_is_shown_once_it_was_accepted(as_json, decision):
    decision.begin("atlas", triggers=(DOWN,))
    change = decision.last
    assert only(as_json("status"))["notice_accepted_after_s"] is None
    said = Notice(
        change.id, decision.entry.event_id, "support", "webhook:x", 1, NoticeKind.ACCEPTED, 200, "", change.issued_at,
        Micros(change.issued_at + 2 * SECOND),
    )  # fmt: skip
    decision.say(NOTICES, said, "notifier-1")
    assert only(as_json("status"))["notice_accepted_after_s"] == 2.0


def test_one_agent_or_route_can_be_asked_for(as_json, decision):
    decision.begin("atlas", triggers=(DOWN,))
    assert only(as_json("status", "support"))["route"] == ROUTE
    assert only(as_json("status", ROUTE))["route"] == ROUTE
    assert "route_unknown" in as_json("status", "payroll", code=1)["error"]


def test_text_from_outside_cannot_play_tricks_on_the_terminal(interlock, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE, detail="down\x1b[2J\rall well")
    assert "down\\x1b[2J\\rall well" in interlock("status").stdout


def test_before_anything_was_decided_it_says_what_to_do(as_json, interlock, decision):
    assert as_json("status") == {"routes": []}
    assert "publish a policy" in interlock("status").stdout


def test_a_change_that_nobody_was_told_of_in_time_is_a_concern_and_a_late_receipt_does_not_hide_it(
    as_json, interlock, decision
):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    change, event_id = decision.last, decision.entry.event_id
    at, deadline = Micros(change.issued_at + seconds(301)), seconds(300)
    fields = (change.id, event_id, "support", ROUTE, change.issued_at, deadline, False, "no attempt is on record", at)
    decision.say(NOTICES, Breach("watch-1", *fields), "watch-1")
    shown = only(as_json("status"))
    assert (shown["concern"], shown["notice_accepted_after_s"]) == ("unnotified", None)
    assert (shown["breach"]["deadline_s"], shown["breach"]["detail"]) == (300, "no attempt is on record")
    assert "BREACH    nobody was told within 300 s: no attempt is on record" in interlock("status").stdout
    late = Micros(change.issued_at + seconds(400))
    told = Notice(change.id, event_id, "support", "webhook:x", 9, NoticeKind.ACCEPTED, 200, "", change.issued_at, late)
    decision.say(NOTICES, told, "notifier-1")
    shown = only(as_json("status"))
    assert (shown["concern"], shown["notice_accepted_after_s"]) == ("unnotified", 400)


def test_a_breach_that_no_watch_signed_is_not_shown(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    change = decision.last
    fields = (
        change.id,
        decision.entry.event_id,
        "support",
        ROUTE,
        change.issued_at,
        seconds(300),
        False,
        "",
        change.issued_at,
    )
    decision.say(NOTICES, Breach("notifier-1", *fields), "notifier-1")
    assert only(as_json("status"))["breach"] is None
