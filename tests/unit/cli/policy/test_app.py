"""`interlock policy check | sign | publish`, from the file that a person edits to the topic."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from interlock.policy.book import Book, Taken, take
from interlock.records.sealing import decode_envelope, encode_envelope
from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker
from interlock.runtime.opening import load_trust
from interlock.runtime.workspace import Workspace
from interlock.signing.envelope import Envelope
from interlock.wire.topics import POLICIES

AsJson = Callable[..., dict[str, Any]]
Interlock = Callable[..., Result]


@pytest.fixture
def policy(workspace: Workspace) -> Path:
    return workspace.policies / "invoice.yaml"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def rewrite_birch(workspace: Workspace, old: str, new: str) -> None:
    """Change the fallback's entry, under the next number."""
    before, mark, birch = workspace.registry.read_text().partition("  birch-medium:")
    assert old in birch
    workspace.registry.write_text(before + mark + birch.replace("entry: 1", "entry: 2").replace(old, new))


def line_of(file: Path, text: str) -> int:
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def test_the_example_passes_the_check_without_a_warning(as_json: AsJson, policy: Path) -> None:
    assert as_json("policy", "check", policy) == {"file": str(policy), "ok": True, "problems": []}


def test_a_problem_is_printed_with_file_line_field_and_mend(interlock: Interlock, policy: Path) -> None:
    edit(policy, "safe_state: suspend", "safe_state: read_only")
    result = interlock("policy", "check", policy)
    assert result.exit_code == 1
    line = line_of(policy, "safe_state: read_only")
    assert f"{policy}:{line}: routes[0].safe_state: read_only needs more than its name." in result.stdout
    assert "Write `safe_state: {read_only: {model: " in result.stdout
    assert f"{policy}: not fit to be signed." in result.stdout


def test_a_problem_of_the_registry_names_the_registrys_file(
    as_json: AsJson, workspace: Workspace, policy: Path
) -> None:
    edit(workspace.registry, "provider: birch", "vendor: birch")
    problems = as_json("policy", "check", policy, code=1)["problems"]
    assert {(problem["file"], problem["field"]) for problem in problems} == {
        (str(workspace.registry), "models.birch-medium.vendor"),
        (str(workspace.registry), "models.birch-medium.provider"),
    }


def test_a_broader_fallback_is_refused_with_reason_and_is_not_signed(
    as_json: AsJson, workspace: Workspace, policy: Path
) -> None:
    edit(workspace.registry, "tools: [search_invoices]", "tools: [search_invoices, wire_money]")
    broader, unsigned = as_json("policy", "check", policy, code=1)["problems"]
    assert broader["line"] == unsigned["line"] == line_of(policy, "model: birch-medium")
    assert "beyond atlas-large: wire_money (broader_tools)" in broader["what"] + unsigned["what"]
    edit(policy, "version: 1", "version: 2")
    before = (workspace.policies / "invoice.sealed").read_bytes()
    refused = as_json("policy", "sign", policy, "--key", workspace.key("grace"), code=1)
    assert refused["file"] is None
    assert (workspace.policies / "invoice.sealed").read_bytes() == before


def test_a_warning_does_not_stop_anybody(as_json: AsJson, workspace: Workspace, policy: Path) -> None:
    rewrite_birch(workspace, "provider: birch", "provider: atlas")
    as_json("policy", "sign", workspace.registry, "--key", workspace.key("grace"))
    told = as_json("policy", "check", policy)
    assert told["ok"]
    assert [(problem["severity"], problem["line"]) for problem in told["problems"]] == [
        ("warning", line_of(policy, "ladder:"))
    ]


def test_a_file_outside_any_workspace_tells_what_to_name(as_json: AsJson, policy: Path, tmp_path: Path) -> None:
    lonely = tmp_path / "lonely.yaml"
    shutil.copy(policy, lonely)
    assert "no workspace" in as_json("policy", "check", lonely, code=2)["error"]


