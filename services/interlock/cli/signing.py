"""Signing one document: checked first, compiled to the same bytes that others signed or will sign."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.cli.drafts import Surroundings, open_document
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.signatures import Lacking, add_signatures, claimed, lacking, may_sign
from interlock.records.codec import encode
from interlock.records.documents import RoutePolicy
from interlock.records.models import Evidence
from interlock.runtime.workspace import SEALED, write_whole
from interlock.signing.keys import SigningKey
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.errors import ConfigurationError, PeerError
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Signed:
    """What came of it.

    Attributes:
        path: The sealed file; None if the document was not fit to be signed.
        problems: Errors and warnings of the document.
        signed_by: Who signed now.
        missing: The roles that must still sign.
    """

    path: Path | None
    problems: list[Problem]
    signed_by: tuple[str, ...] = ()
    missing: tuple[Lacking, ...] = ()

    def sentence(self) -> str:
        """The outcome in words."""
        if self.path is None:
            return "Nothing was signed."
        rest = f"still missing: {' and '.join(map(str, self.missing))}." if self.missing else "complete."
        return f"{self.path}: signed by {', '.join(self.signed_by)}; {rest}"


def sign_document(file: Path, around: Surroundings, keys: Sequence[SigningKey], now: Micros) -> Signed:
    """Check, compile and sign the document, keeping the signatures that its sealed file bears already.

    Args:
        file: The YAML.
        around: What it refers to.
        keys: Who signs.
        now: The time that the policy bears if nobody signed it before.

    Raises:
        ConfigurationError: A file cannot be read or written.
        PeerError: A key may not sign this, or the sealed file of this version has other content.
    """
    path = file.with_suffix(SEALED)
    before = _bytes(path)
    earlier = claimed(before) if before else None
    opened = open_document(file, around, issued_at=now, now=now)
    if isinstance(opened.record, RoutePolicy) and isinstance(earlier, RoutePolicy):
        if earlier.version > opened.record.version:
            raise _other_content(path, earlier)
        if earlier.version == opened.record.version:
            opened = open_document(file, around, issued_at=earlier.issued_at, now=now)
            if opened.record is not None and encode(opened.record) != encode(earlier):
                raise _other_content(path, earlier)
    if opened.record is None:
        return Signed(None, opened.problems)
    signers = tuple(_signer(key, opened.record, opened.trust) for key in keys)
    sealed = add_signatures(opened.record, before, *keys)
    write_whole(path, sealed)
    return Signed(path, opened.problems, signers, lacking(sealed, opened.record, opened.trust))


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _other_content(path: Path, earlier: RoutePolicy) -> PeerError:
    return PeerError(
        f"{path} holds version {earlier.version} with other content than this file gives.",
        f"Raise `version` above {earlier.version}; or, if nobody has published it, remove {path} and sign again.",
    )


def _signer(key: SigningKey, record: RoutePolicy | Evidence, trust: TrustRoot) -> str:
    """The key's owner, if he may sign this."""
    held = trust.key(key.keyid)
    if held is None:
        raise PeerError(
            f"The key {key.keyid[:12]}… is not in the trust root.", "Sign with a key that the trust root names."
        )
    if not may_sign(record, held.owner, trust):
        kind = "a policy of this agent" if isinstance(record, RoutePolicy) else "evidence"
        raise PeerError(
            f"{held.owner} may not sign {kind}.", "Have somebody sign whose role it is; see the trust root."
        )
    return held.owner
