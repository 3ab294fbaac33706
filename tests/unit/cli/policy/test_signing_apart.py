"""Two people who never share a machine: each has his own copy of the files, and his own key only."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from interlock.policy.authoring.signatures import claimed
from interlock.policy.book import Book, Taken, take
from interlock.records.documents import RoutePolicy
from interlock.records.sealing import decode_envelope, encode_envelope
from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker
from interlock.runtime.opening import load_key, load_trust
from interlock.runtime.workspace import Workspace
from interlock.signing.envelope import Envelope
from interlock.wire.topics import POLICIES

AsJson = Callable[..., dict[str, Any]]
Interlock = Callable[..., Result]


class Person:
    """Somebody with a copy of the workspace, in which no key is but his own."""

    def __init__(self, name: str, origin: Workspace, folder: Path, as_json: AsJson) -> None:
        shutil.copytree(origin.directory, folder)
        self.name, self.workspace, self._as_json = name, Workspace(folder), as_json
        for key in (folder / "keys").iterdir():
            if key.stem != name:
                key.unlink()

    @property
    def policy(self) -> Path:
        return self.workspace.policies / "invoice.yaml"

    @property
    def sealed(self) -> Path:
        return self.policy.with_suffix(".sealed")

    def edit(self, old: str, new: str, *, file: Path | None = None) -> None:
        text = (file or self.policy).read_text()
        assert old in text
        (file or self.policy).write_text(text.replace(old, new, 1))

    def sign(self, *options: str | Path, code: int = 0, file: Path | None = None) -> dict[str, Any]:
        return self._as_json(
            "policy", "sign", file or self.policy, "--key", self.workspace.key(self.name), *options, code=code
        )

    def publish(self, *files: Path, code: int = 0) -> dict[str, Any]:
        return self._as_json("policy", "publish", *(files or [self.workspace.directory]), code=code)


@pytest.fixture
def person(workspace: Workspace, tmp_path: Path, as_json: AsJson) -> Callable[[str], Person]:
    """Everybody begins with version 2 of the policy, which nobody has signed."""

    def person(name: str) -> Person:
        made = Person(name, workspace, tmp_path / name, as_json)
        made.edit("version: 1", "version: 2")
        return made

    return person


@pytest.fixture
def grace(person: Callable[[str], Person]) -> Person:
    return person("grace")


@pytest.fixture
def oscar(person: Callable[[str], Person]) -> Person:
    return person("oscar")


def counts(sealed: Path, workspace: Workspace) -> bool:
    trust, root_id = load_trust(workspace.root, "testbed")
    return isinstance(take(Book.start(trust, root_id), sealed.read_bytes()), Taken)


def issued_at(sealed: Path) -> int:
    policy = claimed(sealed.read_bytes())
    assert isinstance(policy, RoutePolicy)
    return policy.issued_at


def test_the_second_signs_along_what_the_first_sent_him(grace: Person, oscar: Person) -> None:
    grace.sign()
    shutil.copy(grace.sealed, oscar.sealed)
    told = oscar.sign()
    assert (told["signed_by"], told["signed_before"], told["missing"]) == (["oscar"], ["grace"], [])
    assert counts(oscar.sealed, oscar.workspace)


@pytest.mark.parametrize("late", ["oscar", "grace"])
def test_who_began_apart_come_to_one_draft_whoever_finds_out(grace: Person, oscar: Person, late: str) -> None:
    grace.sign()
    oscar.sign()
    first = issued_at(grace.sealed)
    assert first < issued_at(oscar.sealed), "they compiled at two moments"
    if late == "oscar":
        told = oscar.sign("--with", grace.sealed)
    else:
        hers = grace.sign("--with", oscar.sealed)
        assert (hers["signed_apart"], hers["missing"]) == (["oscar"], ["agent_owner (oscar)"])
        told = oscar.sign("--with", grace.sealed)
    assert (told["signed_by"], told["signed_before"], told["signed_apart"]) == (["oscar"], ["grace"], [])
    assert (told["missing"], issued_at(oscar.sealed)) == ([], first)
    assert counts(oscar.sealed, oscar.workspace)


def test_two_files_with_the_same_draft_are_published_together(
    grace: Person, oscar: Person, broker: MemoryBroker
) -> None:
    grace.sign()
    shutil.copy(grace.sealed, oscar.sealed)
    grace_alone = grace.sealed.read_bytes()
    oscar.sign()
    only_his = decode_envelope(oscar.sealed.read_bytes())
    assert isinstance(only_his, Envelope)
    his_keyid = load_key(oscar.workspace.key("oscar")).keyid
    his = tuple(signature for signature in only_his.signatures if signature.keyid == his_keyid)
    oscar.sealed.write_bytes(encode_envelope(replace(only_his, signatures=his)))
    assert not counts(grace.sealed, grace.workspace)
    assert not counts(oscar.sealed, oscar.workspace)
    (file,) = oscar.publish(grace.sealed, oscar.sealed)["files"]
    assert (file["file"], file["offset"], file["counts"]) == (f"{grace.sealed} and {oscar.sealed}", 0, True)
    assert grace.sealed.read_bytes() == grace_alone, "no file is changed by publishing"


def test_two_drafts_of_one_policy_are_not_published_and_it_is_said_who_signs_which_along(
    grace: Person, oscar: Person, broker: MemoryBroker
) -> None:
    grace.sign()
    oscar.sign()
    refused = grace.publish(grace.sealed, oscar.sealed, code=1)["files"]
    assert {file["refused"]["reason"] for file in refused} == {"equivocation"}
    assert f"{grace.sealed} was compiled first: have oscar sign it along" in refused[0]["mend"]
    assert broker.end(Position(POLICIES.name, 0)) == 0


def test_a_policy_that_was_edited_since_is_not_signed_along_and_what_differs_is_told(
    grace: Person, oscar: Person
) -> None:
    grace.sign()
    oscar.edit("grace: 60s", "grace: 90s")
    refused = oscar.sign("--with", grace.sealed, code=1)
    assert "version 2, signed by grace, with other content" in refused["error"]
    assert refused["error"].endswith("From theirs to yours:\n  + main/*: grace: 1m -> 90s")
    assert "take over the policy from grace" in refused["mend"]


def test_a_registry_that_changed_since_is_told(grace: Person, oscar: Person) -> None:
    grace.sign()
    for old, new in (("usd_per_mtok: 3.0", "usd_per_mtok: 2.0"), ("entry: 1 ", "entry: 2 ")):
        oscar.edit(old, new, file=oscar.workspace.registry)
    shutil.rmtree(oscar.workspace.registrations)
    refused = oscar.sign("--with", grace.sealed, code=1)
    assert refused["error"].endswith("\n  ~ main/* atlas-large: usd_per_mtok: 3.0 -> 2.0")
    assert "take over the registry from grace" in refused["mend"]


def test_evidence_that_was_renewed_since_is_told(grace: Person, oscar: Person, person: Callable[[str], Person]) -> None:
    grace.sign()
    vera = person("vera")
    renewed = vera.workspace.evidence / "again.yaml"
    shutil.copy(vera.workspace.evidence / "birch-medium.invoice-extraction.yaml", renewed)
    text = renewed.read_text()
    year = text[text.index("expires_at: ") :][12:16]
    renewed.write_text(text.replace(f"expires_at: {year}", f"expires_at: {int(year) + 1}"))
    vera.sign(file=renewed)
    shutil.copy(renewed.with_suffix(".sealed"), oscar.workspace.evidence / "again.sealed")
    refused = oscar.sign("--with", grace.sealed, code=1)
    assert "+ main/* birch-medium: evidence.expires_at: " in refused["error"]
    assert "take over the signed evidence from grace" in refused["mend"]


def test_a_signature_for_an_older_draft_is_not_carried_over(grace: Person, oscar: Person) -> None:
    grace.sign()
    oscar.edit("version: 2", "version: 3")
    refused = oscar.sign("--with", grace.sealed, code=1)
    assert "a signature for an older draft" in refused["error"]
    assert "have version 3 signed" in refused["mend"]
    assert oscar.sign()["missing"] == ["governance (grace)"]


def test_who_holds_an_older_draft_than_was_signed_is_told(grace: Person, oscar: Person) -> None:
    grace.edit("version: 2", "version: 3")
    grace.sign()
    refused = oscar.sign("--with", grace.sealed, code=1)
    assert "holds version 3, and your file is version 2" in refused["error"]
    assert "raise yours above 3" in refused["mend"]


def test_a_signature_that_was_made_for_another_draft_spoils_no_file(grace: Person, oscar: Person) -> None:
    grace.sign()
    older = decode_envelope(grace.sealed.read_bytes())
    grace.sealed.unlink()
    grace.sign()
    newer = decode_envelope(grace.sealed.read_bytes())
    assert isinstance(older, Envelope)
    assert isinstance(newer, Envelope)
    grace.sealed.write_bytes(encode_envelope(replace(newer, signatures=older.signatures)))
    refused = oscar.sign("--with", grace.sealed, code=1)
    assert "a signature in the name of grace that was made for something else" in refused["error"]
    shutil.copy(grace.sealed, oscar.sealed)
    assert "have grace sign again" in oscar.sign(code=1)["mend"], "nor one that stands where his own goes"


def test_what_is_no_draft_of_the_policy_is_not_signed_along(grace: Person, oscar: Person) -> None:
    for file in (oscar.workspace.root, oscar.workspace.registrations / "atlas-large.sealed", oscar.policy):
        assert "holds no draft of the policy of invoice" in oscar.sign("--with", file, code=2)["error"]
    assert "cannot be read" in oscar.sign("--with", grace.sealed.with_name("none.sealed"), code=2)["error"]
    only = oscar.sign("--with", grace.sealed, file=oscar.workspace.registry, code=2)
    assert "Only a policy" in only["error"]


def test_a_person_is_told_who_signed_before_and_who_signed_apart(
    grace: Person, oscar: Person, interlock: Interlock
) -> None:
    grace.sign()
    oscar.sign()
    shown = interlock(
        "policy", "sign", grace.policy, "--key", grace.workspace.key("grace"), "--with", oscar.sealed
    ).stdout
    assert "signed by grace; still missing: agent_owner (oscar)." in shown
    assert "oscar signed another draft, compiled later: send oscar this file to sign along" in shown
    shown = interlock(
        "policy", "sign", oscar.policy, "--key", oscar.workspace.key("oscar"), "--with", grace.sealed
    ).stdout
    assert "signed by oscar, after grace; complete." in shown
