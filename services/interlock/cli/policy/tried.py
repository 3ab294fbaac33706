"""A workspace whose drafts are tried before they count: what is in it, and whether it would count once everybody had signed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.cli.policy.drafts import Surroundings, open_document
from interlock.health_monitor.core.objectives import Rules
from interlock.health_monitor.probe.settings import ProbeSettings
from interlock.health_monitor.settings import HealthMonitorSettings
from interlock.policy.authoring.check import forbids
from interlock.policy.authoring.problems import Problem
from interlock.records.documents import RoutePolicy
from interlock.records.models import Registration
from interlock.runtime.opening import read_trust
from interlock.runtime.settings import Address
from interlock.runtime.workspace import Workspace
from interlock.trials.simulate.outage import Known
from interlock.trials.simulate.premises import Premises
from interlock.trials.simulate.question import Setting
from interlock.trials.simulate.stand_in import StandIn
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Tried:
    """A workspace whose drafts are tried.

    Attributes:
        setting: What is tried.
        known: What could be out.
        monitored: Where the health-monitor's figures are from.
        problems: What is wrong with the drafts; errors forbid the simulation.
    """

    setting: Setting
    known: Known
    monitored: str
    problems: list[Problem]

    @property
    def premises(self) -> Premises:
        """What the simulation will take for granted."""
        return Premises(self.setting, self.monitored)

    @property
    def models(self) -> set[str]:
        """Every model that some ladder holds."""
        return {rung.model.name for policy in self.setting.policies for rule in policy.routes for rung in rule.ladder}


def open_workspace(folder: Path, files: Sequence[Path], now: Micros) -> Tried:
    """Read a workspace and the drafts that are tried.

    Args:
        folder: The workspace, or a folder in it.
        files: The policies; by default all of the workspace's.
        now: The time.

    Raises:
        ConfigurationError: There is no policy, or a file is none or cannot be read.
    """
    workspace = Workspace.around(files[0] if files else folder)
    drafts = list(files) or sorted(workspace.policies.glob("*.yaml"))
    if not drafts:
        raise ConfigurationError(
            f"{workspace.policies} holds no policy.", "Write one (`interlock init` makes an example), or name a file."
        )
    problems: list[Problem] = []
    policies: dict[Path, RoutePolicy] = {}
    for draft in drafts:
        opened = open_document(draft, Surroundings.of(draft, None, None, None), now)
        problems += opened.problems
        for record in opened.records.values():
            if not isinstance(record, RoutePolicy):
                raise ConfigurationError(f"{draft} is no policy.", "Name the YAML files of policies.")
            policies[draft] = record
    registry = open_document(workspace.registry, Surroundings.of(workspace.registry, None, None, None), now)
    entries = [record for record in registry.records.values() if isinstance(record, Registration)]
    trust, _ = read_trust(workspace.root)
    stand_in = StandIn.of(trust)
    problems += registry.problems
    if not forbids(problems):
        _count(stand_in, policies)
    rules, monitored = _rules(workspace)
    interval_us, timeout_us = _probe(workspace)
    guards = {guard for policy in policies.values() for rule in policy.routes for guard in rule.guards}
    setting = Setting(
        stand_in,
        list(policies.values()),
        entries,
        rules,
        now,
        interval_us=interval_us,
        timeout_us=timeout_us,
    )
    return Tried(setting, Known([entry.model for entry in entries], guards), monitored, problems)


def _count(stand_in: StandIn, policies: Mapping[Path, RoutePolicy]) -> None:
    """Each policy must count once everybody has signed it."""
    book = stand_in.book()
    for draft, policy in policies.items():
        book = stand_in.check(book, stand_in.policy(policy), str(draft))


_NOWHERE = {"bootstrap": "127.0.0.1:9", "deployment": "simulation", "trust_root": Path(), "owner": "x", "key": Path()}


def _rules(workspace: Workspace) -> tuple[Rules, str]:
    """The health-monitor's figures: as its settings have them, or the usual ones."""
    path = workspace.settings("health-monitor")
    if path.is_file():
        return HealthMonitorSettings.load(path).rules, f"settings/{path.name}"
    return HealthMonitorSettings(**_NOWHERE, listen=Address("127.0.0.1", 0)).rules, "the defaults"  # type: ignore[arg-type]


def _probe(workspace: Workspace) -> tuple[Micros, Micros]:
    path = workspace.settings("probe")
    settings = ProbeSettings.load(path) if path.is_file() else ProbeSettings(**_NOWHERE)  # type: ignore[arg-type]
    return settings.interval, settings.timeout
