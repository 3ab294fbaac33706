"""`interlock review show`: what happened, who was told, and source and target side by side, each figure with what it rests on."""

from collections import Counter
from dataclasses import replace

import pytest

from interlock.records.audit import AuditKind, Entry, Input, InputKind
from interlock.records.commands import ReviewOutcome, Verb
from interlock.records.health import Cell, Level, TelemetryBatch
from interlock.records.rules import Mode, TriggerRule, WatchedTrigger
from interlock.records.sketch import bucket
from interlock.records.telling import Breach, Notice, NoticeKind
from interlock.runtime.bus import Position
from interlock.signing.roles import Role
from interlock.testing.builders import DAY
from interlock.testing.driver import Driver
from interlock.testing.stories import DOWN, slow
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.topics import COMMANDS, NOTICES, POLICIES, TELEMETRY

ROUTE = ("support", "main", "*")
GROUNDED = TriggerRule(WatchedTrigger.QUALITY, 0.8, Micros(0), metric="groundedness")


@pytest.fixture
def moved(decision):
    """A route that left `atlas` for `birch`; both are watched for latency and groundedness."""
    decision.begin("atlas", "birch", triggers=(DOWN, slow(Mode.CUTOVER), GROUNDED))
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE, detail="5 of 5 calls failed")
    assert decision.target == "birch"
    return decision


def report(decision, start, outcomes, *, model="atlas", by="gateway-1", signed_by="", latency=(), number=None):
    """Somebody reports calls of one second, told from the change on, beside `model`."""
    first = decision.last.issued_at + seconds(start)
    cell = Cell(*ROUTE, outcomes, dict(Counter(map(bucket, latency))), {}, {})
    batch = TelemetryBatch(by, model, Micros(first), Micros(first + SECOND), number or int(first), (cell,))
    sealed = decision.deployment.seal(batch, signed_by or by)
    return decision.broker.append(Position(TELEMETRY.name, 0), model.encode(), sealed)


def shown(as_json, decision, *arguments):
    return as_json("review", "show", decision.last.id, *arguments)


def side(document, model, period, calls_of="route"):
    (row,) = [
        each
        for each in document["figures"]["seen"]
        if (each["model"], each["period"], each["calls_of"]) == (model, period, calls_of)
    ]
    return row


def test_the_keys_are_a_contract(as_json, moved):
    document = shown(as_json, moved)
    assert list(document) == [
        "change", "route", "agent", "team", "source", "target", "safe_state", "weight", "issued_at", "reason", "detail",
        "evidence", "verification", "delta", "material", "material_in", "accepted_by", "policy_version", "review", "told",
        "breaches", "verdicts", "prices_usd_per_mtok", "figures",
    ]  # fmt: skip
    assert list(document["figures"]) == [
        "from", "to", "vanish_from", "gone_at", "may_lack_some", "calls_across_the_change", "batches_not_verified",
        "confidence", "quality", "cost", "seen",
    ]  # fmt: skip


def test_the_change_is_told_as_it_stands_in_the_log(as_json, interlock, moved):
    document, change = shown(as_json, moved), moved.last
    assert (document["source"], document["target"], document["reason"]) == ("atlas", "birch", "unavailable")
    assert document["detail"] == change.cause.detail
    assert document["evidence"] == [identity.hex() for identity in change.cause.evidence]
    assert [each["check"] for each in document["verification"]] == [check.check for check in change.verification]
    assert [each["dimension"] for each in document["delta"]] == [delta.dimension for delta in change.delta]
    assert (document["material"], document["accepted_by"]) == (change.material, change.accepted_by)
    text = interlock("review", "show", change.id).stdout
    assert f"{sum(check.passed for check in change.verification)} checks of birch passed" in text
    assert "atlas: verdict unavailable: NO: unavailable: 5 of 5 calls failed" in text


def test_an_older_change_is_told_by_its_own_order_and_not_by_the_last(as_json, moved):
    older = moved.last
    moved.verdict("birch", "unavailable", Level.UNAVAILABLE, detail="gone, too")
    assert moved.last.id != older.id
    document = as_json("review", "show", older.id)
    assert (document["change"], document["target"], document["detail"]) == (older.id, "birch", older.cause.detail)


def test_a_change_that_the_log_does_not_hold_is_not_told(as_json, moved):
    assert "holds no change" in as_json("review", "show", "support/main/*@1.0.999", code=1)["error"]


