"""`interlock init`: what it writes works as it stands."""

import json
import stat
import tomllib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from interlock.decision.settings import DecisionSettings
from interlock.health_monitor.probe.settings import ProbeSettings
from interlock.health_monitor.settings import HealthMonitorSettings
from interlock.notifier.settings import NotifierSettings
from interlock.policy.admissible import inadmissible
from interlock.policy.authoring.schema import schemas
from interlock.policy.book import Book, Taken, take
from interlock.router.gateway.settings import GatewaySettings
from interlock.runtime.clock import SystemClock
from interlock.runtime.opening import load_key, load_trust
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import Workspace
from interlock.signing.roles import SIGNED_BY, Role
from interlock.vocabulary.identifiers import RouteId


@pytest.fixture(autouse=True)
def _no_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)


def test_the_root_it_writes_vouches_for_the_policy_it_writes(workspace: Workspace) -> None:
    trust, root_id = load_trust(workspace.root, "testbed")
    taken = take(Book.start(trust, root_id), (workspace.policies / "invoice.sealed").read_bytes())
    assert isinstance(taken, Taken)
    held = taken.book.policies["invoice"]
    assert {model for model, _, _ in held.evidence} == {"atlas-large", "birch-medium"}


def test_every_model_is_registered_by_governance_as_the_policy_has_it(workspace: Workspace) -> None:
    trust, root_id = load_trust(workspace.root, "testbed")
    book = Book.start(trust, root_id)
    for sealed in (
        *workspace.sealed_files().registrations.values(),
        (workspace.policies / "invoice.sealed").read_bytes(),
    ):
        taken = take(book, sealed)
        assert isinstance(taken, Taken)
        book = taken.book
    rule = book.policies["invoice"].value.routes[0]
    assert {name: held.value.model for name, held in book.registry.items()} == {
        rung.model.name: rung.model for rung in rule.ladder
    }
    assert [
        inadmissible(book, RouteId("invoice", "main", "*"), rung.model.name, SystemClock().now().wall)
        for rung in rule.ladder
    ] == [None] * 2


def test_every_role_that_a_record_needs_is_held_by_somebody(workspace: Workspace) -> None:
    trust, _ = load_trust(workspace.root, "testbed")
    asked = {role for rule in SIGNED_BY.values() for alternative in rule for role in alternative}
    assert {Role(grant.role) for grant in trust.grants} >= asked
    (root,) = trust.grants_of(Role.ROOT)
    assert (root.threshold, len(root.keyids)) == (2, 3)


def test_keys_are_readable_by_their_owner_only(workspace: Workspace) -> None:
    folder = workspace.directory / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    trust, _ = load_trust(workspace.root, "testbed")
    for file in folder.glob("*.pem"):
        held = trust.key(load_key(file).keyid)
        assert held is not None
        assert held.owner == file.stem


@pytest.mark.parametrize(
    ("service", "settings_class"),
    [
        ("decision", DecisionSettings),
        ("health-monitor", HealthMonitorSettings),
        ("probe", ProbeSettings),
        ("notifier", NotifierSettings),
        ("gateway", GatewaySettings),
        ("operator", ServiceSettings),
    ],
)
def test_the_settings_it_writes_are_taken_by_the_service(
    workspace: Workspace, service: str, settings_class: type[ServiceSettings]
) -> None:
    settings = settings_class.load(workspace.settings(service))
    assert settings.bootstrap == "127.0.0.1:9092"
    load_trust(settings.trust_root, settings.deployment)
    if settings.key is not None:
        load_key(settings.key)


def test_the_gateway_knows_the_agents_key_by_its_hash_only(workspace: Workspace) -> None:
    key = (workspace.directory / "keys" / "agent-invoice.txt").read_text()
    text = workspace.settings("gateway").read_text()
    assert key not in text
    assert tomllib.loads(text)["agents"] == [{"agent": "invoice", "key_sha256": sha256(key.encode()).hexdigest()}]


def test_another_kind_of_keys_is_everybodys_but_for_who_signs_webhooks(
    as_json: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    as_json("init", tmp_path / "here", "--deployment", "testbed", "--keys", "p256")
    trust, _ = load_trust(tmp_path / "here" / "trust" / "root-1.sealed", "testbed")
    assert {key.owner for key in trust.keys if len(key.public_key) == 32} == {"notifier-1", "watch-1"}


def test_a_folder_that_holds_something_is_refused_and_left_alone(
    as_json: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refused = as_json("init", tmp_path, code=2)
    assert "not empty" in refused["error"]
    assert "Name a new folder" in refused["mend"]
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_name_that_cannot_be_a_deployment_is_refused_before_anything_is_written(
    as_json: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    refused = as_json("init", tmp_path / "new", "--deployment", "My Deployment", code=2)
    assert "cannot name a deployment" in refused["error"]
    assert not (tmp_path / "new").exists()


def test_its_answer_names_the_folder_and_what_to_read_next(
    as_json: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    told = as_json("init", tmp_path / "new", "--bootstrap", "127.0.0.1:19092")
    assert told == {
        "directory": str(tmp_path / "new"),
        "deployment": "default",
        "next": str(tmp_path / "new" / "README.md"),
    }
    assert "interlock policy publish ." in (tmp_path / "new" / "README.md").read_text()
    assert 'bootstrap = "127.0.0.1:19092"' in Workspace(tmp_path / "new").settings("decision").read_text()


def test_every_file_that_people_write_names_its_schema_which_is_there(workspace: Workspace, as_json: Any) -> None:
    kinds = {workspace.directory: "registry", workspace.evidence: "evidence", workspace.policies: "policy"}
    for folder, kind in kinds.items():
        for file in folder.glob("*.yaml"):
            line = file.read_text().splitlines()[0]
            named = (file.parent / line.removeprefix("# yaml-language-server: $schema=")).resolve()
            assert named == workspace.directory.resolve() / ".schemas" / f"{kind}.schema.json"
            assert json.loads(named.read_text()) == schemas()[kind]
    old = workspace.directory / ".schemas" / "policy.schema.json"
    old.write_text("of an earlier release")
    assert str(old) in as_json("policy", "schema", "-w", workspace.directory)["files"]
    assert json.loads(old.read_text()) == schemas()["policy"]
