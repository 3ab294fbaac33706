import json
import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.notifier.message import BODY_BYTES_MAX, body_of
from interlock.notifier.news import News, news_in
from interlock.records.audit import AuditKind, AuditRecord, Entry
from interlock.records.codec import encode
from interlock.records.health import Level
from interlock.records.sealing import event_id_of
from interlock.records.state import ReviewEntry
from interlock.signing.verifier import Refused
from interlock.testing.builders import Deployment
from interlock.testing.stories import running
from interlock.testing.strategies import anything
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, to_text

GOLDEN = Path(__file__).parents[2] / "golden" / "notifier" / "review_overdue.json"
ISSUED = Micros(1_780_000_000_250_000)
DAY = 86_400 * SECOND
DEPLOYMENT = Deployment()
CHANGE = "support/main/*@1.7.2"
REVIEW = ReviewEntry(
    "support/main/*",
    "atlas",
    "birch",
    ISSUED,
    Micros(ISSUED + DAY),
    overdue=True,
    team="team-support",
    accepted_by="oscar",
)
NOTICED = Micros(ISSUED + DAY + SECOND)


def entry(review: ReviewEntry = REVIEW, change: str = CHANGE) -> Entry:
    return Entry(f"review/{change}", encode(review))


def told(*entries: Entry, changes: tuple[bytes, ...] = (), now: Micros = NOTICED) -> list[News | Refused]:
    step = AuditRecord(0, AuditKind.STEP, "decision-1", 0, 1, now, (), changes, entries, b"")
    return list(news_in(step, DEPLOYMENT.root))


def data(news: News | Refused) -> dict:
    assert isinstance(news, News)
    return json.loads(news.body)["data"]


def test_an_overdue_review_is_told_in_plain_words_and_as_data():
    (news,) = told(entry())
    shown = json.dumps(json.loads(news.body), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("INTERLOCK_WRITE_GOLDEN"):
        GOLDEN.write_text(shown, "utf-8")
    assert shown == GOLDEN.read_text("utf-8")
    assert (news.id, news.agent, news.issued_at) == (f"review/{CHANGE}", "support", NOTICED)


def test_a_change_and_a_review_of_one_step_are_both_told():
    change = DEPLOYMENT.change()
    found = told(entry(), changes=(DEPLOYMENT.seal(change, "decision-1"),))
    assert [news.id for news in found] == [change.id, f"review/{CHANGE}"]
    assert found[0] == News(
        change.id,
        event_id_of(change),
        "support",
        change.root_version,
        change.issued_at,
        body_of(change, event_id_of(change)),
    )


def test_a_review_that_is_opened_or_closed_and_every_other_entry_is_no_news():
    others = [entry(replace(REVIEW, overdue=False)), Entry(f"review/{CHANGE}", None), Entry("climbs", b"anything")]
    assert told(*others) == []


def test_an_overdue_review_has_one_identity_wherever_it_is_read_and_shares_it_with_no_other():
    (first,) = told(entry())
    (again,) = told(Entry("climbs", b""), entry(), now=Micros(NOTICED + DAY))
    assert first.event_id == again.event_id
    others = [entry(change="support/main/*@1.7.3"), entry(replace(REVIEW, target="cedar"))]
    assert len({news.event_id for news in (first, *told(*others))}) == 3


def test_what_decision_finds_overdue_is_what_is_told_once():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    change = it.last
    steps = [it.wait(3_600) for _ in range(48)]
    (news,) = [news for step in steps for news in told(*step.entries)]
    assert (news.id, news.agent) == (f"review/{change.id}", change.agent)
    shown = data(news)
    assert (shown["accountable_team"], shown["accepted_by"]) == (change.team, change.accepted_by)
    assert (shown["source"], shown["target"], shown["overdue_since"]) == ("atlas", "birch", to_text(change.review_due))


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"\x00", Reason.UNREADABLE), (encode(replace(REVIEW, route="no/route")), Reason.OUT_OF_BOUNDS)],
)
def test_a_review_that_cannot_be_read_is_refused_and_the_rest_is_told(value, reason):
    refused, news = told(Entry(f"review/{CHANGE}", value), entry())
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.detail) == (reason, f"review/{CHANGE}")
    assert isinstance(news, News)


def test_the_safe_state_is_named_on_the_side_that_has_no_model():
    (news,) = told(entry(replace(REVIEW, target=None, accepted_by="")))
    assert "moved from atlas to its safe state." in data(news)["text"]
    assert data(news)["target"] is None
    assert "accepted by" not in data(news)["text"]


def test_nobody_can_smuggle_a_line_or_a_command_into_it():
    hostile = "x'; rm -rf ~ #\n$(reboot)\u202e"
    (news,) = told(entry(replace(REVIEW, team=hostile, target=hostile), change=hostile))
    assert shlex.split(data(news)["close"]) == ["interlock", "review", "close", "x'; rm -rf ~ # $(reboot)"]
    (usual,) = told(entry())
    assert data(news)["text"].count("\n") == data(usual)["text"].count("\n")


@given(anything(ReviewEntry), st.text(max_size=500))
def test_whatever_a_review_says_it_can_be_told_or_is_refused(review: ReviewEntry, change: str):
    for news in told(entry(replace(review, overdue=True), change)):
        assert isinstance(news, Refused) or len(news.body) < BODY_BYTES_MAX


@pytest.mark.parametrize("text", ["a", "🚨", '"', "'", "\\", "\x00"])
def test_the_body_stays_below_its_limit_whatever_the_review_says(text):
    long = text * 10_000
    (news,) = told(entry(replace(REVIEW, source=long, target=long, team=long, accepted_by=long), change=long))
    assert isinstance(news, News)
    assert len(news.body) < BODY_BYTES_MAX
