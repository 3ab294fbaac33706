"""What may happen next to a process of the decision service, worked out once for each of its states and remembered."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from interlock.records.audit import Input
from interlock.records.change import Heartbeat, RoutingChange
from interlock.trials.explore import invariants
from interlock.trials.explore.actions import Action, Joint, Move, judged
from interlock.trials.explore.bus import Bus
from interlock.trials.explore.catalogue import Catalogue
from interlock.trials.explore.facts import Facts
from interlock.trials.explore.hearing import Hearing
from interlock.trials.explore.interning import Interner
from interlock.trials.explore.owner import Desk, Process
from interlock.trials.explore.world import ELSEWHERE, World


@dataclass(slots=True)
class OwnerMoves:
    """The moves of a process of the decision service."""

    world: World
    catalogue: Catalogue
    bus: Bus
    processes: Interner[Process] = field(default_factory=Interner)
    _hearing: Hearing = field(init=False)
    _known: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._hearing = Hearing(self.world)

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
        if self.world.group and process.held:
            found.append((Action("shard taken away", "loses the shard in the group"), self.number(process.dismissed())))
        looks = Action("tick", "looks at the time")
        after = judged(looks, lambda: self._ruled(process, desk.tick(process, t), t, swept=True))
        tried = [(looks, after)]
        for action, given, facts in self._hearing.at(process, t):
            tried.append((action, judged(action, partial(self._decided, process, given, facts, t))))
        moved = [(action, self.number(after)) for action, after in tried if after is not None]
        return [*found, *[(action, number) for action, number in moved if number != o]]

    def _decided(self, process: Process, given: Input, facts: Facts, t: int) -> Process | None:
        return self._ruled(process, Desk(self.world, self.catalogue, self.bus).decided(process, given, facts, t), t)

    def _ruled(self, before: Process, after: Process | None, t: int, *, swept: bool = False) -> Process | None:
        """Judge what was decided, if the routes were looked at."""
        rules = after is not None and after.tenure is not None and after.tenure.doubt is None
        decided = rules and after is not None and after.state is not None and (swept or after.flight is not None)
        if decided and self.world.judged and before.state is not None:
            assert after is not None, "it has decided"
            assert after.state is not None, "it has decided"
            invariants.documents_never_go_back(self.world, before.state.book, after.state.book)
            for item in after.outbox:
                change = self.catalogue[item].value
                assert isinstance(change, RoutingChange), "nothing else is published"
                invariants.orders_as_ruled(self.world, change, after.facts, t)
            invariants.decides_as_ruled(self.world, before.state, after.state, after.facts, t)
            primary = self.world.models[0]
            back = [
                route
                for route, entry in after.state.routes.items()
                if (entry.target, entry.safe_state) == (primary, None)
            ]
            return replace(after, facts=after.facts.returned(back))
        return after

    def _with_log(self, o: int, t: int, log: int) -> list[Joint]:
        process, desk, found = self.processes[o], Desk(self.world, self.catalogue, self.bus), []
        full = len(self.bus.logs[log].items) >= self.world.log
        if process.tenure is None and process.held and not full and self.bus.logs[log].claims < self.world.claims:
            found.append(self._joint(Action("claim", "claims the shard"), lambda: desk.claim(process, log, t)))
            if self.world.stranger:
                action = Action("unknown claim", "claims the shard with a key that the trust root does not hold")
                found.append(self._joint(action, lambda: desk.claim(process, log, t, signer="stranger")))
                action = Action("unknown claim", "claims another shard in the log of this one")
                found.append(self._joint(action, lambda: desk.claim(process, log, t, shard=ELSEWHERE)))
        if process.flight is not None and not full:
            found.append(self._joint(Action("append", "appends its step"), lambda: self._landed(desk, process, log)))
        if process.flight is not None and not full and self.world.losses:
            found.append(
                self._joint(
                    Action("acknowledgement lost", "appends its step and does not hear of it"),
                    lambda: (process.ended().settled(), self._logged(log, process.flight)),
                )
            )
        if process.flight is not None and not full and self.world.doubles:
            action = Action("append doubled", "appends its step, which lands twice")
            found.append(self._joint(action, lambda: self._doubled(desk, process, log)))
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

    def _doubled(self, desk: Desk, process: Process, log: int) -> tuple[Process, int]:
        after, appended = self._landed(desk, process, log)
        return after, self._logged(appended, process.flight)

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
