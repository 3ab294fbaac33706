"""How two policies of one agent differ: what widens, what narrows, and what does neither, route by route and rung by rung. Pure.

Both are compiled, so what is compared is what is signed: a model's entry in the registry and a validator's evidence are part of
it. `issued_at` is left out; it only says when somebody compiled it. The tables below say of every other field which way is more; a
test holds them against the records, so that none is forgotten.

Some directions are not plain:

1. A longer `stable` or `dwell` narrows: the route returns later to a higher rung, which may do more.
2. `approval.within` widens as it grows: without it nobody can let a rung in that was not accepted in advance.
3. Another kind of work widens where less is asked of it (`workflows`).
4. A canary plan narrows where it halts more often or at smaller weights; where it does the one and not the other, it does neither.
5. `suspend`, `human_queue` and `safe_shutdown` are one rank: nothing that a model wrote leaves them.

Not handled here: whether either may be signed (`check`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any

from interlock.policy.authoring.differences import (
    NONE,
    Compare,
    Difference,
    Direction,
    all_of,
    entries,
    falling,
    graded,
    inclusion,
    inside,
    members,
    part,
    rising,
    told_moment,
    told_yes,
)
from interlock.policy.authoring.rung_diff import compare_rungs
from interlock.policy.authoring.workflows import DEMANDS
from interlock.records.documents import RoutePolicy, Unnotified, Webhook, Workflow
from interlock.records.rules import WHOLE, CanaryPlan, Mode, Needs, RouteRule, SafeState, TriggerRule, WatchedTrigger
from interlock.vocabulary.time import Micros, duration_text

WIDENS, NARROWS, NEITHER = Direction

_MODES = {Mode.SUSPEND: 0, Mode.AWAIT_APPROVAL: 1, Mode.CANARY: 2, Mode.CUTOVER: 2, Mode.OTHER: 2}
"""How soon a route that leaves its model goes on: after a `resume`, after an approval, at once."""

_SAFE_STATES = {
    SafeState.SUSPEND: 0,
    SafeState.SAFE_SHUTDOWN: 0,
    SafeState.HUMAN_QUEUE: 0,
    SafeState.TEMPLATED_REPLY: 1,
    SafeState.CACHED_RESPONSE: 2,
    SafeState.READ_ONLY: 3,
}
"""How much the agent still says: nothing of its own, words that people signed, earlier answers, new ones."""


def diff(before: RoutePolicy, after: RoutePolicy) -> tuple[Difference, ...]:
    """Every difference of two policies, of the whole first, then route by route; empty if they say the same."""
    return tuple(_POLICY(before, after))


def beginning(policy: RoutePolicy) -> tuple[Difference, ...]:
    """What a policy brings where there was none: its routes."""
    return tuple(Difference("route", NONE, _path(rule), WIDENS, name) for name, rule in _by_name(policy).items())


def _ceiling(value: float | None) -> str:
    return NONE if value is None else f"{value:g} USD per million tokens"


def _webhooks(policy: RoutePolicy) -> Mapping[str, Webhook]:
    return {webhook.url: webhook for webhook in policy.notify}


def _channel(before: RoutePolicy, after: RoutePolicy) -> Iterator[Difference]:
    old, new = before.last_channel, after.last_channel
    if old is None or new is None:
        there = graded("last_channel", lambda channel: channel, bool, rising=NARROWS, told=_url)
        yield from there(old, new)
    else:
        yield from part("last_channel", _url)(old, new)
        yield from _private("last_channel.allow_private")(old, new)


def _url(webhook: Webhook | None) -> str:
    return webhook.url if webhook else NONE


def _private(what: str) -> Compare[Webhook]:
    return rising(what, lambda webhook: webhook.allow_private, told_yes)


def _routes(before: RoutePolicy, after: RoutePolicy) -> Iterator[Difference]:
    old, new = _by_name(before), _by_name(after)
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Difference("route", NONE, _path(new[name]), WIDENS, name)
        elif name not in new:
            yield Difference("route", _path(old[name]), NONE, NARROWS, name)
        else:
            yield from (replace(found, route=name) for found in _ROUTE(old[name], new[name]))


def _by_name(policy: RoutePolicy) -> dict[str, RouteRule]:
    return {f"{rule.slot}/{rule.scope}": rule for rule in policy.routes}


def _path(rule: RouteRule) -> str:
    return f"{', then '.join(rung.model.name for rung in rule.ladder)}; at the end {rule.safe_state}"


def _ladder(before: RouteRule, after: RouteRule) -> Iterator[Difference]:
    """What came and went, what stands higher or lower among those that stayed, and what became of each of these."""
    old, new = (tuple(rung.model.name for rung in rule.ladder) for rule in (before, after))
    stayed_old, stayed_new = ([name for name in one if name in other] for one, other in ((old, new), (new, old)))
    for name in new:
        if name not in old:
            yield Difference("ladder", NONE, f"rung {new.index(name) + 1}", WIDENS, rung=name)
            continue
        up = stayed_old.index(name) - stayed_new.index(name)
        if up:
            way = WIDENS if up > 0 else NARROWS
            yield Difference("ladder", _above(stayed_old, name), _above(stayed_new, name), way, rung=name)
        found = compare_rungs(before.ladder[old.index(name)], after.ladder[new.index(name)])
        yield from (replace(each, rung=name) for each in found)
    for name in old:
        if name not in new:
            yield Difference("ladder", f"rung {old.index(name) + 1}", NONE, NARROWS, rung=name)


def _above(names: Sequence[str], name: str) -> str:
    """Where a model stands among those that stayed: what came and went around it is told of itself."""
    above = ", ".join(names[: names.index(name)])
    return f"after {above}" if above else "first"


def _plan(before: RouteRule, after: RouteRule) -> Iterator[Difference]:
    old, new = before.canary, after.canary
    if old is None or new is None:
        yield from graded("canary", lambda plan: plan, bool, rising=NARROWS, told=_steps)(old, new)
    else:
        yield from _CANARY(old, new)


def _steps(plan: CanaryPlan | None) -> str:
    return _weights(plan.steps) if plan else "at once"


def _halts(steps: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Each halt with every weight that comes after it: a plan that halts more often, or as often and sooner, has all of another's."""
    return ((halt, weight) for halt, step in enumerate(steps) for weight in range(step, WHOLE))