def test_two_people_sign_on_two_machines_and_the_result_counts(
    as_json: AsJson, workspace: Workspace, policy: Path, tmp_path: Path
) -> None:
    edit(policy, "version: 1", "version: 2")
    hers = as_json("policy", "sign", policy, "--key", workspace.key("grace"))
    assert (hers["signed_by"], hers["missing"]) == (["grace"], ["agent_owner (oscar)"])
    other_machine = Workspace(tmp_path / "oscars")
    shutil.copytree(workspace.directory, other_machine.directory)
    his = as_json("policy", "sign", other_machine.policies / "invoice.yaml", "--key", other_machine.key("oscar"))
    assert (his["signed_by"], his["missing"]) == (["oscar"], [])
    trust, root_id = load_trust(workspace.root, "testbed")
    assert isinstance(take(Book.start(trust, root_id), Path(his["file"]).read_bytes()), Taken)


def test_the_same_version_with_other_content_is_not_signed_along(
    as_json: AsJson, workspace: Workspace, policy: Path
) -> None:
    edit(policy, "grace: 60s", "grace: 61s")
    refused = as_json("policy", "sign", policy, "--key", workspace.key("grace"), code=1)
    assert "version 1, signed by grace and oscar, with other content" in refused["error"]
    assert refused["error"].endswith("\n  + main/*: grace: 1m -> 61s"), "what differs is told"
    assert "raise `version` above 1" in refused["mend"]


@pytest.mark.parametrize(("who", "told"), [("olga", "olga may not sign"), ("stranger", "not in the trust root")])
def test_whoever_may_not_sign_is_told_so(
    as_json: AsJson, workspace: Workspace, policy: Path, who: str, told: str
) -> None:
    if who == "stranger":
        workspace.make_keys(who)
    assert told in as_json("policy", "sign", policy, "--key", workspace.key(who), code=1)["error"]


def test_a_key_that_others_can_read_is_not_used(as_json: AsJson, workspace: Workspace, policy: Path) -> None:
    workspace.key("grace").chmod(0o644)
    refused = as_json("policy", "sign", policy, "--key", workspace.key("grace"), code=2)
    assert "chmod 600" in refused["mend"]


def test_a_validator_signs_new_evidence_in_the_same_way(as_json: AsJson, workspace: Workspace) -> None:
    file = workspace.evidence / "birch-next.yaml"
    shutil.copy(workspace.evidence / "birch-medium.invoice-extraction.yaml", file)
    edit(file, '"2026-05-12"', '"2026-11-01"')
    assert as_json("policy", "check", file)["ok"]
    told = as_json("policy", "sign", file, "--key", workspace.key("vera"))
    assert (told["file"], told["signed_by"], told["missing"]) == (str(file.with_suffix(".sealed")), ["vera"], [])
    assert "may not sign evidence" in as_json("policy", "sign", file, "--key", workspace.key("oscar"), code=1)["error"]


def test_a_workspace_is_published_root_first_and_only_once(
    as_json: AsJson, workspace: Workspace, broker: MemoryBroker
) -> None:
    first = as_json("policy", "publish", workspace.directory)
    keys = ["root/1", "model/atlas-large", "model/birch-medium", "policy/invoice"]
    assert [(file["key"], file["offset"]) for file in first["files"]] == [(key, at) for at, key in enumerate(keys)]
    again = as_json("policy", "publish", workspace.directory)
    assert [file["already_there"] for file in again["files"]] == [True] * 4
    records = broker.fetch(Position(POLICIES.name, 0), 0, 10)
    assert [record.key for record in records] == [key.encode() for key in keys]


def test_a_policy_that_lacks_a_signature_is_refused_with_who_is_missing(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, policy: Path, broker: MemoryBroker
) -> None:
    edit(policy, "version: 1", "version: 2")
    as_json("policy", "sign", policy, "--key", workspace.key("oscar"))
    refused = as_json("policy", "publish", workspace.policies / "invoice.sealed", code=1)
    (file,) = refused["files"]
    assert file["refused"]["reason"] == "threshold_not_met"
    assert "governance (grace)" in file["mend"]
    assert "Nothing was published." in interlock("policy", "publish", workspace.directory).stdout
    assert broker.end(Position(POLICIES.name, 0)) == 0, "not even the root that stands beside it"


