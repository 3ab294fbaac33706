"""`interlock bench reaction`: two bare hops, three bare hops and one reaction in each round, in an order drawn anew."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient

from interlock.brokers.real import KafkaCluster
from interlock.trials.bench.reaction.figures import figures
from interlock.trials.bench.reaction.hops import BareHops
from interlock.trials.bench.reaction.line import Line, Progress, Reaction
from interlock.trials.broker import broker_at
from interlock.vocabulary.time import Micros

WARM_UP = 5
"""Rounds before the first that counts: connections, caches, and Java's own warming up."""

_PAUSE_S = 0.05
"""Between two measurements, so that what one leaves behind (acknowledgements, the state topic) is not in the other's way."""

_LOOK_AT_S = 15.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        rounds: How many rounds count.
        folder: Where everything that is written goes.
        bootstrap: Real brokers that are there already; None: some of its own.
        brokers: How many of its own.
    """

    rounds: int
    folder: Path
    bootstrap: str | None = None
    brokers: int = 1


async def run(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Measure; the figures by name.

    Raises:
        ConfigurationError: The brokers that were named cannot be used.
        InfrastructureError: Brokers or services did not start or did not answer.
    """
    progress("starting", 0, 1)
    plan.folder.mkdir(parents=True, exist_ok=True)
    async with _brokers(plan) as bootstrap, broker_at(bootstrap):
        progress("starting", 1, 1)
        count = await asyncio.to_thread(_count, bootstrap)
        rounds = plan.rounds + WARM_UP + 1
        async with Line.open(bootstrap, plan.folder, rounds, progress) as line:
            first = await line.react(0)
            async with BareHops.open(bootstrap, plan.folder, first.sizes) as hops:
                measured = [each async for each in _rounds(line, hops, first, rounds, progress)][WARM_UP:]
    two, three, reactions = zip(*measured, strict=True)
    return {"brokers": count, "own_brokers": plan.bootstrap is None, **figures(two, three, reactions)}


async def _rounds(
    line: Line, hops: BareHops, first: Reaction, rounds: int, progress: Progress
) -> AsyncIterator[tuple[Micros, Micros, Reaction]]:
    """Each round's two bare hops, three bare hops and reaction."""
    verdict = first.sizes[0]
    for number in range(1, rounds):
        progress("measuring", number - 1, rounds - 1)
        made: dict[str, Any] = {}
        for what in _order(number):
            if what == "interlock":
                made[what] = await line.react(number)
            else:
                made[what] = await hops.pass_on(int(what), verdict)
            await asyncio.sleep(_PAUSE_S)
        yield made["2"], made["3"], made["interlock"]
    progress("measuring", rounds - 1, rounds - 1)


def _order(number: int) -> list[str]:
    """The order within a round: drawn by its number, so that none always follows the same one."""
    return sorted(("2", "3", "interlock"), key=lambda what: sha256(f"{what} {number}".encode()).digest())


@asynccontextmanager
async def _brokers(plan: Plan) -> AsyncIterator[str]:
    """Where the brokers are; own ones last as long as this context."""
    if plan.bootstrap is not None:
        yield plan.bootstrap
        return
    cluster = await asyncio.to_thread(KafkaCluster.start, plan.folder / "kafka", brokers=plan.brokers)
    try:
        yield cluster.bootstrap
    finally:
        await asyncio.to_thread(cluster.stop)


def _count(bootstrap: str) -> int:
    """How many brokers there are."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    return len(admin.list_topics(timeout=_LOOK_AT_S).brokers)
