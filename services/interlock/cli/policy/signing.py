"""Signing one document: checked first, compiled to the same bytes that others signed or will sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.cli.policy.begun import Sealed, begun
from interlock.cli.policy.drafts import Opened, Surroundings, Written, open_document
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.signatures import Lacking, add_signatures, lacking, may_sign
from interlock.records.documents import RoutePolicy
from interlock.records.models import Evidence, Registration
from interlock.runtime.workspace import sealed_bytes, write_whole
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
        before: Who signed the same before.
        apart: Who signed the same content as a draft of his own, which counts no more: he must sign this one.
    """

    paths: tuple[Path, ...]
    problems: list[Problem]
    signed_by: tuple[str, ...] = ()
    missing: tuple[Lacking, ...] = ()
    before: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()

    @property
    def place(self) -> Path | None:
        """The sealed file, or the folder of several; None if nothing was signed."""
        return (self.paths[0] if len(self.paths) == 1 else self.paths[0].parent) if self.paths else None

    def sentence(self) -> str:
        """The outcome in words."""
        if not self.paths:
            return "Nothing was signed."
        entries = f" {len(self.paths)} entries" if len(self.paths) > 1 else ""
        along = f", after {', '.join(self.before)}" if self.before else ""
        rest = f"still missing: {' and '.join(map(str, self.missing))}." if self.missing else "complete."
        sentence = f"{self.place}:{entries} signed by {', '.join(self.signed_by)}{along}; {rest}"
        return f"{sentence}\n{self._others()}" if self.apart else sentence

    def _others(self) -> str:
        who = " and ".join(self.apart)
        return f"{who} signed another draft, compiled later: send {who} this file to sign along, `interlock policy sign --with`."


def sign_document(
    file: Path, around: Surroundings, keys: Sequence[SigningKey], now: Micros, along: Path | None = None
) -> Signed:
    """Check, compile and sign the document, keeping the signatures that its sealed files bear already.

    Args:
        file: The YAML.
        around: What it refers to.
        keys: Who signs.
        now: The time that a record bears if nobody signed it before.
        along: What somebody else signed of the same document, elsewhere.

    Raises:
        ConfigurationError: A file cannot be read or written.
        PeerError: A key may not sign this, or a sealed file of this version has other content.
    """
    opened = open_document(file, around, now)
    theirs = _theirs(along, opened)
    drafts = {path: begun(record, [*_there(path), *theirs], opened.trust) for path, record in opened.records.items()}
    signers = [_signer(key, draft.record, opened.trust) for draft in drafts.values() for key in keys]
    missing: list[Lacking] = []
    for path, draft in drafts.items():
        sealed = add_signatures(draft.record, draft.sealed, *keys)
        write_whole(path, sealed)
        missing += lacking(sealed, draft.record, opened.trust)
    before = {owner for draft in drafts.values() for owner in draft.before} - set(signers)
    apart = {owner for draft in drafts.values() for owner in draft.apart} - set(signers)
    return Signed(
        tuple(drafts),
        opened.problems,
        tuple(dict.fromkeys(signers)),
        tuple(dict.fromkeys(missing)),
        tuple(sorted(before)),
        tuple(sorted(apart)),
    )


def _there(path: Path) -> list[Sealed]:
    try:
        return [Sealed(path, sealed_bytes(path))]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _theirs(along: Path | None, opened: Opened) -> list[Sealed]:
    if along is None:
        return []
    if not all(isinstance(record, RoutePolicy) for record in opened.records.values()):
        raise ConfigurationError(
            "Only a policy is signed along with another file.",
            "Copy the sealed files of the others to where yours go, then sign.",
        )
    try:
        return [Sealed(along, sealed_bytes(along), named=True)]
    except OSError as error:
        mend = "Name the .sealed file that somebody else signed."
        raise ConfigurationError(f"{along} cannot be read: {error.strerror}.", mend) from error


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
