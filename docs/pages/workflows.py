"""The page of the kinds of work: what is usual, what is asked, and what may be departed from."""

from interlock.policy.authoring.breaches import DRAFTING_SLOT
from interlock.policy.authoring.usual import USUAL, Span
from interlock.policy.authoring.workflows import DEMANDS, Demand
from interlock.records.documents import Workflow
from interlock.records.rules import Approval
from interlock.vocabulary.time import Micros, duration_text
from pages.markdown import codes, table

_MARKED = """\
Replies are marked for every kind of work: the gateway says in `x-interlock-substituted` whether another model than the primary answered."""
_LEFT_OUT = """\
A policy may leave these out, and then gets what is usual; what is signed bears every value. In brackets: the most that the kind of work
allows."""
_FIRM = "What is *firm* is the standard's own, and cannot be departed from."
_SHOWN = """\
A policy that does not meet a demand says so, and why; `check` shows it to everybody who signs, and `interlock policy coverage` to everybody
else:

```yaml
departures:
  - {from: short-grace, because: "a release under way is finished rather than broken off"}
```

A departure counts for every route of the policy. One from a demand that there is not, that is asked of other work only, or that is firm is
an error; one from a demand that is met anyway is a warning."""


def page() -> str:
    """What a policy gets where it says nothing, and what `interlock policy check` asks of it, by its `workflow`."""
    kinds = [(f"`{workflow}`", usual.about, codes(_asked(workflow))) for workflow, usual in USUAL.items()]
    fields = ("review_within", "blind", "grace", "recovery", "safe_state", "approval", "mode")
    slot = f"The slot `{DRAFTING_SLOT}` of a `{Workflow.LIVE_SYSTEM}` agent is the one whose replies a person reads before anything is done."
    parts = [table(("workflow", "what the agent does", "demands"), kinds), _MARKED]
    parts += ["## What is usual", _LEFT_OUT]
    parts += [table(("workflow", *(f"`{field}`" for field in fields)), (_usual(workflow) for workflow in USUAL))]
    parts += ["## What is asked", _FIRM]
    parts += [table(("demand", "of", "what it asks", "why"), (_demand(demand) for demand in DEMANDS)), slot]
    parts += ["## Looser only in as many words", _SHOWN]
    return "\n\n".join(parts)


def _asked(workflow: Workflow) -> list[str]:
    return [demand.name for demand in DEMANDS if workflow in demand.workflows]


def _usual(workflow: Workflow) -> tuple[str, ...]:
    usual = USUAL[workflow]
    return (
        f"`{workflow}`",
        _span(usual.review_within),
        _span(usual.blind),
        _span(usual.grace),
        f"stable {duration_text(usual.stable)}, dwell {_duration(usual.dwell)}",
        f"`{usual.safe_state}`",
        _approval(usual.approval),
        f"`{usual.mode}`",
    )


def _span(span: Span) -> str:
    most = "" if span.most is None else f" ({_duration(span.most)})"
    return f"{_duration(span.usual)}{most}"


def _duration(value: Micros) -> str:
    return duration_text(value) if value else "0s"


def _approval(approval: Approval) -> str:
    if not approval.within_us:
        return "none"
    return f"within {duration_text(approval.within_us)}{', with a ticket' if approval.ticket else ''}"


def _demand(demand: Demand) -> tuple[str, str, str, str]:
    everyone = len(demand.workflows) == len(USUAL)
    asked_of = "every kind of work" if everyone else codes(demand.workflows)
    firm = " (firm)" if demand.firm else ""
    return f"`{demand.name}`{firm}", asked_of, demand.asks, demand.why