def test_calls_before_and_after_the_change_are_told_with_their_sample_and_its_interval(as_json, moved):
    report(moved, -9, {"ok": 40, "timeout": 4, "server_error": 6}, latency=[0.5] * 20 + [1.5] * 20)
    report(moved, 3, {"ok": 100}, model="birch", latency=[0.9] * 100)
    document = shown(as_json, moved)
    before = side(document, "atlas", "before")
    assert (before["calls"], before["reporters"]) == (50, {"gateway-1": 50})
    assert before["outcomes"] == {"ok": 40, "server_error": 6, "timeout": 4}
    assert before["errors"] == {
        "count": 10,
        "of": 50,
        "share": 0.2,
        "between": pytest.approx([0.1124, 0.3304], abs=1e-4),
    }
    assert before["latency_p50_s"]["value"] == pytest.approx(0.5, rel=0.01)
    assert before["latency_p50_s"]["between"] == pytest.approx([0.5, 1.5], rel=0.01)
    after = side(document, "birch", "after")
    assert (after["errors"]["count"], after["errors"]["of"]) == (0, 100)
    assert after["errors"]["between"][1] > 0.03
    assert [side(document, *each)["calls"] for each in (("atlas", "after"), ("birch", "before"))] == [0, 0]


def test_what_nobody_reports_is_null_and_not_nought(as_json, interlock, moved):
    report(moved, -9, {"ok": 3})
    document = shown(as_json, moved)
    assert (document["figures"]["quality"], document["figures"]["cost"]) == (None, None)
    nothing = side(document, "birch", "after")
    assert (nothing["errors"]["share"], nothing["errors"]["between"]) == (None, None)
    assert nothing["latency_p95_s"] == {"of": 0, "value": None, "between": None}
    text = interlock("review", "show", moved.last.id).stdout
    assert "Quality and cost of these calls: not known." in text


def test_a_batch_that_the_reporters_key_did_not_sign_is_left_out_and_counted(as_json, interlock, moved):
    report(moved, -9, {"ok": 7})
    report(moved, -8, {"server_error": 900}, signed_by="olga")
    report(moved, -7, {"server_error": 900}, by="gateway-2", signed_by="gateway-1")
    document = shown(as_json, moved)
    assert side(document, "atlas", "before")["outcomes"] == {"ok": 7}
    assert document["figures"]["batches_not_verified"] == 2
    assert "2 batches are left out" in interlock("review", "show", moved.last.id).stdout


def test_the_probes_calls_stand_apart(as_json, interlock, moved):
    report(moved, -9, {"ok": 5}, model="birch", by="probe-1")
    document = shown(as_json, moved)
    assert side(document, "birch", "before")["calls"] == 0
    assert side(document, "birch", "before", "probes")["calls"] == 5
    text = interlock("review", "show", moved.last.id).stdout
    assert "Calls of the route: none was reported." in text


def test_only_calls_within_the_window_that_is_asked_for_count(as_json, moved):
    report(moved, -90, {"ok": 1})
    report(moved, -9, {"ok": 2})
    report(moved, -0.5, {"ok": 4})
    document = shown(as_json, moved, "--window", "60s")
    assert side(document, "atlas", "before")["calls"] == 2
    assert document["figures"]["calls_across_the_change"] == 4
    assert side(shown(as_json, moved), "atlas", "before")["calls"] == 3
    for window in ("0s", "soon"):
        assert "--window" in shown_wrong(as_json, moved, window)


def shown_wrong(as_json, decision, window):
    return as_json("review", "show", decision.last.id, "--window", window, code=2)["error"]


def test_until_when_the_figures_can_be_had_is_said(as_json, interlock, moved):
    figures = shown(as_json, moved)["figures"]
    assert (figures["may_lack_some"], figures["from"] < figures["to"] < figures["vanish_from"]) == (False, True)
    assert figures["vanish_from"] < figures["gone_at"]
    assert f"vanish from {figures['vanish_from']} on" in interlock("review", "show", moved.last.id).stdout


def test_that_some_figures_may_be_gone_already_is_said(as_json, interlock, moved):
    wide = ("--window", "7h")
    assert shown(as_json, moved, *wide)["figures"]["may_lack_some"]
    assert "may have been there" in interlock("review", "show", moved.last.id, *wide).stdout