def test_a_sealed_file_that_was_tampered_with_is_refused(
    as_json: AsJson, workspace: Workspace, broker: MemoryBroker
) -> None:
    file = workspace.policies / "invoice.sealed"
    envelope = decode_envelope(file.read_bytes())
    assert isinstance(envelope, Envelope)
    payload = envelope.payload.replace(b"payments-automation", b"payments-automatiom")
    file.write_bytes(encode_envelope(Envelope(envelope.payload_type, payload, envelope.signatures)))
    refused = as_json("policy", "publish", file, code=1)
    assert refused["files"][0]["refused"]["reason"] == "bad_signature"
    assert broker.end(Position(POLICIES.name, 0)) == 0


def test_another_policy_of_a_published_version_is_refused(
    as_json: AsJson, workspace: Workspace, policy: Path, broker: MemoryBroker
) -> None:
    as_json("policy", "publish", workspace.directory)
    (workspace.policies / "invoice.sealed").unlink()
    edit(policy, "grace: 60s", "grace: 61s")
    as_json("policy", "sign", policy, "--key", workspace.key("grace"), "--key", workspace.key("oscar"))
    refused = as_json("policy", "publish", workspace.policies / "invoice.sealed", code=1)
    assert refused["files"][0]["refused"]["reason"] == "equivocation"
    assert "raise `version`" in refused["files"][0]["mend"]


def test_evidence_is_not_published_on_its_own(as_json: AsJson, workspace: Workspace, broker: MemoryBroker) -> None:
    (file,) = as_json("policy", "publish", workspace.evidence, code=1)["files"][:1]
    assert "travels inside the policies" in file["mend"]


def test_what_is_no_sealed_file_is_refused(as_json: AsJson, policy: Path) -> None:
    assert "interlock policy sign" in as_json("policy", "publish", policy, code=2)["mend"]


def test_a_bus_that_cannot_be_reached_is_exit_code_3(
    as_json: AsJson, workspace: Workspace, broker: MemoryBroker
) -> None:
    broker.reachable = False
    assert "unreachable" in as_json("policy", "publish", workspace.directory, code=3)["error"]


def test_governance_signs_the_registry_one_file_for_each_model(as_json: AsJson, workspace: Workspace) -> None:
    birch, atlas = (workspace.registrations / f"{name}.sealed" for name in ("birch-medium", "atlas-large"))
    before = atlas.read_bytes()
    rewrite_birch(workspace, "usd_per_mtok: 1.0", "usd_per_mtok: 1.5")
    told = as_json("policy", "sign", workspace.registry, "--key", workspace.key("grace"))
    assert told["file"] == str(workspace.registrations)
    assert told["files"] == [str(atlas), str(birch)]
    assert (told["signed_by"], told["missing"], told["problems"]) == (["grace"], [], [])
    assert atlas.read_bytes() == before, "what has not changed keeps its time, and so its bytes"
    trust, root_id = load_trust(workspace.root, "testbed")
    taken = take(Book.start(trust, root_id), birch.read_bytes())
    assert isinstance(taken, Taken)
    held = taken.book.registry["birch-medium"].value
    assert (held.version, held.model.usd_per_mtok) == (2, 1.5)


def test_only_governance_signs_the_registry(as_json: AsJson, workspace: Workspace) -> None:
    refused = as_json("policy", "sign", workspace.registry, "--key", workspace.key("oscar"), code=1)
    assert "oscar may not sign the registry" in refused["error"]


def test_a_changed_entry_under_its_old_number_is_not_signed(as_json: AsJson, workspace: Workspace) -> None:
    before = (workspace.registrations / "birch-medium.sealed").read_bytes()
    edit(workspace.registry, "usd_per_mtok: 1.0", "usd_per_mtok: 1.5")
    (problem,) = as_json("policy", "check", workspace.registry, code=1)["problems"]
    assert (problem["field"], problem["mend"]) == ("models.birch-medium.entry", "Write `entry: 2`.")
    refused = as_json("policy", "sign", workspace.registry, "--key", workspace.key("grace"), code=1)
    assert (refused["file"], refused["files"]) == (None, [])
    assert (workspace.registrations / "birch-medium.sealed").read_bytes() == before


def test_a_policy_that_disagrees_with_the_signed_registry_is_refused(
    as_json: AsJson, workspace: Workspace, policy: Path
) -> None:
    rewrite_birch(workspace, "usd_per_mtok: 1.0", "usd_per_mtok: 1.5")
    (problem,) = as_json("policy", "check", policy, code=1)["problems"]
    assert problem["line"] == line_of(policy, "model: birch-medium")
    assert "(registry_disagrees)" in problem["what"]
    as_json("policy", "sign", workspace.registry, "--key", workspace.key("grace"))
    assert as_json("policy", "check", policy)["ok"]


