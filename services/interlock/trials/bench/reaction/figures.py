"""What is made of the times: medians and 99th percentiles, their ratio to three bare hops, and where the time went."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import Any

from interlock.trials.bench.reaction.line import Reaction
from interlock.vocabulary.time import Micros
from interlock.wire.topics import AUDIT, ROUTES, VERDICTS

_MS = 1_000

WAY = (
    ("verdict read", f"decision read {VERDICTS.name}"),
    ("verified", "decision verified"),
    ("decided", "decision decided"),
    ("sealed", f"decision appending {AUDIT.name}"),
    ("audit acknowledged", f"decision appended {AUDIT.name}"),
    ("order handed over", f"decision appending {ROUTES.name}"),
    ("order read", f"router read {ROUTES.name}"),
    ("order judged", "router judged"),
    ("mark on disk", "router on disk"),
    ("enforced", "router enforced"),
)
"""The points on the way, from the publication of the verdict on, and how the services call them."""


def figures(two: Sequence[Micros], three: Sequence[Micros], reactions: Sequence[Reaction]) -> dict[str, Any]:
    """The figures by name.

    Args:
        two: How long each record took over two bare hops.
        three: Over three.
        reactions: What followed from each verdict.
    """
    bare, own = _times(three), _times([_took(reaction) for reaction in reactions])
    return {
        "rounds": len(reactions),
        "bare_2_hops": _times(two),
        "bare_3_hops": bare,
        "interlock": own,
        "ratio_p50": round(own["p50_ms"] / bare["p50_ms"], 2),
        "ratio_p99": round(own["p99_ms"] / bare["p99_ms"], 2),
        "bytes": dict(zip(("verdict", "audit", "order"), reactions[-1].sizes, strict=True)),
        "profile": _profile(reactions),
    }


def _took(reaction: Reaction) -> Micros:
    return Micros(reaction.moments[WAY[-1][1]] - reaction.published)


def _profile(reactions: Sequence[Reaction]) -> dict[str, dict[str, float]]:
    """How long it took from each point to the next."""
    ways = [[each.published, *(each.moments[what] for _, what in WAY)] for each in reactions]
    steps = zip(*([Micros(end - begin) for begin, end in pairwise(way)] for way in ways), strict=True)
    return {name: _times(list(took)) for (name, _), took in zip(WAY, steps, strict=True)}


def _times(took: Sequence[Micros]) -> dict[str, float]:
    ordered = sorted(took)
    return {f"p{share}_ms": round(ordered[ceil(len(ordered) * share / 100) - 1] / _MS, 3) for share in (50, 99)}
