"""Chance that can be repeated: a seed in, the same inputs out, on every Python. It chooses inputs for the smoke test and mutations."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1

INTEGERS = (0, 1, -1, 2, 63, 64, 127, 128, 255, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**62, 2**63 - 1, -(2**63))
"""Where integers turn into others."""


class Dice:
    """SplitMix64, by Steele, Lea and Flood: a few lines, and good enough to choose."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def below(self, bound: int) -> int:
        """A whole number from 0 to below the bound, which is 1 or more."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % bound

    def once_in(self, times: int) -> bool:
        """True once in so many times."""
        return self.below(times) == 0

    def one_of(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.below(len(choices))]

    def bytes(self, count: int) -> bytes:
        """So many bytes."""
        return bytes(self.below(256) for _ in range(count))


def damaged(data: bytes, dice: Dice, tokens: Sequence[bytes] = ()) -> bytes:
    """The bytes with one to four of these done to them: bits flipped, bytes put in, cut out, said twice, cut off; words put in."""
    found = bytearray(data)
    for _ in range(1 + dice.below(4)):
        at, length = dice.below(len(found) + 1), 1 + dice.below(8)
        match dice.below(7 if tokens else 6):
            case 0 if at < len(found):
                found[at] ^= 1 << dice.below(8)
            case 1 if at < len(found):
                found[at] = dice.below(256)
            case 2:
                found[at:at] = dice.bytes(length)
            case 3:
                del found[at : at + length]
            case 4:
                found[at:at] = found[dice.below(len(found) + 1) :][: 8 * length]
            case 5:
                del found[at:]
            case 6:
                found[at:at] = dice.one_of(tokens)
    return bytes(found)
