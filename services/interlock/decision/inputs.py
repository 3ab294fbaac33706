"""What a shard's owner reads: its inputs, and its own log and routes, where nobody else may write."""

from collections.abc import MutableMapping

from interlock.decision.core import intake
from interlock.decision.desk import Desk
from interlock.decision.shared_reader import Listener
from interlock.records.health import Verdict
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Position, Reader, Record
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Verified
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire.topics import ACKS, AUDIT, COMMANDS, POLICIES, ROUTES, VERDICTS

_RESUMED = (COMMANDS.name, ACKS.name)
"""Read on from where the last owner stopped, or from what is still kept. Policies and verdicts are read from the beginning: other shards'
policies are in the book and not in the log, and nobody remembers how fresh a verdict was."""


class Inputs:
    """What an owner hears: its own log and routes by itself, everything else together with the others of its process.

    Args:
        own: Reads its log and its routes.
        shared: Hears the rest.
    """

    def __init__(self, own: Reader, shared: Listener) -> None:
        self._own = own
        self._shared = shared

    async def read_to_end(self) -> list[Record]:
        """Everything from the beginning to the end as it is now; comes first. Its own log is in front: it may end the term."""
        return await self._own.read_to_end() + await self._shared.read_to_end()

    async def batch(self, *, limit: int, wait_s: float) -> list[Record]:
        """The next records; empty when none came within `wait_s` seconds. Its own log is looked at each time, and not waited for."""
        own = await self._own.batch(limit=limit, wait_s=0)
        return own + await self._shared.batch(limit=limit, wait_s=0 if own else wait_s)

    def at_end(self, within_s: float) -> bool:
        """Whether all that is there was returned, as told within the last seconds; see `Reader`."""
        return self._own.at_end(within_s) and self._shared.at_end(within_s)

    async def close(self) -> None:
        """Hear nothing more."""
        await self._shared.close()
        await self._own.close()


async def open_inputs(desk: Desk, term: int, routes_end: int, heard: MutableMapping[tuple[str, int], int]) -> Inputs:
    """Begin to hear everything that an owner must hear.

    Args:
        desk: What the owner works with.
        term: The offset of its claim: what follows in the log is its own, or ends its term.
        routes_end: Where the routes topic ended when the owner read it.
        heard: By (topic, partition): what need not be heard again; put right where a topic is shorter than that.

    Raises:
        InfrastructureError: The bus cannot be reached.
    """
    mine = {Position(AUDIT.name, desk.shard): term + 1, Position(ROUTES.name, desk.shard): routes_end}
    shared = await desk.shared.listen(await _resumed(desk, heard))
    try:
        return Inputs(await desk.bus.reader(list(mine), start=mine), shared)
    except BaseException:
        await shared.close()
        raise


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


async def _resumed(desk: Desk, heard: MutableMapping[tuple[str, int], int]) -> dict[Position, int]:
    """Where to go on in each partition whose old records are deleted.

    One that ends before what was heard of it was lost, in part or wholly. Nobody can bring that back, and a shard that waited for it would wait
    for ever: so what is there now is heard, from its beginning, and people are told. What was heard before is in the log, so a
    command that comes twice is carried out once; one that is old may be answered again, as expired.
    """
    reader = await desk.bus.reader(_RESUMED)
    try:
        ends = await reader.end_offsets()
        kept = {where: reader.position(where) for where in ends}
    finally:
        await reader.close()
    start = {where: max(first, heard.get(where, 0)) for where, first in kept.items()}
    for where, end in ends.items():
        if start[where] > end:
            said = f"{where.topic}-{where.partition} ends at {end}, and {start[where]} was reached before"
            await desk.findings.report(Reason.TOPIC_SHORTER, said)
            start[where] = heard[where] = kept[where]
    return start
