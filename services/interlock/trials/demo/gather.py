"""Gathers the evidence when the story is over: from the model servers, the webhook, the clients, and the topics."""

from interlock.records.change import Trigger
from interlock.trials.demo.cast import PRIMARY, SLOW, SUPPORT, SUPPORT_ROUTE, TRIED, UNACCEPTED
from interlock.trials.demo.director import Notes
from interlock.trials.demo.evidence import Answered, AuditFigures, Evidence, Tried, Waited
from interlock.trials.demo.scene import Scene
from interlock.trials.told import accepted_at
from interlock.trials.witness import first_offsets
from interlock.vocabulary.time import NEVER


async def gather(scene: Scene, notes: Notes) -> Evidence:
    """Everything that was seen from outside, as it is now."""
    failures = [seen["at"] for seen in scene.models.log(PRIMARY) if seen["status"] != 200]
    return Evidence(
        changes=sorted(scene.witness.changes, key=lambda change: change.issued_at),
        beginning=dict(notes.beginning),
        told=accepted_at(scene.stage.notices()),
        replies={agent: tuple(client.replies) for agent, client in scene.clients.items()},
        counted=await scene.models.counts(),
        first_failure_s=min(failures, default=None),
        refusals=tuple(notes.refusals),
        audit=await _audit_figures(scene),
        trouble=notes.trouble,
        tried=_tried(scene, notes),
        waited=_waited(scene, notes),
        kept={ticket.id: ticket.request for ticket in scene.witness.tickets.values()},
    )


def _tried(scene: Scene, notes: Notes) -> Tried | None:
    if notes.tried is None:
        return None
    since, until = notes.tried
    return Tried(
        since,
        until,
        counted={model: scene.models.asked(model, SUPPORT, since, until) for model in (SLOW, TRIED)},
        before=_before(scene, TRIED, Trigger.LATENCY),
    )


def _waited(scene: Scene, notes: Notes) -> Waited | None:
    if not notes.waiting:
        return None
    return Waited(
        notes.waiting,
        unauthorised=_answered(scene, notes.unauthorised),
        approved=_answered(scene, str(notes.approved.get("id", ""))),
        before=_before(scene, UNACCEPTED, Trigger.APPROVED),
    )


def _before(scene: Scene, model: str, trigger: Trigger) -> int:
    """How many requests of support a model's server had counted before the change that brought it in; all, if none did."""
    found = (each for each in scene.witness.changes if each.route == SUPPORT_ROUTE and each.target == model)
    ordered = next((each.issued_at for each in found if each.cause.trigger is trigger), None)
    return scene.models.asked(model, SUPPORT, NEVER, ordered)


def _answered(scene: Scene, command: str) -> Answered | None:
    """What the audit log says of a command; the signers are those of the bytes that were journalled."""
    witness = scene.witness
    answer, ordered = witness.answers.get(command), witness.commands.get(command)
    if answer is None or ordered is None:
        return None
    return Answered(tuple(sorted(ordered.signers)), answer.accepted, answer.reason)


async def _audit_figures(scene: Scene) -> AuditFigures:
    witness = scene.witness
    return AuditFigures(
        records=witness.audit_records,
        differences=tuple(f"step {each.sequence} at offset {each.offset}: {each.what}" for each in witness.differences),
        cut=tuple(sorted(await first_offsets(scene.stage.bus))),
    )
