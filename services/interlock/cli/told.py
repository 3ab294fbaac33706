"""How the outcome of an order is told: to a person in words, to a program as one document; and the exit code."""

from typing import Any

import typer

from interlock.cli.answer import plain, say
from interlock.cli.giving import ANSWER_WITHIN_S, Given
from interlock.records.change import RoutingChange
from interlock.runtime.lifecycle import report
from interlock.vocabulary.errors import InfrastructureError, InterlockError, PeerError
from interlock.vocabulary.time import to_text


def tell(given: Given, *, as_json: bool) -> None:
    """Print what became of an order.

    Raises:
        typer.Exit: It was refused (1), or not answered in time (3).
    """
    fault = _fault(given)
    if as_json:
        say(document(given), "", as_json=True)
    elif fault is not None:
        report(fault)
    else:
        say({}, "\n".join([f"accepted: {given.command.describe()}", *map(_moved, given.changes)]), as_json=False)
    if fault is not None:
        raise typer.Exit(fault.exit_code)


def document(given: Given) -> dict[str, Any]:
    """The outcome for a program; `accepted` is null as long as nobody answered, `error` and `mend` are there if it is not true."""
    said, fault = given.command, _fault(given)
    told = {
        "id": said.id,
        "verb": str(said.verb),
        "agent": said.agent,
        "route": said.route or None,
        "model": said.model or None,
        "about": said.about or None,
        "expires_at": to_text(said.expires_at),
        "published": given.published,
        "accepted": given.accepted,
        "reason": str(given.reason) if given.reason else None,
        "detail": given.detail,
        "changes": [_change(change) for change in given.changes],
    }
    return told if fault is None else {**told, "error": fault.message, "mend": fault.mend}


def _fault(given: Given) -> InterlockError | None:
    if given.accepted:
        return None
    if given.reason is not None:
        detail = f" ({given.detail})" if given.detail else ""
        return PeerError(f"Refused: {given.reason}{detail}.", given.reason.mend)
    ends = to_text(given.command.expires_at)
    return InfrastructureError(
        f"{given.command.id} is published, but not answered within {ANSWER_WITHIN_S:g} s: {given.detail}.",
        f"See that decision runs and is ready (`/readyz`). It counts if decision reads it before {ends}: "
        f"`interlock status` shows whether it did.",
    )


def _change(change: RoutingChange) -> dict[str, Any]:
    return {
        "change": change.id,
        "route": change.route.key,
        "source": change.source,
        "target": change.target,
        "safe_state": change.safe_state,
        "weight": change.weight,
        "detail": change.cause.detail,
    }


def _moved(change: RoutingChange) -> str:
    where = f"safe state {change.safe_state}" if change.safe_state else f"{change.target}"
    part = f" ({change.weight} %)" if change.canary else ""
    return f"  {change.route.key}: {change.source or 'safe state'} -> {where}{part}: {plain(change.cause.detail)}"
