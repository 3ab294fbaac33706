"""Worlds whose policies approve what should never have been approved: each rung is wrong in exactly one respect.

`policy check` would have refused these policies. Here they are signed all the same, and decision and routers must each see for
themselves: no owner may choose such a rung, and no router may obey a thief who orders it.
"""

from collections.abc import Iterator
from dataclasses import replace

from interlock.records.models import Autonomy, Logging, Model, Network
from interlock.records.rules import Needs, RouteRule, Rung, TriggerRule, WatchedTrigger
from interlock.testing.builders import NOW, Deployment, model
from interlock.trials.explore.thief import SMUGGLED
from interlock.trials.explore.world import AGENT, UNIT, Said, World
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import FOREVER, NEVER, Micros

DEPLOYMENT = Deployment()
PAST = Micros(NOW - 1)

PRIMARY = model("atlas", approvals=("ce",), integrity=2)


def _like(name: str, **fields: object) -> Model:
    """A model as good as the primary, but for some fields."""
    return model(name, **{"approvals": ("ce",), "integrity": 2, **fields})  # type: ignore[arg-type]


_BROADER = (
    _like("broader-tools", tools=("search", "shell")),
    _like("broader-code", capability={"code_execution": True}),
    _like("broader-network", capability={"network": Network.INTERNET}),
    _like("broader-modalities", capability={"modalities": ("image", "text")}),
    _like("broader-context", capability={"context_tokens": 256_000}),
    _like("broader-outputs", capability={"outputs": ("audio", "json", "text", "tool_calls")}),
    _like("broader-autonomy", capability={"autonomy": Autonomy.ACT}),
    _like("broader-scopes", identity={"scopes": ("models.call", "payments.write")}),
    _like("weaker-assurance", identity={"assurance": 1}),
    _like("weaker-classes", data={"classes": ()}),
    _like("broader-regions", data={"regions": ("eu", "us")}),
    _like("broader-retention", data={"retention_days": 30}),
    _like("broader-logging", data={"logging": Logging.CONTENT}),
    _like("weaker-approvals", approvals=()),
    _like("weaker-integrity", integrity=1),
)


def _route(slot: str, *rungs: Rung, needs: Needs = Needs(), ceiling: float | None = None, level: int = 1) -> RouteRule:  # noqa: B008
    triggers = (TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, NEVER),)
    rule = DEPLOYMENT.rule(rungs, slot=slot, triggers=triggers, blind_us=UNIT, stable_us=UNIT, grace_us=UNIT)
    return replace(rule, needs=needs, cost_ceiling=ceiling, evidence_level=level)


def _rung(subject: Model, *, level: int = 5) -> Rung:
    return replace(DEPLOYMENT.rung(subject), evidence=DEPLOYMENT.evidence(subject, level=level))


def broader() -> World:
    """Every dimension of the lattice, against the primary and against the predecessor."""
    primary = _rung(PRIMARY)
    rules = [_route(subject.name, primary, _rung(subject)) for subject in _BROADER]
    narrow, wide = _rung(_like("narrow", tools=())), _rung(_like("wide"))
    rules.append(_route("wide", primary, narrow, wide))
    twin = _rung(_like("twin", tools=("search", "shell")))
    rules.append(_route("twin", primary, _rung(_BROADER[0]), twin))
    return _world("broader", rules, {"wide": ("narrow",)}, ("broader-tools",))


def unfit() -> World:
    """Everything else that rules a rung out: evidence, needs, cost, dates."""
    return _world("unfit", list(_unfit()), {})


def _unfit() -> Iterator[RouteRule]:
    primary = _rung(PRIMARY)
    poor = _like("poor", capability={"context_tokens": 1_000, "modalities": (), "outputs": ()}, tools=())
    yield _route("small", primary, _rung(replace(poor, name="small")), needs=Needs(context_tokens=2_000))
    yield _route("blind", primary, _rung(replace(poor, name="blind")), needs=Needs(modalities=("text",)))
    yield _route("silent", primary, _rung(replace(poor, name="silent")), needs=Needs(outputs=("json",)))
    yield _route("unable", primary, _rung(replace(poor, name="unable")), needs=Needs(tools=("search",)))
    yield _route("dear", primary, _rung(_like("dear", usd_per_mtok=9.0)), ceiling=3.0)
    untested = _like("untested")
    yield _route("untested", primary, replace(_rung(untested), evidence=DEPLOYMENT.evidence(_like("other"))))
    yield _route("hardly", primary, _rung(_like("hardly"), level=1), level=2)
    stale = DEPLOYMENT.evidence(_like("stale"), expires_at=PAST)
    yield _route("stale", primary, replace(_rung(_like("stale")), evidence=stale))
    yield _route("overdue", primary, _rung(_like("overdue", identity={"rotation_due": PAST})))
    yield _route("retired", primary, _rung(_like("retired", retires_at=PAST)))


def _world(name: str, rules: list[RouteRule], also: dict[str, tuple[str, ...]], more: tuple[str, ...] = ()) -> World:
    sealed = DEPLOYMENT.seal(DEPLOYMENT.policy_of(AGENT, *rules), "grace", "oscar")
    approved = {
        RouteId(AGENT, rule.slot, ANY): (("atlas", FOREVER), *((each, FOREVER) for each in also.get(rule.slot, ())))
        for rule in rules
    }
    policy = Said("policy 1 approves more than it may", sealed, 1, approved)
    models = dict.fromkeys(rung.model.name for rule in rules for rung in rule.ladder)
    return World(
        name,
        DEPLOYMENT,
        (policy,),
        tuple(models),
        moments=(0, 5),
        down=tuple(model for approved in also.values() for model in approved) + more,
        claims=1,
        log=60,
        forgeries=(SMUGGLED,),
        thefts=1,
        restarts=False,
        deaths=False,
        lapses=False,
        losses=False,
        routes=tuple(sorted(approved)),
    )
