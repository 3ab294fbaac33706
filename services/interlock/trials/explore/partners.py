"""Guards that stand behind each other: what each is redundant with, and why both are there."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partner:
    """The other guard, and why one alone would do."""

    name: str
    why: str


PARTNERS: Mapping[str, Partner] = {}
"""By the name of the redundant guard."""
