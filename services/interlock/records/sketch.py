"""Latencies as counts in logarithmic buckets: mergeable by addition, with a bounded relative error.

The idea is DDSketch's (Masson, Rim, Lee: "DDSketch", VLDB 2019): bucket i holds (g^(i-1), g^i]. With g = 1.02 a value read back
is within 1 % of the one put in. Two sketches are merged by adding their counts, so nobody has to agree on anything beforehand.
"""

import math
from collections.abc import Mapping

GAMMA = 1.02
_LOG_GAMMA = math.log(GAMMA)
_SHORTEST_S = 1e-6


def bucket(latency_s: float) -> int:
    """The bucket of a latency in seconds; anything below a microsecond counts as one."""
    return math.ceil(math.log(max(latency_s, _SHORTEST_S)) / _LOG_GAMMA)


def above(counts: Mapping[int, int], limit_s: float) -> int:
    """How many values are above a limit; those in the limit's own bucket count as not above."""
    last = bucket(limit_s)
    return sum(count for place, count in counts.items() if place > last)


def quantile(counts: Mapping[int, int], q: float) -> float | None:
    """The q-quantile (0 to 1) in seconds, within 1 %; None without values."""
    return at_rank(counts, math.floor(q * max(sum(counts.values()) - 1, 0)) + 1)


def at_rank(counts: Mapping[int, int], rank: int) -> float | None:
    """The value at a place in their order, 1 …, in seconds, within 1 %; None if there are not so many."""
    passed = 0
    for place in sorted(counts):
        passed += counts[place]
        if passed >= rank:
            return float(2 * GAMMA**place / (1 + GAMMA))
    return None
