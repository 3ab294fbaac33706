"""Publishing while others publish, and while the bus dies: nothing counts by half, and everybody is told what became of his."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from interlock.cli import connection
from interlock.cli.connection import Standing
from interlock.cli.policy.parcels import Parcel
from interlock.cli.policy.publishing import address
from interlock.policy.authoring.signatures import claimed
from interlock.records.sealing import event_id_of_sealed
from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.workspace import Workspace
from interlock.testing.builders import Deployment
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import POLICIES

AsJson = Callable[..., dict[str, Any]]
Interlock = Callable[..., Result]
HERE = Position(POLICIES.name, 0)


class Troubled(MemoryBroker):
    """A broker where something happens just before a record is appended."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[int, Callable[[], None]] = {}
        self.readable = True

    def append(self, where: Position, key: bytes | None, value: bytes | None, trace: str = "") -> int:
        happen = self.before.pop(self.end(where), None)
        if happen is not None:
            happen()
        return super().append(where, key, value, trace)

    def fetch(self, where: Position, offset: int, limit: int) -> Any:
        if not self.readable:
            raise InfrastructureError("It went away.", "Bring it back.")
        return super().fetch(where, offset, limit)


@pytest.fixture
def troubled(monkeypatch: pytest.MonkeyPatch) -> Troubled:
    broker = Troubled()
    monkeypatch.setattr(connection, "KafkaBus", lambda *_, **__: MemoryBus(broker))
    return broker


@pytest.fixture
def draft(workspace: Workspace, as_json: AsJson) -> Callable[[str, str, str], Path]:
    """A policy that both have signed, with something of the example changed, in a file of its own."""

    def draft(name: str, version: str, grace: str) -> Path:
        folder = workspace.directory / name
        folder.mkdir()
        text = (workspace.policies / "invoice.yaml").read_text()
        (folder / "invoice.yaml").write_text(
            text.replace("version: 1", f"version: {version}").replace("grace: 60s", f"grace: {grace}")
        )
        keys = [option for owner in ("grace", "oscar") for option in ("--key", workspace.key(owner))]
        as_json("policy", "sign", folder / "invoice.yaml", *keys)
        return folder / "invoice.sealed"

    return draft


def test_of_two_complete_drafts_of_one_version_the_first_on_the_topic_counts_and_the_other_is_told(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, draft: Callable[..., Path], troubled: Troubled
) -> None:
    as_json("policy", "publish", workspace.directory)
    mine, theirs = draft("mine", "2", "61s"), draft("theirs", "2", "62s")
    sealed = theirs.read_bytes()
    troubled.before[4] = lambda: (troubled.append(HERE, b"policy/invoice", sealed), None)[1]
    (file,) = as_json("policy", "publish", mine, code=1)["files"]
    assert (file["offset"], file["counts"], file["refused"]["reason"]) == (5, False, "equivocation")
    assert "raise `version`" in file["mend"]
    (again,) = as_json("policy", "publish", mine, code=1)["files"]
    assert (again["already_there"], again["offset"]) == (False, None), "on the topic is not yet in force"
    assert again["refused"]["reason"] == "equivocation"
    (counted,) = as_json("policy", "publish", theirs)["files"]
    assert (counted["already_there"], counted["counts"]) == (True, True)
    held = as_json("policy", "diff", mine.with_suffix(".yaml"))["old"]
    assert held == {"from": "published", "version": 2}


def test_a_newer_version_that_came_in_between_is_told_too(
    interlock: Interlock, as_json: AsJson, workspace: Workspace, draft: Callable[..., Path], troubled: Troubled
) -> None:
    as_json("policy", "publish", workspace.directory)
    mine, theirs = draft("mine", "2", "61s"), draft("theirs", "3", "62s")
    sealed = theirs.read_bytes()
    troubled.before[4] = lambda: (troubled.append(HERE, b"policy/invoice", sealed), None)[1]
    shown = interlock("policy", "publish", mine)
    assert shown.exit_code == 1
    assert f"{mine}: published at offset 5, and does not count: policy_older" in shown.stdout
    assert shown.stdout.endswith("What came too late changes nothing.\n")


