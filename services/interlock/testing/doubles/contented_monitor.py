"""A health-monitor that is content with everything that answers at all: no model is ever slow, and none fails too often.

It shows that degradation is noticed as such: with this one, an agent stays where it is until its model is dead.

    python -m interlock.testing.doubles.contented_monitor SETTINGS
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from interlock.health_monitor.__main__ import run
from interlock.health_monitor.core.detector import Judgement
from interlock.health_monitor.core.errors import Errors
from interlock.health_monitor.core.latency import Latency
from interlock.records.health import Level
from interlock.vocabulary.time import Micros

D = TypeVar("D", Errors, Latency)


def _content(honest: Callable[[D, Micros], Judgement]) -> Callable[[D, Micros], Judgement]:
    def judge(detector: D, now: Micros) -> Judgement:
        judgement = honest(detector, now)
        return judgement._replace(level=Level.HEALTHY) if judgement.level is Level.DEGRADED else judgement

    return judge


def be_content() -> None:
    """Replace the two judgements in this process."""
    setattr(Errors, "judge", _content(Errors.judge))  # noqa: B010 - the checker knows that classes are not for this
    setattr(Latency, "judge", _content(Latency.judge))  # noqa: B010 - likewise


if __name__ == "__main__":
    be_content()
    sys.exit(run(Path(sys.argv[1])))
