"""Runs the fuzz targets, one process after the other, and prints what came of each: `make fuzz`.

    python run.py [TARGET …] [--runs N] [--seconds S] [--json] [--record FILE]
    python run.py --replay TARGET FILE

Each target ends after so many inputs, or so many seconds if those are over first. What was found to reach new code is kept under
`.fuzz/corpus` and is where the next run begins; `make clean` removes it. A crash is kept under `.fuzz/crashes`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.target import Target
from fuzz.targets import NAMES, load

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".fuzz"
RUNS = 20_000
SECONDS = 20
WALL_S_MAX = 20
"""libFuzzer's `-timeout`: an input that is not done by then is endless. On a busy machine others take time, too."""

RSS_MB_MAX = 1_024
"""libFuzzer's `-rss_limit_mb`: five times what a process with everything imported takes."""

_PROGRESS = re.compile(r"^#(\d+)\s+(\w+)\s+cov: (\d+) ft: (\d+)")
_PEAK = re.compile(r"^stat::peak_rss_mb:\s+(\d+)")
_BEGIN, _END = "<!-- record: begin -->", "<!-- record: end -->"


@dataclass(slots=True)
class Ran:
    """What came of one target.

    Attributes:
        inputs: How many were run.
        seconds: How long that took, starting included.
        coverage_before: Edges that the genuine inputs reach, in the code that guides; `coverage` with those that were found.
        slowest_ms: What the slowest input took of the processor; `grown_mb` what the hungriest added to the process's memory.
        peak_mb: The most memory that the process ever had.
        crash: The input that broke something; None: none did.
        said: The end of what the process said, if it did not end well.
    """

    target: str
    inputs: int = 0
    seconds: float = 0.0
    coverage_before: int = 0
    coverage: int = 0
    slowest_ms: float = 0.0
    grown_mb: float = 0.0
    peak_mb: int = 0
    crash: str | None = None
    said: str = ""

    @property
    def failed(self) -> bool:
        """Whether it crashed, or did not run at all."""
        return self.crash is not None or bool(self.said)


def fuzz(name: str, runs: int, seconds: int) -> Ran:
    """Run one target in a process of its own."""
    target = load(name)
    corpus, crashes, status = _places(target)
    command = [
        *(sys.executable, str(Path(__file__).with_name("one.py")), name, str(status)),
        *(f"-runs={runs}", f"-max_total_time={seconds}" if seconds else "-max_total_time=0"),
        *(f"-max_len={target.bytes_max}", "-len_control=0", f"-timeout={WALL_S_MAX}", f"-rss_limit_mb={RSS_MB_MAX}"),
        *(f"-artifact_prefix={crashes}/", "-print_final_stats=1", "-seed=20260528"),
        *([f"-dict={corpus.parent / name}.dict"] if target.tokens else []),
        str(corpus),
    ]
    ran, tail, began = Ran(name), [], datetime.now(UTC)
    environment = {**os.environ, "FUZZ_GUIDE": ",".join(target.guide), "PYTHONHASHSEED": "0"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, errors="replace") as process:
        assert process.stderr is not None
        for line in process.stderr:
            tail = [*tail[-30:], line]
            _note(ran, line)
    ran.seconds = round((datetime.now(UTC) - began).total_seconds(), 1)
    if status.is_file():
        told = json.loads(status.read_text("utf-8"))
        ran.slowest_ms, ran.grown_mb = told["slowest_ms"], told["grown_mb"]
    if process.returncode != 0:
        late = [path for path in crashes.glob("[!s]*") if path.stat().st_mtime >= began.timestamp()]  # no `slow-unit-…`
        found = sorted(late, key=lambda path: path.stat().st_mtime)
        ran.crash = str(found[-1].relative_to(ROOT)) if found else None
        ran.said = "".join(tail)
    return ran


