"""Policies that no check let through, signed all the same by everybody who has to: what two people can do who are careless together.

`interlock policy sign` refuses such a policy, so it is put together here from what was signed before, and sealed with the owners' keys.
What decision and the routers make of it is the exercise.
"""

from collections.abc import Mapping
from dataclasses import replace

from interlock.records.change import RoutingChange
from interlock.records.documents import RoutePolicy
from interlock.records.models import Model, Registration
from interlock.records.rules import Rung
from interlock.records.sealing import open_sealed
from interlock.runtime.workspace import SEALED
from interlock.signing.verifier import Refused
from interlock.trials.drill.cast import Validation
from interlock.trials.drill.field import Field
from interlock.trials.drill.founded import OWNER, evidence_file
from interlock.trials.witness import NotSeen
from interlock.vocabulary.errors import InvariantError
from interlock.wire.topics import POLICIES

GOVERNANCE = "grace"


def forced(
    field: Field, agent: str, ladder: tuple[str, ...], validated_for: Mapping[str, str] | None = None
) -> RoutePolicy:
    """An agent's first policy with another ladder, under the next version.

    Args:
        field: The field.
        agent: The agent.
        ladder: Models of the registry, in order.
        validated_for: By model, the task profile of the evidence that is put beside it, where it is not the agent's own; where there
            is no such evidence, none is.
    """
    before = _signed(field, agent)
    profiles = {model: (validated_for or {}).get(model, field.cast.agent(agent).tasks) for model in ladder}
    rungs = tuple(
        Rung(_registered(field, model), OWNER, _evidence(field, model, profile)) for model, profile in profiles.items()
    )
    (rule,) = before.routes
    return replace(before, version=before.version + 1, issued_at=field.now, routes=(replace(rule, ladder=rungs),))


async def publish_forced(field: Field, policy: RoutePolicy) -> RoutingChange:
    """Sign a policy as governance and as the agent's owner, put it on its topic, and wait until routers obey a change made under it.

    Raises:
        NotSeen: Nobody took it.
    """
    await field.publish(POLICIES.name, f"policy/{policy.agent}", policy, GOVERNANCE, OWNER)

    def made() -> RoutingChange | None:
        changes = field.changes(policy.agent)
        return changes[-1] if changes and changes[-1].policy_version == policy.version else None

    await field.until(f"version {policy.version} of {policy.agent}'s policy is in force", lambda: made() is not None)
    change = made()
    if change is None:
        raise NotSeen(f"Version {policy.version} of {policy.agent}'s policy took no effect.", "Look at decision's log.")
    await field.until_obeyed(change)
    return change


def _signed(field: Field, agent: str) -> RoutePolicy:
    path = field.stage.workspace.policies / f"{agent}{SEALED}"
    opened = open_sealed(path.read_bytes(), field.stage.book.trust, RoutePolicy)
    if isinstance(opened, Refused):
        raise InvariantError(
            f"{path} was signed at the founding and does not count: {opened.reason}.", opened.reason.mend
        )
    return opened.value


def _registered(field: Field, model: str) -> Model:
    path = field.stage.workspace.registrations / f"{model}{SEALED}"
    opened = open_sealed(path.read_bytes(), field.stage.book.trust, Registration)
    if isinstance(opened, Refused):
        raise InvariantError(
            f"{path} was signed at the founding and does not count: {opened.reason}.", opened.reason.mend
        )
    return opened.value.model


def _evidence(field: Field, model: str, profile: str) -> bytes:
    path = field.stage.workspace.evidence / f"{evidence_file(Validation(model, profile))}{SEALED}"
    return path.read_bytes() if path.is_file() else b""
