"""A resolver that answers what it was told, for tests of gateways and adapters."""

from interlock.records.models import Model
from interlock.router.answers import Serve, Stop
from interlock.vocabulary.identifiers import RouteId

CHANGE_ID = "change-1"


class FixedResolver:
    """Gives every route the same answer.

    Args:
        model: Serves every route; None: every route is stopped.

    Attributes:
        asked: The routes that were asked for so far.
    """

    def __init__(self, model: Model | None = None) -> None:
        self.asked: list[RouteId] = []
        self._model = model
        self._substituted = False
        self._reason = "nothing is served yet"

    def serve(self, model: Model, *, substituted: bool = False) -> None:
        """Serve every route with a model from now on."""
        self._model, self._substituted = model, substituted

    def stop(self, reason: str) -> None:
        """Stop every route from now on."""
        self._model, self._reason = None, reason

    def resolve(self, agent: str, slot: str, scope: str, request_key: str | None) -> Serve | Stop:
        """Say what was told; see `interlock.router.answers.Resolver`."""
        route = RouteId(agent, slot, scope)
        self.asked.append(route)
        if self._model is None:
            return Stop(route, "suspend", self._reason, CHANGE_ID)
        return Serve(route, self._model, CHANGE_ID, self._substituted)
