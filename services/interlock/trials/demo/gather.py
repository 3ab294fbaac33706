"""Gathers the evidence when the story is over: from the model servers, the webhook, the client, and the topics."""

from interlock.trials.demo.cast import PRIMARY
from interlock.trials.demo.report import AuditFigures, Evidence
from interlock.trials.demo.scene import Scene
from interlock.trials.demo.story import Story
from interlock.trials.told import accepted_at
from interlock.trials.witness import first_offsets


async def gather(scene: Scene, story: Story) -> Evidence:
    """Everything that was seen from outside, as it is now."""
    failures = [seen["at"] for seen in scene.models.log(PRIMARY) if seen["status"] != 200]
    return Evidence(
        changes=sorted(scene.witness.changes, key=lambda change: change.issued_at),
        beginning=story.beginning,
        told=accepted_at(scene.stage.notices()),
        replies=tuple(scene.client.replies),
        counted=await scene.models.counts(),
        first_failure_s=min(failures, default=None),
        refusals=tuple(story.refusals),
        audit=await _audit_figures(scene),
        trouble=story.trouble,
    )


async def _audit_figures(scene: Scene) -> AuditFigures:
    witness = scene.witness
    return AuditFigures(
        records=witness.audit_records,
        differences=tuple(f"step {each.sequence} at offset {each.offset}: {each.what}" for each in witness.differences),
        cut=tuple(sorted(await first_offsets(scene.stage.bus))),
    )