def test_a_withdrawn_model_is_published_and_no_policy_may_use_it(
    as_json: AsJson, workspace: Workspace, policy: Path, broker: MemoryBroker
) -> None:
    as_json("policy", "publish", workspace.directory)
    rewrite_birch(workspace, "provider: birch", "provider: birch\n    withdrawn: true")
    as_json("policy", "sign", workspace.registry, "--key", workspace.key("grace"))
    files = as_json("policy", "publish", workspace.registrations)["files"]
    assert [(file["key"], file["already_there"]) for file in files] == [
        (None, True),
        ("model/birch-medium", False),
    ]
    assert "(model_withdrawn)" in as_json("policy", "check", policy, code=1)["problems"][0]["what"]


def test_another_entry_of_a_published_number_is_refused(
    as_json: AsJson, workspace: Workspace, broker: MemoryBroker
) -> None:
    as_json("policy", "publish", workspace.directory)
    sealed = workspace.registrations / "birch-medium.sealed"
    sealed.unlink()
    edit(workspace.registry, "usd_per_mtok: 1.0", "usd_per_mtok: 1.5")
    as_json("policy", "sign", workspace.registry, "--key", workspace.key("grace"))
    (file,) = as_json("policy", "publish", sealed, code=1)["files"]
    assert file["refused"]["reason"] == "equivocation"
    assert "raise the model's `entry`" in file["mend"]


def test_two_policies_for_one_agent_are_refused_by_check_and_by_publish(
    as_json: AsJson, workspace: Workspace, policy: Path, broker: MemoryBroker
) -> None:
    second = workspace.policies / "second.yaml"
    keys = ("--key", workspace.key("grace"), "--key", workspace.key("oscar"))
    aside = workspace.directory / "second.yaml"
    shutil.copy(policy, aside)
    edit(aside, "version: 1", "version: 2")
    as_json("policy", "sign", aside, *keys)
    shutil.move(aside.with_suffix(".sealed"), second.with_suffix(".sealed"))
    refused = as_json("policy", "publish", workspace.directory, code=1)["files"]
    told = [file for file in refused if file["refused"]]
    assert [Path(file["file"]).name for file in told] == ["invoice.sealed", "second.sealed"]
    assert "are policies for one agent" in told[0]["refused"]["detail"]
    assert broker.end(Position(POLICIES.name, 0)) == 0
    shutil.move(aside, second)
    (problem,) = as_json("policy", "check", policy, code=1)["problems"]
    assert (problem["field"], problem["line"]) == ("agent", line_of(policy, "agent: invoice"))
    assert str(second) in problem["what"]


def test_evidence_is_signed_by_whom_it_names(as_json: AsJson, workspace: Workspace) -> None:
    file = workspace.evidence / "birch-medium.invoice-extraction.yaml"
    edit(file, "by: vera", "by: victor")
    assert "vera may not sign" in as_json("policy", "sign", file, "--key", workspace.key("vera"), code=1)["error"]


def test_what_the_how_to_shows_is_fit_to_be_signed(as_json: AsJson, policy: Path) -> None:
    how_to = (Path(__file__).parents[4] / "docs" / "how-to" / "change-a-policy.md").read_text()
    leaving, scope = re.findall(r"```yaml\n(.*?)```", how_to, re.DOTALL)
    text = policy.read_text()
    triggers, blind, end = text.index("    triggers:"), text.index("    blind:"), text.index("# Where the governance")
    rest = re.sub(r"    safe_state: .*\n", "", text[blind:end])
    first = text[:triggers] + leaving + rest
    profile = "    task_profile: invoice-extraction\n    safe_state: suspend\n"
    policy.write_text(first + scope + profile + text[triggers:blind] + rest + text[end:])
    told = as_json("policy", "check", policy)
    assert told["ok"]
    assert {problem["field"].partition("routes[0].")[2] for problem in told["problems"]} == {
        "triggers.quality.groundedness",
        "triggers.cost",
        "canary",
    }, "it is told of what nobody judges yet"
