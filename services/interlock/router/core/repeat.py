"""`may_repeat`: whether an answer that a model gave before may be given again, in the safe state `cached_response`.

A model that was revoked must not go on speaking out of a cache. So the question is that of rule 1, asked of the documents held now, and
it is only answered under a live lease: a router that hears nothing cannot know what was revoked.
"""

from interlock.records.models import Model
from interlock.records.rules import SafeState
from interlock.router.core.fit import model_unfit, ruling
from interlock.router.core.state import RouterState
from interlock.vocabulary.identifiers import RouteId, shard_of
from interlock.vocabulary.time import Reading


def may_repeat(state: RouterState, route: RouteId, model: Model, now: Reading) -> bool:
    """Whether answers of a model, as it was approved when it gave them, may be kept for a route and given again now."""
    rule = ruling(state.book, state.marks, route)
    if rule is None or rule.safe_state is not SafeState.CACHED_RESPONSE:
        return False
    lease = state.leases.get(shard_of(route.agent, state.shards))
    if lease is None or now.boot >= lease.end + rule.grace_us:
        return False
    rung = rule.rung(model.name)
    return (
        rung is not None
        and rung.model == model
        and model_unfit(state.book, state.marks, route, model.name, now.wall) is None
    )
