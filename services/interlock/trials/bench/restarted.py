"""Starting again on what a fleet left, in a process of its own: how long it takes, and what it holds in memory.

    python -m interlock.trials.bench.restarted RECORDS AGENTS MADE_AT state|log

The process reads the records into a broker of its own, then starts the owners of all shards, and ends when each has said so in a
heartbeat. Memory is what the process has grown by; whoever reads gets bytes of his own, as from a network.
"""

import asyncio
import gc
import json
import resource
import sys
from pathlib import Path
from typing import Any

from interlock.records.health import Level
from interlock.runtime import logs
from interlock.runtime.bus import Position, Record
from interlock.runtime.clock import SystemClock
from interlock.runtime.memory_bus import MemoryBroker
from interlock.runtime.metrics import Metrics
from interlock.testing.builders import Deployment
from interlock.trials.bench import recorded
from interlock.trials.bench.fleet import deciding, deployment_of
from interlock.trials.bench.one import LADDER
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import STATE

_STATM = Path("/proc/self/statm")
_LOOK_S = 0.01


class NetworkBroker(MemoryBroker):
    """Copies what it hands out, as a network does."""

    def fetch(self, where: Position, offset: int, limit: int) -> list[Record]:
        """Records from an offset on, their values copied."""
        return [
            Record(*where, each.offset, each.key, bytes(memoryview(each.value or b"")), each.timestamp_ms, each.trace)
            for each in super().fetch(where, offset, limit)
        ]


async def start(deployment: Deployment, broker: MemoryBroker) -> dict[str, Any]:
    """Start the owners of all shards; seconds until each had beaten, bytes by which the process grew, and what they read."""
    clock, metrics = SystemClock(), Metrics("bench")
    gc.collect()
    before, begun = resident_bytes(), clock.now().boot
    async with deciding(deployment, broker, metrics) as (owners, health):
        health.say(**{LADDER[0]: Level.UNAVAILABLE}, **dict.fromkeys(LADDER[1:], Level.HEALTHY))
        while not all(owner.live for owner in owners):  # noqa: ASYNC110 - an owner tells nobody of its heartbeats
            await asyncio.sleep(_LOOK_S)
        seconds = (clock.now().boot - begun) / SECOND
        gc.collect()
        grown = resident_bytes() - before
    return {"seconds": seconds, "bytes": grown, **_read(metrics)}


def resident_bytes() -> int:
    """What of this process is in memory now; where the system does not tell, the most that ever was."""
    if _STATM.exists():
        return int(_STATM.read_text("utf-8").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _read(metrics: Metrics) -> dict[str, Any]:
    """From what the starts were made, and how many records of the log they read."""
    lines = metrics.render().decode().splitlines()
    sources = {source for source in ("state", "log") if any(f'source="{source}"' in line for line in lines)}
    records = sum(float(line.split()[-1]) for line in lines if line.startswith("interlock_decision_start_records"))
    return {"sources": sorted(sources), "records": int(records)}


def main(path: str, agents: str, made_at: str, source: str) -> None:
    """Start on the records in a file; without the state topic, if the source is the log."""
    logs.configure("bench", level="error")
    deployment = deployment_of(int(agents), Micros(int(made_at)))
    broker = recorded.read(Path(path), NetworkBroker(), without=() if source == "state" else (STATE.name,))
    sys.stdout.write(json.dumps(asyncio.run(start(deployment, broker))))


if __name__ == "__main__":
    main(*sys.argv[1:])
