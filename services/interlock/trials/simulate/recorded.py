"""Recorded verdicts: JSON lines, as `interlock audit verdicts` writes them and as a person may write them by hand.

    {"at": "2026-11-21T10:00:00Z", "model": "atlas-large", "objective": "unavailable", "level": "unavailable", "detail": "…", "calls": 5}

`at` is a date and time, or seconds from any beginning; lines stand in its order. A verdict holds until the next one about the same model
and objective: `level` `unknown` says that nothing is known any more. `scope` (by default `*`), `detail` and `calls` may be left out.

What a file does not speak of, or not yet, is taken as healthy: it holds an incident, not everything that was ever known. A threshold is
part of an objective's name, so a verdict under `errors>0.2` says nothing to a policy that leaves at `errors>0.1`.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf, isfinite
from typing import Any

from interlock.records.documents import RoutePolicy
from interlock.records.health import Level, Verdict
from interlock.records.rules import guard_subject
from interlock.trials.simulate.line import EVALUATOR_CALLS, Line
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import ANY, is_name, is_scope
from interlock.vocabulary.limits import CALLS_MAX, TEXT_CHARS_MAX
from interlock.vocabulary.time import NEVER, SECOND, Micros, from_datetime, to_text

_FIELDS = {"at", "model", "scope", "objective", "level", "detail", "calls"}
_CANARY = "canary."
"""Begins the objectives of a canary's steps: each is of one canary that was, and says nothing to another one."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One verdict of a file; `at`: microseconds from the first one."""

    at: Micros
    model: str
    scope: str
    objective: str
    level: Level
    detail: str
    calls: int

    @property
    def key(self) -> str:
        """As the verdict's own key."""
        return f"{self.model}/{self.scope}/{self.objective}"


def line_of(verdict: Recorded) -> str:
    """A verdict whose `at` is a date, as one line of a file, without its end."""
    said = {
        "at": to_text(verdict.at),
        "model": verdict.model,
        "scope": verdict.scope,
        "objective": verdict.objective,
        "level": str(verdict.level),
        "detail": verdict.detail,
        "calls": verdict.calls,
    }
    return json.dumps(said, ensure_ascii=False)


def read_verdicts(lines: Iterable[str], name: str) -> list[Recorded]:
    """Read a file of verdicts; the canaries' are passed over.

    Args:
        lines: Its lines.
        name: The file's name, for errors.

    Raises:
        ConfigurationError: A line is no verdict, or earlier than the one before it, or there is none; the error names the line.
    """
    found: list[Recorded] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            verdict = _read(line)
        except ValueError as error:
            raise ConfigurationError(f"{name}, line {number}: {error}.", "Mend or remove that line.") from None
        if found and verdict.at < found[-1].at:
            raise ConfigurationError(
                f"{name}, line {number}: it is earlier than the verdict before it.", "Sort the lines by `at`."
            )
        found.append(verdict)
    kept = [verdict for verdict in found if not verdict.objective.startswith(_CANARY)]
    if not kept:
        raise ConfigurationError(f"{name} holds no verdict.", "Name a file that `interlock audit verdicts` wrote.")
    first = kept[0].at
    return [replace(verdict, at=Micros(verdict.at - first)) for verdict in kept]


def _read(line: str) -> Recorded:
    try:
        said = json.loads(line, object_pairs_hook=_once, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(said, dict):
        raise ValueError("it is no JSON object")
    unknown = said.keys() - _FIELDS
    if unknown:
        raise ValueError(f"a verdict has no field {min(unknown)!r}")
    scope = _field(said, "scope", lambda value: isinstance(value, str) and is_scope(value), "a scope", ANY)
    return Recorded(
        at=_moment(said.get("at")),
        model=_field(said, "model", lambda value: isinstance(value, str) and is_name(value), "a model's name"),
        scope=scope,
        objective=_field(said, "objective", _is_text, "an objective such as unavailable or errors>0.2"),
        level=Level(_field(said, "level", lambda value: value in list(Level), f"one of {', '.join(Level)}")),
        detail=_field(said, "detail", _is_text, f"a text of at most {TEXT_CHARS_MAX} characters", "as recorded"),
        calls=_field(said, "calls", _is_count, "a number of calls", 0),
    )


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object: JSON itself would let a later field take an earlier one's place unseen."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field is there twice")
    return found


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= _DIGITS_MAX else inf


def _field(said: Mapping[str, Any], name: str, fits: Callable[[Any], bool], what: str, usual: Any = None) -> Any:
    value = said.get(name, usual)
    if value is None:
        raise ValueError(f"`{name}` is missing")
    if not fits(value):
        raise ValueError(f"`{name}` is {str(value)[:80]!r}, which is not {what}")
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_CHARS_MAX and _NO_TEXT.search(value) is None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= CALLS_MAX


def _moment(value: Any) -> Micros:
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and abs(value) < _FAR_S:
        return Micros(round(value * SECOND))
    if isinstance(value, str):
        try:
            return from_datetime(datetime.fromisoformat(value))
        except ValueError:
            pass
    raise ValueError("`at` is missing" if value is None else f"`at` is {str(value)[:80]!r}, which is no date and time")


_NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")
"""What no record can hold: the null character, and halves of characters, which JSON lets a person write."""

_FAR_S = 10**11
_DIGITS_MAX = 20


class Recording:
    """Feeds a line with recorded verdicts.

    Args:
        line: The deployment.
        verdicts: What was recorded.
        begins: How long after the beginning of the simulation the first one comes, microseconds.
    """

    def __init__(self, line: Line, verdicts: Sequence[Recorded], begins: Micros) -> None:
        self.memory_us = NEVER
        self._line = line
        self._verdicts = verdicts
        self._begins = begins
        self._next = 0
        self._began: Micros | None = None

    def begin(self) -> None:
        """Count the recording's times from now."""
        self._began = self._line.now

    def step(self) -> None:
        """Hear the verdicts until now."""
        while (due := self.next_news()) is not None and due <= self._line.now:
            said, now = self._verdicts[self._next], self._line.now
            until = Micros(now + self._line.rules.validity_us)
            self._line.judge(
                Verdict(
                    said.model, said.scope, said.objective, said.level, said.detail, said.calls, (), now, now, until
                )
            )
            self._next += 1

    def skip(self, tick: Callable[[], None]) -> None:
        """A verdict holds until the next one: there is nothing to catch up with."""
        del tick

    def next_stop(self) -> Micros | None:
        """When the next verdict comes: each is heard at its own time."""
        return self.next_news()

    def next_news(self) -> Micros | None:
        """When the next verdict comes."""
        if self._began is None or self._next == len(self._verdicts):
            return None
        return Micros(self._began + self._begins + self._verdicts[self._next].at)


def take_as_healthy(line: Line, keys: Iterable[tuple[str, str]]) -> None:
    """Say that models are well under objectives of which nothing is known."""
    for model, objective in keys:
        line.find_healthy(model, objective, EVALUATOR_CALLS)


def watched_in(policies: Iterable[RoutePolicy]) -> set[tuple[str, str]]:
    """Every pair of a model, or a guard, and an objective that some policy watches."""
    return {
        pair
        for policy in policies
        for rule in policy.routes
        for pair in (
            *((rung.model.name, trigger.objective) for rung in rule.ladder for trigger in rule.triggers),
            *((guard_subject(guard), "guard") for guard in rule.guards),
        )
    }
