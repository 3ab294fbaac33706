"""8.7: governance is told of every change in time, why it was made and how long it is expected to last; or a breach is on record.

While everything runs, an agent's primary fails, comes back and fails again: the notice of the second failure says how long the first
one lasted.

Then the notifier is killed, and the primary of two agents fails. Nobody is told that they have moved. When the deadline is over the
watch, which shares nothing with the notifier, puts a breach on record for each of the two changes and tells it on its own channel. One
agent's policy says no more than that, and the agent goes on. The other's says `unnotified: suspend`: the agent is stopped. Of that,
too, nobody is told, and it is a breach, too, but it causes no further suspension. Once the notifier runs again, it tells all of it, late.

At the end of the run every change of every test is looked for among the notices that the governance function received.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from interlock.records.change import RoutingChange, Trigger
from interlock.records.sealing import event_id_of
from interlock.records.telling import Breach, NoticeKind
from interlock.testing.webhook_receiver import Received
from interlock.trials.drill.cast import Actor, Agent, Cast
from interlock.trials.drill.exercise import Act, Exercise, Seen
from interlock.trials.drill.field import PATIENCE_S, Field, moved
from interlock.trials.steady_client import Fate
from interlock.vocabulary.time import SECOND

TOLD, RECORDED, SUSPENDED = "told", "untold-recorded", "untold-suspended"
LARGE, SMALL = "fern-large", "fern-small"
SILENT_LARGE, SILENT_SMALL = "hazel-large", "hazel-small"

PERIOD_S = 5.0
"""A breach is on record so long after the deadline at most: the promise."""

CAST = Cast(
    agents=(
        Agent(TOLD, (LARGE, SMALL)),
        Agent(RECORDED, (SILENT_LARGE, SILENT_SMALL), last_channel=True),
        Agent(SUSPENDED, (SILENT_LARGE, SILENT_SMALL), last_channel=True, policy={"unnotified": "suspend"}),
    ),
    models=(Actor(LARGE), Actor(SMALL), Actor(SILENT_LARGE), Actor(SILENT_SMALL)),
)


async def play(field: Field) -> Seen:
    """A primary fails twice: the second time there is an incident like it.

    Raises:
        NotSeen: What must be seen was not.
    """
    first = await _failed(field)
    field.behave(LARGE, mode="ok")
    await field.until_placed(TOLD, LARGE)
    second = await _failed(field)
    field.behave(LARGE, mode="ok")
    await field.until_placed(TOLD, LARGE)
    faults = []
    if first.expected_from:
        faults.append(f"The first incident is expected to be like {first.expected_from} others, and there was none.")
    if not second.expected_from or not second.expected_us:
        faults.append(f"The second incident's change {second.id} does not say how long the first one lasted.")
    expected = {"s": round(second.expected_us / SECOND, 3), "from": second.expected_from, "like": second.expected_like}
    summary = f"the second failure is expected to last {expected['s']:.0f} s, as the first one did"
    return Seen({"expected_at_the_second_incident": expected}, summary, tuple(faults))


async def play_silenced(field: Field) -> Seen:
    """The notifier is killed, two agents move, and nobody is told.

    Raises:
        NotSeen: No breach was recorded, or what follows from one was not seen.
    """
    for agent in (RECORDED, SUSPENDED):
        await field.until_placed(agent, SILENT_LARGE)
    await field.kill("notifier")
    changes = await _untold(field)
    breaches = [await _breach(field, change) for change in changes]
    stopped = await field.until_moved(SUSPENDED, None, after=_place(field, changes[-1]) + 1)
    await field.until_replies(SUSPENDED, Fate.SAFE_STATE)
    await field.until_replies(RECORDED, Fate.OK, SILENT_SMALL)
    breaches.append(await _breach(field, stopped))
    faults = [*_breach_faults(field, breaches), *_stop_faults(field, stopped)]
    await field.restart("notifier")
    late = [await _late(field, change) for change in (*changes, stopped)]
    await _mend(field)
    rows = [_breach_row(breach) for breach in breaches]
    latest = max(row["recorded_after_s"] for row in rows)
    summary = (
        f"without the notifier: {len(rows)} breaches on record within {latest:.1f} s, one agent stopped, told late"
    )
    return Seen({"breaches": rows, "told_late_after_s": late}, summary, tuple(faults))


async def look_back(field: Field) -> Seen:
    """Every change of the run is looked for among what the governance function received.

    Raises:
        NotSeen: Nothing became of one.
    """
    changes = list(field.witness.changes)
    claimed = {notice.event_id.hex() for notice in field.witness.notices if notice.kind is NoticeKind.ACCEPTED}
    ids = {change.id: event_id_of(change).hex() for change in changes}
    await field.until(
        "a notice of every change is accepted, or claimed to be",
        lambda: all(each in {*claimed, *_received(field)} for each in ids.values()),
        within_s=field.deadline_s + PATIENCE_S,
    )
    received = _received(field)
    breached = {breach.change_id for breach in field.witness.breaches}
    faults, ages = list[str](), dict[str, float]()
    for change in changes:
        notice = received.get(ids[change.id])
        if notice is None:
            faults.append(
                f"The notifier signed a receipt for {change.id}, and the governance webhook received nothing."
            )
            continue
        age = ages[change.id] = notice.at - change.issued_at / SECOND
        if age > field.deadline_s and change.id not in breached:
            faults.append(f"{change.id} was told after {age:.1f} s, and no breach is on record.")
        faults += _wording_faults(change, notice.body["data"])
    in_time = [age for age in ages.values() if age <= field.deadline_s]
    late = {name: round(age, 3) for name, age in ages.items() if age > field.deadline_s}
    shown = next((change for change in changes if change.expected_us and change.id in ages), None)
    told = {
        "changes": len(changes),
        "told_in_time": len(in_time),
        "median_s": round(median(in_time), 3) if in_time else None,
        "slowest_in_time_s": round(max(in_time), 3) if in_time else None,
        "told_late_with_a_breach_on_record_s": late,
        "a_notice_as_it_was_received": received[ids[shown.id]].body["data"]["text"].splitlines() if shown else None,
    }
    summary = f"{len(in_time)} of {len(changes)} changes told within {max(in_time, default=0):.2f} s, {len(late)} late and on record"
    return Seen({"notices": told}, summary, tuple(faults))


async def _failed(field: Field) -> RoutingChange:
    """The primary fails, and its agent moves."""
    await field.until_placed(TOLD, LARGE)
    await field.until_healthy(LARGE, SMALL)
    after = len(field.changes(TOLD))
    field.behave(LARGE, mode="refuse")
    change = await field.until_moved(TOLD, SMALL, after=after)
    await field.until_replies(TOLD, Fate.OK, SMALL)
    return change


async def _untold(field: Field) -> list[RoutingChange]:
    """Two agents move while there is no notifier; the changes."""
    await field.until_healthy(SILENT_LARGE, SILENT_SMALL)
    after = {agent: len(field.changes(agent)) for agent in (RECORDED, SUSPENDED)}
    field.behave(SILENT_LARGE, mode="error")
    changes = [await field.until_moved(agent, SILENT_SMALL, after=count) for agent, count in after.items()]
    field.tell(f"nobody is told of these; the deadline is over in {field.deadline_s:g} s")
    return changes


async def _breach(field: Field, change: RoutingChange) -> Breach:
    """Wait for a breach, and for the watch's own message of it."""

    def found() -> Breach | None:
        return next((each for each in field.witness.breaches if each.change_id == change.id), None)

    patience = field.deadline_s + PERIOD_S + PATIENCE_S / 3
    await field.until(f"a breach is on record for {change.id}", lambda: found() is not None, within_s=patience)
    breach = found()
    assert breach is not None, "just seen"
    await field.until(f"the last channel is told of {change.id}", lambda: _told_last(field, breach))
    stops = "; its policy has it stopped" if breach.suspends else ""
    field.tell(f"a breach is on record, and the watch's own channel was told: {moved(change)}{stops}")
    return breach


