"""Writes the state topic, behind the log: a slice between two batches, so that no order and no heartbeat waits for it.

Entries come first, and the mark last: it stands by everything up to one step. What is overtaken by a crash is in the log. See
`core.projection` for what a reader makes of it.
"""

from collections.abc import Iterable, Mapping

from interlock.decision.core.journal import Reached
from interlock.decision.core.projection import Placed, Unwritten, mark_key
from interlock.decision.desk import Desk
from interlock.decision.pipelined import publish_all
from interlock.records.audit import Entry
from interlock.records.sealing import seal
from interlock.records.state import ReadTo, StateMark, StateRecord
from interlock.runtime.bus import Position, Publisher
from interlock.wire.topics import STATE

SLICE = 100
"""Entries written at once: some ten milliseconds of signatures."""


class Projector:
    """Writes what one shard's log holds and the state topic does not yet.

    Args:
        desk: What the owner works with.
        publisher: Where it writes.
        unwritten: What is missing from the start.
        last: The last step of the log.
        marked: The offset of the step that the topic's mark names; -1 if there is none that counts.
    """

    def __init__(
        self, desk: Desk, publisher: Publisher, unwritten: Unwritten, last: Reached | None, marked: int
    ) -> None:
        self._desk = desk
        self._publisher = publisher
        self._unwritten = unwritten
        self._last = last
        self._marked = marked

    @property
    def behind(self) -> bool:
        """Whether anything is left to write."""
        return len(self._unwritten) > 0 or (self._last is not None and self._last.offset > self._marked)

    def stepped(self, last: Reached, entries: Iterable[Entry]) -> None:
        """Note a step that was appended."""
        self._last = last
        self._unwritten.note(last.offset, entries)

    async def write(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Write one slice, and the mark if nothing is left.

        Args:
            positions: Where a new owner shall begin to read the inputs: everything before was heard, and journalled if it mattered.

        Raises:
            InfrastructureError: What became of a record is unknown.
        """
        slice_ = [(placed.entry.key, self._sealed(placed)) for placed in self._unwritten.take(SLICE)]
        where = Position(STATE.name, self._desk.shard)
        await publish_all(self._publisher, where, slice_)
        if self._last is not None and self._last.offset > self._marked and not len(self._unwritten):
            mark = seal(self._mark(self._last, positions), self._desk.key)
            await publish_all(self._publisher, where, [(mark_key(self._desk.shard), mark)])
            self._marked = self._last.offset

    def _sealed(self, placed: Placed) -> bytes | None:
        """An entry as it stands on the topic; one that was removed is a tombstone."""
        desk, entry = self._desk, placed.entry
        if entry.value is None:
            return None
        return seal(StateRecord(desk.owner, desk.shard, entry.key, entry.value, placed.offset, placed.index), desk.key)

    def _mark(self, last: Reached, positions: Mapping[tuple[str, int], int]) -> StateMark:
        read_to = tuple(ReadTo(topic, partition, offset) for (topic, partition), offset in sorted(positions.items()))
        desk = self._desk
        return StateMark(desk.owner, desk.shard, last.offset, last.term, last.sequence, last.now, last.digest, read_to)