def _places(target: Target) -> tuple[Path, Path, Path]:
    """Where a target's inputs, crashes and figures are; the genuine inputs are put there."""
    corpus, crashes = KEPT / "corpus" / target.name, KEPT / "crashes" / target.name
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"genuine-{number}").write_bytes(seed)
    words = ("".join(f"\\x{byte:02x}" for byte in token) for token in target.tokens)
    (corpus.parent / f"{target.name}.dict").write_text("".join(f'"{word}"\n' for word in words), "utf-8")
    status = KEPT / f"{target.name}.json"
    status.unlink(missing_ok=True)
    return corpus, crashes, status


def _note(ran: Ran, line: str) -> None:
    if progress := _PROGRESS.match(line):
        ran.inputs, ran.coverage = int(progress[1]), int(progress[3])
        if progress[2] == "INITED":
            ran.coverage_before = ran.coverage
        if sys.stderr.isatty():
            print(f"\r{ran.target:<24} {ran.inputs:>10,} inputs, {ran.coverage} edges ", end="", file=sys.stderr)
    elif peak := _PEAK.match(line):
        ran.peak_mb = int(peak[1])


def table(done: Sequence[Ran]) -> str:
    """What came of each target, as a table of Markdown."""
    lines = [
        "| target | inputs | seconds | edges reached, by genuine inputs → in all | slowest input, CPU ms | most memory, MB | crashes |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| `{ran.target}` | {ran.inputs:,} | {ran.seconds:.0f} | {ran.coverage_before} → {ran.coverage} "
        f"| {ran.slowest_ms:.1f} | {ran.peak_mb} (+{ran.grown_mb:.1f}) | {int(ran.failed)} |"
        for ran in done
    ]
    return "\n".join(lines)


def record(done: Sequence[Ran], file: Path) -> None:
    """Write the table into a page, in place of the one that stands between its marks; lines of other targets stay.

    A target that somebody stopped in its course, or that did not start, does not belong there.
    """
    text = file.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    held, _, after = rest.partition(_END)
    rows = {line.split("`")[1]: line for line in held.splitlines() if line.startswith("| `")}
    head, rule, *new = table([each for each in done if each.crash or not each.said]).splitlines()
    rows |= {line.split("`")[1]: line for line in new}
    body = "\n".join([head, rule, *(rows[name] for name in NAMES if name in rows)])
    file.write_text(f"{before}{_BEGIN}\n\n{body}\n\n{_END}{after}", "utf-8")


def replay(name: str, file: Path) -> None:
    """Run one input once, without the fuzzer: what is wrong with it is raised."""
    load(name).feed(file.read_bytes())
    print(f"{name}: nothing is wrong with {file}.")


def main() -> int:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(description="Fuzz the decoders.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"some of: {', '.join(NAMES)}; by default all")
    parser.add_argument("--runs", type=int, default=RUNS, help="inputs for each target")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="at most so long for each target; 0: no bound")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the table into this page, target by target")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "FILE"), help="run one input, without the fuzzer")
    asked = parser.parse_args()
    if asked.replay:
        replay(asked.replay[0], Path(asked.replay[1]))
        return 0
    if unknown := set(asked.targets) - set(NAMES):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    done: list[Ran] = []
    for name in asked.targets or NAMES:
        ran = fuzz(name, asked.runs, asked.seconds)
        done.append(ran)
        _tell(ran)
        if asked.record:
            record(done, asked.record)
    print(json.dumps({"targets": [asdict(ran) for ran in done]}, indent=2) if asked.json else table(done))
    return int(any(ran.failed for ran in done))


def _tell(ran: Ran) -> None:
    """One line on standard error; of a crash what the process said, and how to see it again."""
    line = f"{ran.target:<24} {ran.inputs:>10,} inputs, {ran.seconds:.0f} s, {ran.coverage} edges, slowest {ran.slowest_ms} ms"
    print(("\r" if sys.stderr.isatty() else "") + line, file=sys.stderr, flush=True)
    if ran.failed:
        again = f"crashed: {ran.crash}\n  -> make fuzz REPLAY='{ran.target} {ran.crash}'"
        came = again if ran.crash else "did not run to its end, and no input was kept: run it again"
        print(f"{ran.said}\nerror: {ran.target} {came}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
