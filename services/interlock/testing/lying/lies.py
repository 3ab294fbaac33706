"""The lies that a broker can tell, as values. Every one keeps the offsets as they are: clients drop what stands out of order.

    lies = [Withhold(Which(POLICIES.name, key="deny/")), Freeze(Which(COMMANDS.name))]

A lie is about the records that its `Which` names. Where several are told at once, each is told of what those before it left.
"""

from dataclasses import dataclass

from interlock.runtime.bus import Position, Record
from interlock.vocabulary.time import NEVER, Micros


@dataclass(frozen=True, slots=True)
class Which:
    """The records that a lie is about.

    Attributes:
        topic: Their topic; empty: every one.
        key: What their key begins with; empty: any key, and none.
        after: They were written at that time or later, microseconds since the epoch by the broker's stamp.
    """

    topic: str = ""
    key: str = ""
    after: Micros = NEVER

    def about(self, where: Position) -> bool:
        """Whether records of a partition may be meant."""
        return self.topic in {"", where.topic}

    def of(self, record: Record) -> bool:
        """Whether a record is meant."""
        named = (record.key or b"").startswith(self.key.encode())
        return self.topic in {"", record.topic} and named and record.timestamp_ms * 1_000 >= self.after


@dataclass(frozen=True, slots=True)
class Withhold:
    """The records are not there, and those after them are: their places are empty, as after a compaction."""

    which: Which


@dataclass(frozen=True, slots=True)
class Cut:
    """The log ends before the first of the records, and the reader is told that it is at the end."""

    which: Which


@dataclass(frozen=True, slots=True)
class Rewind:
    """An older end of the log, truncated there: a reader that is beyond is told that its offset does not exist, as Kafka does."""

    topic: str
    end: int


@dataclass(frozen=True, slots=True)
class ServeOld:
    """In the place of each of the records stands the one before it that has its key, if there is one."""

    which: Which


@dataclass(frozen=True, slots=True)
class Repeat:
    """Each of the records is given twice; Kafka's own client drops the second, since its offset was there."""

    which: Which


@dataclass(frozen=True, slots=True)
class Reorder:
    """The records that are given at one time stand in each other's places, last first. One alone waits for another for a while."""

    which: Which


@dataclass(frozen=True, slots=True)
class Late:
    """The records, and all that stand behind them, are told so much later; until then the reader is told that it is at the end."""

    which: Which
    by: Micros


@dataclass(frozen=True, slots=True)
class Ahead:
    """The end is said to be further on than it is: there is always more, and it never comes."""

    which: Which


@dataclass(frozen=True, slots=True)
class Freeze:
    """Nothing more is said of the topic; the connection stays open. Of every topic: nothing is answered at all."""

    which: Which


@dataclass(frozen=True, slots=True)
class Drop:
    """Connections are cut, and so are new ones."""


Lie = Withhold | Cut | Rewind | ServeOld | Repeat | Reorder | Late | Ahead | Freeze | Drop
