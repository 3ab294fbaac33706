"""Whatever stands where a document should be, the answer says so, with what to do, and an exit code; it never waits and never breaks."""

import os
import shutil
from collections.abc import Callable
from errno import EACCES
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from interlock.cli.app import app
from interlock.cli.policy.drafts import Opened, Surroundings, open_document
from interlock.policy.authoring.check import forbids
from interlock.runtime.clock import SystemClock
from interlock.runtime.workspace import Workspace
from interlock.vocabulary.limits import DOCUMENT_BYTES_MAX

AsJson = Callable[..., dict[str, Any]]


@pytest.fixture(params=["policy", "registry", "evidence"])
def document(request: pytest.FixtureRequest, workspace: Workspace) -> Path:
    """Each kind of document."""
    evidence = min(workspace.evidence.glob("*.yaml"))
    places = {"policy": workspace.policies / "invoice.yaml", "registry": workspace.registry, "evidence": evidence}
    return places[request.param]


def no_file(file: Path) -> None:
    pass


def folder(file: Path) -> None:
    file.mkdir()


def loop(file: Path) -> None:
    file.symlink_to(file.name)


def dangling(file: Path) -> None:
    file.symlink_to("nowhere")


def pipe(file: Path) -> None:
    os.mkfifo(file)


def device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def other_encoding(file: Path) -> None:
    file.write_bytes("agent: größer\n".encode("latin-1"))


def huge(file: Path) -> None:
    with file.open("wb") as hole:
        hole.truncate(DOCUMENT_BYTES_MAX * 1_000)


UNREADABLE = {
    no_file: "No such file",
    loop: "Too many levels of symbolic links",
    dangling: "No such file",
    pipe: "no plain file",
    device: "no plain file",
    other_encoding: "not UTF-8 text: see line 1",
    huge: f"larger than {DOCUMENT_BYTES_MAX} bytes",
}


@pytest.mark.parametrize("make", UNREADABLE)
def test_what_cannot_be_read_is_wrong_usage_with_a_mend(
    as_json: AsJson, workspace: Workspace, make: Callable[[Path], None]
) -> None:
    policy = workspace.policies / "other.yaml"
    make(policy)
    told = as_json("policy", "check", policy, code=2)
    assert UNREADABLE[make] in told["error"]
    assert str(policy) in told["error"]
    assert told["mend"].endswith(".")


