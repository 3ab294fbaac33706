"""Who plays in the story: two agents that it is about, a third one, and the models with their servers.

`invoice` has a ladder of two models, and its story is an outage. `support` has three: its primary turns slow, the second is tried as
a canary, and the third differs materially and was not accepted in advance. One more model, the *tempter*, is registered, validated
for invoice's task, quicker than all and never fails; the same gateway holds its credential, since it serves a third agent, `triage`.
It is not approved for the two, so it must never answer them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.vocabulary.identifiers import ANY, RouteId

DEPLOYMENT = "demo"

AGENT = "invoice"
ROUTE = RouteId(AGENT, "main", ANY)
PRIMARY = "atlas-large"
FALLBACK = "birch-medium"
LADDER = (PRIMARY, FALLBACK)

SUPPORT = "support"
SUPPORT_ROUTE = RouteId(SUPPORT, "main", ANY)
SLOW = "dune-large"
"""Support's primary."""
TRIED = "elm-medium"
"""Accepted in advance: what is tried as a canary."""
UNACCEPTED = "fir-small"
"""Calls fewer tools, and waits for the approval of the agent's owner."""
SUPPORT_LADDER = (SLOW, TRIED, UNACCEPTED)
CANARY_WEIGHT = 25
"""Per cent of the requests in the canary's first step."""

OTHER_AGENT = "triage"
TEMPTER = "comet-turbo"

STORY_AGENTS = (AGENT, SUPPORT)
LADDERS: Mapping[str, tuple[str, ...]] = {AGENT: LADDER, SUPPORT: SUPPORT_LADDER, OTHER_AGENT: (TEMPTER,)}
PROFILES: Mapping[str, str] = {AGENT: "invoice-extraction", SUPPORT: "ticket-answers", OTHER_AGENT: "ticket-triage"}

OWNER = "oscar"
"""Who owns the agents, and may accept what is material."""
OPERATOR = "olga"
"""An operator: she may narrow, and not accept."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A model server.

    Attributes:
        model: Its name in the registry; it is served under the same name.
        tools: What it may call.
        latency_ms: How long its answers take.
        region: Where it says it is.
        late: Whether its server starts when the primaries serve. A model that must be approved and is healthy a moment before the
            primary would be proposed at once, which is right and no part of the story.
    """

    model: str
    tools: str
    latency_ms: int
    region: str = "eu-central"
    late: bool = False

    @property
    def provider(self) -> str:
        """Who serves it."""
        return self.model.partition("-")[0]

    @property
    def variable(self) -> str:
        """The environment variable that holds its credential."""
        return f"{self.provider.upper()}_KEY"


ACTORS = (
    Actor(PRIMARY, "[post_entry, search_invoices]", 40),
    Actor(FALLBACK, "[search_invoices]", 60),
    Actor(SLOW, "[post_reply, search_tickets]", 40),
    Actor(TRIED, "[post_reply, search_tickets]", 50),
    Actor(UNACCEPTED, "[search_tickets]", 60, late=True),
    Actor(TEMPTER, "[search_invoices]", 5),
)
