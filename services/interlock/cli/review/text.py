"""Reviews in words and colours, from the documents that programs get.

Every figure has its sample beside it and its 95 % interval below: an interval says more than a verdict on a dozen calls would.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from interlock.cli.answer import plain

_LEVELS = {"healthy": "green", "unknown": "yellow"}
_SHARES = ("errors", "throttled", "refusals", "schema_failures")
_CALLS_OF = {"route": "Calls of the route", "probes": "Calls of the probe"}
_WIDTH = 13


def show_list(found: list[dict[str, Any]]) -> None:
    """Print the open reviews."""
    console = _console()
    overdue = sum(each["overdue"] for each in found)
    summary = f"{len(found)} open, {overdue} overdue." if found else "No review is open."
    console.print(Text(summary, "bold red" if overdue else "bold"))
    for each in found:
        late = each["overdue"]
        due = Text(f"OVERDUE since {each['due']}" if late else f"due {each['due']}", "bold red" if late else "")
        console.print()
        console.print(Text(each["change"], "bold"), _move(each), due, Text(f"({plain(each['team'] or 'no team')})"))
        console.print(Text(f"  {each['command']}", "cyan"))


def show_one(found: dict[str, Any]) -> None:
    """Print one change with its comparison."""
    console = _console()
    console.print(Text(found["change"], "bold"), _move(found), Text(f"at {found['issued_at']}"))
    for label, text, style in _lines(found):
        console.print(Text(f"  {label:<{_WIDTH}}"), Text(plain(text), style), sep="")
    console.print()
    console.print(Text(_period(found["figures"]), "bold"))
    for who, title in _CALLS_OF.items():
        console.print()
        _print_figures(console, title, [row for row in found["figures"]["seen"] if row["calls_of"] == who])
    console.print(Text("\nQuality and cost of these calls: not known. No reporter tells of them.", "bold"))
    console.print()
    console.print(
        Text("Verdicts of the health-monitor, at the change and now, in the words of when the level began", "bold")
    )
    console.print(_verdicts(found))
    for outcome, command in found["review"]["commands"].items():
        console.print(Text(f"  {outcome:<{_WIDTH}}"), Text(command, "cyan"), sep="")


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _move(each: dict[str, Any]) -> Text:
    weight = each.get("weight", 100)
    part = f" ({weight} %)" if 0 < weight < 100 else ""
    return Text(f"{each['source'] or 'safe state'} -> {each['target'] or 'safe state'}{part}")


def _lines(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "why", f"{found['reason']}: {found['detail']}", ""
    if found["safe_state"]:
        yield "safe state", found["safe_state"], "bold red"
    material = ", ".join(found["material_in"])
    yield "material", f"yes: {material}" if material else "no", "yellow" if material else ""
    for delta in found["delta"]:
        yield "differs", f"{delta['dimension']}: {delta['source'] or '-'} -> {delta['target'] or '-'}", ""
    yield "accepted by", found["accepted_by"] or "nobody in particular", ""
    yield "team", found["team"], ""
    yield from _checks(found["verification"])
    yield from _told(found)
    yield "review", *_review(found["review"])


def _checks(checks: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """What did not pass, one a line; how much did."""
    passed = Counter(check["model"] for check in checks if check["passed"])
    for check in checks:
        if not check["passed"]:
            yield "checked", f"{check['model']}: {check['check']}: NO: {check['detail']}", "red"
    for model, count in passed.items():
        yield "checked", f"{count} checks of {model} passed; --json names them", "green"


def _told(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for said in found["told"]:
        good = said["kind"] == "accepted"
        why = f": {said['detail']}" if said["detail"] else ""
        yield "told", f"{said['channel']}: {said['kind']} after {said['after_s']:.1f} s{why}", "" if good else "yellow"
    for said in found["breaches"]:
        yield "breach", f"{said['watch']}, after {said['deadline_s']:g} s: {said['detail']}", "bold red"
    if not found["told"] and not found["breaches"]:
        yield "told", "nobody is known to have been told", "yellow"


def _review(review: dict[str, Any]) -> tuple[str, str]:
    if review["state"] == "none":
        return "this change opened none", ""
    if review["state"] == "overdue":
        return f"OVERDUE since {review['due']}", "bold red"
    if review["state"] == "open":
        return f"open, due {review['due']}", ""
    ended = review["closed"]
    if ended is None:
        return "closed, by an order that cannot be read", "red"
    ticket = f", {ended['ticket']}" if ended["ticket"] else ""
    return (
        f"closed at {ended['at']} by {' and '.join(ended['by'])}: {ended['outcome']}, {ended['reason']}{ticket}",
        "green",
    )


def _period(figures: dict[str, Any]) -> str:
    told = (
        f"Calls from {figures['from']} to {figures['to']}; ranges hold the true figure in about 95 of 100 such samples."
    )
    kept = f"Telemetry is kept for hours: these figures vanish from {figures['vanish_from']} on, the last at {figures['gone_at']}."
    lines = [told, kept]
    if figures["may_lack_some"]:
        lines.append("Some of it is older than that already: what is missing here may have been there.")
    if figures["calls_across_the_change"]:
        lines.append(
            f"{figures['calls_across_the_change']} calls in windows that reach across the change are left out."
        )
    if figures["batches_not_verified"]:
        lines.append(f"{figures['batches_not_verified']} batches are left out: their signatures do not count.")
    return "\n".join(lines)


def _print_figures(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    if not any(row["calls"] for row in rows):
        console.print(Text(f"{title}: none was reported.", "bold"))
        return
    console.print(Text(title, "bold"))
    table = _table(*(f"{row['model']}\n{row['period']}" for row in rows))
    table.add_row("calls", *(Text(str(row["calls"])) for row in rows))
    for q in ("p50", "p95"):
        table.add_row(f"latency {q}", *(_latency(row[f"latency_{q}_s"]) for row in rows))
    for kind in _SHARES:
        table.add_row(kind.replace("_", " "), *(_share(row[kind]) for row in rows))
    for name in sorted({name for row in rows for name in row["outcomes"]} - {"ok"}):
        table.add_row(Text(f"  {plain(name)}"), *(Text(str(row["outcomes"].get(name, 0))) for row in rows), style="dim")
    table.add_row("reported by", *(Text(_reporters(row)) for row in rows), style="dim")
    console.print(table)


def _table(*titles: str) -> Table:
    """A table that never cuts a word off: narrow terminals get more lines."""
    table = Table(box=None, padding=(0, 1))
    for title in ("", *titles):
        table.add_column(Text(title), overflow="fold")
    return table


def _latency(figure: dict[str, Any]) -> Text:
    if figure["value"] is None:
        return Text("-", "dim")
    low, high = ("?" if bound is None else _seconds(bound) for bound in figure["between"])
    return Text(f"{_seconds(figure['value'])} s of {figure['of']}\n").append(f"{low} to {high} s", "dim")


def _share(figure: dict[str, Any]) -> Text:
    if figure["between"] is None:
        return Text("-", "dim")
    low, high = figure["between"]
    return Text(f"{figure['count']} of {figure['of']}\n").append(f"{100 * low:.1f} to {100 * high:.1f} %", "dim")


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def _reporters(row: dict[str, Any]) -> str:
    return "\n".join(f"{plain(name)}: {calls}" for name, calls in row["reporters"].items()) or "-"


def _verdicts(found: dict[str, Any]) -> Table:
    table = _table(*(found[side] or "safe state" for side in ("source", "target")))
    for row in found["verdicts"]:
        table.add_row(row["objective"], *(_cell(row, side) for side in ("source", "target")))
    prices = found["prices_usd_per_mtok"]
    table.add_row("price", *(Text(_price(prices[side])) for side in ("source", "target")))
    return table


def _cell(row: dict[str, Any], side: str) -> Text:
    if not row["watched"]:
        return Text("not watched by the policy", "dim")
    judged = row[side]
    if judged is None:
        return Text("-", "dim")
    cell = Text()
    for when in ("then", "now"):
        said = judged[when]
        cell.append(f"{when}: ", "dim").append(said["level"], _LEVELS.get(said["level"], "red"))
        cell.append(f", {plain(said['detail'])}" + ("\n" if when == "then" else ""))
    return cell


def _price(usd: float | None) -> str:
    return "not known" if usd is None else f"{usd:g} USD per million tokens, says the registry"
