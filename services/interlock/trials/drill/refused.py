"""One model that an agent must not get: how it is wanted, and that it is refused at policy, at decision and at the router.

Each of the three is asked on its own, past the ones before it: `policy check` judges a draft that names the model; then such a policy is
signed by both owners all the same and published, so that only decision stands in the way; and a change to the model, signed with
decision's stolen key, is put before the router, so that only the router does. The model is well and quick all the time, and at last
the only one that is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

from interlock.trials.drill.field import Field
from interlock.trials.drill.forced import forced, publish_forced
from interlock.trials.drill.founded import policy_text
from interlock.trials.drill.together import together
from interlock.trials.steady_client import Fate
from interlock.trials.witness import NotSeen
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros

BORNE_OUT = 3
"""How many replies must bear out each state."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that an agent must not get.

    Attributes:
        agent: The agent.
        model: The model.
        ladder: The ladder on which it is put.
        check_says: What `policy check` must say against it; empty: that is not asked.
        decision_says: The checks of the model that decision must find failed, and no others; empty: it must not even look at it.
        router_says: For which reason the router must refuse it.
        validated_for: The task profile of the evidence that is put beside it; empty: the agent's own.
        force: Whether such a policy is signed and published past the check.
        called: Whether anybody calls the model while it is refused: of one that nobody calls it is not known whether it is well.
    """

    agent: str
    model: str
    ladder: tuple[str, ...]
    check_says: str
    decision_says: frozenset[str]
    router_says: Reason
    validated_for: str = ""
    force: bool = True
    called: bool = True


@dataclass(slots=True)
class Refusals:
    """What was seen of one wanted model so far.

    Attributes:
        wanted: The model, and who must not get it.
        evidence: What was seen.
        faults: What was not as it must be.
        since: From when on its server must not be asked.
    """

    wanted: Wanted
    evidence: dict[str, Any] = made(default_factory=dict)
    faults: list[str] = made(default_factory=list)
    since: Micros = NEVER

    @property
    def astray(self) -> bool:
        """Whether the router was not seen to refuse the model: then the agent is past being asked further."""
        return self.evidence.get("refused_at_router") is None


async def refuse_at_policy(field: Field, every: Sequence[Refusals]) -> None:
    """Write one draft with a route for each of the models, and type `interlock policy check`.

    Args:
        field: The field.
        every: The models, all of agents whose models are validated for the same tasks; what is seen is added to them.
    """
    ladders = {seen.wanted.agent: seen.wanted.ladder for seen in every}
    agent, workspace = field.cast.agent(every[0].wanted.agent), field.stage.workspace
    text = policy_text(agent, field.places, field.now, version=2, ladders=ladders)
    draft = workspace.write(workspace.directory / "drafts" / f"{agent.name}.yaml", text)
    answer = await field.type("policy", "check", str(draft.relative_to(workspace.directory)))
    errors = [problem["what"] for problem in answer.get("problems", ()) if problem["severity"] == "error"]
    for seen in every:
        wanted = seen.wanted
        against = [what for what in errors if wanted.model in what]
        seen.evidence["refused_at_policy"] = "; ".join(dict.fromkeys(against)) or None
        if answer.get("ok") is not False or not against or any(wanted.check_says not in what for what in against):
            seen.faults.append(
                f"`policy check` should have refused {wanted.model} for {wanted.agent} ({wanted.check_says}), and said: "
                f"{'; '.join(against) or 'nothing against it'}."
            )
    field.tell(f"policy check of a draft; routes: {len(every)}, errors: {len(errors)}")


async def refuse_at_router(field: Field, seen: Refusals, primary: str) -> None:
    """The agent's primary is well; its policy names the model all the same; and a stolen key orders it.

    Args:
        field: The field.
        seen: What was seen before; it is added to.
        primary: The agent's primary, where the agent must stay.
    """
    wanted = seen.wanted
    try:
        await field.until_placed(wanted.agent, primary)
        if wanted.force:
            others = {wanted.model: wanted.validated_for} if wanted.validated_for else {}
            await publish_forced(field, forced(field, wanted.agent, wanted.ladder, others))
        if wanted.called:
            await field.until_healthy(wanted.model)
        await _forged(field, seen, primary)
    except NotSeen as error:
        seen.faults.append(error.message)


async def refuse_at_decision(field: Field, seen: Refusals, after: int) -> None:
    """The agent's primary, and every rung above the model, is dead by now; what was ordered then?

    Args:
        field: The field.
        seen: What was seen before; it is added to.
        after: How many changes the agent had had before.
    """
    wanted = seen.wanted
    if seen.astray:
        return
    try:
        change = await field.until_moved(wanted.agent, None, after=after)
        failed = {
            each.check
            for each in change.verification
            if each.model == wanted.model
            and not each.passed
            and (wanted.called or not each.check.startswith("verdict"))
        }
        seen.evidence["refused_at_decision"] = sorted(failed) or ["not looked at: it is on no ladder of this agent"]
        if failed != wanted.decision_says:
            seen.faults.append(
                f"Decision should have passed over {wanted.model} for {_told(wanted.decision_says)}, and did for "
                f"{_told(failed)}."
            )
        await field.until_replies(wanted.agent, Fate.SAFE_STATE, count=BORNE_OUT)
    except NotSeen as error:
        seen.faults.append(error.message)


def summed_up(field: Field, every: Sequence[Refusals]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The evidence and the faults of all of them, with what the models' own servers counted."""
    faults = []
    for seen in every:
        wanted = seen.wanted
        counted = field.asked(wanted.model, wanted.agent, since=seen.since)
        named = {"agent": wanted.agent, "model": wanted.model}
        seen.evidence = {**named, **seen.evidence, "requests_at_its_server": counted}
        faults += seen.faults
        if counted:
            faults.append(f"The server of {wanted.model} counted {counted} requests of {wanted.agent}.")
    return [seen.evidence for seen in every], faults


async def _forged(field: Field, seen: Refusals, primary: str) -> None:
    """Order the model with a stolen key; the agent must stay where it is."""
    wanted = seen.wanted
    finding = await field.forge(wanted.agent, wanted.model)
    seen.evidence["refused_at_router"] = finding.reason if finding else None
    if finding is None:
        seen.faults.append(
            f"The gateway obeyed an order of {wanted.model} for {wanted.agent}, signed with a stolen key; it should have "
            f"refused it ({wanted.router_says})."
        )
        before = len(field.replies(wanted.agent))
        what = f"{wanted.agent} was answered under the forged order"
        await field.until(what, lambda: len(field.replies(wanted.agent)) >= before + BORNE_OUT)
    elif finding.reason != wanted.router_says:
        seen.faults.append(
            f"The gateway should have refused {wanted.model} for {wanted.agent} as {wanted.router_says}, and did as "
            f"{finding.reason}."
        )
    else:
        await field.until_replies(wanted.agent, Fate.OK, primary, count=BORNE_OUT)


def _told(checks: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(checks)) or "nothing"


async def all_refused(field: Field, every: Sequence[Refusals], primary: str) -> None:
    """What router and decision make of several models whose agents share a primary, which dies at the end."""
    await together(refuse_at_router(field, seen, primary) for seen in every)
    await field.until_healthy(*(seen.wanted.model for seen in every if seen.wanted.called))
    after = {seen.wanted.agent: len(field.changes(seen.wanted.agent)) for seen in every}
    field.behave(primary, mode="error")
    await together(refuse_at_decision(field, seen, after[seen.wanted.agent]) for seen in every)
