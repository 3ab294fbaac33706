"""What people order: judged here by the rule that will judge it, published, and answered from the log."""

from dataclasses import replace

import pytest

from interlock.cli import giving
from interlock.policy.book import Book, Taken, take
from interlock.records.commands import Command
from interlock.records.documents import Workflow
from interlock.records.health import Level
from interlock.records.rules import Approval, Mode, SafeState
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Position
from interlock.runtime.opening import load_trust
from interlock.testing.builders import model
from interlock.testing.stories import DOWN, PLAN, slow
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.topics import AUDIT, POLICIES

ROUTE = "support/main/*"


@pytest.fixture
def published(as_json, workspace, broker):
    as_json("policy", "publish", workspace.directory)
    return workspace


@pytest.fixture
def waiting(decision):
    """A route that waits for the approval of a fallback with another identity."""
    atlas, birch = decision.deployment.rung("atlas"), model("birch", identity={"id": "spiffe://other/agent"})
    rung = decision.deployment.rung(birch)
    decision.begin(
        atlas, material(rung), triggers=(DOWN,), safe_state=SafeState.HUMAN_QUEUE, approval=Approval(seconds(1_800))
    )
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert decision.entry.hold.proposal
    return decision


def material(rung):
    return replace(rung, accepted_in_advance=False)


def test_the_agents_owner_approves_what_waits_and_sees_where_the_route_went(as_json, waiting):
    told = as_json("approve", ROUTE, waiting.entry.hold.proposal, "--key", waiting.key("oscar"), "--ticket", "CHG-1")
    assert (told["accepted"], told["published"], told["reason"]) == (True, True, None)
    assert [(change["source"], change["target"]) for change in told["changes"]] == [(None, "birch")]
    assert waiting.target == "birch"


def test_a_person_reads_that_it_was_accepted_and_what_followed(interlock, waiting):
    result = interlock("approve", "support", waiting.entry.hold.proposal, "--key", waiting.key("oscar"))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("accepted: approve support/main/*@")
    assert "support/main/*: safe state -> birch: birch was approved" in result.stdout
    assert "waiting up to 10 s for the answer" in result.stderr


def test_a_material_change_is_not_an_operators_to_approve(as_json, waiting):
    told = as_json("approve", ROUTE, waiting.entry.hold.proposal, "--key", waiting.key("olga"), code=1)
    assert (told["published"], told["accepted"], told["reason"]) == (False, False, "not_authorised")
    assert "not_authorised" in told["error"]
    assert told["mend"]
    assert waiting.commands == []


@pytest.mark.parametrize("about", ["support/main/*@1.0.99", "nothing"])
def test_a_proposal_that_does_not_wait_is_refused_and_not_published(as_json, waiting, about):
    told = as_json("approve", ROUTE, about, "--key", waiting.key("oscar"), code=1)
    assert (told["reason"], told["published"]) == ("nothing_proposed", False)
    assert waiting.commands == []


@pytest.mark.parametrize("order", [["freeze", "--for", "30m"], ["suspend"], ["resume"]])
@pytest.mark.parametrize("subject", ["payroll", "support/main/eu"])
def test_an_unknown_route_is_refused_and_not_published(as_json, waiting, order, subject):
    verb, *options = order
    told = as_json(verb, subject, *options, "--key", waiting.key("olga"), code=1)
    assert told["reason"] in {"route_unknown", "not_authorised"}
    assert waiting.commands == []


def test_what_cannot_name_a_route_is_wrong_usage(as_json, waiting):
    assert "cannot name a route" in as_json("suspend", "Support!", "--key", waiting.key("olga"), code=2)["error"]


def test_a_rejected_proposal_is_withdrawn(as_json, waiting):
    told = as_json("reject", ROUTE, waiting.entry.hold.proposal, "--reason", "no", "--key", waiting.key("oscar"))
    assert told["accepted"]
    assert waiting.entry.hold is None
    assert waiting.entry.rejected == ("birch",)


