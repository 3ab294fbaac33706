"""What the topics hold for many routes: a policy for each agent, with a ladder of four, and the current change of its route.

Nine changes of ten name the primary; the others begin a canary or order the safe state, in turns. They show what decision verified, as
its own do, so that they are as large.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from interlock.policy.admissible import checks
from interlock.policy.book import Book
from interlock.records.change import Heartbeat, RoutingChange
from interlock.records.documents import RoutePolicy
from interlock.records.head import Head
from interlock.records.rules import SafeState
from interlock.records.sealing import event_id_of
from interlock.testing.builders import Deployment
from interlock.trials.bench.fleet import deployment_of
from interlock.trials.bench.one import LADDER
from interlock.vocabulary.identifiers import ANY, RouteId, shard_of
from interlock.vocabulary.limits import CHANGE_VALID_US
from interlock.vocabulary.time import Micros
from interlock.wire.topics import SHARDS

TERM = 7
PRIMARY, CANARY, STOPPED = "primary", "canary", "safe_state"


def kind_of(number: int) -> str:
    """What the change of an agent orders, by the agent's number."""
    return (CANARY if number % 20 else STOPPED) if number % 10 == 0 else PRIMARY


def route_of(number: int) -> RouteId:
    """The one route of an agent."""
    return RouteId(f"a{number}", "main", ANY)


@dataclass
class Fleet:
    """Everything that is said of so many routes.

    Attributes:
        routes: How many.
        made_at: When all of it was signed.
        deployment: Who signs.
        policies_head: Over every document that was made so far.
        routes_heads: By shard, over every change that was made so far.
    """

    routes: int
    made_at: Micros
    deployment: Deployment = field(init=False)
    policies_head: Head = field(init=False)
    routes_heads: dict[int, Head] = field(default_factory=lambda: dict.fromkeys(range(SHARDS), Head()))

    def __post_init__(self) -> None:
        self.deployment = deployment_of(self.routes, self.made_at)
        self.policies_head = Head().put("root", self.deployment.root_id)
        self._rule = self.deployment.rule(LADDER)
        book = self._book_of_one()
        self._checks = {model: checks(book, route_of(0), model, self.made_at) for model in LADDER}

    def each(self) -> Iterator[tuple[bytes, int, bytes]]:
        """By agent: its policy, its shard, and its route's change, all sealed."""
        for number in range(self.routes):
            policy = self._policy(number)
            digest = event_id_of(policy)
            self.policies_head = self.policies_head.put(f"policy/{policy.agent}", digest)
            change = self._change(number, digest)
            head = self.routes_heads[change.shard].put(change.route.key, event_id_of(change))
            self.routes_heads[change.shard] = head
            sealed = self.deployment.seal(policy, "grace", "oscar"), self.deployment.seal(change, "decision-1")
            yield sealed[0], change.shard, sealed[1]

    def _policy(self, number: int) -> RoutePolicy:
        return self.deployment.policy_of(route_of(number).agent, self._rule)

    def _book_of_one(self) -> Book:
        return self.deployment.book(self.deployment.seal(self._policy(0), "grace", "oscar"))

    def _change(self, number: int, policy_digest: bytes) -> RoutingChange:
        route, kind = route_of(number), kind_of(number)
        orders: dict[str, dict[str, Any]] = {
            PRIMARY: {"source": None, "target": LADDER[0], "verification": self._checks[LADDER[0]]},
            CANARY: {
                "source": LADDER[0],
                "target": LADDER[1],
                "verification": (*self._checks[LADDER[0]], *self._checks[LADDER[1]]),
                "weight": 25,
                "canary": f"canary-{number}",
            },
            STOPPED: {"source": LADDER[0], "target": None, "safe_state": SafeState.SUSPEND},
        }
        said: dict[str, Any] = {
            "shard": shard_of(route.agent, SHARDS),
            "policy_digest": policy_digest,
            "not_after": Micros(self.made_at + 60 * CHANGE_VALID_US),
        }
        return self.deployment.change(route, term=TERM, **said, **orders[kind])


def heartbeat(deployment: Deployment, shard: int, beat: int, now: Micros, heads: tuple[bytes, bytes]) -> bytes:
    """A heartbeat of the decision service, sealed."""
    said = Heartbeat(deployment.name, shard, deployment.root.version, TERM, beat, now, *heads)
    return deployment.seal(said, "decision-1")
