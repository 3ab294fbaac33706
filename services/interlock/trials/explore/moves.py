"""What may happen next to one process or one router, worked out once for each of its states and remembered.

A move that changes nothing (a record shown again, a verdict that says the same) is counted in `repeats` and leads nowhere.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from interlock.records.audit import Input, InputKind
from interlock.records.change import Heartbeat
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.health import Level, Verdict
from interlock.router.core.marks import Marks
from interlock.trials.explore import invariants
from interlock.trials.explore.bus import Bus
from interlock.trials.explore.canaries import CALLS_MIN, KEPT_AWAY_US, STEPS
from interlock.trials.explore.catalogue import Catalogue
from interlock.trials.explore.facts import AGAINST, GUARD, REFUSALS, UNAVAILABLE, Facts
from interlock.trials.explore.interning import Interner
from interlock.trials.explore.invariants import Broken, raised_by_core
from interlock.trials.explore.owner import Desk, Process
from interlock.trials.explore.router import Rack, Router
from interlock.trials.explore.world import AGENT, World
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import COMMANDS, VERDICTS

T = TypeVar("T")


class Action(NamedTuple):
    """Something that happened: its kind, and words that follow the name of who did it."""

    kind: str
    words: str


Move = tuple[Action, int]
"""An action, and the number of the process or router after it."""

Joint = tuple[Action, int, int]
"""An action that changes a topic, too: the numbers of the process and of the topic after it."""

Attempt = tuple[Action, Callable[[], Process | None]]
"""An action, and how it is tried."""

Subject = tuple[str, str]
"""A model or a guard, and the objective under which it is judged."""


def judged(action: Action, step: Callable[[], T]) -> T:
    """Make a step of a core and judge it; whatever is found is found in this action.

    Raises:
        Broken: An invariant does not hold, or a core raised, which must be total.
    """
    try:
        return step()
    except Broken as broken:
        broken.action = broken.action or action
        raise
    except Exception as error:
        found = raised_by_core(error)
        found.action = action
        raise found from error


@dataclass(slots=True)
class OwnerMoves:
    """The moves of a process of the decision service."""

    world: World
    catalogue: Catalogue
    bus: Bus
    processes: Interner[Process] = field(default_factory=Interner)
    repeats: Counter[str] = field(default_factory=Counter)
    _known: dict[Any, Any] = field(default_factory=dict)

    def number(self, process: Process) -> int:
        """The number of a process."""
        return self.processes.number(process.key(), process)

    def alone(self, o: int, t: int) -> list[Move]:
        """What concerns no topic of this world: what it hears of health, time and operators, and that it dies."""
        key = (0, o, t)
        if key not in self._known:
            self._known[key] = self._alone(o, t)
        found: list[Move] = self._known[key]
        return found

    def with_documents(self, o: int, t: int, documents: int) -> Move | None:
        """The next document that it hears."""
        key = (5, o, t, documents)
        if key not in self._known:
            process = self.processes[o]
            place = process.next_document(self.bus.documents[documents])
            known = (6, o, t, place)
            if known not in self._known:
                self._known[known] = None if place is None or not process.idle else self._document(o, t, place)
            self._known[key] = self._known[known]
        found: Move | None = self._known[key]
        return found

    def with_log(self, o: int, t: int, log: int) -> list[Joint]:
        """What it writes to the log, and what it reads there."""
        key = (1, o, t, log)
        if key not in self._known:
            self._known[key] = self._with_log(o, t, log)
        found: list[Joint] = self._known[key]
        return found

    def with_routes(self, o: int, log: int, routes: int) -> list[Joint]:
        """What it publishes."""
        key = (2, o, log, routes)
        if key not in self._known:
            self._known[key] = self._with_routes(o, log, routes)
        found: list[Joint] = self._known[key]
        return found

    def beats(self, o: int, t: int, log: int, documents: int) -> Joint | None:
        """Its heartbeat: the number of the process after it, and of the record."""
        key = (3, o, t, log, documents)
        if key not in self._known:
            self._known[key] = self._beat(o, t, log, documents)
        found: Joint | None = self._known[key]
        return found

    def aged(self, o: int) -> int:
        """The process at the next moment."""
        key = (4, o)
        if key not in self._known:
            self._known[key] = self.number(self.processes[o].later())
        found: int = self._known[key]
        return found

    def _document(self, o: int, t: int, place: int) -> Move | None:
        process, desk = self.processes[o], Desk(self.world, self.catalogue, self.bus)
        action = Action("document heard", f"reads that {self.world.documents[place].words}")
        after = judged(action, lambda: self._ruled(process, desk.hear(process, place, t), t))
        return None if after is None else (action, self.number(after))

    def _alone(self, o: int, t: int) -> list[Move]:
        process, desk = self.processes[o], Desk(self.world, self.catalogue, self.bus)
        found: list[Move] = []
        if process.tenure is not None and self.world.deaths:
            found.append((Action("owner dies", "dies"), self.number(process.ended())))
        if not process.idle:
            return found
        tries = self._heard(process, desk, t)
        if self.world.group and process.held:
            found.append((Action("shard taken away", "loses the shard in the group"), self.number(process.dismissed())))
        for action, step in tries:
            after = judged(action, step)
            number = self.number(after) if after is not None else o
            if number != o:
                found.append((action, number))
            elif after is not None:
                self.repeats[action.kind] += 1
        return found

    def _heard(self, process: Process, desk: Desk, t: int) -> list[Attempt]:
        """Everything that it may hear now."""
        found: list[Attempt] = [
            (Action("tick", "looks at the time"), lambda: self._ruled(process, desk.tick(process, t), t, swept=True)),
        ]
        guards = [f"guard@{guard}" for guard in self.world.guards]
        subjects = [(name, watched) for name in self.world.models for watched in self.world.objectives]
        subjects += [(name, GUARD) for name in guards]
        for subject in subjects:
            found += [self._verdict(process, desk, subject, level, t) for level in self.world.levels]
            found += [self._lapse(process, desk, subject, t)] if self.world.lapses else []
        found += self._canary(process, desk, t)
        found += self._answered(process, desk, t)
        found += [self._ordered(process, desk, place, t) for place in range(len(self.world.orders))]
        return found

    def _verdict(self, process: Process, desk: Desk, subject: Subject, level: Level, t: int) -> Attempt:
        given = Input(InputKind.RECORD, VERDICTS.name, 0, 0, self._said(*subject, level, 9, t))
        governed = any(self.world.documents[place].version for place in process.facts.documents)
        facts = process.facts.judged(*subject, level, self.world.wall(t)) if governed else process.facts
        if governed and level in AGAINST and subject == (process.serves(), REFUSALS):
            facts = replace(facts, suspended=True)
        action = Action("verdict", f"hears that {_named(subject)} is {level}")
        return action, lambda: self._ruled(process, desk.decided(process, given, facts, t), t)

    def _canary(self, process: Process, desk: Desk, t: int) -> list[Attempt]:
        """What may be said of the canaries in progress: too little to count, good, bad."""
        assert process.state is not None, "asked of a process that rules"
        found: list[Attempt] = []
        for entry in process.state.routes.values() if self.world.canaries else ():
            if entry.canary is None:
                continue
            for step in range(len(STEPS)):
                objective = f"canary.{entry.canary.id}.{step}"
                subject = (entry.canary.model, objective)
                for level, calls in ((Level.HEALTHY, CALLS_MIN), (Level.HEALTHY, CALLS_MIN - 1), (Level.DEGRADED, 9)):
                    given = Input(InputKind.RECORD, VERDICTS.name, 0, 0, self._said(*subject, level, calls, t))
                    counts = step == entry.canary.step and calls >= CALLS_MIN
                    facts = replace(process.facts, canary=(objective, level)) if counts else process.facts
                    if counts and level in AGAINST:
                        facts = replace(facts, kept_away=(subject[0], Micros(self.world.wall(t) + KEPT_AWAY_US)))
                    action = Action(
                        "canary judged", f"hears that step {step} of the canary is {level} after {calls} calls"
                    )
                    found.append((action, partial(self._decided, process, desk, given, facts, t)))
        return found

    def _answered(self, process: Process, desk: Desk, t: int) -> list[Attempt]:
        """What people may say of the proposal that waits: the agent owner and an operator, to it and to one that is no more."""
        assert process.state is not None, "asked of a process that rules"
        found: list[Attempt] = []
        for route, entry in process.state.routes.items() if self.world.approvals else ():
            about = entry.hold.proposal if entry.hold is not None else ""
            tries = [(Verb.APPROVE, "oscar", about), (Verb.APPROVE, "olga", about), (Verb.REJECT, "olga", about)]
            for verb, signer, proposal in (*tries, (Verb.APPROVE, "oscar", f"{route.key}@1.0.1")):
                action = Action("proposal answered", f"reads that {signer} says {verb} to {proposal or 'nothing'}")
                given = Input(InputKind.RECORD, COMMANDS.name, 0, 0, self._answer(verb, signer, proposal, t))
                facts = self._after_answer(process, verb, signer, proposal, t)
                found.append((action, partial(self._decided, process, desk, given, facts, t)))
        return found

    def _answer(self, verb: Verb, signer: str, about: str, t: int) -> bytes:
        key = (8, verb, signer, about, t)
        if key not in self._known:
            now = self.world.wall(t)
            name = f"{verb}-{signer}-{t}-{len(self._known)}"
            until = Micros(now + 1_000 * SECOND)
            deployment = self.world.deployment.name
            said = Command(name, deployment, verb, AGENT, "", "", about, ReviewOutcome.NONE, "T-1", "why", now, until)
            self._known[key] = self.world.seal(said, signer)
        sealed: bytes = self._known[key]
        return sealed

    def _after_answer(self, process: Process, verb: Verb, signer: str, about: str, t: int) -> Facts:
        assert process.state is not None, "asked of a process that rules"
        holds = [entry.hold for entry in process.state.routes.values() if entry.hold is not None]
        waiting = [hold for hold in holds if hold.proposal == about and self.world.wall(t) < hold.until]
        if verb is Verb.REJECT:
            waiting = [hold for hold in holds if hold.proposal == about]
            return replace(process.facts, rejected=process.facts.rejected | {hold.model for hold in waiting})
        if signer != "oscar":
            return process.facts
        return replace(process.facts, approved=process.facts.approved | {hold.model for hold in waiting})

    def _decided(self, process: Process, desk: Desk, given: Input, facts: Facts, t: int) -> Process | None:
        return self._ruled(process, desk.decided(process, given, facts, t), t)

    def _said(self, model: str, objective: str, level: Level, calls: int, t: int) -> bytes:
        key = (7, model, objective, level, calls, t)
        if key not in self._known:
            now = self.world.wall(t)
            until = Micros(now + self.world.lease_us)
            said = Verdict(model, ANY, objective, level, f"it is {level}", calls, ("gateway-1",), now, now, until)
            self._known[key] = self.world.seal(said, "health-1")
        sealed: bytes = self._known[key]
        return sealed

    def _lapse(self, process: Process, desk: Desk, subject: Subject, t: int) -> Attempt:
        now, (model, objective) = self.world.wall(t), subject
        given = Input(InputKind.LAPSE, subject=f"{model}/{ANY}/{objective}", at=now)
        facts = process.facts.lapsed(model, objective, now)
        action = Action("verdict lapses", f"hears no more of {_named(subject)}")
        return action, lambda: self._ruled(process, desk.decided(process, given, facts, t), t)

    def _ordered(self, process: Process, desk: Desk, place: int, t: int) -> Attempt:
        order = self.world.orders[place]
        given = Input(InputKind.RECORD, COMMANDS.name, 0, 0, order.sealed)
        facts = process.facts.ordered(place, order, self.world.wall(t))
        action = Action("command", f"reads the command to {order.words}")
        return action, lambda: self._ruled(process, desk.decided(process, given, facts, t), t)

    def _ruled(self, before: Process, after: Process | None, t: int, *, swept: bool = False) -> Process | None:
        """Judge what was decided, if the routes were looked at."""
        decided = after is not None and after.state is not None and (swept or after.flight is not None)
        if decided and self.world.judged and before.state is not None:
            assert after is not None, "it has decided"
            assert after.state is not None, "it has decided"
            invariants.decides_as_ruled(self.world, before.state, after.state, after.facts, t)
            if (
                after.serves() == self.world.models[0]
            ):  # back at the primary, what people said of the others is forgotten
                return replace(after, facts=replace(after.facts, approved=frozenset(), rejected=frozenset()))
        return after

    def _with_log(self, o: int, t: int, log: int) -> list[Joint]:
        process, desk, found = self.processes[o], Desk(self.world, self.catalogue, self.bus), []
        full = len(self.bus.logs[log].items) >= self.world.log
        if process.tenure is None and process.held and not full and self.bus.logs[log].claims < self.world.claims:
            found.append(self._joint(Action("claim", "claims the shard"), lambda: desk.claim(process, log, t)))
            if self.world.stranger:
                action = Action("unknown claim", "claims the shard with a key that the trust root does not hold")
                found.append(self._joint(action, lambda: desk.claim(process, log, t, "stranger")))
        if process.flight is not None and not full:
            found.append(self._joint(Action("append", "appends its step"), lambda: self._landed(desk, process, log)))
        if process.flight is not None and not full and self.world.losses:
            found.append(
                self._joint(
                    Action("acknowledgement lost", "appends its step and does not hear of it"),
                    lambda: (process.ended().settled(), self._logged(log, process.flight)),
                )
            )
        if process.late is not None and not full:
            found.append(
                self._joint(
                    Action("late append", "reaches the log with a step of an earlier life"),
                    lambda: (process.settled(), self._logged(log, process.late)),
                )
            )
        if process.late is not None and self.world.losses:
            found.append((Action("append lost", "loses a step for good"), self.number(process.settled()), log))
        if process.idle and process.tenure is not None and process.tenure.doubt is None:
            after = judged(Action("log read", "reads the log"), lambda: desk.reads_log(process, log))
            if after is not None:
                found.append((Action("log read", "reads in the log that somebody else rules"), self.number(after), log))
        return found

    def _joint(self, action: Action, step: Callable[[], tuple[Process, int]]) -> Joint:
        process, topic = judged(action, step)
        return action, self.number(process), topic

    def _landed(self, desk: Desk, process: Process, log: int) -> tuple[Process, int]:
        after, appended = desk.lands(process, log)
        self._judge_log(appended)
        if after.tenure is not None and after.tenure.doubt is None:
            invariants.state_is_what_is_logged(after, self.bus.logs[appended])
        return after, appended

    def _logged(self, log: int, item: int | None) -> int:
        assert item is not None, "asked of a process with a step under way"
        appended = self.bus.appended(log, item)
        self._judge_log(appended)
        return appended

    def _judge_log(self, log: int) -> None:
        invariants.replays_to_the_same(self.bus.logs[log])
        invariants.log_counts_what_counts(self.bus.logs[log])
        invariants.numbers_are_used_once(self.catalogue, self.bus.logs[log])

    def _with_routes(self, o: int, log: int, routes: int) -> list[Joint]:
        process, desk, found = self.processes[o], Desk(self.world, self.catalogue, self.bus), []
        if process.tenure is None or not process.tenure.may_publish:
            return []
        if process.outbox:
            item, action = process.outbox[0], Action("publish", "publishes its order")
            judged(action, lambda: invariants.publishes_what_is_logged(self.catalogue[item], self.bus.logs[log]))
            found.append((action, self.number(process.published()), self.bus.showed(routes, item)))
        elif process.flight is None and (missing := desk.missing(process, routes)) is not None:
            action = Action("publish again", "publishes again what the routes topic lacks")
            judged(action, lambda: invariants.publishes_what_is_logged(self.catalogue[missing], self.bus.logs[log]))
            found.append((action, o, self.bus.showed(routes, missing)))
        return found

    def _beat(self, o: int, t: int, log: int, documents: int) -> Joint | None:
        process, desk = self.processes[o], Desk(self.world, self.catalogue, self.bus)
        action = Action("heartbeat", "sends a heartbeat")
        if process.tenure is None:
            return None
        beaten = judged(action, lambda: desk.beat(process, log, documents, t))
        if beaten is None:
            return None
        after, item = beaten
        said = self.catalogue[item].value
        assert isinstance(said, Heartbeat), "it is one"
        judged(
            action, lambda: invariants.beats_for_what_is_logged(self.catalogue, self.bus.logs[log], said.routes_head)
        )
        return action, self.number(after), item


def _named(subject: Subject) -> str:
    model, objective = subject
    return model if objective == UNAVAILABLE else f"{objective} of {model}"


@dataclass(slots=True)
class RouterMoves:
    """The moves of a router."""

    world: World
    catalogue: Catalogue
    bus: Bus
    routers: Interner[Router] = field(default_factory=Interner)
    served: dict[tuple[int, int], invariants.Served] = field(default_factory=dict)
    repeats: Counter[str] = field(default_factory=Counter)
    _known: dict[Any, Any] = field(default_factory=dict)

    def number(self, router: Router, t: int) -> int:
        """The number of a router at a moment."""
        return self.routers.number((t, router.key(self.world, t)), router)

    def shown(self, r: int, t: int, documents: int, routes: int, beats: int) -> list[Move]:
        """What a broker may show it, and that it restarts."""
        key = (r, t, documents, routes, beats)
        if key not in self._known:
            documented = [place for place, _ in self.bus.documents[documents]]
            tried = [
                *[self._once((1, r, t, place), partial(self._document, r, t, place)) for place in documented],
                *[
                    self._once((2, r, t, item), partial(self._change, r, t, item))
                    for item in sorted(self.bus.routes[routes].items)
                ],
                *[
                    self._once((3, r, t, item), partial(self._beat, r, t, item))
                    for item in sorted(self.bus.beats[beats])
                ],
                self._once((4, r, t), partial(self._restart, r, t)) if self.world.restarts else None,
            ]
            self._known[key] = [move for move in tried if move is not None]
        found: list[Move] = self._known[key]
        return found

    def aged(self, r: int, t: int) -> int:
        """The router at the next moment."""
        key = (5, r, t)
        if key not in self._known:
            self._known[key] = judged(Action("time", "goes on"), lambda: self._seen(self.routers[r], t + 1))
        found: int = self._known[key]
        return found

    def _once(self, key: tuple[int, ...], make: Callable[[], Move | None]) -> Move | None:
        if key not in self._known:
            self._known[key] = make()
        found: Move | None = self._known[key]
        if found is None:
            self.repeats["shown again"] += 1
        return found

    def _seen(self, router: Router, t: int) -> int:
        """The number of a router, which was judged."""
        number = self.number(router, t)
        if (number, t) not in self.served:
            served = Rack(self.world, self.catalogue).served(router, t)
            invariants.serves_only_admissible(self.world, router, served, t)
            invariants.serves_only_by_the_newest(router, served)
            invariants.serves_only_with_lease(router, served)
            invariants.stops_after_lease_and_grace(self.world, router, served, t)
            self.served[number, t] = served
        return number

    def _moved(self, r: int, t: int, action: Action, step: Callable[[Router], Router]) -> Move | None:
        before = self.routers[r]

        def judge() -> int:
            after = step(before)
            invariants.marks_never_go_back(before.state.marks, after.state.marks)
            invariants.waits_for_the_newest(before, after)
            invariants.obeys_nothing_forged(self.catalogue, after)
            return self._seen(after, t)

        number = judged(action, judge)
        return (action, number) if number != r else None

    def _document(self, r: int, t: int, place: int) -> Move | None:
        action = Action("document shown", f"is shown that {self.world.documents[place].words}")
        return self._moved(r, t, action, lambda router: Rack(self.world, self.catalogue).document(router, place, t))

    def _change(self, r: int, t: int, item: int) -> Move | None:
        found = self.catalogue[item]

        def step(router: Router) -> Router:
            after, answer = Rack(self.world, self.catalogue).change(router, found, t)
            invariants.obeys_no_older_term(router, answer)
            invariants.obeys_in_time(self.world, answer, t)
            invariants.reports_equivocation(router, found, answer)
            invariants.stops_when_told(self.world, router, found, answer, t)
            return after

        return self._moved(r, t, Action("order shown", f"is shown {found.words}"), step)

    def _beat(self, r: int, t: int, item: int) -> Move | None:
        found = self.catalogue[item]

        def step(router: Router) -> Router:
            after, renewal = Rack(self.world, self.catalogue).beat(router, found, t)
            if renewal.refused is None:
                invariants.renews_for_what_is_meant(self.world, found, t)
                invariants.renews_only_forward(router, found)
            return after

        return self._moved(r, t, Action("heartbeat shown", f"is shown {found.words}"), step)

    def _restart(self, r: int, t: int) -> Move | None:
        action = Action("router restarts", "restarts")
        return self._moved(r, t, action, lambda router: Rack(self.world, self.catalogue).restart(router))

    def first(self, t: int) -> int:
        """A router that was never started before."""
        return self._seen(Router(Rack(self.world, self.catalogue).start(Marks())), t)