async def _late(field: Field, change: RoutingChange) -> float:
    """Wait until governance is told after all; how many seconds after the change."""
    name = event_id_of(change).hex()
    await field.until(f"{change.id} is told late", lambda: name in _received(field))
    age = _received(field)[name].at - change.issued_at / SECOND
    field.tell(f"told late, after {age:.1f} s: {moved(change)}")
    return round(age, 3)


async def _mend(field: Field) -> None:
    """The primary is well again, and an operator resumes the agent that was stopped."""
    field.behave(SILENT_LARGE, mode="ok")
    answer = await field.type("resume", SUSPENDED, "--key", "keys/olga.pem", "--reason", "governance was told")
    field.tell(f"olga resumes {SUSPENDED}: {'accepted' if answer.get('accepted') else 'refused'}")
    for agent in (RECORDED, SUSPENDED):
        await field.until_placed(agent, SILENT_LARGE)


def _breach_faults(field: Field, breaches: Sequence[Breach]) -> Iterator[str]:
    """What is wrong with the breaches: each in time, and only the first of the agent whose policy asks for it suspends it."""
    for breach in breaches:
        row = _breach_row(breach)
        if row["recorded_after_s"] > field.deadline_s + PERIOD_S:
            yield f"The breach of {breach.change_id} was recorded after {row['recorded_after_s']:.1f} s."
        if breach.at - breach.change_issued_at < field.deadline_s * SECOND:
            yield f"The breach of {breach.change_id} was recorded before its deadline was over."
    suspending = [(breach.agent, breach.suspends) for breach in breaches]
    if suspending != [(RECORDED, False), (SUSPENDED, True), (SUSPENDED, False)]:
        yield f"{SUSPENDED}, and it alone, should be suspended once; the breaches say {suspending}."


