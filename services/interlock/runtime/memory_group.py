"""A consumer group in memory: shares a topic's partitions among its live members, at once and evenly."""

import asyncio
from collections.abc import Iterable

from interlock.vocabulary.errors import InfrastructureError


class MemoryMembership:
    """A `Membership` in memory. Made by `MemoryGroup.join`."""

    def __init__(self, group: "MemoryGroup") -> None:
        self._group = group
        self._held: frozenset[int] = frozenset()
        self._told: frozenset[int] | None = None
        self._replaced = False
        self._news = asyncio.Event()

    @property
    def held(self) -> frozenset[int]:
        """The partitions held now."""
        return self._held

    async def changed(self) -> frozenset[int]:
        """Wait until what is held differs from the last answer; see `Membership`."""
        while True:
            self._news.clear()
            if self._replaced:
                raise InfrastructureError(
                    "Another process joined the group under this member's name.",
                    "Give each process a name of its own.",
                )
            if self._held != self._told:
                self._told = self._held
                return self._held
            await self._news.wait()

    async def close(self) -> None:
        """Leave the group, so that others take over at once. May be called twice."""
        self._group.leave(self)

    def hold(self, partitions: Iterable[int]) -> None:
        """Called by the group with all that this member now holds."""
        self._held = frozenset(partitions)
        self._news.set()

    def replace(self) -> None:
        """Called by the group when somebody else bears this member's name."""
        self._replaced = True
        self.hold(())


class MemoryGroup:
    """Shares partitions out among members by their names.

    Args:
        partitions: How many there are.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._members: dict[str, MemoryMembership] = {}

    def join(self, instance: str) -> MemoryMembership:
        """Add a member; one that bears its name already is put out."""
        if instance in self._members:
            self._members[instance].replace()
        self._members[instance] = MemoryMembership(self)
        self._share_out()
        return self._members[instance]

    def leave(self, membership: MemoryMembership) -> None:
        """Take a member out; nothing happens if it is none any more."""
        self._members = {name: each for name, each in self._members.items() if each is not membership}
        membership.hold(())
        self._share_out()

    def _share_out(self) -> None:
        """Everything is revoked before anything is given, so that no partition is ever held twice."""
        names = sorted(self._members)
        for name in names:
            self._members[name].hold(())
        for nth, name in enumerate(names):
            self._members[name].hold(range(nth, self._partitions, len(names)))
