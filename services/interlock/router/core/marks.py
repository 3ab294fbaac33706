"""What may never go back, restarts included (S3): the trust root, terms, orders, policies, registrations, denials.

Marks are written to disk before what they stand for is applied. They are plain text pairs, so that any store can keep them;
`unsaved` is what must be written.
"""

from __future__ import annotations  # rpds maps cannot be subscripted at run time

from dataclasses import dataclass, replace

from rpds import HashTrieMap

from interlock.vocabulary.identifiers import Order, RouteId


@dataclass(frozen=True, slots=True)
class Marks:
    """The highest of everything that was ever verified here."""

    values: HashTrieMap[str, str] = HashTrieMap()  # noqa: RUF009 - immutable
    unsaved: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, values: dict[str, str]) -> Marks:
        """The marks that a store kept.

        Raises:
            ValueError: One of them is none.
        """
        for key, value in values.items():
            if not (
                isinstance(key, str) and isinstance(value, str)
            ):  # SQLite keeps other things in a column of text, too
                raise ValueError("a mark is no text")
            if key.startswith("order/"):
                parse_order(value.partition(" ")[0])
            elif key.startswith("term/"):
                parse_order(value)
            else:
                int(value)
        return cls(HashTrieMap(values))

    def put(self, key: str, value: str) -> Marks:
        """Marks with one more; the same value again is nothing new."""
        if self.values.get(key) == value:
            return self
        return Marks(self.values.insert(key, value), (*self.unsaved, (key, value)))

    def saved(self) -> Marks:
        """The marks after they were written."""
        return replace(self, unsaved=())

    def number(self, key: str) -> int:
        """A mark that is a number; 0 if there is none."""
        return int(self.values.get(key) or 0)

    def put_highest(self, key: str, value: int) -> Marks:
        """Marks in which a number has been at least so high."""
        return self.put(key, str(max(value, self.number(key))))

    def order(self, route: RouteId) -> tuple[Order, str] | None:
        """The highest order of a route, and the event id (hex) of the change that bore it."""
        text = self.values.get(f"order/{route.key}")
        if text is None:
            return None
        order, _, event_id = text.partition(" ")
        return parse_order(order), event_id

    def put_order(self, route: RouteId, order: Order, event_id: bytes) -> Marks:
        """Marks in which a route has been ordered that far."""
        return self.put(f"order/{route.key}", f"{order} {event_id.hex()}")

    def term(self, shard: int) -> Order:
        """The highest (root version, term) of a shard; the last part is 0."""
        return parse_order(self.values.get(f"term/{shard}") or "0.-1.0")

    def put_term(self, shard: int, order: Order) -> Marks:
        """Marks in which a shard has been ruled that far."""
        term = Order(order.root, order.term, 0)
        return self.put(f"term/{shard}", str(term)) if term > self.term(shard) else self


def parse_order(text: str) -> Order:
    """Read an order as it is printed.

    Raises:
        ValueError: It is none.
    """
    root, term, version = text.split(".")
    return Order(int(root), int(term), int(version))