def _weights(steps: Iterable[int]) -> str:
    return " ".join(f"{step}%" for step in (*steps, WHOLE))


def _demands(workflow: Workflow) -> frozenset[str]:
    """The names of what is asked of a kind of work."""
    return frozenset(demand.name for demand in DEMANDS if workflow in demand.workflows)


def _threshold(before: TriggerRule, after: TriggerRule) -> Iterator[Difference]:
    """A floor protects; every other threshold is borne up to its value."""
    kind = before.trigger
    word = _BOUNDS.get(kind, "above")
    bound = falling if kind is WatchedTrigger.QUALITY else rising
    compare: Compare[TriggerRule] = bound(word, lambda rule: rule.threshold, partial(_bound, word, kind))
    yield from compare(before, after)


_BOUNDS = {
    WatchedTrigger.QUALITY: "below",
    WatchedTrigger.LATENCY: "p95_above",
    WatchedTrigger.COST: "usd_per_hour_above",
}


def _bound(word: str, kind: WatchedTrigger, value: float) -> str:
    if word == "above":
        return f"{value * WHOLE:g}%"
    return f"{value:g}s" if kind is WatchedTrigger.LATENCY else f"{value:g}"


def _triggers(rule: RouteRule) -> Mapping[str, TriggerRule]:
    return {".".join(filter(None, (trigger.trigger, trigger.metric))): trigger for trigger in rule.triggers}


def _trigger(rule: TriggerRule) -> str:
    return f"{rule.objective} for {_lasting(rule.for_us)}, {rule.mode}"


def _needs(what: str) -> Compare[Needs]:
    return members(f"needs.{what}", lambda needs: getattr(needs, what), NARROWS)


def _duration(what: str, of: Callable[[Any], Micros], way: Callable[..., Compare[Any]] = rising) -> Compare[Any]:
    return way(what, of, _lasting)


def _lasting(value: Micros) -> str:
    return duration_text(value) if value else "0s"


_CANARY: Compare[CanaryPlan] = all_of(
    inclusion("canary.steps", lambda plan: plan.steps, _halts, NARROWS, _weights),
    falling("canary.calls_min", lambda plan: plan.calls_min),
    _duration("canary.time_min", lambda plan: plan.time_min_us, falling),
    _duration("canary.wait_max", lambda plan: plan.wait_max_us),
)

_ROUTE: Compare[RouteRule] = all_of(
    part("task_profile", lambda rule: rule.profile),
    falling("evidence_level", lambda rule: rule.evidence_level),
    inside(
        lambda rule: rule.needs,
        falling("needs.context_tokens", lambda needs: needs.context_tokens),
        *map(_needs, ("modalities", "outputs", "tools")),
    ),
    graded("cost_ceiling", lambda rule: rule.cost_ceiling, lambda most: inf if most is None else most, told=_ceiling),
    members("guards", lambda rule: rule.guards, NARROWS),
    _ladder,
    entries(
        "triggers",
        _triggers,
        NARROWS,
        _threshold,
        _duration("for", lambda trigger: trigger.for_us),
        graded("mode", lambda trigger: trigger.mode, lambda mode: _MODES[mode]),
        rising("tolerated", lambda trigger: trigger.tolerated, told_yes),
        told=_trigger,
    ),
    _duration("blind", lambda rule: rule.blind_us),
    _duration("recovery.stable", lambda rule: rule.stable_us, falling),
    _duration("recovery.dwell", lambda rule: rule.dwell_us, falling),
    _plan,
    rising("approval.within", lambda rule: rule.approval.within_us, lambda value: _lasting(value) if value else NONE),
    falling("approval.ticket", lambda rule: rule.approval.ticket, told_yes),
    _duration("grace", lambda rule: rule.grace_us),
    graded("safe_state", lambda rule: rule.safe_state, lambda state: _SAFE_STATES[state]),
    part("safe_state.model", lambda rule: rule.safe_reply.model or NONE),
    part("safe_state.text", lambda rule: rule.safe_reply.text or NONE),
    _duration("safe_state.max_age", lambda rule: rule.safe_reply.cache_us),
)

_POLICY: Compare[RoutePolicy] = all_of(
    part("agent", lambda policy: policy.agent),
    part("version", lambda policy: policy.version),
    part("deployment", lambda policy: policy.deployment),
    inclusion("workflow", lambda policy: policy.workflow, _demands, NARROWS),
    members("workflow.asks", lambda policy: _demands(policy.workflow), NARROWS),
    part("team", lambda policy: policy.team),
    rising("expires_at", lambda policy: policy.expires_at, told_moment),
    _duration("review_within", lambda policy: policy.review_within_us),
    entries("notify", _webhooks, NARROWS, _private("allow_private"), told=_url),
    graded("unnotified", lambda policy: policy.unnotified, lambda word: int(word is Unnotified.RECORD)),
    _channel,
    entries(
        "departures",
        lambda policy: {departure.demand: departure for departure in policy.departures},
        WIDENS,
        part("because", lambda departure: departure.because),
        told=lambda departure: departure.because,
    ),
    _routes,
)
