"""Publishing documents: all of them are verified, by the rule that every reader of the topic keeps, before the first is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from interlock.cli.connection import Standing, identity
from interlock.policy.authoring.signatures import claimed, lacking
from interlock.policy.book import Taken, take
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.models import Evidence, Registration
from interlock.runtime.bus import Publisher
from interlock.runtime.workspace import SEALED, Workspace, read_sealed
from interlock.signing.statement import Statement
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import POLICIES


@dataclass(frozen=True, slots=True)
class Parcel:
    """A sealed file, and what is to be done with it.

    Attributes:
        file: Its name.
        sealed: Its bytes.
        key: Its key on the topic.
        refused: Why it does not count; None if it does.
        mend: What to do about that.
        there: Whether the topic holds it already.
        offset: Where it was published, -1 before that.
    """

    file: str
    sealed: bytes
    key: str = ""
    refused: Refused | None = None
    mend: str = ""
    there: bool = False
    offset: int = -1


def collect(paths: Sequence[Path]) -> list[Parcel]:
    """The sealed files that were named; of a workspace its trust roots, registry and policies, of another folder all.

    Raises:
        ConfigurationError: There is nothing to publish, or a file cannot be read.
    """
    found: list[Parcel] = []
    for path in paths:
        if path.is_dir():
            workspace = Workspace(path)
            parts = [workspace.root.parent, workspace.registrations, workspace.policies]
            folders = parts if workspace.root.is_file() else [path]
            found += [
                Parcel(str(folder / name), sealed) for folder in folders for name, sealed in read_sealed(folder).items()
            ]
        else:
            found.append(Parcel(str(path), _bytes(path)))
    if not found:
        raise ConfigurationError(
            "There is no sealed file to publish.", "Sign the policy first: `interlock policy sign`."
        )
    return sorted(found, key=_roots_first)


def _bytes(path: Path) -> bytes:
    mend = f"Name a {SEALED} file, or a folder; `interlock policy sign` makes the sealed file of a policy."
    if path.suffix != SEALED:
        raise ConfigurationError(f"{path} is no {SEALED} file.", mend)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", mend) from error


def _roots_first(parcel: Parcel) -> int:
    record = claimed(parcel.sealed)
    return record.version if isinstance(record, TrustRoot) else 2**31


def address(parcels: Sequence[Parcel], standing: Standing) -> list[Parcel]:
    """Judge each parcel as the readers of the topic will, each after those before it, and write its key on it."""
    book, judged, rivals = standing.book, [], _rivals(parcels)
    for parcel in parcels:
        event = identity(parcel.sealed)
        record = claimed(parcel.sealed)
        if isinstance(record, RoutePolicy) and len(files := rivals[record.agent]) > 1:
            refused = Refused(Reason.EQUIVOCATION, f"{' and '.join(files)} are policies for one agent")
            judged.append(replace(parcel, refused=refused, mend="Publish one policy for each agent."))
        elif event in standing.there:
            judged.append(replace(parcel, there=True))
        elif event == standing.root_id:
            judged.append(replace(parcel, key="root/1"))
        else:
            taken = take(book, parcel.sealed)
            if isinstance(taken, Taken):
                book = taken.book
                judged.append(replace(parcel, key=_key(taken.value)))
            else:
                judged.append(replace(parcel, refused=taken, mend=_mend(parcel.sealed, record, taken, book.trust)))
    return judged


def _rivals(parcels: Sequence[Parcel]) -> Mapping[str, tuple[str, ...]]:
    """By agent, the files that claim to be its policy: two different ones are never published in one go."""
    found: dict[str, dict[bytes, str]] = {}
    for parcel in parcels:
        record = claimed(parcel.sealed)
        if isinstance(record, RoutePolicy):
            found.setdefault(record.agent, {})[identity(parcel.sealed)] = parcel.file
    return {agent: tuple(files.values()) for agent, files in found.items()}


async def send(parcels: Sequence[Parcel], publisher: Publisher) -> list[Parcel]:
    """Publish what is not there yet, in order.

    Raises:
        InfrastructureError: The broker did not take one; publishing again is safe.
    """
    sent = []
    for parcel in parcels:
        if not parcel.there:
            offset = await publisher.publish(POLICIES.name, parcel.key, parcel.sealed, partition=0)
            sent.append(replace(parcel, offset=offset))
        else:
            sent.append(parcel)
    return sent


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
