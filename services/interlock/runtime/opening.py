"""Reading trust and keys from disk: what a service needs before it can believe or say anything."""

import stat
from pathlib import Path

from interlock.records.codec import decode
from interlock.records.sealing import decode_envelope, open_sealed
from interlock.signing.keys import SigningKey
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.limits import RECORD_BYTES_MAX
from interlock.vocabulary.reasons import Reason

_MEND = "Install the root-1.sealed file that the root's owners signed (`interlock init` makes one)."


def load_trust(path: Path, deployment: str) -> tuple[TrustRoot, bytes]:
    """Read the trust root that the operator installed, for a deployment.

    Returns:
        The root and its event id (32 bytes).

    Raises:
        ConfigurationError: The file is missing, damaged, signed by too few, or for another deployment.
    """
    root, identity = read_trust(path)
    if root.deployment != deployment:
        raise ConfigurationError(
            f"The trust root {path} is for deployment {root.deployment!r}, the settings are for {deployment!r}.",
            "Set `deployment` to the root's, or install the right root.",
        )
    return root, identity


def read_trust(path: Path) -> tuple[TrustRoot, bytes]:
    """Read a trust root, whatever its deployment.

    It is the anchor: nothing older vouches for it, so it must meet its own thresholds.

    Returns:
        The root and its event id (32 bytes).

    Raises:
        ConfigurationError: The file is missing, damaged, or signed by too few.
    """
    try:
        with path.open("rb") as file:
            sealed = file.read(RECORD_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"The trust root {path} cannot be read: {error.strerror}.", _MEND) from error
    envelope = decode_envelope(sealed)
    claimed = Reason.NOT_AN_ENVELOPE if isinstance(envelope, Reason) else decode(envelope.payload, TrustRoot)
    if isinstance(claimed, Reason):
        raise ConfigurationError(f"{path} holds no trust root ({claimed}).", _MEND)
    opened = open_sealed(sealed, claimed, TrustRoot)
    if isinstance(opened, Refused):
        raise ConfigurationError(
            f"The trust root {path} does not vouch for itself: {opened.reason} {opened.detail}.", _MEND
        )
    return claimed, opened.event_id


def load_key(path: Path) -> SigningKey:
    """Read a service's private key, and refuse one that others on the machine can read.

    Raises:
        ConfigurationError: The file is missing, readable by others, or of no kind that counts.
    """
    try:
        mode = path.stat().st_mode
        pem = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The key {path} cannot be read: {error.strerror}.", "Set `key` to the service's PEM file."
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"The key {path} can be read by others.", f"Run: chmod 600 {path}")
    return SigningKey.from_pem(pem)
