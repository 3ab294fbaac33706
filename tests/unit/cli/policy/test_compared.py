"""`interlock policy diff`: two files, or a file and what is published."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from interlock.records.sealing import decode_envelope, encode_envelope
from interlock.runtime.memory_bus import MemoryBroker
from interlock.runtime.workspace import Workspace
from interlock.signing.envelope import Envelope

AsJson = Callable[..., dict[str, Any]]
Interlock = Callable[..., Result]


@pytest.fixture
def changed(workspace: Workspace) -> Path:
    """Version 2 of the example: the route is kept longer, errors are borne less, and the fallback has one more tool."""
    policy = workspace.policies / "invoice.yaml"
    text = policy.read_text().replace("version: 1", "version: 2").replace("grace: 60s", "grace: 90s")
    policy.write_text(text.replace("errors: {above: 20%", "errors: {above: 10%"))
    before, mark, birch = workspace.registry.read_text().partition("  birch-medium:")
    workspace.registry.write_text(
        before + mark + birch.replace("tools: [search_invoices]", "tools: [post_entry, search_invoices]")
    )
    return policy


DIFFERENCES = [
    (None, None, "version", "1", "2", "neither"),
    ("main/*", "birch-medium", "tools", "none", "post_entry", "widens"),
    ("main/*", None, "triggers.errors.above", "20%", "10%", "narrows"),
    ("main/*", None, "grace", "1m", "90s", "widens"),
]


def differences(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(each.values()) for each in told["differences"]]


def test_a_file_is_compared_with_another_and_says_who_must_sign(
    as_json: AsJson, workspace: Workspace, changed: Path
) -> None:
    told = as_json("policy", "diff", workspace.policies / "invoice.sealed", changed)
    assert differences(told) == DIFFERENCES
    assert (told["agent"], told["widens"], told["narrows"], told["neither"]) == ("invoice", 2, 1, 1)
    assert told["must_sign"] == [
        {"role": "agent_owner", "people": ["oscar"]},
        {"role": "governance", "people": ["grace"]},
    ]


def test_a_file_alone_is_compared_with_what_is_published(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, changed: Path, broker: MemoryBroker
) -> None:
    new = as_json("policy", "diff", changed)
    assert new["old"] == {"from": "published", "version": None}
    assert differences(new) == [
        ("main/*", None, "route", "none", "atlas-large, then birch-medium; at the end suspend", "widens")
    ]
    as_json("policy", "publish", workspace.directory)
    told = as_json("policy", "diff", changed)
    assert (told["old"], told["new"]) == (
        {"from": "published", "version": 1},
        {"from": str(changed), "version": 2},
    )
    assert differences(told) == DIFFERENCES
    broker.reachable = False
    assert interlock("policy", "diff", changed).exit_code == 3


def test_a_person_sees_signs_places_and_who_must_sign(
    interlock: Interlock, workspace: Workspace, changed: Path
) -> None:
    shown = interlock("policy", "diff", workspace.policies / "invoice.sealed", changed).stdout.splitlines()
    assert shown[0].startswith("invoice: version 1 (")
    assert shown[0].endswith(f"-> version 2 ({changed})")
    assert shown[2:] == [
        "the whole policy",
        "  ~ version: 1 -> 2",
        "main/*",
        "  + grace: 1m -> 90s",
        "  - triggers.errors.above: 20% -> 10%",
        "main/* birch-medium",
        "  + tools: post_entry (new)",
        "",
        "+ 2 widen, - 1 narrows, ~ 1 does neither.",
        "To be signed by agent_owner (oscar) and governance (grace): two people.",
        "To narrow at once, one person is enough: `interlock suspend`, `disable` or `deny`.",
    ]


def test_what_says_the_same_is_said_to(interlock: Interlock, workspace: Workspace) -> None:
    file = workspace.policies / "invoice.yaml"
    shown = interlock("policy", "diff", file.with_suffix(".sealed"), file)
    assert (shown.exit_code, shown.stdout.splitlines()[-1]) == (0, "They say the same.")


def test_a_draft_is_compared_though_a_signature_is_missing_and_says_whose(
    interlock: Interlock, workspace: Workspace
) -> None:
    file = workspace.policies / "invoice.yaml"
    file.write_text(file.read_text().replace("version: 1", "version: 2"))
    assert interlock("policy", "sign", file, "--key", workspace.key("grace")).exit_code == 0
    shown = interlock("policy", "diff", file.with_suffix(".sealed"), file).stdout
    assert "signed by grace, missing agent_owner (oscar)" in shown


def test_a_signed_file_that_was_changed_is_not_compared(as_json: AsJson, workspace: Workspace) -> None:
    file = workspace.policies / "invoice.sealed"
    envelope = decode_envelope(file.read_bytes())
    assert isinstance(envelope, Envelope)
    payload = envelope.payload.replace(b"payments-automation", b"payments-automatiom")
    file.write_bytes(encode_envelope(Envelope(envelope.payload_type, payload, envelope.signatures)))
    assert "bad_signature" in as_json("policy", "diff", file, file.with_suffix(".yaml"), code=1)["error"]


def test_a_file_of_another_folder_is_read_with_the_trust_root_of_the_other_one(
    as_json: AsJson, workspace: Workspace, tmp_path: Path
) -> None:
    kept = shutil.copy(workspace.policies / "invoice.sealed", tmp_path / "kept.sealed")
    assert as_json("policy", "diff", kept, workspace.policies / "invoice.yaml")["differences"] == []


def test_what_cannot_be_compiled_is_told_line_by_line(as_json: AsJson, workspace: Workspace, changed: Path) -> None:
    changed.write_text(changed.read_text().replace("model: birch-medium", "model: cedar"))
    told = as_json("policy", "diff", workspace.policies / "invoice.sealed", changed, code=1)
    assert (told["differences"], told["problems"][0]["what"]) == (None, "cedar is not in the registry")


def test_what_is_no_policy_and_what_are_three_are_wrong_usage(as_json: AsJson, workspace: Workspace) -> None:
    policy, model = workspace.policies / "invoice.yaml", workspace.registrations / "birch-medium.sealed"
    assert "holds no policy" in as_json("policy", "diff", model, policy, code=2)["error"]
    assert "not more" in as_json("policy", "diff", policy, policy, policy, code=2)["error"]
    assert "holds no policy" in as_json("policy", "diff", policy, workspace.registry, code=2)["error"]
