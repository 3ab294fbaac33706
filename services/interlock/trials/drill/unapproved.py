"""8.2: a model that is not approved serves nobody, though it is well, quick, and at last the only one that is.

Five ways not to be approved, an agent for each: the model is not in the policy at all; it is in a policy that both owners signed, but
nobody validated it for these tasks; it was validated, but for other tasks; its evidence has ended; and the safety role denies it while
it serves. The first two want the drill's tempter, which another agent uses rightfully at the same gateway.
"""

from interlock.records.change import Trigger
from interlock.trials.drill.cast import TEMPTER, Actor, Agent, Cast, Validation
from interlock.trials.drill.exercise import Act, Exercise, Seen
from interlock.trials.drill.field import UNDER_WAY, Field
from interlock.trials.drill.refused import BORNE_OUT, Refusals, Wanted, all_refused, refuse_at_policy, summed_up
from interlock.trials.drill.together import together
from interlock.trials.steady_client import Fate
from interlock.trials.witness import NotSeen
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

PRIMARY = "unapproved-primary"
TASKS, OTHER_TASKS = "unapproved", "unapproved-other-tasks"

ABSENT = Wanted(
    agent="unapproved-absent",
    model=TEMPTER,
    ladder=(PRIMARY, TEMPTER),
    check_says="no evidence for",
    decision_says=frozenset(),
    router_says=Reason.NOT_ON_LADDER,
    force=False,
)
UNVALIDATED = Wanted(
    agent="unapproved-unvalidated",
    model=TEMPTER,
    ladder=(PRIMARY, TEMPTER),
    check_says="no evidence for",
    decision_says=frozenset({"evidence"}),
    router_says=Reason.EVIDENCE_MISSING,
)
ELSEWHERE = Wanted(
    agent="unapproved-elsewhere",
    model="unapproved-elsewhere-model",
    ladder=(PRIMARY, "unapproved-elsewhere-model"),
    check_says=f"for {OTHER_TASKS}",
    decision_says=frozenset({"evidence"}),
    router_says=Reason.EVIDENCE_MISSING,
    validated_for=OTHER_TASKS,
)
EXPIRED = Wanted(
    agent="unapproved-expired",
    model="unapproved-expired-model",
    ladder=(PRIMARY, "unapproved-expired-model"),
    check_says=Reason.EVIDENCE_EXPIRED,
    decision_says=frozenset({"evidence unexpired"}),
    router_says=Reason.EVIDENCE_EXPIRED,
)
DENIED = Wanted(
    agent="unapproved-denied",
    model="unapproved-denied-model",
    ladder=("unapproved-denied-model", PRIMARY),
    check_says="",
    decision_says=frozenset({"denial"}),
    router_says=Reason.DENIED,
    force=False,
    called=False,
)
WANTED = (ABSENT, UNVALIDATED, ELSEWHERE, EXPIRED, DENIED)

CAST = Cast(
    agents=tuple(
        Agent(wanted.agent, wanted.ladder if wanted is DENIED else (PRIMARY,), profile=TASKS, every_s=0.4)
        for wanted in WANTED
    ),
    models=(
        Actor(PRIMARY),
        Actor(ELSEWHERE.model, 5),
        Actor(EXPIRED.model, 5),
        Actor(DENIED.model, 5),
    ),
    validations=(
        Validation(ELSEWHERE.model, OTHER_TASKS),
        Validation(EXPIRED.model, TASKS, ends_in_days=-1),
    ),
)


async def play(field: Field) -> Seen:
    """Drafts are checked, the denial is ordered, keys are stolen; then the primary of all five dies."""
    every = [Refusals(wanted) for wanted in WANTED]
    absent, unvalidated, elsewhere, expired, denied = every
    lacking = [absent, unvalidated, elsewhere]  # compiled without evidence, a draft is judged no further
    await together([_denied(field, denied), refuse_at_policy(field, lacking), refuse_at_policy(field, [expired])])
    await all_refused(field, every, PRIMARY)
    evidence, faults = summed_up(field, every)
    summary = (
        f"{len(every)} ways not to be approved: each refused by decision and by the router, and by policy check before the "
        f"denial; the models' servers counted no request"
    )
    return Seen({"refused": evidence}, summary, tuple(faults))


async def _denied(field: Field, seen: Refusals) -> None:
    """The safety role denies a model that serves an agent: it is left at once, and counts as wanted from then on."""
    await field.until_placed(DENIED.agent, DENIED.model)
    await field.until_replies(DENIED.agent, Fate.OK, DENIED.model, count=BORNE_OUT)
    await field.until_healthy(DENIED.model)
    after = len(field.changes(DENIED.agent))
    reason = "its provider reports a breach"
    answer = await field.type("deny", DENIED.model, "--reason", reason, "--key", "keys/sam.pem")
    if answer.get("model") != DENIED.model:
        raise NotSeen(f"`interlock deny {DENIED.model}` answered {dict(answer)}.", "Type it by hand.")
    change = await field.until_moved(DENIED.agent, PRIMARY, after=after)
    await field.until_obeyed(change)
    seen.since = Micros(field.obeyed_at(change) + UNDER_WAY)
    seen.evidence["left_for"] = change.cause.trigger
    if change.cause.trigger is not Trigger.DENIED:
        seen.faults.append(
            f"{DENIED.model} should have been left because it is denied, and was for {change.cause.trigger}."
        )


EXERCISE = Exercise(
    id="8.2",
    title="Unapproved model",
    clause="A model that is not approved for an agent never serves it, whoever asks for it, and though nothing else is well.",
    cast=CAST,
    acts={Act.TOGETHER: play},
)
