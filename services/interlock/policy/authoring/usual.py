"""What is usual for each kind of work: what a policy gets where it says nothing itself, and how long it may be at most if it does.

The riskier the work, the shorter silence is believed and the sooner people look. The compiled policy bears every value, whoever
said it, so nobody who reads a signed policy needs this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from interlock.records.documents import Workflow
from interlock.records.rules import Approval, Mode, SafeState
from interlock.vocabulary.time import NEVER, Micros, parse_duration

_NONE = Approval()


@dataclass(frozen=True, slots=True)
class Span:
    """A duration: what is usual, and the most that the kind of work allows; None: no bound."""

    usual: Micros
    most: Micros | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    """One kind of work.

    Attributes:
        about: What an agent of this kind does, in a few words.
        review_within: How soon people look at a substitution.
        blind: How long silence about the model in use is borne.
        grace: How long a router keeps the route after the control plane fell silent.
        stable: How long a higher rung must be healthy before the route returns to it.
        dwell: How long the route stays on a rung at least before it does.
        safe_state: What happens when no rung may be used.
        approval: How long a change waits for the agent's owner; none unless it says so.
        mode: How a route leaves its model where a trigger does not say it.
    """

    about: str
    review_within: Span
    blind: Span
    grace: Span
    stable: Micros
    dwell: Micros
    safe_state: SafeState = SafeState.SUSPEND
    approval: Approval = _NONE
    mode: Mode = Mode.CUTOVER


def _span(usual: str, most: str | None = None) -> Span:
    return Span(parse_duration(usual), parse_duration(most) if most else None)


USUAL: Mapping[Workflow, Usual] = MappingProxyType(
    {
        Workflow.DRAFTING: Usual(
            "writes what a person reads before it is used",
            review_within=_span("30d", "90d"),
            blind=_span("60s"),
            grace=_span("15m"),
            stable=parse_duration("60s"),
            dwell=NEVER,
        ),
        Workflow.CUSTOMER_FACING: Usual(
            "answers customers, and nobody reads along",
            review_within=_span("5d", "30d"),
            blind=_span("30s", "15m"),
            grace=_span("60s", "1h"),
            stable=parse_duration("60s"),
            dwell=parse_duration("2m"),
        ),
        Workflow.MONEY_MOVING: Usual(
            "prepares or makes payments and bookings",
            review_within=_span("1d", "7d"),
            blind=_span("15s", "60s"),
            grace=_span("30s", "60s"),
            stable=parse_duration("5m"),
            dwell=parse_duration("10m"),
            approval=Approval(parse_duration("30m"), ticket=True),
        ),
        Workflow.TRADING: Usual(
            "places or advises orders on a market",
            review_within=_span("1d", "5d"),
            blind=_span("5s", "30s"),
            grace=_span("10s", "30s"),
            stable=parse_duration("5m"),
            dwell=parse_duration("15m"),
            approval=Approval(parse_duration("15m")),
            mode=Mode.AWAIT_APPROVAL,
        ),
        Workflow.CLINICAL: Usual(
            "informs the treatment of patients",
            review_within=_span("1d", "5d"),
            blind=_span("15s", "60s"),
            grace=_span("30s", "60s"),
            stable=parse_duration("5m"),
            dwell=parse_duration("10m"),
            safe_state=SafeState.HUMAN_QUEUE,
            approval=Approval(parse_duration("30m")),
        ),
        Workflow.LIVE_SYSTEM: Usual(
            "changes a system that is in use",
            review_within=_span("2d", "14d"),
            blind=_span("15s", "60s"),
            grace=_span("30s", "60s"),
            stable=parse_duration("5m"),
            dwell=parse_duration("10m"),
        ),
        Workflow.SAFETY_CRITICAL: Usual(
            "acts where people or machines can come to harm",
            review_within=_span("1d", "5d"),
            blind=_span("0s", "15s"),
            grace=_span("0s", "15s"),
            stable=parse_duration("15m"),
            dwell=parse_duration("30m"),
            safe_state=SafeState.SAFE_SHUTDOWN,
        ),
    }
)
"""By kind of work; a policy always names one of them."""
