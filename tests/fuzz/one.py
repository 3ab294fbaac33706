"""One target under the fuzzer, in a process of its own: `python one.py TARGET STATUS [libFuzzer's arguments]`; `run.py` starts it.

Beside libFuzzer's bounds (`-timeout`: seconds on the wall clock after which an input counts as endless; `-rss_limit_mb`: memory of
the process) two are kept here for each single input, because they hold on a busy machine, too: the processor's time, and by how much
the input raises the most memory that the process ever had. What breaks one is a crash like any other.
"""

import json
import os
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import atheris

from fuzz.decoders import DECODERS

CPU_S_MAX = 1.0
"""What one input may take of the processor: a thousand times what a usual one takes."""

MEMORY_MB_MAX = 64
"""What one input may add to the process's memory: none is longer than 8 KiB, and a claim of more must not be believed."""


class Watch:
    """Runs inputs, and writes down the slowest and the hungriest of them whenever that is another."""

    def __init__(self, target, status: Path) -> None:
        self._target = target
        self._status = status
        self._slowest_s = self._grown_mb = 0.0
        self._inputs = 0

    def feed(self, data: bytes) -> None:
        """Run one input; what happens outside the decoder between two inputs is not counted."""
        before = resource.getrusage(resource.RUSAGE_SELF)
        self._target.feed(data)
        after = resource.getrusage(resource.RUSAGE_SELF)
        self._inputs += 1
        took_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        grown_mb = (after.ru_maxrss - before.ru_maxrss) / 1024
        if self._inputs > 1 and (took_s > self._slowest_s or grown_mb > self._grown_mb):  # the first fills caches
            self._slowest_s, self._grown_mb = max(took_s, self._slowest_s), max(grown_mb, self._grown_mb)
            self._write()
            if took_s > CPU_S_MAX or grown_mb > MEMORY_MB_MAX:
                raise AssertionError(f"one input of {len(data)} bytes took {took_s:.1f} s and {grown_mb:.0f} MB")

    def _write(self) -> None:
        told = {"slowest_ms": round(1e3 * self._slowest_s, 2), "grown_mb": round(self._grown_mb, 1)}
        self._status.write_text(json.dumps(told), "utf-8")


def main() -> None:
    """Instrument the target's decoders, and fuzz."""
    name, status, *arguments = sys.argv[1:]
    own = [f"interlock.{decoder.module}" for decoder in DECODERS if decoder.target == name]
    with atheris.instrument_imports(include=[*own, *_guides(name)]):
        from fuzz.chance import Dice  # noqa: PLC0415
        from fuzz.targets import load  # noqa: PLC0415

        target = load(name)
        target.feed(target.seeds()[0])

    def mutate(data: bytes, size_max: int, seed: int) -> bytes:
        dice = Dice(seed)
        if dice.once_in(3):
            return atheris.Mutate(data, size_max)
        return target.mutate(data, dice)[:size_max]

    how = {"custom_mutator": mutate} if target.mutate else {}
    atheris.Setup([sys.argv[0], *arguments], Watch(target, Path(status)).feed, **how)
    atheris.Fuzz()


def _guides(name: str) -> list[str]:
    """What the target names beside its decoders; told by the environment, since reading the target would import them."""
    return [module for module in os.environ.get("FUZZ_GUIDE", "").split(",") if module]


if __name__ == "__main__":
    main()
