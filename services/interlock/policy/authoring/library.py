"""The models and the evidence that a draft may draw on."""

from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.registry import model_of
from interlock.records.models import Evidence, Model
from interlock.records.sealing import open_sealed
from interlock.signing.verifier import Refused, Verified


class Library:
    """What can stand on a ladder; evidence that does not verify is kept by name only, to tell of it."""

    def __init__(self, draft: Draft) -> None:
        self.entries = draft.registry.models
        self.refused: dict[str, Refused] = {}
        self._evidence: list[tuple[Verified[Evidence], bytes]] = []
        for file, sealed in sorted(draft.sealed.evidence.items()):
            opened = open_sealed(sealed, draft.trust, Evidence)
            if isinstance(opened, Refused):
                self.refused[file] = opened
            else:
                self._evidence.append((opened, sealed))

    def model(self, name: str) -> Model:
        """The registry's entry as it is approved."""
        return model_of(name, self.entries[name])

    def evidence(self, model: str, profile: str) -> bytes | None:
        """The best evidence for the registered version: the highest level, then the longest valid. None if there is none."""
        wanted = (model, self.entries[model].version, profile)
        fitting = [
            (said.value.level, said.value.expires_at, said.event_id, sealed)
            for said, sealed in self._evidence
            if (said.value.model, said.value.model_version, said.value.profile) == wanted
        ]
        return max(fitting)[3] if fitting else None

    def lacking(self, model: str, profile: str) -> str:
        """Why there is no evidence, in words."""
        version = self.entries[model].version
        others = sorted(
            f"version {said.value.model_version!r} for {said.value.profile}"
            for said, _ in self._evidence
            if said.value.model == model
        )
        refused = [f"{file}: {why.reason}" for file, why in self.refused.items()]
        remarks = [f"there is for {', '.join(others)}"] * bool(others)
        remarks += [f"not counted: {'; '.join(refused)}"] * bool(refused)
        return "; ".join([f"no evidence for {model} version {version!r} and {profile}", *remarks])
