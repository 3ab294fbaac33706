"""`interlock policy simulate` and `interlock audit verdicts`: drafts as a person has them, and incidents as he names them."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from interlock.cli.app import app
from interlock.cli.policy import simulated
from interlock.cli.verdicts import from_then_on
from interlock.records.audit import AuditKind, AuditRecord, Input, InputKind
from interlock.records.health import Level, Verdict
from interlock.records.log import NO_TERM
from interlock.runtime.bus import Position
from interlock.runtime.first_settings import OPERATOR, first_settings
from interlock.runtime.memory_bus import MemoryBroker
from interlock.runtime.workspace import Workspace
from interlock.testing.builders import NOW, Deployment
from interlock.trials.simulate.recorded import Recorded
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT, VERDICTS

Interlock = Callable[..., Result]
AsJson = Callable[..., dict[str, Any]]

OUTAGE = ("--outage", "model:atlas-large", "--from", "10s", "--for", "2m")


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded") / "deployment"
    result = CliRunner().invoke(app, ["init", str(folder), "--deployment", "testbed"], prog_name="interlock")
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def workspace(founded: Path, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(founded, tmp_path / "deployment")))


@pytest.fixture
def simulate(as_json: AsJson, workspace: Workspace) -> AsJson:
    def simulate(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
        return as_json("policy", "simulate", *arguments, "--workspace", workspace.directory, code=code)

    return simulate


@pytest.fixture
def policy(workspace: Workspace) -> Path:
    return workspace.policies / "invoice.yaml"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def squeezed(text: str) -> str:
    return " ".join(text.split())


class TestOutage:
    def test_it_says_what_the_agent_would_do_and_when(self, simulate: AsJson) -> None:
        told = simulate(*OUTAGE)
        (route,) = told["routes"]
        assert told["ok"]
        assert [(move["to"]["model"], move["trigger"]) for move in route["moves"]] == [
            ("birch-medium", "unavailable"),
            ("atlas-large", "recovered"),
        ]
        leaves, returns = (move["at_s"] for move in route["moves"])
        assert 15 + 5 - 1 <= leaves <= 15 + 5 + 1, "five calls, and the trigger's `for`"
        assert returns >= 130 + 60, "the stable period"

    def test_a_draft_that_nobody_has_signed_counts(self, simulate: AsJson, policy: Path) -> None:
        policy.with_suffix(".sealed").unlink()
        edit(policy, "version: 1", "version: 2")
        edit(policy, "unavailable: {for: 5s}", "unavailable: {for: 25s}")
        assert 39 <= simulate(*OUTAGE)["routes"][0]["moves"][0]["at_s"] <= 41

    def test_nothing_in_the_workspace_is_touched(self, simulate: AsJson, workspace: Workspace) -> None:
        def everything() -> dict[Path, bytes]:
            return {path: path.read_bytes() for path in workspace.directory.rglob("*") if path.is_file()}

        before = everything()
        simulate(*OUTAGE)
        assert everything() == before

    def test_it_says_that_it_does_not_know_what_was_denied(self, simulate: AsJson) -> None:
        assert "denied since on the topic is not known here" in simulate(*OUTAGE)["premises"][-1]

    def test_two_outages_at_once_leave_only_the_safe_state(self, simulate: AsJson) -> None:
        told = simulate(*OUTAGE, "--outage", "provider:birch")
        assert told["in_safe_state"] == ["invoice/main/*"]
        assert "In a safe state: invoice" in " ".join(told["findings"])

    def test_a_region_is_every_model_in_it(self, simulate: AsJson) -> None:
        assert simulate("--outage", "region:eu-west", "--for", "2m")["in_safe_state"] == ["invoice/main/*"]
        assert simulate("--outage", "region:eu-central", "--for", "2m")["in_safe_state"] == []

    def test_an_agent_that_stays_on_what_is_out_is_told_of_with_what_it_watches(self, simulate: AsJson) -> None:
        told = simulate(*OUTAGE, "--kind", "latency")
        assert told["touched"] == []
        assert (
            "invoice stays on atlas-large: it watches unavailable, errors>0.2, throttled>0.3, latency>20s."
            in told["findings"]
        )

    def test_a_model_that_no_ladder_has_touches_nobody(
        self, simulate: AsJson, workspace: Workspace, policy: Path
    ) -> None:
        edit(policy, "      - model: birch-medium\n        accepted_by: oscar\n        accepted_in_advance: true\n", "")
        told = simulate("--outage", "model:birch-medium", "--for", "2m")
        assert told["touched"] == []
        assert told["without_fallback"] == ["invoice/main/*"]
        assert (
            told["findings"][0]
            == "No ladder has a model that model:birch-medium concerns. There are: model:atlas-large."
        )

    @pytest.mark.parametrize(
        ("outage", "near"),
        [
            ("model:atlas-lage", "model:atlas-large"),
            ("provider:brich", "provider:birch"),
            ("region:eu-wst", "region:eu-west"),
            ("guard:pii", "There is no guard at all"),
        ],
    )
    def test_a_name_that_the_registry_does_not_know_is_refused_with_near_ones(
        self, simulate: AsJson, outage: str, near: str
    ) -> None:
        assert near in simulate("--outage", outage, code=2)["mend"]

    def test_an_example_with_an_approval(self, as_json: AsJson, interlock: Interlock, tmp_path: Path) -> None:
        assert interlock("init", tmp_path / "desk", "--example", "trading").exit_code == 0
        asked = (
            "policy",
            "simulate",
            "--workspace",
            tmp_path / "desk",
            "--outage",
            "model:atlas-markets",
            "--for",
            "20m",
        )
        (waits,) = as_json(*asked)["routes"]
        assert waits["moves"][0]["how"] == "awaits_approval"
        assert "birch-markets" not in waits["served_s"]
        (enters,) = as_json(*asked, "--approve-after", "4m")["routes"]
        assert [move["how"] for move in enters["moves"]] == ["awaits_approval", "approved", "recovered"]
        assert 240 <= enters["moves"][1]["at_s"] - enters["moves"][0]["at_s"] <= 241

    @pytest.mark.parametrize("fails", ["safe_state", "not_back"])
    def test_a_pipeline_can_ask_for_a_no(self, simulate: AsJson, policy: Path, fails: str) -> None:
        edit(policy, "unavailable: {for: 5s}", "unavailable: {for: 5s, mode: suspend}")
        asked = (*OUTAGE, "--fail-on", fails)
        assert simulate(*asked, code=1)["failed_on"] == [fails]
        assert simulate("--outage", "model:birch-medium", "--for", "2m", "--fail-on", fails)["ok"]

    def test_the_health_monitors_own_settings_count(self, simulate: AsJson, workspace: Workspace) -> None:
        file = workspace.settings("health-monitor")
        file.write_text(file.read_text() + "faults_in_a_row = 30\n")
        assert simulate(*OUTAGE)["routes"][0]["moves"][0]["at_s"] >= 10 + 30


class TestPerson:
    def test_he_sees_a_picture_and_what_it_rests_on(
        self, interlock: Interlock, workspace: Workspace, tmp_path: Path
    ) -> None:
        drawn = tmp_path / "pictures" / "outage.svg"
        result = interlock("policy", "simulate", *OUTAGE, "-w", workspace.directory, "--picture", drawn)
        assert result.exit_code == 0
        assert re.search(r"invoice +━+▒+ birch-medium ▒+━+", result.output)
        assert "5 failures in a row" in squeezed(result.output)
        assert "A draft counts as if everybody had signed it" in squeezed(result.output)
        assert drawn.read_text().startswith("<svg")

    def test_a_policy_with_an_error_is_shown_as_check_shows_it(
        self, interlock: Interlock, workspace: Workspace, policy: Path
    ) -> None:
        edit(policy, "model: birch-medium", "model: cedar")
        result = interlock("policy", "simulate", *OUTAGE, "-w", workspace.directory)
        checked = interlock("policy", "check", policy)
        assert result.exit_code == checked.exit_code == 1
        first = checked.output.splitlines()[0]
        assert first in result.output
        assert "what cannot be signed is not tried" in result.output


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "No incident is named"),
            ((*OUTAGE, "--verdicts", "v.jsonl"), "More than one source"),
            (("--outage", "atlas-large"), "names no outage"),
            ((*OUTAGE, "--for", "soon"), "--for"),
            ((*OUTAGE, "--for", "0s"), "it must last"),
            ((*OUTAGE, "--from", "-1m"), "--from"),
            ((*OUTAGE, "--share", "0%"), "--share"),
            ((*OUTAGE, "--share", "0.5"), "--share"),
            ((*OUTAGE, "--share", "101%"), "--share"),
            ((*OUTAGE, "--share", "nan%"), "--share"),
            ((*OUTAGE, "--kind", "errors", "--share", "half"), "--share: 'half' is no share"),
            ((*OUTAGE, "--kind", "latency", "--answers-in", "0s"), "--answers-in: it must last"),
            ((*OUTAGE, "--share", "30%"), "--share says nothing without --kind errors"),
            ((*OUTAGE, "--kind", "errors", "--answers-in", "2s"), "--answers-in says nothing without --kind latency"),
            ((*OUTAGE, "--as", "a=atlas-large"), "--as says nothing without --calls"),
            ((*OUTAGE, "--format", "csv"), "--format says nothing without --calls"),
            (("--verdicts", "v.jsonl", "--for", "2h"), "--for says nothing without --outage"),
            (("--calls", "c.csv", "--kind", "errors"), "--kind says nothing without --outage"),
            ((*OUTAGE, "--approve-after", "x"), "--approve-after"),
            (("--calls", "c.csv", "--as", "openai-70b"), "--as"),
        ],
    )
    def test_wrong_usage_is_refused_with_its_mend(
        self, simulate: AsJson, arguments: tuple[str, ...], said: str
    ) -> None:
        told = simulate(*arguments, code=2)
        assert said in told["error"]
        assert told["mend"]

    def test_a_workspace_without_policies_has_nothing_to_try(self, simulate: AsJson, policy: Path) -> None:
        policy.unlink()
        assert "holds no policy" in simulate(*OUTAGE, code=2)["error"]

    def test_no_workspace_is_no_workspace(self, as_json: AsJson, tmp_path: Path) -> None:
        told = as_json("policy", "simulate", *OUTAGE, "--workspace", tmp_path, code=2)
        assert "is in no workspace" in told["error"]

    def test_a_file_that_is_no_policy_is_refused(self, simulate: AsJson, workspace: Workspace) -> None:
        assert "is no policy" in simulate(workspace.registry, *OUTAGE, code=2)["error"]

    def test_a_picture_that_cannot_be_written_is_said(self, simulate: AsJson, policy: Path) -> None:
        assert "cannot be written" in simulate(*OUTAGE, "--picture", policy / "x.svg", code=2)["error"]


def verdict(at: float, model: str = "atlas-large", level: str = "unavailable", objective: str = "unavailable") -> str:
    return json.dumps({"at": at, "model": model, "objective": objective, "level": level, "detail": "recorded"})


class TestVerdicts:
    def test_recorded_verdicts_are_decided_on(self, simulate: AsJson, tmp_path: Path) -> None:
        file = tmp_path / "v.jsonl"
        file.write_text("\n".join([verdict(0), verdict(100, level="healthy")]))
        told = simulate("--verdicts", file)
        assert [(round(move["at_s"]), move["to"]["model"]) for move in told["routes"][0]["moves"]] == [
            (65, "birch-medium"),
            (220, "atlas-large"),
        ]
        assert "Of these nothing was recorded; they are well: atlas-large errors>0.2" in " ".join(told["premises"])

    def test_an_objective_that_no_policy_watches_is_said(self, simulate: AsJson, tmp_path: Path) -> None:
        file = tmp_path / "v.jsonl"
        file.write_text(verdict(0, objective="errors>0.01"))
        told = simulate("--verdicts", file)
        assert told["touched"] == []
        assert "No policy watches an objective" in told["findings"][0]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "holds no verdict"),
            (b"\n\n", "holds no verdict"),
            (b"\xff\xfe\x00", "is not UTF-8"),
            (b"timestamp_s,model\n1,atlas\n", "line 1: it is no JSON"),
            ((verdict(2) + "\n" + verdict(1)).encode(), "line 2: it is earlier"),
            (verdict(0, model="cedar").encode(), "speaks of cedar; the ladders hold atlas-large, birch-medium"),
            ((verdict(0) + "\n" + verdict(4e7)).encode(), "tells of more than 366d"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_refused_with_its_mend(
        self, simulate: AsJson, tmp_path: Path, content: bytes, said: str
    ) -> None:
        file = tmp_path / "v.jsonl"
        file.write_bytes(content)
        told = simulate("--verdicts", file, code=2)
        assert said in told["error"]
        assert told["mend"]

    def test_a_file_that_is_not_there_is_said(self, simulate: AsJson, tmp_path: Path) -> None:
        assert "cannot be read" in simulate("--verdicts", tmp_path / "none", code=2)["error"]

    def test_what_another_command_writes_into_a_pipe_is_read(self, simulate: AsJson, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = Thread(target=pipe.write_text, args=[verdict(0) + "\n"], daemon=True)
        writer.start()
        assert simulate("--verdicts", pipe)["routes"]
        writer.join()

    @pytest.mark.parametrize("option", ["--verdicts", "--calls"])
    def test_of_what_has_no_end_no_more_is_read_than_is_allowed(
        self, simulate: AsJson, monkeypatch: pytest.MonkeyPatch, option: str
    ) -> None:
        monkeypatch.setattr(simulated, "FILE_BYTES_MAX", 10)
        assert "more than the 10 bytes" in simulate(option, "/dev/zero", code=2)["error"]

    def test_a_text_may_hold_ends_of_line_that_only_some_programs_know(self, simulate: AsJson, tmp_path: Path) -> None:
        file = tmp_path / "v.jsonl"
        file.write_text(verdict(0).replace("recorded", "one\u2028two"))
        assert simulate("--verdicts", file)["routes"]

    def test_a_file_beyond_the_limit_is_refused_before_it_is_read(
        self, simulate: AsJson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "v.jsonl"
        file.write_text(verdict(0))
        monkeypatch.setattr(simulated, "FILE_BYTES_MAX", 10)
        assert "more than the 10 bytes" in simulate("--verdicts", file, code=2)["error"]


def trace(*calls: tuple[float, str, str], model: str = "atlas-large") -> str:
    lines = [f"{at},{model},{latency},,{outcome}" for at, latency, outcome in calls]
    return "\n".join(["timestamp_s,model,latency_s,first_token_s,outcome", *lines])


class TestCalls:
    def test_recorded_calls_go_through_the_health_monitor(self, simulate: AsJson, tmp_path: Path) -> None:
        file = tmp_path / "calls.csv"
        file.write_text(trace(*((at, "0.3", "server_error" if 20 <= at < 60 else "ok") for at in range(90))))
        told = simulate("--calls", file)
        assert [move["to"]["model"] for move in told["routes"][0]["moves"]] == ["birch-medium", "atlas-large"]
        assert told["incident"][0]["what"] == "90 calls"

    def test_a_name_of_the_trace_can_stand_for_a_model(self, simulate: AsJson, tmp_path: Path) -> None:
        file = tmp_path / "calls.csv"
        file.write_text(trace(*((at, "0.3", "timeout") for at in range(30)), model="groq-70b"))
        assert "speaks of groq-70b" in simulate("--calls", file, code=2)["error"]
        assert simulate("--calls", file, "--as", "Groq-70b=atlas-large")["touched"] == ["invoice/main/*"]

    @pytest.mark.parametrize(
        ("pair", "said"),
        [("grok-70b=atlas-large", "calls.csv has no grok-70b"), ("groq-70b=atlas-lrge", "registry has no atlas-lrge")],
    )
    def test_a_name_that_is_misspelt_does_not_leave_its_model_well_unseen(
        self, simulate: AsJson, tmp_path: Path, pair: str, said: str
    ) -> None:
        file = tmp_path / "calls.csv"
        calls = trace((1, "0.3", "timeout")) + "\n" + trace((2, "0.3", "ok"), model="groq-70b").partition("\n")[2]
        file.write_text(calls)
        told = simulate("--calls", file, "--as", pair, code=2)
        assert said in told["error"]
        assert pair.partition("=")[2][:5] in told["mend"] or "groq-70b" in told["mend"]

    def test_a_call_that_began_before_the_record_does_not_move_its_beginning(
        self, simulate: AsJson, tmp_path: Path
    ) -> None:
        file = tmp_path / "calls.csv"
        file.write_text("provider,model_size,ttft_s,end_to_end_latency_s,error_code\natlas,large,1,500,\n")
        (incident,) = simulate("--calls", file)["incident"]
        assert (incident["from_s"], incident["what"]) == (60, "1 call")

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "lacks columns"),
            (b"\xff\xff", "is not UTF-8"),
            (trace().encode(), "holds no call"),
            (trace((1, "soon", "ok")).encode(), "line 2"),
            (trace((1, "0.1", "fine")).encode(), "no outcome"),
            (trace((1, "0.1", "ok"), (1e9, "0.1", "ok")).encode(), "tells of more than 1d"),
            (trace((1, "1e300", "ok")).encode(), "more than any trace tells of"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_refused_with_its_mend(
        self, simulate: AsJson, tmp_path: Path, content: bytes, said: str
    ) -> None:
        file = tmp_path / "calls.csv"
        file.write_bytes(content)
        told = simulate("--calls", file, code=2)
        assert said in told["error"]
        assert told["mend"]

    def test_lines_may_stand_in_any_order(self, simulate: AsJson, tmp_path: Path) -> None:
        file = tmp_path / "calls.csv"
        calls = [(at, "0.3", "timeout" if at > 20 else "ok") for at in range(60)]
        file.write_text(trace(*calls))
        ordered = simulate("--calls", file)["routes"]
        file.write_text(trace(*reversed(calls)))
        assert simulate("--calls", file)["routes"] == ordered


class Logged:
    """An audit log with verdicts in it."""

    def __init__(self, broker: MemoryBroker, deployment: Deployment) -> None:
        self.broker = broker
        self.deployment = deployment
        self.sequence = dict.fromkeys(range(AUDIT.partitions), 0)
        for shard in self.sequence:
            self.append(shard, AuditKind.CLAIM, NO_TERM)

    def append(self, shard: int, kind: AuditKind, term: int, at: Micros = NOW, *inputs: Input) -> None:
        record = AuditRecord(shard, kind, "decision-1", term, self.sequence[shard], at, inputs, (), (), b"")
        self.broker.append(Position(AUDIT.name, shard), b"shard", self.deployment.seal(record, "decision-1"))

    def step(self, shard: int, at: Micros, *inputs: Input) -> None:
        self.sequence[shard] += 1
        self.append(shard, AuditKind.STEP, 0, at, *inputs)

    def verdict(self, at: Micros, level: Level, by: str = "health-1") -> Input:
        said = Verdict("atlas", ANY, "unavailable", level, "5 calls", 5, (), at, at, Micros(at + 5 * SECOND))
        return Input(InputKind.RECORD, VERDICTS.name, 0, 0, self.deployment.seal(said, by))


class TestExport:
    @pytest.fixture
    def log(self, broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Logged:
        deployment = Deployment()
        workspace = Workspace(tmp_path)
        workspace.write(workspace.root, deployment.sealed_root)
        workspace.write_settings(OPERATOR, first_settings(deployment.name, "127.0.0.1:9", {})[OPERATOR])
        monkeypatch.setenv("INTERLOCK_WORKSPACE", str(tmp_path))
        return Logged(broker, deployment)

    def test_what_decisions_rested_on_is_written_once_and_in_order(self, log: Logged, interlock: Interlock) -> None:
        later = Micros(NOW + 9 * SECOND)
        down = log.verdict(NOW, Level.UNAVAILABLE)
        log.step(1, later, log.verdict(later, Level.HEALTHY))
        log.step(0, NOW, down)
        log.step(2, Micros(NOW + SECOND), down)
        result = interlock("audit", "verdicts")
        assert result.exit_code == 0, result.output
        told = [json.loads(line) for line in result.stdout.splitlines()]
        assert [(each["at"], each["level"]) for each in told] == [
            ("2026-05-28T20:26:40.000Z", "unavailable"),
            ("2026-05-28T20:26:49.000Z", "healthy"),
        ]

    def test_a_verdict_that_ran_out_is_unknown(self, log: Logged, as_json: AsJson) -> None:
        log.step(0, NOW, log.verdict(NOW, Level.HEALTHY))
        until = Micros(NOW + 5 * SECOND)
        log.step(0, Micros(until + SECOND), Input(InputKind.LAPSE, subject="atlas/*/unavailable", at=until))
        told = as_json("audit", "verdicts")["verdicts"]
        assert [(each["level"], each["at"]) for each in told][1] == ("unknown", "2026-05-28T20:26:45.000Z")

    def test_what_the_health_monitor_has_not_signed_is_none(self, log: Logged, as_json: AsJson) -> None:
        log.step(0, NOW, log.verdict(NOW, Level.UNAVAILABLE, by="olga"))
        assert as_json("audit", "verdicts") == {"verdicts": []}

    def test_of_a_part_what_held_at_its_beginning_comes_first(self) -> None:
        def said(at: int, level: Level) -> Recorded:
            return Recorded(Micros(at), "atlas", ANY, "unavailable", level, "", 0)

        all_of_it = [said(1, Level.HEALTHY), said(2, Level.UNAVAILABLE), said(9, Level.HEALTHY)]
        assert from_then_on(all_of_it, Micros(5)) == [said(5, Level.UNAVAILABLE), said(9, Level.HEALTHY)]

    def test_it_can_be_simulated_with(self, log: Logged, interlock: Interlock, as_json: AsJson, tmp_path: Path) -> None:
        log.step(0, NOW, log.verdict(NOW, Level.UNAVAILABLE))
        file = tmp_path / "verdicts.jsonl"
        file.write_text(interlock("audit", "verdicts").stdout.replace("atlas", "atlas-large"))
        assert interlock("init", tmp_path / "try").exit_code == 0
        told = as_json("policy", "simulate", "--verdicts", file, "--workspace", tmp_path / "try")
        assert told["touched"] == ["invoice/main/*"]

    def test_since_when_must_be_said_as_a_duration(self, log: Logged, as_json: AsJson) -> None:
        assert "--since" in as_json("audit", "verdicts", "--since", "yesterday", code=2)["error"]
