"""A workspace that `interlock init` made, and the command line on a bus in memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from interlock.cli import connection
from interlock.cli.app import app
from interlock.decision.core.decide import Outcome
from interlock.decision.core.events import Event, Ordered
from interlock.records.audit import AuditKind, AuditRecord, Input, InputKind
from interlock.records.change import RoutingChange
from interlock.records.commands import Command
from interlock.records.documents import RoutePolicy, Workflow
from interlock.records.health import Level
from interlock.records.log import NO_TERM
from interlock.records.sealing import open_sealed
from interlock.records.state import StateMark, StateRecord
from interlock.runtime.bus import Position
from interlock.runtime.clock import SystemClock
from interlock.runtime.first_settings import OPERATOR, first_settings
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.workspace import Workspace
from interlock.signing.statement import Statement
from interlock.signing.verifier import Refused
from interlock.testing.builders import Deployment
from interlock.testing.driver import AGENT, Driver
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.time import SECOND
from interlock.wire.topics import AUDIT, COMMANDS, POLICIES, ROUTES, STATE, TopicSpec
from interlock.wire.trace import NO_TRACE

Interlock = Callable[..., Result]


@pytest.fixture
def interlock() -> Interlock:
    def interlock(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="interlock")

    return interlock


@pytest.fixture
def as_json(interlock: Interlock) -> Callable[..., dict[str, Any]]:
    def as_json(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
        result = interlock(*arguments, "--json")
        assert result.exit_code == code, result.output
        assert result.stderr == ""
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    return as_json


@pytest.fixture
def workspace(interlock: Interlock, tmp_path: Path) -> Workspace:
    result = interlock("init", tmp_path / "deployment", "--deployment", "testbed")
    assert result.exit_code == 0, result.output
    return Workspace(tmp_path / "deployment")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> MemoryBroker:
    """Stands where Kafka would: the only thing that these tests put in the place of another."""
    memory = MemoryBroker()
    monkeypatch.setattr(connection, "KafkaBus", lambda *_, **__: MemoryBus(memory))
    return memory


class Decision(Driver):
    """The decision service without its loop: the real core, and what it decides is journalled at once.

    Commands on the broker reach it by themselves; everything else a test says. Its time is the machine's, plus what a test waits.
    """

    def __init__(self, deployment: Deployment, broker: "Attended", workspace: Workspace) -> None:
        self.broker = broker
        self.workspace = workspace
        self.where = Position(AUDIT.name, shard_of(AGENT, AUDIT.partitions))
        self.sequence = 0
        self.silent = False
        self.steps: list[AuditRecord] = []
        super().__init__(deployment, None)
        self.now = deployment.now
        self.state = self.state.claimed(0, self.now)
        self.journal(self.record(AuditKind.CLAIM, NO_TERM))
        broker.decision = self

    def begin(self, *ladder: Any, workflow: Workflow = Workflow.CUSTOMER_FACING, **fields: Any) -> None:
        """Publish a policy of `support`, find every rung healthy, and let time pass until the route is on its primary."""
        rule = self.deployment.rule(ladder, **fields)
        self.publish(self.deployment.policy_of(AGENT, rule, workflow=workflow))
        self.all_healthy(*(rung.model.name for rung in rule.ladder))
        for guard in rule.guards:
            self.guard(guard, Level.HEALTHY)
        self.wait(rule.stable_us / SECOND)
        assert self.target == rule.ladder[0].model.name

    def publish(self, policy: RoutePolicy) -> None:
        """Governance and the agent's owner publish a policy, and it is decided on."""
        sealed = self.deployment.seal(policy, "grace", "oscar")
        self.broker.append(Position(POLICIES.name, 0), f"policy/{AGENT}".encode(), sealed)
        self.document(sealed)

    def happen(self, event: Event) -> Outcome:
        outcome = super().happen(event)
        if outcome.to_journal:
            self.sequence += 1
            self.journal(self.record(AuditKind.STEP, 0, outcome, event.sealed if isinstance(event, Ordered) else b""))
        return outcome

    def record(self, kind: AuditKind, term: int, outcome: Outcome | None = None, command: bytes = b"") -> AuditRecord:
        changes = tuple(self.deployment.seal(change, "decision-1") for change in outcome.changes) if outcome else ()
        entries = outcome.entries if outcome else ()
        digest = self.state.digest.root
        shard = self.where.partition
        inputs = (Input(InputKind.RECORD, COMMANDS.name, 0, 0, command),) if command else ()
        return AuditRecord(shard, kind, "decision-1", term, self.sequence, self.now, inputs, changes, entries, digest)

    def journal(self, record: AuditRecord) -> None:
        self.steps.append(record)
        self.broker.append(self.where, b"shard", self.deployment.seal(record, "decision-1"))
        for change in record.changes:
            key = self.opened(change, RoutingChange).value.route.key
            self.broker.append(self.where._replace(topic=ROUTES.name), key.encode(), change)

    def project(self) -> int:
        """Write the state topic as it is after the last step; the offset of that step."""
        shard, last = self.where.partition, len(self.steps) - 1
        for offset, step in enumerate(self.steps):
            for place, entry in enumerate(step.entries):
                said = StateRecord("decision-1", shard, entry.key, entry.value, offset, place)
                self.keep(entry.key, said if entry.value is not None else None)
        step = self.steps[last]
        mark = StateMark("decision-1", shard, last, 0, step.sequence, step.now, step.state_digest, ())
        self.keep(f"shard/{shard}", mark)
        return last

    def keep(self, key: str, record: Statement | None) -> None:
        """Write one record of the state topic; None removes it."""
        value = self.deployment.seal(record, "decision-1") if record is not None else None
        self.broker.append(self.where._replace(topic=STATE.name), key.encode(), value)

    def hear(self, sealed: bytes) -> None:
        command = open_sealed(sealed, self.state.book.trust, Command)
        if not isinstance(command, Refused) and not self.silent:
            self.now = max(self.now, SystemClock().now().wall)
            self.happen(Ordered(command, sealed))

    def say(self, topic: TopicSpec, record: Statement, *owners: str) -> None:
        """Somebody else publishes a record."""
        self.broker.append(Position(topic.name, 0), b"key", self.deployment.seal(record, *owners))

    def key(self, owner: str) -> Path:
        return self.workspace.key(owner)

    @property
    def commands(self) -> list[bytes]:
        """What was published on the commands topic."""
        return commands_on(self.broker)


