"""The registry: every model that policies may name, and its entry as governance signs it.

An entry is counted by its own `entry` number, so that a change of one model is one new record and not one for every model. What
is signed stays signed: a model that is no longer written here is withdrawn by `withdrawn: true`, not by its absence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StrictBool

from interlock.policy.authoring.document import Document
from interlock.policy.authoring.fields import (
    End,
    ModelName,
    Moment,
    Money,
    Name,
    Names,
    SecretReference,
    Text,
    Url,
    one_of,
    whole,
)
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source
from interlock.policy.book import Book, take
from interlock.records import models
from interlock.records.models import Autonomy, Logging, Model, Network, Registration
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.limits import ASSURANCE_MAX, INTEGRITY_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import FOREVER, Micros, to_text

REGISTRY_MODELS_MAX = 1_000
CONTEXT_TOKENS_MAX = 1_000_000_000
RETENTION_DAYS_MAX = 36_500


class Identity(Document):
    """The non-human identity that calls to a model bear."""

    id: Text = Field(examples=["spiffe://example.org/agents/invoice"])
    owner: Name = Field(examples=["oscar"])
    secret_ref: SecretReference = Field(examples=["env:ATLAS_KEY"])
    scopes: Names = Field(examples=["[invoices.read]"])
    assurance: Annotated[int, whole(0, ASSURANCE_MAX)] = Field(examples=["2"])
    rotation_due: Moment = Field(examples=["2027-03-31"])


class DataHandling(Document):
    """What the provider does with the data of a call."""

    classes: Names = Field(examples=["[internal]"])
    regions: Names = Field(examples=["[eu-central]"], min_length=1)
    retention_days: Annotated[int, whole(0, RETENTION_DAYS_MAX)] = Field(examples=["0"])
    logging: Annotated[Logging, one_of(*Logging)] = Field(examples=["metadata"])


class Capability(Document):
    """What a model can do and reach."""

    tools: Names = Field(examples=["[search_invoices]"])
    code_execution: StrictBool = Field(examples=["false"])
    network: Annotated[Network, one_of(*Network)] = Field(examples=["none"])
    modalities: Names = Field(examples=["[text]"], min_length=1)
    context_tokens: Annotated[int, whole(1, CONTEXT_TOKENS_MAX)] = Field(examples=["128000"])
    outputs: Names = Field(examples=["[text, json]"], min_length=1)
    autonomy: Annotated[Autonomy, one_of(*Autonomy)] = Field(examples=["suggest"])
    deterministic: StrictBool = Field(examples=["false"])


class ModelEntry(Document):
    """One model version as served at one endpoint, through named intermediaries, under one identity."""

    entry: Annotated[int, whole(1, 2**31 - 1)] = Field(examples=["1"])
    withdrawn: StrictBool = Field(default=False, examples=["true"])
    version: Text = Field(examples=['"2026-08-01"'])
    provider: Text = Field(examples=["atlas"])
    endpoint: Url = Field(examples=["https://api.example.com/v1"])
    intermediaries: Names = Field(default=(), examples=["[cdn.example.com]"])
    served_as: Text = Field(examples=["atlas-large-2026-08-01"])
    aliases: Names = Field(default=(), examples=["[atlas-large]"])
    identity: Identity
    data: DataHandling
    capability: Capability
    approvals: Names = Field(default=(), examples=["[iso-42001]"])
    integrity: Annotated[int, whole(0, INTEGRITY_MAX)] = Field(default=0, examples=["0"])
    usd_per_mtok: Money = Field(examples=["2.5"])
    retires_at: End = Field(default=FOREVER, examples=["2028-01-31"])


class RegistryDocument(Document):
    """The registry as it is written."""

    models: dict[ModelName, ModelEntry] = Field(min_length=1, max_length=REGISTRY_MODELS_MAX)


def model_of(name: str, entry: ModelEntry) -> Model:
    """One entry as decision and routers see it."""
    return Model(
        name=name,
        version=entry.version,
        provider=entry.provider,
        endpoint=entry.endpoint,
        intermediaries=entry.intermediaries,
        served_as=entry.served_as,
        aliases=entry.aliases,
        identity=models.Identity(**dict(entry.identity)),
        data=models.DataHandling(**dict(entry.data)),
        capability=models.Capability(**dict(entry.capability)),
        approvals=entry.approvals,
        integrity=entry.integrity,
        usd_per_mtok=entry.usd_per_mtok,
        retires_at=entry.retires_at,
    )


def registrations(document: RegistryDocument, deployment: str, issued_at: Micros) -> dict[str, Registration]:
    """What governance signs: one record for every model, by its name."""
    return {
        name: Registration(deployment, entry.entry, model_of(name, entry), entry.withdrawn, issued_at)
        for name, entry in sorted(document.models.items())
    }


@dataclass(frozen=True, slots=True)
class Registered:
    """What governance signed of models: the book of what counts, and why the other files do not."""

    book: Book
    refused: Mapping[str, Refused]

    def warnings(self, source: Source) -> Iterator[Problem]:
        """The files that do not count: nothing narrows what they speak of."""
        for file, why in self.refused.items():
            what = f"the signed entry {file} does not count ({why.reason})"
            yield source.warning((), what, "Have governance sign the registry again.")


def registered(trust: TrustRoot, sealed: Mapping[str, bytes]) -> Registered:
    """Read signed entries.

    Args:
        trust: The trust root.
        sealed: Sealed registrations by the names of their files.
    """
    book, refused = Book.start(trust, b""), {}
    for file, entry in sorted(sealed.items()):
        taken = take(book, entry)
        if isinstance(taken, Refused):
            refused[file] = taken
        else:
            book = taken.book
    return Registered(book, refused)


def check_registry(source: Source, document: RegistryDocument, signed: Registered, now: Micros) -> list[Problem]:
    """Compare the registry with what was signed before, and warn of what no policy can use any more."""
    found = list(signed.warnings(source))
    for name, entry in document.models.items():
        found += _entry_problems(source, name, entry, signed.book)
        found += _end_warnings(source, name, entry, now)
    for name in sorted(set(signed.book.registry) - set(document.models)):
        what = f"{name} was registered and is not written here any more, but stays registered"
        found.append(source.warning(("models",), what, "Write it again, with `withdrawn: true` and a higher `entry`."))
    return sorted(found, key=lambda problem: problem.line)


def _entry_problems(source: Source, name: str, entry: ModelEntry, book: Book) -> Iterator[Problem]:
    held = book.registry.get(name)
    if held is None or entry.entry > held.value.version:
        return
    same = (model_of(name, entry), entry.withdrawn) == (held.value.model, held.value.withdrawn)
    if entry.entry < held.value.version or not same:
        what = f"entry {held.value.version} is signed{'' if same else ', with other content'}"
        yield source.problem(("models", name, "entry"), what, f"Write `entry: {held.value.version + 1}`.")


def _end_warnings(source: Source, name: str, entry: ModelEntry, now: Micros) -> Iterator[Problem]:
    if entry.identity.rotation_due <= now:
        what = f"the credential was to be rotated by {to_text(entry.identity.rotation_due)}"
        path = ("models", name, "identity", "rotation_due")
        yield source.warning(path, what, Reason.ROTATION_OVERDUE.mend)
    if entry.retires_at <= now:
        what = f"the provider serves it only until {to_text(entry.retires_at)}"
        yield source.warning(("models", name, "retires_at"), what, Reason.MODEL_RETIRED.mend)
