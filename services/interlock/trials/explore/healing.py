"""What must become true once faults stop: the broker is honest again, one process rules, time passes (L2 and L4 of DESIGN 9).

Asked of a sample of the states that a search has met, since each takes a few hundred steps of the cores. The steps go beyond the
bounds of the world: no claim is one too many, and time goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from interlock.records.audit import Input, InputKind
from interlock.records.health import Level, Verdict
from interlock.trials.explore.invariants import Broken
from interlock.trials.explore.owner import Desk, Process
from interlock.trials.explore.product import ABSENT, Product, Whole
from interlock.trials.explore.router import Rack, Router
from interlock.trials.explore.world import UNIT_S, World
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import Micros
from interlock.wire.topics import VERDICTS

ROUNDS = 4
"""Steps of time until everything must have converged: a lease and a grace, a `for`, and one more."""


@dataclass(slots=True)
class _Healing:
    """The whole on its way to rest."""

    product: Product
    world: World
    desk: Desk
    rack: Rack
    t: int
    log: int
    routes: int
    documents: tuple[tuple[int, int], ...]
    ruler: Process = field(default_factory=Process)

    def settle(self, processes: Sequence[Process]) -> None:
        """Whatever was under way reaches the log; one process rules, or claims anew."""
        for process in processes:
            for item in (process.late, process.flight):
                if item is not None:
                    self.log = self.product.bus.appended(self.log, item)
        alive = [process for process in processes if process.flight is None]
        alive = [process for process in alive if process.tenure is not None and process.tenure.doubt is None]
        alive = [process for process in alive if self.desk.reads_log(process, self.log) is None]
        self.ruler = alive[0] if alive else self.desk.claim(Process(), self.log, self.t)[0]
        if not alive:
            self.log = self.desk.claim(Process(), self.log, self.t)[1]
        self.ruler = replace(self.ruler, held=True)
        self.show()

    def decided(self, process: Process | None) -> None:
        """A step of the ruler, appended and published."""
        self.ruler = process or self.ruler
        if self.ruler.flight is not None:
            self.ruler, self.log = self.desk.lands(self.ruler, self.log)
        self.show()

    def show(self) -> None:
        """What is not on the routes topic and should be."""
        while self.ruler.outbox:
            self.routes = self.product.bus.showed(self.routes, self.ruler.outbox[0])
            self.ruler = self.ruler.published()
        while (missing := self.desk.missing(self.ruler, self.routes)) is not None:
            self.routes = self.product.bus.showed(self.routes, missing)

    def hear(self) -> None:
        """Every document that the ruler has not heard."""
        while (place := self.ruler.next_document(self.documents)) is not None:
            self.decided(self.desk.hear(self.ruler, place, self.t))

    def fail(self) -> None:
        """Every model is down."""
        now = self.world.wall(self.t)
        until = Micros(now + self.world.lease_us)
        for model in self.world.models:
            level = Level.UNAVAILABLE
            said = Verdict(model, ANY, "unavailable", level, "it is down", 9, ("gateway-1",), now, now, until)
            given = Input(InputKind.RECORD, VERDICTS.name, 0, 0, self.world.seal(said, "health-1"))
            facts = self.ruler.facts.judged(model, "unavailable", level, now)
            self.decided(self.desk.decided(self.ruler, given, facts, self.t))

    def round(self, routers: list[Router]) -> list[Router]:
        """One step of time: the ruler looks at it and beats, and the routers are shown everything."""
        self.t += 1
        self.ruler = self.ruler.later()
        self.decided(self.desk.tick(self.ruler, self.t))
        documents = self.product.bus.documents.number(self.documents, self.documents)
        beaten = self.desk.beat(self.ruler, self.log, documents, self.t)
        if beaten is None:
            raise Broken("L4", "the bus is healed, and no heartbeat is sent")
        self.ruler = beaten[0]
        return [self.shown(router, beaten[1]) for router in routers]

    def shown(self, router: Router, beat: int) -> Router:
        """A router after an honest broker has shown it all that there is."""
        catalogue = self.product.catalogue
        for place, _ in self.documents:
            router = self.rack.document(router, place, self.t)
        for _, item in self.product.bus.routes[self.routes].last:
            router, _ = self.rack.change(router, catalogue[item], self.t)
        return self.rack.beat(router, catalogue[beat], self.t)[0]


def heal(product: Product, whole: Whole, *, all_down: bool) -> None:
    """Let faults stop and see that everything comes to rest where it should.

    Args:
        product: The whole.
        whole: The state to begin with.
        all_down: Whether every model is down from now on.

    Raises:
        Broken: It does not.
    """
    last = product.world.moments[whole.t]
    later = tuple(last + UNIT_S * step for step in range(1, ROUNDS + 1))
    world = replace(product.world, moments=(*product.world.moments[: whole.t + 1], *later))
    desk, rack = Desk(world, product.catalogue, product.bus), Rack(world, product.catalogue)
    documents = product.bus.documents[whole.documents]
    healing = _Healing(product, world, desk, rack, whole.t, whole.log, whole.routes, documents)
    processes = [product.owners.processes[o] for o in (whole.a, whole.b) if o != ABSENT]
    routers = [product.routers.routers[r] for r in (whole.r, whole.s) if r != ABSENT]
    healing.settle(processes)
    healing.hear()
    if all_down:
        healing.fail()
    for _ in range(ROUNDS):
        routers = healing.round(routers)
    for router in routers:
        served = rack.served(router, healing.t)
        if all_down and served:
            raise Broken("L2", "every model is down, and a route is served after lease and grace")
        _converged(product, healing, router, frozenset((route, model) for route, model, _ in served))


def _converged(product: Product, healing: _Healing, router: Router, served: frozenset[tuple[RouteId, str]]) -> None:
    """L4: a router serves what the ruler ordered; or nothing, if a thief has used up the numbers of its orders."""
    state = healing.ruler.state
    assert state is not None, "it rules"
    ordered = {
        (route, entry.target)
        for route, entry in state.routes.items()
        if entry.safe_state is None and entry.target is not None and state.book.rule(route) is not None
    }
    stolen = any(product.catalogue[item].forged for item in product.bus.routes[healing.routes].items)
    if served != ordered and not (stolen and not served):
        raise Broken("L4", f"the bus is healed; {sorted(served)} is served, {sorted(ordered)} is ordered")