def test_the_verdicts_at_the_change_and_now_are_told_and_what_is_not_watched_is_named(as_json, interlock, moved):
    moved.verdict("atlas", "unavailable", Level.HEALTHY, detail="the last 3 calls succeeded")
    rows = {row["objective"]: row for row in shown(as_json, moved)["verdicts"]}
    assert rows["unavailable"]["source"]["then"] == {"level": "unavailable", "detail": "5 of 5 calls failed"}
    assert rows["unavailable"]["source"]["now"] == {"level": "healthy", "detail": "the last 3 calls succeeded"}
    assert rows["quality.groundedness<0.8"]["target"]["then"]["level"] == "healthy"
    assert [name for name, row in rows.items() if not row["watched"]] == ["errors", "refusals", "cost"]
    text = interlock("review", "show", moved.last.id).stdout
    assert text.replace("\n", " ").count("not watched") == 2 * len(["errors", "refusals", "cost"])


def test_a_side_in_the_safe_state_has_neither_figures_nor_verdicts(as_json, interlock, moved):
    moved.verdict("birch", "unavailable", Level.UNAVAILABLE)
    document = shown(as_json, moved)
    assert (document["source"], document["target"], document["safe_state"]) == ("birch", None, "suspend")
    assert all(row["target"] is None for row in document["verdicts"])
    assert {row["side"] for row in document["figures"]["seen"]} == {"source"}
    assert "birch -> safe state" in interlock("review", "show", moved.last.id).stdout


def test_who_was_told_and_when_is_told_and_so_is_a_breach(as_json, interlock, moved):
    change = moved.last
    at = change.issued_at

    def notice(kind, after_s, detail=""):
        event = moved.entry.event_id
        return Notice(change.id, event, "support", "webhook:soc", 1, kind, 0, detail, at, Micros(at + seconds(after_s)))

    breach = Breach(
        "watch-1", change.id, moved.entry.event_id, "support", "support/main/*", at, seconds(300), False, "none was", at
    )
    moved.say(NOTICES, notice(NoticeKind.ACCEPTED, 2.5), "notifier-1")
    moved.say(NOTICES, notice(NoticeKind.FAILED, 0.5, "no route to host"), "notifier-1")
    moved.say(NOTICES, notice(NoticeKind.ACCEPTED, 0.1), "gateway-1")
    moved.say(NOTICES, replace(notice(NoticeKind.ACCEPTED, 0.2), change_id="support/main/*@1.0.1"), "notifier-1")
    moved.say(NOTICES, breach, "watch-1")
    document = shown(as_json, moved)
    assert [(each["kind"], each["after_s"]) for each in document["told"]] == [("failed", 0.5), ("accepted", 2.5)]
    assert [(each["watch"], each["deadline_s"]) for each in document["breaches"]] == [("watch-1", 300)]
    text = interlock("review", "show", change.id).stdout
    assert "webhook:soc: accepted after 2.5 s" in text
    assert "watch-1, after 300 s: none was" in text


def test_nobody_told_is_said_to_be_so(interlock, moved):
    assert "nobody is known to have been told" in interlock("review", "show", moved.last.id).stdout


def test_a_closed_review_says_who_closed_it_how_and_why(as_json, interlock, moved):
    change = moved.last.id
    review = shown(as_json, moved)["review"]
    assert (review["state"], list(review["commands"])) == ("open", ["confirm", "reapprove", "revoke"])
    signed = ("--key", moved.key("oscar"), "--reason", "as agreed", "--ticket", "CHG-1")
    as_json("review", "close", change, "--outcome", "confirm", *signed)
    closed = as_json("review", "show", change)["review"]
    assert (closed["state"], closed["commands"]) == ("closed", {})
    told = {key: closed["closed"][key] for key in ("outcome", "by", "reason", "ticket")}
    assert told == {"outcome": "confirm", "by": ["oscar"], "reason": "as agreed", "ticket": "CHG-1"}
    assert "by oscar: confirm, as agreed, CHG-1" in interlock("review", "show", change).stdout


