"""Every kill there is, one story each, or one of them again: see `interlock.testing.killing`. Exit code 1: something is wrong."""

import argparse
import logging
import sys
from collections.abc import Sequence

import structlog

from interlock.testing.killing.strikes import Strike
from interlock.testing.killing.trial import PAUSES_S, Outcome, chains, effects, judge, quick, reads, run
from interlock.testing.killing.world import SERVICES

_EVERY = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m interlock.testing.killing", description=__doc__)
    parser.add_argument(
        "--victim", choices=SERVICES, action="append", help="whom to kill; may be repeated; default: all"
    )
    parser.add_argument("--quick", action="store_true", help="only the kills that the tests try every day")
    parser.add_argument("--strike", help="one story alone, its kills as they were printed")
    parser.add_argument("--pause", type=float, help="seconds until the victim is there again; default: 0, then 3")
    asked = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    pauses = PAUSES_S if asked.pause is None else (asked.pause,)
    if asked.strike:
        strikes = [Strike.parse(text) for text in asked.strike.split(" ; ")]
        tries = {strikes[0].victim: [strikes]}
    else:
        tries = {victim: [] for victim in asked.victim or SERVICES}
    wrong = sum(_all_of(victim, chosen, pauses, quickly=asked.quick) for victim, chosen in tries.items())
    sys.stdout.write(f"{wrong} wrong\n")
    return 1 if wrong else 0


def _all_of(victim: str, chosen: list[list[Strike]], pauses: Sequence[float], *, quickly: bool) -> int:
    base = run(victim)
    for fault in base.faults:
        sys.stdout.write(f"{victim}, nobody killed: {fault}\n")
    tries = chosen or _tries(base, victim, quickly=quickly)
    sys.stdout.write(f"{victim}: {len(tries)} stories with a kill, at a pause of {' and '.join(map(str, pauses))} s\n")
    wrong = len(base.faults)
    for number, strikes in enumerate(tries, start=1):
        for pause_s in pauses if len(strikes) == 1 else pauses[:1]:  # several pauses are longer than a lease
            faults = judge(run(victim, strikes, pause_s), base, strikes)
            wrong += bool(faults)
            for fault in faults:
                named = " ; ".join(map(str, strikes))
                sys.stdout.write(f'--strike "{named}" --pause {pause_s:g}: {fault}\n')
        if number % _EVERY == 0:
            sys.stderr.write(f"{victim}: {number} of {len(tries)}\n")
    return wrong


def _tries(base: Outcome, victim: str, *, quickly: bool) -> list[list[Strike]]:
    single = quick(base.calls, victim) if quickly else list(effects(base.calls, victim))
    return [[strike] for strike in single] + chains(reads(base.calls, victim, every_about=not quickly), base.calls)


if __name__ == "__main__":
    sys.exit(main())
