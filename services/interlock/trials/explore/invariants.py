"""What must always hold (DESIGN 9), each in one sentence, each a function that finds fault or does not.

An invariant asks the truth of the world (`world.Said`, `facts.Oracle`), never the code that it judges.
"""

import traceback
from pathlib import Path

from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.change import Heartbeat, RoutingChange
from interlock.records.head import Head
from interlock.records.rules import SafeState
from interlock.records.sealing import event_id_of
from interlock.router.core.accept import Acceptance, Answer
from interlock.router.core.marks import Marks, parse_order
from interlock.trials.explore import approvals, canaries
from interlock.trials.explore.bus import Log
from interlock.trials.explore.catalogue import Catalogue, Item
from interlock.trials.explore.facts import Facts, Oracle
from interlock.trials.explore.owner import Process
from interlock.trials.explore.router import Router, meant_for
from interlock.trials.explore.thief import never
from interlock.trials.explore.world import World
from interlock.vocabulary.identifiers import Order, RouteId
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros

Served = frozenset[tuple[RouteId, str, bool]]


class Broken(Exception):  # noqa: N818 - not an error of this program: it is what it looks for
    """An invariant does not hold."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant
        self.detail = detail
        self.action: object = None
        self.place: int | None = None


def raised_by_core(error: Exception) -> Broken:
    """Total: a core never raises, whatever it is given.

    Raises:
        Exception: The error itself, if it is the explorer's own.
    """
    trace = traceback.extract_tb(error.__traceback__)
    if Path(trace[-1].filename).parent == Path(__file__).parent:
        raise error
    return Broken("total", f"a core raised {type(error).__name__}: {error}")


def serves_only_admissible(world: World, router: Router, served: Served, t: int) -> None:
    """S1: a router serves a model only if it is admissible under the documents that it was ever shown, whatever the request.

    Restarts do not excuse it: S3 says that policies and denials never go back.
    """
    facts = Facts(documents=router.shown)
    for route, model, _ in served:
        if not Oracle(world, facts, route, world.wall(t)).admissible(model):
            raise Broken("S1", f"{route.key} is served by {model}, which policy does not allow")


def serves_only_by_the_newest(router: Router, served: Served) -> None:
    """S3: nothing is served on the strength of a trust root, policy or registration that is older than one ever held."""
    book, marks = router.state.book, router.state.marks
    for route, model, _ in served:
        held, entry = book.policies.get(route.agent), book.registry.get(model)
        stands = (book.trust.version, held.value.version if held else 0, entry.value.version if entry else 0)
        was = (marks.number("root"), marks.number(f"policy/{route.agent}"), marks.number(f"model/{model}"))
        if any(now < before for now, before in zip(stands, was, strict=True)):
            raise Broken("S3", f"{route.key} is served under an older document than was held before")


def serves_only_with_lease(router: Router, served: Served) -> None:
    """S2: without a heartbeat in time since its start, a router serves nothing."""
    if served and router.believed is None:
        raise Broken("S2", "a route is served though no heartbeat came in time since the start")


def stops_after_lease_and_grace(world: World, router: Router, served: Served, t: int) -> None:
    """S4: serving ends when lease and grace have ended."""
    if served and router.believed is not None and world.reading(t).boot >= router.believed + world.grace_us:
        raise Broken("S4", "a route is served after lease and grace")


def stops_what_is_revoked(world: World, served: Served, documents: tuple[tuple[int, int], ...], t: int) -> None:
    """S5: a revoked model is served nowhere once lease and grace have passed since the revocation was published."""
    borne = world.lease_us + world.skew_us + world.grace_us
    for place, published in documents:
        if world.wall(t) < world.wall(published) + borne:
            continue
        said = world.documents[place]
        for route, model, _ in served:
            dropped = said.version and model not in {name for name, _ in said.ladders.get(route, ())}
            if said.denies == model or dropped:
                raise Broken(
                    "S5", f"{model} still serves {route.key} {world.moments[t]} s after the start, though {said.words}"
                )


def marks_never_go_back(before: Marks, after: Marks) -> None:
    """S3: root, policies, registrations, denials, terms and orders never go back, restarts included."""
    for key, value in before.values.items():
        now = after.values.get(key)
        if now is None or _rank(key, now) < _rank(key, value):
            raise Broken("S3", f"the mark {key} went from {value.split()[0]} back to {(now or 'nothing').split()[0]}")


def documents_never_go_back(world: World, before: Book, after: Book) -> None:
    """S3 and S6: what is held is for this deployment; roots follow each other, versions rise, denials stay."""
    if after.trust.deployment != world.deployment.name:
        raise Broken("S6", f"the trust root of {after.trust.deployment} is held")
    if not before.trust.version <= after.trust.version <= before.trust.version + 1:
        raise Broken("S3", f"trust root {after.trust.version} is held after {before.trust.version}")
    for agent, policy in before.policies.items():
        now = after.policies.get(agent)
        if now is None or now.value.version < policy.value.version:
            raise Broken("S3", f"policy {policy.value.version} of {agent} is held no more")
    for model, entry in before.registry.items():
        if after.registry[model].value.version < entry.value.version:
            raise Broken("S3", f"entry {entry.value.version} of {model} is held no more")
    for model, denial in before.denials.items():
        still = after.denials.get(model)
        if still is None or still.verified != denial.verified:
            raise Broken("S3", f"the denial of {model} is held no more")


def _rank(key: str, value: str) -> Order:
    first = value.split(maxsplit=1)[0]
    return parse_order(first) if key.startswith(("order/", "term/")) else Order(0, 0, int(first))


def obeys_no_older_term(before: Router, answer: Acceptance) -> None:
    """S3: an order of a term that is over is not obeyed on its own word."""
    if answer.answer is Answer.ACCEPTED and answer.change is not None:
        order = answer.change.value.order
        if Order(order.root, order.term, 0) < before.state.marks.term(answer.change.value.shard):
            raise Broken("S3", f"an order of term {order.term} was obeyed, though a later term is known")


def renews_for_what_is_meant(world: World, item: Item, t: int) -> None:
    """S6: a lease is renewed only by a heartbeat for this deployment and shard, of this time."""
    assert isinstance(item.value, Heartbeat), "asked of heartbeats only"
    if not meant_for(item.value, world, world.wall(t)):
        raise Broken("S6", f"a lease is renewed by {item.words}")


def renews_only_forward(before: Router, item: Item) -> None:
    """S3: a heartbeat of a term that is over, or no newer than the last, renews nothing."""
    said = item.value
    assert isinstance(said, Heartbeat), "asked of heartbeats only"
    lease = before.state.leases.get(said.shard)
    if Order(said.root_version, said.term, 0) < before.state.marks.term(said.shard):
        raise Broken("S3", f"a lease is renewed by {item.words}, though a later term is known")
    if lease is not None and said.order <= lease.order:
        raise Broken("S3", f"a lease is renewed by {item.words}, though a later heartbeat was taken")


def waits_for_the_newest(before: Router, after: Router) -> None:
    """S3: what waits for its policy or for a heartbeat is not replaced by something older."""
    for route, waiting in before.state.candidates.items():
        now = after.state.candidates.get(route)
        if now is not None and now.newest.change.value.order < waiting.newest.change.value.order:
            raise Broken("S3", f"of two orders of {route.key} that wait, the older one is kept")


def stops_when_told(world: World, before: Router, item: Item, answer: Acceptance, t: int) -> None:
    """S13: a new, genuine order into the safe state is obeyed at once, if its policy is held."""
    said, state = item.value, before.state
    assert isinstance(said, RoutingChange), "asked of orders only"
    mark, held = state.marks.order(said.route), state.book.policies.get(said.agent)
    known = held is not None and held.event_id == said.policy_digest
    newest = state.book.trust.version == max(said.root_version, state.marks.number("root"))
    newest = newest and held is not None and held.value.version == state.marks.number(f"policy/{said.agent}")
    timely = said.issued_at - CLOCK_SKEW_US_MAX <= world.wall(t) < said.not_after
    ruling = Order(said.root_version, said.term, 0) >= state.marks.term(said.shard)
    newer = mark is None or said.order > mark[0]
    stops = not item.forged and said.target is None
    if stops and known and newest and timely and ruling and newer and answer.answer is not Answer.ACCEPTED:
        raise Broken("S13", f"a router does not obey {item.words}")


def obeys_nothing_forged(catalogue: Catalogue, router: Router) -> None:
    """S6: what a router obeys was said for its audience, its shard, a policy that it holds, and makes sense."""
    for held in router.state.held.values():
        item = catalogue.forgeries.get(held.change.event_id)
        if item is not None and held.refused is None and never(item.forged):
            raise Broken("S6", f"a router obeys {item.words}")


def obeys_in_time(world: World, answer: Acceptance, t: int) -> None:
    """S6: an order counts on its own word only from its issue, clocks apart, until its end."""
    if answer.answer is Answer.ACCEPTED and answer.change is not None:
        said, now = answer.change.value, world.wall(t)
        if not said.issued_at - CLOCK_SKEW_US_MAX <= now < said.not_after:
            raise Broken("S6", f"a router obeys {said.id} outside its time")


def reports_equivocation(before: Router, item: Item, answer: Acceptance) -> None:
    """S7: of two different orders with one number the second is refused, and the refusal says so."""
    said = item.value
    assert isinstance(said, RoutingChange), "asked of orders only"
    mark = before.state.marks.order(said.route)
    if (item.forged and "shard" in item.forged) or "deployment" in item.forged:
        return
    if mark is None or mark[0] != said.order or mark[1] == event_id_of(said).hex():
        return
    if answer.refused is None or answer.refused.reason is not Reason.EQUIVOCATION:
        raise Broken("S7", f"two orders bear the number {said.order}, and nobody is told")


def publishes_what_is_logged(item: Item, log: Log) -> None:
    """S8: what is visible to routers stands in the log, in a step that counts, exactly once."""
    if log.changes.count(item.number) != 1:
        raise Broken("S8", f"{item.words} is published and stands {log.changes.count(item.number)} times in the log")


def beats_for_what_is_logged(catalogue: Catalogue, log: Log, routes_head: bytes) -> None:
    """S8: a heartbeat stands by what the log holds, and by nothing else."""
    head = Head()
    for number in log.changes:
        said = catalogue[number].value
        assert isinstance(said, RoutingChange), "a step holds nothing else"
        head = head.put(said.route.key, event_id_of(said))
    if head.root != routes_head:
        raise Broken("S8", "a heartbeat stands by orders that are not those of the log")


def numbers_are_used_once(catalogue: Catalogue, log: Log) -> None:
    """S7: no two orders in the log bear one number."""
    said = [catalogue[number].value for number in log.changes]
    numbers = [(change.route, change.order) for change in said if isinstance(change, RoutingChange)]
    if len(set(numbers)) != len(numbers):
        raise Broken("S7", "two orders in the log bear one number")


def replays_to_the_same(log: Log) -> None:
    """S11: deciding again on the journalled inputs alone gives every change, entry and digest again."""
    for difference in log.journal.differences:
        raise Broken("S11", f"replay of sequence {difference.sequence}: {difference.what}")


def log_counts_what_counts(log: Log) -> None:
    """S11: the real reader of the log and a count by hand agree on term and sequence."""
    if (log.journal.log.term, log.journal.log.sequence or 0) != (log.term, log.sequence):
        raise Broken("S11", "the log is read otherwise than it counts")


def state_is_what_is_logged(process: Process, log: Log) -> None:
    """S11: the state of the owner whose step counts is the state that a reader of the log gets."""
    state = log.journal.state
    if process.state is not None and process.state.digest.root != state.digest.root:
        raise Broken("S11", "the owner holds another state than its log")


def decides_as_ruled(world: World, before: State, after: State, facts: Facts, t: int) -> None:
    """S11 and S13: the target is as rules 3 to 6 say; once a trigger has qualified, the route does not stay where it was."""
    for route in world.routes:
        entry, was = after.routes.get(route), before.routes.get(route)
        if entry is None:
            continue
        oracle = Oracle(world, facts, route, world.wall(t))
        if not oracle.ladder:  # the policy names it no more: nothing is ordered, and routers stop it by themselves
            continue
        named = oracle.policy.safe_state if oracle.policy is not None else ""
        if entry.safe_state is not None and entry.safe_state not in {named, "suspend" if world.reply else named}:
            raise Broken("S11", f"{route.key} is in the safe state {entry.safe_state}, policy names {named}")
        answering = entry.target if entry.safe_state is not None else None
        if answering is not None and not (oracle.guarded() and oracle.may_stay(answering)):
            raise Broken("S13", f"{route.key} is answered by {answering} in its safe state, though it must stop")
        ready = bool(world.reply) and oracle.guarded() and oracle.stable(world.reply) and not oracle.frozen
        if ready and entry.safe_state == SafeState.SUSPEND:
            raise Broken("S11", f"{route.key} is suspended, though {world.reply} may answer without tools")
        if world.approvals:
            wrong = approvals.fault(oracle, was, entry)
            if wrong is not None:
                raise Broken("S11", f"{route.key}: {wrong}")
            continue
        if world.canaries:
            wrong = canaries.fault(oracle, was, entry, world.dwell_us, Micros(2 * world.blind_us))
            if wrong is not None:
                raise Broken("S11", f"{route.key}: {wrong}")
            continue
        old = was.target if was is not None and was.safe_state is None else None
        new = entry.target if entry.safe_state is None else None
        if new == old and old is not None and not oracle.may_stay(old):
            raise Broken("S13", f"{route.key} stays with {old}, though it must leave it")
        entered = was.entered_at if was is not None else NEVER
        if new not in oracle.expected(old, entered, first=was is None):
            raise Broken("S11", f"{route.key} goes from {old} to {new}, which rule 3 does not say")


def orders_as_ruled(world: World, change: RoutingChange, facts: Facts, t: int) -> None:
    """S1 and S11: every order that is signed may be obeyed, even one that the next order of the same step takes back."""
    oracle = Oracle(world, facts, change.route, world.wall(t))
    if change.target is None or change.route not in world.routes:
        return
    if not oracle.admissible(change.target):
        raise Broken("S1", f"{change.id} orders {change.target}, which policy does not allow")
    asked = world.approvals and change.target == approvals.ASKED_FOR and change.safe_state is None
    if asked and not oracle.approved(change.target):
        raise Broken("S11", f"{change.id} orders {change.target}, which nobody approved")