class Attended(MemoryBroker):
    """A broker whose commands reach the decision."""

    decision: Decision | None = None

    def append(self, where: Position, key: bytes | None, value: bytes | None, trace: str = NO_TRACE) -> int:
        offset = super().append(where, key, value, trace)
        if where.topic == COMMANDS.name and self.decision is not None and value is not None:
            self.decision.hear(value)
        return offset


def commands_on(broker: MemoryBroker) -> list[bytes]:
    partitions = (Position(COMMANDS.name, partition) for partition in range(COMMANDS.partitions))
    return [record.value for where in partitions for record in broker.fetch(where, 0, 100) if record.value]


@pytest.fixture
def decision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Decision:
    """A workspace with everybody's keys, and a decision that answers; the environment names the workspace."""
    deployment = Deployment(now=SystemClock().now().wall)
    workspace = Workspace(tmp_path)
    workspace.write(workspace.root, deployment.sealed_root)
    workspace.write_settings(OPERATOR, first_settings(deployment.name, "127.0.0.1:9", {})[OPERATOR])
    for owner in ("olga", "oscar", "sam", "grace"):
        workspace.write(workspace.key(owner), deployment.key(owner).to_pem()).chmod(0o600)
    broker = Attended()
    monkeypatch.setattr(connection, "KafkaBus", lambda *_, **__: MemoryBus(broker))
    monkeypatch.setenv("INTERLOCK_WORKSPACE", str(tmp_path))
    return Decision(deployment, broker, workspace)
