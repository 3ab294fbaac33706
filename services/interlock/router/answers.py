"""What a router answers to one request: serve this model, or stop.

The gateway and every adapter ask a `Resolver` once per request and do as it says; none of them chooses a model.
"""

from dataclasses import dataclass
from typing import Protocol

from interlock.records.models import Model
from interlock.records.rules import SafeReply, SafeState
from interlock.vocabulary.identifiers import RouteId


@dataclass(frozen=True, slots=True)
class Serve:
    """Call this model and no other.

    Attributes:
        route: The route that the request belongs to.
        model: The rung that serves it now.
        change_id: The routing change that says so.
        substituted: Whether the model is another than the route's primary.
        read_only: Whether the route is in the safe state `read_only`: the model may be asked, but every tool is stripped.
        canary: Id of the canary that divides the route's requests, whichever of its two arms this one is in; empty: none.
    """

    route: RouteId
    model: Model
    change_id: str
    substituted: bool
    read_only: bool = False
    canary: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Call no model: the route is in its safe state.

    Attributes:
        route: The route that the request belongs to.
        state: The safe state; never `read_only`, which is a `Serve`.
        reason: Why, a `Reason` or words.
        change_id: The routing change that says so; empty where the router stopped by itself.
        reply: What the safe state needs, from the signed policy that is held: the text of `templated_reply`, the age of
            `cached_response`.
    """

    route: RouteId
    state: SafeState
    reason: str
    change_id: str
    reply: SafeReply = SafeReply()  # noqa: RUF009 - immutable


class Resolver(Protocol):
    """Answers from memory, in microseconds, without IO."""

    def resolve(self, agent: str, slot: str, scope: str, request_key: str | None) -> Serve | Stop:
        """Say what to do with one request of a route.

        Args:
            agent: Who asks, as authenticated; never as the request claims.
            slot: The agent's sub-task.
            scope: Tenant class, region or request class.
            request_key: What keeps requests that belong together on one model during a canary; None where there is none: such
                requests stay with the model that is to be left.
        """
        ...

    def may_repeat(self, route: RouteId, model: Model) -> bool:
        """Whether an answer that a model gave may be given again while the route is in the safe state `cached_response`.

        Only while policy, as it is held under a live lease, still admits that model for the route, and names that safe state.

        Args:
            route: Who asks, as authenticated.
            model: Who gave the answer, as approved then.
        """
        ...
