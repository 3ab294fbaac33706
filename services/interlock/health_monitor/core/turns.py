"""In which order records are looked at when there may not be time for all of them. Pure.

Telemetry is verified at some three megabytes a second; who sends more, by mistake or on purpose, must not keep the others from being
heard. So the keys take turns, those of models and guards that are judged before all others (`Monitor.judges`): a flood under one model's key
costs that model alone its evidence. A key is the writer's own word, which is why nothing but the order rests on it; what floods under
every key is shed in equal parts.
"""

from collections.abc import Callable, Hashable, Iterable
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")


def in_turn(records: Iterable[T], key: Callable[[T], Hashable]) -> list[T]:
    """The records, one of each key, then the second of each, and so on; those of one key in their order."""
    by_key: dict[Hashable, list[T]] = {}
    for record in records:
        by_key.setdefault(key(record), []).append(record)
    turns = zip_longest(*by_key.values())
    return [record for turn in turns for record in turn if record is not None]
