"""Every record that anybody has sealed, under a number, with what a person calls it."""

from dataclasses import dataclass, field
from typing import Any

from interlock.records.sealing import event_id_of
from interlock.signing.statement import Statement


@dataclass(frozen=True, slots=True)
class Item:
    """One sealed record.

    Attributes:
        number: Its number; equal bytes have one.
        sealed: What stands on the topic.
        value: What it says.
        words: What a story calls it.
        partition: Where it stands.
        forged: Which forgery it is; empty: it is genuine.
        note: What the explorer remembers about it, such as the facts on which it was decided.
    """

    number: int
    sealed: bytes
    value: Statement
    words: str
    partition: int = 0
    forged: str = ""
    note: Any = None


@dataclass(slots=True)
class Catalogue:
    """The records so far: by number, the numbers by what stands where, and the forgeries by their event id."""

    items: list[Item] = field(default_factory=list)
    numbers: dict[tuple[bytes, int], int] = field(default_factory=dict)
    forgeries: dict[bytes, Item] = field(default_factory=dict)

    def __getitem__(self, number: int) -> Item:
        return self.items[number]

    def add(  # noqa: PLR0913 - the parts of an item
        self,
        sealed: bytes,
        value: Statement,
        words: str,
        *,
        partition: int = 0,
        forged: str = "",
        note: Any = None,
    ) -> int:
        """The number of a record; a record that is known keeps its first description."""
        key = (sealed, partition)
        if key not in self.numbers:
            self.numbers[key] = len(self.items)
            item = Item(len(self.items), sealed, value, words, partition, forged, note)
            self.items.append(item)
            if forged:
                self.forgeries[event_id_of(value)] = item
        return self.numbers[key]
