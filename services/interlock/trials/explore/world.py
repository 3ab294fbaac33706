"""A world to explore: who takes part, what may happen how often, and what is true in it.

The truth is written down here as data and asked of nobody: which model policy allows until when. An oracle that asked the code under
test would agree with it when both are wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from interlock.records.health import Level
from interlock.records.sealing import seal
from interlock.signing.keys import SigningKey
from interlock.signing.statement import Statement
from interlock.testing.builders import NOW, Deployment, key_of
from interlock.vocabulary.identifiers import ANY, RouteId, shard_of
from interlock.vocabulary.time import NEVER, SECOND, Micros, Reading

AGENT = "support"
SHARDS = 2
SHARD = shard_of(AGENT, SHARDS)
ELSEWHERE = (SHARD + 1) % SHARDS
"""Another shard."""

UNIT_S = 5
UNIT = Micros(UNIT_S * SECOND)
"""The step of time, seconds. Lease, grace, `blind` and the stable period are one step each, so that stories stay short."""
BOOT = Micros(1_000 * SECOND)
"""The boot clock at the beginning: another number than the civil clock's, so that mixing them up shows."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a document of the policies topic means.

    Attributes:
        words: What a story calls it.
        sealed: The document.
        version: The version of the policy; 0: it is no policy.
        ladders: policy: for each route the models that are approved, in order, and until when.
        denies: The model that it takes from everybody; empty: none.
        safe_state: policy: its safe state.
        stops: policy: whether a route is to be stopped when nobody was told of its change in time.
        after: The document without which it is not published.
    """

    words: str
    sealed: bytes
    version: int = 0
    ladders: Mapping[RouteId, tuple[tuple[str, Micros], ...]] = field(default_factory=dict)
    denies: str = ""
    safe_state: str = "suspend"
    stops: bool = False
    after: int = 0


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a command means: it takes a model away until a time, holds the routes where they are, stops them, or lets them go.

    Attributes:
        watch: Whether the deadline watch orders it, and no person.
        untold: watch: the route that it stops, because nobody was told of its first change; None: it orders what it may not.
    """

    words: str
    sealed: bytes
    disables: str = ""
    until: Micros = NEVER
    freezes: bool = False
    suspends: bool = False
    watch: bool = False
    untold: RouteId | None = None


@dataclass(frozen=True, slots=True)
class World:
    """What is explored.

    Attributes:
        name: Its name.
        deployment: Who signs.
        documents: What may be said on the policies topic; the first `published` of them are there from the beginning.
        models: The models of which verdicts speak.
        objectives: Under which objectives; the first is that they answer at all.
        guards: The guards that the routes require.
        canaries: Whether routes move by canary.
        approvals: Whether a rung waits for its approval.
        reply: The rung that answers without tools in the safe state; empty: none.
        levels: What they may say.
        down: Models that are down in the ordinary course of things.
        moments: The times that are looked at, seconds from the beginning.
        owners: Processes that may decide, 1 or 2.
        routers: 1 or 2.
        claims: How often the shard may be claimed.
        log: How many records the log may hold.
        forgeries: What a thief of the decision key may publish, by name.
        thefts: How many of them at a time.
        orders: What operators may order.
        for_us: How long a trigger must last.
        lease_us: The lease; `skew_us`, `grace_us`, `stable_us`, `dwell_us` and `blind_us` likewise.
        restarts: Whether routers may restart; `deaths`: whether owners may die.
        lapses: Whether verdicts may lapse.
        losses: Whether an append may be lost, or its acknowledgement; `doubles`: whether it may land twice.
        stranger: Whether somebody claims the shard whose key the trust root does not hold.
        beat_forgeries: What heartbeats that are not for this shard may be put on its topic, by name.
        group: Whether the consumer group may take the shard away.
        judged: Whether `facts.Oracle` knows every rule that its policies use.
        routes: The routes that are looked at.
    """

    name: str
    deployment: Deployment
    documents: tuple[Said, ...]
    models: tuple[str, ...]
    objectives: tuple[str, ...] = ("unavailable",)
    guards: tuple[str, ...] = ()
    canaries: bool = False
    approvals: bool = False
    reply: str = ""
    levels: tuple[Level, ...] = (Level.HEALTHY, Level.UNAVAILABLE)
    moments: tuple[int, ...] = (0, 5, 10, 15, 20)
    published: int = 1
    down: tuple[str, ...] = ()
    owners: int = 1
    routers: int = 1
    claims: int = 2
    log: int = 12
    forgeries: tuple[str, ...] = ()
    thefts: int = 0
    orders: tuple[Ordered, ...] = ()
    for_us: Micros = NEVER
    lease_us: Micros = UNIT
    skew_us: Micros = NEVER
    grace_us: Micros = UNIT
    stable_us: Micros = UNIT
    dwell_us: Micros = NEVER
    blind_us: Micros = UNIT
    restarts: bool = True
    deaths: bool = True
    lapses: bool = True
    losses: bool = True
    doubles: bool = False
    group: bool = False
    stranger: bool = False
    beat_forgeries: tuple[str, ...] = ()
    judged: bool = True
    routes: tuple[RouteId, ...] = (RouteId(AGENT, "main", ANY),)

    def seal(self, record: Statement, owner: str) -> bytes:
        """Sign a record with somebody's key."""
        return seal(record, _key(self.deployment.name, owner))

    def wall(self, t: int) -> Micros:
        """Civil time at a moment."""
        return Micros(NOW + self.moments[t] * SECOND)

    def reading(self, t: int) -> Reading:
        """Both clocks at a moment."""
        return Reading(self.wall(t), Micros(BOOT + self.moments[t] * SECOND))


@cache
def _key(deployment: str, owner: str) -> SigningKey:
    return key_of(owner, deployment)