def test_a_rejected_canary_is_rolled_back(as_json, decision):
    decision.begin("atlas", "birch", "cedar", triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    decision.verdict("atlas", "latency>2s", Level.DEGRADED)
    told = as_json("reject", ROUTE, decision.entry.canary.id, "--key", decision.key("olga"))
    back, again = told["changes"]
    assert (back["source"], back["target"], back["weight"]) == ("birch", "atlas", 100)
    assert (again["source"], again["target"], again["weight"]) == ("atlas", "cedar", 5)
    assert decision.entry.rejected == ("birch",)


def test_one_person_suspends_every_route_of_an_agent_and_a_resume_ends_it(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    told = as_json("suspend", "support", "--reason", "wrong totals", "--key", decision.key("sam"))
    assert [change["safe_state"] for change in told["changes"]] == ["suspend"]
    assert told["route"] is None
    assert decision.target is None
    as_json("resume", "support/main/*", "--key", decision.key("olga"))
    assert decision.entry.hold is None


def test_safety_may_stop_an_agent_and_not_start_it_again(as_json, decision):
    decision.begin("atlas", triggers=(DOWN,))
    as_json("suspend", "support", "--key", decision.key("sam"))
    assert as_json("resume", "support", "--key", decision.key("sam"), code=1)["reason"] == "not_authorised"


def test_a_freeze_lasts_as_long_as_it_says(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    told = as_json("freeze", "support", "--for", "45m", "--key", decision.key("olga"))
    (sealed,) = decision.commands
    said = decision.opened(sealed, Command).value
    assert said.expires_at - said.issued_at == 45 * 60 * SECOND
    assert decision.entry.frozen_until == said.expires_at
    assert told["changes"] == []


def test_where_money_moves_it_takes_two_people_to_resume(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,), workflow=Workflow.MONEY_MOVING)
    as_json("suspend", "support", "--key", decision.key("olga"))
    alone = as_json("resume", "support", "--key", decision.key("olga"), "--key", decision.key("olga"), code=1)
    assert alone["reason"] == "not_authorised"
    as_json("resume", "support", "--key", decision.key("olga"), "--key", decision.key("oscar"))
    assert decision.entry.hold is None


def test_two_people_at_two_machines_sign_one_order(as_json, decision, tmp_path):
    decision.begin("atlas", "birch", triggers=(DOWN,), workflow=Workflow.MONEY_MOVING)
    as_json("suspend", "support", "--key", decision.key("olga"))
    file = tmp_path / "resume.sealed"
    written = as_json("resume", "support", "--reason", "mended", "--key", decision.key("olga"), "--out", file)
    assert (written["published"], written["file"]) == (False, str(file))
    assert len(decision.commands) == 1
    said = decision.opened(file.read_bytes(), Command).value
    assert said.expires_at - said.issued_at == 3_600 * SECOND
    told = as_json("resume", "support", "--key", decision.key("oscar"), "--add", file)
    assert (told["id"], told["accepted"]) == (written["id"], True)
    assert decision.entry.hold is None


def test_nobody_signs_along_what_he_did_not_type(as_json, decision, tmp_path):
    decision.begin("atlas", "birch", triggers=(DOWN,), workflow=Workflow.MONEY_MOVING)
    as_json("suspend", "support", "--key", decision.key("olga"))
    file = tmp_path / "resume.sealed"
    as_json("resume", "support", "--key", decision.key("olga"), "--out", file)
    refused = as_json("resume", "support/main/*", "--key", decision.key("oscar"), "--add", file, code=2)
    assert "another order" in refused["error"]
    file.write_bytes(b"rubbish")
    assert "no order" in as_json("resume", "support", "--key", decision.key("oscar"), "--add", file, code=2)["error"]


@pytest.mark.parametrize("typed", [["--ticket", "CHG-2"], ["--reason", "another"]])
def test_a_ticket_or_reason_that_is_typed_again_must_be_the_same(as_json, waiting, tmp_path, typed):
    file, proposal = tmp_path / "approve.sealed", waiting.entry.hold.proposal
    common = ["approve", ROUTE, proposal, "--key", waiting.key("oscar")]
    as_json(*common, "--ticket", "CHG-1", "--reason", "agreed", "--out", file)
    assert "another order" in as_json(*common, *typed, "--add", file, code=2)["error"]
    assert as_json(*common, "--add", file)["accepted"]


def test_an_order_is_weighed_by_the_policy_that_is_published_even_if_nobody_has_decided_on_it_yet(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    as_json("suspend", "support", "--key", decision.key("olga"))
    rule = decision.deployment.rule(["atlas"], triggers=(DOWN,))
    newer = decision.deployment.policy_of("support", rule, version=2, workflow=Workflow.CLINICAL)
    decision.say(POLICIES, newer, "grace", "oscar")
    told = as_json("resume", "support", "--key", decision.key("olga"), code=1)
    assert (told["reason"], told["published"]) == ("not_authorised", False)


def test_what_the_same_step_orders_for_others_is_not_told(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    rule = decision.deployment.rule(["atlas"], triggers=(DOWN,))
    decision.publish(decision.deployment.policy_of("drafting", rule))
    decision.all_healthy("atlas")
    decision.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    decision.verdict("atlas", "unavailable", Level.HEALTHY)
    decision.now = Micros(decision.now + 60 * SECOND)
    told = as_json("suspend", "support", "--key", decision.key("olga"))
    assert len(decision.outcomes[-1][2].changes) == 2
    assert [change["route"] for change in told["changes"]] == [ROUTE]


def test_what_concerns_several_shards_is_accepted_once_all_have_answered(as_json, decision, monkeypatch):
    monkeypatch.setattr(giving, "ANSWER_WITHIN_S", 0.5)
    decision.begin("atlas", "birch", triggers=(DOWN,))
    elsewhere = decision.deployment.policy("triage", ["atlas"])
    decision.broker.append(Position(POLICIES.name, 0), b"policy/triage", elsewhere)
    shard = shard_of("triage", AUDIT.partitions)
    assert shard != decision.where.partition
    told = as_json("disable", "atlas", "--reason", "r", "--key", decision.key("olga"), code=3)
    assert (told["accepted"], told["detail"]) == (None, f"no answer from shard {shard}")
    assert as_json("disable", "birch", "--reason", "r", "--key", decision.key("olga"))["accepted"]


def test_an_order_that_can_never_count_is_not_written_down(as_json, decision, tmp_path):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    file = tmp_path / "resume.sealed"
    told = as_json("resume", "support", "--key", decision.key("olga"), "--out", file, code=1)
    assert told["reason"] == "nothing_to_resume"
    assert not file.exists()


def test_silence_is_no_answer(as_json, interlock, decision, monkeypatch):
    monkeypatch.setattr(giving, "ANSWER_WITHIN_S", 0.0)
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.silent = True
    told = as_json("suspend", "support", "--key", decision.key("olga"), code=3)
    assert (told["published"], told["accepted"]) == (True, None)
    assert told["expires_at"] in told["mend"]
    result = interlock("suspend", "support", "--key", decision.key("olga"))
    assert result.exit_code == 3
    assert "not answered" in result.stderr


def test_an_answer_is_believed_only_from_the_owner_of_the_shard(as_json, decision, monkeypatch):
    """A zombie's step bears an older term; what it says of the order is void."""
    monkeypatch.setattr(giving, "ANSWER_WITHIN_S", 0.0)
    decision.begin("atlas", "birch", triggers=(DOWN,))
    decision.sequence += 7
    assert as_json("suspend", "support", "--key", decision.key("olga"), code=3)["accepted"] is None


def test_a_refusal_after_all_is_told_with_its_reason(as_json, decision, monkeypatch):
    """The log that was read may be older than the one that is decided on."""
    decision.begin("atlas", "birch", triggers=(DOWN,))
    as_json("suspend", "support", "--key", decision.key("olga"))
    monkeypatch.setattr(giving, "foresee", lambda order: None)
    told = as_json("approve", ROUTE, "nothing", "--key", decision.key("olga"), code=1)
    assert (told["published"], told["accepted"], told["reason"]) == (True, False, "nothing_proposed")
    assert told["mend"]


def test_an_operator_disables_a_model_for_a_time(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    key = decision.key("olga")
    told = as_json("disable", "atlas", "--for", "30m", "--reason", "ticket 4711", "--key", key)
    (sealed,) = decision.commands
    said = decision.opened(sealed, Command).value
    assert (said.id, said.model, said.agent, said.reason) == (told["id"], "atlas", "*", "ticket 4711")
    assert said.expires_at - said.issued_at == 30 * 60 * SECOND
    assert [change["target"] for change in told["changes"]] == ["birch"]


@pytest.mark.parametrize(
    ("arguments", "who", "code", "error"),
    [
        (["gpt-9"], "olga", 1, "model_not_used"),
        (["atlas", "--agent", "payroll"], "olga", 1, "route_unknown"),
        (["atlas"], "grace", 1, "role_not_allowed"),
        (["atlas"], "oscar", 1, "threshold_not_met"),
        (["atlas", "--for", "soon"], "olga", 2, "not a duration"),
        (["atlas", "--for", "0s"], "olga", 2, "must last"),
        (["Atlas!"], "olga", 2, "names a model"),
    ],
)
def test_an_order_that_would_not_count_is_refused_and_not_sent(as_json, decision, arguments, who, code, error):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    refused = as_json("disable", *arguments, "--reason", "r", "--key", decision.key(who), code=code)
    assert error in refused["error"]
    assert refused["mend"]
    assert decision.commands == []


def test_the_agents_owner_may_disable_for_his_own_agent(as_json, decision):
    decision.begin("atlas", "birch", triggers=(DOWN,))
    as_json("disable", "atlas", "--agent", "support", "--reason", "r", "--key", decision.key("oscar"))
    assert decision.target == "birch"


def test_safety_denies_a_model_to_everybody_once(as_json, published, broker):
    order = ["deny", "atlas-large", "--reason", "leaks", "--key", published.key("sam"), "-w", published.directory]
    before = broker.end(Position(POLICIES.name, 0))
    told = as_json(*order)
    trust, root_id = load_trust(published.root, "testbed")
    record = broker.fetch(Position(POLICIES.name, 0), before, 10)[0]
    assert record.key == f"deny/{told['id']}".encode()
    taken = take(Book.start(trust, root_id), record.value)
    assert isinstance(taken, Taken)
    assert "atlas-large" in taken.book.denials
    assert "denied already" in as_json(*order, code=1)["error"]


def test_nobody_but_safety_denies(as_json, published, broker):
    order = ["deny", "atlas-large", "--reason", "r", "--key", published.key("olga"), "-w", published.directory]
    before = broker.end(Position(POLICIES.name, 0))
    assert "role_not_allowed" in as_json(*order, code=1)["error"]
    assert broker.end(Position(POLICIES.name, 0)) == before


def test_a_command_outside_a_workspace_tells_to_make_one(as_json, published, tmp_path):
    order = ["disable", "atlas-large", "--reason", "r", "--key", published.key("olga"), "-w", tmp_path]
    assert "interlock init" in as_json(*order, code=2)["mend"]


def test_what_was_signed_is_what_was_typed(as_json, waiting):
    proposal = waiting.entry.hold.proposal
    as_json("approve", ROUTE, proposal, "--key", waiting.key("oscar"), "--ticket", "CHG-1", "--reason", "agreed")
    opened = open_sealed(waiting.commands[0], waiting.deployment.root, Command)
    said = opened.value
    assert (said.agent, said.route, said.about, said.ticket, said.reason) == (
        "support",
        ROUTE,
        proposal,
        "CHG-1",
        "agreed",
    )
    assert said.expires_at - said.issued_at == Micros(300 * SECOND)
