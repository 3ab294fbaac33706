"""Whether a log that has no holes, and never gets shorter, is told so. Pure.

In a partition that is never compacted, offsets follow each other, for nothing that was appended is taken out again. So a hole means that
somebody withholds a record. It is not passed over: the reader stays before it and asks again, and whoever reads is told that the
broker does not tell all. Records at the end that are withheld leave no hole, and are not noticed here.

Only topics that prove something are held to it (`GAPLESS`); on one that is compacted holes are right, and the others are old in hours.
What a writer does leaves none: of the end of a transaction, which takes an offset, a reader hears (`kafka_records`).
"""

from collections.abc import Mapping, Sequence

from interlock.runtime.bus import Position, Record
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.topics import AUDIT, NOTICES, POLICIES

GAPLESS = frozenset({AUDIT.name, NOTICES.name, POLICIES.name})
"""The topics whose records are kept for years and written by few."""


class Continuity:
    """Remembers the holes before which a reader stands."""

    def __init__(self) -> None:
        self._holes: dict[Position, int] = {}

    def take(
        self, where: Position, asked: int, records: Sequence[Record], reached: int
    ) -> tuple[Sequence[Record], int]:
        """The records up to the first hole, and the offset at which the reader stands then.

        Args:
            where: Their partition.
            asked: The offset that was asked for.
            records: As they came.
            reached: The offset that the broker would have be asked for next.
        """
        if where.topic not in GAPLESS:
            return records, reached
        expected = asked
        for number, record in enumerate(records):
            if record.offset > expected:
                return self._hole(where, records[:number], expected)
            expected = max(expected, record.offset + 1)
        if reached > expected:
            return self._hole(where, records, expected)
        if records:
            self._holes.pop(where, None)
        return records, reached

    def _hole(self, where: Position, records: Sequence[Record], offset: int) -> tuple[Sequence[Record], int]:
        self._holes[where] = offset
        return records, offset

    def require(self) -> None:
        """Fail if the reader stands before a hole.

        Raises:
            InfrastructureError: It does.
        """
        for where, offset in self._holes.items():
            raise InfrastructureError(
                f"The broker gives what stands after offset {offset} of {where.topic}-{where.partition}, and not what stands there.",
                "Compare the topic with another replica: a record of it is withheld from this reader, or lost.",
            )


def require_not_shorter(ends: Mapping[Position, int], positions: Mapping[Position, int]) -> None:
    """Fail if a partition is said to end before what was read of it: an older state of it is shown, or records are lost.

    Args:
        ends: Where the partitions end, as it is told.
        positions: Where the reader stands.

    Raises:
        InfrastructureError: One does.
    """
    for where, end in ends.items():
        if end < positions[where]:
            raise InfrastructureError(
                f"The broker says that {where.topic}-{where.partition} ends at {end}, and {positions[where]} was reached before.",
                "Compare the topic with another replica: this reader is shown an older state of it, or records are lost.",
            )
