"""What a shard's owner reads: its inputs, and its own log and routes, where nobody else may write."""

from collections.abc import Mapping

from interlock.decision.core import intake
from interlock.decision.desk import Desk
from interlock.records.health import Verdict
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Bus, Position, Reader, Record
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Verified
from interlock.vocabulary.time import Micros
from interlock.wire.topics import ACKS, AUDIT, COMMANDS, POLICIES, ROUTES, VERDICTS

_WHOLE = (POLICIES.name, VERDICTS.name)
"""Read from the beginning: other shards' policies are in the book and not in the log, and nobody remembers how fresh a verdict was."""

_RESUMED = (COMMANDS.name, ACKS.name)
"""Read on from where the last owner stopped, or from what is still kept."""


async def open_inputs(desk: Desk, term: int, routes_end: int, heard: Mapping[tuple[str, int], int]) -> Reader:
    """A reader of everything that an owner must hear.

    Args:
        desk: What the owner works with.
        term: The offset of its claim: what follows in the log is its own, or ends its term.
        routes_end: Where the routes topic ended when the owner read it.
        heard: By (topic, partition): what need not be heard again.

    Raises:
        InfrastructureError: The bus cannot be reached.
    """
    kept = await _first_kept(desk.bus)
    start = {where: max(first, heard.get(where, 0)) for where, first in kept.items()}
    start |= {Position(AUDIT.name, desk.shard): term + 1, Position(ROUTES.name, desk.shard): routes_end}
    return await desk.bus.reader([*_WHOLE, *start], start=start)


def worth_reading(record: Record, now: Micros) -> bool:
    """Whether a record may matter; see `core.intake`."""
    return intake.worth_reading(record.topic, record.value, Micros(record.timestamp_ms * 1_000), now)


def take_stock(records: list[Record], trust: TrustRoot, now: Micros) -> tuple[list[Record], frozenset[str]]:
    """What counts of what was said while nobody ruled, and the keys of the verdicts that are still valid.

    Policies come first: a verdict counts only for a model that one uses. Of several valid verdicts under a key the last one counts.
    """
    valid = {
        (record.partition, record.offset): opened.value
        for record in records
        if record.topic == VERDICTS.name and worth_reading(record, now)
        if isinstance(opened := open_sealed(record.value, trust, Verdict), Verified) and opened.value.valid_until > now
    }
    last = {verdict.key: where for where, verdict in sorted(valid.items(), key=lambda each: each[1].issued_at)}
    overtaken = valid.keys() - last.values()
    left = [each for each in records if each.topic != VERDICTS.name or (each.partition, each.offset) not in overtaken]
    return sorted(left, key=lambda record: record.topic != POLICIES.name), frozenset(last)


async def _first_kept(bus: Bus) -> dict[Position, int]:
    """The first offset of each partition whose old records are deleted."""
    reader = await bus.reader(_RESUMED)
    try:
        where = [Position(topic, each) for topic in _RESUMED for each in range(await bus.partitions(topic))]
        return {each: reader.position(each) for each in where}
    finally:
        await reader.close()
