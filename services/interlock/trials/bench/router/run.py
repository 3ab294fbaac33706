"""`interlock bench router`: single records beside their signature's verification, then a router that begins with many routes."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.runtime.bus import Position
from interlock.runtime.clock import SystemClock
from interlock.runtime.memory_bus import MemoryBroker
from interlock.trials.bench import recorded
from interlock.trials.bench.router.fleet import CANARY, PRIMARY, STOPPED, Fleet
from interlock.trials.bench.router.judged import Beside, measure
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.time import Micros
from interlock.wire.topics import POLICIES, ROUTES

_TOLD_EACH = 500

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: the rounds of single records, and the routes of the start."""

    rounds: int
    routes: int


def run(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Measure; the figures by name."""
    made_at = SystemClock().now().wall
    progress("single records", 0, 1)
    changes, heartbeats = measure(plan.rounds, made_at)
    progress("single records", 1, 1)
    started = _started(plan.routes, made_at, progress)
    resolved = started["resolve_us"]
    return {
        "rounds": plan.rounds,
        "routes": plan.routes,
        "bus": "memory",
        "resolve_us": round(resolved["all"], 2),
        "resolve_first_us": round(resolved["first"], 2),
        "resolve_us_by_kind": {kind: round(resolved[kind], 2) for kind in (PRIMARY, CANARY, STOPPED)},
        "accept": _told(changes),
        "heartbeat": _told(heartbeats),
        "cold_start_s": round(started["seconds"], 2),
        "cold_start_cpu_s": round(started["cpu_s"], 2),
        "acknowledged_s": round(started["said_s"], 2),
        "acknowledgements": started["acknowledgements"],
        "memory_bytes_per_route": round(started["bytes"] / plan.routes),
    }


def _told(beside: Beside) -> dict[str, Any]:
    return {
        "us": round(beside.work_us, 1),
        "verify_us": round(beside.verify_us, 1),
        "ratio": round(beside.verifications, 2),
        "per_s": round(beside.per_s),
        "verify_per_s": round(1_000_000 / beside.verify_us),
    }


def _started(routes: int, made_at: Micros, progress: Progress) -> dict[str, Any]:
    """Sign everything, and start on it in a new process.

    Raises:
        InvariantError: It failed, or did not come to hold all of it.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder:
        _write(Fleet(routes, made_at), Path(folder), progress)
        progress("starting with all of it", 0, 1)
        command = [sys.executable, "-m", "interlock.trials.bench.router.started", folder, str(routes), str(made_at)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    figures: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    if figures.get("held") != routes:
        raise InvariantError(f"A router's start failed: {done.stderr[-500:]}", "Report it as a bug.")
    progress("starting with all of it", 1, 1)
    return figures


def _write(fleet: Fleet, folder: Path, progress: Progress) -> None:
    """Write every record of the fleet, and the heads over them."""
    broker = MemoryBroker()
    for number, (policy, shard, change) in enumerate(fleet.each()):
        broker.append(Position(POLICIES.name, 0), f"policy/a{number}".encode(), policy)
        broker.append(Position(ROUTES.name, shard), f"a{number}/main/*".encode(), change)
        if number % _TOLD_EACH == 0:
            progress("signing", number, fleet.routes)
    progress("signing", fleet.routes, fleet.routes)
    recorded.write(broker, folder / "records")
    heads = [head.root.hex() for head in fleet.routes_heads.values()]
    (folder / "heads").write_text(json.dumps({"policies": fleet.policies_head.root.hex(), "routes": heads}), "utf-8")
