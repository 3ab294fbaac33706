"""A routing change in plain words: what happened, why, what is asked of whom. Pure.

Only the signed change speaks, and its texts lose control, formatting and private-use characters, line breaks included: nobody who
can word a detail can start a new line, turn the reading direction or hide a part.
"""

import shlex
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from interlock.records.change import Check, RoutingChange, Trigger
from interlock.records.rules import WHOLE
from interlock.vocabulary.time import SECOND, Micros, to_text

_HIDDEN = ("C", "Zl", "Zp")
"""Unicode categories that show nothing or change what is shown: control, format, surrogate, private use, line separators."""

_WHY = {
    Trigger.OTHER: "for a reason that this notifier does not know yet",
    Trigger.POLICY: "a new policy or trust root is in force",
    Trigger.RECOVERED: "{model} has been stable long enough",
    Trigger.UNAVAILABLE: "{model} is unavailable",
    Trigger.ERRORS: "{model} fails too often",
    Trigger.THROTTLED: "{model} is throttled by its provider",
    Trigger.LATENCY: "{model} is too slow",
    Trigger.QUALITY: "the answers of {model} are below their floor of quality",
    Trigger.REFUSALS: "{model} refuses too often",
    Trigger.LOW_CONFIDENCE: "{model} is unsure too often",
    Trigger.SCHEMA_FAILURES: "the answers of {model} do not fit the agent's schema",
    Trigger.COST: "{model} costs more than the route may",
    Trigger.CREDENTIAL: "the credential of {model} fails",
    Trigger.WRONG_MODEL: "the provider served another model than {model}",
    Trigger.GUARD_MISSING: "a guard that the policy requires is silent",
    Trigger.DISABLED: "an operator disabled {model}",
    Trigger.DENIED: "the safety role denied {model}",
    Trigger.EVIDENCE_EXPIRED: "the validation evidence of {model} expired",
    Trigger.POLICY_EXPIRED: "the policy expired",
    Trigger.NOT_ADMISSIBLE: "policy no longer allows {model}",
    Trigger.SUSPENDED: "it was ordered, and only a signed resume ends it",
    Trigger.UNNOTIFIED: "nobody is known to have been told of an earlier change in time, and only a signed resume ends it",
    Trigger.REJECTED: "a person rejected {model}",
    Trigger.APPROVED: "a person approved {model}",
    Trigger.AWAITING_APPROVAL: "{model} waits for approval",
    Trigger.APPROVAL_TIMED_OUT: "nobody approved {model} in time",
    Trigger.APPROVAL_WITHDRAWN: "the proposal of {model} was withdrawn",
    Trigger.CANARY: "the canary of {model} goes on",
    Trigger.CANARY_PASSED: "the canary of {model} passed",
    Trigger.CANARY_FAILED: "the canary of {model} failed",
    Trigger.CANARY_INCONCLUSIVE: "the canary of {model} came to no result",
    Trigger.READ_ONLY: "{model} may answer without its tools",
    Trigger.NOT_SETTLED: "its rules did not settle, and a person must look",
}

_STOPPED: Mapping[str, str] = {
    "suspend": "requests are refused",
    "human_queue": "requests wait for a person",
    "read_only": "{target} answers without its tools",
    "cached_response": "answers come from its cache alone",
    "templated_reply": "the text that governance signed is the answer",
    "safe_shutdown": "what has begun is ended, nothing else begins",
}
"""What a safe state means to who depends on the agent."""

_ROLLED_BACK = frozenset({Trigger.CANARY_FAILED, Trigger.CANARY_INCONCLUSIVE})
_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 60, ""))
"""Seconds and name of each unit, and of the one that is told beside it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of each text (characters) and of each list (items) is told."""

    chars: int
    items: int


def plain(text: str, chars_max: int = 500) -> str:
    """The text on one line, without characters that hide or rearrange it, cut to a length."""
    looked_at = text[: 4 * chars_max]
    shown = "".join(" " if unicodedata.category(char).startswith(_HIDDEN) else char for char in looked_at)
    line = " ".join(shown.split())
    whole = len(line) <= chars_max and len(looked_at) == len(text)
    return line if whole else line[: chars_max - 1] + "…"


def failed_checks(change: RoutingChange) -> list[Check]:
    """The checks that were not passed."""
    return [check for check in change.verification if not check.passed]


def approval_command(change: RoutingChange, cut: Cut) -> str:
    """The command line that approves what is proposed, safe to paste into a shell; who does so adds his key."""
    names = (shlex.quote(plain(name, cut.chars)) for name in (change.route.key, change.proposal))
    return " ".join(("interlock approve", *names))


