"""Coverage for people: one line for each route, then what a governance owner looks at next."""

from collections.abc import Iterator, Mapping, Sequence

from interlock.cli.answer import counted, plain
from interlock.policy.authoring.coverage import Course, Covered
from interlock.policy.authoring.endings import in_days
from interlock.vocabulary.time import Micros, to_text

_HEAD = ("agent", "kind of work", "route", "path")


def text(found: Sequence[Covered], differences: Mapping[str, str], now: Micros) -> str:
    """The whole answer."""
    rows = [_HEAD, *(row for covered in found for row in _rows(covered))]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    return "\n".join([*lines, *_remarks(found, differences, now), _counts(found)])


def _rows(covered: Covered) -> Iterator[tuple[str, str, str, str]]:
    if covered.policy is None:
        yield covered.agent, "-", "-", f"none: {plain(covered.lacking)}"
        return
    name, kind = covered.agent, str(covered.policy.workflow)
    for course in covered.courses:
        lacking = "" if course.open else f" (none: {covered.lacking})"
        yield name, kind, f"{course.route.slot}/{course.route.scope}", f"{_path(course)}{lacking}"
        name, kind = "", ""


def _path(course: Course) -> str:
    steps = [step.model if step.against is None else f"{step.model} ({step.against})" for step in course.steps]
    return " → ".join([*steps, str(course.safe_state)])


def _remarks(found: Sequence[Covered], differences: Mapping[str, str], now: Micros) -> Iterator[str]:
    for covered in found:
        for departure in covered.policy.departures if covered.policy else ():
            yield f"{covered.agent} departs from {departure.demand}: {plain(departure.because)}"
    for agent, difference in differences.items():
        yield f"{agent}: {difference}"
    ends = [(covered.first_end, covered.agent) for covered in found if covered.first_end]
    if ends:
        first, agent = min(ends, key=lambda end: end[0].at)
        left = f"in {in_days(Micros(first.at - now))}" if first.at > now else "which is past"
        yield f"First to end: {plain(first.what)} at {to_text(first.at)}, {left} ({agent})."


def _counts(found: Sequence[Covered]) -> str:
    lacking = sum(bool(covered.lacking) for covered in found)
    return f"{counted(len(found), 'agent')}: {len(found) - lacking} with a path, {lacking} without."
