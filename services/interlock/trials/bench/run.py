"""`interlock bench decide`: one decision beside its signature, then a fleet whose model dies and whose owners start again."""

import asyncio
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.records.sealing import decode_envelope
from interlock.runtime.clock import SystemClock
from interlock.runtime.memory_bus import MemoryBroker
from interlock.signing.envelope import Envelope, pae
from interlock.testing.builders import Deployment
from interlock.trials.bench import recorded
from interlock.trials.bench.fleet import OWNER, Fleet, Progress, deployment_of
from interlock.trials.bench.one import measure
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.time import SECOND

_SIGNING_S = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: the rounds of one decision, and the agents of the fleet; 0: no fleet."""

    rounds: int
    agents: int


def run(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Measure; the figures by name."""
    progress("one decision", 0, plan.rounds)
    one = measure(plan.rounds)
    figures: dict[str, Any] = {
        "decide_us": round(one.decide_us, 1),
        "sign_us": round(one.sign_us, 1),
        "ratio": round(one.ratio, 2),
        "change_bytes": one.change_bytes,
    }
    return figures | (_fleet(plan.agents, progress) if plan.agents else {})


def _fleet(agents: int, progress: Progress) -> dict[str, Any]:
    made_at = SystemClock().now().wall
    deployment, broker = deployment_of(agents, made_at), MemoryBroker()
    death = asyncio.run(Fleet(deployment, broker, progress).live_and_die())
    signatures = signatures_per_s(deployment, death.change)
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder:
        path = Path(folder) / "records"
        recorded.write(broker, path)
        del broker
        started = {
            source: _restarted([str(path), str(agents), str(made_at), source], progress) for source in ("state", "log")
        }
    changes = agents / death.moved_s
    return {
        "agents": agents,
        "bus": "memory",
        "moved_s": round(death.moved_s, 2),
        "changes_per_s": round(changes),
        "signatures_per_s": round(signatures),
        "share_of_signing_rate": round(changes / signatures, 3),
        "memory_bytes_per_agent": round(started["state"]["bytes"] / agents),
        "start_from_state_s": round(started["state"]["seconds"], 2),
        "start_from_state_log_records": started["state"]["records"],
        "start_from_log_s": round(started["log"]["seconds"], 2),
        "start_from_log_log_records": started["log"]["records"],
    }


def signatures_per_s(deployment: Deployment, change: bytes) -> float:
    """The bare signing rate of this process: Ed25519 over the bytes of one change, for a second."""
    envelope = decode_envelope(change)
    assert isinstance(envelope, Envelope)
    message, key = pae(envelope.payload_type, envelope.payload), deployment.key(OWNER)
    clock = SystemClock()
    begun, made = clock.now().boot, 0
    while (took := clock.now().boot - begun) < _SIGNING_S * SECOND:
        key.signature(message)
        made += 1
    return made * SECOND / took


def _restarted(arguments: list[str], progress: Progress) -> dict[str, Any]:
    """Start again in a new process.

    Raises:
        InvariantError: It failed, or was not made from what it should be made from.
    """
    source = arguments[-1]
    progress(f"starting again from the {source}", 0, 1)
    command = [sys.executable, "-m", "interlock.trials.bench.restarted", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    figures: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    if figures.get("sources") != [source]:
        raise InvariantError(f"A start from the {source} failed: {done.stderr[-500:]}", "Report it as a bug.")
    progress(f"starting again from the {source}", 1, 1)
    return figures