def test_a_bus_that_dies_in_the_middle_leaves_no_doubt_about_what_was_published(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, troubled: Troubled
) -> None:
    troubled.before[2] = lambda: setattr(troubled, "reachable", False)
    told = as_json("policy", "publish", workspace.directory, code=3)
    assert [(file["offset"], file["unknown"], file["counts"]) for file in told["files"]] == [
        (0, False, None),
        (1, False, None),
        (None, True, None),
        (None, False, None),
    ]
    assert (told["ok"], told["mend"]) == (
        False,
        "Publish again once the bus is back: what is there is not published twice.",
    )
    troubled.reachable = True
    again = as_json("policy", "publish", workspace.directory)
    assert [(file["already_there"], file["offset"], file["counts"]) for file in again["files"]] == [
        (True, None, True),
        (True, None, True),
        (False, 2, True),
        (False, 3, True),
    ]


def test_a_person_sees_line_by_line_what_was_published_before_the_bus_died(
    interlock: Interlock, workspace: Workspace, troubled: Troubled
) -> None:
    troubled.before[1] = lambda: setattr(troubled, "reachable", False)
    shown = interlock("policy", "publish", workspace.directory)
    assert shown.exit_code == 3
    root, atlas, birch, policy, *rest = shown.stdout.splitlines()
    assert root.endswith(": published as root/1, offset 0, not read back")
    assert atlas.endswith(": sent, and the broker did not answer: it may be there or not")
    assert birch.endswith(": not sent")
    assert policy.endswith(": not sent")
    assert rest[0].startswith("error: ")


def test_what_cannot_be_read_back_is_published_and_not_known_to_count(
    as_json: AsJson, workspace: Workspace, troubled: Troubled
) -> None:
    troubled.before[3] = lambda: setattr(troubled, "readable", False)
    told = as_json("policy", "publish", workspace.directory, code=3)
    assert [(file["offset"], file["counts"]) for file in told["files"]] == [(at, None) for at in range(4)]
    assert troubled.end(HERE) == 4


def test_one_record_that_would_not_count_keeps_all_others_from_being_sent(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, draft: Callable[..., Path], troubled: Troubled
) -> None:
    alone = workspace.policies / "invoice.sealed"
    alone.unlink()
    as_json("policy", "sign", alone.with_suffix(".yaml"), "--key", workspace.key("oscar"))
    shown = interlock("policy", "publish", workspace.directory)
    assert shown.exit_code == 1
    assert shown.stdout.count(": would count\n") == 3
    assert shown.stdout.endswith("Nothing was published.\n")
    assert troubled.end(HERE) == 0


def test_a_policy_that_a_newer_one_has_replaced_is_there_already(
    as_json: AsJson, workspace: Workspace, draft: Callable[..., Path], troubled: Troubled
) -> None:
    as_json("policy", "publish", workspace.directory)
    older = shutil.copy(workspace.policies / "invoice.sealed", workspace.directory / "older.sealed")
    as_json("policy", "publish", draft("newer", "2", "61s"))
    (file,) = as_json("policy", "publish", older)["files"]
    assert (file["already_there"], file["counts"]) == (True, False)
    assert claimed(troubled.fetch(HERE, 4, 1)[0].value) is not None


def test_a_policy_that_a_later_trust_root_vouches_for_no_more_is_not_there_already() -> None:
    deployment = Deployment()
    sealed = deployment.policy("support", ["atlas"])
    held = deployment.book(sealed)
    later = deployment.taking(held, deployment.seal(deployment.next_root(2, agents=["triage"]), "root-1", "root-2"))
    counted = frozenset({deployment.root_id, event_id_of_sealed(sealed)})
    (there,) = address([Parcel("a.sealed", sealed)], Standing(held, deployment.root_id, counted))
    (gone,) = address([Parcel("a.sealed", sealed)], Standing(later, deployment.root_id, counted))
    assert (there.there, gone.there) == (True, False)
    assert gone.refused is not None
    assert gone.refused.reason is Reason.THRESHOLD_NOT_MET
