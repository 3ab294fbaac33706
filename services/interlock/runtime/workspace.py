"""The files of one deployment's configuration: where each is, and how it is written.

    trust/root-1.sealed      the trust root that its owners signed
    keys/<owner>.pem         private keys, for their owner's eyes only
    keys/agent-<agent>.txt   API keys with which agents call the gateway
    registry.yaml            the models
    registry/<model>.sealed  each model's entry as governance signed it
    evidence/<name>.yaml     what a validator found, and `.sealed` as signed
    policies/<name>.yaml     what is approved for an agent, and `.sealed` as signed
    settings/<service>.toml  one file for each service

In production these parts live on different machines: nobody holds another's key. Beginning on one machine, they share a folder.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path
from typing import Any

from interlock.policy.authoring.draft import SealedFiles
from interlock.runtime.opening import load_key
from interlock.signing.keys import KeyKind, SigningKey
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.limits import DOCUMENT_BYTES_MAX, RECORD_BYTES_MAX

SEALED = ".sealed"
"""The suffix of a signed file."""

_REGISTRY = "registry.yaml"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder, and the places in it."""

    directory: Path

    @classmethod
    def around(cls, file: Path) -> "Workspace":
        """The workspace that a path belongs to: the nearest folder, itself or around it, with a registry.

        Raises:
            ConfigurationError: No folder around the file has one.
        """
        place = file.absolute()
        for folder in (place, *place.parents):
            if (folder / _REGISTRY).is_file():
                return cls(folder)
        raise ConfigurationError(
            f"{file} is in no workspace: no folder around it holds a {_REGISTRY}.",
            "Make a workspace with `interlock init DIR`, or name the files with options.",
        )

    @property
    def registry(self) -> Path:
        """The registry of models."""
        return self.directory / _REGISTRY

    @property
    def registrations(self) -> Path:
        """The folder of signed entries of the registry."""
        return registrations_beside(self.registry)

    @property
    def evidence(self) -> Path:
        """The folder of evidence."""
        return self.directory / "evidence"

    @property
    def policies(self) -> Path:
        """The folder of policies."""
        return self.directory / "policies"

    @property
    def root(self) -> Path:
        """The trust root that all trust starts from."""
        return self.directory / "trust" / f"root-1{SEALED}"

    def settings(self, service: str) -> Path:
        """The settings file of a service."""
        return self.directory / "settings" / f"{service}.toml"

    def key(self, owner: str) -> Path:
        """The private key of an owner."""
        return self.directory / "keys" / f"{owner}.pem"

    def load_key(self, owner: str) -> SigningKey:
        """Read an owner's private key.

        Raises:
            ConfigurationError: It is missing, or others can read it.
        """
        return load_key(self.key(owner))

    def make_keys(self, *owners: str, kind: KeyKind = KeyKind.ED25519) -> dict[str, SigningKey]:
        """Make and write a new key for each owner, readable by nobody else."""
        (self.directory / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)
        made = {owner: SigningKey.generate(kind) for owner in owners}
        for owner, key in made.items():
            _write_secret(self.key(owner), key.to_pem())
        return made

    def make_agent_key(self, agent: str) -> str:
        """Make and write the API key with which an agent calls the gateway, readable by nobody else."""
        key = f"ilk-{secrets.token_urlsafe(32)}"
        _write_secret(self.directory / "keys" / f"agent-{agent}.txt", key.encode())
        return key

    def write(self, path: Path, content: str | bytes) -> Path:
        """Write one file of the workspace whole or not at all; the path, for convenience."""
        return write_whole(path, content.encode() if isinstance(content, str) else content)

    def write_settings(self, service: str, values: Mapping[str, Any]) -> Path:
        """Write the settings of a service as TOML; their paths are relative to the settings file."""
        return self.write(self.settings(service), toml(values))

    def sealed_files(self) -> SealedFiles:
        """What validators and governance signed, by the files' names."""
        return SealedFiles(read_sealed(self.evidence), read_sealed(self.registrations))


def registrations_beside(registry: Path) -> Path:
    """Where the signed entries of a registry stand: in the folder beside it that bears its name."""
    return registry.with_suffix("")


def read_sealed(folder: Path) -> dict[str, bytes]:
    """Every sealed file of a folder, by name.

    Raises:
        ConfigurationError: One of them cannot be read.
    """
    try:
        return {path.name: sealed_bytes(path) for path in sorted(folder.glob(f"*{SEALED}"))}
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error


def sealed_bytes(path: Path) -> bytes:
    """The bytes of one sealed file; never more than is needed to see that it is too much.

    Raises:
        OSError: It cannot be read, or is no plain file.
    """
    return _first_bytes(path, RECORD_BYTES_MAX + 1)


def read_text(path: Path) -> str:
    """Read a file that a person wrote.

    Raises:
        ConfigurationError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error


def read_document(path: Path) -> str:
    """Read YAML that a person wrote, or the like; never more than is needed to see that it is too much.

    Raises:
        ConfigurationError: It cannot be read, is no plain file, is larger than a document may be, or is not UTF-8.
    """
    try:
        content = _first_bytes(path, DOCUMENT_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    if len(content) > DOCUMENT_BYTES_MAX:
        raise ConfigurationError(f"{path} is larger than {DOCUMENT_BYTES_MAX} bytes.", "Split it, or shorten it.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path} is not UTF-8 text: see line {line}.", "Save it as UTF-8.") from error


def _first_bytes(path: Path, most: int) -> bytes:
    """The first bytes of a plain file: a pipe or a device could be read for ever.

    Raises:
        OSError: It cannot be read, or is something else.
    """
    if not path.is_file():
        path.stat()
        raise OSError(EINVAL, "it is no plain file", str(path))
    with path.open("rb") as file:
        return file.read(most)


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Raises:
        ConfigurationError: It cannot be written.
    """
    passing = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        passing.write_bytes(content)
        passing.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", "Choose another folder, or mend its permissions."
        ) from error
    return path


def toml(values: Mapping[str, Any]) -> str:
    """Write settings as TOML: plain values first, then a section for each table and for each table in a list."""
    plain = [f"{key} = {_value(value)}" for key, value in values.items() if not _is_tables(value)]
    sections = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            sections += ["", f"[{key}]", *(f"{name} = {_value(item)}" for name, item in value.items())]
        elif _is_tables(value):
            for table in value:
                sections += ["", f"[[{key}]]", *(f"{name} = {_value(item)}" for name, item in table.items())]
    return "\n".join([*plain, *sections, ""])


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _is_tables(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)
    )


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)
