"""The status in words and colours, for a person who was woken: a summary, then the routes, the worst first."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from interlock.cli.answer import plain
from interlock.cli.picture import APPLIED, Concern
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, from_datetime

_WORDS = {
    Concern.STOPPED: "stopped: no model may be used",
    Concern.APPROVAL: "waiting for approval",
    Concern.ORDERED: "stopped until a resume",
    Concern.ROUTER_REFUSED: "refused by a router",
    Concern.UNNOTIFIED: "that nobody was told of in time",
    Concern.CANARY: "in a canary",
    Concern.FALLBACK: "on a fallback",
    Concern.REVIEW_OVERDUE: "with an overdue review",
    Concern.FROZEN: "frozen",
}
_WIDTH = 10
Line = tuple[str, str, str]
"""Label, text, style."""


def show(routes: list[dict[str, Any]], now: Micros) -> None:
    """Print the routes."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(_summary(routes))
    for each in routes:
        console.print()
        console.print(Text(each["route"], "bold"), _where(each), Text(f"since {_ago(each['since'], now)}"))
        for label, text, style in _lines(each, now):
            console.print(Text(f"  {label:<{_WIDTH}}"), Text(plain(text), style), sep="")


def _summary(routes: list[dict[str, Any]]) -> Text:
    if not routes:
        return Text("No route has been decided yet: publish a policy and start the services.")
    count = Counter(Concern(each["concern"]) for each in routes)
    wrong = [f"{count[concern]} {words}" for concern, words in _WORDS.items() if count[concern]]
    total = f"{len(routes)} route{'s' if len(routes) > 1 else ''}"
    return Text(f"{total}: {'; '.join(wrong)}.", "bold") if wrong else Text(f"{total}, all well.", "green")


def _where(each: dict[str, Any]) -> Text:
    if each["safe_state"]:
        answers = f" ({each['target']} answers without its tools)" if each["target"] else ""
        return Text(f"SAFE STATE: {each['safe_state']}{answers}", "bold red")
    return Text(each["target"], "bold yellow" if each["incident"] else "bold green")


def _lines(each: dict[str, Any], now: Micros) -> Iterator[Line]:
    if each["hold"]:
        yield from _hold(each["hold"], now)
    yield "why", each["detail"] or f"{each['reason']}; the order itself cannot be read", ""
    incident = each["incident"]
    if incident:
        why = "" if incident["detail"] == each["detail"] else f": {incident['detail']}"
        yield "incident", f"since {_ago(incident['since'], now)}{why}", ""
        yield "expected", _expected(incident), ""
    if each["canary"]:
        yield from _canary(each["canary"], now)
    if each["frozen"]:
        yield "frozen", f"until {_ahead(each['frozen']['until'], now)}{_by(each['frozen']['by'])}", "yellow"
    for place, rung in enumerate(each["rungs"], start=1):
        yield f"rung {place}", *_rung(each, rung, now)
    for kept in each["kept_away"]:
        yield "kept away", f"{kept['model']}, which failed or timed out, until {_ahead(kept['until'], now)}", "yellow"
    for guard, level in each["guards"].items():
        yield "guard", f"{guard}: {level}", "green" if level == "healthy" else "red"
    if each["reviews"]:
        yield _reviews(each["reviews"], now)
    yield from _answers(each, now)


def _expected(incident: dict[str, Any]) -> str:
    """How long the incident lasts, on what that rests, or plainly that it is not known."""
    count, like = incident["expected_from"], incident["expected_like"]
    if not count:
        return f"not known: no incident like it ({like}) is on record"
    which = f"the {count} like it ({like})" if count > 1 else f"the one like it ({like})"
    if incident["expected_s"] is None:
        return f"not known: it has outlasted {which}"
    return (
        f"{_span(round(incident['expected_s'] * 1e6))} in all, {'the median of' if count > 1 else 'as long as'} {which}"
    )


