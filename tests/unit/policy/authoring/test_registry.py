"""The registry: nothing about safety is assumed, and what was signed is not signed again with other content."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from interlock.policy.authoring.document import parse
from interlock.policy.authoring.problems import Problem, Severity
from interlock.policy.authoring.registry import RegistryDocument, check_registry, registered, registrations
from interlock.policy.authoring.source import Source, read
from interlock.records.codec import decode, encode
from interlock.records.models import Autonomy, Logging, Network, Registration
from interlock.testing.builders import DAY, NOW, Deployment
from interlock.vocabulary.time import FOREVER, Micros, to_text

ProblemsOf = Callable[..., list[Problem]]


def document_of(text: str) -> tuple[Source, RegistryDocument]:
    source = read(text, "registry.yaml")
    assert isinstance(source, Source), source
    document = parse(source, RegistryDocument)
    assert isinstance(document, RegistryDocument), document
    return source, document


@pytest.fixture
def signed(deployment: Deployment, registry_text: str) -> dict[str, bytes]:
    _, document = document_of(registry_text)
    return {
        f"{name}.sealed": deployment.seal(record, "grace")
        for name, record in registrations(document, deployment.name, NOW).items()
    }


def checked(deployment: Deployment, signed: dict[str, bytes], text: str, now: Micros = NOW) -> list[Problem]:
    return check_registry(*document_of(text), registered(deployment.root, signed), now)


def test_an_entry_becomes_the_record_that_governance_signs(registry_text: str, deployment: Deployment) -> None:
    _, document = document_of(registry_text)
    record = registrations(document, deployment.name, NOW)["atlas"]
    model = record.model
    assert (record.version, record.withdrawn, record.deployment, record.issued_at) == (1, False, "testbed", NOW)
    assert (model.identity.owner, model.identity.assurance, model.identity.scopes) == ("oscar", 2, ("read", "write"))
    assert to_text(model.identity.rotation_due).startswith("2027-06-30")
    assert (model.data.classes, model.data.logging) == (("internal",), Logging.METADATA)
    assert (model.capability.network, model.capability.autonomy) == (Network.INTERNAL, Autonomy.ACT_WITH_APPROVAL)
    assert (model.usd_per_mtok, model.intermediaries, model.approvals, model.integrity) == (3.0, (), (), 0)
    assert model.retires_at == FOREVER
    assert decode(encode(record), Registration) == record


@pytest.mark.parametrize(
    ("field", "parent"),
    [
        *((name, "identity") for name in ("id", "owner", "secret_ref", "scopes", "assurance", "rotation_due")),
        *((name, "data") for name in ("classes", "regions", "retention_days", "logging")),
        *(
            (name, "capability")
            for name in (
                "tools",
                "code_execution",
                "network",
                "modalities",
                "context_tokens",
                "outputs",
                "autonomy",
                "deterministic",
            )
        ),
        *((name, "") for name in ("entry", "version", "provider", "endpoint", "served_as", "usd_per_mtok")),
    ],
)
def test_what_matters_for_safety_is_never_assumed(
    problems_of: ProblemsOf, registry_text: str, field: str, parent: str
) -> None:
    source = read(registry_text, "it.yaml")
    assert isinstance(source, Source)
    entry = source.data["models"]["atlas"]
    del (entry[parent] if parent else entry)[field]
    found = parse(source, RegistryDocument)
    assert isinstance(found, list)
    (problem,) = found
    assert problem.field == ".".join(filter(None, ("models.atlas", parent, field)))
    assert problem.what == "is missing"
    assert problem.mend.startswith(f"Add `{field}: ")


@pytest.mark.parametrize(
    ("old", "new", "field", "what", "mend"),
    [
        ("entry: 1", "entry: 0", "entry", "0 is not a whole number", "Write one"),
        ("assurance: 2", "assurance: 5", "identity.assurance", "from 0 to 4", "Write one"),
        ("assurance: 2", "assurance: true", "identity.assurance", "True is not", "Write one"),
        ("rotation_due: 2027-06-30", "rotation_due: never", "identity.rotation_due", "not a date", "2027-01-31"),
        ("retention_days: 0", "retention_days: -1", "data.retention_days", "-1 is not", "Write one"),
        (
            "logging: metadata",
            "logging: some",
            "data.logging",
            "'some' is not known",
            "none, metadata, content, training",
        ),
        ("regions: [west, east]", "regions: []", "data.regions", "at least 1", "[eu-central]"),
        ("network: internal", "network: wide", "capability.network", "'wide'", "none, internal, internet"),
        ("network: internal", "network: [none]", "capability.network", "is not known", "none, internal, internet"),
        ("context_tokens: 128000", "context_tokens: 128k", "capability.context_tokens", "'128k'", "Write one"),
        ("autonomy: act_with_approval", "autonomy: full", "capability.autonomy", "'full'", "suggest"),
        ("code_execution: false", "code_execution: no", "capability.code_execution", "true or false", "quotes"),
        ("deterministic: false", "deterministic: 0", "capability.deterministic", "true or false", "quotes"),
        ("usd_per_mtok: 3.0", "usd_per_mtok: -3.0", "usd_per_mtok", "-3.0 US dollars", "0 or more"),
        ("usd_per_mtok: 3.0", "usd_per_mtok: 3$", "usd_per_mtok", "not an amount", "2.5"),
        ("usd_per_mtok: 3.0", "usd_per_mtok: 3.0\n    integrity: 7", "integrity", "from 0 to 4", "Write one"),
        ("usd_per_mtok: 3.0", "usd_per_mtok: 3.0\n    retires_at: soon", "retires_at", "not a date", "2027-01-31"),
    ],
)
def test_a_wrong_value_of_an_entry_is_told(
    problems_of: ProblemsOf, registry_text: str, old: str, new: str, field: str, what: str, mend: str
) -> None:
    assert old in registry_text
    (problem,) = problems_of(registry_text.replace(old, new, 1), RegistryDocument)
    assert problem.field == f"models.atlas.{field}"
    assert what in problem.what
    assert mend in problem.mend


def test_a_secret_in_the_registry_is_refused_and_never_repeated(problems_of: ProblemsOf, registry_text: str) -> None:
    (problem,) = problems_of(registry_text.replace("env:ATLAS_KEY", "sk-live-4711"), RegistryDocument)
    assert problem.field == "models.atlas.identity.secret_ref"
    assert "4711" not in str(problem)
    assert "env:" in problem.mend


@pytest.mark.parametrize("name", ["Birch!", "guard@pii", "x" * 81])
def test_a_models_bad_name_is_told(problems_of: ProblemsOf, registry_text: str, name: str) -> None:
    (problem,) = problems_of(registry_text.replace("  birch:", f"  {name}:"), RegistryDocument)
    assert problem.field == f"models.{name}"


def test_a_registry_that_was_signed_as_it_stands_has_no_problem(
    deployment: Deployment, signed: dict[str, bytes], registry_text: str
) -> None:
    assert checked(deployment, signed, registry_text) == []
    assert checked(deployment, {}, registry_text) == []


@pytest.mark.parametrize("change", [("tools: [search]", "tools: []"), ("provider: birch-works", "provider: x")])
def test_a_signed_entry_with_other_content_asks_for_the_next_number(
    deployment: Deployment, signed: dict[str, bytes], registry_text: str, change: tuple[str, str]
) -> None:
    changed = registry_text.replace(*change)
    (problem,) = checked(deployment, signed, changed)
    assert (problem.field, problem.severity) == ("models.birch.entry", Severity.ERROR)
    assert problem.mend == "Write `entry: 2`."
    start = changed.index("  birch:")
    assert checked(deployment, signed, changed[:start] + changed[start:].replace("entry: 1", "entry: 2")) == []


def test_a_number_below_the_signed_one_is_refused_though_the_content_is_the_same(
    deployment: Deployment, registry_text: str
) -> None:
    _, document = document_of(registry_text)
    later = replace(registrations(document, deployment.name, NOW)["birch"], version=3)
    (problem,) = checked(deployment, {"birch.sealed": deployment.seal(later, "grace")}, registry_text)
    assert (problem.field, problem.mend) == ("models.birch.entry", "Write `entry: 4`.")


def test_withdrawing_is_a_change_of_the_entry(
    deployment: Deployment, signed: dict[str, bytes], registry_text: str
) -> None:
    (problem,) = checked(deployment, signed, registry_text.replace("entry: 1", "entry: 1\n    withdrawn: true", 1))
    assert problem.field == "models.atlas.entry"


def test_a_model_that_is_only_left_out_stays_registered(
    deployment: Deployment, signed: dict[str, bytes], registry_text: str
) -> None:
    (problem,) = checked(deployment, signed, registry_text[: registry_text.index("  birch:")])
    assert problem.severity is Severity.WARNING
    assert "birch was registered" in problem.what
    assert "withdrawn: true" in problem.mend


def test_what_has_ended_is_a_warning(deployment: Deployment, registry_text: str) -> None:
    retired = registry_text.replace("usd_per_mtok: 1", "usd_per_mtok: 1\n    retires_at: 2026-06-01")
    later = Micros(NOW + 30 * DAY)
    (problem,) = checked(deployment, {}, retired, later)
    assert (problem.field, problem.severity) == ("models.birch.retires_at", Severity.WARNING)
    overdue = checked(deployment, {}, registry_text, Micros(NOW + 500 * DAY))
    assert [problem.field for problem in overdue] == [
        "models.atlas.identity.rotation_due",
        "models.birch.identity.rotation_due",
    ]


def test_entries_that_governance_did_not_sign_do_not_count(
    deployment: Deployment, signed: dict[str, bytes], registry_text: str
) -> None:
    _, document = document_of(registry_text)
    forged = deployment.seal(registrations(document, deployment.name, NOW)["atlas"], "oscar")
    held = registered(deployment.root, {**signed, "atlas.sealed": forged, "noise.sealed": b"noise"})
    assert set(held.book.registry) == {"birch"}
    found = check_registry(*document_of(registry_text), held, NOW)
    assert [(problem.line, problem.severity, problem.what) for problem in found] == [
        (1, Severity.WARNING, "the signed entry atlas.sealed does not count (role_not_allowed)"),
        (1, Severity.WARNING, "the signed entry noise.sealed does not count (not_an_envelope)"),
    ]
