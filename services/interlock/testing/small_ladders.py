"""Small ladders over small lattices, every one of them, and an oracle of plain sets that says which rungs may be used.

The oracle knows nothing of `policy.lattice`. DESIGN 5, rule 1 is set algebra to it: a model is the set of what it is broader in, and
protection counts by its absence. A rung may be used if its set is inside the primary's and inside its predecessor's; what is against
it, is told by the same reasons.

    for ladder in product(subsets("tool a", "code"), repeat=3):
        book = unsigned({ROUTE: ladder})
        assert (inadmissible(book, ROUTE, NAMES[2], NOW) is None) == (not against(ladder, 2))
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations, islice
from typing import Any

from rpds import HashTrieMap

from interlock.policy.book import Book, HeldPolicy
from interlock.records.change import RoutingChange
from interlock.records.models import Autonomy, Evidence, Logging, Model, Network
from interlock.records.rules import RouteRule, Rung
from interlock.router.core.accept import Answer, accept
from interlock.router.core.marks import Marks
from interlock.router.core.state import RouterState
from interlock.signing.keys import sign
from interlock.signing.verifier import Verified, verify
from interlock.testing.builders import NOW, PROFILE, TRIGGERS, Deployment, model
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.limits import ROUTES_PER_POLICY_MAX
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, Reading

Breadth = frozenset[str]
"""What a model is broader in than the narrowest that there is: items of `BROADER`."""

Ladder = Sequence[Breadth]
NAMES = ("atlas", "birch", "cedar", "dogwood")
"""The models of a ladder, the primary first."""

DEPLOYMENT = Deployment()
_STAND_IN = sign(PayloadType.ROUTE_POLICY, b"any", DEPLOYMENT.key("grace"), DEPLOYMENT.key("oscar"))
_EVIDENCE = Evidence("any", "any", PROFILE, "vera", 1, 1, 1, "", DEPLOYMENT.issued_at, DEPLOYMENT.expires_at)

BROADER = {
    "tool a": Reason.BROADER_TOOLS,
    "tool b": Reason.BROADER_TOOLS,
    "code": Reason.BROADER_CODE_EXECUTION,
    "internet": Reason.BROADER_NETWORK,
    "images": Reason.BROADER_MODALITIES,
    "long context": Reason.BROADER_CONTEXT,
    "audio": Reason.BROADER_OUTPUTS,
    "acts alone": Reason.BROADER_AUTONOMY,
    "admin": Reason.BROADER_SCOPES,
    "weak identity": Reason.WEAKER_ASSURANCE,
    "not cleared": Reason.WEAKER_DATA_CLASSES,
    "region eu": Reason.BROADER_REGIONS,
    "region us": Reason.BROADER_REGIONS,
    "keeps": Reason.BROADER_RETENTION,
    "logs": Reason.BROADER_LOGGING,
    "not approved": Reason.WEAKER_APPROVALS,
    "not rated": Reason.WEAKER_INTEGRITY,
}
"""Everything that a model can be broader in, and why it may then not be used."""


def against(ladder: Ladder, place: int) -> set[Reason]:
    """What speaks against a rung of a ladder: whatever it has that the primary or its predecessor has not."""
    mine, primary, predecessor = ladder[place], ladder[0], ladder[max(place - 1, 0)]
    return {BROADER[item] for item in (mine - primary) | (mine - predecessor)}


def subsets(*items: str) -> list[Breadth]:
    """Every model that there is where these are all that models can be broader in."""
    return [frozenset(chosen) for size in range(len(items) + 1) for chosen in combinations(items, size)]


def _listed(breadth: Breadth, names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for item, name in names.items() if item in breadth)


@cache
def model_of(name: str, breadth: Breadth) -> Model:
    """The model as it is registered."""
    has = breadth.__contains__
    return model(
        name,
        tools=_listed(breadth, {"tool a": "a", "tool b": "b"}),
        capability={
            "code_execution": has("code"),
            "network": Network.INTERNET if has("internet") else Network.NONE,
            "modalities": ("text", *_listed(breadth, {"images": "image"})),
            "context_tokens": 128_000 if has("long context") else 8_000,
            "outputs": ("text", *_listed(breadth, {"audio": "audio"})),
            "autonomy": Autonomy.ACT if has("acts alone") else Autonomy.SUGGEST,
        },
        identity={
            "scopes": ("call", *_listed(breadth, {"admin": "admin"})),
            "assurance": 0 if has("weak identity") else 1,
        },
        data={
            "classes": () if has("not cleared") else ("internal",),
            "regions": _listed(breadth, {"region eu": "eu", "region us": "us"}),
            "retention_days": 30 if has("keeps") else 0,
            "logging": Logging.CONTENT if has("logs") else Logging.NONE,
        },
        approvals=() if has("not approved") else ("mdr",),
        integrity=0 if has("not rated") else 1,
    )


@cache
def rung_of(name: str, breadth: Breadth) -> Rung:
    """The model as a rung, with evidence."""
    return DEPLOYMENT.rung(model_of(name, breadth))


def rule_of(ladder: Ladder, slot: str, **fields: Any) -> RouteRule:
    """The ladder as the rule of a route."""
    rungs = [rung_of(name, breadth) for name, breadth in zip(NAMES, ladder, strict=False)]
    return DEPLOYMENT.rule(rungs, slot=slot, triggers=TRIGGERS[:1], **fields)


def packed(ladders: Iterable[Ladder]) -> Iterator[dict[RouteId, Ladder]]:
    """The ladders by route, as many as one policy takes."""
    rest = iter(ladders)
    while chunk := list(islice(rest, ROUTES_PER_POLICY_MAX // 2)):
        yield {RouteId("support", f"s{number}", ANY): ladder for number, ladder in enumerate(chunk)}


def unsigned(ladders: Mapping[RouteId, Ladder]) -> Book:
    """A book with the ladders of a policy that is not written out: thousands of them would take minutes to sign and read."""
    policy = DEPLOYMENT.policy_of("support", *(rule_of(ladder, route.slot) for route, ladder in ladders.items()))
    verified = verify(_STAND_IN, DEPLOYMENT.root, [PayloadType.ROUTE_POLICY], lambda kind, payload: policy)
    if not isinstance(verified, Verified):
        raise AssertionError(f"the stand-in does not count: {verified}")
    rungs = (rung for rule in policy.routes for rung in rule.ladder)
    evidence = {(rung.model.name, rung.model.version, PROFILE): _EVIDENCE for rung in rungs}
    return replace(DEPLOYMENT.book(), policies=HashTrieMap({"support": HeldPolicy(verified, b"", evidence)}))


def signed(ladders: Mapping[RouteId, Ladder], **fields: Any) -> Book:
    """A book with the ladders in a policy that was signed, published and read."""
    rules = (rule_of(ladder, route.slot, **fields) for route, ladder in ladders.items())
    return DEPLOYMENT.book(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules), "grace", "oscar"))


def router_refuses(book: Book, change: RoutingChange, now: Micros = NOW) -> Reason | None:
    """Why a router that holds this book does not obey a change which decision made of it; None: it accepts it."""
    held = book.policies[change.agent]
    made = replace(change, policy_version=held.value.version, policy_digest=held.event_id)
    state = RouterState.start(1, book, Marks())
    judged = accept(state, DEPLOYMENT.seal(made, "decision-1"), 0, Reading(now, Micros(SECOND)))
    if judged.answer is Answer.ACCEPTED:
        return None
    if judged.refused is None or judged.state.held:
        raise AssertionError(f"refused without a reason, or held all the same: {judged}")
    return judged.refused.reason
