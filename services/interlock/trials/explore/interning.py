"""Values as small numbers: equal values have one number, so that a state of the whole is a tuple of numbers."""

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Interner(Generic[T]):
    """Numbers values by their keys; the first value of a key stands for all that are equal to it."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._values: list[T] = []

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, number: int) -> T:
        return self._values[number]

    def number(self, key: Hashable, value: T) -> int:
        """The number of a value.

        Args:
            key: Everything that matters about it.
            value: The value.
        """
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self._values)
            self._values.append(value)
        return found
