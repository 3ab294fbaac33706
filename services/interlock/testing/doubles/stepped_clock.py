"""Any service, on a machine whose civil time is set by hand while it runs: what a slip of the administrator or of a time server does.

The file beside the service's settings with the suffix `.clock` says by how many seconds; without it the time is right. Everything in
the process that asks for civil time is told so, the Kafka client too; time since boot goes on as ever, as it does on a real machine.

It shows what a wrong clock can and cannot bring about. Not run by itself: see `beset`.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

MODULES: Mapping[str, str] = {
    "health-monitor": "interlock.health_monitor",
    "probe": "interlock.health_monitor.probe",
    "decision": "interlock.decision",
    "notifier": "interlock.notifier",
    "watch": "interlock.watch",
    "gateway": "interlock.router.gateway",
}
"""What runs, by the beginning of the settings' name: a second instance may be called `decision-2`."""

_LOOK_NS = 50_000_000
"""How often the file is looked at: civil time is asked for thousands of times a second."""


class Step:
    """By how much civil time is wrong, as a file says.

    Args:
        path: The file; it need not be there.
        elapsed_ns: Time that nobody sets.
    """

    def __init__(self, path: Path, elapsed_ns: Callable[[], int] = time.monotonic_ns) -> None:  # noqa: TID251 - it is the clock
        self._path = path
        self._elapsed_ns = elapsed_ns
        self._read_at: int | None = None
        self._by_ns = 0

    @property
    def by_ns(self) -> int:
        """Nanoseconds."""
        now = self._elapsed_ns()
        if self._read_at is None or now - self._read_at >= _LOOK_NS:
            self._read_at, self._by_ns = now, round(float(self._said() or 0) * 1e9)
        return self._by_ns

    def _said(self) -> str:
        return self._path.read_text("utf-8").strip() if self._path.is_file() else ""


def step_file(settings: Path) -> Path:
    """The file that says how wrong the clock of the service with these settings is."""
    return settings.with_suffix(".clock")


def set_wrong(settings: Path, seconds: float) -> None:
    """Set the clock of the service with these settings: 0 is right. Renamed into place, so that no half of it is ever read."""
    path = step_file(settings)
    written = path.with_suffix(".written")
    written.write_text(f"{seconds:g}", "utf-8")
    written.replace(path)


def module_of(settings: Path) -> str:
    """What runs with these settings.

    Raises:
        KeyError: No service has settings of this name.
    """
    named = max((name for name in MODULES if settings.stem.startswith(name)), key=len, default=settings.stem)
    return MODULES[named]


def be_wrong(step: Step) -> None:
    """Replace civil time in this process, before anybody has asked for it."""
    honest_ns, honest_clock, honest_clock_ns = time.time_ns, time.clock_gettime, time.clock_gettime_ns  # noqa: TID251

    def clock_ns(which: int) -> int:
        return honest_clock_ns(which) + (step.by_ns if which == time.CLOCK_REALTIME else 0)

    def clock(which: int) -> float:
        return honest_clock(which) + (step.by_ns / 1e9 if which == time.CLOCK_REALTIME else 0)

    time.time_ns = lambda: honest_ns() + step.by_ns  # noqa: TID251 - replaced, not asked
    time.time = lambda: (honest_ns() + step.by_ns) / 1e9  # noqa: TID251 - likewise
    time.clock_gettime, time.clock_gettime_ns = clock, clock_ns  # noqa: TID251 - likewise
