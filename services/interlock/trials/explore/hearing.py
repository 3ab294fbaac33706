"""What an owner may hear at one moment: anything of health, of silence, of operators, of the agent owner.

The health-monitor is an adversary here: any verdict, about anything, at any time. With each input come the facts that an oracle shall
hold true after it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from interlock.records.audit import Input, InputKind
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.health import Level, Verdict
from interlock.records.state import Canary
from interlock.signing.statement import Statement
from interlock.trials.explore.actions import Action
from interlock.trials.explore.canaries import CALLS_MIN, KEPT_AWAY_US, STEPS
from interlock.trials.explore.facts import AGAINST, GUARD, REFUSALS, UNAVAILABLE, Facts
from interlock.trials.explore.owner import Process
from interlock.trials.explore.world import AGENT, World
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import COMMANDS, VERDICTS


class Heard(NamedTuple):
    """One input, and what is true once it counts."""

    action: Action
    given: Input
    facts: Facts


Subject = tuple[str, str]
"""A model or a guard, and the objective under which it is judged."""

_JUDGEMENTS = ((Level.HEALTHY, CALLS_MIN), (Level.HEALTHY, CALLS_MIN - 1), (Level.DEGRADED, CALLS_MIN))
"""What is said of a step of a canary: good, good on too few calls, bad."""


@dataclass(slots=True)
class Hearing:
    """What may be heard in a world."""

    world: World
    _sealed: dict[tuple[object, ...], bytes] = field(default_factory=dict)

    def at(self, process: Process, t: int) -> Iterator[Heard]:
        """Everything that a process may hear at a moment, the passing of time apart."""
        subjects = [(name, watched) for name in self.world.models for watched in self.world.objectives]
        for subject in (*subjects, *[(f"guard@{guard}", GUARD) for guard in self.world.guards]):
            yield from (self._verdict(process, subject, level, t) for level in self.world.levels)
            if self.world.lapses:
                yield self._lapse(process, subject, t)
        if self.world.canaries:
            yield from self._of_canaries(process, t)
        if self.world.approvals:
            yield from self._of_proposals(process, t)
        yield from (self._command(process, place, t) for place in range(len(self.world.orders)))

    def _verdict(self, process: Process, subject: Subject, level: Level, t: int) -> Heard:
        """A verdict counts once a policy names its model. Refusals of the model that serves stop the route."""
        facts = process.facts
        if any(self.world.documents[place].version for place in facts.documents):
            facts = facts.judged(*subject, level, self.world.wall(t))
            if level in AGAINST and subject == (process.serves(), REFUSALS):
                facts = replace(facts, suspended=True)
        model, objective = subject
        return Heard(
            Action("verdict", f"hears that {_named(subject)} is {level}"), self._said(model, objective, level, t), facts
        )

    def _lapse(self, process: Process, subject: Subject, t: int) -> Heard:
        now, (model, objective) = self.world.wall(t), subject
        given = Input(InputKind.LAPSE, subject=f"{model}/{ANY}/{objective}", at=now)
        facts = process.facts.lapsed(model, objective, now)
        return Heard(Action("verdict lapses", f"hears no more of {_named(subject)}"), given, facts)

    def _of_canaries(self, process: Process, t: int) -> Iterator[Heard]:
        for route, entry in process.state.routes.items() if process.state is not None else ():
            if entry.canary is not None:
                yield self._rejection(process, route, entry.canary, t)
            for step in range(len(STEPS)) if entry.canary is not None else ():
                for level, calls in _JUDGEMENTS:
                    assert entry.canary is not None, "there is one"
                    objective = f"canary.{entry.canary.id}.{step}"
                    given = self._said(entry.canary.model, objective, level, t, calls)
                    facts = process.facts
                    if step == entry.canary.step and calls >= CALLS_MIN:
                        facts = self._after_canary(facts, entry.canary.model, objective, level, t)
                    words = f"hears that step {step} of the canary is {level} after {calls} calls"
                    yield Heard(Action("canary judged", words), given, facts)

    def _rejection(self, process: Process, route: RouteId, canary: Canary, t: int) -> Heard:
        given = self._answer(Verb.REJECT, "olga", canary.id, t)
        facts = replace(process.facts, rejected=process.facts.rejected | {(route, canary.model)})
        return Heard(Action("proposal answered", "reads that olga says reject to the canary"), given, facts)

    def _after_canary(self, facts: Facts, model: str, objective: str, level: Level, t: int) -> Facts:
        facts = replace(facts, canary=(objective, level))
        if level not in AGAINST:
            return facts
        return replace(facts, kept_away=(model, Micros(self.world.wall(t) + KEPT_AWAY_US)))

    def _of_proposals(self, process: Process, t: int) -> Iterator[Heard]:
        """What the agent owner and an operator say to the proposal that waits, and to one that is no more."""
        for route, entry in process.state.routes.items() if process.state is not None else ():
            about = entry.hold.proposal if entry.hold is not None else ""
            tries = [(Verb.APPROVE, "oscar", about), (Verb.APPROVE, "olga", about), (Verb.REJECT, "olga", about)]
            for verb, signer, proposal in (*tries, (Verb.APPROVE, "oscar", f"{route.key}@1.0.1")):
                words = f"reads that {signer} says {verb} to {proposal or 'nothing'}"
                given = self._answer(verb, signer, proposal, t)
                yield Heard(
                    Action("proposal answered", words), given, self._after_answer(process, verb, signer, proposal, t)
                )

    def _after_answer(self, process: Process, verb: Verb, signer: str, about: str, t: int) -> Facts:
        """An approval counts in time, by the agent owner; to take away, anybody's word is enough."""
        assert process.state is not None, "it has proposed something"
        holds = [(route, entry.hold) for route, entry in process.state.routes.items() if entry.hold is not None]
        asked = [(route, hold) for route, hold in holds if hold.proposal == about]
        if verb is Verb.REJECT:
            return replace(
                process.facts, rejected=process.facts.rejected | {(route, hold.model) for route, hold in asked}
            )
        now, owner = self.world.wall(t), signer == "oscar"
        granted = {(route, hold.model) for route, hold in asked if owner and now < hold.until}
        return replace(process.facts, approved=process.facts.approved | granted)

    def _command(self, process: Process, place: int, t: int) -> Heard:
        order = self.world.orders[place]
        given = Input(InputKind.RECORD, COMMANDS.name, 0, 0, order.sealed)
        facts = process.facts.ordered(place, order, self.world.wall(t), self._stoppable(process))
        return Heard(Action("command", f"reads the command to {order.words}"), given, facts)

    def _stoppable(self, process: Process) -> tuple[RouteId, ...]:
        """The routes with a change of which somebody must be told, where the policy wants to be stopped otherwise."""
        heard = [self.world.documents[place] for place in process.facts.documents]
        policy = max((said for said in heard if said.version), key=lambda said: said.version, default=None)
        asked = policy is not None and policy.stops and process.state is not None
        return tuple(process.state.routes) if asked and process.state is not None else ()

    def _said(self, model: str, objective: str, level: Level, t: int, calls: int = CALLS_MIN) -> Input:
        now = self.world.wall(t)
        until, detail = Micros(now + self.world.lease_us), f"it is {level}"
        said = partial(Verdict, model, ANY, objective, level, detail, calls, ("gateway-1",), now, now, until)
        return self._record(VERDICTS.name, "health-1", (model, objective, level, calls, t), said)

    def _answer(self, verb: Verb, signer: str, about: str, t: int) -> Input:
        now, key = self.world.wall(t), (verb, signer, about, t)
        name = f"answer-{len(self._sealed)}"
        fields = (AGENT, "", "", about, ReviewOutcome.NONE, "T-1", "why", now, Micros(now + 1_000 * SECOND))
        return self._record(
            COMMANDS.name, signer, key, partial(Command, name, self.world.deployment.name, verb, *fields)
        )

    def _record(self, topic: str, signer: str, key: tuple[object, ...], make: Callable[[], Statement]) -> Input:
        if key not in self._sealed:
            self._sealed[key] = self.world.seal(make(), signer)
        return Input(InputKind.RECORD, topic, 0, 0, self._sealed[key])


def _named(subject: Subject) -> str:
    model, objective = subject
    return model if objective == UNAVAILABLE else f"{objective} of {model}"
