"""The table as it stands in `docs/explanation/hostile-input.md`; a test compares the two.

python -m interlock.testing.hostile.written
"""

import sys
from collections import defaultdict
from collections.abc import Iterable

from interlock.testing.hostile.table import OWN_STORY, READERS, ROWS, Cell, Row, short
from interlock.wire.topics import STATE

BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"


def written() -> str:
    """Who reads which topic, what is said of each input, and the stories; in Markdown."""
    readers = [
        "| topic | told by | at its start | of any record not its own | passed over by |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {short(topic)} | {_names(each.live)} | {_names(each.at_start)} "
            f"| {_names(f'{who}: `{reason}`' for who, reason in each.always.items())} | {_names(each.unheard)} |"
            for topic, each in READERS.items()
        ),
    ]
    inputs = [
        "| input | what becomes of it |",
        "| --- | --- |",
        *(f"| {each.what} | {_outcomes(each)} |" for each in ROWS),
    ]
    stories = [
        "| input | what comes of it |",
        "| --- | --- |",
        *(f"| {what} | {how} |" for what, how in OWN_STORY.items()),
    ]
    return "\n\n".join("\n".join(part) for part in (readers, inputs, stories))


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "-"


def _outcomes(row: Row) -> str:
    """Outcome by outcome, on which topics; the most frequent one first. What the readers of a topic say of any record is left out."""
    topics: defaultdict[str, list[str]] = defaultdict(list)
    for topic, cell in row.on.items():
        reasons = dict.fromkeys(f"`{why}`" for who, why in cell.said.items() if who not in READERS[topic].always)
        if cell.unheard or (topic is STATE and cell.said):
            continue
        topics[_outcome(cell, " or ".join(reasons))].append(short(topic))
    ordered = sorted(topics.items(), key=lambda each: -len(each[1]))
    if len(ordered) == 1 and len(ordered[0][1]) > 1:
        return ordered[0][0]
    return "; ".join(f"{what} ({', '.join(where)})" for what, where in ordered)


def _outcome(cell: Cell, reasons: str) -> str:
    answer = f", answered with `{cell.answer}`" if cell.answer else ""
    return f"{reasons or cell.why}{answer}" if cell.possible else f"cannot be: {cell.why}"


if __name__ == "__main__":
    sys.stdout.write(written() + "\n")
