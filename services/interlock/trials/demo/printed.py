"""The report as a person reads it."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def show(console: Console, document: Mapping[str, Any], faults: Sequence[str]) -> None:
    """Print the report, and at its end what is not as it should be.

    Args:
        console: Where to.
        document: The report for programs (`report.document`).
        faults: What `report.faults` found.
    """
    console.print(_changes(document["changes"]))
    console.print(Text(_summary(document)))
    for refused in document["refused"]:
        console.print(Text(f"  refused: {refused['kind']} ({refused['reason']})"))
    if not faults:
        console.print(Text("\nEverything is as it should be.", "bold green"))
    for fault in faults:
        console.print(Text(f"not as it should be: {fault}", "bold red"), soft_wrap=True)


def _changes(changes: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="Changes in the audit log", title_justify="left", box=None)
    for column in ("when", "route", "from", "to", "why", "checks passed", "told after"):
        table.add_column(column, overflow="fold")
    for change in changes:
        passed = sum(1 for check in change["verification"] if check["passed"])
        told = change["notice_accepted_after_s"]
        table.add_row(
            change["timestamp"][11:-1],
            change["route"],
            change["source"] or "-",
            change["target"],
            change["reason"],
            f"{passed} of {len(change['verification'])}",
            "never" if told is None else f"{told:.2f} s",
        )
    return table


def _summary(document: Mapping[str, Any]) -> str:
    requests, audit = document["requests"], document["audit"]
    reaction = document["first_failure_to_route_change_s"]
    return (
        f"\nRequests: {requests['total']}, of which {requests['ok']} answered, {requests['failed']} failed, "
        f"{requests['safe_state']} stopped in the safe state, {requests['unapproved']} by a model that is not approved.\n"
        f"From the first failure to the routing change: {'never' if reaction is None else f'{reaction:.2f} s'}.\n"
        f"Audit log: {audit['records']} records, {audit['changes']} changes; replayed "
        f"{'byte for byte the same' if audit['replayed_identical'] else 'AND NOT THE SAME'}.\n"
        f"Changes that nobody ordered: {len(document['refused'])} refused by the gateway."
    )
