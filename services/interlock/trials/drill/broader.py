"""8.3: a fallback that can do or reach more than its primary is refused, one dimension of the lattice after the other.

For every dimension there is an agent, and a model that is broader than the agent's primary in this one and the same in all others.
A last agent's first fallback is narrower than its primary; the second one is no broader than the primary, but broader than the first,
which it would replace: that is refused, too.
"""

from collections.abc import Mapping
from typing import Any

from interlock.policy.lattice import DIMENSIONS
from interlock.trials.drill.cast import Actor, Agent, Cast, Validation
from interlock.trials.drill.exercise import Act, Exercise, Seen
from interlock.trials.drill.field import Field
from interlock.trials.drill.refused import (
    BORNE_OUT,
    Refusals,
    Wanted,
    all_refused,
    refuse_at_decision,
    refuse_at_policy,
    refuse_at_router,
    summed_up,
)
from interlock.trials.drill.together import together
from interlock.trials.steady_client import Fate
from interlock.vocabulary.reasons import Reason

BROADER: Mapping[str, Mapping[str, Any]] = {
    "tools": {"capability": {"tools": ["delete_records", "search_records"]}},
    "code_execution": {"capability": {"code_execution": True}},
    "network": {"capability": {"network": "internet"}},
    "modalities": {"capability": {"modalities": ["image", "text"]}},
    "context": {"capability": {"context_tokens": 256_000}},
    "outputs": {"capability": {"outputs": ["audio", "json", "text", "tool_calls"]}},
    "autonomy": {"capability": {"autonomy": "act"}},
    "scopes": {"identity": {"scopes": ["records.read", "records.write"]}},
    "assurance": {"identity": {"assurance": 1}},
    "data classes": {"data": {"classes": []}},
    "regions": {"data": {"regions": ["eu-central", "us-east"]}},
    "retention": {"data": {"retention_days": 30}},
    "logging": {"data": {"logging": "content"}},
    "approvals": {"approvals": []},
    "integrity": {"integrity": 0},
}
"""For every dimension, what makes a model broader in it than every other model of the drill."""

PRIMARY = "broader-primary"
PROFILE = "broader"
SECOND, SECOND_PRIMARY, NARROW, MIDDLE = "broader-second", "broader-wide", "broader-narrow", "broader-middle"
_WIDE = {"capability": {"tools": ["search_records", "update_records"]}}
"""What the last agent's primary may call, and its second fallback, but not its first."""


def agent_of(dimension: str) -> str:
    """The agent of one dimension; its broader model is called the same, with `-model`."""
    return f"broader-{dimension.replace(' ', '-').replace('_', '-')}"


def _model_of(dimension: str) -> str:
    return f"{agent_of(dimension)}-model"


_SERVER = _model_of("tools")
"""One server is enough for all of them: it tells requests apart by the agent."""

CAST = Cast(
    agents=(
        *(Agent(agent_of(dimension), (PRIMARY,), profile=PROFILE, every_s=0.8) for dimension in BROADER),
        Agent(SECOND, (SECOND_PRIMARY, NARROW), profile=PROFILE, every_s=0.4),
    ),
    models=(
        Actor(PRIMARY),
        *(
            Actor(_model_of(name), 5, server="" if _model_of(name) == _SERVER else _SERVER, differs=differs)
            for name, differs in BROADER.items()
        ),
        Actor(SECOND_PRIMARY, differs=_WIDE),
        Actor(NARROW),
        Actor(MIDDLE, 5, server=_SERVER, differs=_WIDE),
    ),
    validations=tuple(Validation(model, PROFILE) for model in (*map(_model_of, BROADER), MIDDLE)),
)

WANTED = tuple(
    Wanted(
        agent=agent_of(dimension.name),
        model=_model_of(dimension.name),
        ladder=(PRIMARY, _model_of(dimension.name)),
        check_says=dimension.broader,
        decision_says=frozenset({f"{dimension.name} ⊑ primary", f"{dimension.name} ⊑ predecessor"}),
        router_says=dimension.broader,
    )
    for dimension in DIMENSIONS
)
WANTED_BEHIND = Wanted(
    agent=SECOND,
    model=MIDDLE,
    ladder=(SECOND_PRIMARY, NARROW, MIDDLE),
    check_says=Reason.BROADER_TOOLS,
    decision_says=frozenset({"tools ⊑ predecessor"}),
    router_says=Reason.BROADER_TOOLS,
)


async def play(field: Field) -> Seen:
    """Each dimension; and beside them the second fallback."""
    dimensions, behind = [Refusals(wanted) for wanted in WANTED], Refusals(WANTED_BEHIND)
    every = [*dimensions, behind]
    await refuse_at_policy(field, every)
    await together([all_refused(field, dimensions, PRIMARY), _behind(field, behind)])
    evidence, faults = summed_up(field, every)
    summary = (
        f"{len(WANTED)} dimensions and a broader second fallback: each refused by policy check, by decision and by the "
        f"router; their servers counted no request"
    )
    return Seen({"refused": evidence}, summary, tuple(faults))


async def _behind(field: Field, seen: Refusals) -> None:
    """The last agent loses its primary, then its narrow first fallback."""
    await refuse_at_router(field, seen, SECOND_PRIMARY)
    if seen.astray:
        return
    after = len(field.changes(SECOND))
    field.behave(SECOND_PRIMARY, mode="error")
    narrowed = await field.until_moved(SECOND, NARROW, after=after)
    await field.until_obeyed(narrowed)
    await field.until_replies(SECOND, Fate.OK, NARROW, count=BORNE_OUT)
    await field.until_healthy(MIDDLE)
    after = len(field.changes(SECOND))
    field.behave(NARROW, mode="error")
    await refuse_at_decision(field, seen, after)


EXERCISE = Exercise(
    id="8.3",
    title="Broader fallback",
    clause="A fallback with more capability, reach or autonomy than the model it replaces is refused, in every dimension.",
    cast=CAST,
    acts={Act.TOGETHER: play},
)
