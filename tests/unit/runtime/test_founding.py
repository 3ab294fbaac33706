"""Founding a deployment from texts: everything signed, or nothing that does not pass the check."""

from dataclasses import replace
from pathlib import Path

import pytest

from interlock.cli.examples import USUAL_EXAMPLE, load_example
from interlock.policy.book import Book, Taken, take
from interlock.runtime.founding import SERVICES, Plan, found
from interlock.runtime.opening import load_trust
from interlock.signing.keys import KeyKind
from interlock.signing.roles import Role
from interlock.testing.builders import NOW
from interlock.vocabulary.errors import ConfigurationError


@pytest.fixture
def plan() -> Plan:
    return load_example(USUAL_EXAMPLE, "testbed", NOW).plan


def test_several_agents_share_one_owner_and_one_root(plan: Plan, tmp_path: Path) -> None:
    second = plan.policies["invoice"].replace("agent: invoice", "agent: payroll")
    workspace = found(tmp_path, replace(plan, policies={**plan.policies, "payroll": second}), NOW)
    trust, root_id = load_trust(workspace.root, "testbed")
    book = Book.start(trust, root_id)
    for name in ("invoice", "payroll"):
        taken = take(book, (workspace.policies / f"{name}.sealed").read_bytes())
        assert isinstance(taken, Taken)
        book = taken.book
    assert {route.agent for route in book.users_of("atlas-large")} == {"invoice", "payroll"}


def test_further_services_get_a_key_and_their_roles(plan: Plan, tmp_path: Path) -> None:
    services = {**SERVICES, "recorder-1": (Role.REPORTER,), "recorder-2": (Role.REPORTER,)}
    workspace = found(tmp_path, replace(plan, services=services), NOW)
    trust, _ = load_trust(workspace.root, "testbed")
    (reporters,) = trust.grants_of(Role.REPORTER)
    assert len(reporters.keyids) == 3
    assert workspace.load_key("recorder-2").keyid in reporters.keyids


@pytest.mark.parametrize(
    ("kind", "old", "new", "told"),
    [
        ("registry", "tools: [search_invoices]", "tools: [other]", "policies/invoice.yaml:[0-9]+: .*broader_tools"),
        ("registry", "provider: birch", "vendor: birch", "registry.yaml:.*no such field"),
        ("policy", "safe_state: suspend", "safe_state: read_only", "more than its name"),
        ("policy", "agent: invoice", "agent: invoice\nagent: x", "second time"),
        ("evidence", "safety: 1", "safety: high", "not a whole number"),
    ],
)
def test_a_plan_with_a_problem_founds_nothing_that_is_signed(
    plan: Plan, tmp_path: Path, kind: str, old: str, new: str, told: str
) -> None:
    changed = {
        "registry": replace(plan, registry=plan.registry.replace(old, new)),
        "policy": replace(plan, policies={"invoice": plan.policies["invoice"].replace(old, new)}),
        "evidence": replace(plan, evidence={name: text.replace(old, new) for name, text in plan.evidence.items()}),
    }[kind]
    assert changed != plan
    with pytest.raises(ConfigurationError, match=told):
        found(tmp_path, changed, NOW)
    assert not (tmp_path / "policies" / "invoice.sealed").exists()


def test_two_policies_for_one_agent_found_nothing(plan: Plan, tmp_path: Path) -> None:
    twice = {**plan.policies, "second": plan.policies["invoice"]}
    with pytest.raises(ConfigurationError, match=r"policies/second\.yaml:.*invoice\.yaml is a policy for invoice, too"):
        found(tmp_path, replace(plan, policies=twice), NOW)
    assert list(tmp_path.iterdir()) == []


def test_two_operators_are_founded_of_whom_one_is_enough_to_narrow(plan: Plan, tmp_path: Path) -> None:
    trust, _ = load_trust(found(tmp_path, plan, NOW).root, "testbed")
    (operators,) = trust.grants_of(Role.OPERATOR)
    assert (operators.threshold, len(operators.keyids)) == (1, 2)


def test_everybody_has_a_p256_key_where_that_is_asked_but_those_who_sign_webhooks(plan: Plan, tmp_path: Path) -> None:
    workspace = found(tmp_path, replace(plan, keys=KeyKind.P256), NOW)
    trust, root_id = load_trust(workspace.root, "testbed")
    assert {key.owner for key in trust.keys if len(key.public_key) != 33} == {"notifier-1", "watch-1"}
    for owner in ("notifier-1", "watch-1"):
        workspace.load_key(owner).for_webhooks()
    sealed = (workspace.policies / "invoice.sealed").read_bytes()
    assert isinstance(take(Book.start(trust, root_id), sealed), Taken)
