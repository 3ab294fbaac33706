"""Settings of the gateway."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from interlock.runtime.fields import Address
from interlock.runtime.settings import Duration, Listen, Name, ServiceSettings
from interlock.vocabulary.identifiers import ANY, RouteId, is_scope
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX
from interlock.vocabulary.time import SECOND, Micros, duration_text


def _scope(text: str) -> str:
    if not is_scope(text):
        raise ValueError(f"{text!r} is not a scope; use a name, or '*' where there is only one")
    return text


class AgentKey(BaseModel):
    """One agent's own API key, and the route that it stands for.

    Attributes:
        agent: Whose key it is.
        slot: The sub-task that it is used for.
        scope: The tenant class, region or request class that it is used for.
        key_sha256: SHA-256 of the key, in hex: the key itself is never in a file of ours. Keys are long and random, so a plain
            hash cannot be guessed backwards.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    agent: Name
    slot: Name = "main"
    scope: Annotated[str, AfterValidator(_scope)] = ANY
    key_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    @property
    def route(self) -> RouteId:
        """The route that requests with this key belong to."""
        return RouteId(self.agent, self.slot, self.scope)


class Timeouts(BaseModel):
    """How long the gateway waits for a model server.

    Attributes:
        connect: For a connection.
        first_token: In a streamed call, for the first event that names the model.
        stall: In a streamed call, between two events.
        total: For the whole call.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect: Duration = Micros(5 * SECOND)
    first_token: Duration = Micros(30 * SECOND)
    stall: Duration = Micros(30 * SECOND)
    total: Duration = Micros(300 * SECOND)

    @model_validator(mode="after")
    def _related(self) -> Self:
        if min(self.connect, self.first_token, self.stall) <= 0:
            raise ValueError("every timeout must be longer than nothing")
        if max(self.connect, self.first_token, self.stall) > self.total:
            raise ValueError(f"no timeout may be longer than `total`, {duration_text(self.total)}")
        return self


class GatewaySettings(ServiceSettings):
    """What the gateway must know.

    Attributes:
        owner: Its name in the trust root, where it holds the roles router and reporter.
        key: Its private key.
        serve: Where agents reach it.
        agents: The agents' keys.
        state: The file in which the router remembers what it believed, so that nothing goes back over a restart.
        lease: How long silence from the control plane may be believed.
        session_timeout: The brokers' session timeout for decision's group: how long a dead owner goes unnoticed.
        rebuild: How long a new owner of a shard needs until it beats.
        skew: How far decision's clock may be ahead of this machine's.
        timeouts: How long a model server is waited for.
        body_bytes_max: The largest request.
    """

    owner: Name
    key: Path
    serve: Listen = Address("127.0.0.1", 8080)
    agents: Annotated[tuple[AgentKey, ...], Field(min_length=1)]
    state: Path
    lease: Duration = Micros(15 * SECOND)
    session_timeout: Duration = Micros(6 * SECOND)
    rebuild: Duration = Micros(4 * SECOND)
    skew: Duration = Micros(SECOND)
    timeouts: Timeouts = Timeouts()
    body_bytes_max: Annotated[int, Field(ge=1_024, le=64 * 1_048_576)] = 8 * 1_048_576

    @model_validator(mode="after")
    def _lease_outlasts_a_takeover(self) -> Self:
        needed = Micros(self.session_timeout + self.rebuild)
        if self.lease < needed:
            raise ValueError(
                f"a `lease` of {duration_text(self.lease)} ends before a new decision owner can beat: "
                f"`session_timeout` + `rebuild` are {duration_text(needed)}"
            )
        if self.skew > CLOCK_SKEW_US_MAX:
            raise ValueError(f"`skew` may be {duration_text(Micros(CLOCK_SKEW_US_MAX))} at most")
        return self

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        if len({known.key_sha256 for known in self.agents}) < len(self.agents):
            raise ValueError("two entries of `agents` have the same key; give each route a key of its own")
        return self
