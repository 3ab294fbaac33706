"""The report as a person reads it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from interlock.records.rules import WHOLE


def show(console: Console, document: Mapping[str, Any], faults: Sequence[str]) -> None:
    """Print the report, and at its end what is not as it should be.

    Args:
        console: Where to.
        document: The report for programs (`report.document`).
        faults: What `faults.faults` found.
    """
    lines = [Text("\nChanges in the audit log", "bold")]
    lines.append(
        Text(
            "  All checks of the model that is entered passed; those that failed are of models left or passed over.",
            "dim",
        )
    )
    for change in document["changes"]:
        lines += _change(change)
    for title, told in (
        ("Changes that nobody ordered, refused by the gateway", _refused(document)),
        ("A canary that was rolled back", _canary(document["canary"])),
        ("A change that waited for approval", _approval(document["approval"], document["tickets"])),
        ("Figures", _figures(document)),
    ):
        lines.append(Text(f"\n{title}", "bold"))
        lines += [Text(f"  {line}") for line in told]
    lines.append(Text())
    lines += [Text(f"Not as it should be: {fault}", "bold red") for fault in faults]
    if not faults:
        lines.append(Text("Everything is as it should be.", "bold green"))
    for line in lines:
        console.print(line, soft_wrap=True)


def _change(change: Mapping[str, Any]) -> list[Text]:
    failed = [check for check in change["verification"] if not check["passed"]]
    made = len(change["verification"])
    checks = f"{made - len(failed)} of {made} checks passed" if made else "no other model was entered"
    told = change["notice_accepted_after_s"]
    notice = "nobody was told" if told is None else f"governance told after {told:.2f} s"
    part = f" for {change['weight']} %" if change["weight"] < WHOLE else ""
    moved = f"{change['source'] or 'nothing'} → {change['target']}{part}"
    return [
        Text(f"  {change['timestamp'][11:23]}  {change['route']:<14}  {moved}"),
        Text(f"                {change['reason']}", "dim"),
        Text(f"                {checks}; {notice}", "dim"),
    ]


def _refused(document: Mapping[str, Any]) -> Iterator[str]:
    for refused in document["refused"]:
        yield f"{refused['kind']}: {refused['reason']}"


def _canary(canary: Mapping[str, Any] | None) -> Iterator[str]:
    if canary is None:
        yield "there was none"
        return
    counted = " and ".join(f"{calls} at {model}" for model, calls in canary["counted"].items())
    stayed = canary["conversations"]
    yield f"{canary['weight']} % ordered for {canary['model']}, {canary['weight_seen']:g} % seen: {counted}, by their servers' own count"
    yield (
        f"{stayed['canary']} conversations were answered by {canary['model']}, {stayed['source']} by {canary['source']}, "
        f"{canary['conversations_split']} by both"
    )
    yield canary["reason"] or "it was not rolled back"
    yield "(What rolled it back is the verdict on the model itself: the two arms are not yet judged against each other.)"


def _approval(approval: Mapping[str, Any] | None, tickets: Mapping[str, int]) -> Iterator[str]:
    if approval is None:
        yield "there was none"
        return
    if approval["model"]:
        differs = ", ".join(approval["material"])
        yield f"{approval['model']} differs in: {differs}; it could be approved until {approval['until']}"
    for answer in approval["answers"]:
        outcome = "accepted" if answer["accepted"] else f"refused ({answer['reason']})"
        yield f"an approval signed by {', '.join(answer['signed_by'])}: {outcome}"
    waited = approval["waited_s"]
    how_long = "it still waits" if waited is None else f"it waited for {waited:.1f} s"
    yield f"{how_long}, and {approval['requests_before']} requests reached it before it was approved, by its server's own count"
    yield f"meanwhile {tickets['given']} requests got a ticket; {tickets['kept']} of them are kept for a person as they were sent"


def _figures(document: Mapping[str, Any]) -> Iterator[str]:
    requests, audit = document["requests"], document["audit"]
    for agent, its in requests["by_agent"].items():
        yield (
            f"{its['total']} requests of {agent}: {its['ok']} answered, {its['failed']} failed, "
            f"{its['safe_state']} stopped in the safe state, {its['ticket']} kept for a person"
        )
    yield f"{requests['unapproved']} of them reached the model that is not approved, by that model's own count"
    reaction = document["first_failure_to_route_change_s"]
    yield f"first failure to routing change: {'never' if reaction is None else f'{reaction:.2f} s'}"
    same = "byte for byte the same" if audit["replayed_identical"] else "NOT THE SAME"
    yield f"audit log: {audit['records']} records, {audit['changes']} changes; decided again: {same}"
