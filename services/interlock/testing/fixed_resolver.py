"""A resolver that answers what it was told, for tests of gateways and adapters."""

from interlock.records.models import Model
from interlock.records.rules import SafeReply, SafeState
from interlock.router.answers import Serve, Stop
from interlock.vocabulary.identifiers import RouteId

CHANGE_ID = "change-1"


class FixedResolver:
    """Gives every route the same answer.

    Args:
        model: Serves every route; None: every route is stopped.

    Attributes:
        asked: The routes that were asked for so far.
        keys: The request keys that came with them.
        repeatable: The models whose earlier answers may be given again, by name.
    """

    def __init__(self, model: Model | None = None) -> None:
        self.asked: list[RouteId] = []
        self.keys: list[str | None] = []
        self.repeatable: set[str] = set()
        self._model = model
        self._substituted, self._read_only, self._canary = False, False, ""
        self._state, self._reason, self._reply = SafeState.SUSPEND, "nothing is served yet", SafeReply()

    def serve(self, model: Model, *, substituted: bool = False, read_only: bool = False, canary: str = "") -> None:
        """Serve every route with a model from now on."""
        self._model = model
        self._substituted, self._read_only, self._canary = substituted, read_only, canary

    def stop(self, reason: str, *, state: SafeState = SafeState.SUSPEND, reply: SafeReply | None = None) -> None:
        """Stop every route from now on."""
        self._model = None
        self._state, self._reason, self._reply = state, reason, reply or SafeReply()

    def resolve(self, agent: str, slot: str, scope: str, request_key: str | None) -> Serve | Stop:
        """Say what was told; see `interlock.router.answers.Resolver`."""
        route = RouteId(agent, slot, scope)
        self.asked.append(route)
        self.keys.append(request_key)
        if self._model is None:
            return Stop(route, self._state, self._reason, CHANGE_ID, self._reply)
        return Serve(route, self._model, CHANGE_ID, self._substituted, self._read_only, self._canary)

    def may_repeat(self, route: RouteId, model: Model) -> bool:
        """Say what was told, of every route; see `interlock.router.answers.Resolver`."""
        return model.name in self.repeatable
