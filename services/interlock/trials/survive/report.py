"""What a run came to, for programs and for people."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from interlock.trials.survive.run import Cell, Survived


def document(survived: Survived) -> dict[str, Any]:
    """A run as a JSON object."""
    return {
        "cells": [cell_document(cell) for cell in survived.cells],
        "clean": survived.clean,
        "brokers": survived.survival.brokers,
        "seed": survived.survival.seed,
        "not_drilled": survived.asked - len(survived.cells),
        "requests": survived.requests,
        **survived.temptation.evidence,
        "audit": {
            "records": survived.witness.audit_records,
            "changes": len(survived.witness.changes),
            "replayed_identical": not survived.witness.differences,
        },
    }


def cell_document(cell: Cell) -> dict[str, Any]:
    """One cell as a JSON object."""
    return {
        "fault": cell.fault.name,
        "title": cell.fault.title,
        "expected": cell.fault.expected,
        **dict(zip(("unapproved", "lost", "repeated"), _counted(cell), strict=True)),
        "outcome": cell.outcome or "; ".join(cell.faults),
        "recovered_after_s": None if cell.recovered_after_s is None else round(cell.recovered_after_s, 1),
        "clean": cell.clean,
        "restarted": list(cell.restarted),
        "troubles": cell.troubles,
    }


def _counted(cell: Cell) -> tuple[int | None, ...]:
    """How much was unapproved, lost and repeated; None where nobody could look."""
    return tuple(map(len, cell.cost.kinds)) if cell.cost else (None, None, None)


def table(cells: Sequence[Cell]) -> Table:
    """A run as a table for a person: a row for each fault."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    made.add_column("fault", no_wrap=True)
    for name in ("unapproved", "lost", "repeated", "back after"):
        made.add_column(name, justify="right")
    made.add_column("what was seen", overflow="fold")
    for cell in cells:
        back = "never" if cell.recovered_after_s is None else f"{cell.recovered_after_s:.1f} s"
        told = [cell.outcome, *cell.troubles]
        told += [f"restarted: {', '.join(cell.restarted)}"] if cell.restarted else []
        made.add_row(
            Text(cell.fault.name, "green" if cell.clean else "bold red"),
            *(Text("?" if count is None else str(count), "" if count == 0 else "bold red") for count in _counted(cell)),
            Text(back, "" if cell.recovered_after_s is not None else "bold red"),
            Text("; ".join(line for line in told if line), "" if cell.clean else "red"),
        )
    return made


def last_line(survived: Survived) -> str:
    """The run in a sentence."""
    clean = sum(cell.clean for cell in survived.cells)
    replay = "differs" if survived.witness.differences else "is identical"
    many = "one broker" if survived.survival.brokers == 1 else f"{survived.survival.brokers} brokers"
    return (
        f"{clean} of {survived.asked} cells clean, on {many}, {survived.requests} requests, seed {survived.survival.seed}; "
        f"the audit log of {survived.witness.audit_records} records, decided again, {replay}. "
        + " ".join(survived.temptation.faults)
    ).rstrip()
