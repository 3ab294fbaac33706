"""How far a figure from a sample may be off: intervals for shares and for the quantiles of a latency.

Few calls prove little: no fault in 5 calls is what a model that fails in every third one shows in an eighth of the cases. So a figure
that a person will judge by comes with the range that would hold the true one in about 95 of 100 such samples, if calls were
alike and independent: a quantile in 95 at least; a share in 95 on average over all shares that there may be, but one that is next to
none or all in no fewer than 83. Calls are neither quite: an outage's fail together. The true range is then wider, never narrower.

Sources: E. B. Wilson, "Probable inference", JASA 1927 (the score interval); H. A. David, H. N. Nagaraja, "Order Statistics", 2003,
section 7.1 (the interval for a quantile, which assumes nothing of the distribution).
"""

import math
from collections.abc import Mapping
from itertools import accumulate

from interlock.records.sketch import at_rank

CONFIDENCE = 0.95
"""The share of samples whose interval holds the true value."""

_Z = 1.959964
_OUTSIDE = (1 - CONFIDENCE) / 2
_EXACT_CALLS_MAX = 1_000
"""Up to here the binomial sum is done; beyond, the normal curve is closer than a rank."""


def share_between(hits: int, calls: int) -> tuple[float, float] | None:
    """Wilson's interval for the share of calls of which `hits` were counted; None without calls."""
    if calls <= 0:
        return None
    share, spread = hits / calls, _Z * _Z / calls
    middle = share + spread / 2
    half = math.sqrt(spread * (share * (1 - share) + spread / 4))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread) if hits < calls else 1.0


def quantile_between(counts: Mapping[int, int], q: float) -> tuple[float | None, float | None]:
    """The interval for the q-quantile of what a sketch counts, seconds; None where the sample is too small to bound that side."""
    low, high = ranks(sum(counts.values()), q)
    return at_rank(counts, low) if low else None, at_rank(counts, high)


def ranks(values: int, q: float) -> tuple[int, int]:
    """Between which two of the values in their order, 1 …, the q-quantile lies; 0 or one too many: no value bounds it there.

    The number of values below the quantile is binomial with n = `values` and p = `q`.
    """
    if values > _EXACT_CALLS_MAX:
        reach = _Z * math.sqrt(values * q * (1 - q))
        return max(math.floor(values * q - reach), 0), min(math.ceil(values * q + reach), values) + 1
    below = list(accumulate(_binomial(values, q, hits) for hits in range(values + 1)))
    return sum(part <= _OUTSIDE for part in below), 1 + sum(part < 1 - _OUTSIDE for part in below)


def _binomial(n: int, p: float, hits: int) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(hits + 1) - math.lgamma(n - hits + 1)
    return math.exp(ways + hits * math.log(p) + (n - hits) * math.log(1 - p))
