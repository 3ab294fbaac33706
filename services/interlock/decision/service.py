"""The decision service: as many shard owners as the consumer group gives it.

The group is used for assignment only; it reads nothing. Decision may run as several processes: each shard has one owner at a time,
and a process that is gone is followed by another within the group's session time.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from interlock.decision.desk import Desk
from interlock.decision.owner import ShardOwner
from interlock.runtime.bus import Bus, Membership
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop
from interlock.wire.topics import AUDIT

GROUP = "interlock-decision"


class DecisionService:
    """Starts an owner for every shard that is assigned, and stops it when the shard is taken away.

    Args:
        bus: Where the group is joined.
        instance: This process's lasting name in the group: who comes back under it gets its shards at once.
        desk_for: Makes the desk of a shard, given whether it is still held.
        readiness: Told when every owned shard has beaten once.
    """

    def __init__(
        self, bus: Bus, instance: str, desk_for: Callable[[int, Callable[[], bool]], Desk], readiness: Readiness
    ) -> None:
        self._bus = bus
        self._instance = instance
        self._desk_for = desk_for
        self._readiness = readiness
        self._owners: dict[int, tuple[ShardOwner, asyncio.Task[None]]] = {}

    async def run(self, stop: Stop) -> None:
        """Own what is assigned, until asked to stop.

        Raises:
            InfrastructureError: The group is lost for good, for one because another process bears this instance's name.
        """
        membership = await self._bus.membership(GROUP, AUDIT.name, instance=self._instance)
        group = asyncio.create_task(_follow(membership), name="group")
        try:
            while not group.done() and not await stop.within(0.1):
                self._reap()
                self._start(membership, stop)
                self._tell()
            if group.done():
                stop.request()
            await asyncio.gather(*(task for _, task in self._owners.values()))
            if group.done():
                group.result()
        finally:
            group.cancel()
            await membership.close()

    def _start(self, membership: Membership, stop: Stop) -> None:
        for shard in sorted(membership.held - self._owners.keys()):
            owner = ShardOwner(self._desk_for(shard, partial(_holds, membership, shard)))
            self._owners[shard] = (owner, asyncio.create_task(owner.run(stop), name=f"shard-{shard}"))

    def _reap(self) -> None:
        """Forget owners that ended because their shard was taken away; one that failed fails the service."""
        for shard, (_, task) in list(self._owners.items()):
            if task.done():
                task.result()
                del self._owners[shard]

    def _tell(self) -> None:
        waiting = sorted(shard for shard, (owner, _) in self._owners.items() if not owner.live)
        ready = bool(self._owners) and not waiting
        why = f"shards {waiting} have not beaten yet" if waiting else "no shard is assigned yet"
        self._readiness.set("shards", ready, "" if ready else why)


async def _follow(membership: Membership) -> None:
    """Wait for what only waiting tells: that the group is lost."""
    while True:
        await membership.changed()


def _holds(membership: Membership, shard: int) -> bool:
    return shard in membership.held
