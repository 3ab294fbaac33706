"""Who plays in an exercise: its agents, their models, and what validators say of them. Pure.

Every exercise has agents and models of its own, so that many can play at the same time in one deployment. What is left unsaid is the
same for all: a policy that leaves a dead model at once, and a model that differs from the others in nothing but its name.

Beside them runs the *tempter*: registered, quicker than all, never failing, validated for another agent, its credential at the same
gateway. Every tenth request of every client asks for it by name. It is approved for no agent of an exercise, so it must answer none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from interlock.vocabulary.identifiers import ANY, RouteId

DEPLOYMENT = "drill"

TEMPTER = "comet-turbo"
BYSTANDER = "bystander"
"""The one agent that the tempter is approved for."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A model that is registered.

    Attributes:
        model: Its name.
        latency_ms: How long its answers take.
        server: The actor whose server serves this model, too; empty: it has one of its own.
        differs: What its registry entry has otherwise than `founded.ENTRY`; nested parts are merged.
    """

    model: str
    latency_ms: int = 40
    server: str = ""
    differs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def at(self) -> str:
        """The name of its server."""
        return self.server or self.model


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with one route, its policy, and its steady client.

    Attributes:
        name: Its name.
        ladder: The models of its policy, in order.
        route: What its route says otherwise than `founded.ROUTE`.
        policy: What its policy says otherwise than `founded.POLICY`.
        last_channel: Whether its policy names the last channel, on which the deadline watch itself tells governance.
        profile: The task profile that its models are validated for; empty: one that bears its name.
        every_s: Seconds from one request of its client to the next.
    """

    name: str
    ladder: tuple[str, ...]
    route: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    last_channel: bool = False
    profile: str = ""
    every_s: float = 0.25

    @property
    def tasks(self) -> str:
        """Its task profile."""
        return self.profile or self.name

    @property
    def id(self) -> RouteId:
        """Its route."""
        return RouteId(self.name, "main", ANY)


@dataclass(frozen=True, slots=True)
class Validation:
    """A validator's word beyond those that the agents' ladders ask for: a model was validated for a profile, until so many days from now."""

    model: str
    profile: str
    ends_in_days: int = 90


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody in an exercise."""

    agents: tuple[Agent, ...]
    models: tuple[Actor, ...]
    validations: tuple[Validation, ...] = ()

    def agent(self, name: str) -> Agent:
        """One of the agents."""
        return next(agent for agent in self.agents if agent.name == name)

    @classmethod
    def together(cls, casts: Iterable[Self]) -> Self:
        """Everybody of several exercises."""
        every = list(casts)
        return cls(
            tuple(agent for cast in every for agent in cast.agents),
            tuple(actor for cast in every for actor in cast.models),
            tuple(said for cast in every for said in cast.validations),
        )


ALWAYS = Cast((Agent(BYSTANDER, (TEMPTER,), every_s=0.5),), (Actor(TEMPTER, latency_ms=2),))
"""Who is there in every run."""