def _hold(hold: dict[str, Any], now: Micros) -> Iterator[Line]:
    if hold["kind"] == "approval":
        material = f"; material: {', '.join(hold['material'])}" if hold["material"] else ""
        yield "waits", f"for approval of {hold['model']} until {_ahead(hold['until'], now)}{material}", "bold red"
        yield "", hold["command"], "cyan"
    else:
        yield "ordered", f"{hold['detail']}{_by(hold['by'])}; only a person ends it", "bold red"
        yield "", hold["command"], "cyan"


def _canary(canary: dict[str, Any], now: Micros) -> Iterator[Line]:
    step = f"step {canary['step']} of {len(canary['steps'])} since {_ago(canary['since'], now)}"
    share = f"{canary['target']} has {canary['weight']} % beside {canary['source']}"
    held = "; not widened: a router refused it" if canary["held_up"] else ""
    style = {"healthy": "green", "unknown": "yellow"}.get(canary["verdict"], "red")
    yield "canary", f"{share}, {step}: {canary['verdict']}, {canary['detail']}{held}", style
    yield "", canary["command"], "cyan"


def _rung(each: dict[str, Any], rung: dict[str, Any], now: Micros) -> tuple[str, str]:
    """A rung in words: what policy and people say of it first, then what its verdicts say."""
    serves = rung["model"] == each["target"]
    name = f"{rung['model']}{' (a material change)' if serves and each['material'] else ''}"
    if rung["why_not"]:
        return f"{name}: {rung['why_not']}", "red"
    bad = [f"{objective} is {level}" for objective, level in rung["verdicts"].items() if level != "healthy"]
    if bad:
        return f"{name}: {', '.join(bad)}", "yellow"
    waits = not serves and rung["stable_at"] is not None and _moment(rung["stable_at"]) > now
    stable = f", stable {_ahead(rung['stable_at'], now)}" if waits else ""
    return f"{name}: healthy{stable}", "green"


def _reviews(reviews: list[dict[str, Any]], now: Micros) -> Line:
    """How many are open; `interlock review list` lists them."""
    overdue, due = sum(review["overdue"] for review in reviews), reviews[0]["due"]
    if overdue:
        return "review", f"{overdue} OVERDUE of {len(reviews)} open, the first since {_ago(due, now)}", "bold red"
    return "review", f"{len(reviews)} open, the first due {_ahead(due, now)}", ""


def _answers(each: dict[str, Any], now: Micros) -> Iterator[Line]:
    """Who obeys, and who was told."""
    for name, word in sorted(each["routers"].items()):
        if word == APPLIED:
            yield "router", f"{name} {word}", ""
        else:
            yield "router", f"{name} REFUSED: {word}", "bold red"
            yield from (("", known.mend, "red") for known in Reason if known == word)
    for name, at in each["routers_silent"].items():
        yield "router", f"{name} has not answered; it last did {_ago(at, now)}", "yellow"
    if not each["routers"] and not each["routers_silent"]:
        yield "router", "none has answered yet", "yellow"
    accepted = each["notice_accepted_after_s"]
    told = f"accepted after {accepted:.1f} s" if accepted is not None else "not accepted yet"
    yield "notice", told, "" if accepted is not None else "yellow"
    breach = each["breach"]
    if breach:
        late = (
            f"nobody was told within {breach['deadline_s']:g} s: {breach['detail']}; recorded {_ago(breach['at'], now)}"
        )
        yield "BREACH", late, "bold red"


def _by(names: list[str]) -> str:
    return f", by {' and '.join(names)}" if names else ""


def _ago(moment: str, now: Micros) -> str:
    return f"{moment} ({_span(now - _moment(moment))} ago)"


def _ahead(moment: str, now: Micros) -> str:
    return f"{moment} (in {_span(_moment(moment) - now)})"


def _moment(text: str) -> Micros:
    return from_datetime(datetime.fromisoformat(text))


def _span(us: int) -> str:
    """A duration as a person says it, in two units at most."""
    seconds = max(0, us) // 1_000_000
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3_600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        return f"{seconds // 3_600} h {seconds % 3_600 // 60} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3_600} h"
