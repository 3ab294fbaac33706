"""A deployment whose drafts are tried, and incidents of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from interlock.health_monitor.core.objectives import Rules
from interlock.records.documents import RoutePolicy, Workflow
from interlock.records.models import Model
from interlock.records.rules import RouteRule, TriggerRule, WatchedTrigger
from interlock.testing.builders import NOW, Deployment
from interlock.trials.simulate.outage import Kind, Outage
from interlock.trials.simulate.question import Setting, imagine
from interlock.trials.simulate.run import Run
from interlock.trials.simulate.stand_in import StandIn
from interlock.trials.simulate.story import Story, tell
from interlock.vocabulary.time import SECOND, Micros, seconds

DOWN = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0))
USUAL = Rules(
    window_us=seconds(30),
    calls_min=5,
    faults_in_a_row=5,
    successes_in_a_row=3,
    silence_us=seconds(10),
    refresh_us=seconds(1),
    validity_us=seconds(5),
)


AGENTS = ("support", "triage", "watchful", "careless", "guarded", "free", "desk")


@dataclass
class Bench:
    """Drafts, and what they would do."""

    deployment: Deployment = field(default_factory=lambda: Deployment(agents=AGENTS))
    policies: list[RoutePolicy] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def draft(
        self,
        agent: str,
        ladder: Sequence[str | Model],
        *,
        triggers: Sequence[TriggerRule] = (DOWN,),
        workflow: Workflow = Workflow.CUSTOMER_FACING,
        **fields: Any,
    ) -> RouteRule:
        rule = self.deployment.rule(ladder, triggers=triggers, **fields)
        self.policies.append(self.deployment.policy_of(agent, rule, workflow=workflow))
        return rule

    def out(
        self,
        *models: str,
        begins: float = 60,
        lasts: float = 600,
        kind: Kind = Kind.UNAVAILABLE,
        share: float = 1.0,
        latency: float = 4.5,
        guards: Sequence[str] = (),
    ) -> Outage:
        """An outage; times in seconds."""
        begin = seconds(begins)
        return Outage(
            models=frozenset(models),
            begins=begin,
            ends=Micros(begin + seconds(lasts)),
            kind=kind,
            guards=frozenset(guards),
            share=share,
            latency_us=seconds(latency),
        )

    def steps(self, story: Story) -> list[tuple[str | None, str | None, str]]:
        """Each step as (model, safe state, how)."""
        return [(step.after.model, step.after.safe_state, str(step.how)) for step in story.steps]

    def at_s(self, story: Story) -> list[float]:
        """When each step was, seconds."""
        return [step.at / SECOND for step in story.steps]

    @property
    def setting(self) -> Setting:
        return Setting(StandIn.of(self.deployment.root), self.policies, [], USUAL, NOW, **self.options)

    def imagine(self, *outages: Outage) -> Run:
        return imagine(self.setting, outages, lambda _: None)

    def story(self, *outages: Outage) -> Story:
        (only,) = self.stories(*outages)
        return only

    def stories(self, *outages: Outage) -> list[Story]:
        return tell(self.imagine(*outages))


@pytest.fixture
def bench() -> Bench:
    return Bench()
