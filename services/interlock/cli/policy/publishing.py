"""Publishing documents: all of them are judged, by the rule that every reader of the topic keeps, before the first is sent.

Kafka has no transaction over what several people publish from several machines. So after sending, the topic is read back to its end:
the order in which it holds the records decides, and who came second is told so. To publish again is always harmless.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interlock.cli.connection import Standing, read_standing
from interlock.cli.policy.parcels import Parcel
from interlock.cli.policy.rivals import rivalry
from interlock.policy.authoring.signatures import claimed, lacking
from interlock.policy.book import Book, Taken, take
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.models import Evidence, Registration
from interlock.records.sealing import event_id_of_sealed
from interlock.runtime.bus import Bus, Publisher
from interlock.runtime.settings import ServiceSettings
from interlock.signing.statement import Statement
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import POLICIES


@dataclass(frozen=True, slots=True)
class Published:
    """What became of the parcels.

    Attributes:
        parcels: Each of them.
        sent: Whether any was sent; nothing is, if one of them would not count.
        error: What ended it early; None if nothing did.
        book: What the topic holds afterwards; None if that could not be read.
    """

    parcels: Sequence[Parcel]
    sent: bool = False
    error: InfrastructureError | None = None
    book: Book | None = None

    @property
    def refused(self) -> bool:
        """Whether any does not count."""
        return any(parcel.refused for parcel in self.parcels)


async def publish_parcels(parcels: Sequence[Parcel], bus: Bus, settings: ServiceSettings) -> Published:
    """Judge the parcels, send what is not there yet if all of them count, and read back whether they do.

    Raises:
        ConfigurationError: The trust root cannot be read.
        InfrastructureError: The bus cannot be reached; nothing was sent.
    """
    standing = await read_standing(bus, settings)
    judged = address(parcels, standing)
    if any(parcel.refused for parcel in judged):
        return Published(judged, book=standing.book)
    done = await send(judged, await bus.publisher())
    if done.error is not None or not done.sent:
        return replace(done, book=None if done.error else standing.book)
    try:
        standing = await read_standing(bus, settings)
        return Published(read_back(done.parcels, standing), sent=True, book=standing.book)
    except InfrastructureError as error:
        return replace(done, error=error)


def address(parcels: Sequence[Parcel], standing: Standing) -> list[Parcel]:
    """Judge each parcel as the readers of the topic will, each after those before it, and write its key on it."""
    book, judged = standing.book, []
    rivals = rivalry(parcels, standing.book.trust)
    for parcel in parcels:
        record = claimed(parcel.sealed)
        if isinstance(record, RoutePolicy) and record.agent in rivals:
            judged.append(replace(parcel, refused=rivals[record.agent].refused, mend=rivals[record.agent].mend))
        elif _stands(parcel, record, standing):
            judged.append(replace(parcel, there=True, counts=not _replaced(record, standing)))
        elif event_id_of_sealed(parcel.sealed) == standing.root_id:
            judged.append(replace(parcel, key="root/1"))
        else:
            taken = take(book, parcel.sealed)
            if isinstance(taken, Taken):
                book = taken.book
                judged.append(replace(parcel, key=_key(taken.value)))
            else:
                judged.append(replace(parcel, refused=taken, mend=_mend(parcel.sealed, record, taken, book.trust)))
    return judged


def _stands(parcel: Parcel, record: Statement | None, standing: Standing) -> bool:
    """Whether the topic holds it, and it counts or was replaced by a newer one."""
    if event_id_of_sealed(parcel.sealed) not in standing.counted:
        return False
    held = standing.book.policies.get(record.agent) if isinstance(record, RoutePolicy) else None
    return not isinstance(record, RoutePolicy) or (held is not None and held.value.version >= record.version)


def _replaced(record: Statement | None, standing: Standing) -> bool:
    """Whether a newer one counts in place of what the topic holds."""
    book = standing.book
    match record:
        case RoutePolicy():
            held = book.policies.get(record.agent)
            return held is not None and held.value.version > record.version
        case Registration():
            entry = book.registry.get(record.model.name)
            return entry is not None and entry.value.version > record.version
        case TrustRoot():
            return book.trust.version > record.version
    return False


async def send(parcels: Sequence[Parcel], publisher: Publisher) -> Published:
    """Publish what is not there yet, in order, up to the first that the broker does not take."""
    done = list(parcels)
    for place, parcel in enumerate(parcels):
        if parcel.there:
            continue
        try:
            offset = await publisher.publish(POLICIES.name, parcel.key, parcel.sealed, partition=0)
        except InfrastructureError as error:
            done[place] = replace(parcel, unknown=True)
            return Published(done, sent=True, error=error)
        done[place] = replace(parcel, offset=offset)
    return Published(done, sent=any(parcel.offset >= 0 for parcel in done))


def read_back(parcels: Sequence[Parcel], standing: Standing) -> list[Parcel]:
    """Say of each parcel that was sent whether it counts: somebody else's may have come before it."""
    return [parcel if parcel.there else _read_back(parcel, standing) for parcel in parcels]


def _read_back(parcel: Parcel, standing: Standing) -> Parcel:
    if event_id_of_sealed(parcel.sealed) in standing.counted:
        return replace(parcel, counts=True)
    taken = take(standing.book, parcel.sealed)
    refused = taken if isinstance(taken, Refused) else Refused(Reason.NOT_NEWER)
    mend = _mend(parcel.sealed, claimed(parcel.sealed), refused, standing.book.trust)
    return replace(parcel, counts=False, refused=refused, mend=mend)


def _key(record: Statement) -> str:
    match record:
        case TrustRoot():
            return f"root/{record.version}"
        case Registration():
            return f"model/{record.model.name}"
        case RoutePolicy():
            return f"policy/{record.agent}"
        case Denial():
            return f"deny/{record.id}"
    raise AssertionError(f"the book took a {type(record).__name__}")


def _mend(sealed: bytes, record: Statement | None, refused: Refused, trust: TrustRoot) -> str:
    if isinstance(record, Evidence):
        return "Evidence is not published on its own: it travels inside the policies that need it."
    if refused.reason in {Reason.THRESHOLD_NOT_MET, Reason.NO_SIGNATURE} and record is not None:
        missing = " and ".join(str(role) for role in lacking(sealed, record, trust))
        return f"Missing is the signature of {missing}. Each signs with `interlock policy sign`." if missing else ""
    if refused.reason is Reason.EQUIVOCATION and isinstance(record, Registration):
        return "Another entry of this number is published: raise the model's `entry`, then sign the registry and publish again."
    if refused.reason is Reason.EQUIVOCATION:
        return "Another policy of this version is published: raise `version`, then check, sign and publish again."
    return refused.reason.mend
