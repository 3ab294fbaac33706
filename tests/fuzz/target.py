"""What a fuzz target is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fuzz.chance import Dice, damaged

Mutate = Callable[[bytes, Dice], bytes]


def broken(why: str) -> AssertionError:
    """What a decoder did that it never may."""
    return AssertionError(why)


@dataclass(frozen=True, slots=True)
class Target:
    """Feeds some decoders, and knows what they may answer.

    Attributes:
        name: As `decoders.DECODERS` names it.
        feed: Takes any bytes; raises if a decoder raises what it does not document, or answers what it may not.
        seeds: Genuine inputs to begin with.
        mutate: Changes an input so that it stays well-formed most of the time; None: bytes are all there is to change.
        tokens: Words that the format knows.
        guide: Modules beside those of its decoders whose coverage guides the fuzzer.
        bytes_max: The longest input.
    """

    name: str
    feed: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    mutate: Mutate | None = None
    tokens: Sequence[bytes] = ()
    guide: Sequence[str] = ()
    bytes_max: int = 4_096

    def input(self, dice: Dice, seeds: Sequence[bytes]) -> bytes:
        """One input without a fuzzer: a genuine one, changed one to four times, or bytes of chance once in sixteen."""
        if dice.once_in(16):
            return dice.bytes(dice.below(64))
        data = dice.one_of(seeds)
        for _ in range(1 + dice.below(4)):
            well_formed = self.mutate is not None and not dice.once_in(3)
            data = self.mutate(data, dice) if well_formed else damaged(data, dice, self.tokens)
        return data[: self.bytes_max]
