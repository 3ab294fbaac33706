"""Signing one document: checked first, compiled to the same bytes that others signed or will sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from interlock.cli.drafts import Surroundings, Written, open_document
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.signatures import Lacking, add_signatures, claimed, lacking, may_sign
from interlock.records.codec import encode
from interlock.records.documents import RoutePolicy
from interlock.records.models import Evidence, Registration
from interlock.runtime.workspace import write_whole
from interlock.signing.keys import SigningKey
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.errors import ConfigurationError, PeerError
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Signed:
    """What came of it.

    Attributes:
        paths: The sealed files; empty if the document was not fit to be signed.
        problems: Errors and warnings of the document.
        signed_by: Who signed now.
        missing: The roles that must still sign.
    """

    paths: tuple[Path, ...]
    problems: list[Problem]
    signed_by: tuple[str, ...] = ()
    missing: tuple[Lacking, ...] = ()

    @property
    def place(self) -> Path | None:
        """The sealed file, or the folder of several; None if nothing was signed."""
        return (self.paths[0] if len(self.paths) == 1 else self.paths[0].parent) if self.paths else None

    def sentence(self) -> str:
        """The outcome in words."""
        if not self.paths:
            return "Nothing was signed."
        entries = f" {len(self.paths)} entries" if len(self.paths) > 1 else ""
        rest = f"still missing: {' and '.join(map(str, self.missing))}." if self.missing else "complete."
        return f"{self.place}:{entries} signed by {', '.join(self.signed_by)}; {rest}"


def sign_document(file: Path, around: Surroundings, keys: Sequence[SigningKey], now: Micros) -> Signed:
    """Check, compile and sign the document, keeping the signatures that its sealed files bear already.

    Args:
        file: The YAML.
        around: What it refers to.
        keys: Who signs.
        now: The time that a record bears if nobody signed it before.

    Raises:
        ConfigurationError: A file cannot be read or written.
        PeerError: A key may not sign this, or the sealed file of this version has other content.
    """
    opened = open_document(file, around, now)
    before = {path: _bytes(path) for path in opened.records}
    records = {path: _as_begun(record, before[path], path) for path, record in opened.records.items()}
    signers = [_signer(key, record, opened.trust) for record in records.values() for key in keys]
    missing: list[Lacking] = []
    for path, record in records.items():
        sealed = add_signatures(record, before[path], *keys)
        write_whole(path, sealed)
        missing += lacking(sealed, record, opened.trust)
    return Signed(tuple(records), opened.problems, tuple(dict.fromkeys(signers)), tuple(dict.fromkeys(missing)))


def _as_begun(record: Written, sealed: bytes | None, path: Path) -> Written:
    """The very record that somebody signed before, if this is the same: it bears the time of the first signature."""
    earlier = claimed(sealed) if sealed else None
    if not isinstance(record, RoutePolicy | Registration) or not isinstance(earlier, RoutePolicy | Registration):
        return record
    if earlier.version < record.version:
        return record
    begun = replace(record, issued_at=earlier.issued_at)
    if encode(begun) != encode(earlier):
        raise _other_content(path, earlier)
    return begun


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _other_content(path: Path, earlier: RoutePolicy | Registration) -> PeerError:
    counted = "version" if isinstance(earlier, RoutePolicy) else "entry"
    return PeerError(
        f"{path} holds {counted} {earlier.version} with other content than this file gives.",
        f"Raise `{counted}` above {earlier.version}; or, if nobody has published it, remove {path} and sign again.",
    )


_KINDS: Mapping[type, str] = {
    RoutePolicy: "a policy of this agent",
    Registration: "the registry",
    Evidence: "evidence of this validator",
}


def _signer(key: SigningKey, record: Written, trust: TrustRoot) -> str:
    """The key's owner, if he may sign this."""
    held = trust.key(key.keyid)
    if held is None:
        raise PeerError(
            f"The key {key.keyid[:12]}… is not in the trust root.", "Sign with a key that the trust root names."
        )
    if not may_sign(record, held.owner, trust):
        raise PeerError(
            f"{held.owner} may not sign {_KINDS[type(record)]}.",
            "Have somebody sign whose role it is; see the trust root. A validator signs what is written as `by` him.",
        )
    return held.owner
