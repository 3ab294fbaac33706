"""What others signed before: which record is signed along, and whose signatures it keeps.

People who begin at the same time, each on a machine of his own, compile the same content at two moments, and so sign two different
drafts. The one that was compiled first is then signed along by the others, whoever finds out; so all come to the same bytes without
having spoken. A draft with other content is never signed along: it is told what differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from interlock.cli.policy.diff_text import lines
from interlock.cli.policy.drafts import Written
from interlock.policy.authoring.diff import diff
from interlock.policy.authoring.differences import Difference
from interlock.policy.authoring.signatures import claimed, gather, signed_by
from interlock.records.codec import encode
from interlock.records.documents import RoutePolicy
from interlock.records.models import Registration
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.errors import ConfigurationError, PeerError

Timed = RoutePolicy | Registration
"""What bears the time at which it was compiled."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file that somebody signed.

    Attributes:
        path: Where it is.
        content: Its bytes.
        named: Whether the person named it; else it only stands where the signed file goes.
    """

    path: Path
    content: bytes
    named: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """What is to be signed.

    Attributes:
        record: The record, with the time of the first who signed it.
        sealed: A sealed file with the signatures that it has; None if it has none.
        before: Who signed it before.
        apart: Who signed the same content as another draft, which therefore counts no more.
    """

    record: Written
    sealed: bytes | None = None
    before: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


def begun(record: Written, files: Sequence[Sealed], trust: TrustRoot) -> Begun:
    """Find out what is to be signed.

    Args:
        record: What the person's own files give.
        files: What was signed before.
        trust: Who holds which key.

    Raises:
        ConfigurationError: A file that was named is no draft of this document.
        PeerError: A file holds a newer version, other content, or a signature that does not hold.
    """
    if not isinstance(record, RoutePolicy | Registration):
        return Begun(record, files[0].content if files else None)
    drafts = {file: draft for file in files if (draft := _draft(record, file, trust)) is not None}
    if not drafts:
        return Begun(record)
    first = min(drafts.values(), key=lambda draft: draft.issued_at)
    same = [file.content for file, draft in drafts.items() if draft == first]
    other = [file.content for file, draft in drafts.items() if draft != first]
    sealed = gather(*same)
    before = signed_by(sealed, trust)
    apart = {owner for content in other for owner in signed_by(content, trust)} - before.keys()
    return Begun(first, sealed, tuple(sorted(before)), tuple(sorted(apart)))


def _draft(record: Timed, file: Sealed, trust: TrustRoot) -> Timed | None:
    """The record in a file, if it is this one but for its time; None if it is none that matters any more."""
    earlier = claimed(file.content)
    if not isinstance(earlier, type(record)) or _about(earlier) != _about(record):
        if not file.named:
            return None
        what = f"{file.path} holds no draft of {_about(record)}."
        raise ConfigurationError(what, "Name the .sealed file that somebody else signed of the same document.")
    if earlier.version < record.version:
        if not file.named:
            return None
        raise _older(file.path, earlier, record)
    if earlier.version > record.version:
        raise _newer(file.path, earlier, record)
    if encode(replace(record, issued_at=earlier.issued_at)) != encode(earlier):
        raise _other_content(file, earlier, record, trust)
    broken = [owner for owner, holds in signed_by(file.content, trust).items() if not holds]
    if broken:
        raise PeerError(
            f"{file.path} bears a signature in the name of {' and '.join(broken)} that was made for something else.",
            f"Remove the file, and have {' and '.join(broken)} sign again.",
        )
    return earlier


def _about(record: Timed) -> str:
    return f"the policy of {record.agent}" if isinstance(record, RoutePolicy) else f"the entry of {record.model.name}"


def _counted(record: Timed) -> str:
    return "version" if isinstance(record, RoutePolicy) else "entry"


def _older(path: Path, earlier: Timed, record: Timed) -> PeerError:
    counted = _counted(record)
    return PeerError(
        f"{path} holds {counted} {earlier.version}, and your file is {counted} {record.version}: a signature for an older draft.",
        f"Send who signed it your file, and have {counted} {record.version} signed.",
    )


def _newer(path: Path, earlier: Timed, record: Timed) -> PeerError:
    counted = _counted(record)
    return PeerError(
        f"{path} holds {counted} {earlier.version}, and your file is {counted} {record.version}: an older draft.",
        f"Take over the file of {counted} {earlier.version} and read it; or raise yours above {earlier.version}.",
    )


def _other_content(file: Sealed, earlier: Timed, record: Timed, trust: TrustRoot) -> PeerError:
    who = " and ".join(signed_by(file.content, trust)) or "nobody whom the trust root knows"
    counted, number = _counted(earlier), earlier.version
    what = f"{file.path} holds {counted} {number}, signed by {who}, with other content than your files give"
    anew = f"raise `{counted}` above {number} (or, if nobody has published it, remove {file.path}), and have it signed anew"
    if not (isinstance(earlier, RoutePolicy) and isinstance(record, RoutePolicy)):
        return PeerError(f"{what}.", f"To go on with yours, {anew}.")
    found = diff(earlier, record)
    if not found:
        return PeerError(f"{what}, though nothing in it differs.", "Both sign with the same release of Interlock.")
    told = "\n".join(f"  {line}" for line in lines(found))
    theirs = f"To go on with theirs, take over {_origins(found)} from {who}, read what differs, and sign then"
    return PeerError(f"{what}. From theirs to yours:\n{told}", f"{theirs}. To go on with yours, {anew}.")


_WRITTEN_IN: Mapping[str, str] = {
    "ladder": "the policy",
    "accepted_by": "the policy",
    "equivalent": "the policy",
    "accepted_in_advance": "the policy",
    "evidence": "the signed evidence",
}
"""Where parts of a rung come from; everything else of it is the registry's."""


def _origins(found: Sequence[Difference]) -> str:
    """The files that differ."""
    places = {
        _WRITTEN_IN.get(each.what.partition(".")[0], "the registry") if each.rung else "the policy" for each in found
    }
    return " and ".join(sorted(places))