def _stop_faults(field: Field, stopped: RoutingChange) -> Iterator[str]:
    """What is wrong with the suspension, now that its own breach is on record."""
    if stopped.cause.trigger is not Trigger.UNNOTIFIED:
        yield f"{SUSPENDED} should be stopped as unnotified; the audit log says {stopped.cause.trigger}."
    if field.changes(SUSPENDED)[-1].id != stopped.id:
        yield f"The suspension of {SUSPENDED} caused a further change, {field.changes(SUSPENDED)[-1].id}."
    if field.changes(RECORDED)[-1].target != SILENT_SMALL:
        yield f"{RECORDED} should go on with {SILENT_SMALL}; the audit log says {moved(field.changes(RECORDED)[-1])}."


def _wording_faults(change: RoutingChange, told: Mapping[str, Any]) -> Iterator[str]:
    """What a notice does not say that it must: of which change it tells, why, and how long that is expected to last."""
    lines = {line.partition(": ")[0]: line.partition(": ")[2] for line in told["text"].splitlines()}
    if told["change_id"] != change.id or told["cause"]["trigger"] != change.cause.trigger or not lines.get("Why"):
        yield f"The notice of {change.id} does not say why."
    expected_s = change.expected_us / SECOND if change.expected_us else None
    if (told["expected_s"], told["expected_from"]) != (expected_s, change.expected_from) or not lines.get("Expected"):
        yield f"The notice of {change.id} does not say how long it is expected to last, or that it is not known."


def _breach_row(breach: Breach) -> dict[str, Any]:
    after = round((breach.at - breach.change_issued_at) / SECOND, 3)
    return {"agent": breach.agent, "recorded_after_s": after, "suspends": breach.suspends, "detail": breach.detail}


def _received(field: Field) -> Mapping[str, Received]:
    """By event id, the first genuine notice of a change that the governance function accepted."""
    first: dict[str, Received] = {}
    for each in field.governance.requests:
        if each.genuine and each.accepted:
            first.setdefault(each.id, each)
    return first


def _told_last(field: Field, breach: Breach) -> bool:
    name = f"breach-{breach.event_id.hex()}"
    return any(each.genuine and each.accepted and each.id == name for each in field.last_channel.requests)


def _place(field: Field, change: RoutingChange) -> int:
    """A change's place among those of its agent."""
    return [each.id for each in field.changes(change.agent)].index(change.id)


EXERCISE = Exercise(
    id="8.7",
    title="Governance is told in time",
    clause=(
        "Within five minutes of every change the governance function is told of it, with the reason and the expected duration; if it is "
        "not, that is on record as a breach, even if the notifier does not run."
    ),
    cast=CAST,
    acts={Act.TOGETHER: play, Act.WITHOUT_NOTIFIER: play_silenced, Act.LOOKING_BACK: look_back},
    services=frozenset({"notifier", "watch"}),
)
