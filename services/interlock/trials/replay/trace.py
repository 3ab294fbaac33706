"""Reading recorded calls. Pure: text goes in, calls come out, and a line that is none is named.

Two formats:

- `llmperf`: the LLMPerf leaderboard's raw requests, columns `provider, model_size, ttft_s, end_to_end_latency_s, error_code` (others
  are passed over). Each provider and size is a model, `groq-70b`. The file has no times: the calls of each model are taken to be one
  second apart, in the file's order, all models beside each other. An empty error code is a success, `429` and other HTTP statuses
  mean what they mean, `-100` is a broken connection, and any other negative number a fault of the server.
- `csv`: columns `timestamp_s, model, latency_s, first_token_s, outcome`. `timestamp_s` is when the call began, in seconds from any
  origin; `first_token_s` may be empty; `outcome` is one of `interlock.records.health.Outcome` (`ok`, `timeout`, `throttled` …).
  Lines may stand in any order.
"""

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from interlock.records.health import Outcome
from interlock.records.outcomes import classify
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import is_name

PACE_S = 1.0
"""Seconds of the trace between two calls of a model, where the trace has no times."""

MODEL_CHARS_MAX = 60
"""A model's agent is named after it, and names have an end."""

_CONNECTION_CODE = -100
_FAR_S = 1e11
"""No second beyond it is one of a trace: some three thousand years, and sums of such numbers are numbers still."""


class Format(StrEnum):
    """How a trace is written."""

    LLMPERF = "llmperf"
    CSV = "csv"


COLUMNS: Mapping[Format, frozenset[str]] = {
    Format.LLMPERF: frozenset({"provider", "model_size", "ttft_s", "end_to_end_latency_s", "error_code"}),
    Format.CSV: frozenset({"timestamp_s", "model", "latency_s", "first_token_s", "outcome"}),
}
"""What the first line of a trace must name."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call.

    Attributes:
        ended_s: When it was over, in seconds since the trace began.
        model: Which model was called.
        outcome: How it ended.
        latency_s: How long it took.
        first_token_s: How long its first token took; None if that is not known.
    """

    ended_s: float
    model: str
    outcome: Outcome
    latency_s: float
    first_token_s: float | None


def read_trace(lines: Iterable[str], written: Format | None, name: str) -> list[RecordedCall]:
    """Read a trace.

    Args:
        lines: Its lines, the header first.
        written: How it is written; None: as its columns say.
        name: The file's name, for errors.

    Returns:
        The calls in the order in which they ended.

    Raises:
        ConfigurationError: A column is missing, a line is no call, or there is none at all; the error names the line.
    """
    reader = csv.DictReader(lines, strict=True)
    try:
        written = _format(reader.fieldnames or (), written, name)
        calls = list(_calls(reader, _READERS[written](), name))
    except csv.Error as error:
        raise _bad(name, reader.line_num, str(error)) from None
    if not calls:
        raise ConfigurationError(f"{name} holds no call.", "Name a file with at least one line after its header.")
    begin = min(call.ended_s - call.latency_s for call in calls) if written is Format.CSV else 0.0
    moved = [
        RecordedCall(call.ended_s - begin, call.model, call.outcome, call.latency_s, call.first_token_s)
        for call in calls
    ]
    return sorted(moved, key=lambda call: call.ended_s)


def _format(columns: Sequence[str], named: Format | None, name: str) -> Format:
    """The format, which must have all of its columns there."""
    possible = [named] if named else list(Format)
    found = next((each for each in possible if COLUMNS[each] <= set(columns)), None)
    if found is None:
        needed = " or ".join(f"{each}: {', '.join(sorted(COLUMNS[each]))}" for each in possible)
        raise ConfigurationError(f"{name} lacks columns.", f"Its first line must name at least those of {needed}.")
    return found


RowReader = Callable[[Mapping[str, str]], RecordedCall]


def _calls(reader: "csv.DictReader[str]", read_row: RowReader, name: str) -> Iterator[RecordedCall]:
    for row in reader:
        if None in row or None in row.values():
            raise _bad(name, reader.line_num, f"it has another number of fields than the {len(row)} columns")
        try:
            call = read_row(row)
        except ValueError as error:
            raise _bad(name, reader.line_num, str(error)) from None
        yield call


def _llmperf() -> RowReader:
    """A reader of rows that counts each model's calls."""
    told: Counter[str] = Counter()

    def read_row(row: Mapping[str, str]) -> RecordedCall:
        model = _model(f"{row['provider']}-{row['model_size']}")
        told[model] += 1
        outcome = _llmperf_outcome(row["error_code"].strip())
        first_token_s = _seconds(row, "ttft_s") if outcome is Outcome.OK else None
        return RecordedCall(told[model] * PACE_S, model, outcome, _seconds(row, "end_to_end_latency_s"), first_token_s)

    return read_row


def _llmperf_outcome(code: str) -> Outcome:
    if not code:
        return Outcome.OK
    number = int(code) if code.lstrip("-").isdecimal() else None
    if number is None or number in range(100) or 200 <= number < 300 or number > 599:
        raise ValueError(f"{code!r} is no error code: leave it empty, or write an HTTP status or a negative number")
    if number < 0:
        return Outcome.CONNECTION if number == _CONNECTION_CODE else Outcome.SERVER_ERROR
    return classify(number)


def _own() -> RowReader:
    def read_row(row: Mapping[str, str]) -> RecordedCall:
        latency_s = _seconds(row, "latency_s")
        first_token_s = _seconds(row, "first_token_s") if row["first_token_s"].strip() else None
        outcome = row["outcome"].strip()
        if outcome not in list(Outcome):
            raise ValueError(f"{outcome!r} is no outcome; there are {', '.join(Outcome)}")
        began_s = _number(row, "timestamp_s")
        return RecordedCall(began_s + latency_s, _model(row["model"]), Outcome(outcome), latency_s, first_token_s)

    return read_row


def _model(text: str) -> str:
    name = text.strip().lower()
    if not is_name(name) or len(name) > MODEL_CHARS_MAX:
        raise ValueError(
            f"{name!r} cannot name a model: use letters, digits and . _ @ -, {MODEL_CHARS_MAX} characters at most"
        )
    return name


def _seconds(row: Mapping[str, str], column: str) -> float:
    value = _number(row, column)
    if value < 0:
        raise ValueError(f"{column} is below zero")
    return value


def _number(row: Mapping[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{column} is {row[column]!r}, which is no number")
    if abs(value) >= _FAR_S:
        raise ValueError(f"{column} is {row[column]!r}, which is more than any trace tells of")
    return value


def _bad(name: str, line: int, what: str) -> ConfigurationError:
    return ConfigurationError(f"{name}, line {line}: {what}.", "Mend or remove that line; nothing was replayed.")


_READERS: Mapping[Format, Callable[[], RowReader]] = {Format.LLMPERF: _llmperf, Format.CSV: _own}