def summary(change: RoutingChange, cut: Cut) -> str:
    """The change in one line."""
    return plain(f"{change.route.key} {_moved(change)}: {_why(change)}", 4 * cut.chars)


def text(change: RoutingChange, cut: Cut) -> str:
    """The change as a person reads it: what, why, what is asked of him, what was verified, who answers for it, when."""
    accepted = f"; the target was accepted by {change.accepted_by}" if change.accepted_by else ""
    lines = [
        f"What: {change.route.key} {_moved(change)}.",
        f"Why: {change.cause.detail or _why(change)}.",
        f"Expected: {_expected(change)}.",
        *([_asked(change, cut)] if change.proposed is not None else []),
        f"Verified: {_verified(change, cut)}",
        f"Differences: {_differences(change, cut)}",
        f"Accountable: {change.team}{accepted}; review due {to_text(change.review_due)}.",
        f"When: {to_text(change.issued_at)}, order {change.order}, policy version {change.policy_version}.",
    ]
    return "\n".join(plain(line, 4 * cut.chars) for line in lines)


def _moved(change: RoutingChange) -> str:
    first = change.source is None and change.version == 1
    if change.safe_state is not None:
        return _stopped(change, first=first)
    if change.weight < WHOLE:
        return f"tries {change.target} with {change.weight} % of its requests, {change.source} serves the others"
    if change.cause.trigger in _ROLLED_BACK:
        return f"is served by {change.target} alone again, the canary of {change.source} is rolled back"
    if change.target == change.source:
        return f"stays with {change.target}"
    begins = f"begins with {change.target}"
    return begins if first else f"moved from {change.source or 'its safe state'} to {change.target}"


def _stopped(change: RoutingChange, *, first: bool) -> str:
    meaning = _STOPPED.get(change.safe_state or "", "").replace("{target}", str(change.target))
    state = f"its SAFE STATE ({change.safe_state}{': ' if meaning else ''}{meaning})"
    waits = f", and waits for approval of {change.proposed}" if change.proposed is not None else ""
    if change.source is not None:
        return f"is in {state}, after {change.source}{waits}"
    return f"{'begins' if first else 'stays'} in {state}{waits}"


def _why(change: RoutingChange) -> str:
    return _WHY[change.cause.trigger].replace("{model}", change.cause.model or "the model")


def _expected(change: RoutingChange) -> str:
    """How long it will last, on what that rests, or plainly that it is not known."""
    count, like = change.expected_from, change.expected_like
    if not like:
        return "to last; no incident is in progress"
    if not count:
        return f"not known; no incident like this one ({like}) is on record"
    which = f"{count} incidents like it ({like})" if count > 1 else f"the one incident like it ({like})"
    if not change.expected_us:
        return f"not known; this incident has outlasted {'all ' if count > 1 else ''}{which}"
    basis = f"the median of {which}" if count > 1 else f"as long as {which}"
    return f"the incident lasts {_roughly(change.expected_us)} in all, {basis}"


def _asked(change: RoutingChange, cut: Cut) -> str:
    until = to_text(change.proposal_until)
    return f"Asked: approve {change.proposed} until {until}, or reject it: {approval_command(change, cut)}"


def _verified(change: RoutingChange, cut: Cut) -> str:
    failed = failed_checks(change)
    counted = f"{len(change.verification) - len(failed)} of {len(change.verification)} checks passed."
    shown = [f"{check.model} fails {check.check}" for check in failed[: min(5, cut.items)]]
    more = [f"and {len(failed) - len(shown)} more"] if len(failed) > len(shown) else []
    return counted + (f" {'; '.join(shown + more)}." if failed else "")


def _differences(change: RoutingChange, cut: Cut) -> str:
    shown = [f"{delta.dimension} {delta.source} → {delta.target}" for delta in change.delta[: min(8, cut.items)]]
    more = [f"and {len(change.delta) - len(shown)} more"] if len(change.delta) > len(shown) else []
    material = ", ".join(change.material_in[: cut.items])
    return f"{'; '.join(shown + more) or 'none'}. {f'Material: {material}.' if material else 'Not material.'}"


def _roughly(duration: Micros) -> str:
    """A duration as people say it, rounded up: what is told must not be over while the duration itself is not."""
    whole = -(-duration // SECOND)
    for size, unit, finest, part in _UNITS:
        if whole >= size:
            count, rest = divmod(-(-whole // finest) * finest, size)
            return f"about {count} {unit}" + (f" {rest // finest} {part}" if rest else "")
    return f"about {whole} s"