@pytest.mark.parametrize("make", [loop, folder, pipe, other_encoding, huge])
def test_a_registry_that_cannot_be_read_is_told_of_where_a_policy_is_checked(
    as_json: AsJson, workspace: Workspace, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    registry = tmp_path / "elsewhere.yaml"
    make(registry)
    told = as_json("policy", "check", workspace.policies / "invoice.yaml", "--registry", registry, code=2)
    assert str(registry) in told["error"]


@pytest.mark.parametrize("make", [loop, folder, pipe, device])
def test_a_signed_file_that_is_none_is_told_of(
    as_json: AsJson, workspace: Workspace, make: Callable[[Path], None]
) -> None:
    make(workspace.evidence / "a.sealed")
    told = as_json("policy", "check", workspace.policies / "invoice.yaml", code=2)
    assert "a.sealed cannot be read" in told["error"]


@pytest.mark.parametrize("make", [folder, pipe, device])
def test_a_signed_file_that_is_named_and_is_none_is_told_of(
    as_json: AsJson, workspace: Workspace, make: Callable[[Path], None]
) -> None:
    policy, key, named = workspace.policies / "invoice.yaml", workspace.key("oscar"), workspace.directory / "a.sealed"
    make(named)
    for command in (["sign", policy, "--key", key, "--with", named], ["diff", named, policy]):
        assert "a.sealed cannot be read" in as_json("policy", *command, code=2)["error"]
    if make is not folder:  # a folder is published with all that is in it
        assert "a.sealed cannot be read" in as_json("policy", "publish", named, code=2)["error"]


def test_a_trust_root_without_an_end_is_not_waited_for(as_json: AsJson, workspace: Workspace) -> None:
    policy = workspace.policies / "invoice.yaml"
    assert "holds no trust root" in as_json("policy", "check", policy, "--root", "/dev/zero", code=2)["error"]


def test_a_signed_file_that_is_far_too_large_is_not_read_to_its_end(as_json: AsJson, workspace: Workspace) -> None:
    huge(workspace.evidence / "a.sealed")
    assert as_json("policy", "check", workspace.policies / "invoice.yaml")["ok"], (
        "it does not count, and nobody needs it"
    )


def test_a_file_that_one_may_not_read_is_wrong_usage(
    as_json: AsJson, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path, most: int) -> bytes:
        raise PermissionError(EACCES, "Permission denied", str(path))

    monkeypatch.setattr("interlock.runtime.workspace._first_bytes", forbidden)  # root, who runs CI, may read everything
    assert "Permission denied" in as_json("policy", "check", workspace.policies / "invoice.yaml", code=2)["error"]


BROKEN = {
    "": "no mapping",
    "\n\n# nothing\n": "no mapping",
    "- a\n": "no mapping",
    "a: &x 1\nb: *x\n": "anchors and aliases",
    "a: {<<: {b: 1}}\n": "merge keys",
    "a: 1\na: 2\n": "second time",
    "a: !!python/object/apply:os.system [ls]\n": "tags",
    "a: 1\n---\nb: 1\n": "second document",
    "a:\n\t- b\n": "not YAML",
    "a: \x00\n": "a character",
    "a: \u202e1\n": "hides",
    "a: " + "[" * 40 + "]" * 40: "nesting",
    "agent: 1\nmodels: 1\nmodel: 1\n": "mapping",
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_document_is_the_answer_no(as_json: AsJson, document: Path, text: str) -> None:
    document.write_text(text)
    told = as_json("policy", "check", document, code=1)
    assert not told["ok"]
    assert any(BROKEN[text] in problem["what"] for problem in told["problems"]), told
    assert all(problem["line"] >= 1 and problem["mend"] for problem in told["problems"])


def test_nothing_is_signed_of_what_cannot_be_read(as_json: AsJson, workspace: Workspace) -> None:
    policy = workspace.policies / "invoice.yaml"
    before = (workspace.policies / "invoice.sealed").read_bytes()
    policy.write_text(policy.read_text().replace("version: 1", "version: 2\nversion: 3"))
    told = as_json("policy", "sign", policy, "--key", workspace.key("grace"), code=1)
    assert told["file"] is None
    assert (workspace.policies / "invoice.sealed").read_bytes() == before


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that outlives one example of a property."""
    directory = tmp_path_factory.mktemp("fuzz") / "workspace"
    assert CliRunner().invoke(app, ["init", str(directory)], prog_name="interlock").exit_code == 0
    return Workspace(directory)


LINES = st.integers(min_value=0, max_value=70)
SPLICES = st.sampled_from(
    "|\t|  |null|*|&a|!x|<<: {}|[]|{}|0|-1|.nan|2027-13-40|1w|120%|''|\"|ä|\u202e|\x00|agent: invoice|model: atlas-large|because: x"
    f"|departures: [{{from: x}}]|{'9' * 30}|{'x' * 600}".split("|")
)


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(st.text(max_size=200), st.lists(st.tuples(LINES, st.integers(0, 40), SPLICES), max_size=6)),
    st.sampled_from(["policies/invoice.yaml", "registry.yaml", "evidence/atlas-large.invoice-extraction.yaml"]),
)
def test_whatever_stands_in_a_document_opening_it_answers(
    lasting: Workspace, changes: str | list[tuple[int, int, str]], name: str
) -> None:
    original = lasting.directory / name
    aside = lasting.directory / "aside" / original.name
    aside.parent.mkdir(exist_ok=True)
    text = changes if isinstance(changes, str) else spliced(original.read_text(), changes)
    aside.write_bytes(text.encode(errors="surrogatepass"))
    if name == "registry.yaml":
        shutil.copytree(lasting.registrations, aside.with_suffix(""), dirs_exist_ok=True)
    around = Surroundings(lasting.registry, lasting.evidence, lasting.root)
    if any("\ud800" <= char <= "\udfff" for char in text):
        return  # not UTF-8, so not a text: told above
    opened = open_document(aside, around, SystemClock().now().wall)
    assert isinstance(opened, Opened)
    assert bool(opened.records) != forbids(opened.problems)
    assert all(problem.what and problem.mend and problem.line >= 1 for problem in opened.problems)


def spliced(text: str, changes: list[tuple[int, int, str]]) -> str:
    """A document with something put into some of its lines."""
    lines = text.split("\n")
    for line, column, splice in changes:
        place = line % len(lines)
        lines[place] = lines[place][:column] + splice + lines[place][column:]
    return "\n".join(lines)
