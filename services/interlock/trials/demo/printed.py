"""The report as a person reads it."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text


def show(console: Console, document: Mapping[str, Any], faults: Sequence[str]) -> None:
    """Print the report, and at its end what is not as it should be.

    Args:
        console: Where to.
        document: The report for programs (`report.document`).
        faults: What `report.faults` found.
    """
    lines = [Text("\nChanges in the audit log", "bold")]
    for change in document["changes"]:
        lines += _change(change)
    lines.append(Text("\nChanges that nobody ordered, refused by the gateway", "bold"))
    lines += [Text(f"  {refused['kind']}: {refused['reason']}") for refused in document["refused"]]
    lines.append(Text("\nFigures", "bold"))
    lines += [Text(f"  {figure}") for figure in _figures(document)]
    lines.append(Text())
    lines += [Text(f"Not as it should be: {fault}", "bold red") for fault in faults]
    if not faults:
        lines.append(Text("Everything is as it should be.", "bold green"))
    for line in lines:
        console.print(line, soft_wrap=True)


def _change(change: Mapping[str, Any]) -> list[Text]:
    failed = [check for check in change["verification"] if not check["passed"]]
    passed = len(change["verification"]) - len(failed)
    told = change["notice_accepted_after_s"]
    notice = "nobody was told" if told is None else f"governance told after {told:.2f} s"
    moved = f"{change['source'] or 'nothing'} → {change['target']}"
    return [
        Text(f"  {change['timestamp'][11:23]}  {change['route']:<14}  {moved}"),
        Text(f"                {change['reason']}", "dim"),
        Text(f"                {passed} of {len(change['verification'])} checks passed; {notice}", "dim"),
    ]


def _figures(document: Mapping[str, Any]) -> list[str]:
    requests, audit = document["requests"], document["audit"]
    reaction = document["first_failure_to_route_change_s"]
    fates = (
        f"{requests['ok']} answered, {requests['failed']} failed, {requests['safe_state']} stopped in the safe state"
    )
    same = "byte for byte the same" if audit["replayed_identical"] else "NOT THE SAME"
    return [
        f"{requests['total']} requests of the agent: {fates}",
        f"{requests['unapproved']} of them reached the model that is not approved, by that model's own count",
        f"first failure to routing change: {'never' if reaction is None else f'{reaction:.2f} s'}",
        f"audit log: {audit['records']} records, {audit['changes']} changes; decided again: {same}",
    ]
