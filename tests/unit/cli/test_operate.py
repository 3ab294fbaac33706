"""`interlock disable` and `interlock deny`: verified as their readers will, before they are sent."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from interlock.policy.book import Book, Taken, take
from interlock.records.commands import Command
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker
from interlock.runtime.opening import load_trust
from interlock.runtime.workspace import Workspace
from interlock.signing.verifier import Verified
from interlock.vocabulary.time import SECOND
from interlock.wire.topics import COMMANDS, POLICIES

AsJson = Callable[..., dict[str, Any]]
Interlock = Callable[..., Result]


@pytest.fixture
def published(as_json: AsJson, workspace: Workspace, broker: MemoryBroker) -> Workspace:
    as_json("policy", "publish", workspace.directory)
    return workspace


def commands(broker: MemoryBroker) -> list[bytes]:
    found = [
        record
        for partition in range(COMMANDS.partitions)
        for record in broker.fetch(Position(COMMANDS.name, partition), 0, 10)
    ]
    return [record.value for record in found if record.value]


def test_an_operator_disables_a_model_for_a_time(as_json: AsJson, published: Workspace, broker: MemoryBroker) -> None:
    told = as_json(
        "disable", "atlas-large", "--for", "30m", "--reason", "ticket 4711", "--key", published.key("olga"),
        "--workspace", published.directory,
    )  # fmt: skip
    trust, _ = load_trust(published.root, "testbed")
    (sealed,) = commands(broker)
    opened = open_sealed(sealed, trust, Command)
    assert isinstance(opened, Verified)
    order = opened.value
    assert (order.id, order.model, order.agent, order.reason) == (told["id"], "atlas-large", "*", "ticket 4711")
    assert order.expires_at - order.issued_at == 30 * 60 * SECOND


@pytest.mark.parametrize(
    ("arguments", "who", "code", "error"),
    [
        (["gpt-9"], "olga", 1, "model_not_used"),
        (["atlas-large", "--agent", "payroll"], "olga", 1, "model_not_used"),
        (["atlas-large"], "sam", 1, "role_not_allowed"),
        (["atlas-large"], "oscar", 1, "threshold_not_met"),
        (["atlas-large", "--for", "soon"], "olga", 2, "not a duration"),
        (["Atlas!"], "olga", 2, "names itself, an agent, a model"),
    ],
)
def test_an_order_that_would_not_count_is_refused_and_not_sent(
    as_json: AsJson,
    published: Workspace,
    broker: MemoryBroker,
    arguments: list[str],
    who: str,
    code: int,
    error: str,
) -> None:
    common = ["--reason", "r", "--key", published.key(who), "-w", published.directory]
    refused = as_json("disable", *arguments, *common, code=code)
    assert error in refused["error"]
    assert refused["mend"]
    assert commands(broker) == []


def test_the_agents_owner_may_disable_for_his_own_agent(
    as_json: AsJson, published: Workspace, broker: MemoryBroker
) -> None:
    as_json(
        "disable", "atlas-large", "--agent", "invoice", "--reason", "r", "--key", published.key("oscar"),
        "-w", published.directory,
    )  # fmt: skip
    assert len(commands(broker)) == 1


def test_safety_denies_a_model_to_everybody_once(as_json: AsJson, published: Workspace, broker: MemoryBroker) -> None:
    order = ["deny", "atlas-large", "--reason", "leaks", "--key", published.key("sam"), "-w", published.directory]
    told = as_json(*order)
    trust, root_id = load_trust(published.root, "testbed")
    record = broker.fetch(Position(POLICIES.name, 0), 2, 10)[0]
    assert record.key == f"deny/{told['id']}".encode()
    taken = take(Book.start(trust, root_id), record.value)
    assert isinstance(taken, Taken)
    assert "atlas-large" in taken.book.denials
    assert "denied already" in as_json(*order, code=1)["error"]


def test_nobody_but_safety_denies(as_json: AsJson, published: Workspace, broker: MemoryBroker) -> None:
    order = ["deny", "atlas-large", "--reason", "r", "--key", published.key("olga"), "-w", published.directory]
    assert "role_not_allowed" in as_json(*order, code=1)["error"]
    assert broker.end(Position(POLICIES.name, 0)) == 2


def test_a_command_outside_a_workspace_tells_to_make_one(as_json: AsJson, published: Workspace, tmp_path: Any) -> None:
    order = ["disable", "atlas-large", "--reason", "r", "--key", published.key("olga"), "-w", tmp_path]
    assert "interlock init" in as_json(*order, code=2)["mend"]