def test_who_was_told_stays_known_though_the_notifiers_key_is_gone(as_json, moved):
    change, at = moved.last, moved.last.issued_at
    moved.say(
        NOTICES, Notice(change.id, bytes(32), "support", "x", 1, NoticeKind.ACCEPTED, 0, "", at, at), "notifier-1"
    )
    root, key = moved.deployment.next_root(2), (moved.deployment.key("probe-1").keyid,)
    grants = tuple(replace(each, keyids=key) if each.role is Role.NOTIFIER else each for each in root.grants)
    sealed = moved.deployment.seal(replace(root, grants=grants), "root-1", "root-2")
    moved.broker.append(Position(POLICIES.name, 0), b"root/2", sealed)
    moved.document(sealed)
    late = replace(change, id=moved.last.id)
    for told in (change, late):
        said = Notice(told.id, bytes(32), "support", "y", 1, NoticeKind.ACCEPTED, 0, "", at, at)
        moved.say(NOTICES, said, "notifier-1" if told is late else "probe-1")
    assert late.id != change.id
    assert [each["channel"] for each in as_json("review", "show", change.id)["told"]] == ["x", "y"]
    assert as_json("review", "show", late.id)["told"] == []


def test_an_order_that_was_refused_in_the_same_step_closed_nothing(as_json, moved, monkeypatch):
    change = moved.last.id
    with monkeypatch.context() as not_journalled_apart:
        not_journalled_apart.setattr(type(moved), "happen", Driver.happen)
        for by, outcome in (
            ("olga", ReviewOutcome.CONFIRM),
            ("oscar", ReviewOutcome.REVOKE),
            ("oscar", ReviewOutcome.CONFIRM),
        ):
            moved.command(Verb.REVIEW, about=change, outcome=outcome, by=[by])
    said, outcomes = zip(*((event, outcome) for event, _, outcome in moved.outcomes[-3:]), strict=True)
    moved.sequence += 1
    whole = replace(
        outcomes[0],
        entries=tuple(entry for each in outcomes for entry in each.entries),
        changes=tuple(order for each in outcomes for order in each.changes),
    )
    inputs = tuple(Input(InputKind.RECORD, COMMANDS.name, 0, 0, each.sealed) for each in said)
    moved.journal(replace(moved.record(AuditKind.STEP, 0, whole), inputs=inputs))
    closed = as_json("review", "show", change)["review"]["closed"]
    assert (closed["outcome"], closed["by"]) == ("revoke", ["oscar"])


def test_an_overdue_review_is_shown_as_one(as_json, interlock, moved):
    change = moved.last.id
    moved.wait(2 * DAY / SECOND)
    assert as_json("review", "show", change)["review"]["state"] == "overdue"
    assert "OVERDUE since" in interlock("review", "show", change).stdout


def test_the_commands_that_close_it_name_who_may(as_json, moved):
    commands = shown(as_json, moved)["review"]["commands"]
    assert commands["confirm"] == (
        f"interlock review close '{moved.last.id}' --outcome confirm --key keys/oscar.pem --reason REASON"
    )
    assert "keys/olga.pem" in commands["revoke"]


def test_the_first_placement_opens_no_review(as_json, decision):
    decision.begin("atlas", triggers=(DOWN,))
    assert shown(as_json, decision)["review"]["state"] == "none"


@pytest.mark.parametrize(("by", "term"), [("olga", 0), ("decision-1", 99)], ids=["no decision key", "a zombie's term"])
def test_a_step_that_does_not_count_tells_nothing(as_json, moved, by, term):
    forged = replace(moved.last, id="support/main/*@1.0.77", version=77)
    step = moved.record(AuditKind.STEP, term)
    entries = (Entry(f"route/{forged.route.key}", b"whatever"),)
    step = replace(
        step, sequence=moved.sequence + 1, entries=entries, changes=(moved.deployment.seal(forged, "decision-1"),)
    )
    moved.broker.append(moved.where, b"shard", moved.deployment.seal(step, by))
    assert "holds no change" in as_json("review", "show", forged.id, code=1)["error"]


def test_what_others_wrote_cannot_play_tricks_on_a_terminal(interlock, moved):
    report(moved, -9, {"\x1b[2J": 3})
    change = moved.last.id
    moved.verdict("birch", "unavailable", Level.UNAVAILABLE, detail="\x1b[3J")
    for name, hidden in ((change, "[2J"), (moved.last.id, "[3J")):
        text = interlock("review", "show", name).stdout
        assert f"\x1b{hidden}" not in text
        assert f"\\x1b{hidden}" in text
