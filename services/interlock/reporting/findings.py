"""Findings: what was refused, and what a person must look at, said where people look.

Every finding is counted (`interlock_findings_total`, by reason). It is also logged and published, signed, but for floods; see
`damper`. What a process finds in one record it tells once, however many of its shards, or starts, read that record. A refused
record is named by its place and its digest; its content is never repeated, because it may be an attack on whoever reads findings,
or somebody's data.

A finding that cannot be published is logged and counted, and never harms the caller: a service does not stop its work because
the topic of complaints is full. Nor does it wait for long: what a broker is slow to take is left on its way after `WAIT_S_MAX`.
"""

import asyncio

import structlog

from interlock.records.sealing import seal
from interlock.records.telling import Finding
from interlock.reporting.damper import Damper
from interlock.runtime.bus import Publisher, Record
from interlock.runtime.clock import Clock
from interlock.runtime.metrics import Metrics
from interlock.signing.keys import SigningKey
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire.topics import FINDINGS

WAIT_S_MAX = 1.0
"""How long a service waits for a word about its work to be taken: a router that waited longer would hear no heartbeat meanwhile."""

RECORDS_MAX = 1_000
"""Records whose findings are remembered: with more at a time they are a flood, and damped."""

_log = structlog.get_logger(__name__)


class Findings:
    """Tells findings in the name of one service.

    Args:
        publisher: Where they go.
        service: Who finds: the owner of the key.
        key: The service's key.
        clock: Civil time.
        metrics: Where they are counted.
    """

    def __init__(self, publisher: Publisher, service: str, key: SigningKey, clock: Clock, metrics: Metrics) -> None:
        self._publisher = publisher
        self._service = service
        self._key = key
        self._clock = clock
        self._damper = Damper()
        self._of_records: dict[tuple[Reason, str, str, int, int], None] = {}
        self._found = metrics.counter("findings", "1", "Findings, by reason.")
        self._lost = metrics.counter("findings_unpublished", "1", "Findings that could not be published.")

    async def report(self, reason: Reason, detail: str = "", record: Record | None = None) -> None:
        """Tell one finding. Never raises for want of a broker.

        Args:
            reason: Why.
            detail: In words, for people; never the content of what was refused.
            record: The record that was refused; None where there is none.
        """
        if record is not None and self._known(reason, detail, record):
            return
        self._found.add(1, {"reason": reason.value})
        now = self._clock.now().wall
        held_back = self._damper.admit(reason, record.topic if record else "", now)
        if held_back is None:
            return
        more = f"; {held_back} more like it before" if held_back else ""
        finding = self._finding(reason, detail[: TEXT_CHARS_MAX - len(more)] + more, record, now)
        place = f"{finding.topic}[{finding.partition}]@{finding.offset}" if record else ""
        _log.warning("finding", reason=reason.value, detail=finding.detail, record=place)
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                await self._publisher.publish(FINDINGS.name, self._service, seal(finding, self._key))
        except TimeoutError:
            _log.warning("finding_under_way", reason=reason.value, seconds=WAIT_S_MAX)
        except InfrastructureError as error:
            self._lost.add(1)
            _log.error("finding_unpublished", reason=reason.value, error=error.message)

    def _known(self, reason: Reason, detail: str, record: Record) -> bool:
        """Whether that was found in a record before; it is from now on."""
        about = (reason, detail[:TEXT_CHARS_MAX], record.topic, record.partition, record.offset)
        if about in self._of_records:
            return True
        self._of_records[about] = None
        if len(self._of_records) > RECORDS_MAX:
            del self._of_records[next(iter(self._of_records))]
        return False

    def _finding(self, reason: Reason, detail: str, record: Record | None, now: Micros) -> Finding:
        return Finding(
            service=self._service,
            reason=reason.value,
            detail=detail,
            mend=reason.mend,
            topic=record.topic if record else "",
            partition=record.partition if record else -1,
            offset=record.offset if record else -1,
            digest=digest(record.value or b"") if record else b"",
            at=now,
        )
