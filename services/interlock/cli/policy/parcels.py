"""The sealed files that are to be published, and what becomes of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.policy.authoring.signatures import claimed, gather
from interlock.records.sealing import event_id_of_sealed
from interlock.runtime.workspace import SEALED, Workspace, read_sealed, sealed_bytes
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import ConfigurationError


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
        unknown: Whether it was sent, and nobody said what became of it.
        counts: Whether it counts, as read back from the topic, and no newer one in its place; None before that.
    """

    file: str
    sealed: bytes
    key: str = ""
    refused: Refused | None = None
    mend: str = ""
    there: bool = False
    offset: int = -1
    unknown: bool = False
    counts: bool | None = None


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
    return sorted(_gathered(found), key=_roots_first)


def _gathered(parcels: Sequence[Parcel]) -> Iterator[Parcel]:
    """One parcel for each record: files with the very same one, signed by several people apart, give their signatures together."""
    same: dict[bytes, list[Parcel]] = {}
    for place, parcel in enumerate(parcels):
        same.setdefault(event_id_of_sealed(parcel.sealed) or str(place).encode(), []).append(parcel)
    for each in same.values():
        first, *others = each
        sealed = gather(first.sealed, *(other.sealed for other in others))
        yield Parcel(" and ".join(dict.fromkeys(parcel.file for parcel in each)), sealed)


def _bytes(path: Path) -> bytes:
    mend = f"Name a {SEALED} file, or a folder; `interlock policy sign` makes the sealed file of a policy."
    if path.suffix != SEALED:
        raise ConfigurationError(f"{path} is no {SEALED} file.", mend)
    try:
        return sealed_bytes(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", mend) from error


def _roots_first(parcel: Parcel) -> int:
    record = claimed(parcel.sealed)
    return record.version if isinstance(record, TrustRoot) else 2**31
