"""What `interlock policy check` cannot know, as it needs no bus: rungs that may not be used because of what the policies topic says.

A model may be denied or withdrawn there, or registered anew. Such a policy counts all the same: it is published, and its people are told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock.cli.policy.parcels import Parcel
from interlock.policy.admissible import Proposal
from interlock.policy.authoring.coverage import cover
from interlock.policy.authoring.signatures import claimed
from interlock.policy.book import Book
from interlock.records.documents import RoutePolicy
from interlock.records.sealing import event_id_of_sealed
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class OutOfUse:
    """One rung of a policy that counts, and why it may not be used now."""

    file: str
    route: RouteId
    model: str
    reason: Reason


def out_of_use(parcels: Sequence[Parcel], book: Book, now: Micros) -> Iterator[OutOfUse]:
    """The rungs of the policies among the parcels that may not be used.

    Args:
        parcels: What was published, or was there already; what does not count is passed over.
        book: What the topic holds.
        now: The time.
    """
    for parcel in parcels:
        record = claimed(parcel.sealed)
        held = book.policies.get(record.agent) if isinstance(record, RoutePolicy) else None
        if held is None or held.event_id != event_id_of_sealed(parcel.sealed):
            continue
        for covered in cover([], {held.value.agent: Proposal(held.value, held.evidence)}, {}, book, now):
            for course in covered.courses:
                for step in course.steps:
                    if step.against is not None:
                        yield OutOfUse(parcel.file, course.route, step.model, step.against)
