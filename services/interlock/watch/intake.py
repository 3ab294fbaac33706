"""Reads one topic to its end, batch by batch, with the policies that its writers knew."""

from collections.abc import AsyncIterator, Mapping

from interlock.runtime.bus import Position, Reader, Record
from interlock.runtime.clock import Clock
from interlock.runtime.policy_follower import PolicyFollower
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import SECOND

SILENT_S_MAX = 20.0
"""How long nothing may come though there is more, before the broker is taken to be away."""


class Intake:
    """One reader, and what it gave that was not handed on yet.

    Attributes:
        ends: Where the topic ended when that was last asked.

    Args:
        reader: Where the next record is.
        policies: Read to their end before a batch is handed on: what its writers knew (a new key, a new policy) is then known here.
        clock: Measures silence.
    """

    def __init__(self, reader: Reader, policies: PolicyFollower, clock: Clock) -> None:
        self.reader = reader
        self._policies = policies
        self._clock = clock
        self.ends: Mapping[Position, int] = {}
        self._in_hand: list[Record] = []

    async def to_end(self) -> AsyncIterator[list[Record]]:
        """Everything up to the end as it is now. What is handed on is not handed on again.

        Raises:
            InfrastructureError: The end was not reached. What was read is handed on the next time.
        """
        self.ends = await self.reader.end_offsets()
        heard = self._clock.now().boot
        while self._in_hand or self._behind():
            self._in_hand = self._in_hand or await self.reader.batch()
            if self._in_hand:
                await self._policies.catch_up()
                batch, self._in_hand = self._in_hand, []
                yield batch
                heard = self._clock.now().boot
            elif self._clock.now().boot - heard > SILENT_S_MAX * SECOND:
                raise InfrastructureError(
                    f"Nothing came for {SILENT_S_MAX:g} s, though there is more to read.",
                    "Check that the broker runs and can be reached.",
                )

    def _behind(self) -> bool:
        return any(self.reader.position(where) < end for where, end in self.ends.items())
